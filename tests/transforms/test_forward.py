"""Forward mode: exact, and it keeps nothing of the program."""

import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import Primitive
from wengert.errors import RuleMissingError
from wengert.transforms.forward import push


def peak(call: Callable[[], Any]) -> int:
    """Bytes that a call allocates at most at one time."""
    call()
    tracemalloc.start()
    call()
    _, size = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def chain(n: int, x: Any) -> Any:
    for _ in range(n):
        x = np.sin(x) * 1.01 + 0.1
    return np.sum(x)


def writes(n: int, x: Any) -> Any:
    for i in range(n):
        x[i % 100] = x[(i + 1) % 100] * 0.9 + np.sin(x[i % 7])
    return np.sum(x)


@pytest.mark.parametrize("program", [chain, writes])
def test_memory_does_not_grow_with_the_program(program: Any) -> None:
    x = np.linspace(0.0, 1.0, 1000)
    short = peak(lambda: wg.jvp(lambda x: program(100, x), (x,), (x,)))
    long = peak(lambda: wg.jvp(lambda x: program(1000, x), (x,), (x,)))
    assert long < short + 4 * x.nbytes
    assert long < 30 * x.nbytes


def test_values_are_freed_while_the_program_runs() -> None:
    def fun(x: Any) -> Any:
        y = np.sin(x)
        held = weakref.ref(y)
        y = np.cos(y)
        assert held() is None
        return y

    wg.jvp(fun, (np.ones(3),), (np.ones(3),))


def test_values_without_a_tangent_are_plain() -> None:
    seen = []

    def fun(x: Any) -> Any:
        seen.extend([type(np.floor(x)), type(x > 0), type(np.argmax(x)), type(np.zeros_like(np.ones(2)))])
        return x

    wg.jvp(fun, (np.ones(3),), (np.ones(3),))
    assert seen == [np.ndarray, np.ndarray, np.int64, np.ndarray]


def test_none_is_a_zero_tangent() -> None:
    ys, dots = push(lambda x, y: [x * y, y, x], [2.0, 3.0], [np.float64(1.0), None])
    assert ys == [6.0, 3.0, 2.0]
    assert dots == [3.0, None, 1.0]


def test_a_zero_tangent_meets_an_infinite_partial() -> None:
    with np.errstate(all="ignore"):
        _, y_dot = wg.jvp(
            lambda x: np.sqrt(x) + np.where(x > 0, x * np.log(x), 0.0),
            (np.zeros(2),),
            (np.array([0.0, 1.0]),),
        )
    assert y_dot[0] == 0.0
    assert y_dot[1] == np.inf  # a legitimate infinity: sqrt'(0)


def test_a_missing_rule_is_named() -> None:
    prim = Primitive(name="ruleless", doc="x.", eval=lambda x: x)
    with pytest.raises(RuleMissingError, match="'ruleless' has no jvp rule"):
        wg.jvp(prim, (1.0,), (1.0,))


def test_a_long_loop() -> None:
    def fun(x: Any) -> Any:
        for _ in range(20_000):
            x = x * 1.0001
        return x

    y, y_dot = wg.jvp(fun, (2.0,), (1.0,))
    assert y_dot == pytest.approx(1.0001**20_000, rel=1e-11)  # n eps
    assert y == pytest.approx(2 * y_dot, rel=1e-11)

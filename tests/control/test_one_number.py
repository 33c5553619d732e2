"""Loops that one real number moves: the same derivatives in both modes, with nothing kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.control.scan import scan_


def logistic(x: Any) -> Any:
    return wg.fori_loop(0, 9, lambda _, c: 3.7 * c * (1 - c), x)


def states(x: Any) -> Any:
    last, ys = wg.scan(lambda c, _: (np.sin(c) * 1.3, (c, c * c)), x, None, length=6)
    return np.sum(ys[0] * np.arange(6)) + np.sum(ys[1]) + last


def unrolled_states(x: Any) -> Any:
    total, c = 0.0, x
    for k in range(6):
        total = total + c * k + c * c
        c = np.sin(c) * 1.3
    return total + c


def test_against_the_complex_step() -> None:
    h = 1e-200

    def plain(x: complex) -> complex:
        for _ in range(9):
            x = 3.7 * x * (1 - x)
        return x

    assert wg.grad(logistic)(0.3) == pytest.approx(plain(0.3 + h * 1j).imag / h, rel=1e-13)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_all_orders_agree_with_the_loop_written_out(shape: tuple[int, ...]) -> None:
    def summed(fun: Any) -> Any:
        return lambda x: np.sum(fun(x))

    def again(fun: Any) -> Any:
        return summed(wg.grad(summed(fun)))

    x = np.full(shape, 0.4)
    found, expected = summed(lambda x: states(np.sum(x))), summed(lambda x: unrolled_states(np.sum(x)))
    for _ in range(3):
        found, expected = again(found), again(expected)
        np.testing.assert_allclose(found(x), expected(x), rtol=1e-12)


def test_nothing_is_kept() -> None:
    """The graph of the gradient holds one loop, and stacks nothing."""
    graph = wg.jit(wg.grad(logistic)).graph(0.3)
    loops = [node for node in graph.nodes if node.prim is scan_]
    assert len(loops) == 1
    assert all(not y.shape for y in loops[0].outputs)


def test_a_rule_of_the_user_is_used_in_its_own_mode() -> None:
    """One that clips cotangents is not linear: forward mode cannot stand for it."""
    clipped = wg.custom_derivative(lambda x: 3.0 * x).defvjp(
        lambda x: (3.0 * x, None), lambda _, y_bar: (np.clip(y_bar, -1.0, 1.0),)
    )
    loop = lambda x: wg.fori_loop(0, 5, lambda _, c: clipped(c), x)
    assert wg.grad(loop)(1.0) == 1.0


def test_an_undefined_derivative_that_nobody_asks_for() -> None:
    """The state is sqrt(x) at 0, whose derivative is infinite; its cotangent is 0."""
    loop = lambda x: wg.scan(lambda c, _: (c, (np.sqrt(c), 2.0 * c)), x, None, length=2)[1][1].sum()
    with np.errstate(all="ignore"):
        assert wg.grad(loop)(0.0) == 4.0


def test_single_precision_and_complex_numbers() -> None:
    x_bar = wg.grad(logistic)(np.float32(0.3))
    assert x_bar.dtype == np.float32
    square = lambda z: wg.fori_loop(0, 3, lambda _, c: c * c, z)
    real = wg.grad(lambda z: np.real(square(z)))(0.5 + 0.25j)
    expected = wg.grad(lambda z: np.real(((z * z) * (z * z)) * ((z * z) * (z * z))))(0.5 + 0.25j)
    np.testing.assert_allclose(real, expected, rtol=1e-13)

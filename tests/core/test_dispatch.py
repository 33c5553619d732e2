"""Dispatch: the innermost interpreter gets the operation, and interpreters open and close in order."""

import contextvars
import threading
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import Interpreter, Traced, active, bind, innermost
from wengert.core.primitive import Primitive
from wengert.errors import TracerEscapedError


class Spy(Interpreter):
    """Notes what it is handed."""

    __slots__ = ("calls",)
    name = "spy"

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []

    def apply(self, prim: Primitive, xs: Any, params: dict[str, Any]) -> Any:
        self.require_open()
        self.calls.append((prim, *xs))
        return bind(prim, [x.value if self.owns(x) else x for x in xs], params)


double = Primitive(name="double", doc="2 x.", eval=lambda x, times=2.0: times * x)
plus = Primitive(name="plus", doc="a + b.", eval=lambda a, b: a + b)


def test_without_tracers_a_primitive_is_its_eval() -> None:
    assert double(3.0) == 6.0
    assert double(3.0, times=5.0) == 15.0
    assert innermost([1.0, np.ones(2), None]) is None


def test_the_innermost_gets_it_and_passes_it_on() -> None:
    with Spy() as outer, Spy() as inner:
        a, b = Traced(outer, 1.0, None), Traced(inner, 10.0, None)
        nested = Traced(inner, a, None)
        assert plus(a, b) == 11.0
        assert inner.calls == [(plus, a, b)]
        assert outer.calls == [(plus, a, 10.0)]
        assert double(nested) == 2.0
        assert inner.calls[-1] == (double, nested)
        assert outer.calls[-1] == (double, a)
        assert innermost([a, b, 1.0]) is inner
        assert innermost([a, 1.0]) is outer


def test_tags_are_fresh_and_inner_ones_are_higher() -> None:
    first, second = Spy(), Spy()
    assert second.tag > first.tag
    tags: list[int] = []

    def note(x: Any) -> Any:
        tags.append(x.interpreter.tag)
        return x

    derivative = wg.grad(note)
    derivative(1.0)
    derivative(1.0)
    wg.grad(lambda x: note(x) * wg.grad(note)(1.0))(1.0)
    assert len(set(tags)) == 4
    assert tags == sorted(tags)


def test_the_stack() -> None:
    assert active() == ()
    with Spy() as outer:
        assert active() == (outer,)
        with Spy() as inner:
            assert active() == (outer, inner)
            assert outer.open
            assert inner.open
        assert not inner.open
        assert active() == (outer,)
    assert active() == ()


def test_the_stack_is_that_of_the_context() -> None:
    seen: list[Any] = []
    with Spy() as outer:
        thread = threading.Thread(target=lambda: seen.append(active()))
        thread.start()
        thread.join()
        contextvars.copy_context().run(lambda: seen.append(active()))
        contextvars.Context().run(lambda: seen.append(active()))
    assert seen == [(), (outer,), ()]


def test_a_closed_interpreter_refuses() -> None:
    with Spy() as spy:
        x = Traced(spy, 1.0, None)
    with pytest.raises(TracerEscapedError, match="finished spy"):
        double(x)


def test_handles_are_detached_by_copying_them() -> None:
    with Spy() as spy:
        x = Traced(spy, 1.0, "info")
        y = x.detached()
        assert (y.interpreter, y.value, y.info) == (spy, 1.0, "info")
        assert y is not x


@pytest.mark.parametrize(
    "transform",
    [wg.grad, wg.jacfwd, wg.jacrev, wg.elementwise_grad, lambda f: lambda x: wg.vmap(f)(np.ones(1) * x)],
)
def test_an_inner_function_sees_outer_values_as_constants(transform: Any) -> None:
    result = wg.grad(lambda x: np.sum(x * transform(lambda y: y * x)(1.0)))(3.0)
    assert result == (2.0 * 3.0 if transform is not wg.vmap else 6.0)

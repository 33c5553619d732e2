"""Batches: rules of primitives, and what happens where a primitive has none."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import bind
from wengert.core.primitive import Primitive
from wengert.transforms.batching import batch


def _primitive(**rules: Any) -> tuple[Primitive, list[Any]]:
    calls: list[Any] = []

    def evaluate(x: Any, y: Any, *, power: float) -> Any:
        calls.append(np.shape(x))
        return np.sum(x) ** power * y

    return Primitive(name="weigh", doc="(sum x)^p y.", eval=evaluate, **rules), calls


def test_without_a_rule_the_examples_run_one_by_one() -> None:
    prim, calls = _primitive()
    x, y = np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0, 3.0])
    expected = x.sum(1) ** 2.0 * y
    assert np.array_equal(wg.vmap(lambda x, y: prim(x, y, power=2.0))(x, y), expected)
    assert calls == [(2,)] * 3
    assert np.array_equal(wg.vmap(lambda x: prim(x, 2.0, power=2.0))(x), x.sum(1) ** 2 * 2.0)
    assert np.array_equal(wg.vmap(lambda y: prim(x[0], y, power=2.0))(y), y)
    assert wg.vmap(lambda x, y: prim(x, y, power=2.0))(x[:0], y[:0]).shape == (0,)


def test_a_rule_sees_the_batch_axis_in_front() -> None:
    seen: list[Any] = []

    def rule(size: int, xs: Any, batched: Any, *, power: float) -> Any:
        seen.append((size, [np.shape(x) for x in xs], tuple(batched), power))
        return np.ones(size)

    prim, calls = _primitive(batch=rule)
    wg.vmap(lambda x: prim(x, 2.0, power=3.0), in_axes=1)(np.ones((2, 5)))
    wg.vmap(lambda y: wg.vmap(lambda x: prim(x, y, power=1.0))(np.ones((4, 2))))(np.ones(3))
    assert seen[0] == (5, [(5, 2), ()], (True, False), 3.0)
    assert seen[1][:3] == (4, [(4, 2), ()], (True, False))
    assert len(seen) > 1
    assert not calls


def test_several_results_without_a_rule() -> None:
    prim = Primitive(name="both", doc="x and 2 x.", eval=lambda x: (x, 2.0 * x.sum()), multiple=True)
    first, second = wg.vmap(prim)(np.ones((3, 2)))
    assert np.array_equal(first, np.ones((3, 2)))
    assert np.array_equal(second, np.full(3, 4.0))
    first, second = wg.vmap(prim)(np.ones((0, 2)))
    assert (first.shape, second.shape) == ((0, 2), (0,))


def test_the_loop_is_seen_by_outer_transformations() -> None:
    prim = Primitive(
        name="square",
        doc="x^2.",
        eval=lambda x: x * x,
        jvp=lambda xs, dots: (prim(xs[0]), 2.0 * xs[0] * dots[0]),
        vjp=lambda y_bar, site: (2.0 * site.xs[0] * y_bar,),
    )
    x = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(wg.grad(lambda x: np.sum(wg.vmap(prim)(x)))(x), 2 * x)
    assert np.array_equal(wg.vmap(wg.grad(prim))(x), 2 * x)
    assert np.array_equal(wg.vmap(wg.grad(wg.grad(prim)))(x), np.full(3, 2.0))
    assert np.array_equal(wg.jvp(wg.vmap(prim), (x,), (x,))[1], 2 * x * x)
    assert np.array_equal(wg.vmap(wg.vmap(prim))(np.outer(x, x)), np.outer(x, x) ** 2)


def test_results_are_lowered_along_an_axis() -> None:
    interpreter, (same, y) = batch(lambda x: [np.ones(2), x * 2.0], [np.ones((2, 3))], [1], 3)
    assert interpreter.lower(y, 0).shape == (3, 2)
    assert interpreter.lower(y, 1).shape == (2, 3)
    assert interpreter.lower(same, 1).shape == (2, 3)
    assert interpreter.lower(same, None) is same


def test_locally_constant_functions_run_on_each_example() -> None:
    x = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 0.0]])
    found = wg.vmap(lambda r: (np.argsort(r), np.argmax(r), np.searchsorted(np.array([0.5, 2.5]), r)))(x)
    assert np.array_equal(found[0], np.argsort(x, axis=1))
    assert np.array_equal(found[1], [0, 1])
    assert np.array_equal(found[2], np.searchsorted([0.5, 2.5], x))


def test_a_held_constant_can_be_written_to() -> None:
    def fun(x: Any) -> Any:
        buffer = np.zeros(3, like=x)
        buffer[1:] = x
        return buffer

    constant = np.arange(4.0).reshape(2, 2)
    assert np.array_equal(wg.vmap(fun)(constant), np.hstack([np.zeros((2, 1)), constant]))


@pytest.mark.parametrize("size", [1, 3])
def test_params_are_handed_on(size: int) -> None:
    prim, _ = _primitive()
    found = wg.vmap(lambda x: bind(prim, (x, 1.0), {"power": 0.0}))(np.ones((size, 2)))
    assert np.array_equal(found, np.ones(size))

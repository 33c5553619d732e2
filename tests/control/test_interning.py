"""Equal bodies are one graph; bodies that differ in anything are not."""

from __future__ import annotations

import gc
import weakref

import numpy as np

import wengert as wg
from wengert.control import interning
from wengert.transforms.staging import stage
from wengert.types import ArrayType

FLOAT = ArrayType((), np.dtype(float))


def body(table, factor=2.0, types=(FLOAT,)):
    return interning.interned(stage(lambda *xs: [np.sum(xs[0] * factor * table)], types, "body")[0])


def test_equal_bodies_are_one_graph():
    table = np.ones(3)
    first, *others = [body(table) for _ in range(3)]
    assert all(other is first for other in others)
    assert body(table, factor=3.0) is not first
    assert body(table, types=(ArrayType((), np.dtype(np.float32)),)) is not first
    table[0] = 2.0
    assert body(table) is not first


def test_what_is_closed_over_may_change():
    table, scale = np.ones(3), [2.0]

    def fun(x):
        return np.sum(wg.fori_loop(0, 2, lambda _, y: y * table * scale[0], x))

    x = np.ones(3)
    for _ in range(2):
        np.testing.assert_array_equal(wg.grad(fun)(x), (table * scale[0]) ** 2)
    table[1] = 5.0
    np.testing.assert_array_equal(wg.grad(fun)(x), (table * scale[0]) ** 2)
    scale[0] = 3.0
    np.testing.assert_array_equal(wg.grad(fun)(x), (table * scale[0]) ** 2)
    np.testing.assert_array_equal(wg.jit(wg.grad(fun))(x), (table * scale[0]) ** 2)


def test_signs_of_zero_are_told_apart():
    loops = [wg.fori_loop(0, 1, lambda _, y, zero=zero: y * 0.0 + zero, -1.0) for zero in (0.0, -0.0)]
    assert [bool(np.signbit(y)) for y in loops] == [False, True]


def test_few_graphs_are_kept_and_no_large_ones():
    size = len(interning._kept)
    for k in range(2 * interning._MOST):
        body(np.ones(1), factor=float(k))
    assert size <= interning._MOST
    assert len(interning._kept) == interning._MOST
    table = np.ones(1 << 13)
    before = list(interning._kept)
    assert body(table) is not body(table)
    assert list(interning._kept) == before


def gradient_with_a_rule():
    """Differentiate a loop around a rule; return a weak reference to that."""

    def bwd(y, y_bar):
        return (y_bar * y,)

    fun = wg.custom_derivative(np.exp)
    fun.defvjp(lambda x: (np.exp(x), np.exp(x)), bwd)
    assert wg.grad(lambda x: wg.fori_loop(0, 2, lambda _, y: fun(y), x))(0.0) == np.exp(1.0)
    return weakref.ref(bwd)


def test_functions_of_the_user_are_not_kept_alive():
    rule = gradient_with_a_rule()
    gc.collect()
    assert rule() is None

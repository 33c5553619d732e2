"""Calls of NumPy in graphs: what they hold, and what they do not."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import wengert as wg

CALLS = {
    "array_equal": lambda x: np.where(np.array_equal(x, x), 1.0, 0.0) * np.sum(x),
    "nonzero": lambda x: np.sum(x[np.nonzero(x > 0)[0]]),
    "histogram": lambda x: np.sum(np.searchsorted(np.sort(x), x) * x),
    "isin": lambda x: np.sum(np.where(np.isin(x, [1.0, 2.0]), x, 0.0)),
    "argsort": lambda x: np.sum(x[np.argsort(x)] * np.arange(4.0)),
}
LOOPED = {
    "fori_loop": lambda x: wg.fori_loop(0, 3, lambda _, y: y * np.sum(x), np.sum(x)),
    "while_loop": lambda x: wg.while_loop(lambda y: y < 9, lambda y: y + np.max(x), np.sum(x)),
    "cond": lambda x: wg.cond(np.sum(x) > 0, lambda x: x[0], lambda x: x[1], x),
}


@pytest.mark.parametrize("form", [wg.jit, lambda f: wg.jit(wg.grad(f)), lambda f: wg.grad(wg.jit(f))])
@pytest.mark.parametrize("name", [*CALLS, *LOOPED])
def test_a_compiled_function_holds_neither_tracers_nor_operands(name, form):
    fun, seen = {**CALLS, **LOOPED}[name], []

    def watched(x):
        seen.append(weakref.ref(x))
        return fun(x)

    compiled, x = form(watched), np.array([1.0, -2.0, 2.0, 3.0])
    operand = weakref.ref(x)
    expected = compiled(x.copy())
    np.testing.assert_array_equal(compiled(x), expected)
    del x
    gc.collect()
    assert operand() is None
    assert all(tracer() is None for tracer in seen)

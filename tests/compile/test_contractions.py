"""Sums of products as tiles or as routines of BLAS: which one, and that results are those of the sum.

A sum of k products is off by at most about k eps times the sum of their sizes (Higham, Accuracy and Stability, 3.1).
"""

from __future__ import annotations

import numpy as np
import pytest

from wengert.compile.compiled import Native
from wengert.compile.kernel import Multiply
from wengert.compile.kernel_check import check
from wengert.compile.statements import walk
from wengert.transforms.staging import stage
from wengert.types import type_of

CASES = {
    "rows of a matrix": (lambda a, x: a @ x, (200, 300), (300,), None),
    "columns of a matrix": (lambda a, x: x @ a, (200, 300), (200,), "gemv"),
    "columns, transposed": (lambda a, x: a.T @ x, (200, 300), (200,), "gemv"),
    "columns, one column": (lambda a, x: a.T @ x, (200, 300), (200, 1), "gemv"),
    "columns, one row": (lambda a, x: x @ a, (200, 300), (1, 200), "gemv"),
    "columns of a stack": (lambda a, x: np.einsum("sij,si->sj", a, x), (2, 200, 300), (2, 200), "gemv"),
    "a short vector": (lambda a, x: x @ a, (20, 30), (20,), None),
    "a matrix and its transpose": (lambda a, _: a @ a.T, (180, 190), (1,), "syrk"),
    "a transpose and its matrix": (lambda a, _: a.T @ a, (180, 190), (1,), "syrk"),
    "a stack and its transposes": (lambda a, _: a @ np.swapaxes(a, 1, 2), (2, 180, 190), (1,), "syrk"),
    "a small transpose and its matrix": (lambda a, _: a.T @ a, (30, 20), (1,), "tiles"),
    "a small matrix and its transpose": (lambda a, _: a @ a.T, (20, 30), (1,), "tiles"),
    "a matrix and itself": (lambda a, _: a @ a, (180, 180), (1,), "tiles"),
    "two matrices": (lambda a, b: a.T @ b, (90, 80), (90, 70), "tiles"),
    "a matrix and few columns": (lambda a, b: a @ b, (90, 80), (80, 5), "tiles"),
    "many terms": (lambda a, b: a.T @ b, (1300, 5), (1300, 9), "tiles"),
    "many terms, not to be cut": (lambda a, b: a.T @ b, (1301, 5), (1301, 9), "tiles"),
    "a second factor with contiguous columns": (lambda a, b: a @ b.T, (80, 90), (70, 90), "gemm"),
    "the same with many rows": (lambda a, b: a @ b.T, (900, 30), (20, 30), "tiles"),
    "too large for the cache": (lambda a, b: a @ b, (5, 800), (800, 1200), "gemm"),
    "two that are added": (lambda a, b: a @ b + (2 * a) @ b, (90, 80), (80, 70), "tiles"),
    "columns of the result": (lambda a, b: (a @ b).T, (70, 80), (80, 90), "gemm"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products(name, dtype):
    fun, *shapes, routine = CASES[name]
    rng = np.random.default_rng(3)
    xs = [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]
    native = Native(stage(lambda *xs: [fun(*xs)], [type_of(x) for x in xs], "product")[0])
    check(native.program)
    called = {word for word in ("gemm", "gemv", "syrk") if word in native.text}
    tiles = {"tiles" for statement in walk(native.program.body) if isinstance(statement, Multiply)}
    assert called | tiles == ({routine} if routine else set())
    (found,) = native.flat(xs)(*xs)
    expected, sizes = fun(*xs), fun(*map(np.abs, xs))
    assert found.dtype == dtype
    assert (np.abs(found - expected) <= 2 * 1301 * np.finfo(dtype).eps * sizes).all()

"""Products of matrices that are large enough for BLAS: every way round, of both precisions, of views and of stacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert.compile.compiled import Native
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

N, M, K = 20, 30, 40
FORMS = {
    "plain": (lambda a, b: a @ b, (N, K), (K, M)),
    "left turned": (lambda a, b: a.T @ b, (K, N), (K, M)),
    "right turned": (lambda a, b: a @ b.T, (N, K), (M, K)),
    "both turned": (lambda a, b: a.T @ b.T, (K, N), (M, K)),
    "result turned": (lambda a, b: (a @ b).T, (N, K), (K, M)),
    "all turned": (lambda a, b: (a.T @ b.T).T, (K, N), (M, K)),
    "by names": (lambda a, b: np.einsum("ji,kj->ki", a, b), (K, N), (M, K)),
    "with itself": (lambda a, b: a.T @ a + b, (K, N), (N, N)),
    "of views": (lambda a, b: a[::2, 1:] @ b[::-1], (2 * N, K + 1), (K, M)),
    "of results": (lambda a, b: (a * 2.0) @ (b + 1.0), (N, K), (K, M)),
    "a stack": (lambda a, b: a @ b, (3, N, K), (3, K, M)),
    "a stack, turned": (lambda a, b: a.swapaxes(1, 2) @ b, (3, K, N), (3, K, M)),
    "one with a stack": (lambda a, b: a @ b, (N, K), (3, K, M)),
    "a row": (lambda a, b: a @ b, (200,), (200, M)),
    "a column": (lambda a, b: a @ b, (M, 200), (200,)),
    "two axes": (lambda a, b: np.tensordot(a, b, 2), (N, 5, 8), (5, 8, M)),
    "outer": (lambda a, b: np.einsum("i,j->ji", a, b), (60,), (50,)),
    "into a part": (lambda a, b: np.concatenate([a @ b, b[:1]]), (N, K), (K, M)),
    "of two": (lambda a, b: a @ (b @ b.T) @ a.T, (N, K), (K, M)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FORMS)
def test_products(name: str, dtype: Any) -> None:
    """A sum of k products is off by at most about k eps times the sum of their sizes (Higham, section 3.5)."""
    fun, *shapes = FORMS[name]
    rng = np.random.default_rng(len(name))
    xs = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    graph = simplify(stage(lambda *ys: [fun(*ys)], [type_of(x) for x in xs], "product")[0])
    (found,) = Native(graph).flat(xs)(*xs)
    exact = fun(*[x.astype(np.longdouble) for x in xs])
    sizes = fun(*[np.abs(x).astype(np.longdouble) for x in xs])
    assert (found.dtype, found.shape) == (dtype, exact.shape)
    assert np.all(np.abs(found - exact) <= 2 * 200 * np.finfo(dtype).eps * np.abs(sizes))


@pytest.mark.parametrize("name", [name for name in FORMS if name not in {"of views", "of results", "of two"}])
def test_whole_numbers_are_exact(name: str) -> None:
    fun, *shapes = FORMS[name]
    rng = np.random.default_rng(len(name))
    xs = [rng.integers(-9, 10, shape).astype(float) for shape in shapes]
    graph = simplify(stage(lambda *ys: [fun(*ys)], [type_of(x) for x in xs], "product")[0])
    (found,) = Native(graph).flat(xs)(*xs)
    np.testing.assert_array_equal(found, fun(*xs))

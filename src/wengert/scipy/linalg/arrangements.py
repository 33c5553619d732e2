"""Matrices that arrange given entries: Toeplitz, Hankel, circulant, companion, block diagonal, Khatri-Rao."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from wengert.core.numpy_protocol import operand
from wengert.ops.products import conjugate
from wengert.scipy.mirror import mirrors
from wengert.types import Array, type_of

__all__ = ["block_diag", "circulant", "companion", "hankel", "khatri_rao", "toeplitz"]


def _entries(x: Array) -> Array:
    return np.atleast_1d(operand(x))


@mirrors(linalg.toeplitz)
def toeplitz(c: Array, r: Array | None = None) -> Array:
    """Entry (i, j) is c[i - j] on and below the diagonal, r[j - i] above; r is the conjugate of c if absent."""
    c = _entries(c)
    r = conjugate(c) if r is None else _entries(r)
    m, n = np.shape(c)[-1], np.shape(r)[-1]
    line = np.concatenate((np.flip(r[..., 1:], -1), c), axis=-1)
    return line[..., np.arange(m)[:, np.newaxis] - np.arange(n) + n - 1]


@mirrors(linalg.circulant)
def circulant(c: Array) -> Array:
    """Entry (i, j) is c[i - j], around the end."""
    c = _entries(c)
    n = np.shape(c)[-1]
    return c[..., (np.arange(n)[:, np.newaxis] - np.arange(n)) % n]


@mirrors(linalg.hankel)
def hankel(c: Array, r: Array | None = None) -> Array:
    """Entry (i, j) is c[i + j] as far as c goes, then r; zero if r is absent."""
    c = _entries(c)
    r = np.zeros(np.shape(c), type_of(c).dtype) if r is None else _entries(r)
    m, n = np.shape(c)[-1], np.shape(r)[-1]
    line = np.concatenate((c, r[..., 1:]), axis=-1)
    return line[..., np.arange(m)[:, np.newaxis] + np.arange(n)]


@mirrors(linalg.companion)
def companion(a: Array) -> Array:
    """First row -a[1:] / a[0], ones below the diagonal."""
    a = _entries(a)
    n = np.shape(a)[-1]
    if n < 2:
        message = "The length of `a` along the last axis must be at least 2."
        raise ValueError(message)
    first = (-a[..., 1:] / (1.0 * a[..., :1]))[..., np.newaxis, :]
    ones = np.broadcast_to(np.eye(n - 2, n - 1, dtype=first.dtype), (*np.shape(a)[:-1], n - 2, n - 1))
    return np.concatenate((first, ones), axis=-2)


@mirrors(linalg.block_diag)
def block_diag(*arrs: Array) -> Array:
    """Blocks along the diagonal, zeros elsewhere; their stacks broadcast."""
    blocks = [np.atleast_2d(operand(x)) for x in arrs]
    stack = np.broadcast_shapes(*[np.shape(x)[:-2] for x in blocks])
    dtype = np.result_type(*[type_of(x).dtype for x in blocks])
    width, before, rows = sum(np.shape(x)[-1] for x in blocks), 0, []
    for x in blocks:
        m, n = np.shape(x)[-2:]
        parts = (
            np.zeros((*stack, m, before), dtype),
            np.broadcast_to(x, (*stack, m, n)),
            np.zeros((*stack, m, width - before - n), dtype),
        )
        rows.append(np.concatenate(parts, axis=-1))
        before += n
    return np.concatenate(rows, axis=-2)


@mirrors(linalg.khatri_rao)
def khatri_rao(a: Array, b: Array) -> Array:
    """Kronecker products of the columns."""
    a, b = operand(a), operand(b)
    if np.shape(a)[-1] != np.shape(b)[-1]:
        message = "The number of columns for both arrays should be equal."
        raise ValueError(message)
    c = a[..., :, np.newaxis, :] * b[..., np.newaxis, :, :]
    return np.reshape(c, (*np.shape(c)[:-3], -1, np.shape(c)[-1]))

"""Parts of matrices that the rules of linear algebra share; the leading axes of every operand are a stack of matrices.

The rules pair cotangents and tangents by <x_bar, x_dot> = Re sum(x_bar * x_dot), without conjugation, so that

    y = B x D  with constant B, D    x_bar = B^T y_bar D^T           (plain transposes)
    y = x^H                          x_bar = y_bar^H

and every adjoint in these files follows from its tangent by these two lines.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wengert.ops.products import conjugate
from wengert.types import Array, ArrayType, type_of

__all__ = [
    "Samples",
    "adjoint",
    "diagonal",
    "divide_right",
    "hermitian",
    "inexact",
    "infer_stack",
    "inverse_gaps",
    "lower_half",
    "matrices",
    "quotient",
    "transpose",
    "upper_half",
    "well_conditioned",
    "zeros_like",
]

Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]


# Transposes and triangles ---------------------------------------------------------------


def transpose(x: Array) -> Array:
    """Return the transposes of a stack of matrices."""
    return np.swapaxes(x, -1, -2)


def adjoint(x: Array) -> Array:
    """Return the conjugate transposes of a stack of matrices."""
    return transpose(conjugate(x))


def diagonal(x: Array) -> Array:
    """Return the diagonals of a stack of matrices."""
    return np.diagonal(x, axis1=-2, axis2=-1)


def lower_half(x: Array) -> Array:
    """Return the strictly lower triangle and half of the diagonal; zero above, whatever stands there."""
    return _half(x, lower=True)


def upper_half(x: Array) -> Array:
    """Return the strictly upper triangle and half of the diagonal; zero below, whatever stands there."""
    return _half(x, lower=False)


def _half(x: Array, *, lower: bool) -> Array:
    keep, weights = _half_weights(np.shape(x)[-1], _real(type_of(x).dtype))
    if not lower:
        keep, weights = keep.T, weights.T
    return np.where(keep, x, 0.0) * weights


@functools.lru_cache(maxsize=16)
def _half_weights(n: int, dtype: np.dtype[Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Where the strict lower triangle and the diagonal are, and 1 and 1/2 there; read, never written."""
    keep, weights = np.tri(n, dtype=bool), np.tri(n, dtype=dtype)
    np.fill_diagonal(weights, 0.5)
    keep.setflags(write=False)
    weights.setflags(write=False)
    return keep, weights


def hermitian(x: Array, half: Callable[[Array], Array]) -> Array:
    """Return the Hermitian matrix that LAPACK reads from one triangle; the diagonal counts by its real part.

    The map is linear over the reals, h(x) = half(x) + half(x)^H, and its adjoint is half(y_bar + y_bar^H).
    """
    part = half(x)
    return part + adjoint(part)


# Quotients ------------------------------------------------------------------------------


def divide_right(x: Array, a: Array) -> Array:
    """Return X A^-1."""
    return transpose(np.linalg.solve(transpose(a), transpose(x)))


def quotient(x: Array, y: Array) -> Array:
    """Return x / y, and 0 where y is 0."""
    zero = y == 0
    return np.where(zero, 0.0, x / np.where(zero, 1.0, y))


def inverse_gaps(w: Array, equal: Any = None) -> Array:
    """Return 1 / (w_j - w_i) in row i and column j, and 0 where the two are equal.

    Equal means, if it is not given: closer than n eps max|w|. That is the accuracy of the w that LAPACK
    computes (Anderson et al. 1999, LAPACK Users' Guide, section 4.7), so that closer ones are not told apart.
    When 0 is right is said in `repeated_values`.
    """
    gap = w[..., np.newaxis, :] - w[..., :, np.newaxis]
    if equal is None:
        n, eps = np.shape(w)[-1], float(np.finfo(w.dtype).eps)
        size = np.max(np.abs(w), axis=-1, keepdims=True, initial=0.0)[..., np.newaxis]
        equal = np.abs(gap) <= n * eps * size
    return np.where(equal, 0.0, 1.0 / np.where(equal, 1.0, gap))


# Types ----------------------------------------------------------------------------------


def _real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.finfo(dtype).dtype if dtype.kind in "fc" else np.dtype(np.float64)


def inexact(*types: ArrayType) -> np.dtype[Any]:
    """Return the dtype of a result of numpy.linalg: integers count as float64."""
    return np.result_type(*[t.dtype if t.dtype.kind in "fc" else np.float64 for t in types])


def infer_stack(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return the `infer` rule of a function of one stack of matrices: it is asked what it makes of an empty stack."""

    def infer(t: ArrayType, **params: Any) -> Any:
        y = fun(np.empty((0, *t.shape), t.dtype), **params)
        if isinstance(y, tuple):
            return tuple(ArrayType(part.shape[1:], part.dtype) for part in y)
        return ArrayType(y.shape[1:], y.dtype)

    return infer


def zeros_like(x: Array) -> Array:
    """Return plain zeros in the shape and type of a value or tracer."""
    return np.zeros(np.shape(x), x.dtype)


# Samples --------------------------------------------------------------------------------


def matrices(*shapes: tuple[int, ...], **params: Any) -> Callable[[np.random.Generator], Samples]:
    """Return samples of one well-conditioned operand in several shapes, with singular values and eigenvalues apart."""

    def samples(rng: np.random.Generator) -> Samples:
        for shape in shapes:
            yield (well_conditioned(rng, shape),), dict(params)

    return samples


def well_conditioned(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return random matrices with a dominant diagonal 3, 6, 9, ..."""
    m, n = shape[-2:]
    return rng.uniform(-0.5, 0.5, shape) + np.eye(m, n) * 3.0 * np.arange(1, n + 1)

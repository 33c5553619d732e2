"""Norms and what is measured with them: norm, vector_norm, matrix_norm, cond, matrix_rank."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.numpy_protocol import implements, zero_derivative
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import masked, spread
from wengert.ops.matrix_parts import Samples, inexact, quotient
from wengert.ops.products import conjugate
from wengert.ops.reduction import behind_batch, reduced, restore
from wengert.types import Array, ArrayType, type_of

__all__ = ["vector_norm_"]

zero_derivative(np.linalg.matrix_rank)


# vector_norm ----------------------------------------------------------------------------
# y = (sum |x|^p)^(1/p), finite p other than 0. With d|x| = Re(conj(x) x_dot) / |x|:
#   y_dot = Re sum(u * x_dot),   x_bar = y_bar u,   u = conj(x)/y (|x|/y)^(p - 2)
# At x = 0 the norm has a kink, and u is 0 there: the subgradient of least length, as for abs; so norm(x)**2, which is
# smooth, has gradient 0 there. Its Hessian there is lost and comes out as 0: no rule sees that y_bar is 2 y.
# At a single zero entry u is 0 for p > 1, and by the same convention for p <= 1: `masked` says so, since its second
# factor is infinite for p < 2.
# All factors are homogeneous of degree 0, so nothing overflows that y did not.


def _direction(x: Array, y: Array, p: float, axis: tuple[int, ...]) -> Array:
    """Return u."""
    y = restore(y, x, axis)
    u = quotient(conjugate(x), y)
    if p == 2:
        return u
    with np.errstate(all="ignore"):
        return masked(u, quotient(np.abs(x), y) ** (p - 2))


def _vector_norm_jvp(
    xs: Sequence[Array], x_dots: Sequence[Array], *, ord: float, axis: tuple[int, ...], keepdims: bool
) -> tuple[Array, Array]:
    (x,), (x_dot,) = xs, x_dots
    y = vector_norm_(x, ord=ord, axis=axis, keepdims=keepdims)
    y_dot = np.sum(np.real(_direction(x, y, ord, axis) * x_dot), axis=axis, keepdims=keepdims)
    return y, spread(y_dot, y)


def _vector_norm_vjp(
    y_bar: Array, site: Site, *, ord: float, axis: tuple[int, ...], keepdims: bool
) -> list[Array]:
    (x,) = site.xs
    return [restore(y_bar, x, axis) * _direction(x, site.y, ord, axis)]


def _vector_norm_infer(t: ArrayType, *, ord: float, axis: tuple[int, ...], keepdims: bool) -> ArrayType:
    return ArrayType(reduced(t.shape, axis, keepdims=keepdims), np.finfo(inexact(t)).dtype)


def _vector_norm_samples(rng: np.random.Generator) -> Samples:
    for shape, axis, keepdims in (
        ((4,), (0,), False),
        ((2, 3), (1,), True),
        ((2, 3), (0, 1), False),
        ((2, 3, 2), (2, 0), True),
        ((), (), False),
        ((0, 2), (0,), False),
        ((2, 0), (0,), False),
    ):
        for p in (2, 3, 2.5, 1.5, 0.5, -1):
            if p > 0 or 0 not in shape:
                x = np.asarray(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape))
                yield (x,), {"ord": p, "axis": axis, "keepdims": keepdims}


vector_norm_: Primitive = define(
    name="vector_norm",
    doc="The p-norm over some axes, for finite p other than 0; its derivative at x = 0 is 0.",
    eval=np.linalg.vector_norm,
    infer=_vector_norm_infer,
    jvp=_vector_norm_jvp,
    vjp=_vector_norm_vjp,
    batch=lambda _size, xs, _batched, *, axis, **rest: vector_norm_(xs[0], axis=behind_batch(axis), **rest),
    samples=_vector_norm_samples,
    complex=True,
)


def _vector(x: Array, ord: Any, axis: tuple[int, ...], *, keepdims: bool) -> Array:
    """Norm of the vectors along some axes together."""
    if isinstance(ord, str):
        message = f"Invalid norm order '{ord}' for vectors"
        raise ValueError(message)  # noqa: TRY004 - as NumPy does
    if ord == 0:
        return np.sum(np.astype(x != 0, np.finfo(inexact(type_of(x))).dtype), axis=axis, keepdims=keepdims)
    if ord == 1 or (ord == np.inf and np.size(x) == 0):
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if ord in {np.inf, -np.inf}:
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    return vector_norm_(x, ord=ord, axis=axis, keepdims=keepdims)


# Norms of matrices, as compositions -----------------------------------------------------


def _matrix(x: Array, ord: Any, axis: tuple[int, int], *, keepdims: bool) -> Array:
    """Norm of the matrices whose rows and columns lie along two axes."""
    if ord in {None, "fro", "f"}:
        return vector_norm_(x, ord=2, axis=axis, keepdims=keepdims)
    if ord not in _MATRIX_NORMS:
        message = "Invalid norm order for matrices."
        raise ValueError(message)
    y = _MATRIX_NORMS[ord](np.moveaxis(x, axis, (-2, -1)))
    return np.expand_dims(y, axis) if keepdims else y


def _largest(x: Array) -> Array:
    """Return the maximum along the last axis, 0 of nothing."""
    return np.max(x, axis=-1) if np.shape(x)[-1] else np.sum(x, axis=-1)


_MATRIX_NORMS: dict[Any, Any] = {
    1: lambda x: _largest(np.sum(np.abs(x), axis=-2)),
    -1: lambda x: np.min(np.sum(np.abs(x), axis=-2), axis=-1),
    np.inf: lambda x: _largest(np.sum(np.abs(x), axis=-1)),
    -np.inf: lambda x: np.min(np.sum(np.abs(x), axis=-1), axis=-1),
    2: lambda x: _largest(np.linalg.svdvals(x)),
    -2: lambda x: np.min(np.linalg.svdvals(x), axis=-1),
    "nuc": lambda x: np.sum(np.linalg.svdvals(x), axis=-1),
}


@implements(np.linalg.norm)
def norm(x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """Bind `vector_norm` or compose the norm of a matrix: by the number of axes, or of all of them for ord=None."""
    x = _floating(x)
    ndim = np.ndim(x)
    if axis is None and ord is None:
        return vector_norm_(x, ord=2, axis=tuple(range(ndim)), keepdims=keepdims)
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (operator.index(axis),)
    axes = tuple(normalize_axis_index(i, ndim) for i in axes)
    if len(axes) == 1:
        return _vector(x, 2 if ord is None else ord, axes, keepdims=keepdims)
    if len(axes) != 2:
        message = "Improper number of dimensions to norm."
        raise ValueError(message)
    if axes[0] == axes[1]:
        message = "Duplicate axes given."
        raise ValueError(message)
    return _matrix(x, ord, axes, keepdims=keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Array, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """Bind `vector_norm`, over all axes if none is named."""
    ndim = np.ndim(x)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
    return _vector(_floating(x), 2 if ord is None else ord, axes, keepdims=keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """Compose the norm of the matrices along the last two axes."""
    return np.linalg.norm(_floating(x), axis=(-2, -1), keepdims=keepdims, ord=ord)


def _floating(x: Array) -> Array:
    """Return integers as float64, and everything else as it is."""
    return x if type_of(x).dtype.kind in "fc" else np.astype(x, np.float64)


# cond -----------------------------------------------------------------------------------


@implements(np.linalg.cond)
def cond(x: Array, p: Any = None) -> Array:
    """Compose the condition number; where p asks for an inverse, a singular matrix raises `LinAlgError`."""
    if 0 in np.shape(x)[-2:]:
        message = "cond is not defined on empty arrays"
        raise np.linalg.LinAlgError(message)
    with np.errstate(all="ignore"):
        if p in {None, 2, -2}:
            s = np.linalg.svdvals(x)
            largest, smallest = s[..., 0], s[..., -1]
            r = smallest / largest if p == -2 else largest / smallest
        else:
            r = np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))
        unknown = np.isnan(r) & ~np.any(np.isnan(x), axis=(-2, -1))
        return np.where(unknown, np.inf, r)[()]

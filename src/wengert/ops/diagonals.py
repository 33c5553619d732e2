"""Diagonals and triangles of matrices.

diagonal         the entries of a diagonal          adjoint: embed_diagonal
embed_diagonal   zeros but for a diagonal           adjoint: diagonal
tril, triu       zeros outside a triangle           their own adjoints
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.lowering import Composed, View
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive
from wengert.ops.families import linear
from wengert.types import ArrayType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["diagonal_", "embed_diagonal_", "tril_", "triu_"]

MATRIX = 2  # axes of a matrix

_PLACES: tuple[tuple[tuple[int, ...], int, int, int], ...] = (
    ((3, 3), 0, 0, 1),
    ((2, 4), 1, 0, 1),
    ((3, 2), -1, 1, 0),
    ((2, 3, 2), 0, 2, 0),
    ((2, 3), 5, 0, 1),
)  # shape, offset, axis1, axis2


# diagonal, embed_diagonal ---------------------------------------------------------------------------------------------


def _diagonal_shape(shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> tuple[int, ...]:
    length = max(0, min(shape[axis1] + min(offset, 0), shape[axis2] - max(offset, 0)))
    return (*[n for i, n in enumerate(shape) if i not in {axis1, axis2}], length)


def _diagonal_batch(_size: int, xs: Any, _batched: Any, *, offset: int, axis1: int, axis2: int) -> Any:
    return np.diagonal(xs[0], offset, axis1 + 1, axis2 + 1)


def _diagonal_source(
    at: Any, shape: tuple[int, ...], _: tuple[int, ...], /, *, offset: int, axis1: int, axis2: int
) -> Any:
    *rest, i = at
    others = iter(rest)
    own = {axis1: i + max(-offset, 0), axis2: i + max(offset, 0)}
    return tuple([own[axis] if axis in own else next(others) for axis in range(len(shape))])


def _diagonal_samples(rng: np.random.Generator) -> Samples:
    for shape, offset, axis1, axis2 in _PLACES:
        yield (rng.normal(size=shape),), {"offset": offset, "axis1": axis1, "axis2": axis2}


diagonal_ = linear(
    "diagonal",
    eval=lambda x, *, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2),
    transpose=lambda y_bar, x, **place: embed_diagonal_(y_bar, shape=np.shape(x), **place),
    infer=lambda t, *, offset, axis1, axis2: ArrayType(
        _diagonal_shape(t.shape, offset, axis1, axis2), t.dtype
    ),
    batch=_diagonal_batch,
    lower=View(_diagonal_source),
    doc="The entries x[i, i + offset] of the planes of two axes, along a new last axis; a view.",
    samples=_diagonal_samples,
)


def _embed_eval(y: Any, *, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Any:
    x = np.zeros_like(y, shape=shape)
    i = np.arange(y.shape[-1])
    np.moveaxis(x, (axis1, axis2), (-2, -1))[..., i + max(-offset, 0), i + max(offset, 0)] = y
    return x


def _embed_formula(y: Any, *, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Any:
    m, n = shape[axis1], shape[axis2]
    before = min(max(-offset, 0), m)
    rows = np.pad(y, [*[(0, 0)] * (np.ndim(y) - 1), (before, m - before - np.shape(y)[-1])])
    planes = np.where(np.eye(m, n, offset, dtype=bool), rows[..., np.newaxis], 0)
    return np.moveaxis(planes, (-2, -1), (axis1, axis2))


def _embed_batch(
    size: int, xs: Any, _batched: Any, *, shape: tuple[int, ...], offset: int, axis1: int, axis2: int
) -> Any:
    return embed_diagonal_(xs[0], shape=(size, *shape), offset=offset, axis1=axis1 + 1, axis2=axis2 + 1)


def _embed_samples(rng: np.random.Generator) -> Samples:
    for shape, offset, axis1, axis2 in _PLACES:
        y = rng.normal(size=_diagonal_shape(shape, offset, axis1, axis2))
        yield (y,), {"shape": shape, "offset": offset, "axis1": axis1, "axis2": axis2}


embed_diagonal_: Primitive = linear(
    "embed_diagonal",
    eval=_embed_eval,
    transpose=lambda x_bar, _y, *, offset, axis1, axis2, **_: np.diagonal(x_bar, offset, axis1, axis2),
    infer=lambda t, *, shape, **_: ArrayType(shape, t.dtype),
    batch=_embed_batch,
    lower=Composed(_embed_formula),
    doc="Zeros with a given diagonal in the planes of two axes: the adjoint of `diagonal`.",
    samples=_embed_samples,
)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Bind `diagonal`."""
    ndim = np.ndim(a)
    if ndim < MATRIX:
        message = "diag requires an array of at least two dimensions"
        raise ValueError(message)
    axis1, axis2 = normalize_axis_index(axis1, ndim), normalize_axis_index(axis2, ndim)
    if axis1 == axis2:
        message = "axis1 and axis2 cannot be the same"
        raise ValueError(message)
    return diagonal_(a, offset=int(offset), axis1=axis1, axis2=axis2)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """Extract the diagonal of a matrix, or make a matrix of a vector."""
    if np.ndim(v) == 1:
        n = np.shape(v)[0] + abs(k)
        return embed_diagonal_(v, shape=(n, n), offset=int(k), axis1=0, axis2=1)
    if np.ndim(v) == MATRIX:
        return np.diagonal(v, k)
    message = "Input must be 1- or 2-d."
    raise ValueError(message)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """Make a matrix whose diagonal is the flattened array."""
    return np.diag(np.ravel(v), k)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """Sum of a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


# tril, triu -----------------------------------------------------------------------------------------------------------


def _triangle(name: str, function: Callable[..., Any], doc: str) -> Primitive:
    def formula(x: Any, *, k: int) -> Any:
        return np.where(function(np.ones(np.shape(x)[-2:], bool), k), x, 0)

    def samples(rng: np.random.Generator) -> Samples:
        for shape, k in (((3, 3), 0), ((2, 4), 1), ((2, 3, 2), -1), ((0, 2), 0)):
            yield (rng.normal(size=shape),), {"k": k}

    return linear(
        name,
        eval=function,
        transpose=lambda y_bar, _x, *, k: function(y_bar, k),
        infer=lambda t, **_: t,
        batch=lambda _size, xs, _batched, *, k: function(xs[0], k),
        lower=Composed(formula),
        doc=doc,
        samples=samples,
    )


tril_ = _triangle("tril", np.tril, "x with zeros above a diagonal; its own adjoint.")
triu_ = _triangle("triu", np.triu, "x with zeros below a diagonal; its own adjoint.")


def _square(m: Any) -> Any:
    """Return the operand of a triangle: NumPy repeats a vector as the rows of a square matrix."""
    return np.broadcast_to(m, np.shape(m) * 2) if np.ndim(m) == 1 else m


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """Bind `tril`."""
    return tril_(_square(m), k=int(k))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """Bind `triu`."""
    return triu_(_square(m), k=int(k))

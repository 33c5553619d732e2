"""Contractions and other products made of sums of products: tensordot, cross, dot, inner, outer, kron, multi_dot.

tensordot and cross are primitives, each closed under its own adjoint; the others choose among them, matmul
and multiply.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.lowering import Composed, Contraction
from wengert.core.numpy_protocol import implements, operand
from wengert.core.primitive import Primitive
from wengert.errors import warn
from wengert.ops.casting import ordered
from wengert.ops.families import bilinear, match
from wengert.ops.products import aligned, conjugate
from wengert.types import Array, ArrayType

__all__ = ["cross", "dot", "inner", "kron", "multi_dot", "outer", "tensordot", "vdot"]

Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]
Axes = tuple[tuple[int, ...], tuple[int, ...]]


# tensordot ------------------------------------------------------------------------------
# y = sum over pairs of axes of a b; the axes of y are the free axes of a, then those of b.
# a_bar contracts y_bar with b over the free axes of b. What is left of b are its contracted axes, in the
# order in
#   which they stand in b; each goes back to the axis of a it was paired with. Likewise b_bar.
# Before: (free of a, contracted in the order of b).  After: the axes of a.


def _free(rank: int, axes: Sequence[int]) -> tuple[int, ...]:
    return tuple([i for i in range(rank) if i not in axes])


def _inverse(permutation: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


@lru_cache(maxsize=4096)
def _left_plan(rank_a: int, rank_b: int, axes: Axes) -> tuple[Axes, tuple[int, ...]]:
    """Axes of y_bar and b to contract, and the permutation that brings the result into the order of a."""
    free_a, free_b = _free(rank_a, axes[0]), _free(rank_b, axes[1])
    came_from = (*free_a, *[axes[0][k] for k in _inverse(axes[1])])
    return (tuple(range(len(free_a), len(free_a) + len(free_b))), free_b), _inverse(came_from)


@lru_cache(maxsize=4096)
def _right_plan(rank_a: int, rank_b: int, axes: Axes) -> tuple[Axes, tuple[int, ...]]:
    """Axes of a and y_bar to contract, and the permutation that brings the result into the order of b."""
    free_a, free_b = _free(rank_a, axes[0]), _free(rank_b, axes[1])
    came_from = (*[axes[1][k] for k in _inverse(axes[0])], *free_b)
    return (free_a, tuple(range(len(free_a)))), _inverse(came_from)


def _tensordot_left(y_bar: Array, a: Array, b: Array, *, axes: Axes) -> Array:
    pairs, order = _left_plan(np.ndim(a), np.ndim(b), axes)
    return match(np.transpose(_tensordot(y_bar, b, axes=pairs), order), a)


def _tensordot_right(y_bar: Array, a: Array, b: Array, *, axes: Axes) -> Array:
    pairs, order = _right_plan(np.ndim(a), np.ndim(b), axes)
    return match(np.transpose(_tensordot(a, y_bar, axes=pairs), order), b)


def _tensordot_infer(a: ArrayType, b: ArrayType, *, axes: Axes) -> ArrayType:
    if [a.shape[i] for i in axes[0]] != [b.shape[i] for i in axes[1]]:
        raise ValueError("shape-mismatch for sum")  # NumPy's words
    shape = (*[a.shape[i] for i in _free(a.ndim, axes[0])], *[b.shape[i] for i in _free(b.ndim, axes[1])])
    return ArrayType(shape, np.result_type(a.dtype, b.dtype))


def _tensordot_batch(size: int, xs: Sequence[Array], batched: Sequence[bool], *, axes: Axes) -> Array:
    a, b = xs
    axes_a, axes_b = (tuple([i + on for i in pair]) for pair, on in zip(axes, batched, strict=True))
    if not batched[1]:
        return np.tensordot(a, b, axes=(axes_a, axes_b))
    free_a = _free(np.ndim(a), axes_a)
    if not batched[0]:
        return np.moveaxis(np.tensordot(a, b, axes=(axes_a, axes_b)), len(free_a), 0)
    free_a, free_b = free_a[1:], _free(np.ndim(b), axes_b)[1:]
    rows, columns = [np.shape(a)[i] for i in free_a], [np.shape(b)[i] for i in free_b]
    inner = math.prod(np.shape(a)[i] for i in axes_a)
    a = np.reshape(np.transpose(a, (0, *free_a, *axes_a)), (size, math.prod(rows), inner))
    b = np.reshape(np.transpose(b, (0, *axes_b, *free_b)), (size, inner, math.prod(columns)))
    return np.reshape(a @ b, (size, *rows, *columns))


def _tensordot_labels(shapes: Sequence[tuple[int, ...]], *, axes: Axes) -> tuple[Any, Any]:
    a: list[Any] = [("a", i) for i in range(len(shapes[0]))]
    b: list[Any] = [("b", i) for i in range(len(shapes[1]))]
    for i, j in zip(*axes, strict=True):
        a[i] = b[j] = ("both", i)
    return (a, b), tuple([label for label in (*a, *b) if label[0] != "both"])


def _tensordot_samples(rng: np.random.Generator) -> Samples:
    cases: list[tuple[Any, Any, Any]] = [
        ((2, 3), (3, 2), ((1,), (0,))), ((2, 3, 2), (2, 3), ((1, 0), (1, 0))), ((2, 3, 2), (2, 2, 3), ((2, 1), (0, 2))),
        ((2,), (3,), ((), ())), ((2, 3), (2, 3), ((0, 1), (0, 1))),
        ((2, 0), (0, 3), ((1,), (0,))), ((), (3,), ((), ())),
        ((3, 2, 2), (2, 3), ((0, 1), (1, 0))),
    ]  # fmt: skip
    for left, right, axes in cases:
        yield (np.asarray(rng.normal(size=left)), np.asarray(rng.normal(size=right))), {"axes": axes}


_tensordot: Primitive = bilinear(
    "tensordot",
    np.tensordot,
    _tensordot_left,
    _tensordot_right,
    infer=_tensordot_infer,
    batch=_tensordot_batch,
    lower=Contraction(_tensordot_labels),
    samples=_tensordot_samples,
    doc="Sum of products over pairs of axes.",
)


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    """Sum of products over pairs of axes; `axes` as in NumPy."""
    a, b = operand(a), operand(b)
    if not np.iterable(axes):
        left, right = tuple(range(-axes, 0)), tuple(range(axes))
    else:
        left, right = (tuple(i) if np.iterable(i) else (i,) for i in axes)
    pairs = (_positive(left, np.ndim(a)), _positive(right, np.ndim(b)))
    if len(pairs[0]) != len(pairs[1]):
        raise ValueError("shape-mismatch for sum")  # NumPy's words
    return _tensordot(a, b, axes=pairs)


def _positive(axes: Any, rank: int) -> tuple[int, ...]:
    return tuple([normalize_axis_index(i, rank) for i in axes])


# cross ----------------------------------------------------------------------------------
# y = a x b for 3-vectors along the last axis. The triple product is cyclic:
#   y_bar . (a_dot x b) = a_dot . (b x y_bar),   y_bar . (a x b_dot) = b_dot . (y_bar x a).


def _cross_infer(a: ArrayType, b: ArrayType) -> ArrayType:
    return ArrayType(np.broadcast_shapes(a.shape, b.shape), np.result_type(a.dtype, b.dtype))


def _cross_samples(rng: np.random.Generator) -> Samples:
    for left, right in (
        ((3,), (3,)),
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((3,), (2, 3)),
        ((2, 1, 3), (3, 3)),
        ((0, 3), (3,)),
    ):
        yield (rng.normal(size=left), rng.normal(size=right)), {}


def _cross_formula(a: Array, b: Array) -> Array:
    turns = ((1, 2), (2, 0), (0, 1))
    return np.stack([a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in turns], axis=-1)


_cross: Primitive = bilinear(
    "cross",
    np.cross,
    lambda y_bar, a, b: match(_cross(b, y_bar), a),
    lambda y_bar, a, b: match(_cross(y_bar, a), b),
    infer=_cross_infer,
    batch=lambda _size, xs, batched: _cross(*aligned(xs, batched, (1, 1))),
    samples=_cross_samples,
    doc="Cross product of 3-vectors along the last axis; leading axes broadcast.",
    alternating=True,
    lower=Composed(_cross_formula),
)


@implements(np.cross)
def cross(
    a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Array:
    """Cross product of 2- or 3-vectors along the named axes, as in NumPy; a missing third component is zero."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(operand(a), axisa, -1), np.moveaxis(operand(b), axisb, -1)
    if not {np.shape(a)[-1], np.shape(b)[-1]} <= {2, 3}:
        raise ValueError(
            "incompatible dimensions for cross product\n(dimension must be 2 or 3)"
        )  # NumPy's words
    if 2 in {np.shape(a)[-1], np.shape(b)[-1]}:
        message = (
            "Arrays of 2-dimensional vectors are deprecated. Use arrays of 3-dimensional vectors instead."
        )
        warn(message, DeprecationWarning)
    if np.shape(a)[-1] == np.shape(b)[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return np.moveaxis(_cross(_three(a), _three(b)), -1, axisc)


def _three(x: Array) -> Array:
    return (
        x if np.shape(x)[-1] == 3 else np.concatenate([x, np.zeros((*np.shape(x)[:-1], 1), x.dtype)], axis=-1)
    )


# dot and inner --------------------------------------------------------------------------


@implements(np.dot)
def dot(a: Array, b: Array) -> Array:
    """Sum of products over the last axis of a and the second-to-last (or only) axis of b."""
    a, b = operand(a), operand(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return ordered(np.multiply(a, b), "C")
    if np.ndim(b) <= 2 or np.ndim(a) == 1:
        return np.matmul(a, b)
    return tensordot(a, b, axes=(-1, -2))


@implements(np.inner)
def inner(a: Array, b: Array, /) -> Array:
    """Sum of products over the last axes of a and b."""
    a, b = operand(a), operand(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return ordered(np.multiply(a, b), "C")
    return np.matmul(a, b) if np.ndim(b) == 1 else tensordot(a, b, axes=(-1, -1))


@implements(np.vdot)
def vdot(a: Array, b: Array, /) -> Array:
    """Sum of conj(a) b over all elements."""
    return np.matmul(conjugate(np.ravel(operand(a))), np.ravel(operand(b)))


@implements(np.linalg.vecdot)
def _vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    return np.vecdot(x1, x2, axis=axis)  # type: ignore[call-overload]  # a ufunc with NumPy's axis


@implements(np.linalg.matmul)
def _matmul(x1: Array, x2: Array, /) -> Array:
    return np.matmul(x1, x2)


# outer and kron -------------------------------------------------------------------------


@implements(np.outer)
def outer(a: Array, b: Array) -> Array:
    """All products a_i b_j of the elements of a and b."""
    return np.multiply(np.ravel(operand(a))[:, np.newaxis], np.ravel(operand(b))[np.newaxis, :])


@implements(np.linalg.outer)
def _outer(x1: Array, x2: Array, /) -> Array:
    x1, x2 = operand(x1), operand(x2)
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        message = f"Input arrays must be one-dimensional, but they are x1.ndim={np.ndim(x1)} and x2.ndim={np.ndim(x2)}."
        raise ValueError(message)
    return outer(x1, x2)


@implements(np.kron)
def kron(a: Array, b: Array) -> Array:
    """Blocks a_ij b: axis by axis, the entries of a are spread over those of b."""
    a, b = operand(a), operand(b)
    rank = max(np.ndim(a), np.ndim(b))
    left, right = ((1,) * (rank - np.ndim(x)) + np.shape(x) for x in (a, b))
    coarse = np.reshape(a, [n for i in left for n in (i, 1)])
    fine = np.reshape(b, [n for i in right for n in (1, i)])
    return np.reshape(np.multiply(coarse, fine), [m * n for m, n in zip(left, right, strict=True)])


# multi_dot ------------------------------------------------------------------------------


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Array]) -> Array:
    """Product of two or more matrices, in the order that takes the fewest multiplications."""
    xs = [operand(x) for x in arrays]
    if len(xs) < 2:
        raise ValueError("Expecting at least two arrays.")  # NumPy's words
    ranks = [np.ndim(x) for x in xs]
    if any(rank != 2 for rank in ranks[1:-1]) or not {ranks[0], ranks[-1]} <= {1, 2}:
        raise np.linalg.LinAlgError("multi_dot takes matrices, and vectors only at the two ends")
    first, last = xs[0], xs[-1]
    xs[0] = first if ranks[0] == 2 else first[np.newaxis, :]
    xs[-1] = last if ranks[-1] == 2 else last[:, np.newaxis]
    y = _multiply_range(
        xs, _cheapest_splits([*[np.shape(x)[0] for x in xs], np.shape(xs[-1])[1]]), 0, len(xs) - 1
    )
    keep = [n for n, rank in zip(np.shape(y), (ranks[0], ranks[-1]), strict=True) if rank == 2]
    return np.reshape(y, keep)[()]


def _cheapest_splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split each range of a matrix chain: Cormen et al., Introduction to Algorithms, section 15.2."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            choices = [
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            ]
            cost[i, j], split[i, j] = min(choices)
    return split


def _multiply_range(xs: Sequence[Array], split: dict[tuple[int, int], int], i: int, j: int) -> Array:
    if i == j:
        return xs[i]
    k = split[i, j]
    return np.matmul(_multiply_range(xs, split, i, k), _multiply_range(xs, split, k + 1, j))


# numpy.linalg's names for movements -----------------------------------------------------


@implements(np.linalg.matrix_transpose)
def _matrix_transpose(x: Array, /) -> Array:
    return np.matrix_transpose(x)


@implements(np.linalg.diagonal)
def _diagonal(x: Array, /, *, offset: int = 0) -> Array:
    return np.diagonal(x, offset, axis1=-2, axis2=-1)


@implements(np.linalg.trace)
def _trace(x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    return np.trace(x, offset, axis1=-2, axis2=-1, dtype=dtype)


@implements(np.linalg.cross)
def _linalg_cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    x1, x2 = operand(x1), operand(x2)
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        message = (
            "Both input arrays must be (arrays of) 3-dimensional vectors, "
            f"but they are {np.shape(x1)[axis]} and {np.shape(x2)[axis]} dimensional instead."
        )
        raise ValueError(message)
    return cross(x1, x2, axis=axis)

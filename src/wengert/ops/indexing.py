"""Reading at an index, and adding there.

    getitem  y = x[index]                  adjoint: scatter
    scatter  y = 0; y[index_k] += piece_k  adjoint: getitem

An index may be anything NumPy takes: integers, slices, None, Ellipsis, integer and boolean arrays, in tuples.
Index arrays that are traced (under `vmap`) are operands behind the others, and carry no derivative.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import bind
from wengert.core.lowering import Placement, View
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import LazyScatter, Primitive, Site, define
from wengert.ops.coefficients import coefficientwise
from wengert.ops.families import match
from wengert.ops.index_forms import SLOT, as_tuple, batched_index, fill, index_shape, split
from wengert.ops.index_maps import piece_at, region
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["INDEX_SAMPLES", "add_at", "getitem", "getitem_", "may_repeat", "scatter", "scatter_"]

INDEX_SAMPLES: tuple[tuple[tuple[int, ...], Any, tuple[Any, ...]], ...] = (
    ((4,), 1, ()),
    ((4,), slice(None, None, -2), ()),
    ((2, 3), (Ellipsis, None, -1), ()),
    ((), (), ()),
    ((0, 2), slice(None), ()),
    ((4,), (np.array([2, 0, 2, -1]),), ()),
    ((4,), (np.array([], np.intp),), ()),
    ((2, 3), (np.array([[True, False, True], [False, True, True]]),), ()),
    ((2, 3), (slice(None), np.array([True, False, True])), ()),
    ((2, 3), (np.array(True),), ()),
    ((2, 3, 2), (0, slice(None), np.array([1, 0, 1])), ()),
    ((2, 3, 2), (slice(None), np.array([[1], [2]]), np.array([0, 1, 1])), ()),
    ((2, 3, 2), (np.array([1, 1]), None, np.array([2, 2])), ()),
    ((4,), (SLOT,), (np.array([3, 1, 3]),)),
    ((2, 3), (SLOT, slice(None)), (np.array(1),)),
    ((2, 3), (SLOT, SLOT), (np.array([1, 0, 1]), np.array(2))),
    ((2, 3, 2), (slice(None), SLOT), (np.array([[1, 2], [1, 0]]),)),
    ((2, 3, 2), (SLOT, slice(None), np.array([1, 1])), (np.array([0, 0]),)),
)  # shape of x, index, index arrays that stand in its slots


# getitem --------------------------------------------------------------------------------------------------------------
#
# Linear in x. The cotangent is zero but at the index: it is handed to the reverse sweep as that, not as a
# dense array.


def _getitem_eval(x: Any, *arrays: Any, index: Any) -> Any:
    return x[fill(index, arrays)] if arrays else x[index]


def _getitem_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, index: Any) -> tuple[Any, Any]:
    x, *arrays = xs
    return getitem_(x, *arrays, index=index), getitem_(x_dots[0], *arrays, index=index)


def _getitem_vjp(y_bar: Any, site: Site, *, index: Any) -> list[Any]:
    arrays = site.xs[1:]
    if not arrays:
        return [LazyScatter(index, y_bar)]
    return [LazyScatter(fill(index, arrays), y_bar), *[None] * len(arrays)]


def _getitem_batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, index: Any) -> Any:
    (x, *arrays), (x_batched, *array_batched) = xs, batched
    ndim = np.ndim(x) - x_batched
    moved = batched_index(size, index, arrays, array_batched, ndim, x_batched=x_batched)
    return moved.to_front(getitem(x, moved.index))


def _getitem_source(at: Any, shape: tuple[int, ...], _: tuple[int, ...], /, *, index: Any) -> Any:
    where = region(shape, index)
    return None if where is None else where.source(at)


def _getitem_samples(rng: np.random.Generator) -> Samples:
    for shape, index, arrays in INDEX_SAMPLES:
        yield (np.asarray(rng.normal(size=shape)), *arrays), {"index": index}


getitem_: Primitive = define(
    name="getitem",
    doc="Entries of x at an index, x[index].",
    eval=_getitem_eval,
    infer=lambda t, *arrays, index: ArrayType(index_shape(t.shape, index, arrays), t.dtype),
    jvp=_getitem_jvp,
    taylor=coefficientwise(_getitem_jvp),
    vjp=_getitem_vjp,
    shapes_only=True,
    batch=_getitem_batch,
    lower=View(_getitem_source),
    samples=_getitem_samples,
    complex=True,
    cheap=True,
)

_SIMPLE = frozenset({int, type(None), type(Ellipsis)})


@implements(operator.getitem)
def getitem(x: Any, index: Any) -> Any:
    """Return x[index] for values and tracers, and indices with tracers in them."""
    if type(index) in _SIMPLE:
        return bind(getitem_, (x,), {"index": index})
    index, arrays = split(index)
    return bind(getitem_, (x, *arrays), {"index": index})


# scatter --------------------------------------------------------------------------------------------------------------
#
# y = sum_k S_k piece_k with the selection matrices S_k of the reads, so piece_k_bar = S_k^T y_bar =
# y_bar[index_k].

_SPARSE = 8  # a piece that is smaller than the buffer by this factor is added entry by entry


def may_repeat(index: Any) -> bool:
    """Say whether an index may name an entry more than once."""
    return any(isinstance(item, np.ndarray) and item.dtype.kind in "iu" for item in as_tuple(index))


def _is_reshaped_as_view(buffer: Any) -> bool:
    return bool(buffer.flags.c_contiguous) if isinstance(buffer, np.ndarray) else True


def add_at(buffer: Any, index: Any, piece: Any) -> None:
    """Add a piece into a buffer, every repetition of an entry counting.

    `np.add.at` is quick for one axis only (4 times, measured on rows of 64), so the positions are flattened
    when the piece is of the size of the buffer.
    """
    if type(index) is int or not may_repeat(index):
        buffer[index] += piece
    elif buffer.ndim == 1 or np.size(piece) * _SPARSE < buffer.size or not _is_reshaped_as_view(buffer):
        np.add.at(buffer, index, piece)
    else:
        positions = np.arange(buffer.size).reshape(buffer.shape)[index]
        np.add.at(
            buffer.reshape(-1), positions.reshape(-1), np.broadcast_to(piece, positions.shape).reshape(-1)
        )


def _buffer(piece: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return zeros of the library that the piece belongs to."""
    if isinstance(piece, np.ndarray | np.generic | float | int | complex):
        return np.zeros(shape, dtype)
    return np.zeros_like(piece, shape=shape, dtype=dtype)


def _pairs(operands: Sequence[Any], indices: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return (piece, full index) for all pieces; the operands are the pieces, then all index arrays."""
    arrays = iter(operands[len(indices) :])
    pairs = []
    for piece, index in zip(operands, indices, strict=False):
        slots = sum(item is SLOT for item in as_tuple(index))
        pairs.append((piece, fill(index, [next(arrays) for _ in range(slots)])))
    return pairs


def _scatter_eval(*operands: Any, indices: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    y = _buffer(operands[0], shape, np.result_type(*operands[: len(indices)]))
    for piece, index in _pairs(operands, indices):
        add_at(y, index, piece)
    return y if shape else y[()]


def _scatter_infer(*types: ArrayType, indices: tuple[Any, ...], shape: tuple[int, ...]) -> ArrayType:
    return ArrayType(shape, np.result_type(*[t.dtype for t in types[: len(indices)]]))


def _scatter_jvp(
    xs: Sequence[Any], x_dots: Sequence[Any], *, indices: Any, shape: tuple[int, ...]
) -> tuple[Any, Any]:
    y = scatter_(*xs, indices=indices, shape=shape)
    pairs = _pairs([*x_dots[: len(indices)], *xs[len(indices) :]], indices)
    kept = [(piece_dot, index) for piece_dot, index in pairs if piece_dot is not None]
    return y, scatter(*[d for d, _ in kept], indices=[index for _, index in kept], shape=shape, dtype=y.dtype)


def _scatter_vjp(y_bar: Any, site: Site, *, indices: Any, **_: Any) -> list[Any]:
    pairs = _pairs(site.xs, indices)
    bars = [
        match(getitem(y_bar, index), piece) if need else None
        for (piece, index), need in zip(pairs, site.needs, strict=False)
    ]
    return bars + [None] * (len(site.xs) - len(indices))


def _scatter_batch(
    size: int, xs: Sequence[Any], batched: Sequence[bool], *, indices: Any, shape: tuple[int, ...]
) -> Any:
    pieces, moved = [], []
    flags = _pairs(batched, indices)  # for every piece: is it batched, and which of its index arrays are
    for (piece, index), (piece_batched, marks), template in zip(
        _pairs(xs, indices), flags, indices, strict=True
    ):
        slots = [i for i, item in enumerate(as_tuple(template)) if item is SLOT]
        arrays = [index[i] for i in slots]
        one = batched_index(size, template, arrays, [marks[i] for i in slots], len(shape))
        whole = piece if piece_batched else np.broadcast_to(piece, (size, *np.shape(piece)))
        pieces.append(one.from_front(whole))
        moved.append(one.index)
    return scatter(*pieces, indices=moved, shape=(size, *shape))


def _scatter_pieces(shapes: Any, shape: tuple[int, ...], /, *, indices: tuple[Any, ...], **_: Any) -> Any:
    wheres = [region(shape, index) for index in indices]
    if None in wheres:
        return None
    return [piece_at(k, shapes[k], where) for k, where in enumerate(wheres) if where is not None]


def _scatter_samples(rng: np.random.Generator) -> Samples:
    def params(shape: tuple[int, ...], *indices: Any) -> dict[str, Any]:
        return {"indices": indices, "shape": shape}

    for shape, index, arrays in INDEX_SAMPLES:
        piece = np.asarray(rng.normal(size=index_shape(shape, index, arrays)))
        yield (piece, *arrays), params(shape, index)
    row, column, many = rng.normal(size=3), rng.normal(size=2), rng.normal(size=(4, 3))
    yield (row, column, many), params((2, 3), 1, (slice(None), 0), (np.array([0, 1, 1, 0]),))
    yield (row, many, np.array([1, 0, 1, 1])), params((2, 3), 0, (SLOT,))


scatter_: Primitive = define(
    name="scatter",
    doc="Zeros of a shape with pieces added at indices, repeated entries counting each time; the adjoint of getitem.",
    eval=_scatter_eval,
    infer=_scatter_infer,
    jvp=_scatter_jvp,
    taylor=coefficientwise(_scatter_jvp),
    vjp=_scatter_vjp,
    batch=_scatter_batch,
    lower=Placement(_scatter_pieces, adds=True),
    samples=_scatter_samples,
    complex=True,
)


def scatter(*pieces: Any, indices: Sequence[Any], shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Return zeros with pieces added at indices, which may have tracers in them.

    Parameters
    ----------
    *pieces : arrays
        Piece k has the shape of y[indices[k]].
    indices : sequence
        One index for each piece.
    shape : tuple of int
        Shape of the result.
    dtype : dtype, optional
        Type of the result; that of the pieces if absent.

    Returns
    -------
    y : array
    """
    if dtype is not None:
        pieces = tuple(
            [piece if type_of(piece).dtype == dtype else np.astype(piece, dtype) for piece in pieces]
        )
    parts = [split(index, copy=False) for index in indices]
    arrays = [array for _, found in parts for array in found]
    return scatter_(*pieces, *arrays, indices=tuple([index for index, _ in parts]), shape=shape)

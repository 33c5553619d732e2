"""Reading and writing at an index.

    getitem       y = x[index]                          adjoint: scatter
    scatter       y = 0; y[index_k] += piece_k          adjoint: getitem
    index_update  y = x; y[index] = v                   adjoint: zero what was overwritten; read what was written

An index may be anything NumPy takes: integers, slices, None, Ellipsis, integer and boolean arrays, in tuples. Index arrays
that are traced (under `vmap`) are operands behind the others, and carry no derivative.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import UFUNC_METHODS, implements, operand
from wengert.core.primitive import LazyScatter, Site, define
from wengert.errors import NotConcreteError, NotDifferentiableError
from wengert.ops.families import match
from wengert.ops.index_forms import SLOT, BatchedIndex, as_tuple, batched_index, fill, index_shape, layout, split
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = [
    "getitem",
    "getitem_",
    "index_add",
    "index_update",
    "index_update_",
    "refuse_plain_destination",
    "require_traced_destination",
    "scatter",
    "scatter_",
]

_INDEX_SAMPLES: tuple[tuple[tuple[int, ...], Any, tuple[Any, ...]], ...] = (
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
# Linear in x. The cotangent is zero but at the index: it is handed to the reverse sweep as that, not as a dense array.


def _getitem_eval(x: Any, *arrays: Any, index: Any) -> Any:
    return x[fill(index, arrays)] if arrays else x[index]


def _getitem_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, index: Any) -> tuple[Any, Any]:
    x, *arrays = xs
    return getitem_(x, *arrays, index=index), getitem_(x_dots[0], *arrays, index=index)


def _getitem_vjp(y_bar: Any, site: Site, *, index: Any) -> list[Any]:
    arrays = site.xs[1:]
    return [LazyScatter(fill(index, arrays), y_bar), *[None] * len(arrays)]


def _getitem_batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, index: Any) -> Any:
    (x, *arrays), (x_batched, *array_batched) = xs, batched
    ndim = np.ndim(x) - x_batched
    moved = batched_index(size, index, arrays, array_batched, ndim, x_batched=x_batched)
    return moved.to_front(getitem(x, moved.index))


def _getitem_samples(rng: np.random.Generator) -> Samples:
    for shape, index, arrays in _INDEX_SAMPLES:
        yield (np.asarray(rng.normal(size=shape)), *arrays), {"index": index}


getitem_ = define(
    name="getitem",
    doc="Entries of x at an index, x[index].",
    eval=_getitem_eval,
    infer=lambda t, *arrays, index: ArrayType(index_shape(t.shape, index, arrays), t.dtype),
    jvp=_getitem_jvp,
    vjp=_getitem_vjp,
    batch=_getitem_batch,
    samples=_getitem_samples,
    complex=True,
)

_SIMPLE = frozenset({int, type(None), type(Ellipsis)})


@implements(operator.getitem)
def getitem(x: Any, index: Any) -> Any:
    """Return x[index] for values and tracers, and indices with tracers in them."""
    if type(index) in _SIMPLE:
        return getitem_(x, index=index)
    index, arrays = split(index)
    return getitem_(x, *arrays, index=index)


# scatter --------------------------------------------------------------------------------------------------------------
#
# y = sum_k S_k piece_k with the selection matrices S_k of the reads, so piece_k_bar = S_k^T y_bar = y_bar[index_k].

_SPARSE = 8  # a piece that is smaller than the buffer by this factor is added entry by entry


def _may_repeat(index: Any) -> bool:
    return any(isinstance(item, np.ndarray) and item.dtype.kind in "iu" for item in as_tuple(index))


def _add_at(buffer: Any, index: Any, piece: Any) -> None:
    """Add a piece into a buffer, every repetition of an entry counting.

    `np.add.at` is quick for one axis only (4 times, measured on rows of 64), so the positions are flattened when the piece
    is of the size of the buffer.
    """
    if not _may_repeat(index):
        buffer[index] += piece
    elif buffer.ndim == 1 or np.size(piece) * _SPARSE < buffer.size:
        np.add.at(buffer, index, piece)
    else:
        positions = np.arange(buffer.size).reshape(buffer.shape)[index]
        np.add.at(buffer.reshape(-1), positions.reshape(-1), np.broadcast_to(piece, positions.shape).reshape(-1))


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
        _add_at(y, index, piece)
    return y if shape else y[()]


def _scatter_infer(*types: ArrayType, indices: tuple[Any, ...], shape: tuple[int, ...]) -> ArrayType:
    return ArrayType(shape, np.result_type(*[t.dtype for t in types[: len(indices)]]))


def _scatter_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, indices: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
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
    for (piece, index), (piece_batched, marks), template in zip(_pairs(xs, indices), flags, indices, strict=True):
        slots = [i for i, item in enumerate(as_tuple(template)) if item is SLOT]
        arrays = [index[i] for i in slots]
        one = batched_index(size, template, arrays, [marks[i] for i in slots], len(shape))
        if not piece_batched:
            piece = np.broadcast_to(piece, (size, *np.shape(piece)))  # noqa: PLW2901 - the same piece, for every example
        pieces.append(one.from_front(piece))
        moved.append(one.index)
    return scatter(*pieces, indices=moved, shape=(size, *shape))


def _scatter_samples(rng: np.random.Generator) -> Samples:
    def params(shape: tuple[int, ...], *indices: Any) -> dict[str, Any]:
        return {"indices": indices, "shape": shape}

    for shape, index, arrays in _INDEX_SAMPLES:
        piece = np.asarray(rng.normal(size=index_shape(shape, index, arrays)))
        yield (piece, *arrays), params(shape, index)
    row, column, many = rng.normal(size=3), rng.normal(size=2), rng.normal(size=(4, 3))
    yield (row, column, many), params((2, 3), 1, (slice(None), 0), (np.array([0, 1, 1, 0]),))
    yield (row, many, np.array([1, 0, 1, 1])), params((2, 3), 0, (SLOT,))


scatter_ = define(
    name="scatter",
    doc="Zeros of a shape with pieces added at indices, repeated entries counting each time; the adjoint of getitem.",
    eval=_scatter_eval,
    infer=_scatter_infer,
    jvp=_scatter_jvp,
    vjp=_scatter_vjp,
    batch=_scatter_batch,
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
        pieces = tuple([piece if type_of(piece).dtype == dtype else np.astype(piece, dtype) for piece in pieces])
    parts = [split(index, copy=False) for index in indices]
    arrays = [array for _, found in parts for array in found]
    return scatter_(*pieces, *arrays, indices=tuple([index for index, _ in parts]), shape=shape)


# index_update ---------------------------------------------------------------------------------------------------------
#
# y is x but v at the index. Where index arrays name an entry several times the last write wins, as in NumPy, and only that
# part of v has an effect.


def _index_update_eval(x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    y = np.array(x) if isinstance(x, np.generic | float | int | complex) else x.copy()
    y[fill(index, arrays)] = v
    return y if y.ndim else y[()]


def _index_update_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, index: Any) -> tuple[Any, Any]:
    (_, _, *arrays), (x_dot, v_dot, *_) = xs, x_dots
    y = index_update_(*xs, index=index)
    x_dot = np.zeros(y.shape, y.dtype) if x_dot is None else x_dot
    return y, index_update_(x_dot, 0.0 if v_dot is None else v_dot, *arrays, index=index)


def _last_writes(shape: tuple[int, ...], index: Any, written: tuple[int, ...]) -> Any:
    """Return which entries of v = x[index] are the last that an assignment writes: NumPy's own assignment decides."""
    order = np.arange(np.prod(written, dtype=np.intp)).reshape(written)
    return getitem(index_update(np.zeros(shape, np.intp), index, order), index) == order


def _index_update_vjp(y_bar: Any, site: Site, *, index: Any) -> list[Any]:
    (x, v, *arrays), (need_x, need_v, *_) = site.xs, site.needs
    index = fill(index, arrays)
    x_bar = v_bar = None
    if need_x:
        x_bar = index_update(y_bar, index, 0.0)
    if need_v:
        read = getitem(y_bar, index)
        if arrays or _may_repeat(index):
            read = np.where(_last_writes(np.shape(x), index, np.shape(read)), read, 0.0)
        v_bar = match(read, v)
    return [x_bar, v_bar, *[None] * len(arrays)]


def _value_of_batch(v: Any, moved: BatchedIndex, *, batched: bool) -> Any:
    """Return the values to write at the index into a batch."""
    size, shape = (np.shape(v)[0], np.shape(v)[1:]) if batched else (1, np.shape(v))
    return moved.from_front(np.reshape(v, (size, *[1] * (moved.ndim - len(shape)), *shape)))


def _index_update_batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, index: Any) -> Any:
    (x, v, *arrays), (x_batched, v_batched, *array_batched) = xs, batched
    if not x_batched:
        x = np.broadcast_to(x, (size, *np.shape(x)))
    moved = batched_index(size, index, arrays, array_batched, np.ndim(x) - 1)
    return index_update(x, moved.index, _value_of_batch(v, moved, batched=v_batched))


def _index_update_samples(rng: np.random.Generator) -> Samples:
    for shape, index, arrays in _INDEX_SAMPLES:
        full = index_shape(shape, index, arrays)
        for written in {full, full[1:]}:
            yield (np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=written)), *arrays), {"index": index}


index_update_ = define(
    name="index_update",
    doc="A copy of x with v assigned at an index; of several writes to one entry the last wins.",
    eval=_index_update_eval,
    infer=lambda x, *_, **__: x,
    jvp=_index_update_jvp,
    vjp=_index_update_vjp,
    batch=_index_update_batch,
    samples=_index_update_samples,
)


@implements(operator.setitem)
def index_update(x: Any, index: Any, value: Any) -> Any:
    """Return x with x[index] = value done to a copy."""
    value = operand(value)
    kind = type_of(x).dtype.kind
    if kind not in "fc" and isinstance(value, Traced) and value.dtype.kind in "fc":
        raise NotDifferentiableError(
            f"A traced {value.dtype} is assigned into an array of {type_of(x).dtype}",
            why="the assignment would round it, and its derivative would be lost.",
            instead="x.astype(float) before the assignment, or wengert.stop_gradient(value).",
        )
    if index is Ellipsis and isinstance(value, Traced) and type_of(value) == type_of(x):
        return value  # everything is overwritten
    index, arrays = split(index)
    return index_update_(x, _fitted(value, np.shape(x), index, arrays), *arrays, index=index)


def _fitted(value: Any, shape: tuple[int, ...], index: Any, arrays: Sequence[Any]) -> Any:
    """Drop leading axes of length 1 that x[index] does not have: an assignment ignores them."""
    lengths = np.shape(value)
    if not lengths or lengths[0] != 1:
        return value
    ndim = layout(fill(index, [np.zeros(np.shape(a), np.intp) if np.ndim(a) else 0 for a in arrays]), len(shape)).ndim
    extra = len(lengths) - ndim
    if extra > 0 and all(n == 1 for n in lengths[:extra]):
        return np.reshape(value, lengths[extra:])
    return value


# index_add ------------------------------------------------------------------------------------------------------------


def index_add(x: Any, index: Any, value: Any) -> Any:
    """Return x with `np.add.at(x, index, value)` done to a copy: repeated entries are added each time.

    Parameters
    ----------
    x : array
    index : index
        Anything that x[index] takes.
    value : array
        Broadcast to the shape of x[index].

    Returns
    -------
    y : array
        Of x's shape and dtype.
    """
    value = operand(value)
    (shape, dtype), found = (np.shape(x), type_of(x).dtype), type_of(value).dtype
    if hasattr(value, "dtype") and not np.can_cast(found, dtype, "same_kind"):
        message = f"Cannot cast ufunc 'add' output from {found!r} to {dtype!r} with casting rule 'same_kind'"
        raise TypeError(message)
    static, arrays = split(index, copy=False)
    full = index_shape(shape, static, arrays)
    return x + scatter(_piece(value, full, dtype), indices=(index,), shape=shape, dtype=dtype)


def _piece(value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    value = value if isinstance(value, Traced) else np.asarray(value)
    value = value if value.dtype == dtype else np.astype(value, dtype)
    return value if value.shape == shape else np.broadcast_to(value, shape)


# Writes into an array that the program holds --------------------------------------------------------------------------


def refuse_plain_destination(function: str) -> NoReturn:
    """Raise: a traced value would be written into a plain array."""
    raise NotConcreteError(
        f"{function} would write a traced value into a plain array",
        why="a plain NumPy array cannot hold derivative information; it would be lost.",
        instead="a destination that is traced itself, e.g. buffer = buffer + 0.0 * x before the call, or build the result "
        "with np.where, np.stack or np.concatenate.",
    )


def require_traced_destination(function: str, destination: Any) -> None:
    """Raise unless the destination of a write is traced."""
    if not isinstance(destination, Traced):
        refuse_plain_destination(function)


def _add_at_front(a: Any, indices: Any, b: Any) -> None:
    require_traced_destination("np.add.at", a)
    a[...] = index_add(a, indices, b)


def _subtract_at_front(a: Any, indices: Any, b: Any) -> None:
    require_traced_destination("np.subtract.at", a)
    a[...] = index_add(a, indices, -operand(b))


UFUNC_METHODS["at", np.add] = _add_at_front
UFUNC_METHODS["at", np.subtract] = _subtract_at_front

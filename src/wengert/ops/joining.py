"""Joining and splitting: `concatenate`, whose adjoint hands out slices, and everything made of it.

Splitting is basic indexing, so it has no primitive here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.lowering import Piece, Placement
from wengert.core.numpy_protocol import implements, operand
from wengert.core.primitive import Site, define
from wengert.ops.casting import order_of, ordered
from wengert.ops.coefficients import coefficientwise
from wengert.ops.families import match
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["concatenate_"]


# concatenate ----------------------------------------------------------------------------------------------------------


def _concatenate_eval(*xs: Any, axis: int) -> Any:
    return np.concatenate(xs, axis=axis)


def _concatenate_infer(*types: ArrayType, axis: int) -> ArrayType:
    shape = list(types[0].shape)
    shape[axis] = sum(t.shape[axis] for t in types)
    return ArrayType(tuple(shape), np.result_type(*[t.dtype for t in types]))


def _concatenate_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, axis: int) -> tuple[Any, Any]:
    dots = [np.zeros(np.shape(x), x.dtype) if d is None else d for x, d in zip(xs, x_dots, strict=True)]
    return concatenate_(*xs, axis=axis), concatenate_(*dots, axis=axis)


def _concatenate_vjp(y_bar: Any, site: Site, *, axis: int) -> list[Any]:
    x_bars, begin = [], 0
    for x, need in zip(site.xs, site.needs, strict=True):
        end = begin + np.shape(x)[axis]
        x_bars.append(match(y_bar[(*[slice(None)] * axis, slice(begin, end))], x) if need else None)
        begin = end
    return x_bars


def _concatenate_batch(size: int, xs: Any, batched: Any, *, axis: int) -> Any:
    whole = [x if on else np.broadcast_to(x, (size, *np.shape(x))) for x, on in zip(xs, batched, strict=True)]
    return np.concatenate(whole, axis=axis + 1)


def _concatenate_pieces(shapes: Any, result: tuple[int, ...], /, *, axis: int) -> list[Piece]:
    pieces, begin, ndim = [], 0, len(result)
    for k, shape in enumerate(shapes):
        offsets = tuple([begin if i == axis else 0 for i in range(ndim)])
        pieces.append(Piece(k, offsets, (1,) * ndim, shape, tuple(range(ndim))))
        begin += shape[axis]
    return pieces


def _concatenate_samples(rng: np.random.Generator) -> Samples:
    for shapes, axis in (
        (((2,), (3,)), 0),
        (((2, 1), (2, 3), (2, 0)), 1),
        (((1, 2), (2, 2)), 0),
        (((3,),), 0),
    ):
        yield tuple(rng.normal(size=shape) for shape in shapes), {"axis": axis}


concatenate_ = define(
    name="concatenate",
    doc="The operands one after another along an axis; the adjoint is a slice for each.",
    eval=_concatenate_eval,
    infer=_concatenate_infer,
    jvp=_concatenate_jvp,
    taylor=coefficientwise(_concatenate_jvp),
    vjp=_concatenate_vjp,
    batch=_concatenate_batch,
    lower=Placement(_concatenate_pieces),
    samples=_concatenate_samples,
    complex=True,
)


def _array(x: Any) -> Any:
    """Return numbers and sequences as arrays; arrays and traced values as they are."""
    if hasattr(x, "dtype"):
        return x
    return np.stack([_array(v) for v in x]) if isinstance(x, list | tuple) and len(x) else np.asarray(x)


def _cast(arrays: list[Any], dtype: Any, casting: Any) -> list[Any]:
    if dtype is None:
        return arrays
    for a in arrays:
        if not np.can_cast(type_of(a).dtype, dtype, casting):
            message = f"Cannot cast array data from {type_of(a).dtype!r} to {np.dtype(dtype)!r} by the rule {casting!r}"
            raise TypeError(message)
    return [a.astype(dtype) for a in arrays]


def _check_joinable(shapes: list[tuple[int, ...]], axis: int) -> None:
    first = shapes[0]
    for k, shape in enumerate(shapes[1:], 1):
        if len(shape) != len(first):
            message = (
                "all the input array dimensions must match: the array at index 0 has "
                f"{len(first)} dimension(s) and the array at index {k} has {len(shape)} dimension(s)"
            )
            raise ValueError(message)
        for i, (m, n) in enumerate(zip(first, shape, strict=True)):
            if i != axis and m != n:
                message = (
                    "all the input array dimensions except for the concatenation axis must match exactly, but along "
                    f"dimension {i}, the array at index 0 has size {m} and the array at index {k} has size {n}"
                )
                raise ValueError(message)


@implements(np.concatenate)
def concatenate(arrays: Any, /, axis: Any = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Bind `concatenate`; without an axis, join the flattened arrays."""
    arrays = _cast([_array(a) for a in arrays], dtype, casting)
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    if np.ndim(arrays[0]) == 0:
        message = "zero-dimensional arrays cannot be concatenated"
        raise ValueError(message)
    axis = normalize_axis_index(axis, np.ndim(arrays[0]))
    _check_joinable([np.shape(a) for a in arrays], axis)
    return concatenate_(*arrays, axis=axis)


@implements(np.stack)
def stack(arrays: Any, axis: int = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Join along a new axis."""
    arrays = [_array(a) for a in arrays]
    if len({np.shape(a) for a in arrays}) != 1:
        message = "all input arrays must have the same shape"
        raise ValueError(message)
    axis = normalize_axis_index(axis, np.ndim(arrays[0]) + 1)
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis, dtype=dtype, casting=casting)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Join rows."""
    return np.concatenate([np.atleast_2d(_array(a)) for a in tup], axis=0, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Join along axis 1, or axis 0 of vectors."""
    arrays = [np.atleast_1d(_array(a)) for a in tup]
    return np.concatenate(arrays, axis=0 if np.ndim(arrays[0]) == 1 else 1, dtype=dtype, casting=casting)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """Join along axis 2."""
    return np.concatenate([np.atleast_3d(_array(a)) for a in tup], axis=2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Join columns; vectors are columns."""
    arrays = [_array(a) for a in tup]
    return np.concatenate([a if np.ndim(a) > 1 else np.reshape(a, (-1, 1)) for a in arrays], axis=1)


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Join two arrays, flattened if no axis is named."""
    return np.concatenate((_array(arr), _array(values)), axis=axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    """Join nested lists of blocks: the innermost along the last axis, the next along the one before, and so on."""
    depth = _depth(arrays)
    ndim = max([depth, *[np.ndim(leaf) for leaf in _leaves(arrays)]])
    y = _assemble(arrays, depth, ndim)
    return np.copy(y) if depth == 0 else y


def _leaves(item: Any) -> list[Any]:
    return [leaf for part in item for leaf in _leaves(part)] if isinstance(item, list) else [item]


def _depth(item: Any) -> int:
    if isinstance(item, tuple):
        message = "np.block does not accept tuples; use lists to nest blocks"
        raise TypeError(message)
    if not isinstance(item, list):
        return 0
    if not item:
        message = "List at arrays cannot be empty"
        raise ValueError(message)
    depths = {_depth(part) for part in item}
    if len(depths) > 1:
        message = "List depths are mismatched"
        raise ValueError(message)
    return 1 + depths.pop()


def _assemble(item: Any, depth: int, ndim: int) -> Any:
    if depth == 0:
        leaf = _array(item)
        return np.reshape(leaf, (1,) * (ndim - np.ndim(leaf)) + np.shape(leaf))
    return np.concatenate([_assemble(part, depth - 1, ndim) for part in item], axis=-depth)


# Splitting ------------------------------------------------------------------------------------------------------------


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Cut at the given places, or into so many pieces of nearly equal length."""
    axis = normalize_axis_index(axis, np.ndim(ary))
    n = np.shape(ary)[axis]
    if np.ndim(indices_or_sections):
        cuts = [0, *map(int, indices_or_sections), n]
    else:
        sections = int(indices_or_sections)
        if sections <= 0:
            message = "number sections must be larger than 0."
            raise ValueError(message)
        length, longer = divmod(n, sections)
        cuts = [k * length + min(k, longer) for k in range(sections + 1)]
    whole = [slice(None)] * axis
    return [ary[(*whole, slice(a, b))] for a, b in pairwise(cuts)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Cut at the given places, or into so many pieces of equal length."""
    n = np.shape(ary)[normalize_axis_index(axis, np.ndim(ary))]
    if np.ndim(indices_or_sections) == 0 and n % indices_or_sections:
        message = "array split does not result in an equal division"
        raise ValueError(message)
    return array_split(ary, indices_or_sections, axis)


def _split_along(name: str, axis: int, need: int) -> Callable[[Any, Any], Any]:
    def along(ary: Any, indices_or_sections: Any) -> Any:
        ndim = np.ndim(ary)
        if ndim < need:
            message = f"{name} only works on arrays of {need} or more dimensions"
            raise ValueError(message)
        return split(ary, indices_or_sections, min(axis, ndim - 1))

    along.__doc__ = f"Split along axis {axis}."
    return along


hsplit = implements(np.hsplit)(_split_along("hsplit", 1, need=1))
vsplit = implements(np.vsplit)(_split_along("vsplit", 0, need=2))
dsplit = implements(np.dsplit)(_split_along("dsplit", 2, need=3))


@implements(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """Return the entries along an axis as a tuple."""
    if np.ndim(x) == 0:
        message = "Input array must be at least 1-d."
        raise ValueError(message)
    axis = normalize_axis_index(axis, np.ndim(x))
    whole = [slice(None)] * axis
    return tuple(x[(*whole, i)] for i in range(np.shape(x)[axis]))


# Removing and inserting -----------------------------------------------------------------------------------------------


def _line(arr: Any, axis: Any) -> tuple[Any, int]:
    """Return the array and axis that `delete` and `insert` work on: without an axis, the flattened array."""
    return (np.ravel(arr), 0) if axis is None else (arr, normalize_axis_index(axis, np.ndim(arr)))


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    """Take the entries that are not deleted."""
    arr, axis = _line(arr, axis)
    kept = np.delete(np.arange(np.shape(arr)[axis]), obj)
    y = operand(arr)[(*[slice(None)] * axis, kept)]
    several = not isinstance(obj, slice) and np.size(obj) != 1  # then NumPy reads at an array, too
    return y if several else ordered(y, order_of(arr))


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """Join the new entries at the end, then take all entries in the order that NumPy gives their numbers."""
    arr, axis = _line(arr, axis)
    shape, values = np.shape(arr), _array(values)
    values = np.reshape(values, (1,) * (len(shape) - np.ndim(values)) + np.shape(values))
    single = np.ndim(obj) == 0 and not isinstance(obj, slice)
    if single:  # NumPy lets arr[..., i, ...] = values decide how the values broadcast
        values = np.moveaxis(values, 0, axis)
    n = shape[axis]
    places = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    if places.dtype == np.bool_ and not single:
        places = np.flatnonzero(places)
    new = np.shape(values)[axis] if single or places.size == 1 else places.size
    if not single and places.size == 1:
        places = places.reshape(())
    values = np.broadcast_to(values, tuple(new if i == axis else m for i, m in enumerate(shape)))
    order = np.insert(np.arange(n), places, n + np.arange(new))
    y = np.take(np.concatenate([arr, values.astype(arr.dtype)], axis=axis), order, axis=axis)
    return ordered(y, order_of(arr))

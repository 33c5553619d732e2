"""Indices: their normal form, where NumPy puts the axes of index arrays, and what becomes of both under batching.

An index in normal form is an int, slice, None or Ellipsis, or a tuple of these and of integer and boolean arrays. Lists
and NumPy integers are gone, arrays are our own copies (a program may overwrite its index arrays after it used them),
and an index array that is traced stands apart as an operand: `SLOT` keeps its place.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.errors import NotConcreteError, NotDifferentiableError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SLOT",
    "BatchedIndex",
    "Layout",
    "Slot",
    "as_tuple",
    "batched_index",
    "fill",
    "index_shape",
    "layout",
    "split",
]


class Slot:
    """The place of a traced index array."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SLOT"


SLOT = Slot()

_WHOLE = frozenset({int, type(None), EllipsisType})  # entries that are in normal form as they are
_BOUND = frozenset({int, type(None)})


# Normal form --------------------------------------------------------------------------------------------------------


def split(index: Any, *, copy: bool = True) -> tuple[Any, list[Any]]:
    """Return the normal form of an index, and the traced arrays in it."""
    if type(index) in _WHOLE:
        return index, []
    arrays: list[Any] = []
    if isinstance(index, Traced) and index.dtype.kind == "b":  # type: ignore[attr-defined]
        index = _unmasked(index)
    if isinstance(index, tuple):
        items = [part for item in index for part in _unmasked(item)]
        return tuple([_entry(item, arrays, copy=copy) for item in items]), arrays
    item = _entry(index, arrays, copy=copy)
    return (item if type(item) in _WHOLE or isinstance(item, slice) else (item,)), arrays


def _unmasked(item: Any) -> tuple[Any, ...]:
    """Return a traced mask as what it selects, if its interpreter lets Python ask for that."""
    if not isinstance(item, Traced) or item.dtype.kind != "b" or not item.interpreter.releases(item):  # type: ignore[attr-defined]
        return (item,)
    return np.nonzero(item) if np.ndim(item) else (np.bool(bool(item)),)  # type: ignore[arg-type]


def _entry(item: Any, arrays: list[Any], *, copy: bool) -> Any:
    if type(item) in _WHOLE:
        return item
    if isinstance(item, slice):
        return _slice(item)
    if isinstance(item, Traced):
        arrays.append(_traced_entry(item))
        return SLOT
    if isinstance(item, np.ndarray | list):
        return _array_entry(item, copy=copy)
    if isinstance(item, bool | np.bool) or not hasattr(item, "__index__"):
        return np.asarray(item)  # an index that is none of these raises when NumPy sees it
    return operator.index(item)


def _slice(item: slice) -> slice:
    if type(item.start) in _BOUND and type(item.stop) in _BOUND and type(item.step) in _BOUND:
        return item
    return slice(*[None if v is None else operator.index(v) for v in (item.start, item.stop, item.step)])


def _array_entry(item: Any, *, copy: bool) -> Any:
    array = np.array(item) if copy or isinstance(item, list) else item
    if isinstance(item, list) and not array.size:
        array = array.astype(np.intp)  # an empty list selects nothing, whatever its type
    return int(array) if array.ndim == 0 and array.dtype.kind in "iu" else array


def _traced_entry(item: Any) -> Any:
    kind = item.dtype.kind
    if kind in "iu":
        return item
    if kind == "b":
        raise NotConcreteError(
            f"A traced boolean array is used as an index under {item.interpreter.name}",
            why="the shape of the result would depend on traced values.",
            instead="np.where(mask, x, 0.0), which keeps the shape.",
        )
    raise NotDifferentiableError(
        f"A traced {item.dtype} array is used as an index",
        why="arrays used as indices must be of integer or boolean type, and those have no derivative.",
        instead="x.astype(int), whose derivative is zero, or wengert.stop_gradient(x).astype(int).",
    )


def as_tuple(index: Any) -> tuple[Any, ...]:
    """Return an index as the tuple that NumPy makes of it."""
    return index if isinstance(index, tuple) else (index,)


def fill(index: Any, arrays: Sequence[Any]) -> Any:
    """Return the index with its slots filled by arrays, in order."""
    if not arrays:
        return index
    rest = iter(arrays)
    return tuple([next(rest) if item is SLOT else item for item in as_tuple(index)])


def index_shape(shape: tuple[int, ...], index: Any, arrays: Sequence[Any] = ()) -> tuple[int, ...]:
    """Return the shape of x[index] for x of a shape; nothing of that size is allocated for a basic index."""
    stand_ins = [np.zeros(np.shape(a), np.intp) for a in arrays]
    return tuple(np.broadcast_to(np.zeros((), bool), shape)[fill(index, stand_ins)].shape)


# Layout -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the axes of a result x[index] come from.

    The index arrays broadcast to `rank` axes, which stand in the result together, before axis `start` of the rest:
    where the first array was or, if slices, None or Ellipsis part the arrays, in front. `ndim` counts all axes of the
    result.
    """

    rank: int
    start: int
    ndim: int


def _is_mask(item: Any) -> bool:
    return isinstance(item, np.ndarray) and item.dtype.kind == "b"


def _is_array(item: Any) -> bool:
    return np.ndim(item) > 0 or _is_mask(item)


def _array_rank(item: Any) -> int:
    return 1 if _is_mask(item) else np.ndim(item)


def _consumed(item: Any) -> int:
    if item is None or item is Ellipsis:
        return 0
    return np.ndim(item) if _is_mask(item) else 1


def layout(index: Any, ndim: int) -> Layout:
    """Return the layout of x[index] for x of `ndim` axes; NumPy, "Combining advanced and basic indexing"."""
    items = as_tuple(index)
    if not any(item is Ellipsis for item in items):
        items = (*items, Ellipsis)
    rest = ndim - sum(map(_consumed, items))
    advanced = any(map(_is_array, items))
    rank = before = plain = 0
    began = ended = parted = False
    for item in items:
        if item is None or item is Ellipsis or isinstance(item, slice):
            plain += rest if item is Ellipsis else 1
            ended = began
        elif advanced:
            before = before if began else plain
            parted, began = parted or ended, True
            rank = max(rank, _array_rank(item))
    return Layout(rank, 0 if parted else before, plain + rank)


# Batching -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchedIndex:
    """An index into a batch.

    x[index] holds at the axes `source` what belongs at `destination` for the batch axis to be in front; `ndim` counts
    the axes of one example's result.
    """

    index: tuple[Any, ...]
    source: tuple[int, ...]
    destination: tuple[int, ...]
    ndim: int

    def to_front(self, y: Any) -> Any:
        """Return a result of reading at `index` with its batch axis in front."""
        return y if self.source == self.destination else np.moveaxis(y, self.source, self.destination)

    def from_front(self, y: Any) -> Any:
        """Return an array with the batch axis in front as it is written at `index`."""
        return y if self.source == self.destination else np.moveaxis(y, self.destination, self.source)


def _example_index(index: Any, arrays: Sequence[Any], batched: Sequence[bool]) -> Any:
    ranks = [np.ndim(a) - b for a, b in zip(arrays, batched, strict=True)]
    return fill(index, [np.zeros((1,) * rank, np.intp) if rank else 0 for rank in ranks])


def _behind_batch(a: Any, rank: int) -> Any:
    """Return a batch of index arrays, each with `rank` axes."""
    size, *shape = np.shape(a)
    return np.reshape(a, (size, *[1] * (rank - len(shape)), *shape))


def batched_index(
    size: int,
    index: Any,
    arrays: Sequence[Any],
    batched: Sequence[bool],
    ndim: int,
    *,
    x_batched: bool = True,
) -> BatchedIndex:
    """Return the index into a batch of x (or one x for all) that reads x[index] for every example.

    `ndim` counts the axes of one x. Index arrays that are equal for all examples need only a slice for the batch axis.
    If they differ, the batch axis gets an index array too, 0 ... size - 1, and the arrays' axes come to stand behind
    it.
    """
    example = layout(_example_index(index, arrays, batched), ndim)
    if not any(batched):
        items = (slice(None), *as_tuple(fill(index, arrays)))
        axis = example.rank if _is_parted(items, ndim + 1) else 0
        return BatchedIndex(items, (axis,), (0,), example.ndim)
    lifted = fill(
        index, [_behind_batch(a, example.rank) if b else a for a, b in zip(arrays, batched, strict=True)]
    )
    if not x_batched:
        return BatchedIndex(lifted, (layout(lifted, ndim).start,), (0,), example.ndim)
    rows = np.reshape(np.arange(size), (size, *[1] * example.rank))
    source = tuple(range(1, 1 + example.rank))
    return BatchedIndex((rows, *lifted), source, tuple(i + example.start for i in source), example.ndim)


def _is_parted(items: tuple[Any, ...], ndim: int) -> bool:
    """Say whether the arrays' axes come before those of a leading slice."""
    found = layout(items, ndim)
    return found.rank > 0 and found.start == 0

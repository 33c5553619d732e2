"""Index maps: at which entries of an array its views look, by basic indices, and where reshaping leaves them.

An index of an entry is a tuple of integers, or of affine expressions in the counters of loops; these can be added, and
multiplied by integers, so that the same lines work on both.
"""

from __future__ import annotations

from types import EllipsisType
from typing import Any, NamedTuple

from wengert.core.lowering import Piece
from wengert.ops.index_forms import as_tuple

__all__ = ["Region", "broadcast_source", "piece_at", "region", "reshape_source"]

Index = tuple[Any, ...]

# Basic indices --------------------------------------------------------------------------------------------------------


class Region(NamedTuple):
    """The entries offset + stride n of an array, along each axis, that a basic index selects.

    Attributes
    ----------
    offsets, strides, extents : tuple of int
        For each axis of the array; an axis at which the index holds an integer has the extent 1.
    axes : tuple of int or None
        For each axis of the selection, that of the array which it runs along; None for a new axis of length 1.
    """

    offsets: tuple[int, ...]
    strides: tuple[int, ...]
    extents: tuple[int, ...]
    axes: tuple[int | None, ...]

    def source(self, at: Index) -> Index:
        """Return the index in the array of an entry of the selection."""
        place: list[Any] = list(self.offsets)
        for e, axis in zip(at, self.axes, strict=True):
            if axis is not None:
                place[axis] = e * self.strides[axis] + self.offsets[axis]
        return tuple(place)


def region(shape: tuple[int, ...], index: Any) -> Region | None:
    """Return what a basic index selects of an array of a shape, or None for an index that holds arrays."""
    items = as_tuple(index)
    if not all(type(item) is int or item is None or isinstance(item, slice | EllipsisType) for item in items):
        return None
    consumed = sum(item is not None and item is not Ellipsis for item in items)
    rest = [slice(None)] * (len(shape) - consumed)
    at = next((i for i, item in enumerate(items) if item is Ellipsis), len(items))
    lengths = iter(enumerate(shape))
    ranges: list[range] = []
    axes: list[int | None] = []
    for item in (*items[:at], *rest, *items[at + 1 :]):
        if item is None:
            axes.append(None)
            continue
        axis, n = next(lengths)
        if isinstance(item, int):
            ranges.append(range(n)[item : item + 1 or None])
        else:
            ranges.append(range(n)[item])
            axes.append(axis)
    offsets = tuple([r.start if r else 0 for r in ranges])
    strides = tuple([r.step if len(r) > 1 else 1 for r in ranges])  # a step may be any integer
    return Region(offsets, strides, tuple(map(len, ranges)), tuple(axes))


def piece_at(operand: int, shape: tuple[int, ...], where: Region) -> Piece:
    """Return how an operand of a shape, which may have to be broadcast, is put where an index selects.

    Leading axes of length 1 that the selection lacks are dropped, as assignments do.
    """
    extra = len(shape) - len(where.axes)
    own = where.axes[-extra:] if extra < 0 else (*[None] * extra, *where.axes)
    axes = [None if n == 1 else axis for n, axis in zip(shape, own, strict=True)]
    return Piece(operand, where.offsets, where.strides, where.extents, tuple(axes))


# Shapes ---------------------------------------------------------------------------------------------------------------


def broadcast_source(at: Index, shape: tuple[int, ...]) -> Index:
    """Return the index in an array of a shape of an entry of what it is broadcast to."""
    own = at[len(at) - len(shape) :]
    return tuple([0 if n == 1 else e for n, e in zip(shape, own, strict=True)])


def reshape_source(at: Index, shape: tuple[int, ...], new: tuple[int, ...]) -> Index | None:
    """Return the index in an array of a shape of an entry of what it is reshaped to.

    An axis that is split into several, of lengths n_1, ..., n_k, has the index (i_1 n_2 + i_2) n_3 + ... + i_k. None
    if axes are merged: then it would be a quotient.
    """
    if 0 in shape:
        return (0,) * len(shape)
    parts = [(e, n) for e, n in zip(at, new, strict=True) if n != 1]
    place: list[Any] = []
    for length in shape:
        total, reached = 0, 1
        while reached < length and parts:
            e, n = parts.pop(0)
            total = e if reached == 1 else total * n + e
            reached *= n
        if reached != length:
            return None
        place.append(total)
    return tuple(place)

"""Indices with arrays: where an entry of x[index] lies in x.

Constant arrays of evenly spaced integers, such as np.arange(n), say how the place depends on the counters of loops;
other arrays are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.compile.affine import Slots, constant, symbol
from wengert.compile.definitions import Dynamic, broadcast
from wengert.core.graph import Atom, Const
from wengert.ops.index_forms import SLOT, as_tuple, fill, layout

__all__ = ["located"]


def located(
    shape: tuple[int, ...], index: Any, arrays: Sequence[Atom]
) -> tuple[Callable[[Slots], Slots], list[Const]] | None:
    """Return the place in an array of a shape that an index of x[index] stands for, and the constants in the index.

    None where NumPy's rules for the index are not those of integers, slices and arrays of integers.
    """
    parts = _parts(shape, index, arrays)
    if parts is None:
        return None
    spaced = {item: _spacing(item, n) for item, n in parts if isinstance(item, Const)}
    stand_ins = [np.zeros(a.shape, np.intp) if a.shape else 0 for a in arrays]
    where = layout(fill(index, stand_ins), len(shape))
    start, end = where.start, where.start + where.rank

    def place(at: Slots) -> Slots:
        shared = at[start:end]
        plain = iter((*at[:start], *at[end:]))
        found = []
        for item, n in parts:
            if item is None:
                next(plain)
            elif isinstance(item, slice):
                first, _, step = item.indices(n)
                found.append(next(plain) * step + first)
            elif isinstance(item, int):
                found.append(constant(item + n if item < 0 else item))
            elif (spacing := spaced.get(item)) is not None:
                first, steps = spacing
                own = broadcast(item.shape, shared)
                found.append(sum([e * k for e, k in zip(own, steps, strict=True)], constant(first)))
            else:
                found.append(symbol(Dynamic(item, broadcast(item.shape, shared), n)))
        return tuple(found)

    return place, [item for item, spacing in spaced.items() if spacing is None]


def _spacing(const: Const, n: int) -> tuple[int, list[int]] | None:
    """Return the first of evenly spaced integers and their distances along each axis, or None if they are not.

    Nor if they may change, or if some lie outside of an axis of length n.
    """
    value = np.asarray(const.value)
    if const.live or not value.size or value.min() < -n or value.max() >= n:
        return None
    value = np.where(value < 0, value + n, value).astype(np.int64)
    first = value[(0,) * value.ndim]
    steps, grid = [], np.full((), first)
    for axis, length in enumerate(value.shape):
        steps.append(int(np.take(value, 1, axis).flat[0] - first) if length > 1 else 0)
        grid = grid[..., None] + steps[-1] * np.arange(length)
    return (int(first), steps) if np.array_equal(value, grid) else None


def _parts(shape: tuple[int, ...], index: Any, arrays: Sequence[Atom]) -> list[tuple[Any, int]] | None:
    """Return the items of an index, arrays as atoms, and the length of the axis of each."""
    rest, lengths = iter(arrays), iter(shape)
    parts: list[tuple[Any, int]] = []
    for item in _whole(shape, index):
        if item is None:
            parts.append((None, 0))
        elif item is SLOT:
            parts.append((next(rest), next(lengths)))
        elif not isinstance(item, np.ndarray):
            parts.append((item, next(lengths)))
        elif item.dtype.kind in "iu":
            parts.append((Const(item), next(lengths)))
        else:
            return None
    return parts


def _whole(shape: tuple[int, ...], index: Any) -> list[Any]:
    """Return the items of an index, an Ellipsis spelt out as slices."""
    items = list(as_tuple(index))
    missing = len(shape) - sum(item is not None and item is not Ellipsis for item in items)
    spelt = [slice(None)] * missing
    if not any(item is Ellipsis for item in items):
        return [*items, *spelt]
    k = next(i for i, item in enumerate(items) if item is Ellipsis)
    return [*items[:k], *spelt, *items[k + 1 :]]

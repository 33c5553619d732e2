"""Repetition: `repeat`, `tile`, `resize`, `meshgrid`, all composed of broadcasting, reshaping and taking."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.numpy_protocol import implements

__all__: list[str] = []


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Repeat each entry along an axis: broadcast along a new axis behind it, or take each index so many times."""
    if axis is None:
        a, axis = np.ravel(a), 0
    axis = normalize_axis_index(axis, np.ndim(a))
    shape = np.shape(a)
    if np.size(repeats) != 1:
        return np.take(a, np.repeat(np.arange(shape[axis]), repeats), axis=axis)
    times = int(np.reshape(repeats, ()))
    if times < 0:
        message = "repeats may not contain negative values."
        raise ValueError(message)
    wide = np.broadcast_to(np.expand_dims(a, axis + 1), (*shape[: axis + 1], times, *shape[axis + 1 :]))
    return np.reshape(wide, (*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """Repeat the whole array along its axes: broadcast along a new axis before each."""
    reps = tuple(map(int, reps)) if np.iterable(reps) else (int(reps),)
    shape = np.shape(A)
    ndim = max(len(shape), len(reps))
    reps, shape = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - len(shape)) + shape
    if math.prod(reps) == 1:
        return np.copy(np.reshape(A, shape))
    apart = np.reshape(A, tuple(n for m in shape for n in (1, m)))
    wide = np.broadcast_to(apart, tuple(n for pair in zip(reps, shape, strict=True) for n in pair))
    return np.reshape(wide, tuple(r * n for r, n in zip(reps, shape, strict=True)))


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """Fill a shape with the elements of the flattened array, again and again."""
    shape = (int(new_shape),) if np.ndim(new_shape) == 0 else tuple(map(int, new_shape))
    if min(shape, default=0) < 0:
        message = "all elements of `new_shape` must be non-negative"
        raise ValueError(message)
    size, flat = math.prod(shape), np.ravel(a)
    if np.size(flat) == 0 or size == 0:
        return np.zeros(shape, flat.dtype)
    return np.reshape(np.take(flat, np.arange(size) % np.size(flat)), shape)


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """Coordinates of a grid: each vector along its own axis, broadcast to all."""
    if indexing not in {"xy", "ij"}:
        message = "Valid values for `indexing` are 'xy' and 'ij'."
        raise ValueError(message)
    n = len(xi)
    axes = list(range(n))
    if indexing == "xy" and n > 1:
        axes[:2] = 1, 0
    grids = tuple(np.reshape(x, (*[1] * i, -1, *[1] * (n - 1 - i))) for i, x in zip(axes, xi, strict=True))
    if not sparse:
        grids = np.broadcast_arrays(*grids)
    return tuple(np.copy(g, order="C") for g in grids) if copy else tuple(grids)

"""Sliding windows: a view of an array that repeats its entries, one axis at a time.

windows      y[..., i, ..., k] = x[..., i + k, ...]                  adjoint: overlap_add
overlap_add  x[..., j, ...] = sum over i + k = j of y[..., i, ..., k]   adjoint: windows
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.lib.stride_tricks import sliding_window_view

from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive
from wengert.errors import RefusedError
from wengert.ops.families import linear
from wengert.types import ArrayType

if TYPE_CHECKING:
    from collections.abc import Iterator

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["overlap_add_", "windows_"]

_SHAPES = (((5,), 0, 3), ((4,), 0, 1), ((4,), 0, 4), ((2, 4, 3), 1, 2), ((2, 6), 1, 5), ((3, 2), 0, 0))


# windows --------------------------------------------------------------------------------------------------------------


def _windows_infer(t: ArrayType, *, axis: int, size: int) -> ArrayType:
    return ArrayType((*t.shape[:axis], t.shape[axis] - size + 1, *t.shape[axis + 1 :], size), t.dtype)


def _windows_samples(rng: np.random.Generator) -> Samples:
    for shape, axis, size in _SHAPES:
        yield (rng.normal(size=shape),), {"axis": axis, "size": size}


windows_: Primitive = linear(
    "windows",
    eval=lambda x, *, axis, size: sliding_window_view(x, size, axis),
    transpose=lambda y_bar, _x, *, axis, **_: overlap_add_(y_bar, axis=axis),
    infer=_windows_infer,
    batch=lambda _size, xs, _batched, *, axis, size: windows_(xs[0], axis=axis + 1, size=size),
    doc="Windows of a size along an axis, each an entry of that axis, their contents along a new last axis.",
    samples=_windows_samples,
)


# overlap_add ----------------------------------------------------------------------------------------------------------


def _overlap_add_eval(y: Any, *, axis: int) -> Any:
    """Add shifted slices: one for each place in a window, or one for each window if these are fewer."""
    count, size = y.shape[axis], y.shape[-1]
    y = np.moveaxis(y, axis, 0)
    x = np.zeros_like(y, shape=(count + size - 1, *y.shape[1:-1]))
    if size <= count:
        for k in range(size):
            x[k : k + count] += y[..., k]
    else:
        for i in range(count):
            x[i : i + size] += np.moveaxis(y[i], -1, 0)
    return np.moveaxis(x, 0, axis)


def _overlap_add_infer(t: ArrayType, *, axis: int) -> ArrayType:
    return ArrayType((*t.shape[:axis], t.shape[axis] + t.shape[-1] - 1, *t.shape[axis + 1 : -1]), t.dtype)


def _overlap_add_samples(rng: np.random.Generator) -> Samples:
    for shape, axis, size in _SHAPES:
        y = sliding_window_view(np.empty(shape), size, axis)
        yield (rng.normal(size=y.shape),), {"axis": axis}


overlap_add_: Primitive = linear(
    "overlap_add",
    eval=_overlap_add_eval,
    transpose=lambda x_bar, y, *, axis: windows_(x_bar, axis=axis, size=np.shape(y)[-1]),
    infer=_overlap_add_infer,
    batch=lambda _size, xs, _batched, *, axis: overlap_add_(xs[0], axis=axis + 1),
    doc="Sum of overlapping windows at the places where they were taken; the adjoint of windows.",
    samples=_overlap_add_samples,
)


# NumPy's function -----------------------------------------------------------------------------------------------------


@implements(sliding_window_view)
def sliding_windows(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """Slide along one axis after the other."""
    del subok
    if writeable:
        raise RefusedError(
            "sliding_window_view was called with writeable=True on a traced value",
            why="windows overlap, so what a write through them means depends on the order in which NumPy writes.",
            instead="write into the array itself.",
        )
    sizes = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    plain = np.broadcast_to(np.zeros(()), np.shape(x))
    sliding_window_view(plain, sizes, axis)  # raises NumPy's error where the window does not fit
    axes = range(np.ndim(x)) if axis is None else normalize_axis_tuple(axis, np.ndim(x), allow_duplicate=True)
    for one, size in zip(axes, sizes, strict=True):
        x = windows_(x, axis=one, size=int(size))
    return x

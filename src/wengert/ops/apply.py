"""NumPy's functions that call a function of the user's: apply_along_axis and apply_over_axes.

They are differentiated through their parts: the user's function runs on traced slices, and the results are stacked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.numpy_protocol import implements, operand
from wengert.types import Array

__all__ = ["apply_along_axis", "apply_over_axes"]


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Callable[..., Array], axis: int, arr: Array, *args: Any, **kwargs: Any) -> Array:
    """Apply a function of vectors to every vector along an axis; its result takes that axis's place."""
    arr = operand(arr)
    axis = normalize_axis_index(axis, np.ndim(arr))
    rows = np.moveaxis(arr, axis, -1)
    outer = np.shape(rows)[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")  # NumPy's words
    ys = [operand(func1d(rows[index], *args, **kwargs)) for index in np.ndindex(*outer)]
    y = np.stack(ys)
    inner = np.shape(y)[1:]
    y = np.reshape(y, (*outer, *inner))
    return np.moveaxis(y, range(len(outer), len(outer) + len(inner)), range(axis, axis + len(inner)))


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[[Array, int], Array], a: Array, axes: Any) -> Array:
    """Apply a reducing function func(a, axis) over several axes in turn, which stay as axes of length 1."""
    y = operand(a)
    for axis in [axes] if np.ndim(axes) == 0 else axes:
        index = normalize_axis_index(axis, np.ndim(y))
        reduced = func(y, index)
        if np.ndim(reduced) != np.ndim(y):
            reduced = np.expand_dims(reduced, index)
        if np.ndim(reduced) != np.ndim(y):
            raise ValueError("function is not returning an array of the correct shape")  # NumPy's words
        y = reduced
    return y

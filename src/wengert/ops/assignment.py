"""NumPy's functions that write into an array: copyto, put, place, putmask, put_along_axis, fill_diagonal.

A traced destination is a handle, and is rebound to the updated value. A plain destination cannot hold a traced value:
that raises, since NumPy would write numbers without their derivatives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.numpy_protocol import implements, operand
from wengert.core.views import require_array
from wengert.ops.selection import along_axis, positions
from wengert.ops.updating import index_update, require_traced_destination
from wengert.types import type_of

__all__: list[str] = []


def _repeated(values: Any, n: int) -> Any:
    """Return n values: the given ones in row-major order, over and over."""
    values = np.ravel(values)
    return values if np.size(values) == n else np.take(values, np.arange(n) % np.size(values))


def _update_flat(a: Any, where: Any, values: Any) -> None:
    """Assign at positions of the flattened array."""
    a[...] = np.reshape(index_update(np.ravel(a), where, values), np.shape(a))


def _require_cast(old: Any, new: Any, casting: str) -> None:
    found = type_of(old)
    if hasattr(old, "dtype") and not np.can_cast(found.dtype, new, casting):  # type: ignore[arg-type]
        message = f"Cannot cast array data from {found.dtype!r} to {new!r} according to the rule {casting!r}"
        raise TypeError(message)


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """Assign everywhere, or where a mask holds."""
    require_traced_destination("np.copyto", dst)
    src = operand(src)
    _require_cast(src, dst.dtype, casting)
    dst[...] = src if where is True else np.where(where, src, dst)


@implements(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Assign at positions of the flattened array."""
    require_traced_destination("np.put", a)
    require_array(a, "np.put")
    where = np.ravel(positions(operand(ind), np.size(a), mode))
    v = operand(v)
    if np.size(where) and np.size(v):
        _update_flat(a, where, _repeated(v, np.size(where)))


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Assign the first values to the entries where a mask holds."""
    require_traced_destination("np.place", arr)
    mask, vals = operand(mask), operand(vals)
    if np.size(mask) != np.size(arr):
        message = "place: mask and data must be the same size"
        raise ValueError(message)
    where = np.flatnonzero(mask)
    if np.size(where):
        if not np.size(vals):
            message = "Cannot insert from an empty array!"
            raise ValueError(message)
        _update_flat(arr, where, _repeated(vals, np.size(where)))


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """Assign where a mask holds, each entry the value at its own position."""
    require_traced_destination("np.putmask", a)
    mask, values = operand(mask), operand(values)
    if np.size(mask) != np.size(a):
        message = "putmask: mask and data must be the same size"
        raise ValueError(message)
    _require_cast(values, a.dtype, "safe")
    if np.size(values):
        shape = np.shape(a)
        a[...] = np.where(np.reshape(mask, shape), np.reshape(_repeated(values, np.size(a)), shape), a)


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Assign at one or more positions per line along an axis."""
    require_traced_destination("np.put_along_axis", arr)
    if axis is None:
        _update_flat(arr, indices, values)
    else:
        arr[along_axis(np.shape(arr), indices, normalize_axis_index(axis, np.ndim(arr)))] = values


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Assign on the main diagonal."""
    require_traced_destination("np.fill_diagonal", a)
    shape, val = np.shape(a), operand(val)
    if len(shape) < 2:
        message = "array must be at least 2-d"
        raise ValueError(message)
    if len(shape) == 2:
        step, end = shape[1] + 1, None if wrap else shape[1] * shape[1]
    elif len(set(shape)) > 1:
        message = "All dimensions of input must be of equal length"
        raise ValueError(message)
    else:
        step, end = 1 + int(np.cumprod(shape[:-1]).sum()), None
    where = np.arange(np.size(a))[:end:step]
    _update_flat(a, where, _repeated(val, np.size(where)))

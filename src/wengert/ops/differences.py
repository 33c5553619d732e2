"""Differences of neighbors: `diff` and `ediff1d`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.numpy_protocol import implements
from wengert.ops.reduction import reduced
from wengert.ops.scans import along
from wengert.types import type_of

__all__: list[str] = []


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbors along an axis, n times."""
    if n < 0:
        message = f"order must be non-negative but got {n!r}"
        raise ValueError(message)
    if n == 0:
        return a
    if np.ndim(a) == 0:
        message = "diff requires input that is at least one dimensional"
        raise ValueError(message)
    axis = normalize_axis_index(axis, np.ndim(a))
    row = reduced(np.shape(a), (axis,), keepdims=True)
    ends = [v if v is None or np.ndim(v) else np.broadcast_to(v, row) for v in (prepend, append)]
    if any(v is not None for v in ends):
        a = np.concatenate([v for v in (ends[0], a, ends[1]) if v is not None], axis=axis)
    differ = np.not_equal if type_of(a).dtype == np.bool_ else np.subtract
    for _ in range(n):
        a = differ(a[along(axis, np.s_[1:])], a[along(axis, np.s_[:-1])])
    return a


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of the flattened array, between given ends."""
    flat = np.ravel(ary)
    dtype = type_of(flat).dtype
    ends = [None if v is None else np.ravel(v) for v in (to_begin, to_end)]
    for v, name in zip(ends, ("to_begin", "to_end"), strict=True):
        if v is not None and not np.can_cast(type_of(v).dtype, dtype, casting="same_kind"):
            message = f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule."
            raise TypeError(message)
    pieces = [ends[0], flat[1:] - flat[:-1], ends[1]]
    whole = np.concatenate([v for v in pieces if v is not None])
    return whole if type_of(whole).dtype == dtype else np.astype(whole, dtype)

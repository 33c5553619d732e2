"""Questions whose answers are locally constant: where entries are not zero, and what index is meant.

They run on plain values and have derivative zero. What depends only on shapes and types does not even look at the
values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.numpy_protocol import implements, operand, traced_leaves, zero_derivative
from wengert.core.views import root, staged_under

__all__ = ["anywhere"]

zero_derivative(
    np.argwhere,
    np.flatnonzero,
    np.ix_,
    np.nonzero,
    np.ravel_multi_index,
    np.unravel_index,
)


def anywhere(condition: Any) -> bool:
    """Say whether a condition holds in any entry, and under `vmap` in any entry of any example.

    Where only its type is known, it may hold.
    """
    staged = staged_under(condition)
    if staged is None:
        return bool(np.any(root(condition)))
    return not staged.interpreter.releases(staged) or bool(np.any(staged))


@implements(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """Return the indices of the lower triangle of a matrix."""
    return np.tril_indices_from(np.broadcast_to(0, np.shape(arr)), k)


@implements(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """Return the indices of the upper triangle of a matrix."""
    return np.triu_indices_from(np.broadcast_to(0, np.shape(arr)), k)


@implements(np.diag_indices_from)
def diag_indices_from(arr: Any) -> Any:
    """Return the indices of the main diagonal."""
    return np.diag_indices_from(np.broadcast_to(0, np.shape(arr)))


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Cut off the zeros at the ends: the part between the first and the last entry that is not zero."""
    trim = trim.lower()
    if trim not in {"fb", "bf", "f", "b"}:
        message = f"unexpected character(s) in `trim`: {trim!r}"
        raise ValueError(message)
    array = operand(filt)
    found = np.argwhere(array)
    shape = np.shape(array)
    first = found.min(axis=0) if len(found) else np.array(shape)
    last = found.max(axis=0) + 1 if len(found) else np.zeros(len(shape), int)
    chosen = range(len(shape)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, len(shape))
    cuts = tuple(
        slice(int(first[i]) if "f" in trim else None, int(last[i]) if "b" in trim else None)
        if i in chosen
        else slice(None)
        for i in range(len(shape))
    )
    y = array[cuts]
    return list(y) if isinstance(filt, list) and traced_leaves(filt) else y

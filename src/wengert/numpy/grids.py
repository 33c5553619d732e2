"""Arrays by indexing: r_ and c_ with traced pieces, mgrid and ogrid between traced ends.

`np.r_[a, 0, b]` joins its pieces, `np.mgrid[0:1:5j, 0:t:3j]` spans a grid. Plain pieces are NumPy's business;
traced ones are joined by its functions in its order, so that values and types agree.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.numpy_protocol import operand
from wengert.numpy.constructors import arange, hold, is_traced, linspace

__all__ = ["c_", "mgrid", "ogrid", "r_"]

_SCALARS = frozenset(np.ScalarType)


def _has_traced(key: Any) -> bool:
    items = key if isinstance(key, tuple) else (key,)
    return any(
        is_traced((item.start, item.stop, item.step)) if isinstance(item, slice) else is_traced(item)
        for item in items
    )


def _bounds(item: slice) -> tuple[Any, Any, Any]:
    """Return start, stop and step, 0 and 1 where nothing is said."""
    return 0 if item.start is None else item.start, item.stop, 1 if item.step is None else item.step


def _is_complex(step: Any) -> bool:
    return isinstance(step, complex | np.complexfloating)


# r_ and c_ -----------------------------------------------------------------------------------------------------------


class _Joined:
    """What r_ and c_ are: pieces, joined along an axis."""

    def __init__(self, plain: Any, axis: int, ndmin: int, trans1d: int) -> None:
        self._plain, self._defaults = plain, (axis, ndmin, trans1d)
        self.__doc__ = plain.__doc__

    def __len__(self) -> int:
        return 0

    def __getitem__(self, key: Any) -> Any:
        if not _has_traced(key):
            return hold(self._plain[key])
        items = list(key) if isinstance(key, tuple) else [key]
        axis, ndmin, trans1d = self._defaults
        if isinstance(items[0], str):
            axis, ndmin, trans1d = _directive(items.pop(0), axis, ndmin, trans1d)
        pieces = [_piece(item, ndmin, trans1d) for item in items]
        dtype = np.result_type(*[y if type(y) in _SCALARS else y.dtype for y in pieces])
        return np.concatenate([_at_least(y, ndmin).astype(dtype) for y in pieces], axis=axis)


def _directive(text: str, axis: int, ndmin: int, trans1d: int) -> tuple[int, int, int]:
    """Read the string that may come first: axis, smallest number of axes, and where the axes of a piece go."""
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        reason = "matrices cannot be traced" if text in {"r", "c"} else f"unknown special directive {text!r}"
        raise ValueError(reason) from None
    axis, ndmin, trans1d = (*numbers[:3], *(axis, ndmin, trans1d)[len(numbers) :])
    return axis, ndmin, trans1d


def _piece(item: Any, ndmin: int, trans1d: int) -> Any:
    if isinstance(item, str):
        raise ValueError("special directives must be the first entry.")  # noqa: TRY004 - NumPy's words
    if type(item) in _SCALARS:
        return item
    if isinstance(item, slice):
        start, stop, step = _bounds(item)
        y = linspace(start, stop, num=int(abs(step))) if _is_complex(step) else arange(start, stop, step)
        y = _at_least(y, ndmin)
        return np.swapaxes(y, -1, trans1d) if ndmin > 1 and trans1d != -1 else y
    y = operand(item) if is_traced(item) else np.asanyarray(item)
    ndim = np.ndim(y)
    y = _at_least(y, ndmin)
    if trans1d == -1 or ndim >= ndmin:
        return y
    new = ndmin - ndim
    place = trans1d + new + 1 if trans1d < 0 else trans1d
    axes = list(range(ndmin))
    return np.transpose(y, axes[:place] + axes[new:] + axes[place:new])


def _at_least(y: Any, ndmin: int) -> Any:
    if is_traced(y):
        return np.reshape(y, (*[1] * (ndmin - np.ndim(y)), *np.shape(y)))
    return np.array(y, copy=None, subok=True, ndmin=ndmin)


r_, c_ = _Joined(np.r_, 0, 1, -1), _Joined(np.c_, -1, 2, 0)


# mgrid and ogrid -----------------------------------------------------------------------------------------------------


class _Grid:
    """What mgrid and ogrid are: coordinates of a grid, given by slices."""

    def __init__(self, plain: Any, *, sparse: bool) -> None:
        self._plain, self._sparse = plain, sparse
        self.__doc__ = plain.__doc__

    def __getitem__(self, key: Any) -> Any:
        if not _has_traced(key):
            return hold(self._plain[key])
        if not isinstance(key, tuple):
            return _line(key) if _is_complex(key.step) else arange(*_bounds(key))
        dtype = np.result_type(0, *[abs(v) if _is_complex(v) else v for item in key for v in _bounds(item)])
        grids = np.meshgrid(*[_line(item, dtype) for item in key], indexing="ij", sparse=self._sparse)
        return tuple(grids) if self._sparse else np.stack(grids)


def _line(item: slice, dtype: Any = None) -> Any:
    """Return i step + start: the coordinates along one axis."""
    start, stop, step = _bounds(item)
    if dtype is None:
        dtype = np.result_type(start, stop, abs(step))
    if _is_complex(step):
        count = int(abs(step))
        step = (stop - start) / float(count - 1) if count != 1 else 1
    else:
        count = max(int(np.ceil((stop - start) / step)), 0)
    y = np.arange(count, dtype=dtype) * step + start
    return y.astype(dtype)


mgrid, ogrid = _Grid(np.mgrid, sparse=False), _Grid(np.ogrid, sparse=True)

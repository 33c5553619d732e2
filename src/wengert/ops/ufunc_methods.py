"""The methods of ufuncs: reduce, accumulate, outer, at, reduceat.

A ufunc with a NumPy reduction of its own uses that; any other folds its pairs, which is the definition of the
method.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import FUNCTIONS, UFUNC_METHODS, operand
from wengert.core.tracer import Tracer
from wengert.errors import RefusedError

__all__: list[str] = []

_REDUCTIONS = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
_ACCUMULATIONS = {np.add: np.cumsum, np.multiply: np.cumprod}


def _reduction(function: Any) -> Any:
    def reduce(x: Any, axis: Any = 0, dtype: Any = None, keepdims: bool = False, **kwargs: Any) -> Any:
        given = {
            key: value
            for key, value in kwargs.items()
            if value is not None and value is not np._NoValue  # noqa: SLF001 - how NumPy says absent
        }
        if dtype is not None:
            x = x.astype(dtype)
        return function(x, axis=axis, keepdims=keepdims, **given)

    return reduce


def _accumulation(function: Any) -> Any:
    def accumulate(x: Any, axis: int = 0, dtype: Any = None) -> Any:
        return function(x, axis=axis, dtype=dtype)

    return accumulate


def _slices(x: Any, axis: int) -> list[Any]:
    return list(np.moveaxis(x, axis, 0))


def _fold(
    ufunc: Any,
    x: Any,
    axis: Any = 0,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Return ufunc.reduce by its definition, one slice after another."""
    if where is not True:
        raise RefusedError(
            f"{ufunc.__name__}.reduce was called on a traced value with where=",
            why="only the reductions that NumPy has as functions know a mask.",
            instead="select the entries first.",
        )
    if dtype is not None:
        x = x.astype(dtype)
    axes = sorted(range(x.ndim)) if axis is None else sorted(a % x.ndim for a in np.atleast_1d(axis).tolist())
    y = x
    for a in reversed(axes):
        parts = ([] if initial is None else [initial]) + _slices(y, a)
        initial = None
        if not parts:
            if ufunc.identity is None:
                message = f"zero-size array to reduction operation {ufunc.__name__} which has no identity"
                raise ValueError(message)
            parts = [np.full(np.delete(y.shape, a), ufunc.identity, y.dtype)]
        y = parts[0]
        for part in parts[1:]:
            y = ufunc(y, part)
    return np.expand_dims(y, tuple(axes)) if keepdims else y


def _scan(ufunc: Any, x: Any, axis: int = 0, dtype: Any = None) -> Any:
    """Return ufunc.accumulate by its definition."""
    parts = _slices(x if dtype is None else x.astype(dtype), axis)
    for i in range(1, len(parts)):
        parts[i] = ufunc(parts[i - 1], parts[i])
    return np.stack(parts, axis)


def _outer(ufunc: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    """Return ufunc.outer: the pairs of all entries."""
    a, b = operand(a), operand(b)
    return ufunc(np.reshape(a, (*np.shape(a), *([1] * np.ndim(b)))), b, **kwargs)


def _at(ufunc: Any, x: Any, index: Any, b: Any = None) -> None:
    """Run ufunc.at: entries named twice are updated twice."""
    if not isinstance(x, Tracer):
        raise RefusedError(
            f"{ufunc.__name__}.at would write a traced value into a plain array",
            why="a plain NumPy array cannot hold derivative information; it would be lost.",
            instead="make the array from a traced one, e.g. x = x0 + 0.0 * t.",
        )
    places = np.arange(x.size).reshape(x.shape)[index]
    values = [None] * places.size if b is None else list(np.ravel(np.broadcast_to(b, places.shape)))
    flat = x.reshape(-1)
    for place, value in zip(places.ravel().tolist(), values, strict=True):
        entry = flat[place]
        flat = FUNCTIONS[operator.setitem](
            flat, place, ufunc(entry) if value is None else ufunc(entry, value)
        )
    x[...] = flat.reshape(x.shape)


def _reduceat(ufunc: Any, x: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    """Return ufunc.reduceat: one reduction for each range between indices."""
    x = x if dtype is None else x.astype(dtype)
    moved = np.moveaxis(x, axis, 0)
    ends = [*indices[1:], moved.shape[0]]
    parts = [
        moved[i] if j <= i else ufunc.reduce(moved[i:j], axis=0) for i, j in zip(indices, ends, strict=True)
    ]
    return np.moveaxis(np.stack(parts), 0, axis)


for _ufunc, _function in _REDUCTIONS.items():
    UFUNC_METHODS["reduce", _ufunc] = _reduction(_function)
for _ufunc, _function in _ACCUMULATIONS.items():
    UFUNC_METHODS["accumulate", _ufunc] = _accumulation(_function)
UFUNC_METHODS["reduce", None] = _fold
UFUNC_METHODS["accumulate", None] = _scan
UFUNC_METHODS["outer", None] = _outer
UFUNC_METHODS["at", None] = _at
UFUNC_METHODS["reduceat", None] = _reduceat

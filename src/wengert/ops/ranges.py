"""Evenly spaced numbers between traced ends: linspace, logspace, geomspace, and arange with `like=`; compositions.

They follow NumPy's own algorithms step by step, so that values agree to the last bit.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import creates, implements, operand, traced_leaves
from wengert.ops.casting import astype
from wengert.ops.creation import held
from wengert.ops.locations import anywhere
from wengert.types import type_of

__all__: list[str] = []


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """Return start + i step; the last number is `stop` itself."""
    num = operator.index(num)
    if num < 0:
        message = f"Number of samples, {num}, must be non-negative."
        raise ValueError(message)
    start, stop = operand(start), operand(stop)
    inexact = np.result_type(start, stop, 0.0)
    delta = stop - start
    count = np.arange(num, dtype=inexact, device=device).reshape(-1, *[1] * np.ndim(delta))
    intervals = num - 1 if endpoint else num
    step: Any = np.nan
    if intervals > 0:
        step = delta / intervals
        underflow = np.any(step == 0)
        y = np.where(underflow, count / intervals * delta, count * step)
    else:
        y = count * delta
    y = y + start
    if endpoint and num > 1:
        y[-1, ...] = stop
    y = np.moveaxis(y, 0, axis)
    if dtype is not None:
        y = astype(np.floor(y) if np.issubdtype(dtype, np.integer) else y, dtype, copy=False)
    return (y, step) if retstep else y


@implements(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return powers of the base with evenly spaced exponents."""
    start, stop, base = operand(start), operand(stop), operand(base)
    if np.ndim(base):
        rank = max(np.ndim(x) for x in (start, stop, base))
        start, stop, base = (
            np.reshape(x, (*[1] * (rank - np.ndim(x)), *np.shape(x))) for x in (start, stop, base)
        )
        base = np.expand_dims(base, axis=axis)
    y = np.power(base, np.linspace(start, stop, num=num, endpoint=endpoint, axis=axis))
    return y if dtype is None else astype(y, dtype, copy=False)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Return powers of ten with evenly spaced exponents, turned to the direction of `start`."""
    start, stop = operand(start), operand(stop)
    if anywhere(start == 0) or anywhere(stop == 0):
        message = "Geometric sequence cannot include zero"
        raise ValueError(message)
    inexact = np.result_type(start, stop, float(num), np.zeros((), dtype))
    start, stop = astype(start, inexact), astype(stop, inexact)
    direction = np.sign(start)
    start, stop = start / direction, stop / direction
    y = np.logspace(np.log10(start), np.log10(stop), num=num, endpoint=endpoint, base=10.0, dtype=inexact)
    if num > 0:
        y[0] = start
    if num > 1 and endpoint:
        y[-1] = stop
    y = np.moveaxis(y * direction, 0, axis)
    return y if dtype is None else astype(y, dtype, copy=False)


@creates(np.arange)
def arange(
    start: Any, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, like: Any
) -> Any:
    """Return start + i step below `stop`; how many there are is locally constant."""
    if stop is None:
        start, stop = 0, start
    if not traced_leaves([start, stop, step]):
        return held(like, np.arange(start, stop, step, dtype=dtype, device=device))
    count = max(int(np.ceil((stop - start) / step)), 0)
    dtype = np.result_type(start, stop, step) if dtype is None else dtype
    first, second = astype(start, dtype), astype(start + step, dtype)
    return first + np.arange(count, dtype=type_of(first).dtype, device=device) * (second - first)

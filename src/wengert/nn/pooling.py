"""Pooling: the largest or mean entry of windows, over the spatial axes of (batch, channels, *spatial) images.

Entries that share the largest value of a window share its derivative, as those of `np.max` do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import ArgumentError
from wengert.nn.convolution import Numbers, Padding, spatial_numbers, spatial_padding
from wengert.ops.convolution import Ints, Pads, out_lengths
from wengert.types import Array, type_of

__all__ = ["adaptive_pool", "avg_pool", "max_pool"]


def max_pool(x: Array, window: Numbers, *, stride: Numbers | None = None, padding: Padding = 0) -> Array:
    """Largest entry of each window.

    Parameters
    ----------
    x : (batch, channels, *spatial) array
    window : int or tuple of ints
    stride : int or tuple of ints, optional
        The window itself by default.
    padding : "valid", "same", int, or one int or pair for each axis
        Entries before and after each axis, which no maximum sees.

    Returns
    -------
    (batch, channels, *out) array

    Raises
    ------
    ArgumentError
        If the window does not fit.

    Examples
    --------
    >>> max_pool(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    size, steps, pads = _geometry("max_pool", x, window, stride, padding)
    if any(max(pair) >= n for pair, n in zip(pads, size, strict=True)):
        raise ArgumentError(
            f"max_pool: padding {pads} with windows {size}",
            why="a window that sees padding alone has no largest entry.",
            instead="pad by less than the window.",
        )
    dtype = type_of(x).dtype
    lowest = -np.inf if dtype.kind == "f" else np.iinfo(dtype).min
    return _pooled(np.max, _padded(x, pads, lowest), size, steps)


def avg_pool(
    x: Array,
    window: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = 0,
    count_padding: bool = True,
) -> Array:
    """Mean entry of each window.

    Parameters
    ----------
    x : (batch, channels, *spatial) array
    window : int or tuple of ints
    stride : int or tuple of ints, optional
        The window itself by default.
    padding : "valid", "same", int, or one int or pair for each axis
        Zeros before and after each axis.
    count_padding : bool
        Divide by the size of the window, zeros included; else by the number of entries it sees.

    Returns
    -------
    (batch, channels, *out) array

    Raises
    ------
    ArgumentError
        If the window does not fit.

    Examples
    --------
    >>> avg_pool(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    size, steps, pads = _geometry("avg_pool", x, window, stride, padding)
    total = _pooled(np.sum, _padded(x, pads, 0), size, steps)
    if count_padding or not any(max(pair) for pair in pads):
        return total / math.prod(size)
    ones = np.ones((1, 1, *np.shape(x)[2:]), type_of(total).dtype)
    return total / _pooled(np.sum, _padded(ones, pads, 0), size, steps)


def adaptive_pool(x: Array, out: Numbers, reduce: Callable[..., Any] = np.mean) -> Array:
    """Pool windows that divide each spatial axis into a given number of parts.

    Parameters
    ----------
    x : (batch, channels, *spatial) array
    out : int or tuple of ints
        Number of windows along each axis; window i of m goes from floor(i n / m) to ceil((i + 1) n / m).
    reduce : callable
        `np.mean`, `np.max` or another function with `axis`.

    Returns
    -------
    (batch, channels, *out) array

    Raises
    ------
    ArgumentError
        If there are no spatial axes.

    Examples
    --------
    >>> adaptive_pool(np.arange(5.0).reshape(1, 1, 5), 2)
    array([[[1., 3.]]])
    """
    rank = _spatial_rank("adaptive_pool", x)
    for axis, m in enumerate(spatial_numbers("adaptive_pool", "out", out, rank), start=2):
        x = _divided(x, axis, m, reduce)
    return x


def _divided(x: Array, axis: int, m: int, reduce: Callable[..., Any]) -> Array:
    n = np.shape(x)[axis]
    before, after = np.shape(x)[:axis], np.shape(x)[axis + 1 :]
    if n % m == 0:
        return reduce(np.reshape(x, (*before, m, n // m, *after)), axis=axis + 1)
    ends = [(i * n // m, -((-(i + 1) * n) // m)) for i in range(m)]
    index = (slice(None),) * axis
    return np.stack([reduce(x[(*index, slice(low, high))], axis=axis) for low, high in ends], axis=axis)


# Windows ----------------------------------------------------------------------------------------


def _pooled(reduce: Callable[..., Any], x: Array, size: Ints, stride: Ints) -> Array:
    rank = len(size)
    if size == stride:  # windows that do not overlap are a reshape
        out = tuple([n // k for n, k in zip(np.shape(x)[2:], size, strict=True)])
        x = x[(slice(None), slice(None), *[slice(m * k) for m, k in zip(out, size, strict=True)])]
        split = [n for pair in zip(out, size, strict=True) for n in pair]
        return reduce(np.reshape(x, (*np.shape(x)[:2], *split)), axis=tuple(range(3, 3 + 2 * rank, 2)))
    # Windows that overlap: what each place of the window sees is a strided slice of x.
    out = out_lengths(np.shape(x)[2:], size, stride, ((0, 0),) * rank, (1,) * rank)
    seen = [
        x[
            (
                slice(None),
                slice(None),
                *[slice(i, i + s * (m - 1) + 1, s) for i, m, s in zip(k, out, stride, strict=True)],
            )
        ]
        for k in np.ndindex(*size)
    ]
    return reduce(np.stack(seen), axis=0)


def _padded(x: Array, pads: Pads, value: Any) -> Array:
    if not any(max(pair) for pair in pads):
        return x
    return np.pad(x, ((0, 0), (0, 0), *pads), constant_values=value)


def _geometry(
    name: str, x: Array, window: Numbers, stride: Numbers | None, padding: Padding
) -> tuple[Ints, Ints, Pads]:
    rank = _spatial_rank(name, x)
    size = spatial_numbers(name, "window", window, rank)
    steps = size if stride is None else spatial_numbers(name, "stride", stride, rank)
    ones: Sequence[int] = (1,) * rank
    lengths = np.shape(x)[2:]
    pads = spatial_padding(name, padding, lengths, size, steps, tuple(ones))
    if min(out_lengths(lengths, size, steps, pads, tuple(ones))) < 1:
        raise ArgumentError(
            f"{name}: windows {size} do not fit in images of shape {np.shape(x)}",
            why="the padded images are smaller than one window.",
            instead='make the window smaller, or pad (padding="same").',
        )
    return size, steps, pads


def _spatial_rank(name: str, x: Array) -> int:
    if np.ndim(x) < 3:
        raise ArgumentError(
            f"{name}: images of shape {np.shape(x)}",
            why="images are (batch, channels, *spatial), with one spatial axis or more.",
            instead="give them a batch axis and a channel axis: x[None, None].",
        )
    return np.ndim(x) - 2

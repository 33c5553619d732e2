"""Convolution and its transpose over one, two or three spatial axes, in the layouts of PyTorch.

    conv(x, w)[i, o, p] = sum over c, k of x[i, c, stride p + dilation k - padding] w[o, c, k] + b[o]

with images x (batch, channels, *spatial), kernels w (outputs, channels / groups, *kernel) and p, k multi-indices: the
cross-correlation that networks call convolution. How many spatial axes there are is seen from w.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError
from wengert.ops.convolution import Ints, Pads, conv_, conv_input_, out_lengths
from wengert.types import Array

__all__ = ["conv", "conv_transpose"]

Numbers = int | Sequence[int]
Padding = str | int | Sequence[int | Sequence[int]]


def conv(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> Array:
    """Convolution of images with kernels.

    Parameters
    ----------
    x : (batch, channels, *spatial) array
    w : (outputs, channels / groups, *kernel) array
    b : (outputs,) array, optional
        Added to each output channel.
    stride, dilation : int or tuple of ints
        Step of the windows, and step within one.
    padding : "valid", "same", int, or one int or pair for each axis
        Zeros before and after each spatial axis. "same" makes lengths n into ceil(n / stride); an odd zero stands
        after.
    groups : int
        Parts of the channels that are convolved apart.

    Returns
    -------
    (batch, outputs, *out) array

    Raises
    ------
    ArgumentError
        If the shapes do not fit each other or the geometry.

    Notes
    -----
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).

    Examples
    --------
    >>> x, w = np.arange(5.0).reshape(1, 1, 5), np.ones((1, 1, 3))
    >>> conv(x, w)
    array([[[3., 6., 9.]]])
    >>> conv(x, w, padding="same", stride=2)
    array([[[1., 6., 7.]]])
    """
    name = "conv"
    x, w = operand(x), operand(w)
    rank = _rank(name, x, w)
    steps, spread = _steps(name, stride, dilation, rank)
    kernel = np.shape(w)[2:]
    pads = spatial_padding(name, padding, np.shape(x)[2:], kernel, steps, spread)
    _check_channels(name, x, w, groups, np.shape(w)[1] * groups)
    _check_groups(np.shape(w)[0], groups)
    _check_lengths(name, out_lengths(np.shape(x)[2:], kernel, steps, pads, spread), x, w)
    y = conv_(x, w, stride=steps, padding=pads, dilation=spread, groups=groups)
    return _biased(name, y, b)


def conv_transpose(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Numbers = 1,
    padding: Padding = 0,
    output_padding: Numbers = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> Array:
    """Transpose of a convolution: the linear map from its outputs back to its images.

    Parameters
    ----------
    x : (batch, channels, *spatial) array
    w : (channels, outputs / groups, *kernel) array
        Of the convolution that is transposed, which makes `channels` of `outputs`.
    b : (outputs,) array, optional
    stride, dilation : int or tuple of ints
        Of that convolution.
    padding : "valid", "same", int, or one int or pair for each axis
        Of that convolution. "same" makes lengths n into stride n.
    output_padding : int or tuple of ints
        Entries more at each end, below the stride or the dilation. Below the stride these are lengths that the
        convolution takes to the same n.
    groups : int

    Returns
    -------
    (batch, outputs, *out) array
        With out = stride (n - 1) + dilation (kernel - 1) + 1 + output_padding - padding on both sides.

    Raises
    ------
    ArgumentError
        If the shapes do not fit each other or the geometry.

    Examples
    --------
    >>> conv_transpose(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]]), stride=2)
    array([[[  1.,  10., 102.,  20., 200.]]])
    """
    name = "conv_transpose"
    x, w = operand(x), operand(w)
    rank = _rank(name, x, w)
    steps, spread = _steps(name, stride, dilation, rank)
    extra = spatial_numbers(name, "output_padding", output_padding, rank, least=0)
    kernel, lengths = np.shape(w)[2:], np.shape(x)[2:]
    _check_channels(name, x, w, groups, np.shape(w)[0])
    pads = spatial_padding(name, padding, lengths, kernel, steps, spread)
    if padding == "same":
        pads, extra = _same_transposed(kernel, steps, spread)
    _check_extra(extra, steps, spread)
    pads, zeros = _less_cut_off(pads, extra)
    spatial = _lengths_before(lengths, kernel, steps, spread, pads)
    _check_lengths(name, spatial, x, w)
    y = conv_input_(x, w, spatial=spatial, stride=steps, padding=pads, dilation=spread, groups=groups)
    return _biased(name, np.pad(y, ((0, 0), (0, 0), *zeros)) if np.any(zeros) else y, b)


# Geometry ---------------------------------------------------------------------------------------


def spatial_numbers(layer: str, name: str, value: Numbers, rank: int, least: int = 1) -> Ints:
    """One number for each spatial axis.

    Parameters
    ----------
    layer, name : str
        Of the layer and the argument, for errors.
    value : int or tuple of ints
    rank : int
        Number of spatial axes.
    least : int
        Smallest number allowed.

    Returns
    -------
    tuple of ints

    Examples
    --------
    >>> spatial_numbers("conv", "stride", 2, 3)
    (2, 2, 2)
    """
    given: Any = (value,) * rank if np.ndim(value) == 0 else value
    numbers = tuple(given)
    if len(numbers) != rank or any(not isinstance(n, int | np.integer) or n < least for n in numbers):
        raise ArgumentError(
            f"{layer}: {name} is {value!r} for {rank} spatial axes",
            why=f"each axis needs an integer, at least {least}.",
            instead="give one integer for all axes, or one for each.",
        )
    return tuple([int(n) for n in numbers])


def spatial_padding(
    layer: str, padding: Padding, lengths: Ints, kernel: Ints, stride: Ints, dilation: Ints
) -> Pads:
    """Padding before and after each spatial axis.

    Parameters
    ----------
    layer : str
        For errors.
    padding : "valid", "same", int, or one int or pair for each axis
    lengths, kernel, stride, dilation : tuple of ints

    Returns
    -------
    tuple of pairs

    Examples
    --------
    >>> spatial_padding("conv", "same", (5,), (4,), (1,), (1,))
    ((1, 2),)
    """
    rank = len(kernel)
    if padding == "valid":
        return ((0, 0),) * rank
    if padding == "same":
        totals = [
            max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
            for n, k, s, d in zip(lengths, kernel, stride, dilation, strict=True)
        ]
        return tuple([(n // 2, n - n // 2) for n in totals])
    given: Any = (padding,) * rank if isinstance(padding, int | np.integer) else padding
    pairs = (
        []
        if isinstance(given, str)
        else [(n, n) if isinstance(n, int | np.integer) else tuple(n) for n in given]
    )
    if len(pairs) != rank or any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
        raise ArgumentError(
            f"{layer}: padding is {padding!r} for {rank} spatial axes",
            why="each axis is padded by a number of zeros before and one after.",
            instead='give "valid", "same", an int, or one int or pair (before, after) for each axis.',
        )
    return tuple([(int(low), int(high)) for low, high in pairs])


def _same_transposed(kernel: Ints, stride: Ints, dilation: Ints) -> tuple[Pads, Ints]:
    """Return padding and output padding of a transposed convolution that makes lengths n into stride n."""
    spans = [d * (k - 1) + 1 - s for k, d, s in zip(kernel, dilation, stride, strict=True)]
    pads = tuple([(max(n, 0) // 2, max(n, 0) - max(n, 0) // 2) for n in spans])
    return pads, tuple([max(-n, 0) for n in spans])


def _less_cut_off(pads: Pads, extra: Ints) -> tuple[Pads, Pads]:
    """Return the padding of a transposed convolution with more entries at each end, and the zeros to add there.

    Padding is what it cuts off. More entries are fewer cut off; those beyond the last one that anything reaches are 0.
    """
    ends = list(zip(pads, extra, strict=True))
    return (
        tuple([(low, max(high - e, 0)) for (low, high), e in ends]),
        tuple([(0, max(e - high, 0)) for (_, high), e in ends]),
    )


# Checks -----------------------------------------------------------------------------------------


def _rank(name: str, x: Array, w: Array) -> int:
    if np.ndim(x) != np.ndim(w) or np.ndim(w) < 3:
        raise ArgumentError(
            f"{name}: images of shape {np.shape(x)}, kernels of shape {np.shape(w)}",
            why="images are (batch, channels, *spatial) and kernels (outputs, channels, *kernel), with one spatial "
            "axis or more.",
            instead="give images a batch axis and kernels as many spatial axes as the images.",
        )
    return np.ndim(w) - 2


def _steps(name: str, stride: Numbers, dilation: Numbers, rank: int) -> tuple[Ints, Ints]:
    return spatial_numbers(name, "stride", stride, rank), spatial_numbers(name, "dilation", dilation, rank)


def _lengths_before(out: Ints, kernel: Ints, stride: Ints, dilation: Ints, pads: Pads) -> Ints:
    """Return the shortest lengths of images whose convolution has some lengths."""
    return tuple(
        [
            s * (n - 1) + d * (k - 1) + 1 - low - high
            for n, k, s, d, (low, high) in zip(out, kernel, stride, dilation, pads, strict=True)
        ]
    )


def _check_groups(outputs: int, groups: int) -> None:
    if outputs % groups:
        raise ArgumentError(
            f"conv: {outputs} outputs in {groups} groups",
            why="groups are of equal sizes.",
            instead="make the number of outputs a multiple of groups.",
        )


def _check_channels(name: str, x: Array, w: Array, groups: int, channels: int) -> None:
    if groups < 1 or np.shape(x)[1] % groups or np.shape(x)[1] != channels:
        raise ArgumentError(
            f"{name}: images of shape {np.shape(x)} have {np.shape(x)[1]} channels, kernels of shape {np.shape(w)} in "
            f"{groups} groups take {channels}",
            why="axis 1 of the images is summed over, group by group.",
            instead="move the channels to axis 1, or make kernels of that many.",
        )


def _check_extra(extra: Ints, stride: Ints, dilation: Ints) -> None:
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ArgumentError(
            f"conv_transpose: output_padding {extra} with stride {stride} and dilation {dilation}",
            why="entries beyond the last window would see no input at all.",
            instead="give an output_padding below the stride or the dilation.",
        )


def _check_lengths(name: str, lengths: Ints, x: Array, w: Array) -> None:
    if min(lengths) < 1:
        raise ArgumentError(
            f"{name}: images of shape {np.shape(x)} and kernels of shape {np.shape(w)} give spatial lengths {lengths}",
            why="the padded images are smaller than the kernel.",
            instead='pad more (padding="same"), or make the kernel or its dilation smaller.',
        )


def _biased(name: str, y: Array, b: Array | None) -> Array:
    if b is None:
        return y
    if np.shape(b) != np.shape(y)[1:2]:
        raise ArgumentError(
            f"{name}: a bias of shape {np.shape(b)} for {np.shape(y)[1]} output channels",
            instead="give one number for each output channel.",
        )
    return y + np.reshape(b, (-1, *[1] * (np.ndim(y) - 2)))

"""Conv and ConvTranspose: convolutions with their kernels, over any number of spatial axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert import random
from wengert.errors import ArgumentError
from wengert.nn.convolution import Numbers, Padding, conv, conv_transpose
from wengert.nn.initializers import fan_in_uniform
from wengert.nn.module import Module, static
from wengert.nn.shapes import require_shape
from wengert.types import Array

__all__ = ["Conv", "ConvTranspose"]


class Conv(Module):
    """A convolution of images (batch, n_in, *spatial) with kernels.

    Parameters
    ----------
    n_in, n_out : int
        Channels before and after.
    kernel : tuple of int
        Lengths of the kernel: one for each spatial axis; an int stands for a square of two axes.
    key : random key
        For the initial kernels.
    stride, padding, dilation, groups
        As for `nn.conv`.
    bias : bool
        Whether to add a number to each channel.
    dtype : dtype
    initializer : (key, shape, dtype) -> array, optional
        Of the kernels; by default uniform between ±1/sqrt(n), n the number of entries that a kernel sums over.

    Attributes
    ----------
    weight : (n_out, n_in / groups, *kernel) array
        As PyTorch's.
    bias : (n_out,) array or None

    Examples
    --------
    >>> layer = Conv(1, 16, 3, key=random.key(0), padding="same")
    >>> layer
    Conv(weight=f64[16,1,3,3], bias=f64[16], padding='same')
    >>> layer(np.zeros((8, 1, 28, 28))).shape
    (8, 16, 28, 28)
    """

    weight: Array
    bias: Array | None
    stride: Numbers = static(default=1)
    padding: Padding = static(default=0)
    dilation: Numbers = static(default=1)
    groups: int = static(default=1)

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int | tuple[int, ...],
        *,
        key: Array,
        stride: Numbers = 1,
        padding: Padding = 0,
        dilation: Numbers = 1,
        groups: int = 1,
        bias: bool = True,
        dtype: Any = np.float64,
        initializer: Any = None,
    ) -> None:
        lengths = _kernel(kernel)
        _check_groups("Conv", groups, n_in, n_out)
        shape = (n_out, n_in // groups, *lengths)
        fan_in = n_in // groups * math.prod(lengths)
        self.weight, self.bias = _initial(key, shape, n_out, fan_in, bias, dtype, initializer)
        self.stride, self.padding = stride, padding
        self.dilation, self.groups = dilation, groups

    def __call__(self, x: Array) -> Array:
        """Return the convolution of x, of shape (batch, n_in, *spatial)."""
        weight, groups = self.weight, self.groups
        channels = weight.shape[1] * groups
        require_shape(self, x, last=(channels, *[None] * (weight.ndim - 2)), leading="batch", instead=_AXES)
        return conv(
            x,
            weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=groups,
        )


class ConvTranspose(Module):
    """The transpose of a convolution: from few entries to more.

    Parameters
    ----------
    n_in, n_out : int
        Channels before and after.
    kernel : tuple of int
        Lengths of the kernel: one for each spatial axis; an int stands for a square of two axes.
    key : random key
        For the initial kernels.
    stride, padding, output_padding, dilation, groups
        As for `nn.conv_transpose`.
    bias : bool
    dtype : dtype
    initializer : (key, shape, dtype) -> array, optional
        Of the kernels; by default uniform between ±1/sqrt(n), n = n_out / groups times the size of the kernel, as
        PyTorch's.

    Attributes
    ----------
    weight : (n_in, n_out / groups, *kernel) array
        As PyTorch's.
    bias : (n_out,) array or None

    Examples
    --------
    >>> layer = ConvTranspose(8, 4, 2, key=random.key(0), stride=2)
    >>> layer(np.zeros((1, 8, 5, 5))).shape
    (1, 4, 10, 10)
    """

    weight: Array
    bias: Array | None
    stride: Numbers = static(default=1)
    padding: Padding = static(default=0)
    output_padding: Numbers = static(default=0)
    dilation: Numbers = static(default=1)
    groups: int = static(default=1)

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int | tuple[int, ...],
        *,
        key: Array,
        stride: Numbers = 1,
        padding: Padding = 0,
        output_padding: Numbers = 0,
        dilation: Numbers = 1,
        groups: int = 1,
        bias: bool = True,
        dtype: Any = np.float64,
        initializer: Any = None,
    ) -> None:
        lengths = _kernel(kernel)
        _check_groups("ConvTranspose", groups, n_in, n_out)
        shape = (n_in, n_out // groups, *lengths)
        fan_in = n_out // groups * math.prod(lengths)
        self.weight, self.bias = _initial(key, shape, n_out, fan_in, bias, dtype, initializer)
        self.stride, self.padding, self.output_padding = stride, padding, output_padding
        self.dilation, self.groups = dilation, groups

    def __call__(self, x: Array) -> Array:
        """Return the transposed convolution of x, of shape (batch, n_in, *spatial)."""
        weight = self.weight
        require_shape(
            self, x, last=(weight.shape[0], *[None] * (weight.ndim - 2)), leading="batch", instead=_AXES
        )
        return conv_transpose(
            x,
            weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
        )


_AXES = "give images as (batch, channels, *spatial): np.moveaxis(x, -1, 1) if the channels come last, x[None] for one."


def _kernel(kernel: int | tuple[int, ...]) -> tuple[int, ...]:
    return (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)


def _check_groups(name: str, groups: int, n_in: int, n_out: int) -> None:
    if groups < 1 or n_in % groups or n_out % groups:
        raise ArgumentError(
            f"{name}: {groups} groups of {n_in} channels before and {n_out} after",
            why="each group takes and gives as many channels as the others.",
            instead="choose a number of groups that divides both.",
        )


def _initial(
    key: Array, shape: tuple[int, ...], n_out: int, fan_in: int, bias: bool, dtype: Any, initializer: Any
) -> tuple[Array, Array | None]:
    first, second = random.split(key)
    if initializer is None:
        weight = fan_in_uniform(first, shape, dtype, fan_in=fan_in)
    else:
        weight = initializer(first, shape, dtype)
    return weight, fan_in_uniform(second, (n_out,), dtype, fan_in=fan_in) if bias else None

"""Convolutions of images, as neural networks use them: `conv`, and its adjoint `conv_transpose`."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError
from wengert.ops.convolution import Ints, Pads, conv_, conv_input_, out_lengths
from wengert.types import Array

__all__ = ["conv", "conv_transpose"]


def _each(value: Any, rank: int, name: str) -> Ints:
    """One positive integer per spatial axis."""
    values = (value,) * rank if np.ndim(value) == 0 else tuple(value)
    if len(values) != rank or any(int(v) != v or v < 1 for v in values):
        raise ArgumentError(
            f"conv was given {name}={value!r} for {rank} spatial axes",
            instead="pass one positive integer, or one for each spatial axis.",
        )
    return tuple([int(v) for v in values])


def _pads(padding: Any, kernel: Ints, stride: Ints, dilation: Ints) -> Pads:
    """Zeros to add before and after each spatial axis."""
    rank = len(kernel)
    if padding == "valid":
        return ((0, 0),) * rank
    if padding == "same":
        if any(s != 1 for s in stride):
            raise ArgumentError(
                f"conv was given padding='same' with stride {stride}",
                why="the result would have the length of its input only with stride 1.",
                instead="pass the numbers of zeros to pad with.",
            )
        spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple([(span // 2, span - span // 2) for span in spans])
    values = (padding,) * rank if np.ndim(padding) == 0 and not isinstance(padding, str) else tuple(padding)
    pairs = tuple([(p, p) if np.ndim(p) == 0 else tuple(p) for p in values])
    if len(pairs) != rank or any(
        len(p) != 2 or not all(isinstance(n, int | np.integer) and n >= 0 for n in p) for p in pairs
    ):
        raise ArgumentError(
            f"conv was given padding={padding!r} for {rank} spatial axes",
            instead="pass 'valid', 'same', one number of zeros, or for each axis a number or a pair (before, after).",
        )
    return tuple([(int(lo), int(hi)) for lo, hi in pairs])


def _check(x: Array, w: Array, channels: int, groups: int) -> None:
    """Raise unless x has that many channels and the outputs divide into the groups."""
    if np.ndim(x) != np.ndim(w) or np.ndim(x) < 3:
        raise ArgumentError(
            f"conv was given images of shape {np.shape(x)} and kernels of shape {np.shape(w)}",
            why="images are (batch, channels, *spatial), kernels (outputs, channels / groups, *kernel).",
            instead="add the missing axes with x[np.newaxis].",
        )
    if groups < 1 or np.shape(w)[0] % groups or np.shape(x)[1] != channels:
        raise ArgumentError(
            f"conv was given images of shape {np.shape(x)}, kernels of shape {np.shape(w)} and groups={groups}",
            why=f"these kernels take {channels} channels, and their {np.shape(w)[0]} outputs must divide into groups.",
        )


def conv(x: Array, w: Array, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Array:
    r"""Cross-correlation of images with kernels over any number of spatial axes, as in neural networks.

    Parameters
    ----------
    x : (batch, channels, \*spatial) array
        Images.
    w : (outputs, channels / groups, \*kernel) array
        Kernels.
    stride, dilation : int or sequence of int
        Step between windows, and between the entries of a window; one for all spatial axes or one for each.
    padding : int, sequence of int or of pairs, "valid" or "same"
        Zeros to add around the images: a number, one for each axis, or (before, after) for each axis.
    groups : int
        Number of groups of channels that do not mix.

    Returns
    -------
    y : (batch, outputs, \*out) array
        With out = (spatial + before + after - dilation (kernel - 1) - 1) // stride + 1.

    Examples
    --------
    >>> import numpy as np
    >>> conv(np.arange(5.0).reshape(1, 1, 5), np.array([[[1.0, -1.0]]]))
    array([[[-1., -1., -1., -1.]]])
    """
    x, w = operand(x), operand(w)
    _check(x, w, groups * np.shape(w)[1], groups)
    spatial, kernel = np.shape(x)[2:], np.shape(w)[2:]
    strides, dilations = _each(stride, len(kernel), "stride"), _each(dilation, len(kernel), "dilation")
    pads = _pads(padding, kernel, strides, dilations)
    if min(out_lengths(spatial, kernel, strides, pads, dilations)) < 1:
        raise ArgumentError(
            f"conv was given kernels of shape {kernel} for images of shape {spatial}",
            why="a kernel, with its dilation, is longer than a padded image.",
            instead="pad the images or make the kernel smaller.",
        )
    return conv_(x, w, stride=strides, padding=pads, dilation=dilations, groups=groups)


def conv_transpose(
    z: Array,
    w: Array,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    output_padding: Any = 0,
) -> Array:
    r"""Transposed convolution: the adjoint of `conv` in its images, which spreads each entry of z over a window.

    Parameters
    ----------
    z : (batch, channels, \*spatial) array
        Images.
    w : (channels, outputs / groups, \*kernel) array
        Kernels.
    stride, padding, dilation, groups
        Of the convolution that this is the adjoint of.
    output_padding : int or sequence of int
        Extra length of the result, less than the stride: which of the images that `conv` maps to z's shape to return.

    Returns
    -------
    x : (batch, outputs, \*out) array
        With out = stride (spatial - 1) + dilation (kernel - 1) + 1 - before - after + output_padding.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose(np.ones((1, 1, 3)), np.array([[[1.0, 2.0]]]), stride=2)
    array([[[1., 2., 1., 2., 1., 2.]]])
    """
    z, w = operand(z), operand(w)
    _check(z, w, np.shape(w)[0], groups)
    out, kernel = np.shape(z)[2:], np.shape(w)[2:]
    strides, dilations = _each(stride, len(kernel), "stride"), _each(dilation, len(kernel), "dilation")
    pads = _pads(padding, kernel, strides, dilations)
    extra = (output_padding,) * len(kernel) if np.ndim(output_padding) == 0 else tuple(output_padding)
    spatial = tuple(
        [
            s * (m - 1) + d * (k - 1) + 1 - lo - hi + e
            for m, k, s, d, (lo, hi), e in zip(out, kernel, strides, dilations, pads, extra, strict=True)
        ]
    )
    if min(spatial) < 1 or any(not 0 <= e < s for e, s in zip(extra, strides, strict=True)):
        raise ArgumentError(
            f"conv_transpose would have a result of shape {spatial}, with output_padding={output_padding!r}",
            why="lengths must be positive, and the extra length less than the stride.",
        )
    return conv_input_(z, w, spatial=spatial, stride=strides, padding=pads, dilation=dilations, groups=groups)

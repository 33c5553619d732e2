"""LayerNorm, GroupNorm, RMSNorm: normalization of each entry of a batch by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import ArgumentError
from wengert.nn.module import Module, static
from wengert.nn.normalization import group_norm, layer_norm, rms_norm
from wengert.nn.shapes import require_shape
from wengert.types import Array

__all__ = ["GroupNorm", "LayerNorm", "RMSNorm", "scale_and_bias"]


def scale_and_bias(
    shape: int | tuple[int, ...], dtype: Any, *, affine: bool
) -> tuple[Array | None, Array | None]:
    """Return what a layer multiplies and adds after it has normalized, at first; None for both if nothing.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
    affine : bool

    Returns
    -------
    scale, bias : array or None

    Examples
    --------
    >>> scale_and_bias(2, float, affine=True)
    (array([1., 1.]), array([0., 0.]))
    """
    return (np.ones(shape, dtype), np.zeros(shape, dtype)) if affine else (None, None)


class LayerNorm(Module):
    """Normalization to mean 0 and variance 1 over the last axes.

    Parameters
    ----------
    shape : int or tuple of int
        Lengths of the last axes, over which is normalized.
    epsilon : float
        Added to the variance.
    affine : bool
        Whether to scale and shift entries afterwards.
    dtype : dtype

    Attributes
    ----------
    scale, bias : array of that shape, or None

    Examples
    --------
    >>> LayerNorm(4)
    LayerNorm(scale=f64[4], bias=f64[4])
    >>> LayerNorm(2, epsilon=0.0)(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """

    scale: Array | None
    bias: Array | None
    shape: tuple[int, ...] = static(repr=False)
    epsilon: float = static(default=1e-5)

    def __init__(
        self,
        shape: int | tuple[int, ...],
        *,
        epsilon: float = 1e-5,
        affine: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.scale, self.bias = scale_and_bias(self.shape, dtype, affine=affine)
        self.epsilon = epsilon

    def __call__(self, x: Array) -> Array:
        """Return x normalized over its last axes."""
        require_shape(self, x, last=self.shape)
        axes = tuple(range(-len(self.shape), 0))
        return layer_norm(x, self.scale, self.bias, axes=axes, epsilon=self.epsilon)


class RMSNorm(Module):
    """Division by the root mean square over the last axes.

    Parameters
    ----------
    shape : int or tuple of int
        Lengths of the last axes, over which is normalized.
    epsilon : float
        Added to the mean square.
    dtype : dtype

    Attributes
    ----------
    scale : array of that shape

    Notes
    -----
    Zhang and Sennrich, "Root mean square layer normalization" (2019).

    Examples
    --------
    >>> RMSNorm(2, epsilon=0.0)(np.array([3.0, 4.0])) ** 2 @ np.ones(2)
    np.float64(2.0)
    """

    scale: Array
    epsilon: float = static(default=1e-6)

    def __init__(
        self, shape: int | tuple[int, ...], *, epsilon: float = 1e-6, dtype: Any = np.float64
    ) -> None:
        self.scale = np.ones(shape, dtype)
        self.epsilon = epsilon

    def __call__(self, x: Array) -> Array:
        """Return x over its root mean square, scaled."""
        scale = self.scale
        require_shape(self, x, last=scale.shape)
        return rms_norm(x, scale, axes=tuple(range(-scale.ndim, 0)), epsilon=self.epsilon)


class GroupNorm(Module):
    """Normalization over groups of channels and the spatial axes.

    Parameters
    ----------
    groups : int
        How many; 1 normalizes over all channels, as many as channels each by itself.
    channels : int
    epsilon : float
        Added to the variance.
    affine : bool
        Whether to scale and shift channels afterwards.
    dtype : dtype

    Attributes
    ----------
    scale, bias : (channels,) array or None

    Notes
    -----
    Wu and He, "Group normalization" (2018).

    Examples
    --------
    >>> GroupNorm(2, 4)(np.zeros((8, 4, 5, 5))).shape
    (8, 4, 5, 5)
    """

    scale: Array | None
    bias: Array | None
    groups: int = static()
    channels: int = static(repr=False)
    epsilon: float = static(default=1e-5)

    def __init__(
        self,
        groups: int,
        channels: int,
        *,
        epsilon: float = 1e-5,
        affine: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        if groups < 1 or channels % groups:
            raise ArgumentError(
                f"GroupNorm: {groups} groups of {channels} channels",
                why="groups have equal numbers of channels.",
                instead="choose a number of groups that divides the channels.",
            )
        self.scale, self.bias = scale_and_bias(channels, dtype, affine=affine)
        self.groups, self.channels, self.epsilon = groups, channels, epsilon

    def __call__(self, x: Array) -> Array:
        """Return x, of shape (batch, channels, *spatial), normalized."""
        require_shape(self, x, last=(self.channels, *[None] * (np.ndim(x) - 2)), leading="batch")
        return group_norm(x, self.groups, self.scale, self.bias, epsilon=self.epsilon)

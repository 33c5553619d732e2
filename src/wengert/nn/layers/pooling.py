"""Pooling as layers: modules without parameters."""

from __future__ import annotations

from wengert.nn.convolution import Numbers, Padding
from wengert.nn.module import Module, static
from wengert.nn.pooling import avg_pool, max_pool
from wengert.types import Array

__all__ = ["AvgPool", "MaxPool"]


class Pool(Module):
    """Windows over the spatial axes; what a layer makes of each is up to the subclass."""

    window: Numbers = static()
    stride: Numbers | None = static(default=None)
    padding: Padding = static(default=0)


class MaxPool(Pool):
    """The largest entry of each window; see `nn.max_pool`.

    Parameters
    ----------
    window : int or tuple of int
    stride : int or tuple of int, optional
        The window itself by default.
    padding : "valid", "same", int, or one int or pair for each axis

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """

    def __call__(self, x: Array) -> Array:
        """Return the maxima of the windows of x, of shape (batch, channels, *spatial)."""
        return max_pool(x, self.window, stride=self.stride, padding=self.padding)


class AvgPool(Pool):
    """The mean of each window; see `nn.avg_pool`.

    Parameters
    ----------
    window : int or tuple of int
    stride : int or tuple of int, optional
        The window itself by default.
    padding : "valid", "same", int, or one int or pair for each axis

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """

    def __call__(self, x: Array) -> Array:
        """Return the means of the windows of x, of shape (batch, channels, *spatial)."""
        return avg_pool(x, self.window, stride=self.stride, padding=self.padding)

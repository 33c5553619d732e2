"""BatchNorm: normalization of channels by the batch in training, by running averages afterwards."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from wengert.nn.layers.normalization import scale_and_bias
from wengert.nn.module import Module, buffer, static
from wengert.nn.normalization import batch_norm, batch_statistics
from wengert.nn.shapes import require_shape
from wengert.types import Array

__all__ = ["BatchNorm"]


class BatchNorm(Module):
    """Normalization of each channel to mean 0 and variance 1.

    Parameters
    ----------
    channels : int
    momentum : float
        Weight of the newest batch in the running averages.
    epsilon : float
        Added to the variance.
    affine : bool
        Whether to scale and shift channels afterwards.
    dtype : dtype

    Attributes
    ----------
    scale, bias : (channels,) array or None
    mean, variance : (channels,) array
        Running averages: buffers, which no optimizer sees. The variance is the unbiased one, as PyTorch's.

    Notes
    -----
    Nothing is hidden: a call uses the running averages and changes nothing; `train` uses the batch, whose statistics
    are differentiated, and returns the module with new averages beside the output.

    Ioffe and Szegedy, "Batch normalization" (2015).

    Examples
    --------
    >>> layer = BatchNorm(1, momentum=0.5)
    >>> y, layer = layer.train(np.array([[1.0], [3.0]]))
    >>> layer.mean, layer.variance
    (array([1.]), array([1.5]))
    >>> layer(np.array([[1.0]]))
    array([[0.]])
    """

    scale: Array | None
    bias: Array | None
    mean: Array = buffer()
    variance: Array = buffer()
    momentum: float = static(default=0.1)
    epsilon: float = static(default=1e-5)

    def __init__(
        self,
        channels: int,
        *,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        affine: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        self.scale, self.bias = scale_and_bias(channels, dtype, affine=affine)
        self.mean, self.variance = np.zeros(channels, dtype), np.ones(channels, dtype)
        self.momentum, self.epsilon = momentum, epsilon

    def __call__(self, x: Array) -> Array:
        """Return x, of shape (batch, channels, *spatial), normalized by the running averages."""
        self._require_channels(x)
        return batch_norm(
            x, self.scale, self.bias, mean=self.mean, variance=self.variance, epsilon=self.epsilon
        )

    def train(self, x: Array, *, key: Array | None = None) -> tuple[Array, Self]:
        """Return x normalized by the batch, and the module with new averages; see `Module.train`."""
        self._require_channels(x)
        mean, variance = batch_statistics(x)
        y = batch_norm(x, self.scale, self.bias, mean=mean, variance=variance, epsilon=self.epsilon)
        n = np.size(x) // np.shape(x)[1]
        unbiased = variance * (n / max(n - 1, 1))
        old, new = 1.0 - self.momentum, self.momentum
        return y, self.replace(
            mean=old * self.mean + new * mean, variance=old * self.variance + new * unbiased
        )

    def _require_channels(self, x: Array) -> None:
        channels = self.mean.shape[0]
        require_shape(self, x, last=(channels, *[None] * (np.ndim(x) - 2)), leading="batch")

"""Linear: an affine map of the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert import random
from wengert.nn.initializers import fan_in_uniform
from wengert.nn.module import Module
from wengert.nn.shapes import require_shape
from wengert.types import Array

__all__ = ["Linear"]


class Linear(Module):
    """The map x W^T + b of the last axis.

    Parameters
    ----------
    n_in, n_out : int
        Lengths of the last axis, before and after.
    key : random key
        For the initial weights.
    bias : bool
        Whether to add b.
    dtype : dtype
        Of the weights.
    initializer : (key, shape, dtype) -> array, optional
        Of W; by default uniform between ±1/sqrt(n_in), as b always is.

    Attributes
    ----------
    weight : (n_out, n_in) array
        As PyTorch's.
    bias : (n_out,) array or None

    Examples
    --------
    >>> layer = Linear(3, 2, key=random.key(0))
    >>> layer
    Linear(weight=f64[2,3], bias=f64[2])
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    """

    weight: Array
    bias: Array | None

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        key: Array,
        bias: bool = True,
        dtype: Any = np.float64,
        initializer: Any = None,
    ) -> None:
        first, second = random.split(key)
        self.weight = (fan_in_uniform if initializer is None else initializer)(first, (n_out, n_in), dtype)
        self.bias = fan_in_uniform(second, (n_out,), dtype, fan_in=n_in) if bias else None

    def __call__(self, x: Array) -> Array:
        """Return x W^T + b for x of shape (..., n_in)."""
        weight, bias = self.weight, self.bias
        require_shape(self, x, last=(weight.shape[1],))
        y = np.matmul(x, weight.T)
        return y if bias is None else y + bias

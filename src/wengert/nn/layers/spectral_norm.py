"""SpectralNorm: a layer whose weights have the largest singular value 1."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from wengert import random
from wengert.errors import ArgumentError
from wengert.nn.layers.convolution import ConvTranspose
from wengert.nn.module import Module, buffer, static
from wengert.nn.spectral import spectral_norm
from wengert.types import Array

__all__ = ["SpectralNorm"]


class SpectralNorm(Module):
    """A layer with its weights divided by their largest singular value.

    Parameters
    ----------
    layer : Module
        With a field `weight`: `Linear`, `Conv`, `ConvTranspose`, `Embedding` or one of yours.
    key : random key
        For the initial singular vector.
    iterations : int
        Steps of power iteration in each call of `train`.
    initial_iterations : int
        And at the start.

    Attributes
    ----------
    layer : Module
        The weights in it are those that are trained, before the division.
    vector : array
        Estimate of the left singular vector, one entry for each output: a buffer.

    Notes
    -----
    A call uses the vector as it is, `train` improves it. See `nn.spectral_norm`.

    Examples
    --------
    >>> from wengert.nn.layers.linear import Linear
    >>> first, second = random.split(random.key(0))
    >>> critic = SpectralNorm(Linear(3, 3, key=first, bias=False), key=second, initial_iterations=100)
    >>> bool(abs(np.linalg.norm(critic(np.eye(3)), 2) - 1.0) < 1e-6)
    True
    """

    layer: Any
    vector: Array = buffer()
    iterations: int = static(default=1)

    def __init__(self, layer: Any, *, key: Array, iterations: int = 1, initial_iterations: int = 15) -> None:
        weight: Any = getattr(layer, "weight", None)
        if np.ndim(weight) < 2:
            raise ArgumentError(
                f"SpectralNorm got a {type(layer).__name__}, which has no matrix `weight`",
                why="its weights are divided by their largest singular value.",
                instead="give it a layer such as Linear or Conv, or one of yours with a field `weight`.",
            )
        self.layer, self.iterations = layer, iterations
        matrix = _outputs_first(layer, weight)
        start = random.normal(key, matrix.shape[:1], matrix.dtype)
        self.vector = spectral_norm(matrix, start, iterations=initial_iterations)[1]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the layer with normalized weights does."""
        return self._normalized(0)[0](*args, **kwargs)

    def train(self, *args: Any, key: Array | None = None, **kwargs: Any) -> tuple[Any, Self]:
        """Return the output after steps of power iteration, and the module with the new vector."""
        normalized, vector = self._normalized(self.iterations)
        y, layer = normalized.train(*args, key=key, **kwargs)
        return y, self.replace(layer=layer.replace(weight=self.layer.weight), vector=vector)

    def _normalized(self, iterations: int) -> tuple[Any, Array]:
        weight = self.layer.weight
        normalized, vector = spectral_norm(
            _outputs_first(self.layer, weight), self.vector, iterations=iterations
        )
        return self.layer.replace(weight=_outputs_first(self.layer, normalized)), vector


def _outputs_first(layer: Any, weight: Array) -> Array:
    """Return weights with the axis of the outputs first, which a transposed convolution has second; and back."""
    return np.swapaxes(weight, 0, 1) if isinstance(layer, ConvTranspose) else weight

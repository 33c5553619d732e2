"""TransformerBlock: attention, then the same two affine maps for each place, both beside the identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from wengert import random
from wengert.nn.activations import gelu
from wengert.nn.layers.attention import MultiHeadAttention
from wengert.nn.layers.containers import keys_for
from wengert.nn.layers.dropout import Dropout
from wengert.nn.layers.linear import Linear
from wengert.nn.layers.normalization import LayerNorm
from wengert.nn.module import Module, static
from wengert.types import Array

__all__ = ["TransformerBlock"]


class TransformerBlock(Module):
    """A layer of a transformer: attention and a feed-forward network, each with a norm and a residual connection.

    Parameters
    ----------
    width : int
        Features of the input and the output.
    heads : int
        Of the attention.
    key : random key
        For the initial weights.
    hidden : int, optional
        Features between the two affine maps, by default four times the width.
    activation : callable
        Between the two affine maps.
    norm_first : bool
        Whether each part normalizes its input (Xiong et al. 2020), or the sum behind it (Vaswani et al. 2017, and
        PyTorch's default).
    dropout : float
        Share of entries that training sets to zero: after the attention, and after both maps.
    epsilon : float
        Of the norms.
    dtype : dtype
    **options
        key_heads, bias, rotary, block: as for `MultiHeadAttention`.

    Attributes
    ----------
    attention : MultiHeadAttention
    attention_norm, hidden_norm : LayerNorm
    first, second : Linear
    dropout : Dropout

    Examples
    --------
    >>> block = TransformerBlock(8, 2, key=random.key(0))
    >>> block(np.ones((4, 10, 8)), causal=True).shape
    (4, 10, 8)
    """

    attention: MultiHeadAttention
    attention_norm: LayerNorm
    first: Linear
    second: Linear
    hidden_norm: LayerNorm
    dropout: Dropout
    activation: Callable[[Any], Any] = static(default=gelu)
    norm_first: bool = static(default=True)

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        key: Array,
        hidden: int | None = None,
        activation: Callable[[Any], Any] = gelu,
        norm_first: bool = True,
        dropout: float = 0.0,
        epsilon: float = 1e-5,
        dtype: Any = np.float64,
        **options: Any,
    ) -> None:
        hidden = 4 * width if hidden is None else hidden
        k1, k2, k3 = random.split(key, 3)
        self.attention = MultiHeadAttention(width, heads, key=k1, dtype=dtype, **options)
        self.attention_norm = LayerNorm(width, epsilon=epsilon, dtype=dtype)
        self.first = Linear(width, hidden, key=k2, dtype=dtype)
        self.second = Linear(hidden, width, key=k3, dtype=dtype)
        self.hidden_norm = LayerNorm(width, epsilon=epsilon, dtype=dtype)
        self.dropout, self.activation, self.norm_first = Dropout(dropout), activation, norm_first

    def __call__(self, x: Array, *, mask: Array | None = None, causal: bool = False) -> Array:
        """Return x, of shape (..., length, width), after attention and the two maps.

        Parameters
        ----------
        x : (..., length, width) array
        mask, causal
            As for `MultiHeadAttention`.

        Returns
        -------
        (..., length, width) array
        """
        return self._after(x, mask, lambda _, y: y, causal=causal)

    def train(
        self, x: Array, *, key: Array | None = None, mask: Array | None = None, causal: bool = False
    ) -> tuple[Array, Self]:
        """Return the output with dropout, and the block; see `Module.train`."""
        keys, dropout = keys_for(key, 3), self.dropout
        return self._after(x, mask, lambda i, y: dropout.train(y, key=keys[i])[0], causal=causal), self

    def differs_in_training(self) -> bool:
        """Say whether there is dropout."""
        return self.dropout.differs_in_training()

    def _after(
        self, x: Array, mask: Array | None, drop: Callable[[int, Array], Array], *, causal: bool
    ) -> Array:
        def attended(x: Array) -> Array:
            return drop(0, self.attention(x, mask=mask, causal=causal))

        def mapped(x: Array) -> Array:
            return drop(2, self.second(drop(1, self.activation(self.first(x)))))

        if self.norm_first:
            x = x + attended(self.attention_norm(x))
            return x + mapped(self.hidden_norm(x))
        x = self.attention_norm(x + attended(x))
        return self.hidden_norm(x + mapped(x))

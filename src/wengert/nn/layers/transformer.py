"""TransformerBlock: attention, then the same two affine maps for each place, both beside the identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, overload

import numpy as np

from wengert import random
from wengert.nn.activations import gelu
from wengert.nn.key_value_cache import KeyValueCache
from wengert.nn.layers.attention import MultiHeadAttention
from wengert.nn.layers.containers import keys_for
from wengert.nn.layers.dropout import Dropout
from wengert.nn.layers.linear import Linear
from wengert.nn.layers.normalization import LayerNorm
from wengert.nn.module import Module, static
from wengert.types import Array

__all__ = ["TransformerBlock"]

Drop = Callable[[int, Array], Array]  # of the place of a dropout in the block and its input


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
    attention_dropout : float, optional
        Share of the weights of attention that training sets to zero; by default `dropout`, as in PyTorch.
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
        attention_dropout: float | None = None,
        epsilon: float = 1e-5,
        dtype: Any = np.float64,
        **options: Any,
    ) -> None:
        hidden = 4 * width if hidden is None else hidden
        k1, k2, k3 = random.split(key, 3)
        weights_dropout = dropout if attention_dropout is None else attention_dropout
        self.attention = MultiHeadAttention(
            width, heads, key=k1, dropout=weights_dropout, dtype=dtype, **options
        )
        self.attention_norm = LayerNorm(width, epsilon=epsilon, dtype=dtype)
        self.first = Linear(width, hidden, key=k2, dtype=dtype)
        self.second = Linear(hidden, width, key=k3, dtype=dtype)
        self.hidden_norm = LayerNorm(width, epsilon=epsilon, dtype=dtype)
        self.dropout, self.activation, self.norm_first = Dropout(dropout), activation, norm_first

    @overload
    def __call__(
        self, x: Array, *, mask: Array | None = None, causal: bool = False, cache: None = None
    ) -> Array: ...
    @overload
    def __call__(
        self, x: Array, *, mask: Array | None = None, causal: bool = True, cache: KeyValueCache
    ) -> tuple[Array, KeyValueCache]: ...
    def __call__(
        self,
        x: Array,
        *,
        mask: Array | None = None,
        causal: bool = False,
        cache: KeyValueCache | None = None,
    ) -> Any:
        """Return x, of shape (..., length, width), after attention and the two maps.

        Parameters
        ----------
        x : (..., length, width) array
        mask, causal, cache
            As for `MultiHeadAttention`.

        Returns
        -------
        (..., length, width) array
            And with a cache the next one.
        """
        if cache is None:
            return self._after(x, lambda x: (self.attention(x, mask=mask, causal=causal), None))[0]
        return self._after(x, lambda x: self.attention(x, mask=mask, cache=cache))

    def train(
        self, x: Array, *, key: Array | None = None, mask: Array | None = None, causal: bool = False
    ) -> tuple[Array, Self]:
        """Return the output with dropout, and the block; see `Module.train`."""
        *keys, own = keys_for(key, 4)

        def attend(x: Array) -> tuple[Array, None]:
            return self.attention.train(x, key=own, mask=mask, causal=causal)[0], None

        return self._after(x, attend, lambda i, y: self.dropout.train(y, key=keys[i])[0])[0], self

    def differs_in_training(self) -> bool:
        """Say whether there is dropout."""
        return self.dropout.differs_in_training() or self.attention.differs_in_training()

    def empty_cache(self, length: int, batch: tuple[int, ...] = ()) -> KeyValueCache:
        """Return a cache for a call, with nothing in it; see `MultiHeadAttention.empty_cache`."""
        return self.attention.empty_cache(length, batch)

    def _after(
        self, x: Array, attend: Callable[[Array], tuple[Array, Any]], drop: Drop = lambda _, y: y
    ) -> tuple[Array, Any]:
        """Return x after attention and the two maps, and what attention returns beside its output."""

        def mapped(x: Array) -> Array:
            return drop(2, self.second(drop(1, self.activation(self.first(x)))))

        y, rest = attend(self.attention_norm(x) if self.norm_first else x)
        x = x + drop(0, y)
        if self.norm_first:
            return x + mapped(self.hidden_norm(x)), rest
        x = self.attention_norm(x)
        return self.hidden_norm(x + mapped(x)), rest

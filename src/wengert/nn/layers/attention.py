"""MultiHeadAttention: each place of a sequence takes from the others what it looks for."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from wengert import random
from wengert.errors import ArgumentError
from wengert.nn.attention import attention, rope
from wengert.nn.initializers import glorot_uniform
from wengert.nn.layers.dropout import Dropout
from wengert.nn.layers.linear import Linear
from wengert.nn.module import Module, static
from wengert.nn.shapes import require_shape
from wengert.types import Array

__all__ = ["MultiHeadAttention"]


class MultiHeadAttention(Module):
    """Attention of several heads, between linear maps.

    Parameters
    ----------
    width : int
        Features of the input and the output.
    heads : int
        How many queries each place has.
    key : random key
        For the initial weights: uniform between ±sqrt(6 / (n_in + n_out)) (Glorot and Bengio 2010), biases 0.
    key_heads : int, optional
        How many keys and values each place has, a divisor of `heads`, by default as many: grouped queries (Ainslie
        et al. 2023), with 1 multi-query attention.
    bias : bool
        Whether the linear maps add a vector.
    rotary : bool
        Whether queries and keys are rotated by their place (`nn.rope`).
    dropout : float
        Share of the output's entries that training sets to zero.
    block : int, optional
        Keys in a block: memory grows with the length of the sequence, not its square. See `nn.attention`.
    dtype : dtype

    Attributes
    ----------
    query, key, value, output : Linear

    Notes
    -----
    Vaswani et al., "Attention is all you need" (2017), section 3.2.

    Examples
    --------
    >>> layer = MultiHeadAttention(8, 2, key=random.key(0))
    >>> layer(np.ones((4, 10, 8)), causal=True).shape
    (4, 10, 8)
    """

    query: Linear
    key: Linear
    value: Linear
    output: Linear
    dropout: Dropout
    heads: int = static()
    key_heads: int = static(repr=False)
    rotary: bool = static(default=False)
    block: int | None = static(default=None)

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        key: Array,
        key_heads: int | None = None,
        bias: bool = True,
        rotary: bool = False,
        dropout: float = 0.0,
        block: int | None = None,
        dtype: Any = np.float64,
    ) -> None:
        self.heads = heads
        self.key_heads = heads if key_heads is None else key_heads
        _check_heads(width, heads, self.key_heads, rotary=rotary)
        narrow = width // heads * self.key_heads
        sizes = ((width, width), (width, narrow), (width, narrow), (width, width))
        self.query, self.key, self.value, self.output = (
            _glorot(n, m, k, bias, dtype) for (n, m), k in zip(sizes, random.split(key, 4), strict=True)
        )
        self.rotary, self.block, self.dropout = rotary, block, Dropout(dropout)

    def __call__(
        self, x: Array, context: Array | None = None, *, mask: Array | None = None, causal: bool = False
    ) -> Array:
        """Return what the places of x take from each other, or from those of a context.

        Parameters
        ----------
        x : (..., length, width) array
        context : (..., keys, width) array, optional
            What keys and values are made of; by default x.
        mask : array of bool, optional
            Broadcasts to (..., heads, length, keys); True where a place may look.
        causal : bool
            Whether places look at earlier ones and themselves only.

        Returns
        -------
        (..., length, width) array
        """
        context = x if context is None else context
        width = self.query.weight.shape[1]
        require_shape(self, x, last=(None, width))
        require_shape(self, context, last=(None, width), argument="context")
        q = _split(self.query(x), self.heads)
        k, v = _split(self.key(context), self.key_heads), _split(self.value(context), self.key_heads)
        if self.rotary:
            q, k = rope(q), rope(k)
        return self.output(_joined(attention(q, k, v, mask=mask, causal=causal, block=self.block)))

    def train(
        self,
        x: Array,
        context: Array | None = None,
        *,
        key: Array | None = None,
        mask: Array | None = None,
        causal: bool = False,
    ) -> tuple[Array, Self]:
        """Return the output with dropout, and the module; see `Module.train`."""
        y = self(x, context, mask=mask, causal=causal)
        return self.dropout.train(y, key=key)[0], self

    def differs_in_training(self) -> bool:
        """Say whether there is dropout."""
        return self.dropout.differs_in_training()


def _glorot(n: int, m: int, key: Array, bias: bool, dtype: Any) -> Linear:
    layer = Linear(n, m, key=key, dtype=dtype, initializer=glorot_uniform)
    return layer.replace(bias=np.zeros(m, dtype) if bias else None)


def _split(x: Array, heads: int) -> Array:
    """Before: (..., length, heads * d). After: (..., heads, length, d)."""
    *lead, length, width = np.shape(x)
    return np.swapaxes(np.reshape(x, (*lead, length, heads, width // heads)), -2, -3)


def _joined(x: Array) -> Array:
    """Before: (..., heads, length, d). After: (..., length, heads * d)."""
    *lead, heads, length, d = np.shape(x)
    return np.reshape(np.swapaxes(x, -2, -3), (*lead, length, heads * d))


def _check_heads(width: int, heads: int, key_heads: int, *, rotary: bool) -> None:
    if heads < 1 or key_heads < 1 or width % heads or heads % key_heads:
        raise ArgumentError(
            f"MultiHeadAttention: width {width}, {heads} heads of queries and {key_heads} of keys",
            why="heads have equal shares of the width, and keys serve equal numbers of queries.",
            instead="choose a number of heads that divides the width, and of key_heads that divides the heads.",
        )
    if rotary and width // heads % 2:
        raise ArgumentError(
            f"MultiHeadAttention: rotary with {width // heads} features for each head",
            why="rotation turns pairs of features.",
            instead="choose an even number of features for each head.",
        )

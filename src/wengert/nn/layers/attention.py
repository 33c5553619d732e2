"""MultiHeadAttention: each place of a sequence takes from the others what it looks for."""

from __future__ import annotations

from typing import Any, Self, overload

import numpy as np

from wengert import random
from wengert.errors import ArgumentError
from wengert.nn.attention import attention, rope
from wengert.nn.dropout import check_rate
from wengert.nn.initializers import glorot_uniform
from wengert.nn.key_value_cache import KeyValueCache
from wengert.nn.layers.linear import Linear
from wengert.nn.module import Module, static
from wengert.nn.shapes import require_shape
from wengert.types import Array, type_of

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
        Share of the weights of attention, the entries of the softmax, that training sets to zero.
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
    heads: int = static()
    key_heads: int = static(repr=False)
    dropout: float = static(default=0.0)
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
        check_rate("MultiHeadAttention: dropout", dropout)
        self.rotary, self.block, self.dropout = rotary, block, dropout

    @overload
    def __call__(
        self,
        x: Array,
        context: Array | None = None,
        *,
        mask: Array | None = None,
        causal: bool = False,
        cache: None = None,
    ) -> Array: ...
    @overload
    def __call__(
        self, x: Array, *, mask: Array | None = None, causal: bool = True, cache: KeyValueCache
    ) -> tuple[Array, KeyValueCache]: ...
    def __call__(
        self,
        x: Array,
        context: Array | None = None,
        *,
        mask: Array | None = None,
        causal: bool = False,
        cache: KeyValueCache | None = None,
    ) -> Any:
        """Return what the places of x take from each other, or from those of a context.

        Parameters
        ----------
        x : (..., length, width) array
        context : (..., keys, width) array, optional
            What keys and values are made of; by default x.
        mask : array of bool, optional
            Broadcasts to (..., heads, length, keys); True where a place may look. With a cache, keys are all its
            places.
        causal : bool
            Whether places look at earlier ones and themselves only; with a cache they do.
        cache : KeyValueCache, optional
            Of the places before x: see `empty_cache`.

        Returns
        -------
        (..., length, width) array
            And with a cache the next one.
        """
        if cache is None:
            return self._attend(x, context, mask=mask, causal=causal)
        if context is not None:
            raise ArgumentError(
                "MultiHeadAttention got a context and a cache",
                why="a cache holds the keys of the places before x, a context has keys of its own.",
                instead="give one of them; keys of a context do not change from step to step.",
            )
        return self._continue(x, cache, mask)

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
        return self._attend(x, context, mask=mask, causal=causal, dropout=self.dropout, key=key), self

    def empty_cache(self, length: int, batch: tuple[int, ...] = ()) -> KeyValueCache:
        """Return a cache for a call, with nothing in it.

        Parameters
        ----------
        length : int
            How many places it has, which is fixed.
        batch : tuple of int
            Axes of x before (length, width).

        Returns
        -------
        KeyValueCache

        Notes
        -----
        Memory is what grouped queries leave of it: `key_heads` heads of keys and of values.

        Examples
        --------
        >>> layer = MultiHeadAttention(8, 2, key=random.key(0))
        >>> x = random.normal(random.key(1), (5, 8))
        >>> cache, rows = layer.empty_cache(16), []
        >>> for i in range(5):
        ...     y, cache = layer(x[i : i + 1], cache=cache)
        ...     rows.append(y)
        >>> np.allclose(np.concatenate(rows), layer(x, causal=True))
        True
        """
        width = self.query.weight.shape[1]
        dtype = type_of(self.key.weight).dtype
        return KeyValueCache.empty(length, self.key_heads, width // self.heads, batch=batch, dtype=dtype)

    def _attend(
        self,
        x: Array,
        context: Array | None,
        *,
        mask: Array | None,
        causal: bool,
        dropout: float = 0.0,
        key: Array | None = None,
    ) -> Array:
        context = x if context is None else context
        require_shape(self, context, last=(None, self.query.weight.shape[1]), argument="context")
        q, k, v = self._projected(x, context)
        if self.rotary:
            q, k = rope(q), rope(k)
        y = attention(q, k, v, mask=mask, causal=causal, block=self.block, dropout=dropout, key=key)
        return self.output(_joined(y))

    def _continue(self, x: Array, cache: KeyValueCache, mask: Array | None) -> tuple[Array, KeyValueCache]:
        self._check_cache(x, cache)
        q, k, v = self._projected(x, x)
        if self.rotary:
            q, k = rope(q, offset=cache.used), rope(k, offset=cache.used)
        cache, n = cache.append(k, v), np.shape(x)[-2]
        seen = cache.visible(n)
        mask = seen if mask is None else np.logical_and(seen, mask)
        block = None if n == 1 else self.block  # the scores of one place are linear in the length as they are
        y = attention(q, cache.keys, cache.values, mask=mask, block=block)
        return self.output(_joined(y)), cache

    def _projected(self, x: Array, context: Array) -> tuple[Array, Array, Array]:
        """Return queries, keys and values: (..., heads, length, d)."""
        require_shape(self, x, last=(None, self.query.weight.shape[1]))
        q = _split(self.query(x), self.heads)
        return q, _split(self.key(context), self.key_heads), _split(self.value(context), self.key_heads)

    def _check_cache(self, x: Array, cache: KeyValueCache) -> None:
        instead = (
            "make it by empty_cache(length, batch=...) of this layer, with the leading axes of x as batch."
        )
        if not isinstance(cache, KeyValueCache):
            raise ArgumentError(
                f"MultiHeadAttention got a cache of class {type(cache).__name__}",
                why="each layer has a cache of its own.",
                instead=instead,
            )
        d = self.query.weight.shape[1] // self.heads
        batch = np.shape(x)[:-2]
        wanted = (*batch, self.key_heads, None, d)
        for name in ("keys", "values"):
            held = getattr(cache, name)
            require_shape(self, held, last=wanted, leading="", argument=f"cache.{name}", instead=instead)

    def differs_in_training(self) -> bool:
        """Say whether there is dropout."""
        return self.dropout > 0.0


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

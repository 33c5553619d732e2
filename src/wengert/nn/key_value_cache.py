"""Keys and values of the places that attention has seen, so that a text is continued at the cost of its new places.

A cache is a value of fixed size: `append` returns the next one, and `jit` and loops see one type at every step. Places
that hold nothing yet are masked. Compiled loops write into it in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from wengert.core.dispatch import Traced
from wengert.errors import ArgumentError
from wengert.nn.embedding import checked_later
from wengert.ops.updating import index_update
from wengert.types import Array, type_of

__all__ = ["KeyValueCache"]


@dataclass(frozen=True, slots=True)
class KeyValueCache:
    """Keys and values of up to `length` places.

    Attributes
    ----------
    keys : (..., key_heads, length, d) array
    values : (..., key_heads, length, d_v) array
    used : integer scalar
        How many places are filled.

    Notes
    -----
    `MultiHeadAttention.empty_cache` makes one that fits the layer, and a call with ``cache=`` returns the next one.
    Under `wg.vmap` each sequence has its own `used`.

    Examples
    --------
    >>> cache = KeyValueCache.empty(length=4, heads=1, features=2)
    >>> cache = cache.append(np.ones((1, 3, 2)), np.ones((1, 3, 2)))
    >>> int(cache.used), cache.keys[0, :, 0]
    (3, array([1., 1., 1., 0.]))
    """

    keys: Array
    values: Array
    used: Any

    @classmethod
    def empty(
        cls, length: int, heads: int, features: int, *, batch: tuple[int, ...] = (), dtype: Any = np.float64
    ) -> Self:
        """Return a cache with nothing in it.

        Parameters
        ----------
        length : int
            How many places it has.
        heads : int
            Of keys and values.
        features : int
            Of each key and value.
        batch : tuple of int
            Axes before the heads.
        dtype : dtype

        Returns
        -------
        KeyValueCache
        """
        if length < 1:
            raise ArgumentError(
                f"KeyValueCache: length is {length}",
                why="it is how many places there is room for, and does not grow.",
                instead="give the length of the longest text, what it begins with included.",
            )
        shape = (*batch, heads, length, features)
        return cls(np.zeros(shape, dtype), np.zeros(shape, dtype), np.int64(0))

    @property
    def length(self) -> int:
        """How many places there are."""
        return int(np.shape(self.keys)[-2])

    def append(self, keys: Array, values: Array) -> Self:
        """Fill the next places.

        Parameters
        ----------
        keys : (..., key_heads, n, d) array
        values : (..., key_heads, n, d_v) array

        Returns
        -------
        KeyValueCache

        Raises
        ------
        ArgumentError
            If shapes or dtypes are others, or there is no room; where `used` is traced, in compiled programs and
            loops, the latter is an IndexError.
        """
        self._check("keys", keys, self.keys)
        self._check("values", values, self.values)
        n = np.shape(keys)[-2]
        self._check_room(n)
        used = checked_later(self.used, self.length)
        if n == 1:  # an index that names no place twice: the derivative need not ask which write was the last
            index: Any = (Ellipsis, used, slice(None))
            keys, values = keys[..., 0, :], values[..., 0, :]
        else:
            index = (Ellipsis, used + np.arange(n), slice(None))
        keys, values = index_update(self.keys, index, keys), index_update(self.values, index, values)
        return type(self)(keys, values, self.used + n)

    def visible(self, n: int) -> Array:
        """Return which places the last n may attend to: those before them and themselves.

        Parameters
        ----------
        n : int

        Returns
        -------
        (n, length) array of bool
        """
        return np.arange(self.length) < np.expand_dims(self.used - n + 1 + np.arange(n), -1)

    def _check(self, name: str, new: Array, kept: Array) -> None:
        new_shape, shape = np.shape(new), np.shape(kept)
        fits = len(new_shape) == len(shape) and (*new_shape[:-2], new_shape[-1]) == (*shape[:-2], shape[-1])
        if not fits or type_of(new).dtype != type_of(kept).dtype:
            raise ArgumentError(
                f"KeyValueCache: {name} {type_of(new)} for a cache of {name} {type_of(kept)}",
                why="but for the number of places, axis -2, shapes are the same, and so is the dtype.",
                instead="make the cache by `empty_cache(length, batch=...)` of the layer that it is for.",
            )

    def _check_room(self, n: int) -> None:
        used = None if isinstance(self.used, Traced) else int(self.used)
        if n + (used or 0) > self.length:
            held = "those that it holds" if used is None else f"the {used} that it holds"
            raise ArgumentError(
                f"KeyValueCache: no room for {n} places beside {held}",
                why=f"it has {self.length} places, a length that is fixed so that one program serves every step.",
                instead="make a longer one, or begin anew with the last part of the text.",
            )

"""Dropout on the weights of attention: which are zero depends on the key and their place, not on how blocks are cut."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from wengert.errors import ArgumentError
from wengert.nn.dropout import check_rate
from wengert.random import bits_at
from wengert.types import Array

__all__ = ["Dropped", "dropped_weights"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Which weights of attention are set to zero; the others are divided by 1 - rate.

    Attributes
    ----------
    key : (2,) array of uint32
    queries : (..., queries) array of uint32
        Number of each query of each head.
    rate : float
    """

    key: Array
    queries: Array
    rate: float = field(metadata={"static": True})

    def rows(self, part: slice) -> Self:
        """Return what is dropped of some queries.

        Parameters
        ----------
        part : slice

        Returns
        -------
        Dropped
        """
        return type(self)(self.key, self.queries[..., part], self.rate)

    def applied(self, weights: Array, places: Array) -> Array:
        """Drop weights of some keys.

        Parameters
        ----------
        weights : (..., queries, keys) array
        places : (keys,) array of int
            Which keys these are.

        Returns
        -------
        array
        """
        words = bits_at(self.key, self.queries[..., None], places.astype(np.uint32))
        bound = np.uint32(math.ceil((1.0 - self.rate) * 2.0**32) - 1)  # words / 2^32 < 1 - rate, in integers
        return np.where(words <= bound, weights / (1.0 - self.rate), 0)


def dropped_weights(key: Array | None, shape: tuple[int, ...], rate: float) -> Dropped | None:
    """Say which weights are dropped, or None if none are.

    Parameters
    ----------
    key : (2,) array of uint32, optional
    shape : tuple of int
        (..., queries), with all heads.
    rate : float

    Returns
    -------
    Dropped or None

    Raises
    ------
    ArgumentError
        If the rate is no probability below 1, or there is one but no key.

    Examples
    --------
    >>> from wengert import random
    >>> weights = np.ones((2, 5))
    >>> y = dropped_weights(random.key(0), (2,), 0.5).applied(weights, np.arange(5))
    >>> sorted({float(entry) for entry in y.ravel()})
    [0.0, 2.0]
    """
    check_rate("attention: dropout", rate)
    if rate == 0.0:
        return None
    if key is None:
        raise ArgumentError(
            f"attention: dropout of {rate} got no key",
            why="which weights become zero is drawn from a key, so that a run can be repeated.",
            instead="give key=..., with another key for each step: wengert.random.fold_in(key, n).",
        )
    return Dropped(key, np.arange(math.prod(shape), dtype=np.uint32).reshape(shape), rate)

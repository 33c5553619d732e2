"""Embedding: a vector for each of finitely many things."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert import random
from wengert.nn.embedding import embedding
from wengert.nn.module import Module
from wengert.types import Array

__all__ = ["Embedding"]


class Embedding(Module):
    """A table of vectors, of which integers pick rows.

    Parameters
    ----------
    n : int
        How many things there are.
    width : int
        Entries of the vector of each.
    key : random key
        For the initial vectors.
    dtype : dtype
    initializer : (key, shape, dtype) -> array, optional
        By default normal with variance 1, as PyTorch's.

    Attributes
    ----------
    weight : (n, width) array

    Examples
    --------
    >>> layer = Embedding(10, 4, key=random.key(0))
    >>> layer(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    weight: Array

    def __init__(
        self, n: int, width: int, *, key: Array, dtype: Any = np.float64, initializer: Any = None
    ) -> None:
        draw = random.normal if initializer is None else initializer
        self.weight = draw(key, (n, width), dtype)

    def __call__(self, indices: Any) -> Array:
        """Return the vectors of integers from 0 to below n, along a new last axis."""
        return embedding(self.weight, indices)

    def scores(self, x: Array) -> Array:
        """Return the products of x with all vectors: the output layer of a model that shares its embedding.

        Parameters
        ----------
        x : (..., width) array

        Returns
        -------
        (..., n) array

        Examples
        --------
        >>> layer = Embedding(10, 4, key=random.key(0))
        >>> layer.scores(np.ones((2, 4))).shape
        (2, 10)
        """
        return x @ self.weight.T

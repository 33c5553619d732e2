"""Dropout: entries that are zero at random in training."""

from __future__ import annotations

from typing import Any, Self

from wengert.errors import ArgumentError
from wengert.nn.dropout import check_rate, dropout
from wengert.nn.module import Module, static
from wengert.types import Array

__all__ = ["Dropout"]


class Dropout(Module):
    """Zeros in place of a share of the entries, in training only.

    Parameters
    ----------
    rate : float
        The share, from 0 to below 1.

    Notes
    -----
    A call changes nothing; `train` needs a key, and divides what it keeps by 1 - rate, so that means stay.

    Srivastava et al., "Dropout" (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import random
    >>> layer = Dropout(0.5)
    >>> layer(np.ones(3))
    array([1., 1., 1.])
    >>> y, _ = layer.train(np.ones(1000), key=random.key(0))
    >>> sorted({float(entry) for entry in y})
    [0.0, 2.0]
    """

    rate: float = static()

    def __init__(self, rate: float) -> None:
        check_rate("Dropout", rate)
        self.rate = rate

    def __call__(self, x: Any) -> Any:
        """Return x."""
        return x

    def train(self, x: Array, *, key: Array | None = None) -> tuple[Array, Self]:
        """Return x with zeros, and the module; see `Module.train`."""
        if self.rate == 0.0:
            return x, self
        if key is None:
            raise ArgumentError(
                "Dropout in training got no key",
                why="which entries become zero is drawn from a key, so that a run can be repeated.",
                instead="call model.train(x, key=key), with another key for each step: wengert.random.fold_in(key, n).",
            )
        return dropout(key, x, self.rate), self

    def differs_in_training(self) -> bool:
        """Say whether the rate is not 0."""
        return self.rate > 0.0

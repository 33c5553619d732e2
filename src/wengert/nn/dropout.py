"""Dropout, with the key of its random numbers in the open."""

from __future__ import annotations

import numpy as np

from wengert.errors import ArgumentError
from wengert.random import bernoulli
from wengert.types import Array

__all__ = ["check_rate", "dropout"]


def dropout(key: Array, x: Array, rate: float, *, shared: tuple[int, ...] = ()) -> Array:
    """Set a random share of the entries to zero, and scale the others so that the mean stays.

    Parameters
    ----------
    key : (2,) array of uint32
        Of `wengert.random`; another one for each layer and step.
    x : array
    rate : float
        Probability of a zero, from 0 to below 1.
    shared : tuple of ints
        Axes along which entries are dropped together, such as the spatial axes of images.

    Returns
    -------
    array

    Raises
    ------
    ArgumentError
        If the rate is not a probability below 1.

    Notes
    -----
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout" (2014), with the scale applied in training.
    When a model is used, leave dropout away.

    Examples
    --------
    >>> from wengert import random
    >>> y = dropout(random.key(0), np.ones(1000), 0.2)
    >>> np.unique(y), bool(abs(y.mean() - 1) < 0.05)
    (array([0.  , 1.25]), True)
    """
    check_rate("dropout", rate)
    if rate == 0.0:
        return x
    together = {axis % np.ndim(x) for axis in shared}
    shape = tuple([1 if i in together else n for i, n in enumerate(np.shape(x))])
    return np.where(bernoulli(key, 1.0 - rate, shape), x / (1.0 - rate), 0)


def check_rate(where: str, rate: float) -> None:
    """Raise unless a rate is a probability below 1.

    Parameters
    ----------
    where : str
        Name of the function or layer.
    rate : float
    """
    if not 0.0 <= rate < 1.0:
        raise ArgumentError(
            f"{where}: the rate is {rate}",
            why="it is the probability of a zero; what remains is divided by 1 - rate.",
            instead="give a number from 0 to below 1.",
        )

"""Weight decay, of all parameters or of those that a mask names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError

__all__ = ["Mask", "check_decay", "decayed", "matrices"]

Mask = Any | Callable[[Any], Any] | None


def matrices(params: Any) -> Any:
    """Mask of the parameters with two axes or more: weights, not biases and scales.

    Parameters
    ----------
    params : pytree

    Returns
    -------
    pytree of bool

    Examples
    --------
    >>> matrices({"w": np.ones((2, 3)), "b": np.zeros(3)})
    {'w': True, 'b': False}
    """
    return tree.map_leaves(lambda p: np.ndim(p) >= 2, params)


def check_decay(name: str, weight_decay: float) -> None:
    """Raise unless a number can be a weight decay."""
    if not 0.0 <= weight_decay < np.inf:
        raise ArgumentError(
            f"{name}: weight_decay is {weight_decay!r}",
            why="parameters are drawn towards 0 by it; a negative one would drive them off.",
            instead="pass 0 or more, such as weight_decay=1e-2.",
        )


def decayed(params: Any, weight_decay: float, mask: Mask) -> list[float]:
    """Return the weight decay of each leaf.

    Parameters
    ----------
    params : pytree
    weight_decay : float
    mask : pytree of bool, params -> pytree of bool, or None
        What decays; None means everything.

    Returns
    -------
    list of float

    Examples
    --------
    >>> decayed({"w": np.ones((2, 3)), "b": np.zeros(3)}, 0.01, matrices)
    [0.0, 0.01]
    """
    leaves, structure = tree.flatten(params)
    if mask is None or not weight_decay:
        return [weight_decay] * len(leaves)
    flags, given = tree.flatten(mask(params) if callable(mask) else mask)
    if given != structure or not all(isinstance(flag, bool | np.bool_) for flag in flags):
        raise ArgumentError(
            "the mask of weight decay does not fit the parameters",
            why=f"it is a tree of True and False with a leaf for each parameter; parameters are {structure}, "
            f"the mask is {given}.",
            instead="pass a function such as wengert.optim.matrices, which makes the mask of the parameters.",
        )
    return [weight_decay if flag else 0.0 for flag in flags]

"""Bounds of gradients: of their norm as a whole, or of each entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError
from wengert.optim.chain import GradientTransform, stateless
from wengert.optim.optimizer import typed

__all__ = ["clip_by_global_norm", "clip_by_value", "global_norm"]


def global_norm(grads: Any) -> Any:
    """Euclidean norm of all entries of a tree.

    Parameters
    ----------
    grads : pytree of arrays

    Returns
    -------
    number

    Examples
    --------
    >>> float(global_norm({"w": np.array([3.0, 0.0]), "b": 4.0}))
    5.0
    """
    total: Any = 0.0
    for g in tree.flatten(grads)[0]:
        total = total + np.sum(g * g)
    return np.sqrt(total)


def clip_by_global_norm(maximum: float) -> GradientTransform:
    """Change of a gradient that bounds its norm and keeps its direction.

    Parameters
    ----------
    maximum : float
        Of the Euclidean norm of all entries together.

    Returns
    -------
    GradientTransform
        For `chain`.

    Notes
    -----
    g <- g min(1, maximum / |g|).  Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural
    networks", algorithm 1.

    Examples
    --------
    >>> clip = clip_by_global_norm(1.0)
    >>> clip.update(np.array([3.0, 4.0]), (), None)[0]
    array([0.6, 0.8])
    """
    bound = _positive("clip_by_global_norm", maximum)

    def clip(grads: Any) -> Any:
        norm = global_norm(grads)
        factor = bound / np.maximum(norm, bound)  # no division by a norm of 0
        return tree.map_leaves(lambda g: g * typed(factor, g), grads)

    return stateless("clip_by_global_norm", clip)


def clip_by_value(maximum: float) -> GradientTransform:
    """Change of a gradient that bounds the magnitude of each entry.

    Parameters
    ----------
    maximum : float

    Returns
    -------
    GradientTransform
        For `chain`.

    Examples
    --------
    >>> clip = clip_by_value(1.0)
    >>> clip.update(np.array([3.0, -0.5]), (), None)[0]
    array([ 1. , -0.5])
    """
    bound = _positive("clip_by_value", maximum)
    return stateless(
        "clip_by_value", lambda grads: tree.map_leaves(lambda g: np.clip(g, -bound, bound), grads)
    )


def _positive(name: str, bound: Any) -> float:
    if not isinstance(bound, int | float | np.number) or not bound > 0:
        raise ArgumentError(
            f"{name}: the bound is {bound!r}",
            why="it bounds magnitudes of gradients from above.",
            instead="pass a positive number.",
        )
    return float(bound)

"""Gradient descent, with and without momentum."""

from __future__ import annotations

from typing import Any

from wengert.optim.decay import Mask
from wengert.optim.optimizer import Optimizer, Rate, by_entry, check_fractions

__all__ = ["momentum", "nesterov", "sgd"]


def sgd(learning_rate: Rate, *, weight_decay: float = 0.0, mask: Mask = None) -> Optimizer:
    """Stochastic gradient descent.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
        In units of the parameter squared per unit of the loss.
    weight_decay : float
        Times the parameter, added to the gradient.
    mask : pytree of bool or params -> pytree of bool
        What decays; everything where it is absent.

    Returns
    -------
    Optimizer

    Notes
    -----
    x <- x - rate g.  Robbins and Monro (1951), "A stochastic approximation method".

    Examples
    --------
    >>> optimizer = sgd(0.5)
    >>> optimizer.update(2.0, optimizer.init(1.0), 1.0)[0]
    0.0
    """
    return by_entry("sgd", learning_rate, lambda g, p, own, t: (g, own), weight_decay=weight_decay, mask=mask)


def momentum(
    learning_rate: Rate, decay: float = 0.9, *, weight_decay: float = 0.0, mask: Mask = None
) -> Optimizer:
    """Gradient descent with momentum.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
    decay : float
        What is kept of the velocity in a step.
    weight_decay, mask
        As for `sgd`.

    Returns
    -------
    Optimizer

    Notes
    -----
    v <- decay v + g,  x <- x - rate v.  Polyak (1964), "Some methods of speeding up the convergence of iteration
    methods", in the form of Sutskever et al. (2013) that PyTorch uses.

    Examples
    --------
    >>> optimizer = momentum(0.1)
    >>> x, state = optimizer.update(1.0, optimizer.init(0.0), 0.0)
    >>> x, state = optimizer.update(1.0, state, x)
    >>> round(float(x), 12)
    -0.29
    """
    check_fractions("momentum", decay=decay)

    def rule(g: Any, p: Any, own: dict[str, Any], t: Any) -> tuple[Any, dict[str, Any]]:
        v = decay * own["velocity"] + g
        return v, {"velocity": v}

    return by_entry("momentum", learning_rate, rule, {"velocity": 0.0}, weight_decay=weight_decay, mask=mask)


def nesterov(
    learning_rate: Rate, decay: float = 0.9, *, weight_decay: float = 0.0, mask: Mask = None
) -> Optimizer:
    """Gradient descent with Nesterov's momentum.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
    decay : float
        What is kept of the velocity in a step.
    weight_decay, mask
        As for `sgd`.

    Returns
    -------
    Optimizer

    Notes
    -----
    v <- decay v + g,  x <- x - rate (g + decay v): the step of Nesterov (1983) written at the point that is looked
    ahead to; Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning".

    Examples
    --------
    >>> optimizer = nesterov(0.1)
    >>> x, state = optimizer.update(1.0, optimizer.init(0.0), 0.0)
    >>> round(float(x), 12)
    -0.19
    """
    check_fractions("nesterov", decay=decay)

    def rule(g: Any, p: Any, own: dict[str, Any], t: Any) -> tuple[Any, dict[str, Any]]:
        v = decay * own["velocity"] + g
        return g + decay * v, {"velocity": v}

    return by_entry("nesterov", learning_rate, rule, {"velocity": 0.0}, weight_decay=weight_decay, mask=mask)

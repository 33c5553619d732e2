"""Methods that divide each entry of the gradient by the size it has had: Adagrad, RMSProp, Adam, AdamW; and Lion."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.optim.decay import Mask
from wengert.optim.optimizer import Optimizer, Rate, by_entry, check_fractions, typed

__all__ = ["adagrad", "adam", "adamw", "lion", "rmsprop"]


def adagrad(
    learning_rate: Rate = 1e-2,
    initial: float = 0.0,
    eps: float = 1e-10,
    *,
    weight_decay: float = 0.0,
    mask: Mask = None,
) -> Optimizer:
    """Adagrad: steps divided by the root of the sum of squared gradients.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
    initial : float
        The sum before the first step.
    eps : float
        Added to the root.
    weight_decay, mask
        As for `sgd`.

    Returns
    -------
    Optimizer

    Notes
    -----
    s <- s + g^2,  x <- x - rate g / (sqrt(s) + eps).  Duchi, Hazan and Singer (2011), "Adaptive subgradient methods
    for online learning and stochastic optimization".

    Examples
    --------
    >>> optimizer = adagrad(0.1)
    >>> x, state = optimizer.update(4.0, optimizer.init(0.0), 0.0)
    >>> round(float(x), 9)
    -0.1
    """

    def rule(g: Any, p: Any, own: dict[str, Any], t: Any) -> tuple[Any, dict[str, Any]]:
        s = own["sum"] + g * g
        return g / (np.sqrt(s) + eps), {"sum": s}

    return by_entry("adagrad", learning_rate, rule, {"sum": initial}, weight_decay=weight_decay, mask=mask)


def rmsprop(
    learning_rate: Rate = 1e-2,
    decay: float = 0.99,
    eps: float = 1e-8,
    *,
    momentum: float = 0.0,
    centered: bool = False,
    weight_decay: float = 0.0,
    mask: Mask = None,
) -> Optimizer:
    """RMSProp: steps divided by the root of a moving mean of squared gradients.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
    decay : float
        What the mean keeps in a step.
    eps : float
        Added to the root.
    momentum : float
        What is kept of the velocity in a step.
    centered : bool
        Divide by the standard deviation instead: the squared mean of gradients is taken off.
    weight_decay, mask
        As for `sgd`.

    Returns
    -------
    Optimizer

    Notes
    -----
    s <- decay s + (1 - decay) g^2,  x <- x - rate g / (sqrt(s) + eps).  Tieleman and Hinton (2012), "Neural networks
    for machine learning", lecture 6.5; centered: Graves (2013), "Generating sequences with recurrent neural
    networks", equations 38 to 45.

    Examples
    --------
    >>> optimizer = rmsprop(0.1, decay=0.75)
    >>> x, state = optimizer.update(4.0, optimizer.init(0.0), 0.0)
    >>> round(float(x), 6)
    -0.2
    """
    check_fractions("rmsprop", decay=decay, momentum=momentum)
    slots = {"square": 0.0, **({"mean": 0.0} if centered else {}), **({"velocity": 0.0} if momentum else {})}

    def rule(g: Any, p: Any, own: dict[str, Any], t: Any) -> tuple[Any, dict[str, Any]]:
        new = {"square": decay * own["square"] + (1.0 - decay) * (g * g)}
        variance = new["square"]
        if centered:
            new["mean"] = decay * own["mean"] + (1.0 - decay) * g
            # A variance, which rounding alone can make negative.
            variance = np.maximum(variance - new["mean"] * new["mean"], 0.0)
        direction = g / (np.sqrt(variance) + eps)
        if momentum:
            direction = new["velocity"] = momentum * own["velocity"] + direction
        return direction, new

    return by_entry("rmsprop", learning_rate, rule, slots, weight_decay=weight_decay, mask=mask)


def _adam(name: str, learning_rate: Rate, b1: float, b2: float, eps: float, **decay: Any) -> Optimizer:
    check_fractions(name, b1=b1, b2=b2)

    def rule(g: Any, p: Any, own: dict[str, Any], t: Any) -> tuple[Any, dict[str, Any]]:
        m = b1 * own["mean"] + (1.0 - b1) * g
        s = b2 * own["square"] + (1.0 - b2) * (g * g)
        # Both start at 0, so that after t steps their weights add up to 1 - b^t. The corrections are numbers, made
        # in float64 whatever the parameters are: 1 - 0.999 has three digits in float32.
        unbias = typed(1.0 / (1.0 - b1**t), p)
        unbias_root = typed(1.0 / np.sqrt(1.0 - b2**t), p)
        return unbias * m / (np.sqrt(s) * unbias_root + eps), {"mean": m, "square": s}

    return by_entry(name, learning_rate, rule, {"mean": 0.0, "square": 0.0}, **decay)


def adam(
    learning_rate: Rate = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    *,
    weight_decay: float = 0.0,
    mask: Mask = None,
) -> Optimizer:
    """Adam: a moving mean of gradients divided by the root of one of their squares.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
    b1, b2 : float
        What the means of gradients and of squares keep in a step.
    eps : float
        Added to the root.
    weight_decay, mask
        As for `sgd`: added to the gradient. See `adamw` for the other way.

    Returns
    -------
    Optimizer

    Notes
    -----
    Kingma and Ba (2015), "Adam: a method for stochastic optimization", algorithm 1:
    m <- b1 m + (1 - b1) g,  s <- b2 s + (1 - b2) g^2,
    x <- x - rate (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + eps).

    Examples
    --------
    >>> optimizer = adam(0.1)
    >>> x, state = optimizer.update(4.0, optimizer.init(0.0), 0.0)
    >>> round(float(x), 6)
    -0.1
    """
    return _adam("adam", learning_rate, b1, b2, eps, weight_decay=weight_decay, mask=mask)


def adamw(
    learning_rate: Rate = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    *,
    weight_decay: float = 1e-2,
    mask: Mask = None,
) -> Optimizer:
    """Adam with weight decay that the division does not touch.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
    b1, b2, eps : float
        As for `adam`.
    weight_decay : float
        A step takes this times the learning rate off each parameter.
    mask : pytree of bool or params -> pytree of bool
        What decays, such as `matrices`; everything where it is absent.

    Returns
    -------
    Optimizer

    Notes
    -----
    Loshchilov and Hutter (2019), "Decoupled weight decay regularization", algorithm 2, with the learning rate in
    front of both terms, as in PyTorch.

    Examples
    --------
    >>> optimizer = adamw(0.1, weight_decay=0.5)
    >>> x, state = optimizer.update(4.0, optimizer.init(2.0), 2.0)
    >>> round(float(x), 6)
    1.8
    """
    return _adam("adamw", learning_rate, b1, b2, eps, weight_decay=weight_decay, mask=mask, decoupled=True)


def lion(
    learning_rate: Rate = 1e-4,
    b1: float = 0.9,
    b2: float = 0.99,
    *,
    weight_decay: float = 0.0,
    mask: Mask = None,
) -> Optimizer:
    """Lion: steps of one size in each entry, along the sign of a mean of gradients.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
        The size of the steps: a tenth of that of `adam`, or less.
    b1 : float
        Weight of the mean where the sign is taken.
    b2 : float
        What the mean keeps in a step.
    weight_decay, mask
        As for `adamw`.

    Returns
    -------
    Optimizer

    Notes
    -----
    Chen et al. (2023), "Symbolic discovery of optimization algorithms", algorithm 2:
    x <- x - rate (sign(b1 m + (1 - b1) g) + weight_decay x),  m <- b2 m + (1 - b2) g.

    Examples
    --------
    >>> optimizer = lion(0.5)
    >>> optimizer.update(4.0, optimizer.init(0.0), 0.0)[0]
    np.float64(-0.5)
    """
    check_fractions("lion", b1=b1, b2=b2)

    def rule(g: Any, p: Any, own: dict[str, Any], t: Any) -> tuple[Any, dict[str, Any]]:
        m = own["mean"]
        return np.sign(b1 * m + (1.0 - b1) * g), {"mean": b2 * m + (1.0 - b2) * g}

    return by_entry(
        "lion", learning_rate, rule, {"mean": 0.0}, weight_decay=weight_decay, mask=mask, decoupled=True
    )

"""Learning rates as functions of the number of steps taken; they trace, so that they are part of a compiled step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import ArgumentError

__all__ = ["Schedule", "constant", "cosine", "exponential", "one_cycle", "step", "warmup"]

Schedule = Callable[[Any], Any]


def _steps(name: str, n: Any, what: str) -> float:
    if not isinstance(n, int | float | np.number) or not n > 0:
        raise ArgumentError(
            f"{name}: {what} is {n!r}",
            why="it counts steps of the optimiser, of which each epoch has as many as there are batches.",
            instead="pass a positive number.",
        )
    return float(n)


def constant(value: float) -> Schedule:
    """Learning rate that stays as it is.

    Parameters
    ----------
    value : float

    Returns
    -------
    step -> float

    Examples
    --------
    >>> float(constant(0.1)(1000))
    0.1
    """
    return lambda step: value + 0.0 * step


def cosine(peak: float, steps: float, final: float = 0.0) -> Schedule:
    """Learning rate that falls along half a cosine.

    Parameters
    ----------
    peak : float
        At step 0.
    steps : float
        How long it falls.
    final : float
        From then on.

    Returns
    -------
    step -> float

    Notes
    -----
    final + (peak - final) (1 + cos(pi step / steps)) / 2.  Loshchilov and Hutter (2017), "SGDR: stochastic gradient
    descent with warm restarts", equation 5, without restarts.

    Examples
    --------
    >>> [round(float(cosine(1.0, 100)(k)), 3) for k in (0, 50, 100, 200)]
    [1.0, 0.5, 0.0, 0.0]
    """
    n = _steps("cosine", steps, "the number of steps")
    return lambda step: final + 0.5 * (peak - final) * (1.0 + np.cos(np.pi * np.minimum(step / n, 1.0)))


def warmup(schedule: float | Schedule, steps: float, start: float = 0.0) -> Schedule:
    """Learning rate that first rises along a line.

    Parameters
    ----------
    schedule : float or step -> float
        What follows; its step 0 is the end of the rise.
    steps : float
        How long the rise takes.
    start : float
        At step 0, as a fraction of what it rises to.

    Returns
    -------
    step -> float

    Notes
    -----
    Goyal et al. (2017), "Accurate, large minibatch SGD", section 2.2.

    Examples
    --------
    >>> rate = warmup(cosine(1.0, 100), 10)
    >>> [round(float(rate(k)), 3) for k in (0, 5, 10, 60, 110)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    n = _steps("warmup", steps, "the number of steps")
    after = schedule if callable(schedule) else constant(schedule)

    def rate(step: Any) -> Any:
        rise = start + (1.0 - start) * np.minimum(step / n, 1.0)
        return rise * after(np.maximum(step - n, 0.0))

    return rate


def step(initial: float, every: float, factor: float = 0.1) -> Schedule:
    """Learning rate that falls by a factor at regular steps.

    Parameters
    ----------
    initial : float
    every : float
        Steps between reductions.
    factor : float

    Returns
    -------
    step -> float

    Examples
    --------
    >>> [round(float(step(1.0, 10)(k)), 3) for k in (0, 9, 10, 25)]
    [1.0, 1.0, 0.1, 0.01]
    """
    n = _steps("step", every, "the number of steps between reductions")
    return lambda count: initial * factor ** np.floor(count / n)


def exponential(initial: float, factor: float, every: float = 1, final: float = 0.0) -> Schedule:
    """Learning rate that falls exponentially.

    Parameters
    ----------
    initial : float
    factor : float
        In so many steps.
    every : float
        How many steps these are.
    final : float
        It does not fall below.

    Returns
    -------
    step -> float

    Examples
    --------
    >>> [float(exponential(1.0, 0.5, every=10)(k)) for k in (0, 10, 20)]
    [1.0, 0.5, 0.25]
    """
    n = _steps("exponential", every, "the number of steps of a factor")
    return lambda step: np.maximum(initial * factor ** (step / n), final)


def one_cycle(
    peak: float, steps: float, rise: float = 0.3, start: float = 0.04, final: float = 4e-6
) -> Schedule:
    """Learning rate that rises and falls once, along half cosines.

    Parameters
    ----------
    peak : float
    steps : float
        Of the whole cycle.
    rise : float
        The fraction of steps after which the peak is reached.
    start, final : float
        The rates at both ends, as fractions of the peak.

    Returns
    -------
    step -> float

    Notes
    -----
    Smith and Topin (2019), "Super-convergence: very fast training of neural networks using large learning rates", as
    ``torch.optim.lr_scheduler.OneCycleLR`` has it: the peak is at step ``rise * steps - 1``, the end at ``steps - 1``.

    Examples
    --------
    >>> rate = one_cycle(1.0, 101, rise=51 / 101)
    >>> [round(float(rate(k)), 3) for k in (0, 50, 100)]
    [0.04, 1.0, 0.0]
    """
    n = _steps("one_cycle", steps, "the number of steps")
    top = rise * n - 1.0
    if not 0.0 < top < n - 1.0:
        raise ArgumentError(
            f"one_cycle: the peak at {rise} of {steps} steps is not inside the cycle",
            why="there is a step at least before it and one after.",
            instead="pass more steps, or a fraction nearer to a half.",
        )

    def arc(a: float, b: float, x: Any) -> Any:  # from a to b while x goes from 0 to 1
        return b + 0.5 * (a - b) * (1.0 + np.cos(np.pi * np.clip(x, 0.0, 1.0)))

    def rate(count: Any) -> Any:
        up = arc(start, 1.0, count / top)
        down = arc(1.0, final, (count - top) / (n - 1.0 - top))
        return peak * np.where(count <= top, up, down)

    return rate

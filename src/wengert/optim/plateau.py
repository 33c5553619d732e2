"""A learning rate that falls when training stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ArgumentError

__all__ = ["Plateau", "reduce_on_plateau"]


class Watched(NamedTuple):
    """What a plateau remembers: the factor so far, the best value, and epochs since.

    Attributes
    ----------
    scale, best : float
    waited, resting : integer
        Epochs without improvement; epochs left of the pause after a reduction.
    """

    scale: Any
    best: Any
    waited: Any
    resting: Any


@dataclass(frozen=True, slots=True)
class Plateau:
    """A learning rate with a memory; made by `reduce_on_plateau`.

    Attributes
    ----------
    base : float or step -> float
    factor, patience, threshold, cooldown, minimum
        As `reduce_on_plateau` takes them.
    """

    base: float | Callable[[Any], Any]
    factor: float
    patience: int
    threshold: float
    cooldown: int
    minimum: float

    def init(self) -> Watched:
        """Return the memory before the first epoch."""
        return Watched(np.float64(1.0), np.float64(np.inf), np.int64(0), np.int64(0))

    def rate(self, step: Any, memory: Watched) -> Any:
        """Return the learning rate at a step."""
        base = self.base(step) if callable(self.base) else self.base
        return np.maximum(base * memory.scale, self.minimum)

    def observe(self, value: Any, memory: Watched) -> Watched:
        """Return the memory after an epoch whose loss was `value`."""
        better = value < memory.best - self.threshold * np.abs(
            np.where(np.isinf(memory.best), 0.0, memory.best)
        )
        resting = np.maximum(memory.resting - 1, 0)
        waited = np.where(better | (memory.resting > 0), 0, memory.waited + 1)
        reduce = waited > self.patience
        return Watched(
            np.float64(np.where(reduce, memory.scale * self.factor, memory.scale)),
            np.float64(np.where(better, value, memory.best)),
            np.int64(np.where(reduce, 0, waited)),
            np.int64(np.where(reduce, self.cooldown, resting)),
        )


def reduce_on_plateau(
    learning_rate: float | Callable[[Any], Any],
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    cooldown: int = 0,
    minimum: float = 0.0,
) -> Plateau:
    """Learning rate that is multiplied by a factor when the loss of epochs stops falling.

    Parameters
    ----------
    learning_rate : float or step -> float
        Before any reduction.
    factor : float
        In (0, 1).
    patience : int
        Epochs without improvement that are let pass.
    threshold : float
        The relative fall that counts as an improvement.
    cooldown : int
        Epochs after a reduction in which none is counted.
    minimum : float
        The learning rate never falls below it.

    Returns
    -------
    Plateau
        For any optimiser; `fit` tells it the validation loss, or that of training where there is none. In a loop
        of your own, call ``state = optimizer.observe(loss, state)`` once per epoch.

    Notes
    -----
    The rule is that of ``torch.optim.lr_scheduler.ReduceLROnPlateau``.

    Examples
    --------
    >>> from wengert.optim import sgd
    >>> optimizer = sgd(reduce_on_plateau(1.0, factor=0.5, patience=0))
    >>> state = optimizer.init(np.array([1.0]))
    >>> for loss in (2.0, 2.0, 2.0):
    ...     state = optimizer.observe(loss, state)
    >>> float(state.rate.scale)
    0.25
    """
    if not 0.0 < factor < 1.0:
        raise ArgumentError(
            f"reduce_on_plateau: the factor is {factor}",
            why="each reduction multiplies the learning rate by it.",
            instead="pass a factor between 0 and 1, such as 0.1.",
        )
    return Plateau(learning_rate, factor, patience, threshold, cooldown, minimum)

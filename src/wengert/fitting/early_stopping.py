"""The end of training when it no longer helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.errors import ArgumentError

if TYPE_CHECKING:
    from wengert.fitting.training import Training

__all__ = ["EarlyStopping", "early_stopping"]


class EarlyStopping:
    """A callback that ends training; made by `early_stopping`.

    Attributes
    ----------
    state : dict
        The best value, the epochs since, and the model then; it is part of checkpoints.

    Examples
    --------
    >>> early_stopping(3).patience
    3
    """

    def __init__(self, patience: int, monitor: str | None, least: float, *, best: bool, larger: bool) -> None:
        self.patience, self.monitor, self.least = patience, monitor, least
        self.best, self.sign = best, -1.0 if larger else 1.0
        self.state: dict[str, Any] = {}

    def begin(self, training: Training) -> None:
        """Start anew."""
        self.state = {"value": np.inf, "waited": 0, **_model(training)}

    def __call__(self, training: Training) -> str | None:
        """Look at an epoch; return why training ends, or None."""
        row = training.history.epochs[-1]
        name = self.monitor or ("validation loss" if "validation loss" in row else "loss")
        if name not in row:
            raise ArgumentError(
                f"early_stopping watches {name!r}, which no epoch has",
                why=f"an epoch has {', '.join(row)}.",
                instead="name one of these: early_stopping(monitor='validation loss').",
            )
        value = self.sign * row[name]
        if value < self.state["value"] - self.least:
            self.state = {"value": float(value), "waited": 0, **_model(training)}
            return None
        self.state = {**self.state, "waited": self.state["waited"] + 1}
        return f"early stopping: {name}" if self.state["waited"] >= self.patience else None

    def end(self, training: Training) -> None:
        """Give the best model back."""
        if self.best and np.isfinite(self.state["value"]):
            training.parts = self.state["params"], self.state["rest"], training.parts[2]


def _model(training: Training) -> dict[str, Any]:
    params, rest, _ = training.parts
    return {"params": params, "rest": rest}


def early_stopping(
    patience: int = 5,
    monitor: str | None = None,
    *,
    least: float = 0.0,
    restore_best: bool = True,
    larger: bool = False,
) -> EarlyStopping:
    """Callback that ends training when a number of the epochs stops improving.

    Parameters
    ----------
    patience : int
        Epochs without improvement in a row that end it.
    monitor : str, optional
        Which number: by default the validation loss, or the loss where there is no validation.
    least : float
        What counts as an improvement.
    restore_best : bool
        Whether the model of the best epoch is returned, not the last one.
    larger : bool
        Whether larger is better, as for an accuracy.

    Returns
    -------
    EarlyStopping

    Examples
    --------
    >>> from wengert.fitting.fit import fit
    >>> from wengert.optim import sgd
    >>> loss = lambda w, x: np.mean((x - w) ** 2)
    >>> data = np.array([1.0, 3.0])
    >>> w, history = fit(np.array(0.0), loss, data, sgd(0.5), epochs=50, callbacks=[early_stopping(2)])
    >>> float(w), len(history), history.stopped
    (2.0, 4, 'early stopping: loss')
    """
    return EarlyStopping(patience, monitor, least, best=restore_best, larger=larger)

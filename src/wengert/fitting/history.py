"""What happened in training: the loss of each step, and one row of numbers for each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.errors import ArgumentError
from wengert.explain.figures import COLORS
from wengert.explain.rendering import jsonable
from wengert.explain.report import Block, Grid, Picture, Prose, Report
from wengert.explain.units import seconds_text

__all__ = ["History"]

_ROWS = 12  # of epochs in the table: the first ones, the last ones


@dataclass(eq=False, slots=True)
class History(Report):
    """The record of a training; prints as a table of epochs, and plots.

    Attributes
    ----------
    epochs : list of dict
        For each epoch the mean loss and metrics, those of validation as ``validation loss``, ``steps`` and ``seconds``.
    losses : list of float
        Of each step.
    events : list of str
        What was reported: exploding gradients, skipped steps.
    stopped : str
        Why training ended: "epochs", "interrupt", "callback", or the reason that a callback gives.
    state : pytree
        Of the optimiser, at the end.

    Examples
    --------
    >>> history = History([{"loss": 0.5}, {"loss": 0.25}])
    >>> history["loss"]
    array([0.5 , 0.25])
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    stopped: str = ""
    state: Any = None

    width = 100

    @property
    def title(self) -> str:  # type: ignore[override]
        """How much there was."""
        return f"Training: {len(self.epochs)} epochs, {len(self.losses)} steps"

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, name: str) -> Any:
        names = self.names()
        if name not in names:
            raise ArgumentError(
                f"the history has no {name!r}",
                why=f"it has {', '.join(names) or 'no epochs'}.",
                instead="name one of these.",
            )
        return np.array([row.get(name, np.nan) for row in self.epochs])

    def __repr__(self) -> str:
        last = (
            ", ".join([f"{k} {v:.4g}" for k, v in self.epochs[-1].items()]) if self.epochs else "nothing yet"
        )
        return f"<history of {len(self.epochs)} epochs, {len(self.losses)} steps: {last}>"

    def names(self) -> list[str]:
        """Return the names of the numbers of epochs."""
        return list(dict.fromkeys([name for row in self.epochs for name in row]))

    def blocks(self) -> Iterator[Block]:
        """Yield the parts of the report."""
        yield Prose(f"Ended by: {self.stopped or 'it goes on'}.", strong=True)
        names = self.names()
        n = len(self.epochs)
        shown = list(range(n)) if n <= _ROWS else [*range(_ROWS // 2), *range(n - _ROWS // 2, n)]
        rows = [[str(k + 1), *[_number(name, self.epochs[k].get(name)) for name in names]] for k in shown]
        yield Grid("", ("epoch", *names), rows, left=frozenset())
        for event in self.events:
            yield Prose(event)
        if self.losses:
            yield Picture("Loss", self._draw)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        return {
            "epochs": [{name: jsonable(v) for name, v in row.items()} for row in self.epochs],
            "losses": [jsonable(v) for v in self.losses],
            "events": list(self.events),
            "stopped": self.stopped,
        }

    def plot(self) -> Any:
        """Draw losses of steps and epochs, and metrics, with matplotlib.

        Returns
        -------
        matplotlib.figure.Figure
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise ArgumentError(
                "history.plot needs matplotlib, which is not installed",
                instead="pip install wengert[plot], or print the history.",
            ) from None
        figure = Figure(constrained_layout=True)
        self._draw(figure)
        return figure

    def _draw(self, figure: Any) -> None:
        charts = self._charts()
        figure.set_size_inches(3.6 * max(2, len(charts)), 4.2)
        axes = figure.subplots(1, len(charts), squeeze=False)[0]
        if self.losses:
            steps = np.arange(1, len(self.losses) + 1)
            axes[0].plot(steps, self.losses, color="#bbbbbb", lw=0.7, label="step")
        ends = np.cumsum([row.get("steps", 1) for row in self.epochs])
        for chart, (label, names) in zip(axes, charts.items(), strict=True):
            for color, name in zip(COLORS, names, strict=False):
                chart.plot(ends, self[name], color=color, marker="o", ms=3, label=name)
            chart.set(xlabel="step", ylabel=label)
            chart.legend()
        finite = np.array([v for v in self.losses if np.isfinite(v)])
        # Within one decade a scale of powers has no ticks to read.
        if finite.size and 0 < 10 * finite.min() < finite.max():
            axes[0].set_yscale("log")

    def _charts(self) -> dict[str, list[str]]:
        """Return what is drawn together: a number of the training and the same of the validation; losses first."""
        charts: dict[str, list[str]] = {"loss": []}
        for name in self.names():
            if name not in {"steps", "seconds", "gradient norm"}:
                charts.setdefault(name.removeprefix("validation "), []).append(name)
        return charts


def _number(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name == "seconds":
        return seconds_text(value)
    return f"{value:.0f}" if name == "steps" else f"{value:.5g}"

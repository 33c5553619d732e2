"""What is shown while training runs: a bar for the epoch, losses, steps per second, the time that is left."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Meter"]

_EVERY = 0.1  # seconds between looks at a step


class Meter:
    """A bar in a terminal or notebook; a line for each epoch elsewhere, if it is asked for.

    Parameters
    ----------
    shown : bool or None
        None shows it where somebody looks on.
    epochs : int
    batches : int or None
        Of an epoch.
    console : rich.console.Console, optional
    """

    def __init__(
        self, shown: bool | None, epochs: int, batches: int | None, console: Console | None = None
    ) -> None:
        self._console = console or Console(stderr=True)
        watched = self._console.is_terminal or self._console.is_jupyter
        self._on = watched if shown is None else shown
        self._epochs, self._batches = epochs, batches
        self._total = None if batches is None else epochs * batches
        self._due = self._since = 0.0
        self._first = 0
        self._bar = self._made() if self._on and watched else None
        self._task: Any = None

    def _made(self) -> Progress:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        return Progress(*columns, console=self._console)

    def begin(self, step: int) -> None:
        """Start at a step."""
        self._since, self._first = perf_counter(), step
        if self._bar is not None:
            self._task = self._bar.add_task(
                "training", total=self._total, completed=step, numbers="", speed=""
            )
            self._bar.start()

    def step(self, epoch: int, step: int, loss: float, metrics: dict[str, float]) -> None:
        """Show a step, if the last one shown is some time ago."""
        if self._bar is None:
            return
        now = perf_counter()
        if now < self._due:
            return
        self._due = now + _EVERY
        speed = (step - self._first) / max(now - self._since, 1e-9)
        self._bar.update(
            self._task,
            description=f"epoch {epoch + 1}/{self._epochs}",
            completed=step,
            numbers=_line({"loss": loss, **metrics}),
            speed=f"{speed:.3g} steps/s",
        )

    def epoch(self, epoch: int, step: int, row: dict[str, float]) -> None:
        """Show an epoch that has ended."""
        if not self._on:
            return
        shown = {k: v for k, v in row.items() if k not in {"steps", "seconds"}}
        self._console.print(
            f"epoch {epoch}/{self._epochs}  {_line(shown)}  {row['steps'] / max(row['seconds'], 1e-9):.3g} steps/s",
            highlight=False,
        )
        if self._bar is not None:
            self._bar.update(self._task, completed=step)

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()


def _line(numbers: dict[str, float]) -> str:
    return "  ".join([f"{name} {value:.4g}" for name, value in numbers.items()])

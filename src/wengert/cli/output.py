"""What commands write: tables for people, JSON for programs, errors, and how far long work is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from wengert.cli.program import ProgramError
from wengert.errors import ArgumentError, WengertError
from wengert.explain.expression import ExpressionError

__all__ = ["block", "console", "has_unicode", "print_json", "progress", "save", "spelled"]


def console() -> Console:
    """Return where tables go: standard output."""
    return Console(highlight=False)


def has_unicode() -> bool:
    """Say whether standard output can hold the letters of traces."""
    try:
        "v̇₁ v̄₁ ·∂".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def spelled(text: str) -> str:
    """Return a text in letters that standard output can hold."""
    encoding = sys.stdout.encoding or "ascii"
    return (text if has_unicode() else text.replace("µ", "u")).encode(encoding, "replace").decode(encoding)


def print_json(data: Any) -> None:
    """Write data as JSON: ASCII, and no number that JSON lacks."""
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")


def save(write: Callable[[Path], None], path: str) -> None:
    """Write a file; a place that cannot be written to is an error of the command line."""
    try:
        write(Path(path))
    except OSError as error:
        raise ArgumentError(f"{path} cannot be written: {error.strerror}", instead="another place") from None


def block(error: WengertError) -> str:
    """Return an error as text; where in our own code it was noticed would not help, where in the user's does."""
    if isinstance(error, ProgramError):
        return f"{error.report}error: {error.what}\n"
    parts = [f"error: {error.what}"]
    if isinstance(error, ExpressionError) or (error.where or "").startswith(_OF_A_PROGRAM):
        parts.append(f"  where: {(error.where or '').removeprefix(_OF_A_PROGRAM)}")
    parts += [f"  {name}: {text}" for name, text in (("why", error.why), ("instead", error.instead)) if text]
    return "\n".join(parts) + "\n"


_OF_A_PROGRAM = "in the program, "


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str, float], None]]:
    """Show a bar on standard error, where that is a terminal; yield what moves it: a text and the share that is done.

    It is redrawn when it moves and never in between: a thread that redraws would take time from what is measured.
    """
    where = Console(stderr=True)
    columns = (BarColumn(bar_width=30), TaskProgressColumn(), TextColumn("{task.description}", markup=False))
    hidden = quiet or not where.is_terminal
    with Progress(*columns, console=where, transient=True, auto_refresh=False, disable=hidden) as bar:
        task = bar.add_task("", total=1.0)

        def moved(text: str, share: float) -> None:
            bar.update(task, description=text, completed=share, refresh=True)

        yield moved

"""A program with all its adjoints, as the search for faults reads it."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.formulas import spoken_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wengert.control.unrolling import Standing
    from wengert.core.atoms import Place
    from wengert.explain.recording import Operation, Recording

__all__ = ["Observed", "Site", "norm", "rms", "site_at", "site_of"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where an operation was written: its name, file, line, function, the text of the line, and the steps of loops."""

    operation: str
    file: str
    line: int
    function: str
    source: str
    rounds: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """File and line, without folders."""
        return f"{_leaf(self.file)}:{self.line}" if self.file else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the site, fit for JSON."""
        return {
            "operation": self.operation,
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "source": self.source,
        }


def site_of(operation: Operation) -> Site:
    """Return where an operation was written."""
    return site_at(operation.standing, spoken_name(operation))


def site_at(standing: Standing | None, name: str) -> Site:
    """Return a place of the user's code, and what was called there."""
    place: Place | None = None if standing is None else standing.place
    rounds = () if standing is None else standing.rounds
    if place is None:
        return Site(name, "", 0, "", "", rounds)
    source = linecache.getline(place.file, place.line).strip()
    return Site(name, place.file, place.line, place.function, source, rounds)


@dataclass(eq=False)
class Observed:
    """A recording, and the reverse sweep through it.

    Attributes
    ----------
    recording : Recording
    names : sequence of str
        Of the inputs.
    chosen : sequence of int
        Inputs that are differentiated.
    bars : dict
        Adjoints by the numbers of values; where nothing arrives there is none.
    amounts : dict
        What an operand received, by the operation's place in the recording and the operand's position.
    """

    recording: Recording
    names: Sequence[str]
    chosen: Sequence[int]
    bars: dict[int, Any]
    amounts: dict[tuple[int, int], Any]

    @cached_property
    def active(self) -> frozenset[int]:
        """Numbers of values with a derivative by a chosen input."""
        return self.recording.active(self.chosen)

    @cached_property
    def moving(self) -> frozenset[int]:
        """Numbers of values that depend on chosen inputs, if only in steps."""
        found = set(self.chosen)
        for operation in self.recording.operations:
            if any(i in found for i in operation.operands):
                found.update(operation.results)
        return frozenset(found)

    @cached_property
    def needed(self) -> frozenset[int]:
        """Numbers of values that the output is computed from."""
        found = {self.recording.output_index}
        for operation in reversed(self.recording.operations):
            if found.intersection(operation.results):
                found.update(operation.operands)
        return frozenset(i for i in found if i is not None)

    def arriving(self) -> Iterator[tuple[int, Operation, Any]]:
        """Yield each operation of one result that an adjoint arrives at, with its place in the recording and that."""
        for k, operation in enumerate(self.recording.operations):
            if len(operation.results) == 1 and operation.results[0] in self.bars:
                yield k, operation, self.bars[operation.results[0]]


def rms(x: Any) -> float:
    """Return the root of the mean square of all entries, without overflow."""
    size = np.size(x)
    return norm(x) / float(np.sqrt(size)) if size else 0.0


def norm(x: Any) -> float:
    """Return the Euclidean norm of all entries, without overflow."""
    entries = np.abs(np.ravel(x)).astype(np.float64)
    largest = float(np.max(entries, initial=0.0))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(entries / largest))


def _leaf(file: str) -> str:
    name = Path(file).name or file
    return name if len(name) <= _FILE else name[: _FILE - 1] + "…"


_FILE = 18

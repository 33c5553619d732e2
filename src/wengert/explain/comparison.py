"""The report of `compare`: ways to take one derivative, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from wengert.explain.comparison_plots import accuracy_plot, cost_plot
from wengert.explain.rendering import jsonable
from wengert.explain.report import Block, Grid, Picture, Prose, Report
from wengert.explain.units import bytes_text, count_text, error_text, ratio_text, seconds_text
from wengert.explain.verdict import verdict
from wengert.methods.error_curve import ErrorCurve

__all__ = ["Bound", "Comparison", "Row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured of one way; None or nan where it was not, with the reason in `note`.

    Attributes
    ----------
    name, group : str
    error : float
        Largest error of an entry, in units of the largest entry of the derivative.
    seconds, spread : float
        Median time of a call, and half the distance of the quartiles in units of it.
    samples : int
        How many times it was measured.
    first : float
        Seconds that the first call took, with all that is done once: derivation, staging, compilation.
    calls : int
        How often a call evaluates the function; a compiled derivative does not call it at all.
    peak : int
        Bytes that Python and NumPy hold at most during a call, with those that native code works in.
    operations : int
        Of its program: each arithmetic operation and elementary function counts one.
    expression : int
        Operations of a symbolic derivative as it is written.
    note : str
    """

    name: str
    group: str
    error: float = float("nan")
    seconds: float = float("nan")
    spread: float = float("nan")
    samples: int = 0
    first: float = float("nan")
    calls: int | None = None
    peak: int | None = None
    operations: int | None = None
    expression: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """The cost of a mode beside the bound of the theory.

    Attributes
    ----------
    name : str
        Of the way.
    sweeps : int
        n for forward mode, m for reverse mode.
    operations, time : float
        c: the cost of the derivative in units of sweeps and of the function's own, in operations and in time. Compiled
        derivatives are held against the compiled function.
    """

    name: str
    sweeps: int
    operations: float
    time: float


_THEORY = (
    "Theory counts operations: c < 6, usually 2 to 3 (Griewank and Walther 2008, chapter 3; Baydin et al. 2018, "
    "section 3). In time, what Python spends on each operation comes on top where arrays are small; compiled code is "
    "held against the compiled function."
)


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Comparison(Report):
    """Ways to take one derivative, side by side; prints as a table, and saves as HTML with plots.

    Attributes
    ----------
    name : str
        Of the function.
    n, m : int
        How many inputs and outputs it has.
    primal, compiled : Row
        The function itself, as it is and compiled.
    rows : tuple of Row
    bounds : tuple of Bound
    reference : dict
        What errors are measured against: method, reason, columns, estimate, kinks.
    interrupted : bool
        Whether the user broke off, so that something is missing.
    curve : ErrorCurve, optional
        The error of differences against the step, for functions of few inputs.
    """

    name: str
    n: int
    m: int
    primal: Row
    compiled: Row
    rows: tuple[Row, ...]
    bounds: tuple[Bound, ...]
    reference: dict[str, Any]
    interrupted: bool = False
    curve: ErrorCurve | None = None

    @property
    def title(self) -> str:  # type: ignore[override]
        """What was compared."""
        what = "derivative" if self.n == self.m == 1 else "gradient" if self.m == 1 else "Jacobian"
        return f"The {what} of {self.name}: {_plural(self.n, 'input')}, {_plural(self.m, 'output')}"

    @property
    def verdict(self) -> str:
        """What the numbers say, in one sentence."""
        return verdict(self)

    def row(self, name: str) -> Row:
        """Return the row of a way by its name."""
        return {row.name: row for row in self.rows}[name]

    def blocks(self) -> Iterator[Block]:
        """Yield the parts of the report."""
        yield Prose(self.verdict, strong=True)
        yield self._table()
        yield Prose(self._legend())
        notes = [f"{row.name}: {row.note}" for row in self.rows if row.note]
        yield from [Prose(note) for note in notes]
        if self.bounds:
            yield self._theory()
            yield Prose(_THEORY)
        measured = [row for row in self.rows if row.samples and row.error == row.error]
        if measured:
            yield Picture("Error against time", accuracy_plot(measured, self.primal.seconds))
            yield Picture(
                "Time in units of the function's own", cost_plot(measured, self.primal.seconds), (7.2, 3.6)
            )
        if self.curve is not None:
            yield from [block for block in self.curve.blocks() if isinstance(block, Picture)]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON; what was not measured is null."""
        return {
            "function": self.name,
            "inputs": self.n,
            "outputs": self.m,
            "reference": {key: jsonable(value) for key, value in self.reference.items()},
            "primal": _numbers(self.primal),
            "compiled": _numbers(self.compiled),
            "methods": [_numbers(row) for row in self.rows],
            "bounds": [
                {
                    "name": b.name,
                    "sweeps": b.sweeps,
                    "c_operations": _known(b.operations),
                    "c_time": _known(b.time),
                }
                for b in self.bounds
            ],
            "verdict": self.verdict,
            "interrupted": self.interrupted,
        }

    def _table(self) -> Grid:
        headers = ["", "error", "time", "× f", "calls", "memory", "ops"]
        rows = [self._cells(row) for row in (self.primal, self.compiled, *self.rows)]
        groups = [row.group for row in self.rows]
        lines = {1} | {i + 2 for i, (a, b) in enumerate(pairwise(groups)) if _kind(a) != _kind(b)}
        return Grid("", headers, rows, best=frozenset(self._best()), sections=frozenset(lines))

    def _best(self) -> Iterator[tuple[int, int]]:
        """Yield the cells of the fastest way, of the least memory and of the smallest errors."""
        for column, key in ((2, "seconds"), (5, "peak")):
            found = [
                (getattr(row, key), i)
                for i, row in enumerate(self.rows)
                if _known(getattr(row, key)) is not None
            ]
            if found:
                yield min(found)[1] + 2, column
        exact = [(row.error, i) for i, row in enumerate(self.rows) if row.error == row.error]
        least = max(min(exact, default=(0.0, 0))[0], 1e-15, self.reference["estimate"])
        yield from [(i + 2, 1) for error, i in exact if error <= least]

    def _cells(self, row: Row) -> list[str]:
        timed = row.seconds == row.seconds
        return [
            row.name,
            self._error(row),
            seconds_text(row.seconds) if timed else "",
            ratio_text(row.seconds / self.primal.seconds) if timed and row is not self.primal else "",
            "" if row.calls is None else count_text(row.calls),
            "" if row.peak is None else bytes_text(row.peak),
            _first_known(row.operations, row.expression),
        ]

    def _error(self, row: Row) -> str:
        """Return an error as text; below that of the reference it is not known better."""
        estimate = self.reference["estimate"]
        return (
            ""
            if row.error != row.error
            else error_text(row.error)
            if row.error >= estimate
            else f"< {estimate:.0e}"
        )

    def _legend(self) -> str:
        reference = self.reference
        against = f"Errors are relative to the largest entry, against {reference['method']}"
        if reference["reason"]:
            against += f" (estimated error {error_text(reference['estimate'])}; {reference['reason']})"
        if reference["columns"] < self.n:
            against += f", in {reference['columns']} of {count_text(self.n)} columns chosen at random"
        parts = [against + "."]
        if reference["kinks"]:
            where = ", ".join(map(str, reference["kinks"]))
            parts.append(
                f"The function has a kink: no derivative with respect to entry {where} of the input."
            )
        parts.append(
            "Times are medians; calls are those of f; memory is the most that a call holds; ops are on single numbers."
        )
        if self.interrupted:
            parts.append("Interrupted: what was measured until then.")
        return " ".join(parts)

    def _theory(self) -> Grid:
        rows = [
            [
                b.name,
                str(b.sweeps),
                ratio_text(b.operations),
                ratio_text(b.time),
            ]
            for b in self.bounds
        ]
        headers = ["", "sweeps", "c in operations", "c in time"]
        return Grid("Cost: n·c times the function by forward mode, m·c by reverse mode", headers, rows)


# helpers


def _first_known(*counts: int | None) -> str:
    return next((count_text(count) for count in counts if count is not None), "")


def _plural(n: int, word: str) -> str:
    return f"{count_text(n)} {word}{'' if n == 1 else 's'}"


def _kind(group: str) -> str:
    return "swept" if group in {"forward", "reverse", "compiled"} else group


def _known(x: Any) -> Any:
    """Return a number as JSON holds it; None for one that was not measured."""
    return None if x is None or x != x else jsonable(x)  # noqa: PLR0124


def _numbers(row: Row) -> dict[str, Any]:
    fields = ("error", "seconds", "spread", "samples", "first", "calls", "peak", "operations", "expression")
    return {
        "name": row.name,
        "group": row.group,
        **{key: _known(getattr(row, key)) for key in fields},
        "note": row.note,
    }

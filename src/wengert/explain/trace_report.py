"""Evaluation traces as data, and how they print: in a terminal, as a page, as Markdown, as LaTeX, as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from wengert.explain.rendering import jsonable, plain, to_text
from wengert.explain.report import Block, Grid, Report
from wengert.explain.trace_latex import to_latex
from wengert.explain.trace_numbers import digits, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["AdjointStep", "EvaluationTrace", "TraceRow"]

_DIRECTIONS_PER_TABLE = 3  # fits 80 columns


@dataclass(frozen=True, eq=False, slots=True)
class TraceRow:
    """One value of the trace.

    Attributes
    ----------
    number : int
        i of v_i: from 1-n to 0 for the n inputs, from 1 for results of operations.
    name, expression : str
        v_i, and how it is computed.
    value : number or array
    formula : str
        Forward: of v̇_i in terms of the operands' tangents. Reverse: of v̄_i, the sum of what its users contribute.
    derivatives : tuple of numbers or arrays
        Forward: v̇_i for every direction. Reverse: v̄_i.
    place, round : str
        File and line of the operation; the step of a loop that it is in.
    """

    number: int
    name: str
    expression: str
    value: Any
    formula: str
    derivatives: tuple[Any, ...]
    place: str = ""
    round: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class AdjointStep:
    """One accumulation of the reverse sweep: v̄_i = formula (the first) or v̄_i = v̄_i + formula.

    It comes from the operation whose first result has the number `source`; from none where the sweep starts.
    """

    number: int
    name: str
    formula: str
    contribution: Any
    value: Any
    source: int | None = None


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class EvaluationTrace(Report):
    """The evaluation of a function and of its derivative, value by value; prints as a table.

    Attributes
    ----------
    mode : str
        "forward" or "reverse".
    rows : tuple of TraceRow
        All values, in the order of evaluation.
    directions : tuple of str
        Forward: the input entry each column of tangents differentiates by. Reverse: empty.
    steps : tuple of AdjointStep
        Reverse: the accumulations, in the order of the sweep. Forward: empty.
    value : number or array
        The result of the function.
    gradient : number, array, or containers of them
        Its derivative, in the structure of the argument (a tuple for several); forward mode of a function with an array
        as result gives Jacobians, of the result's shape followed by the argument's.
    gradients : dict
        The same by the names of inputs; with a seed in forward mode, the derivative along it.
    output : int or None
        The number of the result among the rows; None for one that depends on no input.
    notation : str
        How the tables are written: "unicode", or "ascii" for terminals without it.
    """

    mode: str
    rows: tuple[TraceRow, ...]
    directions: tuple[str, ...]
    steps: tuple[AdjointStep, ...]
    value: Any
    gradient: Any
    gradients: dict[str, Any] = field(default_factory=dict)
    output: int | None = None
    notation: str = "unicode"

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is shown."""
        return f"Evaluation trace, {self.mode} mode"

    def __str__(self) -> str:
        return to_text(self)

    def __rich__(self) -> Group:
        """Return the tables for rich."""
        tables = [_rich_table(*table) for table in self._written()]
        return Group(*tables, *[Text(line) for line in self._summary()])

    def blocks(self) -> Iterator[Block]:
        """Yield the tables, and the results with all their digits."""
        for title, headers, rows in self._written():
            numbers = {k for k, header in enumerate(headers) if _is_number(header)}
            yield Grid(title, headers, rows, frozenset(range(len(headers))) - numbers)
        results = [tuple(line.split(None, 1)) for line in self._summary()]
        yield Grid("Results", ["", "value"], results, frozenset({0}))

    def _repr_latex_(self) -> str:
        return f"$$\n{to_latex(self)}\n$$"

    def to_latex(self) -> str:
        """Return the trace as LaTeX: an array for math mode, as Baydin et al. (2018) print theirs."""
        return to_latex(self)

    def writers(self) -> dict[str, Callable[[], str]]:
        """Return what writes a file, by its suffix."""
        return {**Report.writers(self), ".tex": self.to_latex}

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as numbers, strings, lists and dicts, fit for JSON."""
        return {
            "mode": self.mode,
            "directions": list(self.directions),
            "rows": [
                {
                    "name": f"v{row.number}",
                    "expression": row.expression,
                    "value": jsonable(row.value),
                    "formula": row.formula,
                    "derivatives": [jsonable(d) for d in row.derivatives],
                    "place": row.place,
                    "round": row.round,
                }
                for row in self.rows
            ],
            "steps": [
                {
                    "name": f"v{step.number}",
                    "formula": step.formula,
                    "contribution": jsonable(step.contribution),
                    "value": jsonable(step.value),
                }
                for step in self.steps
            ],
            "value": jsonable(self.value),
            "gradient": {name: jsonable(g) for name, g in self.gradients.items()},
        }

    def _written(self) -> Iterator[tuple[str, list[str], list[list[str]]]]:
        """Yield the tables in the chosen notation."""
        for title, headers, rows in self._tables():
            if self.notation == "ascii":
                yield (
                    title,
                    [plain(header) for header in headers],
                    [[plain(cell) for cell in row] for row in rows],
                )
            else:
                yield title, headers, rows

    def _tables(self) -> Iterator[tuple[str, list[str], list[list[str]]]]:
        """Yield title, headers and cells of each table."""
        if self.mode == "reverse":
            primal = [[row.name, self._computed(row), shown(row.value)] for row in self.rows]
            yield "Forward evaluation", ["v", "computed as", "value"], primal
            sweep = [[step.name, step.formula, shown(step.value)] for step in self.steps]
            yield "Reverse sweep of adjoints", ["v̄", "accumulated as", "value"], sweep
            return
        for start in range(0, max(len(self.directions), 1), _DIRECTIONS_PER_TABLE):
            chosen = self.directions[start : start + _DIRECTIONS_PER_TABLE]
            headers = ["v", "computed as", "value", "v̇", *[f"d/d{name}" for name in chosen]]
            yield (
                "Forward evaluation with tangents",
                headers,
                [
                    [row.name, self._computed(row), shown(row.value), row.formula]
                    + [shown(d) for d in row.derivatives[start : start + _DIRECTIONS_PER_TABLE]]
                    for row in self.rows
                ],
            )

    @staticmethod
    def _computed(row: TraceRow) -> str:
        return f"{row.expression}  ({row.round})" if row.round else row.expression

    def _summary(self) -> list[str]:
        """Return the result and the derivatives with all digits, a line or more each."""
        named = {"value": self.value} | {f"d/d{name}": g for name, g in self.gradients.items()}
        width = max(map(len, named))
        return [
            f"{name:<{width}}  " + digits(x).replace("\n", "\n" + " " * (width + 2))
            for name, x in named.items()
        ]


# helpers


def _is_number(header: str) -> bool:
    return header == "value" or header.startswith("d/d")


def _rich_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for header in headers:
        number = _is_number(header)
        table.add_column(
            header, justify="right" if number else "left", overflow="fold", no_wrap=header == headers[0]
        )
    for row in rows:
        table.add_row(*[Text(cell) for cell in row])
    return table

"""Evaluation traces as data, and how they print."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from wengert.explain.rendering import html_table, jsonable, plain, precise, short, to_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    """

    number: int
    name: str
    expression: str
    value: Any
    formula: str
    derivatives: tuple[Any, ...]


@dataclass(frozen=True, eq=False, slots=True)
class AdjointStep:
    """One accumulation of the reverse sweep: v̄_i = formula (the first) or v̄_i = v̄_i + formula."""

    number: int
    name: str
    formula: str
    contribution: Any
    value: Any


@dataclass(frozen=True, eq=False, slots=True)
class EvaluationTrace:
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
        The same by the names of inputs.
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
    notation: str = "unicode"

    def __str__(self) -> str:
        return to_text(self)

    def __rich__(self) -> Group:
        """Return the tables for rich."""
        tables = [_rich_table(*table) for table in self._written()]
        return Group(*tables, *[Text(line) for line in self._summary()])

    def _repr_html_(self) -> str:
        tables = "".join(html_table(headers, rows, caption=title) for title, headers, rows in self._written())
        return tables + "<pre>" + html.escape("\n".join(self._summary())) + "</pre>"

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
            primal = [[row.name, row.expression, short(row.value)] for row in self.rows]
            yield "Forward evaluation", ["v", "computed as", "value"], primal
            sweep = [[step.name, step.formula, short(step.value)] for step in self.steps]
            yield "Reverse sweep of adjoints", ["v̄", "accumulated as", "value"], sweep
            return
        for start in range(0, max(len(self.directions), 1), _DIRECTIONS_PER_TABLE):
            chosen = self.directions[start : start + _DIRECTIONS_PER_TABLE]
            headers = ["v", "computed as", "value", "v̇", *[f"d/d{name}" for name in chosen]]
            yield (
                "Forward evaluation with tangents",
                headers,
                [
                    [row.name, row.expression, short(row.value), row.formula]
                    + [short(d) for d in row.derivatives[start : start + _DIRECTIONS_PER_TABLE]]
                    for row in self.rows
                ],
            )

    def _summary(self) -> list[str]:
        """Return the result and the derivatives with all digits, a line or more each."""
        named = {"value": self.value} | {f"d/d{name}": g for name, g in self.gradients.items()}
        width = max(map(len, named))
        return [
            f"{name:<{width}}  " + precise(x).replace("\n", "\n" + " " * (width + 2))
            for name, x in named.items()
        ]


# helpers


def _rich_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for header in headers:
        number = header == "value" or header.startswith("d/d")
        table.add_column(
            header, justify="right" if number else "left", overflow="fold", no_wrap=header == headers[0]
        )
    for row in rows:
        table.add_row(*[Text(cell) for cell in row])
    return table

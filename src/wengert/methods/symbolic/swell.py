"""The swell of expressions: how many operations a derivative takes as a formula and as a program, measured.

That symbolic derivatives grow exponentially is said of formulas in which each use of a part repeats it. Where parts
have names, a symbolic derivative is a program, and grows as the function does; so does that of reverse mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from wengert.api.staging import trace
from wengert.errors import ArgumentError
from wengert.explain.rendering import html_table, to_text
from wengert.explain.source.primal import staged
from wengert.explain.source.sweeps import reverse_program
from wengert.methods.symbolic.conversion import to_sympy
from wengert.methods.symbolic.counting import naive_counts, operations
from wengert.methods.symbolic.differentiation import derivative, share, unevaluated_derivative
from wengert.methods.symbolic.families import FAMILIES
from wengert.methods.symbolic.loading import load_sympy

__all__ = ["ExpressionSwell", "SwellRow", "expression_swell"]

_HEADS = ("n", "f, written out", "f', naive", "f', simplified", "f', shared", "f and f', reverse mode")
_COLUMNS = ("value", "naive", "simplified", "shared", "program")


@dataclass(frozen=True, slots=True)
class SwellRow:
    """Operations at one order.

    Attributes
    ----------
    order : int
    value : int
        Of the function, written as one expression.
    naive : int
        Of its derivative by the rules of calculus, nothing shared.
    simplified : int or None
        Of the shortest of SymPy's forms; None where it was too large to simplify.
    shared : int
        Of the naive derivative with repeated parts once.
    program : int
        Of the program of reverse mode, value included.
    """

    order: int
    value: int
    naive: int
    simplified: int | None
    shared: int
    program: int


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class ExpressionSwell:
    """Operations of the derivatives of a family of functions, by order.

    Attributes
    ----------
    name : str
    rows : tuple of SwellRow
    """

    name: str
    rows: tuple[SwellRow, ...]

    def growth(self, column: str) -> tuple[float, float, float]:
        """Return how a column grows at the end: by which factor and by how many operations with each order; its power.

        A count n^p has the slope p in logarithms.
        """
        found = [(row.order, getattr(row, column)) for row in self.rows if getattr(row, column)]
        if len(found) < 2:
            return math.nan, math.nan, math.nan
        (m, a), (n, b) = found[-2:]
        return (b / a) ** (1 / (n - m)), (b - a) / (n - m), math.log(b / a) / math.log(n / m)

    def _words(self, column: str) -> str:
        """Say whether a count is multiplied, added to, or like a power."""
        factor, difference, power = self.growth(column)
        if math.isnan(factor):
            return "is too large to simplify"
        if factor >= 1.5:
            return f"is multiplied by {factor:.1f}"
        if power >= 1.5:
            return f"grows like n^{power:.1f}"
        return f"grows by {difference:.0f}" if difference else "stays what it is"

    @property
    def verdict(self) -> str:
        """What was measured, in a sentence or two."""
        if len(self.rows) < 2:
            row = self.rows[-1]
            return f"Naive {row.naive}, shared {row.shared}, reverse mode {row.program} operations."
        words = {column: self._words(column) for column in _COLUMNS}
        return (
            f"With each order the naive derivative {words['naive']}, the simplified one {words['simplified']}; "
            f"with repeated parts shared it {words['shared']}, and the program of reverse mode {words['program']}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the table as what JSON can hold."""
        rows = [{"order": row.order, **{c: getattr(row, c) for c in _COLUMNS}} for row in self.rows]
        return {"name": self.name, "rows": rows, "verdict": self.verdict}

    def markdown(self) -> str:
        """Return the table in Markdown."""
        lines = [_HEADS, ["---:"] * len(_HEADS), *self._cells()]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{self.verdict}\n"

    def __str__(self) -> str:
        return to_text(self, width=100)

    def __repr__(self) -> str:
        return str(self)

    def __rich__(self) -> Table:
        """Return a table for rich."""
        table = Table(title=f"Operations of {self.name} and its derivative", caption=self.verdict)
        for head in _HEADS:
            table.add_column(head, justify="right")
        for cells in self._cells():
            table.add_row(*cells)
        return table

    def _repr_html_(self) -> str:
        return html_table(_HEADS, self._cells(), caption=f"Operations of {self.name}. {self.verdict}")

    def _cells(self) -> list[list[str]]:
        return [[str(row.order), *[_count(getattr(row, c)) for c in _COLUMNS]] for row in self.rows]


def _count(n: int | None) -> str:
    return "too large" if n is None else f"{n:,}"


def expression_swell(
    family: str | Callable[..., Any], orders: Iterable[int] | None = None, *, simplify_up_to: int = 300
) -> ExpressionSwell:
    """Count the operations of the derivative of functions as formulas and as programs.

    Parameters
    ----------
    family : str or callable
        "logistic map", "(x + 1)^n", "nested product"; or a function from the order to a function of one number; or,
        without orders, a function of one number itself.
    orders : iterable of int, optional
        1 to 10 for a family by name.
    simplify_up_to : int
        Operations of a derivative that SymPy is asked to simplify: that takes long for large ones.

    Returns
    -------
    ExpressionSwell
        Prints as a table.

    Raises
    ------
    ArgumentError
        For an unknown name, or if SymPy is not installed.
    RefusedError
        If a function is not made of operations on numbers that SymPy knows.

    Examples
    --------
    >>> swell = expression_swell("logistic map", range(1, 7), simplify_up_to=0)
    >>> [row.naive for row in swell.rows]
    [0, 5, 23, 71, 191, 479]
    >>> [row.shared for row in swell.rows]
    [0, 5, 14, 23, 32, 41]
    >>> [row.program for row in swell.rows]
    [0, 6, 14, 22, 30, 38]
    """
    load_sympy()
    if isinstance(family, str):
        if family not in FAMILIES:
            raise ArgumentError(
                f"expression_swell: there is no family {family!r}",
                why="a name stands for a family of functions.",
                instead="one of " + ", ".join(map(repr, FAMILIES)) + ", or a function.",
            )
        chosen, name = FAMILIES[family], family
        orders = range(1, 11) if orders is None else orders
    else:
        chosen, name = family, getattr(family, "__name__", "the function")
    if orders is None:
        return ExpressionSwell(name, (_row(1, chosen, simplify_up_to),))
    return ExpressionSwell(name, tuple([_row(n, chosen(n), simplify_up_to) for n in orders]))


def _row(order: int, fun: Callable[[Any], Any], simplify_up_to: int) -> SwellRow:
    graph = trace(fun)(0.5)
    value, naive = naive_counts(graph)
    formula = to_sympy(graph, names=["x"])
    (x,) = formula.flat_symbols()
    shared = share(unevaluated_derivative(graph, [x]))
    plain = derivative(formula.expression, x, form="plain")
    small = operations(plain, limit=simplify_up_to) <= simplify_up_to
    simplified = operations(derivative(formula.expression, x)) if small else None
    program = reverse_program(staged(fun, (0.5,), 0))
    return SwellRow(order, value, naive, simplified, shared.operations, len(program.graph.nodes))

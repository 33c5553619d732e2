"""A derivative as a formula, beside what automatic differentiation gives at points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wengert.api.gradients import grad
from wengert.errors import ArgumentError
from wengert.explain.rendering import html_table, jsonable, short, to_text
from wengert.explain.source.primal import staged
from wengert.explain.source.sweeps import reverse_program
from wengert.methods.symbolic.conversion import to_sympy
from wengert.methods.symbolic.counting import operations
from wengert.methods.symbolic.differentiation import derivative, share
from wengert.methods.symbolic.loading import load_sympy

__all__ = ["CheckedPoint", "FormulaCheck", "check_formula"]

_POINTS = 4
_DIGITS = 30  # of the formula's value
_TOLERANCE = 1e-12
_HEADS = ("at", "formula", "automatic", "relative error")


@dataclass(frozen=True, eq=False, slots=True)
class CheckedPoint:
    """The derivative at a point.

    Attributes
    ----------
    at : dict
        Values of the variables.
    symbolic, automatic : number or array
        The formula, evaluated with 30 digits, and reverse mode.
    error : float
        Largest relative difference; nan where a value is not finite or not real.
    """

    at: dict[str, Any]
    symbolic: Any
    automatic: Any
    error: float


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class FormulaCheck:
    """A derivative as a formula, and the check of it.

    Attributes
    ----------
    function : object
        The function, as an expression of SymPy.
    wrt : str
    formula : object
        Its derivative: an expression, or a list of them for the entries of an array.
    points : tuple of CheckedPoint
    operations : dict
        Of the formula, of the formula with repeated parts once, and of the program of reverse mode.
    """

    function: Any
    wrt: str
    formula: Any
    points: tuple[CheckedPoint, ...]
    operations: dict[str, int]

    @property
    def agrees(self) -> bool:
        """Whether formula and automatic derivative agree to 1e-12 wherever both are finite, and somewhere are."""
        errors = [p.error for p in self.points if np.isfinite(p.error)]
        return bool(errors) and max(errors) <= _TOLERANCE

    @property
    def latex(self) -> str:
        """The derivative in LaTeX."""
        return str(load_sympy().latex(self.formula))

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "function": str(self.function),
            "wrt": self.wrt,
            "derivative": str(self.formula),
            "latex": self.latex,
            "operations": self.operations,
            "points": [
                {
                    "at": {name: jsonable(value) for name, value in p.at.items()},
                    "formula": jsonable(p.symbolic),
                    "automatic": jsonable(p.automatic),
                    "error": jsonable(p.error),
                }
                for p in self.points
            ],
            "agrees": self.agrees,
        }

    def __str__(self) -> str:
        return to_text(self)

    def __repr__(self) -> str:
        return str(self)

    def __rich__(self) -> Group:
        """Return formula, LaTeX and the table of points for rich."""
        facts = Table(show_header=False, box=None, pad_edge=False)
        for name, text in (
            ("f", str(self.function)),
            (f"df/d{self.wrt}", str(self.formula)),
            ("LaTeX", self.latex),
            ("operations", ", ".join([f"{name} {n}" for name, n in self.operations.items()])),
        ):
            facts.add_row(name, Text(text))
        table = Table()
        for k, head in enumerate(_HEADS):
            table.add_column(head, justify="right" if k else "left")
        for cells in self._cells():
            table.add_row(*map(Text, cells))
        return Group(facts, Text(), table, Text(self.verdict))

    @property
    def verdict(self) -> str:
        """Whether the formula is confirmed, in a sentence."""
        errors = [p.error for p in self.points if np.isfinite(p.error)]
        if not errors:
            return "Neither was finite at any of the points: choose others with --at."
        worst = f"{max(errors):.1e}"
        if self.agrees:
            return f"Formula and automatic derivative agree: the largest relative error is {worst}."
        return f"Formula and automatic derivative DIFFER by {worst}."

    def _repr_html_(self) -> str:
        caption = f"d/d{self.wrt} {self.function} = {self.formula}. {self.verdict}"
        return html_table(_HEADS, self._cells(), caption=caption)

    def _cells(self) -> list[list[str]]:
        return [
            [
                ", ".join([f"{name} = {short(value)}" for name, value in p.at.items()]),
                short(p.symbolic, 12),
                short(p.automatic, 12),
                f"{p.error:.1e}" if np.isfinite(p.error) else "-",
            ]
            for p in self.points
        ]


def check_formula(
    fun: Callable[..., Any], names: Sequence[str], wrt: str, at: Sequence[dict[str, Any]] = ()
) -> FormulaCheck:
    """Return the derivative of a function as a formula, and compare it with reverse mode at points.

    Parameters
    ----------
    fun : callable
        Returns one number.
    names : sequence of str
        Of its arguments.
    wrt : str
        The argument to differentiate by.
    at : sequence of dict, optional
        Points: values of all arguments, numbers or arrays, the same shapes in each. By default four between 0.2 and
        2.2, where most functions are defined.

    Returns
    -------
    FormulaCheck
        Prints as a table.

    Raises
    ------
    ArgumentError
        If `wrt` names no argument, the result is not one number, or SymPy is not installed.
    RefusedError
        If there is no formula for an operation.

    Examples
    --------
    >>> report = check_formula(lambda x: x**2 * np.sin(x), ["x"], "x", [{"x": 2.0}])
    >>> report.formula
    x*(x*cos(x) + 2*sin(x))
    >>> report.agrees
    True
    """
    if wrt not in names:
        raise ArgumentError(
            f"the function does not depend on {wrt!r}",
            why="the derivative is by one of its variables.",
            instead="among " + ", ".join(names) if names else "an expression with a variable.",
        )
    points = [dict(p) for p in at] or [_point(names, k) for k in range(_POINTS)]
    values = [points[0][name] for name in names]
    f = to_sympy(fun, *values, names=list(names))
    _require_one_number(f.expression)
    symbols = np.asarray(f.symbols[wrt], object)
    formulas = [derivative(f.expression, s) for s in symbols.ravel()]
    formula = formulas[0] if not symbols.ndim else formulas
    counts = {
        "formula": sum(map(operations, formulas)),
        "with parts shared": share(load_sympy().Tuple(*formulas)).operations,
        "reverse mode": _program_length(fun, values, list(names).index(wrt)),
    }
    checked = tuple([_checked(fun, names, wrt, p, f.symbols, formulas) for p in points])
    return FormulaCheck(f.expression, wrt, formula, checked, counts)


def _require_one_number(expression: Any) -> None:
    if np.ndim(expression):
        raise ArgumentError(
            f"the function gives {np.size(expression)} numbers",
            why="its derivative by a variable is a formula where it gives one.",
            instead="take an entry or a sum.",
        )


def _point(names: Sequence[str], k: int) -> dict[str, Any]:
    """Return a point of a sequence that spreads evenly: multiples of the golden ratio, with their remainders mod 1."""
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    return {
        name: round(0.2 + 2.0 * ((ratio * (1 + k * len(names) + i)) % 1.0), 3) for i, name in enumerate(names)
    }


def _program_length(fun: Callable[..., Any], values: Sequence[Any], argnum: int) -> int:
    with np.errstate(all="ignore"):
        return len(reverse_program(staged(fun, values, argnum)).graph.nodes)


def _checked(
    fun: Callable[..., Any],
    names: Sequence[str],
    wrt: str,
    at: dict[str, Any],
    symbols: dict[str, Any],
    formulas: Sequence[Any],
) -> CheckedPoint:
    """Evaluate formula and program at a point."""
    values = [np.asarray(at[name], float)[()] for name in names]
    known = {
        s: load_sympy().Float(float(v), _DIGITS)
        for name, value in zip(names, values, strict=True)
        for s, v in zip(np.ravel(np.asarray(symbols[name], object)), np.ravel(value), strict=True)
    }
    shape = np.shape(at[wrt])
    symbolic = np.reshape([_evaluated(e, known) for e in formulas], shape)[()]
    with np.errstate(all="ignore"):
        automatic = grad(fun, list(names).index(wrt))(*values)
        scale = max(float(np.max(np.abs(symbolic))), 1e-300)
        error = float(np.max(np.abs(symbolic - automatic))) / scale if np.any(symbolic != automatic) else 0.0
    finite = np.all(np.isfinite(symbolic)) and np.all(np.isfinite(automatic))
    return CheckedPoint(at, symbolic, automatic, error if finite else float("nan"))


def _evaluated(e: Any, known: dict[Any, Any]) -> float:
    value = e.xreplace(known).evalf(_DIGITS)
    try:
        return float(value)
    except TypeError:  # complex, or undefined
        return float("nan")

"""Symbolic derivatives as candidates: the graph as formulas, differentiated by SymPy, evaluated by NumPy."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np

from wengert.errors import ArgumentError
from wengert.explain.candidates import Candidate, operations
from wengert.explain.problem import Problem
from wengert.methods.reference import graph_at

__all__ = ["symbolic_candidates"]

_MODULE = "wengert.methods.symbolic"  # optional, as SymPy is
_MOST_OPERATIONS = 2000  # of functions that are written as formulas
_MOST_DERIVED = (
    5_000  # operations of a formula, parts that repeat counting each time, that SymPy is to differentiate
)
_MOST_WRITTEN = 20_000  # and of one that is evaluated as it is written
_MOST_ENTRIES = 400  # of Jacobians that are


def symbolic_candidates(problem: Problem) -> Iterator[Candidate]:
    """Yield two symbolic derivatives: every entry a formula of its own, and common subexpressions computed once."""
    missing = _missing(problem)
    for name, shared in (("symbolic", False), ("symbolic, shared", True)):
        if missing:
            yield Candidate(name, "symbolic", lambda: None, lambda y: y, 0, missing=missing)
            return
        derivative = _Symbolic(problem, shared)
        yield Candidate(
            name,
            "symbolic",
            derivative,
            derivative.matrix,
            0,
            expression=partial(getattr, derivative, "size"),
        )


def _missing(problem: Problem) -> str:
    """Return why there is no symbolic derivative, or nothing."""
    if importlib.util.find_spec("sympy") is None:
        return "needs SymPy: pip install wengert[symbolic]"
    if importlib.util.find_spec(_MODULE) is None:
        return f"needs {_MODULE}, which this installation lacks"
    count = operations(partial(graph_at, problem.of_leaves, problem.leaves))
    if count is None:
        return "left out: the function has no graph that could be written as formulas"
    if count > _MOST_OPERATIONS or problem.n * problem.m > _MOST_ENTRIES:
        return (
            f"left out: the function is {count:,} operations and the derivative {problem.n * problem.m:,} formulas; "
            f"at most {_MOST_OPERATIONS:,} and {_MOST_ENTRIES:,} are written out"
        )
    return ""


def _require_short(method: Any, formula: Any, most: int, what: str) -> None:
    if method.operations(formula, limit=most) > most:
        raise ArgumentError(
            f"{what} has more than {most:,} operations",
            why="parts that are used several times are written out each time.",
            instead="reverse mode, which computes each part once.",
        )


class _Symbolic:
    """A Jacobian as formulas, derived when it is first called."""

    def __init__(self, problem: Problem, shared: bool) -> None:
        self._problem, self._shared = problem, shared

    @cached_property
    def _formulas(self) -> tuple[list[Any], list[Any]]:
        """The symbols of the inputs, and the entries of the Jacobian, row by row."""
        problem = self._problem
        names = [f"x{k + 1}" for k in range(len(problem.leaves))]
        method = importlib.import_module(_MODULE)
        made = method.to_sympy(problem.of_leaves, *problem.leaves, names=names)
        symbols, outputs = made.flat_symbols(), np.ravel(np.asarray(made.expression, object))
        for y in outputs:
            _require_short(method, y, _MOST_DERIVED, "the function as a formula")
        return symbols, [y.diff(x) for y in outputs for x in symbols]

    @cached_property
    def _shared_formulas(self) -> Any:
        import sympy

        return importlib.import_module(_MODULE).share(sympy.Tuple(*self._formulas[1]))

    @cached_property
    def _function(self) -> Any:
        import sympy

        symbols, entries = self._formulas
        if self._shared:
            shared = self._shared_formulas
            return sympy.lambdify(
                symbols,
                entries,
                modules=["scipy", "numpy"],
                cse=lambda _: (list(shared.steps), list(shared.expression.args)),
            )
        method = importlib.import_module(_MODULE)
        for entry in entries:
            _require_short(method, entry, _MOST_WRITTEN, "the derivative as a formula")
        return sympy.lambdify(symbols, entries, modules=["scipy", "numpy"])

    @property
    def size(self) -> int:
        """The operations of the formulas, as they are written (up to a limit), or with what they share once."""
        if self._shared:
            return int(self._shared_formulas.operations)
        counted = importlib.import_module(_MODULE).operations
        return sum([int(counted(entry, limit=_MOST_WRITTEN)) for entry in self._formulas[1]])

    def __call__(self) -> Any:
        return self._function(*[x for leaf in self._problem.leaves for x in np.ravel(leaf)])

    def matrix(self, entries: Any) -> Any:
        """Return the entries as the (m, n) Jacobian."""
        return np.reshape(np.asarray(entries, dtype=float), (self._problem.m, self._problem.n))

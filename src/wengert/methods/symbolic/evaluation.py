"""Formulas of SymPy as graphs: each sub-expression once, by NumPy's operations; nothing is evaluated as text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import scipy.special

from wengert.core.graph import Graph
from wengert.errors import RefusedError
from wengert.methods.symbolic.loading import load_sympy
from wengert.transforms.staging import stage
from wengert.types import ArrayType

__all__ = ["evaluate", "from_sympy"]


def from_sympy(expression: Any, symbols: Sequence[Any]) -> Graph:
    """Return a formula of SymPy as a graph.

    Parameters
    ----------
    expression : sympy expression, or sequence of them
    symbols : sequence of sympy symbols
        The inputs of the graph, in their order: double-precision numbers.

    Returns
    -------
    Graph
        Can be called, differentiated, compiled, drawn.

    Raises
    ------
    RefusedError
        If the formula holds a function without an operation of NumPy's, or a symbol that is not among `symbols`.

    Examples
    --------
    >>> from sympy.abc import x
    >>> graph = from_sympy(x**2 + 1, [x])
    >>> float(graph(3.0))
    10.0
    """
    single = not isinstance(expression, list | tuple)
    wanted = [expression] if single else list(expression)
    types = [ArrayType((), np.dtype(np.float64))] * len(symbols)
    graph, _ = stage(lambda *xs: evaluate(wanted, dict(zip(symbols, xs, strict=True))), types, "formula")
    return graph


def evaluate(expressions: Sequence[Any], values: dict[Any, Any]) -> list[Any]:
    """Return the values of expressions for those of symbols; equal sub-expressions are computed once."""
    sympy = load_sympy()
    known: dict[Any, Any] = dict(values)
    for expression in expressions:
        pending = [sympy.sympify(expression)]
        while pending:
            e = pending[-1]
            missing = [a for a in e.args if a not in known] if e not in known else []
            if missing:
                pending += missing
                continue
            pending.pop()
            if e not in known:
                known[e] = _value(e, [known[a] for a in e.args])
    return [known[sympy.sympify(e)] for e in expressions]


def _value(e: Any, xs: Sequence[Any]) -> Any:
    sympy = load_sympy()
    if e.is_Number or e.is_NumberSymbol:
        return int(e) if e.is_Integer else float(e)
    if e in (sympy.true, sympy.false):
        return bool(e)
    if e.is_Symbol:
        raise _unknown(f"the symbol {e}", "it is not among the symbols that the graph takes.")
    formula = _table().get(type(e).__name__)
    if formula is None:
        raise _unknown(f"the function {type(e).__name__}", "NumPy and SciPy have no operation for it.")
    return formula(*xs)


def _unknown(what: str, why: str) -> RefusedError:
    return RefusedError(
        f"from_sympy cannot evaluate {what}",
        why=why,
        instead="substitute it first: expression.subs(...), or expression.rewrite(...).",
    )


def _power(a: Any, b: Any) -> Any:
    if isinstance(b, int):
        y = a if abs(b) == 1 else a ** abs(b)
        return 1.0 / y if b < 0 else y
    if isinstance(b, float) and abs(b) == 0.5:
        return np.sqrt(a) if b > 0 else 1.0 / np.sqrt(a)
    return np.power(float(a) if isinstance(a, int) else a, b)


def _piecewise(*pairs: Any) -> Any:
    y: Any = np.nan
    for value, test in reversed(pairs):
        y = value if test is True else np.where(test, value, y)
    return y


def _fold(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return a function of any number of operands, taken two by two."""
    return lambda *xs: reduce(function, xs)


@functools.cache
def _table() -> dict[str, Callable[..., Any]]:
    return {
        "Add": _fold(lambda a, b: a + b),
        "Mul": _fold(lambda a, b: a * b),
        "Pow": _power,
        "exp": np.exp,
        "log": np.log,
        **{
            name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "sign", "floor")
        },
        **{f"a{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
        "cot": lambda x: 1.0 / np.tan(x),
        "sec": lambda x: 1.0 / np.cos(x),
        "csc": lambda x: 1.0 / np.sin(x),
        "atan2": np.arctan2,
        "Abs": np.abs,
        "ceiling": np.ceil,
        "Mod": np.remainder,
        "Max": _fold(np.maximum),
        "Min": _fold(np.minimum),
        "Heaviside": lambda x, half=0.5: np.heaviside(x, half),
        "re": lambda x: x,
        "conjugate": lambda x: x,
        "erf": scipy.special.erf,
        "erfc": scipy.special.erfc,
        "gamma": scipy.special.gamma,
        "loggamma": scipy.special.gammaln,
        "polygamma": lambda n, x: scipy.special.digamma(x) if n == 0 else scipy.special.polygamma(n, x),
        "Piecewise": _piecewise,
        "ExprCondPair": lambda value, test: (value, test),
        "Equality": lambda a, b: a == b,
        "Unequality": lambda a, b: a != b,
        "StrictLessThan": lambda a, b: a < b,
        "LessThan": lambda a, b: a <= b,
        "StrictGreaterThan": lambda a, b: a > b,
        "GreaterThan": lambda a, b: a >= b,
        "And": _fold(np.logical_and),
        "Or": _fold(np.logical_or),
        "Not": np.logical_not,
    }

"""A function and its derivatives as formulas in LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import tree
from wengert.api.arguments import ArgNums
from wengert.explain.source.primal import chosen_arguments
from wengert.methods.symbolic.conversion import to_sympy
from wengert.methods.symbolic.differentiation import derivative
from wengert.methods.symbolic.formulas import refused
from wengert.methods.symbolic.loading import load_sympy

__all__ = ["latex_source"]


def latex_source(fun: Callable[..., Any], args: Sequence[Any], argnums: ArgNums | None) -> str:
    """Return the lines of an ``aligned`` environment: the function, then its derivative by each number."""
    sympy = load_sympy()
    chosen, _ = chosen_arguments(args, argnums)
    formula = to_sympy(fun, *args)
    if np.ndim(formula.expression) or isinstance(formula.expression, tuple | list | dict):
        raise refused("a function of several results", "a derivative in LaTeX is that of one number.")
    symbols = list(formula.symbols.items())
    name = getattr(fun, "__name__", "f")
    f = sympy.latex(sympy.Symbol(name)) if name.isidentifier() else "f"
    of = ", ".join([sympy.latex(sympy.Symbol(place)) for place, _ in symbols])
    entries = {s: _entry(s) for s in formula.flat_symbols() if "[" in s.name}
    lines = [f"{f}({of}) &= {sympy.latex(formula.expression, symbol_names=entries)}"]
    owners = [k for k, arg in enumerate(args) for _ in tree.paths(arg)]
    for owner, (_, symbol) in zip(owners, symbols, strict=True):
        for s in np.ravel(np.asarray(symbol, object)) if owner in chosen else ():
            d = sympy.latex(derivative(formula.expression, s), symbol_names=entries)
            lines.append(
                f"\\frac{{\\partial {f}}}{{\\partial {sympy.latex(s, symbol_names=entries)}}} &= {d}"
            )
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n"


def _entry(symbol: Any) -> str:
    """Return the symbol of an entry of an array with its place as an index."""
    name, _, place = symbol.name.partition("[")
    sympy = load_sympy()
    return f"{{{sympy.latex(sympy.Symbol(name))}}}_{{{place.rstrip(']')}}}"

"""Operations of expressions: of formulas, of trees that nobody writes down, and of programs.

An operation is a sum or product of two, a power, a sign, or a function.
"""

from __future__ import annotations

from typing import Any

from wengert.core.graph import Atom, Const, Graph
from wengert.methods.symbolic.formulas import formula_of, partial_derivative
from wengert.methods.symbolic.loading import load_sympy

__all__ = ["naive_counts", "operations", "own"]


def operations(expression: Any, *, limit: float = float("inf")) -> int:
    """Return the number of operations of a formula as it is written, every repetition counting.

    Parameters
    ----------
    expression : sympy expression
    limit : int, optional
        Where to stop counting: the result is then greater.

    Returns
    -------
    int

    Examples
    --------
    >>> from sympy.abc import x
    >>> operations(2 * x * (1 - x) + x**3)
    5
    """
    n, pending = 0, [load_sympy().sympify(expression)]
    while pending and n <= limit:
        e = pending.pop()
        n += own(e)
        pending += [a for a in e.args if not a.is_Atom]
    return n


def own(e: Any) -> int:
    """Return the operations at the root of an expression; a - b is one, though SymPy has a + (-1) b."""
    if e.is_Atom or type(e).__name__ in ("ExprCondPair", "Tuple"):
        return 0
    if e.is_Add:
        signs = [_is_negated(a) for a in e.args]
        return len(signs) - 1 - sum(signs) + all(signs)
    return len(e.args) - 1 if e.is_Mul else 1


def _is_negated(e: Any) -> bool:
    return bool(e.is_Mul and e.args[0] == -1)


# Trees ----------------------------------------------------------------------------------------------------------------
#
# The tree that a graph stands for repeats a value for each of its uses, and may be exponentially larger than the graph.
# It need not be built to be counted: an operation f(u, v) has the operations of its formula, and those of u and v for
# each time that they occur in it; its derivative is f_u u' + f_v v', where factors 1 and terms 0 are left out.


def naive_counts(graph: Graph, wrt: int = 0) -> tuple[int, int]:
    """Return the operations of a graph of numbers written as one expression, and those of its naive derivative."""
    values: dict[Atom, int] = dict.fromkeys(graph.inputs, 0)
    dots: dict[Atom, int] = {graph.inputs[wrt]: 0}
    units: set[Atom] = {graph.inputs[wrt]}  # whose derivative is 1
    for node in graph.nodes:
        formula, dummies = formula_of(node)
        y = node.outputs[0]
        inside = {
            u: 0 if isinstance(a, Const) else values[a] for u, a in zip(dummies, node.inputs, strict=True)
        }
        values[y] = _with(formula, inside)
        terms = []
        for u, a in zip(dummies, node.inputs, strict=True):
            partial = partial_derivative(formula, u)
            if a not in dots or partial == 0:
                continue
            if partial == 1:
                terms.append((dots[a], a in units))
            elif a in units:
                terms.append((_with(partial, inside), False))
            else:
                terms.append((_with(partial, inside) + 1 + dots[a], False))
        if terms:
            dots[y] = sum(n for n, _ in terms) + len(terms) - 1
            if len(terms) == 1 and terms[0][1]:
                units.add(y)
    last = graph.outputs[0]
    if isinstance(last, Const):
        return 0, 0
    return values[last], dots.get(last, 0)


def _with(formula: Any, inside: dict[Any, int]) -> int:
    """Return the operations of a formula whose symbols stand for expressions."""
    n, pending = 0, [formula]
    while pending:
        e = pending.pop()
        n += inside.get(e, 0) if e.is_Symbol else own(e)
        pending += e.args
    return n

"""Symbolic derivatives in three forms.

naive       the rules of calculus applied to the expression as it was written: sub-expressions repeat
simplified  what SymPy makes of it: one formula
shared      sub-expressions once, each with a name: a program
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wengert.core.graph import Atom, Const, Graph
from wengert.errors import ArgumentError
from wengert.methods.symbolic.counting import naive_counts, operations, own
from wengert.methods.symbolic.formulas import formula_of, number, partial_derivative
from wengert.methods.symbolic.loading import load_sympy

__all__ = ["SharedFormula", "derivative", "naive_derivative", "share", "unevaluated_derivative"]

_SIMPLIFIED = 60  # operations, up to which SymPy is asked to simplify, which takes minutes for larger ones
_FACTORED = 300
_EXPONENT = 64
_WRITTEN = 20_000  # operations of a naive derivative that is written down


@dataclass(frozen=True, eq=False, slots=True)
class SharedFormula:
    """An expression whose repeated parts have names.

    Attributes
    ----------
    steps : tuple of (symbol, expression)
        In an order in which they can be computed.
    expression : object
        In terms of the symbols of the steps.
    """

    steps: tuple[tuple[Any, Any], ...]
    expression: Any

    @property
    def operations(self) -> int:
        """How many operations it takes."""
        return sum(operations(e) for _, e in self.steps) + operations(self.expression)

    def expanded(self) -> Any:
        """Return the expression without names."""
        e = self.expression
        for symbol, step in reversed(self.steps):
            e = e.xreplace({symbol: step})
        return e

    def __str__(self) -> str:
        return "\n".join([*[f"{s} = {e}" for s, e in self.steps], str(self.expression)])


def derivative(expression: Any, symbol: Any, *, form: str = "simplified") -> Any:
    """Return the derivative of an expression of SymPy, almost everywhere: steps are constant.

    Parameters
    ----------
    expression : sympy expression
    symbol : sympy symbol
    form : str
        "plain": as SymPy's rules give it. "simplified": the shortest of that, its factors (of up to 300 operations),
        and what `sympy.simplify` makes of it (of up to 60). "shared": with repeated parts once.

    Returns
    -------
    sympy expression or SharedFormula

    Raises
    ------
    ArgumentError
        For an unknown form, or if SymPy is not installed.

    Examples
    --------
    >>> from sympy.abc import x
    >>> derivative((x + 1) ** 10, x)
    10*(x + 1)**9
    """
    sympy = load_sympy()
    if form not in ("plain", "simplified", "shared"):
        raise ArgumentError(
            f"derivative: there is no form {form!r}",
            why="the forms differ in what is done to repeated parts.",
            instead='"plain", "simplified" or "shared".',
        )
    found = partial_derivative(sympy.sympify(expression), symbol)
    if form == "shared":
        return share(found)
    return found if form == "plain" else _shortest(found)


def _shortest(found: Any) -> Any:
    """Return the form with the fewest operations, of those that can be had quickly."""
    sympy, n = load_sympy(), operations(found, limit=_FACTORED)
    if any(p.exp.is_Integer and abs(p.exp) > _EXPONENT for p in found.atoms(sympy.Pow)):
        return found  # polynomials would be written out
    forms = [found]
    if n <= _FACTORED and not found.has(sympy.Piecewise):
        forms.append(sympy.factor(found))
    if n <= _SIMPLIFIED:
        forms.append(sympy.simplify(found))
    return min(forms, key=operations)


def share(expression: Any) -> SharedFormula:
    """Return an expression with its repeated parts once.

    Parameters
    ----------
    expression : sympy expression

    Returns
    -------
    SharedFormula

    Examples
    --------
    >>> from sympy import sin
    >>> from sympy.abc import x
    >>> print(share(sin(x) * (x + sin(x))))
    v1 = sin(x)
    v1*(v1 + x)
    """
    sympy = load_sympy()
    order, uses = _parts(sympy.sympify(expression))
    names = sympy.numbered_symbols("v", start=1, exclude=expression.free_symbols)
    steps: list[tuple[Any, Any]] = []
    now: dict[Any, Any] = {}
    with sympy.evaluate(False):  # SymPy would flatten products of products, and what they share with others
        for e in order:
            made = e if e.is_Atom else e.func(*[now[a] for a in e.args])
            if uses[e] > 1 and own(e):
                name = next(names)
                steps.append((name, made))
                made = name
            now[e] = made
    return SharedFormula(tuple(steps), now[expression])


def _parts(expression: Any) -> tuple[list[Any], dict[Any, int]]:
    """Return the distinct parts of an expression, operands first, and in how many places each stands."""
    order: dict[Any, None] = {}
    uses: dict[Any, int] = {expression: 1}
    pending: list[tuple[Any, bool]] = [(expression, False)]
    while pending:
        e, ready = pending.pop()
        if ready:
            order[e] = None
        elif e not in order:
            pending.append((e, True))
            pending += [(a, False) for a in e.args]
    for e in order:
        for a in e.args:
            uses[a] = uses.get(a, 0) + 1
    return list(order), uses


# Naive ----------------------------------------------------------------------------------------------------------------


def naive_derivative(graph: Graph, symbols: Sequence[Any], wrt: int = 0) -> Any:
    """Return the derivative of the tree that a graph of numbers stands for, written out by the rules of calculus.

    Each use of a value repeats its expression. Factors 1 and terms 0 are left out, nothing else is.

    Parameters
    ----------
    graph : Graph
        Of operations on numbers, with one result.
    symbols : sequence of sympy symbols
        The inputs.
    wrt : int
        The input to differentiate by.

    Returns
    -------
    sympy expression
        Not evaluated: printed as it was built.

    Raises
    ------
    ArgumentError
        If it has more than 20 000 operations; `expression_swell` counts them all the same.

    Examples
    --------
    >>> from sympy.abc import x
    >>> from wengert.api.staging import trace
    >>> naive_derivative(trace(lambda x: (x + 1.0) * (x + 1.0))(1.0), [x])
    (x + 1) + (x + 1)
    """
    load_sympy()
    n = naive_counts(graph, wrt)[1]
    if n > _WRITTEN:
        raise ArgumentError(
            f"the naive derivative has {n} operations",
            why="it repeats a part for each of its uses.",
            instead='derivative(..., form="shared").',
        )
    return unevaluated_derivative(graph, symbols, wrt)


def unevaluated_derivative(graph: Graph, symbols: Sequence[Any], wrt: int = 0) -> Any:
    """Return the naive derivative of any size: a graph in memory, in which every part stands once."""
    sympy = load_sympy()
    values: dict[Atom, Any] = dict(zip(graph.inputs, symbols, strict=True))
    dots: dict[Atom, Any] = {graph.inputs[wrt]: sympy.Integer(1)}
    for node in graph.nodes:
        formula, dummies = formula_of(node)
        xs = [number(a.value) if isinstance(a, Const) else values[a] for a in node.inputs]
        partials = [partial_derivative(formula, u) for u in dummies]
        swap = dict(zip(dummies, xs, strict=True))
        with sympy.evaluate(False):
            values[node.outputs[0]] = formula.xreplace(swap)
            terms = [
                _product(p.xreplace(swap), dots[a])
                for p, a in zip(partials, node.inputs, strict=True)
                if a in dots and p != 0
            ]
            if terms:
                dots[node.outputs[0]] = terms[0] if len(terms) == 1 else sympy.Add(*terms)
    return dots.get(graph.outputs[0], sympy.Integer(0))


def _product(p: Any, dot: Any) -> Any:
    if p == 1:
        return dot
    return p if dot == 1 else load_sympy().Mul(p, dot)

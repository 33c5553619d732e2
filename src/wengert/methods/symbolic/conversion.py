"""Functions and graphs as formulas of SymPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import tree
from wengert.api.staging import trace
from wengert.control.custom import custom_eval
from wengert.core.graph import Atom, Const, Graph, Node
from wengert.errors import ArgumentError
from wengert.explain.source.naming import identifier
from wengert.explain.source.primal import parameter_names
from wengert.methods.symbolic.formulas import elementwise, moved, number, refused
from wengert.methods.symbolic.loading import load_sympy
from wengert.transforms.staging import stage

__all__ = ["Formula", "formula_of_graph", "to_sympy"]

_STEPS = 2000  # of loops


@dataclass(frozen=True, eq=False, slots=True)
class Formula:
    """A function as a formula.

    Attributes
    ----------
    expression : object
        A SymPy expression, or an array of them, in the structure of the function's result.
    symbols : dict
        Of the arguments, by their names: symbols, or arrays of symbols, named like entries: ``x[0]``.
    """

    expression: Any
    symbols: dict[str, Any]

    def flat_symbols(self) -> list[Any]:
        """Return the symbols of all arguments, one by one."""
        return [s for value in self.symbols.values() for s in np.ravel(np.asarray(value, object))]

    def __str__(self) -> str:
        return str(self.expression)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {load_sympy().latex(self.expression)}$"


def to_sympy(fun: Callable[..., Any] | Graph, *args: Any, names: Sequence[str] | None = None) -> Formula:
    """Return a function as a formula of SymPy.

    Parameters
    ----------
    fun : callable or Graph
        All of whose operations are the same for all values; loops are unrolled, branches of `cond` and `np.where`
        become piecewise.
    *args
        Its arguments, or arrays of their shapes: the values do not matter. A graph needs none.
    names : sequence of str, optional
        Of the arguments; as the function calls them by default.

    Returns
    -------
    Formula
        Numbers that are the nearest doubles to short fractions, to pi or to e stand for these.

    Raises
    ------
    RefusedError
        If an operation has no formula, such as a loop that ends when a condition fails.
    ArgumentError
        If SymPy is not installed, or names do not fit.

    Examples
    --------
    >>> to_sympy(lambda x: x * np.sin(x) / 2, 1.0).expression
    x*sin(x)/2
    """
    load_sympy()
    if isinstance(fun, Graph) and not args:
        graph = fun
        places = list(names or [f"x{k + 1}" if len(fun.inputs) > 1 else "x" for k in range(len(fun.inputs))])
    else:
        labels = list(names or parameter_names(fun, len(args)))
        graph = fun if isinstance(fun, Graph) else trace(fun)(*args)
        _require_fit(labels, args)
        places = [label + path for label, arg in zip(labels, args, strict=True) for path in tree.paths(arg)]
    if len(places) != len(graph.inputs):
        _require_fit(places, graph.inputs)
    symbols = {place: _symbols(place, a) for place, a in zip(places, graph.inputs, strict=True)}
    ys = formula_of_graph(graph, [np.asarray(s, object) for s in symbols.values()])
    found = [y if y.ndim else y[()] for y in ys]
    if graph.structures is not None:
        return Formula(tree.unflatten(graph.structures[1], found), symbols)
    return Formula(found[0] if len(found) == 1 else tuple(found), symbols)


def _require_fit(names: Sequence[Any], args: Sequence[Any]) -> None:
    if len(names) != len(args):
        raise ArgumentError(
            f"to_sympy: {len(names)} names for {len(args)} arguments",
            why="each argument becomes symbols of its name.",
            instead="give one name for each.",
        )


def _symbols(place: str, a: Atom) -> Any:
    """Return a symbol, or an array of symbols, for an input."""
    sympy = load_sympy()
    known = {"integer": True} if a.dtype.kind in "iu" else {"real": True} if a.dtype.kind == "f" else {}
    name = place if place.isidentifier() else identifier(place)
    if not a.shape:
        return sympy.Symbol(name, **known)
    y = np.empty(a.shape, object)
    for index in np.ndindex(a.shape):
        y[index] = sympy.Symbol(f"{name}[{', '.join(map(str, index))}]", **known)
    return y


# Graphs ---------------------------------------------------------------------------------------------------------------


def formula_of_graph(graph: Graph, xs: Sequence[Any]) -> list[Any]:
    """Return the results of a graph as arrays of expressions."""
    values: dict[Atom, Any] = dict(zip(graph.inputs, xs, strict=True))
    for node in graph.nodes:
        if node.prim.name == "scan":
            _require_short(node.params["loop"].length)
        operands = [_operand(values, a) for a in node.inputs]
        values.update(zip(node.outputs, _results(node, operands), strict=True))
    return [_operand(values, a) for a in graph.outputs]


def _operand(values: dict[Atom, Any], a: Atom) -> Any:
    if not isinstance(a, Const):
        return values[a]
    plain = np.asarray(a.value)
    y = np.empty(plain.shape, object)
    for index in np.ndindex(plain.shape):
        y[index] = number(plain[index])
    return y


def _results(node: Node, xs: Sequence[Any]) -> list[Any]:
    special = _CONTROL.get(node.prim.name)
    if special is not None:
        return special(node, xs)
    for rule in (elementwise, moved):
        y = rule(node, xs)
        if y is not None:
            return [np.asarray(y, object)]
    raise refused(f"the operation {node.prim.name}", "it is not made of functions that SymPy knows.")


def _require_short(steps: int) -> None:
    if steps > _STEPS:
        raise refused(f"a loop of {steps} steps", f"a formula repeats each step; at most {_STEPS} are.")


def _scan(node: Node, xs: Sequence[Any]) -> list[Any]:
    loop = node.params["loop"]
    consts, carry, slices = loop.parts(xs)
    rows: list[list[Any]] = []
    for k in range(loop.length - 1, -1, -1) if loop.reverse else range(loop.length):
        ys = formula_of_graph(loop.body, [*consts, *carry, *[np.asarray(x[k], object) for x in slices]])
        carry = ys[: loop.n_carry]
        rows.append(ys[loop.n_carry :])
    ordered = rows[::-1] if loop.reverse else rows
    return [*carry, *[np.stack(part) for part in zip(*ordered, strict=True)]]


def _switch(node: Node, xs: Sequence[Any]) -> list[Any]:
    s = load_sympy()
    results = [formula_of_graph(graph, xs[1:]) for graph in node.params["graphs"]]
    index, last = xs[0][()], len(results) - 1
    tests = [s.Le(index, 0), *[s.Eq(index, k) for k in range(1, last)], s.true]
    made = []
    for branches in zip(*results, strict=True):
        y = np.empty(branches[0].shape, object)
        for i in np.ndindex(y.shape):
            y[i] = s.Piecewise(
                *[(branch[i], test) for branch, test in zip(branches, tests[-len(branches) :], strict=True)]
            )
        made.append(y)
    return made


def _custom(node: Node, xs: Sequence[Any]) -> list[Any]:
    call = node.params["call"]
    graph, _ = stage(lambda *flat: custom_eval(*flat, call=call), [a.type for a in node.inputs], "custom")
    return formula_of_graph(graph, xs)


def _endless(node: Node, xs: Sequence[Any]) -> list[Any]:
    raise refused("a loop that ends when a condition fails", "how many steps it takes depends on values.")


_CONTROL: dict[str, Callable[[Node, Sequence[Any]], list[Any]]] = {
    "call": lambda node, xs: formula_of_graph(node.params["graph"], xs),
    "contraction": lambda node, xs: formula_of_graph(node.params["graph"], xs),
    "custom": _custom,
    "scan": _scan,
    "switch": _switch,
    "while": _endless,
}

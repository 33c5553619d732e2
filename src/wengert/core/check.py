"""Checks of graphs: that they are what `core/graph.py` says.

Each value is made once and before it is used, nothing is free, the types of results are those that the primitives
infer, and nested graphs are graphs. Whoever makes graphs hands them through `checked`, which does nothing unless
somebody has asked for it: the tests do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wengert.core.atoms import Atom, Const, Var
from wengert.core.graph import Graph, Node, graphs_in
from wengert.core.show import node_text
from wengert.errors import ArgumentError
from wengert.types import ArrayType

__all__ = ["always", "check", "checked"]

_asked = [False]


def always(on: bool) -> None:
    """Say whether `checked` checks."""
    _asked[0] = on


def checked(graph: Graph) -> Graph:
    """Return a graph that was just made; check it, if `always` was asked for."""
    if _asked[0]:
        check(graph)
    return graph


def check(graph: Graph) -> None:
    """Raise unless a graph is valid.

    Parameters
    ----------
    graph : Graph

    Raises
    ------
    ArgumentError
        Naming the first node that is wrong, and its line.
    """
    if graph.derived.get("checked") is graph.nodes:
        return
    made = _distinct(graph)
    known: set[Atom] = set(graph.inputs)
    for k, node in enumerate(graph.nodes):
        _check_operands(graph, k, known, made)
        for nested in graphs_in(node.params):
            check(nested)
        _check_results(graph, k, known)
        known.update(node.outputs)
    for atom in graph.outputs:
        if not isinstance(atom, Const) and atom not in known:
            _refuse(
                graph, None, f"an output of type {atom.type} is no input, no result of a node and no constant"
            )
    graph.derived["checked"] = graph.nodes


def _distinct(graph: Graph) -> set[Atom]:
    """Return the values that nodes make; raise if an input is no variable or stands there twice."""
    seen: set[Atom] = set()
    inputs: tuple[Any, ...] = graph.inputs
    for atom in inputs:
        if not isinstance(atom, Var):
            _refuse(graph, None, "an input is no variable")
        if atom in seen:
            _refuse(graph, None, f"an input of type {atom.type} stands there twice")
        seen.add(atom)
    return {a for node in graph.nodes for a in node.outputs}


def _check_operands(graph: Graph, k: int, known: set[Atom], made: set[Atom]) -> None:
    for i, atom in enumerate(graph.nodes[k].inputs):
        if isinstance(atom, Const) or atom in known:
            continue
        if atom in made:
            _refuse(graph, k, f"operand {i} is used before it is made")
        _refuse(graph, k, f"operand {i} is free: no input, no result of a node, and no constant")


def _check_results(graph: Graph, k: int, known: set[Atom]) -> None:
    node = graph.nodes[k]
    if len(set(node.outputs)) < len(node.outputs) or any(a in known for a in node.outputs):
        _refuse(graph, k, "a result is assigned a second time")
    results: tuple[Any, ...] = node.outputs
    if not all(isinstance(a, Var) for a in results):
        _refuse(graph, k, "a result is no variable")
    if not node.prim.multiple and len(node.outputs) != 1:
        _refuse(graph, k, f"it has {len(node.outputs)} results, and its primitive gives one")
    if node.prim.infer is None:
        return
    inferred = _inferred(graph, k)
    found = tuple(a.type for a in node.outputs)
    if inferred != found:
        _refuse(graph, k, f"its results are {_types(found)}, and its primitive gives {_types(inferred)}")


def _inferred(graph: Graph, k: int) -> tuple[ArrayType, ...]:
    node = graph.nodes[k]
    try:
        types = node.prim.infer(*[a.type for a in node.inputs], **node.params)  # type: ignore[misc]
    except Exception as error:  # noqa: BLE001 - whatever the rule says of operands that do not fit
        _refuse(graph, k, f"its primitive refuses the operands: {type(error).__name__}: {error}", error)
    return tuple(types) if node.prim.multiple else (types,)


def _types(types: Iterable[Any]) -> str:
    return ", ".join(map(str, types)) or "none"


def _refuse(graph: Graph, k: int | None, what: str, cause: BaseException | None = None) -> Any:
    node: Node | None = None if k is None else graph.nodes[k]
    of = "" if node is None else f", node {k}, {node_text(node)}"
    place = None if node is None or node.place is None else node.place
    raise ArgumentError(
        f"the graph of {graph.name} is not valid{of}: {what}",
        where=None if place is None else f'File "{place.file}", line {place.line}, in {place.function}',
        why="each value of a graph is made once, before it is used, and of the type that its primitive infers.",
        instead="make graphs with wengert.trace or wengert.function, which write down what a program does.",
    ) from cause

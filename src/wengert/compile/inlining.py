"""Inlining: calls of graphs become their nodes.

A contraction, a sum of products that leaves out terms with a factor 0, is the plain sum of products where that is
finite. It is inlined as such, and the program then asks whether it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wengert.control.call import call_
from wengert.core.graph import Atom, Graph, Node, Var
from wengert.transforms.contraction import contraction_

__all__ = ["inlined"]


def inlined(graph: Graph) -> tuple[Graph, list[Atom]]:
    """Return a graph without calls and contractions, and the values that must be finite."""
    if not any(node.prim in {call_, contraction_} for node in graph.nodes):
        return graph, []
    nodes: list[Node] = []
    finite: list[Atom] = []
    now: dict[Atom, Atom] = {}
    pending: list[tuple[Graph, Iterator[Node], dict[Atom, Atom], Any]] = [
        (graph, iter(graph.nodes), now, None)
    ]
    while pending:
        inside, rest, names, caller = pending[-1]
        node = next(rest, None)
        if node is None:
            pending.pop()
            if pending:
                ys = [names.get(a, a) for a in inside.outputs]
                pending[-1][2].update(zip(caller.outputs, ys, strict=True))
                finite += ys if caller.prim is contraction_ else []
            continue
        inputs = tuple([names.get(a, a) for a in node.inputs])
        if node.prim in {call_, contraction_}:
            inner: Graph = node.params["graph"]
            pending.append((inner, iter(inner.nodes), dict(zip(inner.inputs, inputs, strict=True)), node))
            continue
        outputs = tuple([Var(y.type, scalar=y.scalar) for y in node.outputs])
        names.update(zip(node.outputs, outputs, strict=True))
        nodes.append(node.with_inputs(inputs, outputs))
    return Graph(graph.inputs, nodes, [now.get(a, a) for a in graph.outputs], graph.name), finite

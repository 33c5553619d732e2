"""Inlining: calls of graphs become their nodes, and operations, and functions with own rules, what they are made of.

A contraction, a sum of products that leaves out terms with a factor 0, is the plain sum of products where that is
finite. It is inlined as such, and the program then asks whether it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from wengert.control.call import call_
from wengert.control.custom import custom, custom_eval
from wengert.control.reversal import reversal_
from wengert.control.reversal_loops import reversal_loops
from wengert.core.graph import Atom, Graph, Node, Var
from wengert.core.lowering import Composed
from wengert.transforms.contraction import contraction_
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage

__all__ = ["graph_of", "inlined"]


def inlined(graph: Graph) -> tuple[Graph, list[Atom]]:
    """Return a graph without calls and contractions, and the values that must be finite."""
    if not any(graph_of(node) for node in graph.nodes):
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
        inner = graph_of(node)
        if inner is not None:
            pending.append((inner, iter(inner.nodes), dict(zip(inner.inputs, inputs, strict=True)), node))
            continue
        outputs = tuple([Var(y.type, scalar=y.scalar) for y in node.outputs])
        names.update(zip(node.outputs, outputs, strict=True))
        nodes.append(node.with_inputs(inputs, outputs))
    return Graph(graph.inputs, nodes, [now.get(a, a) for a in graph.outputs], graph.name), finite


@lru_cache(maxsize=256)
def graph_of(node: Node) -> Graph | None:
    """Return the graph that takes the place of a node, or None."""
    if node.prim in {call_, contraction_}:
        return node.params["graph"]  # type: ignore[no-any-return]
    if node.prim is reversal_:
        return reversal_loops([a.type for a in node.inputs], node.params["loop"])
    if node.prim is custom:
        return _operations_of(node)
    kind = node.prim.lower
    if not isinstance(kind, Composed):
        return None
    made, _ = stage(
        lambda *xs: [kind.formula(*xs, **node.params)], [a.type for a in node.inputs], node.prim.name
    )
    return simplify(made) if made.out_types == (node.outputs[0].type,) else None


def _operations_of(node: Node) -> Graph | None:
    """Return the operations of a function with rules of its own, which programs have no use for, or None.

    There are none where it does what cannot be staged: it is the user's, whatever it raises, and is called as it is.
    """
    try:
        made, captured = stage(
            lambda *xs: custom_eval(*xs, **node.params), [a.type for a in node.inputs], node.prim.name
        )
    except Exception:  # noqa: BLE001 - see above
        return None
    same = made.out_types == tuple([y.type for y in node.outputs])
    return simplify(made) if same and not captured else None

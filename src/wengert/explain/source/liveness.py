"""What of a graph is read in the end: results of steps that nobody stacks, slices that no step reads, are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wengert.control.scan import Loop
from wengert.core.graph import Atom, Graph, Node
from wengert.transforms.simplify import simplify

__all__ = ["Liveness"]


class Liveness:
    """What is read of a graph.

    Parameters
    ----------
    graph : Graph

    Attributes
    ----------
    atoms : set of Atom
        Values that are read.
    loops : dict
        Of loops over slices: without what nobody reads. Their operands and results keep their places; a result of a
        step that is not read is its first constant, slice or carry.
    """

    __slots__ = ("_nodes", "atoms", "loops")

    def __init__(self, graph: Graph) -> None:
        self.atoms: set[Atom] = set(graph.outputs)
        self.loops: dict[Node, Loop] = {}
        self._nodes = graph.nodes
        for node in reversed(graph.nodes):
            if not self.reads(node):
                continue
            if node.prim.name == "scan":
                self._look_at_loop(node)
            else:
                self.atoms.update(node.inputs)

    def reads(self, node: Node) -> bool:
        """Whether an operation has a result that is read."""
        return any(y in self.atoms for y in node.outputs)

    def reversal_of(self, node: Node) -> Node | None:
        """Return the reversal of a loop under a condition, which runs it again: it may use what the first run kept."""
        n = len(node.inputs)
        for other in self._nodes:
            same = other.prim.name == "while_reversal" and other.params["loop"] is node.params["loop"]
            if same and other.inputs[:n] == node.inputs and self.reads(other):
                return other
        return None

    def _look_at_loop(self, node: Node) -> None:
        loop: Loop = node.params["loop"]
        body, m = loop.body, loop.n_carry
        wants = [True] * m + [y in self.atoms for y in node.outputs[m:]]
        outputs = [y for y, wanted in zip(body.outputs, wants, strict=True) if wanted]
        pruned = simplify(Graph(body.inputs, body.nodes, outputs, body.name), passes=("prune",))
        full = _spread(pruned.outputs, wants, body.inputs)
        self.loops[node] = replace(loop, body=Graph(body.inputs, pruned.nodes, full, body.name))
        read = {a for inner in pruned.nodes for a in inner.inputs} | set(pruned.outputs)
        first, last = loop.n_consts, loop.n_consts + m
        for k, (a, inside) in enumerate(zip(node.inputs, body.inputs, strict=True)):
            if first <= k < last or inside in read:
                self.atoms.add(a)

    def wanted(self, node: Node, graph: Graph) -> Graph:
        """Return a graph that stands for an operation, without the results that nobody reads."""
        ys = [
            y if out in self.atoms else graph.inputs[0]
            for out, y in zip(node.outputs, graph.outputs, strict=True)
        ]
        return Graph(graph.inputs, graph.nodes, ys, graph.name)

    def slices(self, node: Node) -> list[bool]:
        """Return which operands of a loop its steps read."""
        body = self.loops[node].body
        read = {a for inner in body.nodes for a in inner.inputs} | set(body.outputs)
        return [a in read for a in body.inputs]


def _spread(outputs: Sequence[Atom], wants: Sequence[bool], inputs: Sequence[Atom]) -> list[Atom]:
    """Return results with something that is there in the places of those that nobody reads."""
    rest = iter(outputs)
    return [next(rest) if wanted else inputs[0] for wanted in wants]

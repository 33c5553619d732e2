"""Where the values of a graph are while it is written down: their expressions, their names, and who owns their memory.

A name is used again for a value that takes the place of one that nobody reads any more: ``x_bar = x_bar + v``. An array
is written into in place where the program has made it and nobody else looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert.core.graph import Atom, Const, Graph, Node
from wengert.explain.source.liveness import Liveness
from wengert.explain.source.spelling import Operand

__all__ = ["Scope"]

# Their results are arrays of their own, of which nothing else is a view.
_OWN = frozenset({"index_update", "index_add", "scatter", "where", "masked", "concatenate", "sum", "matmul"})


class Scope:
    """The values of a graph.

    Parameters
    ----------
    graph : Graph
    operands : sequence of Operand
        What stands for its inputs.
    owned : iterable of Atom
        Inputs whose memory is the program's: what a loop carries.
    """

    def __init__(self, graph: Graph, operands: Sequence[Operand], owned: Sequence[Atom] = ()) -> None:
        self.graph = graph
        self.live = Liveness(graph)
        self.values: dict[Atom, Operand] = dict(zip(graph.inputs, operands, strict=True))
        self.written: set[Atom] = set()  # inputs that were written into
        self._last = _last_uses(graph)
        self._names: dict[str, Atom] = {self.values[a].text: a for a in owned}
        self._roots: dict[Atom, Atom] = {a: a for a in graph.inputs}
        self._owned: set[Atom] = set(owned)
        self._origins: dict[Atom, Atom] = {}  # of what was written in place
        self._held: dict[Atom, int] = {}  # when the last value that shares an owner's memory is read
        for a in graph.inputs:
            self._held[a] = self._last.get(a, -1)

    def define(self, k: int, node: Node, operands: Sequence[Operand]) -> None:
        """Set what stands for the results of operation k."""
        for y, x in zip(node.outputs, operands, strict=True):
            self.values[y] = x
            self._names[x.text] = y
        for y in node.outputs:
            own = node.prim.elementwise or node.prim.name in _OWN or not node.inputs or not y.shape
            roots = [] if own else [self._roots[a] for a in node.inputs if a in self._roots]
            self._roots[y] = roots[0] if len(roots) == 1 else y
            if own:
                self._owned.add(y)
            for root in {*roots, self._roots[y]}:
                self._held[root] = max(self._held.get(root, -1), self._last.get(y, -1))

    def may_take(self, name: str, k: int) -> bool:
        """Whether the result of operation k may have a name: that of a value that nobody reads behind it."""
        old = self._names.get(name)
        return old is not None and self._last.get(old, -1) <= k

    def ends(self, atom: Atom, k: int) -> bool:
        """Whether nobody reads a value of the program's own behind operation k, which takes it once."""
        return (
            self._takes_once(atom, k)
            and self._names.get(self.values[atom].text) is atom
            and self._last.get(atom, -1) <= k
        )

    def is_free(self, atom: Atom, k: int) -> bool:
        """Whether operation k may write into the memory of its operand, and nobody sees it."""
        if isinstance(atom, Const) or self._roots.get(atom) is not atom or atom not in self._owned:
            return False
        return self._takes_once(atom, k) and self._held.get(atom, -1) <= k

    def _takes_once(self, atom: Atom, k: int) -> bool:
        """Whether one operand of an operation is a value, and no other is a view of it."""
        return k < 0 or [self._roots.get(a) for a in self.graph.nodes[k].inputs].count(self._roots[atom]) == 1

    def write(self, node: Node, atom: Atom) -> None:
        """Set that the result of an operation lies in the memory of an operand."""
        self.touch(atom)
        self._origins[node.outputs[0]] = self._origins.get(atom, atom)

    def touch(self, atom: Atom) -> None:
        """Set that the memory of a value is written into."""
        self.written.add(self._origins.get(atom, atom))


def _last_uses(graph: Graph) -> dict[Any, int]:
    """Return the last operation that reads each value; behind all for outputs."""
    found: dict[Any, int] = {}
    for k, node in enumerate(graph.nodes):
        found.update(dict.fromkeys(node.inputs, k))
    found.update(dict.fromkeys(graph.outputs, len(graph.nodes)))
    return found

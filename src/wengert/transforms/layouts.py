"""How the values of a graph will lie in memory, without computing them.

A reshaped array is a view in NumPy where the entries lie so that it can be, and then a write to it reaches its base.
The graph has no arrays yet, but most operations answer from how their operands lie: what is computed entry by entry,
sums and products lie in C's order if all operands do, and a view of an array that holds anything lies as it will.
An operation that carries a graph answers from that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.graph import Const
from wengert.core.lowering import Contraction, Placement, Pointwise, Reduction, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wengert.core.graph import Atom, Graph, Node, Var
    from wengert.core.primitive import Primitive

__all__ = ["Layouts", "keeps_order"]

_NEW = Pointwise | Reduction | Contraction | Placement  # what makes an array of its own


def keeps_order(prim: Primitive) -> bool:
    """Say whether results of a primitive lie in C's order where the operands, real numbers, do."""
    return prim.elementwise or (isinstance(prim.lower, _NEW) and prim.ordered)


class Layouts:
    """Arrays that lie as the values of a graph's atoms will.

    Parameters
    ----------
    producers : mapping of Var to Node
    values : mapping of Var
        Those that are known already.
    evaluate : Atom -> array or None
        The value of an atom, if it can be computed, for operations that do not answer.
    """

    __slots__ = ("_evaluate", "_found", "_producers", "_values")

    def __init__(
        self, producers: Mapping[Var, Node], values: Mapping[Var, Any], evaluate: Callable[[Atom], Any]
    ) -> None:
        self._producers, self._values, self._evaluate = producers, values, evaluate
        self._found: dict[Atom, Any] = {}  # None is C's order

    def example(self, atom: Atom) -> Any:
        """Return an array of the shape and dtype of an atom, which lies as its value will."""
        pending = [atom]
        while pending:
            a = pending[-1]
            if a not in self._found:
                missing = [x for x in self._read(a) if x not in self._found]
                if missing:
                    pending += missing
                    continue
                y = self._made(a)
                in_order = not isinstance(y, np.ndarray) or y.flags.c_contiguous
                self._found[a] = None if in_order else y
            pending.pop()
        return self._array(atom)

    def _array(self, atom: Atom) -> Any:
        found = self._found[atom]
        return np.zeros(atom.shape, atom.dtype) if found is None else found

    def _read(self, atom: Atom) -> tuple[Atom, ...]:
        """Return the operands that an atom's layout depends on."""
        if self._is_plain(atom):
            return ()
        node = self._producers[atom]  # type: ignore[index]
        answers = keeps_order(node.prim) or isinstance(node.prim.lower, View) or "graph" in node.params
        return node.inputs if answers else ()

    def _is_plain(self, atom: Atom) -> bool:
        return isinstance(atom, Const) or atom.ndim < 2 or atom in self._values or atom not in self._producers

    def _made(self, atom: Atom) -> Any:
        """Return an array that lies as an atom's value will, or None if that is C's order."""
        if self._is_plain(atom):
            return atom.value if isinstance(atom, Const) else self._values.get(atom)  # type: ignore[call-overload]
        operands = self._read(atom)
        if not operands:
            return self._evaluate(atom)
        try:
            return self._answered(self._producers[atom], operands, atom)  # type: ignore[index]
        except Exception:  # noqa: BLE001 - zeros are no values that the program would see
            return self._evaluate(atom)

    def _answered(self, node: Node, operands: Sequence[Atom], atom: Atom) -> Any:
        in_order = all(self._found[x] is None and x.dtype.kind != "c" for x in operands)
        if in_order and keeps_order(node.prim):
            return None
        examples = list(map(self._array, operands))
        if "graph" in node.params:
            return _run(node.params["graph"], examples, node.outputs.index(atom))
        with np.errstate(all="ignore"):
            return node.prim.eval(*examples, **node.params)


def _run(graph: Graph, operands: Sequence[Any], which: int) -> Any:
    """Return an array that lies as a result of a graph will; raise where that takes values."""
    producers = {y: node for node in graph.nodes for y in node.outputs}

    def unknown(atom: Atom) -> Any:
        raise LookupError(atom)

    layouts = Layouts(producers, dict(zip(graph.inputs, operands, strict=True)), unknown)
    return layouts.example(graph.outputs[which])

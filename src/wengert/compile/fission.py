"""Fission: what a loop need not do in each of its steps is done in front of it, or behind it.

In front, what constants of the loop alone determine, such as the transpose of a matrix that a derivative multiplies by.
Behind, sums of products that steps only add up, as one product of the factors of all steps:

    before: loop over t: c = c + a_t b_t
    after:  loop over t: stack a_t, b_t;        c + sum_tk a_tik b_tkj

The derivative of a recurrent network with respect to a matrix is such a sum. One large product is quicker than many
small ones, which each load and store all of the sum. Factors are stacked where they have fewer entries than the sum;
never by a loop that was told to keep few states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.compile.affine import Axis, symbol
from wengert.compile.context import size_of
from wengert.compile.inlining import inlined
from wengert.compile.views import is_worthwhile, product_, with_products
from wengert.control.hoisting import hoisted
from wengert.control.scan import scan_
from wengert.core.graph import Atom, Const, Graph, Node, Var
from wengert.types import ArrayType

__all__ = ["with_fission"]


def with_fission(graph: Graph) -> Graph:
    """Return a graph whose loops over a known number of steps do less in each of them."""
    if not any(node.prim is scan_ for node in graph.nodes):
        return graph
    nodes = [new for node in graph.nodes for new in (_split(node) if node.prim is scan_ else [node])]
    return Graph(graph.inputs, nodes, graph.outputs, graph.name)


def _split(node: Node) -> list[Node]:
    """Return what is in front of a loop, the loop, and what is behind it."""
    if not node.params["loop"].length:
        return [node]
    front, rest = _without_fixed(node)
    loop = rest.params["loop"]
    n, m = loop.n_consts, loop.n_carry
    step = with_products(loop.body, own=loop.body.inputs[n : n + m])
    may = range(m) if node.params["loop"].checkpoint is None else ()
    sums = {j: product for j in may if (product := _sum(step, n, m, j)) is not None}
    stacks = _Stacks(rest, step, sums)
    if not sums or stacks.room > sum(size_of(product.outputs[0].shape) for product in sums.values()):
        return [*front, rest] if front else [node]
    behind = []
    time = symbol(Axis(loop.length))
    for j, product in sums.items():
        a, b, y = product.params["indices"]
        factors = tuple([stacks.atoms[x] for x in product.inputs[:2]])
        indices = ((time, *a), (time, *b), y)
        if not is_worthwhile((*factors, rest.outputs[j]), indices):
            return [*front, rest]
        first = rest.inputs[n + j]
        base = () if _is_zero(first) else (first,)
        behind.append(
            Node(product_, (*factors, *base), {"indices": indices}, (rest.outputs[j],), product.place)
        )
    left = stacks.loop()
    return [*front, *([left] if left.outputs else []), *behind]


def _without_fixed(node: Node) -> tuple[list[Node], Node]:
    """Return what all steps of a loop compute alike, and the loop without it."""
    loop = node.params["loop"]
    before, step = hoisted(inlined(loop.body)[0], loop.n_consts)
    now: dict[Atom, Atom] = dict(zip(before.inputs, node.inputs, strict=False))
    front = []
    for inner in before.nodes:
        outputs = tuple([Var(y.type, scalar=y.scalar) for y in inner.outputs])
        front.append(inner.with_inputs(tuple([now.get(a, a) for a in inner.inputs]), outputs))
        now.update(zip(inner.outputs, outputs, strict=True))
    consts = [now.get(a, a) for a in before.outputs]
    made = loop.with_body(step, len(consts), loop.n_carry)
    inputs = (*consts, *node.inputs[loop.n_consts :])
    return front, Node(scan_, inputs, {"loop": made}, node.outputs, node.place, quiet=node.quiet)


def _sum(step: Graph, n: int, m: int, j: int) -> Node | None:
    """Return the product that a step adds to what is carried at a place, if that is all that is done with it."""
    carried, found = step.inputs[n + j], step.outputs[j]
    product = next((node for node in step.nodes if found in node.outputs), None)
    if product is None or product.prim is not product_ or product.inputs[2:] != (carried,):
        return None
    read = [*[a for node in step.nodes for a in node.inputs], *step.outputs]
    factors = product.inputs[:2]
    is_varying = all(
        not isinstance(a, Const) and a not in step.inputs[:n] and a is not carried for a in factors
    )
    return product if is_varying and read.count(carried) == read.count(found) == 1 else None


class _Stacks:
    """The factors of some sums at all steps of a loop.

    Attributes
    ----------
    atoms : dict
        What holds a factor of all steps: a slice's array, or a result of the new loop.
    room : int
        Entries of a step that are stacked for this alone.
    """

    def __init__(self, node: Node, step: Graph, sums: dict[int, Node]) -> None:
        self._node, self._step, self._sums = node, step, sums
        loop = node.params["loop"]
        n, m = loop.n_consts, loop.n_carry
        self.atoms: dict[Atom, Atom] = dict(zip(step.inputs[n + m :], node.inputs[n + m :], strict=True))
        self.atoms.update(zip(step.outputs[m:], node.outputs[m:], strict=True))
        self._new: dict[Atom, Var] = {}
        for product in sums.values():
            for a in product.inputs[:2]:
                if a not in self.atoms:
                    self._new[a] = Var(ArrayType((loop.length, *a.shape), a.dtype))
                    self.atoms[a] = self._new[a]
        self.room = sum(size_of(a.shape) for a in self._new)

    def loop(self) -> Node:
        """Return the loop without the sums, which stacks their factors."""
        step, loop, m = self._step, self._node.params["loop"], self._node.params["loop"].n_carry
        n = loop.n_consts
        left = [j for j in range(m) if j not in self._sums]
        gone = set(self._sums.values())

        def without(xs: Sequence[Any], start: int) -> list[Any]:
            return [*xs[:start], *[xs[start + j] for j in left], *xs[start + m :]]

        outputs = [*without(step.outputs, 0), *self._new]
        body = Graph(without(step.inputs, n), [x for x in step.nodes if x not in gone], outputs, step.name)
        made = loop.with_body(body, n, len(left))
        results = (*without(self._node.outputs, 0), *self._new.values())
        return Node(scan_, tuple(without(self._node.inputs, n)), {"loop": made}, results, self._node.place)


def _is_zero(atom: Atom) -> bool:
    return isinstance(atom, Const) and not atom.live and not np.any(atom.value)

"""Factoring: a sum along the rows of a product is the product of the sum of the rows.

    sum_i sum_j a_ij b_jk  =  sum_j (sum_i a_ij) b_jk

So the derivative of a matrix product with respect to what was added to every row takes no matrix product. What is not
finite in the one is not finite in the other, unless it is infinities or rows that cancel; the terms of the one are
those of the other, added up in another order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from wengert.core.graph import Atom, Graph, Node, Var
from wengert.core.lowering import Contraction
from wengert.ops.arithmetic import negative
from wengert.ops.reduction import sum_
from wengert.types import ArrayType

__all__ = ["factored"]


def factored(graph: Graph, kept: Sequence[Atom] = ()) -> Graph:
    """Return a graph in which products that are only summed along rows are products of sums.

    Parameters
    ----------
    graph : Graph
    kept : sequence of Atom
        Values that are wanted beside the outputs.
    """
    uses = Counter([*graph.outputs, *kept, *[a for node in graph.nodes for a in node.inputs]])
    makers: dict[Atom, Node] = {y: node for node in graph.nodes for y in node.outputs}
    instead: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        if node.prim is sum_ and node.outputs[0].dtype.kind == "f":
            instead.update(_factored(node, makers, uses))
    if not instead:
        return graph
    nodes = [new for node in graph.nodes for new in instead.get(node, (node,))]
    return Graph(graph.inputs, nodes, graph.outputs, graph.name)


def _factored(node: Node, makers: Mapping[Atom, Node], uses: Counter[Atom]) -> dict[Node, list[Node]]:
    """Return what stands for a sum, for the negatives that it is a sum of, and for the product behind them."""
    chain = [node]
    while len(chain) == 1 or chain[-1].prim is negative:
        x = chain[-1].inputs[0]
        before = makers.get(x)
        if before is None or uses[x] != 1 or x.dtype != node.outputs[0].dtype:
            return {}
        chain.append(before)
    product = chain.pop()
    inputs, sums, axes = _rows_summed(product, node.params["axis"])
    if not sums:
        return {}
    y = _one_long(product.outputs[0], axes)
    instead = {product: [*sums, product.with_inputs(inputs, (y,))]}
    for later in reversed(chain[1:]):
        following = _one_long(later.outputs[0], axes)
        instead[later] = [later.with_inputs((y,), (following,))]
        y = following
    instead[node] = [node.with_inputs((y,), node.outputs)]
    return instead


def _rows_summed(product: Node, axes: Sequence[int]) -> tuple[tuple[Atom, ...], list[Node], list[int]]:
    """Return a product's operands, summed along those of some axes of the product that only one of them has.

    Returns
    -------
    operands : tuple of Atom
    sums : list of Node
        Which make them.
    axes : list of int
        Of the product.
    """
    inputs, sums, found = list(product.inputs), [], []
    kind: Any = product.prim.lower
    if isinstance(kind, Contraction) and all(a.dtype == product.outputs[0].dtype for a in inputs):
        terms, result = kind.labels([a.shape for a in inputs], **product.params)
        for axis in axes:
            places = [
                (k, i)
                for k, term in enumerate(terms)
                for i, label in enumerate(term)
                if label == result[axis]
            ]
            n = product.outputs[0].shape[axis]
            if len(places) != 1 or inputs[places[0][0]].shape[places[0][1]] != n or n == 1:
                continue
            k, i = places[0]
            y = _one_long(inputs[k], [i])
            sums.append(Node(sum_, (inputs[k],), {"axis": (i,), "keepdims": True}, (y,)))
            inputs[k] = y
            found.append(axis)
    return tuple(inputs), sums, found


def _one_long(atom: Atom, axes: Sequence[int]) -> Var:
    """Return a value like another one, with axes of length 1."""
    shape = tuple([1 if i in axes else n for i, n in enumerate(atom.shape)])
    return Var(ArrayType(shape, atom.dtype))

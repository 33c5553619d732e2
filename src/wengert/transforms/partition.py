"""Splitting a joint graph of values and cotangents into a forward and a backward half.

What the backward half reads of the forward one is a *cut* between the inputs and the cotangents: a set of values from
which everything that it wants can be computed. Values that are cheap to recompute need not be in it. The cut of fewest
bytes is a minimum cut in the sense of Ford and Fulkerson (1956): each value is an edge of capacity its bytes, each
use of a value by a cheap operation an edge without limit; values that only the forward half can compute hang on the
source, those that the backward half reads on the sink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wengert.core.check import checked
from wengert.core.graph import Atom, Const, Graph, Node, Var
from wengert.transforms.flow import Network
from wengert.transforms.raising import may_raise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["split_at_cotangents"]


def split_at_cotangents(
    joint: Graph, n_inputs: int, n_outputs: int, *, free: Sequence[int] | None = None
) -> tuple[Graph, Graph]:
    """Split a graph whose first inputs are operands, the others cotangents, and whose first outputs are results.

    Parameters
    ----------
    joint : Graph
    n_inputs, n_outputs : int
        How many inputs are operands, and how many outputs results.
    free : sequence of int, optional
        Operands that cost nothing to keep, since the caller holds them anyway; all by default.

    Returns
    -------
    forward : Graph
        operands -> results, residuals
    backward : Graph
        residuals, cotangents -> cotangents of operands
    """
    operands, seeds = joint.inputs[:n_inputs], joint.inputs[n_inputs:]
    results, x_bars = joint.outputs[:n_outputs], joint.outputs[n_outputs:]
    late: set[Atom] = set(seeds)
    early_nodes: list[Node] = []
    late_nodes: list[Node] = []
    for node in joint.nodes:
        if any(a in late for a in node.inputs):
            late.update(node.outputs)
            late_nodes.append(node)
        else:
            early_nodes.append(node)
    wanted = dict.fromkeys(
        a
        for a in [*[a for node in late_nodes for a in node.inputs], *x_bars]
        if a not in late and not isinstance(a, Const)
    )
    unpaid = operands if free is None else [operands[i] for i in free]
    residuals = _cut(unpaid, early_nodes, list(wanted))
    again = _between(early_nodes, residuals, list(wanted))
    forward = Graph(
        operands, _needed(early_nodes, [*results, *residuals]), [*results, *residuals], joint.name
    )
    backward = Graph([*residuals, *seeds], [*again, *late_nodes], x_bars, joint.name)
    return checked(forward), checked(backward)


def _needed(nodes: Sequence[Node], outputs: Sequence[Atom]) -> list[Node]:
    """Return the nodes on which outputs depend."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if any(a in wanted for a in node.outputs) or may_raise(node):
            wanted.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _between(nodes: Sequence[Node], residuals: Sequence[Var], wanted: Sequence[Atom]) -> list[Node]:
    """Return the nodes that compute wanted values from the residuals."""
    have, missing, again = set(residuals), set(wanted) - set(residuals), []
    for node in reversed(nodes):
        if any(a in missing for a in node.outputs):
            again.append(node)
            missing.update(a for a in node.inputs if a not in have and not isinstance(a, Const))
            missing.difference_update(node.outputs)
    return again[::-1]


def _cut(free: Sequence[Var], nodes: Sequence[Node], wanted: Sequence[Atom]) -> list[Var]:
    """Return the values of fewest bytes from which all wanted ones can be recomputed cheaply."""
    producers = {var: node for node in nodes for var in node.outputs}
    places = {var: k for k, var in enumerate(_ancestors(wanted, producers))}
    source, sink = 2 * len(places), 2 * len(places) + 1
    unlimited = 1 + sum(1 + var.nbytes for var in places)
    at_no_cost = set(free)
    network = Network(sink + 1)
    for var, k in places.items():
        costless = var.nbytes == 0 or var in at_no_cost
        network.connect(2 * k, 2 * k + 1, 0 if costless else 1 + var.nbytes)
        node = producers.get(var)
        if node is None or not node.prim.cheap:
            network.connect(source, 2 * k, unlimited)
        else:
            for a in node.inputs:
                if not isinstance(a, Const):
                    network.connect(2 * places[a] + 1, 2 * k, unlimited)  # type: ignore[index]
    for a in wanted:
        network.connect(2 * places[a] + 1, sink, unlimited)  # type: ignore[index]
    reached = network.sources_side(source, sink)
    return [var for var, k in places.items() if reached[2 * k] and not reached[2 * k + 1]]


def _ancestors(wanted: Sequence[Atom], producers: dict[Var, Node]) -> list[Var]:
    """Return the values that cheap operations lead from to the wanted ones, and these."""
    found: dict[Var, None] = {}
    pending = list(wanted)
    while pending:
        var = pending.pop()
        if var in found or isinstance(var, Const):
            continue
        found[var] = None  # type: ignore[index]
        node = producers.get(var)  # type: ignore[call-overload]
        if node is not None and node.prim.cheap:
            pending += node.inputs
    return list(found)

"""Equal bodies are one graph: what is made of a body once (derivatives, halves, executors) is there in the next call.

A body is staged in every call of a loop, for what it closes over may have changed, and that is cheap. Its derivatives
are not. Two bodies are equal if they do the same operations on the same constants, bit by bit, for the same lines of
the program; so nothing is reused that has changed. Graphs that hold more than numbers, such as functions of the user,
are left as they are: they would be kept alive.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import numpy as np

from wengert.core.graph import Atom, Const, Graph, Node, graphs_in
from wengert.ops.index_forms import Slot
from wengert.transforms.simplify import frozen
from wengert.types import ArrayType

__all__ = ["interned"]

_MOST = 256  # graphs that are kept, those of the latest calls
_LARGEST = 1 << 14  # bytes of the constants of a graph that is

_kept: OrderedDict[Hashable, Graph] = OrderedDict()
_lock = threading.Lock()


class _Other(Exception):  # noqa: N818 - no error: the graph is not of this kind
    """A graph holds what is no number."""


def interned(graph: Graph) -> Graph:
    """Return the equal graph of an earlier call, or this one.

    Parameters
    ----------
    graph : Graph
        Just made; nobody else has it.
    """
    try:
        key = _key(graph)
    except _Other:
        return graph
    with _lock:
        found = _kept.setdefault(key, graph)
        _kept.move_to_end(key)
        if len(_kept) > _MOST:
            _kept.popitem(last=False)
    found.derived["interned"] = True
    return found


def _key(graph: Graph) -> Hashable:
    if sum([const.nbytes for const in graph.constants()]) > _LARGEST:
        raise _Other
    numbers: dict[Atom, int] = {}
    for atom in graph.atoms():
        numbers[atom] = len(numbers)
    return (
        graph.name,
        tuple([_type(a) for a in graph.inputs]),
        tuple([_node(node, numbers) for node in graph.nodes]),
        tuple([_operand(a, numbers) for a in graph.outputs]),
    )


def _type(atom: Atom) -> Hashable:
    return atom.type, atom.scalar, atom.weak


def _operand(atom: Atom, numbers: dict[Atom, int]) -> Hashable:
    if not isinstance(atom, Const):
        return numbers[atom]
    if atom.live:
        raise _Other
    x = np.asarray(atom.value)
    return atom.type, atom.scalar, x.strides, x.tobytes()


def _node(node: Node, numbers: dict[Atom, int]) -> Hashable:
    if any("interned" not in nested.derived for nested in graphs_in(node.params)):
        raise _Other
    if not graphs_in(node.params):
        _require_plain(node.params)
    inputs = tuple([_operand(a, numbers) for a in node.inputs])
    outputs = tuple([_type(a) for a in node.outputs])
    return node.prim, inputs, frozen(node.params), outputs, node.quiet, node.place


def _require_plain(value: Any) -> None:
    if isinstance(value, dict):
        _require_plain(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            _require_plain(item)
    elif not isinstance(
        value,
        bool
        | int
        | float
        | complex
        | str
        | slice
        | np.ndarray
        | np.generic
        | np.dtype
        | ArrayType
        | Slot
        | type(...)
        | None,
    ):
        raise _Other

"""Bodies of loops and branches: functions of pytrees, staged on types, as closed graphs.

What a body closes over becomes an operand: a constant of the loop. Its results are checked against the types that the
loop carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.control.interning import interned
from wengert.core.dispatch import Traced
from wengert.core.graph import Graph
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import Stage
from wengert.types import ArrayType, type_of

__all__ = ["Body", "as_operands", "body_of", "merged", "require_same"]

_NUMBERS = (bool, int, float, complex)


class Body(NamedTuple):
    """A staged body.

    Attributes
    ----------
    graph : Graph
        Its inputs are those of the body, then what it closes over.
    captured : list
        The traced values that it closes over.
    structure : object
        Of its result.
    """

    graph: Graph
    captured: list[Any]
    structure: Any


def as_operands(values: Any, what: str) -> tuple[list[Any], Any]:
    """Return the leaves of a pytree as arrays or tracers, and its structure."""
    leaves, structure = tree.flatten(values)
    return [_as_operand(leaf, what) for leaf in leaves], structure


def _as_operand(x: Any, what: str) -> Any:
    x = operand(x) if isinstance(x, np.ndarray) else x
    if isinstance(x, Traced | np.generic) or (isinstance(x, np.ndarray) and x.dtype.kind in "biufc"):
        return x
    if type(x) in _NUMBERS:
        return np.asarray(x)[()]
    raise ArgumentError(
        f"{what} holds a {type(x).__name__}",
        why="loops and branches carry arrays, numbers, and containers of them.",
        instead="let the body close over it.",
    )


def body_of(
    fun: Callable[..., Any],
    structure: Any,
    types: Sequence[ArrayType],
    name: str,
    *,
    weak: Sequence[type | None] | None = None,
) -> Body:
    """Return the graph of a function of pytrees for leaves of given types.

    Parameters
    ----------
    fun : callable
        Takes the arguments, a tuple of the structure given.
    structure : object
        Of the tuple of arguments.
    types : sequence of ArrayType
        Of all leaves.
    name : str
        For messages.
    weak : sequence of type or None, optional
        Python's types of those that are Python numbers to the body.
    """
    weak = weak or [None] * len(types)
    with Stage() as interpreter:
        tracers = [interpreter.lift(t, scalar=not t.shape, weak=w) for t, w in zip(types, weak, strict=True)]
        leaves, out_structure = tree.flatten(fun(*tree.unflatten(structure, tracers)))
        graph = interpreter.graph([_as_operand(leaf, f"the result of {name}") for leaf in leaves], name)
    return Body(interned(simplify(graph)), interpreter.captured(), out_structure)


def merged(bodies: Sequence[Body], n: int) -> tuple[list[Graph], list[Any]]:
    """Return graphs that take the same operands: the first n inputs of each, then what any of them closes over."""
    captured = [x for body in bodies for x in body.captured]
    graphs, start = [], 0
    for body in bodies:
        stop = start + len(body.captured)
        with Stage() as interpreter:
            tracers = [interpreter.lift(t, scalar=not t.shape) for t in body.graph.in_types[:n]]
            others = [interpreter.lift(type_of(x), scalar=not np.shape(x)) for x in captured]
            ys = body.graph.apply([*tracers, *others[start:stop]])
            graphs.append(interned(simplify(interpreter.graph(ys, body.graph.name))))
        start = stop
    return graphs, captured


# Errors -------------------------------------------------------------------------------------------------------------


def _described(structure: Any, types: Sequence[ArrayType]) -> str:
    return str(tree.unflatten(structure, [str(t) for t in types]))


def require_same(
    expected: tuple[Any, Sequence[ArrayType]], found: tuple[Any, Sequence[ArrayType]], what: str, why: str
) -> None:
    """Raise unless two pytrees have one structure and their leaves the same types."""
    if expected[0] == found[0] and list(expected[1]) == list(found[1]):
        return
    raise ArgumentError(
        f"{what}: {_described(*expected)} became {_described(*found)}",
        why=why,
        instead="return values of the structure, shapes and dtypes of the first; x.astype and np.reshape change types.",
    )

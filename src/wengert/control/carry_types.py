"""The types that a loop carries: those of the first carry, where it is arrays; of Python numbers, those the body gives.

A Python number yields to the types of arrays (NumPy 2, NEP 50), and goes on to do so in the body. What it becomes
there is what it is from the first step on: the body is staged on the types found so far until they hold. Each round
moves some number up in bool < int < float < complex < arrays of these, so there are few rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.control.bodies import Body, as_operands, body_of, require_same
from wengert.control.interning import interned
from wengert.core.graph import Graph
from wengert.core.views import staged_under
from wengert.types import ArrayType, type_of

__all__ = ["Settled", "constants_first", "settled", "weak_type"]

_NUMBERS = (bool, int, float, complex)
_CARRY = "the next step takes what this one returns, and a loop is made for one type of it."


class _Kind(NamedTuple):
    """A type; of a Python number, with Python's type."""

    type: ArrayType
    weak: Any


class Settled(NamedTuple):
    """A body whose carry keeps its types.

    Attributes
    ----------
    body : Body
        From the carry, slices, and what it closes over, to the next carry, then the results of a step.
    carry : list
        The first carry, in these types.
    structure, y_structure : object
        Of carry and results.
    """

    body: Body
    carry: list[Any]
    structure: Any
    y_structure: Any

    @property
    def types(self) -> list[ArrayType]:
        """The types that are carried."""
        return list(map(type_of, self.carry))


def weak_type(x: Any) -> type | None:
    """Return the Python type of a number that yields to the types of arrays, traced or not, or None."""
    if type(x) in _NUMBERS:
        return type(x)
    return x.value.weak if staged_under(x) is x and x is not None else None


def settled(
    step: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    slices: Sequence[tuple[ArrayType, type | None]],
    loop: str,
    *,
    counts: bool = False,
) -> Settled:
    """Stage step(carry, x) -> (carry, y) on types that it keeps.

    Parameters
    ----------
    step : callable
    init, xs : pytree
        The first carry; what has the structure of a slice.
    slices : sequence of (ArrayType, type or None)
        Types of the leaves of a slice, with Python's type if they are numbers.
    loop : str
        Its name, for messages.
    counts : bool
        Whether the first value that is carried is an index, which is a Python integer to the body.

    Raises
    ------
    ArgumentError
        If a step changes the structure, a shape or a dtype of the carry.
    """
    leaves, structure = tree.flatten(init)
    weak = [weak_type(leaf) for leaf in leaves]
    carry, _ = as_operands(init, f"the first carry of {loop}")
    if counts:
        weak[0] = int
    kinds = [_Kind(type_of(x), w) for x, w in zip(carry, weak, strict=True)]
    numbers = [w is not None for w in weak]
    both = tree.flatten((init, xs))[1]
    while True:
        staged = _staged(step, both, kinds, slices, loop)
        body, found, new_structure, y_structure = staged
        if new_structure != structure or not any(numbers):
            break
        joined = [_joined(a, b) if number else a for a, b, number in zip(kinds, found, numbers, strict=True)]
        if joined == kinds:
            break
        kinds = joined
    expected = [kind.type for kind in kinds]
    require_same(
        (structure, expected),
        (new_structure, [kind.type for kind in found]),
        f"the carry of {loop} changed in a step",
        _CARRY,
    )
    first = [x if type_of(x) == t else x.astype(t.dtype) for x, t in zip(carry, expected, strict=True)]
    return Settled(body, first, structure, y_structure)


def _staged(
    step: Callable[[Any, Any], tuple[Any, Any]],
    both: Any,
    kinds: Sequence[_Kind],
    slices: Sequence[tuple[ArrayType, type | None]],
    loop: str,
) -> tuple[Body, list[_Kind], Any, Any]:
    """Return the staged body, the kinds of its carry, and the structures of carry and results."""
    found: list[Any] = []

    def run(carry: Any, x: Any) -> Any:
        new, y = step(carry, x)
        leaves, structure = tree.flatten(new)
        leaves = [_yielding(leaf, kind) for leaf, kind in zip(leaves, kinds, strict=False)] + leaves[
            len(kinds) :
        ]
        found[:] = [leaves, structure, tree.flatten(y)[1]]
        return leaves, y

    all_kinds = [*kinds, *slices]
    body = body_of(
        run, both, [t for t, _ in all_kinds], f"the body of {loop}", weak=[w for _, w in all_kinds]
    )
    leaves, structure, y_structure = found
    types = body.graph.out_types[: len(leaves)]
    new = [_Kind(t, weak_type(leaf)) for t, leaf in zip(types, leaves, strict=True)]
    return body, new, structure, y_structure


def _yielding(x: Any, kind: _Kind) -> Any:
    """Return a number in the dtype of what is carried in its place, if it yields to that."""
    weak = weak_type(x)
    if weak is None or kind.type.shape:
        return x
    dtype = kind.type.dtype
    if kind.weak is not None and type(x) in _NUMBERS:
        return kind.weak(x) if _above(kind.weak, weak) else x
    if not (_above(kind.weak, weak) if kind.weak is not None else np.result_type(weak(), dtype) == dtype):
        return x
    y: Any = np.asarray(x, dtype)[()] if type(x) in _NUMBERS else x.astype(dtype)
    if kind.weak is not None:
        y.value.weak = kind.weak
    return y


def _above(a: type, b: type) -> bool:
    return _NUMBERS.index(a) >= _NUMBERS.index(b)


def _joined(carried: _Kind, new: _Kind) -> _Kind:
    """Return the kind of a value that is both."""
    if carried.type.shape != new.type.shape:
        return carried
    if carried.weak is not None and new.weak is not None:
        weak = carried.weak if _above(carried.weak, new.weak) else new.weak
        return _Kind(type_of(weak()), weak)
    a, b = (kind.type.dtype if kind.weak is None else kind.weak() for kind in (carried, new))
    return _Kind(ArrayType(carried.type.shape, np.result_type(a, b)), None)


def constants_first(graph: Graph, n: int) -> Graph:
    """Return a body whose captured constants, its inputs from the n-th, come first."""
    inputs = [*graph.inputs[n:], *graph.inputs[:n]]
    return interned(Graph(inputs, graph.nodes, graph.outputs, graph.name))

"""Which values a loop carries that move, when some of its operands do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.control.call import Flags, series_graph, tangent_graph
from wengert.control.series import Pattern, union
from wengert.core.graph import Graph
from wengert.types import ArrayType, type_of

__all__ = ["full_tangents", "moved_carry", "moved_series", "selected"]


def moved_carry(body: Graph, consts: Flags, carry: Flags, slices: Flags = ()) -> tuple[Graph, Flags, Flags]:
    """Return the tangent graph of a body, which carries move, and which results of a step.

    A carry moves if it starts to, or if a step makes it move.
    """
    while True:
        made, moved = tangent_graph(body, (*consts, *carry, *slices))
        both = tuple(a or b for a, b in zip(carry, moved, strict=False))
        if both == carry:
            return made, carry, moved
        carry = both


def moved_series(
    body: Graph, consts: Pattern, carry: Pattern, slices: Pattern = ()
) -> tuple[Graph, Pattern, Pattern]:
    """Return the graph of values and coefficients of a body, which ones carries have, and which ones results of a step.

    A carry has those that it starts with, and those that a step gives it.
    """
    while True:
        made, found = series_graph(body, (*consts, *carry, *slices), carry)
        both = union(carry, found[: len(carry)])
        if both == carry:
            return made, carry, found
        carry = both


def full_tangents(xs: Sequence[Any], x_dots: Sequence[Any], on: Flags) -> list[Any]:
    """Return the tangents of what moves, zeros where there is none yet."""
    pairs = selected(zip(xs, x_dots, strict=False), on)
    return [_zeros(x) if x_dot is None else x_dot for x, x_dot in pairs]


def selected(items: Any, on: Flags) -> list[Any]:
    """Return the items whose flag is set."""
    return [item for item, flag in zip(items, on, strict=False) if flag]


def _zeros(x: Any) -> Any:
    t = x if isinstance(x, ArrayType) else type_of(x)
    return np.zeros(t.shape, t.dtype)

"""Loops that a single real number moves are differentiated forwards, in reverse mode too.

All that the loop gives has one derivative then, which is carried along with its value in the same step: nothing is kept
for a way back. The cotangent of the number is the sum of the products of these derivatives with their cotangents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.control.custom import custom
from wengert.core.graph import Graph, graphs_in
from wengert.ops.families import masked, match
from wengert.types import ArrayType, type_of

__all__ = ["forwards", "mover", "pulled_back"]


def mover(types: Sequence[ArrayType], body: Graph) -> int | None:
    """Return the place of the one real number among operands, or None where there is none, or more can move.

    None, too, where a rule of the user's own is in the body: it need not say the same in both modes.
    """
    places = [i for i, t in enumerate(types) if t.dtype.kind in "fc"]
    if len(places) != 1 or types[places[0]].dtype.kind == "c" or math.prod(types[places[0]].shape) != 1:
        return None
    return None if _has_own_rules(body) else places[0]


def _has_own_rules(graph: Graph) -> bool:
    found = graph.derived.get("own rules")
    if found is None:
        found = graph.derived["own rules"] = any(
            node.prim is custom or node.prim.jvp is None or any(map(_has_own_rules, graphs_in(node.params)))
            for node in graph.nodes
        )
    return bool(found)


def forwards(jvp: Callable[..., Any], operands: Sequence[Any], place: int) -> tuple[Any, list[Any]]:
    """Return results, and their derivatives with respect to the operand at a place; None where they have none."""
    x = operands[place]
    dots = [None] * len(operands)
    dots[place] = np.ones(np.shape(x), type_of(x).dtype)  # type: ignore[call-overload]
    ys, y_dots = jvp(operands, dots)
    return ys, list(y_dots)


def pulled_back(y_bars: Sequence[Any], y_dots: Sequence[Any], x: Any) -> Any:
    """Return the cotangent of the number, or None."""
    terms = [
        np.sum(masked(y_bar, y_dot))
        for y_bar, y_dot in zip(y_bars, y_dots, strict=True)
        if y_bar is not None and y_dot is not None
    ]
    return match(np.reshape(sum(terms[1:], terms[0]), np.shape(x)), x) if terms else None

"""The types of operands of primitives that carry graphs: those of the graphs' inputs, and no others."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.errors import ArgumentError
from wengert.types import ArrayType

__all__ = ["require_types"]


def require_types(found: Sequence[ArrayType], expected: Sequence[ArrayType], what: str) -> None:
    """Raise unless operands have the types of the inputs of a graph.

    Parameters
    ----------
    found, expected : sequence of ArrayType
    what : str
        What is compared, for the message.
    """
    if tuple(found) == tuple(expected):
        return
    raise ArgumentError(
        f"{what} are {_text(found)} where {_text(expected)} belong",
        why="a graph is made for one type of each of its inputs.",
        instead="make graphs with wengert.trace or wengert.function, which write down what a program does.",
    )


def _text(types: Sequence[ArrayType]) -> str:
    return ", ".join(map(str, types)) or "none"

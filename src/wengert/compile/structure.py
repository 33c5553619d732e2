"""Structures of known arguments and results: what the boundary checks, and builds.

    structure ::= Leaf(dtype, shape, kind) | Tuple(items, type) | List(items) | Dict(keys, items) | Nothing()
    kind      ::= "array" | "float" | "int" | "bool" | "complex" | "scalar"

An "array" is exactly an `numpy.ndarray` of the shape, C-contiguous, aligned, in the machine's byte order; a "scalar" is
the NumPy scalar of the dtype; the other kinds are exactly Python's types, and the dtype says as what the program sees
the number. Leaves, from left to right and the items of a dict in the order of `keys`, are the program's arguments or
results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

__all__ = ["Dict", "Kind", "Leaf", "List", "Nothing", "Structure", "Tuple", "leaves"]

Kind = Literal["array", "float", "int", "bool", "complex", "scalar"]


@final
@dataclass(frozen=True, slots=True)
class Leaf:
    """One number or array.

    Attributes
    ----------
    dtype : numpy.dtype
        As the program sees it.
    shape : tuple of int
        Empty unless `kind` is "array".
    kind : {"array", "float", "int", "bool", "complex", "scalar"}
        As Python sees it.
    """

    dtype: np.dtype
    shape: tuple[int, ...] = ()
    kind: Kind = "array"


@final
@dataclass(frozen=True, slots=True)
class Tuple:
    """A tuple, or a named tuple of exactly one type."""

    items: tuple[Structure, ...]
    type: type[tuple[object, ...]] = tuple


@final
@dataclass(frozen=True, slots=True)
class List:
    """A list of known length."""

    items: tuple[Structure, ...]


@final
@dataclass(frozen=True, slots=True)
class Dict:
    """A dict with exactly these keys, each a str or an int, in any order as an argument and in this one as a result."""

    keys: tuple[str | int, ...]
    items: tuple[Structure, ...]


@final
@dataclass(frozen=True, slots=True)
class Nothing:
    """None, which holds no leaf."""


Structure = Leaf | Tuple | List | Dict | Nothing


def leaves(structure: Structure) -> Iterator[Leaf]:
    """Yield the leaves from left to right."""
    pending = [structure]
    while pending:
        node = pending.pop()
        if isinstance(node, Leaf):
            yield node
        elif not isinstance(node, Nothing):
            pending += reversed(node.items)

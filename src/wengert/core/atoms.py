"""Atoms of graphs: what a node may take as an operand, and where in the user's code it was written."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert.types import ArrayType, type_of

__all__ = ["Atom", "Const", "Place", "Var"]


class Place(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Atom:
    """What a node may take as an operand; compared by identity.

    Attributes
    ----------
    type : ArrayType
    scalar : bool
        Whether NumPy has a scalar here, which is immutable and has no memory to view, rather than an array of no axes.
    weak : type or None
        The type of Python's number that is here, which yields to the types of arrays.
    """

    __slots__ = ("scalar", "type", "weak")

    type: ArrayType
    scalar: bool
    weak: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.type.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        n = self.type.dtype.itemsize
        for length in self.type.shape:
            n *= length
        return n


class Var(Atom):
    """A value that an input or a node of a graph stands for."""

    __slots__ = ()

    def __init__(self, type: ArrayType, *, scalar: bool = False, weak: Any = None) -> None:
        self.type = type
        self.scalar = scalar
        self.weak = weak

    def __repr__(self) -> str:
        return f"<var {self.type}>"


class Const(Atom):
    """A value that does not depend on the inputs.

    Attributes
    ----------
    value : array or NumPy scalar
    live : bool
        Whether the array belongs to the user, who may write into it: it is read anew whenever the graph runs, and never
        folded into others.
    """

    __slots__ = ("live", "value")

    def __init__(self, value: Any, *, live: bool = False) -> None:
        self.value = value
        self.live = live
        self.type = type_of(value)
        self.scalar = not isinstance(value, np.ndarray)
        self.weak = None

    def __repr__(self) -> str:
        return f"<const {self.type}>"

"""Kinds of lowering: how a primitive becomes loops over numbers. They are what the field `lower` of a primitive holds.

`Pointwise`     each entry of the result is computed from the entries of the operands at the same index
`View`          each entry of the result is an entry of the first operand, at an index made of that of the result
`Placement`     the converse: entries of the operand are put into an array of zeros, or of another operand's entries
`Reduction`     entries along axes are joined by an operation
`Contraction`   products of entries are added up along axes
`Library`       a routine of LAPACK works on each matrix of a stack
`Composed`      other operations take its place

Rules of `Pointwise` speak to a builder: ``b(name, *values)`` is the result of an operation of `compile/kernel.py`,
``b.constant(number, like)`` a number of the type of a value, ``b.nothing(like)`` a zero that sums leave out,
``b.convert(value, type)`` a conversion, ``b.bitcast(value, type)`` the same bits as another type. Values have a `type`
("f64", "i32", "bool", ...), and those that are known a `value`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

__all__ = [
    "Builder",
    "Contraction",
    "Library",
    "Lowering",
    "Number",
    "Piece",
    "Placement",
    "Pointwise",
    "Reduction",
    "View",
]


class Number(Protocol):
    """A number of the program that is being built."""

    type: str


class Builder(Protocol):
    """What rules write a program with."""

    def __call__(self, name: str, *values: Any) -> Any:
        """Return the result of an operation."""

    def constant(self, number: complex, like: Any) -> Any:
        """Return a number in the type of a value, or of a name of a type."""

    def nothing(self, like: Any) -> Any:
        """Return the zero of a product that has a factor zero, in the type of a value: sums leave it out."""

    def convert(self, value: Any, type: str) -> Any:
        """Return a value in another type."""

    def bitcast(self, value: Any, type: str) -> Any:
        """Return the bits of a value as another type of as many."""


@dataclass(frozen=True, slots=True)
class Pointwise:
    """Entry by entry.

    Attributes
    ----------
    rule : str or (builder, *values, **params) -> value
        The operation of that name, or a function that builds the entry, or None where it cannot in these types.
        Operands of ufuncs come in the dtypes that NumPy's promotion gives them, those of other primitives as they are;
        what is built is converted to the dtype of the result.
    weight : int
        About how many additions it takes: what is dear is computed once and kept, what is not is computed again.
    """

    rule: str | Callable[..., Any]
    weight: int = 1


class Piece(NamedTuple):
    """Where in the result an operand lies.

    Attributes
    ----------
    operand : int
    offsets, strides, extents : tuple of int
        Along each axis of the result, the places offset + stride n for n = 0, ..., extent - 1; strides may be negative.
    axes : tuple of int or None
        For each axis of the operand, the axis of the result whose n is the operand's index; None where that is 0.
    """

    operand: int
    offsets: tuple[int, ...]
    strides: tuple[int, ...]
    extents: tuple[int, ...]
    axes: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class View:
    """An index of the operand for each index of the result.

    Attributes
    ----------
    source : (index, shape of the operand, shape of the result, **params) -> index
        On tuples of affine expressions in the counters of loops, which can be added, and multiplied by integers; an
        index may hold plain integers too. None where the entries have to be in memory first.
    """

    source: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Placement:
    """Pieces in an array that is zero elsewhere, or the base operand. No two of them overlap, unless they are added.

    Attributes
    ----------
    pieces : (shapes of the operands, shape of the result, **params) -> sequence of Piece, or None
    base : bool
        Whether the first operand is what is there elsewhere.
    adds : bool
        Whether pieces are added to what is there.
    """

    pieces: Callable[..., Any]
    base: bool = False
    adds: bool = False


@dataclass(frozen=True, slots=True)
class Reduction:
    """Entries along axes joined, after they were converted to the dtype of the result.

    Attributes
    ----------
    operation : str
        "add", "mul", "minimum", "maximum", "and", "or".
    axes : (ndim, **params) -> tuple of int, or None
        The axes that are joined, or None where this rule does not apply.
    first : number or None
        What an empty one gives; None where it begins with its first entry.
    """

    operation: str
    axes: Callable[..., Any]
    first: float | None = None


@dataclass(frozen=True, slots=True)
class Contraction:
    """A sum of products over named axes.

    Attributes
    ----------
    labels : (shapes of the operands, **params) -> labels of each operand, labels of the result
        Axes of one label run together; those that the result does not have are summed over. Axes of length 1 broadcast.
    """

    labels: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Library:
    """A routine of LAPACK, called for each matrix of a stack.

    Attributes
    ----------
    routine : str
        The name of the routine, without the letter of its type: "potrf", "gesv", ...; `compile/linear_algebra.py` knows
        what it makes of the operands and params of the primitive.
    """

    routine: str


@dataclass(frozen=True, slots=True)
class Composed:
    """Other operations.

    Attributes
    ----------
    formula : (*xs, **params) -> y
        The same, in NumPy.
    """

    formula: Callable[..., Any]


Lowering = Pointwise | View | Placement | Reduction | Contraction | Library | Composed

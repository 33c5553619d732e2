"""Affine expressions: how the place of an entry depends on the counters of loops.

A symbol is whatever stands for an integer: the axis of a loop that is to be made, or the entry of an array of
integers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Affine", "Axis", "Slots", "constant", "symbol"]


class Axis:
    """The axis of a loop that is to be made; compared by identity.

    Attributes
    ----------
    extent : int
    """

    __slots__ = ("extent",)

    def __init__(self, extent: int) -> None:
        self.extent = extent

    def __repr__(self) -> str:
        return f"<axis of {self.extent}>"


class Affine(NamedTuple):
    """offset + sum of coefficient times symbol; equal ones compare equal."""

    offset: int
    terms: frozenset[tuple[Any, int]] = frozenset()

    def __add__(self, other: Affine | int) -> Affine:  # type: ignore[override]
        if isinstance(other, int):
            return Affine(self.offset + other, self.terms)
        if not self.terms or not other.terms:
            return Affine(self.offset + other.offset, self.terms or other.terms)
        found = dict(self.terms)
        for s, c in other.terms:
            found[s] = found.get(s, 0) + c
        return Affine(self.offset + other.offset, frozenset((s, c) for s, c in found.items() if c))

    def __radd__(self, other: int) -> Affine:
        return self + other

    def __sub__(self, other: Affine | int) -> Affine:
        return self + -1 * other

    def __mul__(self, factor: int) -> Affine:  # type: ignore[override]
        if factor == 1:
            return self
        if not factor:
            return Affine(0)
        return Affine(self.offset * factor, frozenset((s, c * factor) for s, c in self.terms))

    def __rmul__(self, factor: int) -> Affine:  # type: ignore[override]
        return self * factor

    @property
    def alone(self) -> Any:
        """The symbol that this is, with nothing added, or None."""
        if self.offset or len(self.terms) != 1:
            return None
        ((found, c),) = self.terms
        return found if c == 1 else None


Slots = tuple[Affine, ...]  # an index: an expression for each axis


def constant(n: int) -> Affine:
    """Return a number."""
    return Affine(n)


def symbol(s: Any) -> Affine:
    """Return a symbol."""
    return Affine(0, frozenset({(s, 1)}))

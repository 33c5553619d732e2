"""Bounds of indices that arrays give: NumPy raises where one is out of bounds, whether its entry is read or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from wengert.compile.affine import constant, symbol
from wengert.compile.definitions import Dynamic
from wengert.compile.kernel import INT, Value
from wengert.core.graph import Atom

__all__ = ["Within", "dynamic_indices"]


class Within(NamedTuple):
    """Whether an entry of an array of integers is an index of an axis, as a definition."""

    atom: Atom
    extent: int

    def reads(self, index: Any) -> Any:
        """Return the entry."""
        return [(self.atom, index)]

    def entry(self, entries: Any, index: Any) -> Value:
        """Compare it with both ends."""
        w = entries.writer
        i = w.convert(entries.at(self.atom, index), INT)
        above = w("ge", i, w.constant(-self.extent, INT))
        return w("and", above, w("lt", i, w.constant(self.extent, INT)))  # type: ignore[no-any-return]

    def check(self, entries: Any) -> None:
        """Write a check of a single index, the one that reads would write."""
        entries.resolve(symbol(Dynamic(self.atom, (), self.extent)))


def dynamic_indices(place: Any, shape: Sequence[int]) -> list[Within]:
    """Return what has to hold of the indices that say where an entry of a value of some shape lies."""
    origin = place(tuple([constant(0) for _ in shape]))
    found = {(s.atom, s.extent): None for e in origin for s, _ in e.terms if isinstance(s, Dynamic)}
    return [Within(atom, extent) for atom, extent in found]

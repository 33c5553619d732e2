"""Arrangement: which roots share loops.

Roots are taken in order. One joins a loop of its own extent that is there already, if what it reads of the values that
the loop computes is what the same step computes, and all else that it reads is computed before; of several, the one
with which it has most in common. Within a loop the same is done with the next axis. So a function and its derivative,
which read the same data, are one pass over it, and rows are normalised, exponentiated and added up row by row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from wengert.compile.affine import Slots
from wengert.compile.roots import Root, Unit
from wengert.core.graph import Atom

__all__ = ["UNROLLED", "Loop", "arrange", "settle"]

_LOOKED_BACK = 16  # loops that a root may join: the last so many
UNROLLED = 4  # steps: inner loops so short are written out
_WRITTEN_OUT = 64  # operations of a loop that is written out
_LANES = 8  # as many as a vector of doubles has, at most
_ABREAST = 8  # vectors of steps that an outermost loop has at least, if its steps are done several at once
_MOST = 16_384  # operations of such a step
_APART = (
    1.5  # cost of an entry that is read or written apart from those of other lanes, in operations of a vector
)
_RAGGED = 8  # steps that members of a loop may be apart: slices such as x[1:] and x[:-1] run with x


class Loop:
    """A loop over an axis of each of its members.

    Attributes
    ----------
    depth : int
        Which axis of each member.
    extent : int
        Of the longest member; the others are at rest in the last steps.
    extents : set of int
        Of all members.
    roots : list of Root
        The members.
    items : list of Loop, Root or Unit
        What a step does, in order.
    unrolled : bool
        Whether the steps are written one by one.
    """

    __slots__ = ("depth", "extent", "extents", "items", "roots", "sources", "unrolled")

    def __init__(self, depth: int, extent: int) -> None:
        self.depth = depth
        self.extent = extent
        self.extents = {extent}
        self.roots: list[Root] = []
        self.items: list[Any] = []
        self.sources: set[Any] = set()
        self.unrolled = False

    def add(self, root: Root) -> None:
        """Let a root be a member."""
        self.roots.append(root)
        self.extents.add(root.axes[self.depth].extent)
        self.extent = max(self.extents)
        self.sources |= root.sources
        self.sources.update(root.reads)
        self.sources.add(root)

    @property
    def cuts(self) -> list[tuple[int, int]]:
        """The parts that the loop is cut into: first steps, and the steps behind the last ones."""
        found = {0, *self.extents}
        for root in self.roots:
            found |= root.cuts.get(root.axes[self.depth], set())
        ends = sorted(found)
        return list(pairwise(ends))

    @property
    def has_loops(self) -> bool:
        """Whether a step holds loops that are not written out."""
        return any(isinstance(i, Loop) and (not i.unrolled or i.has_loops) for i in self.items)


def arrange(roots: Sequence[Any], depth: int = 0) -> list[Any]:
    """Return the loops, and the roots that are none, in an order in which they can be computed."""
    items: list[Any] = []
    places: dict[Any, int] = {}
    loops: list[int] = []
    for root in _numbers_first(roots, depth):
        if len(root.axes) == depth:
            places[root] = len(items)
            items.append(root)
            continue
        earliest = _earliest(root, items, places, depth)
        suiting = [k for k in loops[: -_LOOKED_BACK - 1 : -1] if k >= earliest and _suits(root, items[k])]
        joined = max(suiting, key=lambda k: _shared(root, items[k]), default=None)
        if joined is None:
            joined = len(items)
            loops.append(joined)
            items.append(Loop(depth, root.axes[depth].extent))
        places[root] = joined
        items[joined].add(root)
    for k in loops:
        items[k].items = arrange(items[k].roots, depth + 1)
        items[k].unrolled = depth > 0 and _is_short(items[k])
        if depth == 0 and _is_better_abreast(items[k]):
            _write_out(items[k].items)
    return items


def _numbers_first(roots: Sequence[Any], depth: int) -> list[Any]:
    """Return the roots so that no number which needs no loop stands between loops that could be one."""
    ahead: set[Any] = set()
    for root in roots:
        is_number = isinstance(root, Root) and len(root.axes) == depth
        if is_number and all(other in ahead for other in root.reads):
            ahead.add(root)
    return sorted(roots, key=lambda root: root not in ahead)


def _earliest(root: Root, items: list[Any], places: dict[Any, int], depth: int) -> int:
    earliest = 0
    for other, indices in root.reads.items():
        if other in places:
            k = places[other]
            together = isinstance(items[k], Loop) and all(
                _is_same_step(root, other, i, depth) for i in indices
            )
            earliest = max(earliest, k if together else k + 1)
    return earliest


def _is_same_step(root: Root, other: Root, index: Slots, depth: int) -> bool:
    """Whether a root reads of another what the same step of the loop at a depth computes."""
    if depth not in other.kept:
        return False
    return index[other.kept.index(depth)].alone is root.axes[depth]


def _suits(root: Root, loop: Loop) -> bool:
    """Whether it pays to let a root join a loop: something is read by both."""
    extents = {root.axes[loop.depth].extent, *loop.extents}
    if len(extents) > 1 and not _runs_along(root, loop, extents):
        return False
    return not loop.sources.isdisjoint(root.sources) or not loop.sources.isdisjoint(root.reads)


def _runs_along(root: Root, loop: Loop, extents: set[int]) -> bool:
    """Whether steps of unequal numbers may share a loop: they hold no loops, and few of them are without company."""
    is_last = all(len(r.axes) == loop.depth + 1 for r in (root, *loop.roots))
    return is_last and max(extents) - min(extents) <= _RAGGED and min(extents) > 8 * _RAGGED


def _shared(root: Root, loop: Loop) -> int:
    """Return how many entries of what a root reads the loop reads or computes too."""
    atoms = [a for a in root.sources if a in loop.sources and isinstance(a, Atom)]
    for other in root.reads:
        if other in loop.sources:
            atoms += other.results if isinstance(other, Unit) else (other.atom,)
    return sum(math.prod(a.shape) for a in atoms)


def _is_short(loop: Loop) -> bool:
    return loop.extent <= UNROLLED and loop.extent * _size(loop) <= _WRITTEN_OUT


def _size(loop: Loop) -> int:
    """Return the number of values that a step computes; loops that are not written out count as many."""
    total = 0
    for item in loop.items:
        if isinstance(item, Loop):
            total += item.extent * _size(item) if item.unrolled else 1 << 20
        else:
            total += 1
    return total


# Lanes: inside or outside ---------------------------------------------------------------------------------------------


def _is_better_abreast(loop: Loop) -> bool:
    """Whether steps of an outermost loop are better done several at once, each with all its inner loops written out.

    The lanes are those of the outermost loop then, not those of loops inside it, and what is outside of the loops
    inside, or in those that are written out anyway, is done in lanes too. But entries of one array that lanes read and
    write lie apart.
    """
    if loop.extent < _ABREAST * _LANES or not loop.has_loops or any(root.outer == 0 for root in loop.roots):
        return False
    steps = [(root, math.prod(axis.extent for axis in root.axes[1:])) for root in loop.roots]
    if sum(root.weight * n for root, n in steps) > _MOST:
        return False
    inside = sum(_cost_of_steps(item) for item in loop.items)
    read = {a for root in loop.roots for a in root.sources if isinstance(a, Atom)}
    apart = sum(math.prod(atom.shape[1:]) for atom in read)
    apart += sum(
        math.prod(root.axes[k].extent for k in root.kept[1:]) for root in loop.roots if root.in_memory
    )
    abreast = sum(root.weight * n for root, n in steps) / _LANES + _APART * apart
    return abreast < inside / 2


def _cost_of_steps(item: Any) -> float:
    """Return the cost of what a step of the outermost loop does, with lanes in the innermost loops."""
    if isinstance(item, Root):
        return item.weight
    if not isinstance(item, Loop):
        return math.inf
    cost = sum(map(_cost_of_steps, item.items))
    is_in_lanes = not item.unrolled and not item.has_loops
    return cost * (math.ceil(item.extent / _LANES) if is_in_lanes else item.extent)


def _write_out(items: Sequence[Any]) -> None:
    for item in items:
        if isinstance(item, Loop):
            item.unrolled = True
            _write_out(item.items)


def settle(items: Sequence[Any], path: tuple[Any, ...] = ()) -> None:
    """Tell every root which loops it lies in."""
    for item in items:
        if isinstance(item, Loop):
            settle(item.items, (*path, item))
        else:
            item.path = path

"""Order within rows: few crossings, by sweeps of barycenters and exchanges of neighbors.

References
----------
K. Sugiyama, S. Tagawa, M. Toda, IEEE Transactions on Systems, Man, and Cybernetics 11 (1981); E. R. Gansner et al.,
IEEE Transactions on Software Engineering 19 (1993), section 3: exchanges of neighbors. W. Barth, M. Jünger, P. Mutzel,
Journal of Graph Algorithms and Applications 8 (2004): crossings counted in O(n log n).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wengert.explain.drawing.layering import Level

__all__ = ["crossings", "order"]

_SWEEPS = 16
_WORK = 60_000  # lines that are looked at, about: large levels get fewer sweeps
_EXCHANGED = 700  # lines of a level in which neighbors are exchanged


Neighbors = list[
    list[tuple[int, float]]
]  # of each slot: a slot in the next row, and where in it the line ends, in [0, 1)


def order(made: dict[int, Level]) -> None:
    """Order the rows of levels, in place: inner ones first, since where their ports lie decides on what is outside."""
    ports: dict[tuple[str, int, int], float] = {}
    for box, level in reversed(made.items()):
        ups, downs = _neighbors(level, ports)
        _order(level, ups, downs)
        for row in level.rows:
            for k, slot in enumerate(row):
                kind, ref = level.slots[slot]
                if kind in {"in", "out"}:
                    ports[kind, box, ref] = k / len(row)


def _neighbors(level: Level, ports: dict[tuple[str, int, int], float]) -> tuple[Neighbors, Neighbors]:
    """Return what each slot is joined to in the row above, and below."""
    ups: Neighbors = [[] for _ in level.slots]
    downs: Neighbors = [[] for _ in level.slots]
    for segment in level.segments:
        upper, lower = level.slots[segment.upper], level.slots[segment.lower]
        end = ports.get(("in", lower.ref, segment.value), 0.0) if lower.kind == "box" else 0.0
        start = ports.get(("out", upper.ref, segment.value), 0.0) if upper.kind == "box" else 0.0
        downs[segment.upper].append((segment.lower, end))
        ups[segment.lower].append((segment.upper, start))
    return ups, downs


def _order(level: Level, ups: Neighbors, downs: Neighbors) -> None:
    rows = [list(row) for row in level.rows]
    best, fewest = rows, crossings(rows, downs)
    for sweep in range(max(2, min(_SWEEPS, _WORK // (len(level.segments) + 1)))):
        if not fewest:
            break
        rows = [list(row) for row in rows]
        if sweep % 2 == 0:
            for above, row in pairwise(rows):
                _sort(row, above, ups)
        else:
            for below, row in zip(rows[:0:-1], rows[-2::-1], strict=True):
                _sort(row, below, downs)
        if len(level.segments) <= _EXCHANGED:
            _exchange(rows, ups, downs)
        found = crossings(rows, downs)
        if found < fewest:
            best, fewest = rows, found
    level.rows = best


def crossings(rows: Sequence[Sequence[int]], downs: Neighbors) -> int:
    """Return how many pairs of lines cross."""
    total = 0
    for upper, lower in pairwise(rows):
        places = {slot: k for k, slot in enumerate(lower)}
        ends = [end for slot in upper for end in sorted(places[j] + part for j, part in downs[slot])]
        ranks = {end: k for k, end in enumerate(sorted(set(ends)))}
        total += _inversions([ranks[end] for end in ends], len(ranks))
    return total


def _inversions(ends: Sequence[int], n: int) -> int:
    """Return how many pairs stand in the wrong order, by a tree of counts (Fenwick)."""
    counts = [0] * (n + 1)
    total = 0
    for seen, end in enumerate(ends):
        smaller_or_equal, i = 0, end + 1
        while i:
            smaller_or_equal += counts[i]
            i &= i - 1
        total += seen - smaller_or_equal
        i = end + 1
        while i <= n:
            counts[i] += 1
            i += i & -i
    return total


def _sort(row: list[int], fixed: Sequence[int], neighbors: Neighbors) -> None:
    """Sort a row by the mean place of neighbors in a fixed row; what has none stays where it is."""
    places = {slot: k for k, slot in enumerate(fixed)}
    means = {
        s: sum(places[j] + part for j, part in neighbors[s]) / len(neighbors[s]) for s in row if neighbors[s]
    }
    moving = iter(sorted((s for s in row if s in means), key=means.__getitem__))
    row[:] = [next(moving) if s in means else s for s in row]


def _exchange(rows: list[list[int]], ups: Neighbors, downs: Neighbors) -> None:
    """Exchange neighbors as long as that saves crossings."""
    places = {slot: k for row in rows for k, slot in enumerate(row)}
    improved, rounds = True, 0
    while improved and rounds < 8:
        improved, rounds = False, rounds + 1
        for row in rows:
            for k in range(len(row) - 1):
                a, b = row[k], row[k + 1]
                saved = _gain(ups[a], ups[b], places) + _gain(downs[a], downs[b], places)
                if saved > 0:
                    row[k], row[k + 1] = b, a
                    places[a], places[b] = k + 1, k
                    improved = True


def _gain(
    left: Sequence[tuple[int, float]], right: Sequence[tuple[int, float]], places: dict[int, int]
) -> int:
    """Return how many crossings fewer two neighbors have after they are exchanged."""
    gain = 0
    for i, start in left:
        for j, end in right:
            a, b = places[i] + start, places[j] + end
            gain += (a > b) - (a < b)
    return gain

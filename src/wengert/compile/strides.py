"""Strides: how a sum of products becomes products of matrices as they lie in memory.

BLAS multiplies matrices of which either the rows or the columns are contiguous, the others at any distance; programs
multiply, tile by tile, what has contiguous rows in the second factor and the result. So

    y[s, i, j] = sum_k a[s, i, k] b[s, k, j],

where s, i, j and k stand for any number of axes each, takes one product for all axes of i that lie in a and y like one
axis, and so on, and loops over the others. An operand for which that would be many, or none, is copied first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

from wengert.compile.affine import Axis, Slots

__all__ = ["DEPTH", "Plan", "Steps", "form", "laid", "quickest"]

# What a call of BLAS takes, beside its terms, and an entry to be copied, in terms of a product by tiles: these take
# 10 ps where vectors have 512 bits. BLAS takes 1.0 to 1.6 times as long, up to a second factor of some size.
_CALL, _COPY, _BLAS = 20_000, 30, 1.25
_CACHE, _WIDEST = 1 << 22, 8  # bytes, and of an entry
DEPTH = 512  # terms, at most, that a tile takes up at once: a panel of b stays in the cache of the core
# Terms from which on these are faster than loops, and a product of vector and matrix is; and from which on half of
# those of a matrix and its transpose, and a copy of the result, are faster than all of them.
_LARGE, _LONG, _LARGE_SQUARE = 2048, 1 << 14, 1 << 22
_FEW = 4  # a matrix with fewer rows or columns is a few vectors
_NARROW = 8  # products along fewer entries take as long as along so many, which are those of a tile

Strides = Mapping[Axis, int]


class Steps(NamedTuple):
    """Axes that are one in memory: how many entries, and how far apart they are in a, b and y; 0 without the axis."""

    extent: int
    a: int
    b: int
    y: int


_NONE = Steps(1, 0, 0, 0)


class Plan(NamedTuple):
    """Products of matrices, y = a b with contiguous rows of y, in loops.

    Attributes
    ----------
    rows, columns, summed : Steps
        Of one: its sizes, and how the matrices lie.
    stack, added : list of Steps
        Loops around them: over matrices of y, and over what is added up in one.
    tiled : bool
        Whether rows of b are contiguous, and it is small enough to stay in the cache: BLAS is not called.
    copies : list of Axis, twice
        In which order the axes of a and b lie behind one another, where they are copied first; else none.
    cost : int
    """

    rows: Steps
    columns: Steps
    summed: Steps
    stack: list[Steps]
    added: list[Steps]
    tiled: bool
    copies: tuple[list[Axis], list[Axis]]
    cost: int

    @property
    def is_square(self) -> bool:
        """Whether a matrix, where a and b are one array, would be multiplied by its transpose, and is large."""
        i, j, k = self.rows, self.columns, self.summed
        mirrored = (i.a, k.a, i.extent) == (j.b, k.b, j.extent) and all(s.a == s.b for s in self.stack)
        return mirrored and not any(self.copies) and i.extent * j.extent * k.extent >= _LARGE_SQUARE

    @property
    def pays(self) -> bool:
        """Whether that is faster than loops: along the rows of a matrix, sums of products are loops as fast."""
        m, n, k = self.rows.extent, self.columns.extent, self.summed.extent
        if m == 1 or n == 1:
            apart = (
                self.summed.a if n == 1 else self.summed.b
            )  # entries that are added up: in different rows?
            return apart > 1 and m * n * k >= _LONG and m * n > 1
        return min(m, n, k) >= _FEW and m * n * k >= _LARGE


class _Roles(NamedTuple):
    """What the axes of a product are: of all three, of a and y, of b and y, of a and b."""

    stack: list[Axis]
    rows: list[Axis]
    columns: list[Axis]
    summed: list[Axis]


def _roles(a: Strides, b: Strides, y: Strides) -> _Roles | None:
    """Return what the axes of a product are, or None if one is only in an operand, or only in the result."""
    if not set(y) <= {*a, *b} or not set(a) ^ set(b) <= set(y):
        return None
    return _Roles(
        [x for x in y if x in a and x in b],
        [x for x in y if x not in b],
        [x for x in y if x not in a],
        [x for x in a if x not in y],
    )


def laid(strides: Sequence[int], index: Slots) -> tuple[int, dict[Axis, int]]:
    """Return where entries at an index begin in memory, and how far apart they lie along each axis."""
    found: dict[Axis, int] = {}
    for e, stride in zip(index, strides, strict=True):
        for axis, c in e.terms:
            found[axis] = found.get(axis, 0) + c * stride
    return sum(e.offset * stride for e, stride in zip(index, strides, strict=True)), found


def quickest(a: Strides, b: Strides, y: Strides, *, same: bool = False) -> tuple[Plan, bool] | None:
    """Return the quickest way to multiply, if there is any, and whether a and b are to be exchanged.

    `same` tells that both begin at one place in memory: BLAS takes half as long for a matrix and its own transpose.
    """
    found = [
        (plan, turned) for pair, turned in (((a, b), False), ((b, a), True)) for plan in _plans(*pair, y)
    ]

    def cost(one: tuple[Plan, bool]) -> int:
        return one[0].cost // 2 if same and one[0].is_square else one[0].cost

    return min(found, key=cost, default=None)


def _plans(a: Strides, b: Strides, y: Strides) -> Iterator[Plan]:
    """Yield the ways to multiply, where operands are copied or not."""
    found = _roles(a, b, y)
    if found is None:
        return
    for copy_a, copy_b in product((False, True), repeat=2):
        order_a = [*found.stack, *found.rows, *found.summed] if copy_a else []
        order_b = [*found.stack, *found.summed, *found.columns] if copy_b else []
        lies_a = _contiguous(order_a) if copy_a else a
        lies_b = _contiguous(order_b) if copy_b else b
        entries = sum(prod(axis.extent for axis in order) for order in (order_a, order_b) if order)
        for calls in _calls(found, lies_a, lies_b, y):
            yield calls._replace(copies=(order_a, order_b), cost=calls.cost + entries * _COPY)


def _contiguous(order: Sequence[Axis]) -> dict[Axis, int]:
    """Return the strides of axes that lie behind one another."""
    strides, reached = {}, 1
    for axis in reversed(order):
        strides[axis] = reached
        reached *= axis.extent
    return strides


def _calls(found: _Roles, a: Strides, b: Strides, y: Strides) -> Iterator[Plan]:
    """Yield the ways to choose axes for one product, and to loop over the others."""
    stack, rows, columns, summed = [_merged(axes, a, b, y) for axes in found]
    for i, j, k in product(rows or [_NONE], columns or [_NONE], summed or [_NONE]):
        tiled = _is_tiled(i, j, k)
        if not tiled and not (form(i.extent, i.a, k.extent, k.a) and form(k.extent, k.b, j.extent, j.b)):
            continue
        if _is_written(i, j):
            outer = [*stack, *[x for x in rows if x is not i], *[x for x in columns if x is not j]]
            added = [x for x in summed if x is not k]
            work = prod(max(x.extent, _NARROW) if x.extent > 1 else 1 for x in (i, j, k))
            one = work if tiled else _CALL + int(_BLAS * work)
            cost = one * prod(x.extent for x in (*outer, *added))
            yield Plan(i, j, k, outer, added, tiled, ([], []), cost)


def _is_tiled(rows: Steps, columns: Steps, summed: Steps) -> bool:
    """Whether matrices lie so that programs multiply them themselves, and a panel of b stays in the cache."""
    if min(rows.a, summed.a, summed.b) < 0 or 1 in {rows.extent, columns.extent}:
        return False
    return columns.b == columns.y == 1 and columns.extent * min(summed.extent, DEPTH) * _WIDEST <= _CACHE


def _merged(axes: Sequence[Axis], *strides: Strides) -> list[Steps]:
    """Return axes as few: of two that follow one another in all arrays, the steps of the inner are those of both."""
    found: list[Steps] = []
    steps = [Steps(x.extent, *[s.get(x, 0) for s in strides]) for x in axes if x.extent != 1]
    for inner in sorted(steps, key=lambda s: s[1:], reverse=True):
        if found and found[-1][1:] == tuple([inner.extent * s for s in inner[1:]]):
            found[-1] = inner._replace(extent=found[-1].extent * inner.extent)
        else:
            found.append(inner)
    return found


def _is_written(rows: Steps, columns: Steps) -> bool:
    """Whether y can be the result of a call: a matrix with contiguous rows, or one row or column."""
    if 1 in {rows.extent, columns.extent}:
        return rows.y >= 0 and columns.y >= 0
    return columns.y == 1 and rows.y >= columns.extent


class Form(NamedTuple):
    """How a matrix lies: the distance of its rows, or of its columns where these are contiguous."""

    distance: int
    turned: bool


def form(rows: int, down: int, columns: int, across: int) -> Form | None:
    """Return how a matrix lies that has entries so far apart, or None if neither rows nor columns are contiguous."""
    if min(down, across) < 0:
        return None
    if (columns == 1 or across == 1) and (rows == 1 or down >= columns):
        return Form(down if rows > 1 else columns, turned=False)
    if (rows == 1 or down == 1) and (columns == 1 or across >= rows):
        return Form(across if columns > 1 else rows, turned=True)
    return None

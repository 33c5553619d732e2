"""Reverse mode: record sites while the program runs, then sweep them from the youngest to the oldest.

The sweep keeps a heap of sites whose cotangent is being summed. The youngest of them cannot receive more,
because all its users are younger still: its cotangent is complete, its `vjp` rule runs, and the site is let
go. There is no recursion and no separate ordering of the graph.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.primitive import Site
from wengert.transforms.accumulation import LAZY, Pending
from wengert.transforms.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Pullback", "record", "sweep"]

# The sweep ----------------------------------------------------------------------------------------------------------


def sweep(outputs: list[tuple[Any, Any]], leaves: Sequence[Any]) -> list[Any]:
    """Pull cotangents of outputs back to leaves.

    Parameters
    ----------
    outputs : list of (site, cotangent)
        Where to start, and with what; emptied, so that the sweep holds the only reference to what it has
        passed.
    leaves : sequence of sites
        Those made by `Tape.lift`.

    Returns
    -------
    list
        The cotangent of each leaf, None where it is zero.
    """
    pending = Pending()
    while outputs:
        pending.add(*outputs.pop())
    with np.errstate(
        all="ignore"
    ):  # derivatives at the edge of a domain must not warn where the primal did not
        found = _run(pending)
    return [found.get(leaf[0]) for leaf in leaves]


def _run(pending: Pending) -> dict[int, Any]:
    """Empty the heap; this loop is the price of an operation, so it does the commonest addition itself."""
    heap, sums, add = pending.heap, pending.sums, pending.add
    found: dict[int, Any] = {}
    while heap:
        site = heappop(heap)
        order, prim, params, _, _, _, parents = site
        y_bar = sums.pop(order)
        if type(y_bar) in LAZY:
            y_bar = pending.total(y_bar, site)
        if prim is None:
            found[order] = y_bar
            continue
        x_bars = prim.vjp(y_bar, site) if prim.elementwise else prim.vjp(y_bar, Site._make(site), **params)
        for parent, x_bar in zip(parents, x_bars):  # noqa: B905 - lengths agree by the laws; strict costs a tenth
            if parent is None or x_bar is None:
                continue
            if parent[0] in sums:
                add(parent, x_bar)
            else:
                sums[parent[0]] = x_bar
                heappush(heap, parent)
        # the last names of this site and its values: they are freed before the next rule runs
        site = y_bar = x_bars = x_bar = parents = parent = None
    return found


class Pullback:
    """The linear map from cotangents of results to cotangents of operands; None is zero on both sides."""

    __slots__ = ("_leaves", "_results")

    def __init__(self, results: list[Any], leaves: Sequence[Any]) -> None:
        self._results = results
        self._leaves = leaves

    def __call__(self, y_bars: Sequence[Any]) -> list[Any]:
        """Pull back; may be called many times."""
        return sweep(self._seeds(y_bars), self._leaves)

    def once(self, y_bars: Sequence[Any]) -> list[Any]:
        """Pull back for the last time: the tape is freed as the sweep passes."""
        seeds = self._seeds(y_bars)
        self._results.clear()
        return sweep(seeds, self._leaves)

    def _seeds(self, y_bars: Sequence[Any]) -> list[tuple[Any, Any]]:
        return [
            (site, y_bar)
            for site, y_bar in zip(self._results, y_bars, strict=True)
            if site is not None and y_bar is not None
        ]


def record(fun: Callable[..., Sequence[Any]], xs: Sequence[Any]) -> tuple[list[Any], Pullback]:
    """Return the results of a function of flat operands, and its pullback."""
    with Tape() as tape:
        tracers = [tape.lift(x) for x in xs]
        leaves = [x.info for x in tracers]
        pairs = [tape.lower(y) for y in fun(*tracers)]
    return [y for y, _ in pairs], Pullback([site for _, site in pairs], leaves)

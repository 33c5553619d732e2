"""Reverse mode: record sites while the program runs, then sweep them from the youngest to the oldest.

The sweep keeps a heap of sites whose cotangent is being summed. The youngest of them cannot receive more,
because all its users are younger still: its cotangent is complete, its `vjp` rule runs, and the site is let go. There is
no recursion and no separate ordering of the graph.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.primitive import Site
from wengert.transforms.accumulation import Pending
from wengert.transforms.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["record", "sweep"]

# The sweep ----------------------------------------------------------------------------------------------------------


def sweep(outputs: Iterable[tuple[Any, Any]], leaves: Sequence[Any]) -> list[Any]:
    """Pull cotangents of outputs back to leaves.

    Parameters
    ----------
    outputs : iterable of (site, cotangent)
        Where to start, and with what.
    leaves : sequence of sites
        Those made by `Tape.lift`.

    Returns
    -------
    list
        The cotangent of each leaf, None where it is zero.
    """
    pending = Pending()
    for site, y_bar in outputs:
        pending.add(site, y_bar)
    with np.errstate(all="ignore"):  # derivatives at the edge of a domain must not warn where the primal did not
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
        if type(y_bar) is not np.ndarray:
            y_bar = pending.total(y_bar, site)
        if prim is None:
            found[order] = y_bar
            continue
        if prim.elementwise:
            x_bars = prim.vjp(y_bar, site)
        else:
            x_bars = prim.vjp(y_bar, Site._make(site), **params)
        for parent, x_bar in zip(parents, x_bars):  # noqa: B905 - lengths agree by the laws; strict costs a tenth
            if parent is None or x_bar is None:
                continue
            if parent[0] in sums:
                add(parent, x_bar)
            else:
                sums[parent[0]] = x_bar
                heappush(heap, parent)
        del site, y_bar, x_bars  # the last names of this site's values: they are freed before the next one runs
    return found


def record(
    fun: Callable[..., Sequence[Any]], xs: Sequence[Any]
) -> tuple[list[Any], Callable[[Sequence[Any]], list[Any]]]:
    """Return the results of a function of flat operands, and its pullback, which may be called many times.

    The pullback takes the cotangents of the results and returns those of the operands; None is zero on both sides.
    """
    with Tape() as tape:
        tracers = [tape.lift(x) for x in xs]
        leaves = [x.info for x in tracers]
        pairs = [tape.lower(y) for y in fun(*tracers)]
    del tracers

    def pull(y_bars: Sequence[Any]) -> list[Any]:
        outputs = [(site, y_bar) for (_, site), y_bar in zip(pairs, y_bars, strict=True) if site is not None and y_bar is not None]
        return sweep(outputs, leaves)

    return [y for y, _ in pairs], pull

"""Reverse mode: record sites while the program runs, then sweep them from the youngest to the oldest.

The sweep keeps a heap of sites whose cotangent is being summed. The youngest of them cannot receive more,
because all its users are younger still: its cotangent is complete, its `vjp` rule runs, and the site is let
go. There is no recursion and no separate ordering of the graph.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import active
from wengert.core.primitive import Site
from wengert.errors import OverwriteError, origin
from wengert.transforms.accumulation import LAZY, Pending, is_finite
from wengert.transforms.keeping import Locks
from wengert.transforms.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Pullback", "reach", "record", "sweep"]

# The sweep ----------------------------------------------------------------------------------------------------------
#
# A zero cotangent contributes zero, even where a partial derivative is infinite or undefined (0 inf = 0
# here): that is how where(x > 0, x * log(x), 0) has a gradient at 0. Guarding every product would cost a
# quarter more, and a product that needed the guard leaves a NaN behind. So the sweep runs in stretches of
# quick, unguarded rules; a stretch that ends with something that is not finite is taken back, and the rest of
# the sweep is guarded.

_STRETCH = 1 << 26  # bytes of cotangents: a stretch holds the sites it has passed, and frees them at its end
_SITES = 1024  # at most, in a stretch; more where its start takes longer than that many small sites
_COPY = 1 << 10  # bytes that are copied while a small site is passed, about

_EAGER = frozenset({np.ndarray, *np.sctypeDict.values()})


def sweep(outputs: list[tuple[Any, Any]], leaves: Sequence[Any], *, guarded: bool = False) -> list[Any]:
    """Pull cotangents of outputs back to leaves.

    Parameters
    ----------
    outputs : list of (site, cotangent)
        Where to start, and with what; emptied, so that the sweep holds the only reference to what it has
        passed.
    leaves : sequence of sites
        Those made by `Tape.lift`.
    guarded : bool
        Guard products from the start: needed where cotangents or values are traced, whose derivatives no
        check of values can see.

    Returns
    -------
    list
        The cotangent of each leaf, None where it is zero.
    """
    found = reach(outputs, guarded=guarded)
    return [found.get(leaf[0]) for leaf in leaves]


def reach(outputs: list[tuple[Any, Any]], *, guarded: bool = False) -> dict[int, Any]:
    """Pull cotangents of outputs back, as `sweep` does; return those of all leaves reached, by their order."""
    pending = Pending()
    guarded = guarded or any(type(y_bar) not in _EAGER for _, y_bar in outputs)
    while outputs:
        pending.add(*outputs.pop())
    found: dict[int, Any] = {}
    with np.errstate(all="ignore"):  # where the value did not warn, its derivative must not
        while pending.heap and not guarded:
            start = pending.copy()
            reached = _run(pending, quick=True)
            if pending.finite_since(start) and all(map(is_finite, reached.values())):
                found.update(reached)
            else:
                pending, guarded = start, True
        if pending.heap:
            found.update(_run(pending, quick=False))
    return found


def _run(pending: Pending, *, quick: bool) -> dict[int, Any]:  # noqa: C901 - a call here would cost every operation
    """Sweep one stretch with quick rules, or all with guarded ones; return the cotangents of the leaves reached.

    This loop is the price of an operation, so it does the commonest addition itself.
    """
    heap, sums, add = pending.heap, pending.sums, pending.add
    found: dict[int, Any] = {}
    space = _STRETCH if quick else float("inf")
    share = _STRETCH // max(_SITES, len(heap), pending.held_bytes() // _COPY)
    while heap:
        site = heappop(heap)
        order, prim, params, _, _, _, parents = site
        y_bar = sums.pop(order)
        space -= share
        if type(y_bar) is np.ndarray:
            space -= y_bar.nbytes
        elif type(y_bar) in LAZY:
            y_bar = pending.total(y_bar, site)
        if prim is None:
            found[order] = y_bar
            continue
        rule = prim.quick if quick else None
        if rule is None:
            x_bars = prim.vjp(y_bar, Site._make(site), **params)
        elif prim.reuses:
            space += y_bar.nbytes  # no new memory
            x_bars = rule(pending.private(y_bar, order), site)
            pending.own_first(parents[0], x_bars[0])
        else:
            x_bars = rule(y_bar, site)
        for parent, x_bar in zip(parents, x_bars):  # noqa: B905 - lengths agree by the laws; strict costs a tenth
            if x_bar is None or parent is None:
                continue
            key = parent[0]
            if key in sums:
                add(parent, x_bar)
            else:
                sums[key] = x_bar
                heappush(heap, parent)
        # the last names of this site and its values: they are freed before the next rule runs
        site = y_bar = x_bars = x_bar = parents = parent = None
        if space < 0:
            break
    return found


class Pullback:
    """The linear map from cotangents of results to cotangents of operands; None is zero on both sides."""

    __slots__ = ("_guarded", "_leaves", "_locks", "_results")

    def __init__(self, results: list[Any], leaves: Sequence[Any], locks: Locks, *, guarded: bool) -> None:
        self._locks = locks  # released with the pullback
        self._results = results
        self._leaves = leaves
        self._guarded = guarded

    def __call__(self, y_bars: Sequence[Any]) -> list[Any]:
        """Pull back; may be called many times."""
        return sweep(self._seeds(y_bars), self._leaves, guarded=self._guarded)

    def once(self, y_bars: Sequence[Any]) -> list[Any]:
        """Pull back for the last time: the tape is freed as the sweep passes."""
        seeds = self._seeds(y_bars)
        self._results.clear()
        try:
            return sweep(seeds, self._leaves, guarded=self._guarded)
        finally:
            self._locks.release()

    def _seeds(self, y_bars: Sequence[Any]) -> list[tuple[Any, Any]]:
        return [
            (site, y_bar)
            for site, y_bar in zip(self._results, y_bars, strict=True)
            if site is not None and y_bar is not None
        ]


def record(fun: Callable[..., Sequence[Any]], xs: Sequence[Any]) -> tuple[list[Any], Pullback]:
    """Return the results of a function of flat operands, and its pullback."""
    tape = Tape()
    try:
        with tape:
            tracers = [tape.lift(x) for x in xs]
            leaves = [x.info for x in tracers]
            pairs = [tape.lower(y) for y in fun(*tracers)]
            nested = len(active()) > 1
    except BaseException as error:
        tape.abandon()
        locked = bool(tape.locks)
        tape.locks.release()
        if locked and isinstance(error, ValueError) and "read-only" in str(error):
            raise _overwritten(error) from error
        raise
    pull = Pullback([site for _, site in pairs], leaves, tape.locks, guarded=nested)
    return [y for y, _ in pairs], pull


def _overwritten(error: ValueError) -> OverwriteError:
    return OverwriteError(
        "a plain array was written to after it was an operand of a traced operation",
        why="the reverse sweep needs the old contents, and NumPy does not show us the write.",
        instead="write into a fresh array, e.g. buffer = buffer.copy() before the write.",
        where=origin(error),
    )

"""The reversal of a loop as loops, which compiled programs run: a schedule is data that they read.

A schedule (`schedules`) keeps states in a stack of slots. Before each step is reversed, some moves are made, and all
are alike: take the state in a slot, run steps of the loop, put the state into the next slot. So a loop over the
reversals, with a loop over the moves of each in it, follows any schedule; two tables of integers say which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.control.loop import fori_loop, scan
from wengert.control.reversal import residuals_only
from wengert.control.scan import Loop, halves_of
from wengert.control.schedules import Advance, Drop, Restore, Snapshots, Store, schedule
from wengert.core.graph import Graph
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import Array, ArrayType, type_of

__all__ = ["reversal_loops"]


class _Table(NamedTuple):
    """A schedule.

    Attributes
    ----------
    moves : (moves, 4) array of int
        The slot that a state is taken from, the steps to run, from and to, and the slot where it is put.
    reversals : (steps, 5) array of int
        The first of the moves before, and the first behind those; the slot, the steps to run from there, from and to:
        the latter is the step that is reversed.
    slots : int
    """

    moves: Array
    reversals: Array
    slots: int


def _table(n: int, snapshots: Snapshots) -> _Table:
    """Return the schedule of a chain of n > 0 steps."""
    moves: list[tuple[int, ...]] = []
    reversals: list[tuple[int, ...]] = []
    kept: list[int] = []
    slots = made = 0
    top = at = 0  # the state at hand: how to get there from the last one kept
    for action in schedule(n, snapshots):
        if isinstance(action, Store):
            if kept:
                moves.append((len(kept) - 1, top, at, len(kept)))
            kept.append(action.k)
            slots, top = max(slots, len(kept)), at
        elif isinstance(action, Drop):
            kept.pop()
        elif isinstance(action, Restore):
            top = at = action.k
        elif isinstance(action, Advance):
            at = action.j
        else:
            reversals.append((made, len(moves), len(kept) - 1, top, at))
            made = len(moves)
    return _Table(np.array(moves or [(0, 0, 0, 0)], np.int64), np.array(reversals, np.int64), slots)


def _reversed(operands: Sequence[Any], loop: Loop) -> list[Any]:
    """Compute what `scan_reversal` does."""
    n = len(loop.body.inputs)
    made = halves_of(loop)
    consts, carry, xs = loop.parts(operands[:n])
    n_carry = sum(made.active[1])
    sums = [
        np.zeros(np.shape(x), type_of(x).dtype) for x, on in zip(consts, made.active[0], strict=True) if on
    ]
    bars = [*operands[n : n + n_carry], *sums]
    y_seeds = operands[n + n_carry :]
    if not loop.length:
        return [*bars, *[np.zeros_like(x) for x, on in zip(xs, made.active[2], strict=True) if on]]
    table = _table(loop.length, loop.checkpoint)
    moves = operands[0].interpreter.hold(table.moves)
    residuals = residuals_only(made.forward, len(loop.body.outputs))
    last = loop.length - 1

    def slices(stacks: Sequence[Any], k: Any) -> list[Any]:
        return [x[last - k if loop.reverse else k] for x in stacks]

    def run(state: Sequence[Any], start: Any, stop: Any) -> list[Any]:
        def step(k: Any, now: Sequence[Any]) -> list[Any]:
            return loop.body.apply([*consts, *now, *slices(xs, k)])[: loop.n_carry]

        return list(fori_loop(start, stop, step, list(state)))

    def move(i: Any, kept: Sequence[Any]) -> list[Any]:
        source, start, stop, target = moves[i]
        state = run([x[source] for x in kept], start, stop)
        return [_put(x, target, y) for x, y in zip(kept, state, strict=True)]

    def reverse(now: tuple[Any, Any], row: Any) -> tuple[tuple[Any, Any], list[Any]]:
        kept, bars = now
        begin, end, slot, start, k = row
        kept = fori_loop(begin, end, move, kept)
        state = run([x[slot] for x in kept], start, k)
        given = [*consts, *state, *slices(xs, k)]
        fixed = [given[i] for i in made.fixed]
        m = made.n_fixed_consts
        found = made.backward.apply(
            [*fixed[:m], *bars, *residuals.apply(given), *fixed[m:], *slices(y_seeds, k)]
        )
        return (kept, found[: len(bars)]), found[len(bars) :]

    # A loop that may keep few states stacks nothing to multiply it afterwards: see `compile.fission`.
    kept = [np.repeat(x[None], table.slots, axis=0) for x in carry]
    (_, bars), stacks = scan(reverse, (kept, bars), table.reversals, checkpoint=1)
    return [*bars, *[x if loop.reverse else np.flip(x, 0) for x in stacks]]


def _put(x: Any, place: Any, y: Any) -> Any:
    x = np.copy(x)
    x[place] = y
    return x


def reversal_loops(types: Sequence[ArrayType], loop: Loop) -> Graph:
    """Return the reversal of a loop as a graph of loops that keep as many states as its schedule does."""
    graph, _ = stage(lambda *operands: _reversed(operands, loop), types, "reversal")
    return simplify(graph)

"""The reverse sweep of a loop that keeps a few states, and runs steps again from them by a schedule.

The loop itself keeps its operands only. Its cotangents are a primitive of operands and seeds, which runs the schedule
(`schedules`): steps of the body to arrive at a state, then the two halves of the body, forward and backward, to reverse
a step. What it computes is what the loop with all residuals computes, operation by operation. Its own derivatives are
those of that loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.control.carried import selected
from wengert.control.operand_types import require_types
from wengert.control.scan import Halves, Loop, halves_of, scan_
from wengert.control.schedules import Advance, Drop, Restore, Store, schedule
from wengert.core.graph import Graph
from wengert.core.primitive import Primitive, Site, define
from wengert.transforms.batching import batch
from wengert.transforms.execution import Executor
from wengert.transforms.forward import push
from wengert.transforms.reverse import record
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.transforms.taylor import expand
from wengert.types import ArrayType, type_of

__all__ = ["plain_reversal", "residuals_only", "reversal_"]


class _Steps:
    """The steps of a loop, forward and backward, on plain values."""

    __slots__ = ("_consts", "_loop", "_made", "_n_steps", "_xs", "backward", "forward", "step")

    def __init__(self, loop: Loop, made: Halves, consts: list[Any], xs: list[Any]) -> None:
        self._loop, self._made, self._consts, self._xs = loop, made, consts, xs
        self._n_steps = len(xs[0]) if xs else loop.length
        n = loop.n_consts
        self.step = Executor(loop.body, donated=loop.body.inputs[n : n + loop.n_carry])
        self.forward = Executor(residuals_only(made.forward, len(loop.body.outputs)))
        sums = made.n_fixed_consts + sum(made.active[1]) + sum(made.active[0])
        self.backward = Executor(made.backward, donated=made.backward.inputs[made.n_fixed_consts : sums])

    def _slices(self, k: int) -> list[Any]:
        place = self._n_steps - 1 - k if self._loop.reverse else k
        return [x[place] for x in self._xs]

    def advance(self, state: list[Any], k: int) -> list[Any]:
        """Return the state after step k; the list is emptied."""
        state += self._slices(k)
        state[:0] = self._consts
        return self.step.consume(state)[: self._loop.n_carry]

    def reverse(self, state: Sequence[Any], k: int, bars: list[Any], y_seeds: Sequence[Any]) -> list[Any]:
        """Return the cotangents before step k of those behind it, then those of its slices; the list is emptied."""
        made, slices = self._made, self._slices(k)
        operands = [*self._consts, *state, *slices]
        fixed = [operands[i] for i in made.fixed]
        stacked = self.forward.consume(operands)
        n = made.n_fixed_consts
        place = self._n_steps - 1 - k if self._loop.reverse else k
        bars[:0] = fixed[:n]
        bars += [*stacked, *fixed[n:], *[seed[place] for seed in y_seeds]]
        return self.backward.consume(bars)


def residuals_only(forward: Graph, n_results: int) -> Graph:
    """Return the forward half of a body without its results, which the step that follows has already used."""
    return simplify(
        Graph(forward.inputs, forward.nodes, forward.outputs[n_results:], forward.name), passes=("prune",)
    )


def _eval(*operands: Any, loop: Loop) -> tuple[Any, ...]:
    n = len(loop.body.inputs)
    made = halves_of(loop)
    consts, carry, xs = loop.parts(operands[:n])
    n_carry, n_sums = sum(made.active[1]), sum(made.active[0])
    bars = [
        *operands[n : n + n_carry],
        *[
            np.zeros(np.shape(x), type_of(x).dtype)
            for x, on in zip(consts, made.active[0], strict=True)
            if on
        ],
    ]
    y_seeds = operands[n + n_carry :]
    steps = _Steps(loop, made, consts, xs)
    length = len(xs[0]) if xs else loop.length
    stacks = [np.zeros(np.shape(x), x.dtype) for x, on in zip(xs, made.active[2], strict=True) if on]
    state, kept = list(carry), {}
    for action in schedule(length, loop.checkpoint):
        if isinstance(action, Store):
            kept[action.k] = list(state)
        elif isinstance(action, Restore):
            state = list(kept[action.k])
        elif isinstance(action, Drop):
            del kept[action.k]
        elif isinstance(action, Advance):
            for k in range(action.i, action.j):
                state = steps.advance(state, k)
        else:
            bars = steps.reverse(state, action.k, bars, y_seeds)
            place = length - 1 - action.k if loop.reverse else action.k
            for stack, bar in zip(stacks, bars[n_carry + n_sums :], strict=True):
                stack[place] = bar
            del bars[n_carry + n_sums :]
    return (*bars, *stacks)


def _infer(*types: ArrayType, loop: Loop) -> tuple[ArrayType, ...]:
    made, n = halves_of(loop), len(loop.body.inputs)
    ys = scan_.infer(*types[:n], loop=loop)  # type: ignore[misc]
    seeds = selected(ys, (*made.active[1], *made.seeded))
    require_types(types[n:], seeds, "cotangents of a loop")
    const_on, carry_on, x_on = made.active
    consts, carry, xs = loop.parts(types[:n])
    return tuple(
        t
        for part, on in ((carry, carry_on), (consts, const_on), (xs, x_on))
        for t, has in zip(part, on, strict=True)
        if has
    )


def _plainly(operands: Sequence[Any], loop: Loop) -> list[Any]:
    """Compute the same with the loop that keeps all residuals."""
    n = len(loop.body.inputs)
    made = halves_of(loop)
    flags = [on for part in made.active for on in part]
    places = [i for i, on in enumerate(flags) if on]
    full = Loop(loop.body, loop.n_consts, loop.n_carry, loop.length, loop.reverse)

    def primal(*leaves: Any) -> list[Any]:
        xs = list(operands[:n])
        for i, leaf in zip(places, leaves, strict=True):
            xs[i] = leaf
        return list(scan_(*xs, loop=full))

    seeds = iter(operands[n:])
    _, pull = record(primal, [operands[i] for i in places])
    bars = dict(
        zip(
            places,
            pull.once([next(seeds) if on else None for on in (*made.active[1], *made.seeded)]),
            strict=True,
        )
    )
    c, k = loop.n_consts, loop.n_consts + loop.n_carry
    order = [
        *[i for i in places if c <= i < k],
        *[i for i in places if i < c],
        *[i for i in places if i >= k],
    ]
    return [
        np.zeros(np.shape(operands[i]), type_of(operands[i]).dtype) if bars[i] is None else bars[i]
        for i in order
    ]


def plain_reversal(types: Sequence[ArrayType], loop: Loop) -> Graph:
    """Return the reversal of a loop as the graph of one that keeps all residuals, which computes the same."""
    graph, _ = stage(lambda *operands: _plainly(operands, loop), types, "reversal")
    return simplify(graph)


def _jvp(operands: Sequence[Any], dots: Sequence[Any], *, loop: Loop) -> tuple[Any, Any]:
    ys, y_dots = push(lambda *xs: _plainly(xs, loop), operands, dots)
    return tuple(ys), tuple(y_dots)


def _taylor(operands: Sequence[Any], series: Sequence[Sequence[Any]], *, loop: Loop) -> tuple[Any, Any]:
    ys, y_series = expand(lambda *xs: _plainly(xs, loop), operands, series, len(series[0]))
    return tuple(ys), tuple(y_series)


def _save(*operands: Any, loop: Loop) -> tuple[Any, Any]:
    return record(lambda *xs: _plainly(xs, loop), operands)


def _vjp(y_bar: Sequence[Any], site: Site, *, loop: Loop) -> list[Any]:
    del loop
    return [bar if need else None for bar, need in zip(site.saved(y_bar), site.needs, strict=True)]


def _batch(size: int, operands: Sequence[Any], batched: Sequence[bool], *, loop: Loop) -> Any:
    interpreter, ys = batch(
        lambda *xs: _plainly(xs, loop), operands, [0 if on else None for on in batched], size
    )
    return tuple(interpreter.lower(y, 0) for y in ys)


def _samples(rng: np.random.Generator) -> Any:
    for xs, params in scan_.samples(rng):  # type: ignore[misc]
        loop = replace(params["loop"], checkpoint=2)
        seeds = [rng.normal(size=t.shape) for t in scan_.infer(*map(type_of, xs), loop=loop)]  # type: ignore[misc]
        yield (*xs, *seeds), {"loop": loop}


reversal_: Primitive = define(
    name="scan_reversal",
    doc="The cotangents of a loop, with few states kept. Griewank and Walther 2000, algorithm 799.",
    multiple=True,
    eval=_eval,
    infer=_infer,
    jvp=_jvp,
    taylor=_taylor,
    save=_save,
    vjp=_vjp,
    batch=_batch,
    samples=_samples,
    complex=True,
)

"""The loop with a known number of steps: a primitive that carries its body as a graph.

    carry', y_k = body(constants, carry, x_k)        k = 0, ..., length - 1

    jvp     the same loop on the tangent graph of the body
    taylor  the same loop on the graph of values and coefficients of the body
    vjp     a loop that also stacks what the backward half of the body wants of the forward one (the residuals), and a
            loop the other way round, which carries the cotangents of the carry and of the constants; that of `jvp`
            where one number alone moves (see `one_number`)
    batch   the same loop on the batched body

A residual that is a constant or a slice of the loop's own operands is not stacked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from wengert.control.call import Flags, batched_graph
from wengert.control.carried import full_tangents, moved_carry, moved_series, selected
from wengert.control.hoisting import hoisted
from wengert.control.one_number import forwards, mover, pulled_back
from wengert.control.operand_types import require_types
from wengert.control.series import filled, pattern_of, present, regrouped
from wengert.core.graph import Graph
from wengert.core.primitive import PRIMITIVES, Primitive, Site, define
from wengert.transforms.execution import Executor
from wengert.transforms.partition import split_at_cotangents
from wengert.transforms.reverse import record
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType, type_of

__all__ = ["Halves", "Loop", "halves_of", "looped", "scan_"]


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop.

    Attributes
    ----------
    body : Graph
        From constants, carry and slices to the carry and results of a step.
    n_consts, n_carry : int
        How many of its inputs are constants, and how many are carried.
    length : int
        Steps.
    reverse : bool
        Whether it runs from the last slice to the first.
    checkpoint : int, str or None
        Which states reverse mode keeps (see `schedules`); None keeps the residuals of every step.
    """

    body: Graph
    n_consts: int
    n_carry: int
    length: int
    reverse: bool = False
    checkpoint: int | str | None = None

    def parts(self, xs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Split operands into constants, carry and slices."""
        n, m = self.n_consts, self.n_consts + self.n_carry
        return list(xs[:n]), list(xs[n:m]), list(xs[m:])

    def with_body(self, body: Graph, n_consts: int, n_carry: int, *, reverse: bool | None = None) -> Loop:
        """Return a loop of as many steps with another body."""
        return replace(
            self,
            body=body,
            n_consts=n_consts,
            n_carry=n_carry,
            reverse=self.reverse if reverse is None else reverse,
            checkpoint=None,
        )


def looped(operands: Sequence[Any], loop: Loop) -> tuple[Any, ...]:
    """Do a loop; what all steps compute alike is computed once, before."""
    n = loop.n_consts
    before, step = hoisted(loop.body, n)
    if step is not loop.body:
        operands = [*before.apply(operands[:n]), *operands[n:]]
        loop = replace(loop, body=step, n_consts=len(before.outputs))
    return scan_(*operands, loop=loop)  # type: ignore[no-any-return]


def _stacked(length: int, t: ArrayType) -> ArrayType:
    return ArrayType((length, *t.shape), t.dtype)


# Value ----------------------------------------------------------------------------------------------------------------


def _eval(*operands: Any, loop: Loop) -> tuple[Any, ...]:
    consts, carry, xs = loop.parts(operands)
    length = len(xs[0]) if xs else loop.length
    key = ("step", loop.n_consts, loop.n_carry)
    executor = loop.body.derived.get(key)
    if executor is None:
        donated = loop.body.inputs[loop.n_consts : loop.n_consts + loop.n_carry]
        executor = loop.body.derived[key] = Executor(loop.body, donated=donated)
    stacks = [np.empty((length, *t.shape), t.dtype) for t in loop.body.out_types[loop.n_carry :]]
    n = loop.n_carry
    for k in range(length - 1, -1, -1) if loop.reverse else range(length):
        carry += [x[k] for x in xs]
        carry[:0] = consts
        ys = executor.consume(carry)
        for stack, y in zip(stacks, ys[n:], strict=True):
            stack[k] = y
        carry = ys[:n]
        del ys
    return (*carry, *stacks)


def _infer(*operands: ArrayType, loop: Loop) -> tuple[ArrayType, ...]:
    consts, carry, xs = loop.parts(loop.body.in_types)
    inputs = [*consts, *carry, *[_stacked(loop.length, t) for t in xs]]
    require_types(operands, inputs, "operands of a loop")
    types = loop.body.out_types
    require_types(types[: loop.n_carry], carry, "results of a step")
    return (*types[: loop.n_carry], *[_stacked(loop.length, t) for t in types[loop.n_carry :]])


# Forward --------------------------------------------------------------------------------------------------------------


def _jvp(operands: Sequence[Any], dots: Sequence[Any], *, loop: Loop) -> tuple[Any, Any]:
    m = loop.n_carry
    const_on, carry_on, x_on = (tuple(d is not None for d in part) for part in loop.parts(dots))
    made, carry_on, moved = moved_carry(loop.body, const_on, carry_on, x_on)
    body = _interleaved(loop, made, (const_on, carry_on, x_on), moved)
    consts, carry, xs = loop.parts(operands)
    const_dots, carry_dots, x_dots = loop.parts(dots)
    all_consts = [*consts, *selected(const_dots, const_on)]
    all_carry = [*carry, *full_tangents(carry, carry_dots, carry_on)]
    all_xs = [*xs, *selected(x_dots, x_on)]
    ys = looped([*all_consts, *all_carry, *all_xs], loop.with_body(body, len(all_consts), len(all_carry)))
    k, n_stacks = len(all_carry), len(loop.body.outputs) - m
    rest = iter([*ys[m:k], *ys[k + n_stacks :]])
    y_dots = tuple(next(rest) if has else None for has in (*carry_on, *moved[m:]))
    return (*ys[:m], *ys[k : k + n_stacks]), y_dots


def _interleaved(loop: Loop, made: Graph, on: tuple[Flags, ...], moved: Flags) -> Graph:
    """Return the tangent graph of a body as a body: tangents of constants, carry and slices behind each of these."""
    key = ("scan jvp", on, loop.n_consts, loop.n_carry)
    found = loop.body.derived.get(key)
    if found is None:
        parts = loop.parts(loop.body.in_types)
        types = [t for part, flags in zip(parts, on, strict=True) for t in (*part, *selected(part, flags))]
        found = loop.body.derived[key] = simplify(
            stage(lambda *flat: _tangent_step(flat, loop, made, on, moved), types, made.name)[0]
        )
    return found


def _tangent_step(
    flat: Sequence[Any], loop: Loop, made: Graph, on: tuple[Flags, ...], moved: Flags
) -> list[Any]:
    m, n = loop.n_carry, len(loop.body.outputs)
    primals: list[Any] = []
    dots: list[Any] = []
    rest = list(flat)
    for flags in on:
        size, count = len(flags), sum(flags)
        primals += rest[:size]
        dots += rest[size : size + count]
        del rest[: size + count]
    ys = made.apply([*primals, *dots])
    found = iter(ys[n:])
    y_dots = [next(found) if has else None for has in moved]
    carry_dots = full_tangents(loop.body.out_types, y_dots[:m], on[1])
    return [*ys[:m], *carry_dots, *ys[m:n], *[d for d in y_dots[m:] if d is not None]]


# Power series ---------------------------------------------------------------------------------------------------------


def _taylor(operands: Sequence[Any], series: Sequence[Sequence[Any]], *, loop: Loop) -> tuple[Any, Any]:
    m = loop.n_carry
    starts = pattern_of(loop.parts(series)[1])
    on_consts, _, on_slices = map(pattern_of, loop.parts(series))
    made, on_carry, found = moved_series(loop.body, on_consts, starts, on_slices)
    consts, carry, xs = loop.parts(operands)
    const_series, carry_series, x_series = loop.parts(series)
    all_consts = [*consts, *present(const_series)]
    all_carry = [*carry, *present(filled(carry_series, list(map(type_of, carry)), on_carry))]
    counts = [len(present(const_series)), len(all_carry) - m, len(present(x_series))]
    body = _reordered(made, loop, counts)
    flat = looped(
        [*all_consts, *all_carry, *xs, *present(x_series)],
        loop.with_body(body, len(all_consts), len(all_carry)),
    )
    k, n = len(all_carry), len(loop.body.outputs) - m
    return (*flat[:m], *flat[k : k + n]), regrouped(iter([*flat[m:k], *flat[k + n :]]), found)


def _reordered(made: Graph, loop: Loop, counts: Sequence[int]) -> Graph:
    """Return a graph of values and coefficients as a body: coefficients behind the values of each part."""
    n, m, outputs = len(loop.body.inputs), loop.n_carry, list(made.outputs)
    rest, inputs = list(made.inputs[n:]), []
    for part, count in zip(loop.parts(made.inputs[:n]), counts, strict=True):
        inputs += [*part, *rest[:count]]
        del rest[:count]
    k = len(loop.body.outputs)
    outputs = [*outputs[:m], *outputs[k : k + counts[1]], *outputs[m:k], *outputs[k + counts[1] :]]
    return Graph(inputs, made.nodes, outputs, made.name)


# Reverse --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Halves:
    """The two loops of reverse mode.

    forward    the body with residuals behind its results
    backward   constants: residuals that are constants; carry: cotangents of carry and constants; slices: residuals,
               then cotangents of results -> carry, cotangents of slices
    """

    forward: Graph
    backward: Graph
    fixed: tuple[int, ...]  # residuals that are operands of the loop: constants and slices, by their place
    n_fixed_consts: int
    active: tuple[Flags, ...]  # constants, carry, slices that have cotangents
    seeded: Flags  # stacked results that have cotangents


def _inexact(types: Sequence[ArrayType]) -> Flags:
    return tuple(t.dtype.kind in "fc" for t in types)


def halves_of(loop: Loop) -> Halves:
    """Return the two loops of reverse mode, made once for each body."""
    key = ("scan vjp", loop.n_consts, loop.n_carry)
    found = loop.body.derived.get(key)
    if found is None:
        found = loop.body.derived[key] = _make_halves(loop)
    return found


def _joint(loop: Loop, active: tuple[Flags, ...], seeded: Flags) -> Graph:
    """Return the joint graph of a step: of its operands, sums of cotangents of constants, cotangents of its results."""
    body = loop.body
    n, c, k = len(body.inputs), loop.n_consts, loop.n_consts + loop.n_carry
    places = [i for i, on in enumerate([on for part in active for on in part]) if on]

    def fun(*flat: Any) -> list[Any]:
        rest = iter(flat[n:])
        sums = [next(rest) for i in places if i < c]
        seeds = [next(rest) if on else None for on in (*active[1], *seeded)]

        def primal(*leaves: Any) -> list[Any]:
            xs = list(flat[:n])
            for i, leaf in zip(places, leaves, strict=True):
                xs[i] = leaf
            return body.apply(xs)

        ys, pull = record(primal, [flat[i] for i in places])
        bars = dict(zip(places, pull.once(seeds), strict=True))
        others = full_tangents(
            body.in_types, [bars.get(i) for i in range(n)], tuple(i in bars for i in range(n))
        )
        return [
            *ys,
            *[x_bar for i, x_bar in zip(places, others, strict=True) if c <= i < k],
            *[total if bars[i] is None else total + bars[i] for i, total in zip(places, sums, strict=False)],
            *[x_bar for i, x_bar in zip(places, others, strict=True) if i >= k],
        ]

    seeds = selected(body.out_types, (*active[1], *seeded))
    types = [*body.in_types, *selected(body.in_types, active[0]), *seeds]
    return simplify(stage(fun, types, f"vjp of {body.name}")[0])


def _make_halves(loop: Loop) -> Halves:
    body = loop.body
    active = tuple(_inexact(part) for part in loop.parts(body.in_types))
    seeded = _inexact(body.out_types[loop.n_carry :])
    n, k = len(body.inputs), len(body.outputs)
    free = [*range(loop.n_consts), *range(loop.n_consts + loop.n_carry, n)]
    forward, backward = split_at_cotangents(_joint(loop, active, seeded), n, k, free=free)
    residuals = backward.inputs[: len(forward.outputs) - k]
    places = {a: i for i, a in enumerate(forward.inputs) if i in free}
    consts = [a for a in residuals if places.get(a, n) < loop.n_consts]
    slices = [a for a in residuals if a in places and a not in consts]
    stacked = [a for a in residuals if a not in places]
    seeds = backward.inputs[len(residuals) :]
    n_sums, n_carry = sum(active[0]), sum(active[1])
    sums, carry_seeds, y_seeds = seeds[:n_sums], seeds[n_sums : n_sums + n_carry], seeds[n_sums + n_carry :]
    order = [*consts, *carry_seeds, *sums, *stacked, *slices, *y_seeds]
    return Halves(
        forward=Graph(forward.inputs, forward.nodes, [*forward.outputs[:k], *stacked], forward.name),
        backward=Graph(order, backward.nodes, backward.outputs, backward.name),
        fixed=tuple(places[a] for a in (*consts, *slices)),
        n_fixed_consts=len(consts),
        active=active,
        seeded=seeded,
    )


def _save(*operands: Any, loop: Loop) -> tuple[Any, Any]:
    place = mover(list(map(type_of, operands)), loop.body)
    if place is not None:
        return forwards(partial(_jvp, loop=loop), operands, place)
    if loop.checkpoint is not None:
        return scan_(*operands, loop=loop), None
    made = halves_of(loop)
    ys = scan_(*operands, loop=loop.with_body(made.forward, loop.n_consts, loop.n_carry))
    k = len(loop.body.outputs)
    return ys[:k], (ys[k:], [operands[i] for i in made.fixed])


def _vjp(y_bar: Sequence[Any], site: Site, *, loop: Loop) -> list[Any]:
    place = mover(list(map(type_of, site.xs)), loop.body)
    if place is not None:
        x_bar = pulled_back(y_bar, site.saved, site.xs[place])
        return [x_bar if i == place else None for i in range(len(site.xs))]
    made = halves_of(loop)
    if loop.checkpoint is not None:
        return _reversed(y_bar, site, loop, made)
    stacked, fixed = site.saved
    const_on, carry_on, x_on = made.active
    consts = site.xs[: loop.n_consts]
    seeds = _seeds(y_bar, site, made)
    n_carry = sum(carry_on)
    sums = [np.zeros(np.shape(x), type_of(x).dtype) for x, on in zip(consts, const_on, strict=True) if on]
    operands = [
        *fixed[: made.n_fixed_consts],
        *seeds[:n_carry],
        *sums,
        *stacked,
        *fixed[made.n_fixed_consts :],
        *seeds[n_carry:],
    ]
    back = loop.with_body(made.backward, made.n_fixed_consts, n_carry + len(sums), reverse=not loop.reverse)
    bars = looped(operands, back)
    m = n_carry + len(sums)
    return _spread((const_on, bars[n_carry:m]), (carry_on, bars[:n_carry]), (x_on, bars[m:]))


def _seeds(y_bar: Sequence[Any], site: Site, made: Halves) -> list[Any]:
    return [
        _zeros(y) if seed is None else seed
        for seed, y, on in zip(y_bar, site.y, (*made.active[1], *made.seeded), strict=True)
        if on
    ]


def _reversed(y_bar: Sequence[Any], site: Site, loop: Loop, made: Halves) -> list[Any]:
    """Return the cotangents of a loop that kept its operands only."""
    bars = PRIMITIVES["scan_reversal"](*site.xs, *_seeds(y_bar, site, made), loop=loop)
    const_on, carry_on, x_on = made.active
    n, m = sum(carry_on), sum(carry_on) + sum(const_on)
    return _spread((const_on, bars[n:m]), (carry_on, bars[:n]), (x_on, bars[m:]))


def _spread(*parts: tuple[Flags, Sequence[Any]]) -> list[Any]:
    """Return the cotangents of all operands, None where there is none."""
    return [next(rest) if on else None for flags, bars in parts for rest in [iter(bars)] for on in flags]


def _zeros(y: Any) -> Any:
    t = type_of(y)
    return np.zeros(t.shape, t.dtype)


# Batches --------------------------------------------------------------------------------------------------------------


def _batch(size: int, operands: Sequence[Any], batched: Sequence[bool], *, loop: Loop) -> Any:
    consts, carry, xs = loop.parts(operands)
    const_on, _, x_on = loop.parts(batched)
    carry = [
        x if on else np.broadcast_to(x, (size, *np.shape(x)))
        for x, on in zip(carry, loop.parts(batched)[1], strict=True)
    ]
    xs = [np.moveaxis(x, 0, 1) if on else x for x, on in zip(xs, x_on, strict=True)]
    made = batched_graph(loop.body, size, (*const_on, *[True] * loop.n_carry, *x_on))
    ys = scan_(*consts, *carry, *xs, loop=loop.with_body(made, loop.n_consts, loop.n_carry))
    n = loop.n_carry
    return (*ys[:n], *[np.moveaxis(y, 0, 1) for y in ys[n:]])


def _sample(
    fun: Callable[..., Any], operands: Sequence[Any], n_consts: int, n_carry: int, *, reverse: bool
) -> Any:
    n = n_consts + n_carry
    types = [*map(type_of, operands[:n]), *[ArrayType(x.shape[1:], x.dtype) for x in operands[n:]]]
    body, _ = stage(fun, types, "sample")
    length = len(operands[n]) if len(operands) > n else 3
    return tuple(operands), {"loop": Loop(body, n_consts, n_carry, length, reverse)}


def _samples(rng: np.random.Generator) -> Any:
    a, c, x = np.asarray(rng.normal()), rng.normal(size=2), rng.normal(size=(4, 2))

    def step(a: Any, c: Any, x: Any) -> list[Any]:
        new = np.sin(a * c) + x * c
        return [new, np.sum(new * x)]

    for reverse in (False, True):
        yield _sample(step, [a, c, x], 1, 1, reverse=reverse)
    yield _sample(lambda c: [np.tanh(c)], [c], 0, 1, reverse=False)
    yield _sample(lambda a, c: [c, a * 2.0], [a, c], 1, 1, reverse=False)


scan_: Primitive = define(
    name="scan",
    doc="A loop with a known number of steps: the last carry, and the stacked results of the steps.",
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

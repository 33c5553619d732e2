"""The cotangents of a loop under a condition, as a primitive of its operands and of the cotangents of its results.

It runs the loop once more, keeps of each step what reversing it takes, and goes back. With F the loop and
<., .> the real pairing, it is R(x, s) = F'(x)^T s, and its own derivatives are those of the tangent loop
G(x, v) = (F(x), F'(x) v), whose cotangents at seeds (z, w) are

    of x:  F'(x)^T z + (F''(x) v)^T w        of v:  F'(x)^T w

    jvp     R(x, s) moves by F'(x)^T s_dot + (F''(x) x_dot)^T s: the cotangent of x in G at v = x_dot, (s_dot, s);
            that of v is R itself
    vjp     <c, R(x, s)> = <F'(x) c, s>: the cotangent of s is F'(x) c, that of x its cotangent in G at v = c, (0, s)
    taylor  with A(t) = F'(x(t)) the loop of coefficients has the Jacobian dy_k / dx_j = A_(k-j), so that at the seeds
            s_K, ..., s_0 the cotangent of x_j is r_(K-j) = sum_i A_i^T s_(K-j-i)
    batch   the reversal of the batched loop; constants become batches, since each example has its own cotangents

So it closes: derivatives of all orders are loops and reversals of loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.control.call import Flags
from wengert.control.carried import full_tangents, selected
from wengert.control.conditional import (
    While,
    batched_loop,
    inexact,
    infer_loop,
    repeated,
    series_loop,
    spread,
    tangent_loop,
)
from wengert.control.hoisting import hoisted
from wengert.control.operand_types import require_types
from wengert.control.scan import Halves, Loop, halves_of
from wengert.control.series import filled, present
from wengert.core.graph import Graph
from wengert.core.primitive import PRIMITIVES, Primitive, Site, define
from wengert.transforms.execution import Executor, run
from wengert.types import ArrayType, type_of

__all__ = ["while_reversal_"]


# Value ----------------------------------------------------------------------------------------------------------------


class _Steps:
    """The two halves of a step, ready to run: what depends on constants alone is computed before the steps."""

    __slots__ = ("_before_backward", "_before_forward", "_n_fixed", "backward", "forward", "made")

    def __init__(self, loop: While) -> None:
        n, m = loop.n_consts, len(loop.body.outputs)
        made: Halves = halves_of(Loop(loop.body, n, m, 0))
        self.made = made
        self._before_forward, forward = hoisted(made.forward, n)
        self._before_backward, backward = hoisted(made.backward, made.n_fixed_consts)
        self.forward = Executor(forward, donated=forward.inputs[-m:] if m else ())
        k = len(self._before_backward.outputs)
        n_bars = sum(made.active[0]) + sum(made.active[1])
        self.backward = Executor(backward, donated=backward.inputs[k : k + n_bars])

    def constants(self, consts: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Return what the halves read of the constants of the loop."""
        fixed = [consts[i] for i in self.made.fixed]
        return _outputs(self._before_forward, consts), _outputs(self._before_backward, fixed)


def _outputs(before: Graph, xs: Sequence[Any]) -> list[Any]:
    return run(before, xs) if before.nodes else list(xs)


def _steps(loop: While) -> _Steps:
    key = ("while reversal", loop.n_consts)
    found = loop.body.derived.get(key)
    if found is None:
        found = loop.body.derived[key] = _Steps(loop)
    return found


def _eval(*operands: Any, loop: While) -> tuple[Any, ...]:
    n, m = loop.n_consts, len(loop.body.outputs)
    consts, carry, bars = list(operands[:n]), list(operands[n : n + m]), list(operands[n + m :])
    condition, steps, count = loop.executors()[0], _steps(loop), 0
    forward_consts, backward_consts = steps.constants(consts)
    kept: list[Any] = []  # residuals of all steps, one after another
    while bool(np.any(condition([*consts, *carry])[0][0])):  # type: ignore[index]
        carry[:0] = forward_consts
        ys = steps.forward.consume(carry)
        kept += ys[m:]
        carry = ys[:m]
        del ys
        count += 1
    del carry
    bars += [np.zeros(np.shape(x), type_of(x).dtype) for x in selected(consts, steps.made.active[0])]
    r = len(kept) // max(count, 1)
    for _ in range(count):
        bars[:0] = backward_consts
        bars += kept[len(kept) - r :]
        del kept[len(kept) - r :]
        bars = steps.backward.consume(bars)
    return tuple(bars)


def _flags(loop: While) -> tuple[Flags, Flags]:
    types = loop.body.in_types
    return inexact(types[: loop.n_consts]), inexact(types[loop.n_consts :])


def _infer(*types: ArrayType, loop: While) -> tuple[ArrayType, ...]:
    const_on, carry_on = _flags(loop)
    in_types = loop.body.in_types
    seeds = selected(infer_loop(*types[: len(in_types)], loop=loop), carry_on)
    require_types(types[len(in_types) :], seeds, "cotangents of a loop")
    return (*selected(in_types[loop.n_consts :], carry_on), *selected(in_types[: loop.n_consts], const_on))


# Derivatives ----------------------------------------------------------------------------------------------------------


class _Along:
    """The tangent loop G at operands x and a direction v, of which None stands for zero."""

    def __init__(self, xs: Sequence[Any], x_dots: Sequence[Any], loop: While) -> None:
        n = loop.n_consts
        self._loop, self._xs = loop, xs
        self.const_on, starts = (tuple(d is not None for d in part) for part in (x_dots[:n], x_dots[n:]))
        self.loop, self.carry_on = tangent_loop(loop, self.const_on, starts)
        carry_dots = full_tangents(xs[n:], x_dots[n:], self.carry_on)
        self.operands = [*xs[:n], *selected(x_dots[:n], self.const_on), *xs[n:], *carry_dots]

    def tangents(self) -> list[Any]:
        """Return F'(x) v."""
        m = len(self._loop.body.outputs)
        rest = iter(repeated(self.operands, self.loop)[m:])
        return [next(rest) if on else None for on in self.carry_on]

    def cotangents(self, z: Sequence[Any], w: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Return those of x, and those of the moving parts of v, both as the reversal of F orders them."""
        const_on, carry_on = _flags(self._loop)
        second = iter(w)
        moving = [
            s
            for s, on in zip([next(second) if on else None for on in carry_on], self.carry_on, strict=True)
            if on
        ]
        bars = while_reversal_(*self.operands, *z, *moving, loop=self.loop)
        m, k, n = sum(carry_on), sum(self.carry_on), sum(const_on)
        return [*bars[:m], *bars[m + k : m + k + n]], [*bars[m : m + k], *bars[m + k + n :]]

    @property
    def complete(self) -> bool:
        """Whether all moves that may."""
        return (self.const_on, self.carry_on) == _flags(self._loop)


def _parts(operands: Sequence[Any], loop: While) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return x, as constants and carry, and the seeds."""
    n = len(loop.body.inputs)
    return operands[:n], operands[n:]


def _jvp(operands: Sequence[Any], dots: Sequence[Any], *, loop: While) -> tuple[Any, Any]:
    (xs, seeds), (x_dots, seed_dots) = _parts(operands, loop), _parts(dots, loop)
    if all(d is None for d in x_dots):
        return (
            while_reversal_(*operands, loop=loop),
            while_reversal_(*xs, *_full(seeds, seed_dots), loop=loop),
        )
    along = _Along(xs, x_dots, loop)
    bar_dots, bars = along.cotangents(_full(seeds, seed_dots), seeds)
    return tuple(bars) if along.complete else while_reversal_(*operands, loop=loop), tuple(bar_dots)


def _full(xs: Sequence[Any], dots: Sequence[Any]) -> list[Any]:
    return full_tangents(xs, dots, (True,) * len(xs))


def _taylor(operands: Sequence[Any], series: Sequence[Sequence[Any]], *, loop: While) -> tuple[Any, Any]:
    (xs, seeds), (x_series, seed_series) = _parts(operands, loop), _parts(series, loop)
    n, order = loop.n_consts, len(series[0])
    const_on, carry_on = _flags(loop)
    patterns = [tuple([(on,) * order for on in flags]) for flags in (const_on, carry_on)]
    new, _ = series_loop(loop, *patterns)
    types = loop.body.in_types
    const_series = filled(x_series[:n], types[:n], patterns[0])
    carry_series = filled(x_series[n:], types[n:], patterns[1])
    seed_types = selected(types[n:], carry_on)
    whole = filled(seed_series, seed_types, tuple([(True,) * order] * len(seeds)))
    rows = [[s, *coefficients] for s, coefficients in zip(seeds, whole, strict=True)]
    reversed_seeds = [*[row[-1] for row in rows], *[s for row in rows for s in row[-2::-1]]]
    flat = [*xs[:n], *present(const_series), *xs[n:], *present(carry_series), *reversed_seeds]
    bars = while_reversal_(*flat, loop=new)
    m, k = len(seeds), sum(const_on)
    split = m * (1 + order)
    groups = [(bars[:m], bars[m:split]), (bars[split : split + k], bars[split + k :])]
    found = [
        [*rest[i * order : (i + 1) * order][::-1], first]
        for firsts, rest in groups
        for i, first in enumerate(firsts)
    ]
    return tuple([row[0] for row in found]), tuple([tuple(row[1:]) for row in found])


def _vjp(y_bar: Sequence[Any], site: Site, *, loop: While) -> list[Any]:
    xs, seeds = _parts(site.xs, loop)
    const_on, carry_on = _flags(loop)
    rest = iter(y_bar)
    carry = [next(rest) if on else None for on in carry_on]
    along = _Along(xs, [*[next(rest) if on else None for on in const_on], *carry], loop)
    s_bars = selected(along.tangents(), carry_on)
    x_bars = iter(along.cotangents(_full(seeds, [None] * len(seeds)), seeds)[0])
    carry = [next(x_bars) if on else None for on in carry_on]
    return [*[next(x_bars) if on else None for on in const_on], *carry, *s_bars]


def _batch(size: int, operands: Sequence[Any], batched: Sequence[bool], *, loop: While) -> Any:
    (xs, seeds), (on, seeds_on) = _parts(operands, loop), _parts(batched, loop)
    n, (active, _) = loop.n_consts, _flags(loop)
    const_on = tuple(a or b for a, b in zip(on[:n], active, strict=True))
    consts = [
        spread(size, [x], [has])[0] if want else x for x, has, want in zip(xs, on, const_on, strict=False)
    ]
    carry = spread(size, xs[n:], on[n:])
    new = batched_loop(loop, size, const_on)
    return tuple(while_reversal_(*consts, *carry, *spread(size, seeds, seeds_on), loop=new))


def _samples(rng: np.random.Generator) -> Any:
    for xs, params in PRIMITIVES["while"].samples(rng):  # type: ignore[misc]
        yield (*xs, rng.normal(size=2)), params


while_reversal_: Primitive = define(
    name="while_reversal",
    doc="The cotangents of a loop under a condition, which runs once more. Griewank and Walther 2008, section 3.2.",
    multiple=True,
    eval=_eval,
    infer=_infer,
    jvp=_jvp,
    taylor=_taylor,
    vjp=_vjp,
    batch=_batch,
    samples=_samples,
    complex=True,
)

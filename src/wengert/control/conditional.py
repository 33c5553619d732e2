"""The primitive of while_loop: a step, as often as a condition holds.

    carry' = body(constants, carry)        while condition(constants, carry)

    jvp     the same loop on the tangent graph of the body, under the same condition
    taylor  the same loop on the graph of values and coefficients of the body, under the same condition
    vjp     another primitive (`conditional_reversal`), which keeps nothing of the loop but its operands
    batch   examples that are done keep their values while the others go on

How often the loop runs is known to nobody but the loop: no type depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.control.call import Flags, batched_graph
from wengert.control.carried import full_tangents, moved_carry, moved_series, selected
from wengert.control.hoisting import hoisted
from wengert.control.operand_types import require_types
from wengert.control.series import Pattern, filled, pattern_of, present, regrouped, types_of
from wengert.core.graph import Graph, Var
from wengert.core.primitive import PRIMITIVES, Primitive, Site, define
from wengert.transforms.execution import Executor
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType, type_of

__all__ = [
    "While",
    "batched_loop",
    "inexact",
    "infer_loop",
    "repeated",
    "series_loop",
    "spread",
    "tangent_loop",
    "while_",
]


@dataclass(frozen=True, slots=True)
class While:
    """A loop: body while condition.

    Attributes
    ----------
    condition, body : Graph
        From constants and carry: one boolean, of each example if batched; the next carry.
    n_consts : int
    """

    condition: Graph
    body: Graph
    n_consts: int

    def executors(self) -> tuple[Executor, Executor]:
        """Return condition and body, ready to run."""
        key = ("while", self)
        found = self.body.derived.get(key)
        if found is None:
            donated = self.body.inputs[self.n_consts :]
            found = self.body.derived[key] = Executor(self.condition), Executor(self.body, donated=donated)
        return found


def repeated(operands: Sequence[Any], loop: While) -> tuple[Any, ...]:
    """Do a loop; what all steps compute alike is computed once, before."""
    key = ("hoisted while", loop)
    found = loop.body.derived.get(key)
    if found is None:
        found = loop.body.derived[key] = _hoisted(loop)
    parts, new = found
    n = loop.n_consts
    consts = [y for before in parts for y in before.apply(operands[:n])] if parts else operands[:n]
    return while_(*consts, *operands[n:], loop=new)  # type: ignore[no-any-return]


def _hoisted(loop: While) -> tuple[tuple[Graph, ...], While]:
    """Return the graphs of what body and condition read of the constants, and the loop that takes their results."""
    n = loop.n_consts
    before, body = hoisted(loop.body, n)
    before_condition, condition = hoisted(loop.condition, n)
    if body is loop.body and condition is loop.condition:
        return (), loop
    k, m = len(before.outputs), len(before_condition.outputs)
    own = [Var(a.type, scalar=a.scalar) for a in before_condition.outputs]
    others = [Var(a.type, scalar=a.scalar) for a in before.outputs]
    new = While(
        Graph([*others, *condition.inputs], condition.nodes, condition.outputs, condition.name),
        Graph([*body.inputs[:k], *own, *body.inputs[k:]], body.nodes, body.outputs, body.name),
        k + m,
    )
    return (before, before_condition), new


def _made(fun: Callable[..., Any], types: Sequence[ArrayType], name: str) -> Graph:
    return simplify(stage(fun, types, name)[0])


# Value ----------------------------------------------------------------------------------------------------------------


def _eval(*operands: Any, loop: While) -> tuple[Any, ...]:
    consts, carry = list(operands[: loop.n_consts]), list(operands[loop.n_consts :])
    condition, step = loop.executors()
    while bool(np.any(condition([*consts, *carry])[0][0])):  # type: ignore[index]
        carry[:0] = consts
        carry = step.consume(carry)
    return tuple(carry)


def infer_loop(*types: ArrayType, loop: While) -> tuple[ArrayType, ...]:
    """Return the types that a loop carries; raise if its operands or graphs have others."""
    inputs = loop.body.in_types
    require_types(types, inputs, "operands of a loop")
    require_types(loop.condition.in_types, inputs, "operands of the condition of a loop")
    require_types(loop.body.out_types, inputs[loop.n_consts :], "results of a step")
    return loop.body.out_types


# Forward --------------------------------------------------------------------------------------------------------------


def tangent_loop(loop: While, const_on: Flags, carry_on: Flags) -> tuple[While, Flags]:
    """Return the loop of values and tangents, and which values that it carries have one.

    Its constants are those of the loop, then the tangents of those that move; and so is its carry.
    """
    key = ("while jvp", loop, const_on, carry_on)
    found = loop.body.derived.get(key)
    if found is None:
        found = loop.body.derived[key] = _tangent_loop(loop, const_on, carry_on)
    return found


def _tangent_loop(loop: While, const_on: Flags, carry_on: Flags) -> tuple[While, Flags]:
    n = loop.n_consts
    made, carry_on, moved = moved_carry(loop.body, const_on, carry_on)
    k, m = n + sum(const_on), len(carry_on)

    def body(*flat: Any) -> list[Any]:
        consts, const_dots, carry, carry_dots = flat[:n], flat[n:k], flat[k : k + m], flat[k + m :]
        ys = made.apply([*consts, *carry, *const_dots, *carry_dots])
        rest = iter(ys[m:])
        y_dots = [next(rest) if has else None for has in moved]
        return [*ys[:m], *full_tangents(loop.body.out_types, y_dots, carry_on)]

    def condition(*flat: Any) -> list[Any]:
        return loop.condition.apply([*flat[:n], *flat[k : k + m]])

    types = loop.body.in_types
    new_types = [*types[:n], *selected(types[:n], const_on), *types[n:], *selected(types[n:], carry_on)]
    new = While(_made(condition, new_types, "condition"), _made(body, new_types, made.name), k)
    return new, carry_on


def _jvp(operands: Sequence[Any], dots: Sequence[Any], *, loop: While) -> tuple[Any, Any]:
    n, m = loop.n_consts, len(loop.body.outputs)
    const_on, starts = (tuple(d is not None for d in part) for part in (dots[:n], dots[n:]))
    new, carry_on = tangent_loop(loop, const_on, starts)
    carry_dots = full_tangents(operands[n:], dots[n:], carry_on)
    flat = [*operands[:n], *selected(dots[:n], const_on), *operands[n:], *carry_dots]
    ys = repeated(flat, new)
    rest = iter(ys[m:])
    return ys[:m], tuple(next(rest) if on else None for on in carry_on)


# Power series ---------------------------------------------------------------------------------------------------------


def series_loop(loop: While, consts: Pattern, carry: Pattern) -> tuple[While, Pattern]:
    """Return the loop of values and coefficients, and which coefficients it carries.

    Its constants are those of the loop, then their coefficients; and so is its carry.
    """
    key = ("while taylor", loop, consts, carry)
    found = loop.body.derived.get(key)
    if found is None:
        found = loop.body.derived[key] = _series_loop(loop, consts, carry)
    return found


def _series_loop(loop: While, consts: Pattern, carry: Pattern) -> tuple[While, Pattern]:
    n, types = loop.n_consts, loop.body.in_types
    made, carry, _ = moved_series(loop.body, consts, carry)
    const_types, carry_types = types_of(types[:n], consts), types_of(types[n:], carry)
    k, total = n + len(const_types), len(types)
    rest = made.inputs[total:]
    inputs = [*made.inputs[:n], *rest[: k - n], *made.inputs[n:total], *rest[k - n :]]
    body = Graph(inputs, made.nodes, made.outputs, made.name)

    def condition(*flat: Any) -> list[Any]:
        return loop.condition.apply([*flat[:n], *flat[k : k + total - n]])

    new_types = [*types[:n], *const_types, *types[n:], *carry_types]
    return While(_made(condition, new_types, "condition"), body, k), carry


def _taylor(operands: Sequence[Any], series: Sequence[Sequence[Any]], *, loop: While) -> tuple[Any, Any]:
    n, m = loop.n_consts, len(loop.body.outputs)
    new, carry = series_loop(loop, pattern_of(series[:n]), pattern_of(series[n:]))
    starts = present(filled(series[n:], loop.body.out_types, carry))
    flat = repeated([*operands[:n], *present(series[:n]), *operands[n:], *starts], new)
    return flat[:m], regrouped(iter(flat[m:]), carry)


# Reverse --------------------------------------------------------------------------------------------------------------


def inexact(types: Sequence[ArrayType]) -> Flags:
    """Return which types have derivatives."""
    return tuple(t.dtype.kind in "fc" for t in types)


def _vjp(y_bar: Sequence[Any], site: Site, *, loop: While) -> list[Any]:
    types = loop.body.in_types
    seeds = selected(full_tangents(site.y, y_bar, (True,) * len(y_bar)), inexact(loop.body.out_types))
    bars = iter(PRIMITIVES["while_reversal"](*site.xs, *seeds, loop=loop))
    n = loop.n_consts
    carry = [next(bars) if on else None for on in inexact(types[n:])]
    return [*[next(bars) if on else None for on in inexact(types[:n])], *carry]


# Batches --------------------------------------------------------------------------------------------------------------


def batched_loop(loop: While, size: int, const_on: Flags) -> While:
    """Return the loop over a batch of carries, where examples that are done keep their values."""
    key = ("while batch", loop, size, const_on)
    found = loop.body.derived.get(key)
    if found is None:
        found = loop.body.derived[key] = _batched_loop(loop, size, const_on)
    return found


def _batched_loop(loop: While, size: int, const_on: Flags) -> While:
    n, flags = loop.n_consts, (*const_on, *[True] * len(loop.body.outputs))
    condition = batched_graph(loop.condition, size, flags)
    body = batched_graph(loop.body, size, flags)

    def step(*flat: Any) -> list[Any]:
        going = condition.apply(flat)[0]
        with np.errstate(all="ignore"):  # examples that are done have no step to warn of
            new = body.apply(flat)
        return [_kept(going, a, b) for a, b in zip(new, flat[n:], strict=True)]

    return While(condition, _made(step, body.in_types, body.name), n)


def _kept(going: Any, new: Any, old: Any) -> Any:
    extra = np.ndim(new) - np.ndim(going)
    return np.where(np.reshape(going, (*np.shape(going), *[1] * extra)), new, old)


def _batch(size: int, operands: Sequence[Any], batched: Sequence[bool], *, loop: While) -> Any:
    n = loop.n_consts
    new = batched_loop(loop, size, tuple(batched[:n]))
    return tuple(while_(*operands[:n], *spread(size, operands[n:], batched[n:]), loop=new))


def spread(size: int, xs: Sequence[Any], batched: Sequence[bool]) -> list[Any]:
    """Return batches; an operand that has no examples is repeated."""
    return [x if on else np.broadcast_to(x, (size, *np.shape(x))) for x, on in zip(xs, batched, strict=True)]


def _samples(rng: np.random.Generator) -> Any:
    a, x = np.asarray(rng.uniform(1.1, 1.5)), rng.uniform(0.5, 1.0, 2)
    types = [type_of(a), type_of(x)]
    condition, _ = stage(lambda a, x: [np.sum(x) < 4.0 * a], types, "condition")
    body, _ = stage(lambda a, x: [np.sin(x) * 0.2 + a * x], types, "body")
    yield (a, x), {"loop": While(condition, body, 1)}


while_: Primitive = define(
    name="while",
    doc="A loop under a condition: the carry after the last step.",
    multiple=True,
    eval=_eval,
    infer=infer_loop,
    jvp=_jvp,
    taylor=_taylor,
    vjp=_vjp,
    batch=_batch,
    samples=_samples,
    complex=True,
)

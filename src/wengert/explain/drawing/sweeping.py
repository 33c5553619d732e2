"""Values, tangents and adjoints of every node of a graph, and of what loops, branches and calls hold.

A loop shows its last step: the state before it is that of the same loop, one step shorter, and its adjoints are where
the reverse sweep through the loop begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert.control.conditional import While
from wengert.control.scan import Loop, scan_
from wengert.core.dispatch import NO_PARAMS
from wengert.core.graph import Const, Graph
from wengert.core.primitive import LazyScatter, Site
from wengert.errors import RuleMissingError
from wengert.explain.recording import Operation
from wengert.ops.indexing import add_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wengert.core.atoms import Atom
    from wengert.core.graph import Node
    from wengert.core.primitive import Primitive

__all__ = ["Nested", "Sweep", "nested_graphs", "pull", "push", "swept"]

_PRESENT = Site(0, None, NO_PARAMS, (), None, None, ())  # a parent, so that the rule computes its cotangent


class Nested(NamedTuple):
    """A graph that a node holds.

    Attributes
    ----------
    kind : str
        "loop", "branch" or "call".
    title : str
    graph : Graph
    operands : tuple of int
        The node's operand behind each input of the graph.
    roles : tuple of str
        What each input is: "every step", "carry", "slice" or "".
    sweep : Sweep or None
        Of its last run, where there was one.
    """

    kind: str
    title: str
    graph: Graph
    operands: tuple[int, ...]
    roles: tuple[str, ...]
    sweep: Sweep | None


@dataclass(eq=False, slots=True)
class Sweep:
    """What one run of a graph computed.

    Attributes
    ----------
    graph : Graph
    values, dots, bars : dict
        Of its atoms; tangents and adjoints that are zero are missing.
    operations : dict
        How each node was computed, its operands numbered from 0: inputs, then results.
    amounts : dict
        What the operand at a position of a node receives in the reverse sweep.
    active : frozenset of int
        Numbers of values that depend on chosen inputs.
    nested : dict
        What a node holds.
    """

    graph: Graph
    values: dict[Atom, Any] = field(default_factory=dict)
    dots: dict[Atom, Any] = field(default_factory=dict)
    bars: dict[Atom, Any] = field(default_factory=dict)
    operations: dict[Node, Operation] = field(default_factory=dict)
    amounts: dict[tuple[Node, int], Any] = field(default_factory=dict)
    active: frozenset[int] = frozenset()
    nested: dict[Node, list[Nested]] = field(default_factory=dict)

    def value(self, atom: Atom) -> Any:
        """Return the value of an operand."""
        return atom.value if isinstance(atom, Const) else self.values[atom]


def swept(
    graph: Graph, xs: Sequence[Any], chosen: Sequence[int], kind: str | None, seeds: Sequence[Any]
) -> Sweep:
    """Run a graph, and its derivative.

    Parameters
    ----------
    graph : Graph
    xs : sequence of arrays
    chosen : sequence of int
        Inputs that are differentiated.
    kind : "forward", "reverse" or None
    seeds : sequence
        Tangents of the inputs, or adjoints of the outputs; None is zero.

    Returns
    -------
    Sweep
    """
    sweep = _evaluated(graph, xs)
    sweep.active = _active(sweep, chosen)
    if kind == "forward":
        push(sweep, seeds)
    elif kind == "reverse":
        pull(sweep, seeds)
    for node, operation in sweep.operations.items():
        nested = _nested(sweep, node, operation, kind)
        if nested:
            sweep.nested[node] = nested
    return sweep


# Sweeps -------------------------------------------------------------------------------------------------------------


def _evaluated(graph: Graph, xs: Sequence[Any]) -> Sweep:
    sweep = Sweep(graph, dict(zip(graph.inputs, xs, strict=True)))
    numbers: dict[Atom, int] = {a: i for i, a in enumerate(graph.inputs)}
    for node in graph.nodes:
        operands = tuple([sweep.value(a) for a in node.inputs])
        prim, params = node.prim, node.params
        y, saved = prim.save(*operands, **params) if prim.save else (prim.eval(*operands, **params), None)
        ys = y if prim.multiple else (y,)
        first = len(numbers)
        numbers.update((a, first + i) for i, a in enumerate(node.outputs))
        sweep.values.update(zip(node.outputs, ys, strict=True))
        sweep.operations[node] = Operation(
            prim,
            params,
            operands,
            y,
            saved,
            tuple([None if isinstance(a, Const) else numbers[a] for a in node.inputs]),
            tuple(range(first, first + len(ys))),
        )
    return sweep


def _active(sweep: Sweep, chosen: Sequence[int]) -> frozenset[int]:
    found = set(chosen)
    for node, operation in sweep.operations.items():
        if node.prim.differentiable and any(i in found for i in operation.operands):
            found.update(
                i for i, a in zip(operation.results, node.outputs, strict=True) if a.dtype.kind in "fc"
            )
    return frozenset(found)


def push(sweep: Sweep, dots: Sequence[Any]) -> None:
    """Carry tangents of the inputs forward."""
    found = sweep.dots
    found.update((a, d) for a, d in zip(sweep.graph.inputs, dots, strict=True) if d is not None)
    for node, operation in sweep.operations.items():
        x_dots = [found.get(a) for a in node.inputs]
        if not node.prim.differentiable or all(d is None for d in x_dots):
            continue
        _, y_dot = _required(node.prim, "jvp")(operation.xs, x_dots, **node.params)
        y_dots = y_dot if node.prim.multiple and y_dot is not None else (y_dot,) * len(node.outputs)
        found.update((a, d) for a, d in zip(node.outputs, y_dots, strict=True) if d is not None)


def pull(sweep: Sweep, bars: Sequence[Any]) -> None:
    """Carry adjoints of the outputs back, keeping what each operand receives."""
    found = sweep.bars
    for a, bar in zip(sweep.graph.outputs, bars, strict=True):
        if bar is not None and not isinstance(a, Const):
            found[a] = found[a] + bar if a in found else bar
    for node in reversed(sweep.graph.nodes):
        operation = sweep.operations[node]
        y_bars = tuple([found.get(a) for a in node.outputs])
        if not node.prim.differentiable or all(bar is None for bar in y_bars):
            continue
        if not any(i in sweep.active for i in operation.operands):
            continue
        rule = _required(node.prim, "vjp")
        x_bars = rule(
            y_bars if node.prim.multiple else y_bars[0], _site(operation, sweep.active), **node.params
        )
        for position, (a, x_bar) in enumerate(zip(node.inputs, x_bars, strict=True)):
            if x_bar is None or operation.operands[position] not in sweep.active:
                continue
            amount = _dense(x_bar, operation.xs[position])
            sweep.amounts[node, position] = amount
            found[a] = found[a] + amount if a in found else amount


def _site(operation: Operation, active: frozenset[int]) -> Site:
    parents = tuple([_PRESENT if i in active else None for i in operation.operands])
    return Site(0, operation.prim, operation.params, operation.xs, operation.y, operation.saved, parents)


def _dense(x_bar: Any, x: Any) -> Any:
    """Return a cotangent as an array, where an indexing rule gave only its entries."""
    if not isinstance(x_bar, LazyScatter):
        return x_bar
    dense = np.zeros(np.shape(x), x.dtype)
    add_at(dense, x_bar.index, x_bar.piece)
    return dense


def _required(prim: Primitive, rule: str) -> Any:
    found = getattr(prim, rule)
    if found is None:
        raise RuleMissingError(
            f"primitive {prim.name!r} has no {rule} rule", instead=f"give its record a {rule} rule."
        )
    return found


# What nodes hold ----------------------------------------------------------------------------------------------------


def nested_graphs(node: Node) -> list[Nested]:
    """Return the graphs that a loop, a choice or a call holds, without values."""
    loop, graphs, graph = (node.params.get(key) for key in ("loop", "graphs", "graph"))
    n = len(node.inputs)
    if isinstance(loop, Loop) and node.prim.name == "scan":
        m = loop.n_consts + loop.n_carry
        roles = ("every step",) * loop.n_consts + ("carry",) * loop.n_carry + ("slice",) * (n - m)
        steps = loop.length if n == m else node.inputs[-1].shape[0]
        title = f"loop of {steps} step{'' if steps == 1 else 's'}"
        return [Nested("loop", title, loop.body, tuple(range(n)), roles, None)]
    if isinstance(loop, While) and node.prim.name == "while":
        roles = ("every step",) * loop.n_consts + ("carry",) * (n - loop.n_consts)
        return [Nested("loop", "while", loop.body, tuple(range(n)), roles, None)]
    if isinstance(graphs, tuple) and graphs and isinstance(graphs[0], Graph) and node.prim.name == "switch":
        return [
            Nested("branch", f"branch {k}", g, tuple(range(1, n)), ("",) * (n - 1), None)
            for k, g in enumerate(graphs)
        ]
    if isinstance(graph, Graph) and node.prim.name == "call":
        return [Nested("call", graph.name, graph, tuple(range(n)), ("",) * n, None)]
    return []


def _nested(sweep: Sweep, node: Node, operation: Operation, kind: str | None) -> list[Nested]:
    """Return the graphs that a node holds, with the values of their last run."""
    found = nested_graphs(node)
    if not found:
        return []
    dots = [sweep.dots.get(a) for a in node.inputs]
    bars = [sweep.bars.get(a) for a in node.outputs]
    active = [i in sweep.active for i in operation.operands]
    loop = node.params.get("loop")
    if isinstance(loop, Loop):
        return [_last_step(found[0], loop, operation.xs, dots, bars, active, kind)]
    if isinstance(loop, While):
        return [_last_round(found[0], loop, operation.xs, dots, bars, active, kind)]
    if node.prim.name == "switch":
        taken = min(max(int(operation.xs[0]), 0), len(found) - 1)
        nested = found[taken]
        ran = _run_of(nested, operation.xs[1:], dots[1:], bars, active[1:], kind)
        titled = nested._replace(sweep=ran, title=f"{nested.title} (taken)")
        return [*found[:taken], titled, *found[taken + 1 :]]
    return [found[0]._replace(sweep=_run_of(found[0], operation.xs, dots, bars, active, kind))]


def _run_of(
    nested: Nested,
    xs: Sequence[Any],
    dots: Sequence[Any],
    bars: Sequence[Any],
    active: Sequence[bool],
    kind: str | None,
) -> Sweep:
    chosen = [i for i, on in enumerate(active) if on and nested.graph.inputs[i].dtype.kind in "fc"]
    return swept(nested.graph, xs, chosen, kind, dots if kind == "forward" else bars)


def _last_step(
    nested: Nested,
    loop: Loop,
    xs: Sequence[Any],
    dots: Sequence[Any],
    bars: Sequence[Any],
    active: Sequence[bool],
    kind: str | None,
) -> Nested:
    """Return the body of a loop as it ran last."""
    consts, carry, slices = loop.parts(xs)
    const_dots, carry_dots, slice_dots = loop.parts(dots)
    length = len(slices[0]) if slices else loop.length
    if not length:
        return nested
    last, rest = (0, slice(1, None)) if loop.reverse else (-1, slice(None, -1))
    if length > 1:
        shorter = replace(loop, length=length - 1, checkpoint=None)
        before = [*consts, *carry, *[x[rest] for x in slices]]
        before_dots = [*const_dots, *carry_dots, *[None if d is None else d[rest] for d in slice_dots]]
        carry, carry_dots = _state(shorter, before, before_dots)
    operands = [*consts, *carry, *[x[last] for x in slices]]
    operand_dots = [*const_dots, *carry_dots, *[None if d is None else d[last] for d in slice_dots]]
    n = loop.n_carry
    result_bars = [*bars[:n], *[None if bar is None else bar[last] for bar in bars[n:]]]
    moves = _moving(loop.body, loop.n_consts, n, active)
    ran = _run_of(nested, operands, operand_dots, result_bars, moves, kind)
    return nested._replace(sweep=ran, title=f"{nested.title}; values of the last")


def _state(loop: Loop, operands: Sequence[Any], dots: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return what a loop carries at its end, and its tangents."""
    n = loop.n_carry
    if all(d is None for d in dots):
        return list(scan_.eval(*operands, loop=loop)[:n]), [None] * n
    ys, y_dots = _required(scan_, "jvp")(operands, dots, loop=loop)
    return list(ys[:n]), [None] * n if y_dots is None else list(y_dots[:n])


def _last_round(
    nested: Nested,
    loop: While,
    xs: Sequence[Any],
    dots: Sequence[Any],
    bars: Sequence[Any],
    active: Sequence[bool],
    kind: str | None,
) -> Nested:
    """Return the body of a `while_loop` as it ran last: a loop of as many steps, whose number is counted here."""
    if any(a.shape for a in loop.condition.outputs):
        return nested
    consts, carry = list(xs[: loop.n_consts]), list(xs[loop.n_consts :])
    condition, step = loop.executors()
    steps, state = 0, list(carry)
    while bool(condition.consume([*consts, *state])[0]):
        state = step.consume([*consts, *state])
        steps += 1
    counted = Loop(loop.body, loop.n_consts, len(carry), steps)
    named = nested._replace(title=f"while, {steps} step{'' if steps == 1 else 's'}")
    return _last_step(named, counted, xs, dots, bars, active, kind)


def _moving(body: Graph, n_consts: int, n_carry: int, active: Sequence[bool]) -> list[bool]:
    """Return which inputs of a body depend on chosen values, in its last step: the carry through earlier ones."""
    moves = list(active)
    for _ in range(n_carry + 1):
        found = {a for a, on in zip(body.inputs, moves, strict=True) if on}
        for node in body.nodes:
            if node.prim.differentiable and found.intersection(node.inputs):
                found.update(node.outputs)
        new = [moves[n_consts + i] or body.outputs[i] in found for i in range(n_carry)]
        if new == moves[n_consts : n_consts + n_carry]:
            break
        moves[n_consts : n_consts + n_carry] = new
    return moves

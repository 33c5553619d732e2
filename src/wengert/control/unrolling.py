"""Loops, branches and calls as the operations that they do: for who looks into them, on traced values or plain ones.

While an operation of a graph is done, `standing` says where it was written and in which step of a loop it is.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert.control.conditional import While
from wengert.control.scan import Loop, scan_
from wengert.core.atoms import Place
from wengert.core.dispatch import bind
from wengert.core.graph import Const, Graph
from wengert.core.views import root
from wengert.errors import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wengert.core.atoms import Atom
    from wengert.core.primitive import Primitive

__all__ = ["ALL", "Standing", "Steps", "here", "is_loop", "placed", "standing", "step_count", "unrolled"]


class Standing(NamedTuple):
    """Where an operation of a graph was written, and in which steps of loops it is done, the outermost first."""

    place: Place | None
    rounds: tuple[str, ...] = ()


class Steps(NamedTuple):
    """How many steps of a loop are done one by one, at its beginning and at its end; those between stay a loop."""

    first: int
    last: int


ALL = Steps(sys.maxsize, 0)

standing: ContextVar[Standing | None] = ContextVar("wengert_standing", default=None)


def here() -> Standing:
    """Return where the operation that is done now was written, in a graph or in the user's code."""
    known = standing.get()
    found = place_of(sys._getframe(1))  # noqa: SLF001 - there is no other way to walk the stack cheaply
    place = None if found is None else Place(*found)
    return Standing(place) if known is None else Standing(known.place or place, known.rounds)


@contextmanager
def placed(place: Place | None, round: str = "") -> Iterator[None]:
    """Within the block, operations stand at a place, in a step of a loop."""
    known = standing.get()
    rounds = () if known is None else known.rounds
    token = standing.set(Standing(place, (*rounds, round) if round else rounds))
    try:
        yield
    finally:
        standing.reset(token)


def is_loop(params: dict[str, Any]) -> bool:
    """Whether an operation with these parameters is a loop with a body of operations."""
    return isinstance(params.get("loop"), Loop | While)


def step_count(prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> int:
    """Return the number of steps of a loop; one under a condition is run for that, on plain values.

    Parameters
    ----------
    prim : Primitive
        "scan" or "while".
    xs : sequence of arrays
    params : dict

    Returns
    -------
    int
    """
    loop = params["loop"]
    if isinstance(loop, Loop):
        slices = loop.parts(xs)[2]
        return len(slices[0]) if slices else loop.length
    del prim
    values = [root(x) for x in xs]
    consts, carry = values[: loop.n_consts], list(values[loop.n_consts :])
    condition, step = loop.executors()
    steps = 0
    while bool(np.any(condition([*consts, *carry])[0][0])):
        carry = step.consume([*consts, *carry])
        steps += 1
    return steps


def unrolled(
    prim: Primitive,
    xs: Sequence[Any],
    params: dict[str, Any],
    steps: Steps = ALL,
    whole: Callable[[Primitive, Sequence[Any], dict[str, Any]], Any] = bind,
) -> tuple[Any, ...] | None:
    """Do what a loop, a branch or a call does, one operation after another.

    Parameters
    ----------
    prim : Primitive
    xs : sequence
        Operands, traced ones too.
    params : dict
    steps : Steps
        Of a loop, that are done one by one.
    whole : callable (prim, xs, params) -> results
        Does the steps between.

    Returns
    -------
    tuple or None
        The results; None for an operation that holds no graph.
    """
    if prim.name == "scan":
        return _scanned(xs, params["loop"], steps, whole)
    if prim.name == "while":
        return _repeated(prim, xs, params, steps, whole)
    if prim.name == "switch":
        graphs = params["graphs"]
        return tuple(_applied(graphs[min(max(int(root(xs[0])), 0), len(graphs) - 1)], xs[1:]))
    if prim.name == "call":
        return tuple(_applied(params["graph"], xs))
    return None


def _applied(graph: Graph, xs: Sequence[Any], round: str = "") -> list[Any]:
    """Apply a graph's operations, each at the place where it was written."""
    values: dict[Atom, Any] = dict(zip(graph.inputs, xs, strict=True))
    for node in graph.nodes:
        operands = [a.value if isinstance(a, Const) else values[a] for a in node.inputs]
        with placed(node.place, round):
            y = bind(node.prim, operands, node.params)
        values.update(zip(node.outputs, y if node.prim.multiple else (y,), strict=True))
    return [a.value if isinstance(a, Const) else values[a] for a in graph.outputs]


def _scanned(xs: Sequence[Any], loop: Loop, steps: Steps, whole: Callable[..., Any]) -> tuple[Any, ...]:
    consts, carry, slices = loop.parts(xs)
    n = len(slices[0]) if slices else loop.length
    first = min(steps.first, n)
    last = max(first, n - steps.last)
    pieces: list[list[Any]] = []
    for k in range(first):
        carry = _step(loop, k, n, consts, carry, slices, pieces)
    if last > first:
        part = slice(n - last, n - first) if loop.reverse else slice(first, last)
        shorter = replace(loop, length=last - first, checkpoint=None)
        ys = whole(scan_, [*consts, *carry, *[x[part] for x in slices]], {"loop": shorter})
        carry = list(ys[: loop.n_carry])
        pieces.append(list(ys[loop.n_carry :]))
    for k in range(last, n):
        carry = _step(loop, k, n, consts, carry, slices, pieces)
    return (*carry, *_joined(pieces, loop))


def _step(
    loop: Loop,
    k: int,
    n: int,
    consts: Sequence[Any],
    carry: Sequence[Any],
    slices: Sequence[Any],
    pieces: list[list[Any]],
) -> list[Any]:
    """Do step k of n; its results to be stacked go to `pieces`."""
    place = n - 1 - k if loop.reverse else k
    ys = _applied(loop.body, [*consts, *carry, *[x[place] for x in slices]], f"step {k + 1} of {n}")
    pieces.append([np.reshape(y, (1, *np.shape(y))) for y in ys[loop.n_carry :]])
    return ys[: loop.n_carry]


def _joined(pieces: list[list[Any]], loop: Loop) -> list[Any]:
    types = loop.body.out_types[loop.n_carry :]
    if not pieces:
        return [np.zeros((0, *t.shape), t.dtype) for t in types]
    ordered = pieces[::-1] if loop.reverse else pieces
    return [np.concatenate([piece[i] for piece in ordered]) for i in range(len(types))]


def _repeated(
    prim: Primitive, xs: Sequence[Any], params: dict[str, Any], steps: Steps, whole: Callable[..., Any]
) -> tuple[Any, ...]:
    """Do the steps of a loop under a condition: a loop of as many steps, which are counted first."""
    loop: While = params["loop"]
    n = step_count(prim, xs, params)
    counted = Loop(loop.body, loop.n_consts, len(xs) - loop.n_consts, n)
    return _scanned(xs, counted, steps, whole)

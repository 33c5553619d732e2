"""The ways to take one derivative, each as a call without arguments: what `compare` and `scaling` measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from wengert import tree
from wengert.api.gradients import grad
from wengert.api.jacobians import jacfwd, jacrev
from wengert.core.graph import Graph
from wengert.errors import WengertError
from wengert.explain.problem import Problem
from wengert.jit import jit
from wengert.methods import finite_difference
from wengert.methods.reference import graph_at

__all__ = ["DIFFERENCES", "Candidate", "candidates", "operations"]

# name: (kind of `finite_difference`, evaluations for n inputs, at least)
DIFFERENCES: dict[str, tuple[str, Callable[[int], int]]] = {
    "forward difference": ("forward", lambda n: n + 1),
    "central difference": ("central", lambda n: 2 * n),
    "five-point difference": ("five_point", lambda n: 4 * n),
    "Richardson": ("richardson", lambda n: 8 * n),
    "complex step": ("complex", lambda n: n),
}
_CHUNK_BYTES = 64 << 20  # of tangents or cotangents that are swept together


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to take a derivative.

    Attributes
    ----------
    name : str
    group : str
        by hand, differences, forward, reverse or compiled; what symbolic methods there are adds its own.
    call : callable
        Returns the derivative.
    matrix : callable
        From what `call` returns to the (m, n) Jacobian.
    cost : float
        A lower bound of its cost, in evaluations of the function.
    program : callable, optional
        Returns its graph, where it has one.
    arena : callable, optional
        Returns the bytes that its native code works in, if it has any.
    evaluations : callable, optional
        Returns how often a call evaluates the function, where it can say so itself.
    expression : callable, optional
        Returns the operations of its formula as it is written.
    missing : str
        Why it cannot be taken, if it cannot.
    note : str
        What else is to be said.
    """

    name: str
    group: str
    call: Callable[[], Any]
    matrix: Callable[[Any], Any]
    cost: float
    program: Callable[[], Graph] | None = None
    arena: Callable[[], int] | None = None
    evaluations: Callable[[], int] | None = None
    expression: Callable[[], int] | None = None
    missing: str = ""
    note: str = ""


def candidates(problem: Problem, manual: Callable[..., Any] | None = None) -> Iterator[Candidate]:
    """Yield the ways to take a derivative: by hand if given, differences, forward and reverse mode, compiled."""
    if manual is not None:
        by_hand = partial(problem.matrix, who="the derivative by hand")
        yield Candidate("by hand", "by hand", partial(manual, *problem.args), by_hand, 0)
    for name, (kind, evaluations) in DIFFERENCES.items():
        call = partial(_differences, problem, kind)
        yield Candidate(name, "differences", call, partial(_joined, problem), evaluations(problem.n))
    yield _swept(problem, "forward")
    yield _swept(problem, "reverse")
    yield _compiled(problem)


def operations(program: Callable[[], Graph] | None) -> int | None:
    """Return the arithmetic operations and elementary functions of a program, each one; None if it has no graph."""
    try:
        cost = None if program is None else program().cost()
    except (WengertError, TypeError, ValueError):
        return None
    return None if cost is None or cost.open_ended else cost.operations + cost.transcendental


# Differences ----------------------------------------------------------------------------------------------------------


def _differences(problem: Problem, kind: str) -> list[Any]:
    """Return the Jacobian by differences, for each array that is varied."""
    return [
        finite_difference.jacobian(partial(_varied, problem, i), x, kind=kind)
        for i, x in enumerate(problem.leaves)
    ]


def _varied(problem: Problem, i: int, x: Any) -> Any:
    leaves = list(problem.leaves)
    leaves[i] = x
    return problem.of_leaves(*leaves)


def _joined(problem: Problem, parts: list[Any]) -> Any:
    return np.concatenate([np.reshape(part, (problem.m, -1)) for part in parts], axis=1)


# Sweeps ---------------------------------------------------------------------------------------------------------------


def _swept(problem: Problem, mode: str) -> Candidate:
    derivative = _derivative(problem, mode)
    sweeps = problem.n if mode == "forward" else problem.m
    return Candidate(
        f"{mode} mode",
        mode,
        lambda: derivative(*problem.args),
        partial(problem.matrix, who=f"{mode} mode"),
        sweeps / 8,  # sweeps that go together cost less than an evaluation each
        lambda: _graph(problem, derivative),
    )


def _compiled(problem: Problem) -> Candidate:
    mode = "forward" if problem.n < problem.m else "reverse"
    derivative = _derivative(problem, mode)
    jitted = jit(derivative)
    return Candidate(
        f"{mode}, compiled",
        "compiled",
        lambda: jitted(*problem.args),
        partial(problem.matrix, who="compiled code"),
        min(problem.n, problem.m) / 64,
        lambda: jitted.graph(*problem.args),
        lambda: jitted.memory(*problem.args),
        partial(_stagings, jitted, problem.args),
    )


def _stagings(jitted: Any, args: tuple[Any, ...]) -> int:
    """Return how often a call runs the function itself: to stage it once more, or because it cannot be staged."""
    before = jitted.cache_info()
    jitted(*args)
    after = jitted.cache_info()
    return int(after.misses - before.misses + after.eager - before.eager)


def _derivative(problem: Problem, mode: str) -> Callable[..., Any]:
    """Return what a user would call: grad for one number, else a Jacobian, in pieces that fit into memory."""
    if mode == "reverse" and problem.m == 1:
        return grad(problem.fun, problem.argnums)
    each = 8 * max(problem.n, problem.m)
    sweeps = problem.n if mode == "forward" else problem.m
    chunk = max(1, _CHUNK_BYTES // each)
    jacobian = jacfwd if mode == "forward" else jacrev
    return jacobian(problem.fun, problem.argnums, chunk_size=chunk if chunk < sweeps else None)


def _graph(problem: Problem, derivative: Callable[..., Any]) -> Graph:
    """Return the graph of a derivative as a function of the arrays that are varied."""
    moved = Problem(derivative, problem.args, problem.argnums, problem.leaves, ())
    return graph_at(lambda *leaves: tree.flatten(moved.of_leaves(*leaves))[0], problem.leaves)

"""Execution of graphs by NumPy: one primitive after another, each value freed at its last use.

Guards are compared as soon as what they ask for is known. An operation that may write into its first operand does so
where nobody else holds that; a loop that fills an array then costs one entry per step.
"""

from __future__ import annotations

import sys
from operator import length_hint
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert.core.graph import Atom, Graph, Node, Var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wengert.transforms.staging import Guard

__all__ = ["Executor", "run"]


class _Step(NamedTuple):
    """One operation: where its operands lie, where its results go, and what is not needed afterwards."""

    eval: Callable[..., Any]
    overwrite: Callable[..., Any] | None
    ins: tuple[int, ...]
    params: dict[str, Any]
    outs: tuple[int, ...]
    multiple: bool
    dead: tuple[int, ...]
    guards: tuple[tuple[int, Guard], ...]
    node: Node


class Executor:
    """A graph made ready to run.

    Parameters
    ----------
    graph : Graph
    guards : sequence of Guard
        On the atoms of the graph's last outputs, in order; these are compared, not returned.
    donated : sequence of Var
        Inputs that may be written into where nobody else holds them.
    """

    __slots__ = ("_guards_at_start", "_n_inputs", "_outs", "_parts", "_template")

    def __init__(self, graph: Graph, guards: Sequence[Guard] = (), donated: Sequence[Var] = ()) -> None:
        slots: dict[Atom, int] = {}
        for atom in [*graph.atoms(), *graph.constants()]:
            slots.setdefault(atom, len(slots))
        self._n_inputs = len(graph.inputs)
        self._template = [None] * len(slots)
        for const in graph.constants():
            self._template[slots[const]] = const.value
        n = len(graph.outputs) - len(guards)
        self._outs = tuple([slots[a] for a in graph.outputs[:n]])
        watched = _guards_by_step(graph, graph.outputs[n:], guards, slots)
        self._guards_at_start = watched.get(-1, ())
        self._parts = _parts(graph, slots, watched, set(graph.inputs).difference(donated))

    def __call__(self, xs: Sequence[Any]) -> tuple[list[Any] | None, list[Any]]:
        """Return the results, None where a guard saw another answer, and the answers of all guards until then."""
        values = self._template.copy()
        values[: self._n_inputs] = xs
        return self._run(values)

    def consume(self, xs: list[Any]) -> list[Any]:
        """Return the results of a graph without guards for operands that are given away: the list is emptied."""
        values = self._template.copy()
        values[: self._n_inputs] = xs
        xs.clear()
        return self._run(values)[0]  # type: ignore[return-value]

    def _run(self, values: list[Any]) -> tuple[list[Any] | None, list[Any]]:
        answers: list[Any] = []
        if not _hold(self._guards_at_start, values, answers):
            return None, answers
        for steps, quiet in self._parts:
            ahead = iter(steps)
            try:
                if quiet:
                    with np.errstate(all="ignore"):
                        done = _advance(ahead, values, answers)
                else:
                    done = _advance(ahead, values, answers)
            except Exception as error:
                _tell_place(error, steps[-1 - length_hint(ahead)].node)
                raise
            if not done:
                return None, answers
        return [values[i] for i in self._outs], answers


def _tell_place(error: Exception, node: Node) -> None:
    """Note on an error which operation raised it, and where the user wrote that; of graphs in one another, each."""
    if node.place is not None:
        error.add_note(f"in {node.prim.name}, at {node.place}")


def _hold(guards: Sequence[tuple[int, Guard]], values: list[Any], answers: list[Any]) -> bool:
    for slot, guard in guards:
        seen = guard.seen(values[slot])
        answers.append(seen)
        if seen != guard.expected:
            return False
    return True


def _advance(steps: Iterator[_Step], values: list[Any], answers: list[Any]) -> bool:
    """Do steps; say whether all guards held."""
    for eval, overwrite, ins, params, outs, multiple, dead, guards, _ in steps:
        xs = [values[i] for i in ins]
        if overwrite is not None:
            x = xs[0]
            values[ins[0]] = None
            # held by the list of operands, the name and the call
            alone = type(x) is np.ndarray and sys.getrefcount(x) <= 3 and x.base is None and x.flags.writeable
            y = overwrite(*xs, **params) if alone else eval(*xs, **params)
            x = None
        else:
            y = eval(*xs, **params) if params else eval(*xs)
        xs = None  # type: ignore[assignment]
        if multiple:
            for i, v in zip(outs, y, strict=True):
                values[i] = v
        else:
            values[outs[0]] = y
        y = None
        if guards and not _hold(guards, values, answers):
            return False
        for i in dead:
            values[i] = None
    return True


def _guards_by_step(
    graph: Graph, atoms: Sequence[Atom], guards: Sequence[Guard], slots: dict[Atom, int]
) -> dict[int, list[tuple[int, Guard]]]:
    """Return which guards are compared after which step: in their order, each as soon as its value is there."""
    made = {var: k for k, node in enumerate(graph.nodes) for var in node.outputs}
    latest = -1
    watched: dict[int, list[tuple[int, Guard]]] = {}
    for atom, guard in zip(atoms, guards, strict=True):
        latest = max(latest, made.get(atom, -1))  # type: ignore[call-overload]
        watched.setdefault(latest, []).append((slots[atom], guard))
    return watched


def _last_uses(
    graph: Graph, slots: dict[Atom, int], watched: dict[int, list[tuple[int, Guard]]]
) -> list[list[int]]:
    """Return, for each node, the places that nobody reads after it."""
    n = len(graph.outputs) - sum(map(len, watched.values()))
    kept = {slots[a] for a in graph.outputs[:n]} | {slots[c] for c in graph.constants()}
    seen: set[int] = set(kept)
    dead: list[list[int]] = []
    for k in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[k]
        touched = [slots[a] for a in (*node.inputs, *node.outputs)] + [slot for slot, _ in watched.get(k, ())]
        last = [i for i in dict.fromkeys(touched) if i not in seen]
        seen.update(last)
        dead.append(last)
    return dead[::-1]


def _parts(
    graph: Graph, slots: dict[Atom, int], watched: dict[int, list[tuple[int, Guard]]], foreign: set[Var]
) -> list[tuple[list[_Step], bool]]:
    """Return the steps in stretches that warn, and stretches that do not."""
    parts: list[tuple[list[_Step], bool]] = []
    for k, (node, dead) in enumerate(zip(graph.nodes, _last_uses(graph, slots, watched), strict=True)):
        first = node.inputs[0] if node.inputs else None
        ours = (
            isinstance(first, Var)
            and first not in foreign
            and slots[first] in dead
            and node.inputs.count(first) == 1
        )
        ins = tuple([slots[a] for a in node.inputs])
        outs = tuple([slots[a] for a in node.outputs])
        step = _Step(
            node.prim.eval,
            node.prim.overwrite if ours else None,
            ins,
            node.params,
            outs,
            node.prim.multiple,
            tuple(dead),
            tuple(watched.get(k, ())),
            node,
        )
        if not parts or parts[-1][1] != node.quiet:
            parts.append(([], node.quiet))
        parts[-1][0].append(step)
    return parts


def run(graph: Graph, xs: Sequence[Any]) -> list[Any]:
    """Return the results of a graph on plain operands."""
    executor = graph.derived.get("executor")
    if executor is None:
        executor = graph.derived["executor"] = Executor(graph)
    ys, _ = executor(xs)
    return ys  # type: ignore[return-value]

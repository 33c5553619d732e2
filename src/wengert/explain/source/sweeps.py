"""The derivative of a staged function as one graph, with notes on what its operations are.

    reverse   the operations, then their `vjp` rules from the last to the first: value and gradient
    forward   the operations by their `jvp` rules: value and tangent, of tangents that are inputs

These are the rules of every other derivative; only the names are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.dispatch import NO_PARAMS, bind
from wengert.core.graph import Atom, Const, Graph, Node, Place, Var
from wengert.core.primitive import LazyScatter, Site
from wengert.errors import NotDifferentiableError, RuleMissingError
from wengert.explain.source.naming import user_names
from wengert.explain.source.primal import Primal
from wengert.ops.indexing import scatter
from wengert.transforms.simplify import REWRITES, simplify
from wengert.transforms.staging import Stage

__all__ = ["Note", "Program", "forward_program", "reverse_program"]

_PRESENT = Site(0, None, NO_PARAMS, (), None, None, ())  # a parent: the rule computes its cotangent

# Rules of simplification that make faster programs, and less readable ones.
_OBSCURE = frozenset({"_square", "_complex_square", "_sum_of_products"})


class Note(Place):
    """The place of an operation, and what it does in a derivative; simplification hands it on.

    Attributes
    ----------
    names : tuple of str
        What its results may be called; empty without a wish.
    step : int
        Which operation of the function it belongs to, counted from 0.
    part : str
        "value", "bar" or "dot".
    """

    names: tuple[str, ...]
    step: int
    part: str

    @classmethod
    def of(cls, place: Place | None, step: int, part: str) -> Note:
        """Return the note of an operation at a place."""
        note = cls(*(place or ("", 0, "")))
        note.names, note.step, note.part = (), step, part
        return note


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """A derivative as a graph.

    Attributes
    ----------
    primal : Primal
    graph : Graph
        Outputs: the results, their derivatives, what the guards look at.
    names : dict
        Of the inputs.
    mode : str
    """

    primal: Primal
    graph: Graph
    names: dict[Atom, str]
    mode: str

    @property
    def n_results(self) -> int:
        """How many outputs are results of the function."""
        return self.primal.n_results

    @property
    def derivatives(self) -> tuple[Atom, ...]:
        """Cotangents of the inputs that are differentiated, or tangents of the results."""
        n = len(self.graph.outputs) - len(self.primal.guards)
        return self.graph.outputs[self.n_results : n]

    def wishes(self) -> list[str]:
        """Return the names that operations may get."""
        return [name for node in self.graph.nodes for name in node.place.names]  # type: ignore[union-attr]

    @property
    def guarded(self) -> tuple[Atom, ...]:
        """What the guards look at."""
        return self.graph.outputs[len(self.graph.outputs) - len(self.primal.guards) :]


class _Writer:
    """A graph that is being written, whose operations get notes."""

    def __init__(self, primal: Primal, stage: Stage) -> None:
        self.primal, self.stage = primal, stage
        self.names = user_names(primal)
        self.values: dict[Atom, Any] = {a: stage.lift(a.type, scalar=a.scalar) for a in primal.graph.inputs}
        self._wishes: dict[Var, str] = {}
        self._noted = 0
        for a, tracer in self.values.items():
            self.wish(a, tracer)

    def value(self, a: Atom) -> Any:
        """Return an operand."""
        return a.value if isinstance(a, Const) else self.values[a]

    def operands(self, node: Node) -> list[Any]:
        """Return the operands of an operation of the function."""
        return [self.value(a) for a in node.inputs]

    def define(self, node: Node, y: Any) -> None:
        """Set the results of an operation."""
        for a, v in zip(node.outputs, y if node.prim.multiple else (y,), strict=True):
            self.values[a] = v
            self.wish(a, v)

    def wish(self, a: Atom, v: Any, part: str = "") -> None:
        """Let a value be called as the function calls it, or its derivative after it; the first wish counts."""
        var, name = getattr(v, "value", None), self.names.get(a, "")
        if name and isinstance(var, Var):
            self._wishes.setdefault(var, f"{name}_{part}" if part else name)

    def note(self, step: int, part: str) -> None:
        """Note what has been written since the last note."""
        node = self.primal.graph.nodes[step] if step >= 0 else None
        for made in self.stage.nodes[self._noted :]:
            made.place = Note.of(None if node is None else node.place, step, part)
        self._noted = len(self.stage.nodes)

    def finish(self, derivatives: Sequence[Any]) -> Graph:
        """Return the graph in its simplest readable form."""
        values = [self.value(a) for a in self.primal.graph.outputs]
        n = self.primal.n_results
        graph = self.stage.graph([*values[:n], *derivatives, *values[n:]], self.primal.graph.name)
        for node in graph.nodes:
            node.place.names = tuple([self._wishes.get(y, "") for y in node.outputs])  # type: ignore[union-attr]
        rules = [rewrite for rewrite in REWRITES if rewrite.rule.__name__ not in _OBSCURE]
        decisive = graph.outputs[len(graph.outputs) - len(self.primal.guards) :]
        return simplify(graph, rewrites=rules, decisive=decisive)

    def input_names(self) -> dict[Atom, str]:
        """Return the names of the inputs of the graph."""
        return {var: self._wishes[var] for var in self.stage.inputs}


def _moving(primal: Primal) -> set[Atom]:
    """Return what depends on the inputs that are differentiated, by operations that have a derivative."""
    found: set[Atom] = {a for a, x in zip(primal.graph.inputs, primal.operands, strict=True) if x.wanted}
    for node in primal.graph.nodes:
        if node.prim.differentiable and any(a in found for a in node.inputs):
            found.update(y for y in node.outputs if y.dtype.kind in "fc")
    return found


def _rule(node: Node, name: str) -> Any:
    rule = getattr(node.prim, name)
    if rule is None:
        raise RuleMissingError(
            f"primitive {node.prim.name!r} has no {name} rule",
            why="its derivative is needed.",
            instead=f"give its record a {name} rule, or choose the other mode.",
        )
    return rule


# Reverse --------------------------------------------------------------------------------------------------------------


def reverse_program(primal: Primal) -> Program:
    """Return the graph of value and gradient."""
    _require_one_number(primal)
    moving = _moving(primal)
    with Stage() as stage:
        writer = _Writer(primal, stage)
        saved = _values(writer, moving)
        bars = _sweep(writer, moving, saved)
        gradients = [
            _zeros(a) if bars.get(a) is None else bars[a]
            for a, x in zip(primal.graph.inputs, primal.operands, strict=True)
            if x.wanted
        ]
        graph = writer.finish(gradients)
    return Program(primal, graph, writer.input_names(), "reverse")


def _values(writer: _Writer, moving: set[Atom]) -> dict[int, Any]:
    """Write the operations of the function; return what their `vjp` rules want, by operation."""
    saved: dict[int, Any] = {}
    for k, node in enumerate(writer.primal.graph.nodes):
        xs = writer.operands(node)
        with np.errstate(all="ignore" if node.quiet else "warn"):
            if node.prim.save is not None and any(y in moving for y in node.outputs):
                y, saved[k] = node.prim.save(*xs, **node.params)
            else:
                y = bind(node.prim, xs, node.params)
        writer.define(node, y)
        writer.note(k, "value")
    return saved


def _sweep(writer: _Writer, moving: set[Atom], saved: dict[int, Any]) -> dict[Atom, Any]:
    """Write the reverse sweep; return the cotangents of the inputs."""
    graph = writer.primal.graph
    bars: dict[Atom, Any] = {}
    last = graph.outputs[0]
    if last in moving:
        bars[last] = np.ones(last.shape, last.dtype)[()]
    with np.errstate(all="ignore"):
        for k in range(len(graph.nodes) - 1, -1, -1):
            node = graph.nodes[k]
            if any(bars.get(a) is not None for a in node.outputs) and node.prim.differentiable:
                _pull(writer, k, moving, saved.get(k), bars)
        for x in graph.inputs:
            bars[x] = _total(bars.get(x), x)
            writer.wish(x, bars[x], "bar")
            writer.note(-1, "bar")
    return bars


def _pull(writer: _Writer, k: int, moving: set[Atom], saved: Any, bars: dict[Atom, Any]) -> None:
    """Write the rule of one operation, and add what its operands receive."""
    node = writer.primal.graph.nodes[k]
    y_bars = tuple([_total(bars.pop(a, None), a) for a in node.outputs])
    for result, y_bar in zip(node.outputs, y_bars, strict=True):
        writer.wish(result, y_bar, "bar")
    ys = tuple([writer.values[a] for a in node.outputs])
    parents = tuple([_PRESENT if a in moving else None for a in node.inputs])
    y = ys if node.prim.multiple else ys[0]
    site = Site(0, node.prim, node.params, tuple(writer.operands(node)), y, saved, parents)
    x_bars = _rule(node, "vjp")(y_bars if node.prim.multiple else y_bars[0], site, **node.params)
    for a, x_bar in zip(node.inputs, x_bars, strict=True):
        if a in moving and x_bar is not None:
            bars[a] = _added(bars.get(a), x_bar)
            writer.wish(a, bars[a], "bar")
    writer.note(k, "bar")


def _added(held: Any, x_bar: Any) -> Any:
    """Return the sum of contributions, or a list of them where some are only read at an index."""
    if held is None:
        return x_bar
    if isinstance(held, list):
        return [*held, x_bar]
    if isinstance(held, LazyScatter) or isinstance(x_bar, LazyScatter):
        return [held, x_bar]
    return held + x_bar


def _total(held: Any, a: Atom) -> Any:
    """Return a cotangent as an array: what reads at indices receive is added into one buffer."""
    if isinstance(held, LazyScatter):
        held = [held]
    if not isinstance(held, list):
        return held
    pieces = [part for part in held if isinstance(part, LazyScatter)]
    total = scatter(
        *[part.piece for part in pieces],
        indices=tuple([part.index for part in pieces]),
        shape=a.shape,
        dtype=a.dtype,
    )
    return sum([part for part in held if not isinstance(part, LazyScatter)], total)


def _zeros(a: Atom) -> Any:
    return np.zeros(a.shape, a.dtype)[()]


def _require_one_number(primal: Primal) -> None:
    types = primal.graph.out_types[: primal.n_results]
    if len(types) == 1 and not types[0].shape and types[0].dtype.kind == "f":
        return
    found = ", ".join(map(str, types)) or "nothing"
    raise NotDifferentiableError(
        f"derivative_source: {primal.graph.name} returned {found}, not one real number",
        why="a gradient is the derivative of one real number.",
        instead='return one number, for instance a sum, or mode="forward".',
    )


# Forward --------------------------------------------------------------------------------------------------------------


def forward_program(primal: Primal) -> Program:
    """Return the graph of values and tangents."""
    with Stage() as stage:
        writer = _Writer(primal, stage)
        dots: dict[Atom, Any] = {}
        for a, x in zip(primal.graph.inputs, primal.operands, strict=True):
            if x.wanted:
                dots[a] = stage.lift(a.type, scalar=a.scalar)
                writer.wish(a, dots[a], "dot")
        for k, node in enumerate(primal.graph.nodes):
            _push(writer, node, dots)
            writer.note(k, "dot" if any(dots.get(y) is not None for y in node.outputs) else "value")
        results = primal.graph.outputs[: primal.n_results]
        graph = writer.finish([_zeros(y) if dots.get(y) is None else dots[y] for y in results])
    return Program(primal, graph, writer.input_names(), "forward")


def _push(writer: _Writer, node: Node, dots: dict[Atom, Any]) -> None:
    """Write an operation and its tangent."""
    xs = writer.operands(node)
    x_dots = [dots.get(a) for a in node.inputs]
    if not node.prim.differentiable or all(x_dot is None for x_dot in x_dots):
        with np.errstate(all="ignore" if node.quiet else "warn"):
            writer.define(node, bind(node.prim, xs, node.params))
        return
    y, y_dot = _rule(node, "jvp")(xs, x_dots, **node.params)
    writer.define(node, y)
    y_dots = y_dot if node.prim.multiple and y_dot is not None else (y_dot,) * len(node.outputs)
    for a, dot in zip(node.outputs, y_dots, strict=True):
        dots[a] = dot
        writer.wish(a, dot, "dot")

"""A graph and its sweep as a picture: a card for each value, a link for each operand, a box for each nested graph.

Constants are no cards: they stand in the expressions that take them. Values inside a loop or branch are called u₁,
u₂, ..., those of one inside that w₁, w₂, ...
"""

from __future__ import annotations

import linecache
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.graph import Const
from wengert.explain.drawing.labels import line_of, raised, scalar, trimmed
from wengert.explain.drawing.observing import Call
from wengert.explain.drawing.picture import Box, Card, Link, Picture
from wengert.explain.drawing.sweeping import Nested, Sweep, nested_graphs
from wengert.explain.formulas import adjoint_term, expression, tangent_sum, value_name
from wengert.explain.recording import Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wengert.core.atoms import Atom
    from wengert.core.graph import Graph, Node
    from wengert.explain.drawing.observing import Observed

__all__ = ["pictured"]

_TITLE = 40  # letters
_ENTRIES = 200  # of arrays are written out for the page


def pictured(observed: Observed, sweep: Sweep | None, derivative: str | None) -> Picture:
    """Return the picture of a graph, with values where it was run.

    Parameters
    ----------
    observed : Observed
    sweep : Sweep or None
    derivative : "forward", "reverse" or None

    Returns
    -------
    Picture
    """
    maker = _Maker(derivative, observed.calls)
    root = Box(maker.fresh(), "graph", observed.graph.name)
    scene = _Scene(observed.graph, sweep, 0, derivative)
    titles = [
        f"{scene.name(a)} = {name}" for a, name in zip(observed.graph.inputs, observed.names, strict=True)
    ]
    for a, title, name in zip(observed.graph.inputs, titles, observed.names, strict=True):
        root.children.append(maker.card(scene, a, "input", title, argument=name.partition("[")[0]))
    maker.operations(scene, root)
    for y, name in zip(observed.graph.outputs, observed.results, strict=True):
        if isinstance(y, Const):
            root.children.append(Card(maker.fresh(), "constant", name, line_of(y.value), tag=name))
        else:
            card = scene.cards[y]
            card.tag = f"{card.tag}, {name}" if card.tag else name
    return Picture(root, maker.links, derivative)


@dataclass(eq=False, slots=True)
class _Scene:
    """One graph on the way to a picture: its atoms' numbers and cards."""

    graph: Graph
    sweep: Sweep | None
    depth: int
    derivative: str | None
    numbers: dict[Atom, int] = field(default_factory=dict)
    cards: dict[Atom, Card] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers = {a: i for i, a in enumerate(self.graph.atoms())}

    def name(self, atom: Atom, mark: str = "") -> str:
        """Return what a value, its tangent ("dot") or its adjoint ("bar") is called."""
        return raised(value_name(self.numbers[atom] - len(self.graph.inputs) + 1, mark), self.depth)

    def operation(self, node: Node) -> Operation:
        """Return how a node was computed; without values, with zeros in their place."""
        if self.sweep is not None:
            return self.sweep.operations[node]
        xs = tuple([a.value if isinstance(a, Const) else _zeros(a) for a in node.inputs])
        operands = tuple([None if isinstance(a, Const) else self.numbers[a] for a in node.inputs])
        results = tuple([self.numbers[a] for a in node.outputs])
        return Operation(node.prim, node.params, xs, _zeros(node.outputs[0]), None, operands, results)

    def value(self, atom: Atom) -> Any:
        """Return a value, None where it is unknown."""
        return None if self.sweep is None else self.sweep.values[atom]

    def moved(self, atom: Atom) -> Any:
        """Return a value's tangent or adjoint, None where it has none."""
        if self.sweep is None or self.derivative is None:
            return None
        return (self.sweep.dots if self.derivative == "forward" else self.sweep.bars).get(atom)


@dataclass(eq=False, slots=True)
class _Maker:
    """Numbers cards and boxes, and collects links."""

    derivative: str | None
    calls: dict[Node, tuple[Call, ...]]
    links: list[Link] = field(default_factory=list)
    made: int = 0

    def fresh(self) -> int:
        """Return the next number."""
        self.made += 1
        return self.made - 1

    def card(
        self, scene: _Scene, atom: Atom, kind: str, title: str, node: Node | None = None, **facts: Any
    ) -> Card:
        """Make the card of a value."""
        value, moved = scene.value(atom), scene.moved(atom)
        card = Card(self.fresh(), kind, trimmed(title, _TITLE), active=moved is not None)
        card.value = str(atom.type) if value is None else line_of(value)
        card.facts = {"name": scene.name(atom), "title": title, "type": str(atom.type), **facts}
        if value is not None:
            card.facts["value"] = _precise(value)
        if moved is not None:
            mark = scene.name(atom, "dot" if self.derivative == "forward" else "bar")
            card.derivative = f"{mark} = {line_of(moved, shaped=False)}".replace("= norm", "norm")
            card.facts["derivative"] = _precise(moved)
            card.facts["derivative name"] = mark
        if node is not None:
            card.calls = self.calls_of(node)
            card.facts |= _source(card.calls)
        scene.cards[atom] = card
        return card

    def calls_of(self, node: Node) -> tuple[Call, ...]:
        """Return the user's calls that a node was made in."""
        if node.place is None:
            return self.calls.get(node, ())
        return self.calls.get(node, (Call(0, node.place.function, node.place.file, node.place.line),))

    def operations(self, scene: _Scene, box: Box) -> None:
        """Put the nodes of a graph into a box."""
        for node in scene.graph.nodes:
            nested = nested_graphs(node)
            if nested:
                ran = [] if scene.sweep is None else scene.sweep.nested.get(node, [])
                box.children.append(self.holder(scene, node, ran or nested))
            else:
                box.children += self.operation(scene, node)

    def operation(self, scene: _Scene, node: Node) -> list[Card]:
        """Return the cards of an operation's results."""
        operation, n = scene.operation(node), len(scene.graph.inputs)
        cards = []
        for item, atom in enumerate(node.outputs):
            text = _expression(node, operation, n, item, scene.depth)
            facts = {"expression": text, "operation": node.prim.name, "doc": node.prim.doc}
            if self.derivative == "forward" and scene.sweep is not None:
                formula = tangent_sum(operation, n, item, scene.sweep.active)
                facts["formula"] = raised(formula, scene.depth)
            cards.append(self.card(scene, atom, "operation", f"{scene.name(atom)} = {text}", node, **facts))
        for position, a in enumerate(node.inputs):
            if not isinstance(a, Const):
                for card in cards:
                    self.link(scene, node, operation, position, scene.cards[a], card)
        return cards

    def link(
        self,
        scene: _Scene,
        node: Node,
        operation: Operation,
        position: int,
        source: Card,
        target: Card,
        *,
        ran: bool = True,
    ) -> None:
        """Add the use of an operand, with what its adjoint receives."""
        link = Link(source.id, target.id)
        sweep = scene.sweep
        if sweep is not None and self.derivative == "forward":
            link.active = source.active and target.active
        amount = None if sweep is None or not ran else sweep.amounts.get((node, position))
        if amount is not None:
            link.active, link.label = True, scalar(amount)
            link.facts = {"amount": _precise(amount)}
            if not nested_graphs(node):
                term = adjoint_term(operation, len(scene.graph.inputs), position)
                link.facts["term"] = raised(term, scene.depth)
        self.links.append(link)

    # Nested graphs

    def holder(self, scene: _Scene, node: Node, nested: Sequence[Nested]) -> Box:
        """Return the box of a loop, choice or call: what comes in, what is inside, what comes out."""
        kind = nested[0].kind
        calls = self.calls_of(node)
        box = Box(self.fresh(), kind, nested[0].title, calls=calls, source=_source(calls).get("source", ""))
        if kind == "branch":
            box.title = f"one of {len(nested)} branches"
            self.index(scene, node, box)
        inner = []
        for held in nested:
            inside = box if len(nested) == 1 else Box(self.fresh(), kind, held.title)
            if inside is not box:
                box.children.append(inside)
            inner.append((held, self.inside(scene, node, held, inside)))
        self.results(scene, node, inner, box)
        return box

    def index(self, scene: _Scene, node: Node, box: Box) -> None:
        """Add what a choice goes by."""
        a = node.inputs[0]
        known = a.value if isinstance(a, Const) else scene.value(a)
        shown = f"index {scene.name(a)}" if not isinstance(a, Const) else "index"
        card = Card(self.fresh(), "input", shown, "" if known is None else line_of(known))
        box.children.append(card)
        if not isinstance(a, Const):
            self.links.append(Link(scene.cards[a].id, card.id))

    def inside(self, scene: _Scene, node: Node, held: Nested, box: Box) -> _Scene:
        """Put a nested graph into its box; its inputs are cards of their own."""
        inner = _Scene(held.graph, held.sweep, scene.depth + 1, self.derivative)
        operation = scene.operation(node)
        for a, position, role in zip(held.graph.inputs, held.operands, held.roles, strict=True):
            outer = node.inputs[position]
            given = line_of(outer.value) if isinstance(outer, Const) else scene.name(outer)
            origin = {"carry": f"carry, first {given}", "slice": f"slice of {given}"}.get(role, given)
            card = self.card(inner, a, "input", f"{inner.name(a)} = {origin}", expression=origin)
            box.children.append(card)
            if not isinstance(outer, Const):
                self.link(
                    scene, node, operation, position, scene.cards[outer], card, ran=held.sweep is not None
                )
        self.operations(inner, box)
        return inner

    def results(self, scene: _Scene, node: Node, inner: Sequence[tuple[Nested, _Scene]], box: Box) -> None:
        """Add the results of a nested graph: the last carry, stacked slices, or what a branch returns."""
        carried = inner[0][0].roles.count("carry")
        for place, atom in enumerate(node.outputs):
            names = [_inner_name(made, held, place) for held, made in inner]
            if inner[0][0].kind == "loop":
                text = f"last {names[0]}" if place < carried else f"all {names[0]}"
            else:
                text = " or ".join(names)
            card = self.card(scene, atom, "result", f"{scene.name(atom)} = {text}", node, expression=text)
            box.children.append(card)
            for held, made in inner:
                source = held.graph.outputs[place]
                if not isinstance(source, Const):
                    link = Link(made.cards[source].id, card.id)
                    link.active = card.active and made.cards[source].active
                    self.links.append(link)


# Text ---------------------------------------------------------------------------------------------------------------


def _inner_name(scene: _Scene, held: Nested, place: int) -> str:
    a = held.graph.outputs[place]
    return line_of(a.value) if isinstance(a, Const) else scene.name(a)


def _expression(node: Node, operation: Operation, inputs: int, item: int, depth: int) -> str:
    """Return what a node computes, short enough to be read."""
    call = node.params.get("call")
    name = getattr(getattr(call, "rules", None), "name", None) or getattr(
        getattr(call, "function", None), "__name__", None
    )
    if name is not None:  # a function with rules of the user's own, or one of NumPy's without derivative
        operands = [value_name(i - inputs + 1) for i in operation.operands if i is not None]
        return raised(f"{name}({', '.join(operands)})", depth)
    return raised(expression(operation, inputs, item), depth)


def _precise(x: Any) -> str:
    """Return a number with all its digits, an array with fewer; of a large one the corners."""
    x = np.asarray(x)
    if x.ndim == 0:
        return str(x[()]).strip("()")
    return np.array2string(x, separator=", ", threshold=_ENTRIES, edgeitems=2, precision=6, max_line_width=38)


def _source(calls: Sequence[Call]) -> dict[str, str]:
    if not calls:
        return {}
    call = calls[-1]
    line = linecache.getline(call.file, call.line).strip()
    return {"source": f"{PurePath(call.file).name}:{call.line}", "function": call.function, "code": line}


def _zeros(atom: Atom) -> Any:
    return np.broadcast_to(np.zeros((), atom.dtype), atom.shape)[()]

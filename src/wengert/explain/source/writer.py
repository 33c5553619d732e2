"""Graphs as statements of Python: one for each operation, loops as loops, branches as branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wengert.control.custom import custom_eval
from wengert.core.graph import Atom, Const, Graph, Node, Place
from wengert.errors import RefusedError, WengertError
from wengert.explain.source.literals import Constants, number_text
from wengert.explain.source.naming import Names, assigned_names, source_line
from wengert.explain.source.scope import Scope
from wengert.explain.source.spelling import Operand, Speller, counts
from wengert.explain.source.sweeps import Note
from wengert.explain.source.transplant import Transplants
from wengert.transforms.staging import stage

__all__ = ["Statements"]

_WIDTH = 100


class Statements:
    """The statements of a function that is being written.

    Parameters
    ----------
    known : dict
        Names of arrays of the user's, by type and contents.
    guarded : bool
        Whether products leave out zeros times infinity.
    """

    def __init__(self, known: dict[Any, str], *, guarded: bool = True) -> None:
        self.names = Names()
        self.guarded = guarded
        self.constants = Constants(self.names.fresh, known)
        self.transplants = Transplants(self.names.fresh, self.constants.text)
        self.speller = Speller(self.constants, self.transplants, guarded=guarded)
        self.lines: list[str] = []
        self.kept: dict[Any, Any] = {}  # what a loop has kept for its reversal, by loop and operands
        self.watched: dict[Atom, Callable[[Operand], None]] = {}  # what is said of a value once it is there
        self._indent = 1
        self._counters: list[str] = []
        self._depth = 0
        self._steps: dict[int, str] = {}  # the statement of each operation of the function
        self._said: dict[str, Any] = {}  # what the last comments said

    # Lines

    def line(self, text: str = "", comment: str = "") -> None:
        """Write a line."""
        whole = "    " * self._indent + text if text else ""
        short = comment and len(whole) + len(comment) + 4 <= 110
        self.lines.append(f"{whole}  # {comment}" if short else whole)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write what follows inside of a compound statement."""
        self.line(head)
        self._indent += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self._indent -= 1

    @contextmanager
    def aside(self) -> Iterator[list[str]]:
        """Write what follows into a list, to be placed later."""
        outer, self.lines = self.lines, []
        try:
            yield self.lines
        finally:
            self.lines = outer

    @contextmanager
    def counter(self) -> Iterator[str]:
        """Name the index of a loop: loops behind one another share it."""
        if self._depth == len(self._counters):
            self._counters.append(self.names.fresh("kjinm"[min(self._depth, 4)]))
        self._depth += 1
        yield self._counters[self._depth - 1]
        self._depth -= 1

    # Graphs

    def graph(
        self,
        graph: Graph,
        operands: Sequence[Operand],
        owned: Sequence[Atom] = (),
        wishes: dict[Atom, str] | None = None,
    ) -> Scope:
        """Write the operations of a graph; return where its values are."""
        scope = Scope(graph, operands, owned)
        wishes = assigned_names(graph.nodes) if wishes is None else wishes
        for k, node in enumerate(graph.nodes):
            if not scope.live.reads(node):
                continue
            self._node(scope, k, node, wishes)
            for y in node.outputs:
                if y in self.watched:
                    self.watched[y](scope.values[y])
        return scope

    def operand(self, scope: Scope, atom: Atom) -> Operand:
        """Return what stands for a value."""
        if not isinstance(atom, Const):
            return scope.values.get(atom) or Operand("None", atom.dtype, atom.shape)  # that nobody reads
        if atom.shape or atom.dtype.kind not in "biufc":
            return Operand(self.constants.text(atom.value), atom.dtype, atom.shape)
        value = np.asarray(atom.value)[()]
        return Operand(number_text(value), atom.dtype, (), value)

    def results(self, scope: Scope) -> list[Operand]:
        """Return what stands for the outputs of a graph."""
        return [self.operand(scope, a) for a in scope.graph.outputs]

    def name(self, scope: Scope, k: int, wish: str) -> str:
        """Return the name of a result of operation k; what only a rule needs is called t1, t2, ..."""
        place = scope.graph.nodes[k].place
        if wish and scope.may_take(wish, k):
            return wish
        return self.names.fresh(wish, "t" if isinstance(place, Note) and place.part != "value" else "v")

    def _node(self, scope: Scope, k: int, node: Node, wishes: dict[Atom, str]) -> None:
        xs = [self.operand(scope, a) for a in node.inputs]
        noted = node.place.names if isinstance(node.place, Note) else ()
        wished = [
            name or wishes.get(y, "")
            for name, y in zip(noted or [""] * len(node.outputs), node.outputs, strict=True)
        ]
        self._comment(node.place)
        special = STATEMENTS.get(node.prim.name)
        if special is not None:
            scope.define(k, node, special(self, scope, k, node, xs, wished))
            return
        expression = self.speller.expression(node, xs)
        counted = counts(node, xs)
        ys = [
            Operand(self.name(scope, k, wish), y.dtype, y.shape, counts=counted)
            for wish, y in zip(wished, node.outputs, strict=True)
        ]
        targets = ", ".join([y.text for y in ys]) + ("," if node.prim.multiple and len(ys) == 1 else "")
        self.statement(node, f"{targets} = {expression}")
        scope.define(k, node, ys)

    # Comments

    def statement(self, node: Node, text: str) -> None:
        """Write the statement of an operation; in a sweep, say once which operation of the function it belongs to."""
        note, comment = node.place, ""
        if isinstance(note, Note) and self._indent == 1:
            if note.part == "value":
                self._steps[note.step] = text
            elif note.part == "bar" and note.step >= 0 and self._said.get("step") != note.step:
                self._said["step"] = note.step
                comment = self._steps.get(note.step, "")
        self.line(text, comment)

    def _comment(self, place: Place | None) -> None:
        """Say which line of the function the next statements compute."""
        if not isinstance(place, Note) or place.part == "bar":
            return
        here = place.file, place.line
        if self._said.get("line") != here and place.file:
            self._said["line"] = here
            text = source_line(place)
            if text:
                self.line(f"# {text if len(text) <= _WIDTH else text[: _WIDTH - 1] + '…'}")


Special = Callable[[Statements, Scope, int, Node, Sequence[Operand], Sequence[str]], list[Operand]]
STATEMENTS: dict[str, Special] = {}


def _inlined(writer: Statements, graph: Graph, xs: Sequence[Operand]) -> list[Operand]:
    return writer.results(writer.graph(graph, xs))


def _call(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    """A call of a graph: its operations."""
    return _inlined(writer, node.params["graph"], xs)


def _custom(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    """A function with rules of the user's own, where only its value is wanted: its operations."""
    call, types = node.params["call"], [a.type for a in node.inputs]
    try:
        graph, _ = stage(lambda *flat: custom_eval(*flat, call=call), types, call.rules.name)
    except (WengertError, TypeError, ValueError) as error:
        raise RefusedError(
            f"derivative_source cannot write {call.rules.name} down",
            why="it is no program of operations of NumPy, of which the source could be written.",
            instead="call it before, and pass its result as an argument.",
        ) from error
    return _inlined(writer, graph, xs)


STATEMENTS["call"] = _call
STATEMENTS["custom"] = _custom

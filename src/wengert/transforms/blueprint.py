"""Graphs that are built by hand: one stage that is always open, whose graphs are cut out by what depends on what.

It is the outermost transformation of all, so that every other one works on its values. It keeps no list of what it was
asked to do: each value knows the operation that makes it, an operation knows its operands, and what nobody refers to is
gone.

    wire      a value: an input with a name, or a result with its source
    source    an operation without its results, so that nothing refers in circles
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from itertools import count
from threading import RLock
from typing import Any

import numpy as np

from wengert.core import attention
from wengert.core.dispatch import Traced
from wengert.core.graph import Atom, Const, Graph, Node, Place, Var
from wengert.core.primitive import Primitive
from wengert.errors import NotConcreteError
from wengert.transforms.staging import Stage, Staged
from wengert.types import ArrayType

__all__ = ["BLUEPRINT", "Blueprint", "Wire", "ancestors", "cut"]


class Source:
    """An operation that makes wires; later ones have higher numbers than their operands'."""

    __slots__ = ("inputs", "number", "params", "place", "prim", "quiet", "wires")

    def __init__(self, number: int, node: Node) -> None:
        self.number = number
        self.prim: Primitive = node.prim
        self.inputs: tuple[Atom, ...] = node.inputs
        self.params: dict[str, Any] = node.params
        self.place: Place | None = node.place
        self.quiet: bool = node.quiet
        self.wires: list[tuple[weakref.ref[Wire], ArrayType]] = []

    def node(self) -> Node:
        """Return the operation with its results; those that are gone are made anew."""
        outputs = tuple([ref() or Var(type, scalar=not type.shape) for ref, type in self.wires])
        return Node(self.prim, self.inputs, self.params, outputs, self.place, quiet=self.quiet)


class Wire(Var):
    """A value of the blueprint.

    Attributes
    ----------
    name : str or None
        Of an input.
    source : Source or None
        What makes it; nothing makes an input.
    """

    __slots__ = ("__weakref__", "name", "source")

    def __init__(
        self,
        type: ArrayType,
        source: Source | None,
        *,
        scalar: bool,
        weak: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(type, scalar=scalar, weak=weak)
        self.source = source
        self.name = name

    def __repr__(self) -> str:
        made = f"placeholder {self.name}" if self.name else "placeholder"
        return f"<{made if self.source is None else self.source.prim.name}: {self.type}>"


class _Snapshot(Const):
    """A constant that is shared as long as somebody refers to it."""

    __slots__ = ("__weakref__",)


class Blueprint(Stage):
    """The stage of all placeholders; there is one."""

    __slots__ = ("_held", "_mutex", "_next_number")
    name = "a graph of placeholders"

    def __init__(self) -> None:
        super().__init__(known=False)
        self.tag = 0  # below all others: the outermost
        self.open = True
        self._mutex = RLock()
        self._next_number = count().__next__
        self._held: weakref.WeakValueDictionary[int, _Snapshot] = weakref.WeakValueDictionary()
        attention.opened(self)

    def placeholder(self, type: ArrayType, name: str | None) -> Staged:
        """Return a new input."""
        return Staged(self, Wire(type, None, scalar=not type.shape, name=name), None)

    def atom(self, x: Any) -> Atom:
        """Return what stands for an operand; constants are copies of what they are now."""
        if isinstance(x, Traced):
            return x.value if x.interpreter is self else self._capture(x)
        if isinstance(x, np.ndarray):
            return self._snapshot(x)
        return Const(x if isinstance(x, np.generic) else np.asarray(x)[()])

    def _snapshot(self, x: Any) -> Const:
        found = self._held.get(id(x))
        if found is not None and found.dtype == x.dtype and np.array_equal(found.value, x):
            return found
        copy = x.copy("K")
        copy.flags.writeable = False
        const = self._held[id(x)] = _Snapshot(copy)
        return const

    def _add(self, prim: Primitive, atoms: tuple[Atom, ...], params: dict[str, Any], type: Any) -> Any:
        with self._mutex:
            y = super()._add(prim, atoms, params, type)
            node = self.nodes.pop()
            self._producers.clear()
            source = Source(self._next_number(), node)
        for handle in y if prim.multiple else (y,):
            var = handle.value
            wire = Wire(var.type, source, scalar=var.scalar, weak=var.weak)
            source.wires.append((weakref.ref(wire), wire.type))
            handle.value = wire
        return y

    def _refuse(self, what: str) -> Any:
        raise NotConcreteError(
            f"{what} of a placeholder, or of something computed from one",
            why="it has no value before its function is called.",
            instead="use np.where, wengert.cond or wengert.while_loop, which keep both ways open.",
        )


BLUEPRINT = Blueprint()


# Cutting out --------------------------------------------------------------------------------------------------------


def ancestors(atoms: Iterable[Atom], stops: Iterable[Atom] = ()) -> tuple[list[Source], list[Wire]]:
    """Return the operations that atoms depend on, in order, and the placeholders; both up to where it stops.

    Parameters
    ----------
    atoms, stops : iterable of Atom
        Stops are looked no further than; they are not among the placeholders found.
    """
    seen: set[Atom] = set(stops)
    sources: dict[int, Source] = {}
    free: list[Wire] = []
    pending = list(atoms)
    while pending:
        atom = pending.pop()
        if atom in seen or not isinstance(atom, Wire):
            continue
        seen.add(atom)
        if atom.source is None:
            free.append(atom)
        elif atom.source.number not in sources:
            sources[atom.source.number] = atom.source
            pending += atom.source.inputs
    return [sources[number] for number in sorted(sources)], free


def cut(inputs: Sequence[Wire], outputs: Sequence[Atom], name: str) -> tuple[Graph, list[Wire]]:
    """Return the graph from inputs to outputs, and the placeholders that it depends on beside its inputs."""
    sources, free = ancestors(outputs, inputs)
    return Graph(inputs, [source.node() for source in sources], outputs, name), free

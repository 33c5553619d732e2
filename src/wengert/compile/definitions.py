"""Definitions: what an entry of a value is, as a place in memory or as an operation on entries of other values.

Values that are not kept in memory are computed where an entry is read. An index is an affine expression for each axis:
over axes of loops while it is decided which loops there are, over counters while they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from wengert.compile.affine import Affine, Axis, Slots, constant, symbol
from wengert.compile.kernel import INT, OUT_OF_BOUNDS, Buffer, Fail, Value
from wengert.compile.writing import Writer, type_name
from wengert.core.graph import Atom, Const, Node
from wengert.core.lowering import Placement, Pointwise, View

__all__ = [
    "Computed",
    "Definition",
    "Dynamic",
    "Entries",
    "Entry",
    "Finite",
    "Mapped",
    "Memory",
    "Placed",
    "Viewed",
    "broadcast",
    "has_gaps",
    "has_rule",
    "row_major",
]

_SHORT = 16  # steps: a loop so short is not cut for a piece of one entry, which would leave no vectors

Reads = list[tuple[Atom, Slots]]


class Dynamic(NamedTuple):
    """The entry of an array of integers, as a symbol."""

    atom: Atom
    at: Slots
    extent: int  # of the axis that it is an index of


class Definition(Protocol):
    """What the entries of an atom are."""

    def reads(self, index: Slots) -> Reads:
        """Return the entries that the entry at an index is made of."""

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Write what computes the entry at an index."""


class Entries:
    """The values of a graph that is being written: an entry of each, at any index.

    Attributes
    ----------
    writer : Writer
    definitions : dict
    bindings : dict
        What axes are, in the loops that are open: expressions in their counters.
    """

    __slots__ = ("bindings", "definitions", "writer")

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.definitions: dict[Atom, Any] = {}
        self.bindings: dict[Axis, Affine] = {}

    def at(self, atom: Atom, index: Slots = ()) -> Value:
        """Return an entry."""
        if isinstance(atom, Const) and atom not in self.definitions:
            return self.writer.constant(np.asarray(atom.value).flat[0].item(), type_name(atom.dtype))
        place = tuple([self.resolve(e) for e in index])
        if isinstance(atom, Const) and not atom.live and not any(e.terms for e in place):
            known = np.asarray(atom.value)[tuple([e.offset for e in place])]
            return self.writer.constant(known.item(), type_name(atom.dtype))
        key = (self, atom, place)  # a graph may be written more than once: a body of two loops
        found = self.writer.lookup(key)
        if found is None:
            found = self.definitions[atom].entry(self, place)
            self.writer.remember(key, found)
        return found

    def resolve(self, place: Affine) -> Affine:
        """Return an expression over counters."""
        if not any([isinstance(s, Axis | Dynamic) for s, _ in place.terms]):  # noqa: C419 - a list is quicker here
            return place
        total = constant(place.offset)
        for s, c in place.terms:
            total += self._bound(s) * c
        return total

    def _bound(self, s: Any) -> Affine:
        if isinstance(s, Axis):
            return self.bindings[s]
        return self._checked(s) if isinstance(s, Dynamic) else symbol(s)

    def _checked(self, s: Dynamic) -> Affine:
        """Return an index that is computed; the program fails where there is no such entry.

        The check goes out of loops, but not out of branches, nor out of loops that may do no step; and what is read
        at the index not out of where it is checked.
        """
        w = self.writer
        i = w.convert(self.at(s.atom, s.at), INT)
        key = ("within", i, s.extent)
        found = w.lookup(key)
        if found is None:
            n, zero = w.constant(s.extent, INT), w.constant(0, INT)
            parts = (w("lt", i, zero), w("add", i, n), i)
            place = w("select", *parts)
            outside = w("or", w("lt", place, zero), w("ge", place, n))
            level = w.certain_level(outside)
            w.scopes[level].statements.append(Fail(outside, OUT_OF_BOUNDS))
            found = place if level == w.level_of(place) else w.operation_at(level, "select", parts, INT)
            w.remember(key, found)
        return symbol(found)


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of an array whose last axis is contiguous, in entries."""
    strides = [1]
    for n in reversed(shape[1:]):
        strides.append(strides[-1] * n)
    return tuple(reversed(strides))[: len(shape)] if shape else ()


def broadcast(shape: tuple[int, ...], index: Slots) -> Slots:
    """Return the index of an operand in an operation on broadcast entries."""
    own = index[len(index) - len(shape) :]
    if 1 not in shape:
        return own
    return tuple([constant(0) if n == 1 else e for n, e in zip(shape, own, strict=True)])


# Definitions ----------------------------------------------------------------------------------------------------------


class Memory(NamedTuple):
    """Entries in a buffer."""

    buffer: Buffer
    offset: Affine
    strides: tuple[int, ...]

    def reads(self, index: Slots) -> Reads:
        """Return none: these are in memory."""
        return []

    def place(self, index: Slots) -> Affine:
        """Return the place of an entry."""
        total = self.offset
        for e, stride in zip(index, self.strides, strict=True):
            total += e * stride
        return total

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Load it."""
        return entries.writer.load(self.buffer, self.place(index))


class Computed(NamedTuple):
    """Entries that the open scopes have, if anybody reads them."""

    atom: Atom

    def reads(self, index: Slots) -> Reads:
        """Return none."""
        return []

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Fail: the loops were arranged wrongly."""
        message = f"an entry of {self.atom!r} is read where it is not at hand"
        raise AssertionError(message)


class Mapped(NamedTuple):
    """An operation on entries at the same index."""

    node: Node
    kind: Pointwise

    def reads(self, index: Slots) -> Reads:
        """Return an entry of each operand."""
        return [(a, broadcast(a.shape, index)) for a in self.node.inputs]

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Apply the rule."""
        w, rule, node = entries.writer, self.kind.rule, self.node
        types = operand_types(node)
        xs = [
            w.convert(entries.at(a, i), type) for (a, i), type in zip(self.reads(index), types, strict=True)
        ]
        y = w(rule, *xs) if isinstance(rule, str) else rule(w, *xs, **node.params)
        return w.convert(y, type_name(node.outputs[0].dtype))  # type: ignore[arg-type]


def operand_types(node: Node) -> tuple[Any, ...]:
    """Return the types that operands take, by NumPy's promotion."""
    dtypes = tuple([a.type.dtype for a in node.inputs])
    if isinstance(node.prim.eval, np.ufunc):
        return _promoted(node.prim.eval, dtypes)
    return tuple(map(type_name, dtypes))


@cache
def _promoted(ufunc: np.ufunc, dtypes: tuple[Any, ...]) -> tuple[Any, ...]:
    found = ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))
    return tuple(map(type_name, found[: len(dtypes)]))


def has_rule(node: Node, kind: Pointwise) -> bool:
    """Whether a rule can be applied to operands of these types."""
    if isinstance(kind.rule, str):
        return True
    types = operand_types(node)
    if None in types:
        return False
    if not node.params:
        return _is_taken(kind.rule, types)
    return kind.rule(Writer(), *map(Value, types), **node.params) is not None


@cache
def _is_taken(rule: Callable[..., Any], types: tuple[str, ...]) -> bool:
    return rule(Writer(), *map(Value, types)) is not None


class Viewed(NamedTuple):
    """The entry of the operand at another index."""

    node: Node
    kind: View

    def reads(self, index: Slots) -> Reads:
        """Return that entry."""
        (x, *_), (y,) = self.node.inputs, self.node.outputs
        place = self.kind.source(index, x.shape, y.shape, **self.node.params)
        return [(x, tuple([constant(e) if isinstance(e, int) else e for e in place]))]

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Read it."""
        ((x, place),) = self.reads(index)
        return entries.at(x, place)


class Gathered(NamedTuple):
    """The entry of the operand at an index that arrays of integers give."""

    node: Node
    layout: Any  # how the axes of the result make the index: see `gathering`

    def reads(self, index: Slots) -> Reads:
        """Return the entry, and those of the indices."""
        place = self.layout(index)
        dynamic = [s for e in place for s, _ in e.terms if isinstance(s, Dynamic)]
        return [(self.node.inputs[0], place), *[(s.atom, s.at) for s in dynamic]]

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Read it."""
        return entries.at(self.node.inputs[0], self.layout(index))


class Placed(NamedTuple):
    """The entry of the piece that lies at an index, and of the base, or zero, elsewhere."""

    node: Node
    kind: Placement
    pieces: tuple[Any, ...]

    def reads(self, index: Slots) -> Reads:
        """Return the entries of all pieces and of the base."""
        found = [(self.node.inputs[p.operand], self._inner(p, index)) for p in self.pieces]
        if self.kind.base:
            found.append((self.node.inputs[0], broadcast(self.node.inputs[0].shape, index)))
        return found

    def _inner(self, piece: Any, index: Slots) -> Slots:
        """Return the index in a piece of an entry of the result; strides are 1 or -1."""
        steps = _steps(piece, index)
        return tuple(
            [constant(0) if axis is None or piece.extents[axis] == 1 else steps[axis] for axis in piece.axes]
        )

    def cuts(self, index: Slots) -> list[tuple[Axis, int]] | None:
        """Return where loops are to be cut, so that each part lies within pieces or outside; None if that cannot be."""
        found = []
        for p in self.pieces:
            for e, offset, stride, n in zip(index, p.offsets, p.strides, p.extents, strict=True):
                if not e.terms:
                    continue
                if abs(stride) != 1 or len(e.terms) != 1:
                    return None
                ((axis, c),) = e.terms
                if c != 1 or not isinstance(axis, Axis):
                    return None
                if n == 1 and axis.extent <= _SHORT:
                    continue
                low = offset if stride == 1 else offset - n + 1
                found += [(axis, low - e.offset), (axis, low + n - e.offset)]
        return found

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Read from the piece that is there."""
        w, y = entries.writer, self.node.outputs[0]
        zero = w.constant(0, type_name(y.dtype))
        base = entries.at(*self.reads(index)[-1]) if self.kind.base else zero
        found = w.convert(base, zero.type)
        for p in self.pieces:
            inside = self._inside(entries, p, index)
            if inside is not None:
                x = entries.at(self.node.inputs[p.operand], self._inner(p, index))
                x = w.convert(x, zero.type)
                new = w("add", found, x) if self.kind.adds and found is not zero else x
                for condition in inside:
                    new = w("select", condition, new, found)
                found = new
        return found

    def _inside(self, entries: Entries, piece: Any, index: Slots) -> list[Value] | None:
        """Return what has to hold for an entry to be in a piece, or None where it cannot be.

        Loops are cut where pieces begin and end, but for single entries on short axes: there each step asks.
        """
        w = entries.writer
        conditions = []
        for step, stride, e, offset, n in zip(
            _steps(piece, index), piece.strides, index, piece.offsets, piece.extents, strict=True
        ):
            if not e.terms and (e.offset - offset) % stride:
                return None
            low, high = w.bounds(step) or (-1, n)
            if high < 0 or low >= n:
                return None
            if low < 0 or high >= n:
                if n > 1:
                    message = f"a loop over {self.node!r} was not cut"
                    raise AssertionError(message)
                conditions.append(w("eq", w.integer(step), w.constant(0, INT)))
        return conditions


def has_gaps(pieces: Sequence[Any]) -> bool:
    """Whether entries of a piece lie apart, so that no cut of a loop can tell them from what is between them."""
    return any(
        abs(stride) != 1 and n > 1 for p in pieces for stride, n in zip(p.strides, p.extents, strict=True)
    )


def _steps(piece: Any, index: Slots) -> Slots:
    """Return how many strides along each axis an entry of the result lies behind the start of a piece."""
    return tuple(
        [
            (e - offset) * stride if abs(stride) == 1 else constant((e.offset - offset) // stride)
            for e, offset, stride in zip(index, piece.offsets, piece.strides, strict=True)
        ]
    )


class Finite(NamedTuple):
    """Whether the entry of a value is finite, as a definition."""

    atom: Atom

    def reads(self, index: Any) -> Any:
        """Return it."""
        return [(self.atom, index)]

    def entry(self, entries: Entries, index: Any) -> Value:
        """Ask it: what is not finite leaves something when it is taken from itself."""
        w, x = entries.writer, entries.at(self.atom, index)
        return w("eq", w("sub", x, x), w.constant(0, x))


class Entry:
    """The entry of a value, as a definition; of some of the axes of the index, if it has others of length 1."""

    __slots__ = ("_axes", "atom")

    def __init__(self, atom: Atom, axes: Sequence[int] | None = None) -> None:
        self.atom = atom
        self._axes = axes

    def reads(self, index: Any) -> Any:
        """Return it."""
        return [(self.atom, index if self._axes is None else tuple([index[i] for i in self._axes]))]

    def entry(self, entries: Entries, index: Any) -> Value:
        """Read it."""
        return entries.at(*self.reads(index)[0])

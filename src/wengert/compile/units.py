"""Units: operations that work on memory as a whole.

Loops over steps, loops under conditions and branches are loops and branches of the program, in which their graphs are
lowered like any other. Numbers that they carry are values, arrays have memory of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.compile.affine import Slots, symbol
from wengert.compile.bounds import dynamic_indices
from wengert.compile.context import size_of
from wengert.compile.definitions import Gathered, Memory, broadcast, row_major
from wengert.compile.indices import located
from wengert.compile.kernel import FULL, INT, Carried, Chosen, Fail, For, If, Statement, Value, While
from wengert.compile.lower import Body
from wengert.compile.marking import marked_rows
from wengert.compile.nests import copy, loops
from wengert.compile.roots import Unit
from wengert.compile.writing import type_name
from wengert.control.cond import switch_
from wengert.control.conditional import while_
from wengert.control.conditional_reversal import while_reversal_
from wengert.control.scan import Loop, halves_of, scan_
from wengert.core.graph import Atom, Const, Graph, Node, Var
from wengert.core.primitive import Primitive
from wengert.ops.index_forms import SLOT, as_tuple, index_shape
from wengert.ops.indexing import getitem_, scatter_
from wengert.ops.movement import reshape_
from wengert.ops.updating import index_add_, index_update_
from wengert.types import ArrayType

__all__ = ["GATHERS", "UNITS"]

Make = Callable[[Body, Node], Unit | None]
UNITS: dict[Primitive | type, Make] = {}  # by primitive, or by the kind of its lowering


def _unit(prim: Primitive) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        UNITS[prim] = make
        return make

    return register


# Memory ---------------------------------------------------------------------------------------------------------------


class Number:
    """A number that is a value of the program, as a definition."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value

    def reads(self, index: Any) -> Any:
        """Return none."""
        return []

    def entry(self, entries: Any, index: Any) -> Value:
        """Return it."""
        return self.value


def _operand(body: Body, atom: Atom) -> Any:
    """Return an operand as the definition of an input of a nested graph."""
    return body.in_memory(atom) if atom.shape else Number(body.number(atom))


def _part(memory: Memory, step: Value) -> Memory:
    """Return one entry along the first axis of memory."""
    return Memory(memory.buffer, memory.offset + symbol(step) * memory.strides[0], memory.strides[1:])


@_unit(reshape_)
def _reshape(body: Body, node: Node) -> Unit | None:
    (x,), (y,) = node.inputs, node.outputs
    if node.params.get("order", "C") != "C":
        return None

    def write() -> None:
        memory = body.contiguous(x)
        body.entries.definitions[y] = Memory(memory.buffer, memory.offset, row_major(y.shape))

    return Unit([x], [y], write, is_alias=True)


# Indices with arrays --------------------------------------------------------------------------------------------------


def gathered(body: Body, node: Node) -> Gathered | None:
    """Return a read at an index that arrays of integers, or integers that are computed, give."""
    x, *arrays = node.inputs
    found = located(x.shape, node.params["index"], arrays)
    if found is None or 0 in x.shape:
        return None
    place, consts = found
    for const in consts:
        body.want(const)
    body.require_within(node, dynamic_indices(place, node.outputs[0].shape))
    return Gathered(node, place)


class _Piece(NamedTuple):
    """Entries that are written: the operand, the shape of what the index selects, and where each entry lies."""

    atom: Atom
    shape: tuple[int, ...]
    place: Callable[[Slots], Slots]


def _piece(
    body: Body, atom: Atom, shape: tuple[int, ...], index: Any, arrays: Sequence[Atom]
) -> _Piece | None:
    found = located(shape, index, arrays)
    if found is None:
        return None
    place, consts = found
    for const in consts:
        body.want(const)
    return _Piece(atom, index_shape(shape, index, [np.zeros(a.shape, np.intp) for a in arrays]), place)


def _write_piece(body: Body, piece: _Piece, memory: Memory, *, adds: bool) -> None:
    w, entries = body.lowering.writer, body.entries
    with loops(w, piece.shape) as index:
        at = memory.place(tuple([entries.resolve(e) for e in piece.place(index)]))
        new = w.convert(entries.at(piece.atom, broadcast(piece.atom.shape, index)), memory.buffer.type)
        w.store(w("add", w.load_here(memory.buffer, at), new) if adds else new, memory.buffer, at)
    w.wrote(memory.buffer)


@_unit(index_update_)
def _index_update(body: Body, node: Node) -> Unit | None:
    return _written(body, node, adds=False)


@_unit(index_add_)
def _index_add(body: Body, node: Node) -> Unit | None:
    return _written(body, node, adds=True)


def _written(body: Body, node: Node, *, adds: bool) -> Unit | None:
    """Return an array with entries written: in its own memory, where nobody reads it afterwards."""
    (x, v, *arrays), (y,) = node.inputs, node.outputs
    piece = _piece(body, v, x.shape, node.params["index"], arrays) if x.shape else None
    if piece is None or x.dtype != y.dtype or type_name(y.dtype) is None:
        return None

    def write() -> None:
        if unit.is_alias:
            memory = body.entries.definitions[y] = body.in_memory(x)
        else:
            memory = body.result(y)
            copy(body.lowering.writer, body.in_memory(x), memory, x.shape)
        _write_piece(body, piece, memory, adds=adds)

    unit = Unit(node.inputs, [y], write, base=x)
    return unit


@_unit(scatter_)
def _scatter(body: Body, node: Node) -> Unit | None:
    """Pieces added to zeros."""
    indices, (y,) = node.params["indices"], node.outputs
    arrays = iter(node.inputs[len(indices) :])
    pieces = []
    for atom, index in zip(node.inputs, indices, strict=False):
        own = [next(arrays) for item in as_tuple(index) if item is SLOT]
        pieces.append(_piece(body, atom, y.shape, index, own))
    if None in pieces or type_name(y.dtype) is None or not y.shape:
        return None

    def write() -> None:
        w, memory = body.lowering.writer, body.result(y)
        with loops(w, y.shape, lanes=True) as index:
            w.store(w.constant(0, memory.buffer.type), memory.buffer, memory.place(index))
        w.wrote(memory.buffer)
        for piece in pieces:
            _write_piece(body, piece, memory, adds=True)  # type: ignore[arg-type]

    return Unit(node.inputs, [y], write)


# Loops over steps -----------------------------------------------------------------------------------------------------


class Carry:
    """What a loop carries: numbers as values, arrays in memory that every step overwrites.

    An array begins as a copy of what it starts from, or in the memory of that, where it was taken.
    """

    def __init__(
        self, body: Body, atoms: Sequence[Atom], results: Sequence[Atom], taken: Collection[Atom] = ()
    ) -> None:
        self._body = body
        self._w = body.lowering.writer
        self.results = results
        self.first = [None if a.shape else body.number(a) for a in atoms]
        self.memory = [
            self._begun(a, y, taken=y in taken) if a.shape else None
            for a, y in zip(atoms, results, strict=True)
        ]

    def _begun(self, a: Atom, y: Atom, *, taken: bool) -> Memory:
        """Return the memory of an array, with what it starts from in it."""
        start, body = self._body.in_memory(a), self._body
        if taken and start.strides == row_major(a.shape):
            body.entries.definitions[y] = start
            return start
        made = body.result(y)
        copy(self._w, start, made, a.shape)
        return made

    def enter(self) -> list[Any]:
        """Return what a step starts from, as definitions; called in the scope of the step."""
        self.entry = [None if v is None else self._w.value(v.type) for v in self.first]
        for m in self.memory:
            if m is not None:
                self._w.wrote(m.buffer)
        return [m if v is None else Number(v) for m, v in zip(self.memory, self.entry, strict=True)]

    def leave(self, step: Body, outputs: Sequence[Atom]) -> None:
        """Write what a step hands on; called in the scope of the step."""
        w = self._w
        self.next = [None if a.shape else step.number(a) for a in outputs]
        new = [step.in_memory(a) if a.shape else None for a in outputs]
        own = {m.buffer for m in self.memory if m is not None}
        for k, (found, m) in enumerate(zip(new, self.memory, strict=True)):
            if found is not None and found.buffer in own and found != m:  # what another one overwrites
                new[k] = fresh = self._body.lowering.scratch(outputs[k].type)
                copy(w, found, fresh, outputs[k].shape)
        for found, m, a in zip(new, self.memory, outputs, strict=True):
            if found is not None and found != m:
                copy(w, found, m, a.shape)  # type: ignore[arg-type]

    def close(self) -> list[Carried]:
        """Return what the loop carries, and let the results be defined; called behind the step's scope."""
        carried = []
        for first, entry, then, y in zip(self.first, self.entry, self.next, self.results, strict=True):
            if first is not None and entry is not None and then is not None:
                result = self._w.value(first.type)
                carried.append(Carried(first, entry, then, result))
                self._body.entries.definitions[y] = Number(result)
        for m in self.memory:
            if m is not None:
                self._w.wrote(m.buffer)
        return carried


@_unit(scan_)
def _scan(body: Body, node: Node) -> Unit | None:
    loop = node.params["loop"]
    consts, carry, xs = loop.parts(node.inputs)
    m = loop.n_carry
    length = xs[0].shape[0] if xs else loop.length

    def write() -> None:
        w = body.lowering.writer
        carried = Carry(body, carry, node.outputs[:m], unit.taken)
        stacks = [body.result(y) for y in node.outputs[m:]]
        fixed = [_operand(body, a) for a in consts]
        slices = [body.in_memory(x) for x in xs]
        if not length:
            for first, y in zip(carried.first, node.outputs, strict=False):
                if first is not None:
                    body.entries.definitions[y] = Number(first)
            return
        w.open()
        step = w.value(INT, within=(0, length - 1))
        inputs = [*fixed, *carried.enter(), *[_part(x, step) for x in slices]]
        parts = [_part(stack, step) for stack in stacks]
        own = loop.body.inputs[loop.n_consts : loop.n_consts + m]
        inner = Body(body.lowering, loop.body, inputs, [*[None] * m, *parts], arrays=range(m), own=own)
        inner.write()
        carried.leave(inner, inner.graph.outputs[:m])
        statements = w.close()
        w.append(For(step, length, statements, carried.close(), reverse=loop.reverse))
        for stack in stacks:
            w.wrote(stack.buffer)

    unit = Unit(node.inputs, node.outputs, write, bases=_arrays_of(node.outputs, carry))
    return unit


@_unit(while_)
def _while(body: Body, node: Node) -> Unit | None:
    loop = node.params["loop"]
    if loop.condition.outputs[0].shape:
        return None  # of a batch, whose examples stop at different steps
    n = loop.n_consts
    consts, carry = node.inputs[:n], node.inputs[n:]

    def write() -> None:
        w = body.lowering.writer
        carried = Carry(body, carry, node.outputs, unit.taken)
        fixed = [_operand(body, a) for a in consts]
        w.open(certain=False)
        inputs = [*fixed, *carried.enter()]
        ahead, condition = _asked(body, loop.condition, inputs)
        own = loop.body.inputs[n:]
        inner = Body(body.lowering, loop.body, inputs, [None] * len(carry), arrays=range(len(carry)), own=own)
        inner.write()
        carried.leave(inner, inner.graph.outputs)
        statements = w.close()
        w.append(While(ahead, condition, statements, carried.close()))

    unit = Unit(node.inputs, node.outputs, write, bases=_arrays_of(node.outputs, carry))
    return unit


def _arrays_of(results: Sequence[Atom], carry: Sequence[Atom]) -> dict[Atom, Atom]:
    """Return what each array that a loop gives has started from."""
    return {y: a for y, a in zip(results, carry, strict=False) if a.shape}


def _asked(body: Body, graph: Graph, inputs: Sequence[Any]) -> tuple[list[Statement], Value]:
    """Write the condition of a step, in the step's scope; return its statements and its value."""
    test = Body(body.lowering, graph, inputs, [None])
    test.write()
    condition = test.number(test.graph.outputs[0])
    statements = body.lowering.writer.scopes[-1].statements
    ahead = statements[:]
    statements.clear()
    return ahead, condition


_KEPT = 1 << 20  # bytes of residuals that a reversed loop has room for; NumPy reverses longer ones


@_unit(while_reversal_)
def _while_reversal(body: Body, node: Node) -> Unit | None:
    loop = node.params["loop"]
    if loop.condition.outputs[0].shape:
        return None
    n, m = loop.n_consts, len(loop.body.outputs)
    made = halves_of(Loop(loop.body, n, m, 0))
    kept = [a.type for a in made.forward.outputs[m:]]
    room = max(16, _KEPT // max(1, sum(8 * size_of(t.shape) for t in kept)))
    zeros = [
        Const(np.zeros(a.shape, a.dtype)[()])
        for a, on in zip(node.inputs[:n], made.active[0], strict=True)
        if on
    ]
    for zero in zeros:
        if zero.shape:
            body.want(zero)

    def write() -> None:
        stacks = [body.lowering.scratch(ArrayType((room, *t.shape), t.dtype)) for t in kept]
        fixed = [_operand(body, a) for a in node.inputs[:n]]
        count = _forward(body, loop, made.forward, fixed, node.inputs[n : n + m], stacks)
        seeds = [*node.inputs[n + m :], *zeros]
        constants = [fixed[i] for i in made.fixed]
        _backward(body, made.backward, constants, (seeds, node.outputs), stacks, count)

    return Unit(node.inputs, node.outputs, write)


def _forward(
    body: Body, loop: Any, step: Graph, fixed: Sequence[Any], first: Sequence[Atom], stacks: Sequence[Memory]
) -> Value:
    """Write the loop that keeps residuals; return the number of its steps."""
    w, m = body.lowering.writer, len(first)
    carried = Carry(body, first, [Var(a.type) for a in first])
    zero = w.constant(0, INT)
    w.open(certain=False)
    inputs = [*fixed, *carried.enter()]
    count = w.value(INT)
    ahead, condition = _asked(body, loop.condition, inputs)
    if stacks:
        room = w.constant(stacks[0].buffer.size // max(1, stacks[0].strides[0]), INT)
        w.append(Fail(w("ge", count, room), FULL))
    parts = [_part(stack, count) for stack in stacks]
    own = step.inputs[len(fixed) :]
    inner = Body(body.lowering, step, inputs, [*[None] * m, *parts], arrays=range(m), own=own)
    inner.write()
    carried.leave(inner, inner.graph.outputs[:m])
    after = w("add", count, w.constant(1, INT))
    statements = w.close()
    total = w.value(INT)
    w.append(While(ahead, condition, statements, [*carried.close(), Carried(zero, count, after, total)]))
    for stack in stacks:
        w.wrote(stack.buffer)
    return total


def _backward(
    body: Body,
    step: Graph,
    fixed: Sequence[Any],
    bars: tuple[Sequence[Atom], Sequence[Atom]],
    stacks: Sequence[Memory],
    count: Value,
) -> None:
    """Write the loop over the residuals, the last step first."""
    w, m = body.lowering.writer, len(bars[0])
    carried = Carry(body, *bars)
    w.open(certain=False)
    counter = w.value(INT)
    inputs = [*fixed, *carried.enter(), *[_part(stack, counter) for stack in stacks]]
    own = step.inputs[len(fixed) : len(fixed) + m]
    inner = Body(body.lowering, step, inputs, [None] * m, arrays=range(m), own=own)
    inner.write()
    carried.leave(inner, inner.graph.outputs)
    statements = w.close()
    w.append(For(counter, count, statements, carried.close(), reverse=True))


# Branches -------------------------------------------------------------------------------------------------------------


@_unit(switch_)
def _switch(body: Body, node: Node) -> Unit | None:
    graphs = node.params["graphs"]

    def write() -> None:
        w = body.lowering.writer
        inputs = [_operand(body, a) for a in node.inputs[1:]]
        memory = [body.result(y) if y.shape else None for y in node.outputs]
        index = w.convert(body.number(node.inputs[0]), INT)
        values = _choose(body, graphs, index, 0, inputs, memory)
        for y, v, m in zip(node.outputs, values, memory, strict=True):
            if m is None:
                body.entries.definitions[y] = Number(v)
            else:
                w.wrote(m.buffer)

    return Unit(node.inputs, node.outputs, write)


def _choose(
    body: Body, graphs: Sequence[Graph], index: Value, k: int, inputs: Sequence[Any], memory: Sequence[Any]
) -> list[Any]:
    """Write graph k, or one behind it; return the numbers that it gives."""
    w = body.lowering.writer
    if k == len(graphs) - 1:
        return _branch(body, graphs[k], inputs, memory)
    condition = w("le", index, w.constant(k, INT))
    w.open(certain=False)
    so = _branch(body, graphs[k], inputs, memory)
    first = w.close()
    w.open(certain=False)
    otherwise = _choose(body, graphs, index, k + 1, inputs, memory)
    second = w.close()
    chosen = [
        None if m is not None else Chosen(w.value(a.type), a, b)
        for a, b, m in zip(so, otherwise, memory, strict=True)
    ]
    w.append(If(condition, first, second, [c for c in chosen if c is not None]))
    return [None if c is None else c.result for c in chosen]


def _branch(body: Body, graph: Graph, inputs: Sequence[Any], memory: Sequence[Any]) -> list[Any]:
    inner = Body(body.lowering, graph, inputs, memory)
    inner.write()
    return [
        None if m is not None else inner.number(a) for a, m in zip(inner.graph.outputs, memory, strict=True)
    ]


# What is a definition, not a unit, though an array gives the index.
GATHERS = {getitem_: gathered, index_add_: marked_rows, scatter_: marked_rows}

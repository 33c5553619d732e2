"""Units: operations that work on memory as a whole.

Loops over steps, loops under conditions and branches are loops and branches of the program, in which their graphs are
lowered like any other. Numbers that they carry are values, arrays have memory of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert.compile.affine import symbol
from wengert.compile.definitions import Memory, row_major
from wengert.compile.kernel import INT, Carried, Chosen, For, If, Value, While
from wengert.compile.lower import Body
from wengert.compile.nests import copy
from wengert.compile.roots import Unit
from wengert.control.cond import switch_
from wengert.control.conditional import while_
from wengert.control.scan import scan_
from wengert.core.graph import Atom, Graph, Node
from wengert.core.primitive import Primitive
from wengert.ops.movement import reshape_

__all__ = ["UNITS"]

Make = Callable[[Body, Node], Unit | None]
UNITS: dict[Primitive, Make] = {}


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


# Loops over steps -----------------------------------------------------------------------------------------------------


class Carry:
    """What a loop carries: numbers as values, arrays in memory that every step overwrites."""

    def __init__(self, body: Body, atoms: Sequence[Atom], results: Sequence[Atom]) -> None:
        self._body = body
        self._w = body.lowering.writer
        self.first = [None if a.shape else body.number(a) for a in atoms]
        self.memory = [body.result(y) if y.shape else None for y in results]
        self.results = results
        for a, m in zip(atoms, self.memory, strict=True):
            if m is not None:
                copy(self._w, body.in_memory(a), m, a.shape)

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
        carried = Carry(body, carry, node.outputs[:m])
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
        inner = Body(body.lowering, loop.body, inputs, [*[None] * m, *parts], arrays=range(m))
        inner.write()
        carried.leave(inner, loop.body.outputs[:m])
        statements = w.close()
        w.append(For(step, length, statements, carried.close(), reverse=loop.reverse))
        for stack in stacks:
            w.wrote(stack.buffer)

    return Unit(node.inputs, node.outputs, write)


@_unit(while_)
def _while(body: Body, node: Node) -> Unit | None:
    loop = node.params["loop"]
    if loop.condition.outputs[0].shape:
        return None  # of a batch, whose examples stop at different steps
    n = loop.n_consts
    consts, carry = node.inputs[:n], node.inputs[n:]

    def write() -> None:
        w = body.lowering.writer
        carried = Carry(body, carry, node.outputs)
        fixed = [_operand(body, a) for a in consts]
        w.open()
        inputs = [*fixed, *carried.enter()]
        test = Body(body.lowering, loop.condition, inputs, [None])
        test.write()
        condition = test.number(loop.condition.outputs[0])
        ahead = w.scopes[-1].statements[:]
        w.scopes[-1].statements.clear()
        inner = Body(body.lowering, loop.body, inputs, [None] * len(carry), arrays=range(len(carry)))
        inner.write()
        carried.leave(inner, loop.body.outputs)
        statements = w.close()
        w.append(While(ahead, condition, statements, carried.close()))

    return Unit(node.inputs, node.outputs, write)


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
    w.open()
    so = _branch(body, graphs[k], inputs, memory)
    first = w.close()
    w.open()
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
    return [None if m is not None else inner.number(a) for a, m in zip(graph.outputs, memory, strict=True)]

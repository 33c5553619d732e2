"""Operations that NumPy does, as units of a program: their operands are put where it finds them."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.compile.affine import constant
from wengert.compile.context import NotLowered
from wengert.compile.definitions import Memory
from wengert.compile.hosting import HostCall
from wengert.compile.kernel import Host
from wengert.compile.lower import Body
from wengert.compile.nests import copy
from wengert.compile.roots import Unit
from wengert.compile.writing import type_name
from wengert.core.graph import Atom, Node

__all__ = ["host_call", "hosted"]


def hosted(body: Body, node: Node) -> Unit:
    """Return an operation that NumPy does.

    Raises
    ------
    NotLowered
        If its operands or results are of a type that programs do not have.
    """
    if any(type_name(a.dtype) is None for a in (*node.inputs, *node.outputs)):
        raise NotLowered(f"{node.prim.name} of {[str(a.type) for a in node.inputs]}")

    def write() -> None:
        made = host_call(body, node)
        for y, memory in zip(node.outputs, made, strict=True):
            target = body.destination(y)
            if target is not None:
                copy(body.lowering.writer, memory, target, y.shape)
            body.entries.definitions[y] = target or memory

    return Unit(node.inputs, node.outputs, write)


def host_call(body: Body, node: Node) -> Sequence[Memory]:
    """Write that NumPy does an operation, and return where it puts the results."""
    lowering, writer = body.lowering, body.lowering.writer
    operands = tuple([(a, _operand(body, a)) for a in node.inputs])
    made = [(y, lowering.scratch(y.type)) for y in node.outputs]
    token = writer.load(lowering.constant_array(lowering.token).buffer, constant(0))
    writer.append(Host(token, len(lowering.host_calls)))
    lowering.host_calls.append(HostCall(node, operands, tuple(made)))
    for _, memory in made:
        writer.wrote(memory.buffer)
    return [memory for _, memory in made]


def _operand(body: Body, atom: Atom) -> Memory:
    """Return memory of an operand at a place that is known."""
    lowering = body.lowering
    memory = body.contiguous(atom) if atom.shape else None
    if memory is not None and not memory.offset.terms:
        return memory
    fresh = lowering.scratch(atom.type)
    if memory is not None:
        copy(lowering.writer, memory, fresh, atom.shape)
    else:
        lowering.writer.store(body.number(atom), fresh.buffer, fresh.offset)
    return fresh

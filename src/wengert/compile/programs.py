"""Programs: graphs, lowered."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.compile.affine import constant
from wengert.compile.definitions import Memory, row_major
from wengert.compile.kernel import Buffer, Program
from wengert.compile.lower import Body, Lowering, NotLowered, size_of
from wengert.compile.units import GATHERS, UNITS
from wengert.compile.writing import type_name
from wengert.core.graph import Const, Graph
from wengert.transforms.staging import Guard
from wengert.types import ArrayType

__all__ = ["lowered"]


def lowered(graph: Graph, guards: Sequence[Guard] = ()) -> tuple[Program, list[Const]]:
    """Return a graph as a program, and the constant arrays that are its arguments behind the graph's inputs.

    Parameters
    ----------
    graph : Graph
    guards : sequence of Guard
        On the last outputs. The program ends with code 1 + k where guard k has another answer.

    Raises
    ------
    NotLowered
        Where a node has no lowering.
    """
    lowering = Lowering(UNITS, GATHERS)
    lowering.n_inputs = len(graph.inputs)
    inputs = [_argument(a.type, "argument", k) for k, a in enumerate(graph.inputs)]
    n = len(graph.outputs) - len(guards)
    results = [_argument(a.type, "result", k) for k, a in enumerate(graph.outputs[:n])]
    targets = [*results, *[None] * len(guards)]
    Body(lowering, graph, inputs, targets, guards=guards).write()
    buffers = [*[m.buffer for m in (*inputs, *results)], *lowering.buffers]
    return Program(graph.name, buffers, lowering.writer.close(), lowering.arena.size), lowering.constants


def _argument(type: ArrayType, home: str, place: int) -> Memory:
    name = type_name(type.dtype)
    if name is None:
        raise NotLowered(f"a value of type {type}")
    buffer = Buffer(name, size_of(type.shape), home, place)
    return Memory(buffer, constant(0), row_major(type.shape))

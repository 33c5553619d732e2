"""Programs: graphs, lowered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wengert.compile.affine import constant
from wengert.compile.context import Lowering, NotLowered, size_of
from wengert.compile.definitions import Memory, row_major
from wengert.compile.finiteness import doubtful
from wengert.compile.hosting import HostCalls
from wengert.compile.kernel import Buffer, Program
from wengert.compile.kernel_check import checked
from wengert.compile.lower import Body
from wengert.compile.parallel import share
from wengert.compile.units import GATHERS, UNITS, hosted
from wengert.compile.writing import type_name
from wengert.core.graph import Const, Graph
from wengert.transforms.staging import Guard
from wengert.types import ArrayType

__all__ = ["Lowered", "lowered"]


class Lowered(NamedTuple):
    """A graph as a program.

    Attributes
    ----------
    program : Program
    constants : list of Const
        Whose arrays are its arguments behind the graph's inputs.
    host : HostCalls or None
        What NumPy does in it: to be held as long as the program may run.
    masks : bool
        Whether products are masked. Without, it ends with the code `NOT_FINITE` where they should be.
    """

    program: Program
    constants: list[Const]
    host: HostCalls | None
    masks: bool


def lowered(graph: Graph, guards: Sequence[Guard] = (), *, masks: bool = False) -> Lowered:
    """Return a graph as a program.

    Parameters
    ----------
    graph : Graph
    guards : sequence of Guard
        On the last outputs. The program ends with code 1 + k where guard k has another answer.
    masks : bool
        Keep the masks of products, though finite results would tell that none is needed.

    Raises
    ------
    NotLowered
        If it holds values that programs do not have, or nothing that is not NumPy's anyway.
    """
    n = len(graph.outputs) - len(guards)
    finite = None if masks else doubtful(graph)
    masks = finite is None or any(k >= n for k in finite)  # a guard would see another number
    lowering = Lowering(UNITS, GATHERS, hosted, masks=masks)
    lowering.n_inputs = len(graph.inputs)
    inputs = [_argument(a.type, "argument", k) for k, a in enumerate(graph.inputs)]
    results = [_argument(a.type, "result", k) for k, a in enumerate(graph.outputs[:n])]
    targets = [*results, *[None] * len(guards)]
    Body(lowering, graph, inputs, targets, guards=guards, finite=() if masks else finite or ()).write()
    calls = lowering.host_calls
    if calls and not lowering.native:
        message = "nothing in it is native"
        raise NotLowered(message)
    buffers = [*[m.buffer for m in (*inputs, *results)], *lowering.buffers]
    program = Program(graph.name, buffers, lowering.writer.close(), lowering.arena.size)
    share(program, {m.buffer for call in calls for _, m in (*call.operands, *call.results)})
    host = HostCalls(lowering.token.value.item(), calls) if calls else None
    return Lowered(checked(program), lowering.constants, host, masks or not finite)


def _argument(type: ArrayType, home: str, place: int) -> Memory:
    name = type_name(type.dtype)
    if name is None:
        raise NotLowered(f"a value of type {type}")
    buffer = Buffer(name, size_of(type.shape), home, place)
    return Memory(buffer, constant(0), row_major(type.shape))

"""Programs: graphs, lowered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wengert.compile.affine import constant
from wengert.compile.context import Lowering, NotLowered, size_of
from wengert.compile.convolutions import CONVOLUTIONS
from wengert.compile.definitions import Memory, row_major
from wengert.compile.finiteness import doubtful
from wengert.compile.host_calls import hosted
from wengert.compile.hosting import HostCalls
from wengert.compile.kernel import Buffer, Program
from wengert.compile.kernel_check import checked
from wengert.compile.linear_algebra import factored
from wengert.compile.lower import Body
from wengert.compile.matrices import product_unit
from wengert.compile.pairs import has_complex, paired, part_type
from wengert.compile.parallel import share
from wengert.compile.units import GATHERS, UNITS
from wengert.compile.views import product_
from wengert.compile.writing import type_name
from wengert.core.graph import Const, Graph
from wengert.core.lowering import Library
from wengert.transforms.staging import Guard
from wengert.types import ArrayType

__all__ = ["Lowered", "lowered"]

_UNITS = {**UNITS, **CONVOLUTIONS, Library: factored, product_: product_unit}


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
    whole, m = graph, len(graph.outputs) - len(guards)
    if any(a.dtype.kind == "c" for a in graph.outputs[m:]):
        message = "a guard that asks for a complex number"
        raise NotLowered(message)
    if has_complex(graph):
        graph = paired(graph)
    n = len(graph.outputs) - len(guards)
    finite = None if masks else doubtful(graph)
    masks = finite is None or any(k >= n for k in finite)  # a guard would see another number
    lowering = Lowering(_UNITS, GATHERS, hosted, masks=masks)
    lowering.n_inputs = len(whole.inputs)
    inputs = [part for k, a in enumerate(whole.inputs) for part in _argument(a.type, "argument", k)]
    results = [part for k, a in enumerate(whole.outputs[:m]) for part in _argument(a.type, "result", k)]
    targets = [*results, *[None] * len(guards)]
    Body(lowering, graph, inputs, targets, guards=guards, finite=() if masks else finite or ()).write()
    calls = lowering.host_calls
    if calls and not lowering.native:
        message = "nothing in it is native"
        raise NotLowered(message)
    buffers = [*dict.fromkeys(m.buffer for m in (*inputs, *results)), *lowering.buffers]
    program = Program(graph.name, buffers, lowering.writer.close(), lowering.arena.size)
    share(program, {m.buffer for call in calls for _, m in (*call.operands, *call.results)})
    host = HostCalls(lowering.token.value.item(), calls) if calls else None
    return Lowered(checked(program), lowering.constants, host, masks or not finite)


def _argument(type: ArrayType, home: str, place: int) -> list[Memory]:
    """Return the memory of an argument or a result: of complex ones, that of both parts, which take turns."""
    parts = 2 if type.dtype.kind == "c" else 1
    name = type_name(part_type(type.dtype) if parts == 2 else type.dtype)
    if name is None or not type.dtype.isnative:
        raise NotLowered(f"a value of type {type}")
    buffer = Buffer(name, parts * size_of(type.shape), home, place)
    strides = tuple([parts * stride for stride in row_major(type.shape)])
    return [Memory(buffer, constant(part), strides) for part in range(parts)]

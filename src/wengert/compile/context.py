"""What the graphs of one program share: the writer, the arena, constant arrays and calls of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.compile.affine import constant
from wengert.compile.arena import Arena
from wengert.compile.definitions import Memory, row_major
from wengert.compile.hosting import TOKENS, HostCall
from wengert.compile.kernel import Buffer
from wengert.compile.roots import Unit
from wengert.compile.writing import Writer, type_name
from wengert.core.graph import Const, Node
from wengert.core.primitive import Primitive
from wengert.types import ArrayType

if TYPE_CHECKING:
    from wengert.compile.lower import Body

__all__ = ["Lowering", "NotLowered", "in_memory", "located", "size_of", "type_of_entries"]


class NotLowered(Exception):  # noqa: N818 - a signal: the graph is run by NumPy instead
    """A value or an operation has no lowering."""


@contextmanager
def located(node: Node) -> Iterator[None]:
    """Let what is raised inside say which operation was being lowered, and where it stands in the user's code."""
    try:
        yield
    except Exception as fault:
        if node.place is not None and not hasattr(fault, "__notes__"):
            fault.add_note(f"{node.prim.name} at {node.place}")
        raise


class Lowering:
    """What the graphs of one program share.

    Attributes
    ----------
    units, gathers : mapping
        How units, and definitions of reads at computed indices, are made: of a body and a node. Units are found by
        their primitive, or by the kind of its lowering.
    otherwise : callable
        Makes a unit of what is neither.
    masks : bool
        Whether products are masked; without, results have to be finite.
    writer : Writer
    arena : Arena
    """

    def __init__(
        self,
        units: Mapping[Primitive | type, Any],
        gathers: Mapping[Primitive, Any],
        otherwise: Callable[[Body, Node], Unit],
        *,
        masks: bool = True,
    ) -> None:
        self.units = units
        self.gathers = gathers
        self.otherwise = otherwise
        self.native = False  # whether anything in the program is
        self.masks = masks
        self.writer = Writer()
        self.arena = Arena()
        self.host_calls: list[HostCall] = []
        self.token = Const(np.array([next(TOKENS)]))  # names the program to the host
        self.n_inputs = 0
        self._memory: dict[Const, Memory] = {}

    @property
    def constants(self) -> list[Const]:
        """Those that are in memory: their arrays are arguments behind the inputs."""
        return list(self._memory)

    @property
    def buffers(self) -> list[Buffer]:
        """Those of constants, and those in the arena."""
        return [*[m.buffer for m in self._memory.values()], *self.arena.buffers]

    def constant_array(self, const: Const) -> Memory:
        """Return the memory of a constant array; that of the user's own, if the user may write into it."""
        found = self._memory.get(const)
        if found is None:
            plain, axes = in_memory(const)
            place = self.n_inputs + len(self._memory)
            buffer = Buffer(type_of_entries(const.type), plain.size, "argument", place)
            steps = dict(zip(axes, row_major(plain.shape), strict=True))
            found = Memory(buffer, constant(0), tuple([steps[i] for i in range(plain.ndim)]))
            self._memory[const] = found
        return found

    def scratch(self, type: ArrayType) -> Memory:
        """Return new memory in the arena."""
        return Memory(
            self.arena.buffer(type_of_entries(type), size_of(type.shape)), constant(0), row_major(type.shape)
        )


def in_memory(const: Const) -> tuple[Any, tuple[int, ...]]:
    """Return a constant array in row-major order, and the axes it then has; that of the user's own, if it is live."""
    value = np.asarray(const.value)
    axes = _axes_in_memory(value) if const.live else tuple(range(value.ndim))
    plain = value.transpose(axes)
    if const.live and not (plain.flags.c_contiguous and plain.flags.aligned):
        message = "an array that the user may write into has gaps"
        raise NotLowered(message)
    return np.require(plain, requirements=["C", "A"]), axes


def type_of_entries(type: ArrayType) -> str:
    """Return the type that kernels have for entries, if they have one."""
    found = type_name(type.dtype)
    if found is None:
        raise NotLowered(f"a value of type {type}")
    return found


def size_of(shape: Sequence[int]) -> int:
    """Return the number of entries."""
    n = 1
    for length in shape:
        n *= length
    return n


def _axes_in_memory(x: Any) -> tuple[int, ...]:
    """Return the axes of an array from the slowest to the quickest in memory."""
    return tuple(sorted(range(x.ndim), key=lambda i: (-x.strides[i], i)))

"""LAPACK and BLAS for stacks of matrices: where matrices lie, what routines are handed, and what they answer.

LAPACK stores the columns of a matrix one behind the other. Where a routine finds no result, the program ends with a
code; NumPy then raises what it raises.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from wengert.compile import symbols
from wengert.compile.affine import Affine, Slots, constant
from wengert.compile.blas import LETTERS
from wengert.compile.definitions import Memory, broadcast, row_major
from wengert.compile.kernel import INT, NOT_FACTORED, Address, Call, Fail, Value
from wengert.compile.lower import Body
from wengert.compile.nests import loops
from wengert.compile.writing import Writer, type_name
from wengert.core.graph import Atom, Node

__all__ = ["LETTERS", "PIVOTS", "Matrices", "Work"]

PIVOTS: Final = "i32"  # the integers of LAPACK


class Work(NamedTuple):
    """Two arguments of a routine: memory to work in, and how much; the routine is asked how much it wants."""

    is_integer: bool = False


class Matrices:
    """The operands and results of an operation, matrix by matrix.

    Attributes
    ----------
    index : Slots
        Of the matrix in the stack.
    shape : tuple of int
        Rows and columns of the first operand.
    writer : Writer
    """

    def __init__(self, body: Body, node: Node, columns: Sequence[int]) -> None:
        self.index: Slots = ()
        self.shape = node.inputs[0].shape[-2:]
        self.writer: Writer = body.lowering.writer
        self._arena = body.lowering.arena
        self._node = node
        self._type: str = type_name(node.outputs[0].dtype)  # type: ignore[assignment]
        self._sources = [body.in_memory(a) for a in node.inputs]
        has_vectors = len(node.outputs) > max(columns, default=0)  # not values alone
        self._targets = [
            self._target(body, y, has_vectors and k in columns) for k, y in enumerate(node.outputs)
        ]
        self._columns: dict[int, Memory] = {}  # of results that are to be put elsewhere
        self._taken: list[Any] = []
        self._doubts: Memory | None = None

    def _target(self, body: Body, y: Atom, by_columns: bool) -> Memory:
        found = body.result(y)
        if not by_columns or body.destination(y) is not None:
            return found
        turned = found._replace(strides=(*row_major(y.shape)[:-2], 1, y.shape[-2]))
        body.entries.definitions[y] = turned
        return turned

    def close(self) -> Value | None:
        """Take note of what was written, and give memory back; return whether there was a doubt, if there may be."""
        for memory in self._targets:
            self.writer.wrote(memory.buffer)
        for buffer in self._taken:
            self._arena.release(buffer)
        if self._doubts is None:
            return None
        found = self.load(self._doubts, (constant(0),))
        return self.writer("ne", found, self.writer.constant(0, INT))

    def expect_doubts(self) -> None:
        """Write that there is no doubt so far."""
        self._doubts = self.room(1, type=INT)
        self.writer.store(self.writer.constant(0, INT), self._doubts.buffer, constant(0))

    def doubt(self, condition: Value) -> None:
        """Let NumPy do all matrices if a condition holds for one."""
        doubts, w = self._doubts, self.writer
        assert doubts is not None, "the operation was not said to have doubts"  # noqa: S101 - of our own code
        so_far = self.load(doubts, (constant(0),))
        w.store(w("select", condition, w.constant(1, INT), so_far), doubts.buffer, constant(0))

    # Memory -----------------------------------------------------------------------------------------------------------

    def room(self, *shape: int, type: str | None = None) -> Memory:
        """Return memory to work in, column-major."""
        size = int(np.prod(shape))
        buffer = self._arena.buffer(type or self._type, size)
        self._taken.append(buffer)
        return Memory(buffer, constant(0), (1, shape[0])[: len(shape)])

    def operand(self, k: int) -> Memory:
        """Return a matrix."""
        atom, memory = self._node.inputs[k], self._sources[k]
        return _part(memory, broadcast(atom.shape[:-2], self.index))

    def result(self, k: int) -> Memory:
        """Return where a result is to be put."""
        return _part(self._targets[k], self.index)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that matrices have in the routines."""
        return self._node.outputs[0].dtype

    @property
    def n_results(self) -> int:
        """How many results the operation has."""
        return len(self._targets)

    def sizes(self, k: int) -> tuple[int, ...]:
        """Return the rows and columns of a result."""
        return self._node.outputs[k].shape[-2:]

    def rows(self, k: int) -> Memory:
        """Return an operand, row-major: a copy, if it is not."""
        found, shape = self.operand(k), self._node.inputs[k].shape[-2:]
        if found.strides == row_major(shape) and found.buffer.type == self._type:
            return found
        made = self.room(*shape)._replace(strides=row_major(shape))
        self.copy(found, made, shape)
        return made

    def columns(self, k: int) -> Memory:
        """Return a copy of an operand, column-major."""
        shape = self._node.inputs[k].shape[-2:]
        made = self.room(*shape)
        self.copy(self.operand(k), made, shape)
        return made

    def by_columns(self, k: int) -> Memory:
        """Return where a result is to be computed, column-major: `give` puts it where it is to be."""
        target = self.result(k)
        if target.strides[0] == 1:
            return target
        if k not in self._columns:
            self._columns[k] = self.room(*self.sizes(k))
        return self._columns[k]

    def give(self, k: int) -> None:
        """Put a result where it is to be."""
        if k in self._columns:
            self.copy(self._columns[k], self.result(k), self.sizes(k))

    def copy(self, source: Memory, target: Memory, shape: Sequence[int]) -> None:
        """Copy entries."""
        self.fill(target, shape, lambda index: self.load(source, index))

    def fill(self, target: Memory, shape: Sequence[int], entry: Callable[[Slots], Value]) -> None:
        """Give each entry a value; one behind the other, as they lie in memory."""
        w, turned = self.writer, target.strides[0] == 1
        with loops(w, shape[::-1] if turned else shape, lanes=True) as index:
            at = index[::-1] if turned else index
            w.store(w.convert(entry(at), target.buffer.type), target.buffer, target.place(at))
        w.wrote(target.buffer)

    def load(self, memory: Memory, index: Slots) -> Value:
        """Return an entry as it is now."""
        return self.writer.load_here(memory.buffer, memory.place(index))

    def triangle(self, target: Memory, source: Memory, shape: Sequence[int], *, lower: bool) -> None:
        """Copy a triangle; the other one is zero."""
        w = self.writer

        def entry(index: Slots) -> Value:
            i, j = map(w.integer, index)
            x = self.load(source, index)
            return w("select", w("ge" if lower else "le", i, j), x, w.constant(0, x))

        self.fill(target, shape, entry)

    # Routines ---------------------------------------------------------------------------------------------------------

    def call(self, name: str, *operands: str | int | Memory | Work) -> Value:
        """Call a routine; return what it says in the end: 0, or what is wrong."""
        routine = f"wg.lapack.{LETTERS[self._type]}{name}"
        sizes = iter(_room(routine, tuple([None if isinstance(x, Memory) else x for x in operands])))
        info = self.room(1, type=PIVOTS)
        passed: list[Any] = []
        for x in operands:
            if isinstance(x, Work):
                size = next(sizes)
                passed += [self.room(size, type=PIVOTS if x.is_integer else None), size]
            else:
                passed.append(x)
        self.writer.append(Call(routine, tuple([self._passed(x) for x in (*passed, info)])))
        return self.load(info, (constant(0),))

    def product(self, name: str, *operands: str | int | Value | Memory) -> None:
        """Call a routine of BLAS, which never fails."""
        routine = f"wg.blas.{LETTERS[self._type]}{name}"
        self.writer.append(Call(routine, tuple([self._passed(x) for x in operands])))

    def _passed(self, x: str | int | Value | Memory) -> Value | Address:
        if isinstance(x, Value):
            return x
        if isinstance(x, Memory):
            return Address(x.buffer, self.writer.index(x.offset))
        if isinstance(x, int):
            return self.writer.constant(x, INT)
        return self.writer.constant(ord(x), "i8")

    def require(self, info: Value) -> None:
        """Let the program end where a routine says that something is wrong."""
        w = self.writer
        w.append(Fail(w("ne", info, w.constant(0, info)), NOT_FACTORED))


def _part(memory: Memory, index: Slots) -> Memory:
    """Return one matrix of a stack."""
    offset: Affine = memory.offset
    for e, stride in zip(index, memory.strides, strict=False):
        offset += e * stride
    return Memory(memory.buffer, offset, memory.strides[len(index) :])


@cache
def _room(routine: str, operands: tuple[Any, ...]) -> tuple[int, ...]:
    """Return how many entries a routine wants to work in: asked with -1 for the size, it says so, and does nothing."""
    if not any(isinstance(x, Work) for x in operands):
        return ()
    real = ctypes.c_double if routine.startswith("wg.lapack.d") else ctypes.c_float
    answers: list[Any] = []
    passed: list[Any] = []
    for x in operands:
        if isinstance(x, Work):
            answers.append(ctypes.c_int32() if x.is_integer else real())
            passed += [answers[-1], ctypes.c_int32(-1)]
        elif isinstance(x, str):
            passed.append(ctypes.c_char(x.encode()))
        else:
            passed.append(real() if x is None else ctypes.c_int32(x))
    arguments = [*passed, ctypes.c_int32()]
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arguments))(symbols.resolve(routine))
    function(*[ctypes.addressof(x) for x in arguments])
    return tuple([int(answer.value) for answer in answers])

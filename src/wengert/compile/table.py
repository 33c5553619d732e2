"""Structures and a program as the words that the native entry reads: nodes, the state, the frame.

The types are those of native/objects.ll; kinds of nodes are explained where native/arguments.ll and native/results.ll
switch over them. All words of one callable lie in one array:

    state | argument nodes | result nodes | extents | addresses of constants | the C function's definition | frame
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from wengert.compile.structure import Dict, Leaf, List, Nothing, Structure, Tuple

__all__ = [
    "LINE",
    "SLOT",
    "Frame",
    "Memory",
    "Nodes",
    "Program",
    "address",
    "argument_nodes",
    "assemble",
    "result_nodes",
]

SLOT: Final = 32  # bytes of the widest scalar
LINE: Final = 64  # bytes to which the arena is aligned, and that an error's details take
NODE: Final = 8  # words
_EXTENTS: Final = 3  # which of them is the address of the extents
_STATE: Final = 19  # words
_DEFINITION: Final = 4  # words: a PyMethodDef

_MAX_DEPTH: Final = 100  # of structures: the native walk recurses over them

_NOTHING, _TUPLE, _LIST, _DICT, _ARRAY, _BITS, _SINGLE, _INT, _REAL, _BOOL, _FLOAT, _COMPLEX = range(12)
_MAX_INT: Final = 2**63 - 1


@dataclass(slots=True)
class Nodes:
    """A structure in pre-order, NODE words each; `objects` are referred to by address, and kept alive by the caller."""

    words: list[list[int]] = field(default_factory=list)
    objects: list[object] = field(default_factory=list)
    extents: list[tuple[int, ...]] = field(default_factory=list)  # of each node
    n_leaves: int = 0

    def add(
        self,
        kind: int,
        count: int = 0,
        object: object = None,
        *,
        shape: tuple[int, ...] = (),
        bits: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        """Append a node; the address of its extents is filled in when they have one."""
        self.words.append([kind, count, 0 if object is None else id(object), 0, *bits])
        self.objects.append(object)
        self.extents.append(shape)
        self.n_leaves += kind >= _ARRAY


def argument_nodes(arguments: Sequence[Structure]) -> Nodes:
    """Return the nodes of positional arguments, one after another."""
    return _nodes(arguments, _argument_leaf, result=False)


def result_nodes(results: Structure) -> Nodes:
    """Return the nodes of a result."""
    return _nodes([results], _result_leaf, result=True)


class Frame(NamedTuple):
    """Where the parts of a frame begin, in bytes from its own beginning."""

    results: int
    held: int
    made: int
    slots: int
    arena: int
    size: int

    @classmethod
    def of(cls, n_arguments: int, n_constants: int, n_results: int, arena_bytes: int) -> Frame:
        """Lay a frame out."""
        results = 8 * (n_arguments + n_constants)
        held = results + 8 * n_results
        made = held + 8 * n_arguments
        slots = made + 8 * n_results
        arena = slots + SLOT * (n_arguments + n_results)
        arena += -arena % LINE
        return cls(results, held, made, slots, arena, arena + max(arena_bytes, LINE))


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """What a callable runs; the arguments of `boundary.callable` by their names."""

    code: int
    constants: list[np.ndarray]
    arena_bytes: int
    fallback: Callable[..., Any]
    failed: Callable[[int, bytes, tuple[Any, ...]], Any] | None
    release: bool
    owner: object


class Memory(NamedTuple):
    """The words of a callable, and the address of its C function's definition among them."""

    words: np.ndarray
    definition: int


def assemble(
    program: Program, arity: int, inputs: Nodes, outputs: Nodes, definition: tuple[int, int, int]
) -> Memory:
    """Write all that the native entry reads.

    Parameters
    ----------
    program : Program
        What it runs.
    arity : int
        How many positional arguments there are.
    inputs, outputs : Nodes
        What it checks and builds.
    definition : tuple of int
        Name, function and flags of the C function.
    """
    constants = [address(constant) for constant in program.constants]
    frame = Frame.of(inputs.n_leaves, len(constants), outputs.n_leaves, program.arena_bytes)
    nodes = [*inputs.words, *outputs.words]
    shapes = [*inputs.extents, *outputs.extents]
    counts = [_STATE, NODE * len(nodes), sum(map(len, shapes)), len(constants), _DEFINITION]
    begins = [8 * sum(counts[:i]) for i in range(6)]
    begins[5] += -begins[5] % LINE
    words, base = _aligned(begins[5] + frame.size)
    _, node_at, extent_at, constant_at, definition_at, frame_at = (base + begin for begin in begins)
    extents: list[int] = []
    for node, shape in zip(nodes, shapes, strict=True):
        node[_EXTENTS] = extent_at + 8 * len(extents)
        extents += shape
    state = [
        *(program.code, id(program.fallback), 0 if program.failed is None else id(program.failed)),
        *(node_at, node_at + 8 * NODE * len(inputs.words), constant_at, frame_at),
        *(arity, inputs.n_leaves, len(constants), outputs.n_leaves),
        *frame,
        *(program.release, 0),
    ]
    head = [*state, *(word for node in nodes for word in node), *extents, *constants, *definition, 0]
    view = words.view(np.int64)
    view[: len(head)] = head
    first = begins[5] // 8 + inputs.n_leaves
    view[first : first + len(constants)] = constants
    return Memory(words, definition_at)


def address(array: np.ndarray) -> int:
    """Return where an array's data begin."""
    return int(array.__array_interface__["data"][0])


def _aligned(size: int) -> tuple[np.ndarray, int]:
    """Return zeroed bytes that begin at a multiple of LINE, and their address."""
    block = np.zeros(size + LINE + (-size) % 8, np.uint8)
    begin = address(block)
    skip = -begin % LINE
    return block[skip : skip + size + (-size) % 8], begin + skip


# Structures in pre-order --------------------------------------------------------------------------------------------


def _nodes(structures: Sequence[Structure], leaf: Any, *, result: bool) -> Nodes:
    nodes = Nodes()
    pending = [(structure, 0) for structure in reversed(structures)]
    while pending:
        structure, depth = pending.pop()
        if depth > _MAX_DEPTH:
            message = f"a structure is nested more than {_MAX_DEPTH} deep"
            raise ValueError(message)
        if isinstance(structure, Leaf):
            leaf(nodes, structure)
            continue
        _inner(nodes, structure, result=result)
        if not isinstance(structure, Nothing):
            pending += [(item, depth + 1) for item in reversed(structure.items)]
    return nodes


def _inner(nodes: Nodes, structure: Tuple | List | Dict | Nothing, *, result: bool) -> None:
    if isinstance(structure, Nothing):
        nodes.add(_NOTHING)
    elif isinstance(structure, List):
        nodes.add(_LIST, len(structure.items))
    elif isinstance(structure, Dict):
        if len(structure.keys) != len(structure.items) or {type(k) for k in structure.keys} - {str, int}:
            message = f"keys must be one str or int for each item, not {structure.keys}"
            raise ValueError(message)
        nodes.add(_DICT, len(structure.items), structure.keys)
    else:
        maker = None if structure.type is tuple else getattr(structure.type, "_make", structure.type)
        nodes.add(_TUPLE, len(structure.items), maker if result else structure.type)


def _argument_leaf(nodes: Nodes, leaf: Leaf) -> None:
    dtype, size = _checked(leaf), leaf.dtype.itemsize
    match leaf.kind, dtype.kind:
        case "array", _:
            nodes.add(_ARRAY, len(leaf.shape), dtype, shape=leaf.shape, bits=(dtype.num, size, 0, 0))
        case "scalar", _:
            nodes.add(_BITS, 0, dtype.type, bits=(0, size, 0, 0))
        case "float", "f" if size == 8:
            nodes.add(_BITS, 0, float, bits=(0, size, 0, 0))
        case "complex", "c" if size == 16:
            nodes.add(_BITS, 0, complex, bits=(0, size, 0, 0))
        case "float", "f" if size == 4:
            nodes.add(_SINGLE, bits=(0, size, 0, 0))
        case "int", "i" | "u":
            bounds = np.iinfo(dtype)
            nodes.add(_INT, bits=(0, size, int(bounds.min), min(int(bounds.max), _MAX_INT)))
        case "int", "f" if size in {4, 8}:
            nodes.add(_REAL, bits=(0, size, -_MAX_INT - 1, _MAX_INT))
        case "bool", "b":
            nodes.add(_BOOL, bits=(0, size, 0, 0))
        case _:
            raise _unfit(leaf)


def _result_leaf(nodes: Nodes, leaf: Leaf) -> None:
    dtype, size = _checked(leaf), leaf.dtype.itemsize
    match leaf.kind, dtype.kind:
        case "array", _:
            nodes.add(_ARRAY, len(leaf.shape), dtype, shape=leaf.shape, bits=(dtype.num, size, 0, 0))
        case "scalar", _:
            nodes.add(_BITS, 0, dtype, bits=(0, size, 0, 0))
        case "float", "f" if size in {4, 8}:
            nodes.add(_FLOAT if size == 8 else _SINGLE, bits=(0, size, 0, 0))
        case "complex", "c" if size == 16:
            nodes.add(_COMPLEX, bits=(0, size, 0, 0))
        case "int", "i" | "u":
            nodes.add(_INT, bits=(0, size, 0, -1 if dtype.kind == "u" else 0))
        case "bool", "b":
            nodes.add(_BOOL, bits=(0, size, 0, 0))
        case _:
            raise _unfit(leaf)


def _checked(leaf: Leaf) -> np.dtype:
    """Return NumPy's own object for the dtype of a leaf, one that native code can hold."""
    dtype = np.dtype(leaf.dtype)
    extents = [extent for extent in leaf.shape if extent]
    size = math.prod(extents) * dtype.itemsize
    if dtype.kind not in "biufc" or not dtype.isnative or size > _MAX_INT or min(leaf.shape, default=0) < 0:
        raise _unfit(leaf)
    if leaf.kind != "array" and leaf.shape:
        raise _unfit(leaf)
    return np.dtype(dtype.char)


def _unfit(leaf: Leaf) -> ValueError:
    return ValueError(f"compiled functions take and give no {leaf.kind} as {leaf.dtype}{list(leaf.shape)}")

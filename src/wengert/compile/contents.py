"""What a graph says, in words that are the same in every process: equal contents are equal programs.

    contents ::= type ..., node ..., operand ...             of inputs; of operations; of outputs
    node     ::= primitive, operand ..., parameter ..., quiet, type ...
    operand  ::= number of a value | constant, when it is first met | number of a constant

Values are numbered in the order in which they are made, constants and nested graphs in the order in which they are
met; names, and lines of the user's program, are left out, since nothing is computed of them. What is not of a kind that
is known here, such as a function of the user, has no contents: words for it could stand for something else tomorrow.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from types import EllipsisType
from typing import Any

import numpy as np

from wengert.core.graph import Atom, Const, Graph, Node
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.ops.index_forms import Slot
from wengert.transforms.staging import Guard
from wengert.types import ArrayType

__all__ = ["Contents", "NoContents"]

_LARGEST = 1 << 24  # bytes of all constants: reading more takes longer than what it saves
_WRITTEN_OUT = 64  # bytes: longer constants are told by their digests
_PLAIN = frozenset({int, bool, str, bytes, type(None)})
_TYPES = frozenset({bool, int, float, complex})


class NoContents(Exception):  # noqa: N818 - a signal: the graph is lowered each time
    """A graph holds what is not known by its contents."""


class Contents:
    """What a graph and its guards say.

    Parameters
    ----------
    graph : Graph
    guards : sequence of Guard
        On its last outputs.

    Attributes
    ----------
    text : str
        Equal for graphs of which the same is computed in the same way, and for no others.
    constants : dict of Const to int
        Their numbers: those of two equal graphs correspond.

    Raises
    ------
    NoContents
    """

    def __init__(self, graph: Graph, guards: Sequence[Guard] = ()) -> None:
        self.constants: dict[Const, int] = {}
        self._graphs: dict[Graph, int] = {}
        self._types: dict[tuple[int, bool, Any], str] = {}  # by addresses, while the graph holds them
        self._primitives: set[Primitive] = set()
        self._size = 0
        asked = [(guard.asked, self._value(guard.answer)) for guard in guards]
        self.text = repr((asked, self._graph(graph)))

    def _graph(self, graph: Graph) -> Any:
        if graph in self._graphs:
            return self._graphs[graph]
        self._graphs[graph] = len(self._graphs)
        atoms: dict[Atom, int] = {}
        inputs = self._made(graph.inputs, atoms)
        nodes = [self._node(node, atoms) for node in graph.nodes]
        return inputs, nodes, [self._operand(a, atoms) for a in graph.outputs]

    def _node(self, node: Node, atoms: dict[Atom, int]) -> Any:
        if node.prim not in self._primitives:
            _require_ours(node.prim)
            self._primitives.add(node.prim)
        operands = [atoms[a] if a in atoms else self._operand(a, atoms) for a in node.inputs]
        params = [(name, self._value(value)) for name, value in node.params.items()]
        return node.prim.name, operands, params, node.quiet, self._made(node.outputs, atoms)

    def _made(self, made: Sequence[Atom], atoms: dict[Atom, int]) -> list[str]:
        types = []
        for atom in made:
            atoms[atom] = len(atoms)
            types.append(self._type(atom.type, atom.scalar, atom.weak))
        return types

    def _type(self, type: ArrayType, scalar: bool = False, weak: Any = None) -> str:
        key = (id(type), scalar, weak)
        found = self._types.get(key)
        if found is None:
            name = "" if weak is None else weak.__name__
            found = self._types[key] = f"{_dtype(type.dtype)}{type.shape}{'s' * scalar}{name}"
        return found

    def _operand(self, atom: Atom, atoms: dict[Atom, int]) -> Any:
        if not isinstance(atom, Const):
            return atoms[atom]
        if atom in self.constants:
            return "const", self.constants[atom]
        self.constants[atom] = len(self.constants)
        x = np.asarray(atom.value)
        kind = (self._type(atom.type, atom.scalar), x.strides)
        if atom.live:  # what it holds is read in every run
            return kind, x.flags.aligned
        return kind, self._array(x)

    def _array(self, x: Any) -> Any:
        _dtype(x.dtype)
        if x.size and not any(x.strides):
            x = x[(0,) * x.ndim]  # one number, repeated
        self._size += x.nbytes
        if self._size > _LARGEST:
            raise NoContents
        held = x.tobytes()
        return held if len(held) <= _WRITTEN_OUT else hashlib.sha256(held).hexdigest()

    def _value(self, value: Any) -> Any:
        """Return a parameter in tuples of plain values; different ones stand for different parameters."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is float or kind is complex:  # by their bits
            return kind.__name__, struct.pack("<dd", value.real, value.imag)
        if kind is tuple or kind is list:
            return kind.__name__, [self._value(item) for item in value]
        if kind is slice:
            return "slice", [self._value(item) for item in (value.start, value.stop, value.step)]
        if kind is Graph:
            return "graph", self._graph(value)
        return self._other(value)

    def _other(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, np.generic) or kind is np.ndarray:
            return kind.__name__, _dtype(value.dtype), value.shape, value.strides, self._array(value)
        if isinstance(value, np.dtype):
            return "dtype", _dtype(value)
        if kind is ArrayType:
            return "type", self._type(value)
        if kind is EllipsisType or kind is Slot:
            return (kind.__name__,)
        if isinstance(value, type) and (value in _TYPES or issubclass(value, np.generic)):
            return "class", value.__name__
        if is_dataclass(value) and _is_ours(kind):
            parts = [(f.name, self._value(getattr(value, f.name))) for f in fields(value)]
            return kind.__module__, kind.__qualname__, parts
        raise NoContents


def _dtype(dtype: Any) -> str:
    if dtype.kind not in "biufc":
        raise NoContents
    return str(dtype.str)


# Primitives -----------------------------------------------------------------------------------------------------------


def _require_ours(prim: Primitive) -> None:
    """Raise for primitives whose names and rules are not those of the package, as tests and users may make them."""
    if PRIMITIVES.get(prim.name) is not prim or not _is_ours(prim.infer):
        raise NoContents
    kind = prim.lower
    rules = [getattr(kind, f.name) for f in fields(kind)] if kind is not None else ()
    if not all(_is_ours(rule) for rule in rules if callable(rule)):
        raise NoContents


def _is_ours(made: Any) -> bool:
    """Whether a function or class is one of the package, which the package's version tells."""
    return getattr(made, "__module__", "").partition(".")[0] == __name__.partition(".")[0]

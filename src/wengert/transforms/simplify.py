"""Simplification: equal programs with fewer operations.

One walk over the nodes, in order: each is rewritten by the table below until no rule applies, folded if its operands
are constants, and shared with an equal one that is there already. What nobody reads is left out at the end. Time is
linear in the graph.

Rules are safe for IEEE numbers. Exact ones change no bit: nan, inf and signed zeros stay what they are. The others add
up in another order, or leave out the addition of a zero, which only shows in the sign of a zero; they keep away from
what the program decides by, so that it takes the same way as before.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.core.check import checked
from wengert.core.collector import collector_paused
from wengert.core.graph import Atom, Const, Graph, Node, Var
from wengert.core.primitive import Primitive
from wengert.ops.arithmetic import multiply
from wengert.ops.families import masked
from wengert.ops.index_forms import SLOT, as_tuple
from wengert.ops.indexing import scatter
from wengert.ops.movement import reshape_, transpose_
from wengert.ops.products import vecdot
from wengert.ops.updating import index_add_
from wengert.transforms.raising import may_raise

__all__ = ["PASSES", "REWRITES", "Builder", "Rewrite", "frozen", "simplify"]

PASSES = ("rewrite", "fold", "share", "prune")

_FOLDED = 1 << 16  # bytes: results of constants that are larger are computed in every run


class Rewrite(NamedTuple):
    """A rule: what stands for the result of a node, or None where it does not apply.

    `example` is a function to which it applies, of operands of the types given, for the test of the table; `exact` says
    that no bit changes.
    """

    name: str
    prim: str
    rule: Callable[[Node, Builder], Atom | None]
    example: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    exact: bool = True


REWRITES: list[Rewrite] = []


def _rewrite(
    *prims: str, example: Callable[..., Any], shapes: Iterable[tuple[int, ...]] = ((3,),), exact: bool = True
) -> Callable[..., Any]:
    def register(rule: Callable[[Node, Builder], Atom | None]) -> Callable[[Node, Builder], Atom | None]:
        REWRITES.extend(
            Rewrite(rule.__name__.strip("_"), prim, rule, example, tuple(shapes), exact) for prim in prims
        )
        return rule

    return register


# Keys ---------------------------------------------------------------------------------------------------------------


def frozen(value: Any) -> Any:
    """Return a hashable stand-in for a parameter: equal ones mean equal operations."""
    if isinstance(value, tuple | list):
        return (type(value).__name__, *[frozen(item) for item in value])
    if isinstance(value, dict):
        return tuple((key, frozen(item)) for key, item in sorted(value.items()))
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, np.ndarray | np.generic):
        return (type(value).__name__, value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, float | complex):
        return (type(value).__name__, value.real.hex(), value.imag.hex())
    return (type(value).__name__, value) if isinstance(value, bool | int) else value


# Building -----------------------------------------------------------------------------------------------------------


class Builder:
    """A graph that is being made of simplified nodes."""

    __slots__ = (
        "_consts",
        "_decisive",
        "_nodes",
        "_passes",
        "_producers",
        "_rules",
        "_shared",
        "_uses",
        "superseded",
    )

    def __init__(
        self,
        passes: Sequence[str],
        rules: dict[str, list[Rewrite]],
        uses: dict[Atom, int],
        decisive: set[Atom],
    ) -> None:
        self._decisive = decisive
        self._passes = frozenset(passes)
        self._rules = rules
        self._uses = uses
        self._nodes: list[Node] = []
        self._producers: dict[Atom, Node] = {}
        self._shared: dict[Any, tuple[Atom, ...]] = {}
        self._consts: dict[Any, Const] = {}
        self.superseded: set[Node] = set()  # left out if nobody reads them, though they may raise

    @property
    def nodes(self) -> list[Node]:
        """The nodes so far."""
        return self._nodes

    def producer(self, atom: Atom, name: str) -> Node | None:
        """Return the node of a primitive that computes an atom, if it is one of that name."""
        node = self._producers.get(atom)
        return node if node is not None and node.prim.name == name else None

    def used_once(self, atom: Atom) -> bool:
        """Whether one operation reads an atom."""
        return self._uses.get(atom, 0) <= 1

    def apply(self, prim: Primitive, inputs: tuple[Atom, ...], like: Node, **params: Any) -> Atom:
        """Return the result of an operation in the place of a node."""
        type = prim.infer(*[a.type for a in inputs], **params)  # type: ignore[misc]
        node = Node(
            prim, inputs, params, (Var(type, scalar=like.outputs[0].scalar),), like.place, quiet=like.quiet
        )
        if like.outputs[0] in self._decisive:
            self._decisive.add(node.outputs[0])
        return self.add(node)[0]

    def add(self, node: Node) -> tuple[Atom, ...]:
        """Add a node in its simplest form; return what stands for its results."""
        for rewrite in self._rules.get(node.prim.name, ()):
            if not rewrite.exact and node.outputs[0] in self._decisive:
                continue
            found = rewrite.rule(node, self)
            if found is not None and _alike(found, node.outputs[0]):
                return (found,)
        if "fold" in self._passes and all(isinstance(a, Const) and not a.live for a in node.inputs):
            folded = self._folded(node)
            if folded is not None:
                return folded
        key = self._key(node) if "share" in self._passes else None
        if key in self._shared:
            return self._shared[key]
        if key is not None:
            self._shared[key] = node.outputs
        self._nodes.append(node)
        for var in node.outputs:
            self._producers[var] = node
        return node.outputs

    def _key(self, node: Node) -> Any:
        try:
            params = frozen(node.params) if node.params else ()
            key = (node.prim, node.inputs, params, node.quiet)
            hash(key)
        except TypeError:
            return None
        return key

    def constant(self, value: Any) -> Const:
        """Return a constant; equal ones are one."""
        const = Const(value)
        if const.nbytes > _FOLDED:
            return const
        plain = np.asarray(value)
        key = (const.type, const.scalar, plain.tobytes(), plain.strides)
        return self._consts.setdefault(key, const)

    def share_constant(self, const: Const) -> Const:
        """Return the constant that stands for all equal ones."""
        return const if const.live or "share" not in self._passes else self.constant(const.value)

    def _folded(self, node: Node) -> tuple[Atom, ...] | None:
        if sum(var.nbytes for var in node.outputs) > _FOLDED or not node.inputs or may_raise(node):
            return None
        xs = [a.value for a in node.inputs]  # type: ignore[attr-defined]
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore" if node.quiet else "raise"):
                warnings.simplefilter("error")
                y = node.prim.eval(*xs, **node.params)
        except Exception:  # noqa: BLE001 - it is for the run of the program to warn or to raise
            return None
        ys = y if node.prim.multiple else (y,)
        return tuple([self.constant(_frozen_array(v)) for v in ys])


def _frozen_array(y: Any) -> Any:
    if isinstance(y, np.ndarray):
        y = y if y.base is None else y.copy()
        y.flags.writeable = False
        return y
    return y if isinstance(y, np.generic) else np.asarray(y)[()]


def simplify(
    graph: Graph,
    passes: Sequence[str] = PASSES,
    rewrites: Sequence[Rewrite] | None = None,
    *,
    decisive: Sequence[Atom] = (),
) -> Graph:
    """Return an equal graph with fewer operations.

    Parameters
    ----------
    graph : Graph
    passes : sequence of str
        Of `PASSES`: "rewrite" by the table, "fold" constants, "share" equal operations, "prune" what nobody reads.
    rewrites : sequence of Rewrite, optional
        The rules to use; all by default.
    decisive : sequence of Atom
        Values that must not change by a bit, since the program takes one way or another by them.

    Returns
    -------
    Graph
        With the same inputs.
    """
    rules: dict[str, list[Rewrite]] = {}
    if "rewrite" in passes:
        for rewrite in REWRITES if rewrites is None else rewrites:
            rules.setdefault(rewrite.prim, []).append(rewrite)
    with collector_paused():
        return checked(_simplified(graph, passes, rules, decisive))


def _simplified(
    graph: Graph, passes: Sequence[str], rules: dict[str, list[Rewrite]], decisive: Sequence[Atom]
) -> Graph:
    uses: dict[Atom, int] = {}
    for node in graph.nodes:
        for a in node.inputs:
            uses[a] = uses.get(a, 0) + 1
    for a in graph.outputs:
        uses[a] = uses.get(a, 0) + 1
    builder = Builder(passes, rules, uses, _ancestors(graph, decisive))
    now: dict[Atom, Atom] = {const: builder.share_constant(const) for const in graph.constants()}
    for node in graph.nodes:
        inputs = tuple([now.get(a, a) for a in node.inputs])
        fresh = node if inputs == node.inputs else node.with_inputs(inputs, node.outputs)
        now.update(zip(node.outputs, builder.add(fresh), strict=True))
    outputs = [now.get(a, a) for a in graph.outputs]
    nodes = _pruned(builder.nodes, outputs, builder.superseded) if "prune" in passes else builder.nodes
    return Graph(graph.inputs, nodes, outputs, graph.name, graph.structures)


def _ancestors(graph: Graph, atoms: Sequence[Atom]) -> set[Atom]:
    """Return atoms and all on which they depend."""
    found = set(atoms)
    for node in reversed(graph.nodes) if found else ():
        if any(a in found for a in node.outputs):
            found.update(node.inputs)
    return found


def _pruned(nodes: Sequence[Node], outputs: Sequence[Atom], superseded: set[Node]) -> list[Node]:
    """Return the nodes on which the outputs depend, and those that may raise."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if any(a in wanted for a in node.outputs) or (node not in superseded and may_raise(node)):
            wanted.update(node.inputs)
            kept.append(node)
    return kept[::-1]


# Conditions ---------------------------------------------------------------------------------------------------------


def _number(atom: Atom) -> Any:
    """Return a constant number, or the one that a constant array repeats in memory, or None."""
    if not isinstance(atom, Const) or atom.live or 0 in atom.shape or any(np.asarray(atom.value).strides):
        return None
    return np.asarray(atom.value)[(0,) * atom.ndim]


def _is(atom: Atom, number: float) -> bool:
    """Whether an atom is a constant number of a value, zeros of one sign told from those of the other."""
    value = _number(atom)
    if value is None or value != number:
        return False
    parts = (value.real, value.imag)
    return all(bool(np.signbit(part)) == bool(np.signbit(number)) for part in parts if part == 0)


def _alike(found: Atom, var: Var) -> bool:
    """Whether an atom can stand for a result: of its type, and an array where that is one."""
    return found.type == var.type and found.scalar == var.scalar


def _whole_sum(node: Node, x: Atom) -> bool:
    return node.params.get("axis") == tuple(range(x.ndim)) and not node.params.get("keepdims")


# The table ----------------------------------------------------------------------------------------------------------


# A complex number times one is a sum of products with one and with zero: nan for inf, and another sign of zeros. So is
# one over one, and one to the power of one.


def _times_one(node: Node, _: Builder) -> Atom | None:
    a, b = node.inputs
    if node.outputs[0].dtype.kind == "c":
        return None
    return a if _is(b, 1) else b if _is(a, 1) else None


_rewrite("multiply", example=lambda x: x * 1.0)(_times_one)
_rewrite("masked", example=lambda x: masked(x, 1.0), exact=False)(_times_one)  # which may give 0 for -0


@_rewrite("masked", example=lambda x: masked(x, 2.0), exact=False)  # which may give 0 for -0
def _finite_factor(node: Node, builder: Builder) -> Atom | None:
    """A number that is neither 0 nor infinite makes no zero undefined: nothing is to be masked."""
    if node.outputs[0].dtype.kind == "c" or not any(_is_ordinary(_number(a)) for a in node.inputs):
        return None
    return builder.apply(multiply, node.inputs, node)


def _is_ordinary(value: Any) -> bool:
    return value is not None and value != 0 and bool(np.isfinite(value))


@_rewrite("divide", "power", example=lambda x: (x / 1.0) ** 1.0)
def _over_one(node: Node, _: Builder) -> Atom | None:
    x, n = node.inputs
    return x if _is(n, 1) and x.dtype.kind != "c" else None


@_rewrite("subtract", example=lambda x: x - 0.0)
def _minus_zero(node: Node, _: Builder) -> Atom | None:
    return node.inputs[0] if _is(node.inputs[1], 0.0) else None  # x - 0 is x, -0 - 0 is -0; x + 0 is not


@_rewrite("power", example=lambda x: x**2)
def _square(node: Node, builder: Builder) -> Atom | None:
    x, p = node.inputs
    if x.dtype.kind == "c" or not _is(p, 2):
        return None
    return builder.apply(multiply, (x, x), node)


@_rewrite("power", example=lambda x: (1j * x) ** 2, exact=False)
def _complex_square(node: Node, builder: Builder) -> Atom | None:
    """z² = z z, as NumPy squares arrays; its powers are rounded otherwise, and those of scalars are powers."""
    x, p = node.inputs
    if x.dtype.kind != "c" or node.outputs[0].scalar or not _is(p, 2):
        return None
    return builder.apply(multiply, (x, x), node)


def _twice(node: Node, builder: Builder) -> Atom | None:
    before = builder.producer(node.inputs[0], node.prim.name)
    return None if before is None else before.inputs[0]


_rewrite("negative", example=lambda x: -np.negative(x))(_twice)
_rewrite("conjugate", example=lambda x: np.conjugate(np.conjugate(1j * x)))(_twice)


def _to_itself(node: Node, _: Builder) -> Atom | None:
    same = node.inputs[0].type == node.outputs[0].type and node.params.get("order", "C") == "C"
    return node.inputs[0] if same else None


_rewrite("cast", example=lambda x: x.astype(float))(_to_itself)
_rewrite("broadcast_to", example=lambda x: np.broadcast_to(x, (3,)))(_to_itself)
_rewrite("reshape", example=lambda x: np.reshape(x, (3,)))(_to_itself)


@_rewrite("reshape", example=lambda x: np.reshape(np.reshape(x, (3, 2)), (6,)), shapes=((2, 3),))
def _reshape_twice(node: Node, builder: Builder) -> Atom | None:
    before = builder.producer(node.inputs[0], "reshape")
    if before is None or set(before.params) != {"shape"} or set(node.params) != {"shape"}:
        return None
    return builder.apply(reshape_, before.inputs, node, **node.params)


@_rewrite(
    "transpose", example=lambda x: np.transpose(np.transpose(x, (1, 2, 0)), (2, 0, 1)), shapes=((2, 3, 4),)
)
def _transpose_twice(node: Node, builder: Builder) -> Atom | None:
    axes = node.params["axes"]
    before = builder.producer(node.inputs[0], "transpose")
    if before is not None:
        axes = tuple(before.params["axes"][i] for i in axes)
        return builder.apply(transpose_, before.inputs, node, axes=axes)
    return node.inputs[0] if axes == tuple(range(len(axes))) else None


@_rewrite("sum", example=lambda x: np.sum(np.broadcast_to(x, (4, 3)), axis=0), exact=False)
def _sum_of_copies(node: Node, builder: Builder) -> Atom | None:
    before = builder.producer(node.inputs[0], "broadcast_to")
    if before is None or node.params.get("keepdims") or node.params.get("dtype"):
        return None
    x, shape = before.inputs[0], node.inputs[0].shape
    extra = len(shape) - x.ndim
    if node.params["axis"] != tuple(range(extra)) or shape[extra:] != x.shape or x.dtype.char not in "fd":
        return None
    n = math.prod(shape[:extra])  # none: their sum is 0, whatever x is
    return builder.apply(multiply, (x, builder.constant(x.dtype.type(n))), node) if n else None


@_rewrite("sum", example=lambda x, y: np.sum(x * y), shapes=((3, 2), (3, 2)), exact=False)
def _sum_of_products(node: Node, builder: Builder) -> Atom | None:
    x = node.inputs[0]
    before = builder.producer(x, "multiply")
    if before is None or x.dtype.char not in "fd" or not _whole_sum(node, x) or not builder.used_once(x):
        return None
    a, b = before.inputs
    if a.type != x.type or b.type != x.type or not x.ndim or node.params.get("dtype"):
        return None
    size = x.nbytes // x.dtype.itemsize
    lines = [c if c.ndim == 1 else builder.apply(reshape_, (c,), before, shape=(size,)) for c in (a, b)]
    return builder.apply(vecdot, (lines[0], lines[1]), node)  # type: ignore[arg-type]


@_rewrite(
    "add",
    example=lambda x, y: x + scatter(y, y[0], indices=((slice(1, 3),), (2,)), shape=(4,)),
    shapes=((4,), (2,)),
    exact=False,
)
def _add_scattered(node: Node, builder: Builder) -> Atom | None:
    """C + scatter(p, q, ...) = index_add(index_add(c, p), q) ...: one buffer for all cotangents of reads."""
    for c, y in (node.inputs, node.inputs[::-1]):
        before = builder.producer(y, "scatter")
        if before is None or not builder.used_once(y) or c.type != y.type or not c.ndim:
            continue
        indices = before.params["indices"]
        pieces, arrays = before.inputs[: len(indices)], iter(before.inputs[len(indices) :])
        if any(piece.dtype != c.dtype for piece in pieces):
            continue
        total = c
        for piece, index in zip(pieces, indices, strict=True):
            slots = [next(arrays) for item in as_tuple(index) if item is SLOT]
            total = builder.apply(index_add_, (total, piece, *slots), node, index=index)
        builder.superseded.add(before)  # what it raises, the new ones raise
        return total
    return None

"""Lowering: a graph as a program of loops.

Each value of the graph is one of these: an operation on entries, computed where it is read; a root, which loops
compute; or the result of a unit, which works on memory as a whole. What is read more than once and is not cheap is a
root. Roots are arranged into loops that they share, get memory where somebody reads them outside of these, and are
written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from wengert.compile.affine import constant
from wengert.compile.arrangement import UNROLLED, arrange, settle
from wengert.compile.bounds import Within
from wengert.compile.context import Lowering, NotLowered, located, size_of, type_of_entries
from wengert.compile.contractions import Labels, product_root, sizes_of
from wengert.compile.definitions import (
    Entries,
    Entry,
    Finite,
    Gathered,
    Mapped,
    Memory,
    Placed,
    Viewed,
    has_gaps,
    has_rule,
    row_major,
)
from wengert.compile.factoring import factored
from wengert.compile.fission import with_fission
from wengert.compile.gathers import with_tables_multiplied
from wengert.compile.inlining import inlined
from wengert.compile.kernel import BOOL, NOT_FINITE, OUT_OF_BOUNDS, Fail, Value
from wengert.compile.liveness import Liveness, settle_memory
from wengert.compile.nests import Nests, copy
from wengert.compile.reading import uses
from wengert.compile.roots import NotCut, Root, Unit, survey
from wengert.compile.views import with_products
from wengert.compile.writing import type_name
from wengert.core.graph import Atom, Const, Graph, Node, Var
from wengert.core.lowering import Contraction, Placement, Pointwise, Reduction, View
from wengert.ops.entries import promoted
from wengert.ops.families import masked
from wengert.ops.movement import transpose_
from wengert.transforms.staging import Guard
from wengert.types import ArrayType

__all__ = ["Body"]

_DEAR = 12  # additions: what takes as many and is read twice is a root
_GATHER = 12  # additions: an entry at an index that is computed, and checked
_DEEP = 24  # operations: longer chains are cut by roots, which bounds the recursion


_PRODUCT = Pointwise(lambda b, c, p: b("mul", *promoted(b, c, p)))


class Body:
    """A graph, or the body of a loop or branch, that is being lowered.

    Parameters
    ----------
    lowering : Lowering
    graph : Graph
    inputs : sequence of Definition
    targets : sequence of Memory or None
        Where outputs are to be put; numbers may stay where they are.
    arrays : iterable of int
        Outputs that are wanted in memory, wherever that is.
    guards : sequence of Guard
        On the last outputs.
    own : iterable of Atom
        Inputs whose memory may be overwritten.
    finite : iterable of int
        Outputs that have to be finite.
    """

    def __init__(
        self,
        lowering: Lowering,
        graph: Graph,
        inputs: Sequence[Any],
        targets: Sequence[Memory | None],
        arrays: Iterable[int] = (),
        guards: Sequence[Guard] = (),
        own: Iterable[Atom] = (),
        finite: Iterable[int] = (),
    ) -> None:
        self._own = set(own)
        self._guards = guards
        graph, asked = inlined(graph)
        self._finite = [*(asked if lowering.masks else ()), *[graph.outputs[k] for k in finite]]
        if not lowering.masks:
            graph = with_fission(graph)
        graph = with_products(factored(graph, self._finite), self._finite, self._own)
        if not lowering.masks:
            graph = with_tables_multiplied(graph, self._finite, set(asked))
        self.lowering = lowering
        self.graph = graph
        self.entries = Entries(lowering.writer)
        self.entries.definitions.update(zip(graph.inputs, inputs, strict=True))
        self.targets = targets
        self.owners: dict[Atom, Any] = {}  # roots and units, by what they compute
        self.roots: list[Any] = []
        self._makers: dict[Atom, Node] = {y: node for node in graph.nodes for y in node.outputs}
        self._users: dict[Atom, list[Node]] = {}
        for node in graph.nodes:
            for a in node.inputs:
                self._users.setdefault(a, []).append(node)
        self._given_away = {*graph.outputs, *self._finite}
        self._done: set[Node] = set()  # what others have done already
        self._order: dict[Atom, int] = {y: k for k, node in enumerate(graph.nodes) for y in node.outputs}
        self._destinations: dict[Atom, Memory] = {}  # of what units compute
        self._arrays = [graph.outputs[k] for k in arrays if graph.outputs[k].shape]

    def write(self) -> None:
        """Write the statements of the graph."""
        for const in self.graph.constants():
            if const.live or not _is_uniform(const):
                self.entries.definitions[const] = self.lowering.constant_array(const)
        self._classify()
        items = arrange(self.roots)
        settle(items)
        outputs = {self.owners[a] for a in self.graph.outputs if a in self.owners}
        settle_memory(self.roots, outputs)
        nests = Nests(self.entries)
        self._liveness = Liveness(self.lowering.arena, items, outputs, self.entries.definitions)
        for k, item in enumerate(items):
            self._liveness.begin(k)
            nests.write(item)
            self._liveness.end(k)

    def number(self, atom: Atom) -> Value:
        """Return a value without axes, when it has been computed."""
        return self.entries.at(atom)

    def in_memory(self, atom: Atom) -> Memory:
        """Return the memory of a value that was wanted there."""
        found = self.entries.definitions[atom]
        if isinstance(found, Memory):
            return found
        message = f"{atom!r} is not in memory"
        raise AssertionError(message)

    # What values are

    def _classify(self) -> None:
        counts = uses(self.graph)
        weights: dict[Atom, tuple[int, int]] = {}  # operations, and how deep, of values that are no roots
        for node in self.graph.nodes:
            if node not in self._done:
                with located(node):
                    self._classify_node(node, counts, weights)
        for atom in self._finite:
            self.require_all(Finite(atom), atom, NOT_FINITE, len(self.graph.nodes))  # behind what computes it
        for k, guard in enumerate(self._guards):
            self._require(guard, self.graph.outputs[k - len(self._guards)], 1 + k)
        self._place_outputs()
        for atom in self._arrays:
            self.want(atom)
        self._survey()
        self._settle_bases()

    def _settle_bases(self) -> None:
        """Let units write into the memory of their bases, where nobody reads these afterwards."""
        views = [r for r in self.roots if isinstance(r, Unit) and r.is_alias]
        shared = {a for view in views for a in (*view.operands, *view.results)}
        for k, unit in enumerate(self.roots):
            if not isinstance(unit, Unit):
                continue
            if unit.base is not None and unit.base not in shared:
                unit.is_alias = self._may_hold(unit.base, unit.results, self.roots[k + 1 :])
            for y, base in unit.bases.items():
                alone = base not in shared and unit.operands.count(base) == 1 and base.type == y.type
                if alone and self._may_hold(base, [y], self.roots[k + 1 :]):
                    unit.taken[y] = self.owners.get(base)

    def _may_hold(self, base: Atom, results: Sequence[Atom], later: Sequence[Any]) -> bool:
        """Say whether results may be written into the memory of a value: it is ours, and nobody reads it later."""
        owner = self.owners.get(base)
        ours = (owner is not None or base in self._own) and base not in self.graph.outputs
        return (
            ours
            and not any(y in self._destinations for y in results)
            and not any(base in r.sources or owner in r.reads for r in later)
        )

    def _classify_node(
        self, node: Node, counts: dict[Atom, int], weights: dict[Atom, tuple[int, int]]
    ) -> None:
        kind, y = node.prim.lower, node.outputs[0]
        definition = self._definition(node, kind)
        self._keep_repeated(node, weights)
        if isinstance(kind, Reduction) and self._reduce(node, kind):
            return
        if isinstance(kind, Contraction) and self._contract(node, kind):
            return
        if definition is None:
            self._add_unit(node)
            return
        self.entries.definitions[y] = definition
        own = _GATHER if isinstance(definition, Gathered) else getattr(kind, "weight", 0)
        below = [weights.get(a, (0, 0)) for a in node.inputs]
        weight, depth = own + sum(w for w, _ in below), 1 + max([d for _, d in below], default=0)
        dear = counts.get(y, 0) > 1 and weight >= _DEAR
        if not y.shape or dear or depth > _DEEP:
            self._add_root(Root(y, definition, y.shape))
        else:
            weights[y] = (weight, depth)

    def _keep_repeated(self, node: Node, weights: dict[Atom, tuple[int, int]]) -> None:
        """Let dear operands be computed once, where several entries of a result, or several terms, are made of each."""
        dear = [a for a in dict.fromkeys(node.inputs) if weights.get(a, (0, 0))[0] >= _DEAR]
        if not dear:
            return
        kind, steps = node.prim.lower, size_of(node.outputs[0].shape)
        if isinstance(kind, Contraction):
            terms, _ = kind.labels([a.shape for a in node.inputs], **node.params)
            steps = math.prod(sizes_of(node, [tuple(term) for term in terms]).values())
        for a in dear:
            if 2 * size_of(a.shape) <= steps:
                self._add_root(Root(a, self.entries.definitions[a], a.shape))
                del weights[a]

    def _definition(self, node: Node, kind: Any) -> Any:
        """Return the node as an operation on entries, or None."""
        if any(type_name(a.dtype) is None for a in (*node.inputs, *node.outputs)):
            return None
        if isinstance(kind, Pointwise):
            plain = node.prim is masked and not self.lowering.masks
            return Mapped(node, _PRODUCT if plain else kind) if plain or has_rule(node, kind) else None
        if isinstance(kind, View):
            return self._view(node, kind)
        if isinstance(kind, Placement):
            pieces = kind.pieces([a.shape for a in node.inputs], node.outputs[0].shape, **node.params)
            if pieces is not None:
                return None if has_gaps(pieces) else Placed(node, kind, tuple(pieces))
            return self._gathered(node)
        return None

    def _gathered(self, node: Node) -> Any:
        make = self.lowering.gathers.get(node.prim)
        return None if make is None else make(self, node)

    def _view(self, node: Node, kind: View) -> Any:
        y = node.outputs[0]
        index = tuple([constant(0)] * y.ndim)
        if kind.source(index, node.inputs[0].shape, y.shape, **node.params) is not None:
            return Viewed(node, kind)
        return self._gathered(node)

    def _reduce(self, node: Node, kind: Reduction) -> bool:
        (x, *_), (y,) = node.inputs, node.outputs
        axes = kind.axes(x.ndim, **node.params)
        if axes is None or (kind.first is None and 0 in x.shape):
            return False
        if x.dtype.kind == "c" or type_name(x.dtype) is None or type_name(y.dtype) is None:
            return False
        kept = tuple([i for i in range(x.ndim) if i not in axes])
        found: Atom = y
        if y.ndim > len(kept):  # axes of length 1 are left
            found = Var(ArrayType(tuple([x.shape[i] for i in kept]), y.dtype))
            self.entries.definitions[y] = Entry(found, kept)
        # Short axes that are joined come last: they are written out, and nothing is joined in memory.
        is_short = math.prod([x.shape[i] for i in axes]) <= UNROLLED
        order = [*kept, *axes] if is_short else [*range(x.ndim)]
        root = Root(found, Entry(x, [order.index(i) for i in range(x.ndim)]), [x.shape[i] for i in order])
        joined = [order.index(i) for i in axes]
        self._add_root(root.joining(_operation(kind, y), _first(kind, y), joined) if axes else root)
        self.roots[-1].order = self._order[y]
        return True

    def _contract(self, node: Node, kind: Contraction) -> bool:
        if any(
            a.dtype.kind not in "fiu" or type_name(a.dtype) is None for a in (*node.inputs, *node.outputs)
        ):
            return False
        terms, result = kind.labels([a.shape for a in node.inputs], **node.params)
        self._add_root(product_root(*self._turned(node, [tuple(term) for term in terms], tuple(result))))
        return True

    def _turned(self, node: Node, terms: list[Labels], result: Labels) -> tuple[Node, list[Labels], Labels]:
        """Return a contraction of what its operands are transposes of, that gives what its result is transposed to."""
        plain = [self._unturned(a, term) for a, term in zip(node.inputs, terms, strict=True)]
        y = node.outputs[0]
        while (user := self._only_user(y)) is not None and user.prim is transpose_:
            result = tuple([result[i] for i in user.params["axes"]])
            y = user.outputs[0]
            self._done.add(user)
        inputs = tuple([a for a, _ in plain])
        return Node(node.prim, inputs, node.params, (y,)), [term for _, term in plain], result

    def _unturned(self, atom: Atom, term: Labels) -> tuple[Atom, Labels]:
        """Return what a value is the transpose of, and the labels of its axes."""
        before = self._makers.get(atom)
        while before is not None and before.prim is transpose_ and before not in self._done:
            axes, atom = before.params["axes"], before.inputs[0]
            term = tuple([term[axes.index(i)] for i in range(len(axes))])
            before = self._makers.get(atom)
        return atom, term

    def _only_user(self, atom: Atom) -> Node | None:
        users = self._users.get(atom, [])
        return users[0] if len(users) == 1 and atom not in self._given_away else None

    def contiguous(self, atom: Atom) -> Memory:
        """Return the row-major memory of a value that was wanted there."""
        found = self.in_memory(atom)
        if found.strides == row_major(atom.shape):
            return found
        made = self.lowering.scratch(atom.type)
        copy(self.lowering.writer, found, made, atom.shape)
        return made

    def destination(self, atom: Atom) -> Memory | None:
        """Return where what a unit computes is to be put, if that is known."""
        return self._destinations.get(atom)

    def result(self, atom: Atom, lies: tuple[int, tuple[int, ...]] | None = None) -> Memory:
        """Return the memory of what a unit computes: where it is to be put, if that is known.

        Else entries lie in row-major order, or in so much memory with some strides.
        """
        made = self.destination(atom)
        if made is None:
            size, strides = lies or (size_of(atom.shape), row_major(atom.shape))
            buffer = self.lowering.arena.buffer(type_of_entries(atom.type), size)
            made = Memory(buffer, constant(0), strides)
            self._liveness.hold(atom, made)
        self.entries.definitions[atom] = made
        return made

    def _add_root(self, root: Root) -> None:
        self.lowering.native = True
        self.owners[root.atom] = root
        self.roots.append(root)

    def _add_unit(self, node: Node) -> None:
        units = self.lowering.units
        make = units.get(node.prim) or units.get(type(node.prim.lower))
        unit = make(self, node) if make is not None else None
        self._append_unit(self.lowering.otherwise(self, node) if unit is None else unit)
        self.lowering.native |= unit is not None

    def _append_unit(self, unit: Unit) -> None:
        for a in unit.operands:
            if a.shape:
                self.want(a)
        self.roots.append(unit)
        for y in unit.results:
            self.owners[y] = unit

    def want(self, atom: Atom) -> None:
        """Let a value be in memory."""
        if isinstance(atom, Const):
            self.entries.definitions[atom] = self.lowering.constant_array(atom)
        elif atom not in self.owners and not isinstance(self.entries.definitions[atom], Memory):
            self._add_root(Root(atom, self.entries.definitions[atom], atom.shape))
        owner = self.owners.get(atom)
        if isinstance(owner, Root):
            owner.in_memory = True

    def require_all(self, definition: Any, atom: Atom, code: int, order: int) -> None:
        """Let the program end with a code if something does not hold of all entries of a value."""
        answer = Var(ArrayType((), np.dtype(bool)))
        root = Root(answer, definition, atom.shape)
        root.order = order
        self._add_root(root.joining("and", True, range(atom.ndim)) if atom.ndim else root)

        def holds() -> Value:
            return self.number(answer)

        self._add_check(answer, holds, code, order)

    def require_within(self, node: Node, indices: Iterable[Within]) -> None:
        """Let the program end with a code if an index is out of bounds, though nothing may be read there."""
        for index in indices:
            order = self._order[node.outputs[0]]
            if index.atom.shape:
                self.require_all(index, index.atom, OUT_OF_BOUNDS, order)
            else:
                self._append_check(index.atom, partial(index.check, self.entries), order)

    def _require(self, guard: Guard, atom: Atom, code: int) -> None:
        """Let the program end with a code if a guard has another answer than it had."""
        if atom.shape or guard.asked == "shape":
            raise NotLowered(f"a guard that asks for {guard.asked}")

        def holds() -> Value:
            w = self.lowering.writer
            x, answer = self.number(atom), np.asarray(guard.answer).item()
            if guard.asked == "bool":
                zero = w.constant(0, x)
                truth = x if x.type == BOOL else w("ne", x, zero)
                return truth if answer else w("not", truth)
            expected = w.constant(answer, x)
            if x.type[0] != "f":
                return w("eq", x, expected)
            bits = "i" + x.type[1:]
            return w("eq", w.bitcast(x, bits), w.bitcast(expected, bits))

        self._add_check(atom, holds, code, self._order.get(atom, 0))

    def _add_check(self, atom: Atom, holds: Callable[[], Value], code: int, order: int) -> None:
        def write() -> None:
            w = self.lowering.writer
            w.append(Fail(w("not", holds()), code))

        self._append_check(atom, write, order)

    def _append_check(self, atom: Atom, write: Callable[[], None], order: int) -> None:
        unit = Unit([atom], [], write)
        unit.order = order
        self._append_unit(unit)

    def _place_outputs(self) -> None:
        for atom, target in zip(self.graph.outputs, self.targets, strict=True):
            if target is None:
                continue
            owner = self.owners.get(atom)
            if owner is None and atom in self.entries.definitions and not self._is_given(atom):
                owner = Root(atom, self.entries.definitions[atom], atom.shape)
                self._add_root(owner)
            if isinstance(owner, Root) and owner.target is None:
                owner.target, owner.in_memory = target, True
            elif (
                isinstance(owner, Unit)
                and atom.shape
                and atom not in self._destinations
                and not owner.is_alias
            ):
                self._destinations[atom] = target
            else:
                copy = Root(Var(atom.type), Entry(atom), atom.shape)
                copy.target, copy.in_memory = target, True
                self._add_root(copy)

    def _is_given(self, atom: Atom) -> bool:
        return isinstance(atom, Const) or isinstance(self.entries.definitions[atom], Memory)

    def _survey(self) -> None:
        """Find out who reads what; values whose pieces cannot be told apart become roots."""
        for root in self.roots:
            if root.order < 0:
                first = root.atom if isinstance(root, Root) else root.results[0]
                root.order = self._order.get(first, len(self.graph.nodes))
        while True:
            self.roots.sort(key=lambda root: root.order)
            try:
                for root in self.roots:
                    self._survey_one(root)
            except NotCut as signal:
                self._add_root(Root(signal.atom, self.entries.definitions[signal.atom], signal.atom.shape))
                self.roots[-1].order = self._order[signal.atom]
            else:
                return

    def _survey_one(self, root: Any) -> None:
        if isinstance(root, Root):
            survey(root, self.entries, self.owners)
        else:
            root.reads = {self.owners[a]: [()] for a in root.operands if a in self.owners}
            root.sources = {a for a in root.operands if a not in self.owners}


def _is_uniform(const: Const) -> bool:
    """Whether all entries are the same number, bit by bit: it stands in the program then."""
    value = np.ravel(const.value)
    return value.size > 0 and (value.size == 1 or value.tobytes() == value[:1].tobytes() * value.size)


_OF_BOOLEANS = {"maximum": "or", "minimum": "and"}


def _operation(kind: Reduction, y: Atom) -> str:
    """Return what entries are joined by: the larger of two booleans is whether one is true."""
    return _OF_BOOLEANS.get(kind.operation, kind.operation) if y.dtype.kind == "b" else kind.operation


def _first(kind: Reduction, y: Atom) -> Any:
    """Return what joining begins with."""
    if kind.first is not None:
        return kind.first
    least = kind.operation == "maximum"
    if y.dtype.kind == "b":
        return not least
    if y.dtype.kind == "f":
        return -math.inf if least else math.inf
    bounds = np.iinfo(y.dtype)
    return bounds.min if least else bounds.max

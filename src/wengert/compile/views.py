"""Products of views: factors are read where the viewed values lie.

A product of matrices whose operands are transposes, parts, or other shapes of something becomes a `product` of that:
its parameters tell at which index of each operand the factors of a term are, and where in the result they are added.
So that a reshape which merges axes is no obstacle, the axis of the product that runs along merged ones is split.

    before: b = transpose(a, (1, 0, 2)); c = reshape(b, (m n, k)); y = matmul(c, d)        a has the shape (n, m, k)
    after:  y_(ij)l = sum_k a_jik d_kl
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from wengert.compile.affine import Affine, Axis, Slots, constant, symbol
from wengert.compile.blas import LETTERS
from wengert.compile.contractions import sizes_of
from wengert.compile.definitions import row_major
from wengert.compile.strides import laid, quickest
from wengert.compile.writing import type_name
from wengert.core.graph import Atom, Const, Graph, Node
from wengert.core.lowering import Contraction, Placement, Pointwise, Reduction, View
from wengert.core.primitive import Primitive
from wengert.ops.arithmetic import add
from wengert.ops.movement import reshape_, transpose_

__all__ = ["is_worthwhile", "product_", "with_products"]

_COMPUTED = Pointwise | View | Placement | Reduction  # kinds whose results need not be in memory


def _product(a: Any, b: Any, c: Any = None, *, indices: tuple[Slots, Slots, Slots]) -> Any:
    """Return the sums of products, added to c if there is one."""
    names = {
        axis: k for k, axis in enumerate({s: None for index in indices for e in index for s, _ in e.terms})
    }

    def places(index: Slots) -> tuple[list[int], tuple[Any, ...]]:
        own = [axis for axis in names if any(axis == s for e in index for s, _ in e.terms)]
        grid = dict(zip(own, np.ix_(*[np.arange(axis.extent) for axis in own]), strict=True))
        return [names[axis] for axis in own], tuple(
            [e.offset + sum(grid[s] * f for s, f in e.terms) for e in index]
        )

    (in_a, at_a), (in_b, at_b), (in_y, at_y) = map(places, indices)
    y = np.zeros([int(np.max(e)) + 1 for e in at_y], a.dtype) if c is None else np.copy(c)
    y[at_y] += np.einsum(a[at_a], in_a, b[at_b], in_b, in_y)
    return y


product_ = Primitive(
    name="product",
    eval=_product,
    doc="Sums of products of entries of two arrays at some indices; a third array is what they are added to.",
)


def with_products(graph: Graph, kept: Sequence[Atom] = (), own: Collection[Atom] = ()) -> Graph:
    """Return a graph in which products of matrices are `product`, of what their operands are views of.

    Parameters
    ----------
    graph : Graph
    kept : sequence of Atom
        Values that are wanted beside the outputs.
    own : collection of Atom
        Inputs whose memory may be overwritten.
    """
    if not any(isinstance(node.prim.lower, Contraction) for node in graph.nodes):
        return graph
    return _Rewriting(graph, kept, own).graph


class _Rewriting:
    """A graph whose products are being replaced.

    Attributes
    ----------
    graph : Graph
        The new one.
    """

    def __init__(self, graph: Graph, kept: Sequence[Atom], own: Collection[Atom]) -> None:
        self._makers: dict[Atom, Node] = {y: node for node in graph.nodes for y in node.outputs}
        self._given = {*graph.outputs, *kept}
        self._own = own
        self._stored = set(graph.inputs)
        self._users: dict[Atom, list[Node]] = {}
        for node in graph.nodes:
            for a in node.inputs:
                self._users.setdefault(a, []).append(node)
        self._products: dict[Atom, Node] = {}
        self._gone: set[Node] = set()
        nodes = [self._rewritten(node) for node in graph.nodes]
        nodes = [self._with_base(node) for node in nodes if node not in self._gone]
        self.graph = Graph(graph.inputs, self._without_views(nodes), graph.outputs, graph.name)

    def _only_user(self, atom: Atom) -> Node | None:
        users = self._users.get(atom, [])
        return users[0] if len(users) == 1 and atom not in self._given else None

    def _without_views(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes that are left: of those that products have taken the place of, none is read."""
        read, left = set(self._given), []
        for node in reversed(nodes):
            # Views with more operands check their indices.
            is_view = isinstance(node.prim.lower, View) and len(node.inputs) == 1
            if node in self._gone or (is_view and node.outputs[0] not in read):
                continue
            read.update(node.inputs)
            left.append(node)
        return left[::-1]

    # Products

    def _rewritten(self, node: Node) -> Node:
        """Return a product in the place of a contraction, if it is worthwhile."""
        types = {a.dtype for a in (*node.inputs, *node.outputs)}
        is_product = isinstance(node.prim.lower, Contraction) and len(node.inputs) == 2 and len(types) == 1
        if not is_product or node in self._gone or type_name(node.outputs[0].dtype) not in LETTERS:
            return node
        if any(0 in a.shape for a in node.inputs):
            return node
        later = self._views_of(node)
        shapes = [
            k for k, view in enumerate(later) if view.prim is reshape_
        ]  # of which one may be in the way
        for count in sorted({len(later), *shapes, 0}, reverse=True):
            users = later[:count]
            found = self._product(node, users)
            if found is not None:
                self._gone |= {*users} - {node}
                self._products[found.outputs[0]] = found
                return found
        return node

    def _views_of(self, node: Node) -> list[Node]:
        """Return the transposes, and other shapes, that are all that the result is read for."""
        found: list[Node] = []
        user = self._only_user(node.outputs[0])
        while user is not None and user.prim in {transpose_, reshape_}:
            found.append(user)
            user = self._only_user(user.outputs[0])
        return found

    def _product(self, node: Node, later: Sequence[Node]) -> Node | None:
        """Return a product that gives what views of the result are, if it is one for tiles or BLAS."""
        indices = _indices(node)
        for view in later:
            if view.prim is transpose_:
                indices[2] = tuple([indices[2][i] for i in view.params["axes"]])
                continue
            place, splits = _reshaped(indices[2], view.outputs[0].shape, view.inputs[0].shape)
            if place is None:
                return None
            indices = [*_split(indices[:2], splits), place]
        y = (later[-1] if later else node).outputs[0]
        atoms = list(node.inputs)
        for k in (0, 1):
            indices, atoms[k] = self._seen_through(k, atoms[k], indices)
        if not is_worthwhile((*atoms, y), indices):
            return None
        return Node(product_, tuple(atoms), {"indices": tuple(indices)}, (y,), node.place, quiet=node.quiet)

    def _seen_through(self, k: int, atom: Atom, indices: list[Slots]) -> tuple[list[Slots], Atom]:
        """Return the indices, that of operand k in what it is a view of, and this."""
        chain: list[Node] = []
        x = atom
        while (node := self._view(x)) is not None:
            chain.append(node)
            x = node.inputs[0]
        while chain:
            x = chain[-1].inputs[0]
            if prod(x.shape) <= prod(atom.shape) or self._is_stored(x):
                found = _along(chain, k, indices)
                if found is not None:
                    return found, x
            chain.pop()
        return indices, atom

    def _view(self, atom: Atom) -> Node | None:
        node = self._makers.get(atom)
        is_view = node is not None and isinstance(node.prim.lower, View) and node not in self._gone
        return node if is_view else None

    def _is_stored(self, atom: Atom) -> bool:
        """Whether a value is in memory anyway."""
        node = self._makers.get(atom)
        while node is not None and node.prim is reshape_:  # which lies where its operand does
            atom = node.inputs[0]
            node = self._makers.get(atom)
        if node is None:
            return isinstance(atom, Const) or atom in self._stored
        return not isinstance(node.prim.lower, _COMPUTED)

    # Sums of a product and something else

    def _with_base(self, node: Node) -> Node:
        """Return a product that is added to something in its memory, in the place of the sum."""
        if node.prim is not add:
            return node
        for y, c in (node.inputs, node.inputs[::-1]):
            product = self._products.get(y)
            if (
                product is None
                or y is c
                or len(product.inputs) > 2
                or not c.type == y.type == node.outputs[0].type
            ):
                continue
            if (
                self._only_user(y) is node
                and self._only_user(c) is node
                and (c in self._own or c in self._products)
            ):
                self._gone.add(product)
                found = Node(product_, (*product.inputs, c), product.params, node.outputs, product.place)
                self._products[found.outputs[0]] = found
                return found
        return node


def is_worthwhile(atoms: Sequence[Atom], indices: Sequence[Slots]) -> bool:
    """Whether tiles or BLAS are good at a product of two operands, at these indices of row-major arrays."""
    found = quickest(*[laid(row_major(a.shape), i)[1] for a, i in zip(atoms, indices, strict=True)])
    return found is not None and found[0].pays


# Indices --------------------------------------------------------------------------------------------------------------


def _indices(node: Node) -> list[Slots]:
    """Return the indices of a contraction's operands and of its result, in axes of the product."""
    kind: Any = node.prim.lower
    terms, result = kind.labels([a.shape for a in node.inputs], **node.params)
    axes = {label: Axis(n) for label, n in sizes_of(node, terms).items()}
    return [
        tuple(
            [constant(0) if n == 1 else symbol(axes[label]) for label, n in zip(term, a.shape, strict=True)]
        )
        for term, a in zip((*terms, result), (*node.inputs, node.outputs[0]), strict=True)
    ]


def _along(chain: Sequence[Node], k: int, indices: Sequence[Slots]) -> list[Slots] | None:
    """Return the indices, that of operand k along a chain of views, or None where it is no affine one."""
    now = list(indices)
    for node in chain:
        (x, *_), (y,) = node.inputs, node.outputs
        found = _reshaped(now[k], x.shape, y.shape) if node.prim is reshape_ else (_place(node, now[k]), {})
        place, split = found
        if place is None or _axes(place) != _axes(now[k]) - set(split) | _axes(split.values()):
            return None
        now = _split(now, split)
        now[k] = place
    return now


def _place(node: Node, index: Slots) -> Slots | None:
    kind: Any = node.prim.lower
    place = kind.source(index, node.inputs[0].shape, node.outputs[0].shape, **node.params)
    return None if place is None else tuple([constant(e) if isinstance(e, int) else e for e in place])


def _axes(index: Iterable[Affine]) -> set[Any]:
    return {s for e in index for s, _ in e.terms}


def _reshaped(
    index: Slots, shape: tuple[int, ...], new: tuple[int, ...]
) -> tuple[Slots | None, dict[Axis, Affine]]:
    """Return the index in what is reshaped, and what axes of the product are that run along several of its axes."""
    place: list[Affine] = []
    splits: dict[Axis, Affine] = {}
    lengths, rest = list(shape), [(e, n) for e, n in zip(index, new, strict=True) if n != 1]
    while lengths:
        parts = [lengths.pop(0)]
        if parts == [1]:
            place.append(constant(0))
            continue
        e, reached = rest.pop(0)
        while reached < parts[0] and rest:  # this axis is split
            inner, n = rest.pop(0)
            e, reached = e * n + inner, reached * n
        while prod(parts) < reached and lengths:  # these are merged
            parts.append(lengths.pop(0))
        own = [e] if len(parts) == 1 else _digits(e, parts, splits)
        if prod(parts) != reached or own is None:
            return None, {}
        place += own
    return tuple(place), splits


def _digits(e: Affine, lengths: Sequence[int], splits: dict[Axis, Affine]) -> list[Affine] | None:
    """Return an index along merged axes as one along each; an axis of the product that runs along all is split."""
    steps = row_major(lengths)
    if isinstance(e.alone, Axis) and e.alone.extent == prod(lengths):
        own = [symbol(Axis(n)) if n > 1 else constant(0) for n in lengths]
        splits[e.alone] = sum([a * step for a, step in zip(own, steps, strict=True)], constant(0))
        return own
    found, rest = [constant(0)] * len(lengths), e.offset
    for k, (n, step) in enumerate(zip(lengths, steps, strict=True)):
        found[k], rest = constant(rest // step), rest % step
        for s, c in e.terms:
            if step <= c < step * n and not c % step:
                found[k] += symbol(s) * (c // step)
    whole = sum([digit * step for digit, step in zip(found, steps, strict=True)], constant(0))
    within = all(
        digit.offset + sum(c * (s.extent - 1) for s, c in digit.terms) < n
        for digit, n in zip(found, lengths, strict=True)
    )
    return found if whole == e and within else None


def _split(indices: Sequence[Slots], splits: dict[Axis, Affine]) -> list[Slots]:
    """Return indices in terms of the axes that others have been split into."""
    return [tuple([_substituted(e, splits) for e in index]) for index in indices]


def _substituted(e: Affine, instead: dict[Axis, Affine]) -> Affine:
    found = constant(e.offset)
    for s, c in e.terms:
        found += instead.get(s, symbol(s)) * c
    return found

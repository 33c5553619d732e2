"""Products with rows of a table: the table is multiplied, not each row that is taken of it.

Where there are fewer rows in the table than are taken, as of an embedding, and i t is the row that step t takes,

    y_tn = sum_d E_(i t)d w_dn           is row i of E w;
    y_dn = sum_t E_(i t)d q_tn           is E^T S, where S_vn adds up the q_tn of all t that take row v;
    y_vd, which adds up sum_n q_tn w_nd for all t that take row v, is S w.

The first gives the same numbers. The others sum in another order, and multiply rows that nobody takes by 0: they take
the place of contractions alone, after which programs ask whether what comes of them is finite.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from wengert.compile.affine import Axis, Slots, symbol
from wengert.compile.context import size_of
from wengert.compile.views import is_worthwhile, product_
from wengert.core.graph import Atom, Graph, Node, Var
from wengert.ops.index_forms import SLOT
from wengert.ops.indexing import getitem_, scatter_
from wengert.types import ArrayType

__all__ = ["with_tables_multiplied"]

_ROWS = (SLOT,)  # the index that takes rows


class _Factor(NamedTuple):
    """An operand of a product, or the result: a value, and at which index."""

    atom: Any
    at: Slots

    def begins_with(self, axes: Sequence[Any]) -> bool:
        """Whether the first axes of the value are some axes of the product, alone, and the others are not."""
        n = len(axes)
        others = {s for e in self.at[n:] for s, _ in e.terms}
        return [e.alone for e in self.at[:n]] == list(axes) and others.isdisjoint(axes)

    def of_table(self, atom: Atom, rows: Axis, n: int) -> _Factor:
        """Return what stands in a table where this is what is taken of it, with n axes for those that take rows."""
        return _Factor(atom, (symbol(rows), *self.at[n:]))


def with_tables_multiplied(graph: Graph, kept: Sequence[Atom] = (), asked: Collection[Atom] = ()) -> Graph:
    """Return a graph of `product` in which tables are multiplied, where these have fewer rows than are taken of them.

    Parameters
    ----------
    graph : Graph
    kept : sequence of Atom
        Values that are wanted beside the outputs.
    asked : collection of Atom
        Values after which the program asks whether what comes of them is finite.
    """
    if not any(_takes_rows(node) for node in graph.nodes):
        return graph
    return _Rewriting(graph, kept, asked).graph


def _takes_rows(node: Node) -> bool:
    return node.prim is getitem_ and _is_of_rows(node.params["index"]) and len(node.inputs) == 2


def _is_of_rows(index: Any) -> bool:
    """Whether an index takes rows, as many as an operand says; others may hold arrays."""
    return isinstance(index, tuple) and len(index) == 1 and index[0] is SLOT


class _Rewriting:
    """A graph whose products with rows of tables are being replaced.

    Attributes
    ----------
    graph : Graph
        The new one.
    """

    def __init__(self, graph: Graph, kept: Sequence[Atom], asked: Collection[Atom]) -> None:
        self._asked = asked
        self._makers: dict[Atom, Node] = {y: node for node in graph.nodes for y in node.outputs}
        self._read = [a for node in graph.nodes for a in node.inputs] + [*graph.outputs, *kept]
        self._sums: dict[tuple[Atom, Atom, int], Atom] = {}
        self._replaced: set[Node] = set()
        nodes = [new for node in graph.nodes for new in self._instead(node) or [node]]
        read, left = {*graph.outputs, *kept}, list[Node]()
        for node in reversed(nodes):
            if node in self._replaced and node.outputs[0] not in read:
                continue
            read.update(node.inputs)
            left.append(node)
        self.graph = Graph(graph.inputs, left[::-1], graph.outputs, graph.name)

    def _instead(self, node: Node) -> list[Node] | None:
        """Return what takes the place of a node, if anything does."""
        if node.prim is scatter_:
            return self._scattered(node)
        if node.prim is not product_ or len(node.inputs) > 2:
            return None
        for taken, other in ((0, 1), (1, 0)):
            source = self._makers.get(node.inputs[taken])
            if source is not None and _takes_rows(source):
                found = self._multiplied(node, source, taken, other)
                if found is not None:
                    self._replaced.add(source)
                    return found
        return None

    def _multiplied(self, node: Node, source: Node, taken: int, other: int) -> list[Node] | None:
        """Return a product with the table, of which rows are taken or to which they are added up."""
        factors = _factors(node)
        (table, rows), y = source.inputs, factors[2]
        n = rows.ndim
        axes = [e.alone for e in factors[taken].at[:n]]
        if not _is_smaller(table, rows) or not factors[taken].begins_with(axes):
            return None
        row = Axis(table.shape[0])
        of_table = factors[taken].of_table(table, row, n)
        if y.begins_with(axes) and not _mentions(factors[other], axes):
            whole = Var(ArrayType((table.shape[0], *y.atom.shape[n:]), y.atom.dtype))
            product = _product(node, of_table, factors[other], y.of_table(whole, row, n))
            return product and [
                *product,
                Node(getitem_, (whole, rows), {"index": _ROWS}, node.outputs, node.place),
            ]
        if y.atom in self._asked and factors[other].begins_with(axes) and not _mentions(y, axes):
            sums, made = self._added_up(factors[other].atom, rows, table.shape[0])
            return self._behind(made, _product(node, of_table, factors[other].of_table(sums, row, n), y))
        return None

    def _scattered(self, node: Node) -> list[Node] | None:
        """Return a product with what is added up for each row, where products are added up."""
        indices = node.params["indices"]
        if len(indices) != 1 or not _is_of_rows(indices[0]) or len(node.inputs) != 2:
            return None
        (piece, rows), (y,) = node.inputs, node.outputs
        inner = self._makers.get(piece)
        if inner is None or inner.prim is not product_ or len(inner.inputs) > 2:
            return None
        if piece not in self._asked or self._read.count(piece) != 1:
            return None
        n, factors = rows.ndim, _factors(inner)
        axes = [e.alone for e in factors[2].at[:n]]
        if piece.shape[:n] != rows.shape or not _is_smaller(y, rows) or not factors[2].begins_with(axes):
            return None
        row = Axis(y.shape[0])
        for summed, other in ((0, 1), (1, 0)):
            if factors[summed].begins_with(axes) and not _mentions(factors[other], axes):
                sums, made = self._added_up(factors[summed].atom, rows, y.shape[0])
                of_sums = factors[summed].of_table(sums, row, n)
                self._replaced.add(inner)
                product = _product(inner, of_sums, factors[other], factors[2].of_table(y, row, n))
                return self._behind(made, product)
        return None

    def _added_up(self, x: Atom, rows: Atom, count: int) -> tuple[Atom, list[Node]]:
        """Return the sums of what belongs to each row, and what makes them, unless something has before."""
        found = self._sums.get((x, rows, count))
        if found is not None:
            return found, []
        sums = Var(ArrayType((count, *x.shape[rows.ndim :]), x.dtype))
        return sums, [Node(scatter_, (x, rows), {"indices": (_ROWS,), "shape": sums.shape}, (sums,))]

    def _behind(self, made: Sequence[Node], product: list[Node] | None) -> list[Node] | None:
        """Return sums and a product of them, if there is one; the sums are there for others then."""
        if product is None:
            return None
        for node in made:
            (x, rows), (sums,) = node.inputs, node.outputs
            self._sums[x, rows, sums.shape[0]] = sums
        return [*made, *product]


def _factors(node: Node) -> list[_Factor]:
    """Return the operands of a product, and its result."""
    return [_Factor(*one) for one in zip((*node.inputs, *node.outputs), node.params["indices"], strict=True)]


def _is_smaller(table: Atom, rows: Atom) -> bool:
    return 0 < 2 * table.shape[0] <= size_of(rows.shape) and rows.dtype.kind in "iu"


def _mentions(factor: _Factor, axes: Sequence[Any]) -> bool:
    return any(s in axes for e in factor.at for s, _ in e.terms)


def _product(node: Node, a: _Factor, b: _Factor, y: _Factor) -> list[Node] | None:
    """Return a product, if BLAS or tiles are good at it."""
    indices = a.at, b.at, y.at
    if not is_worthwhile((a.atom, b.atom, y.atom), indices):
        return None
    return [Node(product_, (a.atom, b.atom), {"indices": indices}, (y.atom,), node.place, quiet=node.quiet)]

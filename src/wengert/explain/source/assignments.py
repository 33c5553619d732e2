"""Writes at indices, and products that leave out zeros: operations that take more than an expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.graph import Graph, Node
from wengert.explain.source.literals import value_text
from wengert.explain.source.scope import Scope
from wengert.explain.source.spelling import Operand, makes_new
from wengert.explain.source.writer import STATEMENTS, Statements
from wengert.ops.index_forms import SLOT, as_tuple
from wengert.ops.indexing import may_repeat
from wengert.ops.masking import contract
from wengert.transforms.simplify import simplify

__all__: list[str] = []


def _buffer(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> Operand:
    """Return an array with the contents of the first operand, to be written into: itself where nobody else looks."""
    atom, y = node.inputs[0], node.outputs[0]
    if scope.is_free(atom, k) and atom.type == y.type and atom.shape:
        scope.write(node, atom)
        return xs[0]
    name = writer.name(scope, k, wished[0])
    dtype = "" if atom.dtype == y.dtype else f", dtype={value_text(y.dtype)}"
    text = xs[0].text
    new = makes_new(text) and not dtype
    writer.statement(node, f"{name} = {text if new else f'np.array({xs[0].typed}{dtype})'}")
    return Operand(name, y.dtype, y.shape)


def _update(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    """Y = x; y[index] = v."""
    y = _buffer(writer, scope, k, node, xs, wished)
    writer.statement(node, f"{y.text}[{writer.speller.index(node.params['index'], xs[2:])}] = {xs[1].text}")
    return [y]


def _added(
    writer: Statements, node: Node, y: Operand, index: Any, piece: Operand, slots: Sequence[Operand]
) -> None:
    """y[index] += piece, every repetition of an entry counting."""
    text = writer.speller.index(index, slots)
    repeats = may_repeat(index) or any(x.shape for x in slots)
    if not repeats:
        writer.statement(node, f"{y.text}[{text}] += {piece.text}")
        return
    items = as_tuple(index)
    whole = text if len(items) == 1 and ":" not in text else _as_tuple_text(writer, items, slots)
    writer.statement(node, f"np.add.at({y.text}, {whole}, {piece.text})")


def _as_tuple_text(writer: Statements, items: Sequence[Any], slots: Sequence[Operand]) -> str:
    rest = iter(slots)
    texts = [next(rest).text if item is SLOT else value_text(item, writer.constants.text) for item in items]
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def _add(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    """Y = x; y[index] += v."""
    y = _buffer(writer, scope, k, node, xs, wished)
    _added(writer, node, y, node.params["index"], xs[1], xs[2:])
    return [y]


def _scatter(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    """Y = 0; y[index] += piece for each."""
    y = node.outputs[0]
    found = Operand(writer.name(scope, k, wished[0]), y.dtype, y.shape)
    writer.statement(node, f"{found.text} = {writer.constants.text(np.zeros(y.shape, y.dtype))}")
    indices = node.params["indices"]
    arrays = iter(xs[len(indices) :])
    for piece, index in zip(xs, indices, strict=False):
        slots = [next(arrays) for item in as_tuple(index) if item is SLOT]
        _added(writer, node, found, index, piece, slots)
    return [found]


# Contractions ---------------------------------------------------------------------------------------------------------
#
# A sum of products leaves out terms with a factor 0, whatever the other factors are. Where the product is one operation
# on views of its factors, `contract` takes this operation and the views; otherwise, a function of the factors.

_VIEWS = frozenset({"transpose", "reshape", "broadcast_to", "getitem"})


def _contraction(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    graph = simplify(node.params["graph"])
    product = _only_product(graph)
    if not writer.guarded:
        inner = writer.graph(graph, xs, wishes={graph.outputs[0]: wished[0]})
        return writer.results(inner)
    helper = writer.transplants.text(contract, "contract")
    y = node.outputs[0]
    if product is None:
        name = writer.name(scope, k, wished[0])
        writer.statement(
            node, f"{name} = {helper}({', '.join([_defined(writer, graph), *[x.text for x in xs]])})"
        )
        return [Operand(name, y.dtype, y.shape)]
    at = graph.nodes.index(product)
    before = Graph(graph.inputs, graph.nodes[:at], product.inputs)
    factors = [x.text for x in writer.results(writer.graph(before, xs))]
    behind = Graph(product.outputs, graph.nodes[at + 1 :], graph.outputs)
    name = writer.names.fresh("", "t") if behind.nodes else writer.name(scope, k, wished[0])
    writer.statement(node, f"{name} = {helper}({', '.join([_function(writer, product), *factors])})")
    made = Operand(name, product.outputs[0].dtype, product.outputs[0].shape)
    if not behind.nodes:
        return [made]
    return writer.results(writer.graph(behind, [made], wishes={graph.outputs[0]: wished[0]}))


def _function(writer: Statements, product: Node) -> str:
    """Return an operation of two operands as a function."""
    if product.prim.eval in (np.matmul, np.vecdot, np.matvec, np.vecmat):
        return writer.transplants.text(product.prim.eval)
    arguments = [Operand(name, a.dtype, a.shape) for name, a in zip("ab", product.inputs, strict=True)]
    return f"lambda a, b: {writer.speller.expression(product, arguments)}"


def _only_product(graph: Graph) -> Node | None:
    """Return the only operation of a graph that is no view of one value, if it has two operands."""
    others = [node for node in graph.nodes if node.prim.name not in _VIEWS]
    if len(others) != 1 or len(others[0].inputs) != 2 or others[0].prim.name in STATEMENTS:
        return None
    return others[0]


def _defined(writer: Statements, graph: Graph) -> str:
    """Define the function of a product; return its name."""
    name = writer.names.fresh("product")
    operands = [Operand(writer.names.fresh("", "p"), a.dtype, a.shape) for a in graph.inputs]
    with writer.block(f"def {name}({', '.join([x.text for x in operands])}):"):
        (y,) = writer.results(writer.graph(graph, operands))
        writer.line(f"return {y.text}")
    return name


STATEMENTS["index_update"] = _update
STATEMENTS["index_add"] = _add
STATEMENTS["scatter"] = _scatter
STATEMENTS["contraction"] = _contraction

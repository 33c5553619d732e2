"""Sums of products as loops, which they are where they are small, or no products of matrices.

Axes are named by labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from wengert.compile.affine import Slots, constant
from wengert.compile.arrangement import UNROLLED
from wengert.compile.definitions import Entries, Reads
from wengert.compile.kernel import Value
from wengert.compile.roots import Root
from wengert.compile.writing import type_name
from wengert.core.graph import Node

__all__ = ["Labels", "Product", "product_root", "sizes_of"]

Labels = tuple[Any, ...]


class Product(NamedTuple):
    """The product of entries of the operands, as a definition; its index is that of the loops."""

    node: Node
    terms: tuple[Labels, ...]
    loops: Labels

    def reads(self, index: Slots) -> Reads:
        """Return an entry of each operand."""
        at = dict(zip(self.loops, index, strict=True))
        return [
            (a, tuple([constant(0) if n == 1 else at[label] for label, n in zip(term, a.shape, strict=True)]))
            for a, term in zip(self.node.inputs, self.terms, strict=True)
        ]

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Multiply them."""
        w, type = entries.writer, type_name(self.node.outputs[0].dtype)
        xs = [w.convert(entries.at(a, i), type) for a, i in self.reads(index)]  # type: ignore[arg-type]
        total = xs[0]
        for x in xs[1:]:
            total = w("mul", total, x)
        return total


def sizes_of(node: Node, terms: Sequence[Labels]) -> dict[Any, int]:
    """Return how long the axes with each label are; an axis of length 1 is as long as others with its label."""
    sizes: dict[Any, int] = {}
    for a, term in zip(node.inputs, terms, strict=True):
        for label, n in zip(term, a.shape, strict=True):
            sizes[label] = sizes.get(label, 1) if n == 1 else n
    return sizes


def product_root(node: Node, terms: Sequence[Labels], result: Labels) -> Root:
    """Return loops that add up products.

    The innermost runs along the last axis of an operand: over what is summed if that is last in all operands that have
    it, or is so short that it is written out; else over the last axis of the result, whose entries then stay in memory.
    """
    sizes = sizes_of(node, terms)
    summed = tuple([label for label in sizes if label not in result])
    last = [term[-1] for term in terms if term]
    is_short = all(sizes[label] <= UNROLLED for label in summed)
    inside = not result or is_short or all(label in summed for label in last)
    loops = (*result, *summed) if inside or not summed else (*result[:-1], *summed, result[-1])
    root = Root(node.outputs[0], Product(node, tuple(terms), loops), tuple([sizes[label] for label in loops]))
    joined = [k for k, label in enumerate(loops) if label in summed]
    return root.joining("add", 0, joined) if joined else root

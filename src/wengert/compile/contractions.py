"""Sums of products: loops of their own where they are small, a routine of BLAS where they are matrix products.

Axes are named by labels. Those of an operand and of the result are *rows*, those of the other operand and of the result
*columns*, those of both operands alone are summed over, and those of all three count *stacked* products.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from wengert.compile.affine import Slots, constant, symbol
from wengert.compile.arrangement import UNROLLED
from wengert.compile.definitions import Entries, Memory, Reads
from wengert.compile.kernel import INT, Address, Call, For, Value
from wengert.compile.roots import Root
from wengert.compile.writing import Writer, type_name
from wengert.core.graph import Node

__all__ = ["Labels", "Product", "Routine", "product_root", "routine"]

_LARGE = 2048  # products: from here on, BLAS is faster than loops
_NARROW = 4  # a matrix with fewer rows or columns is a few vectors
_GEMM = {"f64": "wg.blas.dgemm", "f32": "wg.blas.sgemm"}

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


def _sizes(node: Node, terms: Sequence[Labels]) -> dict[Any, int]:
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
    sizes = _sizes(node, terms)
    summed = tuple([label for label in sizes if label not in result])
    last = [term[-1] for term in terms if term]
    is_short = all(sizes[label] <= UNROLLED for label in summed)
    inside = not result or is_short or all(label in summed for label in last)
    loops = (*result, *summed) if inside or not summed else (*result[:-1], *summed, result[-1])
    root = Root(node.outputs[0], Product(node, tuple(terms), loops), tuple([sizes[label] for label in loops]))
    joined = [k for k, label in enumerate(loops) if label in summed]
    return root.joining("add", 0, joined) if joined else root


# BLAS -----------------------------------------------------------------------------------------------------------------


class Routine(NamedTuple):
    """A stack of matrix products: for each operand, which it is, and whether its columns are what is summed over."""

    left: int
    right: int
    transposed: tuple[bool, bool]
    stack: int
    rows: int
    columns: int
    summed: int


def routine(node: Node, terms: Sequence[Labels], result: Labels) -> Routine | None:
    """Return a sum of products as matrix products of row-major matrices, or None where it is none, or is small."""
    y = node.outputs[0]
    if len(terms) != 2 or type_name(y.dtype) not in _GEMM or any(a.dtype != y.dtype for a in node.inputs):
        return None
    sizes = _sizes(node, terms)
    if any(
        sizes[label] != n
        for a, t in zip(node.inputs, terms, strict=True)
        for label, n in zip(t, a.shape, strict=True)
    ):
        return None
    for left, right in ((0, 1), (1, 0)):
        found = _matched(terms[left], terms[right], result, sizes)
        if found is not None:
            flags, *counts = found
            _, m, n, k = counts
            if min(m, n, k) < _NARROW or m * n * k < _LARGE:
                return None
            return Routine(left, right, flags, *counts)
    return None


def _matched(a: Labels, b: Labels, result: Labels, sizes: dict[Any, int]) -> Any:
    """Return how a (stack, rows, summed) and b (stack, summed, columns) give (stack, rows, columns)."""
    if any(len(set(term)) != len(term) for term in (a, b, result)):
        return None
    stack = tuple([x for x in result if x in a and x in b])
    rows = tuple([x for x in result if x in a and x not in b])
    columns = tuple([x for x in result if x in b and x not in a])
    summed = tuple([x for x in a if x in b and x not in result])
    if result != (*stack, *rows, *columns) or len(a) != len(stack + rows + summed):
        return None
    for order in (summed, tuple([x for x in b if x in summed])):
        plain_a, turned_a = (*stack, *rows, *order), (*stack, *order, *rows)
        plain_b, turned_b = (*stack, *order, *columns), (*stack, *columns, *order)
        if a in {plain_a, turned_a} and b in {plain_b, turned_b}:
            counts = [prod(sizes[x] for x in part) for part in (stack, rows, columns, summed)]
            return ((a != plain_a, b != plain_b), *counts)
    return None


def write_routine(w: Writer, r: Routine, a: Memory, b: Memory, y: Memory) -> None:
    """Write the call: y = a b for row-major matrices is y^T = b^T a^T for Fortran's, whose columns are contiguous."""
    type = y.buffer.type
    m, n, k = r.rows, r.columns, r.summed
    turned_a, turned_b = r.transposed

    def letter(turned: bool) -> Value:
        return w.constant(ord("T" if turned else "N"), "i8")

    def number(count: int) -> Value:
        return w.constant(count, INT)

    def call(at: Any) -> None:
        addresses = [
            Address(memory.buffer, w.index(memory.offset + at * size))
            for memory, size in ((a, m * k), (b, k * n), (y, m * n))
        ]
        one, zero = w.constant(1, type), w.constant(0, type)
        w.append(
            Call(
                _GEMM[type],
                (
                    letter(turned_b),
                    letter(turned_a),
                    *map(number, (n, m, k)),
                    one,
                    addresses[1],
                    number(k if turned_b else n),
                    addresses[0],
                    number(m if turned_a else k),
                    zero,
                    addresses[2],
                    number(n),
                ),
            )
        )

    if r.stack == 1:
        call(constant(0))
    else:
        w.open()
        counter = w.value(INT, within=(0, r.stack - 1))
        call(symbol(counter))
        w.append(For(counter, r.stack, w.close()))
    w.wrote(y.buffer)

"""Sums of products: loops of their own where they are small, a routine of BLAS where they are matrix products.

Axes are named by labels. Those of an operand and of the result are *rows*, those of the other operand and of the result
*columns*, those of both operands alone are summed over, and those of all three count *stacked* products.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from wengert.compile.affine import Slots, constant
from wengert.compile.arrangement import UNROLLED
from wengert.compile.definitions import Entries, Memory, Reads
from wengert.compile.kernel import INT, Address, Call, Value
from wengert.compile.nests import loops
from wengert.compile.roots import Root
from wengert.compile.writing import Writer, type_name
from wengert.core.graph import Node

__all__ = ["Labels", "Product", "Routine", "matrix_product", "product_root", "routine"]

_LARGE = 2048  # products: from here on, BLAS is faster than loops
_LONG = 1 << 14  # products of a vector and the rows of a matrix: the same
_LARGE_SQUARE = 1 << 18  # of a matrix and its transpose: half of them, and a copy of the result, are faster
_NARROW = 4  # a matrix with fewer rows or columns is a few vectors
_LETTERS = {"f64": "d", "f32": "s"}

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
    is_square: bool  # whether a matrix is multiplied by its own transpose

    @property
    def pays(self) -> bool:
        """Whether BLAS is faster than loops: along the rows of a matrix, sums of products are loops as fast."""
        count = self.rows * self.columns * self.summed
        if self.rows == 1 or self.columns == 1:
            adds_rows = self.transposed[0] if self.columns == 1 else not self.transposed[1]
            return adds_rows and count >= _LONG and self.rows * self.columns > 1
        return min(self.rows, self.columns, self.summed) >= _NARROW and count >= _LARGE


def routine(node: Node, terms: Sequence[Labels], result: Labels) -> Routine | None:
    """Return a sum of products as matrix products of row-major matrices, or None where it is none, or is small."""
    y = node.outputs[0]
    if len(terms) != 2 or type_name(y.dtype) not in _LETTERS or any(a.dtype != y.dtype for a in node.inputs):
        return None
    sizes = _sizes(node, terms)
    if any(
        sizes[label] != n
        for a, t in zip(node.inputs, terms, strict=True)
        for label, n in zip(t, a.shape, strict=True)
    ):
        return None
    for left, right in ((0, 1), (1, 0)):
        found = _matched(terms[left], terms[right], result, sizes, same=node.inputs[0] is node.inputs[1])
        if found is not None:
            made = Routine(left, right, *found)
            return made if made.pays else None
    return None


def _matched(
    a: Labels, b: Labels, result: Labels, sizes: dict[Any, int], *, same: bool
) -> tuple[tuple[bool, bool], int, int, int, int, bool] | None:
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
            s, m, n, k = (prod(sizes[x] for x in part) for part in (stack, rows, columns, summed))
            turned = a != plain_a, b != plain_b
            return turned, s, m, n, k, same and turned[0] != turned[1]
    return None


def write_routine(w: Writer, r: Routine, a: Memory, b: Memory, y: Memory) -> None:
    """Write the calls, one for each product of a stack."""
    m, n, k = r.rows, r.columns, r.summed
    halved = r.is_square and m * n * k >= _LARGE_SQUARE
    write = _gemv if 1 in {m, n} else _syrk if halved else _gemm
    with loops(w, (r.stack,) if r.stack > 1 else ()) as index:
        at = sum(index, constant(0))
        parts = ((a, m * k), (b, k * n), (y, m * n))
        write(w, r, *[memory._replace(offset=memory.offset + at * size) for memory, size in parts])
    w.wrote(y.buffer)


# Row-major matrices are the transposes of Fortran's, whose columns are contiguous.


def _gemm(w: Writer, r: Routine, a: Memory, b: Memory, y: Memory) -> None:
    matrix_product(w, a, b, y, (r.rows, r.columns, r.summed), turned=r.transposed)


def matrix_product(
    w: Writer,
    a: Memory,
    b: Memory,
    y: Memory,
    sizes: tuple[int, int, int],
    *,
    turned: tuple[bool, bool] = (False, False),
    adds: bool = False,
) -> None:
    """Write y = a b as y^T = b^T a^T; sizes are rows and columns of y, and how many products each entry adds up.

    Operands may be there as their transposes; products may be added to what y is.
    """
    m, n, k = sizes
    turned_a, turned_b = turned
    sides = "T" if turned_b else "N", "T" if turned_a else "N"
    beta = 1.0 if adds else 0.0
    _call(w, "gemm", *sides, n, m, k, 1.0, b, k if turned_b else n, a, m if turned_a else k, beta, y, n)


def _gemv(w: Writer, r: Routine, a: Memory, b: Memory, y: Memory) -> None:
    """Write y^T = b^T a^T with one row, or y = a b with one column."""
    matrix, x, length = (a, b, r.rows) if r.columns == 1 else (b, a, r.columns)
    by_rows = not r.transposed[0] if r.columns == 1 else r.transposed[1]
    sizes = (r.summed, length) if by_rows else (length, r.summed)
    _call(w, "gemv", "T" if by_rows else "N", *sizes, 1.0, matrix, sizes[0], x, 1, 0.0, y, 1)


def _syrk(w: Writer, r: Routine, a: Memory, _: Memory, y: Memory) -> None:
    """Write the lower triangle of a a^T, or of a^T a, and copy it."""
    n, k, turned = r.rows, r.summed, r.transposed[0]
    _call(w, "syrk", "U", "N" if turned else "T", n, k, 1.0, a, n if turned else k, 0.0, y, n)
    with loops(w, (n, n), lanes=True) as (i, j):
        here, there = (w.load_here(y.buffer, y.offset + at) for at in (i * n + j, j * n + i))
        w.store(
            w("select", w("ge", w.integer(i), w.integer(j)), here, there), y.buffer, y.offset + (i * n + j)
        )


def _call(w: Writer, name: str, *operands: str | float | Memory) -> None:
    type = next(x.buffer.type for x in operands if isinstance(x, Memory))
    w.append(Call(f"wg.blas.{_LETTERS[type]}{name}", tuple([_passed(w, x, type) for x in operands])))


def _passed(w: Writer, x: str | float | Memory, type: str) -> Value | Address:
    if isinstance(x, Memory):
        return Address(x.buffer, w.index(x.offset))
    if isinstance(x, str):
        return w.constant(ord(x), "i8")
    return w.constant(x, INT if isinstance(x, int) else type)

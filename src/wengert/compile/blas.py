"""Routines of BLAS, called from programs.

BLAS is Fortran's: columns of its matrices are contiguous. So it is told of the transposes of matrices whose rows are.
"""

from __future__ import annotations

from typing import NamedTuple

from wengert.compile.definitions import Memory
from wengert.compile.kernel import INT, Address, Call, Value
from wengert.compile.nests import loops
from wengert.compile.writing import Writer

__all__ = ["LETTERS", "Matrix", "contiguous", "gemm", "gemv", "syrk"]

LETTERS = {"f64": "d", "f32": "s"}


class Matrix(NamedTuple):
    """A matrix in memory: how far its rows lie apart, or, if it is turned, its columns; the others are contiguous."""

    memory: Memory
    distance: int
    turned: bool = False


def gemm(w: Writer, a: Matrix, b: Matrix, y: Matrix, sizes: tuple[int, int, int], beta: float = 0.0) -> None:
    """Write y = a b + beta y as y^T = b^T a^T + beta y^T, where rows of y are contiguous.

    Sizes are the rows and columns of y, and how many products each entry adds up.
    """
    m, n, k = sizes
    sides = "T" if b.turned else "N", "T" if a.turned else "N"
    factors = b.memory, b.distance, a.memory, a.distance
    _call(w, "gemm", *sides, n, m, k, 1.0, *factors, beta, y.memory, y.distance)


def gemv(
    w: Writer,
    a: Matrix,
    x: tuple[Memory, int],
    y: tuple[Memory, int],
    sizes: tuple[int, int],
    beta: float = 0.0,
) -> None:
    """Write y = a x + beta y. Sizes are the rows and columns of a; vectors have the distance of entries with them."""
    rows, columns = sizes
    passed = ("N", rows, columns) if a.turned else ("T", columns, rows)
    _call(w, "gemv", *passed, 1.0, a.memory, a.distance, *x, beta, *y)


def syrk(w: Writer, a: Matrix, y: Matrix, sizes: tuple[int, int]) -> None:
    """Write y = a a^T: the lower triangle, which is copied. Sizes are the rows and columns of a."""
    n, k = sizes
    _call(
        w, "syrk", "U", "N" if a.turned else "T", n, k, 1.0, a.memory, a.distance, 0.0, y.memory, y.distance
    )
    buffer, offset = y.memory.buffer, y.memory.offset
    with loops(w, (n, n), lanes=True) as (i, j):
        places = i * y.distance + j, j * y.distance + i
        here, there = [w.load_here(buffer, offset + at) for at in places]
        w.store(w("select", w("ge", w.integer(i), w.integer(j)), here, there), buffer, offset + places[0])


def _call(w: Writer, name: str, *operands: str | float | Memory) -> None:
    type = next(x.buffer.type for x in operands if isinstance(x, Memory))
    w.append(Call(f"wg.blas.{LETTERS[type]}{name}", tuple([_passed(w, x, type) for x in operands])))


def _passed(w: Writer, x: str | float | Memory, type: str) -> Value | Address:
    if isinstance(x, Memory):
        return Address(x.buffer, w.index(x.offset))
    if isinstance(x, str):
        return w.constant(ord(x), "i8")
    return w.constant(x, INT if isinstance(x, int) else type)


def contiguous(memory: Memory, rows: int, columns: int, *, turned: bool = False) -> Matrix:
    """Return a matrix of rows and columns whose entries, or those of its transpose, lie behind one another."""
    return Matrix(memory, rows if turned else columns, turned)

"""Products of matrices, of operands as they lie in memory, by tiles or by BLAS.

An operand that is a view is read where the viewed value lies: a primitive of programs alone, `product`, says at which
indices of its operands, in terms of the axes of the product, the factors of each term are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wengert.compile.affine import Affine, Axis, Slots, constant
from wengert.compile.blas import Matrix, gemm, gemv, syrk
from wengert.compile.context import size_of
from wengert.compile.definitions import Memory, row_major
from wengert.compile.kernel import Block, Multiply
from wengert.compile.lower import Body
from wengert.compile.nests import copy, loops, turned_copy
from wengert.compile.roots import Unit
from wengert.compile.strides import DEPTH, Plan, Steps, form, laid, quickest
from wengert.compile.writing import Writer
from wengert.core.graph import Node

__all__ = ["product_unit"]

# Blocks of at least so many rows or columns, and so many at most, are shared by threads where there are enough terms.
_ROWS, _COLUMNS, _SHARED, _WORTH = 24, 64, 16, 1 << 20


def product_unit(body: Body, node: Node) -> Unit:
    """Return a product of matrices: a b, or a b + c, in the memory of c if nobody reads it later."""
    (a, b, *rest), (y,) = node.inputs, node.outputs
    indices = node.params["indices"]

    def write() -> None:
        if unit.is_alias:
            memory = body.entries.definitions[y] = body.in_memory(rest[0])
        else:
            memory = body.result(y)
            for c in rest:
                copy(body.lowering.writer, body.in_memory(c), memory, y.shape)
        parts = [
            _laid(m, i) for m, i in zip((body.in_memory(a), body.in_memory(b), memory), indices, strict=True)
        ]
        _multiply(body, *parts, adds=bool(rest))
        body.lowering.writer.wrote(memory.buffer)

    unit = Unit(node.inputs, [y], write, base=rest[0] if rest else None)
    return unit


class _Laid(NamedTuple):
    """Where entries lie: from where on in memory, and how far apart along each axis."""

    memory: Memory
    strides: dict[Axis, int]

    def moved(self, counters: Slots, steps: Sequence[int]) -> _Laid:
        """Return what lies some steps further on."""
        offset = self.memory.offset
        for counter, step in zip(counters, steps, strict=True):
            offset += counter * step
        return _Laid(self.memory._replace(offset=offset), self.strides)


def _laid(memory: Memory, index: Slots) -> _Laid:
    offset, strides = laid(memory.strides, index)
    return _Laid(memory._replace(offset=memory.offset + offset), strides)


def _multiply(body: Body, a: _Laid, b: _Laid, y: _Laid, *, adds: bool) -> None:
    """Write y = a b, or y + a b."""
    same = (a.memory.buffer, a.memory.offset) == (b.memory.buffer, b.memory.offset)
    found = quickest(a.strides, b.strides, y.strides, same=same)
    if found is None:
        message = f"BLAS cannot write a result with the strides {list(y.strides.values())}"
        raise AssertionError(message)
    plan, exchanged = found
    pair = (b, a) if exchanged else (a, b)
    factors = [_copied(body, x, order) if order else x for x, order in zip(pair, plan.copies, strict=True)]
    square = same and plan.is_square and not (adds or plan.added)
    _write_products(body.lowering.writer, plan, (*factors, y), adds=adds, square=square)
    for x, order in zip(factors, plan.copies, strict=True):
        if order:
            body.lowering.arena.release(x.memory.buffer)


def _copied(body: Body, x: _Laid, order: Sequence[Axis]) -> _Laid:
    """Return entries copied so that axes lie behind one another in some order."""
    shape = tuple([axis.extent for axis in order])
    buffer = body.lowering.arena.buffer(x.memory.buffer.type, size_of(shape))
    made = Memory(buffer, constant(0), row_major(shape))
    strides = tuple([x.strides[axis] for axis in order])
    turned_copy(body.lowering.writer, Memory(x.memory.buffer, x.memory.offset, strides), made, shape)
    return _Laid(made, dict(zip(order, made.strides, strict=True)))


def _write_products(w: Writer, plan: Plan, parts: Sequence[_Laid], *, adds: bool, square: bool) -> None:
    """Write the loops around a product, and in them a product, or, if several are added up, zeros and these."""
    with loops(w, [s.extent for s in plan.stack]) as outer:
        parts = _moved(parts, outer, plan.stack)
        memories = [part.memory for part in parts]
        if plan.added and not adds:
            _clear(w, plan, memories[2])
        with loops(w, [s.extent for s in plan.added]) as inner:
            memories = [part.memory for part in _moved(parts, inner, plan.added)]
            if square:
                _square(w, plan, memories)
            else:
                (_tiles if plan.tiled else _call)(w, plan, memories, adds=adds or bool(plan.added))


def _clear(w: Writer, plan: Plan, y: Memory) -> None:
    with loops(w, (plan.rows.extent, plan.columns.extent), lanes=True) as (i, j):
        place = y.offset + i * plan.rows.y + j * plan.columns.y
        w.store(w.constant(0, y.buffer.type), y.buffer, place)
    w.wrote(y.buffer)


def _moved(parts: Sequence[_Laid], counters: Slots, steps: Sequence[Steps]) -> list[_Laid]:
    return [part.moved(counters, [s[k] for s in steps]) for k, part in enumerate(parts, start=1)]


# One product ----------------------------------------------------------------------------------------------------------


def _tiles(w: Writer, plan: Plan, parts: Sequence[Memory], *, adds: bool) -> None:
    """Write one product as products of blocks: of rows, or columns, which threads may share, and of what is summed."""
    i, j, k = plan.rows, plan.columns, plan.summed
    shared = i.extent * j.extent * k.extent >= _WORTH
    by_rows = i.extent >= j.extent
    count = _blocks(max(i.extent, j.extent), _ROWS if by_rows else _COLUMNS, _SHARED) if shared else 1
    deep = _blocks(k.extent, DEPTH // 2, k.extent // DEPTH) if k.extent > DEPTH else 1
    sizes = i.extent // (count if by_rows else 1), j.extent // (1 if by_rows else count), k.extent // deep
    with loops(w, (count,) if count > 1 else ()) as block:
        number = sum(block, constant(0))
        first = (number * sizes[0], constant(0)) if by_rows else (constant(0), number * sizes[1])
        _multiply_block(w, plan, parts, sizes, (*first, constant(0)), adds=adds)
        if deep > 1:
            with loops(w, (deep - 1,)) as (step,):
                _multiply_block(w, plan, parts, sizes, (*first, (step + 1) * sizes[2]), adds=True)


def _multiply_block(
    w: Writer,
    plan: Plan,
    parts: Sequence[Memory],
    sizes: tuple[int, int, int],
    first: tuple[Affine, Affine, Affine],
    *,
    adds: bool,
) -> None:
    """Write a product of some rows, columns and summed entries, from the first ones on."""
    i, j, k = plan.rows, plan.columns, plan.summed
    row, column, term = first
    moves = row * i.a + term * k.a, term * k.b + column * j.b, row * i.y + column * j.y
    places = [w.index(memory.offset + move) for memory, move in zip(parts, moves, strict=True)]
    a, b, y = [
        Block(memory.buffer, at, down, across)
        for memory, at, down, across in zip(parts, places, (i.a, k.b, i.y), (k.a, j.b, j.y), strict=True)
    ]
    w.append(Multiply(y, a, b, sizes, adds))


def _blocks(n: int, least: int, most: int) -> int:
    """Return into how many equal blocks to cut n, none of which is smaller than some length."""
    return next((count for count in range(min(most, n // least), 1, -1) if n % count == 0), 1)


def _call(w: Writer, plan: Plan, parts: Sequence[Memory], *, adds: bool) -> None:
    """Write one call of BLAS, of a matrix and a vector, or of two matrices."""
    (a, b, y), (i, j, k) = parts, (plan.rows, plan.columns, plan.summed)
    beta = 1.0 if adds else 0.0
    left = Matrix(a, *form(i.extent, i.a, k.extent, k.a))  # type: ignore[misc]
    right = Matrix(b, *form(k.extent, k.b, j.extent, j.b))  # type: ignore[misc]
    if j.extent == 1:
        gemv(w, left, (b, max(1, k.b)), (y, max(1, i.y)), (i.extent, k.extent), beta)
    elif i.extent == 1:
        matrix = right._replace(turned=not right.turned)
        gemv(w, matrix, (a, max(1, k.a)), (y, max(1, j.y)), (j.extent, k.extent), beta)
    else:
        gemm(w, left, right, Matrix(y, i.y), (i.extent, j.extent, k.extent), beta)


def _square(w: Writer, plan: Plan, parts: Sequence[Memory]) -> None:
    """Write the product of a matrix and its own transpose."""
    (a, _, y), (i, k) = parts, (plan.rows, plan.summed)
    syrk(w, Matrix(a, *form(i.extent, i.a, k.extent, k.a)), Matrix(y, i.y), (i.extent, k.extent))  # type: ignore[misc]

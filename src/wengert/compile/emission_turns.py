"""Copies that turn a matrix: squares of its entries change places in registers.

The rows of a square of 2^s rows are loaded as vectors. In s stages, the half of each vector that belongs to another one
changes places with it: after the stage with distance h, entry (i, j) lies where bits h of i and j are exchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wengert.compile.emission_blocks import Vectors
from wengert.compile.emission_text import bits
from wengert.compile.kernel import Turn

if TYPE_CHECKING:
    from wengert.compile.emission import Emission

__all__ = ["emit_turn"]

_MOST: Final = 8  # rows of a square: larger ones take more code, and are no faster


def emit_turn(emission: Emission, turn: Turn) -> None:
    """Write y = x, where rows of y and columns of x are contiguous."""
    side = min(_MOST, emission.width_bits // bits(turn.y.buffer.type))
    vectors = Vectors(emission.text, turn.y.buffer.type, side)
    y, x = [emission.address(block.buffer, block.at) for block in (turn.y, turn.x)]
    rows, columns = turn.sizes
    for first_row, row_count, height in _stretches(rows, side):
        with vectors.counted(row_count) as i:
            down_y = vectors.moved(y, (str(first_row), turn.y.down), (i, side * turn.y.down))
            down_x = vectors.moved(x, (str(first_row), 1), (i, side))
            for first_column, column_count, width in _stretches(columns, side):
                with vectors.counted(column_count) as j:
                    to = vectors.moved(down_y, (str(first_column), 1), (j, side))
                    source = vectors.moved(
                        down_x, (str(first_column), turn.x.across), (j, side * turn.x.across)
                    )
                    _square(vectors, turn, (source, to), (height, width))


def _stretches(n: int, side: int) -> list[tuple[int, int, int]]:
    """Return whole squares along an axis, and what is left: where they begin, how many there are, and how long."""
    whole, rest = divmod(n, side)
    return [(0, whole, side)] * (whole > 0) + [(whole * side, 1, rest)] * (rest > 0)


def _square(vectors: Vectors, turn: Turn, places: tuple[str, str], sizes: tuple[int, int]) -> None:
    """Write a square, or the corner of one that is there."""
    (source, to), (height, width) = places, sizes
    lanes = vectors.lanes
    rows = [
        vectors.load(vectors.moved(source, (str(j), turn.x.across)), height)
        if j < width
        else "zeroinitializer"
        for j in range(lanes)
    ]
    distance = lanes // 2
    while distance:
        for i in range(lanes):
            if not i & distance:
                rows[i], rows[i + distance] = _exchanged(vectors, rows[i], rows[i + distance], distance)
        distance //= 2
    for i in range(height):
        vectors.store(rows[i], vectors.moved(to, (str(i), turn.y.down)), width)


def _exchanged(vectors: Vectors, a: str, b: str, distance: int) -> tuple[str, str]:
    """Return two rows where entries of the one change places with entries of the other, a distance to the left."""
    n = vectors.lanes
    first = [lane if not lane & distance else n + lane - distance for lane in range(n)]
    second = [lane + distance if not lane & distance else n + lane for lane in range(n)]
    return vectors.chosen(a, b, first), vectors.chosen(a, b, second)

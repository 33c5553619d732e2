"""Products of matrices, tile by tile.

A tile of y is kept in registers, while row after row of b, and column after column of a, is read:

    for each panel of columns, as wide as a few vectors:
        for each few rows:
            tile = 0
            for k: tile[i] += a[i, k] * b[k, panel]          a row of b is read once, and an entry of a for each row
            y[rows, panel] = tile

Nothing is copied first, as BLAS does: a panel of b stays in the cache of the core while all rows of a pass it (Goto and
van de Geijn, Anatomy of high-performance matrix multiplication, 2008, without its packing; matrices here are small).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from wengert.compile.emission_blocks import Vectors
from wengert.compile.emission_text import Text, bits
from wengert.compile.kernel import Multiply

if TYPE_CHECKING:
    from wengert.compile.emission import Emission

__all__ = ["emit_product"]

# By the width of vectors, in bits: how many vectors a panel is wide, and how many of a tile the registers hold, beside
# a row of b and an entry of a: there are 32 registers of 512 bits, and 16 of others.
_PANELS: Final = {512: (4, 24), 256: (2, 12), 128: (2, 12)}
_MOST_ROWS: Final = 12  # of a tile: narrow ones need no more


def emit_product(emission: Emission, product: Multiply) -> None:
    """Write y = a b, or y + a b."""
    _Product(emission, product).write()


class _Tile(NamedTuple):
    """A tile: its rows, its vectors, and how many lanes of the last one are there."""

    rows: int
    vectors: int
    tail: int


class _Product:
    """A product that is being written."""

    def __init__(self, emission: Emission, product: Multiply) -> None:
        self._text: Text = emission.text
        self._product = product
        type = product.y.buffer.type
        self._vectors = Vectors(self._text, type, emission.width_bits // bits(type))
        self._widest, self._registers = _PANELS[emission.width_bits]
        self._y, self._a, self._b = [
            emission.address(x.buffer, x.at) for x in (product.y, product.a, product.b)
        ]

    def write(self) -> None:
        """Write whole panels, and one for the columns that are left."""
        lanes, width = self._vectors.lanes, self._widest * self._vectors.lanes
        count, rest = divmod(self._product.sizes[1], width)
        if count:
            with self._vectors.counted(count) as panel:
                self._panel(panel, self._widest, lanes)
        if rest:
            vectors = -(-rest // lanes)
            self._panel(str(count), vectors, rest - (vectors - 1) * lanes)

    def _panel(self, panel: str, vectors: int, tail: int) -> None:
        """Write all rows of a panel, in tiles whose rows differ by one at most."""
        rows, moved = self._product.sizes[0], self._vectors.moved
        count = -(-rows // min(self._registers // vectors, _MOST_ROWS))
        few, more = divmod(rows, count)
        width = self._widest * self._vectors.lanes
        b, y = [moved(base, (panel, width)) for base in (self._b, self._y)]
        for tiles, height, before in ((more, few + 1, 0), (count - more, few, more * (few + 1))):
            if not tiles:
                continue
            with self._vectors.counted(tiles) as tile:
                a, place = [
                    moved(base, (str(before), down), (tile, height * down))
                    for base, down in ((self._a, self._product.a.down), (y, self._product.y.down))
                ]
                self._tile(_Tile(height, vectors, tail), a, b, place)

    def _tile(self, tile: _Tile, a: str, b: str, y: str) -> None:
        """Write the loop over what is summed, and what becomes of its sums."""
        text, product, vectors = self._text, self._product, self._vectors
        body, behind = text.labels("products", "behind")
        before, n = text.block, tile.rows * tile.vectors
        text.jump(body)
        text.open(body)
        rooms = [text.later() for _ in range(3 + n)]
        (k, at_a, at_b), sums = [room[0] for room in rooms[:3]], [room[0] for room in rooms[3:]]
        new = sums
        for ahead, below in product.taps:
            row = [self._load(vectors.moved(at_b, (str(below), 1)), v, tile) for v in range(tile.vectors)]
            places = [vectors.moved(at_a, (str(i * product.a.down + ahead), 1)) for i in range(tile.rows)]
            pairs = [(entry, vector) for entry in map(vectors.everywhere, places) for vector in row]
            new = [vectors.fused(*pair, so_far) for pair, so_far in zip(pairs, new, strict=True)]
        onward = text.put(f"add nsw i64 {k}, 1")
        next_a = vectors.moved(at_a, ("1", product.a.across))
        next_b = vectors.moved(at_b, ("1", product.b.down))
        text.branch(text.put(f"icmp eq i64 {onward}, {product.sizes[2]}"), behind, body, text.finished())
        firsts = [("i64", "0", onward), ("ptr", a, next_a), ("ptr", b, next_b)]
        firsts += [(vectors.kind, "zeroinitializer", s) for s in new]
        for room, (type, first, following) in zip(rooms, firsts, strict=True):
            text.fill(room, type, (first, before), (following, body))
        text.open(behind)
        self._store(tile, new, y)

    def _load(self, row: str, v: int, tile: _Tile) -> str:
        vectors = self._vectors
        return vectors.load(vectors.moved(row, (str(v), vectors.lanes)), self._count(v, tile))

    def _count(self, v: int, tile: _Tile) -> int:
        """Return how many entries of a vector are there: rows of b and y may end within the last one."""
        return tile.tail if v == tile.vectors - 1 else self._vectors.lanes

    def _store(self, tile: _Tile, sums: Sequence[str], y: str) -> None:
        vectors = self._vectors
        for place, found in enumerate(sums):
            i, v = divmod(place, tile.vectors)
            row = vectors.moved(y, (str(i), self._product.y.down))
            total = found
            if self._product.adds:
                total = self._text.put(f"fadd {vectors.kind} {self._load(row, v, tile)}, {found}")
            vectors.store(total, vectors.moved(row, (str(v), vectors.lanes)), self._count(v, tile))

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

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from wengert.compile.emission_text import Operand, Text, bits, intrinsic, kind
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
        self._type = product.y.buffer.type
        self._lanes = emission.width_bits // bits(self._type)
        self._widest, self._registers = _PANELS[emission.width_bits]
        self._vector = Operand("", self._type, self._lanes)
        self._y, self._a, self._b = [
            emission.address(x.buffer, x.at) for x in (product.y, product.a, product.b)
        ]

    def write(self) -> None:
        """Write whole panels, and one for the columns that are left."""
        columns, width = self._product.sizes[1], self._widest * self._lanes
        count, rest = divmod(columns, width)
        if count:
            with _counted(self._text, count) as panel:
                self._panel(panel, self._widest, self._lanes)
        if rest:
            vectors = -(-rest // self._lanes)
            self._panel(str(count), vectors, rest - (vectors - 1) * self._lanes)

    def _panel(self, panel: str, vectors: int, tail: int) -> None:
        """Write all rows of a panel, in tiles whose rows differ by one at most."""
        rows = self._product.sizes[0]
        most = min(self._registers // vectors, _MOST_ROWS)
        count = -(-rows // most)
        few, more = divmod(rows, count)
        width = self._widest * self._lanes
        b, y = [self._moved(base, (panel, width)) for base in (self._b, self._y)]
        for tiles, height, before in ((more, few + 1, 0), (count - more, few, more * (few + 1))):
            if not tiles:
                continue
            with _counted(self._text, tiles) as tile:
                row = self._text.put(f"mul nsw i64 {tile}, {height}")
                row = self._text.put(f"add nsw i64 {row}, {before}")
                a = self._moved(self._a, (row, self._product.a.down))
                place = self._moved(y, (row, self._product.y.down))
                self._tile(_Tile(height, vectors, tail), a, b, place)

    def _tile(self, tile: _Tile, a: str, b: str, y: str) -> None:
        """Write the loop over what is summed, and what becomes of its sums."""
        text, product = self._text, self._product
        body, behind = text.labels("products", "behind")
        before, n = text.block, tile.rows * tile.vectors
        text.jump(body)
        text.open(body)
        rooms = [text.later() for _ in range(3 + n)]
        (k, at_a, at_b), sums = [room[0] for room in rooms[:3]], [room[0] for room in rooms[3:]]
        row = [self._load(at_b, v, tile) for v in range(tile.vectors)]
        entries = [self._spread(self._moved(at_a, (str(i), product.a.down))) for i in range(tile.rows)]
        pairs = [(entry, vector) for entry in entries for vector in row]
        new = [self._fused(*pair, so_far) for pair, so_far in zip(pairs, sums, strict=True)]
        onward = text.put(f"add nsw i64 {k}, 1")
        next_a = self._moved(at_a, ("1", product.a.across))
        next_b = self._moved(at_b, ("1", product.b.down))
        text.branch(text.put(f"icmp eq i64 {onward}, {product.sizes[2]}"), behind, body, text.finished())
        firsts = [("i64", "0", onward), ("ptr", a, next_a), ("ptr", b, next_b)]
        firsts += [(self._vector.kind, "zeroinitializer", s) for s in new]
        for room, (type, first, following) in zip(rooms, firsts, strict=True):
            text.fill(room, type, (first, before), (following, body))
        text.open(behind)
        self._store(tile, new, y)

    def _store(self, tile: _Tile, sums: Sequence[str], y: str) -> None:
        for i in range(tile.rows):
            row = self._moved(y, (str(i), self._product.y.down))
            for v in range(tile.vectors):
                found = sums[i * tile.vectors + v]
                if self._product.adds:
                    there = self._load(row, v, tile)
                    found = self._text.put(f"fadd {self._vector.kind} {there}, {found}")
                place = self._moved(row, (str(v), self._lanes))
                self._write(found, place, self._mask(v, tile))

    # Memory: rows of b and y may end within a vector -----------------------------------------------------------------

    def _mask(self, v: int, tile: _Tile) -> str:
        """Return which lanes of a vector are there, or nothing if all are."""
        if v < tile.vectors - 1 or tile.tail == self._lanes:
            return ""
        lanes = ", ".join(f"i1 {'true' if lane < tile.tail else 'false'}" for lane in range(self._lanes))
        return f"<{lanes}>"

    def _load(self, row: str, v: int, tile: _Tile) -> str:
        place, mask, type = self._moved(row, (str(v), self._lanes)), self._mask(v, tile), self._vector.kind
        if not mask:
            return self._text.put(f"load {type}, ptr {place}, align {bits(self._type) // 8}")
        operands = (
            ("ptr", place),
            ("i32", str(bits(self._type) // 8)),
            self._flags(mask),
            (type, "zeroinitializer"),
        )
        return self._text.put(self._text.call(self._masked("load"), type, *operands))

    def _write(self, found: str, place: str, mask: str) -> None:
        type = self._vector.kind
        if not mask:
            self._text.do(f"store {type} {found}, ptr {place}, align {bits(self._type) // 8}")
            return
        operands = (type, found), ("ptr", place), ("i32", str(bits(self._type) // 8)), self._flags(mask)
        self._text.do(self._text.call(self._masked("store"), "void", *operands))

    def _flags(self, mask: str) -> tuple[str, str]:
        return f"<{self._lanes} x i1>", mask

    def _masked(self, name: str) -> str:
        return intrinsic(f"masked.{name}", self._vector) + ".p0"

    # Numbers ----------------------------------------------------------------------------------------------------------

    def _moved(self, pointer: str, *steps: tuple[str, int]) -> str:
        """Return an address some steps further on; steps are a counter and how many entries each has."""
        for counter, stride in steps:
            if counter.isdecimal():
                distance = str(int(counter) * stride)
            else:
                distance = self._text.put(f"mul nsw i64 {counter}, {stride}")
            if distance != "0":
                pointer = self._text.put(
                    f"getelementptr inbounds {kind(self._type)}, ptr {pointer}, i64 {distance}"
                )
        return pointer

    def _spread(self, address: str) -> str:
        """Return an entry in all lanes."""
        scalar, vector = kind(self._type), self._vector.kind
        entry = self._text.put(f"load {scalar}, ptr {address}, align {bits(self._type) // 8}")
        one = self._text.put(f"insertelement {vector} poison, {scalar} {entry}, i32 0")
        return self._text.put(
            f"shufflevector {vector} {one}, {vector} poison, <{self._lanes} x i32> zeroinitializer"
        )

    def _fused(self, x: str, y: str, z: str) -> str:
        type = self._vector.kind
        return self._text.put(
            self._text.call(intrinsic("fmuladd", self._vector), type, (type, x), (type, y), (type, z))
        )


@contextmanager
def _counted(text: Text, n: int) -> Iterator[str]:
    """Write a loop of n steps around what is written inside; give its counter."""
    if n == 1:
        yield "0"
        return
    body, behind = text.labels("tiles", "behind")
    before = text.block
    text.jump(body)
    text.open(body)
    room = text.later()
    yield room[0]
    onward = text.put(f"add nsw i64 {room[0]}, 1")
    end = text.block
    text.branch(text.put(f"icmp eq i64 {onward}, {n}"), behind, body)
    text.fill(room, "i64", ("0", before), (onward, end))
    text.open(behind)

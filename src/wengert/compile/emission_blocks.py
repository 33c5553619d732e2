"""Vectors of matrices' rows: addresses, and loads and stores of as many entries as there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wengert.compile.emission_text import Operand, Text, bits, intrinsic, kind

__all__ = ["Vectors"]


class Vectors:
    """Writes what vectors of one type take.

    Parameters
    ----------
    text : Text
    type : str
        Of the entries.
    lanes : int
    """

    def __init__(self, text: Text, type: str, lanes: int) -> None:
        self.text, self.lanes = text, lanes
        self._entry = kind(type)
        self._align = bits(type) // 8
        self._one = Operand("", type, lanes)
        self.kind = self._one.kind  # of a vector, in LLVM's words

    def moved(self, pointer: str, *steps: tuple[str, int]) -> str:
        """Return an address some steps further on; steps are a number or a counter, and how many entries each has."""
        for counter, stride in steps:
            if counter.isdecimal():
                distance = str(int(counter) * stride)
            else:
                distance = self.text.put(f"mul nsw i64 {counter}, {stride}")
            if distance != "0":
                pointer = self.text.put(
                    f"getelementptr inbounds {self._entry}, ptr {pointer}, i64 {distance}"
                )
        return pointer

    def load(self, place: str, count: int) -> str:
        """Return so many entries, and zeros in the lanes behind them."""
        if count == self.lanes:
            return self.text.put(f"load {self.kind}, ptr {place}, align {self._align}")
        operands = ("ptr", place), *self._masked(count), (self.kind, "zeroinitializer")
        return self.text.put(self.text.call(self._symbol("load"), self.kind, *operands))

    def store(self, vector: str, place: str, count: int) -> None:
        """Write so many entries of a vector."""
        if count == self.lanes:
            self.text.do(f"store {self.kind} {vector}, ptr {place}, align {self._align}")
            return
        operands = (self.kind, vector), ("ptr", place), *self._masked(count)
        self.text.do(self.text.call(self._symbol("store"), "void", *operands))

    def everywhere(self, place: str) -> str:
        """Return an entry in all lanes."""
        entry = self.text.put(f"load {self._entry}, ptr {place}, align {self._align}")
        one = self.text.put(f"insertelement {self.kind} poison, {self._entry} {entry}, i32 0")
        return self.chosen(one, "poison", [0] * self.lanes)

    def fused(self, x: str, y: str, z: str) -> str:
        """Return x y + z."""
        symbol = intrinsic("fmuladd", self._one)
        return self.text.put(self.text.call(symbol, self.kind, *[(self.kind, v) for v in (x, y, z)]))

    def chosen(self, x: str, y: str, lanes: list[int]) -> str:
        """Return lanes of two vectors, of which the second is counted on from the first."""
        order = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.text.put(
            f"shufflevector {self.kind} {x}, {self.kind} {y}, <{len(lanes)} x i32> <{order}>"
        )

    def _masked(self, count: int) -> tuple[tuple[str, str], tuple[str, str]]:
        flags = ", ".join(f"i1 {'true' if lane < count else 'false'}" for lane in range(self.lanes))
        return ("i32", str(self._align)), (f"<{self.lanes} x i1>", f"<{flags}>")

    def _symbol(self, name: str) -> str:
        return intrinsic(f"masked.{name}", self._one) + ".p0"

    @contextmanager
    def counted(self, n: int) -> Iterator[str]:
        """Write a loop of n steps around what is written inside; give its counter."""
        if n == 1:
            yield "0"
            return
        text = self.text
        body, behind = text.labels("blocks", "behind")
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

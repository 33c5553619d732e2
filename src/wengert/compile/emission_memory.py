"""Buffers, and loads and stores of one entry: where they are, and what LLVM may assume about them.

Buffers that do not share bytes carry alias scopes, so that a store to one does not make LLVM forget what it knows of
another. Buffers of the arena may live at the same place at different times: those are in one scope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from wengert.compile.emission_text import FLOATS, Operand, Text, bits, stored, vector
from wengert.compile.kernel import BOOL, Buffer

__all__ = [
    "Memory",
    "from_memory",
    "in_memory",
    "read",
    "scopes",
    "shuffled",
    "spaced",
    "suffix",
    "to_memory",
    "written",
]

MOST_SCOPES = 32  # every scope lists all others: with more, several groups of buffers share one


class Home(NamedTuple):
    """Where a buffer is: so many of its entries behind an address; and what is said of each access."""

    pointer: str
    offset: int
    notes: str


class Memory:
    """Addresses of buffers, and notes on their accesses.

    Parameters
    ----------
    scopes : mapping of Buffer to int
        From `scopes`.
    text : Text
        Addresses are read at its entry.
    own : mapping of Buffer to str, optional
        Names of the addresses of buffers that are elsewhere in this function.
    """

    def __init__(
        self, scopes: Mapping[Buffer, int], text: Text, own: Mapping[Buffer, str] | None = None
    ) -> None:
        self._text = text
        self._homes: dict[Buffer, Home] = {}
        self._pointers: dict[tuple[str, int], str] = {}
        self._own = own or {}
        self._scopes = scopes
        self._count = min(1 + max(self._scopes.values(), default=-1), MOST_SCOPES)

    def within(self, text: Text, own: Mapping[Buffer, str]) -> Memory:
        """Return the same memory for another function, with the addresses of buffers that are elsewhere."""
        return Memory(self._scopes, text, own)

    def home(self, buffer: Buffer) -> Home:
        """Return where a buffer is."""
        if buffer not in self._homes:
            scope = self._scopes[buffer] % MOST_SCOPES
            notes = f", !alias.scope !{scope_list(scope)}, !noalias !{others_list(scope)}"
            # The arena has one address, not one for each buffer: an instruction can add a number to it.
            size = bits(buffer.type) // 8
            offset = buffer.place // size if buffer.home == "arena" and buffer not in self._own else 0
            self._homes[buffer] = Home(self._pointer(buffer), offset, notes if self._count > 1 else "")
        return self._homes[buffer]

    def scope(self, buffer: Buffer) -> int:
        """Return the group of buffers, which may share bytes, that a buffer is in."""
        return self._scopes[buffer]

    def metadata(self) -> Iterator[str]:
        """Return the lines of the scopes that accesses refer to."""
        if self._count < 2:
            return
        yield "!0 = distinct !{!0}"
        for scope in range(self._count):
            others = ", ".join(f"!{scope_name(k)}" for k in range(self._count) if k != scope)
            yield f"!{scope_name(scope)} = distinct !{{!{scope_name(scope)}, !0}}"
            yield f"!{scope_list(scope)} = !{{!{scope_name(scope)}}}"
            yield f"!{others_list(scope)} = !{{{others}}}"

    def _pointer(self, buffer: Buffer) -> str:
        if buffer in self._own:
            return self._own[buffer]
        if buffer.home == "arena":
            return "%arena"
        place = buffer.home, buffer.place
        if place not in self._pointers:
            name = self._pointers[place] = f"%{buffer.home}{buffer.place}"
            self._text.entry += [
                f"  {name}.slot = getelementptr inbounds ptr, ptr %{buffer.home}s, i64 {buffer.place}",
                f"  {name} = load ptr, ptr {name}.slot, align 8",
            ]
        return self._pointers[place]


def scope_name(scope: int) -> int:
    """Return the number of the metadata of a scope; 0 is their domain."""
    return 3 * scope + 1


def scope_list(scope: int) -> int:
    """Return the number of the list of a scope alone."""
    return 3 * scope + 2


def others_list(scope: int) -> int:
    """Return the number of the list of all other scopes."""
    return 3 * scope + 3


def scopes(buffers: Sequence[Buffer]) -> dict[Buffer, int]:
    """Number the groups of buffers that share bytes."""
    found: dict[Buffer, int] = {}
    places: dict[tuple[str, int], int] = {}
    group, end = -1, -1
    for buffer in sorted((b for b in buffers if b.home == "arena"), key=lambda b: b.place):
        group += buffer.place >= end
        end = max(end, buffer.place + buffer.size * bits(buffer.type) // 8)
        found[buffer] = max(group, 0)
    count = max(group, -1) + 1
    for buffer in buffers:
        if buffer.home != "arena":
            found[buffer] = places.setdefault((buffer.home, buffer.place), count + len(places))
    return found


def read(
    text: Text, address: str, buffer: Buffer, notes: str, lanes: int = 1, mask: Operand | None = None
) -> Operand:
    """Write a load of entries one behind the other, of those that a mask holds."""
    loaded = _loaded(text, address, buffer, notes, in_memory(buffer, lanes), mask)
    return from_memory(text, loaded.text, buffer.type, lanes)


def spaced(
    text: Text,
    address: str,
    buffer: Buffer,
    notes: str,
    lanes: int,
    stride: int,
    mask: Operand | None = None,
) -> Operand:
    """Write a load of entries that are some entries apart: of all that lie between, of which the others are dropped.

    The last load ends with the last entry, so that nothing behind it is read; with a mask, nothing but its entries is.
    """
    low, reach = min(0, stride * (lanes - 1)), abs(stride) * (lanes - 1)
    kind = in_memory(buffer, lanes)
    found = kind._replace(text="poison")
    for start in [*(lanes * k for k in range(abs(stride) - 1)), reach + 1 - lanes]:
        pointer = text.put(f"getelementptr inbounds {stored(buffer.type)}, ptr {address}, i64 {low + start}")
        held = mask and _held(text, mask, [divmod(low + start + k, stride) for k in range(lanes)])
        loaded = _loaded(text, pointer, buffer, notes, kind, held)
        places = [stride * lane - low - start for lane in range(lanes)]
        order = [lanes + place if 0 <= place < lanes else lane for lane, place in enumerate(places)]
        found = shuffled(text, found, loaded, order)
    return from_memory(text, found.text, buffer.type, lanes)


def _loaded(
    text: Text, address: str, buffer: Buffer, notes: str, kind: Operand, mask: Operand | None
) -> Operand:
    """Write a load of entries as they are in memory."""
    size = bits(buffer.type) // 8
    if mask is None:
        return text.make(f"load {kind.kind}, ptr {address}, align {size}{notes}", kind)
    one = kind.spread(1)
    symbol = f"@llvm.masked.load.v{kind.lanes}{suffix(buffer)}.p0"
    pairs = ("ptr", address), ("i32", str(size)), mask.pair, one.pair
    return text.make(text.call(symbol, one.kind, *pairs) + notes, kind)


def _held(text: Text, mask: Operand, places: Sequence[tuple[int, int]]) -> Operand:
    """Return the mask of entries: of each its lane, and how far behind that lane's entry it is."""
    order = [lane if behind == 0 and 0 <= lane < mask.lanes else mask.lanes for lane, behind in places]
    return shuffled(text, mask, mask._replace(text="zeroinitializer"), order)


def shuffled(text: Text, x: Operand, y: Operand, order: Sequence[int]) -> Operand:
    """Write a choice of lanes of two vectors; those of the second are numbered behind those of the first."""
    places = ", ".join(f"i32 {place}" for place in order)
    whole = x._replace(lanes=len(order))
    return text.make(f"shufflevector {x.typed}, {y.typed}, <{len(order)} x i32> <{places}>", whole)


def in_memory(buffer: Buffer, lanes: int) -> Operand:
    """Return an operand without text of the type that entries have in memory."""
    return Operand("", "u8" if buffer.type == BOOL else buffer.type, lanes)


def suffix(buffer: Buffer) -> str:
    """Return how intrinsics name the type that entries have in memory."""
    return buffer.type if buffer.type in FLOATS else stored(buffer.type)


def written(text: Text, value: Operand, address: str, buffer: Buffer, notes: str) -> None:
    """Write a store of entries one behind the other."""
    size = bits(buffer.type) // 8
    type = vector(stored(buffer.type), value.lanes)
    text.do(f"store {type} {to_memory(text, value)}, ptr {address}, align {size}{notes}")


def from_memory(text: Text, loaded: str, type: str, lanes: int) -> Operand:
    """Return what was loaded as an operand: bytes become booleans."""
    if type == BOOL:
        zero = Operand("", "u8", lanes).spread(0)
        loaded = text.put(f"icmp ne {zero.kind} {loaded}, {zero.text}")
    return Operand(loaded, type, lanes)


def to_memory(text: Text, value: Operand) -> str:
    """Return the text of a value as it is stored: booleans become bytes."""
    if value.type != BOOL:
        return value.text
    return text.put(f"zext {value.typed} to {vector('i8', value.lanes)}")

"""Which loops have steps that do not depend on each other, so that threads can share them.

All memory that a step writes is of one of three kinds. Either different steps touch different entries: all places, in
loads and stores, are

    p = s c + r,    c the counter, s a stride, l <= r <= h modulo g, where h - l < |s| and |s| (n - 1) + h - l < g,

which tells the steps apart by p modulo g (r modulo g is what counters of known extents and the offset add, g divides
the strides that are as long as the whole loop, and is |s| n where there are none). Or each part of the loop has a
buffer of its own: the buffer is the loop's alone, and every step fills what it reads; or steps do nothing but join
values to entries, by one operation.

What is carried is a reduction; and nothing calls a routine, which may have threads itself, or Python.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from wengert.compile.kernel import (
    REDUCTIONS,
    Address,
    Buffer,
    Call,
    Carried,
    For,
    Host,
    If,
    Index,
    Load,
    Multiply,
    OfBlocks,
    Operation,
    Program,
    Statement,
    Store,
    Value,
    While,
)
from wengert.compile.statements import bodies, makes, uses, walk

__all__ = ["Separate", "Uses", "separate", "size_in_bytes", "uses_of_buffers"]

Uses = Mapping[Buffer, int]  # how many statements of a program name a buffer
Extents = dict[Value, int]  # of loops, by their counters
Span = tuple[int, int]  # the first and the last of some entries


class Access(NamedTuple):
    """A load or a store."""

    buffer: Buffer
    at: Index
    stores: bool


def uses_of_buffers(program: Program) -> Counter[Buffer]:
    """Return how often each buffer is named in a program."""
    return Counter(buffer for statement in walk(program.body) for buffer in _buffers(statement))


class Separate(NamedTuple):
    """Buffers of which each part of a loop needs one of its own.

    Attributes
    ----------
    own : tuple of Buffer
        Which every step fills.
    joined : tuple of (Buffer, str)
        Which steps join values to by an operation.
    """

    own: tuple[Buffer, ...]
    joined: tuple[tuple[Buffer, str], ...]


def separate(loop: For, everywhere: Uses, foreign: Collection[Buffer] = ()) -> Separate | None:
    """Return the buffers of which each part needs one of its own, or None where steps depend on each other.

    Parameters
    ----------
    loop : For
    everywhere : mapping of Buffer to int
        From `uses_of_buffers`.
    foreign : collection of Buffer
        Buffers that are read by others than the program's statements.
    """
    inside = list(walk(loop.body))
    if not isinstance(loop.extent, int) or any(isinstance(s, Call | Host) for s in inside):
        return None
    used = Counter(value for s in inside for value in uses(s)) + Counter(one.next for one in loop.carried)
    if not all(_is_joined(one, loop.body, used) for one in loop.carried):
        return None
    accesses = [access for s in inside for access in _accesses(s)]
    written = dict.fromkeys(access.buffer for access in accesses if access.stores)
    places = _Places(loop, inside)
    groups = {buffer: [a for a in accesses if a.buffer is buffer] for buffer in written}
    shared = [buffer for buffer, group in groups.items() if places.are_disjoint(group)]
    named = Counter(a.buffer for a in accesses)
    own, joined = [], []
    for buffer in [buffer for buffer in groups if buffer not in shared]:
        reduction = _joining(loop, buffer, used)
        if reduction is not None:
            joined.append((buffer, reduction))
        elif buffer.home == "arena" and buffer not in foreign and named[buffer] == everywhere[buffer]:
            if not places.fills(loop.body, buffer):
                return None
            own.append(buffer)
        else:
            return None
    others = [buffer for buffer in named if buffer not in own]
    if any(_overlap(x, y) for x in (*shared, *(b for b, _ in joined)) for y in others if x is not y):
        return None
    return Separate(tuple(own), tuple(joined))


def _accesses(statement: Statement | OfBlocks) -> Iterator[Access]:
    if isinstance(statement, Load | Store):
        yield Access(statement.buffer, statement.index, isinstance(statement, Store))
    elif isinstance(statement, OfBlocks):
        for k, (buffer, at) in enumerate(statement.entries):
            yield Access(buffer, at, stores=k == 0)


def _buffers(statement: Statement) -> Iterable[Buffer]:
    if isinstance(statement, Call):
        return [operand.buffer for operand in statement.operands if isinstance(operand, Address)]
    return [access.buffer for access in _accesses(statement)]


def _overlap(x: Buffer, y: Buffer) -> bool:
    if x.home != y.home or x.home != "arena":
        return (x.home, x.place) == (y.home, y.place)
    return x.place < y.place + size_in_bytes(y) and y.place < x.place + size_in_bytes(x)


def size_in_bytes(buffer: Buffer) -> int:
    """Return how much memory a buffer takes."""
    return buffer.size * (8 if buffer.type == "bool" else int(buffer.type[1:])) // 8


# Reductions -----------------------------------------------------------------------------------------------------------


def _is_joined(one: Carried, body: Sequence[Statement], used: Mapping[Value, int]) -> bool:
    """Whether a step does nothing with what it is handed but join it, by one operation, here and in inner loops."""
    value = one.entry
    while value is not one.next:
        found = _joined_to(value, one.reduction, body) if used[value] == 1 else None
        if found is None:
            return False
        value = found
    return one.reduction is not None and used[value] == 1


def _joined_to(value: Value, reduction: str | None, body: Sequence[Statement]) -> Value | None:
    """Return the result of the statement that joins a value."""
    for statement in body:
        if isinstance(statement, Operation) and value in statement.operands and statement.name == reduction:
            return statement.result
        if isinstance(statement, For):
            for inner in statement.carried:
                if inner.first is value and inner.reduction == reduction:
                    return inner.result
    return None


def _joining(loop: For, buffer: Buffer, used: Mapping[Value, int]) -> str | None:
    """Return the operation by which steps join values to entries of a buffer, if they do nothing else with it."""
    inside = list(walk(loop.body))
    makers = {s.result: s for s in inside if isinstance(s, Operation)}
    found: set[str | None] = set()
    for body in (loop.body, *(body for s in inside for body in bodies(s))):
        now: Load | None = None  # what is read and not yet written
        for s in body:
            if now is not None and bodies(s):
                return None
            if isinstance(s, OfBlocks) and buffer in _buffers(s):
                only_adds = isinstance(s, Multiply) and s.adds and list(_buffers(s)).count(buffer) == 1
                found.add("add" if only_adds and s.y.buffer is buffer else None)
            if not isinstance(s, Load | Store) or s.buffer is not buffer:
                continue
            if (now is None) != isinstance(s, Load) or (now is not None and now.index != s.index):
                return None
            if isinstance(s, Load):
                now = s
                continue
            alone = now is not None and used[now.result] == used[s.value] == 1
            found.add(_reduction(makers.get(s.value), now.result) if now is not None and alone else None)
            now = None
        if now is not None:
            return None
    return found.pop() if len(found) == 1 else None


def _reduction(join: Operation | None, entry: Value) -> str | None:
    """Return the reduction that an operation on an entry is a step of."""
    if join is None or join.operands.count(entry) != 1:
        return None
    if join.name == "sub" and join.operands[0] is entry:
        return "add"
    return join.name if join.name in REDUCTIONS else None


# Places ---------------------------------------------------------------------------------------------------------------


class _Places:
    """What is known of the values in the places of a loop."""

    def __init__(self, loop: For, inside: Sequence[Statement]) -> None:
        self._loop = loop
        self._made = {value for s in inside for value in makes(s)} | {one.entry for one in loop.carried}
        self._extents = {
            s.counter: s.extent for s in inside if isinstance(s, For) and isinstance(s.extent, int)
        }
        for s in inside:
            if isinstance(s, OfBlocks):
                self._extents |= s.extents
        self._made |= set(self._extents)

    def are_disjoint(self, group: Sequence[Access]) -> bool:
        """Whether different steps touch different entries of a buffer."""
        counter, n = self._loop.counter, int(self._loop.extent)  # type: ignore[arg-type]
        strides = {sum(s for value, s in a.at.terms if value is counter) for a in group}
        fixed = {frozenset(t for t in a.at.terms if self._is_fixed(t[0])) for a in group}
        if len(strides) != 1 or len(fixed) != 1:
            return False
        stride = abs(strides.pop())
        long, spans = set(), []
        for access in group:
            low = high = 0
            for value, s in access.at.terms:
                if value is counter or self._is_fixed(value):
                    continue
                if value not in self._extents:
                    return False
                reach = s * (self._extents[value] - 1)
                if abs(s) >= stride * n:
                    long.add(abs(s))
                else:
                    low, high = low + min(reach, 0), high + max(reach, 0)
            spans.append((access.at.offset, low, high))
        period = math.gcd(*long) if long else stride * n
        if not period:
            return False
        low = min(offset % period + low for offset, low, _ in spans)
        high = max(offset % period + high for offset, _, high in spans)
        return high - low < stride and stride * (n - 1) + high - low < period

    def _is_fixed(self, value: Value) -> bool:
        """Whether a value is the same in all steps."""
        return value is not self._loop.counter and value not in self._made

    # What a step fills ------------------------------------------------------------------------------------------------

    def fills(self, body: Sequence[Statement], buffer: Buffer) -> bool:
        """Whether a step reads nothing of a buffer that it has not written before."""
        return self._stores(body, buffer, []) is not None

    def _stores(
        self, body: Sequence[Statement], buffer: Buffer, filled: Sequence[Span]
    ) -> list[tuple[Index, Extents]] | None:
        """Return what statements store for certain, with the loops that they do it in, or None if they read too early.

        `filled` is what has been filled before them.
        """
        stores: list[tuple[Index, Extents]] = []
        for statement in body:
            now = [*filled, *_spans(stores)]
            match statement:
                case OfBlocks() | Store() | Load():
                    own = self._own_stores(statement, now, (buffer, stores))
                    if own is None:
                        return None
                    stores += own
                case For(counter=counter, extent=int(extent)) if extent:
                    inner = self._stores(statement.body, buffer, now)
                    if inner is None:
                        return None
                    stores += [(index, loops | {counter: extent}) for index, loops in inner]
                case For() | While() | If():  # of these it is not known whether they are run
                    if any(self._stores(inside, buffer, now) is None for inside in bodies(statement)):
                        return None
        return stores

    def _own_stores(
        self, statement: OfBlocks | Store | Load, filled: Sequence[Span], so_far: tuple[Buffer, list[Any]]
    ) -> list[tuple[Index, Extents]] | None:
        """Return what a statement stores in a buffer, or None if it reads what is neither filled nor stored before."""
        buffer, stores = so_far
        loops = statement.extents if isinstance(statement, OfBlocks) else {}
        accesses = [access for access in _accesses(statement) if access.buffer is buffer]
        again = isinstance(statement, Multiply) and statement.adds
        for access in accesses:
            is_read = not access.stores or again
            if is_read and (access.at, loops) not in stores and not self._is_in(filled, buffer, access.at):
                return None
        return [(access.at, loops) for access in accesses if access.stores]

    def _is_in(self, filled: Sequence[Span], buffer: Buffer, index: Index) -> bool:
        """Whether an index is of entries that are filled; one that is not known may be of any."""
        first, last = 0, buffer.size - 1
        if all(value in self._extents for value, _ in index.terms):
            reaches = [s * (self._extents[value] - 1) for value, s in index.terms]
            first = index.offset + sum(min(reach, 0) for reach in reaches)
            last = index.offset + sum(max(reach, 0) for reach in reaches)
        for low, high in sorted(filled):
            if low <= first <= high:
                first = high + 1
        return first > last


def _spans(stores: Iterable[tuple[Index, Extents]]) -> Iterator[Span]:
    """Return the entries from the first to the last of stores that leave out none between."""
    for index, loops in stores:
        width = 1
        for value, stride in sorted(index.terms, key=lambda term: term[1]):
            if value not in loops or stride != width:
                break
            width *= loops[value]
        else:
            yield index.offset, index.offset + width - 1

"""Loops that threads share: a function for some of the steps, which the pool calls for all of them.

    define internal void @wg_part1(ptr %frame, i64 %begin, i64 %end)

The frame holds what the function needs: words of 8 bytes,

    the three addresses that the program was given, the first failure, values from outside of the loop,
    and for each reduction what each part has found.

Of some buffers each part has one of its own: on the stack, or, where steps join values to entries of a buffer, in the
arena; these are cleared by the part, and joined behind the loop.

Parts do not depend on the number of threads, and what they have found is joined in their order, sums with their
rounding errors (see `emission_reductions`): an entry meets one rounding more than in a loop that one thread does.
A part that fails ends, and the program ends with the code of the first part that has failed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from wengert.compile.emission_lanes import Span, emit_lanes
from wengert.compile.emission_reductions import Total, begin, closed, identity_of, join, neutral
from wengert.compile.emission_text import UNLIKELY, Operand, Text
from wengert.compile.independence import size_in_bytes
from wengert.compile.kernel import (
    INT,
    Buffer,
    Constant,
    Fail,
    For,
    Index,
    Joined,
    Load,
    Operation,
    Parallel,
    Statement,
    Store,
    Value,
)
from wengert.compile.statements import makes, uses, walk

if TYPE_CHECKING:
    from wengert.compile.emission import Emission

__all__ = ["emit_parallel"]

_BASES: Final = ("arguments", "results", "arena")
_FAILURE: Final = len(_BASES)  # the word of (part, code), or of -1
_FIRST: Final = _FAILURE + 1  # of values


def emit_parallel(emission: Emission, loop: For, shared: Parallel) -> None:
    """Write a loop that threads share.

    Parameters
    ----------
    emission : Emission
        What is written to; results of the loop become values of it.
    loop : For
    shared : Parallel
    """
    _Region(emission, loop, shared).emit()


class _Region:
    """A loop that threads share, while it is written."""

    def __init__(self, emission: Emission, loop: For, shared: Parallel) -> None:
        self._emission = emission
        self._text = emission.text
        self._loop = loop
        self._shared = shared
        self._extent = int(loop.extent)  # type: ignore[arg-type]
        self._parts = -(-self._extent // shared.steps)
        self._passed = self._outside()
        self._fails = any(isinstance(s, Fail) for s in walk(loop.body))

    def emit(self) -> None:
        """Write the function, its call, and what is done with what it has found."""
        text = self._text
        name = f"@wg_part{len(text.functions) + 1}"
        text.functions.append(self._function(name))
        words = _FIRST + len(self._passed) + self._parts * len(self._loop.carried)
        frame = self._emission.frame(words)
        for place, base in enumerate(_BASES):
            self._put(place, ("ptr", f"%{base}"))
        for place, value in enumerate(self._passed, _FIRST):
            self._put(place, self._emission[value].pair)
        if self._fails:
            self._put(_FAILURE, ("i64", "-1"))
        operands = ("ptr", name), ("ptr", frame), ("i64", f"{self._extent}"), ("i64", f"{self._shared.steps}")
        text.do(text.call("@wg.parallel", "void", *operands))
        if self._fails:
            self._end_if_failed()
        if self._loop.carried:
            self._join()
        self._emission.statements([_joining(one, self._parts) for one in self._shared.joined])

    def _outside(self) -> list[Value]:
        """Return the values from outside of the loop that it uses and that are not known."""
        inside = list(walk(self._loop.body))
        made = {self._loop.counter, *(one.entry for one in self._loop.carried)}
        made.update(value for statement in inside for value in makes(statement))
        used = [value for statement in inside for value in uses(statement)]
        used += [one.next for one in self._loop.carried]
        outside = dict.fromkeys(value for value in used if value not in made)
        return [value for value in outside if not self._emission[value].is_constant]

    # The caller -------------------------------------------------------------------------------------------------------

    def _put(self, word: int, value: tuple[str, str]) -> None:
        self._text.do(f"store {' '.join(value)}, ptr {_address(self._text, word)}, align 8")

    def _end_if_failed(self) -> None:
        text = self._text
        found = text.put(f"load i64, ptr {_address(text, _FAILURE)}, align 8")
        failed, onward = text.labels("failed", "sound")
        text.branch(text.put(f"icmp ne i64 {found}, -1"), failed, onward, UNLIKELY)
        text.open(failed)
        text.do(f"ret i32 {text.put(f'trunc i64 {found} to i32')}")
        text.open(onward)

    def _join(self) -> None:
        """Write a loop that joins what the parts have found."""
        text, carried = self._text, self._loop.carried
        inside, behind = text.labels("parts", "behind")
        before = text.block
        text.jump(inside)
        text.open(inside)
        totals = [begin(one, 1) for one in carried]
        counter, rooms = text.later(), [[text.later() for _ in total] for total in totals]
        found: list[Total] = []
        for k, (one, total, room) in enumerate(zip(carried, totals, rooms, strict=True)):
            held = tuple([x._replace(text=name) for x, (name, _) in zip(total, room, strict=True)])
            address = _address(text, self._first_word(k), counter[0])
            part = total[0]._replace(text=text.put(f"load {total[0].kind}, ptr {address}, align 8"))
            found.append(join(text, one, held, part))
        onward = text.put(f"add nuw nsw i64 {counter[0]}, 1")
        text.branch(text.put(f"icmp slt i64 {onward}, {self._parts}"), inside, behind)
        text.fill(counter, "i64", ("0", before), (onward, inside))
        for total, room, last in zip(totals, rooms, found, strict=True):
            for x, place, y in zip(total, room, last, strict=True):
                text.fill(place, x.kind, (x.text, before), (y.text, inside))
        text.open(behind)
        for one, last in zip(carried, found, strict=True):
            self._emission.values[one.result] = closed(text, one, last, self._emission[one.first])

    def _first_word(self, k: int) -> int:
        """Return the word of what the first part has found of a reduction."""
        return _FIRST + len(self._passed) + k * self._parts

    # The function -----------------------------------------------------------------------------------------------------

    def _function(self, name: str) -> str:
        loop, text = self._loop, Text(self._text)
        inner = self._emission.within(text, self._own(text))
        self._enter(inner)
        inner.statements([_clearing(one) for one in self._shared.joined])
        carried = [replace(one, first=neutral(one)) for one in loop.carried]
        span = Span("%begin", "%end", math.gcd(self._shared.steps, self._extent))
        (emit_lanes if loop.lanes else type(inner).steps)(inner, replace(loop, carried=carried), span)
        part = text.put(f"udiv i64 %begin, {self._shared.steps}") if carried else ""
        for k, one in enumerate(carried):
            found = inner[one.result]
            address = _address(text, self._first_word(k), part)
            text.do(f"store {found.typed}, ptr {address}, align 8")
        text.do("ret void")
        inner.close(lambda code: self._fail(text, code))
        head = f"define internal void {name}(ptr %frame, i64 %begin, i64 %end) #0 {{"
        return "\n".join([head, "entry:", *text.entry, "  br label %start", "start:", *text.lines, "}", ""])

    def _own(self, text: Text) -> dict[Buffer, str]:
        """Write the addresses of the part's own buffers."""
        found: dict[Buffer, str] = {}
        with text.aside(text.entry):
            for buffer in self._shared.own:
                found[buffer] = text.put(f"alloca [{size_in_bytes(buffer)} x i8], align 64")
            for buffer, _, parts in self._shared.joined:
                part = text.put(f"udiv i64 %begin, {self._shared.steps}")
                distance = text.put(f"mul i64 {part}, {size_in_bytes(buffer)}")
                first = text.put(f"getelementptr inbounds i8, ptr %arena, i64 {parts.place}")
                found[buffer] = text.put(f"getelementptr inbounds i8, ptr {first}, i64 {distance}")
        return found

    def _enter(self, inner: Emission) -> None:
        """Read the frame."""
        text = inner.text
        lines: list[str] = []
        with text.aside(lines):
            for place, base in enumerate(_BASES):
                text.do(f"%{base} = load ptr, ptr {_address(text, place)}, align 8")
            for place, value in enumerate(self._passed, _FIRST):
                outer = self._emission[value]
                loaded = text.put(f"load {outer.kind}, ptr {_address(text, place)}, align 8")
                inner.values[value] = outer._replace(text=loaded)
        text.entry[:0] = lines
        inner.values |= self._known()

    def _known(self) -> dict[Value, Operand]:
        return {value: x for value, x in self._emission.values.items() if x.is_constant}

    def _fail(self, text: Text, code: int) -> None:
        """End the part; the first part that fails, in order, is heard."""
        part = text.put(f"udiv i64 %begin, {self._shared.steps}")
        failure = text.put(f"or i64 {text.put(f'shl i64 {part}, 32')}, {code}")
        text.do(f"atomicrmw umin ptr {_address(text, _FAILURE)}, i64 {failure} monotonic, align 8")
        text.do("ret void")


def _clearing(one: Joined) -> For:
    """Return a loop that fills a buffer with what joining leaves as it is."""
    counter = Value(INT)
    first = Constant(one.buffer.type, identity_of(one.reduction, one.buffer.type))
    store = Store(first, one.buffer, Index(0, ((counter, 1),)))
    return For(counter, one.buffer.size, [store], lanes=True)


def _joining(one: Joined, parts: int) -> For:
    """Return a loop that joins the parts' buffers to the one that they stand for."""
    part, counter, type = Value(INT), Value(INT), one.buffer.type
    so_far, value, result = Value(type), Value(type), Value(type)
    place = Index(0, ((counter, 1),))
    body: list[Statement] = [
        Load(so_far, one.buffer, place),
        Load(value, one.parts, Index(0, ((part, one.buffer.size), (counter, 1)))),
        Operation(result, one.reduction, (so_far, value)),
        Store(result, one.buffer, place),
    ]
    return For(part, parts, [For(counter, one.buffer.size, body, lanes=True)])


def _address(text: Text, word: int, further: str = "") -> str:
    """Write the address of a word of the frame."""
    address = text.put(f"getelementptr inbounds i64, ptr %frame, i64 {word}")
    return text.put(f"getelementptr inbounds i64, ptr {address}, i64 {further}") if further else address

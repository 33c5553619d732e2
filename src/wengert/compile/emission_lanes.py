"""Loops over lanes: several steps at once, in vectors.

    whole    steps by some vectors, each of them with a copy of the body that has reductions of its own
    rest     what is left, by whole vectors
    masked   the last entries, fewer than a vector: their other lanes are neither read, nor written, nor joined, and
             do not fail

A body that is long is written once: every step is masked. What does not depend on the counter is done in front of the
loop, and is a scalar until it meets a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from wengert.compile.emission_reductions import (
    BLOCK,
    begin,
    closed,
    identity,
    is_compensated,
    join,
    merge,
)
from wengert.compile.emission_steps import Step, Steps, shape_of
from wengert.compile.emission_text import Operand
from wengert.compile.kernel import Carried, For

if TYPE_CHECKING:
    from wengert.compile.emission import Emission

__all__ = ["Span", "emit_lanes"]

Bound = int | str  # a number of steps: known, or the name of a value
Found = list[Operand]  # of each reduction, in vectors

LONG: Final = 48  # weight of a body that is written once
SHORT, MIDDLING = 8, 20  # weights up to which reductions have four copies, and two


class Part(NamedTuple):
    """Some steps of a loop that are written alike.

    Attributes
    ----------
    start, stop : int or str
    copies : int
        Vectors in one step.
    masked : bool
        Whether the last vector of a step may be incomplete.
    runs : bool
        Whether start < stop is known.
    """

    start: Bound
    stop: Bound
    copies: int
    masked: bool = False
    runs: bool = False


class Span(NamedTuple):
    """Some steps of a loop: the first and the end of them, and a number that divides both.

    They are names of values of the counter.
    """

    begin: str
    end: str
    unit: int


def emit_lanes(emission: Emission, loop: For, span: Span | None = None) -> None:
    """Write a loop over lanes that has more than no steps, or as many as a value says.

    Parameters
    ----------
    emission : Emission
        What is written to; results of the loop become values of it.
    loop : For
    span : Span, optional
        The steps that are wanted, at least one.
    """
    Lanes(emission, loop, span).emit()


class Lanes:
    """A loop over lanes while it is written."""

    def __init__(self, emission: Emission, loop: For, span: Span | None) -> None:
        self._span = span
        self._emission = emission
        self._text = emission.text
        self._loop = loop
        shape = shape_of(loop, emission.width_bits)
        self._lanes, self._weight = shape.lanes, shape.weight
        self._steps = Steps(emission, loop, shape.lanes)

    def emit(self) -> None:
        """Write all of it."""
        loop, text, emission = self._loop, self._text, self._emission
        firsts = [emission[one.first] for one in loop.carried]
        if isinstance(loop.extent, int):
            results = self._run(loop.extent, firsts)
        else:
            extent = emission[loop.extent].text
            begins, behind = text.labels("lanes", "behind")
            before = text.block
            text.branch(text.put(f"icmp sgt i64 {extent}, 0"), begins, behind)
            text.open(begins)
            found = self._run(extent, firsts)
            end = text.block
            text.jump(behind)
            text.open(behind)
            results = [
                x._replace(text=text.phi(x.kind, (first.text, before), (x.text, end)))
                for first, x in zip(firsts, found, strict=True)
            ]
        emission.values |= {one.result: x for one, x in zip(loop.carried, results, strict=True)}

    def _run(self, extent: Bound, firsts: Sequence[Operand]) -> Found:
        """Write a loop that has steps, and return the results."""
        self._steps.ahead()
        mark = len(self._text.lines)
        parts = self._parts(extent)
        carried = self._loop.carried
        if self._is_blocked(parts[0]):
            totals = self._blocks(parts[0])
            if parts[1:]:
                totals = self._joined(totals, self._in_turn(parts[1:]))
        else:
            totals = [(x,) for x in self._in_turn(parts)]
        ends = zip(carried, totals, firsts, strict=True)
        results = [closed(self._text, one, total, first) for one, total, first in ends]
        self._text.lines[mark:mark] = self._steps.early
        return results

    # What is written how --------------------------------------------------------------------------------------------

    def _copies(self) -> int:
        if not self._loop.carried:
            return 1
        return 4 if self._weight <= SHORT else 2 if self._weight <= MIDDLING else 1

    def _parts(self, extent: Bound) -> list[Part]:
        lanes, copies = self._lanes, self._copies()
        if self._span is not None:
            return self._parts_of(self._span)
        if isinstance(extent, int):
            return self._known_parts(extent)
        if self._weight >= LONG:
            return [Part(0, extent, 1, masked=True, runs=True)]
        whole, single = (self._text.put(f"and i64 {extent}, {-step}") for step in (lanes * copies, lanes))
        middle = [Part(whole, single, 1)] if copies > 1 else []
        return [Part(0, whole, copies), *middle, Part(single, extent, 1, masked=True)]

    def _parts_of(self, span: Span) -> list[Part]:
        lanes, copies, text = self._lanes, self._copies(), self._text
        begin, end, unit = span
        if self._weight >= LONG:
            return [Part(begin, end, 1, masked=unit % lanes > 0, runs=True)]
        if unit % (lanes * copies) == 0:
            return [Part(begin, end, copies, runs=True)]
        count = text.put(f"sub nsw i64 {end}, {begin}")
        whole, single = (
            text.put(f"add nsw i64 {begin}, {text.put(f'and i64 {count}, {-step}')}")
            for step in (lanes * copies, lanes)
        )
        middle = [Part(whole, single, 1)] if copies > 1 else []
        return [Part(begin, whole, copies), *middle, Part(single, end, 1, masked=True)]

    def _known_parts(self, extent: int) -> list[Part]:
        lanes, copies = self._lanes, self._copies()
        if self._weight >= LONG and extent > lanes:
            return [Part(0, extent, 1, masked=extent % lanes > 0, runs=True)]
        whole = extent - extent % (lanes * copies)
        parts = [
            Part(0, whole, copies, runs=True),
            Part(whole, extent, -(-(extent - whole) // lanes), masked=extent % lanes > 0, runs=True),
        ]
        return [part for part in parts if part.start != part.stop]

    def _is_blocked(self, part: Part) -> bool:
        """Say whether lanes would join so many entries in a row that errors add up."""
        if not any(is_compensated(one) for one in self._loop.carried):
            return False
        return not _is_short(part, BLOCK * self._lanes * part.copies)

    # Loops ------------------------------------------------------------------------------------------------------------

    def _identities(self) -> Found:
        return [identity(one, self._lanes) for one in self._loop.carried]

    def _in_turn(self, parts: Sequence[Part]) -> Found:
        """Write parts one behind the other, and return what they have found."""
        found: list[Found] = []
        for part in parts:
            found += [self._identities() for _ in range(part.copies - len(found))]
            found[: part.copies] = self._part(part, found[: part.copies])
        return self._merged(found)

    def _merged(self, copies: Sequence[Found]) -> Found:
        return [
            merge(self._text, one, [found[k] for found in copies]) for k, one in enumerate(self._loop.carried)
        ]

    def _joined(self, totals: Sequence[tuple[Operand, ...]], found: Found) -> list[tuple[Operand, ...]]:
        return [
            join(self._text, one, total, x)
            for one, total, x in zip(self._loop.carried, totals, found, strict=True)
        ]

    def _blocks(self, part: Part) -> list[tuple[Operand, ...]]:
        """Write a part in blocks of `BLOCK` steps, and return the totals."""
        steps = BLOCK * self._lanes * part.copies
        carried: Sequence[Carried] = self._loop.carried
        totals = [begin(one, self._lanes) for one in carried]
        flat = [x for total in totals for x in total]
        sizes = [len(total) for total in totals]

        def body(at: str, entering: Found) -> tuple[Bound, Found]:
            end = self._text.put(f"add nuw nsw i64 {at}, {steps}")
            pairs = ("i64", end), ("i64", str(part.stop))
            stop = self._text.put(self._text.call("@llvm.smin.i64", "i64", *pairs))
            inner = Part(at, stop, part.copies, part.masked, runs=True)
            found = self._merged(self._part(inner, [self._identities() for _ in range(part.copies)]))
            return stop, [x for total in self._joined(_split(entering, sizes), found) for x in total]

        return _split(self._repeat(part, flat, body), sizes)

    def _part(self, part: Part, entering: list[Found]) -> list[Found]:
        """Write a part, and return what each copy has found."""
        steps = self._lanes * part.copies
        sizes = [len(self._loop.carried)] * part.copies
        if _is_short(part, steps):
            return self._step(part, str(part.start), entering)

        def body(at: str, found: Found) -> tuple[Bound, Found]:
            left = self._step(part, at, _split(found, sizes))
            onward = self._text.put(f"add nuw nsw i64 {at}, {steps}")
            return onward, [x for copy in left for x in copy]

        flat = [x for found in entering for x in found]
        return [list(found) for found in _split(self._repeat(part, flat, body), sizes)]

    def _step(self, part: Part, at: str, entering: Sequence[Sequence[Operand]]) -> list[Found]:
        """Write one step of a part: the body, once for each copy."""
        self._steps.turn()
        steps = [Step(at, copy * self._lanes, None) for copy in range(part.copies)]
        if part.masked:
            steps[-1] = self._steps.masked(steps[-1], part.stop)
        return [self._steps.write(step, found) for step, found in zip(steps, entering, strict=True)]

    def _repeat(
        self, part: Part, entering: Found, body: Callable[[str, Found], tuple[Bound, Found]]
    ) -> Found:
        """Write a loop from the start of a part to its stop; the body returns where the next step is."""
        text = self._text
        inside, behind = text.labels("vectors", "behind")
        before = text.block
        if part.runs:
            text.jump(inside)
        else:
            text.branch(text.put(f"icmp slt i64 {part.start}, {part.stop}"), inside, behind)
        text.open(inside)
        counter, *rooms = (text.later() for _ in range(1 + len(entering)))
        held = [x._replace(text=name) for x, (name, _) in zip(entering, rooms, strict=True)]
        onward, found = body(counter[0], held)
        again = text.put(f"icmp slt i64 {onward}, {part.stop}")
        end = text.block
        text.branch(again, inside, behind, text.finished())
        text.fill(counter, "i64", (str(part.start), before), (str(onward), end))
        for room, first, last in zip(rooms, entering, found, strict=True):
            text.fill(room, first.kind, (first.text, before), (last.text, end))
        text.open(behind)
        if part.runs:
            return found
        return [
            last._replace(text=text.phi(last.kind, (first.text, before), (last.text, end)))
            for first, last in zip(entering, found, strict=True)
        ]


def _is_short(part: Part, steps: int) -> bool:
    """Say whether a part is known to have no more than so many steps."""
    start, stop = part.start, part.stop
    return isinstance(start, int) and isinstance(stop, int) and stop - start <= steps


def _split(flat: Sequence[Operand], sizes: Sequence[int]) -> list[tuple[Operand, ...]]:
    """Return the groups of given sizes that a flat sequence is made of."""
    rest = iter(flat)
    return [tuple(next(rest) for _ in range(size)) for size in sizes]

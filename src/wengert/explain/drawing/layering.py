"""Levels: what one box shows, in rows, so that links run downward from row to row.

A link that crosses the border of a box ends there in a port, a place without size, from which another link goes on
inside. A value that is used several rows below runs through a place of its own in each row between, one for all its
users: lines do not pass behind cards. (Sugiyama, Tagawa and Toda 1981; one line for all users of a value keeps a graph
with n values and n rows at n² places at most, whatever the number of uses.) Inputs that share a box leave it in one
line.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from wengert.explain.drawing.picture import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wengert.explain.drawing.picture import Link, Picture

__all__ = ["Level", "Segment", "Slot", "bundles", "levels"]

_INPUTS = 6  # of a box of inputs stand side by side


class Slot(NamedTuple):
    """A place in a row.

    Attributes
    ----------
    kind : str
        "card", "box", "in" or "out" (ports), or "bend" (of a line that passes).
    ref : int
        The card or box; of a port or bend, the card whose value passes, or the box of inputs.
    """

    kind: str
    ref: int


class Segment(NamedTuple):
    """A line from one row to the next: the slots it joins, the card whose value it carries, and the link it ends.

    Lines to boxes and bends end no link: they carry a value that several links may take; their link is -1.
    """

    upper: int
    lower: int
    value: int
    link: int


@dataclass(eq=False, slots=True)
class Level:
    """The places of one box.

    Attributes
    ----------
    slots : list of Slot
    rows : list of list of int
        Slots, from left to right.
    segments : list of Segment
    """

    slots: list[Slot] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    def add(self, kind: str, ref: int) -> int:
        """Add a slot, and return its number."""
        self.slots.append(Slot(kind, ref))
        return len(self.slots) - 1


class _Use(NamedTuple):
    """A use within one level: from a slot to a slot."""

    source: int
    target: int
    value: int
    link: int


def levels(picture: Picture) -> dict[int, Level]:
    """Return the level of every box, by its number, in rows."""
    made: dict[int, Level] = {}
    slot_of: dict[tuple[int, str, int], int] = {}
    above: dict[int, list[int]] = {}
    for box in picture.root.boxes():
        level = made[box.id] = Level()
        for child in box.children:
            kind = "box" if isinstance(child, Box) else "card"
            slot_of[box.id, kind, child.id] = level.add(kind, child.id)
            above[child.id] = [*above.get(box.id, []), box.id]
    uses: dict[int, dict[_Use, None]] = defaultdict(dict)
    bundled = bundles(picture)
    for number, link in enumerate(picture.links):
        value = bundled.get(link.source, link.source)
        _spread(number, value, link, above, made, slot_of, uses)
    for box_id in set(bundled.values()):
        uses[box_id].clear()  # what leaves is named on the box: no lines inside
    for box_id, level in made.items():
        _fill(level, list(uses[box_id]))
    return made


def bundles(picture: Picture) -> dict[int, int]:
    """Return the box of the inputs that have one: their values leave it as one."""
    return {card.id: box.id for box in picture.root.boxes() if box.kind == "inputs" for card in box.cards()}


def _spread(
    number: int,
    value: int,
    link: Link,
    above: dict[int, list[int]],
    made: dict[int, Level],
    slot_of: dict[tuple[int, str, int], int],
    uses: dict[int, dict[_Use, None]],
) -> None:
    """Add what one link is on each of the levels that it crosses."""
    source, target = link.source, link.target
    a, b = above[source], above[target]
    shared = sum(1 for x, y in zip(a, b, strict=False) if x == y)  # boxes around both: the first ones

    def slot(box: int, kind: str, ref: int) -> int:
        key = (box, kind, ref)
        if key not in slot_of:
            slot_of[key] = made[box].add(kind, ref)
        return slot_of[key]

    def child(path: Sequence[int], depth: int, card: int) -> tuple[str, int]:
        return ("box", path[depth]) if depth < len(path) else ("card", card)

    common = a[shared - 1]
    ends = (shared == len(b), number)
    uses[common][
        _Use(
            slot(common, *child(a, shared, source)),
            slot(common, *child(b, shared, target)),
            value,
            number if ends[0] else -1,
        )
    ] = None
    for depth in range(shared, len(a)):  # out of the source's boxes
        box = a[depth]
        inner = slot(box, *child(a, depth + 1, source))
        uses[box][_Use(inner, slot(box, "out", value), value, -1)] = None
    for depth in range(shared, len(b)):  # into the target's boxes
        box = b[depth]
        inner = slot(box, *child(b, depth + 1, target))
        last = depth == len(b) - 1
        uses[box][_Use(slot(box, "in", value), inner, value, number if last else -1)] = None


# Rows ---------------------------------------------------------------------------------------------------------------


def _fill(level: Level, uses: list[_Use]) -> None:
    """Put the slots of a level into rows, and lines between neighboring rows."""
    ranks = _ranks(level, uses)
    height = max(ranks, default=-1) + 1
    level.rows = [[] for _ in range(height)]
    for slot, rank in enumerate(ranks):
        level.rows[rank].append(slot)
    nets: dict[tuple[int, int], list[_Use]] = defaultdict(list)
    for use in uses:
        nets[use.source, use.value].append(use)
    for (source, value), users in nets.items():
        _line(level, ranks, source, value, users)


def _line(level: Level, ranks: list[int], source: int, value: int, users: list[_Use]) -> None:
    users = sorted(users, key=lambda use: ranks[use.target])
    at, rank = source, ranks[source]
    for use in users:
        while rank < ranks[use.target] - 1:
            bend = level.add("bend", value)
            rank += 1
            level.rows[rank].append(bend)
            level.segments.append(Segment(at, bend, value, -1))
            at = bend
        level.segments.append(Segment(at, use.target, value, use.link))


def _ranks(level: Level, uses: list[_Use]) -> list[int]:
    """Return the row of each slot: as far up as its operands allow, then sources down to their first user."""
    n = len(level.slots)
    users: list[list[int]] = [[] for _ in range(n)]
    waiting = [0] * n
    for use in uses:
        users[use.source].append(use.target)
        waiting[use.target] += 1
    sources = [waiting[i] == 0 for i in range(n)]
    ports = any(slot.kind == "in" for slot in level.slots)
    ranks = [0 if slot.kind == "in" else int(ports) for slot in level.slots]
    ready = [i for i in range(n) if not waiting[i]]
    for i in ready:  # grows while it runs
        for j in users[i]:
            ranks[j] = max(ranks[j], ranks[i] + 1)
            waiting[j] -= 1
            if not waiting[j]:
                ready.append(j)
    for i, slot in enumerate(level.slots):
        if sources[i] and slot.kind != "in" and users[i]:
            ranks[i] = max(ranks[i], min(ranks[j] for j in users[i]) - 1)
    if not uses:  # a box of inputs, which nothing orders: side by side, in rows
        ranks = [i // _INPUTS for i in range(n)]
    lowest = max((r for r, slot in zip(ranks, level.slots, strict=True) if slot.kind != "out"), default=0)
    for i, slot in enumerate(level.slots):
        if slot.kind == "out":
            ranks[i] = lowest + 1
    return ranks

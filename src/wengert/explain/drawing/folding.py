"""Boxes for the user's functions and lines, so that no level of a picture holds more than one can read.

A box holds what was computed in one stretch of time. So no value leaves a box and comes back, and boxes can be laid
out, and folded, like single values.

    functions       what one call of a user's function computed
    lines           what neighboring operations of one line computed, where a level is still too long
    repetitions     one round of a Python loop: the lines of a function start over
    stretches       equal parts of what is still too long
"""

from __future__ import annotations

import linecache
from itertools import count, groupby
from pathlib import PurePath
from typing import TYPE_CHECKING

from wengert.explain.drawing.labels import trimmed
from wengert.explain.drawing.picture import Box, Card, Picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wengert.explain.drawing.observing import Call

__all__ = ["FOLDED_FROM", "fold", "unfold"]

FOLDED_FROM = 48  # cards
_LEVEL = 24  # cards and boxes on one level, about
_SOURCE = 40  # letters of a line of source
_DEEPEST = 12  # calls within calls that get boxes of their own
_OPEN = 3  # boxes within boxes that are shown open
_INPUTS = 10  # stand on the first level, whoever takes them


def fold(picture: Picture) -> None:
    """Group the cards of a picture by what the user wrote."""
    fresh = count(max(card.id for card in picture.root.cards()) + 1 + sum(1 for _ in picture.root.boxes()))
    folder = _Folder(fresh)
    for box in list(picture.root.boxes()):
        box.children = folder.functions(box.children, 1)
    _move_inputs(picture, fresh)
    for box in picture.root.boxes():
        box.subtitle = _counted(box)
    _tell_results(picture)


def unfold(picture: Picture, most: int) -> None:
    """Open boxes, outer ones first, as long as no more than `most` cards and closed boxes are seen."""
    for box in picture.root.boxes():
        box.open = box is picture.root
    seen = len(picture.root.children)
    level = [picture.root]
    for _ in range(_OPEN):
        inner = [child for box in level for child in box.children if isinstance(child, Box)]
        alike: dict[tuple[str, str], list[Box]] = {}  # calls of one function, all open or all closed
        for box in inner:
            alike.setdefault((box.kind, box.title if box.kind == "function" else str(box.id)), []).append(box)
        for boxes in sorted(alike.values(), key=lambda boxes: sum(len(b.children) for b in boxes)):
            more = sum(len(box.children) - 1 for box in boxes)
            if boxes[0].kind not in {"steps", "round", "inputs"} and seen + more <= most:
                seen += more
                for box in boxes:
                    box.open = True
        level = [box for box in inner if box.open]


class _Folder:
    """Makes boxes, and numbers them."""

    def __init__(self, fresh: Iterator[int]) -> None:
        self._fresh = fresh

    def functions(self, items: Sequence[Card | Box], depth: int) -> list[Card | Box]:
        """Group items by the calls at a depth; items without one stay."""
        grouped: list[Card | Box] = []
        for number, run in groupby(items, lambda item: _number(item, depth)):
            members = list(run)
            if number is None or len(members) == 1 or depth > _DEEPEST:
                grouped += members
                continue
            call = members[0].calls[depth]
            inside = self.functions(members, depth + 1)
            caller = members[0].calls[depth - 1]
            grouped.append(self._box("function", call.function, inside, caller, depth))
        return self._shortened(grouped, depth - 1)

    def _box(self, kind: str, title: str, children: list[Card | Box], call: Call | None, depth: int) -> Box:
        calls = children[0].calls[:depth] if kind == "function" else children[0].calls
        source = "" if call is None else f"{PurePath(call.file).name}:{call.line}"
        return Box(next(self._fresh), kind, title, children, source=source, calls=calls)

    def _shortened(self, items: list[Card | Box], depth: int) -> list[Card | Box]:
        """Group what is still too long by lines, by repetitions, and at last by number."""
        inputs = [item for item in items if _is_input(item)]
        items = [item for item in items if not _is_input(item)]
        if len(items) > _LEVEL:
            items = self._lines(items, depth)
        if len(items) > _LEVEL:
            items = self._repetitions(items, depth)
        return [*inputs, *self._stretches(items)]

    def _lines(self, items: list[Card | Box], depth: int) -> list[Card | Box]:
        grouped: list[Card | Box] = []
        for line, run in groupby(items, lambda item: _line(item, depth)):
            members = list(run)
            if line is None or len(members) < 3 or len(members) == len(items):
                grouped += members
                continue
            call = _call(members[0], depth)
            text = "" if call is None else linecache.getline(call.file, call.line).strip()
            title = trimmed(text, _SOURCE) or f"line {line[1]}"
            grouped.append(self._box("lines", title, self._stretches(members), call, depth))
        return grouped

    def _repetitions(self, items: list[Card | Box], depth: int) -> list[Card | Box]:
        rounds: list[list[Card | Box]] = [[]]
        before = None
        for item in items:
            call = _call(item, depth)
            if before is not None and call is not None and call.instruction <= before.instruction:
                rounds.append([])
            rounds[-1].append(item)
            before = call
        if len(rounds) < 3:
            return items
        return [
            self._box("round", f"round {k}", members, _call(members[0], depth), depth)
            if len(members) > 1
            else members[0]
            for k, members in enumerate(rounds, 1)
        ]

    def _stretches(self, items: list[Card | Box]) -> list[Card | Box]:
        if len(items) <= _LEVEL:
            return items
        depth = 2
        while len(items) > _LEVEL**depth:
            depth += 1
        size = round(len(items) ** ((depth - 1) / depth) + 0.5)
        parts = [items[i : i + size] for i in range(0, len(items), size)]
        return [self._box("steps", _between(part), self._stretches(part), None, 0) for part in parts]


def _is_input(item: Card | Box) -> bool:
    return isinstance(item, Card) and item.kind == "input"


def _call(item: Card | Box, depth: int) -> Call | None:
    return item.calls[min(depth, len(item.calls) - 1)] if item.calls else None


def _number(item: Card | Box, depth: int) -> int | None:
    return item.calls[depth].number if len(item.calls) > depth else None


def _line(item: Card | Box, depth: int) -> tuple[str, int] | None:
    call = _call(item, depth)
    return None if call is None else (call.file, call.line)


def _between(items: Sequence[Card | Box]) -> str:
    """Return the names of the first and last things of a stretch."""
    ends = [items[0], items[-1]]
    if all(isinstance(item, Box) and item.kind == "round" for item in ends):
        return f"{ends[0].title} … {ends[1].title}"
    first, last = min(_cards(ends[0]), key=lambda c: c.id), max(_cards(ends[1]), key=lambda c: c.id)
    return " … ".join(str(card.facts.get("name", card.title)) for card in (first, last))


def _tell_results(picture: Picture) -> None:
    """Write on boxes what the one value that leaves them is."""
    users: dict[int, set[int]] = {}
    for link in picture.links:
        users.setdefault(link.source, set()).add(link.target)
    for box in picture.root.boxes():
        inside = {card.id: card for card in box.cards()}
        leaving = [c for c in inside.values() if c.tag or not users.get(c.id, set()) <= inside.keys()]
        if len(leaving) == 1 and box is not picture.root:
            name = leaving[0].facts.get("name", "")
            box.value, box.derivative = f"{name} = {leaving[0].value}", leaving[0].derivative
            box.result = leaving[0].id


def _counted(box: Box) -> str:
    kind = "input" if box.kind == "inputs" else "operation"
    n = sum(card.kind == kind for card in box.cards())
    return f"{n} {kind}{'' if n == 1 else 's'}"


def _move_inputs(picture: Picture, fresh: Iterator[int]) -> None:
    """Move inputs that only one box takes into it, where there are many; an input goes with nothing but its users."""
    root = picture.root
    if sum(isinstance(item, Card) and item.kind == "input" for item in root.children) <= _INPUTS:
        return
    homes = {card.id: k for k, item in enumerate(root.children) for card in _cards(item)}
    users: dict[int, set[int]] = {}
    for link in picture.links:
        users.setdefault(link.source, set()).add(homes[link.target])
    kept = []
    moved: dict[int, list[Card | Box]] = {}
    for item in root.children:
        takers = users.get(item.id, set()) if isinstance(item, Card) and item.kind == "input" else set()
        taker = root.children[next(iter(takers))] if len(takers) == 1 else None
        if isinstance(taker, Box):
            moved.setdefault(taker.id, []).append(item)
        else:
            kept.append(item)
    for item in kept:
        if isinstance(item, Box) and item.id in moved:
            item.children = [*moved[item.id], *item.children]
    root.children = _gathered(kept, fresh)


def _gathered(items: list[Card | Box], fresh: Iterator[int]) -> list[Card | Box]:
    """Put the inputs that are still too many in a box for each argument."""
    inputs = [item for item in items if isinstance(item, Card) and item.kind == "input"]
    others = [item for item in items if not (isinstance(item, Card) and item.kind == "input")]
    if len(inputs) <= _LEVEL:
        return items
    made: list[Card | Box] = []
    for argument, group in groupby(inputs, lambda card: str(card.facts.get("argument", ""))):
        members: list[Card | Box] = list(group)
        made += [Box(next(fresh), "inputs", argument, members)] if len(members) > 2 else members
    return [*made, *others]


def _cards(item: Card | Box) -> Iterator[Card]:
    return item.cards() if isinstance(item, Box) else iter([item])

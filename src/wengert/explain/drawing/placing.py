"""Coordinates: rows below one another, and within rows each place as near to its neighbors as those beside it allow.

One sweep moves the places of a row, whose order is fixed, to the weighted means of what they are joined to in the row
above (or below), at least their distances apart. The best such places are an isotonic regression, found in one pass by
pooling adjacent violators (T. Robertson, F. T. Wright, R. L. Dykstra, Order Restricted Statistical Inference (1988),
section 1.4). Lines that pass weigh more than cards, so that long lines are straight. The page places boxes that
are opened by the same rules, in `page.js`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from wengert.explain.drawing.labels import width
from wengert.explain.drawing.picture import Box, Card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wengert.explain.drawing.layering import Level, Segment
    from wengert.explain.drawing.picture import Link, Picture

__all__ = [
    "LABELS",
    "LABEL_ROOM",
    "LABEL_SIZE",
    "SIZES",
    "Layout",
    "Line",
    "card_size",
    "closed_lines",
    "closed_size",
    "header_width",
    "isotonic",
    "label_width",
    "place",
]

SIZES = {"title": 13.0, "line": 12.0}  # of fonts
LABEL_SIZE = 11.0
LABELS = 8  # a card with more operands shows none of their labels
LINE_HEIGHT, PADDING = 17.0, 10.0
HEADER = 26.0  # of an open box
INSET = 16.0  # between the frame of a box and what it holds
BESIDE, ROW_GAP, PORT_GAP = 22.0, 34.0, 20.0
LABEL_ROOM = 20.0  # above a row whose cards show labels
_SWEEPS = 14
_WORK = 150_000


class Line(NamedTuple):
    """A drawn line between rows: it leaves at (x, top), turns between the rows, and ends at (end, bottom).

    Attributes
    ----------
    x, top, turn : float
        Where it begins, and how far it runs straight down.
    end, back, bottom : float
        Where it ends, and from where on it runs straight down.
    segment : Segment
    arrow : bool
        Whether it ends at a card or box.
    """

    x: float
    top: float
    turn: float
    end: float
    back: float
    bottom: float
    segment: Segment
    arrow: bool


@dataclass(eq=False, slots=True)
class Layout:
    """An open box with its contents in place, from its upper left corner.

    Attributes
    ----------
    width, height : float
    items : list of (child, x, y, width, height)
        Cards and closed boxes.
    boxes : list of (Box, x, y, Layout)
    lines : list of Line
    ins, outs : dict
        Where values enter and leave, by card.
    """

    width: float = 0.0
    height: float = 0.0
    items: list[tuple[Card | Box, float, float, float, float]] = field(default_factory=list)
    boxes: list[tuple[Box, float, float, Layout]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    ins: dict[int, float] = field(default_factory=dict)
    outs: dict[int, float] = field(default_factory=dict)


def card_size(card: Card) -> tuple[float, float]:
    """Return the width and height of a card."""
    lines = [text for text in (card.value, card.derivative) if text]
    widest = max(
        width(card.title, SIZES["title"], bold=True),
        width(card.tag, SIZES["line"]),
        *[width(text, SIZES["line"]) for text in lines],
        36.0,
    )
    return round(widest + 2 * PADDING, 1), LINE_HEIGHT * (1 + len(lines) + bool(card.tag)) + PADDING


def closed_size(box: Box) -> tuple[float, float]:
    """Return the width and height of a closed box."""
    lines = closed_lines(box)
    widest = max(
        width(box.title, SIZES["title"], bold=True), *[width(text, SIZES["line"]) for text in lines], 60.0
    )
    return round(widest + 2 * PADDING + 18.0, 1), LINE_HEIGHT * (1 + len(lines)) + PADDING


def closed_lines(box: Box) -> list[str]:
    """Return what stands on a closed box below its title."""
    return [
        text
        for text in (" · ".join(filter(None, (box.subtitle, box.source))), box.value, box.derivative)
        if text
    ]


def label_width(link: Link) -> float:
    """Return how wide the label of a link is, 0 if it has none."""
    return round(width(link.label, LABEL_SIZE), 1) if link.label else 0.0


def header_width(box: Box) -> float:
    """Return how wide an open box is at least."""
    title, source = width(box.title, SIZES["title"], bold=True), width(box.source, SIZES["line"])
    return round(title + source + 2 * PADDING + 34.0, 1)


def place(picture: Picture, made: dict[int, Level]) -> Layout:
    """Return the layout of a picture, whose levels are ordered."""
    labels = [label_width(link) for link in picture.links]
    layouts: dict[int, Layout] = {}
    children = {child.id: child for box in picture.root.boxes() for child in box.children}
    for box in reversed(list(picture.root.boxes())):
        if box.open:
            layouts[box.id] = _Placing(box, made[box.id], children, layouts, labels).layout()
    return layouts[picture.root.id]


class _Placing:
    """One level on the way to its layout."""

    def __init__(
        self,
        box: Box,
        level: Level,
        children: dict[int, Card | Box],
        layouts: dict[int, Layout],
        labels: Sequence[float],
    ) -> None:
        self.box, self.level, self.children, self.layouts, self.labels = box, level, children, layouts, labels
        n = len(level.slots)
        self.into: list[list[Segment]] = [[] for _ in range(n)]
        self.out_of: list[list[Segment]] = [[] for _ in range(n)]
        for segment in level.segments:
            self.into[segment.lower].append(segment)
            self.out_of[segment.upper].append(segment)
        self.index = {slot: k for row in level.rows for k, slot in enumerate(row)}
        self.users = Counter(s.value for s in level.segments if level.slots[s.lower].kind != "bend")
        self.sizes = [self._size(i) for i in range(n)]
        self.ends = self._ends()
        self.starts = self._starts()
        self.x = [0.0] * n

    def layout(self) -> Layout:
        """Return the layout."""
        self._spread()
        self._settle()
        return self._gathered()

    # Sizes, and where lines end

    def _open(self, slot: int) -> Layout | None:
        kind, ref = self.level.slots[slot]
        return self.layouts.get(ref) if kind == "box" else None

    def _size(self, slot: int) -> tuple[float, float]:
        kind, ref = self.level.slots[slot]
        if kind == "card":
            card = self.children[ref]
            w, h = card_size(card)  # type: ignore[arg-type]
            return max(w, sum(self._rooms(slot)) + 8.0), h
        if kind == "box":
            inner = self.layouts.get(ref)
            return (inner.width, inner.height) if inner else closed_size(self.children[ref])  # type: ignore[arg-type]
        return (2.0, 0.0)

    def _rooms(self, slot: int) -> list[float]:
        """Return how much room each line into a card takes, from left to right."""
        segments = self._sorted_into(slot)
        labeled = len(segments) <= LABELS
        return [self._label(s) + 10.0 if labeled and self._label(s) else 14.0 for s in segments]

    def _label(self, segment: Segment) -> float:
        return self.labels[segment.link] if segment.link >= 0 else 0.0

    def _sorted_into(self, slot: int) -> list[Segment]:
        return sorted(self.into[slot], key=lambda s: (self.index[s.upper], s.value, s.link))

    def _ends(self) -> dict[Segment, float]:
        """Return where lines end, from the middle of what they end at."""
        ends: dict[Segment, float] = {}
        for slot, (kind, _) in enumerate(self.level.slots):
            inner = self._open(slot)
            if inner is not None:
                ends |= {s: inner.ins[s.value] - inner.width / 2 for s in self.into[slot]}
                continue
            segments = self._sorted_into(slot)
            rooms = self._rooms(slot) if kind == "card" else [18.0] * len(segments)
            scale = min(1.0, (self.sizes[slot][0] - 8.0) / max(sum(rooms), 1.0)) if kind == "box" else 1.0
            at = -sum(rooms) / 2 * scale
            for s, room in zip(segments, rooms, strict=True):
                ends[s] = at + room * scale / 2
                at += room * scale
        return ends

    def _starts(self) -> dict[Segment, float]:
        """Return where lines begin, from the middle of what they begin at."""
        starts: dict[Segment, float] = {}
        for slot, (kind, _) in enumerate(self.level.slots):
            inner = self._open(slot)
            if inner is not None:
                starts |= {s: inner.outs[s.value] - inner.width / 2 for s in self.out_of[slot]}
            elif kind == "box":
                below: dict[int, list[int]] = defaultdict(list)
                for s in self.out_of[slot]:
                    below[s.value].append(self.index[s.lower])
                values = sorted(below, key=lambda v: (sum(below[v]) / len(below[v]), v))
                step = min(24.0, (self.sizes[slot][0] - 16.0) / max(len(values), 1))
                at = {v: (k - (len(values) - 1) / 2) * step for k, v in enumerate(values)}
                starts |= {s: at[s.value] for s in self.out_of[slot]}
            else:
                starts |= dict.fromkeys(self.out_of[slot], 0.0)
        return starts

    # Across

    def _spread(self) -> None:
        for row in self.level.rows:
            at = 0.0
            for k, slot in enumerate(row):
                at += self._apart(row[k - 1], slot) if k else 0.0
                self.x[slot] = at

    def _apart(self, left: int, right: int) -> float:
        kinds = {self.level.slots[left].kind, self.level.slots[right].kind}
        gap = BESIDE if kinds & {"card", "box"} else 14.0
        return (self.sizes[left][0] + self.sizes[right][0]) / 2 + gap

    def _settle(self) -> None:
        rows = self.level.rows
        sweeps = max(3, min(_SWEEPS, _WORK // (len(self.level.segments) + 1)))
        for _ in range(sweeps):
            for row in rows:
                self._move(row, up=True, down=False)
            for row in reversed(rows):
                self._move(row, up=False, down=True)
        for row in (*rows, *reversed(rows)):
            self._move(row, up=True, down=True)

    def _move(self, row: Sequence[int], *, up: bool, down: bool) -> None:
        """Move the places of a row to the means of their neighbors'."""
        wanted, weights = [], []
        for slot in row:
            total, weight = 0.0, 0.0
            for s in self.into[slot] if up else ():
                w = self._weight(s)
                total += w * (self.x[s.upper] + self.starts[s] - self._pull(s))
                weight += w
            for s in self.out_of[slot] if down else ():
                w = self._weight(s)
                total += w * (self.x[s.lower] + self._pull(s) - self.starts[s])
                weight += w
            wanted.append(total / weight if weight else self.x[slot])
            weights.append(weight or 0.01)
        offsets = [0.0]
        for left, right in pairwise(row):
            offsets.append(offsets[-1] + self._apart(left, right))
        targets = [w - o for w, o in zip(wanted, offsets, strict=True)]
        for slot, at, offset in zip(row, isotonic(targets, weights), offsets, strict=True):
            self.x[slot] = at + offset

    def _pull(self, segment: Segment) -> float:
        """Return where a line wants to end: in the middle of cards and closed boxes, so that chains stand upright."""
        return 0.0 if self._open(segment.lower) is None else self.ends[segment]

    def _weight(self, segment: Segment) -> float:
        """Return how straight a line shall be: what passes most, then chains, least what comes from an input."""
        if not self.into[segment.upper] and len(self.out_of[segment.upper]) == 1:
            return 0.01
        if all(self.level.slots[i].kind == "bend" for i in (segment.upper, segment.lower)):
            return 6.0
        return 2.0 if self.users[segment.value] == 1 else 0.5

    # Down

    def _gathered(self) -> Layout:
        level, box = self.level, self.box
        left = min((self.x[i] - w / 2 for i, (w, _) in enumerate(self.sizes)), default=0.0)
        right = max((self.x[i] + w / 2 for i, (w, _) in enumerate(self.sizes)), default=0.0)
        root = box.kind == "graph"
        inner = right - left + 2 * INSET
        made = Layout(width=inner if root else max(inner, header_width(box)))
        shift = made.width / 2 - (left + right) / 2
        self.x = [x + shift for x in self.x]
        for i, slot in enumerate(level.slots):
            if slot.kind == "out" and not self.into[i]:
                self.x[i] = made.width / 2  # of a box of inputs
        tops, heights, at = [], [], 0.0 if root else HEADER
        for k, row in enumerate(level.rows):
            at += self._gap(k)
            tops.append(at)
            heights.append(max((self.sizes[i][1] for i in row), default=0.0))
            at += heights[-1]
        ports = any(slot.kind == "out" for slot in level.slots)
        made.height = at + (0.0 if ports else INSET)
        self._items(made, tops)
        self._lines(made, tops, heights)
        return made

    def _gap(self, k: int) -> float:
        """Return the room above a row."""
        row = self.level.rows[k]
        kinds = {self.level.slots[i].kind for i in row}
        labels = LABEL_ROOM if any(self._shown(s) for i in row for s in self.into[i]) else 0.0
        if k == 0:
            return 0.0 if "in" in kinds else INSET
        above = {self.level.slots[i].kind for i in self.level.rows[k - 1]}
        if above == {"in"} or kinds == {"out"}:
            return PORT_GAP + labels
        spans = [
            abs(self.x[s.upper] + self.starts[s] - self.x[i] - self.ends[s])
            for i in row
            for s in self.into[i]
        ]
        return ROW_GAP + labels + min(48.0, max(spans, default=0.0) / 14)

    def _shown(self, segment: Segment) -> bool:
        """Whether the label of a line is written."""
        return bool(self._label(segment)) and len(self.into[segment.lower]) <= LABELS

    def _items(self, made: Layout, tops: Sequence[float]) -> None:
        for top, row in zip(tops, self.level.rows, strict=True):
            for slot in row:
                kind, ref = self.level.slots[slot]
                w, h = self.sizes[slot]
                inner = self._open(slot)
                if inner is not None:
                    made.boxes.append((self.children[ref], self.x[slot] - w / 2, top, inner))  # type: ignore[arg-type]
                elif kind in {"card", "box"}:
                    made.items.append((self.children[ref], self.x[slot] - w / 2, top, w, h))
                elif kind == "in":
                    made.ins[ref] = self.x[slot]
                elif kind == "out":
                    made.outs[ref] = self.x[slot]

    def _lines(self, made: Layout, tops: Sequence[float], heights: Sequence[float]) -> None:
        row_of = {slot: k for k, row in enumerate(self.level.rows) for slot in row}
        for s in self.level.segments:
            k, kinds = row_of[s.upper], (self.level.slots[s.upper].kind, self.level.slots[s.lower].kind)
            base, bottom = tops[k] + heights[k], tops[k + 1]
            # a bend runs down the whole height of its row
            top = tops[k] if kinds[0] == "bend" else tops[k] + self.sizes[s.upper][1]
            row = self.level.rows[k + 1]
            labels = LABEL_ROOM if any(self._shown(t) for i in row for t in self.into[i]) else 0.0
            arrow = kinds[1] in {"card", "box"}
            back = bottom - labels - (8.0 if arrow else 0.0)
            x, end = self.x[s.upper] + self.starts[s], self.x[s.lower] + self.ends[s]
            made.lines.append(Line(x, top, base, end, back, bottom, s, arrow))


def isotonic(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the numbers in ascending order that are nearest to wanted ones in weighted least squares."""
    pools: list[list[float]] = []  # of (mean, weight, how many)
    for value, weight in zip(wanted, weights, strict=True):
        pools.append([value, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, w, n = pools.pop()
            last = pools[-1]
            last[0] = (last[0] * last[1] + mean * w) / (last[1] + w)
            last[1] += w
            last[2] += n
    return [mean for mean, _, n in pools for _ in range(int(n))]

"""A layout as shapes: what `vector` writes as SVG, and `raster` paints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from wengert.explain.drawing.labels import width
from wengert.explain.drawing.layering import bundles
from wengert.explain.drawing.picture import Card
from wengert.explain.drawing.placing import (
    HEADER,
    LABEL_SIZE,
    LABELS,
    LINE_HEIGHT,
    PADDING,
    SIZES,
    card_size,
    closed_lines,
    closed_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wengert.explain.drawing.picture import Box, Link, Picture
    from wengert.explain.drawing.placing import Layout, Line

__all__ = ["Curve", "Frame", "Scene", "Text", "card_shapes", "closed_shapes", "paint"]


class Frame(NamedTuple):
    """A rectangle with round corners; `style` names how it looks."""

    x: float
    y: float
    width: float
    height: float
    style: str
    hint: str = ""
    radius: float = 7.0


class Curve(NamedTuple):
    """A line down from (x, top) to (x, turn), over to (end, back), and down to (end, bottom)."""

    x: float
    top: float
    turn: float
    end: float
    back: float
    bottom: float
    style: str
    arrow: bool
    hint: str = ""


class Text(NamedTuple):
    """A line of text at its base line; `anchor` is "start", "middle" or "end"."""

    x: float
    y: float
    text: str
    size: float
    style: str
    anchor: str = "start"


@dataclass(eq=False, slots=True)
class Scene:
    """Shapes, the lower ones first.

    Attributes
    ----------
    width, height : float
    shapes : list of Frame, Curve and Text
    """

    width: float
    height: float
    shapes: list[Frame | Curve | Text] = field(default_factory=list)


def paint(picture: Picture, layout: Layout) -> Scene:
    """Return the shapes of a picture in place."""
    scene = Scene(layout.width, layout.height)
    painter = _Painter(picture, scene)
    painter.level(layout, 0.0, 0.0)
    scene.shapes = [*painter.frames, *painter.lines, *painter.cards]
    return scene


class _Painter:
    """Collects shapes: frames below lines below cards and labels."""

    def __init__(self, picture: Picture, scene: Scene) -> None:
        self.links, self.scene = picture.links, scene
        self.known = picture.cards()
        bundled = bundles(picture)
        self.live = {bundled.get(link.source, link.source) for link in picture.links if link.active}
        self.frames: list[Frame | Curve | Text] = []
        self.lines: list[Frame | Curve | Text] = []
        self.cards: list[Frame | Text] = []

    def level(self, layout: Layout, x: float, y: float) -> None:
        """Paint what a box holds."""
        pending = [(layout, x, y, "")]
        while pending:
            made, x, y, around = pending.pop()
            crowded = _crowded(made)
            for line in made.lines:
                self.line(line, x, y, around, labeled=line.segment.lower not in crowded)
            for item, dx, dy, w, _ in made.items:
                shapes = card_shapes(item, w) if isinstance(item, Card) else closed_shapes(item, w)
                self.cards += [moved(shape, x + dx, y + dy) for shape in shapes]
            for box, dx, dy, inner in made.boxes:
                self.frame(box, x + dx, y + dy, inner)
                pending.append((inner, x + dx, y + dy, box.kind))

    def frame(self, box: Box, x: float, y: float, inner: Layout) -> None:
        """Paint the frame of an open box."""
        self.frames.append(Frame(x, y, inner.width, inner.height, f"box {box.kind}"))
        self.cards += [moved(shape, x, y) for shape in header_shapes(box, inner.width)]

    def line(self, line: Line, x: float, y: float, around: str, *, labeled: bool) -> None:
        """Paint a line, and its label."""
        segment = line.segment
        link = self.links[segment.link] if segment.link >= 0 else None
        live = link.active if link is not None else segment.value in self.live
        style = "line active" if live else "line"
        value = self.known.get(segment.value)
        hint = "" if value is None else f"{value.facts.get('name', '')}{_received(link)}"
        numbers = (line.x + x, line.top + y, line.turn + y, line.end + x, line.back + y, line.bottom + y)
        self.lines.append(Curve(*numbers, style, line.arrow, hint))
        if link is None or not link.label or not line.arrow or not labeled:
            return
        w = width(link.label, LABEL_SIZE) + 4
        at = line.bottom + y - 10.0
        self.cards.append(Frame(line.end + x - w / 2, at - 12.0, w, 15.0, f"halo {around}", radius=2.0))
        self.cards.append(Text(line.end + x, at, link.label, LABEL_SIZE, "label", "middle"))


def _crowded(made: Layout) -> set[int]:
    """Return the slots with more lines into them than show labels."""
    counts = Counter(line.segment.lower for line in made.lines)
    return {slot for slot, n in counts.items() if n > LABELS}


def _received(link: Link | None) -> str:
    term = link.facts.get("term") if link is not None else None
    return f": {term} = {link.label}" if term and link is not None else ""


def moved(shape: Frame | Text, dx: float, dy: float) -> Frame | Text:
    """Return a frame or text at another place."""
    return shape._replace(x=shape.x + dx, y=shape.y + dy)


def card_shapes(card: Card, w: float) -> list[Frame | Text]:
    """Return the shapes of a card, from its upper left corner."""
    style = f"card {card.kind}" + (" active" if card.active else "") + (" output" if card.tag else "")
    shapes: list[Frame | Text] = [Frame(0.0, 0.0, w, card_size(card)[1], style, "\n".join(_hint(card)))]
    at = PADDING / 2 + 13.0
    shapes.append(Text(w / 2, at, card.title, SIZES["title"], "title", "middle"))
    for text, kind in ((card.value, "value"), (card.derivative, "derivative"), (card.tag, "tag")):
        if text:
            at += LINE_HEIGHT
            shapes.append(Text(w / 2, at, text, SIZES["line"], kind, "middle"))
    return shapes


def _hint(card: Card) -> Iterator[str]:
    for key in ("title", "type", "formula", "source", "code"):
        if card.facts.get(key):
            yield str(card.facts[key])


def closed_shapes(box: Box, w: float) -> list[Frame | Text]:
    """Return the shapes of a closed box: one frame before another."""
    _, h = closed_size(box)
    style = f"closed {box.kind}"
    shapes: list[Frame | Text] = [
        Frame(4.0, 4.0, w - 4.0, h - 4.0, style),
        Frame(0.0, 0.0, w - 4.0, h - 4.0, style, box.title),
        Text(w / 2 - 2.0, PADDING / 2 + 12.0, box.title, SIZES["title"], "title", "middle"),
    ]
    for k, text in enumerate(closed_lines(box), 1):
        at = PADDING / 2 + 12.0 + k * LINE_HEIGHT
        kind = "derivative" if text == box.derivative else "value" if text == box.value else "note"
        shapes.append(Text(w / 2 - 2.0, at, text, SIZES["line"], kind, "middle"))
    return shapes


def header_shapes(box: Box, w: float) -> list[Frame | Text]:
    """Return the strip on top of an open box, with its title."""
    return [
        Frame(0.0, 0.0, w, HEADER, f"header {box.kind}"),
        Text(PADDING, 17.5, box.title, SIZES["title"], "title"),
        Text(w - PADDING, 17.5, box.source, SIZES["line"], "note", "end"),
    ]

"""Drawings as one page: no network, nothing else to install; `page.js` says what it does."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wengert.explain.drawing import placing
from wengert.explain.drawing.layering import bundles
from wengert.explain.drawing.painting import card_shapes, closed_shapes
from wengert.explain.drawing.vector import fragment

if TYPE_CHECKING:
    from wengert.explain.drawing.layering import Level
    from wengert.explain.drawing.picture import Box, Card, Link, Picture

__all__ = ["page"]

_HERE = Path(__file__).parent


def page(picture: Picture, levels: dict[int, Level], still: str) -> str:
    """Return an HTML page.

    Parameters
    ----------
    picture : Picture
    levels : dict
        The ordered level of each box.
    still : str
        An SVG picture for where scripts do not run.

    Returns
    -------
    str
    """
    # No "<" in the data: nothing that the user named can close the element that holds it.
    data = json.dumps(_data(picture, levels), separators=(",", ":"), ensure_ascii=False).replace(
        "<", "\\u003c"
    )
    parts = {
        "style": _file("page.css"),
        "script": _file("page.js"),
        "title": html.escape(_title(picture)),
        "picture": still,
        "data": data,
    }
    text = _file("page.html")
    pieces = text.split("@")  # the template's own text has none
    return "".join(parts[piece] if k % 2 else piece for k, piece in enumerate(pieces))


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8").rstrip("\n")


def _title(picture: Picture) -> str:
    swept = {"forward": ", with tangents", "reverse": ", with adjoints"}.get(picture.derivative or "", "")
    return picture.root.title + swept


def _data(picture: Picture, levels: dict[int, Level]) -> dict[str, Any]:
    boxes, bundled = list(picture.root.boxes()), bundles(picture)
    return {
        "root": picture.root.id,
        "derivative": picture.derivative,
        "open": [box.id for box in boxes if box.open],
        "live": sorted({bundled.get(link.source, link.source) for link in picture.links if link.active}),
        "cards": {card.id: _card(card) for card in picture.root.cards()},
        "boxes": {box.id: _box(box, levels[box.id]) for box in boxes},
        "links": [_link(link) for link in picture.links],
        "sizes": {
            "labels": placing.LABELS,
            "room": placing.LABEL_ROOM,
            "beside": placing.BESIDE,
            "rowGap": placing.ROW_GAP,
            "portGap": placing.PORT_GAP,
            "inset": placing.INSET,
            "strip": placing.HEADER,
        },
    }


def _card(card: Card) -> dict[str, Any]:
    w, h = placing.card_size(card)
    return {
        "kind": card.kind,
        "title": card.title,
        "value": card.value,
        "derivative": card.derivative,
        "tag": card.tag,
        "active": card.active,
        "size": [w, h],
        "shapes": fragment(card_shapes(card, w), styled=False),
        "spoken": ", ".join(filter(None, (card.title, card.value, card.derivative, card.tag))),
        "facts": card.facts,
    }


def _box(box: Box, level: Level) -> dict[str, Any]:
    w, h = placing.closed_size(box)
    return {
        "kind": box.kind,
        "title": box.title,
        "subtitle": box.subtitle,
        "source": box.source,
        "value": box.value,
        "result": box.result,
        "derivative": box.derivative,
        "size": [w, h],
        "header": placing.header_width(box),
        "shapes": fragment(closed_shapes(box, w), styled=False),
        "spoken": ", ".join(filter(None, (box.title, box.subtitle, box.value, box.derivative))),
        "last": max((card.id for card in box.cards()), default=box.id),
        "children": [child.id for child in box.children],
        "level": {
            "slots": [list(slot) for slot in level.slots],
            "rows": level.rows,
            "segments": [list(segment) for segment in level.segments],
        },
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "source": link.source,
        "target": link.target,
        "label": link.label,
        "width": placing.label_width(link),
        "active": link.active,
        "facts": link.facts,
    }

"""Scenes as SVG."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from wengert.explain.drawing.labels import FONT
from wengert.explain.drawing.painting import Curve, Frame, Scene, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["STYLES", "fragment", "svg"]

# How shapes look: (fill, stroke, width of the stroke, dashes); texts have a fill, and whether they are bold.
STYLES: dict[str, tuple[str, str, float, str]] = {
    "card input": ("#e7f1fb", "#2f6fae", 1.2, ""),
    "card constant": ("#f3f3f3", "#8a8a8a", 1.0, ""),
    "card operation": ("#ffffff", "#6b7280", 1.0, ""),
    "card result": ("#f5f1fb", "#7a5ea8", 1.2, ""),
    "output": ("#eaf6ec", "#2e7d3a", 1.8, ""),
    "box": ("#fafafa", "#9aa1ab", 1.0, ""),
    "box loop": ("#f7f4fc", "#7a5ea8", 1.2, ""),
    "box branch": ("#fdf6ec", "#b0772a", 1.2, ""),
    "header": ("#eceef1", "#9aa1ab", 1.0, ""),
    "header loop": ("#e6def4", "#7a5ea8", 1.2, ""),
    "header branch": ("#f7e6cd", "#b0772a", 1.2, ""),
    "closed": ("#eceef1", "#6b7280", 1.0, ""),
    "closed loop": ("#e6def4", "#7a5ea8", 1.2, ""),
    "closed branch": ("#f7e6cd", "#b0772a", 1.2, ""),
    "halo": ("#ffffff", "none", 0.0, ""),
    "halo function": ("#fafafa", "none", 0.0, ""),
    "halo lines": ("#fafafa", "none", 0.0, ""),
    "halo round": ("#fafafa", "none", 0.0, ""),
    "halo steps": ("#fafafa", "none", 0.0, ""),
    "halo inputs": ("#fafafa", "none", 0.0, ""),
    "halo call": ("#fafafa", "none", 0.0, ""),
    "halo loop": ("#f7f4fc", "none", 0.0, ""),
    "halo branch": ("#fdf6ec", "none", 0.0, ""),
    "line": ("none", "#7b8491", 1.2, ""),
    "line active": ("none", "#4b5563", 1.4, ""),
}
TEXTS: dict[str, tuple[str, bool]] = {
    "title": ("#111827", True),
    "value": ("#1f2937", False),
    "derivative": ("#b3261e", False),
    "label": ("#b3261e", False),
    "tag": ("#2e7d3a", False),
    "note": ("#4b5563", False),
}


def look(style: str) -> tuple[str, str, float, str]:
    """Return how a shape of a style looks."""
    words = style.split()
    if "output" in words:
        return STYLES["output"]
    for k in (2, 1):
        found = STYLES.get(" ".join(words[:k]))
        if found is not None:
            return found
    return STYLES["card operation"]


def svg(scene: Scene, title: str) -> str:
    """Return a scene as an SVG picture on white.

    Parameters
    ----------
    scene : Scene
    title : str
        For readers who cannot see it.

    Returns
    -------
    str
    """
    w, h = _number(scene.width), _number(scene.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
        f'role="img" font-family="{FONT}"><title>{html.escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
    )
    return head + fragment(scene.shapes) + "</svg>"


def fragment(shapes: Iterable[Frame | Curve | Text], *, styled: bool = True) -> str:
    """Return shapes as SVG elements; without styles only with the classes that a page styles."""
    return "".join(_written(shape, styled=styled) for shape in shapes)


def _written(shape: Frame | Curve | Text, *, styled: bool) -> str:
    if isinstance(shape, Text):
        return _text(shape, styled=styled)
    return _frame(shape, styled=styled) if isinstance(shape, Frame) else _curve(shape, styled=styled)


def _frame(shape: Frame, *, styled: bool) -> str:
    hint = f"<title>{html.escape(shape.hint)}</title>" if shape.hint and styled else ""
    numbers = zip(
        ("x", "y", "width", "height", "rx"),
        (shape.x, shape.y, shape.width, shape.height, shape.radius),
        strict=True,
    )
    place = " ".join(f'{key}="{_number(x)}"' for key, x in numbers)
    return f"<rect {place}{_look(shape.style, styled=styled)}>{hint}</rect>"


def _curve(shape: Curve, *, styled: bool) -> str:
    hint = f"<title>{html.escape(shape.hint)}</title>" if shape.hint else ""
    line = f'<path d="{_path(shape)}"{_look(shape.style, styled=styled)}>{hint}</path>'
    if not shape.arrow:
        return line
    x, y = _number(shape.end), shape.bottom
    stroke = look(shape.style)[1]
    tip = f"M{_number(shape.end - 3.5)} {_number(y - 7)}L{_number(shape.end + 3.5)} {_number(y - 7)}L{x} {_number(y)}Z"
    return line + f'<path d="{tip}" fill="{stroke}"/>'


def _path(c: Curve) -> str:
    middle = _number((c.turn + c.back) / 2)
    x, end = _number(c.x), _number(c.end)
    return (
        f"M{x} {_number(c.top)}V{_number(c.turn)}C{x} {middle} {end} {middle} {end} {_number(c.back)}"
        f"V{_number(c.bottom)}"
    )


def _text(shape: Text, *, styled: bool) -> str:
    color, bold = TEXTS[shape.style]
    look = (
        f' fill="{color}"' + (' font-weight="600"' if bold else "") if styled else f' class="{shape.style}"'
    )
    anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
    place = f'x="{_number(shape.x)}" y="{_number(shape.y)}" font-size="{_number(shape.size)}"'
    return f"<text {place}{anchor}{look}>{html.escape(shape.text)}</text>"


def _look(style: str, *, styled: bool) -> str:
    if not styled:
        return f' class="{style}"'
    fill, stroke, wide, dashes = look(style)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f' fill="{fill}" stroke="{stroke}" stroke-width="{_number(wide)}"{dashed}'


def _number(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")

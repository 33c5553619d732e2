"""Scenes as PNG and PDF, by Matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wengert.errors import ArgumentError
from wengert.explain.drawing.painting import Curve, Frame, Scene, Text
from wengert.explain.drawing.vector import TEXTS, look

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["save_raster"]

_PER_INCH = 96.0  # units of a scene, as in browsers
_POINTS = 72.0 / _PER_INCH
_MOST = 20_000.0  # units: Matplotlib paints at most 2^16 pixels


def save_raster(scene: Scene, path: Path) -> None:
    """Write a scene as PNG (two pixels for a unit) or PDF.

    Parameters
    ----------
    scene : Scene
    path : Path
        Its suffix says which.

    Raises
    ------
    ArgumentError
        Without Matplotlib, or for a picture that is too large.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ArgumentError(
            f"save: a {path.suffix} file needs Matplotlib, which is not installed",
            instead="pip install wengert[plot], or save an .svg, .html, .dot or .mmd file.",
        ) from error
    if max(scene.width, scene.height) > _MOST:
        raise ArgumentError(
            f"save: a picture of {scene.width:.0f} by {scene.height:.0f} is too large for {path.suffix}",
            instead="save an .svg or .html file, or draw it folded.",
        )
    figure = Figure(figsize=(scene.width / _PER_INCH, scene.height / _PER_INCH), dpi=2 * _PER_INCH)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    axes.axis("off")
    for k, shape in enumerate(scene.shapes):
        _add(axes, shape, k)
    figure.savefig(path, facecolor="white")


def _add(axes: Any, shape: Frame | Curve | Text, order: int) -> None:
    if isinstance(shape, Text):
        _add_text(axes, shape, order)
    elif isinstance(shape, Frame):
        _add_frame(axes, shape, order)
    else:
        _add_curve(axes, shape, order)


def _add_text(axes: Any, shape: Text, order: int) -> None:
    color, bold = TEXTS[shape.style]
    axes.text(
        shape.x,
        shape.y,
        shape.text,
        fontsize=shape.size * _POINTS,
        fontfamily="DejaVu Sans",
        fontweight="bold" if bold else "normal",
        color=color,
        ha={"start": "left", "middle": "center", "end": "right"}[shape.anchor],
        va="baseline",
        zorder=order,
        parse_math=False,
    )


def _add_frame(axes: Any, shape: Frame, order: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    fill, stroke, wide, _ = look(shape.style)
    axes.add_patch(
        FancyBboxPatch(
            (shape.x, shape.y),
            shape.width,
            shape.height,
            boxstyle=f"round,pad=0,rounding_size={shape.radius}",
            facecolor=fill,
            edgecolor=stroke,
            linewidth=wide * _POINTS,
            zorder=order,
        )
    )


def _add_curve(axes: Any, c: Curve, order: int) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path as Outline

    _, stroke, wide, _ = look(c.style)
    middle = (c.turn + c.back) / 2
    points = [(c.x, c.top), (c.x, c.turn), (c.x, middle), (c.end, middle), (c.end, c.back), (c.end, c.bottom)]
    codes = [Outline.MOVETO, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.LINETO]
    axes.add_patch(
        PathPatch(
            Outline(points, codes), fill=False, edgecolor=stroke, linewidth=wide * _POINTS, zorder=order
        )
    )
    if c.arrow:
        tip = [(c.end - 3.5, c.bottom - 7), (c.end + 3.5, c.bottom - 7), (c.end, c.bottom)]
        axes.add_patch(Polygon(tip, facecolor=stroke, edgecolor="none", zorder=order))

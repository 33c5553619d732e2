"""Plots as SVG inside HTML, by matplotlib, which is optional and loaded when something is drawn."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wengert.explain.report import Picture

__all__ = ["COLORS", "MISSING", "label_points", "svg"]

MISSING = "<p>Plots need matplotlib: <code>pip install wengert[plot]</code>.</p>"

# Okabe and Ito's colors, which people of every color vision tell apart, in an order of falling contrast.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d31", "#7f7f7f")

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.size": 10,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "svg.fonttype": "path",  # letters as shapes: widths are those that were laid out, whatever fonts there are
}


def svg(picture: Picture) -> str:
    """Return a plot as an SVG element, or a sentence where matplotlib is not installed."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        return MISSING
    # The salt makes the names of clipping paths differ between the plots of one page.
    with mpl.rc_context({**_STYLE, "svg.hashsalt": picture.title}):
        figure = Figure(figsize=picture.size)
        picture.draw(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def label_points(axes: Any, points: Sequence[tuple[float, float, str, str]], gap: float = 11.0) -> None:
    """Write names beside points (x, y, name, color): each at the nearest height where it covers no other and no point.

    Parameters
    ----------
    axes : matplotlib axes
        Laid out, with limits set.
    points : sequence of (x, y, name, color)
        In data coordinates.
    gap : float
        Height of a line of text, in points of print.
    """
    scale = 72 / axes.figure.dpi
    places = axes.transData.transform([(x, y) for x, y, _, _ in points]) * scale
    taken = [(x - 4, x + 4, y) for x, y in places]
    for k in np.argsort(places[:, 0]):
        (x, y), (_, _, name, color) = places[k], points[k]
        left, right = x + 6, x + 10 + 0.56 * 9 * len(name)  # letters are a little over half as wide as high
        steps = sorted(range(-12, 13), key=lambda step: (abs(step), -step))
        free = [
            s for s in steps if not _covers(left, right, y + s * gap / 2, gap, [*taken[:k], *taken[k + 1 :]])
        ]
        shift = (free or [0])[0] * gap / 2
        taken.append((left, right, y + shift))
        axes.annotate(
            name,
            points[k][:2],
            (6 if not shift else 10, shift),
            textcoords="offset points",
            color=color,
            va="center",
            fontsize=9,
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.6, "shrinkA": 0, "shrinkB": 2}
            if shift
            else None,
        )


def _covers(
    left: float, right: float, y: float, gap: float, taken: Sequence[tuple[float, float, float]]
) -> bool:
    return any(left < b and a < right and abs(y - height) < gap for a, b, height in taken)

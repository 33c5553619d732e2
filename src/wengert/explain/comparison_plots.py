"""Plots of a comparison: error against time, and time in units of the function's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.figures import COLORS, label_points
from wengert.explain.units import ratio_text

if TYPE_CHECKING:
    from wengert.explain.comparison import Row

__all__ = ["GROUP_COLORS", "accuracy_plot", "cost_plot"]

GROUP_COLORS = {
    "by hand": COLORS[6],
    "differences": COLORS[1],
    "symbolic": COLORS[3],
    "forward": COLORS[0],
    "reverse": COLORS[2],
    "compiled": "#00523c",
}
_LEAST = 1e-17  # errors below are drawn here: half a unit in the last place is 1.1e-16


def accuracy_plot(rows: Sequence[Row], primal: float) -> Callable[[Any], None]:
    """Return what draws errors against times, both logarithmic: the nearer to the lower left corner the better."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        points = [(row.seconds, min(max(row.error, _LEAST), 1e3)) for row in rows]
        colors = [GROUP_COLORS.get(row.group, COLORS[8]) for row in rows]
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.scatter(*zip(*points, strict=True), c=colors, s=42, zorder=3)
        times = [x for x, _ in points] + [primal]
        axes.set_xlim(min(times) / 1.8, max(times) * 14)  # room for names
        axes.set_ylim(_LEAST / 1e3, max([1e-6, *[y for _, y in points]]) * 8)
        axes.axhline(2.0**-53, color="#999999", lw=0.8, ls=":")
        axes.annotate(
            "half a unit in the last place",
            (0.995, 2.0**-53),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            color="#777777",
            fontsize=8,
        )
        axes.axvline(primal, color="#999999", lw=0.8, ls=":")
        axes.annotate(
            "the function itself",
            (primal, 0.99),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            va="top",
            color="#777777",
            fontsize=8,
        )
        axes.set_xlabel("seconds")
        axes.set_ylabel("relative error")
        figure.draw_without_rendering()  # settles the layout, on which the places of names depend
        label_points(
            axes, [(*p, row.name, color) for p, row, color in zip(points, rows, colors, strict=True)]
        )

    return draw


def cost_plot(rows: Sequence[Row], primal: float) -> Callable[[Any], None]:
    """Return what draws bars of time over that of the function."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        ratios = [row.seconds / primal for row in rows]
        places = np.arange(len(rows))[::-1]
        axes.barh(places, ratios, color=[GROUP_COLORS.get(row.group, COLORS[8]) for row in rows], height=0.66)
        axes.set_axisbelow(True)
        axes.set_yticks(places, [row.name for row in rows])
        axes.tick_params(axis="y", length=0)
        axes.set_xscale("log")
        axes.set_xlim(min(0.5, *ratios) / 1.3, max(2.0, *ratios) * 2.5)
        axes.axvline(1, color="#777777", lw=0.8)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("times the function")
        for place, ratio in zip(places, ratios, strict=True):
            axes.annotate(
                ratio_text(ratio), (ratio, place), (4, 0), textcoords="offset points", va="center", fontsize=9
            )

    return draw

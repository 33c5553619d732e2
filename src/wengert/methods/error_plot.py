"""The plot of errors against steps: points that were measured, lines that theory bounds them by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.figures import COLORS

if TYPE_CHECKING:
    from wengert.methods.error_curve import ErrorCurve

__all__ = ["drawn"]

_MARKERS = "os^vDx"


def drawn(curve: ErrorCurve) -> Callable[[Any], None]:
    """Return what draws errors against steps, both logarithmic."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        positive = [e for error in curve.errors.values() for e in error if np.isfinite(e) and e > 0]
        low, high = min(positive, default=1e-17) / 3, max(positive, default=1.0) * 3
        for k, (kind, error) in enumerate(curve.errors.items()):
            color = COLORS[k % len(COLORS)]
            shown = np.where(error > 0, error, np.nan)
            axes.plot(
                curve.steps,
                shown,
                color=color,
                marker=_MARKERS[k % len(_MARKERS)],
                ms=4,
                lw=1.2,
                label=_label(curve, kind),
            )
            _theory(axes, curve, kind, color)
        axes.set_ylim(low, high)
        axes.set_xlim(np.max(curve.steps) * 2, np.min(curve.steps) / 2)  # the step shrinks to the right
        axes.set_xlabel("step h")
        axes.set_ylabel("absolute error")
        handles, names = axes.get_legend_handles_labels()
        handles.append(axes.plot([], [], color="#777777", lw=0.9, ls="--")[0])
        handles.append(axes.plot([], [], color="#777777", marker="*", ls="", ms=10)[0])
        figure.legend(handles, [*names, "bound of theory", "least bound"], loc="outside right upper")

    return draw


def _theory(axes: Any, curve: ErrorCurve, kind: str, color: str) -> None:
    bound = curve.theory.get(kind)
    if bound is None or not np.isfinite(bound.truncation):
        return
    h = np.geomspace(np.min(curve.steps), np.max(curve.steps), 200)
    axes.plot(h, bound(h), color=color, lw=0.9, ls="--", alpha=0.75)
    step, least = curve.predicted(kind)
    if bound.slope and np.isfinite(bound.best) and least > 0:
        axes.plot([step], [least], marker="*", ms=10, color=color, ls="", mec="white", mew=0.6, zorder=4)


def _label(curve: ErrorCurve, kind: str) -> str:
    right, left = (("–" if np.isnan(s) else f"{s:.1f}") for s in curve.slopes(kind))
    return f"{kind.replace('_', '-')}: slopes {right}, {left}"

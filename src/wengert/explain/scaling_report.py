"""The report of `scaling`: times against the number of inputs, with fitted exponents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.explain.comparison_plots import GROUP_COLORS
from wengert.explain.figures import COLORS
from wengert.explain.rendering import jsonable
from wengert.explain.report import Block, Grid, Picture, Prose, Report
from wengert.explain.units import count_text, ratio_text, seconds_text

__all__ = ["Curve", "Point", "Scaling", "exponent"]

_COLUMNS = 5  # sizes in a table; the plots have all


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured at one size.

    Attributes
    ----------
    n, m : int
        Inputs and outputs.
    seconds, spread : float
        Median time, and half the distance of the quartiles in units of it.
    work : float
        The counted cost in units of the function's own: evaluations for differences, operations for programs; nan if
        it was not counted.
    """

    n: int
    m: int
    seconds: float
    spread: float
    work: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One way at all sizes where it was measured."""

    name: str
    group: str
    points: tuple[Point, ...]

    @property
    def ns(self) -> list[int]:
        """The numbers of inputs."""
        return [p.n for p in self.points]

    @property
    def works(self) -> list[float]:
        """The counted costs."""
        return [p.work for p in self.points]

    @property
    def seconds(self) -> list[float]:
        """The times."""
        return [p.seconds for p in self.points]


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Scaling(Report):
    """Times of a derivative against the number of inputs; prints as a table, and saves as HTML with plots.

    Attributes
    ----------
    name : str
        Of the function.
    primal : Curve
        The function itself.
    curves : tuple of Curve
        The ways to differentiate it.
    stopped : dict
        Why a way was left out, and from which size on.
    interrupted : bool
        Whether the user broke off.
    """

    name: str
    primal: Curve
    curves: tuple[Curve, ...]
    stopped: dict[str, str]
    interrupted: bool = False

    width = 100

    @property
    def title(self) -> str:  # type: ignore[override]
        """What was measured."""
        return f"The cost of derivatives of {self.name} against the number of inputs"

    def curve(self, name: str) -> Curve:
        """Return the curve of a way by its name."""
        return {curve.name: curve for curve in self.curves}[name]

    def ratios(self, curve: Curve) -> list[float]:
        """Return the times of a way in units of the function's own."""
        own = dict(zip(self.primal.ns, self.primal.seconds, strict=True))
        return [p.seconds / own[p.n] for p in curve.points]

    @property
    def verdict(self) -> str:
        """What the numbers say, in one sentence."""
        ends = [c for c in self.curves if c.points and c.ns[-1] == self.primal.ns[-1]]
        if not ends:
            return "Nothing was measured."
        best = min(ends, key=lambda c: c.seconds[-1])
        text = f"At n = {count_text(best.ns[-1])} {best.name} is fastest: {seconds_text(best.seconds[-1])}, "
        text += f"{ratio_text(self.ratios(best)[-1])} times the time of the function"
        for groups, names in (
            (("reverse",), "reverse mode"),
            (("differences", "forward"), "differences and forward mode"),
        ):
            powers = [exponent(c.ns, c.works) for c in self.curves if c.group in groups]
            text += _growth(names, [p for p in powers if np.isfinite(p)])
        return text + "."

    def blocks(self) -> Iterator[Block]:
        """Yield the parts of the report."""
        yield Prose(self.verdict, strong=True)
        yield self._table(
            "Time", lambda curve: [seconds_text(s) for s in curve.seconds], (self.primal, *self.curves)
        )
        yield self._table(
            "Time in units of the function's own", self._ratio_texts, self.curves, self._rises()
        )
        yield Prose(
            "Exponents p are fitted: the ratio grows as n^p, over the larger half of the sizes. Counted are "
            "evaluations of the function for differences, and operations for programs; theory expects 1 for "
            "differences and forward mode, and 0 for reverse mode as long as the number of outputs stays the same."
        )
        if self.stopped:
            yield Prose(
                "Left out: " + "; ".join(f"{name}: {reason}" for name, reason in self.stopped.items()) + "."
            )
        if self.interrupted:
            yield Prose("Interrupted: what was measured until then.")
        if len(self.primal.points) > 1:
            yield Picture("Time and cost against the number of inputs", self._draw, (10.4, 4.6))

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        return {
            "function": self.name,
            "primal": self._numbers(self.primal),
            "methods": [self._numbers(curve) for curve in self.curves],
            "left_out": self.stopped,
            "verdict": self.verdict,
            "interrupted": self.interrupted,
        }

    def _numbers(self, curve: Curve) -> dict[str, Any]:
        return {
            "name": curve.name,
            "n": curve.ns,
            "m": [p.m for p in curve.points],
            "seconds": curve.seconds,
            "ratio": self.ratios(curve),
            "work": [jsonable(w) if w == w else None for w in curve.works],  # noqa: PLR0124
            "exponent": _number(exponent(curve.ns, self.ratios(curve))),
            "exponent_counted": _number(exponent(curve.ns, curve.works)),
        }

    def _ratio_texts(self, curve: Curve) -> list[str]:
        return [ratio_text(r) for r in self.ratios(curve)]

    def _rises(self) -> dict[str, list[str]]:
        return {
            "p": [_power(exponent(c.ns, self.ratios(c))) for c in self.curves],
            "p, counted": [_power(exponent(c.ns, c.works)) for c in self.curves],
        }

    def _table(
        self,
        title: str,
        texts: Callable[[Curve], list[str]],
        curves: Sequence[Curve],
        more: dict[str, list[str]] | None = None,
    ) -> Grid:
        ns = _some(self.primal.ns)
        rows = []
        for i, curve in enumerate(curves):
            cells = dict(zip(curve.ns, texts(curve), strict=True))
            rows.append(
                [
                    curve.name,
                    *[cells.get(n, "") for n in ns],
                    *[column[i] for column in (more or {}).values()],
                ]
            )
        headers = ["n", *map(count_text, ns), *(more or {})]
        own = frozenset({0}) if curves[:1] == (self.primal,) else frozenset[int]()
        return Grid(title, headers, rows, sections=own)

    def _draw(self, figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        _lines(left, [self.primal, *self.curves], lambda curve: curve.seconds, "seconds")
        _lines(right, self.curves, self.ratios, "times the function")
        handles, names = left.get_legend_handles_labels()
        last = [curve.seconds[-1] for curve in (self.primal, *self.curves)]
        order = sorted(range(len(names)), key=lambda i: -last[i])  # as the lines lie
        figure.legend([handles[i] for i in order], [names[i] for i in order], loc="outside right upper")


def exponent(ns: Sequence[float], ys: Sequence[float]) -> float:
    """Return p of y ~ n^p over the larger half of the sizes: the median of all slopes (Theil 1950, Sen 1968)."""
    pairs = [(n, y) for n, y in zip(ns, ys, strict=True) if y > 0]
    pairs = pairs[-max(3, -(-len(pairs) // 2)) :]
    if len(pairs) < 2:
        return float("nan")
    x, y = np.log(np.array(pairs, dtype=float).T)
    i, j = np.triu_indices(len(x), k=1)
    return float(np.median((y[j] - y[i]) / (x[j] - x[i])))


# helpers


def _growth(names: str, powers: Sequence[float]) -> str:
    """Return how a counted cost grows, or nothing if it was not counted."""
    if not powers:
        return ""
    low, high = (f"{p + 0.0:.1f}" for p in (min(powers), max(powers)))
    grows = f"grows as n^{low}" + (f" to n^{high}" if high != low else "")
    stays = max(map(abs, powers)) < 0.05
    return f"; the counted cost of {names} {'stays the same' if stays else grows}"


def _lines(axes: Any, curves: Sequence[Curve], values: Callable[[Curve], list[float]], label: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for curve in curves:
        color, style, marker = _look(curve)
        axes.plot(
            curve.ns,
            values(curve),
            ls=style,
            color=color,
            marker=marker,
            markersize=4,
            lw=1.5,
            label=curve.name,
        )
    axes.set_xlabel("inputs n")
    axes.set_ylabel(label)


_DIFFERENCES = {  # shades, so that they are one family
    "forward difference": ("#f16913", "o"),
    "central difference": ("#d94801", "s"),
    "five-point difference": ("#a63603", "^"),
    "Richardson": ("#7f2704", "v"),
    "complex step": ("#fdae6b", "D"),
}


def _look(curve: Curve) -> tuple[str, str, str]:
    if curve.group == "function":
        return "#777777", "--", "."
    if curve.name in _DIFFERENCES:
        return _DIFFERENCES[curve.name][0], "-", _DIFFERENCES[curve.name][1]
    return GROUP_COLORS.get(curve.group, COLORS[8]), "-" if "shared" not in curve.name else "--", "."


def _some(ns: Sequence[int]) -> list[int]:
    """Return a few sizes, evenly among all."""
    if len(ns) <= _COLUMNS:
        return list(ns)
    return [ns[round(i * (len(ns) - 1) / (_COLUMNS - 1))] for i in range(_COLUMNS)]


def _power(p: float) -> str:
    return "" if p != p else f"{p + 0.0:.2f}"  # noqa: PLR0124


def _number(p: float) -> float | None:
    return None if p != p else p  # noqa: PLR0124

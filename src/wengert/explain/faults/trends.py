"""Adjoints that vanish or explode on their way back: along lines that run many times, and along the strongest path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.faults.observed import norm, rms, site_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wengert.explain.faults.observed import Observed, Site
    from wengert.explain.recording import Operation

__all__ = ["Descent", "Leap", "Trend", "adjoint_sizes", "descent", "trends"]

_ROUNDS = 4  # of a line, from which on there is a trend
_RATIO = 1e3  # between last and first round, from which on a line is told of
_FALL = 1e6  # along a path, from which on it is told of


@dataclass(frozen=True, slots=True)
class Trend:
    """The size of the adjoints at a line that ran many times.

    Attributes
    ----------
    site : Site
    rounds : int
    first, last : float
        Root mean squares of the adjoints in the first and the last round; the reverse sweep goes from last to first.
    factor : float
        By which the adjoint grows for each round that the sweep goes back.
    zeros : int
        Rounds whose adjoint is exactly zero.
    """

    site: Site
    rounds: int
    first: float
    last: float
    factor: float
    zeros: int

    @property
    def vanishing(self) -> bool:
        """Whether the adjoint gets smaller on its way back."""
        return self.factor < 1

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        kind = "vanishing" if self.vanishing else "exploding"
        numbers = {
            "rounds": self.rounds,
            "first": self.first,
            "last": self.last,
            "factor": self.factor,
            "zeros": self.zeros,
        }
        return {"kind": kind, **self.site.to_dict(), **numbers}


@dataclass(frozen=True, slots=True)
class Leap:
    """An operation of a path: the norms of the adjoint that arrives and of what its strongest operand receives."""

    site: Site
    arriving: float
    leaving: float

    @property
    def ratio(self) -> float:
        """By how much the adjoint grows here."""
        return self.leaving / self.arriving

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        return {**self.site.to_dict(), "arriving": self.arriving, "leaving": self.leaving}


@dataclass(frozen=True, slots=True)
class Descent:
    """The path from the result back to an input along which the adjoint stays largest; `leaps` change it most."""

    input: str
    length: int
    ratio: float
    leaps: tuple[Leap, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        leaps = [leap.to_dict() for leap in self.leaps]
        return {"input": self.input, "length": self.length, "ratio": self.ratio, "leaps": leaps}


def adjoint_sizes(seen: Observed) -> list[tuple[Site, float]]:
    """Return the root mean square of the adjoint of every operation's result, in the order of evaluation."""
    return [(site_of(operation), rms(bar)) for _, operation, bar in seen.arriving()]


def trends(seen: Observed) -> list[Trend]:
    """Return the lines along which adjoints vanish or explode, the worst first."""
    series: dict[Any, dict[str, list[tuple[Operation, float]]]] = {}
    for _, operation, bar in seen.arriving():
        standing = operation.standing
        if standing is not None and standing.place is not None and operation.prim.name != "getitem":
            runs = series.setdefault(standing.place, {})
            runs.setdefault(operation.prim.name, []).append((operation, rms(bar)))
    found = []
    for runs in series.values():
        # an operation may be there several times in a line: that which is there least often counts the rounds
        many = [entries for entries in runs.values() if len(entries) >= _ROUNDS]
        fewest = min(map(len, many), default=0)
        known = [trend for entries in many if len(entries) == fewest for trend in [_trend(entries)] if trend]
        found += sorted(known, key=_total)[-1:]
    return sorted(found, key=_total, reverse=True)


def _trend(entries: Sequence[tuple[Operation, float]]) -> Trend | None:
    sizes = np.array([size for _, size in entries])
    good = np.flatnonzero((sizes > 0) & np.isfinite(sizes))
    if len(good) < _ROUNDS:
        return None
    slope = float(np.polyfit(good, np.log(sizes[good]), 1)[0])
    ends = abs(math.log(sizes[good[0]]) - math.log(sizes[good[-1]]))
    if min(abs(slope) * (len(sizes) - 1), ends) < math.log(_RATIO):
        return None
    return Trend(
        site_of(entries[0][0]),
        len(sizes),
        float(sizes[0]),
        float(sizes[-1]),
        math.exp(-slope),
        int(np.sum(sizes == 0)),
    )


def _total(trend: Trend) -> float:
    return abs(math.log(trend.factor)) * (trend.rounds - 1)


def descent(seen: Observed) -> Descent | None:
    """Return the strongest path from the result to an input, if the adjoint changes much along it."""
    made = {i: k for k, operation in enumerate(seen.recording.operations) for i in operation.results}
    at = seen.recording.output_index
    if at not in seen.bars:
        return None
    start = norm(seen.bars[at])
    leaps: list[Leap] = []
    while at in made:
        k = made[at]
        operation = seen.recording.operations[k]
        received = [
            (norm(seen.amounts[k, position]), position)
            for position in range(len(operation.operands))
            if (k, position) in seen.amounts
        ]
        if not received or not max(received)[0] > 0:
            return None  # the path is blocked, which is told elsewhere
        leaving, position = max(received)
        leaps.append(Leap(site_of(operation), norm(seen.bars[at]), leaving))
        at = operation.operands[position]
    if at is None or not leaps or not start > 0:
        return None
    ratio = norm(seen.bars[at]) / start
    if not math.isfinite(ratio) or max(ratio, 1 / ratio if ratio else math.inf) < _FALL:
        return None
    worst = sorted(leaps, key=lambda leap: abs(math.log(leap.ratio)), reverse=True)[:4]
    return Descent(seen.names[at], len(leaps), ratio, tuple(worst))

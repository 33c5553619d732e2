"""The sections of a search for faults, as tables that fit 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.drawing.labels import trimmed
from wengert.explain.report import Block, Grid, Picture, Prose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wengert.explain.faults.blockages import Blockage
    from wengert.explain.faults.observed import Site
    from wengert.explain.faults.trends import Trend
    from wengert.explain.gradient_report import GradientReport

__all__ = ["tables"]

_INPUTS = 12  # that have a row each
_ROWS = 12
_WIDTH = 79  # letters of a table
_LEAST = 12  # letters of a source line that say something


def tables(report: GradientReport) -> Iterator[Block]:
    """Yield the sections of a report."""
    yield from _births(report)
    yield _inputs(report)
    yield from _rest_of_inputs(report)
    yield from _trends(report)
    yield from _blockages(report)
    yield from _kinks(report)
    yield from _cancellations(report)


def _sections(grid: Grid) -> Iterator[Block]:
    """Yield a table, cut to its first rows, and how many are left out."""
    more = len(grid.rows) - _ROWS
    yield Grid(grid.title, grid.headers, grid.rows[:_ROWS], grid.left)
    if more > 0:
        yield Prose(f"and {more} more, which JSON has.")


def _site(site: Site, letters: int) -> list[str]:
    return [site.where or "–", trimmed(site.source or site.operation, letters)]


def _number(x: float) -> str:
    return "–" if np.isnan(x) else f"{x:.3g}"


def _percent(share: float) -> str:
    if np.isnan(share):
        return "–"
    return f"{100 * share:.3g} %" if share >= 1e-4 or share == 0 else "<0.01 %"


def _inputs(report: GradientReport) -> Grid:
    rows = []
    for one in report.inputs[:_INPUTS]:
        shape = "×".join(map(str, one.shape)) or "1"
        zeros = "no path" if not one.reached else f"{one.zeros} of {one.entries}" if one.zeros else ""
        rows.append(
            [
                trimmed(one.name, 20),
                shape,
                _number(one.size),
                _number(one.gradient),
                _number(one.effect),
                _percent(one.share),
                zeros,
            ]
        )
    headers = ["input", "size", "rms x", "rms dy/dx", "|x·dy/dx|", "share", "zero"]
    return Grid("What the result depends on", headers, rows)


def _rest_of_inputs(report: GradientReport) -> Iterator[Block]:
    rest = report.inputs[_INPUTS:]
    if rest:
        share = sum(one.share for one in rest if not np.isnan(one.share))
        yield Prose(f"and {len(rest)} more inputs with {100 * share:.2g} % together.")


def _births(report: GradientReport) -> Iterator[Block]:
    if report.births:
        rows = [
            [*_site(one.site, 30), one.site.operation, one.what, f"{one.count} of {one.of}"]
            for one in report.births
        ]
        yield from _sections(
            Grid("Not finite", ["line", "", "operation", "of", "entries"], rows, frozenset({0, 1, 2, 3}))
        )


def _trends(report: GradientReport) -> Iterator[Block]:
    if report.trends:
        rows = [[*_site(one.site, 26), *_trend(one)] for one in report.trends]
        headers = ["line", "", "rounds", "last", "first", "a round"]
        yield from _sections(Grid("Adjoints that vanish or explode (rms)", headers, rows, frozenset({0, 1})))
    elif report.path is not None:
        rows = [
            [*_site(leap.site, 30), leap.site.operation, _number(leap.arriving), _number(leap.leaving)]
            for leap in report.path.leaps
        ]
        title = f"Where the adjoint changes most on its way to {report.path.input} (norms)"
        headers = ["line", "", "operation", "arrives", "passed on"]
        yield Grid(title, headers, rows, frozenset({0, 1, 2}))
    if report.trends or report.path is not None:
        yield Picture("The adjoints of all operations", _plot(report.sizes), (7.2, 3.2))


def _trend(one: Trend) -> list[str]:
    return [str(one.rounds), _number(one.last), _number(one.first), f"×{one.factor:.2g}"]


def _plot(sizes: Sequence[tuple[str, float]]) -> Any:
    """Return what draws the adjoints' sizes in the order of evaluation, one color for each line."""
    most = 8

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        lines: dict[str, list[tuple[int, float]]] = {}
        for k, (where, size) in enumerate(sizes):
            if size > 0 and np.isfinite(size):
                lines.setdefault(where, []).append((k, size))
        for n, (where, points) in enumerate(sorted(lines.items(), key=lambda item: -len(item[1]))):
            label = where if n < most else None
            axes.plot(
                *zip(*points, strict=True),
                ".",
                color=f"C{n}" if n < most else "#aaaaaa",
                markersize=5,
                label=label,
            )
        axes.set_yscale("log")
        axes.set_xlabel("operation, in the order of evaluation")
        axes.set_ylabel("rms of its adjoint")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))

    return draw


def _blockages(report: GradientReport) -> Iterator[Block]:
    if report.blockages:
        rows = [
            [one.site.where or "–", one.site.source or one.site.operation, _ended(one), one.note]
            for one in report.blockages
        ]
        yield from _sections(_fitted("Where derivatives end", ["line", "", "what", "why"], rows))


def _ended(one: Blockage) -> str:
    count = "" if one.count == one.of else f", {one.count} of {one.of}"
    return one.kind + count


def _kinks(report: GradientReport) -> Iterator[Block]:
    if report.kinks:
        rows = [
            [
                one.site.where or "–",
                one.site.source or one.site.operation,
                f"{one.site.operation}: {one.what}",
                one.convention,
                f"{one.count} of {one.of}" if one.of > 1 else "",
            ]
            for one in report.kinks
        ]
        yield from _sections(_fitted("Kinks", ["line", "", "what", "taken as", "entries"], rows))


def _fitted(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Grid:
    """Return a table of words whose second column, the source, has the room that is left, if there is enough."""
    widths = [max(len(headers[k]), *[len(row[k]) for row in rows]) + 2 for k in range(len(headers)) if k != 1]
    room = _WIDTH - sum(widths) - 2
    if room < _LEAST:
        headers, rows = [headers[0], *headers[2:]], [[row[0], *row[2:]] for row in rows]
    else:
        rows = [[row[0], trimmed(row[1], room), *row[2:]] for row in rows]
    return Grid(title, headers, rows, frozenset(range(len(headers))))


def _cancellations(report: GradientReport) -> Iterator[Block]:
    if not report.cancellations:
        return
    rows = []
    for one in report.cancellations:
        lost = "all" if not np.isfinite(one.digits) else f"{one.digits:.1f}"
        rows.append(
            [
                one.site.where or "–",
                trimmed(one.site.source or one.site.operation, 34),
                lost,
                _number(one.value),
            ]
        )
    headers = ["line", "", "digits lost", "value"]
    yield from _sections(Grid("Cancellations", headers, rows, frozenset({0, 1})))
    hints = {one.hint: one.site.where for one in report.cancellations if one.hint}
    for hint, where in hints.items():
        yield Prose(f"{where}: write {hint}.")

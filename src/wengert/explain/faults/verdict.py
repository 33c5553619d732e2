"""What a search for faults found, in a sentence or two: the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from wengert.explain.faults.observed import Site
    from wengert.explain.gradient_report import GradientReport

__all__ = ["verdict"]


def verdict(report: GradientReport) -> str:
    """Return the verdict of a report."""
    found = [_births(report), _zero(report), _trends(report), _digits(report), _kinks(report), _ends(report)]
    said = [text for text in found if text]
    if said:
        return " ".join(said[:3])
    return "Nothing suspicious. " + _carried(report)


def _at(site: Site) -> str:
    rounds = f", {', '.join(site.rounds)}" if site.rounds else ""
    return f"{site.operation} ({site.where}{rounds})" if site.where else site.operation


def _births(report: GradientReport) -> str:
    if not report.births:
        return ""
    one = report.births[0]
    what = "Numbers" if one.what == "value" else "Derivatives"
    return f"{what} stop being finite at {_at(one.site)}."


def _zero(report: GradientReport) -> str:
    """Say that the whole gradient is zero, and why."""
    if report.births or any(one.gradient for one in report.inputs):
        return ""
    kinds = [b for b in report.blockages if b.kind in ("blocked", "steps", "constant", "stopped")]
    if not any(one.reached for one in report.inputs):
        return "The result does not depend on any input."
    if not kinds:
        return "The gradient is zero."
    return f"The gradient is zero: nothing passes {_at(kinds[0].site)}, {kinds[0].note}."


def _trends(report: GradientReport) -> str:
    if report.trends:
        one = report.trends[0]
        word = "vanishes" if one.vanishing else "explodes"
        way = f"by {one.factor:.2g} in each of {one.rounds} rounds of {_at_line(one.site)}"
        return f"The adjoint {word}: on its way back it changes {way}."
    if report.path is not None:
        word = "falls" if report.path.ratio < 1 else "grows"
        leap = report.path.leaps[0]
        how = f"by {leap.ratio:.2g} at {_at(leap.site)}"
        path = f"On its way back to {report.path.input} the adjoint {word}"
        return f"{path} by {report.path.ratio:.2g}, most of all {how}."
    return ""


def _at_line(site: Site) -> str:
    return site.where or site.operation


def _digits(report: GradientReport) -> str:
    if not report.cancellations:
        return ""
    one = report.cancellations[0]
    lost = "All digits are" if not np.isfinite(one.digits) else f"About {one.digits:.0f} of 16 digits are"
    return f"{lost} lost at {_at(one.site)}."


def _kinks(report: GradientReport) -> str:
    if not report.kinks:
        return ""
    one, more = report.kinks[0], len(report.kinks) - 1
    rest = f", and {more} more kink{'' if more == 1 else 's'}" if more else ""
    return f"The point is on a kink: {_at(one.site)}, {one.what}{rest}."


def _ends(report: GradientReport) -> str:
    for kind, words in (
        ("dead units", "{count} of {of} units are dead"),
        ("blocked", "no derivative passes"),
        ("steps", "no derivative passes"),
        ("constant", "no derivative passes"),
        ("mostly dead", "{count} of {of} entries are dead"),
        ("saturated", "{count} of {of} entries are saturated"),
        ("unused", "a result is not used"),
    ):
        for one in report.blockages:
            if one.kind == kind and any(i.gradient for i in report.inputs):
                said = words.format(count=one.count, of=one.of)
                return f"{said[0].upper()}{said[1:]} at {_at(one.site)}."
    return ""


def _carried(report: GradientReport) -> str:
    shares = [one for one in report.inputs if one.share > 0]
    if not shares:
        return "No input matters at this point."
    first = shares[0]
    if len(report.inputs) == 1:
        nonzero = first.entries - first.zeros
        return f"{nonzero} of {first.entries} entries of the gradient are not zero."
    return f"{first.name} matters most: {100 * first.share:.0f} % of what the inputs do to the result."

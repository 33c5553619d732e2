"""What a comparison says, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wengert.explain.units import error_text, ratio_text, seconds_text

if TYPE_CHECKING:
    from wengert.explain.comparison import Comparison, Row

__all__ = ["verdict"]

_ROUNDING = 64 * 2.0**-52  # an error of the size that rounding alone makes


def verdict(comparison: Comparison) -> str:
    """Return one sentence on which way to take, and on what the others cost, from the numbers."""
    measured = [row for row in comparison.rows if row.seconds == row.seconds and row.error == row.error]
    if not measured:
        return "Nothing was measured."
    known = max(_ROUNDING, comparison.reference["estimate"])
    least = max(min(row.error for row in measured), known)
    exact = [row for row in measured if row.error <= 8 * least]
    best = min(exact, key=lambda row: row.seconds)
    words = [
        f"{_capital(best.name)} gives {_what(comparison)} {_accuracy(best, known)} in {seconds_text(best.seconds)}"
    ]
    words.append(f", {ratio_text(best.seconds / comparison.primal.seconds)} times that of the function")
    rival = _rival(best, exact)
    if rival is not None:
        words.append(f", {ratio_text(rival.seconds / best.seconds)} times as fast as {rival.name}")
    difference = _difference(measured)
    if difference is not None and difference is not best:
        words.append("; " + _beside(difference, best))
    wrong = _wrong(comparison, measured)
    if wrong is not None:
        words.append(f"; {wrong.name} is wrong by {error_text(wrong.error)}")
    return "".join(words) + "."


# helpers


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _what(comparison: Comparison) -> str:
    return (
        "the derivative"
        if comparison.n == comparison.m == 1
        else "the gradient"
        if comparison.m == 1
        else "the Jacobian"
    )


def _accuracy(row: Row, known: float) -> str:
    if row.error > known:
        return f"with an error of {error_text(row.error)}"
    return "to rounding" if known == _ROUNDING else f"with an error below {known:.0e}"


def _rival(best: Row, exact: list[Row]) -> Row | None:
    """Return the fastest way of another kind that is as accurate."""
    others = [row for row in exact if row.group != best.group]
    return min(others, key=lambda row: row.seconds, default=None)


def _difference(measured: list[Row]) -> Row | None:
    """Return the fastest real difference; the complex step is no subtraction and is judged with the exact ones."""
    found = [row for row in measured if row.group == "differences" and row.name != "complex step"]
    return min(found, key=lambda row: row.seconds, default=None)


def _beside(difference: Row, best: Row) -> str:
    ratio = difference.seconds / best.seconds
    speed = f"{ratio_text(ratio)} times as slow" if ratio >= 1 else f"{ratio_text(1 / ratio)} times as fast"
    return f"the {difference.name} is {speed}, with an error of {error_text(difference.error)}"


def _wrong(comparison: Comparison, measured: list[Row]) -> Row | None:
    """Return a way that ought to be exact and is not, if the function has a derivative there."""
    if comparison.reference["kinks"]:
        return None
    exact = [row for row in measured if row.group != "differences" or row.name == "complex step"]
    worst = max(exact, key=lambda row: row.error, default=None)
    return worst if worst is not None and worst.error > 1e-6 else None

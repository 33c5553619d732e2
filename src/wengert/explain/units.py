"""Measured numbers as words: times, bytes, ratios, errors."""

from __future__ import annotations

import math

__all__ = ["bytes_text", "count_text", "error_text", "ratio_text", "seconds_text"]


def seconds_text(seconds: float) -> str:
    """Return a time with three digits: 12.3 µs."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.9995 * size:
            return f"{_three(seconds / size)} {unit}"
    return f"{_three(seconds / 1e-9)} ns"


def bytes_text(size: float) -> str:
    """Return a size of memory: 1.2 kB."""
    for unit, unit_size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= 0.9995 * unit_size:
            return f"{_three(size / unit_size)} {unit}"
    return f"{size:.0f} B"


def ratio_text(ratio: float) -> str:
    """Return a ratio with two or three digits: 5.2, 130, 12 000."""
    if not math.isfinite(ratio):
        return "–"
    if ratio < 0.995:
        return f"{ratio:.2g}"
    return f"{ratio:.1f}" if ratio < 99.95 else f"{_rounded(ratio):,}".replace(",", " ")


def count_text(number: float) -> str:
    """Return a whole number with its digits in threes."""
    return f"{number:,.0f}".replace(",", " ")


def error_text(error: float) -> str:
    """Return a relative error: 2.6e-09, or 0 where not a digit is wrong."""
    return (
        "nan" if math.isnan(error) else "inf" if math.isinf(error) else "0" if error == 0 else f"{error:.1e}"
    )


def _three(x: float) -> str:
    return f"{x:.2f}" if x < 9.995 else f"{x:.1f}" if x < 99.95 else f"{x:.0f}"


def _rounded(x: float) -> int:
    """Return a number with three digits."""
    unit: int = 10 ** max(0, math.floor(math.log10(x)) - 2)
    return round(x / unit) * int(unit)

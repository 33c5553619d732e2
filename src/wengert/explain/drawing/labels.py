"""Text on drawings: how wide it is, how values are written in a few letters.

Widths are those of DejaVu Sans, the widest of the fonts that drawings ask for, so that text fits with any of them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np

from wengert.explain.rendering import short

__all__ = ["FONT", "line_of", "raised", "scalar", "trimmed", "width"]

FONT = "'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

_ENTRIES = 3  # of a vector are written out

# Of the letters from the space on, in thousandths of the font's size.
_WIDTHS = [
    *(318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337),
    *(636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531),
    *(1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787),
    *(603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500),
    *(500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612),
    *(635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838),
]
_OTHERS = {"·": 318, "∂": 517, "‖": 500, "…": 1000, "₋": 528} | dict.fromkeys("₀₁₂₃₄₅₆₇₈₉", 401)
_BOLD = 1.1

_NAME = re.compile("v([\u0304\u0307]?[₋₀₁₂₃₄₅₆₇₈₉])")
_LETTERS = "vuwpqrst"  # of values, by the depth of the loop or branch that they are in


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a line of text is at most, in the unit of its font's size."""
    return sum(map(_width, text)) / 1000 * size * (_BOLD if bold else 1.0)


def _width(letter: str) -> int:
    code = ord(letter) - 32
    if 0 <= code < len(_WIDTHS):
        return _WIDTHS[code]
    if unicodedata.combining(letter):
        return 0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1100
    return _OTHERS.get(letter, 838)


def trimmed(text: str, letters: int) -> str:
    """Return a text of one line and no more letters than these, its end cut off; combining marks are no letters."""
    text = "".join(c if c.isprintable() else " " for c in text)
    seen = 0
    for place, letter in enumerate(text):
        seen += not unicodedata.combining(letter)
        if seen > letters:
            return text[: place - 1].rstrip() + "…"
    return text


def raised(formula: str, depth: int) -> str:
    """Return a formula of values v₁, v₂, ... as it is written inside loops: u₁, u₂, ..., then w₁, ..."""
    return _NAME.sub(lambda m: _LETTERS[depth % len(_LETTERS)] + m.group(1), formula) if depth else formula


def scalar(x: Any) -> str:
    """Return one number, or the size of an array, in a few letters."""
    x = np.asarray(x)
    if x.size == 1:
        return short(x.reshape(())[()], 4)
    return f"norm {short(norm(x), 3)}"


def norm(x: Any) -> Any:
    """Return the Euclidean norm of all entries."""
    with np.errstate(all="ignore"):
        return np.sqrt(np.sum(np.square(np.abs(np.asarray(x, np.result_type(x, np.float64))))))


def line_of(x: Any, *, shaped: bool = True) -> str:
    """Return a value in one line: a number, a few entries, or an array's shape and norm."""
    x = np.asarray(x)
    if x.ndim == 0 or (x.ndim == 1 and x.size <= _ENTRIES) or x.size <= 2:
        return short(x, 4 if x.ndim else 6)
    if not shaped:
        return scalar(x)
    shape = "×".join(map(str, x.shape)) + ("," if x.ndim == 1 else "")
    kind = "" if x.dtype == np.float64 else f" {x.dtype}"
    if x.dtype.kind not in "fc" or not x.size:
        return f"({shape}){kind}"
    return f"({shape}){kind}, norm {short(norm(x), 4)}"

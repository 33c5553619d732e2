"""Values in evaluation traces: numbers and short vectors as such, other arrays by shape and norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.explain.drawing.labels import line_of
from wengert.explain.rendering import precise, short

__all__ = ["digits", "shown"]

_ENTRIES = 4  # of a vector in a table
_PRINTED = 16  # of an array with all its digits


def shown(x: Any) -> str:
    """Return a value for a cell of a table."""
    x = np.asarray(x)
    return short(x) if x.ndim == 0 or (x.ndim == 1 and x.size <= _ENTRIES) else line_of(x)


def digits(x: Any) -> str:
    """Return a result with all its digits; a large array by shape and norm."""
    return precise(x) if np.size(x) <= _PRINTED else line_of(x)

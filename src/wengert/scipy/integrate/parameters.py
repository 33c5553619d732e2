"""Numbers that may have a derivative: which leaves of arguments these are, and putting others in their places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.core.views import root

__all__ = ["as_double", "in_order", "is_number", "replaced"]


def is_number(leaf: Any) -> bool:
    """Say whether an argument is an operand, which may have a derivative; what is not goes along as it is."""
    return isinstance(leaf, Traced | float | complex) or getattr(leaf, "dtype", np.dtype(bool)).kind in "fc"


def replaced(xs: Sequence[Any], places: Sequence[int], new: Sequence[Any]) -> list[Any]:
    """Return xs with some entries replaced."""
    ys = list(xs)
    for i, x in zip(places, new, strict=True):
        ys[i] = x
    return ys


def as_double(x: Any) -> Any:
    """Return an array, number, or sequence of traced ones in double precision; complex as it is."""
    x = operand(x)
    x = x if isinstance(x, Traced) else np.asarray(x)[()]
    return x if x.dtype.kind == "c" else np.astype(x, np.float64)


def in_order(x: Any) -> Any:
    """Return a value that lies in memory in C's order, as compiled functions take their operands."""
    plain = root(x)
    if not isinstance(plain, np.ndarray) or plain.flags.c_contiguous:
        return x
    return np.copy(x, order="C")

"""How an image goes on beyond its border: SciPy's modes, for filters and for coordinates.

reflect  grid-mirror      d c b a | a b c d | d c b a
mirror                    d c b | a b c d | c b a
nearest                   a a a a | a b c d | d d d d
wrap     grid-wrap        a b c d | a b c d | a b c d
constant grid-constant    k k k k | a b c d | k k k k

As a mode of coordinates, wrap identifies a and d, and constant begins right behind the last pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["EXTENSIONS", "extend", "fold", "fold_index"]

EXTENSIONS = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
}  # NumPy's names for them


def extend(x: Any, axis: int, width: tuple[int, int], mode: str, cval: Any) -> Any:
    """Return an image that goes on beyond its border along an axis, `width` entries before and behind."""
    if mode not in EXTENSIONS:
        message = f"boundary mode not supported: {mode}"
        raise RuntimeError(message)
    if width == (0, 0):
        return x
    widths = [(0, 0)] * np.ndim(x)
    widths[axis] = width
    how: Any = EXTENSIONS[mode]
    return np.pad(x, widths, how, constant_values=cval) if how == "constant" else np.pad(x, widths, how)


# Coordinates --------------------------------------------------------------------------------------------------------
#
# A coordinate outside of [0, n - 1] is mapped to where the image has the same value: piecewise x -> +-x +
# const, so the derivative is +-1. Inside it stays as it is.


def fold(x: Any, n: int, mode: str) -> Any:
    """Return coordinates along an axis of length n, mapped into it; as they are where constants go on."""
    if mode in {"constant", "grid-constant", "nearest"}:
        return x
    if n == 1:
        return 0.0 * x
    return np.where((x >= 0.0) & (x <= n - 1.0), x, _FOLDS[mode](x, n))


def _mirror(x: Any, n: int) -> Any:
    z = x % (2.0 * (n - 1))
    return np.where(z <= n - 1.0, z, 2.0 * (n - 1) - z)


def _reflect(x: Any, n: int) -> Any:
    z = (x + 0.5) % (2.0 * n)
    return np.where(z <= n, z, 2.0 * n - z) - 0.5


def _wrap(x: Any, n: int) -> Any:
    """One entry stands for both ends; the last one at negative coordinates, as in SciPy."""
    period = n - 1.0
    turns = np.trunc(x / period)
    return x - period * np.where(x < 0.0, turns - 1.0, turns)


_FOLDS: dict[str, Callable[[Any, int], Any]] = {
    "mirror": _mirror,
    "reflect": _reflect,
    "grid-mirror": _reflect,
    "wrap": _wrap,
    "grid-wrap": lambda x, n: x % float(n),
}


def fold_index(i: Any, n: int, mode: str) -> Any:
    """Return whole positions, mapped into an axis of length n, as the spline's coefficients go on beyond the border."""
    if mode in {"nearest", "grid-constant"} or n == 1:
        return np.clip(i, 0, n - 1)
    if mode == "grid-wrap":
        return i % n
    if mode in {"reflect", "grid-mirror"}:
        z = i % (2 * n)
        return np.minimum(z, 2 * n - 1 - z)
    z = i % (2 * (n - 1))  # constant and wrap too: their splines go on as in a mirror
    return np.minimum(z, 2 * (n - 1) - z)

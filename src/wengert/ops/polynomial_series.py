"""Polynomials of numpy.polynomial in several variables, the lowest power first: compositions.

Those in one variable are plain Python that NumPy does not let us overload.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial.polynomial import polygrid2d, polyval2d

from wengert.core.numpy_protocol import implements, operand

__all__: list[str] = []


def _horner(x: Any, c: Any, *, outer: bool) -> Any:
    """Evaluate along the first axis of c; the other axes of c stand before those of x, or are the same."""
    c = np.atleast_1d(c)
    if outer:
        c = np.reshape(c, np.shape(c) + (1,) * np.ndim(x))
    y = c[-1] + x * 0
    for i in range(2, len(c) + 1):
        y = c[-i] + y * x
    return y


@implements(polyval2d)
def values(x: Any, y: Any, c: Any) -> Any:
    """Return the sum of c[i, j] x^i y^j at pairs of points."""
    x, y, c = operand(x), operand(y), operand(c)
    if np.shape(x) != np.shape(y):
        message = "x, y are incompatible"
        raise ValueError(message)
    return _horner(y, _horner(x, c, outer=True), outer=False)


@implements(polygrid2d)
def grid(x: Any, y: Any, c: Any) -> Any:
    """Return the sum of c[i, j] x^i y^j at all pairs of an x and a y."""
    return _horner(operand(y), _horner(operand(x), operand(c), outer=True), outer=True)

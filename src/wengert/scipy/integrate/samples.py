"""Integrals of samples: trapezoid, cumulative_trapezoid, simpson, romb. Linear in the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.integrate

from wengert.core.numpy_protocol import operand
from wengert.scipy.mirror import mirrors

__all__ = ["cumulative_trapezoid", "romb", "simpson", "trapezoid"]


@mirrors(scipy.integrate.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral of samples by the trapezoidal rule.

    Parameters
    ----------
    y : array
        Samples.
    x : array, optional
        Sample points, a vector or of y's shape; otherwise `dx` apart.
    dx : float
    axis : int

    Returns
    -------
    array
    """
    y = operand(y)
    return np.trapezoid(y, None if x is None else operand(x), dx, axis)


def _steps(x: Any, dx: Any, y: Any, axis: int) -> Any:
    """Return the distances of the samples, along the last axis; a number if they are equal."""
    if x is None:
        return dx
    x = operand(x)
    if np.ndim(x) not in (1, np.ndim(y)):
        message = "If given, shape of x must be 1-D or the same as y."
        raise ValueError(message)
    along = 0 if np.ndim(x) == 1 else axis
    if np.shape(x)[along] != np.shape(y)[axis]:
        message = "If given, length of x along axis must be the same as y."
        raise ValueError(message)
    return np.diff(np.moveaxis(x, along, -1), axis=-1)


@mirrors(scipy.integrate.cumulative_trapezoid)
def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """Integrals of samples up to each of them by the trapezoidal rule.

    Parameters
    ----------
    y, x, dx, axis
        As those of `trapezoid`.
    initial : {None, 0}
        Whether to put the integral up to the first sample, which is 0, in front.

    Returns
    -------
    array
    """
    y = operand(y)
    if not np.shape(y)[axis]:
        message = "At least one point is required along `axis`."
        raise ValueError(message)
    if initial is not None and initial != 0:
        message = "`initial` must be `None` or `0`."
        raise ValueError(message)
    moved = np.moveaxis(y, axis, -1)
    pieces = _steps(x, dx, y, axis) * (moved[..., 1:] + moved[..., :-1]) / 2.0
    total = np.cumsum(pieces, axis=-1)
    if initial is not None:
        total = np.concatenate([np.zeros((*np.shape(total)[:-1], 1)), total], axis=-1)
    return np.moveaxis(total, -1, axis)


# Simpson's rule over pairs of unequal intervals h_0, h_1, exact for parabolas:
#   (h_0 + h_1)/6 ((2 - h_1/h_0) y_0 + (h_0 + h_1)^2/(h_0 h_1) y_1 + (2 - h_0/h_1) y_2)
# An even number of samples leaves one interval over, which the parabola through the last three samples covers
# (Cartwright 2017, equation 8).


def _pairs(y: Any, h_0: Any, h_1: Any) -> Any:
    total = h_0 + h_1
    y_0, y_1, y_2 = y[..., :-2:2], y[..., 1:-1:2], y[..., 2::2]
    outer = (2.0 - h_1 / h_0) * y_0 + (2.0 - h_0 / h_1) * y_2
    return np.sum(total / 6.0 * (outer + total * (total / (h_0 * h_1)) * y_1), axis=-1)


def _last_interval(y: Any, h_0: Any, h_1: Any) -> Any:
    total = h_0 + h_1
    return (
        (2.0 * h_1 * h_1 + 3.0 * h_0 * h_1) / (6.0 * total) * y[..., -1]
        + (h_1 * h_1 + 3.0 * h_0 * h_1) / (6.0 * h_0) * y[..., -2]
        - h_1**3 / (6.0 * h_0 * total) * y[..., -3]
    )


@mirrors(scipy.integrate.simpson)
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral of samples by Simpson's rule; exact for parabolas, and for cubics if the samples are equally spaced.

    Parameters
    ----------
    y, x, dx, axis
        As those of `trapezoid`; sample points must be distinct.

    Returns
    -------
    array
    """
    y = operand(y)
    h = _steps(x, dx, y, axis)
    y = np.moveaxis(y, axis, -1)
    n = np.shape(y)[-1]
    if n < 2:
        return np.sum(0.0 * y, axis=-1)
    if n == 2:
        return 0.5 * (h if x is None else h[..., 0]) * (y[..., 0] + y[..., 1])
    used = n if n % 2 else n - 1
    whole = y[..., :used]
    if x is None:
        pairs = whole[..., :-2:2] + 4.0 * whole[..., 1:-1:2] + whole[..., 2::2]
        total = np.sum(pairs, axis=-1) * (h / 3.0)
        return total if used == n else total + _last_interval(y, h, h)
    total = _pairs(whole, h[..., : used - 1 : 2], h[..., 1 : used - 1 : 2])
    return total if used == n else total + _last_interval(y, h[..., -2], h[..., -1])


@mirrors(scipy.integrate.romb)
def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Any:
    """Integral of 2^k + 1 equally spaced samples by Romberg's extrapolation.

    Parameters
    ----------
    y : array
        Samples.
    dx : float
        Their distance.
    axis : int
    show
        Ignored: traced values are not printed.

    Returns
    -------
    array
    """
    del show
    y = np.moveaxis(operand(y), axis, 0)
    intervals = np.shape(y)[0] - 1
    if intervals < 1 or intervals & (intervals - 1):
        message = "Number of samples must be one plus a non-negative power of 2."
        raise ValueError(message)
    h = intervals * dx
    row = [(y[0] + y[-1]) / 2.0 * h]
    step = intervals
    while step > 1:
        middle = np.sum(y[step // 2 : intervals : step], axis=0)
        refined = [0.5 * (row[0] + h * middle)]
        for j, coarse in enumerate(row, 1):
            refined.append(refined[-1] + (refined[-1] - coarse) / (4.0**j - 1.0))
        row, h, step = refined, h / 2.0, step // 2
    return row[-1]

"""Piecewise polynomials, and those that are given by values and slopes at their breakpoints.

`PPoly` is evaluated by finding the interval of each point, which is locally constant, and Horner's rule on
the coefficients of that interval. So it is differentiable in the points, the coefficients and the
breakpoints. At a breakpoint the interval on the right counts.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError
from wengert.ops.indexing import getitem

__all__ = ["CubicHermiteSpline", "PPoly", "column", "floating", "holds", "place_axis", "prepare"]


def holds(condition: Any) -> bool:
    """Say whether a condition holds anywhere; under `vmap`, where no value is known, assume that it does not."""
    return not isinstance(condition, Traced) and bool(np.any(condition))


def column(x: Any, ndim: int) -> Any:
    """Return a vector as an array of `ndim` axes that extends along the first."""
    return np.reshape(x, (np.shape(x)[0], *[1] * (ndim - 1)))


def place_axis(y: Any, x_ndim: int, axis: int) -> Any:
    """Return y, whose first `x_ndim` axes are those of the points, with these axes moved to `axis`."""
    return y if axis == 0 else np.moveaxis(y, range(x_ndim), range(axis, axis + x_ndim))


def floating(x: Any) -> Any:
    """Return an array in double precision, complex if it is."""
    x = operand(x)
    x = x if hasattr(x, "dtype") else np.asarray(x)
    wanted = np.complex128 if x.dtype.kind == "c" else np.float64
    return x if x.dtype == wanted else np.astype(x, wanted)


def prepare(x: Any, y: Any, axis: int, *more: Any) -> tuple[Any, Any, int, list[Any]]:
    """Return breakpoints, values with their axis in front, the axis, and further arrays like the values."""
    x, y = floating(x), floating(y)
    if np.ndim(x) != 1 or np.shape(x)[0] < 2:
        message = "`x` must be 1-dimensional and contain at least 2 elements."
        raise ValueError(message)
    axis %= np.ndim(y)
    if np.shape(y)[axis] != np.shape(x)[0]:
        message = f"The length of `y` along `axis`={axis} doesn't match the length of `x`"
        raise ValueError(message)
    if holds(~np.isfinite(x)) or holds(~np.isfinite(y)):
        message = "`x` and `y` must contain only finite values."
        raise ValueError(message)
    if holds(np.diff(x) <= 0.0):
        message = "`x` must be strictly increasing sequence."
        raise ValueError(message)
    return x, np.moveaxis(y, axis, 0), axis, [np.moveaxis(floating(v), axis, 0) for v in more]


class PPoly:
    """Piecewise polynomial.

    Parameters
    ----------
    c : (k, m, ...) array
        Coefficients: sum_j c[j, i] (x - x_i)^(k - 1 - j) on the interval i.
    x : (m + 1,) array
        Breakpoints, increasing.
    extrapolate : bool or "periodic", optional
        Whether to use the first and last polynomial outside; NaN otherwise.
    axis : int
        Axis of the result along which the points extend.
    """

    def __init__(self, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
        self.c, self.x = floating(c), floating(x)
        self.extrapolate = True if extrapolate is None else extrapolate
        self.axis = axis

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """Return the nu-th derivative at points."""
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        points = floating(x)
        shape = np.shape(points)
        points, inside = self._locate(np.reshape(points, -1), extrapolate)
        y = self._horner(points, nu)
        if inside is not None:
            y = np.where(column(inside, np.ndim(y)), y, np.nan)
        y = np.reshape(y, (*shape, *np.shape(self.c)[2:]))
        return place_axis(y, len(shape), self.axis)

    def derivative(self, nu: int = 1) -> PPoly:
        """Return the derivative as a piecewise polynomial; for nu < 0 an antiderivative."""
        if nu < 0:
            return self.antiderivative(-nu)
        c = _differentiated(self.c, nu)
        if not np.shape(c)[0]:
            c = np.zeros((1, *np.shape(self.c)[1:]))
        return PPoly(c, self.x, self.extrapolate, self.axis)

    def antiderivative(self, nu: int = 1) -> PPoly:
        """Return the continuous antiderivative that is 0 at the first breakpoint."""
        c = self.c
        for _ in range(nu):
            k = np.shape(c)[0]
            c = c / column(np.arange(k, 0, -1.0), np.ndim(c))
            steps = column(np.diff(self.x), np.ndim(c) - 1)
            rises = _horner([*c, np.zeros(np.shape(c)[1:])], steps)
            start = np.concatenate([np.zeros((1, *np.shape(c)[2:])), np.cumsum(rises, axis=0)[:-1]])
            c = np.concatenate([c, start[None]])
        return PPoly(c, self.x, False if self.extrapolate == "periodic" else self.extrapolate, self.axis)

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """Return the integral from a to b."""
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        if extrapolate == "periodic":
            raise ArgumentError(
                "integrate was called on a periodic piecewise polynomial",
                instead="integrate over one period with extrapolate=False, and count the periods.",
            )
        primitive = self.antiderivative()
        return primitive(b, extrapolate=extrapolate) - primitive(a, extrapolate=extrapolate)

    def _locate(self, points: Any, extrapolate: Any) -> tuple[Any, Any]:
        """Return the points, mapped into one period if need be, and which of them have a value (None: all)."""
        first, last = self.x[0], self.x[-1]
        if extrapolate == "periodic":
            return first + (points - first) % (last - first), None
        return points, None if extrapolate else (points >= first) & (points <= last)

    def _horner(self, points: Any, nu: int) -> Any:
        interval = np.clip(np.searchsorted(self.x, points, "right") - 1, 0, np.shape(self.c)[1] - 1)
        c = _differentiated(getitem(self.c, (slice(None), interval)), nu)
        s = column(points - getitem(self.x, interval), np.ndim(c) - 1)
        return _horner(list(c), s) if np.shape(c)[0] else np.zeros(np.shape(c)[1:])


def _horner(c: list[Any], s: Any) -> Any:
    y = c[0] + 0.0 * s  # NaN where the point is
    for coefficient in c[1:]:
        y = y * s + coefficient
    return y


def _differentiated(c: Any, nu: int) -> Any:
    """Return the coefficients of the nu-th derivative: p!/(p - nu)! times those of the powers p >= nu."""
    if nu == 0:
        return c
    k = np.shape(c)[0]
    factors = np.array([factorial(p) / factorial(p - nu) for p in range(k - 1, nu - 1, -1)])
    return c[: max(k - nu, 0)] * column(factors, np.ndim(c))


class CubicHermiteSpline(PPoly):
    """Piecewise cubic with given values and slopes at its breakpoints.

    Parameters
    ----------
    x : (n,) array
        Breakpoints, strictly increasing.
    y, dydx : array
        Values and slopes, of length n along `axis`.
    axis : int
    extrapolate : bool or "periodic", optional
    """

    def __init__(self, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> None:
        x, y, axis, (slopes,) = prepare(x, y, axis, dydx)
        steps = column(np.diff(x), np.ndim(y))
        secant = np.diff(y, axis=0) / steps
        bend = (slopes[:-1] + slopes[1:] - 2.0 * secant) / steps
        c = [bend / steps, (secant - slopes[:-1]) / steps - bend, slopes[:-1], y[:-1]]
        super().__init__(np.stack(c), x, extrapolate, axis)

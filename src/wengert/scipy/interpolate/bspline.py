"""B-splines: evaluation by de Boor's recursion, and interpolation by collocation.

De Boor, A Practical Guide to Splines (1978), chapter X. Between knots all is rational in points, knots and
coefficients, so that every derivative is that of the recursion.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import ArgumentError
from wengert.ops.indexing import getitem
from wengert.scipy.interpolate.piecewise import column, floating, holds, place_axis

__all__ = ["BSpline", "make_interp_spline"]


class BSpline:
    """Spline of degree k with given knots and coefficients.

    Parameters
    ----------
    t : (n + k + 1,) array
        Knots, not decreasing.
    c : (>= n, ...) array
        Coefficients along `axis`.
    k : int
        Degree.
    extrapolate : bool or "periodic"
        Whether to use the first and last polynomial outside of t[k] ... t[n]; NaN otherwise.
    axis : int
    """

    def __init__(self, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> None:
        self.t, self.k, self.extrapolate = floating(t), int(k), extrapolate
        c = floating(c)
        self.axis = axis % np.ndim(c)
        self.c = np.moveaxis(c, self.axis, 0)
        n = np.shape(self.t)[0] - self.k - 1
        if self.k < 0 or n < self.k + 1 or np.shape(self.c)[0] < n:
            message = f"Knots, coefficients and degree {self.k} are inconsistent."
            raise ValueError(message)
        if holds(np.diff(self.t) < 0.0):
            message = "Knots must be in a non-decreasing order."
            raise ValueError(message)

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """Return the nu-th derivative at points."""
        if nu:
            return self.derivative(nu)(x, 0, self.extrapolate if extrapolate is None else extrapolate)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        points = floating(x)
        shape = np.shape(points)
        points = np.reshape(points, -1)
        n = np.shape(self.t)[0] - self.k - 1
        first, last = self.t[self.k], self.t[n]
        if extrapolate == "periodic":
            points = first + (points - first) % (last - first)
        y = self._de_boor(points, n)
        if not extrapolate:
            y = np.where(column((points >= first) & (points <= last), np.ndim(y)), y, np.nan)
        return place_axis(np.reshape(y, (*shape, *np.shape(self.c)[1:])), len(shape), self.axis)

    def _de_boor(self, points: Any, n: int) -> Any:
        k, t = self.k, self.t
        interval = np.clip(np.searchsorted(t, points, "right") - 1, k, n - 1)
        d = [getitem(self.c, interval - k + j) + 0.0 * column(points, np.ndim(self.c)) for j in range(k + 1)]
        for r in range(1, k + 1):
            for j in range(k, r - 1, -1):
                low, high = getitem(t, interval - k + j), getitem(t, interval + 1 + j - r)
                place = column((points - low) / (high - low), np.ndim(self.c))
                d[j] = (1.0 - place) * d[j - 1] + place * d[j]
        return d[k]

    def derivative(self, nu: int = 1) -> BSpline:
        """Return the nu-th derivative, a spline of degree k - nu."""
        t, c, k = self.t, self.c[: np.shape(self.t)[0] - self.k - 1], self.k
        for _ in range(nu):
            if k == 0:
                c = 0.0 * c
                continue
            width = t[k + 1 : -1] - t[1 : -k - 1]
            empty = width == 0.0
            steps = column(np.where(empty, 1.0, width), np.ndim(c))
            c = np.where(column(empty, np.ndim(c)), 0.0, k * np.diff(c, axis=0) / steps)
            t, k = t[1:-1], k - 1
        spline = BSpline(t, c, k, self.extrapolate)
        spline.axis = self.axis
        return spline


def _not_a_knot(x: Any, k: int) -> Any:
    if k == 0:
        return np.concatenate([x, x[-1:]])
    half = (k + 1) // 2 if k % 2 else k // 2
    inner = x if k % 2 else 0.5 * (x[1:] + x[:-1])
    return np.concatenate([np.repeat(x[:1], k + 1), inner[half:-half], np.repeat(x[-1:], k + 1)])


def make_interp_spline(
    x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0
) -> BSpline:
    """Return the spline of degree k through data points.

    Parameters
    ----------
    x : (n,) array
        Points, increasing.
    y : array
        Values, of length n along `axis`.
    k : int
        Degree.
    t : array, optional
        Knots; those of the not-a-knot condition by default.
    bc_type : {None, "not-a-knot"}
        Conditions at the ends; `CubicSpline` has others.
    axis : int

    Returns
    -------
    BSpline

    Notes
    -----
    The collocation matrix is solved as a dense one: time grows with the cube of n. `CubicSpline`
    is linear in n.
    """
    if bc_type not in (None, "not-a-knot"):
        raise ArgumentError(
            f"make_interp_spline has no derivative rule for bc_type={bc_type!r}",
            instead='use bc_type=None, or CubicSpline for "natural", "clamped" and "periodic" ends.',
        )
    x, y = floating(x), floating(y)
    axis %= np.ndim(y)
    y = np.moveaxis(y, axis, 0)
    n = np.shape(x)[0]
    if n != np.shape(y)[0] or n < k + 1 or holds(np.diff(x) <= 0.0):
        message = "Expect x to be increasing, of the length of y, with at least k + 1 points."
        raise ValueError(message)
    t = _not_a_knot(x, k) if t is None else floating(t)
    collocation = BSpline(t, np.eye(n), k)(x)
    c = np.reshape(np.linalg.solve(collocation, np.reshape(y, (n, -1))), np.shape(y))
    spline = BSpline(t, c, k)
    spline.axis = axis
    return spline

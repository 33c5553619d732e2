"""Interpolation on lines and rectangular grids: interp1d, RegularGridInterpolator, interpn.

A point's cell is locally constant; inside it the result is linear in the values, and differentiable in points
and grid. At a grid line the cell on the right counts. "nearest" and its kin are steps: their derivative in
the points is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import scipy.interpolate

from wengert.core.numpy_protocol import operand, traced_leaves
from wengert.errors import ArgumentError, RefusedError
from wengert.ops.indexing import getitem
from wengert.scipy.interpolate.cubic import CubicSpline
from wengert.scipy.interpolate.piecewise import column, floating, holds, place_axis
from wengert.scipy.mirror import mirrors

__all__ = ["RegularGridInterpolator", "griddata", "interp1d", "interpn"]


# One axis -----------------------------------------------------------------------------------------------------------


def _linear(x: Any, y: Any, points: Any) -> Any:
    high = np.clip(np.searchsorted(x, points), 1, np.shape(x)[0] - 1)
    low = high - 1
    (x_low, x_high), (y_low, y_high) = ([getitem(v, index) for index in (low, high)] for v in (x, y))
    slope = (y_high - y_low) / column(x_high - x_low, np.ndim(y))
    return slope * column(points - x_low, np.ndim(y)) + y_low


def _nearest(x: Any, y: Any, points: Any, side: Any) -> Any:
    return getitem(y, np.searchsorted(0.5 * x[1:] + 0.5 * x[:-1], points, side))


def _previous(x: Any, y: Any, points: Any) -> Any:
    return getitem(y, np.maximum(np.searchsorted(x, points, "right") - 1, 0))


def _next(x: Any, y: Any, points: Any) -> Any:
    return getitem(y, np.minimum(np.searchsorted(x, points), np.shape(x)[0] - 1))


_KINDS: dict[str, Any] = {
    "linear": _linear,
    "slinear": _linear,
    "nearest": lambda x, y, points: _nearest(x, y, points, "left"),
    "nearest-up": lambda x, y, points: _nearest(x, y, points, "right"),
    "previous": _previous,
    "zero": _previous,
    "next": _next,
    "cubic": lambda x, y, points: CubicSpline(x, y)(points),
}
_LEAST = {"cubic": 4, "linear": 2, "slinear": 2}

# These extrapolate on one side only: on the other there is no previous or next point.
_ONE_SIDED: dict[str, Any] = {"previous": lambda y: (np.nan, y[-1]), "next": lambda y: (y[0], np.nan)}


class interp1d:  # noqa: N801 - SciPy's name
    """Interpolate data on a line.

    Parameters
    ----------
    x : (n,) array
    y : array
        Values, of length n along `axis`.
    kind : {"linear", "nearest", "nearest-up", "zero", "slinear", "cubic", "previous", "next"}
    axis : int
    copy
        Ignored: traced values do not change under us.
    bounds_error : bool, optional
        Whether a point outside raises; by default, unless `fill_value` is given.
    fill_value : array, pair of arrays, or "extrapolate"
        What is outside (below, above).
    assume_sorted : bool
        Whether x increases already.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        kind: str = "linear",
        axis: int = -1,
        copy: bool = True,
        bounds_error: bool | None = None,
        fill_value: Any = np.nan,
        assume_sorted: bool = False,
    ) -> None:
        del copy
        if kind not in _KINDS:
            raise ArgumentError(f"interp1d has no kind {kind!r}", instead=f"use one of {', '.join(_KINDS)}.")
        x, y = floating(x), floating(y)
        axis %= np.ndim(y)
        if np.ndim(x) != 1 or np.shape(x)[0] != np.shape(y)[axis]:
            message = "x and y arrays must be equal in length along interpolation axis."
            raise ValueError(message)
        if np.shape(x)[0] < _LEAST.get(kind, 1):
            message = (
                f"The number of derivatives at boundaries does not match: {kind} needs {_LEAST[kind]} points"
            )
            raise ValueError(message)
        y = np.moveaxis(y, axis, 0)
        if not assume_sorted:
            order = np.argsort(x, kind="mergesort")
            x, y = x[order], y[order]
        self.x, self.y, self.axis = x, y, axis
        self._evaluate = _KINDS[kind]
        self._extrapolate = isinstance(fill_value, str)
        if self._extrapolate and (bounds_error or fill_value != "extrapolate"):
            message = "Cannot extrapolate and raise at the same time."
            raise ValueError(message)
        if self._extrapolate and kind in _ONE_SIDED:
            fill_value = _ONE_SIDED[kind](y)
        self._fill = fill_value if isinstance(fill_value, tuple) else (fill_value, fill_value)
        given = isinstance(fill_value, tuple) or self._extrapolate or not _is_nan(fill_value)
        self._extrapolate = self._extrapolate and kind not in _ONE_SIDED
        self._raises = not given if bounds_error is None else bounds_error

    def __call__(self, x: Any) -> Any:
        """Return interpolated values at points."""
        points = floating(x)
        shape = np.shape(points)
        points = np.reshape(points, -1)
        below, above = points < self.x[0], points > self.x[-1]
        if self._raises and (holds(below) or holds(above)):
            message = "A value in x_new is outside the interpolation range."
            raise ValueError(message)
        y = self._evaluate(self.x, self.y, points)
        if not self._extrapolate:
            low, high = [operand(fill) for fill in self._fill]
            y = np.where(column(below, np.ndim(y)), low, np.where(column(above, np.ndim(y)), high, y))
        y = np.where(column(np.isnan(points), np.ndim(y)), np.nan, y)
        return place_axis(np.reshape(y, (*shape, *np.shape(self.y)[1:])), len(shape), self.axis)


def _is_nan(fill: Any) -> bool:
    return not traced_leaves(fill) and np.ndim(fill) == 0 and bool(np.isnan(fill))


# Grids --------------------------------------------------------------------------------------------------------------


def _ascending(points: Sequence[Any], values: Any) -> tuple[list[Any], Any]:
    """Return grid and values with every axis increasing."""
    grid = []
    for axis, line in enumerate(points):
        x = floating(line)
        if np.ndim(x) != 1 or np.shape(x)[0] != np.shape(values)[axis]:
            message = f"There are {np.size(x)} points and {np.shape(values)[axis]} values on dimension {axis}"
            raise ValueError(message)
        if holds(x[:1] > x[-1:]):
            x, values = x[::-1], np.flip(values, axis)
        if holds(np.diff(x) <= 0.0):
            message = f"The points in dimension {axis} must be strictly ascending or descending"
            raise ValueError(message)
        grid.append(x)
    return grid, values


def _cell(x: Any, points: Any) -> tuple[Any, Any, Any]:
    """Return lower and upper index of each point's cell, and its place between them."""
    n = np.shape(x)[0]
    low = np.clip(np.searchsorted(x, points, "right") - 1, 0, max(n - 2, 0))
    if n == 1:
        return low, low, 0.0 * points
    x_low, x_high = getitem(x, low), getitem(x, low + 1)
    return low, low + 1, (points - x_low) / (x_high - x_low)


class RegularGridInterpolator:
    """Interpolate data on a rectangular grid of any dimension.

    Parameters
    ----------
    points : sequence of (m_k,) arrays
        The grid along each of its d axes, increasing or decreasing.
    values : (m_1, ..., m_d, ...) array
        Values on the grid.
    method : {"linear", "nearest"}
    bounds_error : bool
        Whether a point outside the grid raises.
    fill_value : float or None
        What is outside; None extrapolates.
    """

    def __init__(
        self,
        points: Sequence[Any],
        values: Any,
        method: str = "linear",
        bounds_error: bool = True,
        fill_value: Any = np.nan,
    ) -> None:
        _require_method(method)
        values = floating(values)
        if len(points) > np.ndim(values):
            message = f"There are {len(points)} point arrays, but values has {np.ndim(values)} dimensions"
            raise ValueError(message)
        self.grid, self.values = _ascending(points, values)
        self.method, self.bounds_error, self.fill_value = method, bounds_error, fill_value

    def __call__(self, xi: Any, method: str | None = None) -> Any:
        """Return interpolated values at points (..., d)."""
        method = self.method if method is None else method
        _require_method(method)
        xi = _points(xi, len(self.grid))
        shape = np.shape(xi)[:-1]
        coordinates = np.reshape(xi, (-1, len(self.grid))).T
        outside = np.zeros(np.shape(coordinates)[1], bool)
        for x, points in zip(self.grid, coordinates, strict=True):
            outside = outside | (points < x[0]) | (points > x[-1])
        if self.bounds_error and holds(outside):
            message = "One of the requested xi is out of bounds"
            raise ValueError(message)
        y = self._linear(coordinates) if method == "linear" else self._nearest(coordinates)
        if not self.bounds_error and self.fill_value is not None:
            y = np.where(column(outside, np.ndim(y)), self.fill_value, y)
        y = np.where(column(np.any(np.isnan(coordinates), axis=0), np.ndim(y)), np.nan, y)
        return np.reshape(y, (*shape, *np.shape(self.values)[len(self.grid) :]))

    def _linear(self, coordinates: Any) -> Any:
        """Sum over the corners of the cell, each weighted with the volume opposite to it."""
        cells = [_cell(x, points) for x, points in zip(self.grid, coordinates, strict=True)]
        ndim = 1 + np.ndim(self.values) - len(self.grid)
        total = 0.0
        for corner in product((0, 1), repeat=len(cells)):
            weight: Any = 1.0
            for upper, (_, _, place) in zip(corner, cells, strict=True):
                weight = weight * (place if upper else 1.0 - place)
            index = tuple([cell[upper] for upper, cell in zip(corner, cells, strict=True)])
            total = total + column(weight, ndim) * getitem(self.values, index)
        return total

    def _nearest(self, coordinates: Any) -> Any:
        index = []
        for x, points in zip(self.grid, coordinates, strict=True):
            low, high, place = _cell(x, points)
            index.append(np.where(place > 0.5, high, low))
        return getitem(self.values, tuple(index))


def _points(xi: Any, d: int) -> Any:
    if isinstance(xi, tuple):
        xi = np.stack(np.broadcast_arrays(*[operand(x) for x in xi]), axis=-1)
    xi = floating(xi)
    if np.ndim(xi) == 0 or (np.ndim(xi) == 1 and d == 1 and np.shape(xi)[-1] != d):
        xi = xi[..., None]
    if np.shape(xi)[-1] != d:
        message = (
            f"The requested sample points xi have dimension {np.shape(xi)[-1]} but the grid has dimension {d}"
        )
        raise ValueError(message)
    return xi if np.ndim(xi) > 1 else xi[None]


def _require_method(method: str) -> None:
    if method not in {"linear", "nearest"}:
        raise ArgumentError(
            f"no derivative rule for interpolation on a grid with method {method!r}",
            instead='use "linear" or "nearest", or CubicSpline along one axis after the other.',
        )


def interpn(
    points: Sequence[Any],
    values: Any,
    xi: Any,
    method: str = "linear",
    bounds_error: bool = True,
    fill_value: Any = np.nan,
) -> Any:
    """Interpolate data on a rectangular grid: `RegularGridInterpolator(points, values, ...)(xi)`.

    Parameters
    ----------
    points, values, method, bounds_error, fill_value
        As those of `RegularGridInterpolator`.
    xi : (..., d) array, or tuple of d arrays

    Returns
    -------
    array
    """
    return RegularGridInterpolator(points, values, method, bounds_error, fill_value)(xi)


@mirrors(scipy.interpolate.griddata)
def griddata(*_args: Any, **_kwargs: Any) -> Any:
    """Refuse traced values: scattered data are interpolated on plain ones only."""
    raise RefusedError(
        "scipy.interpolate.griddata was called on a traced value",
        why="it triangulates scattered points with Qhull, and the triangles jump as points move.",
        instead="RegularGridInterpolator for data on a grid, or radial basis functions built with np.linalg.solve.",
    )

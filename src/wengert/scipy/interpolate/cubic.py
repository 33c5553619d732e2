"""Interpolating cubics: the spline with two continuous derivatives, PCHIP, and Akima's.

Each finds slopes at the data points, and is the cubic Hermite spline of those.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.numpy_protocol import operand
from wengert.scipy.interpolate.piecewise import CubicHermiteSpline, column, holds, prepare
from wengert.scipy.interpolate.tridiagonal import solve_tridiagonal

__all__ = ["Akima1DInterpolator", "CubicSpline", "PchipInterpolator"]


# Cubic spline -------------------------------------------------------------------------------------------------------
#
# With steps h_i = x_{i+1} - x_i and secants m_i, the second derivative is continuous if (de Boor 1978,
# chapter IV)
#   h_i s_{i-1} + 2 (h_{i-1} + h_i) s_i + h_{i-1} s_{i+1} = 3 (h_i m_{i-1} + h_{i-1} m_i),
# and each end adds one equation in the slopes next to it. An end condition is (entry on the diagonal, entry
# beside it, right-hand side); that of the right end is that of the left end, seen in a mirror.


def _end_condition(condition: Any, steps: tuple[Any, Any], secants: tuple[Any, Any], side: float) -> Any:
    (h, h_next), (m, m_next) = steps, secants
    if condition == "not-a-knot":
        d = h + h_next
        return h_next, d, ((h + 2.0 * d) * h_next * m + h * h * m_next) / d
    order, value = condition
    if order == 1:
        return 1.0 + 0.0 * h, 0.0 * h, value
    return 2.0 * h, h, 3.0 * m * h - side * 0.5 * value * h * h


def _check_condition(condition: Any, shape: tuple[int, ...]) -> Any:
    """Return "not-a-knot" or (order, value), or raise as SciPy does."""
    if isinstance(condition, str):
        known = {
            "not-a-knot": "not-a-knot",
            "periodic": "not-a-knot",
            "clamped": (1, np.zeros(shape)),
            "natural": (2, np.zeros(shape)),
        }
        if condition not in known:
            message = f"bc_type={condition} is not allowed."
            raise ValueError(message)
        return known[condition]
    order, value = condition
    value = operand(value)
    if order not in (1, 2):
        message = "The specified derivative order must be 1 or 2."
        raise ValueError(message)
    if np.shape(value) != shape:
        message = f"`deriv_value` shape {np.shape(value)} is not the expected one {shape}."
        raise ValueError(message)
    return order, value


def _solve(lower: Any, diagonal: Any, upper: Any, b: Any) -> Any:
    """Solve for right-hand sides of any number of axes."""
    flat = np.reshape(b, (np.shape(b)[0], -1))
    return np.reshape(solve_tridiagonal(lower, diagonal, upper, flat), np.shape(b))


def _inner_equations(h: Any, m: Any) -> tuple[Any, Any]:
    """Return diagonal and right-hand side of the equations at inner points."""
    wide = column(h, np.ndim(m))
    return 2.0 * (h[:-1] + h[1:]), 3.0 * (wide[1:] * m[:-1] + wide[:-1] * m[1:])


def _slopes(h: Any, m: Any, left: Any, right: Any) -> Any:
    if np.shape(h)[0] == 1:
        left, right = ((1, m[0]) if end == "not-a-knot" else end for end in (left, right))
    elif np.shape(h)[0] == 2 and left == "not-a-knot" and right == "not-a-knot":
        return _parabola(column(h, np.ndim(m)), m)
    near, beside = min(1, np.shape(h)[0] - 1), max(-2, -np.shape(h)[0])
    first = _end_condition(left, (h[0], h[near]), (m[0], m[near]), 1.0)
    last = _end_condition(right, (h[-1], h[beside]), (m[-1], m[beside]), -1.0)
    diagonal, b = _inner_equations(h, m)
    return _solve(
        np.concatenate([h[1:], last[1][None]]),
        np.concatenate([first[0][None], diagonal, last[0][None]]),
        np.concatenate([first[1][None], h[:-1]]),
        np.concatenate([first[2][None], b, last[2][None]]),
    )


def _parabola(h: Any, m: Any) -> Any:
    """Slopes of the parabola through three points, which both conditions "not-a-knot" ask for."""
    curvature = (m[1] - m[0]) / (h[0] + h[1])
    return np.stack([m[0] - h[0] * curvature, m[0] + h[0] * curvature, m[1] + h[1] * curvature])


# Periodic: the unknowns are s_0 ... s_{n-2}, and the system is cyclic. The last unknown z is split off: the
# others are s = u + z v with two tridiagonal systems, and the last equation gives z.


def _periodic_slopes(h: Any, m: Any) -> Any:
    n = np.shape(h)[0]
    if n <= 2:
        wide = column(h, np.ndim(m))
        slope = np.sum(m / wide, axis=0) / np.sum(1.0 / wide, axis=0)
        return np.broadcast_to(slope, (n + 1, *np.shape(slope)))
    before, m_before = np.concatenate([h[-1:], h[:-1]]), np.concatenate([m[-1:], m[:-1]])
    h_c, before_c = column(h, np.ndim(m)), column(before, np.ndim(m))
    diagonal, b = 2.0 * (before + h), 3.0 * (h_c * m_before + before_c * m)
    corner = np.concatenate([-h[:1], np.zeros(n - 3), -before[-2:-1]])
    u = _solve(h[1:-1], diagonal[:-1], before[:-2], b[:-1])
    v = _solve(h[1:-1], diagonal[:-1], before[:-2], column(corner, np.ndim(m)))
    z = (b[-1] - before[-1] * u[0] - h[-1] * u[-1]) / (diagonal[-1] + before[-1] * v[0] + h[-1] * v[-1])
    s = u + z * v
    return np.concatenate([s, z[None], s[:1]])


class CubicSpline(CubicHermiteSpline):
    """Interpolating cubic spline, differentiable in points, data and breakpoints.

    Parameters
    ----------
    x : (n,) array
        Breakpoints, strictly increasing.
    y : array
        Values, of length n along `axis`.
    axis : int
    bc_type : str or pair
        "not-a-knot", "periodic", "clamped", "natural", or one of these or (order, value) for each end.
    extrapolate : bool or "periodic", optional
        Periodic where the conditions are, else True.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import grad
    >>> grad(lambda y: CubicSpline([0.0, 1.0, 2.0], y)(0.5))(np.array([0.0, 1.0, 4.0]))
    array([ 0.375,  0.75 , -0.125])
    """

    def __init__(
        self, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
    ) -> None:
        x, y, axis, _ = prepare(x, y, axis)
        ends = (bc_type, bc_type) if isinstance(bc_type, str) else tuple(bc_type)
        if len(ends) != 2 or (not isinstance(bc_type, str) and any(_is_periodic(end) for end in ends)):
            message = "`bc_type` must be a string, or a pair of conditions that are not 'periodic'."
            raise ValueError(message)
        h = np.diff(x)
        m = np.diff(y, axis=0) / column(h, np.ndim(y))
        left, right = [_check_condition(end, np.shape(y)[1:]) for end in ends]
        if _is_periodic(bc_type):
            if holds(~np.isclose(y[0], y[-1], rtol=1e-15, atol=1e-15)):
                message = "The first and last `y` must be identical when bc_type='periodic'."
                raise ValueError(message)
            extrapolate = "periodic" if extrapolate is None else extrapolate
            slopes = _periodic_slopes(h, m)
        else:
            slopes = _slopes(h, m, left, right)
        super().__init__(x, y, slopes, 0, extrapolate)
        self.axis = axis


def _is_periodic(condition: Any) -> bool:
    return isinstance(condition, str) and condition == "periodic"


# PCHIP --------------------------------------------------------------------------------------------------------------
#
# A slope is the weighted harmonic mean of the secants on either side, and 0 where these differ in sign
# (Fritsch, Butland 1984); the ends are one-sided, and keep the shape of the data (Moler 2004, section 3.6).


def _harmonic_slopes(h: Any, m: Any) -> Any:
    left, right = m[:-1], m[1:]
    flat = ~(left * right > 0.0) & ~((np.sign(left) == np.sign(right)) & (left != 0.0))
    w_left, w_right = 2.0 * h[1:] + h[:-1], h[1:] + 2.0 * h[:-1]
    mean = (w_left / np.where(flat, 1.0, left) + w_right / np.where(flat, 1.0, right)) / (w_left + w_right)
    return np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, mean))


def _one_sided(h: Any, h_next: Any, m: Any, m_next: Any) -> Any:
    d = ((2.0 * h + h_next) * m - h * m_next) / (h + h_next)
    overshoots = (np.sign(m) != np.sign(m_next)) & (np.abs(d) > 3.0 * np.abs(m))
    return np.where(np.sign(d) != np.sign(m), 0.0, np.where(overshoots, 3.0 * m, d))


class PchipInterpolator(CubicHermiteSpline):
    """Cubic that is monotone wherever the data are; kinks in the data where secants change sign.

    Parameters
    ----------
    x, y, axis, extrapolate
        As those of `CubicSpline`.
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
        x, y, axis, _ = prepare(x, y, axis)
        h = column(np.diff(x), np.ndim(y))
        m = np.diff(y, axis=0) / h
        if np.shape(m)[0] == 1:
            slopes = np.concatenate([m, m])
        else:
            first, last = _one_sided(h[0], h[1], m[0], m[1]), _one_sided(h[-1], h[-2], m[-1], m[-2])
            slopes = np.concatenate([first[None], _harmonic_slopes(h, m), last[None]])
        super().__init__(x, y, slopes, 0, extrapolate)
        self.axis = axis


# Akima --------------------------------------------------------------------------------------------------------------
#
# A slope is the mean of the secants on either side, each weighted with the change of secants on the other
# side (Akima 1970); two secants are added linearly at each end.

_BREAK = 1e-9  # SciPy's: where the weights are smaller, relative to the largest, the plain mean is taken


def _akima_slopes(m: Any, method: str) -> Any:
    left_1 = 2.0 * m[0] - m[1]
    left_2 = 2.0 * left_1 - m[0]
    right_1 = 2.0 * m[-1] - m[-2]
    right_2 = 2.0 * right_1 - m[-1]
    m = np.concatenate([left_2[None], left_1[None], m, right_1[None], right_2[None]])
    change = np.abs(np.diff(m, axis=0))
    if method == "makima":
        change = change + 0.5 * np.abs(m[1:] + m[:-1])
    before, behind = change[:-2], change[2:]
    total = before + behind
    defined = total > _BREAK * np.max(total, initial=0.0)
    weight = before / np.where(defined, total, 1.0)
    return np.where(defined, m[1:-2] + weight * (m[2:-1] - m[1:-2]), 0.5 * (m[3:] + m[:-3]))


class Akima1DInterpolator(CubicHermiteSpline):
    """Akima's local cubic, which does not overshoot at jumps.

    Parameters
    ----------
    x, y, axis
        As those of `CubicSpline`.
    method : {"akima", "makima"}
        "makima" also prefers the flatter side.
    extrapolate : bool or "periodic", optional
        False by default.
    """

    def __init__(
        self, x: Any, y: Any, axis: int = 0, *, method: str = "akima", extrapolate: Any = None
    ) -> None:
        if method not in {"akima", "makima"}:
            message = f"`method`={method} is unsupported."
            raise NotImplementedError(message)
        x, y, axis, _ = prepare(x, y, axis)
        m = np.diff(y, axis=0) / column(np.diff(x), np.ndim(y))
        slopes = np.concatenate([m, m]) if np.shape(m)[0] == 1 else _akima_slopes(m, method)
        super().__init__(x, y, slopes, 0, False if extrapolate is None else extrapolate)
        self.axis = axis

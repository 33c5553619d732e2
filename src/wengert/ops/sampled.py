"""Calculus of sampled functions: differences and the trapezoidal rule, on uniform and other grids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import implements, operand
from wengert.ops.casting import order_of, ordered
from wengert.types import type_of

__all__: list[str] = []


def _at(y: Any, axis: int, part: Any) -> Any:
    """Return part of y along an axis."""
    return y[(*[slice(None)] * axis, part)]


def _along(x: Any, axis: int, ndim: int) -> Any:
    """Return a vector as an array of `ndim` axes that varies along one of them."""
    return np.reshape(x, [-1 if i == axis else 1 for i in range(ndim)])


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integrate along an axis: the sum of h (y_0 + y_1) / 2 over the intervals."""
    y = operand(y)
    axis = normalize_axis_index(axis, np.ndim(y))
    h: Any = dx
    if x is not None:
        x = operand(x)
        h = _along(np.diff(x), axis, np.ndim(y)) if np.ndim(x) == 1 else np.diff(x, axis=axis)
    return np.sum(h * (_at(y, axis, slice(1, None)) + _at(y, axis, slice(None, -1))) / 2.0, axis=axis)


# gradient -------------------------------------------------------------------------------------------------------------
#
# Second order in the interior: with steps h to the left and k to the right,
#   f' = -k / (h (h + k)) f_- + (k - h) / (h k) f_0 + h / (k (h + k)) f_+           (Quarteroni, Sacco, Saleri, 10.10.1)
# At the ends one-sided differences of order `edge_order`.


def _spacings(varargs: Any, axes: tuple[int, ...], shape: tuple[int, ...]) -> list[Any]:
    """Return for each axis a step, or the vector of steps between coordinates."""
    if not varargs:
        return [1.0] * len(axes)
    if len(varargs) == 1 and np.ndim(operand(varargs[0])) == 0:
        return [operand(varargs[0])] * len(axes)
    if len(varargs) != len(axes):
        message = "invalid number of arguments"
        raise TypeError(message)
    return [_spacing(operand(x), shape[axis]) for x, axis in zip(varargs, axes, strict=True)]


def _spacing(x: Any, n: int) -> Any:
    if np.ndim(x) == 0:
        return x
    if np.ndim(x) != 1:
        message = "distances must be either scalars or 1d"
        raise ValueError(message)
    if np.size(x) != n:
        message = "when 1d, distances must match the length of the corresponding dimension"
        raise ValueError(message)
    steps = np.diff(x)
    if isinstance(steps, Traced):  # equal steps still have derivatives of their own
        return steps
    return steps[0] if np.all(steps == steps[0]) else steps


def _interior(f: Any, h: Any, axis: int) -> Any:
    below, here, above = (_at(f, axis, part) for part in (slice(None, -2), slice(1, -1), slice(2, None)))
    if np.ndim(h) == 0:
        return (above - below) / (2.0 * h)
    h, k = _along(h[:-1], axis, np.ndim(f)), _along(h[1:], axis, np.ndim(f))
    return -k / (h * (h + k)) * below + (k - h) / (h * k) * here + h / (k * (h + k)) * above


def _edge(f: Any, h: Any, axis: int, edge_order: int, *, end: bool) -> Any:
    """Return the one-sided difference at the first entry; at the last one seen from the other end."""
    sign = -1.0 if end else 1.0
    y = [
        _at(f, axis, slice(-1 - i, -1 - i + 1 or None) if end else slice(i, i + 1))
        for i in range(edge_order + 1)
    ]
    if edge_order == 1:
        return sign * (y[1] - y[0]) / (h if np.ndim(h) == 0 else h[-1 if end else 0])
    terms = [sign * c * v for c, v in zip(_edge_coefficients(h, end=end), y, strict=True)]
    first, second, third = reversed(terms) if end else terms  # NumPy's order, so that sums round as there
    return first + second + third


def _edge_coefficients(h: Any, *, end: bool) -> tuple[Any, Any, Any]:
    """Return the coefficients of second order, beginning at the edge."""
    if np.ndim(h) == 0:
        return -1.5 / h, 2.0 / h, -0.5 / h
    near, beyond = (h[-1], h[-2]) if end else (h[0], h[1])
    both = near + beyond
    return -(2.0 * near + beyond) / (near * both), both / (near * beyond), -near / (beyond * both)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Differentiate sampled values along axes."""
    f = operand(f)
    ndim = np.ndim(f)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
    spacings = _spacings(varargs, axes, np.shape(f))
    if edge_order > 2:
        message = "'edge_order' greater than 2 not supported"
        raise ValueError(message)
    if type_of(f).dtype.kind not in "fc":
        f = f.astype(np.float64)
    slopes = []
    for i, h in zip(axes, spacings, strict=True):
        if np.shape(f)[i] < edge_order + 1:
            message = (
                "Shape of array too small for a numerical gradient: edge_order + 1 elements are required."
            )
            raise ValueError(message)
        first, last = (_edge(f, h, i, edge_order, end=end) for end in (False, True))
        slope = np.concatenate([first, _interior(f, h, i), last], axis=i)
        slopes.append(ordered(slope, order_of(f)))
    return slopes[0] if len(axes) == 1 else tuple(slopes)

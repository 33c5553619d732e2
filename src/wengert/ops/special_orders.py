"""Derivatives of Bessel functions in their order, by `slope` of special_parameters.

Lengths. K and I change in v over sqrt(X), X = |(v, x)|, once their trend exp(rate v) with rate = asinh(v / x), the
saddle point of their integrals (DLMF 10.32.9), is taken out; J and Y over 1, with rate acosh(v / x) for v > x. For
x -> 0 all of them are sums of (x/2)^v and (x/2)^-v, which differ over a length 1 / log(1/x).

I near v = 0. There the derivative of I, which is -K for v = 0, is smaller than I by exp(-2x), and differences of I
would lose it. The even part E = I + sin(pi v) / pi K (DLMF 10.27.2) is interpolated symmetrically, without loss, and
for the rest the derivative of K is used, which is of the right size. K is even in v, and I of negative order is
I_-v = I_v + 2/pi sin(pi v) K_v (DLMF 10.27.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from wengert.ops.special_parameters import constant, double, slope

__all__ = ["order_of_i", "order_of_ive", "order_of_k", "oscillating_order"]


def _at_origin(v: Any) -> Any:
    """Return the derivative of J and I in v at x = 0, where both are 0 for v > 0 and 1 for v = 0."""
    return np.where(v > 0, 0.0, np.where(v == 0, -np.inf, np.nan))


def _near_zero(x: Any) -> Any:
    return 1.0 / (1.0 + np.arcsinh(1.0 / np.absolute(x)))


def _length(v: Any, x: Any) -> Any:
    return np.sqrt(1.0 + np.hypot(v, np.absolute(x))) * _near_zero(x)


def _rate(v: Any, x: Any) -> Any:
    rate = np.arcsinh(v / np.absolute(x))
    return np.where(np.isfinite(rate), rate, 0.0)


def _oscillating_rate(v: Any, x: Any) -> Any:
    rate = np.sign(v) * np.arccosh(np.maximum(1.0, (np.absolute(v) + 0.5) / np.absolute(x)))
    return np.where(np.isfinite(rate), rate, 0.0)


at_origin_ = constant("order_at_origin", _at_origin, operands=1, doc="Derivative of J and I in v at 0.")
length_ = constant("order_length", _length, operands=2, doc="Length on which K and I change in their order.")
rate_ = constant("order_rate", _rate, operands=2, doc="Logarithmic slope of K in its order.")
oscillating_length_ = constant(
    "oscillating_order_length",
    lambda v, x: _near_zero(x) + 0.0 * v,
    operands=2,
    doc="Length on which J and Y change in their order.",
)
oscillating_rate_ = constant(
    "oscillating_order_rate",
    _oscillating_rate,
    operands=2,
    doc="Logarithmic slope of Y in its order, 0 for v < x.",
)


def oscillating_order(fun: Callable[..., Any], sign: float) -> Callable[..., Any]:
    """Return the partial in v of a function that behaves like J (sign -1) or Y and the Hankel functions (sign 1)."""

    def partial(_y: Any, v: Any, x: Any) -> Any:
        v, x = double(v), double(x)
        with np.errstate(all="ignore"):
            length, rate = oscillating_length_(v, x), sign * oscillating_rate_(v, x)
            found = slope(lambda shift: fun(v + shift, x), length, rate)
            return np.where(x == 0, at_origin_(v), found) if sign < 0 else found

    return partial


def order_of_k(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return the partial in v of kv or kve."""

    def partial(_y: Any, v: Any, x: Any) -> Any:
        v, x = double(v), double(x)
        with np.errstate(all="ignore"):
            return _order_of_k(fun, v, x)

    return partial


def _order_of_k(fun: Callable[..., Any], v: Any, x: Any) -> Any:
    negative = v < 0
    size = np.where(negative, -v, v)
    found = slope(lambda shift: fun(size + shift, x), length_(size, x), rate_(size, x))
    return np.where(negative, -found, found)


def order_of_i(_y: Any, v: Any, x: Any) -> Any:
    """Return the partial in v of iv."""
    return _order_of_i(special.iv, special.kv, double(v), double(x))


def order_of_ive(_y: Any, v: Any, x: Any) -> Any:
    """Return the partial in v of ive, whose companion with the same factor exp(-|x|) is exp(-2|x|) kve."""

    def k(v: Any, x: Any) -> Any:
        return np.exp(-2.0 * x) * special.kve(v, x)

    return _order_of_i(special.ive, k, double(v), double(x))


def _order_of_i(i: Callable[..., Any], k: Callable[..., Any], v: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        if np.result_type(x).kind == "c":
            return slope(lambda shift: i(v + shift, x), length_(v, x), -rate_(v, x))
        negative = v < 0
        size = np.where(negative, -v, v)
        small = (size < 1.0) & (x > 1.0)
        inside, outside = np.where(small, size, 0.5), np.where(small, 1.5, size)
        found = np.where(small, _small_order(i, k, inside, np.where(small, x, 2.0)), _order(i, outside, x))
        reflected = np.pi * np.cos(np.pi * size) * k(size, x) + np.sin(np.pi * size) * _order_of_k(k, size, x)
        found = np.where(negative, -found - 2.0 / np.pi * reflected, found)
        return np.where(x == 0, at_origin_(v), found)


def _order(i: Callable[..., Any], v: Any, x: Any) -> Any:
    return slope(lambda shift: i(v + shift, x), length_(v, x), -rate_(v, x))


def _small_order(i: Callable[..., Any], k: Callable[..., Any], v: Any, x: Any) -> Any:
    def even(shift: Any) -> Any:
        u = v + shift
        u = np.where(u < 0, -u, u)
        return i(u, x) + np.sin(np.pi * u) / np.pi * k(u, x)

    odd = np.cos(np.pi * v) * k(v, x) + np.sin(np.pi * v) / np.pi * _order_of_k(k, v, x)
    return slope(even, length_(v, x), -rate_(v, x)) - odd

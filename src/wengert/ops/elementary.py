"""Exponentials, logarithms, trigonometric and hyperbolic functions and their inverses.

Formulas are those of DLMF chapter 4. Where a formula in the result y costs less than one in x, and loses no
accuracy, it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.lowering import Builder
from wengert.ops.families import binary, elementwise, match, unary
from wengert.ops.recurrences import (
    angle,
    growing,
    rising,
    root,
    series_rule,
    shared,
    squared,
    squares,
    turning,
)

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh", "deg2rad", "degrees",
    "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2", "rad2deg", "radians", "sin",
    "sinh", "tan", "tanh",
]  # fmt: skip

_LN2, _LN10 = math.log(2.0), math.log(10.0)
_DEGREE = math.pi / 180.0


# Power series, see `recurrences`: what y' = w x' has for w, or w y' = x'.


def _result(k: int, y: list[Any]) -> Any:
    return y[k]


def _operand(_y: Any, x: Sequence[Any]) -> list[Any]:
    return list(x)


def _shifted_square(sign: float) -> Callable[..., Any]:
    """Return the rule of w = 1 + y^2 or 1 - y^2."""

    def slope(k: int, y: list[Any]) -> Any:
        if k == 0:
            return 1.0 + sign * (y[0] * y[0])
        y_k = squared(y, k)
        return y_k if y_k is None or sign == 1.0 else -y_k

    return slope


def _with_square(value: Callable[..., Any], sign: float) -> Callable[..., Any]:
    """Return the rule of w = 1 + x^2 or 1 - x^2, from its value."""

    def under(y: Any, x: Sequence[Any]) -> list[Any]:
        _, *rest = squares(None, x)
        return [value(y, x[0]), *[c if c is None or sign == 1.0 else -c for c in rest]]

    return under


def _root_with_square(value: Callable[..., Any], sign: float) -> Callable[..., Any]:
    """Return the rule of a root of 1 + x^2, x^2 - 1 or 1 - x^2, from its value."""

    def under(y: Any, x: Sequence[Any]) -> list[Any]:
        return root(value(y, x[0]), _with_square(lambda *_: None, sign)(y, x))

    return under


# Exponentials and logarithms ----------------------------------------------------------------------------------------

exp = elementwise(
    np.exp,
    (lambda y, x: y,),
    taylor=series_rule(np.exp, growing(_result)),
    lower="exp",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Exponential of x. DLMF 4.7.",
)

exp2 = elementwise(
    np.exp2,
    (lambda y, x: _LN2 * y,),
    taylor=series_rule(np.exp2, growing(lambda k, y: None if y[k] is None else _LN2 * y[k])),
    lower="exp2",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Power 2^x. DLMF 4.7.10.",
)

# y + 1 would have no digit right for x < -37.
expm1 = elementwise(
    np.expm1,
    (lambda y, x: np.exp(x),),
    taylor=series_rule(np.expm1, lambda y, x: growing(_result)(np.exp(x[0]), x)),
    lower="expm1",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="exp(x) - 1, accurate near 0. DLMF 4.7.",
)

log = elementwise(
    np.log,
    (lambda y, x: 1.0 / x,),
    taylor=series_rule(np.log, rising(_operand)),
    lower="log",
    samples=unary(0.5, 4.0),
    complex=True,
    doc="Natural logarithm of x, principal branch; infinite partial at 0. DLMF 4.7.1.",
)

log2 = elementwise(
    np.log2,
    (lambda y, x: (1.0 / _LN2) / x,),
    taylor=series_rule(np.log2, rising(_operand, 1.0 / _LN2)),
    lower="log2",
    samples=unary(0.5, 4.0),
    complex=True,
    doc="Logarithm of x to base 2; infinite partial at 0. DLMF 4.7.1.",
)

log10 = elementwise(
    np.log10,
    (lambda y, x: (1.0 / _LN10) / x,),
    taylor=series_rule(np.log10, rising(_operand, 1.0 / _LN10)),
    lower="log10",
    samples=unary(0.5, 4.0),
    complex=True,
    doc="Logarithm of x to base 10; infinite partial at 0. DLMF 4.7.1.",
)

log1p = elementwise(
    np.log1p,
    (lambda y, x: 1.0 / (1.0 + x),),
    taylor=series_rule(np.log1p, rising(lambda y, x: [1.0 + x[0], *x[1:]])),
    lower="log1p",
    samples=unary(-0.5, 4.0),
    complex=True,
    doc="log(1 + x), accurate near 0; infinite partial at -1. DLMF 4.7.1.",
)


# logaddexp --------------------------------------------------------------------------------------------------------
#
# y = log(e^x1 + e^x2) has the partials 1 / (1 + e^d) with d = x2 - x1, and the same with -d. Written with
# e^-|d|, they neither overflow nor lose a digit, however far apart the operands are and however large; e^(x1
# - y) would have the error of y. The selections by the sign of d are of equal values at d = 0, so derivatives
# there are right too. Where both operands are infinite and equal the function is their maximum: a tie.


def _share(power: np.ufunc, x1: Any, x2: Any) -> Any:
    d = np.where((x1 == x2) & np.isinf(x1), 0.0, x2 - x1)
    smaller = power(np.where(d > 0, -d, d))
    return np.where(d > 0, smaller, 1.0) / (1.0 + smaller)


def _shared_series(power: np.ufunc, ratio: float) -> Callable[..., Any]:
    solve = shared(ratio)
    return lambda y, a, b: solve(y, a, b, (_share(power, a[0], b[0]), _share(power, b[0], a[0])))


def _logaddexp_lower(power: str, tie: float, unit: float) -> Callable[..., Any]:
    """Return the rule of max + unit log1p(power(-|d|)), as NumPy does; equal ones may be infinite."""

    def rule(b: Builder, x1: Any, x2: Any) -> Any:
        d = b("sub", x1, x2)
        tail = b("log1p", b(power, b("neg", b("abs", d))))
        tail = tail if unit == 1.0 else b("mul", tail, b.constant(unit, x1))
        y = b("add", b("select", b("gt", d, b.constant(0, d)), x1, x2), tail)
        return b("select", b("eq", x1, x2), b("add", x1, b.constant(tie, x1)), y)

    return rule


logaddexp = elementwise(
    np.logaddexp,
    (lambda y, x1, x2: _share(np.exp, x1, x2), lambda y, x1, x2: _share(np.exp, x2, x1)),
    taylor=series_rule(np.logaddexp, _shared_series(np.exp, 1.0)),
    lower=_logaddexp_lower("exp", _LN2, 1.0),
    samples=binary(-2.0, 2.0, -2.0, 2.0),
    doc="log(e^x1 + e^x2) without overflow; equal infinite operands share the derivative.",
)

logaddexp2 = elementwise(
    np.logaddexp2,
    (lambda y, x1, x2: _share(np.exp2, x1, x2), lambda y, x1, x2: _share(np.exp2, x2, x1)),
    taylor=series_rule(np.logaddexp2, _shared_series(np.exp2, _LN2)),
    lower=_logaddexp_lower("exp2", 1.0, 1.0 / _LN2),
    samples=binary(-2.0, 2.0, -2.0, 2.0),
    doc="log2(2^x1 + 2^x2) without overflow; equal infinite operands share the derivative.",
)


# Trigonometric functions --------------------------------------------------------------------------------------------

sin = elementwise(
    np.sin,
    (lambda y, x: np.cos(x),),
    taylor=series_rule(np.sin, turning(lambda y, x: (y, np.cos(x)), -1.0)),
    lower="sin",
    samples=unary(-3.0, 3.0),
    complex=True,
    doc="Sine of x in radians. DLMF 4.20.1.",
)

cos = elementwise(
    np.cos,
    (lambda y, x: -np.sin(x),),
    taylor=series_rule(np.cos, turning(lambda y, x: (y, -np.sin(x)), -1.0)),
    lower="cos",
    samples=unary(-3.0, 3.0),
    complex=True,
    doc="Cosine of x in radians. DLMF 4.20.2.",
)

tan = elementwise(
    np.tan,
    (lambda y, x: 1.0 + y * y,),
    taylor=series_rule(np.tan, growing(_shifted_square(1.0))),
    lower="tan",
    samples=unary(-1.2, 1.2),
    complex=True,
    doc="Tangent of x in radians. DLMF 4.20.3.",
)


def _cosine_of_arcsine(y: Any, x: Any) -> Any:
    """sqrt(1 - x^2), accurate near 1 and -1, on the side of the branch cut that the sign of a zero in x names.

    In complex arithmetic 1.0 - x and 1.0 + x would lose the sign of a zero imaginary part; x - c keeps it
    (Kahan 1987).
    """
    if y.dtype.kind == "c":
        return np.sqrt(-(x - 1.0)) * np.sqrt(x - (-1.0))
    return np.sqrt(1.0 - x) * np.sqrt(1.0 + x)


arcsin = elementwise(
    np.arcsin,
    (lambda y, x: 1.0 / _cosine_of_arcsine(y, x),),
    taylor=series_rule(np.arcsin, rising(_root_with_square(_cosine_of_arcsine, -1.0))),
    lower="asin",
    samples=unary(-0.8, 0.8),
    complex=True,
    doc="Inverse sine of x; infinite partial at 1 and -1. DLMF 4.24.7.",
)

arccos = elementwise(
    np.arccos,
    (lambda y, x: -1.0 / _cosine_of_arcsine(y, x),),
    taylor=series_rule(np.arccos, rising(_root_with_square(_cosine_of_arcsine, -1.0), -1.0)),
    lower="acos",
    samples=unary(-0.8, 0.8),
    complex=True,
    doc="Inverse cosine of x; infinite partial at 1 and -1. DLMF 4.24.8.",
)

arctan = elementwise(
    np.arctan,
    (lambda y, x: 1.0 / (1.0 + x * x),),
    taylor=series_rule(np.arctan, rising(_with_square(lambda _y, x: 1.0 + x * x, 1.0))),
    lower="atan",
    samples=unary(-3.0, 3.0),
    complex=True,
    doc="Inverse tangent of x. DLMF 4.24.9.",
)


# With h = hypot(x1, x2) the partials are x2 / h^2 and -x1 / h^2, here without overflow or underflow of h^2.
# The origin, where the angle is undefined, has gradient 0.


def _turn(x1: Any, x2: Any) -> Any:
    """x2 / (x1^2 + x2^2), and 0 at the origin."""
    h = np.hypot(x1, x2)
    origin = h == 0
    h = np.where(origin, 1, h)
    return np.where(origin, 0, x2 / h / h)


def _arctan2_quick(y_bar: Any, site: Any) -> Any:
    """Return the products with x2 / h^2 and -x1 / h^2, if no h^2 overflows or loses digits to underflow."""
    _, prim, _, (x1, x2), _, _, (x1_site, x2_site) = site
    square = x1 * x1 + x2 * x2
    limits = np.finfo(square.dtype)
    if not square.size or not limits.tiny / limits.eps < np.min(square) <= np.max(square) <= limits.max:
        return prim.vjp(y_bar, site)
    return (
        None if x1_site is None else match(y_bar * (x2 / square), x1),
        None if x2_site is None else match(y_bar * (-x1 / square), x2),
    )


arctan2 = elementwise(
    np.arctan2,
    (lambda y, x1, x2: _turn(x1, x2), lambda y, x1, x2: -_turn(x2, x1)),
    quick=_arctan2_quick,
    taylor=series_rule(np.arctan2, angle),
    lower="atan2",
    samples=binary(-2.0, -0.5, -2.0, 2.0),
    doc="Angle of the point (x2, x1) in radians, with gradient 0 at the origin. DLMF 4.23.",
)


def _scaled(numerator: float, denominator: float) -> Callable[..., Any]:
    """Return the rule of a product with a ratio that is rounded in the type of the operand."""
    return lambda b, x: b("mul", x, b("div", b.constant(numerator, x), b.constant(denominator, x)))


degrees = elementwise(
    np.degrees,
    (lambda y, x: 1.0 / _DEGREE,),
    lower=_scaled(180.0, math.pi),
    samples=unary(-3.0, 3.0),
    doc="Radians x in degrees.",
)
rad2deg = elementwise(
    np.rad2deg,
    (lambda y, x: 1.0 / _DEGREE,),
    lower=_scaled(180.0, math.pi),
    samples=unary(-3.0, 3.0),
    doc="Radians x in degrees.",
)
radians = elementwise(
    np.radians,
    (lambda y, x: _DEGREE,),
    lower=_scaled(math.pi, 180.0),
    samples=unary(-180.0, 180.0),
    doc="Degrees x in radians.",
)
deg2rad = elementwise(
    np.deg2rad,
    (lambda y, x: _DEGREE,),
    lower=_scaled(math.pi, 180.0),
    samples=unary(-180.0, 180.0),
    doc="Degrees x in radians.",
)


# Hyperbolic functions -----------------------------------------------------------------------------------------------

sinh = elementwise(
    np.sinh,
    (lambda y, x: np.cosh(x),),
    taylor=series_rule(np.sinh, turning(lambda y, x: (y, np.cosh(x)), 1.0)),
    lower="sinh",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Hyperbolic sine of x. DLMF 4.34.1.",
)

cosh = elementwise(
    np.cosh,
    (lambda y, x: np.sinh(x),),
    taylor=series_rule(np.cosh, turning(lambda y, x: (y, np.sinh(x)), 1.0)),
    lower="cosh",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Hyperbolic cosine of x. DLMF 4.34.2.",
)


# The error of 1 - y^2 is an ulp of 1, not of the derivative: tanh itself has lost those digits.
def _tanh_quick(y_bar: Any, site: Any) -> tuple[Any]:
    """Return y_bar - y_bar y y: no constant to convert, and one temporary."""
    y = site[4]
    x_bar = y_bar * y
    x_bar *= y
    return (y_bar - x_bar,)


tanh = elementwise(
    np.tanh,
    (lambda y, x: 1.0 - y * y,),
    quick=_tanh_quick,
    taylor=series_rule(np.tanh, growing(_shifted_square(-1.0))),
    lower="tanh",
    samples=unary(-3.0, 3.0),
    complex=True,
    doc="Hyperbolic tangent of x. DLMF 4.34.3.",
)

# In complex arithmetic cosh y = sqrt(1 + x^2) and sinh y = sqrt(x - 1) sqrt(x + 1) are on the right side of
# the branch cuts; for large real x they would have the error of y magnified |y| times.


def _cosh_of_arcsinh(y: Any, x: Any) -> Any:
    return np.cosh(y) if y.dtype.kind == "c" else np.hypot(1.0, x)


def _sinh_of_arccosh(y: Any, x: Any) -> Any:
    return np.sinh(y) if y.dtype.kind == "c" else np.sqrt(x - 1.0) * np.sqrt(x + 1.0)


arcsinh = elementwise(
    np.arcsinh,
    (lambda y, x: 1.0 / _cosh_of_arcsinh(y, x),),
    taylor=series_rule(np.arcsinh, rising(_root_with_square(_cosh_of_arcsinh, 1.0))),
    lower="asinh",
    samples=unary(-3.0, 3.0),
    complex=True,
    doc="Inverse hyperbolic sine of x. DLMF 4.38.9.",
)

arccosh = elementwise(
    np.arccosh,
    (lambda y, x: 1.0 / _sinh_of_arccosh(y, x),),
    taylor=series_rule(np.arccosh, rising(_root_with_square(_sinh_of_arccosh, 1.0))),
    lower="acosh",
    samples=unary(1.5, 4.0),
    complex=True,
    doc="Inverse hyperbolic cosine of x; infinite partial at 1. DLMF 4.38.10.",
)

arctanh = elementwise(
    np.arctanh,
    (lambda y, x: 1.0 / ((1.0 - x) * (1.0 + x)),),
    taylor=series_rule(np.arctanh, rising(_with_square(lambda _y, x: (1.0 - x) * (1.0 + x), -1.0))),
    lower="atanh",
    samples=unary(-0.8, 0.8),
    complex=True,
    doc="Inverse hyperbolic tangent of x; infinite partial at 1 and -1. DLMF 4.38.11.",
)

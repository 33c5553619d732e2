"""Arithmetic: sums, products, quotients, powers and roots.

A partial derivative is written with as few NumPy calls as it can be: it is the inner loop of every program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.lowering import Builder
from wengert.ops.entries import is_float, numeric
from wengert.ops.families import binary, elementwise, match, unary
from wengert.ops.recurrences import power as power_series
from wengert.ops.recurrences import products, quotient, root, series_rule, squares

__all__ = [
    "add",
    "cbrt",
    "divide",
    "float_power",
    "multiply",
    "negative",
    "positive",
    "power",
    "reciprocal",
    "sqrt",
    "square",
    "subtract",
]

add = elementwise(
    np.add,
    (1, 1),
    lower=numeric("add", lambda b, x1, x2: b("or", x1, x2)),
    samples=binary(-2.0, 2.0, -2.0, 2.0),
    complex=True,
    doc="Sum x1 + x2.",
    cheap=True,
)

subtract = elementwise(
    np.subtract,
    (1, -1),
    lower="sub",
    samples=binary(-2.0, 2.0, -2.0, 2.0),
    complex=True,
    doc="Difference x1 - x2.",
    cheap=True,
)


def _multiply_quick(y_bar: Any, site: Any) -> tuple[Any, Any]:
    """Return y_bar x2 and y_bar x1, without a call for the partials: the commonest rule of all."""
    x1, x2 = site[3]
    x1_site, x2_site = site[6]
    x1_bar = x2_bar = None
    if x1_site is not None:
        x1_bar = y_bar * x2
        if type(x2) is not float and (x1_bar.dtype is not x1.dtype or x1_bar.shape != x1.shape):
            x1_bar = match(x1_bar, x1)
    if x2_site is not None:
        x2_bar = y_bar * x1
        if type(x1) is not float and (x2_bar.dtype is not x2.dtype or x2_bar.shape != x2.shape):
            x2_bar = match(x2_bar, x2)
    return x1_bar, x2_bar


multiply = elementwise(
    np.multiply,
    (lambda y, x1, x2: x2, lambda y, x1, x2: x1),
    quick=_multiply_quick,
    taylor=series_rule(np.multiply, products),
    lower=numeric("mul", lambda b, x1, x2: b("and", x1, x2)),
    samples=binary(-2.0, 2.0, -2.0, 2.0),
    complex=True,
    doc="Product x1 x2.",
    cheap=True,
)


def _divide_quick(y_bar: Any, site: Any) -> tuple[Any, Any]:
    """Return y_bar / x2 and -y y_bar / x2: one division less than the products with the partials."""
    _, _, _, (x1, x2), y, _, (x1_site, x2_site) = site
    x1_bar = y_bar / x2
    x2_bar = None if x2_site is None else match(-y * x1_bar, x2)
    return None if x1_site is None else match(x1_bar, x1), x2_bar


divide = elementwise(
    np.divide,
    (lambda y, x1, x2: np.divide(1.0, x2), lambda y, x1, x2: -y / x2),  # a Python 1.0 / 0.0 would raise
    taylor=series_rule(np.divide, quotient),
    lower="div",
    samples=binary(-2.0, 2.0, 0.5, 2.0),
    quick=_divide_quick,
    complex=True,
    doc="Quotient x1 / x2; infinite partials at x2 = 0.",
    cheap=True,
)

negative = elementwise(
    np.negative,
    (-1,),
    lower="neg",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Negative -x.",
    cheap=True,
)

positive = elementwise(
    np.positive,
    (1,),
    lower=lambda b, x: x,
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="The value x itself.",
    cheap=True,
)


def _reciprocal_lower(b: Builder, x: Any) -> Any:
    """Of integers it is what the machine makes of 1 / 0."""
    return b("div", b.constant(1, x), x) if is_float(x) else None


reciprocal = elementwise(
    np.reciprocal,
    (lambda y, x: -y * y,),
    taylor=series_rule(np.reciprocal, lambda y, x: quotient(y, [None] * len(x), x)),
    lower=_reciprocal_lower,
    samples=unary(0.5, 2.0),
    complex=True,
    doc="Reciprocal 1 / x; infinite partial at 0.",
)

square = elementwise(
    np.square,
    (lambda y, x: 2.0 * x,),
    taylor=series_rule(np.square, squares),
    lower=lambda b, x: b("mul", x, x),
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Square of x.",
    cheap=True,
)

sqrt = elementwise(
    np.sqrt,
    (lambda y, x: 0.5 / y,),
    taylor=series_rule(np.sqrt, root),
    lower="sqrt",
    samples=unary(0.5, 4.0),
    complex=True,
    doc="Square root of x, principal branch; infinite partial at 0. DLMF 4.2.",
)

# A power of y, not 1 / (3 y^2): its derivative at 0 is infinite too, where that of y^2 there would be 0.
cbrt = elementwise(
    np.cbrt,
    (lambda y, x: y**-2.0 / 3.0,),
    lower="cbrt",
    samples=unary(0.5, 4.0),
    doc="Real cube root of x, odd; infinite partial at 0.",
)


# power ------------------------------------------------------------------------------------------------------------
#
#   d(x^n)/dx = n x^(n-1)        and 0 for n = 0, at x = 0 too, where the formula would say 0 * inf
#   d(x^n)/dn = x^n log x        and 0 where a real x is not positive: x^n is then no function of a real n
#
# The base's partial is a power again, so x^3 has finite derivatives of every order at 0: 3 x^2, 6 x, 6 x^0,
# 0.


def _power_base(y: Any, x: Any, n: Any) -> Any:
    if isinstance(
        n, float | int
    ):  # a Python number: the exponent of the partial is known, and keeps x's precision
        return 2.0 * x if n == 2 else 0.0 if n == 0 else n * x ** (n - 1)
    return n * x ** np.where((n == 0) & (x == 0), 1, n - 1)


def _power_exponent(y: Any, x: Any, n: Any) -> Any:
    is_complex = y.dtype.kind == "c"
    smooth = x != 0 if is_complex else np.logical_not(x <= 0)  # nan is passed on
    base = np.where(smooth, x, 1)
    return np.where(smooth, y * np.log(base + 0j if is_complex else base), 0)


# An exponent that is known is a few operations. NumPy does so too for -1, 0, 1/2, 1 and 2 (a root of -0 is -0 then,
# where the power of an unknown exponent is 0); the others are within 2 ulp of the power. x^-2 is the square of 1 / x,
# which neither overflows nor underflows where the square of x would. Powers of integers are left to NumPy, which raises
# for negative exponents.


def _squared(b: Builder, x: Any) -> Any:
    return b("mul", x, x)


def _inverted(b: Builder, x: Any) -> Any:
    return b("div", b.constant(1, x), x)


_KNOWN_POWERS: dict[float, Callable[..., Any]] = {
    -2.0: lambda b, x: _squared(b, _inverted(b, x)),
    -1.0: _inverted,
    0.0: lambda b, x: b.constant(1, x),
    0.5: lambda b, x: b("sqrt", x),
    1.0: lambda b, x: x,
    2.0: _squared,
    3.0: lambda b, x: b("mul", _squared(b, x), x),
    4.0: lambda b, x: _squared(b, _squared(b, x)),
}


def _power_lower(b: Builder, x: Any, n: Any) -> Any:
    if not is_float(x):
        return None
    known = _KNOWN_POWERS.get(getattr(n, "value", None))  # type: ignore[arg-type]
    return known(b, x) if known else b("pow", x, n)


power = elementwise(
    np.power,
    (_power_base, _power_exponent),
    taylor=series_rule(np.power, power_series),
    lower=_power_lower,
    samples=binary(0.5, 2.0, -2.0, 2.0),
    complex=True,
    doc="Power x1 ** x2; the partial to a real exponent is 0 where the base is not positive. DLMF 4.2(iv).",
)

float_power = elementwise(
    np.float_power,
    (_power_base, _power_exponent),
    taylor=series_rule(np.float_power, power_series),
    lower=_power_lower,
    samples=binary(0.5, 2.0, -2.0, 2.0),
    complex=True,
    doc="Power x1 ** x2 in double precision; derivatives as those of power. DLMF 4.2(iv).",
)

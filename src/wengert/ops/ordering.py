"""The larger and the smaller of two numbers, and the step between them.

Where x1 = x2 the two operands of maximum and minimum share the derivative equally: (1/2, 1/2) lies in the
middle of the subdifferential. Complex numbers are ordered as NumPy orders them, by real part and then by
imaginary part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.lowering import Builder
from wengert.ops.entries import is_float, numeric
from wengert.ops.families import binary, elementwise, match

__all__ = ["fmax", "fmin", "heaviside", "maximum", "minimum"]


def _above(y: Any, x1: Any, x2: Any) -> Any:
    return np.where(x1 == x2, y.dtype.type(0.5), x1 > x2)  # beside booleans, Python's 0.5 is a double


def _below(y: Any, x1: Any, x2: Any) -> Any:
    return np.where(x1 == x2, y.dtype.type(0.5), x1 < x2)


def _without_ties(larger: np.ufunc) -> Callable[..., Any]:
    """Return the quick rule: without ties the shares are booleans, and cost half."""

    def quick(y_bar: Any, site: Any) -> Any:
        _, prim, _, (x1, x2), _, _, (x1_site, x2_site) = site
        if np.equal(x1, x2).any():
            return prim.vjp(y_bar, site)
        return (
            None if x1_site is None else match(y_bar * larger(x1, x2), x1),
            None if x2_site is None else match(y_bar * larger(x2, x1), x2),
        )

    return quick


maximum = elementwise(
    np.maximum,
    (_above, lambda y, x1, x2: _above(y, x2, x1)),
    quick=_without_ties(np.greater),
    lower=numeric("maximum", lambda b, x1, x2: b("or", x1, x2)),
    samples=binary(-2.0, 0.0, 0.5, 2.0),
    complex=True,
    doc="The larger of x1 and x2; ties share the derivative equally.",
    cheap=True,
)

minimum = elementwise(
    np.minimum,
    (_below, lambda y, x1, x2: _below(y, x2, x1)),
    quick=_without_ties(np.less),
    lower=numeric("minimum", lambda b, x1, x2: b("and", x1, x2)),
    samples=binary(-2.0, 0.0, 0.5, 2.0),
    complex=True,
    doc="The smaller of x1 and x2; ties share the derivative equally.",
    cheap=True,
)


def _not_nan(on_floats: str, on_integers: str, on_booleans: str) -> Callable[..., Any]:
    """Return the rule of an extreme that only floating-point numbers have apart from `maximum` or `minimum`."""

    def rule(b: Builder, x1: Any, x2: Any) -> Any:
        return b(on_floats if is_float(x1) else on_booleans if x1.type == "bool" else on_integers, x1, x2)

    return rule


# fmax and fmin take the other operand where one is nan.
fmax = elementwise(
    np.fmax,
    (
        lambda y, x1, x2: np.where(np.isnan(x2), 1.0, _above(y, x1, x2)),
        lambda y, x1, x2: np.where(np.isnan(x1), 1.0, _above(y, x2, x1)),
    ),
    lower=_not_nan("fmax", "maximum", "or"),
    samples=binary(-2.0, 0.0, 0.5, 2.0),
    complex=True,
    doc="The larger of x1 and x2, or the one that is not nan; ties share the derivative equally.",
)

fmin = elementwise(
    np.fmin,
    (
        lambda y, x1, x2: np.where(np.isnan(x2), 1.0, _below(y, x1, x2)),
        lambda y, x1, x2: np.where(np.isnan(x1), 1.0, _below(y, x2, x1)),
    ),
    lower=_not_nan("fmin", "minimum", "and"),
    samples=binary(-2.0, 0.0, 0.5, 2.0),
    complex=True,
    doc="The smaller of x1 and x2, or the one that is not nan; ties share the derivative equally.",
)


def _heaviside_lower(b: Builder, x1: Any, x2: Any) -> Any:
    zero, one = b.constant(0, x1), b.constant(1, x1)
    y = b("select", b("gt", x1, zero), one, b("select", b("eq", x1, zero), x2, x1))
    return b("select", b("lt", x1, zero), zero, y)


heaviside = elementwise(
    np.heaviside,
    (0, lambda y, x1, x2: x1 == 0),
    lower=_heaviside_lower,
    samples=binary(-2.0, 2.0, -2.0, 2.0),
    doc="Step function of x1 with the value x2 at 0; its derivative to x1 is zero. DLMF 1.16.13.",
)

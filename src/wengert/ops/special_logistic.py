"""Logistic functions, entropies, robust losses, Box-Cox transforms, and small elementary functions of scipy.special."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np
from scipy import special

from wengert.ops import special_lowering as lowering
from wengert.ops.families import binary, elementwise, masked, nondifferentiable, unary
from wengert.ops.recurrences import growing, logistic, series_rule
from wengert.ops.special_families import parameters, removable
from wengert.ops.special_hypergeometric import kummer

__all__: list[str] = []

_DEGREE = pi / 180.0
_LN2, _LN10 = log(2.0), log(10.0)


# Logistic -----------------------------------------------------------------------------------------------------------


def _log_expit_series(y: Any, x: Any) -> list[Any]:
    """Return the coefficients of log_expit, whose derivative is the logistic function of -x."""
    minus = [None if c is None else -c for c in x]
    slopes = logistic(special.expit(minus[0]), special.expit(x[0]), minus)
    return growing(lambda k, _ys: slopes[k])(y, x)


# y (1 - y) would lose the digits of 1 - y for large x.
elementwise(
    special.expit,
    (lambda y, x: y * special.expit(-x),),
    taylor=series_rule(special.expit, lambda y, x: logistic(y, special.expit(-x[0]), x)),
    lower="sigmoid",
    samples=unary(-3.0, 3.0),
    doc="Logistic function 1 / (1 + exp(-x)).",
)

elementwise(
    special.log_expit,
    (lambda y, x: special.expit(-x),),
    taylor=series_rule(special.log_expit, _log_expit_series),
    lower=lowering.log_expit,
    samples=unary(-3.0, 3.0),
    doc="Logarithm of the logistic function.",
)

elementwise(
    special.logit,
    (lambda y, x: 1.0 / (x * (1.0 - x)),),
    lower=lowering.logit,
    samples=unary(0.1, 0.9),
    doc="Inverse log(x / (1 - x)) of the logistic function; infinite partial at 0 and 1.",
)


# Entropies ----------------------------------------------------------------------------------------------------------
#
# x log y is 0 at x = 0, whatever y. The product in its partial x / y is masked, so that it is 0 at (0, 0) and yet has
# itself the partial 1 / y there. At (0, 0) the ratio x / y is taken as 1, its value along x = y.

elementwise(
    special.xlogy,
    (lambda y, x1, x2: np.log(x2), lambda y, x1, x2: masked(x1, 1.0 / x2)),
    lower=lowering.xlog("log"),
    samples=binary(-2.0, 2.0, 0.5, 2.0),
    complex=True,
    doc="x log(y), and 0 where x = 0.",
)

elementwise(
    special.xlog1py,
    (lambda y, x1, x2: np.log1p(x2), lambda y, x1, x2: masked(x1, 1.0 / (1.0 + x2))),
    lower=lowering.xlog("log1p"),
    samples=binary(-2.0, 2.0, -0.5, 2.0),
    complex=True,
    doc="x log(1 + y), and 0 where x = 0.",
)

elementwise(
    special.entr,
    (lambda y, x: -np.log(x) - 1.0,),
    lower=lowering.entr,
    samples=unary(0.2, 2.0),
    doc="Entropy -x log(x), and 0 at 0, where the partial is infinite.",
)


def _log_ratio(x: Any, y: Any) -> Any:
    origin = (x == 0) & (y == 0)
    return np.log(np.where(origin, 1.0, x) / np.where(origin, 1.0, y))


elementwise(
    special.rel_entr,
    (lambda z, x, y: _log_ratio(x, y) + 1.0, lambda z, x, y: -masked(x, 1.0 / y)),
    lower=lowering.rel_entr,
    samples=binary(0.2, 2.0, 0.2, 2.0),
    doc="Relative entropy x log(x / y), and 0 where x = 0.",
)

elementwise(
    special.kl_div,
    (lambda z, x, y: _log_ratio(x, y), lambda z, x, y: 1.0 - masked(x, 1.0 / y)),
    lower=lowering.kl_div,
    samples=binary(0.2, 2.0, 0.2, 2.0),
    doc="Divergence x log(x / y) - x + y, and y where x = 0.",
)


# Robust losses ------------------------------------------------------------------------------------------------------

elementwise(
    special.huber,
    (
        lambda y, delta, r: np.where(np.absolute(r) <= delta, 0.0, np.absolute(r) - delta),
        lambda y, delta, r: np.where(np.absolute(r) <= delta, r, delta * np.sign(r)),
    ),
    lower=lowering.huber,
    samples=binary(0.5, 1.0, -2.0, 2.0),
    doc="Huber loss of the residual r: r^2 / 2 up to delta, linear beyond. Huber (1964).",
)


# delta^2 (s - 1) with u = r / delta and s = sqrt(1 + u^2): the partials are r / s and, since s - 1 = u^2 / (s + 1),
# 2 delta (s - 1) - r^2 / (delta s) = delta u^4 / (s (s + 1)^2), without cancellation for small u.


def _pseudo_huber_delta(y: Any, delta: Any, r: Any) -> Any:
    u = r / delta
    s = np.hypot(1.0, u)
    return delta * u * (u / s) * (u / (s + 1.0)) * (u / (s + 1.0))


elementwise(
    special.pseudo_huber,
    (_pseudo_huber_delta, lambda y, delta, r: r / np.hypot(1.0, r / delta)),
    lower=lowering.pseudo_huber,
    samples=binary(0.5, 1.0, -2.0, 2.0),
    doc="Smooth Huber loss delta^2 (sqrt(1 + (r / delta)^2) - 1) of the residual r.",
)


# Box-Cox ------------------------------------------------------------------------------------------------------------
#
# With L = log x and E(t) = (e^t - 1) / t:   (x^k - 1) / k = L E(k L), so the partial to k is L^2 E'(k L).
# With G(t) = log(1 + t) / t:   the inverse x(y, k) = (1 + k y)^(1/k) = exp(y G(k y)) has the partial x y^2 G'(k y).
# Both E' and G' are removable at t = 0, where they are hypergeometric (DLMF 13.6.2, 15.4.1), with all derivatives.


def _exprel_slope(t: Any) -> Any:
    return removable(
        t, lambda t: 0.5 * kummer(t, a=2.0, b=3.0), lambda t: (np.exp(t) - special.exprel(t)) / t
    )


def _log1prel_slope(t: Any) -> Any:
    return removable(
        t,
        lambda t: -0.5 * special.hyp2f1(2, 2, 3, -t),
        lambda t: (t / (1.0 + t) - np.log1p(t)) / (t * t),
    )


elementwise(
    special.exprel,
    (lambda y, x: _exprel_slope(x),),
    lower=lowering.exprel,
    samples=unary(-2.0, 2.0),
    doc="(exp(x) - 1) / x, and 1 at 0. DLMF 13.6.2.",
)


def _boxcox_order(logarithm: Any, order: Any) -> Any:
    return logarithm * logarithm * _exprel_slope(order * logarithm)


elementwise(
    special.boxcox,
    (lambda y, x, k: x ** (k - 1.0), lambda y, x, k: _boxcox_order(np.log(x), k)),
    lower=lowering.boxcox,
    samples=binary(0.5, 3.0, -1.0, 2.0),
    doc="Box-Cox transform (x^k - 1) / k, log(x) for k = 0. Box and Cox (1964).",
)

elementwise(
    special.boxcox1p,
    (lambda y, x, k: np.exp((k - 1.0) * np.log1p(x)), lambda y, x, k: _boxcox_order(np.log1p(x), k)),
    lower=lowering.boxcox1p,
    samples=binary(-0.5, 3.0, -1.0, 2.0),
    doc="Box-Cox transform of 1 + x. Box and Cox (1964).",
)

elementwise(
    special.inv_boxcox,
    (lambda y, z, k: y ** (1.0 - k), lambda y, z, k: y * z * z * _log1prel_slope(k * z)),
    lower=lowering.inv_boxcox,
    samples=binary(0.1, 2.0, -0.3, 2.0),
    doc="Inverse of the Box-Cox transform. Box and Cox (1964).",
)

elementwise(
    special.inv_boxcox1p,
    (
        lambda y, z, k: np.exp((1.0 - k) * np.log1p(y)),
        lambda y, z, k: (1.0 + y) * z * z * _log1prel_slope(k * z),
    ),
    lower=lowering.inv_boxcox1p,
    samples=binary(0.1, 2.0, -0.3, 2.0),
    doc="Inverse of the Box-Cox transform of 1 + x. Box and Cox (1964).",
)


# Elementary functions that NumPy has too, or nearly -----------------------------------------------------------------

elementwise(
    special.expm1,
    (lambda y, x: np.exp(x),),
    name="special.expm1",
    lower="expm1",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="exp(x) - 1, accurate near 0. DLMF 4.7.",
)

elementwise(
    special.log1p,
    (lambda y, x: 1.0 / (1.0 + x),),
    name="special.log1p",
    lower="log1p",
    samples=unary(-0.5, 4.0),
    complex=True,
    doc="log(1 + x), accurate near 0; infinite partial at -1. DLMF 4.7.1.",
)

elementwise(
    special.cosm1,
    (lambda y, x: -np.sin(x),),
    lower=lowering.cosm1,
    samples=unary(-3.0, 3.0),
    doc="cos(x) - 1, accurate near 0. DLMF 4.20.2.",
)

elementwise(
    special.cbrt,
    (lambda y, x: 1.0 / (3.0 * y * y),),
    name="special.cbrt",
    lower="cbrt",
    samples=unary(0.5, 4.0),
    doc="Real cube root of x; infinite partial at 0.",
)

elementwise(
    special.exp2,
    (lambda y, x: _LN2 * y,),
    name="special.exp2",
    lower="exp2",
    samples=unary(-2.0, 2.0),
    doc="Power 2^x. DLMF 4.7.10.",
)

elementwise(
    special.exp10,
    (lambda y, x: _LN10 * y,),
    lower=lowering.exp10,
    samples=unary(-2.0, 2.0),
    doc="Power 10^x. DLMF 4.7.10.",
)

elementwise(
    special.powm1,
    (
        lambda y, x, n: n * np.power(x, n - 1.0),
        lambda y, x, n: np.power(x, n) * np.log(x),
    ),
    samples=binary(0.5, 2.0, -2.0, 2.0),
    doc="Power x^y - 1, accurate near 0. DLMF 4.2(iv).",
)

elementwise(
    special.radian,
    (lambda y, d, m, s: _DEGREE, lambda y, d, m, s: _DEGREE / 60.0, lambda y, d, m, s: _DEGREE / 3600.0),
    lower=lowering.radian,
    samples=parameters((-3.0, 3.0), (-3.0, 3.0), (-3.0, 3.0)),
    doc="Degrees d, minutes m and seconds s in radians.",
)

elementwise(
    special.sindg,
    (lambda y, x: _DEGREE * special.cosdg(x),),
    samples=unary(-180.0, 180.0),
    doc="Sine of x in degrees. DLMF 4.20.1.",
)

elementwise(
    special.cosdg,
    (lambda y, x: -_DEGREE * special.sindg(x),),
    samples=unary(-180.0, 180.0),
    doc="Cosine of x in degrees. DLMF 4.20.2.",
)

elementwise(
    special.tandg,
    (lambda y, x: _DEGREE * (1.0 + y * y),),
    samples=unary(-70.0, 70.0),
    doc="Tangent of x in degrees. DLMF 4.20.3.",
)

elementwise(
    special.cotdg,
    (lambda y, x: -_DEGREE * (1.0 + y * y),),
    samples=unary(20.0, 160.0),
    doc="Cotangent of x in degrees. DLMF 4.20.6.",
)

nondifferentiable(
    special.round,
    name="special.round",
    lower=lowering.round_half_even,
    samples=unary(0.6, 1.4),
    doc="The whole number nearest to x; its derivative is zero.",
)

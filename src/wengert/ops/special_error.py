"""Error functions, the normal distribution, Fresnel integrals and Dawson's integral."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np
from scipy import special

from wengert.ops import special_lowering as lowering
from wengert.ops.families import binary, elementwise, unary
from wengert.ops.locations import anywhere
from wengert.ops.multiple import elementwise_multiple
from wengert.ops.special_families import parameters

__all__: list[str] = []

_TWO_BY_ROOT_PI = 2.0 / sqrt(pi)
_ROOT_TWO_PI = sqrt(2.0 * pi)
_ROOT_HALF = sqrt(0.5)


# Error functions ----------------------------------------------------------------------------------------------------

elementwise(
    special.erf,
    (lambda y, x: _TWO_BY_ROOT_PI * np.exp(-x * x),),
    lower="erf",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Error function of x. DLMF 7.2.1.",
)

elementwise(
    special.erfc,
    (lambda y, x: -_TWO_BY_ROOT_PI * np.exp(-x * x),),
    lower="erfc",
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Complementary error function 1 - erf(x). DLMF 7.2.2.",
)

elementwise(
    special.erfi,
    (lambda y, x: _TWO_BY_ROOT_PI * np.exp(x * x),),
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Imaginary error function -i erf(i x). DLMF 7.2.1.",
)

elementwise(
    special.erfinv,
    (lambda y, x: np.exp(y * y) / _TWO_BY_ROOT_PI,),
    samples=unary(-0.8, 0.8),
    doc="Inverse of erf; infinite partial at 1 and -1. DLMF 7.17.1.",
)

elementwise(
    special.erfcinv,
    (lambda y, x: -np.exp(y * y) / _TWO_BY_ROOT_PI,),
    samples=unary(0.2, 1.8),
    doc="Inverse of erfc; infinite partial at 0 and 2. DLMF 7.17.1.",
)


# erfcx and dawsn satisfy y' = 2 x y - 2/sqrt(pi) and F' = 1 - 2 x F, whose terms cancel all but 1/(2 x^2) of themselves
# for large x. There the asymptotic series is differentiated term by term (DLMF 7.12.1):
#   y' = -S(-u) / (sqrt(pi) x^2),   F' = -S(u) / (2 x^2),   u = 1 / (2 x^2),   S(u) = sum of (2m + 1)!! u^m.
# From |x| = 12 on the eleven terms used are exact to rounding.


def _double_factorials(u: Any) -> Any:
    total = 1.0
    for odd in range(21, 1, -2):
        total = 1.0 + odd * u * total
    return total


def _is_real(x: Any) -> bool:
    return bool(np.result_type(x).kind != "c")


def _erfcx_slope(y: Any, x: Any) -> Any:
    if not _is_real(y):
        return 2.0 * x * y - _TWO_BY_ROOT_PI
    far = x > 12.0
    t = np.where(far, x, 12.0)
    near = np.where(far, 0.0, x)
    series = -_double_factorials(-0.5 / (t * t)) / (sqrt(pi) * t * t)
    return np.where(far, series, 2.0 * near * special.erfcx(near) - _TWO_BY_ROOT_PI)


def _dawsn_slope(y: Any, x: Any) -> Any:
    if not _is_real(y):
        return 1.0 - 2.0 * x * y
    far = np.absolute(x) > 12.0
    t = np.where(far, x, 12.0)
    near = np.where(far, 0.0, x)
    u = 0.5 / (t * t)
    return np.where(far, -u * _double_factorials(u), 1.0 - 2.0 * near * special.dawsn(near))


elementwise(
    special.erfcx,
    (_erfcx_slope,),
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Scaled complementary error function exp(x^2) erfc(x). DLMF 7.12.1.",
)

elementwise(
    special.dawsn,
    (_dawsn_slope,),
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Dawson's integral of x. DLMF 7.2.5.",
)

elementwise(
    special.wofz,
    (lambda y, z: -2.0 * z * y + 1j * _TWO_BY_ROOT_PI,),
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Faddeeva function exp(-z^2) erfc(-i z). DLMF 7.10.2.",
)


# Normal distribution ------------------------------------------------------------------------------------------------

elementwise(
    special.ndtr,
    (lambda y, x: np.exp(-0.5 * x * x) / _ROOT_TWO_PI,),
    lower=lowering.ndtr,
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Normal distribution function erfc(-x / sqrt(2)) / 2. DLMF 7.2.2.",
)

elementwise(
    special.ndtri,
    (lambda y, p: _ROOT_TWO_PI * np.exp(0.5 * y * y),),
    samples=unary(0.1, 0.9),
    doc="Inverse of the normal distribution function; infinite partial at 0 and 1. DLMF 7.17.1.",
)


def _mills(x: Any) -> Any:
    """Density over distribution function, exp(-x^2/2) / (sqrt(2 pi) ndtr(x)), without underflow of both on the left."""
    return (2.0 / _ROOT_TWO_PI) / special.erfcx(-_ROOT_HALF * x)


elementwise(
    special.log_ndtr,
    (lambda y, x: _mills(x),),
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Logarithm of the normal distribution function. DLMF 7.2.2.",
)

elementwise(
    special.ndtri_exp,
    (lambda y, x: 1.0 / _mills(y),),
    samples=unary(-2.0, -0.2),
    doc="Inverse of log_ndtr. DLMF 7.17.1.",
)

# T(h, a) = integral of exp(-h^2 (1 + t^2) / 2) / (2 pi (1 + t^2)) for t from 0 to a (Owen 1956); its derivative to h is
# a Gaussian integral in t.
elementwise(
    special.owens_t,
    (
        lambda y, h, a: -np.exp(-0.5 * h * h) * special.erf(_ROOT_HALF * a * h) / (2.0 * _ROOT_TWO_PI),
        lambda y, h, a: np.exp(-0.5 * h * h * (1.0 + a * a)) / (2.0 * pi * (1.0 + a * a)),
    ),
    samples=binary(-2.0, 2.0, -2.0, 2.0),
    doc="Owen's T function of h and a. Owen (1956).",
)


# V(x, sigma, gamma) = Re w(z) / (sigma sqrt(2 pi)) with z = (x + i gamma) / (sigma sqrt(2)) (DLMF 7.19.4), so that
#   V_x = Re w'(z) / (2 sigma^2 sqrt(pi)),   V_gamma = -Im w'(z) / (2 sigma^2 sqrt(pi)).
# The normal density solves the heat equation in sigma^2 / 2, and so does V: V_sigma = sigma V_xx, a multiple of Re w''.
# From w' = -2 z w + 2i/sqrt(pi) (DLMF 7.10.2) follows w'' = (4 z^2 - 2) w - 4i z/sqrt(pi). These cancel all but 1/z^2
# and 1/z^4 of their terms for large z, where the asymptotic series is differentiated instead (DLMF 7.12.1):
#   w'  = -i/(sqrt(pi) z^2) times the sum of (2m + 1)!! u^m,   u = 1 / (2 z^2),
#   w'' =  i/(sqrt(pi) z^3) times the sum of (2m + 1)!! (2m + 2) u^m.
# From |z| = 8 on the 24 terms used are exact to rounding. They lack exp(-z^2), which is below 1e-27 there unless gamma
# is so small that it counts: then the closed form stays.

_I_BY_ROOT_PI = 1j / sqrt(pi)


def _far_sums(u: Any) -> tuple[Any, Any]:
    """Return the two sums, of terms that follow one another by factors (2m + 1) u."""
    term, first, second = 1.0, 1.0, 2.0
    for m in range(1, 24):
        term = term * (2 * m + 1) * u
        first, second = first + term, second + (2 * m + 2) * term
    return first, second


def _faddeeva_slopes(z: Any) -> tuple[Any, Any]:
    """Return w' and w''."""
    far = (np.absolute(z) > 8.0) & (np.imag(z) > 1e-8)
    near = np.where(far, 0.0, z)
    w = special.wofz(near)
    slope = -2.0 * near * w + 2.0 * _I_BY_ROOT_PI
    bend = (4.0 * near * near - 2.0) * w - 4.0 * _I_BY_ROOT_PI * near
    if not anywhere(far):
        return slope, bend
    t = np.where(far, z, 8.0)
    first, second = _far_sums(0.5 / (t * t))
    scale = _I_BY_ROOT_PI / (t * t)
    return np.where(far, -scale * first, slope), np.where(far, scale / t * second, bend)


def _voigt_slope(x: Any, sigma: Any, gamma: Any) -> Any:
    slope, _ = _faddeeva_slopes((x + gamma * 1j) * _ROOT_HALF / sigma)
    return slope / (2.0 * sqrt(pi) * sigma * sigma)


def _voigt_sigma(x: Any, sigma: Any, gamma: Any) -> Any:
    _, bend = _faddeeva_slopes((x + gamma * 1j) * _ROOT_HALF / sigma)
    return np.real(bend) / (2.0 * _ROOT_TWO_PI * sigma * sigma)


elementwise(
    special.voigt_profile,
    (
        lambda y, x, sigma, gamma: np.real(_voigt_slope(x, sigma, gamma)),
        lambda y, x, sigma, gamma: _voigt_sigma(x, sigma, gamma),
        lambda y, x, sigma, gamma: -np.imag(_voigt_slope(x, sigma, gamma)),
    ),
    samples=parameters((-2.0, 2.0), (0.5, 2.0), (0.5, 2.0)),
    doc="Voigt profile: a normal density convolved with a Cauchy density. DLMF 7.19.4.",
)


# Fresnel integrals --------------------------------------------------------------------------------------------------

elementwise_multiple(
    special.fresnel,
    ((lambda ys, x: np.sin(0.5 * pi * x * x),), (lambda ys, x: np.cos(0.5 * pi * x * x),)),
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Fresnel integrals S(x) and C(x). DLMF 7.2.7, 7.2.8.",
)

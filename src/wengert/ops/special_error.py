"""Error functions, the normal distribution, Fresnel integrals and Dawson's integral."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np
from scipy import special

from wengert.ops.families import binary, elementwise, unary
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
    samples=unary(-2.0, 2.0),
    complex=True,
    doc="Error function of x. DLMF 7.2.1.",
)

elementwise(
    special.erfc,
    (lambda y, x: -_TWO_BY_ROOT_PI * np.exp(-x * x),),
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


# V(x, sigma, gamma) = Re w(z) / (sigma sqrt(2 pi)) with z = (x + i gamma) / (sigma sqrt(2)) (DLMF 7.19.4). With the
# factor k = 1 / (2 sigma^2 sqrt(pi)): V_x = k Re w'(z), V_gamma = -k Im w'(z), and since
# V(c x, c sigma, c gamma) = V / c, sigma V_sigma = -(V + x V_x + gamma V_gamma).


def _voigt_slope(x: Any, sigma: Any, gamma: Any) -> Any:
    z = (x + gamma * 1j) * _ROOT_HALF / sigma
    return (-2.0 * z * special.wofz(z) + 1j * _TWO_BY_ROOT_PI) / (2.0 * sqrt(pi) * sigma * sigma)


def _voigt_sigma(y: Any, x: Any, sigma: Any, gamma: Any) -> Any:
    slope = _voigt_slope(x, sigma, gamma)
    return -(y + x * np.real(slope) - gamma * np.imag(slope)) / sigma


elementwise(
    special.voigt_profile,
    (
        lambda y, x, sigma, gamma: np.real(_voigt_slope(x, sigma, gamma)),
        _voigt_sigma,
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

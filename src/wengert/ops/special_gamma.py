"""The gamma function and its kin: log-gamma, digamma, beta, incomplete gamma and beta functions, zeta.

psi is the digamma function and zeta(s, q) the Hurwitz zeta function; the chain psi' = zeta(2, x), zeta(s, q)' =
-s zeta(s + 1, q) gives derivatives of every order to real operands.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special
from scipy.special import _ufuncs

from wengert.ops import special_lowering as lowering
from wengert.ops.families import binary, elementwise, nondifferentiable, unary
from wengert.ops.locations import anywhere
from wengert.ops.special_families import parameters
from wengert.ops.special_parameters import (
    beta_slope_a,
    beta_slope_b,
    gamma_slope,
    riemann_zeta_slope,
    zeta_slope,
)

__all__: list[str] = []


# Gamma --------------------------------------------------------------------------------------------------------------

elementwise(
    special.gamma,
    (lambda y, x: y * special.psi(x),),
    samples=unary(0.5, 4.0),
    doc="Gamma function of x. DLMF 5.2.2.",
)

elementwise(
    special.gammaln,
    (lambda y, x: special.psi(x),),
    lower="lgamma",
    samples=unary(0.5, 4.0),
    doc="Logarithm of |Gamma(x)|. DLMF 5.2.2.",
)

elementwise(
    special.loggamma,
    (lambda y, x: special.psi(x),),
    lower=lowering.positive_lgamma,
    samples=unary(0.5, 4.0),
    doc="Principal branch of log Gamma(x). DLMF 5.2.2.",
)

nondifferentiable(
    special.gammasgn,
    lower=lowering.gammasgn,
    samples=unary(-3.9, -3.1),
    doc="Sign of Gamma(x); its derivative is zero.",
)


# 1 / Gamma has zeros at 0, -1, -2, ..., where psi is infinite. On the left the reflection formula (DLMF 5.5.3)
#   1 / Gamma(x) = Gamma(1 - x) sin(pi x) / pi
# is differentiated instead, whose terms are all finite there.


def _rgamma_slope(y: Any, x: Any) -> Any:
    left = x < 0.5
    u = np.where(left, 1 - x, 1.0)
    reflected = special.gamma(u) * (np.cos(np.pi * x) - special.psi(u) * np.sin(np.pi * x) / np.pi)
    v = np.where(left, 1.0, x)
    return np.where(left, reflected, -special.psi(v) * special.rgamma(v))


elementwise(
    special.rgamma,
    (_rgamma_slope,),
    samples=unary(-2.4, 3.0),
    doc="Reciprocal 1 / Gamma(x), an entire function. DLMF 5.2.2, 5.5.3.",
)

elementwise(
    special.psi,
    (lambda y, x: special.zeta(2, x),),
    name="digamma",
    lower="digamma",
    samples=unary(0.5, 4.0),
    doc="Digamma function: the logarithmic derivative of Gamma. DLMF 5.2.2, 5.15.1.",
)

# scipy.special.zeta is a Python function that calls these ufuncs.
elementwise(
    _ufuncs._zeta,  # noqa: SLF001
    (lambda y, s, q: zeta_slope(s, q), lambda y, s, q: -s * special.zeta(s + 1, q)),
    name="zeta",
    samples=parameters((2.0, 4.0), (0.5, 4.0)),
    doc="Hurwitz zeta function zeta(x, q). DLMF 25.11.17.",
)

elementwise(
    _ufuncs._riemann_zeta,  # noqa: SLF001
    (lambda y, s: riemann_zeta_slope(s),),
    name="riemann_zeta",
    samples=unary(1.5, 4.0),
    doc="Riemann zeta function. DLMF 25.2.1.",
)

elementwise(
    special.zetac,
    (lambda y, s: riemann_zeta_slope(s),),
    samples=unary(1.5, 4.0),
    doc="Riemann zeta function minus 1. DLMF 25.2.1.",
)


# Products of gamma functions ----------------------------------------------------------------------------------------

# psi(a + b) - psi(a) cancels where b is small beside a. There it is the Taylor series (DLMF 25.11.10, 5.15.1)
#   psi(a + b) - psi(a) = sum over k > 0 of -(-b)^k zeta(k + 1, a),
# whose terms fall like (b/a)^k: eighteen of them are exact to rounding for |b| < a/8.


def _digamma_rise(a: Any, b: Any) -> Any:
    """psi(a + b) - psi(a)."""
    near = (a > 0) & (np.absolute(b) < 0.125 * a)
    plain = special.psi(a + b) - special.psi(a)
    if not anywhere(near):
        return plain
    c, step = np.where(near, a, 1.0), np.where(near, b, 0.0)
    series = 0.0
    for k in range(18, 0, -1):
        series = special.zeta(k + 1.0, c) - step * series
    return np.where(near, step * series, plain)


elementwise(
    special.beta,
    (lambda y, a, b: -y * _digamma_rise(a, b), lambda y, a, b: -y * _digamma_rise(b, a)),
    samples=binary(0.5, 3.0, 0.5, 3.0),
    doc="Beta function of a and b. DLMF 5.12.1.",
)

elementwise(
    special.betaln,
    (lambda y, a, b: -_digamma_rise(a, b), lambda y, a, b: -_digamma_rise(b, a)),
    samples=binary(0.5, 3.0, 0.5, 3.0),
    doc="Logarithm of |Beta(a, b)|. DLMF 5.12.1.",
)

elementwise(
    special.binom,
    (
        lambda y, n, k: y * _digamma_rise(n - k + 1, k),
        lambda y, n, k: y * _digamma_rise(k + 1, n - 2 * k),
    ),
    samples=binary(4.2, 4.8, 0.6, 2.4),
    doc="Binomial coefficient of real n and k. DLMF 1.2.6.",
)

elementwise(
    special.poch,
    (lambda y, z, m: y * _digamma_rise(z, m), lambda y, z, m: y * special.psi(z + m)),
    samples=binary(0.5, 3.0, 0.5, 3.0),
    doc="Pochhammer symbol Gamma(z + m) / Gamma(z). DLMF 5.2.5.",
)


# Incomplete gamma functions -----------------------------------------------------------------------------------------
#
# P(a, x) has the density g(a, x) = x^(a-1) e^-x / Gamma(a) in x (DLMF 8.8.13), Q = 1 - P; an inverse has the
# reciprocal.


def gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) e^-x / Gamma(a), finite at x = 0 where a = 1."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


elementwise(
    special.gammainc,
    (lambda y, a, x: gamma_slope(a, x), lambda y, a, x: gamma_density(a, x)),
    samples=parameters((1.0, 5.0), (0.5, 4.0)),
    doc="Regularized lower incomplete gamma function P(a, x). DLMF 8.2.4, 8.8.13.",
)

elementwise(
    special.gammaincc,
    (lambda y, a, x: -gamma_slope(a, x), lambda y, a, x: -gamma_density(a, x)),
    samples=parameters((1.0, 5.0), (0.5, 4.0)),
    doc="Regularized upper incomplete gamma function Q(a, x). DLMF 8.2.4, 8.8.13.",
)

elementwise(
    special.gammaincinv,
    (lambda y, a, p: -gamma_slope(a, y) / gamma_density(a, y), lambda y, a, p: 1.0 / gamma_density(a, y)),
    samples=parameters((1.0, 5.0), (0.1, 0.9)),
    doc="Inverse of P(a, x) in x. DLMF 8.12(iii).",
)

elementwise(
    special.gammainccinv,
    (lambda y, a, p: -gamma_slope(a, y) / gamma_density(a, y), lambda y, a, p: -1.0 / gamma_density(a, y)),
    samples=parameters((1.0, 5.0), (0.1, 0.9)),
    doc="Inverse of Q(a, x) in x. DLMF 8.12(iii).",
)


# Incomplete beta functions ------------------------------------------------------------------------------------------
#
# I_x(a, b) has the density x^(a-1) (1-x)^(b-1) / B(a, b) in x (DLMF 8.17.1-2).


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b), finite at x = 0 where a = 1 and at x = 1 where b = 1."""
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


elementwise(
    special.betainc,
    (
        lambda y, a, b, x: beta_slope_a(a, b, x),
        lambda y, a, b, x: beta_slope_b(a, b, x),
        lambda y, a, b, x: beta_density(a, b, x),
    ),
    samples=parameters((1.0, 5.0), (1.0, 5.0), (0.1, 0.9)),
    doc="Regularized incomplete beta function I_x(a, b). DLMF 8.17.2.",
)

elementwise(
    special.betaincc,
    (
        lambda y, a, b, x: -beta_slope_a(a, b, x),
        lambda y, a, b, x: -beta_slope_b(a, b, x),
        lambda y, a, b, x: -beta_density(a, b, x),
    ),
    samples=parameters((1.0, 5.0), (1.0, 5.0), (0.1, 0.9)),
    doc="Complement 1 - I_x(a, b) of the incomplete beta function. DLMF 8.17.2, 8.17.4.",
)

elementwise(
    special.betaincinv,
    (
        lambda y, a, b, p: -beta_slope_a(a, b, y) / beta_density(a, b, y),
        lambda y, a, b, p: -beta_slope_b(a, b, y) / beta_density(a, b, y),
        lambda y, a, b, p: 1.0 / beta_density(a, b, y),
    ),
    samples=parameters((1.0, 5.0), (1.0, 5.0), (0.1, 0.9)),
    doc="Inverse of I_x(a, b) in x. DLMF 8.17.2.",
)

elementwise(
    special.betainccinv,
    (
        lambda y, a, b, p: -beta_slope_a(a, b, y) / beta_density(a, b, y),
        lambda y, a, b, p: -beta_slope_b(a, b, y) / beta_density(a, b, y),
        lambda y, a, b, p: -1.0 / beta_density(a, b, y),
    ),
    samples=parameters((1.0, 5.0), (1.0, 5.0), (0.1, 0.9)),
    doc="Inverse of 1 - I_x(a, b) in x. DLMF 8.17.2.",
)

"""The normal distribution and those made of it.

norm halfnorm lognorm truncnorm skewnorm rayleigh maxwell levy invgauss

Phi is the normal distribution function (`special.ndtr`), whose logarithm and inverse scipy.special has in
full accuracy. Formulas: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions, vol. 1 (1994),
chapters 13-15.
"""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

import numpy as np
from scipy import special

from wengert.scipy.stats.family import Continuous

__all__ = ["halfnorm", "invgauss", "levy", "lognorm", "maxwell", "norm", "rayleigh", "skewnorm", "truncnorm"]

_LOG_ROOT_TWO_PI = 0.5 * log(2.0 * pi)


def _log_phi(x: Any) -> Any:
    return -0.5 * x * x - _LOG_ROOT_TWO_PI


def _phi(x: Any) -> Any:
    return np.exp(-0.5 * x * x) / sqrt(2.0 * pi)


norm = Continuous(
    name="norm",
    doc="Normal distribution.",
    of_logpdf=_log_phi,
    of_pdf=_phi,
    of_cdf=special.ndtr,
    of_sf=lambda x: special.ndtr(-x),
    of_logcdf=special.log_ndtr,
    of_logsf=lambda x: special.log_ndtr(-x),
    of_ppf=special.ndtri,
    of_isf=lambda q: -special.ndtri(q),
)

halfnorm = Continuous(
    name="halfnorm",
    doc="Distribution of |X| for normal X.",
    support=(0.0, np.inf),
    of_logpdf=lambda x: _log_phi(x) + log(2.0),
    of_pdf=lambda x: 2.0 * _phi(x),
    of_cdf=lambda x: special.erf(x * sqrt(0.5)),
    of_sf=lambda x: 2.0 * special.ndtr(-x),
    of_logsf=lambda x: log(2.0) + special.log_ndtr(-x),
    of_ppf=lambda q: special.ndtri(0.5 * (1.0 + q)),
    of_isf=lambda q: -special.ndtri(0.5 * q),
)

lognorm = Continuous(
    name="lognorm",
    doc="Distribution of exp(s X) for normal X.",
    shapes=("s",),
    support=(0.0, np.inf),
    closed=False,
    of_logpdf=lambda x, s: _log_phi(np.log(x) / s) - np.log(s * x),
    of_cdf=lambda x, s: special.ndtr(np.log(x) / s),
    of_sf=lambda x, s: special.ndtr(-np.log(x) / s),
    of_logcdf=lambda x, s: special.log_ndtr(np.log(x) / s),
    of_logsf=lambda x, s: special.log_ndtr(-np.log(x) / s),
    of_ppf=lambda q, s: np.exp(s * special.ndtri(q)),
    of_isf=lambda q, s: np.exp(-s * special.ndtri(q)),
)

skewnorm = Continuous(
    name="skewnorm",
    doc="Skew normal distribution, density 2 phi(x) Phi(a x). Azzalini (1985).",
    shapes=("a",),
    valid=np.isfinite,
    of_logpdf=lambda x, a: log(2.0) + _log_phi(x) + special.log_ndtr(a * x),
    of_pdf=lambda x, a: 2.0 * _phi(x) * special.ndtr(a * x),
)


# Of squares of normal variables -------------------------------------------------------------------------------------

rayleigh = Continuous(
    name="rayleigh",
    doc="Distribution of the length of two normal variables.",
    support=(0.0, np.inf),
    of_logpdf=lambda r: np.log(r) - 0.5 * r * r,
    of_pdf=lambda r: r * np.exp(-0.5 * r * r),
    of_cdf=lambda r: -np.expm1(-0.5 * r * r),
    of_sf=lambda r: np.exp(-0.5 * r * r),
    of_logsf=lambda r: -0.5 * r * r,
    of_ppf=lambda q: np.sqrt(-2.0 * np.log1p(-q)),
    of_isf=lambda q: np.sqrt(-2.0 * np.log(q)),
)

maxwell = Continuous(
    name="maxwell",
    doc="Distribution of the length of three normal variables.",
    support=(0.0, np.inf),
    of_logpdf=lambda x: 0.5 * log(2.0 / pi) + 2.0 * np.log(x) - 0.5 * x * x,
    of_pdf=lambda x: sqrt(2.0 / pi) * x * x * np.exp(-0.5 * x * x),
    of_cdf=lambda x: special.gammainc(1.5, 0.5 * x * x),
    of_sf=lambda x: special.gammaincc(1.5, 0.5 * x * x),
    of_ppf=lambda q: np.sqrt(2.0 * special.gammaincinv(1.5, q)),
    of_isf=lambda q: np.sqrt(2.0 * special.gammainccinv(1.5, q)),
)

levy = Continuous(
    name="levy",
    doc="Distribution of 1 / X^2 for normal X: the first passage of Brownian motion.",
    support=(0.0, np.inf),
    closed=False,
    of_logpdf=lambda x: -_LOG_ROOT_TWO_PI - 1.5 * np.log(x) - 0.5 / x,
    of_cdf=lambda x: special.erfc(np.sqrt(0.5 / x)),
    of_sf=lambda x: special.erf(np.sqrt(0.5 / x)),
    of_logcdf=lambda x: log(2.0) + special.log_ndtr(-np.sqrt(1.0 / x)),
    of_ppf=lambda q: 1.0 / special.ndtri(0.5 * q) ** 2,
    of_isf=lambda q: 0.5 / special.erfinv(q) ** 2,
)


# Inverse Gaussian, with mean mu: with u = (x/mu - 1)/sqrt(x), v = (x/mu + 1)/sqrt(x) (Chhikara, Folks 1974)
#   cdf = Phi(u) + exp(2/mu) Phi(-v)       sf = Phi(-u) - exp(2/mu) Phi(-v)
# and v^2 - u^2 = 4/mu, so that exp(2/mu) Phi(-v) = exp(-u^2/2) erfcx(v/sqrt 2)/2 without large exponents that
# cancel.


def _invgauss_uv(x: Any, mu: Any) -> tuple[Any, Any]:
    root = np.sqrt(x)
    return (x / mu - 1.0) / root, (x / mu + 1.0) / root


def _scaled_tail(u: Any) -> Any:
    """Phi(-u) exp(u^2/2)."""
    return 0.5 * special.erfcx(u * sqrt(0.5))


def _invgauss_logcdf(x: Any, mu: Any) -> Any:
    u, v = _invgauss_uv(x, mu)
    low = u < 0.0
    in_tail = np.log(_scaled_tail(-np.where(low, u, 0.0)) + _scaled_tail(v)) - 0.5 * u * u
    return np.where(low, in_tail, np.log1p(-np.exp(_invgauss_log_upper(np.where(low, 1.0, u), v))))


def _invgauss_log_upper(u: Any, v: Any) -> Any:
    """Logarithm of sf for u >= 0."""
    return np.log(_scaled_tail(u) - _scaled_tail(v)) - 0.5 * u * u


def _invgauss_logsf(x: Any, mu: Any) -> Any:
    u, v = _invgauss_uv(x, mu)
    low = u < 0.0
    most = np.where(low, u, 0.0)
    below = special.ndtr(most) + np.exp(-0.5 * u * u) * _scaled_tail(v)
    return np.where(low, np.log1p(-np.where(low, below, 0.5)), _invgauss_log_upper(np.where(low, 0.0, u), v))


invgauss = Continuous(
    name="invgauss",
    doc="Inverse Gaussian distribution of mean mu.",
    shapes=("mu",),
    support=(0.0, np.inf),
    closed=False,
    of_logpdf=lambda x, mu: -_LOG_ROOT_TWO_PI - 1.5 * np.log(x) - (x / mu - 1.0) ** 2 / (2.0 * x),
    of_cdf=lambda x, mu: np.exp(_invgauss_logcdf(x, mu)),
    of_sf=lambda x, mu: np.exp(_invgauss_logsf(x, mu)),
    of_logcdf=_invgauss_logcdf,
    of_logsf=_invgauss_logsf,
)


# Truncated normal distribution --------------------------------------------------------------------------------------
#
# The mass between a and b is taken in the left tail, to which a pair in the right tail is reflected:
#   log(Phi(b) - Phi(a)) = log Phi(b) + log(1 - e^d)                  b <= 0, d = log Phi(a) - log Phi(b)
#                        = log(1 - Phi(a) - Phi(-b))                  a <= 0 <= b
# with d = (b - a)(b + a)/2 + log(erfcx(-a/sqrt 2) / erfcx(-b/sqrt 2)), where squares do not cancel. Across a
# narrow interval, of width h around m, both cancel. There the Taylor series of the density is integrated,
#   h phi(m) (1 + He_2(m) h^2/24 + He_4(m) h^4/1920 + He_6(m) h^6/322560 + ...),
# whose next term is below 1e-16 for h and |m| h below 0.05.

_NARROW = 0.05


def _log_one_minus_exp(d: Any) -> Any:
    """log(1 - exp(d)) for d <= 0, to all digits. Mächler (2012)."""
    near = d > -log(2.0)
    return np.where(
        near, np.log(-np.expm1(np.where(near, d, -0.1))), np.log1p(-np.exp(np.where(near, -1.0, d)))
    )


def _log_mass_in_tail(a: Any, b: Any) -> Any:
    """log(Phi(b) - Phi(a)) for a <= b <= 0; a may be -inf."""
    infinite = np.isinf(a)
    a = np.where(infinite, b - 1.0, a)
    d = 0.5 * (b - a) * (b + a) + np.log(_scaled_tail(-a) / _scaled_tail(-b))
    return special.log_ndtr(b) + np.where(infinite, 0.0, _log_one_minus_exp(d))


def _log_mass_of_narrow(a: Any, b: Any) -> Any:
    h, m = b - a, 0.5 * (a + b)
    s, m2 = h * h, m * m
    he2, he4, he6 = m2 - 1.0, (m2 - 6.0) * m2 + 3.0, ((m2 - 15.0) * m2 + 45.0) * m2 - 15.0
    return np.log(h) + _log_phi(m) + np.log1p(s * (he2 / 24.0 + s * (he4 / 1920.0 + s * he6 / 322560.0)))


def _log_mass(a: Any, b: Any) -> Any:
    h = b - a
    narrow = (h < _NARROW) & (np.abs(a + b) * h < 2.0 * _NARROW)
    wide = _log_mass_of_wide(np.where(narrow, -1.0, a), np.where(narrow, 1.0, b))
    return np.where(narrow, _log_mass_of_narrow(np.where(narrow, a, 0.0), np.where(narrow, b, 0.01)), wide)


def _log_mass_of_wide(a: Any, b: Any) -> Any:
    right = a > 0.0
    low, high = np.where(right, -b, a), np.where(right, -a, b)
    tail = high <= 0.0
    central = np.log1p(-special.ndtr(np.where(tail, -1.0, low)) - special.ndtr(-np.where(tail, 1.0, high)))
    return np.where(tail, _log_mass_in_tail(np.where(tail, low, -2.0), np.where(tail, high, -1.0)), central)


# A logarithm near 0 has lost the digits of what is missing to 1: then it is taken from the other side.


def _truncnorm_log_below(x: Any, a: Any, b: Any) -> Any:
    mass = _log_mass(a, b)
    below, above = _log_mass(a, x) - mass, _log_mass(x, b) - mass
    return np.where(below > -0.1, np.log1p(-np.exp(above)), below)


def _truncnorm_log_above(x: Any, a: Any, b: Any) -> Any:
    return _truncnorm_log_below(-x, -b, -a)


# A quantile below 0 has log Phi(x) = log(Phi(a) + q (Phi(b) - Phi(a))); one above 0 is that of the
# reflection.


def _truncnorm_left(log_q: Any, a: Any, b: Any) -> Any:
    return special.ndtri_exp(np.minimum(np.logaddexp(special.log_ndtr(a), log_q + _log_mass(a, b)), 0.0))


def _truncnorm_ppf(q: Any, a: Any, b: Any) -> Any:
    right = special.ndtr(a) + q * (special.ndtr(b) - special.ndtr(a)) > 0.5
    left = _truncnorm_left(np.log(np.where(right, 0.5, q)), a, b)
    return np.where(right, -_truncnorm_left(np.log1p(-np.where(right, q, 0.5)), -b, -a), left)


truncnorm = Continuous(
    name="truncnorm",
    doc="Normal distribution, restricted to a <= z <= b.",
    shapes=("a", "b"),
    support=(lambda a, b: a, lambda a, b: b),
    inner=lambda a, b: np.clip(0.0, a, b),
    valid=lambda a, b: a < b,
    of_logpdf=lambda x, a, b: _log_phi(x) - _log_mass(a, b),
    of_cdf=lambda x, a, b: np.exp(_truncnorm_log_below(x, a, b)),
    of_sf=lambda x, a, b: np.exp(_truncnorm_log_above(x, a, b)),
    of_logcdf=_truncnorm_log_below,
    of_logsf=_truncnorm_log_above,
    of_ppf=_truncnorm_ppf,
    of_isf=lambda q, a, b: -_truncnorm_ppf(q, -b, -a),
)

"""Distributions of elementary functions on a line or half line, and the extreme value distributions.

uniform expon laplace logistic gennorm vonmises cauchy halfcauchy pareto lomax powerlaw
weibull_min weibull_max gumbel_r gumbel_l genextreme

Formulas: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions, vols. 1 and 2 (1994, 1995).
"""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np
from scipy import special

from wengert.ops.families import masked
from wengert.ops.special_families import removable
from wengert.scipy.stats.family import Continuous

__all__ = [
    "cauchy",
    "expon",
    "genextreme",
    "gennorm",
    "gumbel_l",
    "gumbel_r",
    "halfcauchy",
    "laplace",
    "logistic",
    "lomax",
    "pareto",
    "powerlaw",
    "uniform",
    "vonmises",
    "weibull_max",
    "weibull_min",
]

uniform = Continuous(
    name="uniform",
    doc="Uniform distribution on (0, 1).",
    support=(0.0, 1.0),
    of_logpdf=lambda x: 0.0 * x,
    of_pdf=lambda x: 0.0 * x + 1.0,
    of_cdf=lambda x: x,
    of_sf=lambda x: 1.0 - x,
    of_ppf=lambda q: q,
    of_isf=lambda q: 1.0 - q,
)

expon = Continuous(
    name="expon",
    doc="Exponential distribution.",
    support=(0.0, np.inf),
    of_logpdf=lambda x: -x,
    of_cdf=lambda x: -np.expm1(-x),
    of_sf=lambda x: np.exp(-x),
    of_logsf=lambda x: -x,
    of_ppf=lambda q: -np.log1p(-q),
    of_isf=lambda q: -np.log(q),
)


# Laplace: one half of an exponential tail on either side.


def _laplace_cdf(x: Any) -> Any:
    return np.where(x > 0.0, 1.0 - 0.5 * np.exp(-np.maximum(x, 0.0)), 0.5 * np.exp(np.minimum(x, 0.0)))


def _laplace_ppf(q: Any) -> Any:
    upper = q > 0.5
    return np.where(upper, -np.log(2.0 * (1.0 - q)), np.log(2.0 * np.where(upper, 0.5, q)))


laplace = Continuous(
    name="laplace",
    doc="Laplace distribution; its density has a kink at 0, where the derivative is 0.",
    of_logpdf=lambda x: -np.abs(x) - log(2.0),
    of_pdf=lambda x: 0.5 * np.exp(-np.abs(x)),
    of_cdf=_laplace_cdf,
    of_sf=lambda x: _laplace_cdf(-x),
    of_ppf=_laplace_ppf,
    of_isf=lambda q: -_laplace_ppf(q),
)


# Logistic: log(e^-x / (1 + e^-x)^2) = log expit(x) + log expit(-x), smooth at 0.

logistic = Continuous(
    name="logistic",
    doc="Logistic distribution.",
    of_logpdf=lambda x: special.log_expit(x) + special.log_expit(-x),
    of_cdf=special.expit,
    of_sf=lambda x: special.expit(-x),
    of_logcdf=special.log_expit,
    of_logsf=lambda x: special.log_expit(-x),
    of_ppf=special.logit,
    of_isf=lambda q: -special.logit(q),
)


# Generalized normal: |X|^beta is gamma of shape 1/beta.


def _gennorm_cdf(x: Any, beta: Any) -> Any:
    half = 0.5 * np.sign(x)
    return (0.5 + half) - half * special.gammaincc(1.0 / beta, np.abs(x) ** beta)


def _gennorm_ppf(q: Any, beta: Any) -> Any:
    sign = np.sign(q - 0.5)
    return sign * special.gammainccinv(1.0 / beta, (1.0 + sign) - 2.0 * sign * q) ** (1.0 / beta)


gennorm = Continuous(
    name="gennorm",
    doc="Generalized normal distribution, density of exp(-|x|^beta).",
    shapes=("beta",),
    of_logpdf=lambda x, beta: np.log(0.5 * beta) - special.gammaln(1.0 / beta) - np.abs(x) ** beta,
    of_cdf=_gennorm_cdf,
    of_sf=lambda x, beta: _gennorm_cdf(-x, beta),
    of_ppf=_gennorm_ppf,
    of_isf=lambda q, beta: -_gennorm_ppf(q, beta),
)

vonmises = Continuous(
    name="vonmises",
    doc="Von Mises distribution of an angle in radians, density of exp(kappa cos x).",
    shapes=("kappa",),
    valid=lambda kappa: kappa >= 0.0,
    of_logpdf=lambda x, kappa: kappa * special.cosm1(x) - log(2.0 * pi) - np.log(special.i0e(kappa)),
)


# Power tails --------------------------------------------------------------------------------------------------------


def _log_one_plus_square(x: Any) -> Any:
    """log(1 + x^2), without overflow of the square."""
    large = np.abs(x) > 1.0
    far = np.where(large, x, 1.0)
    return np.where(
        large, 2.0 * np.log(np.abs(far)) + np.log1p(far**-2.0), np.log1p(np.where(large, 0.0, x) ** 2)
    )


# tan(pi (q - 1/2)) loses its digits where q is near 0 or 1: there it is the cotangent of the distance.


def _tangent(q: Any) -> Any:
    """tan(pi q / 2) for 0 <= q <= 1, infinite at 1."""
    upper = q > 0.5
    low, rest = np.where(upper, 0.0, q), np.where(upper, 1.0 - q, 0.5)
    return np.where(upper, 1.0 / np.tan(0.5 * pi * rest), np.tan(0.5 * pi * low))


def _cauchy_ppf(q: Any) -> Any:
    upper = q > 0.5
    outward = np.where(upper, 1.0 - q, q)
    middle = outward > 0.25
    tail = -1.0 / np.tan(pi * np.where(middle, 0.25, outward))
    return np.where(middle, np.tan(pi * (q - 0.5)), np.where(upper, -tail, tail))


cauchy = Continuous(
    name="cauchy",
    doc="Cauchy distribution.",
    of_logpdf=lambda x: -log(pi) - _log_one_plus_square(x),
    of_pdf=lambda x: 1.0 / (pi * (1.0 + x * x)),
    of_cdf=lambda x: np.arctan2(1.0, -x) / pi,
    of_sf=lambda x: np.arctan2(1.0, x) / pi,
    of_ppf=_cauchy_ppf,
    of_isf=lambda q: -_cauchy_ppf(q),
)

halfcauchy = Continuous(
    name="halfcauchy",
    doc="Distribution of |X| for Cauchy X.",
    support=(0.0, np.inf),
    of_logpdf=lambda x: log(2.0 / pi) - _log_one_plus_square(x),
    of_pdf=lambda x: 2.0 / (pi * (1.0 + x * x)),
    of_cdf=lambda x: 2.0 / pi * np.arctan(x),
    of_sf=lambda x: 2.0 / pi * np.arctan2(1.0, x),
    of_ppf=_tangent,
    of_isf=lambda q: 1.0 / _tangent(q),
)

pareto = Continuous(
    name="pareto",
    doc="Pareto distribution of exponent b on x >= 1.",
    shapes=("b",),
    support=(1.0, np.inf),
    inner=2.0,
    of_logpdf=lambda x, b: np.log(b) - (b + 1.0) * np.log(x),
    of_pdf=lambda x, b: b * x ** (-b - 1.0),
    of_cdf=lambda x, b: -np.expm1(-b * np.log(x)),
    of_sf=lambda x, b: x**-b,
    of_logsf=lambda x, b: -b * np.log(x),
    of_ppf=lambda q, b: np.exp(-np.log1p(-q) / b),
    of_isf=lambda q, b: q ** (-1.0 / b),
)

lomax = Continuous(
    name="lomax",
    doc="Lomax distribution: a Pareto variable minus 1.",
    shapes=("c",),
    support=(0.0, np.inf),
    of_logpdf=lambda x, c: np.log(c) - (c + 1.0) * np.log1p(x),
    of_cdf=lambda x, c: -np.expm1(-c * np.log1p(x)),
    of_sf=lambda x, c: np.exp(-c * np.log1p(x)),
    of_logsf=lambda x, c: -c * np.log1p(x),
    of_ppf=lambda q, c: np.expm1(-np.log1p(-q) / c),
    of_isf=lambda q, c: np.expm1(-np.log(q) / c),
)

powerlaw = Continuous(
    name="powerlaw",
    doc="Power function distribution on (0, 1), density a x^(a - 1).",
    shapes=("a",),
    support=(0.0, 1.0),
    of_logpdf=lambda x, a: np.log(a) + special.xlogy(a - 1.0, x),
    of_pdf=lambda x, a: a * x ** (a - 1.0) + 0.0 * x,
    of_cdf=lambda x, a: x**a,
    of_sf=lambda x, a: -np.expm1(special.xlogy(a, x)),
    of_logcdf=lambda x, a: special.xlogy(a, x),
    of_ppf=lambda q, a: q ** (1.0 / a),
)


# Extreme values -----------------------------------------------------------------------------------------------------

weibull_min = Continuous(
    name="weibull_min",
    doc="Weibull distribution: a power of an exponential variable.",
    shapes=("c",),
    support=(0.0, np.inf),
    of_logpdf=lambda x, c: np.log(c) + special.xlogy(c - 1.0, x) - x**c,
    of_pdf=lambda x, c: c * x ** (c - 1.0) * np.exp(-(x**c)),
    of_cdf=lambda x, c: -np.expm1(-(x**c)),
    of_sf=lambda x, c: np.exp(-(x**c)),
    of_logsf=lambda x, c: -(x**c),
    of_ppf=lambda q, c: (-np.log1p(-q)) ** (1.0 / c),
    of_isf=lambda q, c: (-np.log(q)) ** (1.0 / c),
)

weibull_max = Continuous(
    name="weibull_max",
    doc="Weibull distribution of -X.",
    shapes=("c",),
    support=(-np.inf, 0.0),
    inner=-0.5,
    of_logpdf=lambda x, c: np.log(c) + special.xlogy(c - 1.0, -x) - (-x) ** c,
    of_pdf=lambda x, c: c * (-x) ** (c - 1.0) * np.exp(-((-x) ** c)),
    of_cdf=lambda x, c: np.exp(-((-x) ** c)),
    of_sf=lambda x, c: -np.expm1(-((-x) ** c)),
    of_logcdf=lambda x, c: -((-x) ** c),
    of_ppf=lambda q, c: -((-np.log(q)) ** (1.0 / c)),
    of_isf=lambda q, c: -((-np.log1p(-q)) ** (1.0 / c)),
)

gumbel_r = Continuous(
    name="gumbel_r",
    doc="Gumbel distribution of largest values.",
    of_logpdf=lambda x: -x - np.exp(-x),
    of_cdf=lambda x: np.exp(-np.exp(-x)),
    of_sf=lambda x: -np.expm1(-np.exp(-x)),
    of_logcdf=lambda x: -np.exp(-x),
    of_ppf=lambda q: -np.log(-np.log(q)),
    of_isf=lambda q: -np.log(-np.log1p(-q)),
)

gumbel_l = Continuous(
    name="gumbel_l",
    doc="Gumbel distribution of smallest values.",
    of_logpdf=lambda x: x - np.exp(x),
    of_cdf=lambda x: -np.expm1(-np.exp(x)),
    of_sf=lambda x: np.exp(-np.exp(x)),
    of_logsf=lambda x: -np.exp(x),
    of_ppf=lambda q: np.log(-np.log1p(-q)),
    of_isf=lambda q: np.log(-np.log(q)),
)


# Generalized extreme values: with r = log(1 - c x)/c, which is -x for c = 0,
#   cdf = exp(-e^r)      log pdf = (1 - c) r - e^r
# r = -x log(1 + u)/u for u = -c x, so that the derivative to c is regular at c = 0: log(1 + u)/u = F(1, 1; 2;
# -u), DLMF 15.4.1.


def _reduced(x: Any, c: Any) -> Any:
    u = -c * x
    return -x * removable(u, lambda u: special.hyp2f1(1.0, 1.0, 2.0, -u), lambda u: np.log1p(u) / u)


def _genextreme_logpdf(x: Any, c: Any) -> Any:
    r = _reduced(x, c)
    return masked(1.0 - c, r) - np.exp(r)


def _genextreme_edge(c: Any, *, upper: bool) -> Any:
    beyond = c > 0.0 if upper else c < 0.0
    return np.where(beyond, 1.0 / np.where(beyond, c, 1.0), np.inf if upper else -np.inf)


def _genextreme_quantile(y: Any, c: Any) -> Any:
    """(1 - e^(-c y)) / c for y = -log(-log q): y exprel(-c y), with the limit at infinite y."""
    infinite = np.isinf(y)
    finite = np.where(infinite, 0.0, y)
    limit = np.where(c * y > 0.0, 1.0 / np.where(c == 0.0, 1.0, c), y)
    return np.where(infinite, limit, finite * special.exprel(-c * finite))


genextreme = Continuous(
    name="genextreme",
    doc="Generalized extreme value distribution: Gumbel for c = 0, Weibull for c > 0, Fréchet for c < 0.",
    shapes=("c",),
    support=(lambda c: _genextreme_edge(c, upper=False), lambda c: _genextreme_edge(c, upper=True)),
    inner=0.0,
    valid=np.isfinite,
    of_logpdf=_genextreme_logpdf,
    of_cdf=lambda x, c: np.exp(-np.exp(_reduced(x, c))),
    of_sf=lambda x, c: -np.expm1(-np.exp(_reduced(x, c))),
    of_logcdf=lambda x, c: -np.exp(_reduced(x, c)),
    of_ppf=lambda q, c: _genextreme_quantile(-np.log(-np.log(q)), c),
    of_isf=lambda q, c: _genextreme_quantile(-np.log(-np.log1p(-q)), c),
)

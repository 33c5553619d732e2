"""Distributions of whole numbers: poisson binom bernoulli geom nbinom.

Their probabilities are incomplete gamma and beta functions of the parameters: DLMF 8.4.10 and 8.17.5. Where a
parameter is at its edge, p = 0, say, the logarithm of a mass is -inf, and exp of it would have derivative 0:
there the mass is computed as the power that it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from wengert.scipy.stats.family import Discrete

__all__ = ["bernoulli", "binom", "geom", "nbinom", "poisson"]

_LARGEST_LOG = 700.0  # exp of more overflows; it multiplies a zero


def _between_zero_and_one(p: Any) -> Any:
    return (p >= 0.0) & (p <= 1.0)


# Poisson ------------------------------------------------------------------------------------------------------------


def _poisson_logpmf(k: Any, mu: Any) -> Any:
    return special.xlogy(k, mu) - special.gammaln(k + 1.0) - mu


def _poisson_pmf(k: Any, mu: Any) -> Any:
    edge = mu == 0.0
    at_edge = np.where(edge, mu, 1.0) ** k * np.exp(-mu - special.gammaln(k + 1.0))
    return np.where(edge, at_edge, np.exp(_poisson_logpmf(k, np.where(edge, 1.0, mu))))


poisson = Discrete(
    name="poisson",
    doc="Poisson distribution of mean mu.",
    shapes=("mu",),
    valid=lambda mu: mu >= 0.0,
    of_logpmf=_poisson_logpmf,
    of_pmf=_poisson_pmf,
    of_cdf=lambda k, mu: special.gammaincc(k + 1.0, mu),
    of_sf=lambda k, mu: special.gammainc(k + 1.0, mu),
)


# Binomial -----------------------------------------------------------------------------------------------------------


def _log_choose(n: Any, k: Any) -> Any:
    return special.gammaln(n + 1.0) - (special.gammaln(k + 1.0) + special.gammaln(n - k + 1.0))


def _binom_logpmf(k: Any, n: Any, p: Any) -> Any:
    return _log_choose(n, k) + special.xlogy(k, p) + special.xlog1py(n - k, -p)


def _binom_pmf(k: Any, n: Any, p: Any) -> Any:
    edge = (p == 0.0) | (p == 1.0)
    q = np.where(edge, p, 0.5)
    at_edge = np.exp(np.minimum(_log_choose(n, k), _LARGEST_LOG)) * q**k * (1.0 - q) ** (n - k)
    return np.where(edge, at_edge, np.exp(_binom_logpmf(k, n, np.where(edge, 0.5, p))))


binom = Discrete(
    name="binom",
    doc="Binomial distribution: successes in n trials of probability p. No derivative in n.",
    shapes=("n", "p"),
    counts=("n",),
    support=(0.0, lambda n, p: n),
    valid=lambda n, p: (n >= 0) & (n == np.floor(n)) & _between_zero_and_one(p),
    of_logpmf=_binom_logpmf,
    of_pmf=_binom_pmf,
    of_cdf=lambda k, n, p: special.betaincc(k + 1.0, n - k, p),
    of_sf=lambda k, n, p: special.betainc(k + 1.0, n - k, p),
)

bernoulli = Discrete(
    name="bernoulli",
    doc="Bernoulli distribution: 1 with probability p, else 0.",
    shapes=("p",),
    support=(0.0, 1.0),
    valid=_between_zero_and_one,
    of_logpmf=lambda k, p: np.where(k > 0.0, np.log(p), np.log1p(-p)) + 0.0 * k,
    of_pmf=lambda k, p: np.where(k > 0.0, p, 1.0 - p) + 0.0 * k,
    of_cdf=lambda k, p: 1.0 - p + 0.0 * k,
    of_sf=lambda k, p: p + 0.0 * k,
    of_logcdf=lambda k, p: np.log1p(-p) + 0.0 * k,
    of_logsf=lambda k, p: np.log(p) + 0.0 * k,
)


# Geometric: trials up to the first success, k = 1, 2, ...


def _geom_cdf(k: Any, p: Any) -> Any:
    small = p < 0.5
    return np.where(small, -np.expm1(k * np.log1p(-np.where(small, p, 0.25))), 1.0 - (1.0 - p) ** k)


geom = Discrete(
    name="geom",
    doc="Geometric distribution: trials of probability p up to the first success.",
    shapes=("p",),
    support=(1.0, np.inf),
    valid=lambda p: (p > 0.0) & (p <= 1.0),
    of_logpmf=lambda k, p: special.xlog1py(k - 1.0, -p) + np.log(p),
    of_pmf=lambda k, p: (1.0 - p) ** (k - 1.0) * p,
    of_cdf=_geom_cdf,
    of_sf=lambda k, p: (1.0 - p) ** k,
    of_logsf=lambda k, p: k * np.log1p(-p),
)


# Negative binomial: failures before the n-th success; n may be any positive number.


def _nbinom_coefficient(k: Any, n: Any) -> Any:
    return special.gammaln(n + k) - special.gammaln(k + 1.0) - special.gammaln(n)


def _nbinom_logpmf(k: Any, n: Any, p: Any) -> Any:
    return _nbinom_coefficient(k, n) + n * np.log(p) + special.xlog1py(k, -p)


def _nbinom_pmf(k: Any, n: Any, p: Any) -> Any:
    edge = p == 1.0
    q = np.where(edge, p, 0.5)
    at_edge = np.exp(np.minimum(_nbinom_coefficient(k, n), _LARGEST_LOG)) * q**n * (1.0 - q) ** k
    return np.where(edge, at_edge, np.exp(_nbinom_logpmf(k, n, np.where(edge, 0.5, p))))


nbinom = Discrete(
    name="nbinom",
    doc="Negative binomial distribution: failures before the n-th success of probability p.",
    shapes=("n", "p"),
    valid=lambda n, p: (n > 0.0) & (p > 0.0) & (p <= 1.0),
    of_logpmf=_nbinom_logpmf,
    of_pmf=_nbinom_pmf,
    of_cdf=lambda k, n, p: special.betainc(n, k + 1.0, p),
    of_sf=lambda k, n, p: special.betaincc(n, k + 1.0, p),
)

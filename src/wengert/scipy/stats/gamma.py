"""Distributions whose probabilities are incomplete gamma and beta functions.

gamma chi2 chi invgamma      P(a, x), DLMF 8.2
beta f t                     I_x(a, b), DLMF 8.17

Formulas: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions, vols. 1 and 2 (1994, 1995).
Logarithms of densities are those of SciPy, term by term. Probabilities use `gammainc` and `betainc`, whose
derivatives to a and b are those of scipy.special.
"""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np
from scipy import special

from wengert.scipy.stats.family import Continuous

__all__ = ["beta", "chi", "chi2", "edge_power", "f", "gamma", "invgamma", "t"]

# At an edge where a density is d^p times something, exp(logpdf) is exp(-inf), which has derivative 0; there
# the power itself is right: infinite, finite or zero with p. A high power is 0 to the second order, whatever
# it multiplies.
_HIGH = 8.0


def edge_power(d: Any, p: Any, log_rest: Any, log_density: Any) -> Any:
    """Return the density exp(log_density), which is d^p exp(log_rest) near the edge d = 0."""
    at_edge = d == 0.0
    power = np.where(at_edge, d, 1.0) ** p * np.exp(np.where(at_edge & (p < _HIGH), log_rest, 0.0))
    return np.where(at_edge, power, np.exp(np.where(at_edge, 0.0, log_density)))


# Gamma --------------------------------------------------------------------------------------------------------------


def _gamma_logpdf(x: Any, a: Any) -> Any:
    return special.xlogy(a - 1.0, x) - x - special.gammaln(a)


gamma = Continuous(
    name="gamma",
    doc="Gamma distribution of shape a.",
    shapes=("a",),
    support=(0.0, np.inf),
    of_logpdf=_gamma_logpdf,
    of_pdf=lambda x, a: edge_power(x, a - 1.0, -x - special.gammaln(a), _gamma_logpdf(x, a)),
    of_cdf=lambda x, a: special.gammainc(a, x),
    of_sf=lambda x, a: special.gammaincc(a, x),
    of_ppf=lambda q, a: special.gammaincinv(a, q),
    of_isf=lambda q, a: special.gammainccinv(a, q),
)


def _chi2_rest(x: Any, df: Any) -> Any:
    return -0.5 * x - special.gammaln(0.5 * df) - 0.5 * log(2.0) * df


def _chi2_logpdf(x: Any, df: Any) -> Any:
    return special.xlogy(0.5 * df - 1.0, x) + _chi2_rest(x, df)


chi2 = Continuous(
    name="chi2",
    doc="Chi-square distribution with df degrees of freedom.",
    shapes=("df",),
    support=(0.0, np.inf),
    of_logpdf=_chi2_logpdf,
    of_pdf=lambda x, df: edge_power(x, 0.5 * df - 1.0, _chi2_rest(x, df), _chi2_logpdf(x, df)),
    of_cdf=lambda x, df: special.gammainc(0.5 * df, 0.5 * x),
    of_sf=lambda x, df: special.gammaincc(0.5 * df, 0.5 * x),
    of_ppf=lambda q, df: 2.0 * special.gammaincinv(0.5 * df, q),
    of_isf=lambda q, df: 2.0 * special.gammainccinv(0.5 * df, q),
)


def _chi_rest(x: Any, df: Any) -> Any:
    return log(2.0) * (1.0 - 0.5 * df) - special.gammaln(0.5 * df) - 0.5 * x * x


def _chi_logpdf(x: Any, df: Any) -> Any:
    return special.xlogy(df - 1.0, x) + _chi_rest(x, df)


chi = Continuous(
    name="chi",
    doc="Square root of a chi-square variable with df degrees of freedom.",
    shapes=("df",),
    support=(0.0, np.inf),
    of_logpdf=_chi_logpdf,
    of_pdf=lambda x, df: edge_power(x, df - 1.0, _chi_rest(x, df), _chi_logpdf(x, df)),
    of_cdf=lambda x, df: special.gammainc(0.5 * df, 0.5 * x * x),
    of_sf=lambda x, df: special.gammaincc(0.5 * df, 0.5 * x * x),
    of_ppf=lambda q, df: np.sqrt(2.0 * special.gammaincinv(0.5 * df, q)),
    of_isf=lambda q, df: np.sqrt(2.0 * special.gammainccinv(0.5 * df, q)),
)

invgamma = Continuous(
    name="invgamma",
    doc="Distribution of 1 / X for gamma X.",
    shapes=("a",),
    support=(0.0, np.inf),
    closed=False,
    of_logpdf=lambda x, a: -(a + 1.0) * np.log(x) - special.gammaln(a) - 1.0 / x,
    of_cdf=lambda x, a: special.gammaincc(a, 1.0 / x),
    of_sf=lambda x, a: special.gammainc(a, 1.0 / x),
    of_ppf=lambda q, a: 1.0 / special.gammainccinv(a, q),
    of_isf=lambda q, a: 1.0 / special.gammaincinv(a, q),
)


# Beta ---------------------------------------------------------------------------------------------------------------


def _beta_logpdf(x: Any, a: Any, b: Any) -> Any:
    return special.xlog1py(b - 1.0, -x) + special.xlogy(a - 1.0, x) - special.betaln(a, b)


def _beta_pdf(x: Any, a: Any, b: Any) -> Any:
    left = x < 0.5
    d, p = np.where(left, x, 1.0 - x), np.where(left, a - 1.0, b - 1.0)
    log_rest = np.where(
        left,
        special.xlog1py(b - 1.0, -np.where(left, x, 0.5)),
        special.xlogy(a - 1.0, np.where(left, 0.5, x)),
    )
    return edge_power(d, p, log_rest - special.betaln(a, b), _beta_logpdf(x, a, b))


beta = Continuous(
    name="beta",
    doc="Beta distribution on (0, 1) of shapes a and b.",
    shapes=("a", "b"),
    support=(0.0, 1.0),
    of_logpdf=_beta_logpdf,
    of_pdf=_beta_pdf,
    of_cdf=lambda x, a, b: special.betainc(a, b, x),
    of_sf=lambda x, a, b: special.betaincc(a, b, x),
    of_ppf=lambda q, a, b: special.betaincinv(a, b, q),
    of_isf=lambda q, a, b: special.betainccinv(a, b, q),
)


# F: with n and m degrees of freedom, w = n x / (m + n x) is beta with a = n/2, b = m/2. The smaller of w and
# 1 - w has all digits.


def _f_tail(x: Any, n: Any, m: Any, of_w: Any, of_rest: Any) -> Any:
    low = n * x < m
    w = np.where(low, n * x, m) / (m + n * x)
    return np.where(
        low, of_w(0.5 * n, 0.5 * m, np.where(low, w, 0.5)), of_rest(0.5 * m, 0.5 * n, np.where(low, 0.5, w))
    )


def _f_rest(x: Any, n: Any, m: Any) -> Any:
    return (
        0.5 * m * np.log(m)
        + 0.5 * n * np.log(n)
        - (0.5 * (n + m) * np.log(m + n * x) + special.betaln(0.5 * n, 0.5 * m))
    )


def _f_logpdf(x: Any, n: Any, m: Any) -> Any:
    return special.xlogy(0.5 * n - 1.0, x) + _f_rest(x, n, m)


f = Continuous(
    name="f",
    doc="F distribution with dfn and dfd degrees of freedom.",
    shapes=("dfn", "dfd"),
    support=(0.0, np.inf),
    of_logpdf=_f_logpdf,
    of_pdf=lambda x, n, m: edge_power(x, 0.5 * n - 1.0, _f_rest(x, n, m), _f_logpdf(x, n, m)),
    of_cdf=lambda x, n, m: _f_tail(x, n, m, special.betainc, special.betaincc),
    of_sf=lambda x, n, m: _f_tail(x, n, m, special.betaincc, special.betainc),
    of_ppf=lambda q, n, m: special.fdtri(n, m, q),
    of_isf=lambda q, n, m: 1.0 / special.fdtri(m, n, q),
)


# Student: the limit of infinite df is the normal distribution, of which each formula has its own branch.


def _or_normal(df: Any, student: Any, normal: Any) -> Any:
    """Return student(df), and the normal limit where df is infinite."""
    infinite = np.isinf(df)
    return np.where(infinite, normal, student(np.where(infinite, 1.0, df)))


def _t_logpdf(x: Any, df: Any) -> Any:
    def student(df: Any) -> Any:
        constant = np.log(special.poch(0.5 * df, 0.5)) - 0.5 * (np.log(df) + log(pi))
        return constant - 0.5 * (df + 1.0) * np.log1p(x * x / df)

    return _or_normal(df, student, -0.5 * x * x - 0.5 * log(2.0 * pi))


def _t_ppf(q: Any, df: Any) -> Any:
    def student(df: Any) -> Any:
        return np.where(
            q == 0.0, -np.inf, special.stdtrit(df, np.where(q == 0.0, 0.5, q))
        )  # which gives +inf at 0

    return _or_normal(df, student, special.ndtri(q))


t = Continuous(
    name="t",
    doc="Student's t distribution with df degrees of freedom.",
    shapes=("df",),
    of_logpdf=_t_logpdf,
    of_cdf=lambda x, df: _or_normal(df, lambda df: special.stdtr(df, x), special.ndtr(x)),
    of_sf=lambda x, df: _or_normal(df, lambda df: special.stdtr(df, -x), special.ndtr(-x)),
    of_ppf=_t_ppf,
    of_isf=lambda q, df: -_t_ppf(q, df),
)

"""Distribution functions of SciPy and their inverses: a derivative in the variable is the density.

The densities are those of the gamma and beta distributions in another variable. Derivatives in degrees of freedom are
those of special_parameters. Counts are rounded down by SciPy, so that they are locally constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from wengert.ops.families import elementwise
from wengert.ops.special_families import fixed, parameters
from wengert.ops.special_gamma import beta_density, gamma_density
from wengert.ops.special_parameters import gamma_slope, slope_in, slope_of_share

__all__: list[str] = []


# Student ------------------------------------------------------------------------------------------------------------


def _student_density(df: Any, t: Any) -> Any:
    """(1 + t^2/df)^(-(df + 1)/2) Gamma((df + 1)/2) / (Gamma(df/2) sqrt(pi df)); poch stays accurate for large df."""
    scale = special.poch(0.5 * df, 0.5) / np.sqrt(np.pi * df)
    return scale * np.exp(-0.5 * (df + 1.0) * np.log1p(t * t / df))


_student_slope = slope_in(special.stdtr)  # of the tail on the left, whose complement is the one on the right

elementwise(
    special.stdtr,
    (
        lambda y, df, t: -np.sign(t) * _student_slope(df, -np.absolute(t)),
        lambda y, df, t: _student_density(df, t),
    ),
    samples=parameters((1.0, 6.0), (-2.0, 2.0)),
    doc="Student's t distribution function with df degrees of freedom. DLMF 8.17.2.",
)

elementwise(
    special.stdtrit,
    (
        lambda y, df, p: np.sign(y) * _student_slope(df, -np.absolute(y)) / _student_density(df, y),
        lambda y, df, p: 1.0 / _student_density(df, y),
    ),
    samples=parameters((1.0, 6.0), (0.1, 0.9)),
    doc="Inverse of Student's t distribution function in t. DLMF 8.17.2.",
)


# F: the beta distribution with a = m/2, b = n/2 in w = m x / (n + m x) ------------------------------------------------


def _f_density(m: Any, n: Any, x: Any) -> Any:
    w = m * x / (n + m * x)
    return beta_density(0.5 * m, 0.5 * n, w) * m * n / (n + m * x) ** 2


_f_slope_m = slope_of_share(special.fdtr, special.fdtrc, 0)
_f_slope_n = slope_of_share(special.fdtr, special.fdtrc, 1)

elementwise(
    special.fdtr,
    (
        lambda y, m, n, x: _f_slope_m(m, n, x),
        lambda y, m, n, x: _f_slope_n(m, n, x),
        lambda y, m, n, x: _f_density(m, n, x),
    ),
    samples=parameters((2.0, 6.0), (2.0, 6.0), (0.2, 3.0)),
    doc="F distribution function with dfn and dfd degrees of freedom. DLMF 8.17.2.",
)

elementwise(
    special.fdtrc,
    (
        lambda y, m, n, x: -_f_slope_m(m, n, x),
        lambda y, m, n, x: -_f_slope_n(m, n, x),
        lambda y, m, n, x: -_f_density(m, n, x),
    ),
    samples=parameters((2.0, 6.0), (2.0, 6.0), (0.2, 3.0)),
    doc="Complement of the F distribution function. DLMF 8.17.2.",
)

elementwise(
    special.fdtri,
    (
        lambda y, m, n, p: -_f_slope_m(m, n, y) / _f_density(m, n, y),
        lambda y, m, n, p: -_f_slope_n(m, n, y) / _f_density(m, n, y),
        lambda y, m, n, p: 1.0 / _f_density(m, n, y),
    ),
    samples=parameters((2.0, 6.0), (2.0, 6.0), (0.1, 0.9)),
    doc="Inverse of the F distribution function in x. DLMF 8.17.2.",
)


# Chi square and gamma -----------------------------------------------------------------------------------------------

elementwise(
    special.chdtr,
    (
        lambda y, v, x: 0.5 * gamma_slope(0.5 * v, 0.5 * x),
        lambda y, v, x: 0.5 * gamma_density(0.5 * v, 0.5 * x),
    ),
    samples=parameters((2.0, 6.0), (0.5, 5.0)),
    doc="Chi-square distribution function P(v/2, x/2). DLMF 8.2.4.",
)

elementwise(
    special.chdtrc,
    (
        lambda y, v, x: -0.5 * gamma_slope(0.5 * v, 0.5 * x),
        lambda y, v, x: -0.5 * gamma_density(0.5 * v, 0.5 * x),
    ),
    samples=parameters((2.0, 6.0), (0.5, 5.0)),
    doc="Complement Q(v/2, x/2) of the chi-square distribution function. DLMF 8.2.4.",
)

elementwise(
    special.chdtri,
    (
        lambda y, v, p: -gamma_slope(0.5 * v, 0.5 * y) / gamma_density(0.5 * v, 0.5 * y),
        lambda y, v, p: -2.0 / gamma_density(0.5 * v, 0.5 * y),
    ),
    samples=parameters((2.0, 6.0), (0.1, 0.9)),
    doc="Inverse of chdtrc in x. DLMF 8.2.4.",
)

elementwise(
    special.gdtr,
    (
        lambda y, a, b, x: x * gamma_density(b, a * x),
        lambda y, a, b, x: gamma_slope(b, a * x),
        lambda y, a, b, x: a * gamma_density(b, a * x),
    ),
    samples=parameters((0.5, 2.0), (1.0, 4.0), (0.5, 3.0)),
    doc="Gamma distribution function P(b, a x) with rate a. DLMF 8.2.4.",
)

elementwise(
    special.gdtrc,
    (
        lambda y, a, b, x: -x * gamma_density(b, a * x),
        lambda y, a, b, x: -gamma_slope(b, a * x),
        lambda y, a, b, x: -a * gamma_density(b, a * x),
    ),
    samples=parameters((0.5, 2.0), (1.0, 4.0), (0.5, 3.0)),
    doc="Complement Q(b, a x) of the gamma distribution function. DLMF 8.2.4.",
)

# P(b, a y) = p: the product a y is a function of p and b alone.
elementwise(
    special.gdtrix,
    (
        lambda y, a, b, p: -y / a,
        lambda y, a, b, p: -gamma_slope(b, a * y) / (a * gamma_density(b, a * y)),
        lambda y, a, b, p: 1.0 / (a * gamma_density(b, a * y)),
    ),
    samples=parameters((0.5, 2.0), (1.0, 4.0), (0.1, 0.9)),
    doc="Inverse of gdtr in x. DLMF 8.2.4.",
)


# Counts: binomial, negative binomial, Poisson -----------------------------------------------------------------------
#
# bdtr(k, n, p) = I_(1-p)(n - k, k + 1),  nbdtr(k, n, p) = I_p(n, k + 1),  pdtr(k, m) = Q(k + 1, m), with k rounded down
# (DLMF 8.17.5, 8.4.10).


def _binomial_density(k: Any, n: Any, p: Any) -> Any:
    k = np.floor(k)
    return beta_density(k + 1.0, n - k, p)


def _negative_binomial_density(k: Any, n: Any, p: Any) -> Any:
    return beta_density(n, np.floor(k) + 1.0, p)


def _poisson_density(k: Any, m: Any) -> Any:
    return gamma_density(np.floor(k) + 1.0, m)


elementwise(
    special.bdtr,
    (0, fixed("bdtr", "n"), lambda y, k, n, p: -_binomial_density(k, n, p)),
    samples=parameters((0, 3), (5, 8), (0.2, 0.8)),
    doc="Binomial distribution function of k in n trials of probability p. DLMF 8.17.5.",
)

elementwise(
    special.bdtrc,
    (0, fixed("bdtrc", "n"), lambda y, k, n, p: _binomial_density(k, n, p)),
    samples=parameters((0, 3), (5, 8), (0.2, 0.8)),
    doc="Complement of the binomial distribution function. DLMF 8.17.5.",
)

elementwise(
    special.bdtri,
    (0, fixed("bdtri", "n"), lambda y, k, n, p: -1.0 / _binomial_density(k, n, y)),
    samples=parameters((0, 3), (5, 8), (0.2, 0.8)),
    doc="Inverse of bdtr in p. DLMF 8.17.5.",
)

elementwise(
    special.nbdtr,
    (0, fixed("nbdtr", "n"), lambda y, k, n, p: _negative_binomial_density(k, n, p)),
    samples=parameters((0, 3), (2, 5), (0.2, 0.8)),
    doc="Negative binomial distribution function of k failures before n successes of probability p. DLMF 8.17.5.",
)

elementwise(
    special.nbdtrc,
    (0, fixed("nbdtrc", "n"), lambda y, k, n, p: -_negative_binomial_density(k, n, p)),
    samples=parameters((0, 3), (2, 5), (0.2, 0.8)),
    doc="Complement of the negative binomial distribution function. DLMF 8.17.5.",
)

elementwise(
    special.nbdtri,
    (0, fixed("nbdtri", "n"), lambda y, k, n, p: 1.0 / _negative_binomial_density(k, n, y)),
    samples=parameters((0, 3), (2, 5), (0.2, 0.8)),
    doc="Inverse of nbdtr in p. DLMF 8.17.5.",
)

elementwise(
    special.pdtr,
    (0, lambda y, k, m: -_poisson_density(k, m)),
    samples=parameters((0, 4), (0.5, 3.0)),
    doc="Poisson distribution function of k with mean m. DLMF 8.4.10.",
)

elementwise(
    special.pdtrc,
    (0, lambda y, k, m: _poisson_density(k, m)),
    samples=parameters((0, 4), (0.5, 3.0)),
    doc="Complement of the Poisson distribution function. DLMF 8.4.10.",
)

elementwise(
    special.pdtri,
    (0, lambda y, k, p: -1.0 / _poisson_density(k, y)),
    samples=parameters((0, 4), (0.1, 0.9)),
    doc="Inverse of pdtr in m. DLMF 8.4.10.",
)

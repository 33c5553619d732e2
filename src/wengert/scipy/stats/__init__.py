"""Distributions with SciPy's names and signatures, differentiable in the point and in every continuous parameter.

    norm(loc, scale).logpdf(x), norm.logpdf(x, loc, scale)

Densities, probabilities, their logarithms, and quantiles.

family.py       what all share: location, scale, support
normal.py  gamma.py  exponential.py  counts.py  multivariate.py
"""

from wengert.scipy.stats.counts import bernoulli, binom, geom, nbinom, poisson
from wengert.scipy.stats.exponential import (
    cauchy,
    expon,
    genextreme,
    gennorm,
    gumbel_l,
    gumbel_r,
    halfcauchy,
    laplace,
    logistic,
    lomax,
    pareto,
    powerlaw,
    uniform,
    vonmises,
    weibull_max,
    weibull_min,
)
from wengert.scipy.stats.gamma import beta, chi, chi2, f, gamma, invgamma, t
from wengert.scipy.stats.multivariate import dirichlet, multivariate_normal, multivariate_t
from wengert.scipy.stats.normal import (
    halfnorm,
    invgauss,
    levy,
    lognorm,
    maxwell,
    norm,
    rayleigh,
    skewnorm,
    truncnorm,
)

__all__ = [
    "bernoulli",
    "beta",
    "binom",
    "cauchy",
    "chi",
    "chi2",
    "dirichlet",
    "expon",
    "f",
    "gamma",
    "genextreme",
    "gennorm",
    "geom",
    "gumbel_l",
    "gumbel_r",
    "halfcauchy",
    "halfnorm",
    "invgamma",
    "invgauss",
    "laplace",
    "levy",
    "logistic",
    "lognorm",
    "lomax",
    "maxwell",
    "multivariate_normal",
    "multivariate_t",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "powerlaw",
    "rayleigh",
    "skewnorm",
    "t",
    "truncnorm",
    "uniform",
    "vonmises",
    "weibull_max",
    "weibull_min",
]

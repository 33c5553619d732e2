"""Distributions with SciPy's names and signatures, differentiable in the point and in every continuous parameter.

    norm(loc, scale).logpdf(x), norm.logpdf(x, loc, scale)

Densities, probabilities, their logarithms, and quantiles. Everything else is SciPy's own, and refuses traced values.

family.py       what all share: location, scale, support
normal.py  gamma.py  exponential.py  counts.py  multivariate.py
"""

import importlib
import types
from typing import Any

from wengert.scipy.mirror import mirror as _mirror
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


def __getattr__(name: str) -> Any:
    theirs = importlib.import_module("scipy.stats")
    found = getattr(theirs, name, None)
    is_plain = found is not None and not isinstance(found, types.FunctionType) and not name.startswith("_")
    return (
        found if is_plain else _mirror(theirs, name)
    )  # SciPy's distributions are callable, and refuse by themselves


def __dir__() -> list[str]:
    return sorted({*__all__, *importlib.import_module("scipy.stats").__all__})

"""Distributions of several variables: dirichlet, multivariate_normal, multivariate_t.

Derivatives are with respect to the point and to every parameter. A covariance is factorized, C = L L^T; only its
symmetric part counts, so that its gradient is symmetric.
"""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np
from scipy import special

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError
from wengert.scipy.stats.family import Family

__all__ = ["dirichlet", "multivariate_normal", "multivariate_t"]


def _any(condition: Any) -> bool:
    """Say whether a condition holds anywhere; under `vmap`, where no value is known, assume that it does not."""
    return not isinstance(condition, Traced) and bool(np.any(condition))


# Dirichlet ----------------------------------------------------------------------------------------------------------

_SUM_TOLERANCE = 1e-9  # SciPy's


def _dirichlet_point(x: Any, alpha: Any) -> Any:
    """Return all K coordinates of a point, of which the last may be left out, or raise as SciPy does."""
    k = np.shape(alpha)[0]
    if np.shape(x)[0] == k - 1:
        x = np.concatenate([x, (1.0 - np.sum(x, axis=0))[None]])
    if np.shape(x)[0] != k:
        message = (
            f"Vector 'x' must have either the same number of entries as, or one entry fewer than, 'a': {k}"
        )
        raise ValueError(message)
    if _any(alpha <= 0.0):
        message = "All parameters must be greater than 0"
        raise ValueError(message)
    if _any(x < 0.0) or _any(x > 1.0) or _any(np.abs(np.sum(x, axis=0) - 1.0) > _SUM_TOLERANCE):
        message = "The input vector 'x' must lie within the normal simplex."
        raise ValueError(message)
    return x


class _Dirichlet(Family):
    """Dirichlet distribution on the simplex, density of prod x_i^(alpha_i - 1).

    Johnson, Kotz, Balakrishnan, Continuous Multivariate Distributions, vol. 1 (2000), chapter 49.
    """

    name = "dirichlet"

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """Logarithm of the density; x has its K or K - 1 coordinates along the first axis."""
        x, alpha = operand(x), operand(alpha)
        x = _dirichlet_point(x, alpha)
        exponents = np.reshape(alpha - 1.0, (-1, *[1] * (np.ndim(x) - 1)))
        norm = np.sum(special.gammaln(alpha)) - special.gammaln(np.sum(alpha))
        return np.sum(special.xlogy(exponents, x), axis=0) - norm

    def pdf(self, x: Any, alpha: Any) -> Any:
        """Density; x has its K or K - 1 coordinates along the first axis."""
        return np.exp(self.logpdf(x, alpha))


dirichlet = _Dirichlet()


# Elliptical distributions -------------------------------------------------------------------------------------------


def _location_and_matrix(x: Any, mean: Any, cov: Any) -> tuple[Any, Any, Any]:
    """Return points (..., d), location (d,) and matrix (d, d) from the forms that SciPy takes."""
    mean = None if mean is None else operand(mean)
    cov = 1.0 if cov is None else operand(cov)
    shape = np.shape(cov)
    d = np.size(mean) if mean is not None else (shape[0] if shape else 1)
    mean = np.zeros(d) if mean is None else np.reshape(mean, (d,))
    if len(shape) < 2:
        cov = np.eye(d) * cov  # a variance, or a vector of them
    if np.shape(cov) != (d, d):
        message = f"Array 'cov' must be square of size {d}, but its shape is {shape}."
        raise ValueError(message)
    x = operand(x)
    if not np.ndim(x):
        x = np.reshape(x, (1,))
    elif np.ndim(x) == 1 and d == 1:
        x = x[:, None]
    return x, mean, cov


def _squares_and_logdet(x: Any, mean: Any, cov: Any) -> tuple[Any, Any]:
    """Return (x - mean)^T C^-1 (x - mean) and log det C."""
    lower = np.linalg.cholesky(0.5 * (cov + cov.T))
    deviations = np.reshape(x - mean, (-1, np.shape(mean)[0])).T
    white = np.linalg.solve(lower, deviations)
    squares = np.reshape(np.sum(white * white, axis=0), np.broadcast_shapes(np.shape(x), np.shape(mean))[:-1])
    return squares, 2.0 * np.sum(np.log(np.diagonal(lower)))


def _require_regular(name: str, allow_singular: bool) -> None:
    if allow_singular:
        raise ArgumentError(
            f"{name} was called with allow_singular=True",
            why="the density on the range of a singular matrix is not differentiable in the matrix: its rank jumps.",
            instead="project the data on the range, or add a small multiple of the identity.",
        )


class _MultivariateNormal(Family):
    """Multivariate normal distribution.

    Johnson, Kotz, Balakrishnan, Continuous Multivariate Distributions, vol. 1 (2000), chapter 45.
    """

    name = "multivariate_normal"

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """Logarithm of the density at points x (..., d)."""
        _require_regular("multivariate_normal", allow_singular)
        x, mean, cov = _location_and_matrix(x, mean, cov)
        squares, logdet = _squares_and_logdet(x, mean, cov)
        return -0.5 * (np.shape(mean)[0] * log(2.0 * pi) + logdet + squares)

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """Density at points x (..., d)."""
        return np.exp(self.logpdf(x, mean, cov, allow_singular))


multivariate_normal = _MultivariateNormal()


class _MultivariateT(Family):
    """Multivariate Student distribution with df degrees of freedom.

    Kotz, Nadarajah, Multivariate t Distributions and Their Applications (2004).
    """

    name = "multivariate_t"

    def logpdf(self, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
        """Logarithm of the density at points x (..., d)."""
        x, loc, shape = _location_and_matrix(x, loc, shape)
        if _any(np.isinf(df)):
            return multivariate_normal.logpdf(x, loc, shape)
        d = np.shape(loc)[0]
        squares, logdet = _squares_and_logdet(x, loc, shape)
        constant = special.gammaln(0.5 * (df + d)) - special.gammaln(0.5 * df)
        half = 0.5 * (d * (np.log(df) + log(pi)) + logdet)
        return constant - half - 0.5 * (df + d) * np.log1p(squares / df)

    def pdf(self, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
        """Density at points x (..., d)."""
        return np.exp(self.logpdf(x, loc, shape, df))


multivariate_t = _MultivariateT()

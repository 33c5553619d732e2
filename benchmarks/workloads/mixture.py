"""The logarithm of the likelihood of a mixture of Gaussians (ADBench's GMM), with a Wishart prior."""

from __future__ import annotations

import math

import numpy as np
from workloads.workload import Limit, Workload


def mixture(alphas, means, factors, x, gamma, m):
    """Return the logarithm of the posterior density.

    Row k of `factors` holds the logarithms of the diagonal of a lower triangular matrix, then what is below it, column
    by column.
    """
    n, d = x.shape
    logarithms, below = factors[:, :d], factors[:, d:]
    diagonal = np.exp(logarithms)
    columns, rows = np.triu_indices(d, 1)
    lower = np.zeros((len(alphas), d, d), like=factors)
    lower[:, rows, columns] = below
    lower[:, np.arange(d), np.arange(d)] = diagonal
    centred = x - means[:, None, :]
    whitened = centred @ np.swapaxes(lower, 1, 2)
    sums = np.sum(logarithms, axis=1)
    main = (alphas + sums)[:, None] - 0.5 * np.sum(whitened**2, axis=2)
    prior = 0.5 * gamma**2 * (np.sum(diagonal**2) + np.sum(below**2)) - m * np.sum(sums)
    likelihood = np.sum(_logsumexp(main)) - n * _logsumexp(alphas)
    return likelihood - 0.5 * n * d * math.log(2 * math.pi) + prior - len(alphas) * normaliser(d, gamma, m)


def _logsumexp(x):
    largest = np.max(x, axis=0)
    return largest + np.log(np.sum(np.exp(x - largest), axis=0))


def normaliser(d, gamma, m):
    """Return the logarithm of what the prior of one component is divided by."""
    freedom = d + m + 1
    product = sum(math.lgamma(0.5 * (freedom - j)) for j in range(d))
    return (
        freedom * d * (math.log(gamma) - 0.5 * math.log(2)) - 0.25 * d * (d - 1) * math.log(math.pi) - product
    )


def _arguments(d, components, n):
    def arguments(smoke):
        size, k, points = (3, 2, 5) if smoke else (d, components, n)
        random = np.random.default_rng(0)
        return (
            random.normal(size=k),
            random.uniform(size=(k, size)),
            random.normal(size=(k, size * (size + 1) // 2)) / size,
            random.normal(size=(points, size)),
        )

    return arguments


def _objective(alphas, means, factors, x):
    return mixture(alphas, means, factors, x, 1.0, 0)


def _workload(name, d, limit):
    return Workload(
        f"mixture of Gaussians, {name}",
        _objective,
        _arguments(d, 25, 1000),
        "mixture",
        "mixture",
        Limit(limit),
        argnums=(0, 1, 2),
        sizes=lambda args: (*args[1].shape, len(args[3])),
        routine="dgemm",
        rtol=1e-10,
    )


WORKLOADS = [_workload("d 10", 10, 1.5), _workload("d 64", 64, 1.3)]

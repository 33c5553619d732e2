"""Ordinary loops that write into arrays entry by entry."""

from __future__ import annotations

import numpy as np
from workloads.workload import Limit, Workload

import wengert as wg


@wg.lift
def tridiagonal(lower, diagonal, upper, right):
    """Return the sum of the squares of the solution of a tridiagonal system, by elimination."""
    n = len(right)
    b, d = diagonal.copy(), right.copy()
    for i in range(1, n):
        w = lower[i] / b[i - 1]
        b[i] = b[i] - w * upper[i - 1]
        d[i] = d[i] - w * d[i - 1]
    x = np.zeros_like(d)
    x[n - 1] = d[n - 1] / b[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = (d[i] - upper[i] * x[i + 1]) / b[i]
    return np.sum(x * x)


@wg.lift
def prefix(a, x):
    """Return the sum of the squares of y[i] = sin(a[i] y[i-1]) + x[i]."""
    y = np.zeros_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = np.sin(a[i] * y[i - 1]) + x[i]
    return np.sum(y * y)


def _numbers(smoke, *ranges):
    random = np.random.default_rng(0)
    return tuple([random.uniform(*r, 12 if smoke else 10_000) for r in ranges])


WORKLOADS = [
    Workload(
        "tridiagonal solve, n = 1e4",
        tridiagonal,
        lambda smoke: _numbers(smoke, (0, 1), (3, 4), (0, 1), (-1, 1)),
        "loops",
        "tridiagonal",
        Limit(2.0),
        argnums=(0, 1, 2, 3),
        sizes=lambda args: (len(args[0]),),
    ),
    Workload(
        "prefix recurrence, n = 1e4",
        prefix,
        lambda smoke: _numbers(smoke, (-1, 1), (-1, 1)),
        "loops",
        "prefix",
        Limit(2.0),
        argnums=(0, 1),
        sizes=lambda args: (len(args[0]),),
    ),
]

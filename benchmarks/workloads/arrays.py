"""Programs of one array that a single pass over it differentiates."""

from __future__ import annotations

import numpy as np
from workloads.workload import Limit, Workload


def rosenbrock(x):
    """Return Rosenbrock's function."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def elementwise(x):
    """Return the sum of a function with five transcendental ones."""
    return np.sum(np.tanh(x) * np.exp(-(x**2)) + np.sin(x) * np.log1p(x**2))


def _points(n):
    """Return a function that makes n points, or 40 where they are to be few."""
    return lambda smoke: (np.random.default_rng(0).normal(size=min(n, 40) if smoke else n),)


def _length(args):
    return (len(args[0]),)


def _workload(name, fun, n, by_hand, limit, calls):
    return Workload(name, fun, _points(n), "arrays", by_hand, limit, sizes=_length, calls=calls, rtol=1e-12)


WORKLOADS = [
    _workload("Rosenbrock, n = 100", rosenbrock, 100, "rosen", Limit(1.0, plus=1.0), 1000),
    _workload("Rosenbrock, n = 1e6", rosenbrock, 1_000_000, "rosen", Limit(1.3), 1),
    _workload("elementwise, n = 1e3", elementwise, 1000, "elementwise", Limit(1.3, plus=1.0), 100),
    _workload("elementwise, n = 4e6", elementwise, 4_000_000, "elementwise", Limit(1.3), 1),
]

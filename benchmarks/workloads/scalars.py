"""Programs of a few numbers: a call, and loops whose steps wait for one another."""

from __future__ import annotations

import numpy as np
from workloads.workload import Limit, Workload

import wengert as wg


def call2(x, y):
    """Return ln x + x y - sin y."""
    return np.log(x) + x * y - np.sin(y)


def logistic(x, steps=1000):
    """Return the logistic map after some steps."""
    return wg.fori_loop(0, steps, lambda _, v: 4 * v * (1 - v), x)


def lotka(a, b, c, d, x, y, steps=1000, h=0.01):
    """Return the sum of predators and prey after some steps of the classical Runge-Kutta method."""

    def slope(s):
        x, y = s
        return a * x - b * x * y, d * x * y - c * y

    def moved(s, h, k):
        return s[0] + h * k[0], s[1] + h * k[1]

    def step(_, s):
        k1 = slope(s)
        k2 = slope(moved(s, h / 2, k1))
        k3 = slope(moved(s, h / 2, k2))
        k4 = slope(moved(s, h, k3))
        return tuple([s[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) for i in range(2)])

    return sum(wg.fori_loop(0, steps, step, (x, y)))


def newton(p):
    """Return the solution of x = cos(p x) that Newton's method finds from 0.5."""

    def residual(x):
        return x - np.cos(p * x)

    def step(x):
        return x - residual(x) / (1 + p * np.sin(p * x))

    return wg.while_loop(lambda x: np.abs(residual(x)) > 1e-12, step, 0.5)


WORKLOADS = [
    Workload(
        "ln x + x y - sin y",
        call2,
        lambda smoke: (2.0, 5.0),
        "scalars",
        "call2",
        Limit(plus=1.5),
        argnums=(0, 1),
        calls=1000,
    ),
    # every step doubles an error: only exact arithmetic, as from 3/4, compares a thousand of them
    Workload(
        "logistic map, 1000 steps",
        logistic,
        lambda smoke: (0.75,),
        "scalars",
        "logistic",
        Limit(1.5),
        sizes=lambda args: (1000,),
        calls=100,
    ),
    Workload(
        "Lotka-Volterra, 1000 steps",
        lotka,
        lambda smoke: (1.5, 1.0, 3.0, 1.0, 1.0, 1.0),
        "scalars",
        "lotka",
        Limit(1.5),
        argnums=tuple(range(6)),
        sizes=lambda args: (1000,),
        calls=10,
        rtol=1e-10,
    ),
    Workload(
        "Newton to tolerance",
        newton,
        lambda smoke: (1.3,),
        "scalars",
        "newton",
        Limit(2.0, plus=1.0),
        calls=1000,
    ),
]

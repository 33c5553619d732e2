"""Errors in ulp over the whole range, against mpmath.

The table holds, for each function and format, the bound that is promised and the largest error that was found with
20 000 to 200 000 arguments of the same kind; it is a bound on rounding errors counted by hand that is promised, and
what was found stands beside it for whoever changes a polynomial.
"""

from __future__ import annotations

import math

import mpmath
import pytest

from tests.compile.vector_math.native import apply
from tests.compile.vector_math.reference import EXACT, PRECISION, sample, ulps

SIZE = 1000
INF = math.inf

# name: (domain, promised, found in f64, found in f32)
TABLE = {
    "cos": ((-INF, INF), 2.0, 0.87, 0.82),
    "exp": ((-INF, INF), 2.0, 0.80, 0.80),
    "expm1": ((-INF, INF), 2.0, 0.90, 0.90),
    "log": ((0.0, INF), 2.0, 0.76, 0.80),
    "log1p": ((-1.0, INF), 2.0, 1.00, 1.26),
    "sigmoid": ((-INF, INF), 2.0, 1.98, 2.13),
    "sin": ((-INF, INF), 2.0, 0.76, 0.79),
    "sqrt": ((0.0, INF), 0.5, 0.5, 0.5),
    "tanh": ((-INF, INF), 2.0, 1.98, 1.85),
}


def worst(name, dtype, *arguments):
    found = apply(name, dtype, 8, *arguments)
    with mpmath.workprec(PRECISION):
        rows = zip(*(a.tolist() for a in arguments), found.tolist(), strict=True)
        errors = [(ulps(y, EXACT[name](*map(mpmath.mpf, x)), dtype), x, y) for *x, y in rows]
    return max(errors)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", TABLE)
def test_error_is_within_the_bound(name, dtype):
    (low, high), bound, *_ = TABLE[name]
    x = sample(dtype, SIZE)
    x = x[(x > low) & (x < high)]
    error, at, found = worst(name, dtype, x)
    assert error <= bound, (at, found)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", TABLE)
def test_error_is_what_was_found(name, dtype):
    (low, high), _, *measured = TABLE[name]
    x = sample(dtype, 30 * SIZE, seed=1)
    error, at, found = worst(name, dtype, x[(x > low) & (x < high)])
    assert error <= measured[dtype == "f32"], (at, found)

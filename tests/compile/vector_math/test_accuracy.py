"""Errors in ulp over the whole range, against mpmath.

For each function the table holds the bound that is promised, and the largest errors that 100 000 arguments of the same
kind have shown in float64, and three million in float32, rounded up: for whoever changes a polynomial.
"""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from tests.compile.vector_math.native import DTYPES, apply
from tests.compile.vector_math.reference import EXACT, FORMATS, PRECISION, sample, ulps

SIZE = 1000
INF = math.inf
REALS = (-INF, INF)

# name: (domain, promised, found in f64, found in f32)
TABLE = {
    "acos": ((-1.0, 1.0), 2.0, 1.2, 1.4),
    "acosh": ((1.0, INF), 4.0, 2.3, 2.1),
    "asin": ((-1.0, 1.0), 2.0, 1.3, 1.4),
    "asinh": (REALS, 4.0, 1.6, 1.8),
    "atan": (REALS, 2.0, 1.6, 1.6),
    "atanh": ((-1.0, 1.0), 4.0, 1.8, 2.0),
    "cbrt": (REALS, 2.0, 0.6, 0.6),
    "cos": (REALS, 2.0, 1.0, 1.0),
    "cosh": (REALS, 2.0, 1.2, 1.3),
    "digamma": ((0.0, INF), 4.0, 3.0, 1.3),
    "erf": (REALS, 4.0, 1.2, 0.6),
    "erfc": (REALS, 4.0, 3.1, 0.7),
    "exp": (REALS, 2.0, 1.0, 1.0),
    "exp2": (REALS, 2.0, 1.3, 1.1),
    "expm1": (REALS, 2.0, 1.2, 1.2),
    "lgamma": ((0.0, INF), 4.0, 3.7, 0.8),
    "log": ((0.0, INF), 2.0, 0.8, 0.9),
    "log10": ((0.0, INF), 2.0, 0.8, 0.9),
    "log1p": ((-1.0, INF), 2.0, 1.4, 1.6),
    "log2": ((0.0, INF), 2.0, 0.9, 1.0),
    "sigmoid": (REALS, 2.0, 1.4, 1.5),
    "sin": (REALS, 2.0, 1.0, 1.0),
    "sinh": (REALS, 2.0, 1.4, 1.6),
    "softplus": (REALS, 4.0, 1.6, 1.8),
    "sqrt": ((0.0, INF), 0.5, 0.5, 0.5),
    "tan": (REALS, 2.0, 1.4, 1.4),
    "tanh": (REALS, 2.0, 1.0, 1.4),
}
PAIRS = {
    "atan2": (2.0, 1.6, 1.5),
    "fmod": (0.0, 0.0, 0.0),
    "hypot": (2.0, 1.0, 0.6),
    "pow": (2.0, 1.2, 0.6),
}


def worst(name, dtype, *arguments):
    found = apply(name, dtype, 8, *arguments)
    with mpmath.workprec(PRECISION):
        rows = zip(*(a.tolist() for a in arguments), found.tolist(), strict=True)
        errors = [(ulps(y, EXACT[name](*map(mpmath.mpf, x)), dtype), x, y) for *x, y in rows]
    return max(errors)


def one(name, dtype, size, seed=0):
    (low, high), *_ = TABLE[name]
    x = sample(dtype, size, seed=seed)
    return (x[(x > low) & (x < high)],)


def two(name, dtype, size, seed=0):
    """Arguments that are independent, and others close to each other; those of powers where there is a result."""
    x = sample(dtype, size, seed=seed)
    y = np.random.default_rng(seed).permutation(x)
    y[::4] = x[::4] * y.dtype.type(0.75)
    if name == "pow":
        return np.abs(x), y
    return (x[y != 0], y[y != 0])


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", TABLE)
def test_error_is_within_the_bound(name, dtype):
    error, at, found = worst(name, dtype, *one(name, dtype, SIZE))
    assert error <= TABLE[name][1], (at, found)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", PAIRS)
def test_error_of_two_arguments_is_within_the_bound(name, dtype):
    error, at, found = worst(name, dtype, *two(name, dtype, SIZE))
    assert error <= PAIRS[name][0], (at, found)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", [*TABLE, *PAIRS])
def test_error_is_what_was_found(name, dtype):
    arguments, measured = (one, TABLE[name][2:]) if name in TABLE else (two, PAIRS[name][1:])
    error, at, found = worst(name, dtype, *arguments(name, dtype, 30 * SIZE, seed=1))
    assert error <= measured[dtype == "f32"], (at, found)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_digamma_of_negative_arguments_is_as_good_as_its_parts(dtype):
    # digamma(x) = digamma(1 - x) - pi cot(pi x): between two poles the parts cancel, and it is their size that counts
    x = -np.random.default_rng(0).uniform(0.01, 60, SIZE).astype(DTYPES[dtype])
    found = apply("digamma", dtype, 8, x).tolist()
    ulp = 2.0 ** (1 - FORMATS[dtype].digits)
    for y, at in zip(found, map(mpmath.mpf, x.tolist()), strict=True):
        size = abs(mpmath.digamma(1 - at)) + abs(mpmath.pi * mpmath.cot(mpmath.pi * at))
        assert abs(y - mpmath.digamma(at)) <= 3 * ulp * size


def test_lgamma_of_negative_arguments():
    x = -np.random.default_rng(0).uniform(0.01, 60, SIZE)
    found = apply("lgamma", "f64", 8, x).tolist()
    for y, at in zip(found, map(mpmath.mpf, x.tolist()), strict=True):
        exact = mpmath.log(abs(mpmath.gamma(at)))
        assert abs(y - exact) <= 1e-15 * max(1, abs(exact))


def test_an_error_is_seen():
    with mpmath.workprec(PRECISION):
        assert ulps(math.nextafter(1.0, 2.0), mpmath.mpf(1), "f64") == 1.0
        assert ulps(math.nan, mpmath.mpf(1), "f64") == math.inf
        assert ulps(math.inf, mpmath.mpf(2) ** 1023, "f64") == math.inf
        assert ulps(math.inf, mpmath.mpf(2) ** 1025, "f64") == 0.0


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_logarithms_of_exact_powers_are_exact(dtype):
    n = np.arange(0, 23 if dtype == "f64" else 11).astype(DTYPES[dtype])
    assert np.array_equal(apply("log10", dtype, 8, 10**n), n)
    n = np.arange(-149 if dtype == "f32" else -1074, 128).astype(DTYPES[dtype])
    assert np.array_equal(apply("log2", dtype, 8, np.exp2(n)), n)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_neighbours_of_multiples_of_a_quarter_turn(name, dtype):
    # where the argument cancels: up to, across and far beyond the point where the C library takes over
    random = np.random.default_rng(0)
    kind = DTYPES[dtype]
    top = 900 if dtype == "f64" else 120
    n = 2 ** np.concatenate([random.uniform(3, 36, 300), random.uniform(36, top, 100)])
    x = (np.rint(n) * (math.pi / 2)).astype(kind)
    x = np.concatenate([x, -np.nextafter(x, kind(0)), np.nextafter(x, kind(INF))])
    with mpmath.workprec(1200):
        found = apply(name, dtype, 8, x).tolist()
        errors = [
            ulps(y, EXACT[name](mpmath.mpf(at)), dtype) for y, at in zip(found, x.tolist(), strict=True)
        ]
    assert max(errors) <= TABLE[name][1]

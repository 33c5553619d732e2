"""Special values by Annex F of C99: signed zeros, infinities, nan, exact cases; bit for bit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.compile.vector_math.native import DTYPES, apply
from wengert.compile.vector_math import FUNCTIONS

# name: argument=result ..., or argument,argument=result ...
TABLE = {
    "ceil": "0=0 -0=-0 -0.5=-0 2.5=3 inf=inf -inf=-inf",
    "copysign": "1,-0=-1 -2,0=2 nan,1=nan inf,-1=-inf 0,-1=-0",
    "cos": "0=1 -0=1 inf=nan -inf=nan",
    "exp": "0=1 -0=1 inf=inf -inf=0 1e4=inf -1e4=0",
    "expm1": "0=0 -0=-0 inf=inf -inf=-1 -1e4=-1 1e4=inf",
    "fabs": "-0=0 -inf=inf -3=3",
    "floor": "0=0 -0=-0 -0.5=-1 2.5=2 inf=inf -inf=-inf",
    "log": "0=-inf -0=-inf 1=0 -1=nan -inf=nan inf=inf",
    "log1p": "0=0 -0=-0 -1=-inf -2=nan -inf=nan inf=inf",
    "rint": "0=0 -0=-0 0.5=0 -0.5=-0 1.5=2 2.5=2 inf=inf -inf=-inf",
    "sigmoid": "0=0.5 -0=0.5 inf=1 -inf=0",
    "sin": "0=0 -0=-0 inf=nan -inf=nan",
    "sqrt": "0=0 -0=-0 4=2 -1=nan inf=inf -inf=nan",
    "tanh": "0=0 -0=-0 inf=1 -inf=-1",
    "trunc": "0=0 -0=-0 -0.5=-0 2.5=2 inf=inf -inf=-inf",
}


def cases(name):
    pairs = [case.split("=") for case in TABLE[name].split()]
    return [[float(x) for x in left.split(",")] for left, _ in pairs], [float(right) for _, right in pairs]


def same(found, wanted):
    """Tell whether two numbers are equal, zeros of different sign being different; one nan is as good as another."""
    return (math.isnan(found) and math.isnan(wanted)) or (
        found == wanted and math.copysign(1, found) == math.copysign(1, wanted)
    )


@pytest.mark.parametrize("lanes", [1, 8])
@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", TABLE)
def test_special_values(name, dtype, lanes):
    rows, values = cases(name)
    columns = [np.array(column, DTYPES[dtype]) for column in zip(*rows, strict=True)]
    wanted = np.array(values, DTYPES[dtype]).tolist()
    found = apply(name, dtype, lanes, *columns).tolist()
    wrong = [(x, y, w) for x, y, w in zip(rows, found, wanted, strict=True) if not same(y, w)]
    assert not wrong


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", [name for name, arity in FUNCTIONS.items() if arity == 1])
def test_nan_stays_nan(name, dtype):
    x = np.array([math.nan, -math.nan, 1.0], DTYPES[dtype])
    assert np.isnan(apply(name, dtype, 4, x)).tolist()[:2] == [True, True]


def test_every_function_has_special_values():
    assert set(FUNCTIONS) == set(TABLE)

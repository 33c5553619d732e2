"""Special values by Annex F of C99: signed zeros, infinities, nan, exact cases; bit for bit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.compile.vector_math.native import DTYPES, apply
from wengert.compile.vector_math import FUNCTIONS

# name: argument=result ..., or argument,argument=result ...
TABLE = {
    "acos": "1=0 1.5=nan -1.5=nan inf=nan -inf=nan",
    "acosh": "1=0 0.5=nan -1=nan -1e30=nan -inf=nan inf=inf",
    "asin": "0=0 -0=-0 1.5=nan -1.5=nan inf=nan",
    "asinh": "0=0 -0=-0 inf=inf -inf=-inf",
    "atan": "0=0 -0=-0 inf=1.5707963267948966 -inf=-1.5707963267948966",
    "atan2": """0,1=0 -0,1=-0 0,0=0 -0,0=-0 0,-0=3.141592653589793 -0,-0=-3.141592653589793 0,-1=3.141592653589793
        -0,-1=-3.141592653589793 1,0=1.5707963267948966 -1,-0=-1.5707963267948966 1,inf=0 -1,inf=-0
        1,-inf=3.141592653589793 inf,1=1.5707963267948966 -inf,-1=-1.5707963267948966 inf,inf=0.7853981633974483
        inf,-inf=2.356194490192345 -inf,inf=-0.7853981633974483 -inf,-inf=-2.356194490192345 nan,1=nan 1,nan=nan
        inf,nan=nan nan,inf=nan nan,0=nan 0,nan=nan""",
    "atanh": "0=0 -0=-0 1=inf -1=-inf 1.5=nan -1.5=nan inf=nan -inf=nan",
    "cbrt": "0=0 -0=-0 8=2 -27=-3 inf=inf -inf=-inf",
    "ceil": "0=0 -0=-0 -0.5=-0 2.5=3 inf=inf -inf=-inf",
    "copysign": "1,-0=-1 -2,0=2 nan,1=nan inf,-1=-inf 0,-1=-0",
    "cos": "0=1 -0=1 inf=nan -inf=nan",
    "cosh": "0=1 -0=1 inf=inf -inf=inf 1e4=inf",
    "digamma": "0=-inf -0=inf -1=nan -2=nan inf=inf -inf=nan",
    "erf": "0=0 -0=-0 inf=1 -inf=-1 30=1 -30=-1",
    "erfc": "0=1 -0=1 inf=0 -inf=2 30=0 -30=2",
    "exp": "0=1 -0=1 inf=inf -inf=0 1e4=inf -1e4=0",
    "exp2": "0=1 -0=1 3=8 -2=0.25 inf=inf -inf=0 1e4=inf -1e4=0",
    "expm1": "0=0 -0=-0 inf=inf -inf=-1 -1e4=-1 1e4=inf",
    "fabs": "-0=0 -inf=inf -3=3",
    "floor": "0=0 -0=-0 -0.5=-1 2.5=2 inf=inf -inf=-inf",
    "fmod": """5,3=2 -5,3=-2 5,-3=2 6,3=0 -6,3=-0 0,1=0 -0,1=-0 1,0=nan 0,0=nan inf,1=nan 1,inf=1 -1,inf=-1 -0,inf=-0
        inf,inf=nan nan,1=nan 1,nan=nan 3e6,0.75=0 16777215,0.75=0""",
    "hypot": "3,4=5 inf,nan=inf nan,-inf=inf 0,-0=0 nan,1=nan 1,nan=nan -inf,1=inf",
    "lgamma": "0=inf -0=inf -1=inf -2=inf 1=0 2=0 inf=inf -inf=inf",
    "log": "0=-inf -0=-inf 1=0 -1=nan -inf=nan inf=inf",
    "log10": "0=-inf -0=-inf 1=0 10=1 1000=3 1e22=22 -1=nan -inf=nan inf=inf",
    "log1p": "0=0 -0=-0 -1=-inf -2=nan -inf=nan inf=inf",
    "log2": "0=-inf -0=-inf 1=0 2=1 0.125=-3 1024=10 -1=nan -inf=nan inf=inf",
    "pow": """
        0,0=1 nan,0=1 nan,-0=1 1,nan=1 1,inf=1 -1,inf=1 -1,-inf=1 0,3=0 -0,3=-0 0,-3=inf -0,-3=-inf
        -0,2=0 -0,-2=inf 0,0.5=0 -0,0.5=0 -0,-0.5=inf 0,inf=0 0,-inf=inf -0,-inf=inf 2,inf=inf 2,-inf=0
        0.5,inf=0 0.5,-inf=inf -2,inf=inf inf,2=inf inf,-2=0 -inf,3=-inf -inf,2=inf -inf,-3=-0 -inf,-2=0
        -inf,0.5=inf -8,0.5=nan -2,3=-8 -2,2=4 2,10=1024 nan,1=nan 2,nan=nan inf,nan=nan 0,nan=nan
        -2,nan=nan
        """,
    "rint": "0=0 -0=-0 0.5=0 -0.5=-0 1.5=2 2.5=2 inf=inf -inf=-inf",
    "sigmoid": "0=0.5 -0=0.5 inf=1 -inf=0",
    "sin": "0=0 -0=-0 inf=nan -inf=nan",
    "sinh": "0=0 -0=-0 inf=inf -inf=-inf 1e4=inf -1e4=-inf",
    "softplus": "inf=inf -inf=0",
    "sqrt": "0=0 -0=-0 4=2 -1=nan inf=inf -inf=nan",
    "tan": "0=0 -0=-0 inf=nan -inf=nan",
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

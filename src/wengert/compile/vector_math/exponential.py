"""Exponentials: x = n ln 2 + r with |r| <= (ln 2)/2, e^x = 2^n e^r, and a polynomial for e^r.

The first fused step of r = x - n ln 2 is exact: x and n L are multiples of 2^-54, L the rounded ln 2, and their
difference is below 1/2 (likewise in single precision).

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

import math

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.formats import format_of, nearest, power_of_two, quotient, scale, split_sum
from wengert.compile.vector_math.instructions import Body, Value

__all__ = ["clamped", "exp", "exp2", "exp_of", "expm1", "expm1_of", "reduce", "sigmoid"]


LOG2_E = 1 / math.log(2)
LN2 = {
    "double": (0.6931471805599453, 2.3190468138462996e-17),
    "float": (0.6931471824645996, -1.9046542121259336e-09),
}

# e^r = 1 + r + r^2/2 + r^3 p(r)
EXP = {
    "double": (
        0.5,
        0.16666666666666685,
        0.04166666666660355,
        0.008333333333314165,
        0.0013888888926988864,
        0.00019841269904567624,
        2.4801508420435823e-05,
        2.755722628790639e-06,
        2.7625295793988754e-07,
        2.5115049955878566e-08,
    ),
    "wide": (
        0.5,
        0.16666521021311093,
        0.04166638957838598,
        0.008368689384328975,
        0.0013941788631121812,
    ),
    "float": (
        0.5,
        0.1666652113199234,
        0.041666388511657715,
        0.008368689566850662,
        0.0013941788347437978,
    ),
}
# 2^r = 1 + r q(r)
EXP2 = {
    "double": (
        0.6931471805599453,
        0.24022650695910133,
        0.05550410866482174,
        0.009618129107593342,
        0.0013333558146378798,
        0.00015403530458070165,
        1.5252733867711258e-05,
        1.3215434820784926e-06,
        1.0178046403354665e-07,
        7.073859626056064e-09,
        4.457394826723565e-10,
    ),
    "float": (
        0.6931471824645996,
        0.24022650718688965,
        0.055503278970718384,
        0.009618003852665424,
        0.0013400266179814935,
        0.00015476378030143678,
    ),
}
# Beyond these e^x is 0 or infinite, and 2^n of the last step still a number.
FAR = {"double": 800.0, "float": 120.0}


def reduce(body: Body, x: Value) -> tuple[Value, Value, Value]:
    """Return r and its error with x = n ln 2 + r, and an integer that holds n (see `nearest`)."""
    high, low = LN2[x.type.scalar]
    n, bits = nearest(body, x, LOG2_E)
    exact = body.fma(n, -high, x)
    correction = n * low
    r = exact - correction
    return r, (exact - r) - correction, bits


def exp_of(body: Body, x: Value, x_low: Value | None = None, *, normal: bool = False) -> Value:
    """e^(x + x_low) of clamped arguments or nan: 1 + (r + r^2 q(r)), times 2^n; in one step if that is normal."""
    high, low = LN2[x.type.scalar]
    n, bits = nearest(body, x, LOG2_E)
    exact = body.fma(n, -high, x)
    r = body.fma(n, -low, exact) if x_low is None else exact + body.fma(n, -low, x_low)
    q = body.polynomial(r, EXP[x.precision])
    y = body.fma(r * r, q, r) + 1.0
    return y * power_of_two(bits) if normal else scale(y, bits)


def clamped(body: Body, x: Value, bound: float) -> Value:
    """Return x brought into [-bound, bound]; nan stays nan."""
    return body.maximum(body.minimum(x, bound), -bound)


@function("exp")
def exp(body: Body, x: Value) -> Value:
    """e^x."""
    return exp_of(body, clamped(body, x, FAR[x.type.scalar]))


@function("exp2")
def exp2(body: Body, x: Value) -> Value:
    """2^x: x - n is exact."""
    near = clamped(body, x, 1.5 * FAR[x.type.scalar])
    n, bits = nearest(body, near, 1.0)
    r = near - n
    return scale(body.fma(r, body.polynomial(r, EXP2[x.precision]), 1.0), bits)


def expm1_of(body: Body, x: Value) -> tuple[Value, Value]:
    """e^x - 1 as a sum of a value and a small correction, where 2^n is a normal number and n <= bias.

    2^n (1 + p) - 1 = 2^n p + (2^n - 1), where 2^n - 1 is exact for |n| <= 53, and p = r + (r_low + r^2 q).
    """
    r, r_low, bits = reduce(body, x)
    q = body.polynomial(r, EXP[x.precision])
    tail = body.fma(r * r, q, r_low)
    s = power_of_two(bits)
    less = s - 1.0
    # The larger of 2^n - 1 and 2^n r comes first: n = 0 leaves r alone, and |2^n r| < |2^n - 1| otherwise.
    total, error = split_sum(less, s * r)
    return total, body.fma(s, tail, error)


@function("expm1")
def expm1(body: Body, x: Value) -> Value:
    """e^x - 1, with the sign of x; the last power of two is applied afterwards, since 2^1024 overflows."""
    form = format_of(x)
    top = (form.bias + 1) * math.log(2)
    r, r_low, bits = reduce(body, body.minimum(body.maximum(x, -60.0), top + 0.3))
    q = body.polynomial(r, EXP[x.precision])
    tail = body.fma(r * r, q, r_low)
    half = power_of_two(bits, -1)
    total, error = split_sum(half - 0.5, half * r)
    y = (total + body.fma(half, tail, error)) * 2.0
    return body.copysign((body.abs(x) < 0.3).where(r + tail, y), x)


@function("sigmoid")
def sigmoid(body: Body, x: Value) -> Value:
    """1/(1 + e^-x): with e = e^-|x|, 1/(1 + e) where x >= 0 and e/(1 + e) elsewhere."""
    e = exp_of(body, body.maximum(-body.abs(x), -FAR[x.type.scalar]))
    one = body.like(1.0, x)
    below, error = split_sum(one, e)
    return quotient(body, x.not_below(0.0).where(one, e), None, below, error)

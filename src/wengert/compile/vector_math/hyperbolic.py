"""Hyperbolic functions by the exponential: x = n ln 2 + r.

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

import math

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.exponential import exp_of, expm1_of, reduce
from wengert.compile.vector_math.formats import bits_of, format_of, power_of_two, quotient, split_sum
from wengert.compile.vector_math.instructions import Body, Value
from wengert.compile.vector_math.logarithm import decompose, log1p_sum, log_sum, near_one

__all__ = [
    "acosh",
    "acosh_any",
    "asinh",
    "asinh_any",
    "asinh_argument",
    "atanh",
    "atanh_any",
    "cosh",
    "halves",
    "log1p_usual",
    "log_of_twice",
    "sinh",
    "tanh",
    "tanh_float",
]


SATURATED = {"double": 20.0, "float": 10.0}  # tanh is 1 there


# sinh r = r + r z p(z), z = r^2
SINH = {
    "double": (
        0.16666666666666669,
        0.008333333333330063,
        0.00019841269863051487,
        2.755726846238822e-06,
        2.5100384552024266e-08,
    ),
    "float": (
        0.1666666716337204,
        0.00833331048488617,
        0.0001989099255297333,
    ),
}
# cosh r = 1 + z/2 + z^2 p(z)
COSH = {
    "double": (
        0.041666666666666664,
        0.0013888888888886554,
        2.480158731714276e-05,
        2.755728297154827e-07,
        2.0911235835493554e-09,
    ),
    "float": (
        0.04166662320494652,
        0.0013918722979724407,
    ),
}


Sum = tuple[Value, Value]


def halves(body: Body, x: Value) -> tuple[Value, Value, Value, Sum, Sum]:
    """Return, for |x|: r, sinh r - r, cosh r - 1, and a quarter of 2^n - 2^-n and of 2^n + 2^-n as sums.

    sinh(n ln 2 + r) = sinh(n ln 2) cosh r + cosh(n ln 2) sinh r, and likewise cosh. With a quarter in the place of a
    half everything but the last doubling is finite.
    """
    form = format_of(x)
    top = (form.bias + 2) * math.log(2)  # both functions overflow, and 2^(n - 2) does not
    r, r_low, bits = reduce(body, body.minimum(body.abs(x), top + 0.1))
    z = r * r
    sine = body.fma(r * z, body.polynomial(z, SINH[x.precision]), r_low)
    cosine = body.fma(z, body.fma(z, body.polynomial(z, COSH[x.precision]), 0.5), r * r_low)
    up = power_of_two(bits, -2)
    # 2^(-n - 2); nothing beside 2^(n - 2) where the exponent would be too small.
    exponent = body.constant(2 * form.bias - 2, bits.type) - (bits & 4095)
    down = ((exponent < 1).where(body.constant(0, bits.type), exponent) << form.mantissa).cast()
    return r, sine, cosine, split_sum(up, -down), split_sum(up, down)


@function("sinh")
def sinh(body: Body, x: Value) -> Value:
    """Hyperbolic sine."""
    r, sine, cosine, (a, a_low), (b, _) = halves(body, x)
    total = body.fma(b, r, a)
    y = (total + body.fma(b, sine, body.fma(a, cosine, a_low))) * 2.0
    # Without n there is nothing to add, and halves of subnormal numbers would be rounded.
    return body.copysign((body.abs(x) < 0.3).where(r + sine, y), x)


@function("cosh")
def cosh(body: Body, x: Value) -> Value:
    """Hyperbolic cosine."""
    r, sine, cosine, (a, _), (b, b_low) = halves(body, x)
    return (body.fma(a, r, b) + body.fma(b, cosine, body.fma(a, sine, b_low))) * 2.0


@function("tanh")
def tanh(body: Body, x: Value) -> Value:
    """Hyperbolic tangent: e/(e + 2) with e = e^(2 |x|) - 1, and the sign of x."""
    size = body.minimum(body.abs(x), SATURATED[x.type.scalar])
    if x.type.scalar == "float":
        return body.copysign(tanh_float(body, size), x)
    high, low = expm1_of(body, size + size)
    e, e_low = split_sum(high, low)
    below = e + 2.0
    # 2 is a multiple of the last bit of e + 2, so that (e + 2) - 2 is exact, and the difference is its error.
    return body.copysign(quotient(body, e, e_low, below, (e - (below - 2.0)) + e_low), x)


# tanh x = x + x z p(z), z = x^2, for x < TANH_NEAR
TANH = (
    -0.3333328366279602,
    0.13331493735313416,
    -0.05374365672469139,
    0.020651040598750114,
    -0.005717500112950802,
)
TANH_NEAR = 0.625


def tanh_float(body: Body, x: Value) -> Value:
    """Hyperbolic tangent of 0 <= x <= 10 in float32: a polynomial near 0, and 1 - 2/(e^(2 x) + 1)."""
    z = x * x
    near = body.fma(x * z, body.polynomial(z, TANH), x)
    far = body.fma(1.0 / (exp_of(body, x + x, normal=True) + 1.0), -2.0, 1.0)
    return (x < TANH_NEAR).where(near, far)


LARGE = {
    "double": 2.0**60,
    "float": 2.0**30,
}  # asinh x and acosh x are log(2 x) there, and x^2 is finite below
LN2 = math.log(2)


def log1p_usual(body: Body, w: Value) -> Value:
    """log(1 + w) for w between 0 and 2^1000, or 2^100 in float32."""
    return log1p_sum(body, w, *near_one(body, w))


def log_of_twice(body: Body, x: Value) -> Value:
    """log(2 x) of large x; infinity and nan as they are."""
    y = log_sum(body, *decompose(x)) + LN2
    return x.not_below(math.inf).where(x, y)


def asinh_argument(body: Body, a: Value) -> Value:
    """Return w with asinh a = log(1 + w)."""
    square = a * a
    return a + square / (1.0 + body.sqrt(1.0 + square))


@function("asinh")
def asinh(body: Body, x: Value) -> Value:
    """Inverse hyperbolic sine: log(1 + a + a^2/(1 + sqrt(1 + a^2))) with a = |x|."""
    a = body.abs(x)
    y = body.copysign(log1p_usual(body, asinh_argument(body, a)), x)
    return body.rarely_all(a.not_below(LARGE[x.type.scalar]), y, "asinh.any", x)


@function("asinh.any", rare=True)
def asinh_any(body: Body, x: Value) -> Value:
    """Inverse hyperbolic sine of large arguments."""
    return body.copysign(log_of_twice(body, body.abs(x)), x)


@function("acosh")
def acosh(body: Body, x: Value) -> Value:
    """Inverse hyperbolic cosine: log(1 + t + sqrt(t (t + 2))) with t = x - 1."""
    t = x - 1.0
    y = log1p_usual(body, t + body.sqrt(t * (t + 2.0)))
    scalar = x.type.scalar
    rare = x.cast().outside(bits_of(1.0, scalar), bits_of(LARGE[scalar], scalar))
    return body.rarely_all(rare, y, "acosh.any", x)


@function("acosh.any", rare=True)
def acosh_any(body: Body, x: Value) -> Value:
    """Inverse hyperbolic cosine of large arguments; nan below 1."""
    return (x < 1.0).where(body.like(math.nan, x), log_of_twice(body, x))


@function("atanh")
def atanh(body: Body, x: Value) -> Value:
    """Inverse hyperbolic tangent: log(1 + 2 a/(1 - a))/2 with a = |x|."""
    a = body.abs(x)
    y = body.copysign(log1p_usual(body, (a + a) / (1.0 - a)) * 0.5, x)
    return body.rarely_all(a.not_below(1.0), y, "atanh.any", x)


@function("atanh.any", rare=True)
def atanh_any(body: Body, x: Value) -> Value:
    """Inverse hyperbolic tangent of 1, which is infinite, and beyond, where there is none."""
    infinite = body.copysign(math.inf, x)
    return body.abs(x).equals(1.0).where(infinite, body.like(math.nan, x))

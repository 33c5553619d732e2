"""Powers and roots.

x^y = e^(y log x) needs log x to about 64 bits, since y log x is as large as 745: its leading terms are carried as
unevaluated sums of two numbers. In float32 everything is computed in float64, which has bits enough.

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

import math

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.exponential import FAR, LN2, clamped, exp_of
from wengert.compile.vector_math.formats import format_of, nearest, split_product, split_sum
from wengert.compile.vector_math.instructions import Body, Value
from wengert.compile.vector_math.logarithm import decompose, normalized, unusual

__all__ = [
    "cbrt",
    "cbrt_any",
    "cube_root",
    "exponent_of",
    "fmod",
    "fmod_far",
    "hypot",
    "log_sum",
    "positive_power",
    "pow",
    "pow_any",
    "wide_log",
]


# log((1 + s)/(1 - s)) = 2 s (1 + z/3 + z^2 p(z)), z = s^2
POW = {
    "double": (
        0.2,
        0.14285714285714687,
        0.11111111110825286,
        0.09090909168246632,
        0.07692297427001317,
        0.06667405092388916,
        0.0585304930620842,
        0.05862267680947532,
    ),
    "wide": (
        0.19999999951804961,
        0.14285766325413535,
        0.11102342686643865,
        0.09561114364166633,
    ),
}
# log 2: 42 bits, so that products with exponents are exact, and the rest
LN2_PARTS = (0.6931471805598903, 5.497923018708371e-14)
HUGE = 2.0**70  # every power beyond this one, but of 1, is 0 or infinite; and below it no product overflows
NORMAL = 708.0  # beyond it e^x is not a normal number
THIRD = (0.3333333333333333, 1.850371707708594e-17)

# cbrt m for sqrt(1/2) <= m < sqrt 2
CBRT = {
    "double": (
        0.42169199110344363,
        1.0560028503078984,
        -0.8360432754512133,
        0.5109376993936194,
        -0.1795421679061499,
        0.026951914142483095,
    ),
    "float": (
        0.5537101626396179,
        0.5536518096923828,
        -0.10747145861387253,
    ),
}
# cube roots of 2 and of 1/2
CBRT_2, CBRT_HALF = 1.2599210498948732, 0.7937005259840998


def log_sum(body: Body, k: Value, m: Value) -> tuple[Value, Value]:
    """Logarithm of 2^k m as an unevaluated sum, to about 64 bits."""
    f = m - 1.0
    inverse, below = 1.0 / (f + 2.0), f + 2.0
    s = f * inverse
    s_low = body.fma(-s, (2.0 - below) + f, body.fma(-s, below, f)) * inverse
    z, z_low = split_product(body, s, s)
    z_low = body.fma(s + s, s_low, z_low)
    third, third_low = split_product(body, z, THIRD[0])
    third_low = third_low + body.fma(z, THIRD[1], z_low * THIRD[0])
    rest = body.fma(z * z, body.polynomial(z, POW["double"]), third_low)
    factor, factor_low = split_sum(body.like(1.0, m), third)
    twice = s + s
    product, error = split_product(body, twice, factor)
    error = error + body.fma(twice, factor_low + rest, (s_low + s_low) * factor)
    total, lost = split_sum(k * LN2_PARTS[0], product)
    return total, lost + body.fma(k, LN2_PARTS[1], error)


def wide_log(body: Body, k: Value, m: Value) -> Value:
    """Logarithm of 2^k m, to about 36 bits."""
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    tail = body.fma(z, body.polynomial(z, POW["wide"]), THIRD[0])
    return body.fma(k, LN2["double"][0], (s + s) * body.fma(z, tail, 1.0))


def exponent_of(body: Body, k: Value, m: Value, y: Value) -> tuple[Value, Value | None]:
    """Return y log(2^k m) for |y| <= 2^70: as a sum of two numbers in float64."""
    if y.precision == "wide":
        return y * wide_log(body, k, m), None
    logarithm, low = log_sum(body, k, m)
    exponent, error = split_product(body, logarithm, y)
    return exponent, body.fma(low, y, error)


@function("pow", 2, wide=True)
def pow(body: Body, x: Value, y: Value) -> Value:
    """x^y of positive normal x where the result is a normal number; anything else is rare."""
    exponent, error = exponent_of(body, *decompose(x), y)
    rare = unusual(x) | (body.abs(exponent) < NORMAL).differs(1)
    return body.rarely_all(rare, exp_of(body, exponent, error, normal=True), "pow.any", x, y)


def positive_power(body: Body, x: Value, y: Value) -> Value:
    """x^y for x > 0, over the whole range of results."""
    exponent, error = exponent_of(body, *normalized(body, x), clamped(body, y, HUGE))
    if error is not None:  # large only where the exponent is beyond all bounds
        error = clamped(body, error, 1.0)
    return exp_of(body, clamped(body, exponent, FAR["double"]), error)


@function("pow.any", 2, rare=True, wide=True)
def pow_any(body: Body, x: Value, y: Value) -> Value:
    """x^y, with the special values of C99."""
    infinite, one = body.like(math.inf, x), body.like(1.0, x)
    size = body.abs(x)
    is_zero, is_infinite = size.equals(0.0), size.equals(math.inf)
    power = positive_power(body, size, y)
    # 0^y and inf^-y; inf^y and 0^-y
    grows = is_infinite.where(y, -y) > 0.0
    power = (is_zero | is_infinite).where(grows.where(infinite, 0.0), power)
    negative = x.cast() < 0
    whole = body.intrinsic("rint", y).equals(y)
    half = y * 0.5
    odd = whole & body.intrinsic("rint", half).differs(half)
    power = (negative & odd).where(-power, power)
    undefined = ((x < 0.0) & (x > -math.inf) & y.differs(body.intrinsic("rint", y))) | x.is_nan() | y.is_nan()
    power = undefined.where(body.like(math.nan, x), power)
    return (y.equals(0.0) | x.equals(1.0)).where(one, power)


@function("cbrt")
def cbrt(body: Body, x: Value) -> Value:
    """Cube root."""
    size = body.abs(x)
    return body.rarely_all(unusual(size), cube_root(body, x, *decompose(size)), "cbrt.any", x)


@function("cbrt.any", rare=True)
def cbrt_any(body: Body, x: Value) -> Value:
    """Cube root where zeros, subnormal numbers, infinities and nan may be."""
    size = body.abs(x)
    special = size.equals(0.0) | size.not_below(math.inf)
    return special.where(x, cube_root(body, x, *normalized(body, size)))


def cube_root(body: Body, x: Value, k: Value, m: Value) -> Value:
    """Cube root of |x| = 2^k m = 2^(3 q) t, with the sign of x: a polynomial, and one step of Halley's iteration."""
    form, scalar = format_of(x), x.type.scalar
    q, bits = nearest(body, k, 1 / 3)
    rest = body.fma(q, -3.0, k)  # -1, 0 or 1
    up, down = rest > 0.0, rest < 0.0
    t = up.where(m + m, down.where(m * 0.5, m))
    factor = up.where(body.like(CBRT_2, x), down.where(body.like(CBRT_HALF, x), 1.0))
    y = body.polynomial(m, CBRT[scalar]) * factor
    square, square_low = split_product(body, y, y)
    # t - y^3 with the error of y^2; the correction is y (t - y^3)/(2 y^3 + t).
    missing = body.fma(-y, square, t) - y * square_low
    y = body.fma(y, missing / body.fma(square + square, y, t), y)
    return body.copysign(y * (bits << form.mantissa).cast(), x)


@function("hypot", 2, wide=True)
def hypot(body: Body, x: Value, y: Value) -> Value:
    """sqrt(x^2 + y^2), scaled by the exponent of the larger; infinite where one is, even beside nan."""
    a, b = body.abs(x), body.abs(y)
    if x.precision == "wide":
        root = body.sqrt(body.fma(a, a, b * b))
    else:
        form = format_of(x)
        exponent = (a > b).where(a, b).cast() >> form.mantissa
        exponent = (exponent < 1).where(body.constant(1, exponent.type), exponent)
        largest = body.constant(2 * form.bias - 1, exponent.type)
        exponent = (exponent > 2 * form.bias - 1).where(largest, exponent)
        down = ((2 * form.bias - exponent) << form.mantissa).cast()
        up = (exponent << form.mantissa).cast()
        p, q = a * down, b * down
        big, small = (p > q).where(p, q), (p > q).where(q, p)
        root = body.sqrt(body.fma(big, big, small * small)) * up
    infinite = a.equals(math.inf) | b.equals(math.inf)
    return infinite.where(body.like(math.inf, x), root)


@function("fmod", 2)
def fmod(body: Body, x: Value, y: Value) -> Value:
    """X - n y, n = x/y truncated: exact when fused, while n has no more bits than a number."""
    a, b = body.abs(x), body.abs(y)
    quotient = a / b
    n = body.intrinsic("trunc", quotient)
    rest = body.fma(-n, b, a)
    rest = (rest < 0.0).where(rest + b, rest)  # the quotient was rounded up to n
    rest = (a < b).where(a, rest)
    usual = quotient < 2.0 ** format_of(x).mantissa
    return body.rarely(usual.differs(1), body.copysign(rest, x), "fmod", x, y)


@function("fmod.far", 2, rare=True)
def fmod_far(body: Body, x: Value, y: Value) -> Value:
    """Remainder of a large quotient."""
    return body.library("fmod", x, y)

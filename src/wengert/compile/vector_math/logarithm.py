"""Logarithms: x = 2^k m with sqrt(1/2) <= m < sqrt 2, log x = k ln 2 + log m, and a polynomial for log m.

Double precision: s = f/(2 + f) with f = m - 1, log m = 2 atanh s = f - f^2/2 + s (f^2/2 + z p(z)), z = s^2: the form
of fdlibm's e_log.c (Sun Microsystems 1993), whose first term is exact. Single precision: f - f^2/2 + f^3 p(f), without
a division.

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

import math

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.exponential import FAR as EXP_FAR
from wengert.compile.vector_math.exponential import LN2, exp_of
from wengert.compile.vector_math.formats import bits_of, format_of, split_product, split_sum
from wengert.compile.vector_math.instructions import Body, Value

__all__ = [
    "decompose",
    "log",
    "log1p",
    "log1p_any",
    "log1p_of",
    "log1p_sum",
    "log2",
    "log2_any",
    "log10",
    "log10_any",
    "log_any",
    "log_parts",
    "log_sum",
    "near_one",
    "normalized",
    "scaled_log",
    "softplus",
    "special_cases",
    "unusual",
]


# 2 atanh s = 2 s + s z p(z)
LOG_S = {
    "double": (
        0.666666666666667,
        0.39999999999898295,
        0.28571428626465206,
        0.22222211062244804,
        0.1818289398117416,
        0.15331571868216762,
        0.14618180341137227,
    ),
    "wide": (
        0.6666668528328008,
        0.39988711638593677,
        0.2958237595124786,
    ),
    "float": (
        0.33333316445350647,
        -0.25000810623168945,
        0.20002298057079315,
        -0.16624538600444794,
        0.1418091207742691,
        -0.13128702342510223,
        0.12883691489696503,
        -0.07862228155136108,
    ),
}
# log(1 + f) = f - f^2/2 + f^3 p(f)
LOG_F = (
    0.33333316445350647,
    -0.25000810623168945,
    0.20002298057079315,
    -0.16624538600444794,
    0.1418091207742691,
    -0.13128702342510223,
    0.12883691489696503,
    -0.07862228155136108,
)
HALF_ROOT = {"double": 0.7071067811865475, "float": 0.7071067690849304}


def decompose(x: Value) -> tuple[Value, Value]:
    """Return k, as a floating point number, and m with x = 2^k m, for normal x > 0."""
    form, scalar = format_of(x), x.type.scalar
    half_root = bits_of(HALF_ROOT[scalar], scalar)
    shifted = x.cast() + (form.one - half_root)
    # 2^mantissa + i has the bits of 2^mantissa plus i, for small integers i.
    offset = 2.0**form.mantissa
    k = ((shifted >> form.mantissa) | bits_of(offset, scalar)).cast() - (offset + form.bias)
    m = ((shifted & ((1 << form.mantissa) - 1)) + half_root).cast()
    return k, m


def normalized(body: Body, x: Value) -> tuple[Value, Value]:
    """Return k and m as `decompose` does, for subnormal numbers too."""
    form = format_of(x)
    small = x < form.tiny
    k, m = decompose(small.where(x * 2.0**form.digits, x))
    return small.where(k - float(form.digits), k), m


def log_parts(body: Body, f: Value) -> tuple[Value, Value]:
    """Return log(1 + f) as f plus a correction, for sqrt(1/2) <= 1 + f < sqrt 2."""
    if f.type.scalar == "float":
        q = body.polynomial(f, LOG_F)
        return f, f * f * body.fma(f, q, -0.5)
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    r = z * body.polynomial(z, LOG_S[z.precision])
    return f, body.fma(s, half_square + r, -half_square)


def special_cases(body: Body, x: Value, y: Value, pole: float = 0.0) -> Value:
    """-inf at the pole, nan below it, inf and nan as they are."""
    at_pole = x.equals(pole).where(body.like(-math.inf, x), y)
    outside = (x < pole).where(body.like(math.nan, x), at_pole)
    return x.not_below(math.inf).where(x, outside)


def unusual(x: Value) -> Value:
    """Whether x is not a positive normal number."""
    scalar = x.type.scalar
    return x.cast().outside(bits_of(format_of(x).tiny, scalar), format_of(x).infinity)


def log_sum(body: Body, k: Value, m: Value) -> Value:
    """Logarithm of 2^k m."""
    high, low = LN2[m.type.scalar]
    f, correction = log_parts(body, m - 1.0)
    return body.fma(k, high, f + body.fma(k, low, correction))


@function("log")
def log(body: Body, x: Value) -> Value:
    """Natural logarithm."""
    return body.rarely_all(unusual(x), log_sum(body, *decompose(x)), "log.any", x)


@function("log.any", rare=True)
def log_any(body: Body, x: Value) -> Value:
    """Natural logarithm where subnormal and special values may be."""
    return special_cases(body, x, log_sum(body, *normalized(body, x)))


@function("log1p")
def log1p(body: Body, x: Value) -> Value:
    """log(1 + x)."""
    form = format_of(x)
    usual = log1p_sum(body, x, *near_one(body, x))
    rare = (
        (x + 1.0).cast().outside(bits_of(form.tiny, x.type.scalar), bits_of(2.0**form.digits, x.type.scalar))
    )
    return body.rarely_all(rare, usual, "log1p.any", x)


@function("log1p.any", rare=True)
def log1p_any(body: Body, x: Value) -> Value:
    """log(1 + x) where special and large values may be."""
    return special_cases(body, x, log1p_of(body, x), -1.0)


def near_one(body: Body, x: Value) -> tuple[Value, Value]:
    """Return k and f with 1 + x = 2^k (1 + f), for x > -1 and below the point where 1 + x is x.

    f = x 2^-k + (2^-k - 1) is rounded once, since 2^-k - 1 is exact for |k| <= 53.
    """
    form = format_of(x)
    k, m = decompose(x + 1.0)
    down = (form.one - ((x + 1.0).cast() - m.cast())).cast()
    return k, body.fma(x, down, down - 1.0)


def log1p_sum(body: Body, x: Value, k: Value, f: Value) -> Value:
    """log(1 + x) = k log 2 + log(1 + f), with the sign of x."""
    high, low = LN2[x.type.scalar]
    f, correction = log_parts(body, f)
    return body.copysign(body.fma(k, high, f + body.fma(k, low, correction)), x)


def log1p_of(body: Body, x: Value) -> Value:
    """log(1 + x) of finite x > -1; where x is large, 1 + x is x, and f = m - 1."""
    k, f = near_one(body, x)
    _, m = decompose(x + 1.0)
    f = (x > 2.0 ** (format_of(x).digits - 1)).where(m - 1.0, f)
    return log1p_sum(body, x, k, f)


@function("softplus")
def softplus(body: Body, x: Value) -> Value:
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    e = exp_of(body, body.maximum(-body.abs(x), -EXP_FAR[x.type.scalar]))
    return body.maximum(x, 0.0) + log1p_sum(body, e, *near_one(body, e))


# 1/log b, and log 2/log b, as sums of two numbers; the first part of log 2/log 10 is short enough that its product with
# an exponent is exact.
LOG2 = {
    "double": ((1.4426950408889634, 2.0355273740931033e-17), (1.0, 0.0)),
    "float": ((1.4426950216293335, 1.925963033500011e-08), (1.0, 0.0)),
}
LOG10 = {
    "double": ((0.4342944819032518, 1.098319650216765e-17), (0.30102999566395283, 2.8363394551044964e-14)),
    "float": ((0.4342944920063019, -1.0103049952192578e-08), (0.301025390625, 4.605039066518657e-06)),
}
Base = tuple[tuple[float, float], tuple[float, float]]


def scaled_log(body: Body, k: Value, m: Value, base: Base) -> Value:
    """Logarithm of 2^k m to another base."""
    (factor, factor_low), (unit, unit_low) = base
    f, correction = log_parts(body, m - 1.0)
    product, error = split_product(body, f, factor)
    error = body.fma(correction, factor, body.fma(f, factor_low, error))
    total, rest = split_sum(k * unit, product)
    return total + (rest + (body.fma(k, unit_low, error) if unit_low else error))


@function("log2")
def log2(body: Body, x: Value) -> Value:
    """Logarithm to the base 2."""
    return body.rarely_all(unusual(x), scaled_log(body, *decompose(x), LOG2[x.type.scalar]), "log2.any", x)


@function("log2.any", rare=True)
def log2_any(body: Body, x: Value) -> Value:
    """Logarithm to the base 2 where subnormal and special values may be."""
    return special_cases(body, x, scaled_log(body, *normalized(body, x), LOG2[x.type.scalar]))


@function("log10")
def log10(body: Body, x: Value) -> Value:
    """Logarithm to the base 10."""
    return body.rarely_all(unusual(x), scaled_log(body, *decompose(x), LOG10[x.type.scalar]), "log10.any", x)


@function("log10.any", rare=True)
def log10_any(body: Body, x: Value) -> Value:
    """Logarithm to the base 10 where subnormal and special values may be."""
    return special_cases(body, x, scaled_log(body, *normalized(body, x), LOG10[x.type.scalar]))

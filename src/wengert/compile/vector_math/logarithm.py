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
    "log1p_of",
    "log2",
    "log10",
    "log_parts",
    "normalized",
    "scaled_log",
    "softplus",
    "special_cases",
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


@function("log")
def log(body: Body, x: Value) -> Value:
    """Natural logarithm."""
    k, m = normalized(body, x)
    high, low = LN2[x.type.scalar]
    f, correction = log_parts(body, m - 1.0)
    return special_cases(body, x, body.fma(k, high, f + body.fma(k, low, correction)))


@function("log1p")
def log1p(body: Body, x: Value) -> Value:
    """log(1 + x)."""
    return special_cases(body, x, log1p_of(body, x), -1.0)


def log1p_of(body: Body, x: Value) -> Value:
    """log(1 + x) of finite x > -1.

    With 1 + x = 2^k m up to rounding, f = x 2^-k + (2^-k - 1) is rounded once, since 2^-k - 1 is exact for |k| <= 53;
    where x is large, 1 + x is x, and f = m - 1.
    """
    form, scalar = format_of(x), x.type.scalar
    k, m = decompose(x + 1.0)
    down = (form.one - (((x + 1.0).cast() - m.cast()) & -(1 << form.mantissa))).cast()
    f = (x > 2.0**form.digits).where(m - 1.0, body.fma(x, down, down - 1.0))
    high, low = LN2[scalar]
    f, correction = log_parts(body, f)
    return body.copysign(body.fma(k, high, f + body.fma(k, low, correction)), x)


@function("softplus")
def softplus(body: Body, x: Value) -> Value:
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    e = exp_of(body, body.maximum(-body.abs(x), -EXP_FAR[x.type.scalar]))
    return body.maximum(x, 0.0) + log1p_of(body, e)


LOG2 = ((1.4426950408889634, 2.0355273740931033e-17), (1.0, 0.0))
# The first part of log 2/log 10 has 42 bits, so that its product with k is exact.
LOG10 = ((0.4342944819032518, 1.098319650216765e-17), (0.30102999566395283, 2.8363394551044964e-14))


@function("log2", wide=True)
def log2(body: Body, x: Value) -> Value:
    """Logarithm to the base 2."""
    return special_cases(body, x, scaled_log(body, x, *LOG2))


@function("log10", wide=True)
def log10(body: Body, x: Value) -> Value:
    """Logarithm to the base 10."""
    return special_cases(body, x, scaled_log(body, x, *LOG10))


def scaled_log(body: Body, x: Value, base: tuple[float, float], unit: tuple[float, float]) -> Value:
    """Logarithm to the base b, with 1/log b = base as a sum of two numbers, and log 2/log b = unit likewise."""
    if x.precision == "wide":  # subnormal numbers of float32 are normal here
        k, m = decompose(x)
        f, correction = log_parts(body, m - 1.0)
        return body.fma(k, unit[0], (f + correction) * base[0])
    k, m = normalized(body, x)
    f = m - 1.0
    s = f / (f + 2.0)
    half_square, square_error = split_product(body, f * 0.5, f)
    high, low = split_sum(f, -half_square)
    z = s * s
    low = low + (body.fma(s, half_square + z * body.polynomial(z, LOG_S[z.precision]), -square_error))
    product, error = split_product(body, high, base[0])
    error = error + body.fma(low, base[0], high * base[1])
    exact = k * unit[0]
    total, rest = split_sum(exact, product)
    return total + (rest + body.fma(k, unit[1], error))

"""Inverse trigonometric functions, by polynomials in the square of a reduced argument.

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.formats import split_sum
from wengert.compile.vector_math.instructions import Body, Value

__all__ = ["acos", "arcsine", "asin", "atan", "atan2", "sign_bit"]


# asin x = x + x z p(z), z = x^2 <= 1/4
ASIN = {
    "double": (
        0.1666666666666541,
        0.07500000000337953,
        0.04464285682687932,
        0.030381959212719432,
        0.022371756000941746,
        0.01735973785638507,
        0.013884895204497462,
        0.01217149848316298,
        0.006517958715109194,
        0.0195558307949844,
        -0.016267540322603816,
        0.03194186117244401,
    ),
    "float": (
        0.16666673123836517,
        0.07498762011528015,
        0.04502023011445999,
        0.026433158665895462,
        0.03832884877920151,
    ),
}
# atan x = x + x z p(z), z = x^2 <= 1
ATAN = {
    "double": (
        -0.33333333333332016,
        0.19999999999776955,
        -0.14285714272444514,
        0.1111111070755484,
        -0.09090901685963965,
        0.07692217581816703,
        -0.06665893927830188,
        0.05877483701731856,
        -0.05239920421160025,
        0.04675986474753375,
        -0.040972617102684274,
        0.0341485299507054,
        -0.02593495024216514,
        0.01708823150620582,
        -0.009268376089728749,
        0.003902047493490847,
        -0.0011813549102529502,
        0.00022698046938472455,
        -2.067592653764154e-05,
    ),
    "float": (
        -0.3333333134651184,
        0.1999979019165039,
        -0.14279615879058838,
        0.11042031645774841,
        -0.08689025044441223,
        0.06318176537752151,
        -0.03666977211833,
        0.013996179215610027,
        -0.002508504083380103,
    ),
}

# pi/2 and pi as sums of two numbers
HALF_PI = {
    "double": (1.5707963267948966, 6.123233995736766e-17),
    "float": (1.5707963705062866, -4.371138828673793e-08),
}
PI = {name: (2 * high, 2 * low) for name, (high, low) in HALF_PI.items()}


def arcsine(body: Body, x: Value) -> tuple[Value, Value, Value, Value]:
    """Return |x|, whether it is small, and asin t as t and a correction.

    t = |x| up to 1/2, and beyond it t = sqrt((1 - |x|)/2) with acos |x| = 2 asin t.
    """
    size = body.abs(x)
    small = size.not_above(0.5)
    rest = body.fma(size, -0.5, 0.5)
    z = small.where(x * x, rest)
    t = small.where(size, body.sqrt(rest))
    return size, small, t, t * z * body.polynomial(z, ASIN[x.precision])


@function("asin")
def asin(body: Body, x: Value) -> Value:
    """Inverse sine: t, or pi/2 - 2 t, and the sign of x."""
    high, low = HALF_PI[x.type.scalar]
    _, small, t, correction = arcsine(body, x)
    rest, lost = split_sum(body.like(high, x), -(t + t))
    y = small.where(t + correction, rest + (lost + body.fma(correction, -2.0, low)))
    return body.copysign(y, x)


@function("acos")
def acos(body: Body, x: Value) -> Value:
    """Inverse cosine: pi/2 - asin x, or 2 asin t for x > 1/2, or pi - 2 asin t for x < -1/2."""
    half, half_low = HALF_PI[x.type.scalar]
    whole, whole_low = PI[x.type.scalar]
    _, small, t, correction = arcsine(body, x)
    middle = half - (body.copysign(t, x) - (half_low - body.copysign(correction, x)))
    twice, twice_correction = t + t, correction + correction
    outer = (x < 0.0).where(whole - (twice + (twice_correction - whole_low)), twice + twice_correction)
    return small.where(middle, outer)


@function("atan")
def atan(body: Body, x: Value) -> Value:
    """Inverse tangent: atan t, or pi/2 - atan t with t = 1/|x| beyond 1; and the sign of x."""
    high, low = HALF_PI[x.type.scalar]
    size = body.abs(x)
    large = size > 1.0
    t = large.where(-1.0 / size, size)
    z = t * t
    correction = body.fma(t * z, body.polynomial(z, ATAN[x.precision]), large.where(body.like(low, x), 0.0))
    return body.copysign(large.where(body.like(high, x), 0.0) + (t + correction), x)


@function("atan2", 2)
def atan2(body: Body, y: Value, x: Value) -> Value:
    """Angle of the point (x, y): atan t, t the smaller over the larger of |x| and |y|, put into its octant."""
    half, half_low = HALF_PI[x.type.scalar]
    whole, whole_low = PI[x.type.scalar]
    across, up = body.abs(x), body.abs(y)
    steep = up > across
    above, below = steep.where(across, up), steep.where(up, across)
    # 0/0 counts as 0, and inf/inf as 1.
    t = above.equals(below).where(body.like(1.0, x), above / below)
    t = below.equals(0.0).where(above, t)
    sign = x.cast() & (-1 << (63 if x.type.scalar == "double" else 31))
    left = sign.differs(0)
    z = t * t
    tail = t * z * body.polynomial(z, ATAN[x.precision])
    zero = body.like(0.0, x)
    turn = steep.where(body.like(half, x), left.where(body.like(whole, x), zero))
    turn_low = steep.where(body.like(half_low, x), left.where(body.like(whole_low, x), zero))
    # The angle falls with t where exactly one of the two was exchanged.
    flip = steep.where(sign ^ sign_bit(body, x), sign)
    signed = (t.cast() ^ flip).cast()
    signed_tail = (tail.cast() ^ flip).cast()
    return body.copysign(turn + (signed + (signed_tail + turn_low)), y)


def sign_bit(body: Body, x: Value) -> Value:
    """Return the integer that has the sign bit alone."""
    return body.constant(-(1 << (63 if x.type.scalar == "double" else 31)), x.cast().type)

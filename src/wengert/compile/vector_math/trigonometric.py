"""Sine, cosine and tangent: x = n pi/2 + r with |r| <= pi/4.

pi/2 is taken in three parts P1 + P2 + P3. x - n P1 is exact when fused: both are multiples of the last bit of P1 or of
x, and their difference is below 1. n P2 is split exactly; what it leaves goes into the error of r. That serves until n
spoils the third part, far below 2^31 (2^16 in single precision); what is beyond goes, number by number, to the C
library, whose reduction is exact.

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.formats import format_of, split_product, split_sum
from wengert.compile.vector_math.instructions import Body, Value

__all__ = ["circular", "cos", "cos_far", "cosine", "quadrant", "sin", "sin_far", "sine", "tan", "tan_far"]


HALF_PI = {
    "double": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    "float": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
}
FAR = {"double": 2.0**31, "float": 2.0**16}

# sin r = r + r z p(z), z = r^2
SIN = {
    "double": (
        -0.16666666666666666,
        0.008333333333330932,
        -0.00019841269836733344,
        2.75573160893156e-06,
        -2.5051129062469552e-08,
        1.591792748707921e-10,
    ),
    "float": (
        -0.166666641831398,
        0.008332747034728527,
        -0.00019587622955441475,
    ),
}
# cos r = 1 - z/2 + z^2 p(z)
COS = {
    "double": (
        0.041666666666666664,
        -0.0013888888888887387,
        2.4801587298749734e-05,
        -2.755731726337164e-07,
        2.087614451336295e-09,
        -1.1382505248949182e-11,
    ),
    "float": (
        0.0416666641831398,
        -0.0013888301327824593,
        2.45476549025625e-05,
    ),
}
# tan r = r + r z p(z)
TAN = {
    "double": (
        0.3333333333333271,
        0.13333333333423888,
        0.05396825392240206,
        0.021869489707318047,
        0.008863217832231447,
        0.003592300650349372,
        0.001454690167176005,
        0.0005953403911501195,
        0.00022159284833891886,
        0.00013809827772762512,
        -2.8540650403085825e-05,
        9.137967710579981e-05,
        -4.589068687054371e-05,
        2.1101279459673857e-05,
    ),
    "float": (
        0.3333313763141632,
        0.13339245319366455,
        0.053377266973257065,
        0.02454296126961708,
        0.0029502722900360823,
        0.009480205364525318,
    ),
}
TWO_OVER_PI = 0.6366197723675814


def quadrant(body: Body, x: Value) -> tuple[Value, Value, Value]:
    """Return r, its error, and an integer whose low bits hold n."""
    first, second, third = HALF_PI[x.type.scalar]
    shifted = body.fma(x, TWO_OVER_PI, format_of(x).nearest)
    n = shifted - format_of(x).nearest
    exact = body.fma(n, -first, x)
    product, error = split_product(body, n, second)
    r = exact - product
    r_low = ((exact - r) - product) - body.fma(n, third, error)
    return r, r_low, shifted.cast()


def sine(body: Body, r: Value, r_low: Value, z: Value) -> Value:
    """Return sin(r + r_low) - r: the small part of the sine."""
    return body.fma(r * z, body.polynomial(z, SIN[r.type.scalar]), r_low)


def cosine(body: Body, r: Value, r_low: Value, z: Value) -> tuple[Value, Value]:
    """Return cos(r + r_low) as 1 - z/2, rounded, and the rest."""
    half = z * 0.5
    top = 1.0 - half
    lost = (1.0 - top) - half
    return top, body.fma(z * z, body.polynomial(z, COS[r.type.scalar]), lost - r * r_low)


def circular(body: Body, x: Value, shift: int, far: str) -> Value:
    """sin(x + shift pi/2): the sine or cosine of r, and the sign of the quadrant."""
    r, r_low, n = quadrant(body, x)
    z = r * r
    odd = r + sine(body, r, r_low, z)
    top, rest = cosine(body, r, r_low, z)
    n = n + shift if shift else n
    even_quadrant = (n & 1).equals(0)
    value = even_quadrant.where(odd, top + rest).cast()
    sign = (n & 2) << (62 if x.type.scalar == "double" else 30)
    return body.rarely(body.abs(x).not_below(FAR[x.type.scalar]), (value ^ sign).cast(), far, x)


@function("sin")
def sin(body: Body, x: Value) -> Value:
    """Sine."""
    return x.equals(0.0).where(x, circular(body, x, 0, "sin"))  # -0 stays -0


@function("cos")
def cos(body: Body, x: Value) -> Value:
    """Cosine."""
    return circular(body, x, 1, "cos")


@function("sin.far", rare=True)
def sin_far(body: Body, x: Value) -> Value:
    """Sine of large arguments."""
    return body.library("sin", x)


@function("cos.far", rare=True)
def cos_far(body: Body, x: Value) -> Value:
    """Cosine of large arguments."""
    return body.library("cos", x)


@function("tan")
def tan(body: Body, x: Value) -> Value:
    """Tangent: that of r, or in odd quadrants -1/tan r, with one step of Newton's after the division."""
    r, r_low, n = quadrant(body, x)
    z = r * r
    # The derivative of the tangent is 1 + tan^2 r, near enough to 1 + r^2 for so small a correction.
    small = body.fma(r * z, body.polynomial(z, TAN[r.type.scalar]), body.fma(r_low, z, r_low))
    high, low = split_sum(r, small)
    inverse = -1.0 / high
    # -1/(high + low) = inverse/(1 - lack), lack = 1 + inverse (high + low)
    lack = body.fma(inverse, low, body.fma(inverse, high, 1.0))
    y = (n & 1).equals(0).where(high, body.fma(inverse, lack, inverse))
    y = body.rarely(body.abs(x).not_below(FAR[x.type.scalar]), y, "tan", x)
    return x.equals(0.0).where(x, y)


@function("tan.far", rare=True)
def tan_far(body: Body, x: Value) -> Value:
    """Tangent of large arguments."""
    return body.library("tan", x)

"""Logarithm of the gamma function, and its derivative, digamma.

For x > 0 three ways meet, all taken and one selected. Beyond 3 Stirling's formula, the asymptotic series replaced by a
polynomial in u = 1/x^2 fitted on all of [3, inf). Below it a polynomial p beside the known zeros,

    log Gamma x = (x - 1)(x - 2) p(t),  1/2 <= x <= 3        digamma x = (x - x0) p(t),  1 <= x <= 3

in t = (x - a)/(x + a), which puts the pole at 0 far from the interval; so the error stays relative beside the zeros.
And below that interval the recurrence from x to x + 1, where nothing cancels.

Negative arguments go, number by number, to the C library (log Gamma) or to the reflection formula (digamma). Between
two poles both functions have zeros of their own there, beside which the error is relative for log Gamma where the
library takes care of them (glibc does), and only absolute for digamma.

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.formats import split_sum
from wengert.compile.vector_math.instructions import Body, Value
from wengert.compile.vector_math.logarithm import log_parts, normalized
from wengert.compile.vector_math.power import LN2_PARTS
from wengert.compile.vector_math.trigonometric import cosine, sine

__all__ = ["centred", "digamma", "digamma_far", "lgamma", "log_of", "positive_digamma"]


# log Gamma x = (x - 1)(x - 2) p(t), t = (x - a)/(x + a)
LGAMMA = {
    "double": (
        0.528838744145037,
        -0.4640435394636688,
        0.12978673640994137,
        -0.1594754309550185,
        0.08643882098692654,
        -0.09739571726885894,
        0.06442218652928107,
        -0.0701267008335573,
        0.051273214280484536,
        -0.05478512623745114,
        0.04256580149150246,
        -0.04494121539553267,
        0.03636634080639672,
        -0.038208065583071986,
        0.031932237966549495,
        -0.0321031513682789,
        0.026789239636112034,
        -0.035014015557477386,
        0.032776720101178186,
        -0.004969536191041553,
        -0.001386206633014155,
        -0.06410345768500536,
        0.06295147699451827,
    ),
    "wide": (
        0.5288387422059541,
        -0.46404367359326426,
        0.12978739423537666,
        -0.15946054859882045,
        0.0864018360013448,
        -0.09785417796664385,
        0.06519039784110046,
        -0.06446257862209259,
        0.04409853481927047,
        -0.08405064395436522,
        0.07220989837872716,
    ),
}
LGAMMA_CENTRE = 1.224744871391589
# log Gamma x = (x - 1/2)(log x - 1) + (log(2 pi) - 1)/2 + p(u)/x, u = 1/x^2
STIRLING = {
    "double": (
        0.08333333333333319,
        -0.002777777777492384,
        0.0007936507031020443,
        -0.00059522685837652,
        0.000841031209765603,
        -0.0018902914993543898,
        0.005749939322651013,
        -0.01864255554092491,
        0.04750796156702537,
        -0.0626818581963264,
    ),
    "wide": (
        0.08333331382033222,
        -0.0027744744837881604,
        0.000709372914868607,
    ),
}
STIRLING_CONSTANT = 0.4189385332046727
# digamma x = (x - x0) p(t)
DIGAMMA = {
    "double": (
        0.864090324695878,
        -1.1499970951022593,
        0.7896715506633014,
        -0.8283154153170352,
        0.778824736874663,
        -0.8008230465374245,
        0.7832567205241786,
        -0.7953238735774526,
        0.7859527430160115,
        -0.7932721939369006,
        0.7873611746724991,
        -0.7920247275221776,
        0.7878054418517554,
        -0.7957472750990738,
        0.7945985793752357,
        -0.740240905435767,
        0.7243052391824136,
        -1.12340091026679,
        1.163539455827336,
    ),
    "wide": (
        0.8640903320140272,
        -1.1499962071778784,
        0.7896674027740052,
        -0.828478457652215,
        0.7792141484773923,
        -0.7927980818167302,
        0.770217926601167,
        -0.938942856199099,
        0.9638545485798734,
    ),
}
DIGAMMA_CENTRE = 1.7320508075688772
# x0 and x0 - 1, the zero of digamma, as sums
ZERO = (1.4616321449683622, 9.549995429965697e-17)
# digamma x = log x - 1/(2 x) - u p(u)
DIGAMMA_FAR = {
    "double": (
        0.083333333333333,
        -0.008333333332538497,
        0.003968253660971205,
        -0.004166619974429192,
        0.00757206520235887,
        -0.0209181264536041,
        0.07795651213708558,
        -0.3286038791981602,
        1.2468776511946353,
        -3.3274960203857256,
        4.346575108657102,
    ),
    "wide": (
        0.08333320576248783,
        -0.008311500951404855,
        0.0034023273090352094,
    ),
}

FAR = 3.0


def log_of(body: Body, x: Value) -> tuple[Value, Value]:
    """Logarithm of x > 0 as a rounded sum and what it lacks."""
    k, m = normalized(body, x)
    f, correction = log_parts(body, m - 1.0)
    high, low = split_sum(k * LN2_PARTS[0], f)
    return split_sum(high, low + body.fma(k, LN2_PARTS[1], correction))


def centred(body: Body, x: Value, centre: float, coefficients: Sequence[float]) -> Value:
    """Evaluate a polynomial in t = (x - a)/(x + a), its first term last: one rounding of the size of the result."""
    t = (x - centre) / (x + centre)
    return body.fma(t, body.polynomial(t, coefficients[1:]), coefficients[0])


@function("lgamma", wide=True)
def lgamma(body: Body, x: Value) -> Value:
    """Logarithm of |Gamma x|."""
    log_high, log_low = log_of(body, x)
    inverse = 1.0 / x
    tail = inverse * body.polynomial(inverse * inverse, STIRLING[x.precision])
    factor = x - 0.5
    # (x - 1/2)(log x - 1), the last bits apart; infinite beyond 2.5e305.
    less = log_high - 1.0
    far = body.fma(
        factor, less, body.fma(factor, log_low + ((log_high - less) - 1.0), tail + (STIRLING_CONSTANT))
    )
    below = x < 0.5
    at = below.where(x + 1.0, x)
    zeros = (x - 1.0) * below.where(x, x - 2.0)
    near = zeros * centred(body, at, LGAMMA_CENTRE, LGAMMA[x.precision])
    near = near + below.where(-log_high, 0.0)  # adding +0 makes the zeros at 1 and 2 positive
    y = x.not_below(FAR).where(far, near)
    y = x.equals(math.inf).where(x, y)
    return body.rarely(x <= 0.0, y, "lgamma", x)


def positive_digamma(body: Body, x: Value) -> Value:
    """Digamma of x > 0, or nan."""
    log_high, log_low = log_of(body, x)
    inverse = 1.0 / x
    square = inverse * inverse
    far = log_high - body.fma(
        inverse, 0.5, body.fma(square, body.polynomial(square, DIGAMMA_FAR[x.precision]), -log_low)
    )
    below = x < 1.0
    at = below.where(x + 1.0, x)
    # x + 1 - x0 = x - (x0 - 1), without the rounding of x + 1
    zero = (below.where(x, x - 1.0) - (ZERO[0] - 1.0)) - ZERO[1]
    near = zero * centred(body, at, DIGAMMA_CENTRE, DIGAMMA[x.precision])
    near = near - below.where(inverse, 0.0)
    y = x.not_below(FAR).where(far, near)
    return x.equals(math.inf).where(x, y)


@function("digamma", wide=True)
def digamma(body: Body, x: Value) -> Value:
    """Derivative of log Gamma x; infinite at 0 and nan at the other poles, as in SciPy."""
    return body.rarely(x <= 0.0, positive_digamma(body, x), "digamma.far", x)


@function("digamma.far", rare=True, wide=True)
def digamma_far(body: Body, x: Value) -> Value:
    """Digamma of negative arguments: digamma(1 - x) - pi/tan(pi x).

    pi x is reduced before it is rounded: tan(pi x) = tan(pi r), r = x - n exact.
    """
    r = x - body.intrinsic("rint", x)
    angle = r * math.pi
    small = body.abs(r) < 0.25
    # Beyond pi/4 the cotangent is the tangent of what is missing to pi/2.
    rest = small.where(body.abs(angle), (0.5 - body.abs(r)) * math.pi)
    z = rest * rest
    zero = body.like(0.0, x)
    s = rest + sine(body, rest, zero, z)
    top, correction = cosine(body, rest, zero, z)
    c = top + correction
    cotangent = body.copysign(small.where(c / s, s / c), r)
    y = positive_digamma(body, 1.0 - x) - cotangent * math.pi
    pole = x.equals(0.0).where(body.copysign(math.inf, x) * -1.0, math.nan)
    return r.equals(0.0).where(pole, y)

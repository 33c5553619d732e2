"""Error function and its complement.

erf x = x + x p(x^2) for |x| <= 1, and erfc x = e^(-x^2) p(t)/(1 + 2 x) with t = (x - 4)/(x + 4) for x >= 1/2, where
(1 + 2 x) e^(x^2) erfc x stays between 1 and 1.2 (the form is that of Shepherd and Laframboise 1981). x^2 is carried as
a sum of two numbers, since an error of it is a relative error of e^(-x^2).

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.exponential import exp_of
from wengert.compile.vector_math.formats import quotient, split_product
from wengert.compile.vector_math.instructions import Body, Value

__all__ = ["complement", "erf", "erfc"]


ERF = {
    "double": (
        0.12837916709551256,
        -0.3761263890318355,
        0.11283791670945253,
        -0.02686617064327622,
        0.005223977607423468,
        -0.0008548325989696758,
        0.00012055295320494294,
        -1.4924744663335489e-05,
        1.6447517677871873e-06,
        -1.6209175911748696e-07,
        1.3722976265924504e-08,
        -7.801188874097751e-10,
    ),
    "wide": (
        0.12837916591438864,
        -0.37612627138213844,
        0.11283600184405425,
        -0.026854444641367596,
        0.005189535191951359,
        -0.0008020839007886707,
        7.889110473927278e-05,
    ),
}
ERFC = {
    "double": (
        1.2329951186255526,
        -0.1396211168405617,
        0.01537965210260923,
        0.06809705425458837,
        -0.10103906603565856,
        0.09373283500222454,
        -0.06633036582756116,
        0.037167515471140625,
        -0.016197733872859343,
        0.005031970605689582,
        -0.0007577745707589511,
        -0.0001992602860880931,
        0.00015062711520016697,
        -2.4386240767396376e-05,
        -1.1236476187145422e-05,
        5.679843905471046e-06,
        3.175601401507179e-07,
        -7.825264350260893e-07,
        5.1773216556331034e-08,
        7.444063854578315e-08,
        -6.740683141375025e-09,
    ),
    "wide": (
        1.2329951170708677,
        -0.13962105539474165,
        0.015379899837934653,
        0.06809403922113413,
        -0.10104646371666606,
        0.09377176981542325,
        -0.06624522850667379,
        0.03699002138813643,
        -0.01661630283160882,
        0.0052436797292098655,
    ),
}

CENTRE = 4.0
ZERO = 27.3  # erfc is less than half of the smallest number there


def complement(body: Body, x: Value) -> Value:
    """Erfc x for 0 <= x <= ZERO, or nan."""
    t = (x - CENTRE) / (x + CENTRE)
    first, *others = ERFC[x.precision]
    p = body.fma(t, body.polynomial(t, others), first)  # one rounding of the size of p
    if x.precision == "wide":
        return exp_of(body, -(x * x)) * p / body.fma(x, 2.0, 1.0)
    square, square_low = split_product(body, x, x)
    below = body.fma(x, 2.0, 1.0)
    ratio = quotient(body, p, None, below, (x + x) - (below - 1.0))
    return exp_of(body, -square, -square_low) * ratio


@function("erf", wide=True)
def erf(body: Body, x: Value) -> Value:
    """Error function: 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x."""
    size = body.abs(x)
    z = x * x
    inner = body.fma(size, body.polynomial(z, ERF[x.precision]), size)
    outer = 1.0 - complement(body, body.minimum(size, 6.0))
    return body.copysign((size < 1.0).where(inner, outer), x)


@function("erfc", wide=True)
def erfc(body: Body, x: Value) -> Value:
    """1 - erf x, without cancellation."""
    y = complement(body, body.minimum(body.abs(x), ZERO))
    small = 1.0 - body.fma(x, body.polynomial(x * x, ERF[x.precision]), x)
    return (x < 0.5).where((x < -1.0).where(2.0 - y, small), y)

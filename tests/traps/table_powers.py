"""Powers, roots and logarithms at zero, and on the other side of it."""

import math

import numpy as np
from scipy import special

from .trap import Trap, diagonal

__all__ = ["POWERS"]

INF, NAN = np.inf, np.nan


def _power(name, fun, x, first, second, why):
    return Trap(name=name, fun=fun, x=x, first=first, second=second, why=why)


BASE = (
    _power("x**0 at 0", lambda x: x**0, 0.0, 0.0, 0.0, "it is 1 everywhere"),
    _power("x**0.0 at 0", lambda x: x**0.0, 0.0, 0.0, 0.0, "it is 1 everywhere"),
    _power("x**1 at 0", lambda x: x**1, 0.0, 1.0, 0.0, "it is x"),
    _power("x**2 at 0", lambda x: x**2, 0.0, 0.0, 2.0, "2 x, 2"),
    _power("x**2.0 at 0", lambda x: x**2.0, 0.0, 0.0, 2.0, "2 x, 2"),
    _power("x**3 at 0", lambda x: x**3, 0.0, 0.0, 0.0, "3 x^2, 6 x"),
    _power("x**4 at 0", lambda x: x**4, 0.0, 0.0, 0.0, "4 x^3, 12 x^2"),
    _power("power(x, 1) at 0, an array exponent", lambda x: np.sum(np.power(x, np.array([1.0]))), np.zeros(1), 1.0, 0.0,
           "it is x"),
    _power("x**arange(3) at 0", lambda x: np.sum(x ** np.arange(3.0)), 0.0, 1.0, 2.0, "1 + x + x^2"),
    _power("x**arange(5) at 0", lambda x: np.sum(x ** np.arange(5)), 0.0, 1.0, 2.0, "1 + x + x^2 + ..."),
    _power("vector**matrix of exponents at 0", lambda x: np.sum(x ** np.array([[0.0], [1.0], [2.0]])), np.zeros(2),
           1.0, 2 * np.eye(2), "1 + x + x^2 of each"),
    _power("x**0.5 at 0", lambda x: x**0.5, 0.0, INF, -INF, "x^(-1/2)/2, -x^(-3/2)/4"),
    _power("x**1.5 at 0", lambda x: x**1.5, 0.0, 0.0, INF, "1.5 x^0.5, 0.75 x^(-1/2)"),
    _power("x**2.5 at 0", lambda x: x**2.5, 0.0, 0.0, 0.0, "2.5 x^1.5, 3.75 x^0.5"),
    _power("x x**0.5 at 0", lambda x: x * x**0.5, 0.0, 0.0, INF, "it is x^1.5; 0 inf = 0 in the first derivative"),
    _power("(x x) ** 1 at 0", lambda x: (x * x) ** 1.0, 0.0, 0.0, 2.0, "x^2"),
    _power("x * x at 0", lambda x: x * x, 0.0, 0.0, 2.0, "x^2"),
    _power("square at 0", np.square, 0.0, 0.0, 2.0, "x^2"),
    _power("x * x * x at 0", lambda x: x * x * x, 0.0, 0.0, 0.0, "x^3"),
    _power("third derivative of x**4 at 0, as -x**4 + x", lambda x: x - x**4, 0.0, 1.0, 0.0, "1 - 4 x^3, -12 x^2"),
    _power("x**3 at -2", lambda x: x**3, -2.0, 12.0, -12.0, "3 x^2, 6 x"),
    _power("x**3.0 at -2", lambda x: x**3.0, -2.0, 12.0, -12.0, "3 x^2, 6 x"),
    _power("x**-1 at -2", lambda x: x**-1, -2.0, -0.25, -0.25, "-x^-2, 2 x^-3"),
    _power("x**-2.0 at -2", lambda x: x**-2.0, -2.0, 0.25, 6 / 16, "-2 x^-3, 6 x^-4"),
    _power("x**0.5 at -1", lambda x: x**0.5, -1.0, NAN, NAN, "no real root has a derivative where it has no value"),
    _power("float_power(x, 2) at 0", lambda x: np.float_power(x, 2), 0.0, 0.0, 2.0, "2 x, 2"),
    _power("float_power(x, 0) at 0", lambda x: np.float_power(x, 0.0), 0.0, 0.0, 0.0, "1"),
    _power("x**2 at 1e-200", lambda x: x**2, 1e-200, 2e-200, 2.0, "2 x does not underflow where x^2 does"),
    _power("polyval at 0", lambda x: np.polyval([3.0, 2.0, 1.0], x), 0.0, 2.0, 6.0, "3 x^2 + 2 x + 1"),
    _power("vander at 0", lambda x: np.sum(np.vander(x, 4)), np.zeros(1), 1.0, 2.0, "x^3 + x^2 + x + 1"),
    _power("polynomial through prod of (x - 0)", lambda x: np.prod(x - np.zeros(2)), 0.0, 0.0, 2.0, "x^2"),
)  # fmt: skip

EXPONENT = (
    _power("0**y at 2", lambda y: 0.0**y, 2.0, 0.0, 0.0, "it is 0 for every positive y"),
    _power("0**y at 0", lambda y: 0.0**y, 0.0, 0.0, 0.0, "the declared convention: 0^y is no function near y = 0"),
    _power("1**y", lambda y: 1.0**y, 3.0, 0.0, 0.0, "it is 1"),
    _power("2**y at 0", lambda y: 2.0**y, 0.0, math.log(2), math.log(2) ** 2, "2^y log 2"),
    _power("(-2)**y at 2", lambda y: np.power(-2.0, y), 2.0, 0.0, 0.0, "the declared convention of a negative base"),
    _power("x**y at (0, 2)", lambda x: x[0] ** x[1], np.array([0.0, 2.0]), 0.0, diagonal(2, 0),
           "y x^(y-1) and 0; the mixed derivative x^(y-1) (1 + y log x) tends to 0"),
    _power("x**x at 1", lambda x: x**x, 1.0, 1.0, 2.0, "x^x (1 + log x), x^x ((1 + log x)^2 + 1/x)"),
    _power("exp2 at 0", np.exp2, 0.0, math.log(2), math.log(2) ** 2, "2^x log 2"),
)  # fmt: skip

LOGARITHMS = (
    _power("log at 0", np.log, 0.0, INF, -INF, "1/x, -1/x^2"),
    _power("log of subnormal", np.log, 1e-310, INF, -INF, "1e310 is beyond the largest number"),
    _power("log1p at -1", np.log1p, -1.0, INF, -INF, "1/(1+x), -1/(1+x)^2"),
    _power("log2 at 2", np.log2, 2.0, 0.5 / math.log(2), -0.25 / math.log(2), "1/(x log 2)"),
    _power("1/x at 0", lambda x: 1 / x, 0.0, -INF, INF, "-1/x^2, 2/x^3"),
    _power("reciprocal at 0", np.reciprocal, 0.0, -INF, INF, "-1/x^2, 2/x^3"),
    _power("x**-1 at 0", lambda x: x**-1.0, 0.0, -INF, INF, "-1/x^2, 2/x^3"),
    _power("xlogy(0, y) at y = 0", lambda y: special.xlogy(0.0, y), 0.0, 0.0, 0.0, "it is 0 for every y"),
    _power("xlogy(0, y) at y = 2", lambda y: special.xlogy(0.0, y), 2.0, 0.0, 0.0, "it is 0 for every y"),
    _power("xlogy(x, 1) at 0", lambda x: special.xlogy(x, 1.0), 0.0, 0.0, 0.0, "x log 1"),
    _power("xlogy(x, 3) at 0", lambda x: special.xlogy(x, 3.0), 0.0, math.log(3), 0.0, "x log 3"),
    _power("xlog1py(0, y) at y = -1", lambda y: special.xlog1py(0.0, y), -1.0, 0.0, 0.0, "it is 0 for every y"),
    _power("cross entropy with zero probability", lambda q: -np.sum(special.xlogy(np.array([0.0, 1.0]), q)),
           np.array([0.0, 0.5]), [0, -2], diagonal(0, 4), "-log q2 alone"),
    _power("entr at 0", special.entr, 0.0, INF, -INF, "-log x - 1, -1/x"),
    _power("entr at 1", special.entr, 1.0, -1.0, -1.0, "-log x - 1, -1/x"),
    _power("rel_entr(1, 1)", lambda x: special.rel_entr(x, 1.0), 1.0, 1.0, 1.0, "log(x/y) + 1, 1/x"),
    _power("kl_div(1, 1)", lambda x: special.kl_div(x, 1.0), 1.0, 0.0, 1.0, "log(x/y), 1/x"),
    _power("x log x, guarded by its limit", lambda x: np.sum(np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0)),
           np.array([0.0, 1.0]), [0, 1], diagonal(0, 1), "log x + 1, 1/x; the first entry is constant"),
    _power("sinc at 0", np.sinc, 0.0, 0.0, -(math.pi**2) / 3, "1 - (pi x)^2/6 + ..."),
    _power("sinc at 1", np.sinc, 1.0, -1.0, 2.0, "cos(pi x)/x - ...: at a whole number, -1 and 2"),
    _power("sinc near 0", np.sinc, 1e-9, -(math.pi**2) / 3 * 1e-9, -(math.pi**2) / 3, "-(pi^2/3) x to 1e-18"),
    _power("exprel at 0", special.exprel, 0.0, 0.5, 1 / 3, "1 + x/2 + x^2/6 + ..."),
)  # fmt: skip

POWERS = (*BASE, *EXPONENT, *LOGARITHMS)

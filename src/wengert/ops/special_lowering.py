"""Lowering rules of functions of scipy.special, which follow its own formulas and their conditions step by step.

SciPy computes most of these in double precision whatever the operands are: `in_double` does so too, where a formula
leaves the range of single precision or loses its digits.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

from wengert.core.lowering import Builder

__all__ = [
    "boxcox",
    "boxcox1p",
    "cosm1",
    "entr",
    "exp10",
    "exprel",
    "gammasgn",
    "huber",
    "inv_boxcox",
    "inv_boxcox1p",
    "kl_div",
    "log_expit",
    "logit",
    "ndtr",
    "positive_lgamma",
    "pseudo_huber",
    "radian",
    "rel_entr",
    "round_half_even",
    "xlog",
]

INF, NAN = float("inf"), float("nan")

Rule = Callable[..., Any]


def in_double(rule: Rule) -> Rule:
    """Return a rule that is computed in double precision."""
    return lambda b, *xs: rule(b, *[b.convert(x, "f64") for x in xs])


def _either_nan(b: Builder, x: Any, y: Any, otherwise: Any) -> Any:
    return b("select", b("or", b("ne", x, x), b("ne", y, y)), b("add", x, y), otherwise)


# Logistic -------------------------------------------------------------------------------------------------------------


def log_expit(b: Builder, x: Any) -> Any:
    """-log(1 + e^-x)."""
    return b("neg", b("softplus", b("neg", x)))


def logit(b: Builder, x: Any) -> Any:
    """log(x / (1 - x)); around 1/2, where the ratio loses digits, log(1 + s) - log(1 - s) with s = 2 x - 1."""
    one = b.constant(1, x)
    s = b("mul", b.constant(2, x), b("sub", x, b.constant(0.5, x)))
    near = b("sub", b("log1p", s), b("log1p", b("neg", s)))
    far = b("log", b("div", x, b("sub", one, x)))
    is_far = b("or", b("lt", x, b.constant(0.3, x)), b("gt", x, b.constant(0.65, x)))
    return b("select", is_far, far, near)


# Entropies ------------------------------------------------------------------------------------------------------------


def xlog(logarithm: str) -> Rule:
    """Return the rule of x log(y) that is 0 at x = 0, unless y is nan."""

    def rule(b: Builder, x: Any, y: Any) -> Any:
        zero = b.constant(0, x)
        is_zero = b("and", b("eq", x, zero), b("eq", y, y))
        return b("select", is_zero, zero, b("mul", x, b(logarithm, y)))

    return rule


def entr(b: Builder, x: Any) -> Any:
    """-x log(x), 0 at 0 and -inf below."""
    zero = b.constant(0, x)
    y = b("select", b("lt", x, zero), b.constant(-INF, x), b("mul", b("neg", x), b("log", x)))
    return b("select", b("eq", x, zero), zero, y)


@in_double
def rel_entr(b: Builder, x: Any, y: Any) -> Any:
    """Product of x and log(x / y): by log1p for ratios near 1, by two logarithms where they are no normal numbers."""
    zero, inf = b.constant(0, x), b.constant(INF, x)
    ratio = b("div", x, y)
    z = b("mul", x, b("log", ratio))
    is_near = b("and", b("gt", ratio, b.constant(0.5, x)), b("lt", ratio, b.constant(2, x)))
    z = b("select", is_near, b("mul", x, b("log1p", b("div", b("sub", x, y), y))), z)
    tiny = b.constant(2.2250738585072014e-308, x)
    is_normal = b("and", b("gt", ratio, tiny), b("lt", ratio, inf))
    z = b("select", is_normal, z, b("mul", x, b("sub", b("log", x), b("log", y))))
    return _divergence(b, x, y, z, zero)


@in_double
def kl_div(b: Builder, x: Any, y: Any) -> Any:
    """Product of x and log(x / y), minus x, plus y."""
    z = b("add", b("sub", b("mul", x, b("log", b("div", x, y))), x), y)
    return _divergence(b, x, y, z, y)


def _divergence(b: Builder, x: Any, y: Any, inside: Any, on_edge: Any) -> Any:
    """One value for x, y > 0, another for x = 0, y >= 0, and infinity elsewhere."""
    zero = b.constant(0, x)
    is_edge = b("and", b("eq", x, zero), b("ge", y, zero))
    z = b("select", is_edge, on_edge, b.constant(INF, x))
    z = b("select", b("and", b("gt", x, zero), b("gt", y, zero)), inside, z)
    return _either_nan(b, x, y, z)


# Robust losses --------------------------------------------------------------------------------------------------------


def huber(b: Builder, delta: Any, r: Any) -> Any:
    """Half of r^2 up to delta, linear beyond."""
    half, size = b.constant(0.5, r), b("abs", r)
    inside = b("mul", b("mul", half, r), r)
    outside = b("mul", delta, b("sub", size, b("mul", half, delta)))
    y = b("select", b("le", size, delta), inside, outside)
    return b("select", b("lt", delta, b.constant(0, r)), b.constant(INF, r), y)


@in_double
def pseudo_huber(b: Builder, delta: Any, r: Any) -> Any:
    """Product of delta^2 and sqrt(1 + v^2) - 1 with v = r / delta, without cancellation."""
    zero = b.constant(0, r)
    v = b("div", r, delta)
    growth = b("expm1", b("mul", b.constant(0.5, r), b("log1p", b("mul", v, v))))
    y = b("mul", b("mul", delta, delta), growth)
    y = b("select", b("or", b("eq", delta, zero), b("eq", r, zero)), zero, y)
    return b("select", b("lt", delta, zero), b.constant(INF, r), y)


# Box-Cox --------------------------------------------------------------------------------------------------------------


@in_double
def exprel(b: Builder, x: Any) -> Any:
    """(e^x - 1) / x."""
    one = b.constant(1, x)
    y = b("div", b("expm1", x), x)
    y = b("select", b("lt", b("abs", x), b.constant(1e-16, x)), one, y)
    return b("select", b("gt", x, b.constant(717, x)), b.constant(INF, x), y)


def _grown(b: Builder, logarithm: Any, order: Any) -> Any:
    """(e^(k L) - 1) / k, and sign(k) e^(k L - log |k|) - 1 / k where e^(k L) overflows."""
    one, t = b.constant(1, order), b("mul", order, logarithm)
    plain = b("div", b("expm1", t), order)
    large = b("exp", b("sub", t, b("log", b("abs", order))))
    large = b("sub", b("mul", b("copysign", one, order), large), b("div", one, order))
    return b("select", b("lt", t, b.constant(709.78, t)), plain, large)


def _is_tiny(b: Builder, x: Any, bound: float) -> Any:
    return b("lt", b("abs", x), b.constant(bound, x))


@in_double
def boxcox(b: Builder, x: Any, order: Any) -> Any:
    """(x^k - 1) / k."""
    logarithm = b("log", x)
    return b("select", _is_tiny(b, order, 1e-19), logarithm, _grown(b, logarithm, order))


@in_double
def boxcox1p(b: Builder, x: Any, order: Any) -> Any:
    """((1 + x)^k - 1) / k."""
    logarithm = b("log1p", x)
    is_linear = b("and", _is_tiny(b, logarithm, 1e-289), _is_tiny(b, order, 1e273))
    is_linear = b("or", _is_tiny(b, order, 1e-19), is_linear)
    return b("select", is_linear, logarithm, _grown(b, logarithm, order))


def _shrunk(b: Builder, x: Any, order: Any) -> Any:
    """log(1 + k x) / k, the logarithm of a product being a sum where the product overflows."""
    one, t = b.constant(1, x), b("mul", order, x)
    large = b("mul", b("copysign", one, order), b("add", x, b("div", one, order)))
    large = b("add", b("log", large), b("log", b("abs", order)))
    logarithm = b("select", b("lt", t, b.constant(1.79e308, t)), b("log1p", t), large)
    return b("div", logarithm, order)


@in_double
def inv_boxcox(b: Builder, x: Any, order: Any) -> Any:
    """(1 + k x)^(1 / k)."""
    is_zero = b("eq", order, b.constant(0, order))
    return b("exp", b("select", is_zero, x, _shrunk(b, x, order)))


@in_double
def inv_boxcox1p(b: Builder, x: Any, order: Any) -> Any:
    """(1 + k x)^(1 / k) - 1."""
    is_zero = b("eq", order, b.constant(0, order))
    y = b("expm1", b("select", is_zero, x, _shrunk(b, x, order)))
    is_linear = b("and", b("not", is_zero), _is_tiny(b, b("mul", order, x), 1e-154))
    return b("select", is_linear, x, y)


# Elementary functions -------------------------------------------------------------------------------------------------


@in_double
def cosm1(b: Builder, x: Any) -> Any:
    """-2 sin(x / 2)^2, which is accurate wherever cos(x) is near 1; 0 is not -0, as 0 - 2 s^2 rounded once would be."""
    s = b("sin", b("mul", b.constant(0.5, x), x))
    y = b("mul", b("mul", b.constant(2, x), s), s)
    return b("select", b("eq", y, b.constant(0, x)), y, b("neg", y))


@in_double
def exp10(b: Builder, x: Any) -> Any:
    """10^x."""
    return b("pow", b.constant(10, x), x)


@in_double
def radian(b: Builder, d: Any, m: Any, s: Any) -> Any:
    """Seconds of arc, and their unit."""
    sixty = b.constant(60, d)
    seconds = b("add", b("mul", b("add", b("mul", d, sixty), m), sixty), s)
    return b("mul", b.constant(pi / 648000, d), seconds)


def round_half_even(b: Builder, x: Any) -> Any:
    """To the nearest whole number; small numbers give 0, and not -0 as those of NumPy do."""
    zero = b.constant(0, x)
    return b("select", b("eq", x, zero), x, b("add", b("rint", x), zero))


# Error functions, gamma function --------------------------------------------------------------------------------------


@in_double
def ndtr(b: Builder, x: Any) -> Any:
    """(1 + erf(z)) / 2 with z = x / sqrt(2) where that does not cancel, else erfc(|z|) / 2 or its complement."""
    half, one = b.constant(0.5, x), b.constant(1, x)
    z = b("mul", x, b.constant(sqrt(0.5), x))
    tail = b("mul", half, b("erfc", b("abs", z)))
    far = b("select", b("gt", z, b.constant(0, z)), b("sub", one, tail), tail)
    near = b("add", half, b("mul", half, b("erf", z)))
    return b("select", b("lt", b("abs", z), one), near, far)


def positive_lgamma(b: Builder, x: Any) -> Any:
    """Log of the gamma function, which is not real below 0."""
    return b("select", b("lt", x, b.constant(0, x)), b.constant(NAN, x), b("lgamma", x))


def gammasgn(b: Builder, x: Any) -> Any:
    """The sign alternates from pole to pole on the left, where the floor of x is odd or even."""
    zero, one, half = b.constant(0, x), b.constant(1, x), b.constant(0.5, x)
    whole = b("floor", x)
    halved = b("mul", half, whole)
    is_even = b("eq", b("floor", halved), halved)
    y = b("select", is_even, one, b.constant(-1, x))
    y = b("select", b("eq", whole, x), b.constant(NAN, x), y)
    y = b("select", b("gt", x, zero), one, y)
    y = b("select", b("eq", x, zero), b("copysign", one, x), y)
    return b("select", b("eq", x, x), y, x)

"""Derivatives of special functions in a parameter, where they are no closed forms: `slope`, and distribution functions.

SciPy evaluates these functions to nearly full precision at any parameter, and they are analytic in it. So the
derivative is that of the polynomial that interpolates f(a + r t) at the Chebyshev points t_k, r being a fraction of the
length on which f changes (Trefethen 2019, Approximation Theory and Approximation Practice, chapters 8 and 21):

    f'(a) = (1 / r) sum over k of w_k f(a + r t_k),   w_k = (2 / n) sum over odd j < n of (-1)^((j-1)/2) j T_j(t_k)

With n = 20 points the truncation is near 5^-20 where the nearest singularity is 2.5 r away, and rounding errors of f
are magnified by at most the sum of |w_k|, about n, over r. Functions that grow or fall by orders of magnitude are
interpolated without their exponential trend: g(d) = f(a + d) exp(-rate d) has the derivative f'(a) - rate f(a).

The sum is written in the functions themselves, which have derivatives to all operands; so it has derivatives of every
order. Lengths and rates only steer it, and are constants. tests/scipy/test_special.py holds first derivatives to
1e-9 against mpmath; most are right to 1e-13.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from wengert.core.primitive import Primitive, define
from wengert.ops.families import align
from wengert.ops.special_families import parameters
from wengert.types import ArrayType

__all__ = [
    "beta_slope_a",
    "beta_slope_b",
    "constant",
    "double",
    "gamma_slope",
    "riemann_zeta_slope",
    "slope",
    "slope_in",
    "slope_of_share",
    "zeta_slope",
]

COUNT = 20


def _rule() -> list[tuple[float, float]]:
    """Return the positive points and their weights; those of the negative ones are opposite."""
    angles = (np.arange(COUNT // 2) + 0.5) * np.pi / COUNT
    weights = sum((-1) ** (j // 2) * j * np.cos(j * angles) for j in range(1, COUNT, 2)) * 2.0 / COUNT
    return list(zip(np.cos(angles).tolist(), np.asarray(weights).tolist(), strict=True))


POINTS = _rule()


def slope(fun: Callable[[Any], Any], length: Any, rate: Any = 0.0) -> Any:
    """Return the derivative at 0 of a function of a shift, interpolated within `length` of 0 without its trend."""
    total = rate * fun(0.0)
    for point, weight in POINTS:
        shift = length * point
        trend = np.exp(rate * shift)
        total = total + weight / length * (fun(shift) / trend - fun(-shift) * trend)
    return total


def double(x: Any) -> Any:
    """Return an operand in double precision, which differences need whatever the precision of the result."""
    return (
        x.astype(np.float64)
        if getattr(x, "dtype", None) in {np.dtype(np.float32), np.dtype(np.float16)}
        else x
    )


def constant(name: str, fun: Callable[..., Any], *, operands: int, doc: str) -> Primitive:
    """Define a function that steers a rule and has no derivative."""

    def evaluate(*xs: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(fun(*xs))[()]

    return define(
        name=name,
        doc=doc,
        eval=evaluate,
        infer=lambda *types: ArrayType(np.broadcast_shapes(*[t.shape for t in types]), np.dtype(np.float64)),
        batch=lambda _size, xs, batched: evaluate(*align(xs, batched)),
        samples=parameters(*[(0.3, 0.8)] * operands),
        differentiable=False,
    )


# Distribution functions -----------------------------------------------------------------
#
# P(a, x) and its complement Q = 1 - P change over lengths like sqrt(a) for large a, and like a for small a, which keeps
# the points positive. The derivative of P is that of P or of -Q, whichever is smaller and so the more precise one.


def _reach(a: Any) -> Any:
    return 0.4 * a / np.sqrt(1.0 + a)


reach_ = constant(
    "parameter_reach", _reach, operands=1, doc="Half the length on which a parameter is varied."
)


def _first(fun: Callable[..., Any], place: int) -> Callable[..., Any]:
    """Return a function with the operand at a place moved to the front."""
    return lambda a, *rest: fun(*rest[:place], a, *rest[place:])


def _trend(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return the logarithmic derivative of a positive function in its first operand, roughly; 0 where there is none."""

    def trend(a: Any, *rest: Any) -> Any:
        step = 0.05 * _reach(a)
        rate = (np.log(fun(a + step, *rest)) - np.log(fun(a - step, *rest))) / (2.0 * step)
        return np.where(np.isfinite(rate), rate, 0.0)

    return trend


def slope_in(fun: np.ufunc, place: int = 0) -> Callable[..., Any]:
    """Return the derivative of a positive ufunc in the operand at a place, a positive parameter."""
    moved = _first(fun, place)
    trend = constant(
        f"{fun.__name__}_trend_{place}",
        _trend(moved),
        operands=fun.nin,
        doc=f"Logarithmic slope of {fun.__name__} in operand {place}, to two digits.",
    )

    def derivative(*xs: Any) -> Any:
        a, *rest = [double(x) for x in (xs[place], *xs[:place], *xs[place + 1 :])]
        with np.errstate(all="ignore"):
            return slope(lambda shift: moved(a + shift, *rest), reach_(a), trend(a, *rest))

    return derivative


def slope_of_share(lower: np.ufunc, upper: np.ufunc, place: int = 0) -> Callable[..., Any]:
    """Return the derivative of a ufunc whose complement to 1 is another, in the operand at a place."""
    below, above = slope_in(lower, place), slope_in(upper, place)
    return lambda *xs: np.where(lower(*xs) < 0.5, below(*xs), -above(*xs))


gamma_slope = slope_of_share(special.gammainc, special.gammaincc)
beta_slope_a = slope_of_share(special.betainc, special.betaincc, 0)
beta_slope_b = slope_of_share(special.betainc, special.betaincc, 1)


# Zeta -----------------------------------------------------------------------------------
#
# zeta(s, q) has a pole at s = 1, and falls like q^-s for large s; zeta(s) - 1 falls like 2^-s. Left of the
# pole it swings.

pole_distance_ = constant(
    "zeta_pole_distance",
    lambda s: 0.4 * np.minimum(np.absolute(s - 1.0), 2.0),
    operands=1,
    doc="Two fifths of the distance to the pole of zeta, at most 0.8.",
)
decay_ = constant(
    "zeta_decay", lambda s: np.where(s > 1.0, -np.log(2.0), 0.0), operands=1, doc="Decay of zeta - 1."
)
base_ = constant(
    "zeta_base", lambda q: -np.log(np.absolute(q)), operands=1, doc="Decay of the Hurwitz zeta function."
)


def zeta_slope(s: Any, q: Any) -> Any:
    """Return the derivative of zeta(s, q) in s."""
    s, q = double(s), double(q)
    with np.errstate(all="ignore"):
        return slope(lambda shift: special.zeta(s + shift, q), pole_distance_(s), base_(q))


def riemann_zeta_slope(s: Any) -> Any:
    """Return the derivative of zeta(s)."""
    s = double(s)
    with np.errstate(all="ignore"):
        return slope(lambda shift: special.zetac(s + shift), pole_distance_(s), decay_(s))

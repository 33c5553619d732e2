"""Operations on complex numbers as operations on their real and imaginary parts, entry by entry.

The algorithms are NumPy's where it has its own (products, quotients, reciprocals), so that infinities, nan and the
signs of zeros come out alike; elementary functions follow C99's Annex G as the C library does.

    exp(x + iy)  = e^x (cos y + i sin y)
    log z        = log |z| + i arg z; where the larger part p is near 1, log |z| = log1p((p - 1)(p + 1) + q^2) / 2
    sqrt z       = t + i y / (2 t),   t = sqrt((|x| + |z|) / 2), for x >= 0; the mirror image of that of -x + iy else
    sinh z       = sinh x cos y + i cosh x sin y,   sin z = i sinh -iz,   and so on

e^x is taken as two factors where it overflows, since the product with a small sine need not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

__all__ = ["RULES", "Pair", "integer_power"]

Real = Any
where: Callable[..., Any] = np.where  # NumPy's stubs take it for the one with a condition alone


class Pair(NamedTuple):
    """A complex number."""

    re: Real
    im: Real


# Arithmetic -----------------------------------------------------------------------------------------------------------


def _multiply(a: Pair, b: Pair) -> Pair:
    return Pair(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)


def _divide(a: Pair, b: Pair) -> Pair:
    """Smith's algorithm: the larger part of the divisor divides the other one."""
    plain = np.abs(b.re) >= np.abs(b.im)
    large, small = where(plain, b.re, b.im), where(plain, b.im, b.re)
    zero = _is_zero(b)
    ratio = small / where(zero, 1.0, large)
    scale = 1.0 / (large + small * ratio)
    first, second = where(plain, a.re, a.im), where(plain, a.im, a.re)
    less = first * ratio
    re = (first + second * ratio) * scale
    im = (where(plain, second, less) - where(plain, less, second)) * scale
    magnitude = np.abs(b.re)
    return Pair(where(zero, a.re / magnitude, re), where(zero, a.im / magnitude, im))


def _reciprocal(z: Pair) -> Pair:
    plain = np.abs(z.im) <= np.abs(z.re)
    large, small = where(plain, z.re, z.im), where(plain, z.im, z.re)
    ratio = small / large
    size = large + small * ratio
    return Pair(where(plain, 1.0, ratio) / size, -where(plain, ratio, 1.0) / size)


def integer_power(z: Pair, n: int) -> Pair:
    """Return z^n as NumPy does for |n| < 100: by squares, from the lowest binary digit; of 0, 0 for n > 0, else nan."""
    one = Pair(np.ones_like(z.re), np.zeros_like(z.re))
    if n == 0:
        return one
    found, power, left = one, z, abs(n)
    while left:
        if left % 2:
            found = power if n in {1, 2} else _multiply(found, power)
        left //= 2
        if left:
            power = _multiply(power, power)
    if n == 3:
        found = _multiply(z, power)
    if n < 0:
        found = _divide(one, found)
    zero, there = _is_zero(z), 0.0 if n > 0 else np.nan
    return Pair(*[where(zero, there, part) for part in found])


def _masked(a: Pair, b: Pair) -> Pair:
    """The product, and 0 where a factor is 0."""
    product = _multiply(a, b)
    zero = _is_zero(a) | _is_zero(b)
    return Pair(*[where(zero, 0.0, part) for part in product])


def _is_zero(z: Pair) -> Real:
    return (z.re == 0) & (z.im == 0)


def _absolute(z: Pair) -> Real:
    return np.hypot(z.re, z.im)


def _sign(z: Pair) -> Pair:
    """Z / |z|; 0 at 0; where one part is infinite, the sign of that; if |z| overflows, that of the imaginary one."""
    size = np.hypot(z.re, z.im)
    infinite = np.isinf(z.re), np.isinf(z.im) | (np.isinf(size) & ~np.isinf(z.re))
    found = []
    for part, own, other in zip(z, infinite, infinite[::-1], strict=True):
        finite = where(size == 0, 0.0, part / where(size == 0, 1.0, size))
        found.append(where(own, where(other, np.nan, np.copysign(1.0, part)), where(other, 0.0, finite)))
    return Pair(*found)


# Exponentials and logarithms ------------------------------------------------------------------------------------------


def _growth(x: Real) -> tuple[Real, Real]:
    """Return two factors of e^x: the second is 1 unless e^x might overflow."""
    most = np.floor(np.log(np.finfo(x.dtype).max)).astype(x.dtype)
    above = x > most
    return np.exp(where(above, x - most, x)), where(above, np.exp(most), most.dtype.type(1.0))


def _exp(z: Pair) -> Pair:
    first, second = _growth(z.re)
    re, im = first * (np.cos(z.im) * second), first * (np.sin(z.im) * second)
    wild = ~np.isfinite(z.im)
    re = where(wild & (z.re == np.inf), np.inf, where(wild & (z.re == -np.inf), 0.0, re))
    im = where(wild & (z.re == -np.inf), np.copysign(0.0, z.im), im)
    return Pair(re, where(z.im == 0, z.im, im))


def _log(z: Pair) -> Pair:
    x, y = np.abs(z.re), np.abs(z.im)
    p, q = np.fmax(x, y), np.fmin(x, y)
    info = np.finfo(p.dtype)
    least, most = info.tiny / info.eps**2, info.max / 4
    factor = where(p > most, 0.25, where(p < least, info.eps**-2, 1.0)).astype(p.dtype)
    far = np.log(np.hypot(x * factor, y * factor)) - np.log(factor)
    near = np.log1p((p - 1.0) * (p + 1.0) + q * q) * 0.5
    is_near = (p > 0.5) & (x < 2.0) & (y < 2.0)
    return Pair(where(is_near, near, far), np.arctan2(z.im, z.re))


def _log_of(base: float) -> Callable[[Pair], Pair]:
    def log(z: Pair) -> Pair:
        re, im = _log(z)
        factor = 1.0 / np.log(base)
        return Pair(re * factor, im * factor)

    return log


def _sqrt(z: Pair) -> Pair:
    x, y = np.abs(z.re), np.abs(z.im)
    info = np.finfo(x.dtype)
    large = np.maximum(x, y)
    down, up = large >= info.max / 4, large < info.tiny / info.eps**2
    factor = where(down, 0.0625, where(up, info.eps**-2, 1.0)).astype(x.dtype)
    back = where(down, 4.0, where(up, info.eps, 1.0)).astype(x.dtype)
    t = np.sqrt((x * factor + np.hypot(x * factor, y * factor)) * 0.5)
    other = where(t == 0, 0.0, y * factor / (2.0 * where(t == 0, 1.0, t)))
    t, other = t * back, other * back
    positive = ~np.signbit(z.re)
    re, im = where(positive, t, other), where(positive, other, t)
    unknown = np.isnan(z.re) | np.isnan(z.im)
    re, im = where(unknown, np.nan, re), where(unknown, np.nan, np.copysign(im, z.im))
    re = where(np.isinf(z.re), where(positive, np.inf, where(np.isnan(z.im), np.nan, 0.0)), re)
    im = where(
        np.isinf(z.re),
        np.copysign(where(positive, where(np.isnan(z.im), np.nan, 0.0), np.inf), z.im),
        im,
    )
    wild = np.isinf(z.im)
    return Pair(where(wild, np.inf, re), where(wild, z.im, im))


# Trigonometric and hyperbolic functions -------------------------------------------------------------------------------


def _cosh_and_sinh(x: Real) -> tuple[Real, Real, Real]:
    """Return cosh x and sinh x, both to be multiplied by a factor, which is 1 unless they might overflow."""
    first, second = _growth(np.abs(x))
    far = second > 1
    half = first * 0.5
    return where(far, half, np.cosh(x)), where(far, np.copysign(half, x), np.sinh(x)), second


def _sinh(z: Pair) -> Pair:
    cosh, sinh, factor = _cosh_and_sinh(z.re)
    re, im = sinh * (np.cos(z.im) * factor), cosh * (np.sin(z.im) * factor)
    kept = ~np.isfinite(z.im) & ((z.re == 0) | np.isinf(z.re))
    return Pair(where(kept, where(z.re == 0, z.re, np.inf), re), where(z.im == 0, z.im, im))


def _cosh(z: Pair) -> Pair:
    cosh, sinh, factor = _cosh_and_sinh(z.re)
    re, im = cosh * (np.cos(z.im) * factor), sinh * (np.sin(z.im) * factor)
    re = where(~np.isfinite(z.im) & np.isinf(z.re), np.inf, re)
    zero = where(np.isnan(z.re), z.im, np.copysign(1.0, z.re) * z.im)
    im = where((z.re == 0) & ~np.isfinite(z.im), 0.0, im)
    return Pair(re, where(z.im == 0, zero, im))


def _tanh(z: Pair) -> Pair:
    """(sinh x cosh x + i sin y cos y) / (sinh^2 x + cos^2 y); of large x, 1 + 4 i sin y cos y e^-2x."""
    x = np.abs(z.re)
    sin, cos = np.sin(z.im), np.cos(z.im)
    far = x > 0.25 * np.log(np.finfo(x.dtype).max)
    inside = where(far, 0.0, x)
    sinh = np.sinh(inside)
    below = sinh * sinh + cos * cos
    turn = sin * cos
    wild = ~np.isfinite(z.im)
    re = where(far, where(wild & np.isfinite(x), np.nan, 1.0), sinh * np.cosh(inside) / below)
    im = where(far, 4.0 * turn * np.exp(-2.0 * x), turn / below)
    im = where(np.isinf(x), np.copysign(0.0, where(wild, z.im, turn)), im)
    return Pair(np.copysign(where(wild & (x == 0), 0.0, re), z.re), where(z.im == 0, z.im, im))


def _turned(rule: Callable[[Pair], Pair]) -> Callable[[Pair], Pair]:
    """Return i f(-iz)."""

    def turned(z: Pair) -> Pair:
        re, im = rule(Pair(z.im, -z.re))
        return Pair(-im, re)

    return turned


# The table ------------------------------------------------------------------------------------------------------------

RULES: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda a, b: Pair(a.re + b.re, a.im + b.im),
    "subtract": lambda a, b: Pair(a.re - b.re, a.im - b.im),
    "multiply": _multiply,
    "divide": _divide,
    "masked": _masked,
    "negative": lambda z: Pair(-z.re, -z.im),
    "positive": lambda z: z,
    "stop_gradient": lambda z: z,
    "conjugate": lambda z: Pair(z.re, -z.im),
    "real": lambda z: z.re,
    "imag": lambda z: z.im,
    "square": lambda z: Pair(z.re * z.re - z.im * z.im, z.re * z.im + z.im * z.re),
    "reciprocal": _reciprocal,
    "absolute": _absolute,
    "sign": _sign,
    "equal": lambda a, b: (a.re == b.re) & (a.im == b.im),
    "not_equal": lambda a, b: (a.re != b.re) | (a.im != b.im),
    "isnan": lambda z: np.isnan(z.re) | np.isnan(z.im),
    "isinf": lambda z: np.isinf(z.re) | np.isinf(z.im),
    "isfinite": lambda z: np.isfinite(z.re) & np.isfinite(z.im),
    "exp": _exp,
    "log": _log,
    "log2": _log_of(2.0),
    "log10": _log_of(10.0),
    "sqrt": _sqrt,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "sin": _turned(_sinh),
    "cos": lambda z: _cosh(Pair(-z.im, z.re)),
    "tan": _turned(_tanh),
}

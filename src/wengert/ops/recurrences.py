"""Coefficients of power series through elementary functions, each from those before it.

A function that solves a differential equation gives one for its coefficients: from y' = w(x, y) x',

    k y_k = sum_(j=1)^k j x_j w_(k-j),

where w up to order k - 1 needs y up to order k - 1 only. So K coefficients cost of the order of K^2 operations:
Griewank and Walther 2008, tables 13.1 and 13.2; Knuth, The Art of Computer Programming, vol. 2, 4.7. Products are
`masked`: a coefficient that is zero contributes zero, even where what it meets is infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.ops.coefficients import total
from wengert.ops.families import masked, spread

__all__ = [
    "angle", "growing", "length", "logistic", "power", "products", "quotient", "rising", "root", "series_rule",
    "shared", "squared", "squares", "turning",
]  # fmt: skip

Coefficients = list[Any]
Solve = Callable[..., Coefficients]


def series_rule(fun: Callable[..., Any], solve: Solve) -> Callable[..., Any]:
    """Return the `taylor` rule of a function: solve(y_0, x, ...) gives y_0, y_1, ... from x = [x_0, x_1, ...]."""

    def taylor(xs: Sequence[Any], series: Sequence[Sequence[Any]]) -> tuple[Any, Any]:
        y = fun(*xs)
        with np.errstate(all="ignore"):
            _, *found = solve(y, *[[x, *s] for x, s in zip(xs, series, strict=True)])
            return y, tuple([None if c is None else spread(c, y) for c in found])

    return taylor


def _scaled(c: Any, factor: float) -> Any:
    return c if c is None or factor == 1 else c * factor


def _minus(a: Any, b: Any) -> Any:
    return a if b is None else -b if a is None else a - b


def _convolved(a: Sequence[Any], b: Sequence[Any], k: int, first: int, last: int) -> Any:
    """Return the sum of a_i b_(k-i) for i from first to last."""
    pairs = [(a[i], b[k - i]) for i in range(first, last + 1)]
    return total([masked(p, q) for p, q in pairs if p is not None and q is not None])


def _slopes(x: Sequence[Any]) -> Coefficients:
    """Return j x_j for j = 0, 1, ..."""
    return [None, *[_scaled(c, j) for j, c in enumerate(x[1:], start=1)]]


# Products, quotients, roots -----------------------------------------------------------------------------------------


def products(y: Any, a: Sequence[Any], b: Sequence[Any]) -> Coefficients:
    """Return the coefficients of a product with the value y."""
    return [y, *[_convolved(a, b, k, 0, k) for k in range(1, len(a))]]


def squares(y: Any, x: Sequence[Any]) -> Coefficients:
    """Return the coefficients of a square with the value y."""
    return [y, *[squared(x, k) for k in range(1, len(x))]]


def squared(x: Sequence[Any], k: int, first: int = 0) -> Any:
    """Return the sum of x_i x_(k-i) for i from `first` to k - `first`: each product of two different ones once."""
    half = _convolved(x, x, k, first, (k - 1) // 2)
    middle = None if k % 2 or k < 2 * first else _convolved(x, x, k, k // 2, k // 2)
    return total((_scaled(half, 2), middle))


def quotient(y: Any, u: Sequence[Any], v: Sequence[Any]) -> Coefficients:
    """Return the coefficients of u / v: u_k = sum_j v_j y_(k-j)."""
    ys, inverse = [y], np.divide(1.0, v[0])  # a Python 1.0 / 0.0 would raise
    for k in range(1, len(u)):
        rest = _minus(u[k], _convolved(v, ys, k, 1, k))
        ys.append(None if rest is None else masked(rest, inverse))
    return ys


def root(y: Any, x: Sequence[Any]) -> Coefficients:
    """Return the coefficients of a root of x with the value y: x_k = 2 y_0 y_k + sum_(0<j<k) y_j y_(k-j)."""
    ys, inverse = [y], np.divide(0.5, y)
    for k in range(1, len(x)):
        rest = _minus(x[k], squared(ys, k, 1))
        ys.append(None if rest is None else masked(rest, inverse))
    return ys


# Differential equations ---------------------------------------------------------------------------------------------


def growing(slope: Callable[[int, Coefficients], Any]) -> Solve:
    """Return the solution of y' = w x', where slope(k, y) gives w_k from y_0, ..., y_k."""

    def solve(y: Any, x: Sequence[Any]) -> Coefficients:
        ys: Coefficients = [y]
        ws: Coefficients = []
        slopes = _slopes(x)
        for k in range(1, len(x)):
            ws.append(slope(k - 1, ys))
            y_k = _convolved(slopes, ws, k, 1, k)
            ys.append(_scaled(y_k, 1.0 / k))
        return ys

    return solve


def rising(under: Callable[[Any, Sequence[Any]], Coefficients], rate: float = 1.0) -> Solve:
    """Return the solution of w y' = rate x', where under(y_0, x) gives w.

    From sum_(j=1)^k j y_j w_(k-j) = rate k x_k follows the one with j = k.
    """

    def solve(y: Any, x: Sequence[Any]) -> Coefficients:
        ws, ys, slopes = under(y, x), [y], [None]
        inverse = np.divide(1.0, ws[0])
        for k in range(1, len(x)):
            rest = _minus(_scaled(x[k], rate * k), _convolved(slopes, ws, k, 1, k - 1))
            slopes.append(None if rest is None else masked(rest, inverse))
            ys.append(_scaled(slopes[k], 1.0 / k))
        return ys

    return solve


def turning(pair: Callable[..., tuple[Any, Any]], sign: float) -> Solve:
    """Return the solution of y' = z x', z' = sign y x', of which pair(y_0, x_0) gives the values."""

    def solve(y: Any, x: Sequence[Any]) -> Coefficients:
        y, z = pair(y, x[0])
        ys, zs, slopes = [y], [z], _slopes(x)
        for k in range(1, len(x)):
            y_k, z_k = _convolved(slopes, zs, k, 1, k), _convolved(slopes, ys, k, 1, k)
            ys.append(_scaled(y_k, 1.0 / k))
            zs.append(_scaled(z_k, sign / k))
        return ys

    return solve


def logistic(y: Any, rest: Any, x: Sequence[Any]) -> Coefficients:
    """Return the coefficients of the logistic function from its value and what is left to 1: y' = y (1 - y) x'."""

    def slope(k: int, ys: Coefficients) -> Any:
        return _convolved(ys, [rest, *[_minus(None, c) for c in ys[1:]]], k, 0, k)

    return growing(slope)(y, x)


def shared(ratio: float) -> Solve:
    """Return the solution of y' = s a' + (1 - s) b' with s' = ratio s (1 - s) (a - b)', from the values s and 1 - s."""

    def solve(y: Any, a: Sequence[Any], b: Sequence[Any], weights: tuple[Any, Any]) -> Coefficients:
        d = [_minus(p, q) for p, q in zip(a, b, strict=True)]
        s = logistic(*weights, [_scaled(c, ratio) for c in d])
        moved = growing(lambda k, _ys: s[k])(None, d)
        return [y, *[total(pair) for pair in zip(b[1:], moved[1:], strict=True)]]

    return solve


def _on_circle(a: Sequence[Any], b: Sequence[Any]) -> tuple[Any, Any, Coefficients, Coefficients]:
    """Return whether (a_0, b_0) is the origin, its length (1 there), and both series relative to that."""
    length = np.hypot(a[0], b[0])
    origin = length == 0
    length = np.where(origin, 1, length)
    parts = [[None if c is None else c / length for c in s] for s in (a, b)]
    return origin, length, parts[0], parts[1]


def _masked_by(origin: Any, found: Coefficients) -> Coefficients:
    return [None if c is None else np.where(origin, 0.0, c) for c in found]


def length(y: Any, a: Sequence[Any], b: Sequence[Any]) -> Coefficients:
    """Return the coefficients of the length of (a, b), 0 at the origin: a root of a^2 + b^2, relative to the value."""
    origin, size, a, b = _on_circle(a, b)
    square = [total((squared(a, k), squared(b, k))) for k in range(len(a))]
    found = root(np.ones_like(size), square)
    return [y, *_masked_by(origin, [None if c is None else size * c for c in found[1:]])]


def angle(y: Any, a: Sequence[Any], b: Sequence[Any]) -> Coefficients:
    """Return the coefficients of the angle of (b, a), 0 at the origin: (a^2 + b^2) y' = b a' - a b'."""
    origin, _, a, b = _on_circle(a, b)
    square = [total((squared(a, k), squared(b, k))) for k in range(len(a))]
    square[0] = np.where(origin, 1, square[0])
    turn = [
        _minus(_convolved(_slopes(a), b, k, 1, k), _convolved(_slopes(b), a, k, 1, k))
        for k in range(1, len(a))
    ]
    first = None if turn[0] is None else turn[0] / square[0]
    slopes = quotient(first, turn, square)
    return [y, *_masked_by(origin, [_scaled(c, 1.0 / k) for k, c in enumerate(slopes, start=1)])]


# Powers -------------------------------------------------------------------------------------------------------------
#
# x^n with a constant n solves x y' = n x' y:   k x_0 y_k = sum_(j=1)^k (n j - (k - j)) x_j y_(k-j),
# where x_0 is not zero. A whole n > 0 is a product. Of another, at x_0 = 0,
#   y_k = sum_j binomial(n, j) x_0^(n-j) (coefficient k of (x - x_0)^j),
# in which the powers of 0 are 0, 1 or inf. With an n that moves, x^n = exp(n log x) where a real x is positive;
# elsewhere n is held, as the partial to it is 0 there.


def power(y: Any, x: Sequence[Any], n: Sequence[Any]) -> Coefficients:
    """Return the coefficients of x^n."""
    held = _held_power(y, x, n[0])
    if all(c is None for c in n[1:]):
        return held
    is_complex = y.dtype.kind == "c"
    smooth = x[0] != 0 if is_complex else np.logical_not(x[0] <= 0)  # nan is passed on
    base = [np.where(smooth, x[0], 1), *x[1:]]
    first = np.log(base[0] + 0j if is_complex else base[0])
    logs = rising(lambda _y, x: list(x))(first, base)
    moved = growing(lambda k, ys: ys[k])(y, products(None, n, logs))
    return [y, *[_chosen(smooth, a, b) for a, b in zip(moved[1:], held[1:], strict=True)]]


def _chosen(condition: Any, a: Any, b: Any) -> Any:
    if a is None and b is None:
        return None
    return np.where(condition, 0.0 if a is None else a, 0.0 if b is None else b)


def _held_power(y: Any, x: Sequence[Any], n: Any) -> Coefficients:
    known = isinstance(n, float | int)
    if known and n == int(n) and n >= 0:
        return [y, *_repeated(x, int(n))[1:]]
    away = _power_away_from_zero(y, x, n)
    if known and n < 0:
        return away
    zero = x[0] == 0
    at_zero = _power_at_zero(x, n)
    return [y, *[_chosen(zero, a, b) for a, b in zip(at_zero[1:], away[1:], strict=True)]]


def _repeated(x: Sequence[Any], n: int) -> Coefficients:
    """Return the product of n factors x, by repeated squares (Knuth, The Art of Computer Programming, 4.6.3)."""
    result: Coefficients | None = None
    square = list(x)
    while n:
        if n % 2:
            result = square if result is None else products(masked(result[0], square[0]), result, square)
        n //= 2
        square = squares(square[0] * square[0], square) if n else square
    return [None] * len(x) if result is None else result


def _power_away_from_zero(y: Any, x: Sequence[Any], n: Any) -> Coefficients:
    ys, inverse = [y], np.divide(1.0, x[0])
    for k in range(1, len(x)):
        pairs = [((n * j - (k - j)) / k, x[j], ys[k - j]) for j in range(1, k + 1)]
        terms = [factor * masked(a, b) for factor, a, b in pairs if a is not None and b is not None]
        rest = total(terms)
        ys.append(None if rest is None else masked(rest, inverse))
    return ys


def _power_at_zero(x: Sequence[Any], n: Any) -> Coefficients:
    """Return the coefficients by those of the powers of x - x_0."""
    step = [None, *x[1:]]
    result: Coefficients = [None] * len(x)
    raised, binomial = step, n
    for j in range(1, len(x)):
        slope = x[0] ** (n - j)
        slope = binomial * slope if isinstance(binomial, float | int) else masked(binomial, slope)
        result = [
            total((a, None if b is None else masked(b, slope))) for a, b in zip(result, raised, strict=True)
        ]
        raised = products(None, raised, step)
        binomial = binomial * (n - j) / (j + 1)
    return result

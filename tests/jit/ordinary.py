"""Ordinary Python programs, with exact derivatives from other sources than the one under test.

Each is a function of a first argument that is differentiated, and maybe others. Where comparisons are by real parts a
program also takes a complex step (Squire and Trapp 1998), which has the rounding errors of the value alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["PROGRAMS", "Program", "adaptive", "newton"]

EPS = float(np.finfo(np.float64).eps)
H = 1e-20


class Program(NamedTuple):
    """A program, arguments that lead through it on ways of their own, and its derivatives.

    `gradient` and `second` are those by the first argument, exact but for `rtol`. `ways` counts different answers to
    what Python asks; `ulps` is how far another order of the same additions may lead.
    """

    fun: Callable[..., Any]
    argss: tuple[tuple[Any, ...], ...]
    gradient: Callable[..., Any]
    second: Callable[..., Any] | None
    rtol: float
    ways: int
    ulps: float = 4


# Newton's iteration and bisection: x³ + x = a, dx/da = 1/(3x² + 1), d²x/da² = -6x (dx/da)³ ----------------------------


def newton(a):
    x = a / 2
    while True:
        step = (x * x * x + x - a) / (3 * x * x + 1)
        x = x - step
        if abs(step) <= 1e-9 * (1 + abs(x)):
            return x


def bisection(a):
    low, high = 0.0, 1.0
    while high * high * high + high < a:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = 0.5 * (low + high)
        if middle * middle * middle + middle < a:
            low = middle
        else:
            high = middle
    return high - (high * high * high + high - a) / (
        3 * high * high + 1
    )  # a step of Newton's: the only slope


def exact_root(a):
    u = np.arcsinh(1.5 * math.sqrt(3) * a) / 3  # 4 sinh³ u + 3 sinh u = sinh 3u
    return 2 / math.sqrt(3) * np.sinh(u)


def root_slope(a):
    return 1 / (3 * exact_root(a) ** 2 + 1)


def root_curvature(a):
    return -6 * exact_root(a) * root_slope(a) ** 3


# Recursion on a structure -------------------------------------------------------------------------------------


def evaluate(tree):
    """A tuple is a product, a list a sum, a dict a sum of sines; a product that turns negative ends at once."""
    if isinstance(tree, dict):
        return sum(np.sin(evaluate(branch)) for branch in tree.values())
    if isinstance(tree, list):
        return sum(map(evaluate, tree))
    if isinstance(tree, tuple):
        product = 1.0
        for branch in tree:
            product = product * evaluate(branch)
            if np.real(product) < 0:
                return product
        return product
    return tree


TREES = [
    ([0.5, (1.5, {"a": 0.25, "b": (2.0, 0.75)})],),
    ([0.5, (-1.5, {"a": 0.25, "b": (2.0, 0.75)})],),
    ([0.5, (1.5, {"a": 0.25, "b": (-2.0, 0.75)})],),
    (((0.5, 2.0), [1.0, (3.0, -1.0, 5.0), {"c": [0.5]}]),),
]


def _moved(tree, place, count):
    if isinstance(tree, dict):
        return {key: _moved(tree[key], place, count) for key in sorted(tree)}
    if isinstance(tree, list | tuple):
        return type(tree)(_moved(branch, place, count) for branch in tree)
    count[0] += 1
    return tree + 1j * H if count[0] == place else tree + 0j


def tree_gradient(tree):
    """The derivatives by all leaves, in order."""
    count = [0]
    _moved(tree, 0, count)
    return [evaluate(_moved(tree, k, [0])).imag / H for k in range(1, count[0] + 1)]


# Euclid -------------------------------------------------------------------------------------


def euclid(a, b):
    """The greatest common measure of two lengths."""
    while b > 1e-9:
        a, b = b, a - np.floor(a / b) * b
    return a


def bezout(a, b):
    """The integer s of gcd = s a + t b, for multiples of 1/8."""
    (r, s), (next_r, next_s) = (round(8 * a), 1), (round(8 * b), 0)
    while next_r:
        q = r // next_r
        (r, s), (next_r, next_s) = (next_r, next_s), (r - q * next_r, s - q * next_s)
    return float(s)


# Runge and Kutta -------------------------------------------------------------------------------------


def adaptive(k, y=1.0, end=1.0, tolerance=1e-2, rejected=None):
    """y' = -k (y - cos t) by Bogacki and Shampine's pair of orders 3 and 2; too large steps are done again."""
    slope = lambda t, y: -k * (y - np.cos(t))
    t, h, first = 0.0, 0.5, slope(0.0, y)
    while np.real(t) < end:
        if np.real(t + h) > end:
            h = end - t
        second = slope(t + 0.5 * h, y + 0.5 * h * first)
        third = slope(t + 0.75 * h, y + 0.75 * h * second)
        new = y + h * (2 * first + 3 * second + 4 * third) / 9
        fourth = slope(t + h, new)
        error = h * (-5 * first / 72 + second / 12 + third / 9 - fourth / 8) / tolerance
        square = error * error + 1e-12
        if np.real(square) <= 1:
            t, y, first = t + h, new, fourth
        elif rejected is not None:
            rejected.append(t)
        h = h * 0.9 * square ** (-1 / 6)
    return y


def complex_step(fun):
    return lambda x, *rest: np.imag(fun(x + 1j * H, *rest)) / H


# The rest -------------------------------------------------------------------------------------


def log_volume(x):
    """Half the logarithm of the determinant of [[x0, x1], [x1, x2]], or a penalty where that is not definite."""
    try:
        factor = np.linalg.cholesky(np.stack([x[:2], x[1:]]))
    except np.linalg.LinAlgError:
        return 10.0 + np.sum(x * x)
    return np.sum(np.log(np.diagonal(factor)))


def log_volume_gradient(x):
    det = x[0] * x[2] - x[1] ** 2
    if x[0] <= 0 or det <= 0:
        return 2 * x
    return np.array([x[2], -2 * x[1], x[0]]) / (2 * det)


def huber(x):
    near = np.abs(x) < 1
    return 0.5 * np.sum(x[near] ** 2) + np.sum(np.abs(x[~near]) - 0.5)


def product_of_nonzeros(x):
    return np.prod(x[np.nonzero(x)])


def product_of_nonzeros_gradient(x):
    return np.array([np.prod(np.delete(x, i)[np.delete(x, i) != 0]) if x[i] else 0.0 for i in range(len(x))])


def product_of_nonzeros_second(x):
    rows = [
        [
            np.prod(np.delete(x, [i, j])[np.delete(x, [i, j]) != 0]) if i != j and x[i] and x[j] else 0.0
            for j in range(len(x))
        ]
        for i in range(len(x))
    ]
    return np.array(rows)


def unique_cubes(x):
    values, counts = np.unique(x, return_counts=True)
    return np.sum(values**3 * counts) + len(values)


def repeats(x):
    """How often an entry occurs; nothing but for its first occurrence, of which `np.unique` is a copy."""
    first = np.unique(x, return_index=True)[1]
    return np.array([np.sum(x == v) if i in first else 0.0 for i, v in enumerate(x)])


def first_large(x):
    """The partial sum of x³ that is the first above 2."""
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] ** 3
        if total > 2:
            return total * (i + 1)
    return -total


def first_large_power(x, order):
    sums = np.cumsum(x**3)
    n = int(np.argmax(sums > 2)) + 1 if np.any(sums > 2) else -1
    slope = 3 * x**2 if order == 1 else 6 * x
    return np.where(np.arange(len(x)) < n, n * slope, 0.0) if n > 0 else -slope


def lengths(x):
    """What Python asks of sequences."""
    total, middle = 0.0, len(x) // 2
    for i, (a, b) in enumerate(zip(x, reversed(x), strict=True)):
        total = total + a * b * (i + 1)
    if max(x) > 1 and all(v > -1 for v in x) and not any(v == 0 for v in x):
        return total / x.size + sorted(x)[middle] * x.shape[0]
    return total + min(x) ** 2


def _is_plain(x):
    return x.max() > 1 and (x > -1).all() and not (x == 0).any()


def lengths_gradient(x):
    n, unit = len(x), np.eye(len(x))
    slope = (n + 1) * x[::-1]  # entry i has the weights i + 1 and n - i
    return (
        slope / n + unit[np.argsort(x)[n // 2]] * n
        if _is_plain(x)
        else slope + 2 * unit[np.argmin(x)] * x.min()
    )


def lengths_second(x):
    n, unit = len(x), np.eye(len(x))
    crossed = (n + 1) * unit[::-1]
    return crossed / n if _is_plain(x) else crossed + 2 * np.diag(unit[np.argmin(x)])


def talkative(x):
    y = np.sin(x) * x
    if y > 0.5:
        print("large", y)  # noqa: T201
    return y * y


def _arrays(*rows):
    return tuple((np.array(row),) for row in rows)


PROGRAMS = {
    # The last step is below 1e-9, so that the error of the slope is far below a rounding error; ten steps round.
    "newton": Program(newton, ((10.0,), (0.5,), (1e4,), (-3.0,)), root_slope, root_curvature, 64 * EPS, 3),
    # The point of the slope is wrong by 1e-12 of itself, and the slope goes with -2 of its power.
    "bisection": Program(bisection, ((10.0,), (0.5,), (70.0,)), root_slope, lambda a: 0.0, 2e-12 + 64 * EPS, 3),
    "tree": Program(evaluate, tuple(TREES), tree_gradient, None, 16 * EPS, 4),
    # Quotients and remainders of multiples of 1/8 are exact.
    "euclid": Program(
        euclid, ((12.0, 4.5), (4.5, 12.0), (21.0, 13.0), (6.0, 2.0)), bezout, lambda a, b: 0.0, 0.0, 4
    ),
    # Ten steps, each of a length that a difference of slopes of size 20 decides, in units of 0.01.
    "adaptive": Program(adaptive, ((3.0,), (20.0,), (0.5, 3.0)), complex_step(adaptive), None, 2e4 * EPS, 3, 100),
    "try": Program(
        log_volume,
        _arrays([2.0, 0.5, 1.0], [1.0, 2.0, 1.0], [-1.0, 0.0, 1.0], [3.0, -1.0, 4.0]),
        log_volume_gradient, None, 32 * EPS, 1,
    ),
    "mask": Program(
        huber,
        _arrays([0.5, -2.0, 0.25], [0.1, 0.2, 0.3], [5.0, -4.0, 3.0], [-2.0, 0.5, 0.25]),
        lambda x: np.clip(x, -1, 1), lambda x: np.diag((np.abs(x) < 1) * 1.0), 4 * EPS, 3,
    ),
    "nonzero": Program(
        product_of_nonzeros,
        _arrays([2.0, 0.0, 3.0, 0.5], [2.0, 1.5, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]),
        product_of_nonzeros_gradient, product_of_nonzeros_second, 8 * EPS, 2,
    ),
    "unique": Program(
        unique_cubes,
        _arrays([3.0, -1.0, 2.0], [0.5, 2.5, 1.5], [1.0, 0.25, -4.0], [2.0, 0.5, 2.0]),
        lambda x: 3 * x**2 * repeats(x), lambda x: np.diag(6 * x * repeats(x)), 8 * EPS, 2,
    ),
    "early return": Program(
        first_large,
        _arrays([1.0, 1.5, 0.5], [0.5, 0.25, 1.0], [2.0, -1.0, 3.0], [1.0, 0.5, 1.5]),
        lambda x: first_large_power(x, 1), lambda x: np.diag(first_large_power(x, 2)), 8 * EPS, 4,
    ),
    "lengths": Program(
        lengths,
        _arrays([0.5, 1.5, 0.25], [0.5, -1.5, 0.25], [0.0, 1.0, 3.0], [3.0, 2.0, -0.5]),
        lengths_gradient, lengths_second, 16 * EPS, 4,
    ),
    "print": Program(
        talkative, ((0.5,), (1.0,), (2.0,), (-0.25,)),
        lambda x: 2 * x * np.sin(x) * (np.sin(x) + x * np.cos(x)), None, 16 * EPS, 3,
    ),
}  # fmt: skip

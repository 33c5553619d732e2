"""Programs that call: Python's own functions, `math`, other Python functions, methods, closures."""

import bisect
import colorsys
import functools
import math
import statistics
from typing import NamedTuple

import numpy as np
import scipy.optimize

V = np.array([0.7, -1.3, 0.4, 2.1, -0.2])
LONG = np.sin(np.arange(40.0)) + 0.1
TABLE = [1.0, 4.0, 9.0, 16.0]


def mathematics(x):
    a = math.sin(x) + math.atan2(x, 2) + math.log(x, 3) + math.hypot(x, 1, 2) + math.pow(x, 2.5)
    b = math.erf(x) * math.lgamma(x + 2) + math.fabs(-x) + math.copysign(x, -1) + math.degrees(x)
    return a * b + math.floor(x) + math.ceil(x) + math.fmod(x, 0.3) + math.pi


def sums(x):
    return math.fsum(x) + math.prod(x) + math.dist(x, [0.0] * len(x)) + sum(x) + sum([v * v for v in x], 1)


def extremes(x, y):
    return (
        max(x, y) * 3
        + min(x, y, 1.0)
        + max([x, 2.0])
        + min(5, 2)
        + max((x, -x), key=abs)
        + max([], default=1)
    )


def extremes_of_arrays(x):
    return max(x) * min(x) + abs(x[1])


def numbers(x):
    return (
        float(x) * int(3.7) + int(x) + round(x) + round(x, 1) * x + bool(x) + float("2.5") + divmod(x, 2)[1]
    )


def kinds(x):
    if isinstance(x, float) and not isinstance(x, int):
        return x * 2
    return x


def any_and_all(x):
    if all(x > -5) and any(x > 2) and any(v > 2 for v in x):
        return sum(x)
    return x[0]


def comprehensions(x):
    return sum([v * v if v > 0 else -v for v in x]) + sum(x[i] * i for i in range(len(x)))


def helper(x, scale=2.0, *, power=2):
    y = x
    for _ in range(20):
        y = y * scale / (1 + abs(y) ** power)
    return y


def calls(x):
    return helper(x) + helper(x, power=1) + helper(x, 0.5)


def factorial(x, n):
    return x if n <= 1 else n * factorial(x, n - 1)


def fibonacci(x, n):
    return x if n < 2 else fibonacci(x, n - 1) + fibonacci(x, n - 2)


def depth_by_value(x):
    if x < 1:
        return x
    return 1.5 * depth_by_value(x / 2)


def local_recursion(x):
    def tree(depth, y):
        if depth == 0:
            return math.sin(y)
        return tree(depth - 1, 0.5 * y) + tree(depth - 1, y * y)

    return tree(3, x)


def closures(x):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * x

    for k in range(20):
        add(k)
    return total


def passed(x):
    apply = lambda f, y: f(f(y))
    return apply(lambda y: y * y if y > x else y + x, x)


def partials(x):
    f = functools.partial(helper, scale=0.7)
    return f(x)


def twice(fun):
    @functools.wraps(fun)
    def inner(*args):
        return fun(*args) + fun(*args)

    return inner


@twice
def decorated(x):
    y = 1.0
    while y < x:
        y = y * 1.5
    return y * x


class Spring:
    def __init__(self, stiffness):
        self.stiffness = stiffness
        self.__offset = 0.5

    def force(self, x):
        f = x
        for _ in range(20):
            f = f - 0.1 * self.stiffness * f + 0.01 * self.__offset
        return f

    def __call__(self, x):
        return self.force(x) if x > 0 else -self.force(-x)


class Damped(Spring):
    def force(self, x):
        y = super().force(x)
        if x > 1:
            y = super().force(y)
        return y


def methods(x):
    return Spring(2.0).force(x) + Damped(x)(x) + Spring(x)(-x)


class Point(NamedTuple):
    x: float
    y: float


def tuples(x):
    p = Point(x, x * x)
    for _ in range(30):
        p = Point(p.y, p.x + 0.1 * p.y)
    return p.x


def tables(x, k):
    return TABLE[k] * x + TABLE[-1]


def table_in_loop(x):
    s = 0.0
    for k in range(20):
        s = s + TABLE[k % 4] * x
    return s


def color(r, g, b):
    return colorsys.rgb_to_hsv(r, g, b)


def regression(x, y):
    return statistics.correlation(list(x), list(y))


def golden_section(x):
    return scipy.optimize.rosen_der(np.stack([x, x * x, 1.0 - x]))


def bisected(x):
    return x * bisect.bisect([1.0, 2.0, 3.0], 2.5)


PROGRAMS = {
    "math": (mathematics, (0.7,), (2.3,)),
    "sums": (sums, (V,), (LONG,)),
    "max and min": (extremes, (0.7, 2.0), (2.3, -1.0)),
    "max and min of arrays": (extremes_of_arrays, (V,), (LONG,)),
    "numbers": (numbers, (0.7,), (2.3,)),
    "isinstance": (kinds, (0.7,)),
    "any and all": (any_and_all, (V,), (V - 1,)),
    "comprehensions": (comprehensions, (V,), (LONG,)),
    "calls": (calls, (0.7,)),
    "recursion": (factorial, (0.7, 5), (0.7, 1)),
    "recursion with two calls": (fibonacci, (0.7, 9)),
    "recursion ended by values": (depth_by_value, (0.7,), (5.3,)),
    "recursion inside": (local_recursion, (0.7,)),
    "nonlocal": (closures, (0.7,)),
    "functions passed": (passed, (0.7,), (-2.0,)),
    "partial": (partials, (0.7,)),
    "decorated": (decorated, (5.5,), (0.5,)),
    "methods": (methods, (0.7,), (1.7,)),
    "named tuples": (tuples, (0.7,)),
    "tables": (tables, (0.7, 2), (0.7, 0)),
    "tables in loops": (table_in_loop, (0.7,)),
    "standard library": (color, (0.3, 0.7, 0.2), (0.5, 0.1, 0.8)),
    "scipy": (golden_section, (0.7,)),
    "no source needed": (bisected, (0.7,)),
}

STEPPED = frozenset[str]()

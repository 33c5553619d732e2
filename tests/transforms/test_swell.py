"""Expressions whose symbolic derivatives swell: graphs of values and derivatives are linear in their length."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert.transforms.simplify import simplify

EPS = float(np.finfo(float).eps)


def nested_products(n):
    def fun(x):
        y = 1.0
        for k in range(1, n + 1):
            y = y * (x - k / n)
        return y

    return fun


def powers(n):
    def fun(x):
        y = x + 1.0
        for _ in range(n - 1):
            y = y * (x + 1.0)
        return y

    return fun


def logistic(n):
    def fun(x):
        for _ in range(n - 1):
            x = 4.0 * x * (1.0 - x)
        return x

    return fun


def nested_sines(n):
    def fun(x):
        y = x
        for _ in range(n):
            y = np.sin(y) * y + x
        return y

    return fun


PROGRAMS = {f.__name__: f for f in (nested_products, powers, logistic, nested_sines)}
FORMS = {
    "value": lambda f: f,
    "gradient": wg.grad,
    "tangent": lambda f: lambda x: wg.jvp(f, (x,), (np.float64(1.0),))[1],
    "reverse of reverse": lambda f: wg.grad(wg.grad(f)),
    "forward of reverse": lambda f: lambda x: wg.jvp(wg.grad(f), (x,), (np.float64(1.0),))[1],
    "reverse of forward": lambda f: wg.grad(lambda x: wg.jvp(f, (x,), (np.float64(1.0),))[1]),
}
# Operations of each step at most, when simplified. Of a power: y (x + 1); the cotangent of y times x + 1, that times y,
# and the sum of the latter; the tangent of y times x + 1, and that plus y. Second derivatives do the same for each.
MOST = {
    "nested_products": {"value": 2, "gradient": 5, "tangent": 4, "second": 11},
    "powers": {"value": 1, "gradient": 4, "tangent": 3, "second": 10},
    "logistic": {"value": 3, "gradient": 8, "tangent": 8, "second": 22},
    "nested_sines": {"value": 3, "gradient": 9, "tangent": 9, "second": 27},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("simplified", [False, True])
def test_graphs_grow_by_the_same_for_every_step(name, form, simplified):
    def size(n, transform):
        graph = wg.trace(transform(PROGRAMS[name](n)))(0.3)
        return len((simplify(graph) if simplified else graph).nodes)

    first, second = np.diff([size(n, FORMS[form]) for n in (8, 16, 24)])
    assert first == second > 0
    if simplified:
        assert first <= 8 * MOST[name].get(form, MOST[name]["second"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled_gradients_are_linear_too(name):
    sizes = [len(wg.jit(wg.grad(PROGRAMS[name](n))).graph(0.3).nodes) for n in (10, 20, 40)]
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])


# Values: products of n factors, each with a rounding error or two -----------------------------------------------


@pytest.mark.parametrize("x", [0.3, -1.7, 2.0])
def test_powers(x):
    n, fun = 40, powers(40)
    exact = [float(math.perm(n, k) * (Fraction(x) + 1) ** (n - k)) for k in range(3)]
    for found, expected in zip((fun(x), wg.grad(fun)(x), wg.grad(wg.grad(fun))(x)), exact, strict=True):
        assert abs(found - expected) <= 4 * n * EPS * abs(expected)
    compiled = wg.jit(wg.grad(wg.grad(fun)))
    assert abs(compiled(x) - exact[2]) <= 4 * n * EPS * abs(exact[2])


@pytest.mark.parametrize("x", [0.31, 1.7])
def test_nested_products(x):
    """f' = sum of all products of n - 1 factors: errors are relative to the sum of magnitudes."""
    n, fun = 12, nested_products(12)
    factors = [Fraction(x) - Fraction(k / n) for k in range(1, n + 1)]
    leaving = lambda *out: math.prod(f for i, f in enumerate(factors) if i not in out)
    first = [leaving(i) for i in range(n)]
    second = [leaving(i, j) for i in range(n) for j in range(n) if i != j]
    for found, terms in ((wg.grad(fun)(x), first), (wg.grad(wg.grad(fun))(x), second)):
        assert abs(found - float(sum(terms))) <= 4 * n * EPS * float(sum(map(abs, terms)))


def test_the_logistic_map():
    """l_n = sin² θ 2^(n-1) for x = sin² θ: by n = 10 an error of x has grown by at most 4^9."""
    n, x = 10, 0.3
    with mpmath.workdps(60):
        exact = lambda t: mpmath.sin(2 ** (n - 1) * mpmath.asin(mpmath.sqrt(t))) ** 2
        orders = [mpmath.diff(exact, mpmath.mpf(x), k) for k in range(3)]
    fun = logistic(n)
    for k, found in enumerate((fun(x), wg.grad(fun)(x), wg.grad(wg.grad(fun))(x))):
        # rounding n times, each error growing as the next derivative does: 4^(n-1) per order
        assert abs(found - float(orders[k])) <= 4 * n * EPS * 4.0 ** ((n - 1) * (k + 1))


def test_l_40():
    """The derivative of the rounded iterates: a product of 39 factors, and for the second the sum of 39 of them."""
    n, x = 40, 0.3
    iterates = [x]
    for _ in range(n - 1):
        iterates.append(4.0 * iterates[-1] * (1.0 - iterates[-1]))
    with mpmath.workdps(40):
        slope, bend, size = mpmath.mpf(1), mpmath.mpf(0), mpmath.mpf(0)
        for v in map(mpmath.mpf, iterates[:-1]):
            factor = 4 - 8 * v
            bend, size = factor * bend - 8 * slope**2, abs(factor) * size + 8 * slope**2
            slope = factor * slope
    fun = logistic(n)
    for f in (fun, wg.jit(fun)):
        assert f(x) == iterates[-1]
        # 4 - 8v is found as 4 (1 - v) - 4 v, whose error is relative to its parts: at the worst of all factors
        worst = max(1.0, *(1.0 / abs(1.0 - 2.0 * v) for v in iterates[:-1]))
        assert abs(wg.grad(f)(x) - float(slope)) <= 4 * n * EPS * worst * abs(float(slope))
        assert abs(wg.grad(wg.grad(f))(x) - float(bend)) <= 16 * n * EPS * worst * float(size)

"""Loops under a condition in loops and branches: numbers of steps that differ, to third order."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg

# Both run the same operations; cotangents are added in another order: a few dozen roundings of terms below 1e5.
TOLERANCE = 1e-11

X = np.array([1.0, 3.0, 2.0, 0.0, 4.0])


def grown(c, bound):
    """Return c after a number of steps that depends on the bound."""
    return wg.while_loop(
        lambda s: s[1] < bound, lambda s: (np.sin(s[0]) * bound * 0.3 + s[0], s[1] + 1.0), (c, 0.0)
    )[0]


def plainly_grown(c, bound):
    n = 0.0
    while n < bound:
        c, n = np.sin(c) * bound * 0.3 + c, n + 1.0
    return c


def in_scan(c):
    c, ys = wg.scan(lambda c, x: (grown(c, x), c * c), c, X)
    return c + np.sum(ys)


def plainly_in_scan(c):
    total = 0.0
    for x in X:
        total, c = total + c * c, plainly_grown(c, x)
    return c + total


def in_scan_of_arrays(a):
    def step(v, x):
        w = wg.while_loop(lambda s: s[1] < x, lambda s: (np.sin(s[0]) * a + s[0], s[1] + 1.0), (v, 0.0))[0]
        return w, v * v

    return np.sum(wg.scan(step, np.ones(3) * a, X)[1])


def plainly_in_scan_of_arrays(a):
    v, total = np.ones(3) * a, 0.0
    for x in X:
        total = total + np.sum(v * v)
        for _ in range(int(x)):
            v = np.sin(v) * a + v
    return total


def in_fori_loops(c):
    def innermost(k, c):
        return np.sin(c) * k * 0.3 + c

    def inner(i, c):
        return wg.fori_loop(0, i, lambda j, c: wg.fori_loop(0, j + i, innermost, c), c)

    return wg.fori_loop(0, 4, inner, c)


def plainly_in_fori_loops(c):
    for i in range(4):
        for j in range(i):
            for k in range(j + i):
                c = np.sin(c) * k * 0.3 + c
    return c


def in_cond(c):
    return wg.cond(c > 0, lambda c: grown(c, c + 2), lambda c: c * c, c)


def plainly_in_cond(c):
    return plainly_grown(c, c + 2) if c > 0 else c * c


def in_while_loop(c):
    return wg.while_loop(lambda s: s[1] < 4.0, lambda s: (grown(s[0], s[1]), s[1] + 1.0), (c, 0.0))[0]


def plainly_in_while_loop(c):
    for k in range(4):
        c = plainly_grown(c, float(k))
    return c


PROGRAMS = {
    "scan": (in_scan, plainly_in_scan),
    "scan of arrays": (in_scan_of_arrays, plainly_in_scan_of_arrays),
    "fori_loop": (in_fori_loops, plainly_in_fori_loops),
    "cond": (in_cond, plainly_in_cond),
    "while_loop": (in_while_loop, plainly_in_while_loop),
}
FORMS = {
    "value": (lambda f: f, 0),
    "grad": (wg.grad, 1),
    "jit grad": (lambda f: wg.jit(wg.grad(f)), 1),
    "grad jit": (lambda f: wg.grad(wg.jit(f)), 1),
    "forward": (wg.jacfwd, 1),
    "hessian": (wg.hessian, 2),
    "forward twice": (lambda f: wg.jacfwd(wg.jacfwd(f)), 2),
    "reverse of forward": (lambda f: wg.jacrev(wg.jacfwd(f)), 2),
    "reverse twice": (lambda f: wg.grad(wg.grad(f)), 2),
    "hessian jit": (lambda f: wg.hessian(wg.jit(f)), 2),
    "reverse thrice": (lambda f: wg.grad(wg.grad(wg.grad(f))), 3),
    "forward of reverse of reverse": (lambda f: wg.jacfwd(wg.grad(wg.grad(f))), 3),
    "reverse of forward of reverse": (lambda f: wg.grad(wg.jacfwd(wg.grad(f))), 3),
    "checkpoint": (lambda f: wg.grad(wg.checkpoint(f)), 1),
    "batch of gradients": (lambda f: lambda c: wg.vmap(wg.grad(f))(np.array([c, c + 0.1]))[0], 1),
    "gradient of a batch": (lambda f: wg.grad(lambda c: wg.vmap(f)(np.stack([c, c + 0.1]))[0]), 1),
    "batch of hessians": (lambda f: lambda c: wg.vmap(wg.hessian(f))(np.array([c, c + 0.1]))[0], 2),
    "hessian of a batch": (lambda f: wg.hessian(lambda c: wg.vmap(f)(np.stack([c - 0.1, c]))[1]), 2),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_numbers_of_steps_may_differ_from_step_to_step(name, form):
    fun, plain = PROGRAMS[name]
    transformed, order = FORMS[form]
    for _ in range(order):
        plain = wg.grad(plain)
    np.testing.assert_allclose(transformed(fun)(0.7), plain(0.7), rtol=TOLERANCE)


def newton(a, x):
    return wg.while_loop(lambda y: np.abs(y * y - a) > 1e-9, lambda y: 0.5 * (y + a / y), x)


def test_batches_of_batches_stop_example_by_example():
    a, x = np.array([0.3, 2.0, 400.0]), np.array([1.0, 30.0])
    expected = np.array([[newton(p, q) for q in x] for p in a])
    both = wg.vmap(lambda p: wg.vmap(lambda q: newton(p, q))(x))
    np.testing.assert_array_equal(both(a), expected)
    swapped = wg.vmap(lambda q: wg.vmap(lambda p: newton(p, q))(a))
    np.testing.assert_array_equal(swapped(x), expected.T)
    slopes = np.array([[wg.grad(newton)(p, q) for q in x] for p in a])
    nested = wg.vmap(lambda p: wg.vmap(lambda q: wg.grad(newton)(p, q))(x))
    np.testing.assert_allclose(nested(a), slopes, rtol=TOLERANCE)
    np.testing.assert_allclose(wg.grad(lambda a: np.sum(both(a)))(a), slopes.sum(axis=1), rtol=TOLERANCE)
    np.testing.assert_allclose(
        wg.jacrev(lambda a: wg.vmap(lambda p: newton(p, 1.0))(a))(a), np.diag(slopes[:, 0]), rtol=TOLERANCE
    )


def test_examples_that_are_done_do_not_warn_nor_spoil():
    def halved(x):  # a step from 0 would divide by it
        return wg.while_loop(lambda s: s[0] > 0, lambda s: (s[0] - 1.0, s[1] + 1.0 / s[0]), (x, 0.0 * x))[1]

    x = np.array([0.0, 1.0, 4.0])
    np.testing.assert_allclose(wg.vmap(halved)(x), [0.0, 1.0, 25 / 12])
    slopes = [wg.grad(halved)(v) for v in x]
    np.testing.assert_allclose(wg.vmap(wg.grad(halved))(x), slopes)
    np.testing.assert_allclose(wg.grad(lambda x: np.sum(wg.vmap(halved)(x)))(x), slopes)
    bends = [wg.hessian(halved)(v) for v in x]
    np.testing.assert_allclose(wg.vmap(wg.hessian(halved))(x), bends)


def test_what_all_steps_compute_alike_is_computed_once():
    def fun(a, x):
        return wg.while_loop(lambda x: np.sum(x) < np.exp(a), lambda x: x * np.cosh(a) + 1.0, x)

    graph = wg.trace(fun)(1.2, np.ones(3))
    assert sorted(node.prim.name for node in graph.nodes) == ["cosh", "exp", "while"]
    (loop,) = [node.params["loop"] for node in graph.nodes if node.prim.name == "while"]
    names = {node.prim.name for node in (*loop.body.nodes, *loop.condition.nodes)}
    assert names == {"sum", "less", "multiply", "add"}
    np.testing.assert_array_equal(graph(1.2, np.ones(3)), fun(1.2, np.ones(3)))


def test_what_is_hoisted_is_differentiated():
    def fun(a, x):
        return np.sum(wg.while_loop(lambda x: np.sum(x) < np.exp(a), lambda x: x * np.cosh(a) + a * a, x))

    def plain(a, x):
        while np.sum(x) < np.exp(a):
            x = x * np.cosh(a) + a * a
        return np.sum(x)

    for form in (wg.grad, wg.hessian, lambda f: wg.grad(wg.grad(f)), lambda f: wg.jit(wg.grad(f))):
        np.testing.assert_allclose(form(fun)(1.2, np.ones(3)), form(plain)(1.2, np.ones(3)), rtol=TOLERANCE)


def test_no_step_raises_what_a_step_would_raise():
    def fun(a):
        return wg.while_loop(lambda x: np.sum(x) < 0.0, lambda x: np.linalg.solve(a, x), np.ones(2))

    np.testing.assert_array_equal(fun(np.zeros((2, 2))), np.ones(2))

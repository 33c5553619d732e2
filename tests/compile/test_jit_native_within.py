"""`jit` with machine code inside of transformations, and around them; loops, branches and threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import wengert as wg
from tests.jit.agreement import assert_close, outcome
from wengert.jit import jit

pytestmark = pytest.mark.usefixtures("machine_code")

X = np.array([0.3, -1.1, 0.7, 1.9, -0.2])


# Transformations --------------------------------------------------------------------------------------------------


def smooth(x):
    y = np.sin(x) * x[::-1]
    z = np.zeros_like(x)
    z[1:] = y[:-1] * np.exp(-x[1:])
    return np.sum(z * z) + wg.scan(lambda c, r: (c * 0.5 + np.cos(r), None), 0.1, x)[0]


V = np.array([1.0, -0.5, 0.25, 2.0, -1.5])
TRANSFORMED = {
    "grad of jit": lambda f, j: (wg.grad(f), wg.grad(j)),
    "jit of grad": lambda f, j: (wg.grad(f), jit(wg.grad(f))),
    "jit of value and grad": lambda f, j: (wg.value_and_grad(f), jit(wg.value_and_grad(f))),
    "jit of grad of jit": lambda f, j: (wg.grad(f), jit(wg.grad(j))),
    "hessian of jit": lambda f, j: (wg.hessian(f), wg.hessian(j)),
    "jit of hessian": lambda f, j: (wg.hessian(f), jit(wg.hessian(f))),
    "jit of jacfwd of jacrev": lambda f, j: (wg.hessian(f), jit(wg.jacfwd(wg.jacrev(f)))),
    "jit of jvp": lambda f, j: (lambda x: wg.jvp(f, (x,), (V,)), jit(lambda x: wg.jvp(f, (x,), (V,)))),
    "jvp of jit": lambda f, j: (lambda x: wg.jvp(f, (x,), (V,)), lambda x: wg.jvp(j, (x,), (V,))),
    "jit in jit": lambda f, j: (lambda x: f(x) * f(2 * x), jit(lambda x: j(x) * j(2 * x))),
    "linearize": lambda f, j: (lambda x: wg.linearize(f, x)[1](V), lambda x: wg.linearize(j, x)[1](V)),
    "hessian times vector": lambda f, j: (
        lambda x: wg.jvp(wg.grad(f), (x,), (V,))[1], jit(lambda x: wg.jvp(wg.grad(f), (x,), (V,))[1]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMED)
def test_transformations(name):
    eager, staged = TRANSFORMED[name](smooth, jit(smooth))
    for x in (X, -X, X * 2, X):
        assert_close(outcome(staged, x), outcome(eager, x), 32)


@pytest.mark.parametrize("name", ["vmap of jit", "jit of vmap", "jit of vmap of grad", "vmap of grad of jit"])
def test_batches(name):
    f, j = smooth, jit(smooth)
    eager, staged = {
        "vmap of jit": (wg.vmap(f), wg.vmap(j)),
        "jit of vmap": (wg.vmap(f), jit(wg.vmap(f))),
        "jit of vmap of grad": (wg.vmap(wg.grad(f)), jit(wg.vmap(wg.grad(f)))),
        "vmap of grad of jit": (wg.vmap(wg.grad(f)), wg.vmap(wg.grad(j))),
    }[name]
    xs = np.stack([X, -X, X * 2])
    for _ in range(4):
        assert_close(outcome(staged, xs), outcome(eager, xs), 32)


def test_an_input_that_is_the_result():
    gradient = wg.grad(jit(lambda a, b: b))
    assert [gradient(6.0, 2.0) for _ in range(4)] == [0.0] * 4


def test_recursion():
    @jit
    def fun(x, depth):
        return x if depth == 0 else np.sin(fun(x * 0.5, depth - 1)) + x

    def plain(x, depth):
        return x if depth == 0 else np.sin(plain(x * 0.5, depth - 1)) + x

    for depth in (0, 1, 4, 2):
        for _ in range(2):
            assert_close(outcome(fun, X, depth), outcome(plain, X, depth))


# Loops ------------------------------------------------------------------------------------------------------------


def _swap(n, a, b):
    return wg.fori_loop(0, n, lambda i, c: (c[1], c[0] + i), (a, b))


def _filled(n, x):
    def step(i, carry):
        c, x = carry
        c = c.copy()
        c[i] = c[i - 1] * 0.5 + x[i]
        return c, x

    return wg.fori_loop(1, n, step, (x * 0.0, x))[0]


LOOPS = {
    "a number of steps": (_swap, (0, 1.0, 2.0), (1, 1.0, 2.0), (5, 1.0, 2.0), (-3, 1.0, 2.0)),
    "arrays that swap": (_swap, (0, X, -X), (1, X, -X), (4, X, -X)),
    "an array that is filled": (_filled, (1, X), (3, X), (5, X), (0, X)),
    "a slope of what is filled": (
        lambda x: wg.grad(lambda x: np.sum(_filled(5, x) ** 2))(x), (X,), (2 * X,),
    ),
    "while": (
        lambda x: wg.while_loop(lambda c: c[0] > 1, lambda c: (c[0] * 0.5, c[1] + 1, c[2][::-1] * 2), (x, 0, X)),
        (0.5,), (1.0,), (100.0,), (float("nan"),),
    ),
    "a slope of while": (
        wg.grad(lambda x: wg.while_loop(lambda c: c[0] < 10, lambda c: (c[0] * x, c[1] + c[0]), (x, x))[1]),
        (1.5,), (20.0,), (1.01,),
    ),
    "no steps": (lambda x: wg.scan(lambda c, r: (c + r, c * r), 1.5, x), (np.zeros(0),), (np.zeros((0,)),)),
    "one step": (lambda x: wg.scan(lambda c, r: (c + r, c * r), 1.5, x), (np.ones(1),)),
    "backwards": (lambda x: wg.scan(lambda c, r: (c - r, (c, r)), 1.5, x, reverse=True), (X,)),
    "a branch": (lambda x: wg.cond(x.sum() > 0, lambda a: (a, a), lambda a: (a[::-1], X), x), (X,), (-X,)),
    "a switch": (
        lambda i, x: wg.switch(i, [lambda a: a, lambda a: a * 2, lambda a: a[::-1]], x),
        (0, X), (1, X), (2, X), (7, X), (-1, X),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_loops(name):
    fun, *argss = LOOPS[name]
    compiled = jit(fun)
    for args in argss * 2:
        assert_close(outcome(compiled, *args), outcome(fun, *args), 16)


# Threads ----------------------------------------------------------------------------------------------------------


def test_threads():
    def fun(x, n):
        for _ in range(n):
            x = np.cumsum(x[::-1]) * 0.5 + x @ np.ones((x.size, x.size))
        return x, x.sum()

    compiled, wrong = jit(fun), []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(60):
            x, n = rng.normal(size=int(rng.integers(1, 6))), int(rng.integers(4))
            try:
                assert_close(outcome(compiled, x, n), outcome(fun, x, n), 32)
            except AssertionError as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_threads_share_a_long_program():
    """It lets go of the interpreter's lock, so that calls run at the same time: each needs memory of its own."""
    compiled = jit(
        lambda x: (
            np.sin(x)[::-1] @ np.cos(x),
            np.cumsum(np.sort(x) * 2)[-1],
            (x * 2).reshape(2, -1).sum(axis=0),
        )
    )
    n, wrong = 40_000, []

    def work(k):
        x = np.full(n, float(k))
        expected = (np.sin(x)[::-1] @ np.cos(x), np.cumsum(x * 2)[-1], np.full(n // 2, 4.0 * k))
        for _ in range(20):
            wrong.extend(
                k
                for y, e in zip(compiled(x), expected, strict=True)
                if not np.allclose(y, e, rtol=1e-12, atol=1e-12)
            )

    compiled(np.zeros(n))
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

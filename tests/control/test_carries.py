"""What loops and branches carry: nothing, integers, complex numbers, containers; to third order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import wengert as wg

X = 0.7
# A few dozen roundings of terms below 1e3.
TOLERANCE = 1e-11


@dataclass
class State:
    a: Any
    b: Any
    nothing: None = None


def third(f):
    return wg.grad(wg.grad(wg.grad(f)))


def in_a_dataclass(x):
    s = wg.fori_loop(0, 3, lambda _, s: State(s.a * x, s.b + s.a), State(x, 1.0))
    return s.a + s.b


def plainly_in_a_dataclass(x):
    a, b = x, 1.0
    for _ in range(3):
        a, b = a * x, b + a
    return a + b


def of_two_levels(x):
    def outer(y):
        def inner(w):
            def step(q):
                return q[0] * x + y * w, q[1] + 1

            return wg.fori_loop(0, 2, lambda _, s: wg.while_loop(lambda q: q[1] < 2, step, (s, 0))[0], w)

        return wg.grad(inner)(y * x)

    return wg.grad(outer)(x * 2)


def plainly_of_two_levels(x):
    def outer(y):
        def inner(w):
            s = w
            for _ in range(4):
                s = s * x + y * w
            return s

        return wg.grad(inner)(y * x)

    return wg.grad(outer)(x * 2)


PROGRAMS = {
    "a dataclass": (in_a_dataclass, plainly_in_a_dataclass),
    "nothing": (
        lambda x: np.sum(wg.scan(lambda _, v: ((), np.sin(v * x)), (), np.arange(3.0))[1]),
        lambda x: np.sum(np.sin(np.arange(3.0) * x)),
    ),
    "None": (lambda x: wg.scan(lambda _, v: (None, v * x), None, np.ones(3))[1][2], lambda x: 1.0 * x),
    "an integer": (
        lambda x: np.sum(wg.scan(lambda c, _: (c + 1, np.sin(x) * c), 0, length=4)[1]),
        lambda x: 6 * np.sin(x),
    ),
    "untouched": (
        lambda x: wg.fori_loop(0, 3, lambda _, s: (s[0], s[1] * s[0]), (x, 1.0))[1],
        lambda x: x * x * x,
    ),
    "passed on": (
        lambda x: wg.fori_loop(0, 3, lambda _, s: (s[0], s[1] * 2), (x, 1.0))[0],
        lambda x: x * 1.0,
    ),
    "closed over at two levels": (of_two_levels, plainly_of_two_levels),
    "no step of fori_loop": (lambda x: wg.fori_loop(3, 0, lambda _, y: y * x, x * x), lambda x: x * x),
    "no step of scan": (
        lambda x: wg.scan(lambda c, v: (c * v, c * x), x * x, np.zeros(0))[0],
        lambda x: x * x,
    ),
    "no step of while_loop": (
        lambda x: wg.while_loop(lambda y: y > 1e9, lambda y: y * x, x * x),
        lambda x: x * x,
    ),
    "switch": (
        lambda x: wg.jit(lambda k, x: wg.switch(k, [np.sin, np.exp, lambda x: x**4], x))(2, x),
        lambda x: x**4,
    ),
}
FORMS = {
    "grad": (wg.grad, wg.grad),
    "jit grad": (lambda f: wg.jit(wg.grad(f)), wg.grad),
    "forward": (wg.jacfwd, wg.grad),
    "hessian": (wg.hessian, wg.hessian),
    "third": (third, third),
    "vmap grad": (lambda f: lambda x: wg.vmap(wg.grad(f))(np.array([x, 0.1]))[0], wg.grad),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_carries(name, form):
    (fun, plain), (of_fun, of_plain) = PROGRAMS[name], FORMS[form]
    np.testing.assert_allclose(of_fun(fun)(X), of_plain(plain)(X), rtol=TOLERANCE, atol=TOLERANCE)


def square(w, c):
    return w * w + c


COMPLEX = {
    "fori_loop": lambda c: wg.fori_loop(0, 3, lambda _, w: square(w, c), c),
    "while_loop": lambda c: wg.while_loop(lambda s: s[1] < 3, lambda s: (square(s[0], c), s[1] + 1), (c, 0))[
        0
    ],
    "scan": lambda c: wg.scan(lambda w, _: (square(w, c), None), c, length=3)[0],
    "cond": lambda c: wg.cond(np.abs(c) > 0, lambda c: square(square(square(c, c), c), c), lambda c: c, c),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_carries(name):
    fun, z = COMPLEX[name], 0.3 + 0.4j

    def plain(c):
        return square(square(square(c, c), c), c)

    for form in (
        lambda f: wg.grad(f, holomorphic=True),
        lambda f: wg.grad(wg.grad(f, holomorphic=True), holomorphic=True),
        lambda f: wg.grad(lambda c: np.abs(f(c))),
        lambda f: wg.jit(wg.grad(lambda c: np.real(f(c)))),
        lambda f: lambda z: wg.hessian(lambda t: np.abs(f(t * (1 + 0.5j))) ** 2)(z.real),
        lambda f: lambda z: wg.vmap(wg.grad(lambda c: np.abs(f(c))))(np.array([z, 2 * z])),
    ):
        np.testing.assert_allclose(form(fun)(z), form(plain)(z), rtol=TOLERANCE)


def refused(*_):
    raise KeyError("mine")


RAISING = {
    "fori_loop": lambda x: wg.fori_loop(0, 3, refused, x),
    "while_loop": lambda x: wg.while_loop(lambda y: y < 3, refused, x),
    "scan": lambda x: wg.scan(refused, x, np.ones(2))[0],
    "cond": lambda x: wg.cond(x > 0, refused, lambda y: y, x),
}


@pytest.mark.parametrize(
    "form", [lambda f: f, wg.grad, wg.jit, lambda f: lambda x: wg.vmap(f)(np.array([x]))]
)
@pytest.mark.parametrize("name", RAISING)
def test_what_a_body_raises_is_raised_and_leaves_nothing_behind(name, form):
    with pytest.raises(KeyError, match="mine"):
        form(RAISING[name])(1.0)
    assert wg.grad(np.sin)(0.0) == 1.0


def test_a_body_may_print(capsys):
    def body(_, y):
        print("y is", y)  # noqa: T201 - what the test is about
        return y * x

    x = X
    np.testing.assert_allclose(wg.grad(lambda y: wg.fori_loop(0, 2, body, y))(X), X * X, rtol=TOLERANCE)
    assert "y is" in capsys.readouterr().out

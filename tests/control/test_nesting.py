"""Branches and loops in one another, three deep in every combination, beside the same in plain Python."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import tree

X = np.array([0.4, -0.7])
OTHER = np.array([-0.6, 0.1])
V = np.array([1.0, -0.5])
ROWS = np.array([[0.1, -0.2], [0.3, 0.2]])
EPS = float(np.finfo(float).eps)
# Values are rounded alike by NumPy; functions of machine code are within 4 ulp, at most 27 times one after another. A
# derivative is a sum over the at most 27 ways through the innermost body, each of a product of a dozen factors, in
# another order: 4 units in the last place for each way.
SLOPES = 4 * 27
VALUES = {"by NumPy": 4, "as machine code": 4 * 27}


def innermost(c, a):
    return np.tanh(c * a) + 0.5 * c


class InGraph:
    """Control flow as operations."""

    @staticmethod
    def cond(body, c, a):
        return wg.cond(np.sum(c) > 0, lambda c: body(c, a) * 0.9, lambda c: body(-c, a), c)

    @staticmethod
    def scan(body, c, a):
        c, sums = wg.scan(lambda c, row: ((new := body(c + row, a)), np.sum(new)), c, ROWS)
        return c * 0.5 + sums

    @staticmethod
    def fori_loop(body, c, a):
        return wg.fori_loop(1, 3, lambda k, c: body(c * k, a) - 0.1, c)

    @staticmethod
    def while_loop(body, c, a):
        def step(state):
            c, n = state
            return body(c, a) + 0.2, n + 1

        return wg.while_loop(lambda state: (state[1] < 3) & (np.sum(state[0]) < 1.0), step, (c, 0))[0]


class InPython:
    """The same in Python."""

    @staticmethod
    def cond(body, c, a):
        return body(c, a) * 0.9 if np.sum(c) > 0 else body(-c, a)

    @staticmethod
    def scan(body, c, a):
        sums = []
        for row in ROWS:
            c = body(c + row, a)
            sums.append(np.sum(c))
        return c * 0.5 + np.stack(sums)

    @staticmethod
    def fori_loop(body, c, a):
        for k in range(1, 3):
            c = body(c * k, a) - 0.1
        return c

    @staticmethod
    def while_loop(body, c, a):
        n = 0
        while n < 3 and np.sum(c) < 1.0:
            c, n = body(c, a) + 0.2, n + 1
        return c


KINDS = ["cond", "scan", "fori_loop", "while_loop"]
DEPTHS = [kinds for depth in (1, 2, 3) for kinds in itertools.product(KINDS, repeat=depth)]


def program(kinds: tuple[str, ...], means: Any) -> Any:
    """A function of a vector; the innermost body closes over a number that is made of it."""

    def block(kinds, c, a):
        if not kinds:
            return innermost(c, a)
        return getattr(means, kinds[0])(lambda c, a: block(kinds[1:], c, a), c, a)

    return lambda x: block(kinds, x, 1.0 + x[0] * x[1])


def total(f):
    return lambda x: np.sum(f(x) * V)


FORMS = {
    "value": lambda f: f,
    "jit": wg.jit,
    "jvp": lambda f: lambda x: wg.jvp(f, (x,), (V,))[1],
    "vjp": lambda f: lambda x: wg.vjp(f, x)[1](V)[0],
    "jit grad": lambda f: wg.jit(wg.grad(total(f))),
    "grad jit": lambda f: wg.grad(wg.jit(total(f))),
}
SECOND = {
    "hessian": lambda f: wg.hessian(total(f)),
    "jit hessian": lambda f: wg.jit(wg.hessian(total(f))),
}


def plain_form(form):
    """What a form is held to: the same derivative, by the tape of the Python loop."""
    plain = {"jit": FORMS["value"], "jit hessian": SECOND["hessian"]}
    return FORMS["vjp"] if form in {"jit grad", "grad jit"} else plain.get(form) or {**FORMS, **SECOND}[form]


def agree(found: Any, expected: Any, ulps: float) -> None:
    for y, want in zip(tree.flatten(found)[0], tree.flatten(expected)[0], strict=True):
        assert (np.shape(y), np.asarray(y).dtype) == (np.shape(want), np.asarray(want).dtype)
        size = max(1.0, np.max(np.abs(want)))  # all sums have terms near 1
        np.testing.assert_allclose(y, want, rtol=0, atol=ulps * EPS * size)


@pytest.mark.parametrize("kinds", DEPTHS, ids="-".join)
def test_values_and_first_derivatives(kinds, way):
    nested, plain = program(kinds, InGraph), program(kinds, InPython)
    for form, make in FORMS.items():
        made, wanted = make(nested), plain_form(form)(plain)
        for x in (X, OTHER):
            agree(made(x), wanted(x), VALUES[way] if form in {"value", "jit"} else SLOPES)


@pytest.mark.parametrize("kinds", DEPTHS, ids="-".join)
def test_second_derivatives(kinds):
    nested, plain = program(kinds, InGraph), program(kinds, InPython)
    for form in ["hessian"] if len(kinds) == 3 else list(SECOND):
        made, wanted = SECOND[form](nested), plain_form(form)(plain)
        agree(made(X), wanted(X), 4 * SLOPES)


@pytest.mark.parametrize("kinds", DEPTHS, ids="-".join)
def test_batches(kinds, way):
    nested, plain = program(kinds, InGraph), program(kinds, InPython)
    xs = np.stack([X, OTHER, -X])
    agree(wg.vmap(nested)(xs), np.stack([plain(x) for x in xs]), VALUES[way])
    slopes = np.stack([wg.grad(total(plain))(x) for x in xs])
    agree(wg.vmap(wg.grad(total(nested)))(xs), slopes, SLOPES)


def test_the_points_take_different_ways():
    """Both branches, and different numbers of steps."""
    ways = set()
    for x in (X, OTHER):
        compiled = wg.jit(program(("while_loop", "cond"), InPython))
        compiled(x)
        ((entry,),) = compiled._entries.values()
        ways.add(tuple(guard.answer for guard in entry.paths[0].guards))
    assert len(ways) == 2
    assert any(True in way and False in way for way in ways)

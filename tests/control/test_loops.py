"""Loops and branches of the graph against the same loops in Python: values and derivatives of every kind."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.control.scan import Loop, scan_
from wengert.core.graph import Graph
from wengert.transforms.staging import stage
from wengert.types import ArrayType

RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(3, 3)) * 0.4, RNG.normal(size=(6, 3))
# Both run the same operations; sums of cotangents are added in another order: a few dozen roundings of terms below 100.
TOLERANCE = 1e-12


def recurrence(w, x, checkpoint=None, *, reverse=False):
    def step(h, row):
        h = np.tanh(w @ h + row)
        return h, np.sum(h * h)

    h, ys = wg.scan(step, np.zeros(3), x, checkpoint=checkpoint, reverse=reverse)
    return np.sum(ys) + np.sum(h)


def plain_recurrence(w, x):
    h, total = np.zeros(3), 0.0
    for row in x:
        h = np.tanh(w @ h + row)
        total = total + np.sum(h * h)
    return total + np.sum(h)


def filling(a, n=20):
    def body(i, z):
        z[i] = np.sin(z[i - 1]) * a + z[i]
        return z

    return np.sum(wg.fori_loop(1, n, body, np.ones(n) * a))


def plain_filling(a, n=20):
    z = wg.numpy.ones(n) * a
    for i in range(1, n):
        z[i] = np.sin(z[i - 1]) * a + z[i]
    return np.sum(z)


def root(a):
    return wg.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)


def plain_root(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def choice(x):
    return np.sum(wg.cond(x[0] > 0, lambda x: np.sin(x) * x[1], lambda x: x**3, x))


def plain_choice(x):
    return np.sum(np.sin(x) * x[1]) if x[0] > 0 else np.sum(x**3)


def power(x, n):
    return wg.fori_loop(0, n, lambda _, y: y * x, 1.0)


def plain_power(x, n):
    y = 1.0
    for _ in range(int(n)):
        y = y * x
    return y


PROGRAMS = {
    "scan": (lambda w: recurrence(w, X), lambda w: plain_recurrence(w, X), W),
    "scan xs": (lambda x: recurrence(W, x), lambda x: plain_recurrence(W, x), X),
    "fori_loop": (filling, plain_filling, 1.2),
    "while_loop": (root, plain_root, 3.0),
    "cond true": (choice, plain_choice, np.array([0.5, -0.3])),
    "cond false": (choice, plain_choice, np.array([-0.5, 0.3])),
}
FORMS = {
    "value": lambda f: f,
    "jit": wg.jit,
    "grad": wg.grad,
    "jit grad": lambda f: wg.jit(wg.grad(f)),
    "grad jit": lambda f: wg.grad(wg.jit(f)),
    "forward": wg.jacfwd,
    "hessian": wg.hessian,
    "reverse of reverse": lambda f: wg.jacrev(wg.grad(f)),
    "jit hessian": lambda f: wg.jit(wg.hessian(f)),
    "hessian jit": lambda f: wg.hessian(wg.jit(f)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_loops_are_those_of_python(name, form):
    fun, plain, x = PROGRAMS[name]
    expected = {"jit": plain, "jit grad": wg.grad(plain), "grad jit": wg.grad(plain)}.get(form)
    if expected is None:
        expected = wg.hessian(plain) if form.endswith(("hessian", "jit", "reverse")) else FORMS[form](plain)
    np.testing.assert_allclose(FORMS[form](fun)(x), expected(x), rtol=TOLERANCE, atol=TOLERANCE)


def test_examples_of_a_batch_go_their_own_ways():
    xs = np.array([[0.5, -0.3], [-0.5, 0.3]])
    np.testing.assert_array_equal(wg.vmap(choice)(xs), [plain_choice(x) for x in xs])
    np.testing.assert_array_equal(wg.vmap(wg.grad(choice))(xs), [wg.grad(plain_choice)(x) for x in xs])
    a = np.array([0.5, 4.0, 90.0])
    np.testing.assert_array_equal(wg.vmap(root)(a), [plain_root(v) for v in a])
    slopes = [wg.grad(plain_root)(v) for v in a]
    np.testing.assert_allclose(wg.vmap(wg.grad(root))(a), slopes, rtol=TOLERANCE)
    np.testing.assert_allclose(wg.grad(lambda a: np.sum(wg.vmap(root)(a)))(a), slopes, rtol=TOLERANCE)


def test_numbers_of_steps_may_differ_between_examples():
    x, n = np.array([2.0, 3.0, 5.0]), np.array([1, 3, 2])
    np.testing.assert_array_equal(wg.vmap(power)(x, n), [2.0, 27.0, 25.0])
    np.testing.assert_allclose(wg.vmap(wg.grad(power))(x, n), [1.0, 27.0, 10.0], rtol=TOLERANCE)
    np.testing.assert_array_equal(wg.vmap(wg.jit(power))(x, n), [2.0, 27.0, 25.0])


def test_a_compiled_while_loop_serves_every_number_of_steps():
    slope = wg.jit(wg.grad(power))
    assert [float(slope(2.0, n)) for n in range(5)] == [0.0, 1.0, 4.0, 12.0, 32.0]
    assert slope.cache_info().misses == 1


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("checkpoint", [1, 2, 5, "sqrt", "binomial"])
def test_checkpoints_change_no_bit(checkpoint, reverse):
    def loss(w, x):
        return recurrence(w, x, checkpoint, reverse=reverse)

    def unchecked(w, x):
        return recurrence(w, x, reverse=reverse)

    expected = wg.grad(unchecked, (0, 1))(W, X)
    for found in (wg.grad(loss, (0, 1))(W, X), wg.jit(wg.grad(loss, (0, 1)))(W, X)):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(wg.hessian(loss)(W, X), wg.hessian(unchecked)(W, X), atol=TOLERANCE)


def test_what_all_steps_compute_alike_is_computed_once():
    graph = wg.trace(lambda a, x: wg.scan(lambda c, row: (c * np.exp(a) + row, None), np.zeros(3), x))(1.0, X)
    assert [node.prim.name for node in graph.nodes] == ["exp", "scan"]


BAD = {
    "a shape that changes": (
        lambda: wg.fori_loop(0, 3, lambda _, x: np.append(x, 1.0), np.ones(2)),
        "f64[2] became",
    ),
    "a dtype that changes": (
        lambda: wg.fori_loop(0, 3, lambda _, x: x * 0.5, np.ones(2, int)),
        "i64[2] became f64[2]",
    ),
    "a structure that changes": (lambda: wg.while_loop(lambda x: x < 3, lambda x: (x, x), 1.0), "became"),
    "a condition that is no boolean": (
        lambda: wg.while_loop(lambda x: x, lambda x: x + 1, 1.0),
        "not one boolean",
    ),
    "a condition of cond": (lambda: wg.cond(1.0, np.sin, np.cos, 2.0), "not one boolean"),
    "branches that differ": (
        lambda: wg.trace(lambda x: wg.cond(x > 0, lambda x: x, lambda x: (x, x), x))(1.0),
        "branch 0 and branch 1 differ",
    ),
    "no length": (lambda: wg.scan(lambda c, _: (c, None), 1.0), "no xs and no length"),
    "a negative length": (lambda: wg.scan(lambda c, _: (c, None), 1.0, length=-1), "length=-1"),
    "xs without an axis": (lambda: wg.scan(lambda c, x: (c + x, c), 0.0, 2.0), "f64[], which has no axis"),
    "xs without an axis beside others": (
        lambda: wg.scan(lambda c, x: (c, x), 0.0, (X, np.array(1))),
        "i64[], which has no axis",
    ),
    "lengths that differ": (lambda: wg.scan(lambda c, x: (c, x[0]), 1.0, (X, X[1:])), "different lengths"),
    "a bound that is no integer": (lambda: wg.fori_loop(0, 1.5, lambda _, x: x, 1.0), "f64[]"),
    "no pair": (lambda: wg.scan(lambda c, x: c + x, 0.0, np.ones(3)), "pair"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_both_types(name):
    call, message = BAD[name]
    with pytest.raises(wg.errors.ArgumentError) as caught:
        call()
    text = str(caught.value)
    assert message in text
    assert all(part in text for part in ("where:", "why:", "instead:"))


def test_one_body_serves_loops_of_other_constants():
    """Entries may be written in place in what is carried, never in a constant of the loop."""
    t = ArrayType((3,), np.dtype(float))

    def step(a, b):
        z = a * 1.0
        z[0] += 1.0
        b[0] += z[0]
        return [z, b]

    body, _ = stage(step, [t, t], "step")
    for n_carry in (2, 1, 2):
        graph = body if n_carry == 2 else Graph(body.inputs, body.nodes, body.outputs[1:])
        graph.derived = body.derived  # what is made of one body is kept with it
        a, b = np.zeros(3), np.zeros(3)
        *_, found = scan_(a, b, loop=Loop(graph, 2 - n_carry, n_carry, 3))
        np.testing.assert_array_equal(found, [6.0 if n_carry == 2 else 3.0, 0.0, 0.0])
        np.testing.assert_array_equal([a, b], np.zeros((2, 3)))

"""What loops do in front and behind: sums of products are one product; on whole numbers, of which sums are exact."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import tree
from wengert.compile.compiled import Native
from wengert.compile.fission import with_fission
from wengert.compile.inlining import inlined
from wengert.compile.views import product_
from wengert.control.scan import scan_
from wengert.ops.movement import transpose_
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

STEPS, ROWS, M, N = 5, 6, 20, 24


def whole(*shapes):
    rng = np.random.default_rng(7)
    return [rng.integers(-5, 6, shape).astype(float) for shape in shapes]


def of_slices(first, a, b):
    return wg.scan(lambda c, ab: (c + ab[0].T @ ab[1], None), first, (a, b))[0]


def of_what_is_computed(first, a, b):
    def step(c, ab):
        x, y = ab
        return c + (2 * x).T @ (y - 1), None

    return wg.scan(step, first, (a, b))[0]


def of_what_is_carried(first, a, b):
    def step(state, ab):
        c, x = state
        return (c + x.T @ ab[1], x + ab[0]), None

    return wg.scan(step, (first, a[0]), (a, b))[0][0]


def backwards(first, a, b):
    return wg.scan(lambda c, ab: (c + ab[0].T @ ab[1], None), first, (a, b), reverse=True)[0]


def of_results(first, a, b):
    """The factor is a result of the steps, too."""

    def step(c, ab):
        y = ab[1] * 3
        return c + ab[0].T @ y, y

    return wg.scan(step, first, (a, b))


def that_is_read(first, a, b):
    return wg.scan(lambda c, ab: (c + ab[0].T @ ab[1], np.sum(c)), first, (a, b))


def of_itself(first, a, b):
    return wg.scan(lambda c, ab: (c + ab[0].T @ (ab[1] + c[0]) % 7, None), first, (a, b))[0]


def of_a_constant(first, a, b):
    return wg.scan(lambda c, y: (c + a[0].T @ y, None), first, b)[0]


def scaled(first, a, b):
    return wg.scan(lambda c, ab: (2 * c + ab[0].T @ ab[1], None), first, (a, b))[0]


MOVED = [of_slices, of_what_is_computed, of_what_is_carried, backwards, of_results]
LEFT = [that_is_read, of_itself, of_a_constant, scaled]


def graph_of(fun):
    xs = whole((M, N), (STEPS, ROWS, M), (STEPS, ROWS, N))
    graph = stage(lambda *ys: tree.flatten(fun(*ys))[0], [type_of(x) for x in xs], fun.__name__)[0]
    return simplify(graph), xs


@pytest.mark.parametrize("fun", [*MOVED, *LEFT])
def test_sums(fun) -> None:
    graph, xs = graph_of(fun)
    found = with_fission(graph)
    assert sum(node.prim is product_ for node in found.nodes) == (fun in MOVED)
    carried, before = [
        sum(node.params["loop"].n_carry for node in g.nodes if node.prim is scan_) for g in (found, graph)
    ]
    assert carried == before - (fun in MOVED)
    expected = tree.flatten(fun(*xs))[0]
    native = Native(graph)
    for results in (found.apply(xs), native.flat(xs)(*xs)):
        for y, right in zip(results, expected, strict=True):
            np.testing.assert_array_equal(y, right)


def test_a_sum_from_zero_needs_no_base() -> None:
    def fun(a, b):
        return of_slices(np.zeros((M, N)), a, b)

    a, b = whole((STEPS, ROWS, M), (STEPS, ROWS, N))
    graph = simplify(stage(lambda *ys: [fun(*ys)], [type_of(a), type_of(b)], "sum")[0])
    (product,) = [node for node in with_fission(graph).nodes if node.prim is product_]
    assert len(product.inputs) == 2
    np.testing.assert_array_equal(Native(graph).flat([a, b])(a, b)[0], fun(a, b))


def test_factors_larger_than_the_sum_are_not_stacked() -> None:
    first, a, b = whole((M, N), (STEPS, 300, M), (STEPS, 300, N))
    xs = first, a, b
    graph = simplify(stage(lambda *ys: [of_what_is_computed(*ys)], [type_of(x) for x in xs], "sum")[0])
    assert with_fission(graph) is not graph
    assert not any(node.prim is product_ for node in with_fission(graph).nodes)


def test_a_transpose_of_a_constant_is_in_front(machine_code) -> None:
    """The derivative of a step multiplies by the transpose of the matrix that the step multiplies by."""

    def loss(w, h):
        return np.sum(wg.scan(lambda h, _: (h @ w, None), h, None, length=STEPS)[0])

    w, h = whole((M, M), (ROWS, M))
    graph = wg.jit(wg.grad(loss, 1)).graph(w, h)
    found = with_fission(inlined(graph)[0])
    for g, inside in ((graph, True), (found, False)):
        steps = [inlined(node.params["loop"].body)[0] for node in g.nodes if node.prim is scan_]
        assert any(node.prim is transpose_ for step in steps for node in step.nodes) == inside
    expected = np.ones((ROWS, M)) @ np.linalg.matrix_power(w.T, STEPS)
    np.testing.assert_array_equal(wg.jit(wg.grad(loss, 1))(w, h), expected)


def test_the_gradient_of_a_recurrent_network(machine_code) -> None:
    """By a matrix of the step: of the terms of a float32 sum of 160 products, each rounded, as everywhere."""
    rng = np.random.default_rng(3)
    w = (rng.normal(size=(M, M)) / np.sqrt(M)).astype("f")
    xs = rng.normal(size=(STEPS, 32, M)).astype("f")

    def loss(w, xs):
        return np.sum(
            wg.scan(lambda h, x: (np.tanh(h @ w + x), None), np.zeros((32, M), w.dtype), xs)[0] ** 2
        )

    plain, exact = wg.grad(loss)(w, xs), wg.grad(loss)(w.astype(float), xs.astype(float))
    found = wg.jit(wg.grad(loss))(w, xs)
    assert found.dtype == np.float32
    error = np.max(np.abs(found - exact))
    assert error <= 4 * max(np.max(np.abs(plain - exact)), np.finfo("f").eps * np.max(np.abs(exact)))

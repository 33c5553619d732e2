"""What becomes of loops and branches: nodes of the graph, and which modes these work in."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.graph import graphs_in

from .table_branches import early, nested, writes_view
from .table_loops import (
    LONG,
    V,
    appended,
    bisection,
    buffers,
    collatz,
    fibonacci,
    filled,
    first_above,
    forever,
    newton,
    power,
    search,
)


def names(graph):
    """The primitives of a graph and of the graphs in it."""
    inner = [name for node in graph.nodes for g in graphs_in(node.params) for name in names(g)]
    return [node.prim.name for node in graph.nodes] + inner


@pytest.mark.parametrize(
    ("fun", "args", "loop"),
    [
        (newton, (2.0,), "while"),
        (collatz, (27,), "while"),
        (forever, (3.0,), "while"),
        (power, (1.1, 30), "while"),
        (bisection, (2.0,), "scan"),
        (filled, (LONG,), "scan"),
        (first_above, (LONG, 1.0), "while"),
        (search, (LONG, 20.0), "while"),
        (fibonacci, (0.2, 30), "while"),
    ],
)
def test_loops_stay_loops(fun, args, loop):
    compiled = wg.jit(fun, lift=True)
    graph = compiled.graph(*args)
    found = names(graph)
    assert found.count(loop) == 1
    assert len(found) < 60
    compiled(*args)
    assert compiled.cache_info().paths == 1


def test_short_loops_unroll():
    assert "scan" not in names(wg.jit(filled, lift=True).graph(V))
    assert "scan" in names(wg.jit(filled, lift=True).graph(LONG))


def test_loops_over_appended_lists_unroll():
    graph = wg.jit(appended, lift=True).graph(LONG)
    assert not {"scan", "while"} & set(names(graph))


def test_branches_stay_branches():
    compiled = wg.jit(nested, lift=True)
    for x, y in ((1.0, 2.0), (1.0, -2.0), (3.0, -2.0), (-1.0, 0.5)):
        assert float(compiled(x, y)) == float(nested(x, y))
    assert compiled.cache_info().paths == 1
    assert "switch" in names(compiled.graph(1.0, 2.0))


def test_one_graph_goes_every_way():
    compiled = wg.jit(early, lift=True)
    for x in (-1.0, 0.5, 3.0):  # results differ in structure: guards decide
        assert compiled(x) == early(x)
    search_ = wg.jit(search, lift=True)
    for bound in (0.1, 3.0, 20.0, 90.0):
        assert float(search_(LONG, bound)) == float(search(LONG, bound))
    assert search_.cache_info().paths == 1


def test_trace_needs_no_values():
    for fun, args in ((newton, (2.0,)), (search, (LONG, 20.0)), (nested, (1.0, 2.0))):
        assert float(wg.trace(wg.lift(fun))(*args)(*args)) == float(fun(*args))


def test_batches_take_their_own_ways():
    xs = np.array([0.5, 2.0, 30.0])
    np.testing.assert_array_equal(wg.vmap(wg.lift(newton))(xs), [newton(x) for x in xs])
    np.testing.assert_array_equal(
        wg.vmap(wg.lift(nested), (0, None))(xs, -2.0), [nested(x, -2.0) for x in xs]
    )
    bounds = np.array([0.1, 3.0, 20.0, 90.0])
    got = wg.vmap(wg.lift(search), (None, 0))(LONG, bounds)
    np.testing.assert_array_equal(got, [search(LONG, b) for b in bounds])
    ns = np.array([0, 3, 8])
    np.testing.assert_allclose(
        wg.vmap(wg.lift(power), (None, 0))(1.5, ns), [power(1.5, n) for n in ns], rtol=1e-15
    )
    got = wg.vmap(wg.lift(collatz))(np.array([1, 6, 27]))
    np.testing.assert_array_equal(got, [collatz(n) for n in (1, 6, 27)])
    got = wg.vmap(wg.jit(wg.lift(newton)))(xs)
    np.testing.assert_array_equal(got, [newton(x) for x in xs])
    slopes = wg.vmap(wg.grad(wg.lift(newton)))(xs)
    np.testing.assert_allclose(slopes, 0.5 / np.sqrt(xs), rtol=1e-9)


def test_higher_orders():
    x = 0.7
    expected = wg.hessian(lambda y: y**30)(x)
    for fun in (wg.lift(power), wg.jit(power, lift=True)):
        np.testing.assert_allclose(wg.hessian(lambda y, f=fun: f(y, 30))(x), expected, rtol=1e-14)
        np.testing.assert_allclose(
            wg.jvp(wg.grad(lambda y, f=fun: f(y, 30)), (x,), (1.0,))[1], expected, rtol=1e-14
        )
    smooth = lambda f: lambda v: np.sum(np.sin(f(v)))
    want = wg.hessian(smooth(lambda v: buffers_of_numpy(v)))(V)
    for fun in (wg.lift(buffers), wg.jit(buffers, lift=True)):
        np.testing.assert_allclose(wg.hessian(smooth(fun))(V), want, atol=1e-14)


def buffers_of_numpy(x):
    n = len(x)
    step = 0.5 * (np.eye(n, k=1) + np.eye(n, k=-1))
    step[0] = step[-1] = 0.0
    zero_ends = np.eye(n)
    old, new = x, x * 0
    for _ in range(20):
        inner = step @ old
        ends = new * np.array([1.0, *[0.0] * (n - 2), 1.0])
        old, new = zero_ends @ inner + ends, old
    return old


def test_shorthands():
    assert wg.jit(newton, lift=True)(2.0) == newton(2.0)
    assert wg.jit(lift=True)(newton)(2.0) == newton(2.0)
    np.testing.assert_allclose(wg.grad(filled_sum, lift=True)(V), wg.grad(wg.lift(filled_sum))(V))
    value, slope = wg.value_and_grad(filled_sum, lift=True)(V)
    assert value == filled_sum(V)
    np.testing.assert_array_equal(slope, wg.grad(filled_sum, lift=True)(V))


def filled_sum(x):
    return np.sum(filled(x))


def test_views_of_what_a_loop_writes_see_it():
    def program(x):
        y = np.zeros(40)
        row = y[3:6]
        z = y
        for i in range(40):
            y[i] = x * i + row[0]
        return row.sum() + z[-1] + y[0]

    assert float(wg.jit(program, lift=True)(0.5)) == program(0.5)
    assert wg.grad(program, lift=True)(0.5) == wg.grad(wg.jit(program, lift=True))(0.5)
    assert "scan" in names(wg.jit(program, lift=True).graph(0.5))
    compiled = wg.jit(writes_view, lift=True)
    for x in (V, -V):
        for got, want in zip(compiled(x), writes_view(x), strict=True):
            np.testing.assert_array_equal(got, want)

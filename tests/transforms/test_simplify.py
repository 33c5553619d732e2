"""Simplification: every pass alone and after every other, what each leaves out, and that twice is as good as once."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.graph import Const
from wengert.transforms.execution import run
from wengert.transforms.simplify import PASSES, REWRITES, frozen, simplify
from wengert.types import type_of


def names(graph: Any) -> list[str]:
    return [node.prim.name for node in graph.nodes]


def bits(y: Any) -> Any:
    return isinstance(y, np.ndarray), type_of(y), np.asarray(y).tobytes()


def products(x):
    y = np.sin(x) * np.sin(x) + np.exp(x) * 1.0
    unused = np.cos(y)
    return np.sum(y * np.sin(x)) + unused.size


def constants(x):
    a = wg.numpy.array([1.0, 2.0, 3.0]) * 2.0
    return np.sum(x * (a + np.float64(1.0)) * (np.float64(0.5) + np.float64(0.25)))


def layers(x):
    w = np.outer(x, x)
    return np.sum(np.tanh(w @ x + x) ** 2)


def reads(x):
    return x[0] * x[1] + x[1:] @ x[:-1] + np.sum(x[np.array([0, 0, 2])])


def fills(x):
    y = np.zeros_like(x)
    y[0] = x[1]
    for k in range(1, 3):
        y[k] = y[k - 1] * x[k]
    return np.sum(y * y)


def loops(x):
    return np.sum(wg.fori_loop(0, 3, lambda k, c: np.sin(c) * x[0] * np.exp(x) + k, x))


def branches(x):
    return wg.cond(x[0] > 0, lambda x: np.sum(x * x), lambda x: np.sum(x) * 1.0, x)


FUNCTIONS = [products, constants, layers, reads, fills, loops, branches]
X = np.array([0.5, -1.25, 2.0])
FORMS = {
    "value": lambda f: f,
    "gradient": wg.grad,
    "tangent": lambda f: lambda x: wg.jvp(f, (x,), (np.cos(X),)),
    "hessian": wg.hessian,
}
GRAPHS = {
    (form, f.__name__): (wg.trace(FORMS[form](f))(X), FORMS[form](f)) for form in FORMS for f in FUNCTIONS
}
# Values below 100 go through some dozens of additions, which are joined in another order.
TOLERANCE = 1e-12


def leaves(y):
    return list(y) if isinstance(y, tuple) else [y]


@pytest.mark.parametrize("key", GRAPHS, ids=map("-".join, GRAPHS))
def test_passes_alone_and_in_all_orders_of_two(key):
    graph, fun = GRAPHS[key]
    want = leaves(fun(X))
    exact = [rewrite for rewrite in REWRITES if rewrite.exact]
    for passes in [(), *[(name,) for name in PASSES], *itertools.permutations(PASSES, 2), PASSES]:
        made = graph
        for name in passes:
            made = simplify(made, [name])
        assert len(made.nodes) <= len(graph.nodes)
        for y, expected in zip(run(made, [X]), want, strict=True):
            np.testing.assert_allclose(y, expected, rtol=0, atol=TOLERANCE)
        made = graph
        for name in passes:
            made = simplify(made, [name], exact)
        assert [bits(y) for y in run(made, [X])] == [bits(y) for y in run(graph, [X])]


@pytest.mark.parametrize("key", GRAPHS, ids=map("-".join, GRAPHS))
def test_simplifying_twice_is_simplifying_once(key):
    once = simplify(GRAPHS[key][0])
    twice = simplify(once)
    assert names(twice) == names(once)
    assert str(twice) == str(once)


def test_equal_operations_are_one():
    graph = wg.trace(products)(X)
    shared = simplify(graph, ["share"])
    assert names(graph).count("sin") == 3
    assert names(shared).count("sin") == 1
    assert len(shared.nodes) == len(graph.nodes) - 2

    def parameters(x):
        return np.sum(x, axis=0) + np.sum(x, axis=1) + np.sum(x, axis=0)

    assert names(simplify(wg.trace(parameters)(np.eye(3)), ["share"])).count("sum") == 2

    def signs(x):
        return (x + 0.0) / (x + -0.0) + (x * np.float64(2.0) + x * np.float32(2.0))

    assert len(simplify(wg.trace(signs)(X), ["share"]).nodes) == len(wg.trace(signs)(X).nodes)


def test_quiet_and_loud_operations_are_not_the_same():
    def fun(x):
        with np.errstate(all="ignore"):
            y = np.log(x)
        return y + np.log(x)

    assert names(simplify(wg.trace(fun)(X))).count("log") == 2


def test_what_nobody_reads_is_left_out():
    graph = wg.trace(products)(X)
    assert "cos" in names(graph)
    assert "cos" not in names(simplify(graph, ["prune"]))
    assert len(simplify(graph, ["prune"]).nodes) == len(graph.nodes) - 1
    failing = wg.trace(lambda x: (np.linalg.inv(x), np.exp(x))[1])(np.eye(2))
    assert names(simplify(failing)) == ["inv", "exp"]  # a program may catch what it raises


def test_constants_are_folded():
    graph = simplify(wg.trace(constants)(X))
    held = [node for node in graph.nodes if all(isinstance(a, Const) for a in node.inputs)]
    assert not held
    assert len(graph.nodes) < len(wg.trace(constants)(X).nodes)


def test_what_warns_or_raises_is_not_folded():
    def fun(x):
        return x * (wg.numpy.array(0.0) / wg.numpy.array(0.0))

    compiled = wg.jit(fun)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        compiled(1.0)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(compiled(1.0))


def test_large_constants_are_not_folded():
    large = np.ones(1 << 14)
    graph = wg.trace(lambda x: np.sum(np.multiply(wg.numpy.array(large), 2.0)) * x)(1.0)
    assert names(simplify(graph, ["fold"])) == names(graph)
    small = wg.trace(lambda x: np.sum(np.multiply(wg.numpy.array(large[:9]), 2.0)) * x)(1.0)
    assert names(simplify(small, ["fold"])) == ["multiply"]


def test_what_all_steps_compute_alike_leaves_the_loop():
    programs = {
        "fori_loop": lambda x: wg.fori_loop(0, 5, lambda k, c: c * np.exp(x[0]) + np.sin(x), x),
        "while_loop": lambda x: wg.while_loop(lambda c: c[0] < 9, lambda c: c + np.exp(x) ** 2, x),
        "scan": lambda x: wg.scan(lambda c, row: (c * np.exp(x) + row, c), x, np.ones((4, 3)))[0],
    }
    for fun in programs.values():
        graph = wg.trace(fun)(X)
        outside = names(graph)
        assert "exp" in outside
        np.testing.assert_array_equal(run(simplify(graph), [X])[0], fun(X))


def test_keys_tell_apart_what_differs():
    values = [
        1, 1.0, True, 1 + 0j, np.float32(1), np.float64(1), np.int64(1), np.array(1.0), np.array([1.0]),
        np.array([[1.0]]),
        0.0, -0.0, 0j, -0j, complex(0.0, -0.0), np.float32(0), np.float32(-0.0), np.complex128(0), -np.complex128(0),
        (1, 2), [1, 2], (1.0, 2), slice(1, 2), slice(1, 2, 1), {"a": 1}, {"a": 1.0}, None, "a", np.dtype("f4"),
        float("nan"), np.array([1, 2], "i4"), np.array([1, 2], "i8"), ((1,), 2), (1, (2,)),
    ]  # fmt: skip
    keys = [frozen(value) for value in values]
    for i, j in itertools.combinations(range(len(keys)), 2):
        assert keys[i] != keys[j], (values[i], values[j])
    for value in values:
        assert frozen(value) == frozen(value.copy() if isinstance(value, np.ndarray | dict | list) else value)


def test_time_is_linear():
    """Twice as long a program has twice as many operations before, and after; none is visited more often."""

    def chain(n):
        def fun(x):
            for _ in range(n):
                x = np.sin(x) * x + 1.0 * x
            return x

        return fun

    counts = [len(simplify(wg.trace(wg.grad(chain(n)))(1.5)).nodes) for n in (50, 100, 200)]
    assert counts[1] - counts[0] == 50 / 100 * (counts[2] - counts[1])


def test_operands_of_graphs_have_their_types():
    for graph, _ in GRAPHS.values():
        made = simplify(graph)
        assert made.inputs == graph.inputs
        assert [type_of(y) for y in run(made, [X])] == list(made.out_types) == list(graph.out_types)

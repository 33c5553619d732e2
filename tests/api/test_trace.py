"""Graphs of functions: what trace gives, and what it refuses."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.graph import Graph
from wengert.errors import ArgumentError, NotConcreteError, RefusedError
from wengert.types import ArrayType

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def program(x, *, params):
    h = np.tanh(x @ params["w"])
    return {"h": h, "total": np.sum(h**2)}


PARAMS = {"w": np.arange(6.0).reshape(3, 2) / 10}


def test_a_graph_is_called_like_its_function():
    graph = wg.trace(program)(X, params=PARAMS)
    assert isinstance(graph, Graph)
    found, expected = graph(X + 1, params=PARAMS), program(X + 1, params=PARAMS)
    np.testing.assert_array_equal(found["h"], expected["h"])
    assert found["total"] == expected["total"]


def test_types_are_enough():
    graph = wg.trace(lambda x: np.sum(x, axis=0))(ArrayType((2, 3), np.dtype(np.float32)))
    assert [str(t) for t in (*graph.in_types, *graph.out_types)] == ["f32[2,3]", "f32[3]"]


@pytest.mark.parametrize("simplified", [False, True])
def test_every_transformation_applies_to_a_graph(simplified):
    def value(x):
        return np.sum(np.sin(x) * x**2)

    graph = wg.trace(value, simplified=simplified)(X)
    np.testing.assert_allclose(wg.grad(graph)(X), wg.grad(value)(X), rtol=1e-14)
    np.testing.assert_allclose(wg.hessian(graph)(X), wg.hessian(value)(X), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(wg.vmap(wg.jit(graph))(np.stack([X, -X])), [value(X), value(-X)], rtol=1e-14)


def test_simplification_leaves_out_what_nobody_reads():
    def fun(x):
        np.exp(x)
        return np.sin(x) + np.sin(x)

    assert len(wg.trace(fun)(X).nodes) == 4
    assert len(wg.trace(fun, simplified=True)(X).nodes) == 2


def test_a_graph_can_be_traced_into_another():
    inner = wg.trace(np.sin)(X)
    outer = wg.trace(lambda x: inner(x) * 2)(X)
    assert [node.prim.name for node in outer.nodes] == ["sin", "multiply"]


def test_arguments_of_another_structure_are_refused():
    graph = wg.trace(program)(X, params=PARAMS)
    with pytest.raises(ArgumentError, match="another structure"):
        graph(X, PARAMS)
    with pytest.raises(ArgumentError, match="takes 2 operands, and got 1"):
        graph.apply([X])


@pytest.mark.parametrize("fun", [lambda x: x if x[0, 0] > 0 else -x, lambda x: x * float(x[0, 0])])
def test_what_depends_on_values_is_refused(fun):
    with pytest.raises((NotConcreteError, RefusedError)):
        wg.trace(fun)(X)


def test_values_of_a_transformation_around_it_are_refused():
    with pytest.raises(ArgumentError, match="closes over traced values"):
        wg.grad(lambda x: wg.trace(lambda y: y * x)(1.0)(2.0))(3.0)


def test_only_functions_are_traced():
    with pytest.raises(ArgumentError, match="trace needs a function"):
        wg.trace(3.0)

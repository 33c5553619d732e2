"""Products that are only summed along rows are products of sums."""

import numpy as np
import pytest

import wengert as wg
from wengert.compile.factoring import factored
from wengert.core.lowering import Contraction

A, B = np.linspace(-1, 1, 24).reshape(2, 4, 3), np.linspace(0.5, 2, 30).reshape(2, 3, 5)


def both(y):
    return y, np.sum(y, axis=1)


def products(graph):
    return [node.outputs[0].shape for node in graph.nodes if isinstance(node.prim.lower, Contraction)]


@pytest.mark.parametrize(
    ("fun", "shape"),
    [
        (lambda a, b: np.sum(a @ b, axis=1), (2, 1, 5)),
        (lambda a, b: np.sum(-(a @ b), axis=1, keepdims=True), (2, 1, 5)),
        (lambda a, b: np.sum(-np.negative(a @ b), axis=(1, 2)), (2, 1, 1)),
        (lambda a, b: np.sum(a @ b), (2, 1, 1)),  # the stack is an axis of both
        (lambda a, b: np.sum(np.einsum("nij,njk->kni", a, b), axis=2), (5, 2, 1)),
        (lambda a, b: np.sum(np.tensordot(a, b, ((0, 2), (0, 1))), axis=0), (1, 5)),
    ],
)
def test_rows_are_summed_first(fun, shape):
    graph = wg.trace(fun)(A, B)
    found = factored(graph)
    assert products(found) == [shape]
    y = found(A, B)
    # sums of at most 60 terms, each below 4
    np.testing.assert_allclose(y, fun(A, B), rtol=0, atol=60 * 4 * 60 * np.finfo(float).eps)


@pytest.mark.parametrize(
    "fun",
    [
        lambda a, b: np.sum(a @ b, axis=0),  # of the stack
        lambda a, b: both(a @ b),  # wanted itself
        lambda a, b: np.sum(np.exp(a @ b), axis=1),  # not linear
        lambda a, b: np.sum(a[:, :1] @ b, axis=1),  # one row
    ],
)
def test_other_products_stay(fun):
    graph = wg.trace(fun)(A, B)
    assert factored(graph) is graph


def test_a_product_that_is_wanted_stays():
    graph = wg.trace(lambda a, b: np.sum(a @ b, axis=1))(A, B)
    assert factored(graph, [graph.nodes[0].outputs[0]]) is graph


def test_machine_code(machine_code):
    def fun(a, b):
        return np.sum(-(np.exp(a) @ b), axis=1)

    # as above
    np.testing.assert_allclose(wg.jit(fun)(A, B), fun(A, B), rtol=0, atol=60 * 4 * 60 * np.finfo(float).eps)

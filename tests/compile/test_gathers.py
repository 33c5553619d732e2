"""Products with rows of a table: the table is multiplied; on whole numbers, of which sums are exact."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import tree
from wengert.compile.compiled import Native
from wengert.compile.gathers import with_tables_multiplied
from wengert.compile.views import product_, with_products
from wengert.core.graph import Graph
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

SYMBOLS, STEPS, BATCH, D, N = 12, 16, 4, 16, 20
ROWS = np.random.default_rng(0).integers(0, SYMBOLS, (STEPS, BATCH))


def whole(*shapes):
    rng = np.random.default_rng(1)
    return [rng.integers(-5, 6, shape).astype(float) for shape in shapes]


def forward(table, rows, w):
    return table[rows] @ w


def by_weights(table, rows, q):
    return np.einsum("tbd,tbn->dn", table[rows], q)


def by_weights_turned(table, rows, q):
    return np.einsum("tbd,tbn->nd", table[rows], q)


def network(table, rows, w):
    """A loss whose derivatives by table and weights have all three forms; products of whole numbers, whole."""
    return np.sum((table[rows] @ w) ** 2)


FORMS = {
    "forward": (forward, (D, N), (SYMBOLS, D, N)),
    "by weights": (by_weights, (STEPS, BATCH, N), (D, N, SYMBOLS)),
    "by weights, turned": (by_weights_turned, (STEPS, BATCH, N), (N, D, SYMBOLS)),
}


def asked_of(graph: Graph) -> list:
    """All results, as if each were that of a contraction, after which a program asks whether what comes is finite."""
    return [y for node in graph.nodes for y in node.outputs]


def graph_of(fun, *xs) -> Graph:
    found, _ = stage(lambda *ys: tree.flatten(fun(*ys))[0], [type_of(x) for x in xs], "rows")
    return with_products(simplify(found))


def sizes(graph: Graph) -> list[tuple[int, ...]]:
    """The extents of the axes of each product."""
    found = []
    for node in graph.nodes:
        if node.prim is product_:
            axes = {s for index in node.params["indices"] for e in index for s, _ in e.terms}
            found.append(tuple(sorted(axis.extent for axis in axes)))
    return found


@pytest.mark.parametrize("name", FORMS)
def test_the_table_is_multiplied(name: str) -> None:
    fun, shape, expected = FORMS[name]
    table, x = whole((SYMBOLS, D), shape)
    graph = graph_of(fun, table, ROWS, x)
    found = with_tables_multiplied(graph, asked=asked_of(graph))
    assert sizes(found) == [tuple(sorted(expected))]
    np.testing.assert_array_equal(found(table, ROWS, x), fun(table, ROWS, x))
    np.testing.assert_array_equal(
        Native(found).flat([table, ROWS, x])(table, ROWS, x)[0], fun(table, ROWS, x)
    )


def test_derivatives_add_up_rows_before_they_multiply(machine_code) -> None:
    table, w = whole((SYMBOLS, D), (D, N))
    derivative = wg.grad(network, (0, 2))
    compiled = wg.jit(derivative)
    for found, expected in zip(compiled(table, ROWS, w), derivative(table, ROWS, w), strict=True):
        np.testing.assert_array_equal(found, expected)
    text = compiled.kernels(table, ROWS, w)
    assert "multiply" in text
    assert f" {STEPS * BATCH} x" not in text  # no product has all the rows that are taken


@pytest.mark.parametrize("fun", [by_weights, by_weights_turned, forward])
def test_rows_that_nobody_takes_may_be_anything(fun, machine_code) -> None:
    """0 times infinity is not added: neither where nothing asks whether results are finite, nor in derivatives."""
    table, w, q = whole((SYMBOLS + 2, D), (D, N), (STEPS, BATCH, N))
    table[SYMBOLS], table[SYMBOLS + 1] = np.inf, np.nan
    x = w if fun is forward else q
    np.testing.assert_array_equal(wg.jit(fun)(table, ROWS, x), fun(table, ROWS, x))
    derivative = wg.grad(network, (0, 2))
    for found, expected in zip(wg.jit(derivative)(table, ROWS, w), derivative(table, ROWS, w), strict=True):
        assert np.isfinite(expected).all()
        np.testing.assert_array_equal(found, expected)


def test_two_tables_of_different_lengths_with_the_same_rows(machine_code) -> None:
    first, second, w = whole((SYMBOLS, D), (SYMBOLS + 3, D), (D, N))

    def loss(first, second, w):
        return np.sum(((first[ROWS] + second[ROWS]) @ w) ** 2) + np.sum(
            (second[ROWS] @ w) * (first[ROWS] @ w)
        )

    derivative = wg.grad(loss, (0, 1, 2))
    for found, expected in zip(
        wg.jit(derivative)(first, second, w), derivative(first, second, w), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_an_index_that_nobody_reads_is_still_checked(machine_code) -> None:
    """Rows that are taken and not used, beside some that are."""
    table, w = whole((SYMBOLS, D), (D, N))

    def fun(table, rows, others, w):
        table[others]
        return table[rows] @ w

    compiled = wg.jit(fun)
    compiled(table, ROWS, ROWS, w)
    with pytest.raises(IndexError):
        compiled(table, ROWS, ROWS + SYMBOLS, w)


def test_an_index_out_of_bounds_is_still_an_error(machine_code) -> None:
    table, w = whole((SYMBOLS, D), (D, N))
    compiled = wg.jit(forward)
    compiled(table, ROWS, w)
    with pytest.raises(IndexError):
        compiled(table, ROWS + 1 + SYMBOLS, w)


@pytest.mark.parametrize(
    "fun",
    [
        lambda table, rows, w: table[rows[:2]] @ w,  # fewer rows than the table has
        lambda table, rows, w: table[np.arange(SYMBOLS), rows[0, 0]] @ np.ones(SYMBOLS),  # a constant index
        lambda table, rows, w: table[:, rows] @ np.ones((BATCH, 5)),  # columns
        lambda table, rows, w: (
            np.einsum("tbd,tdn->tbn", table[rows], np.ones((STEPS, D, N))) + w[0]
        ),  # per step
    ],
)
def test_other_products_stay(fun) -> None:
    table, w = whole((SYMBOLS, D), (D, N))
    graph = graph_of(fun, table, ROWS, w)
    found = with_tables_multiplied(graph, asked=asked_of(graph))
    assert sizes(found) == sizes(graph)
    np.testing.assert_array_equal(found(table, ROWS, w), fun(table, ROWS, w))


def test_rows_that_are_read_otherwise_too_are_still_taken() -> None:
    table, w = whole((SYMBOLS, D), (D, N))

    def fun(table, rows, w):
        x = table[rows]
        return x @ w, np.sin(x)

    found = with_tables_multiplied(graph_of(fun, table, ROWS, w))
    for y, expected in zip(found.apply([table, ROWS, w]), fun(table, ROWS, w), strict=True):
        np.testing.assert_array_equal(y, expected)

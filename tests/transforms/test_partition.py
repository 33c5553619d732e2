"""Splitting at cotangents: the cut is a smallest one by enumeration, and only what is cheap is computed again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.control.call import halves
from wengert.core.graph import Const, Graph, Var
from wengert.transforms.execution import run
from wengert.transforms.partition import split_at_cotangents
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType

FLOAT = np.dtype(float)
CHEAP = [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: -a, lambda a, b: np.sum(a, axis=-1),
    lambda a, b: np.broadcast_to(a, (3, *np.shape(a))),
]  # fmt: skip
DEAR = [lambda a, b: np.exp(a), lambda a, b: np.sin(a), lambda a, b: np.cumsum(a, axis=-1)]


def random_joint(seed: int, n_operands: int, n_nodes: int) -> tuple[Graph, int, int]:
    """A joint graph of random operations, in which the cotangent is multiplied with some of the early values."""
    rng = np.random.default_rng(seed)
    shapes = [((), (2,), (4, 2))[rng.integers(3)] for _ in range(n_operands)]

    def fun(*flat: Any) -> list[Any]:
        *xs, y_bar = flat
        values = list(xs)
        while len(values) < n_operands + n_nodes:
            table = CHEAP if rng.random() < 0.7 else DEAR
            a, b = (values[-1 - min(int(rng.exponential(1.5)), len(values) - 1)] for _ in range(2))
            try:
                y = table[rng.integers(len(table))](a, b)
            except (ValueError, IndexError):
                continue
            if np.size(y) < 100:
                values.append(y)
        wanted = [v for v in values if rng.random() < 0.3] or values[-1:]
        return [np.sum(values[-1]), *[np.sum(y_bar * v) for v in wanted]]

    graph, _ = stage(fun, [*[ArrayType(s, FLOAT) for s in shapes], ArrayType((), FLOAT)], "joint")
    return graph, n_operands, 1


def early_part(graph: Graph, n_inputs: int) -> tuple[dict[Var, Any], list[Any]]:
    """Which node computes each value that does not depend on cotangents, and which of them others read that do."""
    late: set[Any] = set(graph.inputs[n_inputs:])
    producers: dict[Var, Any] = {}
    wanted: dict[Any, None] = {}
    for node in graph.nodes:
        if any(a in late for a in node.inputs):
            late.update(node.outputs)
            wanted.update({a: None for a in node.inputs if not isinstance(a, Const)})
        else:
            producers.update(dict.fromkeys(node.outputs, node))
    return producers, [a for a in wanted if a not in late]


def suffices(kept: Iterable[Var], wanted: list[Any], producers: dict[Var, Any]) -> bool:
    """Whether cheap operations lead from what is kept to all that is wanted."""
    known = set(kept)
    for var, node in producers.items():  # in an order in which they can be computed
        if node.prim.cheap and all(isinstance(a, Const) or a in known for a in node.inputs):
            known.add(var)
    return known.issuperset(wanted)


def smallest(candidates: list[Var], wanted: list[Any], producers: dict[Var, Any], free: set[Var]) -> int:
    """The fewest bytes of a set that suffices, and one for each value, by trying all sets."""
    price = {var: 0 if var in free else 1 + var.nbytes for var in candidates}
    paid = [var for var in candidates if price[var]]
    found = [
        sum(price[var] for var in kept)
        for n in range(len(paid) + 1)
        for kept in itertools.combinations(paid, n)
        if suffices([*kept, *free], wanted, producers)
    ]
    return min(found)


@pytest.mark.parametrize("seed", range(60))
def test_the_cut_is_a_smallest_one(seed):
    n_operands = 1 + seed % 3
    graph, n_inputs, n_outputs = random_joint(seed, n_operands, 10 - n_operands)
    producers, wanted = early_part(graph, n_inputs)
    candidates = [*graph.inputs[:n_inputs], *producers]
    candidates = [var for var in candidates if var in wanted or leads_to(var, wanted, producers)]
    assert len(candidates) <= 12
    for free in (None, [], [0]):
        forward, _ = split_at_cotangents(graph, n_inputs, n_outputs, free=free)
        costless = set(graph.inputs[:n_inputs] if free is None else [graph.inputs[i] for i in free])
        kept = forward.outputs[n_outputs:]
        assert suffices(kept, wanted, producers)
        price = sum(0 if var in costless else 1 + var.nbytes for var in kept)
        assert price == smallest(candidates, wanted, producers, costless)


def leads_to(var: Var, wanted: list[Any], producers: dict[Var, Any]) -> bool:
    reached = {var}
    for y, node in producers.items():
        if node.prim.cheap and any(a in reached for a in node.inputs):
            reached.add(y)
    return any(a in reached for a in wanted)


@pytest.mark.parametrize("seed", range(20))
def test_the_halves_are_the_whole(seed):
    graph, n_inputs, n_outputs = random_joint(seed, 2, 12)
    rng = np.random.default_rng(seed)
    xs = [np.asarray(rng.normal(size=t.shape))[()] for t in graph.in_types]
    want = run(graph, xs)
    for free in (None, []):
        forward, backward = split_at_cotangents(graph, n_inputs, n_outputs, free=free)
        ys = run(forward, xs[:n_inputs])
        x_bars = run(backward, [*ys[n_outputs:], *xs[n_inputs:]])
        for y, expected in zip([*ys[:n_outputs], *x_bars], want, strict=True):
            np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("seed", range(20))
def test_only_what_is_cheap_is_computed_again(seed):
    graph, n_inputs, n_outputs = random_joint(seed, 2, 14)
    forward, backward = split_at_cotangents(graph, n_inputs, n_outputs)
    made = {var for node in forward.nodes for var in node.outputs}
    assert all(node.prim.cheap or not made.intersection(node.outputs) for node in backward.nodes)
    assert set(backward.inputs[len(forward.outputs) - n_outputs :]) == set(graph.inputs[n_inputs:])


# Programs -----------------------------------------------------------------------------------------------------------


def mlp(w, u, x):
    h = np.tanh(x @ w + 1.0)
    h = np.tanh(h @ w) * 2.0 + h
    return np.sum(np.maximum(h @ u, 0.0) ** 2)


RNG = np.random.default_rng(3)
LAYERS = (RNG.normal(size=(8, 8)), RNG.normal(size=(8, 4)), RNG.normal(size=(32, 8)))


def split(fun, *xs):
    graph = simplify(wg.trace(fun)(*xs))
    flat = Graph(graph.inputs, graph.nodes, graph.outputs, graph.name)
    return flat, *halves(flat, (True,) * len(flat.inputs))


def test_the_residuals_of_layers_are_less_than_their_tape():
    graph, forward, backward, _, _ = split(mlp, *LAYERS)
    inputs = set(forward.inputs)
    residuals = [a for a in forward.outputs[1:] if a not in inputs]
    tape = [var for node in graph.nodes for var in node.outputs if var not in graph.outputs]
    kept, taped = sum(a.nbytes for a in residuals), sum(a.nbytes for a in tape)
    # Of each layer its tanh and, of the last, what is not negative: one array of 32 by 8, two; one of 32 by 4.
    assert kept <= (2 * 32 * 8 + 32 * 4) * 8 < 0.5 * taped
    assert not any(
        node.prim.name in {"tanh", "matmul"} and not set(node.inputs) <= late(backward)
        for node in backward.nodes
    )


def late(backward: Graph) -> set[Any]:
    """All values of a backward half: what it takes and makes."""
    return {*backward.atoms(), *backward.constants()}


def test_elementwise_work_is_done_again_rather_than_kept():
    def fun(x):
        return np.sum((((x + 1.0) * 2.0 - 3.0) * x + 4.0) ** 3)

    _, forward, backward, _, _ = split(fun, np.ones(50))
    assert [a for a in forward.outputs[1:] if a not in forward.inputs] == []  # all from the operand
    assert len(backward.nodes) > 4


def test_what_is_dear_is_kept():
    _, forward, backward, _, _ = split(lambda x: np.sum(np.exp(np.sin(x)) ** 2), np.ones(50))
    names = [node.prim.name for node in backward.nodes]
    assert "exp" not in names
    assert "sin" not in names
    assert len(forward.outputs) > 1


def test_a_sum_is_kept_instead_of_its_terms():
    def fun(x):
        return np.exp(np.sum(np.cos(x) * 2.0)) ** 2

    _, forward, _, _, _ = split(fun, np.ones(50))
    kept = [a for a in forward.outputs[1:] if a not in forward.inputs]
    assert sum(a.nbytes for a in kept) <= 50 * 8 + 3 * 8  # sin x, or x, and numbers


def test_the_gradient_is_that_of_the_program():
    graph, forward, backward, seeded, reached = split(mlp, *LAYERS)
    assert seeded == (True,)
    assert reached == (True, True, True)
    ys = run(forward, list(LAYERS))
    expected = mlp(*LAYERS)  # a sum of 128 positive terms, in another order
    assert abs(ys[0] - expected) <= 128 * np.finfo(float).eps * expected
    x_bars = run(backward, [*ys[1:], np.float64(1.0)])
    for x_bar, expected in zip(x_bars, wg.grad(mlp, (0, 1, 2))(*LAYERS), strict=True):
        # sums of 32 or fewer products, in another order
        np.testing.assert_allclose(
            x_bar, expected, rtol=0, atol=64 * np.finfo(float).eps * np.abs(expected).max()
        )
    assert len(graph.inputs) == 3

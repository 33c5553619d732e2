"""Costs: operations counted by hand, and memory as NumPy takes it."""

import tracemalloc

import numpy as np
import pytest
from tests.laws.cases import ALL, samples

import wengert as wg
from wengert.core.graph import Graph, Node, Var
from wengert.core.primitive import PRIMITIVES
from wengert.transforms.cost import is_view
from wengert.transforms.execution import Executor
from wengert.types import type_of


def cost(fun, *args):
    return wg.trace(fun)(*args).cost()


A, B = np.ones((4, 3)), np.ones((3, 5))
SQUARE = np.eye(6)
COUNTED = {
    "elementwise": (lambda a: a + 2.0 * a, (A,), 24, 0),
    "comparison": (lambda a: a > 0, (A,), 12, 0),
    "transcendental": (lambda a: np.sqrt(np.exp(a)), (A,), 12, 12),
    "views": (lambda a: a.T[::2].reshape(-1), (A,), 0, 0),
    "sum": (lambda a: np.sum(a, axis=0), (A,), 12, 0),
    "matmul": (lambda a, b: a @ b, (A, B), 2 * 4 * 3 * 5, 0),
    "matmul of stacks": (lambda a, b: a @ b, (np.ones((7, 4, 3)), B), 7 * 2 * 4 * 3 * 5, 0),
    "matvec": (lambda a, b: a @ b, (A, np.ones(3)), 2 * 4 * 3, 0),
    "tensordot": (lambda a, b: np.tensordot(a, b, axes=([1], [0])), (A, B), 120, 0),
    "einsum": (lambda a, b: np.einsum("ij,jk->ik", a, b), (A, B), 120, 0),
    "einsum of three": (lambda a: np.einsum("ij,ij,ik->jk", a, a, a), (A,), 3 * 4 * 3 * 3, 0),
    "einsum of stacks": (
        lambda a, b: np.einsum("...ij,jk->...ik", a, b),
        (np.ones((2, 7, 4, 3)), B),
        14 * 120,
        0,
    ),
    "solve": (lambda a: np.linalg.solve(a, np.ones((6, 2))), (SQUARE,), 2 * 6**3 // 3 + 2 * 36 * 2, 0),
    "cholesky": (np.linalg.cholesky, (SQUARE,), 6**3 // 3, 0),
    "inverses": (np.linalg.inv, (np.stack([SQUARE, SQUARE]),), 4 * 6**3, 0),
    "fft": (np.fft.fft, (np.ones((3, 8)),), 5 * 24 * 3, 0),
    "sort": (lambda x: np.argsort(x), (np.ones(8),), 24, 0),
    "scan": (lambda c, xs: wg.scan(lambda c, x: (np.sin(c) * x, c + 1.0), c, xs), (1.0, np.ones(10)), 20, 10),
    "branches": (
        lambda x: wg.cond(x[0] > 0, lambda v: v * 2.0, lambda v: v * 2.0 + 1.0, x),
        (np.ones(9),),
        19,
        0,
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_operations_are_those_counted_by_hand(name):
    fun, args, operations, transcendental = COUNTED[name]
    found = cost(fun, *args)
    assert (found.operations, found.transcendental) == (operations, transcendental)
    assert not found.open_ended


@pytest.mark.parametrize(
    "name", [name for name in ALL if PRIMITIVES[name].infer and PRIMITIVES[name].samples]
)
def test_every_primitive_has_a_cost(name):
    for case in samples(PRIMITIVES[name]):
        found = single(PRIMITIVES[name], case).cost()
        assert min(found.operations, found.transcendental, found.bytes_read, found.peak_bytes) >= 0
        assert str(found)


def single(prim, case):
    inputs = [Var(type_of(x), scalar=not np.shape(x)) for x in case.xs]
    types = prim.infer(*[a.type for a in inputs], **case.params)
    outputs = tuple(Var(t, scalar=not t.shape) for t in (types if prim.multiple else (types,)))
    return Graph(inputs, [Node(prim, tuple(inputs), case.params, outputs)], outputs, prim.name)


@pytest.mark.parametrize(
    "name", [name for name in ALL if PRIMITIVES[name].samples and name not in {"custom", "einsum"}]
)
def test_views_are_where_numpy_has_views(name):
    prim = PRIMITIVES[name]
    for case in samples(prim):
        xs = [np.require(x, requirements="C") if isinstance(x, np.ndarray) else x for x in case.xs]
        y = prim.eval(*xs, **case.params)
        if (
            prim.multiple
            or not xs
            or not isinstance(xs[0], np.ndarray)
            or not isinstance(y, np.ndarray)
            or not y.size
        ):
            continue
        assert is_view(single(prim, case).nodes[0]) == np.may_share_memory(y, xs[0]), case


def test_a_loop_under_a_condition_is_open_ended():
    found = cost(lambda x: wg.while_loop(lambda v: v < 100.0, lambda v: v * 2.0, x), 1.0)
    assert found.open_ended
    assert found.operations == 2
    assert "counted as one step" in str(found)


def test_bytes_are_those_of_operands_and_results():
    found = cost(lambda a: np.exp(a.T)[0] + 1.0, A)
    assert found.bytes_read == 12 * 8 + 5 * 8  # exp; the sum of a row of 4 and a number; views read nothing
    assert found.bytes_written == 12 * 8 + 4 * 8


def test_the_most_expensive_primitive_comes_first():
    found = cost(lambda a, b: np.sum(np.exp(a @ b)), A, B)
    assert list(found.by_primitive) == ["matmul", "exp", "sum"]
    assert found.nodes == 3


# Memory ---------------------------------------------------------------------------------------------------------------


def mlp(x, w, v):
    return np.sum((np.tanh(x @ w) @ v) ** 2)


def fill(x):
    y = np.zeros_like(x)
    for i in range(5):
        y[i] = np.sin(x[i]) * 2
    return np.sum(y**2)


def views(x):
    z = np.exp(x).T[::2].reshape(-1)
    return np.sum(z * 2 + 1) + np.sum(np.broadcast_to(z, (3, z.size)).sum(axis=0))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return np.sum(np.log(e / e.sum(axis=1, keepdims=True)))


def recurrence(c, xs):
    c, ys = wg.scan(lambda c, x: (np.tanh(c + x), c * x), c, xs)
    return np.sum(c) + np.sum(ys)


RNG = np.random.default_rng(0)
MEASURED = [
    (mlp, [RNG.normal(size=shape) for shape in ((400, 300), (300, 200), (200, 100))]),
    (fill, [RNG.normal(size=(10, 20_000))]),
    (views, [RNG.normal(size=(400, 500))]),
    (softmax, [RNG.normal(size=(1000, 200))]),
    (recurrence, [RNG.normal(size=20_000), RNG.normal(size=(10, 20_000))]),
]


def measured(graph, xs):
    executor = Executor(graph)
    executor(xs)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        y = executor(xs)
        peak = tracemalloc.get_traced_memory()[1]
        del y
    finally:
        tracemalloc.stop()
    return peak - before


@pytest.mark.parametrize("derivative", [False, True], ids=["value", "gradient"])
@pytest.mark.parametrize(("fun", "xs"), MEASURED, ids=lambda value: getattr(value, "__name__", ""))
def test_peak_memory_is_within_a_tenth_of_what_is_measured(fun, xs, derivative):
    graph = wg.trace(wg.grad(fun) if derivative else fun, simplified=True)(*xs)
    assert graph.cost().peak_bytes == pytest.approx(measured(graph, xs), rel=0.1)

"""Products of views: the same sums of products, of what lies in memory, without copies of it.

Graphs are checked on whole numbers, of which all sums are exact.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.compile.compiled import Native
from wengert.compile.views import product_, with_products
from wengert.core.graph import Graph, Node, Var
from wengert.core.lowering import View
from wengert.ops.arithmetic import add, multiply
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

B, T, H, D, N = 3, 16, 2, 16, 40


def heads(x):
    """Split the last axis into heads, which come to the front."""
    return np.transpose(x.reshape(B, T, H, -1), (0, 2, 1, 3))


# what is computed, the shapes of operands, and how many views are left
FORMS = {
    "rows of a stack are merged": (lambda a, w: a.reshape(B * T, D) @ w, (B, T, D), (D, N), 0),
    "columns are merged": (lambda a, w: a @ w.reshape(D, T * 5), (B, T, D), (D, T, 5), 0),
    "a weight's gradient": (
        lambda a, y: np.transpose(a, (2, 0, 1)).reshape(D, B * T) @ y.reshape(B * T, N), (B, T, D), (B, T, N), 0,
    ),
    "the same, turned": (
        lambda a, y: (
            np.transpose(np.swapaxes(y, 1, 2), (1, 0, 2)).reshape(N, B * T)
            @ np.transpose(np.transpose(np.swapaxes(a, 1, 2), (1, 0, 2)).reshape(D, B * T))
        ).T,
        (B, T, D), (B, T, N), 0,
    ),
    "heads": (lambda q, k: heads(q) @ np.swapaxes(heads(k), 2, 3), (B, T, H * D), (B, T, H * D), 0),
    "parts of one array": (
        lambda qk, _: heads(qk[..., : H * D]) @ np.swapaxes(heads(qk[..., H * D :]), 2, 3), (B, T, 2 * H * D), (1,), 0,
    ),
    "one of several": (lambda qk, w: np.moveaxis(qk, 2, 0)[1] @ w, (B, T, 3, D), (D, N), 0),
    "back from heads": (
        lambda p, v: np.transpose(p @ heads(v), (0, 2, 1, 3)).reshape(B, T, H * D), (B, H, T, T), (B, T, H * D), 0,
    ),
    "an axis that is merged and split": (
        lambda a, w: a.reshape(B * T, D).reshape(B, T, 4, 4).reshape(B, T, D) @ w, (B, T, D), (D, N), 0,
    ),
    "parts of a merged axis": (lambda a, w: a.reshape(B * T, D)[4:20] @ w, (B, T, D), (D, N), 1),
    "every other row": (lambda a, w: a[::2] @ w, (2 * T, D), (D, N), 0),
    "rows from the last": (lambda a, w: a[::-1] @ w, (T, D), (D, N), 0),  # which are copied
    "a small part of what is computed": (lambda a, w: (a * 2.0)[:4] @ w, (100, D), (D, N), 1),
    "all of what is computed": (lambda a, w: (a * 2.0).T @ w, (D, 100), (D, N), 0),
    "one row for all": (lambda a, w: np.broadcast_to(a, (T, D)) @ w, (1, D), (D, N), 1),
    "a diagonal of blocks": (lambda a, w: np.einsum("iikj,kl->ijl", a, w), (3, 3, D, T), (D, N), 0),
}  # fmt: skip


def whole(seed: int, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(-9, 10, shape).astype(float) for shape in shapes]


def staged(fun, xs) -> Graph:
    return simplify(stage(lambda *ys: [fun(*ys)], [type_of(x) for x in xs], "product")[0])


def count(graph: Graph, what) -> int:
    return sum(what(node) for node in graph.nodes)


@pytest.mark.parametrize("name", FORMS)
def test_what_is_viewed_is_multiplied(name: str) -> None:
    fun, *shapes, views = FORMS[name]
    xs = whole(len(name), *shapes)
    graph = staged(fun, xs)
    found = with_products(graph)
    assert count(found, lambda node: node.prim is product_) == 1
    assert count(found, lambda node: isinstance(node.prim.lower, View)) == views
    np.testing.assert_array_equal(found(*xs), fun(*xs))
    np.testing.assert_array_equal(Native(graph).flat(xs)(*xs)[0], fun(*xs))


@st.composite
def views(draw, rank: int):
    """Draw a shape, and a chain of reshapes and transposes that end in so many axes."""
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=2, max_size=4)))
    steps, now = [], shape
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            axes = tuple(draw(st.permutations(range(len(now)))))
            steps.append(("transpose", axes))
            now = tuple([now[i] for i in axes])
        else:
            now = draw(regrouped(now))
            steps.append(("reshape", now))
    while len(now) > rank:
        k = draw(st.integers(0, len(now) - 2))
        now = (*now[:k], now[k] * now[k + 1], *now[k + 2 :])
        steps.append(("reshape", now))
    return shape, steps


@st.composite
def regrouped(draw, shape: tuple[int, ...]):
    """Draw a shape of as many entries: two axes merged, or one split."""
    if len(shape) > 1 and draw(st.booleans()):
        k = draw(st.integers(0, len(shape) - 2))
        return (*shape[:k], shape[k] * shape[k + 1], *shape[k + 2 :])
    k = draw(st.integers(0, len(shape) - 1))
    n = draw(st.sampled_from([d for d in range(1, shape[k] + 1) if shape[k] % d == 0]))
    return (*shape[:k], n, shape[k] // n, *shape[k + 1 :])


def along(x, steps):
    for kind, what in steps:
        x = np.transpose(x, what) if kind == "transpose" else np.reshape(x, what)
    return x


@settings(max_examples=60, deadline=None)
@given(views(2), st.integers(0, 2), st.integers(0, 1), st.booleans())
def test_random_views(drawn, times, side, turned) -> None:
    """A view times a matrix, for all chains of views; and the transposed result."""
    shape, steps = drawn
    (x,) = whole(times, shape)
    seen = along(x, steps)
    seen = seen.reshape(1, -1) if seen.ndim < 2 else seen
    (w,) = whole(times + 5, (seen.shape[1 - side], 24) if side == 0 else (24, seen.shape[0]))

    def fun(a, b):
        a = along(a, steps)
        a = a.reshape(1, -1) if a.ndim < 2 else a
        y = a @ b if side == 0 else b @ a
        return y.T if turned else y

    graph = staged(fun, [x, w])
    np.testing.assert_array_equal(with_products(graph)(x, w), fun(x, w))
    np.testing.assert_array_equal(Native(graph).flat([x, w])(x, w)[0], fun(x, w))


# Sums -----------------------------------------------------------------------------------------------------------------


def test_two_products_are_added_in_one_place() -> None:
    a, b, c, d = whole(1, (T, D), (D, N), (T, D), (D, N))
    graph = staged(lambda a, b, c, d: a @ b + c @ d, [a, b, c, d])
    found = with_products(graph)
    assert [(node.prim.name, len(node.inputs)) for node in found.nodes] == [("product", 2), ("product", 3)]
    np.testing.assert_array_equal(found(a, b, c, d), a @ b + c @ d)
    native = Native(graph)
    np.testing.assert_array_equal(native.flat([a, b, c, d])(a, b, c, d)[0], a @ b + c @ d)
    assert native.arena < a.nbytes + T * N * 8  # the result alone is in memory, which is not the arena's


def test_a_product_that_is_read_again_is_not_overwritten() -> None:
    a, b, c, d = whole(1, (T, D), (D, N), (T, D), (D, N))

    def fun(a, b, c, d):
        first = a @ b
        return (first + c @ d) * first

    graph = staged(fun, [a, b, c, d])
    assert count(with_products(graph), lambda node: node.prim is add) == 1
    np.testing.assert_array_equal(Native(graph).flat([a, b, c, d])(a, b, c, d)[0], fun(a, b, c, d))


def test_what_may_be_overwritten_is_added_to() -> None:
    """A graph's own input, as loops have: only if nothing else reads it."""
    graph = staged(lambda x, a, b: x + a @ b, whole(1, (T, N), (T, D), (D, N)))
    base, *_ = graph.inputs
    assert count(with_products(graph, own=[base]), lambda node: node.prim is add) == 0
    assert count(with_products(graph), lambda node: node.prim is add) == 1
    y = graph.outputs[0]
    twice = Var(y.type)
    again = Graph(graph.inputs, [*graph.nodes, Node(multiply, (y, base), {}, (twice,))], [twice], "again")
    assert count(with_products(again, own=[base]), lambda node: node.prim is add) == 1


def test_a_value_that_is_wanted_is_not_turned() -> None:
    """What is wanted beside its transpose stays as it is."""
    a, b = whole(2, (T, D), (D, N))
    graph = stage(lambda a, b: [a @ b, (a @ b).T], [type_of(a), type_of(b)], "both")[0]
    plain, turned = Native(simplify(graph)).flat([a, b])(a, b)
    np.testing.assert_array_equal(plain, a @ b)
    np.testing.assert_array_equal(turned, (a @ b).T)

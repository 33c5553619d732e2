"""vmap: the result is that of a loop over the examples, whatever the axes, containers and transformations around it."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotConcreteError, NotDifferentiableError

A = np.arange(24.0).reshape(2, 3, 4)


@dataclass
class Pair:
    x: Any
    y: Any


class Named(NamedTuple):
    x: Any
    y: Any


# Axes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("out", [0, 1, -1, -2])
def test_every_axis(axis: int, out: int) -> None:
    fun = lambda x: np.sum(x, axis=0) * x[0, 0]
    slices = np.moveaxis(A, axis, 0)
    expected = np.moveaxis(np.stack([fun(s) for s in slices]), 0, out)
    assert np.array_equal(wg.vmap(fun, axis, out)(A), expected)
    assert np.array_equal(wg.vmap(fun, (axis,), out)(A), expected)
    assert np.array_equal(wg.vmap(fun, [axis], out)(A), expected)


def _weigh(t: Any, s: Any) -> Any:
    x, y = (t["x"], t["y"]) if isinstance(t, dict) else (t.x, t.y)
    return np.sum(x) * s + np.sum(y)


CONTAINERS = {
    "dict": (lambda x, y: {"x": x, "y": y}, {"x": 0, "y": None}),
    "dict out of order": (lambda x, y: {"y": y, "x": x}, {"x": 0, "y": None}),
    "OrderedDict": (lambda x, y: OrderedDict(y=y, x=x), OrderedDict(y=None, x=0)),
    "dataclass": (Pair, Pair(0, None)),
    "NamedTuple": (Named, Named(0, None)),
}


@pytest.mark.parametrize(("make", "axes"), CONTAINERS.values(), ids=list(CONTAINERS))
def test_axes_are_a_prefix_of_the_arguments(make: Any, axes: Any) -> None:
    x, y, s = np.arange(6.0).reshape(3, 2), np.ones(4), np.array([1.0, 2.0, 3.0])
    expected = np.sum(x, axis=1) * s + 4.0
    assert np.array_equal(wg.vmap(_weigh, (axes, 0))(make(x, y), s), expected)
    assert np.array_equal(wg.vmap(_weigh, (0, 0))(make(x, np.ones((3, 4))), s), expected)
    assert np.array_equal(wg.vmap(_weigh, (axes, None))(make(x, y), 2.0), np.sum(x, axis=1) * 2.0 + 4.0)
    result = wg.vmap(lambda s: make(s, 2.0 * s), out_axes=axes if axes is None else 0)(s)
    assert type(result) is type(make(1, 2))


def test_nested_containers() -> None:
    tree = [{"a": (np.ones((2, 3)), np.ones((3, 2)))}, np.ones((5, 2)), None]
    axes = ([{"a": (0, 1)}, -1, None],)
    found = wg.vmap(lambda t: np.sum(t[0]["a"][0]) + np.sum(t[0]["a"][1]) + np.sum(t[1]), axes)(tree)
    assert np.array_equal(found, [3.0 + 3.0 + 5.0] * 2)


def test_axes_of_results() -> None:
    def fun(x: Any) -> Any:
        return {"a": x, "b": (x * 2.0, 7.0), "none": None}

    found = wg.vmap(fun, out_axes={"a": 0, "b": (1, None), "none": None})(A[0])
    assert np.array_equal(found["a"], A[0])
    assert np.array_equal(found["b"][0], 2 * A[0].T)
    assert found["b"][1] == 7.0
    assert found["none"] is None
    found = wg.vmap(fun, out_axes={"a": 0, "b": 0, "none": 0})(A[0])
    assert np.array_equal(found["b"][1], [7.0] * 3)
    with pytest.raises(ArgumentError, match="differs from example to example"):
        wg.vmap(fun, out_axes=None)(A)


@pytest.mark.parametrize(
    ("in_axes", "args"),
    [
        (0, (1.0,)),
        (3, (A,)),
        (-4, (A,)),
        ((0, 0), (A,)),
        ((0,), (A, A)),
        (None, (A,)),
        ((None, None), (A, A)),
        ((0, 1), (A, A)),
        (0, ()),
        (({"a": 0},), ({"b": A},)),
        (({"a": 0, "b": 0},), ({"a": A},)),
        (((0, 0),), (A,)),
        (("x",), (A,)),
        ((0.0,), (A,)),
        (0, (A, "text")),
    ],
)
def test_axes_that_do_not_fit(in_axes: Any, args: Any) -> None:
    with pytest.raises(ArgumentError):
        wg.vmap(lambda *_args: 1.0, in_axes)(*args)


@pytest.mark.parametrize("out_axes", [2, -3, (0, 0), {"a": 0}, "x"])
def test_axes_of_results_that_do_not_fit(out_axes: Any) -> None:
    with pytest.raises(ArgumentError):
        wg.vmap(lambda x: x, out_axes=out_axes)(A[0])


def test_keyword_arguments_are_batched() -> None:
    assert np.array_equal(wg.vmap(lambda x, y: x * y, in_axes=(None,))(2.0, y=np.ones(3)), [2.0] * 3)


def test_unbatched_arguments_stay_what_they_are() -> None:
    seen = []

    def fun(x: Any, *rest: Any) -> Any:
        seen.extend(rest)
        return x * rest[0]

    rest = (2.0, "text", None, [np.float32(1.0)], np.sin)
    found = wg.vmap(fun, in_axes=(0, None, None, None, None, None))(np.ones(3, np.float32), *rest)
    assert found.dtype == np.float32  # a Python number adapts to its partner
    assert tuple(seen) == rest


# Results --------------------------------------------------------------------------------------------------------------


def test_unbatched_results_are_repeated_into_memory_of_their_own() -> None:
    constant = np.ones((2, 3))
    found = wg.vmap(lambda _x: (constant, 5, True, np.float32(2.0)))(np.zeros(4))
    assert found[0].shape == (4, 2, 3)
    assert found[0].flags.writeable
    found[0][0] = 0.0
    assert np.array_equal(constant, np.ones((2, 3)))
    assert np.array_equal(found[0][1], constant)
    assert np.array_equal(found[1], [5] * 4)
    assert found[3].dtype == np.float32
    assert wg.vmap(lambda _x: constant, out_axes=1)(np.zeros(4)).shape == (2, 4, 3)


def test_unbatched_results_keep_their_outer_derivative() -> None:
    assert wg.grad(lambda w: np.sum(wg.vmap(lambda _x: w * w)(np.zeros(4))))(3.0) == 24.0


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    "fun",
    [
        np.sin,
        np.sort,
        lambda x: x @ x,
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: x[np.argmax(x)],
        lambda x: np.linalg.solve(np.eye(3) + np.outer(x, x), x),
        lambda x: np.cumsum(x)[::2],
        lambda x: np.ones(2),
        lambda x: (x.sum(), x.reshape(3, 1), np.argsort(x)),
        lambda x: np.interp(x, [0.0, 1.0], [1.0, 2.0]),
        lambda x: np.fft.rfft(x),
        lambda x: np.linalg.svd(np.outer(x, x))[1],
        lambda x: np.searchsorted(np.array([0.0, 1.0]), x),
    ],
)
def test_no_example_and_one(fun: Any, size: int) -> None:
    found = wg.vmap(fun)(np.ones((size, 3)))
    single = fun(np.ones(3))
    pairs = zip(found, single, strict=True) if isinstance(single, tuple) else [(found, single)]
    for batch, one in pairs:
        assert batch.shape == (size, *np.shape(one))
        assert batch.dtype == np.result_type(one)
        if size:
            np.testing.assert_allclose(batch[0], one, rtol=1e-15, atol=1e-15)


def test_gradients_of_no_example() -> None:
    gradient = wg.vmap(wg.grad(lambda x: np.sum(x**2)))
    assert gradient(np.ones((0, 3))).shape == (0, 3)
    assert wg.grad(lambda x: np.sum(wg.vmap(np.sum)(x)))(np.ones((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64, np.int32, bool])
def test_types_are_kept(dtype: Any) -> None:
    assert wg.vmap(lambda x: x[::-1])(np.ones((2, 3), dtype)).dtype == dtype


def test_integers_and_booleans_are_batched() -> None:
    x = np.array([[3, 1, 2], [1, 2, 0]])
    found = wg.vmap(lambda row: (np.sort(row), row > 1, np.asarray(np.ones(4), like=row)[row], row % 2))(x)
    assert np.array_equal(found[0], np.sort(x))
    assert np.array_equal(found[1], x > 1)
    assert np.array_equal(found[2], np.ones((2, 3)))
    assert np.array_equal(found[3], x % 2)


def test_results_that_cannot_be_stacked_raise() -> None:
    for result in ("text", object()):
        with pytest.raises(NotDifferentiableError, match="vmap"):
            wg.vmap(lambda _x, result=result: result)(np.ones(2))


# Inside the function --------------------------------------------------------------------------------------------------


def test_branches_on_examples_raise_and_name_where() -> None:
    with pytest.raises(NotConcreteError, match=r"np\.where"):
        wg.vmap(lambda x: x if x > 0 else -x)(np.ones(2))


def test_branches_on_what_all_share() -> None:
    assert np.array_equal(wg.vmap(lambda x, c: x if c > 0 else -x, (0, None))(np.ones(2), -1.0), [-1.0, -1.0])
    assert np.array_equal(wg.vmap(lambda x: x if x.shape == (3,) else -x)(np.ones((2, 3))), np.ones((2, 3)))


def test_scalars_are_not_arrays() -> None:
    def fun(x: Any) -> Any:
        entry, total = x[0], x.sum()
        same = total
        entry += 1.0
        total *= 2.0
        return x.sum() + same + 0.0 * entry

    x = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(wg.vmap(fun)(x), [fun(row) for row in x.copy()])


def test_plain_buffers_raise() -> None:
    def fun(x: Any) -> Any:
        buffer = np.zeros(3)
        buffer[:] = x
        return buffer

    with pytest.raises(NotConcreteError, match="zeros_like"):
        wg.vmap(fun)(np.ones((2, 3)))


# Around and inside other transformations ------------------------------------------------------------------------------


def test_nested_batches() -> None:
    x, y = np.arange(3.0), np.arange(4.0)
    outer = wg.vmap(wg.vmap(lambda a, b: a * b + a, (None, 0)), (0, None))
    assert np.array_equal(outer(x, y), np.outer(x, y) + x[:, None])
    assert np.array_equal(wg.vmap(wg.vmap(wg.vmap(np.sin)))(A), np.sin(A))
    crossed = wg.vmap(wg.vmap(np.sum, in_axes=1, out_axes=0), in_axes=2, out_axes=1)
    assert np.array_equal(crossed(A), A.sum(0))
    closure = wg.vmap(lambda a: wg.vmap(lambda b: a - b)(y))(x)
    assert np.array_equal(closure, x[:, None] - y)


def test_batch_of_gradients_of_a_batch() -> None:
    w, x = np.array([[1.0, 2.0], [3.0, 4.0]]), np.arange(6.0).reshape(3, 2)

    def loss(w: Any) -> Any:
        return np.sum(wg.vmap(lambda row: np.tanh(np.dot(w, row)))(x))

    found = wg.vmap(wg.grad(loss))(w)
    for one, alone in zip(found, w, strict=True):
        exact = (1 - np.tanh(x @ alone) ** 2) @ x
        np.testing.assert_allclose(one, exact, rtol=1e-13)
    np.testing.assert_allclose(
        wg.vmap(wg.hessian(loss))(w)[1], wg.hessian(loss)(w[1]), rtol=1e-12, atol=1e-15
    )


def test_derivatives_of_a_batch_equal_those_of_a_loop() -> None:
    x = np.linspace(0.1, 1.2, 6).reshape(2, 3)
    fun = lambda r: np.exp(r) / np.sum(np.exp(r))
    batch, loop = wg.vmap(fun), lambda x: np.stack([fun(r) for r in x])
    np.testing.assert_allclose(wg.jacrev(batch)(x), wg.jacrev(loop)(x), rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(wg.jacfwd(batch)(x), wg.jacrev(loop)(x), rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(wg.vmap(wg.jacfwd(fun))(x), wg.vmap(wg.jacrev(fun))(x), rtol=1e-13, atol=1e-16)
    weights = np.array([3.0, -1.0, 2.0])
    second = wg.hessian(lambda x: np.sum(batch(x) * weights))(x)
    np.testing.assert_allclose(
        second, wg.hessian(lambda x: np.sum(loop(x) * weights))(x), rtol=1e-11, atol=1e-14
    )


def test_jvp_and_linearize_inside() -> None:
    x = np.linspace(0.1, 1.2, 4)
    y, y_dot = wg.vmap(lambda a: wg.jvp(np.sin, (a,), (2.0,)))(x)
    assert np.array_equal(y, np.sin(x))
    assert np.array_equal(y_dot, 2 * np.cos(x))
    np.testing.assert_allclose(wg.vmap(lambda a: wg.linearize(np.sin, a)[1](a))(x), np.cos(x) * x, rtol=1e-15)


def test_tangents_that_differ_at_one_point() -> None:
    x, directions = np.array([0.5, 0.7]), np.eye(2)
    columns = wg.vmap(lambda v: wg.jvp(lambda x: np.prod(x) * x, (x,), (v,))[1], out_axes=1)(directions)
    np.testing.assert_allclose(columns, wg.jacrev(lambda x: np.prod(x) * x)(x), rtol=1e-15)

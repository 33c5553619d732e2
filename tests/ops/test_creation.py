"""New arrays after a traced pattern: NumPy's values, handles that take traced values, at every nesting."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import Traced
from wengert.errors import NotConcreteError, TracerEscapedError

from .functions import check, same_error

M = np.arange(6.0).reshape(2, 3) / 7 - 0.3
V = np.array([0.4, -1.1, 0.9])


def after(write: Callable[..., Any], target: Any, *args: Any) -> Any:
    """The target after a function wrote into it."""
    write(target, *args)
    return target


def put(target: Any, index: Any, value: Any) -> Any:
    return after(operator.setitem, target, index, value)


# values and types ----------------------------------------------------------------------------------------------------

SAME = [
    lambda x: np.zeros_like(x),
    lambda x: np.ones_like(x, order="F", device="cpu"),
    lambda x: np.full_like(x, 2.5, shape=3),
    lambda x: np.full_like(x, [1.0, 2.0, 3.0]),
    lambda x: np.full_like(x, x[0], shape=(4, 3)),
    lambda x: np.zeros((2, 2), like=x),
    lambda x: np.full((2, 3), 7.0, like=x),
    lambda x: np.eye(3, k=1, like=x),
    lambda x: np.identity(2, like=x),
    lambda x: np.tri(3, 4, -1, like=x),
    lambda x: np.arange(4.0, like=x),
    lambda x: np.array([[x[0, 0], 2], [0.5, x[1, 2]]], like=x),
    lambda x: np.array(x[0], ndmin=3, like=x),
    lambda x: np.array([1.0, 2.0], like=x),
    lambda x: np.asanyarray((x[0], x[1]), like=x),
    lambda x: np.ascontiguousarray(x[0, 0], like=x),
    lambda x: np.asfortranarray(x, like=x),
    lambda x: np.fromiter((row[1] for row in x), float, like=x),
    lambda x: np.fromiter(range(5), float, 3, like=x),
    lambda x: np.fromfunction(lambda i, j: x[i, j] * i, (2, 2), dtype=int, like=x),
    lambda x: np.fromfunction(lambda i: i + 1.0, (3,), like=x),
    lambda x: np.frombuffer(np.ones(3).tobytes(), like=x),
    lambda x: np.loadtxt(["1 2", "3 4"], like=x),
    lambda x: np.genfromtxt(["1 2", "3 4"], like=x),
]

ANOTHER_TYPE = [
    lambda x: np.zeros_like(x, np.float32, shape=(4,)),
    lambda x: np.full_like(x, x[0, 0], dtype=np.float32),
    lambda x: np.ones(3, np.complex128, like=x),
    lambda x: np.full((2, 3), x[1], np.float32, like=x),
    lambda x: np.array([x, M], dtype=np.float32, like=x),
    lambda x: np.asarray([1.0, 2.0], np.float32, like=x),
    lambda x: np.asarray(x, np.float32, like=x),
    lambda x: np.require(x, np.float32, ["C", "E"], like=x),
]


@pytest.mark.parametrize("call", SAME)
def test_derivatives(call: Callable[[Any], Any]) -> None:
    check(call, M)


@pytest.mark.parametrize("call", SAME + ANOTHER_TYPE)
def test_values_and_types_are_numpys(call: Callable[[Any], Any]) -> None:
    y, y_dot = wg.jvp(call, (M,), (M,))
    np.testing.assert_array_equal(y, call(M), strict=True)
    assert (y_dot.shape, y_dot.dtype) == (y.shape, y.dtype)
    y, pull = wg.vjp(call, M)
    np.testing.assert_array_equal(y, call(M), strict=True)
    assert pull(y)[0].dtype == float


def test_empty_is_zero() -> None:
    assert not np.any(wg.jvp(np.empty_like, (M,), (M,))[0])
    assert not np.any(wg.jvp(lambda x: np.empty((50, 50), like=x), (M,), (M,))[0])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.zeros_like(x, dtype=int),
        lambda x: np.ones_like(x, dtype=bool),
        lambda x: np.zeros(3, int, like=x),
        lambda x: np.arange(4, like=x),
        lambda x: np.array([1, 2], like=x),
        lambda x: np.full_like(x, x[0, 0], dtype=int),
    ],
)
def test_integers_are_plain(call: Callable[[Any], Any]) -> None:
    def fun(x: Any) -> Any:
        y = call(x)
        assert not isinstance(y, Traced)
        np.testing.assert_array_equal(y, call(M), strict=True)
        return np.sum(x)

    wg.grad(fun)(M)
    wg.jvp(fun, (M,), (M,))


def test_integers_take_batched_ones() -> None:
    def places(x: Any) -> Any:
        found = np.zeros_like(x, dtype=int)
        found[np.argmax(x)] = np.argmin(x)
        return found

    many = np.stack([V, -V, V[::-1]])
    expected = np.stack([places(v) for v in many])
    np.testing.assert_array_equal(wg.vmap(places)(many), expected)
    inner = lambda v: wg.value_and_grad(lambda x: (np.sum(x * places(v)), places(v)), has_aux=True)(v)
    (_, found), slopes = wg.vmap(inner)(many)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(slopes, expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.zeros_like(x, shape=(-1,)),
        lambda x: np.full_like(x, x[0], shape=(2, 4)),
        lambda x: np.zeros(3, device="gpu", like=x),
        lambda x: np.asarray([x[0]], copy=False, like=x),
        lambda x: np.fromiter([x[0, 0]], float, 3, like=x),
        lambda x: np.full_like(x, 2.0, shape="a"),
    ],
)
def test_errors_are_numpys(call: Callable[[Any], Any]) -> None:
    same_error(call, M)


# writing --------------------------------------------------------------------------------------------------------------


def recurrence(x: Any) -> Any:
    y = np.zeros_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = np.sin(y[i - 1]) * x[i] + y[i - 1]
    return y


def columns(x: Any) -> Any:
    y = np.empty((len(x), 2), like=x)
    y[:, 0], y[:, 1] = x**2, np.exp(x)
    y[1] += x[0]
    y.flat[0] = x[2]
    y.T[1, 2] *= x[1]
    return y


def scattered(x: Any) -> Any:
    y = np.zeros(5, like=x)
    np.add.at(y, [0, 3, 3], x**2)
    np.multiply(y[1:4], x, out=y[1:4])
    return y


@pytest.mark.parametrize("fun", [recurrence, columns, scattered])
def test_buffers_take_traced_values(fun: Callable[[Any], Any]) -> None:
    check(fun, V)


def test_a_new_array_is_one_of_its_own() -> None:
    def fun(x: Any) -> Any:
        whole, copied, same = np.full_like(x, x), np.array(x, like=x), np.asarray(x, like=x)
        assert same is x
        whole[0], copied[1] = 7.0, 8.0
        return np.stack([x, whole, copied])

    check(fun, V)


def test_zero_dimensional() -> None:
    x = np.asarray(0.7)
    check(lambda s: np.zeros_like(s) + s, x)
    check(lambda s: np.full_like(s, s, shape=(2,)), x)
    check(lambda s: put(np.zeros_like(s), (), s**2), x)
    assert wg.grad(lambda s: np.ones_like(s) * s**2)(3.0) == 6.0


# nesting --------------------------------------------------------------------------------------------------------------


def mixed(outer: Any, inner: Any) -> Any:
    """Outer values in a buffer of the inner pattern."""
    a = np.zeros_like(inner)
    a[0], a[1:] = outer[0] ** 2, inner[1:] * outer[1:]
    return np.sum(a**2) + np.sum(np.full_like(inner, outer[2]) * inner)


def test_outer_values_in_inner_buffers() -> None:
    u = np.array([0.3, 0.8, -0.5])
    check(mixed, V, u)
    check(lambda x: wg.grad(lambda y: mixed(x, y))(x * 0.7), V)
    check(lambda x: wg.jvp(lambda y: mixed(x, y), (u,), (V,))[1], V)
    check(lambda x: wg.vmap(lambda y: mixed(x, y))(np.stack([u, V, -u])), V)
    rows = np.stack([V, u, -V])
    loop = np.stack([wg.hessian(lambda y, row=row: mixed(row, y))(u) for row in rows])
    found = wg.vmap(lambda row: wg.hessian(lambda y: mixed(row, y))(u))(rows)
    np.testing.assert_allclose(found, loop, rtol=1e-14, atol=1e-15)


def test_inner_values_in_outer_buffers() -> None:
    u = np.array([0.3, 0.8, -0.5])

    def buffered(x: Any, y: Any) -> Any:
        b = np.zeros_like(x)
        b[1], b[0] = y[2] ** 3 * x[1], x[1]
        return np.sum(np.sin(b) * y)

    def stacked(x: Any, y: Any) -> Any:
        return np.sum(np.sin(np.stack([x[1], y[2] ** 3 * x[1], 0.0])) * y)

    for outer in (wg.jacrev, wg.jacfwd, lambda f: lambda x: wg.vmap(f)(np.stack([x, -x]))):
        for inner in (wg.grad, wg.jacfwd, wg.hessian):
            of = lambda f, inner=inner: lambda x: inner(lambda y: f(x, y))(u)
            found, expected = outer(of(buffered))(V), outer(of(stacked))(V)
            np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


def test_two_batches() -> None:
    def outer_product(x: Any, y: Any) -> Any:
        out = np.zeros((3, 3), like=y)
        for i in range(3):
            out[i] = x[i] * y
        return out

    xs, ys = np.stack([V, -V]), np.stack([V, V**2, V**3])
    found = wg.vmap(lambda x: wg.vmap(lambda y: outer_product(x, y))(ys))(xs)
    np.testing.assert_array_equal(found, np.stack([[np.outer(x, y) for y in ys] for x in xs]))


def test_a_pattern_that_outlived_its_transformation() -> None:
    kept: list[Any] = []
    wg.grad(lambda x: (kept.append(x), np.sum(x))[1])(V)
    for call in (np.zeros_like, lambda x: np.zeros(3, like=x), lambda x: np.full_like(x, x)):
        with pytest.raises(TracerEscapedError):
            call(kept[0])


def test_a_table_indexed_by_batched_integers() -> None:
    table, places = np.arange(12.0).reshape(4, 3), np.array([3, 0, 3])
    with pytest.raises(NotConcreteError, match=r"np.asarray\(table, like=i\)\[i\]"):
        wg.vmap(lambda i: table[i])(places)
    with pytest.raises(NotConcreteError, match=r"np.asarray\(table, like=i\)\[i\]"):
        wg.vmap(lambda i: np.take(table, i, axis=0))(places)
    found = wg.vmap(lambda i: np.asarray(table, like=i)[i])(places)
    np.testing.assert_array_equal(found, table[places])


def test_a_plain_pattern_raises() -> None:
    with pytest.raises(NotConcreteError):
        wg.grad(lambda s: np.sum(np.full_like(V, s)))(2.0)


# out= -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x, out: np.sum(x, 0, None, out),
        lambda x, out: np.sum(x, 0, None, out, False, 2.0),
        lambda x, out: x.sum(0, None, out),
        lambda x, out: np.dot(x[:, 0], x, out),
        lambda x, out: x[:, 0].dot(x, out),
        lambda x, out: np.mean(x, 0, None, out),
        lambda x, out: np.max(x, 0, out),
        lambda x, out: x.prod(0, None, out),
        lambda x, out: np.std(x, 0, None, out, 1),
        lambda x, out: np.take(x, [0, 4, 5], None, out, "clip"),
        lambda x, out: np.concatenate([x[0, :1], x[1, 1:]], 0, out),
        lambda x, out: np.clip(x[0], -0.1, 0.1, out),
        lambda x, out: np.median(x, 0, out),
        lambda x, out: np.quantile(x, 0.3, 0, out),
        lambda x, out: np.nansum(x, 0, None, out),
        lambda x, out: np.trace(x[:, :2, None] * V, 0, 0, 1, None, out),
        lambda x, out: np.add(x[0], x[1], out),
        lambda x, out: np.choose([0, 1, 0], x, out),
    ],
)
def test_positional_out(call: Callable[[Any, Any], Any]) -> None:
    def fun(x: Any) -> Any:
        out = np.zeros_like(x, shape=3)
        assert call(x, out) is out
        return out

    check(fun, M)
    with pytest.raises(TypeError):
        wg.grad(lambda x: np.sum(call(x, np.zeros(3))))(M)


def test_positional_out_of_a_constant_may_be_plain() -> None:
    out = np.zeros((2, 3))
    wg.grad(lambda x: (np.round(x, 1, out), np.sum(x))[1])(M)
    np.testing.assert_array_equal(out, np.round(M, 1))


def test_zero_dimensional_arrays_stay_arrays() -> None:
    def fun(s: Any) -> Any:
        y, z = np.zeros_like(s), np.zeros_like(s)
        y[...], z[()] = s**2, s
        alias = y
        y += z
        return alias

    x = np.asarray(0.7)
    check(fun, x)
    assert isinstance(wg.vjp(fun, x)[0], np.ndarray)

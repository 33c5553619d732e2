"""jvp, vjp, linearize, linear_transpose, hvp, vhp."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError

X = np.array([0.3, 0.7, 1.1])


def curve(x: Any, a: Any) -> Any:
    """From R^3 x R to R^3 and R."""
    return {"v": np.sin(a * x) * x[::-1], "s": np.sum(x) * a}


def exact(x: Any, a: Any, x_dot: Any, a_dot: Any) -> Any:
    v_dot = np.cos(a * x) * (a * x_dot + a_dot * x) * x[::-1] + np.sin(a * x) * x_dot[::-1]
    return v_dot, np.sum(x_dot) * a + np.sum(x) * a_dot


# jvp, vjp, linearize are three ways to one matrix ---------------------------------------------------------------------


def test_pushes_agree(rng: np.random.Generator) -> None:
    x_dot, a_dot = rng.normal(size=3), 0.4
    v_dot, s_dot = exact(X, 2.0, x_dot, a_dot)
    y, y_dot = wg.jvp(curve, (X, 2.0), (x_dot, a_dot))
    y2, push = wg.linearize(curve, X, 2.0)
    for value in (y, y2):
        assert np.array_equal(value["v"], curve(X, 2.0)["v"])
        assert value["s"] == curve(X, 2.0)["s"]
    for tangent in (y_dot, push(x_dot, a_dot)):
        np.testing.assert_allclose(tangent["v"], v_dot, rtol=1e-14)
        assert tangent["s"] == pytest.approx(s_dot, rel=1e-14)


def test_pulls_agree(rng: np.random.Generator) -> None:
    y_bar = {"v": rng.normal(size=3), "s": 0.7}
    x_dot, a_dot = rng.normal(size=3), 0.4
    v_dot, s_dot = exact(X, 2.0, x_dot, a_dot)
    paired = np.sum(y_bar["v"] * v_dot) + y_bar["s"] * s_dot
    _, pull = wg.vjp(curve, X, 2.0)
    _, push = wg.linearize(curve, X, 2.0)
    for x_bar, a_bar in (pull(y_bar), wg.linear_transpose(push, X, 2.0)(y_bar)):
        assert np.sum(x_bar * x_dot) + a_bar * a_dot == pytest.approx(paired, rel=1e-13)


def test_maps_can_be_called_many_times() -> None:
    y, pull = wg.vjp(curve, X, 2.0)
    _, push = wg.linearize(curve, X, 2.0)
    first, first_push = pull(y), push(X, 1.0)
    for result in (y["v"], first[0], first_push["v"]):
        result[:] = np.nan  # what is handed out belongs to the caller
    y_bar = curve(X, 2.0)
    for _ in range(3):
        x_bar, a_bar = pull(y_bar)
        x_exact, a_exact = wg.vjp(curve, X, 2.0)[1](y_bar)
        assert np.array_equal(x_bar, x_exact)
        assert a_bar == a_exact
        np.testing.assert_allclose(push(X, 1.0)["v"], exact(X, 2.0, X, 1.0)[0], rtol=1e-14)


def test_the_function_runs_once() -> None:
    calls = []

    def fun(x: Any) -> Any:
        calls.append(x)
        return np.sin(x)

    _, pull = wg.vjp(fun, 0.5)
    _, push = wg.linearize(fun, 0.5)
    for _ in range(3):
        pull(1.0)
        push(1.0)
    wg.jvp(fun, (0.5,), (1.0,))
    assert len(calls) == 3
    wg.vhp(fun, (0.5,), (1.0,))
    wg.hvp(fun, (0.5,), (1.0,))
    assert len(calls) == 5


def test_maps_are_differentiable() -> None:
    _, pull = wg.vjp(np.sin, 0.5)
    _, push = wg.linearize(np.sin, 0.5)
    assert wg.grad(lambda c: pull(c)[0] ** 2)(3.0) == pytest.approx(6.0 * np.cos(0.5) ** 2, rel=1e-14)
    assert wg.grad(lambda c: push(c) ** 2)(3.0) == pytest.approx(6.0 * np.cos(0.5) ** 2, rel=1e-14)
    assert wg.grad(lambda x: wg.linearize(np.sin, x)[1](1.0))(0.5) == pytest.approx(-np.sin(0.5), rel=1e-14)
    assert np.array_equal(wg.vmap(lambda c: pull(c)[0])(np.ones(2)), np.full(2, np.cos(0.5)))
    assert np.array_equal(wg.vmap(push)(np.ones(2)), np.full(2, np.cos(0.5)))


def test_linear_transpose_of_linear_functions(rng: np.random.Generator) -> None:
    matrix, y_bar = rng.normal(size=(2, 3)), rng.normal(size=2)
    (x_bar,) = wg.linear_transpose(lambda x: matrix @ x, np.zeros(3))(y_bar)
    np.testing.assert_allclose(x_bar, matrix.T @ y_bar, rtol=1e-14)
    (x_bar,) = wg.linear_transpose(lambda x: x[1:] - 2.0 * x[:-1], np.zeros(3))(y_bar)
    np.testing.assert_allclose(x_bar, [-2 * y_bar[0], y_bar[0] - 2 * y_bar[1], y_bar[1]], rtol=1e-14)


# Results that do not move ---------------------------------------------------------------------------------------------


def test_constant_and_integer_results() -> None:
    def fun(x: Any) -> Any:
        return x * 2.0, np.ones((2, 2), np.float32), np.argmax(x), x > 0.5, 7, 1.5, np.array([1, 2])

    y, dots = wg.jvp(fun, (X,), (X,))
    for value, expected in zip(y, fun(X), strict=True):
        assert np.array_equal(value, expected)
    assert np.array_equal(dots[0], 2 * X)
    for value, dot in zip(y[1:], dots[1:], strict=True):
        assert np.shape(dot) == np.shape(value)
        assert np.all(dot == 0.0)
        assert np.result_type(dot).kind == "f"
    assert dots[1].dtype == np.float32
    _, pull = wg.vjp(fun, X)
    (x_bar,) = pull(tuple(np.ones(np.shape(v)) for v in y))
    assert np.array_equal(x_bar, np.full(3, 2.0))
    pushed = wg.linearize(fun, X)[1](X)
    assert np.array_equal(pushed[0], 2 * X)
    assert all(np.all(dot == 0.0) for dot in pushed[1:])


def test_no_results_and_no_arguments() -> None:
    assert wg.jvp(lambda _x: (), (1.0,), (1.0,)) == ((), ())
    assert wg.vjp(lambda _x: None, 1.0)[1](None) == (0.0,)
    assert wg.jvp(lambda: 3.0, (), ()) == (3.0, 0.0)
    assert wg.vjp(lambda: 3.0)[1](1.0) == ()


def test_empty_arrays() -> None:
    y, y_dot = wg.jvp(lambda x: np.sin(x), (np.zeros((0, 2)),), (np.zeros((0, 2)),))
    assert y.shape == y_dot.shape == (0, 2)
    assert wg.vjp(np.sum, np.zeros((2, 0)))[1](1.0)[0].shape == (2, 0)


def test_has_aux() -> None:
    def fun(x: Any) -> Any:
        return np.sin(x), {"twice": 2.0 * x, "s": "text"}

    y, y_dot, aux = wg.jvp(fun, (0.0,), (3.0,), has_aux=True)
    assert (y, y_dot, aux) == (0.0, 3.0, {"twice": 0.0, "s": "text"})
    y, pull, aux = wg.vjp(fun, X, has_aux=True)
    assert type(aux["twice"]) is np.ndarray
    aux["twice"][:] = np.nan
    assert np.array_equal(pull(np.ones(3))[0], np.cos(X))
    for call in (
        lambda: wg.jvp(np.sin, (0.0,), (1.0,), has_aux=True),
        lambda: wg.vjp(np.sin, 0.0, has_aux=True),
    ):
        with pytest.raises(ArgumentError, match="pair"):
            call()


# Directions -----------------------------------------------------------------------------------------------------------


def test_directions_take_the_type_of_their_value() -> None:
    x = np.ones(2, np.float32)
    for direction in (np.ones(2), np.ones(2, int), np.ones(2, bool), np.ones(2, np.float16)):
        assert wg.jvp(np.sin, (x,), (direction,))[1].dtype == np.float32
        assert wg.vjp(np.sin, x)[1](direction)[0].dtype == np.float32
    assert wg.jvp(np.sin, (1,), (1,))[1] == np.cos(1.0)


@pytest.mark.parametrize(
    ("primals", "tangents"),
    [
        ((X,), (X[:2],)),
        ((X,), (X[None],)),
        ((X,), (1.0,)),
        ((X,), (1j * X,)),
        ((X,), (X, X)),
        ((X,), ()),
        ((X,), ([X],)),
        (({"a": X},), ({"b": X},)),
        ((1.0,), (None,)),
    ],
)
def test_directions_that_do_not_fit(primals: Any, tangents: Any) -> None:
    with pytest.raises(ArgumentError, match="tangent"):
        wg.jvp(lambda *xs: 1.0, primals, tangents)
    with pytest.raises(ArgumentError, match="tangent"):
        wg.linearize(lambda *xs: 1.0, *primals)[1](*tangents)
    with pytest.raises(ArgumentError, match="cotangent"):
        wg.vjp(lambda *xs: xs, *primals)[1](tangents)


def test_primals_are_a_tuple() -> None:
    with pytest.raises(ArgumentError, match="tuple"):
        wg.jvp(np.sin, X, X)
    with pytest.raises(NotDifferentiableError):
        wg.jvp(np.sin, (np.array([1]),), (np.array([1.0]),))
    with pytest.raises(NotDifferentiableError):
        wg.vjp(np.sin, np.array([1]))


def test_complex_pairing(rng: np.random.Generator) -> None:
    z, z_dot, y_bar = (rng.normal(size=3) + 1j * rng.normal(size=3) for _ in range(3))
    for fun in (np.sin, np.conj, lambda z: np.abs(z) * z, lambda z: z.real + 2j * z.imag):
        _, y_dot = wg.jvp(fun, (z,), (z_dot,))
        _, pull = wg.vjp(fun, z)
        paired = np.sum(np.real(y_bar * y_dot))
        assert np.sum(np.real(pull(y_bar)[0] * z_dot)) == pytest.approx(paired, rel=1e-12)
        assert wg.linearize(fun, z)[1](z_dot) == pytest.approx(y_dot, rel=1e-12)


# Memory ---------------------------------------------------------------------------------------------------------------


def test_results_own_their_memory() -> None:
    x, v = X.copy(), X.copy()
    _, (a, b, c) = wg.jvp(lambda x: (x, x, np.broadcast_to(x, (2, 3))), (x,), (v,))
    y_bar = X.copy()
    _, pull = wg.vjp(lambda x: x, x)
    (d,) = pull(y_bar)
    _, push = wg.linearize(lambda x: (x, x), x)
    e, f = push(v)
    arrays = [x, v, y_bar, a, b, c, d, e, f]
    for i, first in enumerate(arrays):
        assert first.flags.writeable
        for second in arrays[:i]:
            assert not np.shares_memory(first, second)


def test_handles_of_an_outer_derivative_can_be_written_to() -> None:
    def outer(x: Any) -> Any:
        y, pull = wg.vjp(np.exp, x)
        y += 5.0  # the tape needs exp(x)
        (x_bar,) = pull(x)
        x_bar += 100.0
        x += 7.0  # and x as it was
        return np.sum(pull(np.ones(3))[0] ** 2)

    np.testing.assert_allclose(wg.grad(outer)(X), 2 * np.exp(2 * X), rtol=1e-14)


# hvp, vhp -------------------------------------------------------------------------------------------------------------


def cubic(x: Any, a: Any) -> Any:
    return np.sum(x**3) * a**2


def test_hessian_products_of_several_arguments(rng: np.random.Generator) -> None:
    v, c = rng.normal(size=3), 0.3
    value, (x_bar, a_bar) = wg.vhp(cubic, (X, 2.0), (v, c))
    gradient, (x_dot, a_dot) = wg.hvp(cubic, (X, 2.0), (v, c))
    assert value == cubic(X, 2.0)
    np.testing.assert_allclose(gradient[0], 3 * X**2 * 4.0, rtol=1e-14)
    assert gradient[1] == pytest.approx(np.sum(X**3) * 4.0, rel=1e-14)
    for x, a in ((x_bar, a_bar), (x_dot, a_dot)):
        np.testing.assert_allclose(x, 24 * X * v + 12 * X**2 * c, rtol=1e-14)
        assert a == pytest.approx(np.sum(12 * X**2 * v) + 2 * np.sum(X**3) * c, rel=1e-14)


def test_hessian_products_of_one_argument() -> None:
    fun = lambda t: t["a"] ** 2 * t["b"]
    point, v = {"a": 2.0, "b": 3.0}, {"a": 1.0, "b": 10.0}
    expected = {"a": 6.0 + 40.0, "b": 4.0}
    assert wg.hvp(fun, (point,), (v,)) == ({"a": 12.0, "b": 4.0}, expected)
    assert wg.vhp(fun, (point,), (v,)) == (12.0, expected)
    assert wg.hvp(np.sin, 0.5, 1.0) == (np.cos(0.5), -np.sin(0.5))
    assert wg.vhp(np.sin, 0.5, 2.0) == (np.sin(0.5), -2 * np.sin(0.5))
    with pytest.raises(ArgumentError):
        wg.hvp(fun, (point,), (v, v))
    with pytest.raises(ArgumentError):
        wg.vhp(fun, (point,), ({"a": 1.0},))

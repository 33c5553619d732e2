"""grad, value_and_grad, elementwise_grad: which arguments, which types, and whose memory."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError

X = np.array([1.0, 2.0, 3.0])


# Arguments ------------------------------------------------------------------------------------------------------------


def weigh(x: Any, y: Any, z: Any = 1.0) -> Any:
    return np.sum(2.0 * x + 3.0 * y + 5.0 * z)


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 2.0),
        (1, 3.0),
        (-1, 5.0),
        (-3, 2.0),
        ((0,), (2.0,)),
        ((2, 0), (5.0, 2.0)),
        ([0, 1], (2.0, 3.0)),
        ((0, -1), (2.0, 5.0)),
    ],
)
def test_argnums(argnums: Any, expected: Any) -> None:
    assert wg.grad(weigh, argnums)(1.0, 1.0, 1.0) == expected
    assert wg.grad(weigh, argnum=argnums)(1.0, 1.0, 1.0) == expected
    assert wg.value_and_grad(weigh, argnums=argnums)(1.0, 1.0, 1.0) == (10.0, expected)
    assert type(wg.grad(weigh, argnums)(1.0, 1.0, 1.0)) is type(
        expected if isinstance(expected, tuple) else np.float64()
    )


@pytest.mark.parametrize(
    "argnums", [(0, 0), (0, -3), 3, -4, (0, 3), (), "x", 1.0, True, None, (0, "x"), (True,)]
)
def test_argnums_that_do_not_fit(argnums: Any) -> None:
    with pytest.raises(ArgumentError, match="argnums"):
        wg.grad(weigh, argnums)(1.0, 1.0, 1.0)


def test_keyword_arguments_are_constants() -> None:
    assert wg.grad(weigh, (0, 1))(1.0, 1.0, z=7.0) == (2.0, 3.0)
    with pytest.raises(ArgumentError, match="positional argument"):
        wg.grad(weigh, 2)(1.0, 1.0, z=7.0)


def test_undifferentiated_arguments_may_be_anything() -> None:
    def fun(x: Any, how: str, n: int, function: Any, nothing: None) -> Any:
        assert nothing is None
        return function(x) ** n if how == "power" else x

    assert wg.grad(fun)(2.0, "power", 3, lambda x: x, None) == 12.0


def test_metadata_of_the_function_is_kept() -> None:
    for transform in (
        wg.grad,
        wg.value_and_grad,
        wg.elementwise_grad,
        wg.jacobian,
        wg.jacfwd,
        wg.jacrev,
        wg.vmap,
    ):
        assert transform(weigh).__name__ == "weigh"


def test_has_aux() -> None:
    def fun(x: Any) -> Any:
        return np.sum(x**2), {"half": x / 2.0, "name": "f", "none": None, "branch": bool(x[0] > 0)}

    expected = {"name": "f", "none": None, "branch": True}
    for gradient, aux in (wg.grad(fun, has_aux=True)(X), wg.value_and_grad(fun, has_aux=True)(X)[::-1]):
        found = dict(aux[1] if isinstance(aux, tuple) else aux)
        assert np.array_equal(gradient, 2 * X)
        half = found.pop("half")
        assert type(half) is np.ndarray
        assert np.array_equal(half, X / 2.0)
        assert found == expected


def test_aux_of_a_nested_derivative_stays_traced_outside() -> None:
    def outer(x: Any) -> Any:
        _, aux = wg.grad(lambda y: (np.sum(y**2), x * y), has_aux=True)(X)
        return np.sum(aux)

    assert np.array_equal(wg.grad(outer)(X), X)


@pytest.mark.parametrize("result", [1.0, (1.0,), (1.0, 2.0, 3.0), [1.0, 2.0]])
def test_has_aux_needs_a_pair(result: Any) -> None:
    with pytest.raises(ArgumentError, match="pair"):
        wg.grad(lambda _x: result, has_aux=True)(1.0)


# Types ----------------------------------------------------------------------------------------------------------------

INPUTS = {
    "float": (2.0, np.float64),
    "int": (2, np.float64),
    "float64": (np.float64(2.0), np.float64),
    "float32": (np.float32(2.0), np.float32),
    "float16": (np.float16(2.0), np.float16),
    "longdouble": (np.longdouble(2.0), np.longdouble),
    "0-d": (np.array(2.0), np.ndarray),
    "0-d float32": (np.array(2.0, np.float32), np.ndarray),
    "one entry": (np.array([2.0]), np.ndarray),
    "matrix float32": (np.full((2, 2), 2.0, np.float32), np.ndarray),
    "vector float16": (np.full(3, 2.0, np.float16), np.ndarray),
    "vector longdouble": (np.full(3, 2.0, np.longdouble), np.ndarray),
    "empty": (np.zeros((0, 3)), np.ndarray),
    "Fortran order": (np.asfortranarray(np.full((2, 3), 2.0)), np.ndarray),
    "strided": (np.full((4, 6), 2.0)[::2, ::3], np.ndarray),
    "big-endian": (np.full(3, 2.0, ">f8"), np.ndarray),
    "read-only": (np.broadcast_to(2.0, (2, 3)), np.ndarray),
}


@pytest.mark.parametrize(("x", "kind"), INPUTS.values(), ids=list(INPUTS))
def test_a_gradient_has_the_type_of_its_argument(x: Any, kind: Any) -> None:
    for fun in (lambda x: np.sum(x**2), lambda x: np.sum(x * x), lambda x: np.sum(np.square(x[...]))):
        for found in (wg.grad(fun)(x), wg.vjp(fun, x)[1](np.ones((), np.result_type(x, np.float16))[()])[0]):
            assert type(found) is kind
            assert np.shape(found) == np.shape(x)
            assert np.result_type(found) == np.result_type(np.float64 if isinstance(x, int | float) else x)
            assert np.all(found == 4.0)


@pytest.mark.parametrize(("x", "kind"), INPUTS.values(), ids=list(INPUTS))
def test_a_zero_gradient_has_the_type_of_its_argument(x: Any, kind: Any) -> None:
    for fun in (
        lambda _x: 1.0,
        lambda _x: np.ones(1),
        lambda x: np.sum(np.floor(x)) * 1.0,
        lambda x: np.sum(wg.stop_gradient(x)),
    ):
        found = wg.grad(fun)(x)
        assert type(found) is kind
        assert np.shape(found) == np.shape(x)
        assert np.all(found == 0.0)
        if isinstance(found, np.ndarray):
            assert found.flags.writeable


@pytest.mark.parametrize(
    "x",
    [
        np.array([1, 2]),
        np.array([True]),
        np.int64(3),
        np.bool_(True),
        True,
        "x",
        b"x",
        object(),
        np.array(["a"]),
        np.array([None]),
        3 * [{1}],
    ],
    ids=lambda x: type(x).__name__,
)
def test_inputs_without_derivative_raise(x: Any) -> None:
    with pytest.raises(NotDifferentiableError, match="argument 0"):
        wg.grad(lambda x: 1.0)(x)


def test_the_place_of_an_input_without_derivative_is_named() -> None:
    with pytest.raises(NotDifferentiableError, match=r"argument 1\['w'\]\[0\]"):
        wg.grad(lambda _a, t: np.sum(t["b"]), argnums=1)(1.0, {"w": [np.array([1])], "b": 1.0})


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: x,
        lambda x: x > 0,
        lambda x: 1j * np.sum(x),
        lambda _x: "y",
        lambda _x: None,
        lambda x: [x[0]],
        lambda x: (x[0], x[1]),
        lambda _x: 1,
        lambda x: x[:0],
    ],
)
def test_outputs_without_gradient_raise(fun: Any) -> None:
    with pytest.raises(NotDifferentiableError):
        wg.grad(fun)(X)


@pytest.mark.parametrize("fun", [lambda x: x[:1], lambda x: x[:1, None], lambda x: x[0], lambda x: x[0, ...]])
def test_outputs_of_size_one(fun: Any) -> None:
    value, gradient = wg.value_and_grad(fun)(X)
    assert np.shape(value) == np.shape(fun(X))
    assert np.array_equal(gradient, [1.0, 0.0, 0.0])


def test_unused_arguments_have_zero_gradients() -> None:
    assert wg.grad(lambda x, y, z: x * 1.0, (0, 1, 2))(1.0, np.float32(2.0), 3.0) == (1.0, 0.0, 0.0)
    a, b = wg.grad(lambda x, y: np.sum(x), (0, 1))(X, np.ones((2, 2), np.float32))
    assert b.shape == (2, 2)
    assert b.dtype == np.float32
    assert np.array_equal(a, np.ones(3))


# Complex --------------------------------------------------------------------------------------------------------------


def test_the_convention_for_complex_arguments() -> None:
    z = 1.0 + 2.0j
    f = lambda z: np.abs(z) ** 2 + 3.0 * np.real(z) + 5.0 * np.imag(z)
    assert wg.grad(f)(z) == pytest.approx((2.0 + 3.0) - 1j * (4.0 + 5.0))  # df/dx - i df/dy
    assert wg.grad(f, conj=True)(z) == pytest.approx((2.0 + 3.0) + 1j * (4.0 + 5.0))
    assert wg.value_and_grad(f, conj=True)(z)[1] == pytest.approx(5.0 + 9.0j)
    assert type(wg.grad(f)(z)) is np.complex128
    assert type(wg.grad(f)(np.complex64(z))) is np.complex64


def test_steepest_ascent_rises() -> None:
    z, f = np.array([1.0 + 2.0j, -0.5j]), lambda z: np.sum(np.abs(np.sin(z)) ** 2)
    ascent = wg.grad(f, conj=True)(z)
    rise = (f(z + 1e-6 * ascent) - f(z - 1e-6 * ascent)) / 2e-6
    assert rise == pytest.approx(np.sum(np.abs(ascent) ** 2), rel=1e-9)


def test_holomorphic() -> None:
    z = np.array([0.3 + 0.4j, -1.0j])
    found = wg.grad(lambda z: np.sum(np.exp(z) * z), holomorphic=True)(z)
    np.testing.assert_allclose(found, np.exp(z) * (1 + z), rtol=1e-14)
    found = wg.grad(lambda z: np.prod(z), holomorphic=True, conj=True)(z)
    np.testing.assert_allclose(found, np.conj(z[::-1]), rtol=1e-14)
    with pytest.raises(NotDifferentiableError, match="holomorphic"):
        wg.grad(lambda z: np.sum(z))(z)


def test_real_arguments_of_complex_functions_have_real_gradients() -> None:
    gradient = wg.grad(lambda x: np.abs(np.sum(np.exp(1j * x))))(X)
    assert gradient.dtype == np.float64
    total = np.sum(np.exp(1j * X))
    np.testing.assert_allclose(
        gradient, np.real(np.conj(total) * 1j * np.exp(1j * X)) / np.abs(total), rtol=1e-14, atol=1e-15
    )


# Memory ---------------------------------------------------------------------------------------------------------------

SHARING = {
    "sum of both": lambda x, y: np.sum(x + y),
    "difference": lambda x, y: np.sum(x - y),
    "sum": lambda x, y: np.sum(x) + np.sum(y),
    "mean": lambda x, y: np.mean(x) + np.mean(y),
    "dot with each other": lambda x, y: np.dot(x, y),
    "einsum": lambda x, y: np.einsum("i,i->", x, y),
    "transpose": lambda x, y: np.sum(np.stack([x, y]).T * 2.0),
    "concatenate": lambda x, y: np.sum(np.concatenate([x, y])[::-1]),
    "broadcast": lambda x, y: np.sum(np.broadcast_to(x, (4, 3)) + np.broadcast_to(y, (4, 3))),
    "maximum": lambda x, y: np.sum(np.maximum(x, y)),
    "where": lambda x, y: np.sum(np.where([True, False, True], x, y)),
    "unused": lambda x, y: np.sum(x),
    "in place": lambda x, y: np.sum(np.add(x, y, out=x)) + np.sum(y),
}


@pytest.mark.parametrize("fun", SHARING.values(), ids=list(SHARING))
def test_gradients_own_their_memory(fun: Any) -> None:
    x, y = X.copy(), X[::-1].copy()
    y_bar = np.float64(1.0)
    _, pull = wg.vjp(fun, x, y)
    results = [
        *wg.grad(fun, (0, 1))(x, y),
        *pull(y_bar),
        *pull(y_bar),
        *wg.jacrev(fun, (0, 1))(x, y),
        *wg.jacfwd(fun, (0, 1))(x, y),
    ]
    arrays = [x, y, *results]
    for i, a in enumerate(arrays):
        assert a.flags.writeable
        for b in arrays[:i]:
            assert not np.shares_memory(a, b)
    for result in results:
        np.add(result, 1e6, out=result)
    assert np.array_equal(x, X)
    assert np.array_equal(y, X[::-1])
    for first, again in zip(wg.grad(fun, (0, 1))(x, y), pull(y_bar), strict=True):
        assert np.array_equal(first, again)


def test_the_same_array_in_two_arguments() -> None:
    x = X.copy()
    a, b = wg.grad(lambda x, y: np.sum(x * y**2), (0, 1))(x, x)
    assert np.array_equal(a, X**2)
    assert np.array_equal(b, 2 * X**2)
    both = wg.grad(lambda t: np.sum(t[0] * t[1]))((x, x))
    both[0][:] = 0.0
    assert np.array_equal(both[1], X)


def test_a_rule_that_returns_the_users_array() -> None:
    f = wg.custom_derivative(np.sum).defvjp(lambda x: (np.sum(x), x), lambda x, _g: (x,))
    x = X.copy()
    gradient = wg.grad(f)(x)
    gradient[:] = 0.0
    assert np.array_equal(x, X)


def test_user_arrays_are_untouched_by_in_place_programs() -> None:
    def fun(x: Any, y: Any) -> Any:
        x += y
        x[0] = 0.0
        np.multiply(x, 2.0, out=x)
        y[:] = x
        return np.sum(x * y)

    x, y = X.copy(), X.copy()
    wg.grad(fun, (0, 1))(x, y)
    wg.jacfwd(fun, (0, 1))(x, y)
    assert np.array_equal(x, X)
    assert np.array_equal(y, X)


def test_gradients_inside_a_derivative_have_handles_of_their_own() -> None:
    def outer(x: Any) -> Any:
        a, b = wg.grad(lambda u, v: np.sum((u + v) ** 2), (0, 1))(x, x)
        a += 100.0
        return np.sum(b)

    assert np.array_equal(wg.grad(outer)(X), np.full(3, 4.0))


# elementwise_grad -----------------------------------------------------------------------------------------------------


def test_elementwise_grad() -> None:
    x = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
    np.testing.assert_allclose(wg.elementwise_grad(np.tanh)(x), 1 - np.tanh(x) ** 2, rtol=1e-15)
    third = wg.elementwise_grad(wg.elementwise_grad(wg.elementwise_grad(np.sin)))
    np.testing.assert_allclose(third(x), -np.cos(x), rtol=1e-15)
    assert wg.elementwise_grad(np.sin)(0.0) == 1.0
    assert np.array_equal(wg.elementwise_grad(lambda a, x: a * x, 1)(3.0, x), np.full((2, 3), 3.0))
    assert wg.elementwise_grad(np.sin)(x.astype(np.float32)).dtype == np.float32
    assert np.array_equal(wg.elementwise_grad(lambda x: np.ones_like(x))(x), np.zeros((2, 3)))
    with pytest.raises(ArgumentError, match="shape"):
        wg.elementwise_grad(np.sum)(x)


def test_elementwise_grad_needs_one_array() -> None:
    with pytest.raises(ArgumentError, match="2 arrays"):
        wg.elementwise_grad(lambda t: t[0])((1.0, 2.0))
    with pytest.raises(NotDifferentiableError):
        wg.elementwise_grad(lambda _x: "y")(X)

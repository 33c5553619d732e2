"""Arrays of Python objects with traced entries: recovered where they meet Wengert, or found; never a wrong number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.core.dispatch import Traced
from wengert.errors import NotDifferentiableError, RefusedError, WengertError

V = np.array([0.7, -1.3, 2.1])


def objects(*entries: Any) -> Any:
    """An array of Python objects, as a program makes it that knows nothing of Wengert."""
    out = np.empty(len(entries), object)
    for i, entry in enumerate(entries):
        out[i] = entry
    return out


def pair(x: Any) -> Any:
    return objects(x[0] * x[1], 2.0, x[2])


MEETINGS: dict[str, Callable[[Any], Any]] = {
    "objects * t": lambda x: np.sum(pair(x) * x),
    "np.multiply(objects, t)": lambda x: np.sum(np.multiply(pair(x), x)),
    "np.multiply(t, objects)": lambda x: np.sum(np.multiply(x, pair(x))),
    "np.dot": lambda x: np.dot(wnp.array(pair(x)), x),
    "objects ** 2 on their own": lambda x: np.sum(pair(x) ** 2),
    "objects of NumPy": lambda x: np.sum(np.array([x[0] * x[1], 2.0, x[2]], dtype=object) * x),
    "objects of a vector": lambda x: np.sum(np.array(x, dtype=object) * x),
    "wengert.numpy.array": lambda x: np.sum(wnp.array(pair(x)) ** 3),
    "wengert.numpy.asarray": lambda x: np.prod(wnp.asarray(pair(x))),
    "write into a held array": lambda x: np.sum(_filled(x) * x),
    "matrix": lambda x: np.sum(wnp.array(np.array([[x[0], 1], [x[1], x[2]]], dtype=object)) ** 2),
    "frompyfunc": lambda x: np.sum(np.frompyfunc(lambda v: v * v, 1, 1)(pair(x)) * x),
}


def _filled(x: Any) -> Any:
    out = wnp.zeros(3)
    out[:] = pair(x)
    return out


@pytest.mark.parametrize("name", MEETINGS)
def test_objects_are_recovered(name: str) -> None:
    fun = MEETINGS[name]
    h = 1e-20
    exact = (
        [np.imag(fun(V + 1j * h * np.eye(3)[i])) / h for i in range(3)]
        if name != "write into a held array"
        else None
    )
    gradient = wg.grad(fun)(V)
    value, derivative = wg.jvp(fun, (V,), (V,))
    np.testing.assert_allclose(float(value), float(fun(V)), rtol=1e-15)
    np.testing.assert_allclose(derivative, V @ gradient, rtol=1e-14)
    if exact is not None:
        np.testing.assert_allclose(gradient, np.asarray(exact, float), rtol=1e-14)
    np.testing.assert_allclose(wg.vmap(fun)(np.stack([V, V + 1]))[0], float(fun(V)), rtol=1e-14)


def test_a_result_of_objects_is_recovered() -> None:
    y, y_dot = wg.jvp(pair, (V,), (V,))
    assert y.dtype == y_dot.dtype == np.float64
    np.testing.assert_allclose(y_dot, [2 * V[0] * V[1], 0.0, V[2]])
    np.testing.assert_allclose(wg.jacrev(pair)(V), [[V[1], V[0], 0], [0, 0, 0], [0, 0, 1]])
    assert wg.vmap(pair)(np.stack([V, V])).shape == (2, 3)


def test_an_argument_of_objects_is_recovered() -> None:
    def fun(x: Any) -> Any:
        return np.sum(wg.grad(lambda y: np.sum(y**3))(pair(x)))

    np.testing.assert_allclose(
        wg.grad(fun)(V), [6 * V[0] * V[1] ** 2, 6 * V[0] ** 2 * V[1], 6 * V[2]], rtol=1e-14
    )


BEFORE = (lambda x: x * pair(x), lambda x: (2.0 - x + pair(x)) * 3.0, lambda x: (x @ x) / pair(x)[::2])


@pytest.mark.parametrize("fun", BEFORE)
def test_a_tracer_before_objects(fun: Any) -> None:
    """The tape's shortest way of an operator looks at types only: what comes of it in reverse mode is found."""
    h = 1e-20
    exact = np.asarray([np.imag(v) for v in fun(V + 1j * h * V)]) / h
    np.testing.assert_allclose(wg.jvp(fun, (V,), (V,))[1], exact, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(wg.vmap(fun)(np.stack([V, V]))[1], fun(V).astype(float), rtol=1e-15)
    for run in (lambda f: wg.jacrev(f)(V), lambda f: wg.grad(lambda x: np.sum(f(x)))(V)):
        with pytest.raises(NotDifferentiableError) as caught:
            run(fun)
        assert "wengert.numpy.array" in caught.value.instead


@pytest.mark.parametrize("fun", BEFORE)
def test_a_variable_before_objects(fun: Any) -> None:
    x = wg.Variable(V)
    y = np.sum(fun(x))
    y.backward()
    np.testing.assert_allclose(x.grad, wg.jacfwd(lambda t: np.sum(fun(t)))(V), rtol=1e-14)


def test_objects_that_are_no_numbers_are_refused() -> None:
    for entries in ([None], ["a"], [np.ones(2)], [[1.0]]):
        with pytest.raises(RefusedError) as caught:
            wg.grad(lambda x, e=entries: np.sum(objects(x[0], *e, 1.0) * x))(V)
        assert caught.value.why
        assert caught.value.instead
    with pytest.raises(NotDifferentiableError):
        wg.jvp(lambda x: objects(1.0, 2.0), (V,), (V,))


MADE_BY_NUMPY: dict[str, Callable[[Any], Any]] = {
    "np.array": lambda x: np.array([x[0] * x[1], x[2]]) ** 2 @ np.array([x[1], 2.0]),
    "np.array nested": lambda x: np.array([[x[0], 1.0], [2.0, x[1]]]) @ np.array([x[2], x[0]]),
    "np.array beside a tracer": lambda x: np.array([[x[0], 1.0, 0], [2.0, x[1], 3]]) @ x,
    "np.array of a 0-d array": lambda x: np.array([np.exp(x[0]), np.prod(x)])[::-1] * x[1:],
    "np.array returned": lambda x: np.array([x[0] * x[1], x[2], 1.0]),
    "np.asarray": lambda x: np.asarray(x[0] * x[1]) * x,
    "np.sum of a list": lambda x: np.sum([x[0] * x[1], x[2]]),
    "np.sum of lists": lambda x: np.sum([[x[0], 1.0], [x[1], x[0] * x[2]]], axis=0),
    "np.prod of a list": lambda x: np.prod([x[0], 3.0, x[1]]),
    "np.dot of lists": lambda x: np.dot([x[0], x[1]], [x[1], x[2]]),
    "np.cumsum of a list": lambda x: np.cumsum([x[0], x[1], x[2] * x[0]]),
    "np.full": lambda x: np.full((2, 3), x[0]) * x,
    "np.r_": lambda x: np.r_[x[0], 2.0, x[1]] ** 2,
    "np.linspace": lambda x: np.linspace(0.0, x[0], 4),
    "np.stack of lists": lambda x: np.stack([[x[0], x[1]], [1.0, x[2]]])[:, 0] * x[1],
    "np.diff": lambda x: np.diff(np.array([x[0], x[1] * x[2], x[1]])),
    "np.trace": lambda x: np.trace(np.array([[x[0], x[1]], [1.0, x[0] * x[2]]])),
    "ufuncs by method": lambda x: np.sqrt(np.exp(np.sin([x[0], x[1]])) + np.tanh(np.array([x[2], x[0]]))),
    "into a held array": lambda x: _copied_from_list(x),
}


def _copied_from_list(x: Any) -> Any:
    out = np.zeros(2, like=x) if isinstance(x, Traced) else np.zeros(2, x.dtype)
    out[:] = np.array([x[0] * x[1], x[2]])
    return out * out


@pytest.mark.parametrize("name", MADE_BY_NUMPY)
def test_what_numpy_makes_of_tracers_is_recovered(name: str) -> None:
    fun = MADE_BY_NUMPY[name]
    h = 1e-20
    exact = np.stack([np.imag(np.asarray(fun(V + 1j * h * e), complex)) / h for e in np.eye(3)], axis=-1)
    np.testing.assert_allclose(
        wg.jvp(fun, (V,), (V,))[0], fun(V), rtol=1e-15
    )  # objects are added in another order
    np.testing.assert_allclose(wg.jacfwd(fun)(V), exact, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(wg.jacrev(fun)(V), exact, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(wg.vmap(wg.jacrev(fun))(np.stack([V, V]))[1], exact, rtol=1e-14, atol=1e-14)
    second = wg.jacfwd(wg.jacrev(fun))(V)
    np.testing.assert_allclose(wg.jacrev(wg.jacfwd(fun))(V), second, rtol=1e-12, atol=1e-13)
    d = 1e-5 * V
    steps = (wg.jacrev(fun)(V + d) - wg.jacrev(fun)(V - d)) / 2e-5
    np.testing.assert_allclose(second @ V, steps, rtol=1e-8, atol=1e-8)


REAL = (
    lambda x: np.arctan2([x[0], x[1]], np.hypot(np.array([x[1], x[2]]), 2.0)),
    lambda x: np.linalg.norm(np.array([x[0], x[1]])),
    lambda x: np.abs(np.array([x[0], x[1]])) + np.maximum(np.array([x[0], x[1]]), 0.1),
    lambda x: np.sort(np.array([x[0], x[1], x[2]])) * np.array([x[1], 1.0, 2.0]),
)


@pytest.mark.parametrize("fun", REAL)
def test_functions_of_real_numbers_take_recovered_arrays(fun: Any) -> None:
    h = 1e-5
    steps = np.stack([(fun(V + h * e) - fun(V - h * e)) / (2 * h) for e in np.eye(3)], axis=-1)
    for jacobian in (wg.jacfwd(fun)(V), wg.jacrev(fun)(V)):
        np.testing.assert_allclose(jacobian, steps, rtol=1e-8, atol=1e-9)


PLAIN: dict[str, Callable[[Any], Any]] = {
    "np.array of rows": lambda x: np.array([x, x]),
    "np.array of floats": lambda x: np.array([x[0], x[1]], dtype=float),
    "np.asarray of a vector": np.asarray,
    "astype": lambda x: np.array([x[0], x[1]]).astype(float),
    "np.mean of a list": lambda x: np.mean([x[0], x[1]]),
    "complex": lambda x: np.array([x[0] * 1j, x[1]]),
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_must_become_plain_numbers_raises(name: str) -> None:
    """NumPy takes the imaginary part of objects for 0, so that complex ones would lie."""
    with pytest.raises((WengertError, ValueError)) as caught:
        wg.jvp(PLAIN[name], (V,), (V,))
    error = caught.value if isinstance(caught.value, WengertError) else caught.value.__cause__
    assert isinstance(error, WengertError)
    assert "wengert.numpy.array" in error.instead


def test_lists_beside_tracers_become_arrays() -> None:
    def fun(x: Any) -> Any:
        a = np.concatenate([x, [x[0] * x[1], 1.0]])
        b = np.add(x, [x[1], x[0], 2.0]) * [1.0, x[2], x[0]]
        return np.sum(a**2) + np.dot([x[0], 1.0, x[1]], b)

    def by_parts(x: Any) -> Any:
        a = np.array([*x, x[0] * x[1], 1.0])
        b = (x + np.array([x[1], x[0], 2.0])) * np.array([1.0, x[2], x[0]])
        return np.sum(a**2) + np.array([x[0], 1.0, x[1]]) @ b

    h = 1e-20
    exact = [by_parts(V + 1j * h * e).imag / h for e in np.eye(3)]
    np.testing.assert_allclose(wg.grad(fun)(V), exact, rtol=1e-14)


def test_a_list_may_hold_values_of_an_inner_transformation() -> None:
    def fun(x: Any) -> Any:
        return wg.grad(lambda y: np.sum(np.add(np.array([1.0, x], like=x), [y * x, y * y])))(3.0)  # x + 2 y

    assert wg.grad(fun)(2.0) == 1.0

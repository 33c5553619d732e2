"""linspace, logspace, geomspace and arange between traced ends: NumPy's numbers to the last bit, and derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import NotConcreteError

from .functions import check, same_error

A, B = np.array([0.3, 1.7]), np.array([[2.0, 5.0], [0.9, 3.3]])

SPACES = [
    (lambda a, b: np.linspace(a, b), 0.3, 1.9),
    (lambda a, b: np.linspace(a, b, 7, endpoint=False), 0.3, -1.9),
    (lambda a, b: np.linspace(a, b, 5, retstep=True), A, B),
    (lambda a, b: np.linspace(a, b, 5, axis=-1), A, B),
    (lambda a, b: np.linspace(a, b, 5, axis=1), A, B),
    (lambda a, b: np.linspace(a, b, 1), A, B),
    (lambda a, b: np.linspace(a, b, 0), 0.3, 1.9),
    (lambda a, b: np.linspace(a, [b, 2.0], 4), 0.3, 1.9),
    (lambda a, b: np.linspace(0, b, 4) + a, 0.3, 1.9),
    (lambda a, b: np.linspace(a, 3, 4) + b, 0.3, 1.9),
    (lambda a, b: np.logspace(a, b, 5), 0.3, 1.9),
    (lambda a, b: np.logspace(0.5, a, 5, base=b), 0.3, 1.9),
    (lambda a, b: np.logspace(a, 2.0, 5, base=b, axis=-1), A, B),
    (lambda a, b: np.geomspace(a, b, 5), 0.3, 19.0),
    (lambda a, b: np.geomspace(-a, -b, 5, endpoint=False), 0.3, 1.9),
    (lambda a, b: np.geomspace(a, b, 4, axis=1), A, B),
    (lambda a, b: np.geomspace(a, b, 1), A, B),
    (lambda a, b: np.geomspace(2, b, 3) * a, 0.3, 1.9),
]


@pytest.mark.parametrize(("call", "a", "b"), SPACES)
def test_spaces(call: Callable[..., Any], a: Any, b: Any) -> None:
    check(call, a, b)
    ys, expected = wg.jvp(call, (a, b), (a, b))[0], call(a, b)
    for y, reference in zip(*[z if isinstance(z, tuple) else (z,) for z in (ys, expected)], strict=True):
        np.testing.assert_array_equal(y, reference, strict=True)


def test_single_precision_ends() -> None:
    start = np.float32(0.5)
    for function in (np.linspace, np.geomspace, np.logspace):
        for options in ({}, {"dtype": np.float32}, {"dtype": np.float64}):
            call = lambda a, f=function, options=options: f(a, 2, 3, **options)
            y, y_dot = wg.jvp(call, (start,), (start,))
            np.testing.assert_array_equal(y, call(start), strict=True)
            assert y_dot.dtype == y.dtype


def test_integer_results_are_plain() -> None:
    def fun(s: Any) -> Any:
        np.testing.assert_array_equal(
            np.linspace(s, 5.0, 4, dtype=int), np.linspace(0.6, 5.0, 4, dtype=int), strict=True
        )
        return s

    wg.grad(fun)(0.6)


def test_a_step_that_underflows() -> None:
    tiny = np.nextafter(0.0, 1.0) * 3
    for call in (
        lambda s: np.linspace(0.0, s, 10),
        lambda s: np.linspace([0.0, 1.0], np.stack([s, 2.0]), 10),
    ):
        y, y_dot = wg.jvp(call, (tiny,), (1.0,))
        np.testing.assert_array_equal(y, call(tiny))
        np.testing.assert_allclose(
            y_dot[:, 0] if y_dot.ndim == 2 else y_dot, np.linspace(0.0, 1.0, 10), rtol=1e-15
        )


def test_a_complex_geometric_sequence_is_holomorphic() -> None:
    # y_k = a (b / a)^(k / 3), so dy_k / da = (1 - k / 3) y_k / a and dy_k / db = (k / 3) y_k / b.
    a, b, k = 0.6 + 0.8j, -1.3 + 0.4j, np.arange(4) / 3
    y, a_dot = wg.jvp(lambda z: np.geomspace(z, b, 4), (a,), (1.0 + 0.5j,))
    np.testing.assert_array_equal(y, np.geomspace(a, b, 4))
    np.testing.assert_allclose(a_dot, (1.0 + 0.5j) * (1 - k) * y / a, rtol=1e-14, atol=1e-14)
    _, b_dot = wg.jvp(lambda z: np.geomspace(a, z, 4), (b,), (1.0 + 0.5j,))
    np.testing.assert_allclose(b_dot, (1.0 + 0.5j) * k * y / b, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda s: np.linspace(s, 1.0, -1),
        lambda s: np.linspace(s, 1.0, 2.5),
        lambda s: np.geomspace(s - s, 1.0),
        lambda s: np.linspace(s, 1.0, 3, axis=4),
    ],
)
def test_errors_are_numpys(call: Callable[[Any], Any]) -> None:
    same_error(call, 0.5)


ARANGES = [
    lambda x: np.arange(x[0], like=x),
    lambda x: np.arange(x[1], x[0], like=x),
    lambda x: np.arange(x[1], x[0], x[2], like=x),
    lambda x: np.arange(x[0], x[1], -x[2], like=x),
    lambda x: np.arange(x[0], x[1], x[2], like=x),
    lambda x: np.arange(x[1], 3.1, x[2], dtype=np.float32, like=x),
]


@pytest.mark.parametrize("call", ARANGES)
def test_arange(call: Callable[[Any], Any]) -> None:
    x, x_dot = np.array([3.3, 0.2, 0.7]), np.array([0.1, -0.3, 0.2])
    y, y_dot = wg.jvp(call, (x,), (x_dot,))
    np.testing.assert_array_equal(y, call(x), strict=True)
    h = 2.0**-20
    if y.dtype == float:  # differences of linear functions are exact up to rounding, 2 eps |y| / h
        np.testing.assert_allclose(y_dot, (call(x + h * x_dot) - call(x - h * x_dot)) / (2 * h), atol=1e-8)
    gradient = wg.grad(lambda x: np.sum(call(x) * np.arange(1.0, 1 + len(y))))(x)
    np.testing.assert_allclose(gradient @ x_dot, y_dot @ np.arange(1.0, 1 + len(y)), rtol=1e-5)
    if len(y):
        with pytest.raises(NotConcreteError):
            wg.vmap(call)(np.stack([x, 2 * x]))


def test_arange_of_integers() -> None:
    def fun(x: Any) -> Any:
        np.testing.assert_array_equal(
            np.arange(x[0], dtype=int, like=x), np.arange(3.3, dtype=int), strict=True
        )
        return np.sum(x)

    wg.grad(fun)(np.array([3.3]))

"""Running sums and products, recurrences and differences."""

import numpy as np
import pytest

import wengert as wg
from wengert.ops.scans import recurrence_

from .functions import check, same_error

CASES = {
    "cumsum": (np.cumsum, (2, 3)),
    "cumsum axis": (lambda x: np.cumsum(x, axis=-1), (2, 3)),
    "cumsum method": (lambda x: x.cumsum(0), (2, 3)),
    "cumsum scalar": (np.cumsum, ()),
    "cumsum nothing": (lambda x: np.cumsum(x, axis=0), (0, 2)),
    "cumprod": (np.cumprod, (2, 3)),
    "cumprod axis": (lambda x: np.cumprod(x, axis=1), (2, 3)),
    "cumprod nothing": (np.cumprod, (0,)),
    "cumulative_sum": (np.cumulative_sum, (4,)),
    "cumulative_sum initial": (lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (2, 3)),
    "cumulative_prod": (lambda x: np.cumulative_prod(x, axis=0), (2, 3)),
    "cumulative_prod initial": (lambda x: np.cumulative_prod(x, axis=-1, include_initial=True), (2, 3)),
    "add.accumulate": (np.add.accumulate, (2, 3)),
    "multiply.accumulate": (lambda x: np.multiply.accumulate(x, axis=1), (2, 3)),
    "diff": (np.diff, (2, 4)),
    "diff twice": (lambda x: np.diff(x, n=2, axis=0), (4, 2)),
    "diff none": (lambda x: np.diff(x, n=0), (4,)),
    "diff ends": (lambda x: np.diff(x, prepend=0.5, append=[1.0, 2.0]), (3,)),
    "diff planes": (lambda x: np.diff(x, axis=0, prepend=0.5, append=x[:1]), (3, 2)),
    "ediff1d": (np.ediff1d, (2, 3)),
    "ediff1d ends": (lambda x: np.ediff1d(x, to_end=[1.0, 2.0], to_begin=x[0]), (4,)),
}


@pytest.mark.parametrize("name", CASES)
def test_scan(name: str, rng: np.random.Generator) -> None:
    fun, shape = CASES[name]
    check(fun, rng.normal(size=shape))


@pytest.mark.parametrize(
    ("fun", "shape"),
    [
        (lambda x: np.cumsum(x, axis=2), (2, 3)),
        (np.cumulative_sum, (2, 3)),
        (lambda x: np.diff(x, n=-1), (3,)),
        (np.diff, ()),
        (lambda x: np.ediff1d(x, to_end=1j), (3,)),
    ],
)
def test_errors_are_those_of_numpy(fun: object, shape: tuple, rng: np.random.Generator) -> None:
    same_error(fun, rng.normal(size=shape))


ZEROS = [[2.0, 0.0, 3.0, 4.0], [0.0, 2.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 0.0]]


def _jacobian(x: list) -> np.ndarray:
    """d(x_0 ... x_i)/dx_j by the definition: the product of the others."""
    n = len(x)
    return np.array(
        [[np.prod(np.delete(x[: i + 1], j)) if j <= i else 0.0 for j in range(n)] for i in range(n)]
    )


@pytest.mark.parametrize("x", ZEROS)
def test_running_product_with_zeros(x: list) -> None:
    for jacobian in (wg.jacfwd, wg.jacrev):
        np.testing.assert_array_equal(jacobian(np.cumprod)(np.array(x)), _jacobian(x))


def test_gradient_of_the_sum_of_running_products() -> None:
    gradient = wg.grad(lambda x: np.sum(np.cumprod(x)))(np.array([2.0, 0.0, 3.0, 4.0]))
    np.testing.assert_array_equal(gradient, [1.0, 32.0, 0.0, 0.0])


@pytest.mark.parametrize("x", ZEROS)
@pytest.mark.parametrize("outer", [wg.jacfwd, wg.jacrev])
@pytest.mark.parametrize("inner", [wg.jacfwd, wg.jacrev])
def test_second_derivatives_of_a_running_product_with_zeros(x: list, outer: object, inner: object) -> None:
    expected = np.zeros((4, 4, 4))
    for i in range(4):
        for j in range(i + 1):
            for k in range(i + 1):
                if j != k:
                    expected[i, j, k] = np.prod(np.delete(x[: i + 1], [j, k]))
    np.testing.assert_array_equal(outer(inner(np.cumprod))(np.array(x)), expected)


def test_an_overflow_that_nobody_looks_at_does_no_harm() -> None:
    with np.errstate(over="ignore"):
        gradient = wg.grad(lambda x: np.cumprod(x)[0])(np.full(100, 1e200))
    np.testing.assert_array_equal(gradient, np.eye(100)[0])


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 50, 1000, 1025])
@pytest.mark.parametrize("reverse", [False, True])
def test_long_recurrences_are_the_loop(n: int, reverse: bool, rng: np.random.Generator) -> None:
    a, b = rng.uniform(-1, 1, (n - 1, 2)), rng.normal(size=(n, 2))
    s = b.copy()
    for i in range(n - 2, -1, -1) if reverse else range(1, n):
        s[i] += a[i] * s[i + 1] if reverse else a[i - 1] * s[i - 1]
    np.testing.assert_allclose(recurrence_(a, b, axis=0, reverse=reverse), s, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(recurrence_(a.T, b.T, axis=1, reverse=reverse), s.T, rtol=1e-13, atol=1e-13)


def test_a_long_running_product_has_the_derivative_that_division_gives(rng: np.random.Generator) -> None:
    x = rng.uniform(0.9, 1.1, 2000)
    weights = rng.normal(size=2000)
    gradient = wg.grad(lambda x: np.sum(weights * np.cumprod(x)))(x)
    expected = np.cumsum((weights * np.cumprod(x))[::-1])[::-1] / x
    np.testing.assert_allclose(
        gradient, expected, rtol=1e-9, atol=1e-9
    )  # sums of 2000 terms that nearly cancel

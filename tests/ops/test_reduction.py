"""Sums, means, extremes, logical reductions, log sum exp: values as NumPy's, derivatives in every mode, hard points."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import Site
from wengert.ops.extremes import logsumexp
from wengert.ops.reduction import sum_

from .functions import apart, check, same_error

MASK = np.array([[True, False, True], [False, True, True]])

AXES = {
    "all": {},
    "axis": {"axis": 0},
    "negative": {"axis": -1},
    "tuple": {"axis": (0, 1)},
    "none": {"axis": ()},
    "keepdims": {"axis": 1, "keepdims": True},
    "keepdims all": {"keepdims": True},
}
REDUCTIONS = {
    "sum": np.sum,
    "prod": np.prod,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "var": np.var,
    "std": np.std,
    "ptp": np.ptp,
    "logsumexp": None,
}


def _logsumexp(x: object, **options: object) -> object:
    plain = not hasattr(x, "interpreter")
    return np.asarray(logsumexp(x, **options))[()] if plain else logsumexp(x, **options)


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction(name: str, axes: str, rng: np.random.Generator) -> None:
    function, options = REDUCTIONS[name] or _logsumexp, AXES[axes]
    if name in {"var", "std", "ptp"} and axes == "none":
        pytest.skip("the spread of one number is the kink at 0")
    check(lambda x: function(x, **options), apart(rng, (2, 3)))


CASES = {
    "sum of a scalar": (np.sum, ()),
    "sum method": (lambda x: x.sum(0), (2, 3)),
    "sum where": (lambda x: np.sum(x, axis=0, where=MASK), (2, 3)),
    "sum initial": (lambda x: np.sum(x, axis=1, initial=2.5), (2, 3)),
    "sum dtype": (lambda x: np.sum(x, dtype=np.float64), (2, 3)),
    "sum of nothing": (lambda x: np.sum(x, axis=1), (2, 0)),
    "add.reduce": (np.add.reduce, (2, 3)),
    "multiply.reduce": (lambda x: np.multiply.reduce(x, axis=1, keepdims=True), (2, 3)),
    "maximum.reduce": (np.maximum.reduce, (2, 3)),
    "minimum.reduce": (lambda x: np.minimum.reduce(x, axis=None), (2, 3)),
    "prod where": (lambda x: np.prod(x, axis=0, where=MASK, initial=2.0), (2, 3)),
    "prod of nothing": (lambda x: np.prod(x, axis=0), (0, 2)),
    "prod dtype": (lambda x: np.prod(x, dtype=np.float64), (2, 3)),
    "prod of planes": (lambda x: np.prod(x, axis=(0, 2)), (2, 3, 2)),
    "mean where": (lambda x: np.mean(x, axis=1, where=MASK), (2, 3)),
    "mean dtype": (lambda x: np.mean(x, dtype=np.float64), (2, 3)),
    "max where": (lambda x: np.max(x, axis=0, where=MASK, initial=-9.0), (2, 3)),
    "max initial": (lambda x: np.max(x, axis=0, initial=0.03), (2, 3)),
    "max of nothing": (lambda x: np.max(x, axis=1, initial=1.5), (2, 0)),
    "amin": (lambda x: np.amin(x, axis=-1), (2, 3)),
    "var where": (lambda x: np.var(x, axis=1, where=MASK), (2, 3)),
    "var ddof": (lambda x: np.var(x, axis=0, ddof=1), (3, 2)),
    "var correction": (lambda x: np.var(x, correction=1), (3, 2)),
    "var mean": (lambda x: np.var(x, axis=0, mean=np.mean(x, axis=0, keepdims=True)), (3, 2)),
    "var constant mean": (lambda x: np.var(x, mean=np.array([[0.5]])), (3, 2)),
    "std ddof": (lambda x: np.std(x, axis=0, ddof=1, keepdims=True), (3, 2)),
    "std correction": (lambda x: np.std(x, axis=0, correction=1), (3, 2)),
    "logical masks": (lambda x: x * np.any(x > 0, axis=0) + x * np.all(x < 9, axis=1, keepdims=True), (2, 3)),
    "logical where": (lambda x: x * np.any(x > 0, where=MASK) + x * np.all(x > 0, where=MASK), (2, 3)),
    "count_nonzero": (lambda x: x * np.count_nonzero(x, axis=0), (2, 3)),
    "argmax": (lambda x: x * np.argmax(x, axis=0), (2, 3)),
    "argmin": (lambda x: x * np.argmin(x, keepdims=True), (2, 3)),
    "argmax method": (lambda x: x * x.argmax(1, keepdims=True), (2, 3)),
    "logaddexp.reduce": (lambda x: np.logaddexp.reduce(x, axis=1), (2, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_reduction_with_options(name: str, rng: np.random.Generator) -> None:
    fun, shape = CASES[name]
    check(fun, apart(rng, shape))


def test_initial_values_may_be_traced(rng: np.random.Generator) -> None:
    check(lambda x, s: np.sum(x, axis=0, initial=s) + np.prod(x, initial=s), apart(rng, (2, 3)), 0.7)
    check(lambda x, s: np.max(x, axis=0, initial=s), apart(rng, (2, 3)), 0.03)


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: np.sum(x, axis=2),
        lambda x: np.sum(x, axis=(0, 0)),
        lambda x: np.max(x, where=x > 0),
        lambda x: np.max(x[:0]),
        lambda x: np.argmax(x[:0]),
        lambda x: np.var(x, ddof=1, correction=1),
    ],
)
def test_errors_are_those_of_numpy(fun: object) -> None:
    same_error(fun, np.ones((2, 3)))


def test_the_adjoint_of_a_sum_is_a_view() -> None:
    x = np.zeros((3, 4))
    site = Site(-1, sum_, {}, (x,), None, None, (None,))
    (x_bar,) = sum_.vjp(np.ones(3), site, axis=(1,), keepdims=False)
    assert x_bar.strides[1] == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("function", [np.sum, np.mean, np.var, np.std, np.max, np.prod])
def test_precision_is_kept(function: object, dtype: type) -> None:
    x = np.array([1.0, 2.0, 4.0], dtype)
    y, gradient = wg.value_and_grad(function)(x)
    assert y.dtype == function(x).dtype == gradient.dtype == dtype
    assert y == function(x)


@pytest.mark.parametrize("function", [np.max, np.min])
def test_ties_share_the_derivative_equally(function: object) -> None:
    x = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(wg.grad(function)(x), np.full((2, 3), 1 / 6))
    np.testing.assert_array_equal(wg.hessian(function)(x), np.zeros((2, 3, 2, 3)))
    _, y_dot = wg.jvp(function, (x,), (np.arange(6.0).reshape(2, 3),))
    assert y_dot == pytest.approx(2.5, rel=1e-15)


def test_nan_entries_share_the_derivative_of_the_nan_that_they_make() -> None:
    x = np.array([1.0, np.nan, 3.0, np.nan])
    y, gradient = wg.value_and_grad(np.max)(x)
    assert np.isnan(y)
    np.testing.assert_array_equal(gradient, [0.0, 0.5, 0.0, 0.5])


@pytest.mark.parametrize(
    ("x", "gradient"),
    [
        ([0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
        ([2.0, 0.0, 3.0], [0.0, 6.0, 0.0]),
        ([0.0, 2.0, 0.0], [0.0, 0.0, 0.0]),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        ([0.0], [1.0]),
        ([], []),
    ],
)
def test_product_with_zeros(x: list, gradient: list) -> None:
    np.testing.assert_array_equal(wg.grad(np.prod)(np.array(x)), gradient)


@pytest.mark.parametrize("x", [[0.0, 2.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("outer", [wg.jacfwd, wg.jacrev])
@pytest.mark.parametrize("inner", [wg.jacfwd, wg.jacrev])
def test_second_derivatives_of_a_product_with_zeros(x: list, outer: object, inner: object) -> None:
    a, b, c = x
    expected = [[0.0, c, b], [c, 0.0, a], [b, a, 0.0]]
    np.testing.assert_array_equal(outer(inner(np.prod))(np.array(x)), expected)


def test_third_derivative_of_a_product_with_zeros() -> None:
    third = wg.jacfwd(wg.jacrev(wg.jacfwd(np.prod)))(np.zeros(3))
    expected = np.zeros((3, 3, 3))
    for i, j, k in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        expected[i, j, k] = 1.0
    np.testing.assert_array_equal(third, expected)


@pytest.mark.parametrize("value", [0.0, 2.0, 0.1])
def test_deviation_of_a_constant_has_derivative_zero(value: float) -> None:
    x = np.full(4, value)
    np.testing.assert_allclose(wg.grad(np.std)(x), np.zeros(4), atol=1e-15)
    np.testing.assert_allclose(wg.jvp(np.std, (x,), (np.arange(4.0),))[1], 0.0, atol=1e-15)
    np.testing.assert_array_equal(wg.hessian(np.std)(x), np.zeros((4, 4)))


@pytest.mark.parametrize("n", range(2, 20))
def test_deviation_of_a_constant_whose_mean_is_rounded_has_derivative_zero(n: int) -> None:
    for value in (0.1, 0.7, 1e9 / 3):
        x = np.full(n, value)
        np.testing.assert_allclose(wg.grad(np.std)(x), np.zeros(n), atol=1e-15)
        _, y_dot = wg.jvp(np.std, (x,), (np.ones(n),))
        assert abs(y_dot) <= 1e-15 * n


def test_deviation_of_nan_is_nan() -> None:
    assert np.isnan(wg.value_and_grad(np.std)(np.array([1.0, np.nan]))[0])


def test_logsumexp_of_minus_infinity_has_derivative_zero() -> None:
    x = np.full(3, -np.inf)
    for function in (np.logaddexp.reduce, logsumexp):
        y, gradient = wg.value_and_grad(function)(x)
        assert y == -np.inf
        np.testing.assert_array_equal(gradient, np.zeros(3))
        np.testing.assert_array_equal(wg.hessian(function)(x), np.zeros((3, 3)))


def test_logsumexp_neither_overflows_nor_underflows() -> None:
    for shift in (-1e4, 1e4):
        y, gradient = wg.value_and_grad(logsumexp)(shift + np.log([1.0, 3.0]))
        assert y == pytest.approx(shift + np.log(4.0), rel=1e-15)
        np.testing.assert_allclose(gradient, [0.25, 0.75], rtol=1e-11)  # log 3 + 1e4 has 12 good digits


def test_logaddexp2_reduces_to_base_two() -> None:
    y, gradient = wg.value_and_grad(np.logaddexp2.reduce)(np.array([0.0, np.log2(3.0)]))
    assert y == pytest.approx(2.0, rel=1e-15)
    np.testing.assert_allclose(gradient, [0.25, 0.75], rtol=1e-15)


def test_reductions_of_a_scalar() -> None:
    for function in (np.sum, np.prod, np.mean, np.max, np.min, logsumexp):
        assert wg.grad(function)(2.0) == 1.0
    assert wg.grad(np.std)(2.0) == wg.grad(np.var)(2.0) == wg.grad(np.ptp)(2.0) == 0.0


def test_complex_variance_is_real() -> None:
    z = np.array([1.0 + 2j, -1.0 + 1j, 0.5 - 1j])
    y, gradient = wg.value_and_grad(np.var)(z)
    assert y == np.var(z)
    d = z - z.mean()
    np.testing.assert_allclose(gradient, 2 * np.conj(d) / 3, rtol=1e-14)  # dy/dRe - i dy/dIm

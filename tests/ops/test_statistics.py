"""Averages, correlations, quantiles, and the reductions that pass over nan."""

import warnings

import numpy as np
import pytest

import wengert as wg

from .functions import apart, check, same_error

METHODS = [
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
]
WEIGHTS = np.array([0.5, 2.0, 1.0, 0.0, 3.0])
HOLES = np.array([[False, True, False, False, False], [False, False, True, False, True]])


def punched(x: object) -> object:
    """x with nan in some places."""
    return np.where(HOLES, np.nan, x)


CASES = {
    "average": (np.average, (2, 5)),
    "average axis": (lambda x: np.average(x, axis=1, weights=WEIGHTS), (2, 5)),
    "average axes": (lambda x: np.average(x, axis=(1, 0), weights=np.ones((5, 2))), (2, 5)),
    "average keepdims": (lambda x: np.average(x, axis=0, weights=[1.0, 2.0], keepdims=True), (2, 5)),
    "average returned": (lambda x: np.average(x, axis=1, weights=WEIGHTS, returned=True)[0], (2, 5)),
    "average traced weights": (
        lambda x, w: np.average(x, axis=1, weights=w * w + 1.0, returned=True),
        (2, 5),
        (5,),
    ),
    "cov": (np.cov, (3, 5)),
    "cov one": (np.cov, (5,)),
    "cov two": (lambda x, y: np.cov(x, y), (5,), (2, 5)),
    "cov columns": (lambda x: np.cov(x, rowvar=False, bias=True), (5, 2)),
    "cov weights": (lambda x: np.cov(x, fweights=[1, 2, 1, 3, 1], aweights=WEIGHTS), (2, 5)),
    "cov traced weights": (lambda x, w: np.cov(x, aweights=w * w + 1.0), (2, 5), (5,)),
    "cov frequencies": (lambda x: np.cov(x, fweights=[1, 2, 1, 3, 1], ddof=0), (2, 5)),
    "corrcoef two": (lambda x, y: np.corrcoef(x, y)[0, 1], (5,), (5,)),
    "corrcoef": (lambda x: np.tril(np.corrcoef(x), -1), (3, 5)),
    "median odd": (np.median, (5,)),
    "median even": (lambda x: np.median(x, axis=0), (4, 3)),
    "median axes": (lambda x: np.median(x, axis=(0, 2), keepdims=True), (2, 3, 3)),
    "median scalar": (np.median, ()),
    "quantile many": (lambda x: np.quantile(x, [0.1, 0.5, 0.9], axis=1), (2, 5)),
    "quantile table": (lambda x: np.quantile(x, [[0.1, 0.5], [0.9, 1.0]], axis=0), (4, 2)),
    "quantile axes": (lambda x: np.quantile(x, 0.3, axis=(0, 2), keepdims=True), (2, 3, 3)),
    "quantile weights": (
        lambda x: np.quantile(x, [0.0, 0.4, 1.0], axis=1, weights=WEIGHTS, method="inverted_cdf"),
        (2, 5),
    ),
    "percentile": (lambda x: np.percentile(x, [25, 75], axis=-1), (2, 5)),
    "nansum": (lambda x: np.nansum(punched(x), axis=0), (2, 5)),
    "nanprod": (lambda x: np.nanprod(punched(x), axis=1, keepdims=True), (2, 5)),
    "nanmax": (lambda x: np.nanmax(punched(x), axis=1), (2, 5)),
    "nanmin": (lambda x: np.nanmin(punched(x)), (2, 5)),
    "nanmean": (lambda x: np.nanmean(punched(x), axis=0), (2, 5)),
    "nanvar": (lambda x: np.nanvar(punched(x), axis=1, ddof=1), (2, 5)),
    "nanstd": (lambda x: np.nanstd(punched(x), axis=1, keepdims=True), (2, 5)),
    "nancumsum": (lambda x: np.nancumsum(punched(x), axis=1), (2, 5)),
    "nancumprod": (lambda x: np.nancumprod(punched(x)), (2, 5)),
    "nanargmax": (lambda x: x * np.nanargmax(punched(x)), (2, 5)),
    "nanargmin": (lambda x: x[:, 0] * np.nanargmin(punched(x), axis=1), (2, 5)),
    "nanmedian": (lambda x: np.nanmedian(punched(x), axis=1), (2, 5)),
    "nanmedian all": (lambda x: np.nanmedian(punched(x), keepdims=True), (2, 5)),
    "nanquantile many": (lambda x: np.nanquantile(punched(x), [0.2, 0.7], axis=1), (2, 5)),
    "nanquantile all": (lambda x: np.nanquantile(punched(x), 0.2), (2, 5)),
    "nanpercentile": (lambda x: np.nanpercentile(punched(x), 30, axis=1, keepdims=True), (2, 5)),
    "nanquantile weights": (
        lambda x: np.nanquantile(
            punched(x), [0.3, 0.8], axis=1, weights=np.stack([WEIGHTS, WEIGHTS + 1.0]), method="inverted_cdf"
        ),
        (2, 5),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_statistic(name: str, rng: np.random.Generator) -> None:
    fun, *shapes = CASES[name]
    check(fun, *[apart(rng, shape) for shape in shapes])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("q", [0.0, 0.25, 0.37, 0.5, 0.7, 1.0])
def test_quantile_methods(method: str, q: float, rng: np.random.Generator) -> None:
    check(lambda x: np.quantile(x, q, axis=1, method=method), apart(rng, (2, 5)))
    check(lambda x: np.nanquantile(punched(x), q, axis=1, method=method), apart(rng, (2, 5)))


@pytest.mark.parametrize("method", ["linear", "hazen", "weibull", "median_unbiased"])
def test_traced_probability(method: str, rng: np.random.Generator) -> None:
    check(lambda x, q: np.quantile(x, q, axis=0, method=method), apart(rng, (5, 2)), 0.37)
    check(lambda x, q: np.quantile(x, q, axis=0, method=method), apart(rng, (5, 2)), [0.37, 0.6])


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: np.quantile(x, 1.5),
        lambda x: np.percentile(x, 101),
        lambda x: np.quantile(x, 0.5, method="none"),
        lambda x: np.quantile(x, 0.5, weights=np.ones(5)),
        lambda x: np.quantile(x, 0.5, axis=1, weights=-np.ones(5), method="inverted_cdf"),
        lambda x: np.quantile(x, 0.5, axis=2),
        lambda x: np.average(x, weights=np.ones(5)),
        lambda x: np.average(x, axis=0, weights=np.ones(5)),
        lambda x: np.average(x, axis=1, weights=np.zeros(5)),
        lambda x: np.cov(x, ddof=1.5),
        lambda x: np.cov(x, aweights=np.ones(4)),
        lambda x: np.cov(x, aweights=-np.ones(5)),
        lambda x: np.cov(x, fweights=np.full(5, 1.5)),
        lambda x: np.cov(x, fweights=np.ones((5, 1))),
        lambda x: np.cov(x[None]),
        lambda x: np.nanargmax(x * np.nan),
    ],
)
def test_errors_are_those_of_numpy(fun: object) -> None:
    same_error(fun, np.arange(10.0).reshape(2, 5))


@pytest.mark.parametrize(
    "function", [np.median, lambda x: np.quantile(x, 0.3), lambda x: np.quantile(x, [0.3])]
)
def test_a_sample_with_nan_has_quantile_nan(function: object) -> None:
    x = np.array([1.0, np.nan, 2.0])
    y, _ = wg.jvp(function, (x,), (np.ones(3),))
    assert np.isnan(y).all()


@pytest.mark.parametrize(
    "function",
    [np.nanmedian, np.nanmax, np.nanmin, np.nanmean, lambda x, axis: np.nanquantile(x, 0.3, axis=axis)],
)
def test_a_sample_of_nothing_but_nan_warns_as_numpy_does(function: object) -> None:
    x = np.array([[1.0, 2.0], [np.nan, np.nan]])
    with pytest.warns(RuntimeWarning):
        expected = function(x, axis=1)
    with pytest.warns(RuntimeWarning):
        y, _ = wg.jvp(lambda x: function(x, axis=1), (x,), (np.ones((2, 2)),))
    np.testing.assert_array_equal(y, expected)


def test_nan_gets_derivative_zero() -> None:
    x = np.array([1.0, np.nan, 3.0])
    for function in (np.nansum, np.nanmean, np.nanmax, np.nanstd, np.nanmedian, np.nanprod):
        gradient = wg.grad(function)(x)
        assert gradient[1] == 0.0
        assert np.isfinite(gradient).all()


def test_deviation_of_a_constant_among_nan_has_derivative_zero() -> None:
    np.testing.assert_array_equal(wg.grad(np.nanstd)(np.array([2.0, np.nan, 2.0])), np.zeros(3))


def test_correlation_with_itself_is_constant(rng: np.random.Generator) -> None:
    gradient = wg.grad(lambda x: np.corrcoef(x)[1, 1])(rng.normal(size=(2, 5)))
    np.testing.assert_allclose(gradient, np.zeros((2, 5)), atol=1e-15)


def test_too_few_degrees_of_freedom() -> None:
    x = np.array([[1.0, 2.0], [1.0, np.nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanvar(x, axis=1, ddof=1)
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        y, _ = wg.jvp(lambda x: np.nanvar(x, axis=1, ddof=1), (x,), (np.ones((2, 2)),))
    np.testing.assert_array_equal(y, expected)

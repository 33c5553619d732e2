"""wengert.scipy.stats: SciPy's values, mpmath's where SciPy loses digits; derivatives against differences; edges."""

import mpmath as mp
import numpy as np
import pytest
import scipy.stats

import wengert as wg
from wengert.errors import ArgumentError, RefusedError, RuleMissingError
from wengert.scipy import stats

SHAPES = {
    "beta": [(0.5, 0.5), (2.0, 3.0), (1.0, 1.0), (20.0, 30.0)],
    "chi": [(1.0,), (2.0,), (5.0,)],
    "chi2": [(1.0,), (2.0,), (4.0,), (30.5,)],
    "f": [(1.0, 2.0), (2.0, 2.0), (4.0, 7.5)],
    "gamma": [(0.5,), (1.0,), (2.0,), (50.0,)],
    "genextreme": [(0.0,), (0.3,), (-0.4,), (1e-9,)],
    "gennorm": [(0.5,), (1.0,), (2.5,)],
    "invgamma": [(0.5,), (3.0,)],
    "invgauss": [(0.5,), (3.0,)],
    "lognorm": [(0.5,), (2.0,)],
    "lomax": [(0.5,), (3.0,)],
    "pareto": [(0.5,), (3.0,)],
    "powerlaw": [(0.5,), (1.0,), (3.0,)],
    "skewnorm": [(0.0,), (3.0,), (-2.0,)],
    "t": [(0.3,), (5.0,), (1e6,), (np.inf,)],
    "truncnorm": [(-1.0, 2.0), (-np.inf, 1.0), (2.0, 5.0), (3.0, np.inf), (-7.0, -6.5)],
    "vonmises": [(1.0,), (500.0,)],
    "weibull_max": [(0.5,), (1.0,), (3.0,)],
    "weibull_min": [(0.5,), (1.0,), (3.0,)],
}
CONTINUOUS = [name for name in stats.__all__ if hasattr(getattr(stats, name), "of_logpdf")]
CASES = [(name, shapes) for name in CONTINUOUS for shapes in SHAPES.get(name, [()])]
DISCRETE = {
    "bernoulli": [(0.3,)],
    "binom": [(10.0, 0.3), (500.0, 0.01)],
    "geom": [(0.3,)],
    "nbinom": [(2.5, 0.4)],
    "poisson": [(3.5,), (200.0,)],
}
COUNTED = [(name, shapes) for name, all_shapes in DISCRETE.items() for shapes in all_shapes]
K = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 7.0, 10.0, 11.0, 50.0, 2.5, np.nan])
MAGNITUDES = np.logspace(-10, 2, 49)
POINTS = np.concatenate([-MAGNITUDES[::-1], MAGNITUDES, [0.5, np.nan]])
Q = np.array([1e-9, 1e-3, 0.2, 0.45, 0.7, 0.95, 0.999])

# SciPy subtracts from 1 here, where the formulas of this package do not; mpmath decides below.
SCIPY_LOSES = {
    ("binom", "logcdf"),
    ("geom", "logcdf"),
    ("invgauss", "logcdf"),
    ("invgauss", "logsf"),
    ("invgauss", "sf"),
    ("pareto", "cdf"),
    ("pareto", "logcdf"),
    ("truncnorm", "logcdf"),
    ("truncnorm", "logsf"),
    ("truncnorm", "sf"),
}


def ids(case):
    return f"{case[0]}{case[1]}" if isinstance(case, tuple) else str(case)


def agree(found, expected):
    """Agree to 1e-13; an exponential has the absolute error of its exponent, a sum of logarithms that of its terms."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(all="ignore"):
        size = np.abs(expected) * (1.0 + np.abs(np.log(np.abs(expected)))) + np.finfo(float).tiny
        close = np.abs(found - expected) <= 1e-13 * size
    # SciPy's logarithms of a density or tail that underflows are -inf
    assert np.all(same | close | (np.isneginf(expected) & (found < -600.0)))


METHODS = ["logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"]


def has(name, method):
    return "pdf" in method or getattr(stats, name).of_cdf is not None


@pytest.mark.parametrize(
    ("case", "method"),
    [(c, m) for c in CASES for m in METHODS if has(c[0], m) and (c[0], m) not in SCIPY_LOSES],
    ids=ids,
)
def test_values_are_those_of_scipy(case, method):
    name, shapes = case
    ours, theirs = getattr(stats, name), getattr(scipy.stats, name)
    with np.errstate(all="ignore"):
        expected = getattr(theirs, method)(POINTS, *shapes)
    found = getattr(ours, method)(POINTS, *shapes)
    keep = slice(None)
    if "log" in method:  # SciPy takes the logarithm of a probability near 1
        keep = ~((np.abs(expected) < 1e-3) & (np.abs(found) < 1e-3))
    agree(found[keep], expected[keep])


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_quantiles_are_those_of_scipy(case):
    name, shapes = case
    ours, theirs = getattr(stats, name), getattr(scipy.stats, name)
    if ours.of_ppf is None:
        with pytest.raises(RuleMissingError, match="has no ppf"):
            ours.ppf(Q, *shapes)
        return
    np.testing.assert_allclose(ours.ppf(Q, *shapes), theirs.ppf(Q, *shapes), rtol=1e-11, atol=1e-15)
    for q in (0.0, 1.0):
        assert ours.ppf(q, *shapes) == pytest.approx(theirs.ppf(q, *shapes))
        assert ours.isf(q, *shapes) == pytest.approx(theirs.isf(q, *shapes))
    assert np.all(np.isnan(ours.ppf([-0.1, 1.1, np.nan], *shapes)))
    x = ours.isf(Q, *shapes)  # which is rounded, and that changes sf by its density
    assert np.all(
        np.abs(ours.sf(x, *shapes) - Q) <= 1e-10 * Q + 4e-16 * (1.0 + np.abs(x)) * ours.pdf(x, *shapes)
    )


@pytest.mark.parametrize("method", ["logpmf", "pmf", "cdf", "sf", "logcdf", "logsf"])
@pytest.mark.parametrize("case", COUNTED, ids=ids)
def test_values_of_counts_are_those_of_scipy(case, method):
    name, shapes = case
    with np.errstate(all="ignore"):
        expected = getattr(getattr(scipy.stats, name), method)(K, *shapes)
    found = getattr(getattr(stats, name), method)(K, *shapes)
    keep = ~(np.abs(expected) < 1e-3) if method in {"logcdf", "logsf"} else slice(None)
    if method in {"pmf", "logpmf"}:  # logarithms of factorials cancel
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    else:
        agree(found[keep], expected[keep])


def phi(a, b):
    return mp.quad(mp.npdf, [a, b])


@pytest.mark.parametrize(
    ("found", "exact"),
    [
        (stats.norm.logcdf(-30.0), lambda: mp.log(mp.ncdf(-30))),
        (stats.norm.logsf(9.0), lambda: mp.log(mp.ncdf(-9))),
        (stats.truncnorm.sf(0.999999999, -np.inf, 1.0), lambda: phi(0.999999999, 1) / mp.ncdf(1)),
        (stats.truncnorm.logpdf(-30.01, -30.02, -30.0), lambda: mp.log(mp.npdf(-30.01) / phi(-30.02, -30.0))),
        (stats.truncnorm.logcdf(4.9, 2.0, 5.0), lambda: mp.log1p(-phi(4.9, 5) / phi(2, 5))),
        (
            stats.invgauss.sf(100.0, 0.5),
            lambda: mp.ncdf(-19.9) - mp.exp(4) * mp.ncdf(-20.1),
        ),
        (stats.invgauss.cdf(0.01, 2.0), lambda: mp.ncdf(-9.95) + mp.exp(1) * mp.ncdf(-10.05)),
        (stats.geom.logcdf(50, 0.3), lambda: mp.log1p(-(mp.mpf(1 - mp.mpf(0.3)) ** 50))),
        (stats.binom.logcdf(9, 10, 0.3), lambda: mp.log1p(-(mp.mpf(0.3) ** 10))),
        (stats.pareto.cdf(1.0 + 2.0**-40, 3.0), lambda: 1 - (1 + mp.mpf(2) ** -40) ** -3),
        (stats.genextreme.logpdf(1.0 - 2.0**-30, 1.0), lambda: -(mp.mpf(2) ** -30)),
        (stats.cauchy.ppf(1e-12), lambda: -1 / mp.tan(mp.pi * mp.mpf(1e-12))),
        (stats.halfnorm.logsf(100.0), lambda: mp.log(2 * mp.ncdf(-100))),
        (stats.levy.logcdf(1e-6), lambda: mp.log(mp.erfc(mp.sqrt(0.5 / mp.mpf(1e-6))))),
    ],
    ids=range(14),
)
def test_tails_have_all_digits(found, exact):
    with mp.workdps(60):
        expected = float(exact())
    assert found == pytest.approx(expected, rel=1e-12)


# Derivatives


@pytest.mark.parametrize("case", [c for c in CASES if np.all(np.isfinite(c[1])) and 1e6 not in c[1]], ids=ids)
def test_densities_are_differentiable_in_everything(case):
    name, shapes = case
    family = getattr(stats, name)
    quantiles = np.array([0.05, 0.33, 0.61, 0.9])
    z = np.array([0.3, 0.6, 1.2, 2.2]) if family.of_ppf is None else family.ppf(quantiles, *shapes)
    arguments = (1.7 * z + 0.3, np.float64(0.3), np.float64(1.7), *map(np.float64, shapes))
    for method in (family.logpdf, family.pdf):
        wg.check_grads(lambda x, loc, scale, *s, m=method: m(x, *s, loc, scale), arguments)


@pytest.mark.parametrize("method", ["cdf", "sf", "logcdf", "logsf"])
@pytest.mark.parametrize("case", [c for c in CASES if getattr(stats, c[0]).of_cdf is not None], ids=ids)
def test_probabilities_are_differentiable_in_the_variable(case, method):
    name, shapes = case
    family = getattr(stats, name)
    z = np.array([0.3, 0.6, 1.2, 2.2]) if family.of_ppf is None else family.ppf([0.1, 0.33, 0.9], *shapes)
    density = family.pdf(1.7 * z + 0.3, *shapes, 0.3, 1.7)
    probability = getattr(family, method)
    slope = wg.elementwise_grad(lambda x: probability(x, *shapes, 0.3, 1.7))(1.7 * z + 0.3)
    at = np.exp(probability(1.7 * z + 0.3, *shapes, 0.3, 1.7)) if "log" in method else 1.0
    sign = 1.0 if "cdf" in method else -1.0
    np.testing.assert_allclose(slope, sign * density / at, rtol=1e-10)
    wg.check_grads(
        lambda x, loc, scale: probability(x, *shapes, loc, scale),
        (1.7 * z + 0.3, np.float64(0.3), np.float64(1.7)),
    )


@pytest.mark.parametrize("case", [c for c in CASES if getattr(stats, c[0]).of_ppf is not None], ids=ids)
def test_quantiles_are_differentiable(case):
    name, shapes = case
    q = np.array([0.05, 0.2, 0.45, 0.7, 0.95])
    ppf = getattr(stats, name).ppf
    wg.check_grads(lambda q, loc, scale: ppf(q, *shapes, loc, scale), (q, np.float64(0.3), np.float64(1.7)))


@pytest.mark.parametrize("name", ["expon", "gumbel_l", "lognorm", "pareto", "truncnorm", "weibull_min"])
def test_probabilities_are_differentiable_in_elementary_shapes(name):
    family, shapes = getattr(stats, name), SHAPES.get(name, [()])[0]
    x = family.ppf(np.array([0.4, 0.7]), *shapes)
    for method in (family.cdf, family.sf, family.logcdf, family.logsf):
        wg.check_grads(lambda *s, m=method: m(x, *s), tuple(map(np.float64, (*shapes, -0.01, 1.1))))


@pytest.mark.parametrize("method", ["logpmf", "pmf", "cdf", "sf", "logcdf", "logsf"])
@pytest.mark.parametrize("case", COUNTED, ids=ids)
def test_counts_are_differentiable_in_the_probability(case, method):
    name, (*counts, p) = case
    family = getattr(stats, name)
    k = np.array([0.0, 1.0, 3.0, 7.0])
    finite = np.isfinite(getattr(family, method)(k, *counts, p))
    wg.check_grads(lambda p: getattr(family, method)(k[finite], *counts, p), (np.float64(p),))


def test_the_negative_binomial_is_differentiable_in_n():
    wg.check_grads(lambda n: stats.nbinom.logpmf(np.arange(4.0), n, 0.4), (np.float64(2.5),))


def test_counts_have_no_derivative_in_whole_numbers():
    assert wg.grad(lambda n: stats.binom.logpmf(3.0, n, 0.3))(10.0) == 0.0
    assert wg.grad(lambda k: stats.poisson.logpmf(k, 0.3))(2.0) == 0.0


# Edges


@pytest.mark.parametrize(
    "case", [c for c in CASES if getattr(stats, c[0]).support != (-np.inf, np.inf)], ids=ids
)
def test_outside_the_support_all_is_constant(case):
    name, shapes = case
    family = getattr(stats, name)
    low, high = [edge(*shapes) if callable(edge) else edge for edge in family.support]
    arguments = tuple(map(np.float64, (*shapes, 0.0, 1.0)))
    for x in [x for x in (low - 1.0, high + 1.0, -np.inf, np.inf) if not low <= x <= high or np.isinf(x)]:
        assert family.logpdf(x, *shapes) == -np.inf
        assert family.pdf(x, *shapes) == 0.0
        for method in (family.logpdf, family.pdf):
            f = lambda x, *s, m=method: m(x, *s)
            found = wg.grad(f, argnums=tuple(range(len(shapes) + 1)))(np.float64(x), *arguments)
            assert all(g == 0.0 for g in found)
            assert np.all(
                wg.jvp(f, (np.float64(x), *arguments), tuple(map(np.float64, [1.0] * (len(arguments) + 1))))[
                    1
                ]
                == (-1.0 if method == family.logpdf else 0.0)
            )


@pytest.mark.parametrize(
    ("density", "slope"),
    [
        (lambda x: stats.gamma.pdf(x, 2.0), 1.0),
        (lambda x: stats.gamma.pdf(x, 1.0), -1.0),
        (lambda x: stats.gamma.pdf(x, 1.5), np.inf),
        (lambda x: stats.gamma.pdf(x, 900.0), 0.0),
        (lambda x: stats.beta.pdf(x, 2.0, 3.0), 12.0),
        (lambda x: stats.beta.pdf(1.0 - x, 3.0, 2.0), 12.0),
        (lambda x: stats.beta.pdf(x, 600.0, 600.0), 0.0),
        (lambda x: stats.chi2.pdf(x, 4.0), 0.25),
        (lambda x: stats.f.pdf(x, 4.0, 4.0), 6.0),
        (stats.rayleigh.pdf, 1.0),
        (stats.expon.cdf, 1.0),
        (lambda x: stats.gamma.cdf(x, 1.0), 1.0),
    ],
    ids=range(12),
)
def test_a_slope_at_an_edge_is_one_sided(density, slope):
    assert wg.grad(density)(0.0) == pytest.approx(slope)
    assert wg.jvp(density, (0.0,), (1.0,))[1] == pytest.approx(slope)


@pytest.mark.parametrize(
    ("mass", "p", "slope"),
    [
        (lambda p: stats.bernoulli.pmf(1, p), 0.0, 1.0),
        (lambda p: stats.binom.pmf(1, 3, p), 0.0, 3.0),
        (lambda p: stats.binom.pmf(3, 3, p), 1.0, 3.0),
        (lambda p: stats.poisson.pmf(1, p), 0.0, 1.0),
        (lambda p: stats.geom.cdf(1, p), 1.0, 1.0),
        (lambda p: stats.nbinom.pmf(1, 3.0, p), 1.0, -3.0),
    ],
    ids=range(6),
)
def test_a_slope_at_the_edge_of_a_parameter(mass, p, slope):
    assert wg.grad(mass)(p) == pytest.approx(slope)
    assert wg.jvp(mass, (p,), (1.0,))[1] == pytest.approx(slope)


@pytest.mark.parametrize("scale", [-1.0, 0.0, np.nan])
def test_invalid_parameters_give_nan_in_derivatives_too(scale):
    assert np.isnan(stats.norm.logpdf(0.5, 0.0, scale))
    assert np.isnan(wg.grad(lambda s: stats.norm.logpdf(0.5, 0.0, s))(scale))
    assert np.isnan(wg.grad(lambda x: stats.norm.logpdf(x, 0.0, scale))(0.5))
    assert np.isnan(stats.gamma.cdf(0.5, -1.0))
    assert np.isnan(stats.poisson.pmf(1, -1.0))


def test_genextreme_is_smooth_at_the_gumbel_distribution():
    wg.check_grads(lambda c: stats.genextreme.logpdf(np.array([-1.0, 0.4, 2.0]), c), (np.float64(0.0),))
    with mp.workdps(40):
        exact = mp.diff(lambda c: (1 / c - 1) * mp.log1p(-c * 0.4) - (1 - c * 0.4) ** (1 / c), mp.mpf(1e-9))
    found = wg.grad(lambda c: stats.genextreme.logpdf(0.4, c))(1e-9)
    assert found == pytest.approx(float(exact), rel=1e-13)


# Arguments


def test_parameters_by_name_and_frozen():
    x = np.array([0.1, 2.0])
    expected = scipy.stats.gamma.logpdf(x, 2.0, 0.0, 3.0)
    np.testing.assert_allclose(stats.gamma.logpdf(x, a=2.0, scale=3.0), expected, rtol=1e-15)
    np.testing.assert_allclose(stats.gamma(2.0, scale=3.0).logpdf(x), expected, rtol=1e-15)
    assert wg.grad(lambda a: stats.gamma(a).logpdf(0.7))(2.0) == wg.grad(
        lambda a: stats.gamma.logpdf(0.7, a)
    )(2.0)
    for call in (
        lambda: stats.gamma.pdf(x),
        lambda: stats.gamma.pdf(x, 1.0, a=2.0),
        lambda: stats.norm.pdf(x, b=1),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError):
        stats.norm.pdf(x, 0.0, 1.0, 2.0)


def test_lists_single_precision_and_batches():
    value, grad = wg.value_and_grad(lambda m: stats.norm.logpdf([0.1, 0.2], m).sum())(np.float32(0.3))
    assert (value.dtype, grad.dtype) == (np.float64, np.float32)
    batched = wg.vmap(wg.grad(lambda x, a: stats.gamma.logpdf(x, a)))(
        np.array([0.5, -1.0]), np.array([2.0, 3.0])
    )
    np.testing.assert_allclose(batched, [1.0, 0.0], rtol=1e-15)


def share(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


@pytest.mark.parametrize(
    ("name", "shapes", "x", "exact"),
    [
        ("gamma", (2.0,), 0.7, lambda x, a: mp.gammainc(a, 0, x, regularized=True)),
        ("chi2", (3.5,), 0.7, lambda x, df: mp.gammainc(df / 2, 0, x / 2, regularized=True)),
        ("invgamma", (2.0,), 0.7, lambda x, a: mp.gammainc(a, 1 / x, regularized=True)),
        ("beta", (2.0, 3.5), 0.3, lambda x, a, b: share(a, b, x)),
        ("f", (4.0, 7.5), 0.7, lambda x, n, m: share(n / 2, m / 2, n * x / (m + n * x))),
        ("t", (3.5,), -0.7, lambda x, df: share(df / 2, 0.5, df / (df + x * x)) / 2),
        ("gennorm", (2.5,), -0.7, lambda x, b: mp.gammainc(1 / b, (-x) ** b, regularized=True) / 2),
        ("nbinom", (2.5, 0.4), 3.0, lambda k, n, p: share(n, k + 1, p)),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_probabilities_are_differentiable_in_shapes(name, shapes, x, exact):
    family = getattr(stats, name)
    assert family.cdf(x, *shapes) == pytest.approx(float(exact(x, *shapes)), rel=1e-13)
    for i in range(len(shapes)):
        with mp.workdps(30):
            slope = float(
                mp.diff(lambda s, i=i: exact(mp.mpf(x), *shapes[:i], s, *shapes[i + 1 :]), shapes[i])
            )
        assert wg.grad(family.cdf, i + 1)(x, *shapes) == pytest.approx(slope, rel=1e-8)
        assert wg.grad(family.sf, i + 1)(x, *shapes) == pytest.approx(-slope, rel=1e-8)


# Several variables

COV = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.7]])


def symmetric(c):
    return 0.5 * (c + c.T)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_multivariate_normal(rng, shape):
    x, mean = rng.normal(size=shape), rng.normal(size=3)
    for cov in (COV, 2.5, np.array([1.0, 2.0, 3.0])):
        expected = scipy.stats.multivariate_normal.logpdf(x, mean, cov)
        np.testing.assert_allclose(stats.multivariate_normal.logpdf(x, mean, cov), expected, rtol=1e-13)
    wg.check_grads(lambda x, m, c: stats.multivariate_normal.logpdf(x, m, symmetric(c)), (x, mean, COV))
    found = wg.grad(lambda c: np.sum(stats.multivariate_normal.logpdf(x, mean, c)))(COV)
    np.testing.assert_allclose(found, found.T, rtol=1e-12)


def test_multivariate_normal_takes_scipys_forms():
    x = np.array([0.1, 0.5, 2.0])
    mvn, theirs = stats.multivariate_normal, scipy.stats.multivariate_normal
    np.testing.assert_allclose(mvn.pdf(x), theirs.pdf(x), rtol=1e-14)
    np.testing.assert_allclose(mvn.pdf(0.3, 0.1, 2.0), theirs.pdf(0.3, 0.1, 2.0), rtol=1e-14)
    with pytest.raises(ValueError, match="square"):
        mvn.pdf(x, np.zeros(3), np.eye(2))
    with pytest.raises(ArgumentError, match="allow_singular"):
        mvn.pdf(x, np.zeros(3), np.zeros((3, 3)), allow_singular=True)
    with pytest.raises(np.linalg.LinAlgError):
        mvn.pdf(x, np.zeros(3), np.zeros((3, 3)))


def test_multivariate_t(rng):
    x, loc = rng.normal(size=(4, 3)), rng.normal(size=3)
    expected = scipy.stats.multivariate_t.logpdf(x, loc, COV, 4.5)
    np.testing.assert_allclose(stats.multivariate_t.logpdf(x, loc, COV, 4.5), expected, rtol=1e-13)
    np.testing.assert_allclose(
        stats.multivariate_t.logpdf(x, loc, COV, np.inf),
        stats.multivariate_normal.logpdf(x, loc, COV),
        rtol=1e-15,
    )
    wg.check_grads(
        lambda x, m, c, df: stats.multivariate_t.logpdf(x, m, symmetric(c), df),
        (x, loc, COV, np.float64(4.5)),
    )


def test_dirichlet(rng):
    alpha = np.array([0.5, 2.0, 3.0])
    x = rng.dirichlet(alpha, 4).T
    np.testing.assert_allclose(
        stats.dirichlet.logpdf(x, alpha), scipy.stats.dirichlet.logpdf(x, alpha), rtol=1e-13
    )
    np.testing.assert_allclose(
        stats.dirichlet.pdf(x[:2], alpha), scipy.stats.dirichlet.pdf(x[:2], alpha), rtol=1e-12
    )
    wg.check_grads(lambda x, a: stats.dirichlet.logpdf(x, a), (x[:2], alpha))
    for bad in (x[:1], -x, x * 1.1):
        with pytest.raises(ValueError, match=r"Vector|simplex"):
            stats.dirichlet.logpdf(bad, alpha)
    with pytest.raises(ValueError, match="greater than 0"):
        stats.dirichlet.logpdf(x, -alpha)


def test_what_has_no_rule_is_scipys_own_and_refuses_traced_values():
    assert stats.norm.mean(1.5, 2.0) == 1.5
    assert stats.binom(5, 0.5).std() == scipy.stats.binom(5, 0.5).std()
    np.testing.assert_array_equal(
        stats.gamma(2.0).rvs(size=3, random_state=0), scipy.stats.gamma(2.0).rvs(size=3, random_state=0)
    )
    assert stats.nct is scipy.stats.nct
    assert stats.skew([1.0, 2.0, 5.0]) == scipy.stats.skew([1.0, 2.0, 5.0])
    assert set(scipy.stats.__all__) <= set(dir(stats))
    for refused in (
        lambda x: stats.norm.entropy(0.0, x),
        lambda x: stats.norm(0.0, x).mean(),
        lambda x: stats.multivariate_normal.cdf(x * np.ones(2), np.zeros(2), np.eye(2)),
        lambda x: stats.skew(x * np.arange(3.0)),
    ):
        with pytest.raises(RefusedError) as caught:
            wg.grad(refused)(2.0)
        assert caught.value.where
        assert caught.value.why
        assert caught.value.instead
    for owner in (stats, stats.norm, stats.norm(), stats.dirichlet):
        with pytest.raises(AttributeError):
            _ = owner.no_such_name


def test_frozen_distributions_of_several_variables():
    x, mean = np.array([0.1, 0.5, 2.0]), np.array([0.2, 0.3, 0.4])
    frozen = scipy.stats.multivariate_normal(mean, COV)
    np.testing.assert_allclose(stats.multivariate_normal(mean, COV).logpdf(x), frozen.logpdf(x), rtol=1e-14)
    wg.check_grads(lambda x, m: stats.multivariate_normal(m, cov=COV).logpdf(x), (x, mean))
    wg.check_grads(lambda a: stats.dirichlet(a).logpdf(np.array([0.2, 0.3, 0.5])), (mean + 1.0,))

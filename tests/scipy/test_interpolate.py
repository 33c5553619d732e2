"""wengert.scipy.interpolate: SciPy's values; derivatives in points, data and grid; what is refused."""

import numpy as np
import pytest
import scipy.interpolate

import wengert as wg
from wengert.errors import ArgumentError, RefusedError
from wengert.scipy import interpolate

LENGTHS = (2, 3, 4, 5, 9)
CONDITIONS = ("not-a-knot", "natural", "clamped", "periodic", "slope", "mixed")
KINDS = ["linear", "slinear", "nearest", "nearest-up", "zero", "previous", "next", "cubic"]


def data(n, seed=0):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.uniform(0.3, 1.5, n))
    return x, rng.normal(size=n), rng.uniform(x[0] - 0.5, x[-1] + 0.5, 5)


def condition(name, shape=()):
    return {
        "slope": ((1, np.full(shape, 0.3)), "natural"),
        "mixed": ("not-a-knot", (2, np.full(shape, 0.3))),
    }.get(name, name)


def close(found, expected):
    np.testing.assert_allclose(
        found, expected, rtol=1e-12, atol=1e-12 * np.nanmax(np.abs(expected), initial=1.0)
    )


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("name", CONDITIONS)
def test_cubic_spline(n, name):
    x, y, points = data(n)
    y[-1] = y[0] if name == "periodic" else y[-1]
    for values, axis, shape in ((y, 0, ()), (np.stack([y, y**2, -y]), 1, (3,))):
        bc = condition(name, shape)
        ours = interpolate.CubicSpline(x, values, axis, bc)
        theirs = scipy.interpolate.CubicSpline(x, values, axis, bc)
        for nu in range(5):
            close(ours(points, nu), theirs(points, nu))
        close(ours(points[:4].reshape(2, 2)), theirs(points[:4].reshape(2, 2)))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("name", CONDITIONS)
def test_cubic_spline_is_differentiable_in_all(n, name):
    x, y, points = data(n)
    close_up = (lambda y: np.concatenate([y[:-1], y[:1]])) if name == "periodic" else lambda y: y
    f = lambda x, y, p: interpolate.CubicSpline(x, close_up(y), bc_type=condition(name))(p)
    wg.check_grads(f, (x, y, points))


def test_cubic_spline_is_differentiable_in_an_end_slope():
    x, y, points = data(5)
    f = lambda s: interpolate.CubicSpline(x, y, bc_type=((1, s), "natural"))(points)
    wg.check_grads(f, (np.float64(0.3),))


def test_the_derivative_of_a_spline_is_its_derivative():
    x, y, points = data(9)
    spline = interpolate.CubicSpline(x, y)
    np.testing.assert_allclose(wg.elementwise_grad(spline)(points), spline(points, 1), rtol=1e-12)


def test_long_splines_take_linear_time():
    n = 20_000
    x = np.linspace(0.0, 1.0, n)
    grad = wg.grad(lambda y: np.sum(interpolate.CubicSpline(x, y)(x)))(np.sin(x))
    np.testing.assert_allclose(grad, 1.0, atol=1e-9)


@pytest.mark.parametrize(
    "arguments",
    [
        ([0.0, 1.0, 1.0], np.ones(3)),
        ([0.0, np.nan, 1.0], np.ones(3)),
        ([0.0], np.ones(1)),
        ([0.0, 1.0], np.ones(3)),
        ([0.0, 1.0, 2.0], np.arange(3.0), 0, "periodic"),
        ([0.0, 1.0, 2.0], np.ones(3), 0, "what"),
        ([0.0, 1.0, 2.0], np.ones(3), 0, ("periodic", "natural")),
        ([0.0, 1.0, 2.0], np.ones(3), 0, ((3, 0.0), "natural")),
        ([0.0, 1.0, 2.0], np.ones(3), 0, ((1, np.zeros(2)), "natural")),
    ],
    ids=range(9),
)
def test_wrong_data_raise_as_in_scipy(arguments):
    for module in (interpolate, scipy.interpolate):
        with pytest.raises(ValueError, match=r"."):
            module.CubicSpline(*arguments)


@pytest.mark.parametrize("n", LENGTHS)
def test_local_cubics(n):
    x, y, points = data(n)
    middle = (x[1:] + x[:-1]) / 2.1 + 0.01
    for name, options in (
        ("PchipInterpolator", {}),
        ("Akima1DInterpolator", {}),
        ("Akima1DInterpolator", {"method": "makima", "extrapolate": True}),
    ):
        ours, theirs = getattr(interpolate, name), getattr(scipy.interpolate, name)
        close(ours(x, y, **options)(points), theirs(x, y, **options)(points))
        wg.check_grads(lambda x, y, f=ours, o=options: f(x, y, **o)(middle), (x, y))


def test_flat_data_have_finite_slopes():
    x, y = np.arange(5.0), np.array([0.0, 0.0, 0.0, 1.0, 1.0])
    for kind in (interpolate.PchipInterpolator, interpolate.Akima1DInterpolator):
        assert np.all(np.isfinite(wg.jacrev(lambda y, k=kind: k(x, y)(np.array([0.5, 1.5, 3.5])))(y)))
        np.testing.assert_allclose(
            kind(x, y)(x + 0.0), getattr(scipy.interpolate, kind.__name__)(x, y)(x), atol=1e-15
        )


def test_calculus_of_piecewise_polynomials():
    x, y, points = data(6)
    ours, theirs = interpolate.CubicSpline(x, y), scipy.interpolate.CubicSpline(x, y)
    close(ours.derivative(2)(points), theirs.derivative(2)(points))
    close(ours.derivative(-1)(points), theirs.antiderivative()(points))
    close(ours.antiderivative(2)(points), theirs.antiderivative(2)(points))
    close(ours.integrate(0.3, 1.7), theirs.integrate(0.3, 1.7))
    wg.check_grads(lambda y, a: interpolate.CubicSpline(x, y).integrate(a, 1.7), (y, np.float64(0.3)))
    with pytest.raises(ArgumentError, match="periodic"):
        interpolate.CubicSpline(x, 0.0 * y, bc_type="periodic").integrate(0.0, 9.0)
    hermite = (x, y, np.cos(x))
    close(
        interpolate.CubicHermiteSpline(*hermite)(points),
        scipy.interpolate.CubicHermiteSpline(*hermite)(points),
    )
    wg.check_grads(lambda *d: interpolate.CubicHermiteSpline(*d)(points), hermite)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 5])
def test_bsplines(k):
    for n in [n for n in LENGTHS if n > k]:
        x, y, points = data(n)
        ours, theirs = interpolate.make_interp_spline(x, y, k), scipy.interpolate.make_interp_spline(x, y, k)
        for nu in (0, 1, 2, 4):
            close(ours(points, nu), theirs(points, nu))
        if k and n < 6:
            f = lambda x, y, p: interpolate.make_interp_spline(x, y, k)(p)
            wg.check_grads(f, (x, y, points[:2]), rtol=1e-8)
    t, c = np.arange(-k, 5.0 + k), np.sin(np.arange(4.0 + k))
    inside = np.array([0.3, 1.4, 2.2, 3.9])
    close(interpolate.BSpline(t, c, k)(inside, 1), scipy.interpolate.BSpline(t, c, k)(inside, 1))
    wg.check_grads(lambda t, c, p: interpolate.BSpline(t, c, k)(p), (t, c, inside), order=1 + (k > 0))
    with pytest.raises(ArgumentError, match="bc_type"):
        interpolate.make_interp_spline(np.arange(5.0), np.ones(5), bc_type="natural")


@pytest.mark.parametrize("kind", KINDS)
def test_interp1d(kind):
    for n in [n for n in LENGTHS if n > 3 or kind != "cubic"]:
        x, y, points = data(n)
        order = np.random.default_rng(1).permutation(n)
        for values, axis in ((y, -1), (np.stack([y, y * y]), 1), (np.stack([y, y * y], 1), 0)):
            where = np.concatenate([points, x])
            for options in (
                {"fill_value": "extrapolate"},
                {"bounds_error": False},
                {"fill_value": (7.0, 8.0), "bounds_error": False},
            ):
                arguments = (x[order], np.take(values, order, axis), kind, axis)
                expected = scipy.interpolate.interp1d(*arguments, **options)(where)
                close(interpolate.interp1d(*arguments, **options)(where), expected)
        inside = (x[1:] + x[:-1]) / 2.1 + 0.01
        wg.check_grads(lambda x, y, p: interpolate.interp1d(x, y, kind)(p), (x, y, inside))


def test_interp1d_outside():
    x, y, _ = data(4)
    with pytest.raises(ValueError, match="outside"):
        interpolate.interp1d(x, y)(x[-1] + 1.0)
    assert np.isnan(interpolate.interp1d(x, y)(np.nan))
    outside = lambda fill: interpolate.interp1d(x, y, fill_value=(fill, fill), bounds_error=False)(-1.0)
    assert wg.grad(outside)(3.0) == 1.0
    with pytest.raises(ArgumentError, match="kind"):
        interpolate.interp1d(x, y, "quadratic")


# Grids

GRID = [np.array([0.0, 1.0, 2.5]), np.array([3.0, 2.5, 1.0, 0.0]), np.array([0.0, 0.4])]


@pytest.mark.parametrize("method", ["linear", "nearest"])
def test_regular_grids(rng, method):
    values = rng.normal(size=(3, 4, 2, 2))
    inside = rng.uniform(0.0, 0.4, (5, 3)) * [5.0, 6.0, 1.0]
    beyond = np.concatenate([inside * 1.5 - 0.3, [[np.nan, 1.0, 0.1]]])
    for points, options in (
        (inside, {}),
        (beyond, {"bounds_error": False, "fill_value": None}),
        (beyond, {"bounds_error": False, "fill_value": 7.0}),
    ):
        theirs = scipy.interpolate.RegularGridInterpolator(GRID, values, method, **options)
        close(interpolate.RegularGridInterpolator(GRID, values, method, **options)(points), theirs(points))
    close(
        interpolate.interpn(GRID, values, (inside[:, 0], inside[:, 1], 0.2), method),
        scipy.interpolate.interpn(GRID, values, (inside[:, 0], inside[:, 1], 0.2), method),
    )
    f = lambda g, v, p: interpolate.RegularGridInterpolator([g, *GRID[1:]], v, method)(p)
    wg.check_grads(f, (GRID[0], values, inside))


def test_nearest_is_a_step_function(rng):
    values = rng.normal(size=(3, 4, 2))
    f = lambda p: interpolate.RegularGridInterpolator(GRID, values, "nearest")(p)[0]
    assert np.all(wg.grad(f)(np.array([0.3, 1.2, 0.1])) == 0.0)


def test_grids_raise_as_scipy_does(rng):
    values = rng.normal(size=(3, 4, 2))
    with pytest.raises(ValueError, match="out of bounds"):
        interpolate.RegularGridInterpolator(GRID, values)([9.0, 1.0, 0.1])
    with pytest.raises(ValueError, match="dimension"):
        interpolate.RegularGridInterpolator(GRID, values)([1.0, 0.1])
    with pytest.raises(ValueError, match="points and"):
        interpolate.RegularGridInterpolator(GRID[::-1], values)
    with pytest.raises(ValueError, match="strictly"):
        interpolate.RegularGridInterpolator([np.zeros(3)], np.zeros(3))
    with pytest.raises(ArgumentError, match="cubic"):
        interpolate.RegularGridInterpolator(GRID, values, "cubic")


def test_griddata_is_refused(rng):
    points, values = rng.normal(size=(6, 2)), rng.normal(size=6)
    assert interpolate.griddata(points, values, points[:1])[0] == pytest.approx(values[0])
    with pytest.raises(RefusedError, match="griddata"):
        wg.grad(lambda v: interpolate.griddata(points, v, points[:1]).sum())(values)


def test_batches(rng):
    x, y, _ = data(5)
    points = np.array([1.0, 1.5, 2.0])
    expected = np.array([interpolate.CubicSpline(x, y * s)(s) for s in points])
    np.testing.assert_allclose(wg.vmap(lambda s: interpolate.CubicSpline(x, y * s)(s))(points), expected)
    np.testing.assert_allclose(
        wg.vmap(wg.grad(interpolate.CubicSpline(x, y)))(points), interpolate.CubicSpline(x, y)(points, 1)
    )
    assert wg.vmap(interpolate.make_interp_spline(x, y))(points).shape == (3,)
    assert wg.vmap(interpolate.interp1d(x, y, "nearest"))(points).shape == (3,)
    grid = interpolate.RegularGridInterpolator(GRID, rng.normal(size=(3, 4, 2)))
    batch = rng.uniform(0.0, 0.4, (4, 3))
    np.testing.assert_allclose(wg.vmap(lambda p: grid(p)[0])(batch), grid(batch))

"""wengert.scipy.ndimage: SciPy's values in every mode; derivatives in images, weights and coordinates; refusals."""

import itertools
import warnings

import numpy as np
import pytest
import scipy.ndimage

import wengert as wg
from wengert.errors import NotConcreteError, NotDifferentiableError, RefusedError
from wengert.scipy import ndimage

MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
GRID_MODES = (*MODES, "grid-mirror", "grid-wrap", "grid-constant")
SHAPES = ((7,), (1,), (4, 5), (2, 3, 3))


def agree(name, arrays, *args, tol=1e-13, **options):
    """Compare a function of traced arrays with SciPy's: on plain arguments the mirrors are SciPy itself."""
    expected = getattr(scipy.ndimage, name)(*arrays, *args, **options)
    found = wg.vjp(lambda *xs: getattr(ndimage, name)(*xs, *args, **options), *arrays)[0]
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=tol * max(1.0, np.max(np.abs(expected))))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_filters(rng, shape, mode):
    x, options = rng.normal(size=shape), {"mode": mode, "cval": 0.4}
    for k in (1, 2, 3, 5):
        w = rng.normal(size=k)
        for origin in range(-(k // 2), (k - 1) // 2 + 1):
            agree("correlate1d", (x, w), 0, None, mode, 1.5, origin)
        agree("convolve1d", (x, w), 0, **options)
    w = rng.normal(size=(3, 2, 3)[: len(shape)])
    agree("correlate", (x, w), **options)
    agree("convolve", (x, w), **options)
    for sigma, order in ((1.3, 0), (0.7, 1), (2.0, 2), (1.0, 3)):
        agree("gaussian_filter", (x,), sigma, order, **options)
    agree("gaussian_filter1d", (x,), 1.2, 0, 1, **options)
    agree("uniform_filter", (x,), 3, **options)
    agree("uniform_filter1d", (x,), 4, 0, origin=1, **options)
    for name in ("sobel", "prewitt", "laplace"):
        agree(name, (x,), mode=mode)
    agree("gaussian_laplace", (x,), 1.1, mode=mode)


def test_axes_of_filters(rng):
    x = rng.normal(size=(3, 4, 5))
    w = rng.normal(size=(2, 3))
    agree("correlate", (x, w), axes=(2, 0))
    agree("convolve", (x, w), axes=(0, 1))
    agree("gaussian_filter", (x,), (0.5, 1.0), axes=(1, 2), mode=("wrap", "nearest"))
    agree("gaussian_filter", (x,), 1.0, radius=(1, 2, 3))
    agree("gaussian_filter", (x,), (1.0, 0.0, 1.0))
    agree("uniform_filter", (x,), (2, 3), axes=(0, 2))


@pytest.mark.parametrize("mode", MODES)
def test_filters_are_differentiable(rng, mode):
    x, w = rng.normal(size=(4, 5)), rng.normal(size=(2, 3))
    wg.check_grads(lambda x, w: ndimage.correlate(x, w, mode=mode, cval=0.3), (x, w))
    wg.check_grads(lambda x, w: ndimage.convolve(x, w, mode=mode, cval=0.3), (x, w))
    wg.check_grads(lambda x, w: ndimage.convolve1d(x, w, 1, mode=mode), (x, w[0]))
    f = lambda x, s: ndimage.gaussian_filter(x, s, 1, mode=mode, truncate=2.0)
    wg.check_grads(f, (x, np.array([0.9, 1.1])))


def test_a_large_kernel_and_a_border_value_are_differentiable(rng):
    x, w = rng.normal(size=5), rng.normal(size=9)
    wg.check_grads(
        lambda x, w, c: ndimage.correlate1d(x, w, mode="constant", cval=c), (x, w, np.float64(0.3))
    )
    wg.check_grads(lambda x, s: ndimage.gaussian_laplace(x, s), (rng.normal(size=(4, 5)), np.float64(0.8)))


def test_complex_and_single_precision(rng):
    x = rng.normal(size=(4, 5)) + 1j * rng.normal(size=(4, 5))
    w = rng.normal(size=(2, 3)) + 0.3j
    agree("correlate", (x, w))
    agree("convolve1d", (x, w[0]))
    wg.check_grads(lambda x, w: ndimage.correlate(x, w), (x, w))
    agree("gaussian_filter", (x.real.astype(np.float32),), 1.0, tol=1e-6)


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", GRID_MODES)
def test_interpolation(rng, mode, order):
    for shape in ((6,), (4, 5), (1, 3), (3, 3, 4)):
        d = len(shape)
        x = rng.normal(size=shape)
        points = np.concatenate(
            [
                rng.uniform(-9.0, 14.0, (d, 9)),
                rng.integers(-8, 12, (d, 9)).astype(float),
                rng.uniform(0.0, 1.0, (d, 9)) * (np.array(shape)[:, None] - 1),
            ],
            axis=1,
        )
        options = {"order": order, "mode": mode, "cval": 0.7, "tol": 1e-12}
        for prefilter in (True, False):
            agree("map_coordinates", (x, points), prefilter=prefilter, **options)
        if d == 3:
            continue
        agree("shift", (x,), 0.3, **options)
        matrix = rng.normal(size=(d, d))
        for a in (matrix, matrix[0], np.concatenate([matrix, np.full((d, 1), 0.2)], axis=1)):
            agree("affine_transform", (x, a), 0.3, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy recommends another mode
            agree("zoom", (x,), 1.7, **options)
            agree("zoom", (x,), 1.7, grid_mode=True, **options)


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", GRID_MODES)
def test_interpolation_is_differentiable(rng, mode, order):
    x, points = rng.normal(size=(4, 5)), rng.uniform(-3.0, 7.0, (2, 6))
    f = lambda x, p: ndimage.map_coordinates(x, p, order=order, mode=mode, cval=0.7)
    wg.check_grads(f, (x, points), order=2 if order in (1, 3) else 1)
    if order == 3:
        wg.check_grads(lambda x, s: ndimage.shift(x, s, mode=mode), (x, np.array([0.3, -0.4])))


def test_affine_transforms_are_differentiable(rng):
    x, matrix, offset = (
        rng.normal(size=(4, 5)),
        np.eye(2) + 0.1 * rng.normal(size=(2, 2)),
        np.array([0.1, 0.2]),
    )
    f = lambda x, m, o: ndimage.affine_transform(x, m, o, (3, 3), order=1, mode="nearest")
    wg.check_grads(f, (x, matrix, offset))


def test_the_slope_at_the_last_pixel_is_one_sided():
    x = np.array([1.0, 2.0, 4.0])
    for mode in ("constant", "nearest", "mirror", "wrap"):
        f = lambda c, m=mode: ndimage.map_coordinates(x, c[None, None], order=1, mode=m)[0]
        assert wg.grad(f)(2.0) == 2.0
        assert wg.grad(f)(0.0) == 1.0


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_spline_filters(rng, order):
    for mode, n in itertools.product(GRID_MODES, (1, 2, 4, 40)):
        x = rng.normal(size=(n, 2))
        agree("spline_filter1d", (x,), order, 0, mode=mode)
        agree("spline_filter", (x,), order, mode=mode)
        _, pullback = wg.vjp(lambda x, m=mode: ndimage.spline_filter1d(x, order, 0, mode=m), x[:, 0])
        matrix = scipy.ndimage.spline_filter1d(np.eye(n), order, 0, mode=mode)
        found = np.stack([pullback(row)[0] for row in np.eye(n)])
        np.testing.assert_allclose(found, matrix, atol=1e-13 * np.max(np.abs(matrix)))


def test_batches(rng):
    x, points = rng.normal(size=(3, 4, 5)), rng.uniform(0.0, 3.0, (3, 2, 6))
    found = wg.vmap(ndimage.map_coordinates)(x, points)
    np.testing.assert_allclose(
        found, [scipy.ndimage.map_coordinates(*xp) for xp in zip(x, points, strict=True)]
    )
    found = wg.vmap(lambda x: ndimage.gaussian_filter(x, 1.0))(x)
    np.testing.assert_allclose(found, [scipy.ndimage.gaussian_filter(v, 1.0) for v in x], atol=1e-14)


def test_refusals(rng):
    x = rng.normal(size=(4, 5))
    with pytest.raises(NotDifferentiableError, match="rounded"):
        wg.grad(lambda c: ndimage.map_coordinates(np.arange(6), c).sum())(np.array([[0.3]]))
    with pytest.raises(RefusedError, match="median_filter"):
        wg.grad(lambda x: ndimage.median_filter(x, 3).sum())(x)
    with pytest.raises(RefusedError, match="output="):
        wg.grad(lambda x: ndimage.gaussian_filter(x, 1.0, output=np.zeros((4, 5))).sum())(x)
    with pytest.raises(NotConcreteError, match="width"):
        wg.vmap(lambda s: ndimage.gaussian_filter(x, s))(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="origin"):
        wg.grad(lambda x: ndimage.correlate1d(x, np.ones(3), origin=2).sum())(x)
    with pytest.raises(RuntimeError, match="mode"):
        wg.grad(lambda x: ndimage.correlate1d(x, np.ones(3), mode="odd").sum())(x)
    with pytest.raises(RuntimeError, match="order"):
        wg.grad(lambda x: ndimage.shift(x, 0.3, order=6).sum())(x)

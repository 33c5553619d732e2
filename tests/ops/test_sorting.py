"""Order, distinct values, bins and sampled functions: values as NumPy's, derivatives as differences say."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import Traced
from wengert.errors import RefusedError

from .agreement import check


def shuffled(rng, *shape):
    """Numbers at least 0.4 apart, in random order: no step of a difference reorders them."""
    n = int(np.prod(shape))
    return (rng.permutation(n) + rng.uniform(-0.3, 0.3, n)).reshape(shape)


# sort


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("how", [{}, {"kind": "heapsort"}, {"stable": True}])
def test_sort(axis, how, rng):
    x = shuffled(rng, 3, 4)
    check(lambda x: np.sin(np.sort(x, axis, **how)), x)


def test_sort_in_place(rng):
    def fun(x):
        y = x * x
        y.sort(axis=0)
        return y * np.arange(8.0).reshape(4, 2)

    check(fun, shuffled(rng, 4, 2))


def test_ties_are_stable():
    x = np.array([2.0, 1.0, 2.0, 1.0])
    for kind in ("quicksort", "heapsort", "stable"):
        _, pullback = wg.vjp(lambda x, kind=kind: np.sort(x, kind=kind), x)
        np.testing.assert_array_equal(pullback(np.array([1.0, 2.0, 3.0, 4.0]))[0], [3.0, 1.0, 4.0, 2.0])


def test_nan_sorts_to_the_end():
    y, pullback = wg.vjp(np.sort, np.array([np.nan, 2.0, 1.0]))
    np.testing.assert_array_equal(y, [1.0, 2.0, np.nan])
    np.testing.assert_array_equal(pullback(np.array([1.0, 2.0, 3.0]))[0], [3.0, 2.0, 1.0])


def test_sort_of_complex_numbers(rng):
    x = shuffled(rng, 5)
    check(lambda x: np.sort_complex(x) * 1j, x)
    check(np.sort_complex, x + 1j * rng.normal(size=5))
    y, pullback = wg.vjp(np.sort_complex, np.float32(x))
    assert y.dtype == np.sort_complex(np.float32(x)).dtype
    assert pullback(np.ones_like(y))[0].dtype == np.float32


def test_sort_refuses_what_numpy_refuses():
    for arguments in ({"kind": "bubble"}, {"order": "field"}, {"kind": "stable", "stable": True}):
        with pytest.raises(ValueError, match=r"."):
            wg.grad(lambda x, arguments=arguments: np.sum(np.sort(x, **arguments)))(np.ones(2))
    with pytest.raises(np.exceptions.AxisError):
        wg.grad(np.sort)(1.0)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("kth", [2, (0, 2)])
def test_partition(axis, kth, rng):
    x = shuffled(rng, 3, 4)
    check(lambda x: np.partition(x, kth, axis) ** 2, x)
    check(lambda x: np.take_along_axis(x, np.argpartition(x, kth, axis), axis), x)


def test_orders_have_derivative_zero(rng):
    x = shuffled(rng, 4)

    def fun(x):
        orders = [np.argsort(x), np.lexsort((x, -x)), np.argpartition(x, 1), np.searchsorted(np.sort(x), x)]
        orders += [
            np.digitize(x, [0.5, 1.5]),
            np.argwhere(x > 1),
            np.flatnonzero(x),
            *np.nonzero(x),
            np.isin(x, x[:1]),
        ]
        orders += [*np.unravel_index(np.argsort(x), (2, 2)), np.argsort(x.sum())]
        assert not any(isinstance(order, Traced) for order in orders)
        return np.sum(x * sum(order[0] for order in orders))

    assert np.all(np.isfinite(wg.grad(fun)(x)))


def test_searchsorted_in_batches(rng):
    a, v = np.sort(rng.normal(size=(4, 5))), rng.normal(size=(4, 2))
    for side in ("left", "right"):
        loop = [np.searchsorted(p, q, side) for p, q in zip(a, v, strict=True)]
        np.testing.assert_array_equal(
            wg.vmap(lambda p, q, side=side: np.searchsorted(p, q, side))(a, v), loop
        )
    order = rng.permutation(5)
    plain = np.searchsorted(a[0][order], v[0], sorter=np.argsort(order))
    assert (
        wg.jvp(lambda v: v + np.searchsorted(a[0][order], v, sorter=np.argsort(order)), (v[0],), (v[0],))[
            0
        ].tolist()
        == (v[0] + plain).tolist()
    )


# sets


def test_unique(rng):
    x = rng.permutation(np.array([3.0, 1.0, 2.0, 1.0, 3.0]))

    def fun(x):
        values, index, inverse, counts = np.unique(x, True, True, True)
        assert not any(isinstance(array, Traced) for array in (index, inverse, counts))
        return np.sum(values**2 * counts) + np.sum(values[inverse] * x)

    np.testing.assert_array_equal(np.unique(x), wg.jvp(np.unique, (x,), (x,))[0])
    first = np.zeros(5)
    first[np.unique(x, return_index=True)[1]] = 1.0
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(np.unique(x)))(x), first)
    assert wg.value_and_grad(fun)(x)[0] == fun(x)
    rows = np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]])
    gradient = wg.grad(lambda x: np.sum(np.unique(x, axis=0) * [[1.0, 2.0], [3.0, 4.0]]))(rows)
    np.testing.assert_array_equal(gradient, [[3.0, 4.0], [1.0, 2.0], [0.0, 0.0]])


def test_results_of_unique_have_names():
    x = np.array([2.0, 1.0, 2.0])

    def fun(x):
        found = np.unique_all(x)
        assert found.counts.tolist() == np.unique_counts(x).counts.tolist() == [1, 2]
        assert found.inverse_indices.tolist() == np.unique_inverse(x).inverse_indices.tolist() == [1, 0, 1]
        return np.sum(found.values * np.sort(np.unique_values(x)))

    np.testing.assert_array_equal(wg.grad(fun)(x), [4.0, 2.0, 0.0])


def test_sets(rng):
    x, y = shuffled(rng, 5), np.array([0.3, 7.5])
    check(lambda x: np.union1d(x, y) ** 2, x, batches=False)
    check(lambda x: np.setdiff1d(x, [10.0, 11.0]) ** 2, x, batches=False)
    check(lambda x: np.setxor1d(x, y) ** 2, x, batches=False)
    check(lambda x: np.setdiff1d(x, y, assume_unique=True), x, batches=False)
    with pytest.raises(RefusedError, match="isin"):
        wg.grad(lambda x: np.sum(np.intersect1d(x, y)))(x)


def test_index_helpers_look_at_shapes():
    x = np.arange(9.0).reshape(3, 3)

    def fun(x):
        return (
            np.sum(x[np.tril_indices_from(x, -1)])
            + 2 * np.sum(x[np.triu_indices_from(x, 1)])
            + 3 * np.sum(x[np.diag_indices_from(x)])
        )

    np.testing.assert_array_equal(wg.grad(fun)(x), np.tri(3, k=-1) + 2 * np.tri(3, k=-1).T + 3 * np.eye(3))
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x[np.ix_([0, 2], x[0] > 0)]))(x)[1], 0.0)


@pytest.mark.parametrize("trim", ["fb", "F", "b"])
def test_trim_zeros(trim):
    for x in (np.array([0.0, 0.0, 1.0, 0.0, 2.0, 0.0]), np.array([0.0, 0.0]), np.array([3.0])):
        y, pullback = wg.vjp(lambda x: np.trim_zeros(x, trim), x)
        np.testing.assert_array_equal(y, np.trim_zeros(x, trim))
        assert pullback(np.ones_like(y))[0].sum() == y.size


# bins


def test_interp(rng):
    x, xp, fp = rng.uniform(-0.5, 4.5, (2, 3)), np.arange(5.0) + rng.uniform(-0.2, 0.2, 5), rng.normal(size=5)
    check(np.interp, x, xp, fp)
    check(lambda x, xp, fp: np.interp(x, xp, fp, left=1.0, right=fp[1]), x, xp, fp)
    check(lambda x, xp, fp: np.interp(x, xp, fp, period=3.7), x, xp, fp)
    check(lambda x, period: np.interp(x, xp, fp, period=period), x, np.array(-3.7), batches=False)
    check(lambda x, xp: np.interp(x, xp, fp + 1j), x, xp)
    check(lambda fp: np.interp([0.5, 1.5], [1.0], fp), fp[:1])
    with pytest.raises(ValueError, match="period"):
        wg.grad(lambda x: np.interp(x, xp, fp, period=0.0))(1.0)
    with pytest.raises(ValueError, match="same length"):
        wg.grad(lambda x: np.interp(x, xp, fp[:2]))(1.0)


def test_interp_at_a_knot_has_the_slope_on_its_right():
    xp, fp = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0, 8.0])
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0])
    y, y_dot = wg.jvp(lambda x: np.interp(x, xp, fp), (x,), (np.ones(6),))
    np.testing.assert_array_equal(y, np.interp(x, xp, fp))
    np.testing.assert_array_equal(y_dot, [0.0, 1.0, 1.0, 3.0, 3.0, 0.0])


def test_interp_computes_in_double_precision():
    y, pullback = wg.vjp(lambda x: np.interp(x, [0, 1], [0, 1]), np.float32([0.5]))
    assert y.dtype == np.float64
    assert pullback(y)[0].dtype == np.float32


def test_bincount(rng):
    x, w = np.array([3, 0, 3, 1]), rng.normal(size=4)
    check(lambda w: np.bincount(x, w) ** 2, w)
    check(lambda w: np.bincount(x, weights=w, minlength=7), w)
    with pytest.raises(ValueError, match="same length"):
        wg.grad(lambda w: np.sum(np.bincount(x, w[:2])))(w)
    with pytest.raises(RefusedError, match="length of the result"):
        wg.vmap(lambda i: np.bincount(i, w))(np.array([x, x]))


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("bins", [3, [-1.0, 0.0, 0.7, 1.0]])
def test_histogram(bins, density, rng):
    a, w = np.array([-0.9, -0.5, 0.1, 0.3, 0.75, 0.99]), rng.uniform(1.0, 2.0, 6)
    check(lambda w: np.histogram(a, bins, weights=w, density=density)[0], w)
    check(lambda a: np.histogram(a, bins, density=density)[1] ** 2 + 0.0 * a[0], a)
    check(lambda a: np.histogram(a, bins, range=(-1, 1), density=density)[0] + 0.0 * a[0], a)


def test_histogram_with_traced_edges():
    a, edges = np.array([-0.9, -0.5, 0.1, 0.3, 0.75, 2.0]), np.array([-1.0, 0.0, 1.0])
    check(lambda edges: np.histogram(a, edges, density=True)[0], edges)
    counts = wg.jvp(lambda a: np.histogram(a, 4)[0] + 0.0 * a[0], (a,), (a,))[0]
    np.testing.assert_array_equal(counts, np.histogram(a, 4)[0])


def test_histogram_refuses_what_it_must():
    a = np.ones(3)
    for kwargs, error in (
        ({"bins": "auto"}, RefusedError),
        ({"bins": 0}, ValueError),
        ({"bins": [1.0, 0.0]}, ValueError),
    ):
        with pytest.raises(error):
            wg.grad(lambda a, kwargs=kwargs: np.sum(np.histogram(a, **kwargs)[1]))(a)
    with pytest.raises(RefusedError, match="digitize"):
        wg.grad(lambda a: np.sum(np.histogram2d(a, a)[0]))(a)


# sampled functions


def test_trapezoid(rng):
    y, x = rng.normal(size=(3, 4)), np.sort(rng.normal(size=4))
    check(np.trapezoid, y)
    check(lambda y, x: np.trapezoid(y, x), y, x)
    check(lambda y, dx: np.trapezoid(y, dx=dx, axis=0), y, np.array(0.3))
    check(lambda y, x: np.trapezoid(y, x, axis=0), y, rng.normal(size=(3, 4)))


@pytest.mark.parametrize("order", [1, 2])
def test_gradient(order, rng):
    f, x = rng.normal(size=(4, 5)), np.cumsum(rng.uniform(1.0, 2.0, 5))
    check(lambda f: np.gradient(f, edge_order=order), f)
    check(lambda f, h: np.gradient(f, h, edge_order=order), f, np.array(2.0))
    check(lambda f, x: np.gradient(f, 0.5, x, edge_order=order), f, x)
    check(lambda f, x: np.gradient(f, x, axis=-1, edge_order=order), f, x)
    check(lambda f, x: np.gradient(f, x, axis=1, edge_order=order), f, np.arange(5.0))
    check(lambda f: np.gradient(f, np.arange(4.0), axis=(0,), edge_order=order), f)
    check(lambda f: np.gradient(f, edge_order=order), f[0, :3])


def test_gradient_refuses_what_numpy_refuses():
    f = np.zeros((2, 3))
    for args, kwargs, error in (
        ((1.0, 2.0, 3.0), {}, TypeError),
        ((f, f), {}, ValueError),
        (([1.0], [2.0]), {}, ValueError),
        ((), {"edge_order": 3}, ValueError),
        ((), {"edge_order": 2}, ValueError),
    ):
        with pytest.raises(error):
            np.gradient(f, *args, **kwargs)
        with pytest.raises(error):
            wg.jvp(lambda f, args=args, kwargs=kwargs: np.gradient(f, *args, **kwargs), (f,), (f,))

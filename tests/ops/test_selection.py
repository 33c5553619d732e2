"""Choosing between operands: values as NumPy's, exact zeros where an operand was not chosen."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import RefusedError

from .agreement import check

MASK = np.array([True, False, True])


def test_where(rng):
    x, z = rng.normal(size=(2, 1)), rng.normal(size=3)
    check(lambda x, z: np.where(MASK, x, np.sin(z)), x, z)
    check(lambda x: np.where(x > 0, x**2, [1.0, 2.0]), rng.normal(size=(3, 2)))
    check(lambda x: np.where(x, 3.0 * x, 0.0), rng.normal(size=3))


def test_where_is_truth_of_a_traced_number():
    x = np.array([0.0, 2.0, np.nan])
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(np.where(x, x, 7.0 * x)))(x), [7.0, 1.0, 1.0])


def test_where_of_a_condition_alone():
    x = np.array([0.0, 2.0, 3.0])
    gradient = wg.grad(lambda x: np.sum(x[np.where(x > 2.0)] ** 2) + np.sum(x[np.nonzero(x)]))(x)
    np.testing.assert_array_equal(gradient, [0.0, 1.0, 7.0])
    with pytest.raises(ValueError, match="both or neither"):
        wg.grad(lambda x: np.where(x, x))(x)


def test_the_branch_not_taken_contributes_nothing_to_any_order():
    def fun(x):
        return np.where(x > 0, np.sqrt(x), 0.0)

    for derivative in (wg.grad(fun), wg.grad(wg.grad(fun)), lambda x: wg.jvp(wg.grad(fun), (x,), (1.0,))[1]):
        assert derivative(0.0) == 0.0


def test_an_infinite_cotangent_stays_on_its_branch():
    x_bar, z_bar = wg.vjp(lambda x, z: np.where(MASK, x, z), np.ones(3), np.ones(3))[1](np.full(3, np.inf))
    np.testing.assert_array_equal(x_bar, [np.inf, 0.0, np.inf])
    np.testing.assert_array_equal(z_bar, [0.0, np.inf, 0.0])


def test_precision_is_kept():
    x = np.ones(3, np.float32)
    for fun in (
        lambda x: np.where(MASK, x, 1.0),
        lambda x: np.clip(x, 0.0, None),
        lambda x: np.clip(x, 0.0, 0.5),
        lambda x: np.select([MASK], [x]),
        lambda x: np.take(x, [0, 0]),
    ):
        y, pullback = wg.vjp(fun, x)
        assert y.dtype == np.float32
        assert pullback(np.ones_like(y))[0].dtype == np.float32


def test_select(rng):
    x = rng.normal(size=(2, 3))

    def fun(x):
        return np.select([x > 0.3, x > -0.3, MASK], [x**2, 1.0, np.sin(x)], default=x)

    check(fun, x)
    for bad, match in ((([], []), "empty"), (([MASK], []), "same length")):
        with pytest.raises(ValueError, match=match):
            wg.grad(lambda x, bad=bad: np.select(*bad, default=x))(1.0)
    with pytest.raises(TypeError, match="boolean"):
        wg.grad(lambda x: np.sum(np.select([[1, 0]], [x])))(np.ones(2))


def test_choose(rng):
    x, z = rng.normal(size=3), rng.normal(size=(2, 3))
    for mode in ("wrap", "clip"):
        check(lambda x, z, mode=mode: np.choose([0, 5, -1], [x, z, 2.0], mode=mode), x, z)
    check(lambda x: np.choose([[0], [1], [2]], x * 2.0), x)
    with pytest.raises(ValueError, match="invalid entry"):
        wg.grad(lambda x: np.sum(np.choose([3], [x, x])))(1.0)


# clip


@pytest.mark.parametrize(
    "bounds", [(-0.5, 0.5), (None, 0.5), (-0.5, None), (np.array([-0.1, 0.2, -2.0]), 0.4), (0.5, -0.5)]
)
def test_clip(bounds, rng):
    x = rng.normal(size=(2, 3))
    check(lambda x: np.clip(x, *bounds) * x, x)
    check(lambda x: x.clip(*bounds) * x, x)
    check(lambda x: np.clip(x, min=bounds[0], max=bounds[1]), x)


def test_clip_with_traced_bounds(rng):
    x = rng.normal(size=(4, 3))
    check(np.clip, x, np.array([-0.5, -0.4, 2.0]), np.array(0.6))
    check(lambda lo: np.clip(x, lo, None), np.array([-0.5, -0.4, 2.0]))
    check(lambda hi: x.clip(-1.0, hi), np.array([-0.5, -0.4, 2.0]))
    check(lambda hi: np.clip(np.arange(4), None, hi), np.array(2.5))


def test_the_derivative_of_clip_at_a_bound_is_one():
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    for fun in (lambda x: np.clip(x, -1.0, 1.0), lambda x: np.clip(np.clip(x, -1.0, None), None, 1.0)):
        np.testing.assert_array_equal(wg.elementwise_grad(fun)(x), [0.0, 1.0, 1.0, 1.0, 0.0])
    _, pullback = wg.vjp(np.clip, 1.0, 1.0, 1.0)
    assert pullback(1.0) == (1.0, 0.0, 0.0)


def test_clip_propagates_nan_and_stops_infinite_cotangents():
    y, pullback = wg.vjp(lambda x: np.clip(x, 0.0, 1.0), np.array([np.nan, -1.0]))
    np.testing.assert_array_equal(y, [np.nan, 0.0])
    np.testing.assert_array_equal(pullback(np.full(2, np.inf))[0], [np.inf, 0.0])
    assert wg.grad(lambda x: np.sqrt(np.clip(x, 0.0, 1.0)))(-1.0) == 0.0


def test_clip_has_numpys_signature():
    x = np.ones(2)
    assert wg.grad(lambda x: np.clip(x))(2.0) == 1.0
    assert wg.jvp(lambda x: np.clip(x, 0, 1, dtype=np.float32), (x,), (x,))[0].dtype == np.float32
    with pytest.raises(TypeError, match="a_max"):
        wg.grad(lambda x: np.clip(x, 0.0))(1.0)
    with pytest.raises(ValueError, match="forbidden"):
        wg.grad(lambda x: np.clip(x, 0.0, 1.0, min=1.0))(1.0)


def test_clip_of_batched_integers():
    np.testing.assert_array_equal(wg.vmap(lambda i: np.clip(i, 0, None))(np.array([-1, 2])), [0, 2])
    assert wg.vmap(lambda i: np.clip(i, 0, None))(np.array([-1, 2])).dtype == int


# take and its kin


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("indices", [1, [0, 1, 1], np.array([[-1, 0]]), []])
def test_take(axis, indices, rng):
    x = rng.normal(size=(2, 3))
    check(lambda x: np.take(x, indices, axis), x)
    check(lambda x: x.take(indices, axis=axis), x)


def test_take_outside_the_axis(rng):
    x = rng.normal(size=(2, 3))
    for mode in ("wrap", "clip"):
        check(lambda x, mode=mode: np.take(x, [4, -5, 0], 1, mode=mode), x)
    with pytest.raises(IndexError):
        wg.grad(lambda x: np.sum(np.take(x, [9])))(x)
    with pytest.raises(TypeError, match="same_kind"):
        wg.grad(lambda x: np.sum(np.take(x, [0.5])))(x)
    with pytest.raises(ValueError, match="clipmode"):
        wg.grad(lambda x: np.sum(np.take(x, [0], mode="up")))(x)


def test_take_along_axis(rng):
    x = rng.permutation(12).reshape(3, 4) + rng.uniform(-0.3, 0.3, (3, 4))
    for axis in (0, 1, -1):
        check(lambda x, axis=axis: np.take_along_axis(np.sin(x), np.argsort(x, axis), axis), x)
    check(lambda x: np.take_along_axis(x, np.array([[1], [0], [3]]), 1), x)
    check(lambda x: np.take_along_axis(x, np.array([[0, 2, 2, 1]]), 0), x)
    check(lambda x: np.take_along_axis(x, np.array([5, 5]), None), x)
    with pytest.raises(ValueError, match="dimensions"):
        wg.grad(lambda x: np.sum(np.take_along_axis(x, np.array([0]), 1)))(x)


def test_plain_arrays_are_read_at_positions_of_each_example(rng):
    table, i = rng.normal(size=(3, 4)), rng.integers(0, 3, (5, 2))
    loop = np.stack([np.take_along_axis(table[:, :2], k[None], 0) for k in i])
    np.testing.assert_array_equal(wg.vmap(lambda k: np.take_along_axis(table[:, :2], k[None], 0))(i), loop)


def test_compress_and_extract(rng):
    x = rng.normal(size=(3, 2))
    check(lambda x: np.compress(MASK, x, axis=0), x)
    check(lambda x: x.compress([False, True], axis=1), x)
    check(lambda x: np.compress([True, False, True], x), x)
    check(lambda x: np.extract(x > 0, x), x, batches=False)
    with pytest.raises(ValueError, match="1-d"):
        wg.grad(lambda x: np.sum(np.compress([[True]], x)))(x)


def test_piecewise(rng):
    x = rng.normal(size=(2, 3))
    check(lambda x: np.piecewise(x, [x < -0.3, x > 0.3], [lambda v: v**2, 2.0, np.sin]), x, batches=False)
    check(lambda x: np.piecewise(x, x > 0, [lambda v, p: v**p, lambda v, p: v * p], 3.0), x[0], batches=False)
    check(lambda x, c: np.piecewise(x, [x > 0], [c, lambda v: v]), x, np.array(2.0), batches=False)
    check(lambda x: np.piecewise(x, [True, False], [np.sin, 0.0]), np.array(0.5), batches=False)
    with pytest.raises(ValueError, match="expected"):
        wg.grad(lambda x: np.piecewise(x, [x > 0], [1.0, 2.0, 3.0]))(1.0)
    with pytest.raises(RefusedError, match=r"np\.where"):
        wg.vmap(lambda x: np.piecewise(x, [x > 0], [1.0, 2.0]))(x)

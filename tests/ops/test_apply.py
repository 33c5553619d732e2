"""apply_along_axis and apply_over_axes are differentiated through the function they apply."""

import numpy as np
import pytest

import wengert as wg

from .agreement import check

X = np.random.default_rng(3).normal(size=(2, 3, 4))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(
    "fun",
    [np.sum, lambda v: v**2, lambda v: np.outer(v, v), lambda v: v[0]],
    ids=["sum", "square", "outer", "first"],
)
def test_apply_along_axis(fun, axis):
    check(lambda x: np.apply_along_axis(fun, axis, x), X)


def test_apply_along_axis_passes_arguments_on():
    check(lambda x: np.apply_along_axis(lambda v, a, b: a * v + b, 0, x, 2.0, b=3.0), X)


def test_apply_along_axis_of_a_vector():
    check(lambda x: np.apply_along_axis(np.prod, 0, x), X[0, 0])


def test_apply_along_axis_refuses_what_numpy_refuses():
    with pytest.raises(ValueError, match="iteration dimensions are 0"):
        wg.vjp(lambda x: np.apply_along_axis(np.sum, 1, x), np.ones((0, 2)))


@pytest.mark.parametrize("axes", [0, [0, 2], (1, -1)])
def test_apply_over_axes(axes):
    check(lambda x: np.apply_over_axes(np.sum, x, axes), X)
    check(lambda x: np.apply_over_axes(lambda a, axis: np.sum(a, axis, keepdims=True) ** 2, x, axes), X)


def test_apply_over_axes_refuses_what_numpy_refuses():
    with pytest.raises(ValueError, match="correct shape"):
        wg.vjp(lambda x: np.apply_over_axes(lambda a, axis: a[0, 0], x, 0), X)

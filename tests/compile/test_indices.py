"""Constant indices that are evenly spaced are places, not arrays."""

import numpy as np
import pytest

import wengert as wg

X = np.arange(1.0, 61.0).reshape(3, 4, 5)

SPACED = [
    lambda x: x[np.arange(3), np.arange(3)],
    lambda x: x[:, np.arange(4), np.arange(4)],
    lambda x: x[np.array([2, 1, 0])],
    lambda x: x[np.array([-1, -2, -3])],  # counted from the end: the same
    lambda x: x[np.array([[0, 1], [1, 2]]), np.array([3])],
    lambda x: x[np.array([1, 1, 1])],  # one of them, often
    lambda x: x[np.array([2])],
]
OTHERS = [
    lambda x: x[np.array([0, 2, 1])],
    lambda x: x[np.array([1, 0, -1])],  # goes around the end
    lambda x: x[np.array([[0, 1], [1, 1]])],
]


def kernel(fun):
    return str(wg.jit(fun).kernels(X))


@pytest.mark.parametrize("fun", SPACED)
def test_evenly_spaced(fun, machine_code):
    assert "i64" not in kernel(fun).split("for", 1)[0]
    np.testing.assert_array_equal(wg.jit(fun)(X), fun(X))
    slope = wg.grad(lambda x: np.sum(fun(x) ** 2))
    np.testing.assert_array_equal(wg.jit(slope)(X), slope(X))  # small integers: exact


@pytest.mark.parametrize("fun", OTHERS)
def test_others_are_read(fun, machine_code):
    np.testing.assert_array_equal(wg.jit(fun)(X), fun(X))
    slope = wg.grad(lambda x: np.sum(fun(x) ** 2))
    np.testing.assert_array_equal(wg.jit(slope)(X), slope(X))


def test_an_array_that_may_change_is_read(machine_code):
    rows = np.arange(3)
    compiled = wg.jit(lambda x: x[rows])
    np.testing.assert_array_equal(compiled(X), X)
    rows[0] = 2
    np.testing.assert_array_equal(compiled(X), X[rows])


@pytest.mark.parametrize("index", [np.arange(4), np.array([-4, -3]), np.array([0, 3])])
def test_out_of_bounds(index, machine_code):
    with pytest.raises(IndexError):
        wg.jit(lambda x: x[index])(X)

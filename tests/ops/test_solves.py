"""Inverses and square systems: NumPy's forms of the arguments, and derivatives of what is composed."""

import numpy as np
import pytest

import wengert as wg

from .matrix_agreement import agrees, matrix


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (1, 1)])
def test_inv(shape, dtype):
    agrees(np.linalg.inv, matrix(*shape, dtype=dtype))


@pytest.mark.parametrize(
    ("a", "b"),
    [((3, 3), (3,)), ((2, 3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1)), ((3, 3), (2, 3, 2))],
)
def test_solve_has_the_vector_and_matrix_rules_of_numpy_2(a, b):
    agrees(np.linalg.solve, matrix(*a), np.random.default_rng(1).normal(size=b))


@pytest.mark.parametrize("types", [(float, complex), (complex, float), (complex, complex)])
def test_solve_of_mixed_types(types):
    agrees(np.linalg.solve, matrix(3, 3, dtype=types[0]), matrix(3, 2, seed=2, dtype=types[1]))


def test_solve_of_mixed_precision_keeps_each_type():
    a, b = matrix(2, 2, dtype=np.float32), matrix(2, 2, seed=1)
    a_bar, b_bar = wg.grad(lambda a, b: np.sum(np.linalg.solve(a, b)), argnums=(0, 1))(a, b)
    assert (a_bar.dtype, b_bar.dtype) == (np.float32, np.float64)


def test_solve_with_one_plain_operand():
    a, b = matrix(3, 3), np.ones(3)
    expected = np.linalg.solve(a.T, np.ones(3))
    np.testing.assert_allclose(wg.grad(lambda b: np.linalg.solve(a, b).sum())(b), expected, rtol=1e-14)
    x = np.linalg.solve(a, b)
    np.testing.assert_allclose(
        wg.grad(lambda a: np.linalg.solve(a, b).sum())(a), -np.outer(expected, x), rtol=1e-14
    )


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 5, 8])
def test_matrix_power(n):
    agrees(lambda a: a + np.linalg.matrix_power(a, n), matrix(2, 2) / 4)


def test_matrix_power_of_a_rectangle_raises_as_numpy_does():
    with pytest.raises(np.linalg.LinAlgError):
        wg.grad(lambda a: np.linalg.matrix_power(a, 2).sum())(np.ones((2, 3)))
    with pytest.raises(TypeError):
        wg.grad(lambda a: np.linalg.matrix_power(a, 0.5).sum())(np.eye(2))


def test_tensorinv():
    a = matrix(6, 6).reshape(6, 2, 3)
    agrees(lambda a: np.linalg.tensorinv(a, ind=1), a)
    agrees(np.linalg.tensorinv, a.reshape(2, 3, 3, 2))
    with pytest.raises(ValueError, match="Invalid ind"):
        wg.grad(lambda a: np.linalg.tensorinv(a, 0).sum())(a)


@pytest.mark.parametrize("axes", [None, (1,), (0, 2)])
def test_tensorsolve(axes):
    shape = {None: (2, 3, 6), (1,): (2, 6, 3), (0, 2): (2, 6, 3)}[axes]
    a = matrix(6, 6).reshape(2, 3, 6)
    a = (
        a
        if axes is None
        else np.moveaxis(a, -1, 1)
        if axes == (1,)
        else np.moveaxis(a.reshape(6, 2, 3), 0, 1)
    )
    assert a.shape == shape
    b = np.random.default_rng(1).normal(size=(2, 3) if axes != (0, 2) else (6,))
    agrees(lambda a, b: np.linalg.tensorsolve(a, b, axes), a, b)


def test_tensorsolve_of_wrong_shapes_raises_as_numpy_does():
    with pytest.raises(np.linalg.LinAlgError, match="requirement"):
        wg.grad(lambda a: np.linalg.tensorsolve(a, np.ones(2)).sum())(np.ones((2, 3)))


def test_a_singular_matrix_raises_as_numpy_does():
    with pytest.raises(np.linalg.LinAlgError):
        wg.grad(lambda a: np.linalg.inv(a).sum())(np.zeros((2, 2)))

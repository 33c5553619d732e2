"""Pseudo-inverses and least squares: every shape of full rank, constant rank below it, NumPy's cutoffs."""

import numpy as np
import pytest

import wengert as wg

from .matrix_agreement import agrees, matrix

SHAPES = [(3, 3), (4, 2), (2, 4), (1, 1)]


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 2)])
def test_pinv(shape, dtype):
    agrees(np.linalg.pinv, matrix(*shape, dtype=dtype))


@pytest.mark.parametrize(
    "options", [{"rcond": 1e-10}, {"rtol": None}, {"rtol": 1e-8}, {"rcond": np.array([1e-9, 1e-8])}]
)
def test_pinv_with_a_cutoff(options):
    agrees(lambda a: np.linalg.pinv(a, **options), matrix(2, 3, 2))


def test_pinv_refuses_two_cutoffs_as_numpy_does():
    with pytest.raises(ValueError, match="rcond"):
        wg.grad(lambda a: np.linalg.pinv(a, 1e-3, rtol=1e-3).sum())(np.eye(2))


@pytest.mark.parametrize("dtype", [float, complex])
def test_pinv_of_a_hermitian_matrix_reads_the_lower_triangle(dtype):
    agrees(lambda a: np.linalg.pinv(a, hermitian=True), matrix(3, 3, dtype=dtype))


def test_pinv_along_matrices_of_one_rank():
    def fun(u, v):
        return np.linalg.pinv(np.outer(u, v))  # v u^T / (|u|^2 |v|^2)

    agrees(fun, np.array([1.0, 2.0, -1.0]), np.array([0.5, 1.0]))


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("columns", [None, 1, 2])
def test_lstsq_solution_residuals_and_singular_values(shape, columns, dtype):
    def fun(a, b):
        x, residuals, _, s = np.linalg.lstsq(a, b)
        assert residuals.size == 0 or shape[0] > shape[1]
        return (x, residuals, s) if residuals.size else (x, s)

    b = matrix(shape[0], columns or 1, seed=5, dtype=dtype)
    agrees(fun, matrix(*shape, dtype=dtype), b[:, 0] if columns is None else b)


def test_lstsq_has_a_plain_rank():
    ranks = []
    wg.grad(lambda a: (ranks.append(np.linalg.lstsq(a, np.ones(3))[2]), a.sum())[1])(matrix(3, 2))
    assert ranks == [2]
    assert isinstance(ranks[0], int | np.integer)


def test_lstsq_is_the_gradient_of_a_fit():
    """The minimum of |b - A x|^2 moves with b as twice the residual, whatever x does."""
    a, b = matrix(4, 2), np.array([1.0, -1.0, 2.0, 0.5])
    found = wg.grad(lambda b: np.linalg.lstsq(a, b)[1][0])(b)
    np.testing.assert_allclose(found, 2 * (b - a @ np.linalg.lstsq(a, b)[0]), rtol=1e-13)


def test_lstsq_below_full_rank_has_numpys_value_and_no_residuals():
    a = np.outer([1.0, 2.0, 3.0], [1.0, 1.0])
    y, _ = wg.jvp(lambda b: np.linalg.lstsq(a, b)[0], (np.ones(3),), (np.ones(3),))
    np.testing.assert_allclose(y, np.linalg.lstsq(a, np.ones(3))[0], rtol=1e-14)
    assert wg.vjp(lambda b: np.linalg.lstsq(a, b)[1], np.ones(3))[0].shape == (0,)

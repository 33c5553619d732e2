"""Determinants, where they are hard: singular matrices, high order, complex phases."""

import math

import numpy as np
import pytest

import wengert as wg
from wengert.ops.determinants import cofactor_

from .matrix_agreement import agrees, matrix


def minors(a):
    """Cofactors by their definition."""
    n = len(a)
    rest = lambda i: [k for k in range(n) if k != i]
    minor = lambda i, j: np.linalg.det(a[np.ix_(rest(i), rest(j))])
    return np.array([[(-1) ** (i + j) * minor(i, j) for j in range(n)] for i in range(n)])


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (1, 1)])
def test_det(shape, dtype):
    agrees(np.linalg.det, matrix(*shape, dtype=dtype))


@pytest.mark.parametrize("rank", [4, 3, 2, 1, 0])
def test_the_gradient_of_det_is_the_cofactors_at_every_rank(rank):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, rank)) @ rng.normal(size=(rank, 4))
    np.testing.assert_allclose(wg.grad(np.linalg.det)(a), minors(a), rtol=1e-12, atol=1e-13)


def test_det_at_the_textbook_singular_matrix():
    found = wg.grad(np.linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]]))
    np.testing.assert_allclose(found, [[4, -2], [-2, 1]], rtol=1e-14)


@pytest.mark.parametrize("a", [np.zeros((3, 3)), np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 0.5]), np.eye(3)])
def test_second_derivatives_of_det_at_singular_matrices(a):
    rng = np.random.default_rng(1)
    e, f = rng.normal(size=(2, 3, 3))
    h = 1e-3  # the second derivative is linear: this difference has no truncation error

    def mixed(s, t):
        return np.linalg.det(a + s * e + t * f)

    expected = (mixed(h, h) - mixed(h, -h) - mixed(-h, h) + mixed(-h, -h)) / (4 * h * h)
    found = np.einsum("ij,ijkl,kl", e, wg.hessian(np.linalg.det)(a), f)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("modes", ["fff", "ffr", "frr", "rrr"])
def test_third_derivatives_of_det_are_the_signs_of_permutations(modes):
    """Of a 3 by 3 determinant they are constant: here at zero, where everything else vanishes."""
    derivative = np.linalg.det
    for mode in reversed(modes):
        derivative = (wg.jacfwd if mode == "f" else wg.jacrev)(derivative)
    third = derivative(np.zeros((3, 3)))
    levi_civita = np.array(
        [[[(i - j) * (j - k) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)]
    )
    expected = np.einsum("ikm,jln->ijklmn", levi_civita, levi_civita)
    np.testing.assert_allclose(third, expected, atol=1e-14)


def test_fourth_derivatives_of_a_four_by_four_det():
    e = np.random.default_rng(2).normal(size=(4, 4))
    fun = lambda t: np.linalg.det(t * e)
    for _ in range(4):
        fun = wg.grad(fun)
    np.testing.assert_allclose(fun(0.0), math.factorial(4) * np.linalg.det(e), rtol=1e-13)


def test_cofactors_of_what_is_not_finite_are_not_a_number():
    a = np.stack([np.eye(2), np.full((2, 2), np.nan)])
    found = cofactor_(a)
    np.testing.assert_allclose(found[0], np.eye(2))
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (1, 1)])
def test_slogdet_of_real_matrices(shape):
    agrees(lambda a: np.linalg.slogdet(a).logabsdet, matrix(*shape))
    assert not wg.grad(lambda a: np.sum(np.linalg.slogdet(a).sign))(matrix(*shape)).any()


@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2)])
def test_slogdet_of_complex_matrices_has_a_moving_phase(shape):
    agrees(np.linalg.slogdet, matrix(*shape, dtype=complex))


def test_slogdet_keeps_numpys_result_type():
    y, _ = wg.vjp(np.linalg.slogdet, np.eye(2))
    assert type(y) is type(np.linalg.slogdet(np.eye(2)))

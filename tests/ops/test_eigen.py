"""Eigenvalues and eigenvectors: the triangle NumPy reads, its normalization, phases, repeated values."""

import numpy as np
import pytest

import wengert as wg

from .matrix_agreement import agrees, matrix


def turning(*shape, dtype=float):
    """Matrices with complex eigenvalues."""
    a = matrix(*shape, dtype=dtype)
    a[..., 0, 1] += 4.0
    a[..., 1, 0] -= 2.0
    return a


@pytest.mark.parametrize("uplo", ["L", "U", "l"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (1, 1)])
def test_eigh_is_a_function_of_the_triangle_it_reads(shape, uplo):
    agrees(lambda a: np.linalg.eigh(a, uplo), matrix(*shape))


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigvalsh(uplo, dtype):
    agrees(lambda a: np.linalg.eigvalsh(a, uplo), matrix(3, 3, dtype=dtype))


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_complex_eigh_in_functions_without_the_free_phase(uplo):
    def fun(a):
        w, v = np.linalg.eigh(a, uplo)
        weights = np.array([1.0, 2.0, -1.0])
        return w, (v * np.exp(w / 9)) @ np.conj(v.T), (v * weights) @ np.conj(v.T), np.abs(v)

    agrees(fun, matrix(3, 3, dtype=complex))


def test_eigh_refuses_other_triangles_as_numpy_does():
    with pytest.raises(ValueError, match="UPLO"):
        wg.grad(lambda a: np.linalg.eigvalsh(a, "X").sum())(np.eye(2))


@pytest.mark.parametrize("a", [np.eye(3), np.zeros((3, 3)), np.diag([1.0, 1.0, 2.0])])
def test_symmetric_functions_of_repeated_eigenvalues(a):
    trace = wg.grad(lambda a: np.linalg.eigvalsh(a).sum())(a)
    np.testing.assert_allclose(trace, np.eye(3), atol=1e-15)
    squares = wg.grad(lambda a: np.sum(np.linalg.eigh(a)[0] ** 2))(a)
    np.testing.assert_allclose(squares, 2 * a, atol=1e-14)


def test_norms_and_projectors_at_repeated_eigenvalues():
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    a = (q * [1.0, 1.0, 2.0]) @ q.T
    a = (a + a.T) / 2

    def rebuilt(a):
        w, v = np.linalg.eigh(a)
        return np.linalg.norm((v * w) @ v.T)

    whole = wg.grad(rebuilt)(a)
    np.testing.assert_allclose((whole + whole.T) / 2, a / np.linalg.norm(a), atol=1e-13)

    def projector(a):
        v = np.linalg.eigh(a)[1][..., :2]
        return v @ np.swapaxes(v, -1, -2)

    # First-order perturbation of the projector on the first two of q: gap 1 to the third (Kato 1995, section II.2.2).
    e = rng.normal(size=(3, 3))
    e = e + e.T
    p, third = q[:, :2] @ q[:, :2].T, np.outer(q[:, 2], q[:, 2])
    _, p_dot = wg.jvp(projector, (a,), (e,))
    np.testing.assert_allclose(p_dot, -(p @ e @ third + third @ e @ p), atol=1e-13)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("make", [matrix, turning])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2)])
def test_eig_in_the_normalization_of_lapack(shape, make, dtype):
    agrees(np.linalg.eig, make(*shape, dtype=dtype))
    agrees(np.linalg.eigvals, make(*shape, dtype=dtype))


def test_eig_of_a_rotation_whose_entries_tie():
    """Two entries of an eigenvector are equally large: the one that LAPACK made real stays real."""
    a = np.array([[1.0, -2.0], [2.0, 1.0]])
    _, (w_dot, v_dot) = wg.jvp(lambda a: tuple(np.linalg.eig(a)), (a,), (np.array([[0.0, 1.0], [1.0, 0.0]]),))
    _, v = np.linalg.eig(a)
    np.testing.assert_allclose(v_dot[v.imag == 0].imag, 0, atol=1e-15)
    np.testing.assert_allclose(w_dot, 0, atol=1e-15)


def test_eig_of_a_real_matrix_is_real_when_its_eigenvalues_are():
    y, pullback = wg.vjp(np.linalg.eig, matrix(3, 3))
    assert type(y) is type(np.linalg.eig(np.eye(2)))
    assert y.eigenvalues.dtype == y.eigenvectors.dtype == np.float64
    assert pullback(y)[0].dtype == np.float64
    assert wg.grad(lambda a: np.sum(np.abs(np.linalg.eigvals(a))))(turning(3, 3)).dtype == np.float64


def test_the_sum_of_equal_eigenvalues_is_the_trace():
    np.testing.assert_allclose(wg.grad(lambda a: np.linalg.eigvals(a).sum())(np.eye(3)), np.eye(3))

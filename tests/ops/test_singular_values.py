"""Singular values and vectors: every shape, phases, repeated and zero values."""

import numpy as np
import pytest

import wengert as wg

from .matrix_agreement import agrees, matrix

SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 1)]


def adjoint(x):
    return np.conj(np.swapaxes(x, -1, -2))


@pytest.mark.parametrize("shape", SHAPES)
def test_svd(shape):
    agrees(lambda a: np.linalg.svd(a, full_matrices=False), matrix(*shape))


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", SHAPES)
def test_svdvals(shape, dtype):
    agrees(np.linalg.svdvals, matrix(*shape, dtype=dtype))
    agrees(lambda a: np.linalg.svd(a, compute_uv=False), matrix(*shape, dtype=dtype))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_complex_svd_in_functions_without_the_free_phase(shape, full):
    def fun(a):
        u, s, vh = np.linalg.svd(a, full)
        k = min(shape)
        u, vh = u[..., :k], vh[..., :k, :]
        weights = np.arange(1.0, k + 1)
        polar, left, right = u @ vh, (u * weights) @ adjoint(u), (adjoint(vh) * weights) @ vh
        return s, (u * s**2) @ vh, polar, left, right, np.abs(u)

    agrees(fun, matrix(*shape, dtype=complex))


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", [(4, 2), (3, 1), (2, 4), (2, 3, 1)])
def test_the_space_that_full_matrices_complete(shape, dtype):
    def projectors(a):
        u, s, vh = np.linalg.svd(a)
        k = min(shape[-2:])
        u2, v2h = u[..., k:], vh[..., k:, :]
        return s, u2 @ adjoint(u2), adjoint(v2h) @ v2h

    agrees(projectors, matrix(*shape, dtype=dtype))


@pytest.mark.parametrize("compute_uv", [False, True])
def test_svd_of_a_hermitian_matrix(compute_uv):
    a = matrix(3, 3) - 3.1 * np.eye(3)  # values of both signs
    agrees(lambda a: np.linalg.svd(a, hermitian=True, compute_uv=compute_uv), a)


def test_svd_keeps_numpys_result_type():
    y, _ = wg.vjp(np.linalg.svd, np.eye(2))
    assert type(y) is type(np.linalg.svd(np.eye(2)))


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_norm_of_the_product_at_equal_singular_values(scale):
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    direction = rng.normal(size=(3, 3))

    def norm(a):
        u, s, vh = np.linalg.svd(a)
        return np.linalg.norm((u * s) @ vh)

    expected = scale * q / np.linalg.norm(scale * q)
    np.testing.assert_allclose(wg.grad(norm)(scale * q), expected, atol=1e-14)
    _, y_dot = wg.jvp(norm, (scale * q,), (direction,))
    np.testing.assert_allclose(y_dot, np.sum(expected * direction), rtol=1e-13)


def test_the_polar_factor_is_differentiable_at_equal_singular_values():
    """At Q orthogonal, (Q + E)'s polar factor moves by Q skew(Q^T E); a rule with 1 / (s_j^2 - s_i^2) would lose it."""
    rng = np.random.default_rng(1)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    e = rng.normal(size=(3, 3))

    def polar(a):
        u, _, vh = np.linalg.svd(a)
        return u @ vh

    _, y_dot = wg.jvp(polar, (q,), (e,))
    np.testing.assert_allclose(y_dot, q @ (q.T @ e - e.T @ q) / 2, atol=1e-14)
    agrees(lambda a: np.linalg.norm(a, "nuc"), 2.0 * q, batched=False)


def test_zero_singular_values():
    a = np.diag([2.0, 0.0])
    np.testing.assert_array_equal(wg.grad(lambda a: np.linalg.svdvals(a).sum())(a), np.diag([1.0, 0.0]))
    assert np.isfinite(
        wg.grad(lambda a: np.linalg.svd(a, full_matrices=False)[0].sum())(np.zeros((3, 2)))
    ).all()

"""Norms: every order, axis and shape of NumPy's, kinks included, and what is measured with them."""

import numpy as np
import pytest

import wengert as wg

from .matrix_agreement import agrees, matrix

RNG = np.random.default_rng(0)
VECTOR, MATRIX, CUBE = (
    RNG.uniform(0.5, 2.0, s) * RNG.choice([-1.0, 1.0], s) for s in ((4,), (3, 2), (2, 3, 2))
)
ORDERS = [None, 2, 1, 3, 2.5, 0.5, -1, -2, np.inf, -np.inf]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ord", ORDERS)
def test_norms_of_vectors(ord, keepdims):
    agrees(lambda x: np.linalg.norm(x, ord, keepdims=keepdims), VECTOR)
    agrees(lambda x: np.linalg.norm(x, ord, axis=1, keepdims=keepdims), MATRIX)
    agrees(lambda x: np.linalg.norm(x, ord, axis=-2, keepdims=keepdims), CUBE)


@pytest.mark.parametrize("ord", ORDERS)
def test_norms_of_complex_vectors(ord):
    agrees(lambda x: np.linalg.norm(x, ord), VECTOR + 1j * VECTOR[::-1] ** 2)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms_of_matrices(ord, keepdims):
    agrees(lambda x: np.linalg.norm(x, ord, axis=(0, 1), keepdims=keepdims), MATRIX)
    agrees(lambda x: np.linalg.norm(x, ord, axis=(2, 0), keepdims=keepdims), CUBE)
    agrees(lambda x: np.linalg.matrix_norm(x, ord=ord, keepdims=keepdims), CUBE)
    agrees(lambda x: np.linalg.norm(x, ord), matrix(2, 2, dtype=complex))


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (2, 1, 0)])
@pytest.mark.parametrize("ord", [2, 1, 3, np.inf])
def test_vector_norm(ord, axis):
    agrees(lambda x: np.linalg.vector_norm(x, axis=axis, ord=ord, keepdims=True), CUBE)


def test_norm_of_everything():
    agrees(np.linalg.norm, CUBE)
    agrees(lambda x: np.linalg.norm(x, keepdims=True), CUBE)
    agrees(np.linalg.norm, np.asarray(2.0))
    assert wg.grad(np.linalg.norm)(VECTOR.astype(np.float32)).dtype == np.float32


def test_the_number_of_nonzeros_is_constant():
    y, y_dot = wg.jvp(lambda x: np.linalg.norm(x, 0), (VECTOR,), (VECTOR,))
    assert (y, y_dot) == (4.0, 0.0)


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 1.5, 0.5, np.inf])
def test_at_the_kink_the_derivative_is_zero(ord):
    zero = np.zeros(3)
    norm = lambda x: np.linalg.norm(x, ord)
    assert not wg.grad(norm)(zero).any()
    assert wg.jvp(norm, (zero,), (np.ones(3),))[1] == 0
    assert not wg.grad(lambda x: norm(x) ** 2)(zero).any()
    assert np.isfinite(wg.hessian(lambda x: norm(x) ** 2)(zero)).all()


def test_one_vector_of_many_at_the_kink():
    x = np.stack([np.zeros(2), [3.0, 4.0]])
    np.testing.assert_allclose(wg.grad(lambda x: np.linalg.norm(x, axis=1).sum())(x), [[0, 0], [0.6, 0.8]])


@pytest.mark.parametrize("ord", [1.5, 2.5, 3, 4])
def test_a_zero_entry(ord):
    x = np.array([0.0, 1.0, -2.0])
    found = wg.grad(lambda x: np.linalg.norm(x, ord))(x)
    y = np.linalg.norm(x, ord)
    np.testing.assert_allclose(found, np.sign(x) * (np.abs(x) / y) ** (ord - 1), rtol=1e-14)


def test_second_derivatives_at_a_zero_entry():
    x = np.array([0.0, 1.0])
    np.testing.assert_allclose(wg.hessian(lambda x: np.linalg.norm(x, 3))(x), 0, atol=1e-15)
    assert np.isposinf(wg.hessian(lambda x: np.linalg.norm(x, 1.5))(x)[0, 0])


def test_large_and_small_entries_do_not_overflow():
    for scale in (1e150, 1e-150):
        np.testing.assert_allclose(
            wg.grad(np.linalg.norm)(scale * np.array([3.0, 4.0])), [0.6, 0.8], rtol=1e-15
        )


def test_norms_of_nothing():
    assert wg.grad(np.linalg.norm)(np.zeros(0)).shape == (0,)
    assert wg.grad(lambda x: np.linalg.norm(x, 1) + np.linalg.norm(x, np.inf))(np.zeros(0)).shape == (0,)


def test_wrong_orders_and_axes_raise_as_numpy_does():
    for shape, ord, axis, message in (
        ((2,), "fro", None, "Invalid norm order"),
        ((2, 2), 3, None, "Invalid norm order for matrices"),
        ((2, 2), None, (0, 0), "Duplicate"),
        ((2, 2, 2), 2, None, "Improper number"),
    ):
        with pytest.raises(ValueError, match=message):
            wg.grad(lambda x, args=(ord, axis): np.sum(np.linalg.norm(x, *args)))(np.ones(shape))
    with pytest.raises(np.exceptions.AxisError):
        wg.grad(lambda x: np.linalg.norm(x, axis=2))(np.ones(2))


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"])
def test_cond(p):
    agrees(lambda a: np.linalg.cond(a, p), matrix(3, 3))
    agrees(lambda a: np.linalg.cond(a, p), matrix(2, 2, 2))


def test_cond_of_singular_and_of_empty_matrices():
    y, _ = wg.vjp(np.linalg.cond, np.zeros((2, 2)))
    assert y == np.inf
    with pytest.raises(np.linalg.LinAlgError, match="empty"):
        wg.grad(np.linalg.cond)(np.zeros((0, 0)))


def test_the_rank_is_plain():
    ranks = []
    wg.grad(lambda a: (ranks.append(np.linalg.matrix_rank(a)), a.sum())[1])(np.eye(3))
    assert int(ranks[0]) == 3

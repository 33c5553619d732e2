"""Factorizations by elimination and reflection: what NumPy reads, and in which gauge it answers."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import RefusedError

from .matrix_agreement import agrees, matrix


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (1, 1)])
def test_cholesky_is_a_function_of_the_triangle_it_reads(shape, dtype, upper):
    """Along every direction, symmetric or not: the unread triangle has derivative zero."""
    a = matrix(*shape, dtype=dtype)
    agrees(lambda a: np.linalg.cholesky(a, upper=upper), a)
    unread = np.tril if upper else np.triu
    a_bar = wg.grad(lambda a: np.sum(np.abs(np.linalg.cholesky(a, upper=upper)) ** 2))(a)
    assert not unread(a_bar, -1 if upper else 1).any()


def test_cholesky_along_symmetric_directions():
    s = matrix(3, 3) + matrix(3, 3).T
    agrees(lambda x: np.linalg.cholesky(s + x + np.swapaxes(x, -1, -2)), 0.1 * matrix(3, 3, seed=4))


def test_cholesky_does_not_look_at_the_other_triangle():
    a = np.where(np.tri(3, dtype=bool), matrix(3, 3), np.nan)
    assert np.isfinite(wg.grad(lambda a: np.linalg.cholesky(a).sum())(a)).all()
    assert np.isfinite(wg.jvp(np.linalg.cholesky, (a,), (a,))[1]).all()


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 1), (3, 1)])
def test_qr_in_the_gauge_of_householder(shape, mode, dtype):
    """Q and R themselves, not only what is invariant: LAPACK's reflections leave nothing free."""
    agrees(lambda a: np.linalg.qr(a, mode), matrix(*shape, dtype=dtype))


def test_qr_keeps_numpys_result_type():
    y, _ = wg.vjp(np.linalg.qr, np.eye(2))
    assert type(y) is type(np.linalg.qr(np.eye(2)))


def test_qr_refuses_packed_reflectors_and_unknown_modes():
    with pytest.raises(RefusedError, match="raw"):
        wg.grad(lambda a: np.linalg.qr(a, "raw")[0].sum())(np.eye(2))
    with pytest.raises(ValueError, match="Unrecognized"):
        wg.grad(lambda a: np.linalg.qr(a, "other")[0].sum())(np.eye(2))


def test_one_result_of_qr_alone():
    a = matrix(3, 2)
    for pick in (0, 1):
        agrees(lambda a, pick=pick: np.linalg.qr(a)[pick], a)

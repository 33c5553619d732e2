"""Factorizations and what is solved with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from wengert.core.numpy_protocol import operand
from wengert.errors import RefusedError
from wengert.ops.casting import discretize_
from wengert.ops.linalg_elimination import column_order_, lu_factor_, permutation_
from wengert.ops.linalg_polar import polar_
from wengert.ops.matrix_parts import adjoint
from wengert.ops.triangular import solve_triangular_
from wengert.scipy.mirror import mirrors
from wengert.types import Array

__all__ = [
    "cho_factor",
    "cho_solve",
    "cholesky",
    "lu",
    "lu_factor",
    "lu_solve",
    "polar",
    "qr",
    "svd",
    "svdvals",
]


def _columns(b: Array) -> tuple[Array, bool]:
    """Return right-hand sides as matrices, and whether they were a vector."""
    b = operand(b)
    return (np.reshape(b, (-1, 1)), True) if np.ndim(b) == 1 else (b, False)


def _triangular(a: Array, b: Array, *, lower: bool, trans: int = 0, unit: bool = False) -> Array:
    return solve_triangular_(a, b, lower=lower, trans=trans, unit=unit)


# Cholesky -------------------------------------------------------------------------------


@mirrors(linalg.cholesky)
def cholesky(a: Array, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """Factor the Hermitian matrix in one triangle."""
    return np.linalg.cholesky(operand(a), upper=not lower)


@mirrors(linalg.cho_factor)
def cho_factor(
    a: Array, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, bool]:
    """Factor the Hermitian matrix in one triangle; the other triangle, which SciPy leaves undefined, is zero."""
    return np.linalg.cholesky(operand(a), upper=not lower), lower


@mirrors(linalg.cho_solve)
def cho_solve(
    c_and_lower: tuple[Array, bool], b: Array, overwrite_b: bool = False, check_finite: bool = True
) -> Array:
    """Solve two triangular systems."""
    c, lower = c_and_lower
    b, vector = _columns(b)
    first, second = (0, 2) if lower else (2, 0)
    y = _triangular(operand(c), b, lower=bool(lower), trans=first)
    x = _triangular(operand(c), y, lower=bool(lower), trans=second)
    return x[..., 0] if vector else x


# Elimination ----------------------------------------------------------------------------


@mirrors(linalg.lu_factor)
def lu_factor(a: Array, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Array, Array]:
    """Return the packed factors, and the exchanged rows, which are locally constant."""
    packed, pivots = lu_factor_(operand(a))
    return packed, discretize_(pivots, dtype=np.dtype(np.int32))


@mirrors(linalg.lu_solve)
def lu_solve(
    lu_and_piv: tuple[Array, Array],
    b: Array,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """Solve two triangular systems, with the rows of b exchanged before, or those of x after them."""
    packed, pivots = lu_and_piv
    packed, (b, vector) = operand(packed), _columns(b)
    order = permutation_(operand(pivots), n=np.shape(packed)[-2])[..., np.newaxis]
    if trans == 0:
        rows = np.broadcast_to(order, (*np.shape(order)[:-1], np.shape(b)[-1]))
        stack = np.broadcast_shapes(np.shape(rows)[:-2], np.shape(b)[:-2])
        rows, b = (np.broadcast_to(z, (*stack, *np.shape(z)[-2:])) for z in (rows, b))
        y = _triangular(packed, np.take_along_axis(b, rows, -2), lower=True, unit=True)
        x = _triangular(packed, y, lower=False)
    else:
        y = _triangular(packed, b, lower=False, trans=trans)
        z = _triangular(packed, y, lower=True, trans=trans, unit=True)
        back = np.argsort(order, axis=-2)
        x = np.take_along_axis(z, np.broadcast_to(back, np.shape(z)), -2)
    return x[..., 0] if vector else x


@mirrors(linalg.lu)
def lu(
    a: Array,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> tuple[Any, ...]:
    """Unpack the factors; the permutation is locally constant."""
    packed, pivots = lu_factor(operand(a))
    m, n = np.shape(packed)[-2:]
    k = min(m, n)
    order = permutation_(pivots, n=m)
    lower = np.tril(packed[..., :k], -1) + np.eye(m, k, dtype=packed.dtype)
    upper = np.triu(packed[..., :k, :])
    back = np.argsort(order, axis=-1)
    if permute_l:
        rows = np.broadcast_to(back[..., np.newaxis], np.shape(lower))
        return np.take_along_axis(lower, rows, -2), upper
    if p_indices:
        return back, lower, upper
    p = order[..., np.newaxis, :] == np.arange(m)[:, np.newaxis]
    return p.astype(np.finfo(packed.dtype).dtype), lower, upper


# Orthogonal factors ---------------------------------------------------------------------


@mirrors(linalg.qr)
def qr(
    a: Array,
    overwrite_a: bool = False,
    lwork: int | None = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """As numpy.linalg.qr; the order of columns under pivoting is locally constant."""
    if mode not in {"full", "qr", "r", "economic"}:
        if mode != "raw":
            message = "Mode argument should be one of ['full', 'r', 'economic', 'raw']"
            raise ValueError(message)
        raise RefusedError(
            "scipy.linalg.qr was called with mode='raw' on a traced value",
            why="this mode returns LAPACK's packed reflectors, which have no derivative rule.",
            instead="mode='full', 'economic' or 'r'.",
        )
    a = operand(a)
    order: tuple[Any, ...] = ()
    if pivoting:
        order = (column_order_(a),)
        a = np.take_along_axis(a, np.broadcast_to(order[0][..., np.newaxis, :], np.shape(a)), -1)
    q, r = np.linalg.qr(a, "reduced" if mode == "economic" else "complete")
    return ((r,) if mode == "r" else (q, r)) + order


@mirrors(linalg.svd)
def svd(
    a: Array,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """As numpy.linalg.svd."""
    if not compute_uv:
        return np.linalg.svd(operand(a), compute_uv=False)
    return tuple(np.linalg.svd(operand(a), bool(full_matrices)))


@mirrors(linalg.svdvals)
def svdvals(a: Array, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """As numpy.linalg.svd without vectors."""
    return np.linalg.svd(operand(a), compute_uv=False)


@mirrors(linalg.polar)
def polar(a: Array, side: str = "right") -> tuple[Array, Array]:
    """Return the factor with orthonormal columns or rows, and the Hermitian one."""
    if side not in {"right", "left"}:
        message = "`side` must be either 'right' or 'left'"
        raise ValueError(message)
    a = operand(a)
    m, n = np.shape(a)[-2:]
    u = polar_(a) if m >= n else adjoint(polar_(adjoint(a)))
    return u, adjoint(u) @ a if side == "right" else a @ adjoint(u)

"""Gaussian elimination as scipy.linalg has it: the packed factors of lu_factor.

P^T A = L U, with L unit lower triangular below the diagonal of the packed result and U on and above it. Which
rows are exchanged is locally constant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.linalg_stacks import per_matrix
from wengert.ops.matrix_parts import Samples, inexact, transpose, well_conditioned
from wengert.ops.triangular import solve_triangular_
from wengert.types import Array, ArrayType

__all__ = ["column_order_", "lu_factor_", "permutation_"]


# permutation ----------------------------------------------------------------------------


def _permutation_eval(pivots: Array, *, n: int) -> Array:
    """Exchange row i with row pivots[i], one i after the other, in every stack at once."""
    rows = np.broadcast_to(np.arange(n), (*pivots.shape[:-1], n)).copy()
    for i in range(pivots.shape[-1]):
        other = pivots[..., i, np.newaxis].astype(np.intp)
        there, here = np.take_along_axis(rows, other, -1), rows[..., i, np.newaxis].copy()
        np.put_along_axis(rows, other, here, -1)
        rows[..., i, np.newaxis] = there
    return rows


permutation_: Primitive = define(
    name="pivots_to_permutation",
    doc="The order of rows that a sequence of exchanges leads to, as LAPACK's laswp.",
    eval=_permutation_eval,
    infer=lambda t, *, n: ArrayType((*t.shape[:-1], n), np.dtype(np.intp)),
    batch=lambda _size, xs, _batched, *, n: permutation_(xs[0], n=n),
    samples=lambda _rng: iter([((np.array([2, 2, 3, 3]),), {"n": 4}), ((np.array([1, 1]),), {"n": 3})]),
    differentiable=False,
)


# column_order ---------------------------------------------------------------------------


def _column_order_eval(a: Array) -> Array:
    return per_matrix(
        lambda a: linalg.qr(a, mode="r", pivoting=True)[1] if a.size else np.arange(a.shape[1]), (a,)
    )


column_order_: Primitive = define(
    name="column_order",
    doc="The order in which QR factorization with pivoting takes the columns, as LAPACK's geqp3.",
    eval=_column_order_eval,
    infer=lambda t: ArrayType((*t.shape[:-2], t.shape[-1]), np.dtype(np.int32)),
    batch=lambda _size, xs, _batched: column_order_(xs[0]),
    samples=lambda rng: iter([((rng.normal(size=(3, 4)),), {}), ((rng.normal(size=(2, 3, 2)),), {})]),
    differentiable=False,
)


# lu_factor ------------------------------------------------------------------------------
# With X = L^-1 P^T A_dot U^-1 = L^-1 L_dot + U_dot U^-1, a strictly lower plus an upper triangle, for a
# square A:
#   L_dot = L tril(X, -1),   U_dot = triu(X) U                            (de Hoog, Anderssen and Lukas 2011)
#   P^T A_bar = L^-T (tril(L^T L_bar, -1) + triu(U_bar U^T)) U^-T
# A tall A has further rows L_2 = A_2 U^-1, a wide one further columns U_2 = L^-1 A_2 (of P^T A), which add
#   L_2_dot = (A_2_dot - L_2 U_dot) U^-1      A_2_bar = L_2_bar U^-T,   U_bar -= L_2^T A_2_bar
#   U_2_dot = L^-1 (A_2_dot - L_dot U_2)      A_2_bar = L^-T U_2_bar,   L_bar -= A_2_bar U_2^T


def _getrf(a: Array) -> tuple[Array, Array]:
    if not a.size:
        return a, np.empty(0, np.int32)
    routine = {"f": lapack.sgetrf, "d": lapack.dgetrf, "F": lapack.cgetrf, "D": lapack.zgetrf}[a.dtype.char]
    packed, pivots, _ = routine(a)
    return packed, pivots.astype(np.int32, copy=False)


def _lu_eval(a: Array) -> tuple[Array, Array]:
    packed, pivots = per_matrix(_getrf, (a,))
    return packed, pivots


def _lu_infer(t: ArrayType) -> tuple[ArrayType, ArrayType]:
    count = min(t.shape[-2:]) if math.prod(t.shape[-2:]) else 0
    return ArrayType(t.shape, inexact(t)), ArrayType((*t.shape[:-2], count), np.dtype(np.int32))


def _left(packed: Array, x: Array, trans: int = 0) -> Array:
    """Return L^-1 X, or L^-T X."""
    return solve_triangular_(packed, x, lower=True, trans=trans, unit=True)


def _right(x: Array, packed: Array, trans: int = 0) -> Array:
    """Return X U^-1, or X U^-T."""
    return transpose(solve_triangular_(packed, transpose(x), lower=False, trans=1 - trans, unit=False))


def _order(pivots: Array, a: Array) -> Array:
    return permutation_(pivots, n=np.shape(a)[-2])[..., np.newaxis]


def _unit_lower(x: Array) -> Array:
    return np.tril(x, -1) + np.eye(*np.shape(x)[-2:], dtype=x.dtype)


def _lu_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Any, Any]:
    (a,), (a_dot,) = xs, x_dots
    packed, pivots = y = lu_factor_(a)
    a_dot = np.take_along_axis(a_dot, _order(pivots, a), -2)
    k = min(np.shape(a)[-2:])
    square = packed[..., :k, :k]
    x = _right(_left(square, a_dot[..., :k, :k]), square)
    l_dot, u_dot = _unit_lower(square) @ np.tril(x, -1), np.triu(x) @ np.triu(square)
    y_dot = l_dot + u_dot
    if np.shape(a)[-2] > k:
        below = _right(a_dot[..., k:, :] - packed[..., k:, :] @ u_dot, square)
        y_dot = np.concatenate((y_dot, below), axis=-2)
    if np.shape(a)[-1] > k:
        beside = _left(square, a_dot[..., k:] - l_dot @ packed[..., k:])
        y_dot = np.concatenate((y_dot, beside), axis=-1)
    return y, (y_dot, None)


def _lu_vjp(y_bar: tuple[Array, Any], site: Site) -> list[Array | None]:
    (a,), (packed, pivots), bar = site.xs, site.y, y_bar[0]
    if bar is None:
        return [None]
    k = min(np.shape(a)[-2:])
    square = packed[..., :k, :k]
    l_bar, u_bar = np.tril(bar[..., :k, :k], -1), np.triu(bar[..., :k, :k])
    below = beside = None
    if np.shape(a)[-2] > k:
        below = _right(bar[..., k:, :], square, trans=1)
        u_bar = u_bar - transpose(packed[..., k:, :]) @ below
    if np.shape(a)[-1] > k:
        beside = _left(square, bar[..., k:], trans=1)
        l_bar = l_bar - beside @ transpose(packed[..., k:])
    lower = np.tril(transpose(_unit_lower(square)) @ l_bar, -1)
    upper = np.triu(u_bar @ transpose(np.triu(square)))
    a_bar = _right(_left(square, lower + upper, trans=1), square, trans=1)
    if below is not None:
        a_bar = np.concatenate((a_bar, below), axis=-2)
    if beside is not None:
        a_bar = np.concatenate((a_bar, beside), axis=-1)
    return [np.take_along_axis(a_bar, np.argsort(_order(pivots, a), axis=-2), -2)]


def _lu_samples(rng: np.random.Generator) -> Samples:
    for shape in ((3, 3), (1, 1), (4, 2), (2, 4), (2, 3, 3), (0, 2, 2)):
        yield (np.flip(well_conditioned(rng, shape), axis=-2).copy(),), {}


lu_factor_: Primitive = define(
    name="lu_factor",
    doc="Packed factors of P^T A = L U and the exchanged rows. de Hoog, Anderssen and Lukas 2011.",
    multiple=True,
    eval=_lu_eval,
    infer=_lu_infer,
    jvp=_lu_jvp,
    vjp=_lu_vjp,
    batch=lambda _size, xs, _batched: lu_factor_(xs[0]),
    samples=_lu_samples,
    complex=True,
)

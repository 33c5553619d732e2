"""Singular values and vectors: svd, svdvals.

What derivatives mean at repeated singular values is said in `repeated_values`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.lowering import Library
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match
from wengert.ops.matrix_parts import (
    Samples,
    adjoint,
    diagonal,
    infer_stack,
    inverse_gaps,
    matrices,
    quotient,
    transpose,
    zeros_like,
)
from wengert.ops.products import aligned, conjugate
from wengert.ops.repeated_values import adapted, groups, repeats, turn
from wengert.types import Array

__all__ = ["SVDResult", "svd_", "svdvals_"]

SVDResult = type(np.linalg.svd(np.eye(1)))
SHAPES = ((3, 3), (4, 2), (2, 4), (1, 1), (2, 3, 2), (0, 0), (0, 3, 2))  # of samples


# svd ------------------------------------------------------------------------------------
# A = U S V^H, first with k = min(m, n) columns in U and V. M = U^H A_dot V is split into its Hermitian and
# skew-Hermitian parts, M = H + K. With F_ij = 1 / (s_j - s_i), F_ii = 0, and T_ij = 1 / (s_i + s_j),
#   s_dot = Re diag(M),   Omega = F * H + T * K,   Psi = F * H - T * K
#   U_dot = U Omega + (I - U U^H) A_dot V S^-1,   V_dot = V Psi + (I - V V^H) A_dot^H U S^-1
# (Townsend 2016, where 1 / (s_j^2 - s_i^2) is F T; the split keeps everything but F * H right where
# singular values repeat: the polar factor U V^H, with Omega - Psi = 2 T * K, has its derivative there.)
# Adjoint, with X = U^T U_bar and Y = -V^H_bar (V^H)^T, the cotangents of Omega and Psi,
#   H_bar = F * (X + Y),   K_bar = T * (X - Y)
#   M_bar = diag(s_bar) + (H_bar + H_bar^H) / 2 + (K_bar - K_bar^H) / 2
# A_bar = conj(U) M_bar conj(V^H) + (I - conj(U) U^T) U_bar S^-1 conj(V^H) + conj(U) S^-1 V^H_bar (I - V
# V^H)^T Where s_i is 0, it is a modulus at 0: its derivative is 0, as for abs, and so are the terms with S^-1
# and T. Complex vectors u_i, v_i have a free common phase: theirs is the one with diag(Omega) = -diag(Psi).
#
# full_matrices=True completes U and V by columns U_2 and V_2 that span the rest. Their basis is arbitrary;
# only the space has a derivative, and U_2_dot = -U (U_dot^H U_2) is the one without rotation in it. Its
# adjoint adds -conj(U_2) U_2_bar^H conj(U) to U_bar; likewise for V.


def _svd_eval(a: Array, *along: Array, full_matrices: bool, values: bool = False) -> tuple[Array, ...]:
    u, s, vh = np.linalg.svd(a, full_matrices)
    if not along:
        return u, s, vh
    k = np.shape(s)[-1]
    u1, v1h = u[..., :k], vh[..., :k, :]
    m = adjoint(u1) @ along[0] @ adjoint(v1h)
    q = adapted(s, (m + adjoint(m)) / 2)
    s, u1, v1h = np.broadcast_to(s, np.shape(q)[:-1]), u1 @ q, adjoint(q) @ v1h
    stack = np.shape(q)[:-2]
    u2, v2h = (np.broadcast_to(x, (*stack, *np.shape(x)[-2:])) for x in (u[..., k:], vh[..., k:, :]))
    return np.concatenate((u1, u2), axis=-1), s, np.concatenate((v1h, v2h), axis=-2)


def _basis(xs: Sequence[Array], a_dot: Array, **params: Any) -> tuple[Array, ...]:
    """Return the decomposition, where values repeat with the vectors that go with a direction."""
    y: tuple[Array, ...] = svd_(*xs, **params)
    return svd_(xs[0], a_dot, **params) if len(xs) == 1 and repeats(y[1]) else y


def _svd_jvp(xs: Sequence[Array], x_dots: Sequence[Array], **params: Any) -> tuple[Any, Any]:
    a, a_dot = xs[0], x_dots[0]
    if a_dot is None:
        return svd_(*xs, **params), None
    u, s, vh = y = _basis(xs, a_dot, **params)
    (m, n), k = np.shape(a)[-2:], np.shape(s)[-1]
    u1, v1h = u[..., :k], vh[..., :k, :]
    right = a_dot @ adjoint(v1h)
    inner = adjoint(u1) @ right
    omega = inverse_gaps(s, groups(s)) * (inner + adjoint(inner)) / 2.0
    shear = _sums(s) * (inner - adjoint(inner)) / 2.0
    u_dot, vh_dot = u1 @ (omega + shear), (shear - omega) @ v1h
    if m > k:
        u_dot = u_dot + quotient(right - u1 @ inner, s[..., np.newaxis, :])
    if n > k:
        vh_dot = vh_dot + quotient(adjoint(u1) @ a_dot - inner @ v1h, s[..., :, np.newaxis])
    if np.shape(u)[-1] > k:
        u_dot = np.concatenate((u_dot, -(u1 @ (adjoint(u_dot) @ u[..., k:]))), axis=-1)
    if np.shape(vh)[-2] > k:
        vh_dot = np.concatenate((vh_dot, -((vh[..., k:, :] @ adjoint(vh_dot)) @ v1h)), axis=-2)
    return y, (u_dot, np.where(s == 0, 0.0, np.real(diagonal(inner))), vh_dot)


def _sums(s: Array) -> Array:
    """Return T, 1 / (s_i + s_j), and 0 where both are 0."""
    return quotient(1.0, s[..., np.newaxis, :] + s[..., :, np.newaxis])


def _svd_vjp(
    y_bar: tuple[Array, ...], site: Site, *, full_matrices: bool, values: bool = False
) -> list[Array | None]:
    rest = [None] * (len(site.xs) - 1)
    return [match(_svd_bar(y_bar, site, values=values), site.xs[0]) if site.needs[0] else None, *rest]


def _svd_bar(y_bar: tuple[Array, ...], site: Site, *, values: bool) -> Array:
    a, (u, s, vh), (u_bar, s_bar, vh_bar) = site.xs[0], site.y, y_bar
    (m, n), k = np.shape(a)[-2:], np.shape(s)[-1]
    u1, v1h = u[..., :k], vh[..., :k, :]
    if u_bar is None and vh_bar is None:
        return _values_vjp(s_bar, u1, s, v1h)
    u_bar = zeros_like(u) if u_bar is None else u_bar
    vh_bar = zeros_like(vh) if vh_bar is None else vh_bar
    u_bar, vh_bar = _fold(u, u_bar, vh, vh_bar, k)
    x, y = transpose(u1) @ u_bar, -(vh_bar @ transpose(v1h))
    h_bar, k_bar = turn(s, x + y, (x, y), values=values or s_bar is not None), _sums(s) * (x - y)
    m_bar = (h_bar + adjoint(h_bar) + k_bar - adjoint(k_bar)) / 2.0
    left = conjugate(u1) @ m_bar
    if m > k:
        left = left + quotient(u_bar - conjugate(u1) @ x, s[..., np.newaxis, :])
    a_bar = left @ conjugate(v1h)
    if n > k:
        a_bar = a_bar + conjugate(u1) @ quotient(vh_bar + y @ conjugate(v1h), s[..., :, np.newaxis])
    return a_bar if s_bar is None else a_bar + _values_vjp(s_bar, u1, s, v1h)


def _values_vjp(s_bar: Array, u: Array, s: Array, vh: Array) -> Array:
    """A_bar of the singular values alone."""
    return (conjugate(u) * np.where(s == 0, 0.0, s_bar)[..., np.newaxis, :]) @ conjugate(vh)


def _fold(u: Array, u_bar: Array, vh: Array, vh_bar: Array, k: int) -> tuple[Array, Array]:
    """Fold the cotangents of the completing columns into those of the first k."""
    u1_bar, v1h_bar = u_bar[..., :k], vh_bar[..., :k, :]
    u, vh = conjugate(u), conjugate(vh)
    if np.shape(u)[-1] > k:
        u1_bar = u1_bar - u[..., k:] @ (adjoint(u_bar[..., k:]) @ u[..., :k])
    if np.shape(vh)[-2] > k:
        v1h_bar = v1h_bar - (vh[..., :k, :] @ adjoint(vh_bar[..., k:, :])) @ vh[..., k:, :]
    return u1_bar, v1h_bar


def _svd_samples(rng: np.random.Generator) -> Samples:
    yield from matrices(*SHAPES, full_matrices=False)(rng)
    yield from matrices((2, 2), (3, 2), (2, 3), full_matrices=True)(rng)


svd_: Primitive = define(
    name="svd",
    raises=True,
    doc="Singular value decomposition U, s, V^H, values descending. Townsend 2016; Seeger et al. 2017.",
    multiple=True,
    eval=_svd_eval,
    infer=lambda *types, **params: infer_stack(_svd_eval)(types[0], **params),
    jvp=_svd_jvp,
    vjp=_svd_vjp,
    lower=Library("gesdd"),
    batch=lambda _size, xs, batched, **params: svd_(*aligned(xs, batched, (2,) * len(xs)), **params),
    samples=_svd_samples,
    complex=False,  # the rules hold, but not the law of differences: complex vectors have a free phase
)


@implements(np.linalg.svd)
def svd(a: Array, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Bind `svd` or `svdvals`; a Hermitian matrix has its singular values from its eigenvalues."""
    if not compute_uv:
        return _descending(np.abs(np.linalg.eigvalsh(a))) if hermitian else svdvals_(a)
    return _hermitian_svd(a) if hermitian else SVDResult(*svd_(a, full_matrices=bool(full_matrices)))


def _descending(s: Array) -> Array:
    return np.flip(np.sort(s, axis=-1), axis=-1)


def _hermitian_svd(a: Array) -> Any:
    """The singular values are the moduli of the eigenvalues; their signs go into V."""
    w, v = np.linalg.eigh(a)
    order = np.flip(np.argsort(np.abs(w), axis=-1), axis=-1)
    w, v = np.take_along_axis(w, order, -1), np.take_along_axis(v, order[..., np.newaxis, :], -1)
    return SVDResult(v, np.abs(w), adjoint(v * np.where(w < 0, -1.0, 1.0)[..., np.newaxis, :]))


# svdvals --------------------------------------------------------------------------------
# The values of svd alone; the rules compute the vectors that they need.


def _svdvals_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    u, s, vh = _basis(xs, x_dots[0], full_matrices=False)
    moved = transpose(x_dots[0] @ adjoint(vh))
    return s, np.where(s == 0, 0.0, np.real(np.sum(adjoint(u) * moved, axis=-1)))


def _svdvals_vjp(y_bar: Array, site: Site) -> list[Array]:
    u, s, vh = svd_(site.xs[0], full_matrices=False, values=isinstance(y_bar, Traced))
    return [_values_vjp(y_bar, u, s, vh)]


def _svdvals_eval(a: Array) -> Array:
    return np.linalg.svd(a, compute_uv=False)


svdvals_: Primitive = define(
    name="svdvals",
    raises=True,
    doc="Singular values, descending; where one is 0, its derivative is 0. Townsend 2016.",
    eval=_svdvals_eval,
    infer=infer_stack(_svdvals_eval),
    jvp=_svdvals_jvp,
    vjp=_svdvals_vjp,
    lower=Library("gesdd"),
    batch=lambda _size, xs, _batched: svdvals_(xs[0]),
    samples=matrices(*SHAPES),
    complex=True,
)


@implements(np.linalg.svdvals)
def svdvals(x: Array, /) -> Array:
    """Bind `svdvals`."""
    return svdvals_(x)

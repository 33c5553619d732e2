"""The unitary factor of the polar decomposition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.linalg_equations import solve_continuous_lyapunov_
from wengert.ops.linalg_stacks import per_matrix
from wengert.ops.matrix_parts import Samples, adjoint, inexact, transpose, well_conditioned
from wengert.ops.products import conjugate
from wengert.types import Array, ArrayType, type_of

__all__ = ["polar_"]


# polar ----------------------------------------------------------------------------------
# A = U P, P = U^H A = (A^H A)^(1/2), for A with independent columns. Differentiating, with skew-Hermitian
# Omega = U^H U_dot, and P_dot Hermitian:
#   P Omega + Omega P = U^H A_dot - A_dot^H U,   U_dot = U Omega + (I - U U^H) A_dot P^-1       (Higham 2008, 8.1)
# Nothing is divided by a difference of singular values, so that repeated ones do no harm. Adjoint, with
# Omega_bar = U^T U_bar and K from P^T K + K P^T = Omega_bar (Hermitian P^T = conj(P)):
#   A_bar = conj(U) (K - K^H) + (I - conj(U) U^T) U_bar P^-T
# where the second term of the right-hand side, -A_dot^H U, gives -(K U^T)^H.


def _polar_eval(a: Array) -> Array:
    dtype = inexact(type_of(a))
    return per_matrix(
        lambda a: linalg.polar(a)[0].astype(dtype, copy=False) if a.size else a,
        (a.astype(dtype, copy=False),),
    )


def _polar_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    (a,), (a_dot,) = xs, x_dots
    u = polar_(a)
    u_h = adjoint(u)
    p, inner = u_h @ a, u_h @ a_dot
    u_dot = u @ solve_continuous_lyapunov_(p, inner - adjoint(inner))
    if np.shape(a)[-2] > np.shape(a)[-1]:
        outside = a_dot - u @ inner
        u_dot = u_dot + transpose(np.linalg.solve(transpose(p), transpose(outside)))
    return u, u_dot


def _polar_vjp(y_bar: Array, site: Site) -> list[Array]:
    (a,), u = site.xs, site.y
    u_t = transpose(u)
    p_t = transpose(adjoint(u) @ a)
    inner = u_t @ y_bar
    k = solve_continuous_lyapunov_(p_t, inner)
    a_bar = conjugate(u) @ (k - adjoint(k))
    if np.shape(a)[-2] > np.shape(a)[-1]:
        outside = y_bar - conjugate(u) @ inner
        a_bar = a_bar + transpose(np.linalg.solve(transpose(p_t), transpose(outside)))
    return [a_bar]


def _polar_infer(t: ArrayType) -> ArrayType:
    return ArrayType(t.shape, inexact(t))


def _polar_samples(rng: np.random.Generator) -> Samples:
    for shape in ((3, 3), (4, 2), (1, 1), (2, 3, 2), (0, 2, 2)):
        yield (well_conditioned(rng, shape),), {}
    yield (np.eye(3) * 2.0,), {}  # equal singular values


polar_: Primitive = define(
    name="polar",
    doc="Factor U of A = U P with orthonormal columns and Hermitian P. Higham 2008, chapter 8.",
    eval=_polar_eval,
    infer=_polar_infer,
    jvp=_polar_jvp,
    vjp=_polar_vjp,
    batch=lambda _size, xs, _batched: polar_(xs[0]),
    samples=_polar_samples,
    complex=True,
)

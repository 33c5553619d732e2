"""Least squares: pinv and lstsq.

Both conjugate, so their adjoints mix transposes and conjugate transposes; matrix_parts has the two lines by which they
follow from the tangents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.casting import discretize_
from wengert.ops.families import match, spread
from wengert.ops.matrix_parts import (
    Samples,
    adjoint,
    hermitian,
    inexact,
    infer_stack,
    lower_half,
    transpose,
    well_conditioned,
)
from wengert.ops.products import conjugate
from wengert.types import Array, ArrayType, type_of

__all__ = ["lstsq_", "pinv_"]

_UNSET = object()


# pinv -----------------------------------------------------------------------------------
# P = A^+, the Moore-Penrose inverse. Where the rank is locally constant (Golub and Pereyra 1973):
#   P_dot = -P A_dot P + P P^H A_dot^H (I - A P) + (I - P A) A_dot^H P^H P
# The adjoints of the three terms, with (P P^H)^T = conj(P) P^T and (P^H P)^T = P^T conj(P):
#   A_bar = -P^T P_bar P^T + (conj(P) P^T P_bar (I - A P)^T)^H + ((I - P A)^T P_bar P^T conj(P))^H
# Where the rank changes P jumps, and no derivative exists: this is then the derivative along matrices of the same rank.


def _pinv_eval(a: Array, *, rcond: Any) -> Array:
    return np.linalg.pinv(a, np.asarray(rcond))


def _pinv_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, rcond: Any) -> tuple[Array, Array]:
    (a,), (a_dot,) = xs, x_dots
    p = pinv_(a, rcond=rcond)
    p_h, a_dot_h = adjoint(p), adjoint(a_dot)
    outside_range = a_dot_h - a_dot_h @ a @ p
    outside_domain = a_dot_h - p @ (a @ a_dot_h)
    return p, -(p @ a_dot @ p) + p @ (p_h @ outside_range) + (outside_domain @ p_h) @ p


def _pinv_vjp(y_bar: Array, site: Site, *, rcond: Any) -> list[Array]:
    (a,), p = site.xs, site.y
    a_t, p_t, p_conj = transpose(a), transpose(p), conjugate(p)
    outside_range = y_bar - (y_bar @ p_t) @ a_t
    outside_domain = y_bar - a_t @ (p_t @ y_bar)
    return [
        adjoint(p_conj @ (p_t @ outside_range)) + adjoint((outside_domain @ p_t) @ p_conj) - p_t @ y_bar @ p_t
    ]


def _pinv_samples(rng: np.random.Generator) -> Samples:
    for shape in ((3, 3), (4, 2), (2, 4), (1, 1), (2, 3, 2), (0, 2)):
        yield (well_conditioned(rng, shape),), {"rcond": 1e-15}
    yield (well_conditioned(rng, (2, 3, 2)),), {"rcond": (1e-12, 1e-10)}


pinv_: Primitive = define(
    name="pinv",
    raises=True,
    doc="Moore-Penrose inverse; singular values below rcond times the largest count as 0. Golub and Pereyra 1973.",
    eval=_pinv_eval,
    infer=infer_stack(lambda a, *, rcond: np.linalg.pinv(a, 1e-15)),
    jvp=_pinv_jvp,
    vjp=_pinv_vjp,
    batch=lambda _size, xs, _batched, *, rcond: pinv_(xs[0], rcond=rcond),
    samples=_pinv_samples,
    complex=True,
)


def _as_tuples(x: Any) -> Any:
    """Return nested lists as nested tuples, which hash: a parameter of a primitive."""
    return tuple(_as_tuples(item) for item in x) if isinstance(x, list) else x


@implements(np.linalg.pinv)
def pinv(a: Array, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _UNSET) -> Array:
    """Bind `pinv`; a Hermitian matrix is the one that its lower triangle describes."""
    if rcond is not None and rtol is not _UNSET:
        message = "`rtol` and `rcond` can't be both set."
        raise ValueError(message)
    t = type_of(a)
    if rcond is None and rtol is None:
        rcond = max(t.shape[-2:]) * float(np.finfo(inexact(t)).eps)
    elif rcond is None:
        rcond = 1e-15 if rtol is _UNSET else rtol
    if hermitian:
        a = _hermitian(a)
    return pinv_(a, rcond=_as_tuples(np.asarray(rcond).tolist()))


def _hermitian(a: Array) -> Array:
    return hermitian(a, lower_half)


# lstsq ----------------------------------------------------------------------------------
# X = A^+ B with residual R = B - A X. The tangent of A^+ (above) times B, with B = A X + R and A^+ R = 0:
#   X_dot = P (B_dot - A_dot X) + P P^H A_dot^H R + (I - P A) A_dot^H P^H X
# The third term vanishes for full column rank (P A = I), the second for full row rank (R = 0). Adjoint, C = P^T X_bar:
#   B_bar = C,   A_bar = -C X^T + (conj(P) C R^T)^H + ((X_bar - A^T C) (P^H X)^T)^H
#
# The sum of squares of a column of R is rho = r^H r. Since A^H R = 0 identically,
#   rho_dot = 2 Re r^H (b_dot - A_dot x),   which adds 2 conj(r) rho_bar to C in B_bar = C and A_bar = -C X^T.
# Singular values: s_dot = Re diag(U^H A_dot V). The rank is locally constant.


def _lstsq_eval(a: Array, b: Array, *, rcond: float) -> tuple[Any, ...]:
    x, rho, rank, s = np.linalg.lstsq(a, b, rcond)
    return x, rho, np.asarray(rank)[()], s


def _lstsq_infer(a: ArrayType, b: ArrayType, *, rcond: float) -> tuple[ArrayType, ...]:
    """Types for full rank, which shapes alone cannot deny."""
    (m, n), k, dtype = a.shape, b.shape[1], inexact(a, b)
    real = np.finfo(dtype).dtype
    rho = ArrayType((k if m > n else 0,), real)
    return ArrayType((n, k), dtype), rho, ArrayType((), np.dtype(np.intc)), ArrayType((min(m, n),), real)


def _lstsq_pinv(a: Array, rcond: float) -> Array:
    """Return the pseudo-inverse with LAPACK's cutoff, where a negative one means the precision."""
    return np.linalg.pinv(a, rcond if rcond >= 0 else float(np.finfo(inexact(type_of(a))).eps))


def _lstsq_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, rcond: float) -> tuple[Any, Any]:
    (a, b), (a_dot, b_dot) = xs, x_dots
    y = x, rho, _, s = lstsq_(a, b, rcond=rcond)
    p, r = _lstsq_pinv(a, rcond), b - a @ x
    change = -(a_dot @ x) if b_dot is None else b_dot if a_dot is None else b_dot - a_dot @ x
    x_dot = p @ change
    s_dot = None
    if a_dot is not None:
        a_dot_h, p_h = adjoint(a_dot), adjoint(p)
        outside = a_dot_h @ (p_h @ x)
        x_dot = x_dot + p @ (p_h @ (a_dot_h @ r)) + outside - p @ (a @ outside)
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        s_dot = spread(np.real(np.sum(adjoint(u) * transpose(a_dot @ adjoint(vh)), axis=-1)), s)
    rho_dot = spread(2.0 * np.real(np.sum(conjugate(r) * change, axis=0)), rho) if np.size(rho) else None
    return y, (spread(x_dot, x), rho_dot, None, s_dot)


def _lstsq_vjp(y_bar: tuple[Array, ...], site: Site, *, rcond: float) -> list[Array]:
    (a, b), (need_a, need_b) = site.xs, site.needs
    x_bar, rho_bar, _, s_bar = y_bar
    x, rho = site.y[:2]
    r = b - a @ x
    c = direct = a_bar = None
    if x_bar is not None:
        p = _lstsq_pinv(a, rcond)
        c = direct = transpose(p) @ x_bar
        if need_a:
            a_bar = adjoint((conjugate(p) @ c) @ transpose(r))
            a_bar = a_bar + adjoint((x_bar - transpose(a) @ c) @ transpose(adjoint(p) @ x))
    if rho_bar is not None and np.size(rho):
        term = 2.0 * rho_bar * conjugate(r)
        direct = term if direct is None else direct + term
    if need_a:
        parts = [a_bar, None if direct is None else -(direct @ transpose(x)), _lstsq_values(s_bar, a)]
        a_bar = _total(parts)
    return [
        match(a_bar, a) if need_a and a_bar is not None else None,
        match(direct, b) if need_b and direct is not None else None,
    ]


def _lstsq_values(s_bar: Array | None, a: Array) -> Array | None:
    """A_bar of the singular values: conj(U) diag(s_bar) conj(V^H)."""
    if s_bar is None:
        return None
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return (conjugate(u) * s_bar) @ conjugate(vh)


def _total(parts: Sequence[Array | None]) -> Array | None:
    present = [part for part in parts if part is not None]
    return sum(present[1:], present[0]) if present else None


def _lstsq_batch(size: int, xs: Sequence[Array], batched: Sequence[bool], *, rcond: float) -> Any:
    """LAPACK solves one system at a time, but for any number of right-hand sides."""
    a, b = xs
    if batched[0]:
        ys = [lstsq_(a[i], b[i] if batched[1] else b, rcond=rcond) for i in range(size)]
        return tuple([np.stack(part) for part in zip(*ys, strict=True)])
    m, k = np.shape(b)[1:]
    columns = np.reshape(np.swapaxes(b, 0, 1), (m, size * k))
    x, rho, rank, s = lstsq_(a, columns, rcond=rcond)
    x = np.swapaxes(np.reshape(x, (np.shape(a)[1], size, k)), 0, 1)
    rho = np.reshape(rho, (size, k if np.size(rho) else 0))
    return x, rho, np.broadcast_to(rank, (size,)), np.broadcast_to(s, (size, *np.shape(s)))


def _lstsq_samples(rng: np.random.Generator) -> Samples:
    for a, k in (((4, 2), 1), ((4, 2), 2), ((3, 3), 2), ((2, 4), 2), ((1, 1), 1)):
        yield (well_conditioned(rng, a), rng.normal(size=(a[0], k))), {"rcond": 1e-15}
    yield (well_conditioned(rng, (3, 2)), rng.normal(size=(3, 1))), {"rcond": -1}


lstsq_: Primitive = define(
    name="lstsq",
    raises=True,
    doc="Minimizer X of |A X - B|, sums of squared residuals, rank and singular values. Golub and Pereyra 1973.",
    multiple=True,
    eval=_lstsq_eval,
    infer=_lstsq_infer,
    jvp=_lstsq_jvp,
    vjp=_lstsq_vjp,
    batch=_lstsq_batch,
    samples=_lstsq_samples,
    complex=True,
)


@implements(np.linalg.lstsq)
def lstsq(a: Array, b: Array, rcond: float | None = None) -> tuple[Array, Array, Array, Array]:
    """Bind `lstsq` for a matrix of right-hand sides; a vector is a matrix of one column. The rank is plain."""
    if rcond is None:
        rcond = float(np.finfo(inexact(type_of(a), type_of(b))).eps) * max(np.shape(a)[-2:])
    is_vector = np.ndim(b) == 1
    x, rho, rank, s = lstsq_(a, np.reshape(b, (-1, 1)) if is_vector else b, rcond=rcond)
    return x[:, 0] if is_vector else x, rho, discretize_(rank, dtype=np.dtype(np.intc)), s

"""Factorizations by elimination and reflection: cholesky and qr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from wengert.core.lowering import Library
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive, Site, define
from wengert.errors import RefusedError
from wengert.ops.matrix_parts import (
    Samples,
    adjoint,
    hermitian,
    infer_stack,
    lower_half,
    transpose,
    upper_half,
    well_conditioned,
    zeros_like,
)
from wengert.ops.products import conjugate
from wengert.ops.triangular import BLOCK, solve_triangular_
from wengert.types import Array

__all__ = ["QRResult", "cholesky_", "qr_"]

QRResult = type(np.linalg.qr(np.eye(1)))


# Systems with a factor ------------------------------------------------------------------


def _solve(t: Array, x: Array, *, lower: bool, trans: int = 0) -> Array:
    """Return op(T)^-1 X for a triangular T."""
    return solve_triangular_(t, x, lower=lower, trans=trans, unit=False)


def _divide_upper(x: Array, r: Array) -> Array:
    """Return X R^-1 for an upper triangular R."""
    return transpose(_solve(r, transpose(x), lower=False, trans=1))


# cholesky -------------------------------------------------------------------------------
# H = L L^H, where H = h(A) is the Hermitian matrix in the lower triangle of A: NumPy reads nothing else, and
# neither does the derivative. So the gradient is lower triangular, the tangent along any direction is that of
# NumPy's function of all entries, and along a symmetric direction it is that of the factorization of
# symmetric matrices.
#
# With Phi = lower_half, L^-1 L_dot + (L^-1 L_dot)^H = L^-1 H_dot L^-H, a lower triangle plus its conjugate
# transpose:
#   L_dot = L Phi(P),   P = L^-1 H_dot L^-H                               (Murray 2016, section 3)
#   S     = L^-T Phi(L^T L_bar) conj(L)^-1,   A_bar = h^T(S) = Phi(S + S^H)      (Murray 2016, section 3)
# Large matrices are halved, which takes 2/5 of the products (Murray 2016, section 4, with two blocks):
#   L_21 = A_21 L_11^-H,   L_22 = chol(A_22 - L_21 L_21^H)
# The tangents are those of these lines. Adjoint, with Z = A_21_bar and G = A_22_bar,
#   L_21_bar -= (G + G^H) conj(L_21),   Z = L_21_bar conj(L_11)^-1,   L_11_bar -= Z^H conj(L_21)
# The upper factor of the matrix in the upper triangle of A is the adjoint of the lower factor of A^H.


def _cholesky_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, upper: bool) -> tuple[Array, Array]:
    (a,), (a_dot,) = xs, x_dots
    y = cholesky_(a, upper=upper)
    if upper:
        return y, adjoint(_cholesky_tangent(adjoint(y), adjoint(a_dot)))
    return y, _cholesky_tangent(y, a_dot)


def _cholesky_tangent(y: Array, a_dot: Array) -> Array:
    n = np.shape(y)[-1]
    if n <= BLOCK:
        inverse = np.linalg.inv(transpose(y))  # of an upper triangle, where elimination has nothing to do
        return y @ lower_half(transpose(inverse) @ hermitian(a_dot, lower_half) @ conjugate(inverse))
    (l11, l21, l22), (a11, a21, a22) = _quarters(y), _quarters(a_dot)
    d11 = _cholesky_tangent(l11, a11)
    d21 = adjoint(_solve(l11, adjoint(a21 - l21 @ adjoint(d11)), lower=True))
    x = d21 @ adjoint(l21)
    return _assemble(d11, d21, _cholesky_tangent(l22, a22 - (x + adjoint(x))))


def _cholesky_vjp(y_bar: Array, site: Site, *, upper: bool) -> list[Array]:
    if upper:
        return [adjoint(_cholesky_cotangent(adjoint(site.y), adjoint(y_bar)))]
    return [_cholesky_cotangent(site.y, y_bar)]


def _cholesky_cotangent(y: Array, y_bar: Array) -> Array:
    n = np.shape(y)[-1]
    if n <= BLOCK:
        inverse = np.linalg.inv(transpose(y))
        s = inverse @ lower_half(transpose(y) @ y_bar) @ adjoint(inverse)
        return lower_half(s + adjoint(s))
    (l11, l21, l22), (b11, b21, b22) = _quarters(y), _quarters(y_bar)
    g = _cholesky_cotangent(l22, b22)
    b21 = b21 - (g + adjoint(g)) @ conjugate(l21)
    z = transpose(_solve(l11, transpose(b21), lower=True, trans=2))
    return _assemble(_cholesky_cotangent(l11, b11 - adjoint(z) @ conjugate(l21)), z, g)


def _quarters(x: Array) -> tuple[Array, Array, Array]:
    """Return the blocks of a lower triangle."""
    h = np.shape(x)[-1] // 2
    return x[..., :h, :h], x[..., h:, :h], x[..., h:, h:]


def _assemble(x11: Array, x21: Array, x22: Array) -> Array:
    """Return the lower triangle of these blocks."""
    zeros = np.zeros((*np.shape(x21)[:-2], np.shape(x21)[-1], np.shape(x21)[-2]), x21.dtype)
    return np.concatenate(
        (np.concatenate((x11, zeros), axis=-1), np.concatenate((x21, x22), axis=-1)), axis=-2
    )


def _cholesky_samples(rng: np.random.Generator) -> Samples:
    for shape in ((3, 3), (1, 1), (2, 3, 3), (0, 0), (0, 2, 2)):
        for upper in (False, True):  # not symmetric: the other triangle must not matter
            yield (well_conditioned(rng, shape),), {"upper": upper}


cholesky_: Primitive = define(
    name="cholesky",
    raises=True,
    doc="Lower or upper triangular factor of the Hermitian matrix in that triangle. Murray 2016, section 3.",
    eval=lambda a, *, upper: np.linalg.cholesky(a, upper=upper),
    infer=infer_stack(lambda a, *, upper: np.linalg.cholesky(a, upper=upper)),
    jvp=_cholesky_jvp,
    vjp=_cholesky_vjp,
    lower=Library("potrf"),
    batch=lambda _size, xs, _batched, *, upper: cholesky_(xs[0], upper=upper),
    samples=_cholesky_samples,
    complex=True,
)


@implements(np.linalg.cholesky)
def cholesky(a: Array, /, *, upper: bool = False) -> Array:
    """Bind `cholesky`."""
    return cholesky_(a, upper=bool(upper))


# qr -------------------------------------------------------------------------------------
# A = Q R by Householder reflections, with a real diagonal of R (LAPACK geqrf). The first k = min(m, n)
# columns alone are A_1 = Q_1 R_1, R_1 square. Let C = Q_1^H A_1_dot R_1^-1. Then R_1_dot R_1^-1 = C - Omega
# with skew-Hermitian Omega = Q_1^H Q_1_dot must be upper triangular with real diagonal, so that with Phi =
# upper_half
#   W = R_1_dot R_1^-1 = Phi(C + C^H),   Q_1_dot = A_1_dot R_1^-1 - Q_1 W,   R_1_dot = W R_1
# and for the columns of a wide A beyond k (R = [R_1, R_2], R_2 = Q_1^H A_2):
#   R_2_dot = Q_1^H A_2_dot - (C - W) R_2
# Adjoint, with N = Phi(G) + Phi(G)^H, G = R_bar R^T - Q_1^T Q_1_bar:
#   A_1_bar = (Q_1_bar + conj(Q_1) (N - R_2_bar R_2^T)) R_1^-T,   A_2_bar = conj(Q_1) R_2_bar
# (Seeger, Hetzel, Dai and Lawrence 2017 for real tall A; Walter and Lehmann 2012.) R_1 must be regular.
#
# mode="complete" of a tall A has further columns Q_2. Reflectors give Q = E - Y T Y^H with E = [E_1, E_2] the
# unit matrix and Y = [Y_1; Y_2], so that Q_1 - E_1 = -Y T Y_1^H determines them (Ballard et al. 2014), and
# without them
#   Q_2 = E_2 + (Q_1 - E_1) G,   B^H G = Q_1b^H,   B the top of Q_1 - E_1, Q_1b the bottom of Q_1,
# which is differentiated as it stands. B is singular only where a reflection is missing (a column that is
# zero below the diagonal), and there Q_2 jumps.


def _qr_eval(a: Array, *, mode: Literal["reduced", "complete"]) -> tuple[Array, Array]:
    q, r = np.linalg.qr(a, mode)
    return q, r


def _qr_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, mode: str) -> tuple[Any, Any]:
    (a,), (a_dot,) = xs, x_dots
    q, r = qr_(a, mode=mode)
    m, n = np.shape(a)[-2:]
    k = min(m, n)
    q1, r1, r2 = q[..., :k], r[..., :k, :k], r[..., :k, k:]
    scaled = _divide_upper(a_dot[..., :k], r1)
    c = adjoint(q1) @ scaled
    w = upper_half(c + adjoint(c))
    q_dot = scaled - q1 @ w
    r_dot = w @ r1
    if n > k:
        r_dot = np.concatenate((r_dot, adjoint(q1) @ a_dot[..., k:] - (c - w) @ r2), axis=-1)
    if np.shape(q)[-1] > k:
        q_dot = np.concatenate((q_dot, _rest_jvp(q1, q_dot)), axis=-1)
        r_dot = np.concatenate((r_dot, np.zeros((*np.shape(r)[:-2], m - k, n), r.dtype)), axis=-2)
    return (q, r), (q_dot, r_dot)


def _qr_vjp(y_bar: tuple[Array, Array], site: Site, *, mode: str) -> list[Array]:
    (a,), (q, r) = site.xs, site.y
    q_bar, r_bar = (zeros_like(y) if bar is None else bar for bar, y in zip(y_bar, site.y, strict=True))
    k = min(np.shape(a)[-2:])
    q1, r, r_bar, q1_bar = q[..., :k], r[..., :k, :], r_bar[..., :k, :], q_bar[..., :k]
    if np.shape(q)[-1] > k:
        q1_bar = q1_bar + _rest_vjp(q1, q_bar[..., k:])
    g = upper_half(r_bar @ transpose(r) - transpose(q1) @ q1_bar)
    r2, r2_bar = r[..., k:], r_bar[..., k:]
    inner = g + adjoint(g) - r2_bar @ transpose(r2)
    a1_bar = transpose(_solve(r[..., :k], transpose(q1_bar + conjugate(q1) @ inner), lower=False))
    if np.shape(a)[-1] == k:
        return [a1_bar]
    return [np.concatenate((a1_bar, conjugate(q1) @ r2_bar), axis=-1)]


def _rest(q1: Array) -> tuple[Array, Array, Array]:
    """Return Q_1 - E_1, its top B, and G."""
    m, n = np.shape(q1)[-2:]
    shifted = q1 - np.eye(m, n, dtype=q1.dtype)
    top = shifted[..., :n, :]
    return shifted, top, np.linalg.solve(adjoint(top), adjoint(q1[..., n:, :]))


def _rest_jvp(q1: Array, q1_dot: Array) -> Array:
    n = np.shape(q1)[-1]
    shifted, top, g = _rest(q1)
    change = adjoint(q1_dot[..., n:, :]) - adjoint(q1_dot[..., :n, :]) @ g
    return q1_dot @ g + shifted @ np.linalg.solve(adjoint(top), change)


def _rest_vjp(q1: Array, q2_bar: Array) -> Array:
    shifted, top, g = _rest(q1)
    y = adjoint(np.linalg.solve(conjugate(top), transpose(shifted) @ q2_bar))
    return q2_bar @ transpose(g) + np.concatenate((-(conjugate(g) @ y), y), axis=-2)


def _qr_samples(rng: np.random.Generator) -> Samples:
    for shape, mode in (
        ((3, 3), "reduced"),
        ((4, 2), "reduced"),
        ((2, 4), "reduced"),
        ((1, 1), "reduced"),
        ((2, 3, 2), "reduced"),
        ((4, 2), "complete"),
        ((2, 3, 1), "complete"),
        ((2, 3), "complete"),
        ((0, 3, 2), "reduced"),
    ):
        yield (well_conditioned(rng, shape),), {"mode": mode}


qr_: Primitive = define(
    name="qr",
    doc="Orthonormal Q and upper triangular R with A = Q R. Seeger et al. 2017; Walter and Lehmann 2012.",
    multiple=True,
    eval=_qr_eval,
    infer=infer_stack(_qr_eval),
    jvp=_qr_jvp,
    vjp=_qr_vjp,
    lower=Library("geqrf"),
    batch=lambda _size, xs, _batched, *, mode: qr_(xs[0], mode=mode),
    samples=_qr_samples,
    complex=True,
)


@implements(np.linalg.qr)
def qr(a: Array, mode: str = "reduced") -> Any:
    """Bind `qr`; the packed form of LAPACK is refused."""
    if mode == "raw":
        raise RefusedError(
            "numpy.linalg.qr was called with mode='raw' on a traced value",
            why="this mode returns LAPACK's packed reflectors, which have no derivative rule.",
            instead="mode='reduced', 'complete' or 'r'.",
        )
    if mode not in {"reduced", "complete", "r"}:
        message = f"Unrecognized mode '{mode}'"
        raise ValueError(message)
    q, r = qr_(a, mode="complete" if mode == "complete" else "reduced")
    return r if mode == "r" else QRResult(q, r)

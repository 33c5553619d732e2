"""Eigenvalues and eigenvectors as scipy.linalg.eigh has them, of one matrix or of a pencil A - w B.

What the derivatives of eigenvectors mean at repeated eigenvalues is said at `matrix_parts.inverse_gaps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import linalg

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match
from wengert.ops.linalg_stacks import per_matrix
from wengert.ops.matrix_parts import (
    Samples,
    adjoint,
    diagonal,
    hermitian,
    inexact,
    inverse_gaps,
    lower_half,
    transpose,
    upper_half,
    well_conditioned,
    zeros_like,
)
from wengert.ops.products import aligned, conjugate
from wengert.types import Array, ArrayType, type_of

__all__ = ["eigh_pencil_"]


# eigh_pencil ----------------------------------------------------------------------------
# A V = B V diag(w), V^H B V = I, with A and B the Hermitian matrices in one triangle, B = I if it is absent.
# With M = V^H A_dot V, N = V^H B_dot V and F = inverse_gaps(w), V_dot = V C:
#   w_dot_j = Re (M_jj - w_j N_jj),   C = F * (M - N diag(w)) - diag(N) / 2
# from V^H (A_dot V + A V_dot) = ... : M + diag(w) C = N diag(w) + C diag(w) + diag(w_dot) off the diagonal,
# and C + C^H = -N on it (Golub and Van Loan, Matrix Computations, section 8.7; de Leeuw 2007 for the
# derivatives). As for `eigh`, the phase of a complex vector is the one with a real C_jj. Adjoint, with G = F
# * (V^T V_bar):
#   M_bar = G + diag(w_bar),   N_bar = -(G + diag(w_bar)) diag(w) - diag(V^T V_bar) / 2
#   A_bar = h^T(conj(V) M_bar V^T),   B_bar = h^T(conj(V) N_bar V^T)


def _pencil_eval(*xs: Array, lower: bool, driver: str | None) -> tuple[Array, Array]:
    dtype = inexact(*[type_of(x) for x in xs])

    def eigh(*parts: Array) -> tuple[Array, Array]:
        if not parts[0].size:
            return np.empty(0, np.finfo(dtype).dtype), np.empty((0, 0), dtype)
        w, v = linalg.eigh(*parts, lower=lower, driver=driver, check_finite=False)
        return w, v

    w, v = per_matrix(eigh, tuple(x.astype(dtype, copy=False) for x in xs))
    return w, v


def _pencil_infer(*types: ArrayType, **_: Any) -> tuple[ArrayType, ArrayType]:
    shape, dtype = np.broadcast_shapes(*[t.shape for t in types]), inexact(*types)
    return ArrayType(shape[:-1], np.finfo(dtype).dtype), ArrayType(shape, dtype)


def _pencil_jvp(
    xs: Sequence[Array], x_dots: Sequence[Array], *, lower: bool, driver: str | None
) -> tuple[Any, Any]:
    w, v = eigh_pencil_(*xs, lower=lower, driver=driver)
    half = lower_half if lower else upper_half
    m, n = [
        None if x_dot is None else adjoint(v) @ hermitian(x_dot, half) @ v for x_dot in (*x_dots, None)[:2]
    ]
    if n is None:
        return (w, v), (np.real(diagonal(m)), v @ (inverse_gaps(w) * m))
    moved = n * w[..., np.newaxis, :]
    inner = -moved if m is None else m - moved
    c = inverse_gaps(w) * inner - 0.5 * np.eye(np.shape(w)[-1], dtype=w.dtype) * np.real(n)
    return (w, v), (np.real(diagonal(inner)), v @ c)


def _pencil_vjp(
    y_bar: tuple[Array, Array], site: Site, *, lower: bool, driver: str | None
) -> list[Array | None]:
    (w, v), (w_bar, v_bar), half = site.y, y_bar, lower_half if lower else upper_half
    eye, v_t = np.eye(np.shape(w)[-1], dtype=w.dtype), transpose(v)
    m_bar = zeros_like(v) if w_bar is None else w_bar[..., np.newaxis, :] * eye
    n_bar = -m_bar * w[..., np.newaxis, :]
    if v_bar is not None:
        x = v_t @ v_bar
        g = inverse_gaps(w) * x
        m_bar, n_bar = m_bar + g, n_bar - g * w[..., np.newaxis, :] - 0.5 * np.real(x) * eye
    bars = []
    for x, bar, need in zip(site.xs, (m_bar, n_bar), site.needs, strict=False):
        s = conjugate(v) @ bar @ v_t if need else None
        bars.append(match(half(s + adjoint(s)), x) if need else None)
    return bars


def _pencil_samples(rng: np.random.Generator) -> Samples:
    for lower, shape, driver in (
        (True, (3, 3), None),
        (False, (3, 3), "evd"),
        (True, (2, 2, 2), None),
        (True, (1, 1), None),
        (True, (0, 0), None),
    ):
        yield (well_conditioned(rng, shape),), {"lower": lower, "driver": driver}
    for lower, shape in ((True, (3, 3)), (False, (2, 2, 2))):
        yield (
            (well_conditioned(rng, shape) ** 2, well_conditioned(rng, shape)),
            {"lower": lower, "driver": None},
        )


eigh_pencil_: Primitive = define(
    name="eigh_pencil",
    doc="Eigenvalues, ascending, and B-orthonormal eigenvectors of a Hermitian pencil A - w B. de Leeuw 2007.",
    multiple=True,
    eval=_pencil_eval,
    infer=_pencil_infer,
    jvp=_pencil_jvp,
    vjp=_pencil_vjp,
    batch=lambda _size, xs, batched, **params: eigh_pencil_(*aligned(xs, batched, (2,) * len(xs)), **params),
    samples=_pencil_samples,
    complex=False,  # the rules hold, but not the law of differences: complex eigenvectors have a free phase
)

"""Eigenvalues and eigenvectors: eigh, eigvalsh, eig, eigvals.

What derivatives mean at repeated eigenvalues is said in `repeated_values`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.lowering import Library
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match, spread
from wengert.ops.matrix_parts import (
    Samples,
    adjoint,
    diagonal,
    hermitian,
    infer_stack,
    inverse_gaps,
    lower_half,
    matrices,
    transpose,
    upper_half,
    well_conditioned,
)
from wengert.ops.products import aligned, conjugate
from wengert.ops.repeated_values import adapted, groups, repeats, turn
from wengert.types import Array, ArrayType, type_of

__all__ = ["EigResult", "EighResult", "eig_", "eigh_", "eigvals_", "eigvalsh_"]

EigResult = type(np.linalg.eig(np.eye(1)))
EighResult = type(np.linalg.eigh(np.eye(1)))
HALF = {"L": lower_half, "U": upper_half}


# eigh -----------------------------------------------------------------------------------
# H V = V diag(w), V^H V = I, where H = h(A) is the Hermitian matrix in one triangle of A: NumPy reads nothing
# else, and neither does the derivative, so that the tangent along any direction is that of NumPy's function
# of all entries. With M = V^H H_dot V and F = inverse_gaps(w), F_ij = 1 / (w_j - w_i), F_ii = 0:
#   w_dot = Re diag(M),   V_dot = V (F * M)                               (Giles 2008; real A)
#   S = conj(V) (diag(w_bar) + F * (V^T V_bar)) V^T,   A_bar = h^T(S) = half(S + S^H)
# Each complex eigenvector has a free phase, which LAPACK settles as it happens: V_dot is the one with
# diag(V^H V_dot) = 0. Functions whose value does not depend on the phases have the right derivative; others
# have none.
#
# With a second operand, a direction, eigenvectors of repeated eigenvalues are the basis that goes with it.
# `values` says that the eigenvalues are used beside this operation.


def _eigh_eval(a: Array, *along: Array, uplo: str, values: bool = False) -> tuple[Array, ...]:
    decompose: Any = np.linalg.eigh  # its types want a literal "L" or "U"
    w, v = decompose(a, uplo)
    if along:
        v = v @ adapted(w, adjoint(v) @ hermitian(along[0], HALF[uplo]) @ v)
    return np.broadcast_to(w, np.shape(v)[:-1]), v


def _basis(xs: Sequence[Array], a_dot: Array, **params: Any) -> tuple[Array, Array]:
    """Return the eigenvalues and, where they repeat, the eigenvectors that go with a direction."""
    w, v = eigh_(*xs, **params)
    return eigh_(xs[0], a_dot, **params) if len(xs) == 1 and repeats(w) else (w, v)


def _eigh_jvp(
    xs: Sequence[Array], x_dots: Sequence[Array], *, uplo: str, values: bool = False
) -> tuple[Any, Any]:
    if x_dots[0] is None:
        return eigh_(*xs, uplo=uplo, values=values), None
    w, v = _basis(xs, x_dots[0], uplo=uplo, values=values)
    m = adjoint(v) @ hermitian(x_dots[0], HALF[uplo]) @ v
    return (w, v), (np.real(diagonal(m)), v @ (inverse_gaps(w, groups(w)) * m))


def _eigh_vjp(
    y_bar: tuple[Array, Array], site: Site, *, uplo: str, values: bool = False
) -> list[Array | None]:
    if not site.needs[0]:
        return [None] * len(site.xs)
    (w, v), (w_bar, v_bar) = site.y, y_bar
    v_t = transpose(v)
    s = None if w_bar is None else (conjugate(v) * w_bar[..., np.newaxis, :]) @ v_t
    if v_bar is not None:
        p = v_t @ v_bar
        part = conjugate(v) @ turn(w, p, (p,), values=values or w_bar is not None) @ v_t
        s = part if s is None else s + part
    a_bar = match(HALF[uplo](s + adjoint(s)), site.xs[0])
    return [a_bar, *[None] * (len(site.xs) - 1)]


def _hermitian_samples(rng: np.random.Generator) -> Samples:
    for uplo in ("L", "U"):
        yield from matrices((3, 3), (2, 2, 2), uplo=uplo)(rng)
    yield from matrices((1, 1), (0, 0), (0, 2, 2), uplo="L")(rng)


eigh_: Primitive = define(
    name="eigh",
    raises=True,
    doc="Eigenvalues, ascending, and eigenvectors of the Hermitian matrix in one triangle. Giles 2008.",
    multiple=True,
    eval=_eigh_eval,
    infer=lambda *types, uplo, **_: infer_stack(lambda a: tuple(np.linalg.eigh(a, uplo)))(types[0]),
    jvp=_eigh_jvp,
    vjp=_eigh_vjp,
    lower=Library("syevd"),
    batch=lambda _size, xs, batched, **params: eigh_(*aligned(xs, batched, (2,) * len(xs)), **params),
    samples=_hermitian_samples,
    complex=False,  # the rules hold, but not the law of differences: complex eigenvectors have a free phase
)


@implements(np.linalg.eigh)
def eigh(a: Array, UPLO: str = "L") -> Any:
    """Bind `eigh`."""
    return EighResult(*eigh_(a, uplo=_triangle(UPLO)))


def _triangle(uplo: str) -> str:
    if uplo.upper() not in HALF:
        message = "UPLO argument must be 'L' or 'U'"
        raise ValueError(message)
    return uplo.upper()


# eigvalsh -------------------------------------------------------------------------------
# The values of eigh alone; the rules compute the vectors that they need.


def _eigvalsh_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, uplo: str) -> tuple[Array, Array]:
    w, v = _basis(xs, x_dots[0], uplo=uplo)
    h_dot = hermitian(x_dots[0], HALF[uplo])
    return w, np.real(np.sum(conjugate(v) * (h_dot @ v), axis=-2))


def _eigvalsh_vjp(y_bar: Array, site: Site, *, uplo: str) -> list[Array]:
    _, v = eigh_(site.xs[0], uplo=uplo, values=isinstance(y_bar, Traced))
    s = (conjugate(v) * y_bar[..., np.newaxis, :]) @ transpose(v)
    return [HALF[uplo](s + adjoint(s))]


eigvalsh_: Primitive = define(
    name="eigvalsh",
    raises=True,
    doc="Eigenvalues, ascending, of the Hermitian matrix in one triangle. Giles 2008.",
    eval=lambda a, *, uplo: np.linalg.eigvalsh(a, uplo),
    infer=infer_stack(lambda a, *, uplo: np.linalg.eigvalsh(a, uplo)),
    jvp=_eigvalsh_jvp,
    vjp=_eigvalsh_vjp,
    lower=Library("syevd"),
    batch=lambda _size, xs, _batched, *, uplo: eigvalsh_(xs[0], uplo=uplo),
    samples=_hermitian_samples,
    complex=True,
)


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Array, UPLO: str = "L") -> Array:
    """Bind `eigvalsh`."""
    return eigvalsh_(a, uplo=_triangle(UPLO))


# eig ------------------------------------------------------------------------------------
# A V = V diag(w). With C = V^-1 A_dot V and F = inverse_gaps(w), the columns of X = V (F * C) are tangents of
# eigenvectors up to their length and phase:
#   w_dot = diag(C),   V_dot = X - V diag(c)                              (Giles 2008)
# LAPACK geev makes the length of v_j 1 and its largest entry p_j, in row r_j, real (documentation of zgeev),
# so that
#   Re c_j = Re(v_j^H x_j),   Im c_j = Im(X_(r_j) j) / p_j
# Adjoint, with q = diag(V^T V_bar) and the matrix E of unit vectors e_(r_j):
#   X_bar = V_bar - conj(V) diag(Re q) - i E diag(Im q / p)
#   A_bar = V^-T (diag(w_bar) + F * (V^T X_bar)) V^T
# A defective A has no derivative: there V is singular.


def _pivots(v: Array) -> tuple[Array, Array]:
    """Return, as matrices, which entry of each eigenvector LAPACK made real, and that entry's inverse in its place."""
    size = np.where(np.imag(v) == 0, np.abs(v), -1.0)
    row = np.argmax(size, axis=-2, keepdims=True)
    chosen = np.arange(np.shape(v)[-1])[:, np.newaxis] == row
    return chosen, np.where(chosen, 1.0, 0.0) / np.where(chosen, np.real(v), 1.0)


def _eig_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Any, Any]:
    w, v = eig_(xs[0])
    c = np.linalg.solve(v, x_dots[0] @ v)
    x = v @ (inverse_gaps(w) * c)
    scale = np.real(np.sum(conjugate(v) * x, axis=-2, keepdims=True))
    if type_of(v).dtype.kind == "c":
        _, inverse = _pivots(v)
        scale = scale + 1j * np.sum(inverse * np.imag(x), axis=-2, keepdims=True)
    return (w, v), (spread(diagonal(c), w), spread(x - v * scale, v))


def _eig_vjp(y_bar: tuple[Array, Array], site: Site) -> list[Array]:
    (w, v), (w_bar, v_bar) = site.y, y_bar
    v_t = transpose(v)
    c_bar = None if w_bar is None else w_bar[..., np.newaxis] * np.eye(np.shape(v)[-1], dtype=v.dtype)
    if v_bar is not None:
        q = np.sum(v * v_bar, axis=-2, keepdims=True)
        x_bar = v_bar - conjugate(v) * np.real(q)
        if type_of(v).dtype.kind == "c":
            _, inverse = _pivots(v)
            x_bar = x_bar - 1j * (inverse * np.imag(q))
        part = inverse_gaps(w) * (v_t @ x_bar)
        c_bar = part if c_bar is None else c_bar + part
    return [match(np.linalg.solve(v_t, c_bar @ v_t), site.xs[0])]


def _eig_infer(t: ArrayType) -> tuple[ArrayType, ArrayType]:
    """Types for complex eigenvalues, which the type of a real matrix cannot deny."""
    _, v = infer_stack(lambda a: tuple(np.linalg.eig(a)))(t)
    dtype = np.result_type(v.dtype, np.complex64)
    return ArrayType(t.shape[:-1], dtype), ArrayType(t.shape, dtype)


def _general_samples(rng: np.random.Generator) -> Samples:
    for shape in ((3, 3), (2, 2), (2, 2, 2)):
        a = well_conditioned(rng, shape)
        a[..., 0, 1] += 4.0
        a[..., 1, 0] -= 2.0
        yield (a,), {}  # real, with two complex eigenvalues


eig_: Primitive = define(
    name="eig",
    raises=True,
    doc="Eigenvalues and eigenvectors of a square matrix, of length 1 and with largest entry real. Giles 2008.",
    multiple=True,
    eval=lambda a: tuple(np.linalg.eig(a)),
    infer=_eig_infer,
    jvp=_eig_jvp,
    vjp=_eig_vjp,
    batch=lambda _size, xs, _batched: eig_(xs[0]),
    samples=_general_samples,
    complex=True,
)


@implements(np.linalg.eig)
def eig(a: Array) -> Any:
    """Bind `eig`; as in NumPy, the results of a real matrix are real if no eigenvalue is complex."""
    return EigResult(*eig_(a))


# eigvals --------------------------------------------------------------------------------
# The values of eig alone; the rules compute the vectors that they need.


def _eigvals_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    w, v = eig_(xs[0])
    return w, spread(diagonal(np.linalg.solve(v, x_dots[0] @ v)), w)


def _eigvals_vjp(y_bar: Array, site: Site) -> list[Array]:
    _, v = eig_(site.xs[0])
    v_t = transpose(v)
    return [match(np.linalg.solve(v_t, y_bar[..., np.newaxis] * v_t), site.xs[0])]


eigvals_: Primitive = define(
    name="eigvals",
    raises=True,
    doc="Eigenvalues of a square matrix. Giles 2008.",
    eval=np.linalg.eigvals,
    infer=lambda t: _eig_infer(t)[0],
    jvp=_eigvals_jvp,
    vjp=_eigvals_vjp,
    batch=lambda _size, xs, _batched: np.linalg.eigvals(xs[0]),
    samples=_general_samples,
    complex=True,
)


@implements(np.linalg.eigvals)
def eigvals(a: Array) -> Array:
    """Bind `eigvals`."""
    return eigvals_(a)

"""Determinants: det, slogdet, and the cofactors that are the derivative of det.

det is a polynomial, so its derivatives exist at singular matrices too, and to every order. Formulas through
the inverse lose them there; here they are primitives of their own, closed under differentiation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from wengert.core.lowering import Composed, Library
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import masked, match, spread
from wengert.ops.locations import anywhere
from wengert.ops.matrix_parts import Samples, adjoint, infer_stack, matrices, transpose, well_conditioned
from wengert.ops.products import aligned
from wengert.types import Array, ArrayType, type_of

__all__ = ["SlogdetResult", "cofactor_", "det_", "most_regular", "slogdet_"]

SlogdetResult = type(np.linalg.slogdet(np.eye(1)))


# det ------------------------------------------------------------------------------------
# y = det A. With C the matrix of cofactors (Jacobi's formula; Giles 2008):
#   y_dot = sum(C * A_dot),   A_bar = y_bar C


def _det_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    y = np.linalg.det(xs[0])
    return y, spread(np.sum(cofactor_(xs[0]) * x_dots[0], axis=(-2, -1)), y)


def _det_vjp(y_bar: Array, site: Site) -> list[Array]:
    (a,) = site.xs
    return [match(_per_matrix(y_bar) * cofactor_(a), a)]


def _per_matrix(x: Array) -> Array:
    """Return one number per matrix in the shape that multiplies matrices."""
    return np.reshape(x, (*np.shape(x), 1, 1))


def _det_samples(rng: np.random.Generator) -> Samples:
    yield from matrices((3, 3), (1, 1), (2, 3, 3), (0, 0), (0, 2, 2))(rng)
    singular = rng.normal(size=(3, 2)) @ rng.normal(size=(2, 3))  # no inverse, but a gradient
    yield (singular,), {}


det_: Primitive = define(
    name="det",
    doc="Determinant; its gradient is the matrix of cofactors, at singular matrices too. Giles 2008.",
    eval=np.linalg.det,
    infer=infer_stack(np.linalg.det),
    jvp=_det_jvp,
    vjp=_det_vjp,
    lower=Composed(lambda a: (y := np.linalg.slogdet(a))[0] * np.exp(y[1])),
    batch=lambda _size, xs, _batched: np.linalg.det(xs[0]),
    samples=_det_samples,
    complex=True,
)


@implements(np.linalg.det)
def det(a: Array) -> Array:
    """Bind `det`."""
    return det_(a)


# cofactor -------------------------------------------------------------------------------
# C(A; E_1, ..., E_k) = D^k cof(A) [E_1, ..., E_k]: the cofactors of A for k = 0, else their k-th derivative.
# Since
#   sum(Y * C(A; E_1, ..., E_k)) = D^(k+1) det(A) [E_1, ..., E_k, Y]
# is symmetric in E_1, ..., E_k, Y, the rules are of the same form:
#   A_dot   adds E_(k+1) = A_dot                    A_bar   = C(A; E_1, ..., E_k, Y)
#   E_i_dot replaces E_i                            E_i_bar = C(A; the other E, Y)
#
# Value. cof is multiplicative and cof(U) = det(U) conj(U) for unitary U, so with A = U S V^H and M_l = U^H
# E_l V
#   C(A; E) = det(U) det(V^H) conj(U) C(S; M) conj(V^H).
# For diagonal S, the derivative of det along m = k + 1 matrices takes rows i_1, ..., i_m, all different, from
# them, and the other rows from S (Leibniz' formula, differentiated factor by factor):
#   D^m det(S) [M_1, ..., M_m] = sum over i, pi of sgn(pi) prod_l M_l[i_l, i_pi(l)] prod_(j not in i) s_j.
# The last matrix is the unit matrix at (p, q) = (i_m, i_pi(m)). No singular value is divided by. Where A is
# well conditioned, C(A) = det(A) A^-T is cheaper and as good.


def _cofactor_eval(a: Array, *es: Array) -> Array:
    if not es:
        y = _regular_cofactor(a)
        if y is not None:
            return y
    finite = np.isfinite(a).all(axis=(-2, -1), keepdims=True)
    u, s, vh = np.linalg.svd(np.where(finite, a, 0))
    c = _diagonal_cofactor(s, [adjoint(u) @ e @ adjoint(vh) for e in es])
    phase = _per_matrix(np.linalg.det(u) * np.linalg.det(vh))
    y = phase * (np.conj(u) @ c @ np.conj(vh))
    return np.where(finite, y, np.nan).astype(np.result_type(a, *es), copy=False)


def _regular_cofactor(a: Array) -> Array | None:
    """Return det(A) A^-T, which costs a sixth, if that keeps three quarters of the digits in every matrix."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    squared_condition = _squares(a) * _squares(inverse)
    if not np.all(squared_condition < most_regular(inverse.dtype)):
        return None
    return _per_matrix(np.linalg.det(a)) * transpose(inverse)


def most_regular(dtype: np.dtype[Any]) -> float:
    """Return the squared condition up to which the inverse gives the cofactors."""
    limit: float = float(np.finfo(dtype).eps) ** -0.5
    return limit


def _squares(x: Array) -> Array:
    """Return the squared Frobenius norms of a stack of matrices."""
    parts = (x.real, x.imag) if x.dtype.kind == "c" else (x,)
    with np.errstate(over="ignore"):
        return sum(np.einsum("...ij,...ij->...", part, part) for part in parts)


def _diagonal_cofactor(s: Array, ms: Sequence[Array]) -> Array:
    """Return C(diag(s); ms)."""
    n, m = s.shape[-1], len(ms) + 1
    others = _products_of_others(s, m)
    letters = "ijklmnopqrstuvwxyz"[:m]
    total = np.zeros((*s.shape, n))
    for pi in permutations(range(m)):
        terms = [f"...{letters[i]}{letters[pi[i]]}" for i in range(m - 1)]
        row, column = letters[-1], letters[pi[-1]]
        out = row if row == column else row + column
        part = np.einsum(",".join([f"...{letters}", *terms]) + f"->...{out}", others, *ms)
        total = total + _sign(pi) * (part[..., np.newaxis] * np.eye(n) if row == column else part)
    return total


def _products_of_others(s: Array, m: int) -> Array:
    """Return, at m different indices, the product of all s but those; 0 where indices repeat."""
    n = s.shape[-1]
    picked = np.stack(np.unravel_index(np.arange(n**m), (n,) * m), -1)[..., np.newaxis] == np.arange(n)
    picked = picked.sum(axis=1)  # (n^m, n): how often each index occurs
    products = np.where(picked, 1.0, s[..., np.newaxis, :]).prod(axis=-1) * (picked <= 1).all(axis=-1)
    return products.reshape(*s.shape[:-1], *(n,) * m)


def _sign(pi: Sequence[int]) -> int:
    """Return the sign of a permutation: minus for an odd number of inversions."""
    inversions = sum(pi[i] > pi[j] for j in range(len(pi)) for i in range(j))
    return -1 if inversions % 2 else 1


def _cofactor_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    y = cofactor_(*xs)
    terms = [] if x_dots[0] is None else [cofactor_(*xs, x_dots[0])]
    terms += [cofactor_(*xs[:i], x_dots[i], *xs[i + 1 :]) for i in range(1, len(xs)) if x_dots[i] is not None]
    return y, spread(sum(terms[1:], terms[0]), y)


def _cofactor_vjp(y_bar: Array, site: Site) -> list[Array]:
    (a, *es), (need_a, *needs) = site.xs, site.needs
    a_bar = match(cofactor_(a, *es, y_bar), a) if need_a else None
    return [
        a_bar,
        *[
            match(cofactor_(a, *es[:i], *es[i + 1 :], y_bar), e) if need else None
            for i, (e, need) in enumerate(zip(es, needs, strict=True))
        ],
    ]


def _cofactor_infer(*types: ArrayType) -> ArrayType:
    return ArrayType(
        np.broadcast_shapes(*[t.shape for t in types]), np.result_type(*[t.dtype for t in types])
    )


def _cofactor_samples(rng: np.random.Generator) -> Samples:
    for shape, k in (((3, 3), 0), ((3, 3), 1), ((4, 4), 2), ((2, 2, 2), 1), ((1, 1), 0), ((0, 0), 1)):
        yield (well_conditioned(rng, shape), *[rng.normal(size=shape) for _ in range(k)]), {}
    yield (rng.normal(size=(3, 1)) * rng.normal(size=3), rng.normal(size=(3, 3))), {}  # of rank 1
    yield (well_conditioned(rng, (2, 2)), rng.normal(size=(2, 2, 2))), {}


cofactor_: Primitive = define(
    name="cofactor",
    doc="Cofactors of A, or their derivative along matrices E_1, ..., E_k; finite at singular A. Jacobi's formula.",
    eval=_cofactor_eval,
    infer=_cofactor_infer,
    jvp=_cofactor_jvp,
    vjp=_cofactor_vjp,
    lower=Library("cofactor"),
    batch=lambda _size, xs, batched: cofactor_(*aligned(xs, batched, (2,) * len(xs))),
    samples=_cofactor_samples,
    complex=True,
)


# slogdet --------------------------------------------------------------------------------
# y = (sign, logabsdet), det A = sign exp(logabsdet). With t = tr(A^-1 A_dot) = (det A)_dot / det A:
#   logabsdet_dot = Re t,   sign_dot = i sign Im t                        (0 for real A)
#   A_bar = (logabsdet_bar + i Im(sign_bar sign)) A^-T
# since Re(sign_bar i sign Im t) = -Im(sign_bar sign) Im t = Re(i Im(sign_bar sign) t). For a singular A, A^-T
# is C / 0 with the cofactors C: infinite, but where a cofactor or what it is multiplied with is 0.


def _inverse_transpose(a: Array, log: Array) -> Array:
    """Return A^-T, and C / 0 where log|det A| says that A is singular."""
    singular = log == -np.inf
    if not anywhere(singular):
        return transpose(np.linalg.inv(a))
    singular, eye = _per_matrix(singular), np.eye(np.shape(a)[-1], dtype=a.dtype)
    regular, irregular = np.where(singular, eye, a), np.where(singular, a, eye)
    return np.where(singular, masked(cofactor_(irregular), np.inf), transpose(np.linalg.inv(regular)))


def _slogdet_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Any, Any]:
    sign, log = y = tuple(np.linalg.slogdet(xs[0]))
    t = np.sum(masked(x_dots[0], _inverse_transpose(xs[0], log)), axis=(-2, -1))
    if type_of(sign).dtype.kind != "c":
        return y, (None, spread(t, log))
    return y, (spread(sign * (t - np.real(t)), sign), spread(np.real(t), log))


def _slogdet_vjp(y_bar: tuple[Array, Array], site: Site) -> list[Array]:
    (a,), (sign_bar, log_bar) = site.xs, y_bar
    factor = log_bar
    if sign_bar is not None and type_of(a).dtype.kind == "c":
        turn = 1j * np.imag(sign_bar * site.y[0])
        factor = turn if factor is None else factor + turn
    if factor is None:
        return [None]
    return [match(masked(_per_matrix(factor), _inverse_transpose(a, site.y[1])), a)]


slogdet_: Primitive = define(
    name="slogdet",
    doc="Sign (or phase) and logarithm of the modulus of the determinant. Giles 2008.",
    multiple=True,
    eval=lambda a: tuple(np.linalg.slogdet(a)),
    infer=infer_stack(np.linalg.slogdet),
    jvp=_slogdet_jvp,
    vjp=_slogdet_vjp,
    lower=Library("getrf"),
    batch=lambda _size, xs, _batched: tuple(np.linalg.slogdet(xs[0])),
    samples=matrices((3, 3), (1, 1), (2, 3, 3), (0, 0), (0, 2, 2)),
    complex=True,
)


@implements(np.linalg.slogdet)
def slogdet(a: Array) -> Any:
    """Bind `slogdet`."""
    return SlogdetResult(*slogdet_(a))

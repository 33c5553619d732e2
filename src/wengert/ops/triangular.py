"""Triangular systems: solve_triangular, by NumPy alone.

LAPACK's own routine comes with scipy.linalg. That is slow to import, and has a thread pool beside NumPy's:
programs that alternate between the two were measured 30 times slower, each pool spinning while the other
works. Here halves of the system are solved one after the other, so that nearly all is matrix products; blocks
of the diagonal go to numpy.linalg.solve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.lowering import Library
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.coefficients import solution_series
from wengert.ops.families import match, spread
from wengert.ops.matrix_parts import Samples, adjoint, inexact, transpose, well_conditioned
from wengert.ops.products import aligned, conjugate
from wengert.types import Array, ArrayType, type_of

__all__ = ["BLOCK", "solve_triangular_"]

BLOCK = 48  # the order of the systems that are not halved: where a product is faster than a factorization


# solve_triangular -----------------------------------------------------------------------
# op(A) Y = B, where A is the triangle that is read (its diagonal 1 if unit), op(A) = A, A^T or A^H for trans
# = 0, 1, 2. With T = op(A), and A_dot cut to the same triangle:
#   Y_dot = T^-1 (B_dot - op(A_dot) Y),   B_bar = T^-T Y_bar,   op(A)_bar = -B_bar Y^T             (Giles 2008)
# T^-T is that of trans = 1, 0 for trans = 0, 1; for A^H it is conj(A)^-1, where T^-T Y_bar = conj(A^-1
# conj(Y_bar)).


def _triangle(a: Array, *, lower: bool, unit: bool) -> Array:
    return np.tril(a, -1 if unit else 0) if lower else np.triu(a, 1 if unit else 0)


def _op(a: Array, trans: int) -> Array:
    return (a, transpose(a), adjoint(a))[trans] if trans else a


def _solve_triangular_eval(a: Array, b: Array, *, lower: bool, trans: int, unit: bool) -> Array:
    dtype = inexact(type_of(a), type_of(b))
    t = _op(a, trans).astype(dtype, copy=False)
    lower = lower != bool(trans)
    y = np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), dtype)
    y[...] = b
    if math.prod(y.shape):
        _substitute(t, y, lower=lower, unit=unit)
    return y


def _substitute(t: Array, y: Array, *, lower: bool, unit: bool) -> None:
    """Overwrite the right-hand sides Y with T^-1 Y."""
    n = t.shape[-1]
    if n <= BLOCK:
        y[...] = _solve_block(t, y, lower=lower, unit=unit)
        return
    first, last = slice(n // 2), slice(n // 2, n)
    if not lower:
        first, last = last, first
    _substitute(t[..., first, first], y[..., first, :], lower=lower, unit=unit)
    y[..., last, :] -= t[..., last, first] @ y[..., first, :]
    _substitute(t[..., last, last], y[..., last, :], lower=lower, unit=unit)


def _solve_block(t: Array, y: Array, *, lower: bool, unit: bool) -> Array:
    """Return T^-1 Y; elimination of an upper triangle has nothing to do and leaves back substitution."""
    t = _triangle(t, lower=lower, unit=unit)
    if unit:
        t = t + np.eye(t.shape[-1], dtype=t.dtype)
    if y.shape[-1] > t.shape[-1]:  # the inverse of a lower triangle is that of the upper one, transposed
        return (transpose(np.linalg.inv(transpose(t))) if lower else np.linalg.inv(t)) @ y
    if not lower:
        return np.linalg.solve(t, y)
    return np.linalg.solve(t[..., ::-1, ::-1], y[..., ::-1, :])[..., ::-1, :]


def _solve_triangular_infer(a: ArrayType, b: ArrayType, **_: Any) -> ArrayType:
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return ArrayType((*stack, *b.shape[-2:]), inexact(a, b))


def _solve_triangular_jvp(
    xs: Sequence[Array], x_dots: Sequence[Array], *, lower: bool, trans: int, unit: bool
) -> tuple[Array, Array]:
    (a, b), (a_dot, change) = xs, x_dots
    y = solve_triangular_(a, b, lower=lower, trans=trans, unit=unit)
    if a_dot is not None:
        moved = _triangle_times([a_dot], y, lower=lower, trans=trans, unit=unit)
        change = -moved if change is None else change - moved
    return y, spread(solve_triangular_(a, change, lower=lower, trans=trans, unit=unit), y)


def _triangle_times(column: Sequence[Array], y: Array, *, lower: bool, trans: int, unit: bool) -> Array:
    return _op(_triangle(column[0], lower=lower, unit=unit), trans) @ y


def _solve_triangular_vjp(y_bar: Array, site: Site, *, lower: bool, trans: int, unit: bool) -> list[Array]:
    (a, b), (need_a, need_b) = site.xs, site.needs
    if trans == 2:
        b_bar = conjugate(solve_triangular_(a, conjugate(y_bar), lower=lower, trans=0, unit=unit))
    else:
        b_bar = solve_triangular_(a, y_bar, lower=lower, trans=1 - trans, unit=unit)
    a_bar = None
    if need_a:
        a_bar = match(_triangle(-_op(b_bar @ transpose(site.y), trans), lower=lower, unit=unit), a)
    return [a_bar, match(b_bar, b) if need_b else None]


def _solve_triangular_batch(_size: int, xs: Sequence[Array], batched: Sequence[bool], **params: Any) -> Array:
    return solve_triangular_(*aligned(xs, batched, (2, 2)), **params)


def _solve_triangular_samples(rng: np.random.Generator) -> Samples:
    for lower in (False, True):
        for trans in (0, 1, 2):
            params = {"lower": lower, "trans": trans, "unit": False}
            yield (well_conditioned(rng, (3, 3)), rng.normal(size=(3, 2))), params
            yield (well_conditioned(rng, (3, 3)), rng.normal(size=(3, 2))), {**params, "unit": True}
    params = {"lower": True, "trans": 0, "unit": False}
    for a, b in (
        ((1, 1), (1, 1)),
        ((2, 3, 3), (3, 1)),
        ((3, 3), (2, 3, 2)),
        ((2, 1, 2, 2), (3, 2, 1)),
        ((0, 0), (0, 2)),
        ((2, 2), (2, 0)),
    ):
        yield (well_conditioned(rng, a), rng.normal(size=b)), params


solve_triangular_: Primitive = define(
    name="solve_triangular",
    raises=True,
    doc="Solution Y of op(A) Y = B for the upper or lower triangle of A. Giles 2008.",
    eval=_solve_triangular_eval,
    infer=_solve_triangular_infer,
    jvp=_solve_triangular_jvp,
    taylor=solution_series("solve_triangular", _triangle_times),
    vjp=_solve_triangular_vjp,
    lower=Library("trsm"),
    batch=_solve_triangular_batch,
    samples=_solve_triangular_samples,
    complex=True,
)

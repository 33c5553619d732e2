"""Linear matrix equations: solve_sylvester, solve_continuous_lyapunov, solve_discrete_lyapunov.

Each is linear in the right-hand side, T(X) = Q, so that with the change of T at fixed X on the right

    X_dot = T^-1 (Q_dot - T_dot(X)),   Q_bar = T^-T(X_bar),   and A_bar is the adjoint of -T_dot(X) at Q_bar,

where T^T is again an equation of the same kind, with A^T for A (Kao and Hennequin 2020, Automatic
differentiation of Sylvester, Lyapunov, and algebraic Riccati equations).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import linalg

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match, spread
from wengert.ops.linalg_stacks import per_matrix
from wengert.ops.matrix_parts import Samples, adjoint, inexact, transpose, well_conditioned
from wengert.ops.products import aligned
from wengert.types import Array, ArrayType, type_of

__all__ = ["solve_continuous_lyapunov_", "solve_discrete_lyapunov_", "solve_sylvester_"]


def _evaluate(fun: Callable[..., Array], *xs: Array) -> Array:
    """Solve for matrices of one dtype, in that dtype."""
    dtype = inexact(*[type_of(x) for x in xs])

    def solve(*parts: Array) -> Array:
        if not parts[-1].size:
            return np.zeros(parts[-1].shape, dtype)
        return fun(*parts).astype(dtype, copy=False)

    return per_matrix(solve, tuple(x.astype(dtype, copy=False) for x in xs))


def _infer(*types: ArrayType, **_: Any) -> ArrayType:
    stack = np.broadcast_shapes(*[t.shape[:-2] for t in types])
    return ArrayType((*stack, *types[-1].shape[-2:]), inexact(*types))


def _plus(x: Array | None, y: Array) -> Array:
    return y if x is None else x + y


# solve_sylvester ------------------------------------------------------------------------
# A X + X B = Q:   T_dot(X) = A_dot X + X B_dot,   T^T(Z) = A^T Z + Z B^T
#   A_bar = -Q_bar X^T,   B_bar = -X^T Q_bar


def _sylvester_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    (a, b, q), (a_dot, b_dot, change) = xs, x_dots
    x = solve_sylvester_(a, b, q)
    if a_dot is not None:
        change = _plus(change, -(a_dot @ x))
    if b_dot is not None:
        change = _plus(change, -(x @ b_dot))
    return x, spread(solve_sylvester_(a, b, change), x)


def _sylvester_vjp(y_bar: Array, site: Site) -> list[Array | None]:
    (a, b, q), (need_a, need_b, need_q) = site.xs, site.needs
    q_bar, x_t = solve_sylvester_(transpose(a), transpose(b), y_bar), transpose(site.y)
    return [
        match(-(q_bar @ x_t), a) if need_a else None,
        match(-(x_t @ q_bar), b) if need_b else None,
        match(q_bar, q) if need_q else None,
    ]


def _sylvester_samples(rng: np.random.Generator) -> Samples:
    for a, b, q in (
        ((3, 3), (2, 2), (3, 2)),
        ((1, 1), (1, 1), (1, 1)),
        ((2, 2, 2), (2, 2), (2, 2)),
        ((2, 2), (2, 2), (2, 2, 2)),
        ((0, 0), (2, 2), (0, 2)),
    ):
        yield (well_conditioned(rng, a), well_conditioned(rng, b), rng.normal(size=q)), {}


solve_sylvester_: Primitive = define(
    name="solve_sylvester",
    doc="Solution X of A X + X B = Q. Kao and Hennequin 2020.",
    eval=lambda a, b, q: _evaluate(linalg.solve_sylvester, a, b, q),
    infer=_infer,
    jvp=_sylvester_jvp,
    vjp=_sylvester_vjp,
    batch=lambda _size, xs, batched: solve_sylvester_(*aligned(xs, batched, (2, 2, 2))),
    samples=_sylvester_samples,
    complex=True,
)


# solve_continuous_lyapunov --------------------------------------------------------------
# A X + X A^H = Q:   T_dot(X) = A_dot X + X A_dot^H,   T^T(Z) = A^T Z + Z (A^T)^H
#   A_bar = -Q_bar X^T - (X^T Q_bar)^H


def _continuous_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    (a, q), (a_dot, change) = xs, x_dots
    x = solve_continuous_lyapunov_(a, q)
    if a_dot is not None:
        change = _plus(change, -(a_dot @ x + x @ adjoint(a_dot)))
    return x, spread(solve_continuous_lyapunov_(a, change), x)


def _continuous_vjp(y_bar: Array, site: Site) -> list[Array | None]:
    (a, q), (need_a, need_q) = site.xs, site.needs
    q_bar, x_t = solve_continuous_lyapunov_(transpose(a), y_bar), transpose(site.y)
    return [
        match(-(q_bar @ x_t) - adjoint(x_t @ q_bar), a) if need_a else None,
        match(q_bar, q) if need_q else None,
    ]


def _continuous_samples(rng: np.random.Generator) -> Samples:
    for a, q in (
        ((3, 3), (3, 3)),
        ((1, 1), (1, 1)),
        ((2, 2, 2), (2, 2)),
        ((2, 2), (2, 2, 2)),
        ((0, 0), (0, 0)),
    ):
        yield (well_conditioned(rng, a), rng.normal(size=q)), {}


solve_continuous_lyapunov_: Primitive = define(
    name="solve_continuous_lyapunov",
    doc="Solution X of A X + X A^H = Q. Kao and Hennequin 2020.",
    eval=lambda a, q: _evaluate(linalg.solve_continuous_lyapunov, a, q),
    infer=_infer,
    jvp=_continuous_jvp,
    vjp=_continuous_vjp,
    batch=lambda _size, xs, batched: solve_continuous_lyapunov_(*aligned(xs, batched, (2, 2))),
    samples=_continuous_samples,
    complex=True,
)


# solve_discrete_lyapunov ----------------------------------------------------------------
# X - A X A^H = Q:   T_dot(X) = -A_dot X A^H - A X A_dot^H,   T^T(Z) = Z - A^T Z (A^T)^H
#   A_bar = Q_bar (X A^H)^T + ((A X)^T Q_bar)^H


def _discrete_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, method: str | None) -> tuple[Array, Array]:
    (a, q), (a_dot, change) = xs, x_dots
    x = solve_discrete_lyapunov_(a, q, method=method)
    if a_dot is not None:
        change = _plus(change, a_dot @ x @ adjoint(a) + a @ x @ adjoint(a_dot))
    return x, spread(solve_discrete_lyapunov_(a, change, method=method), x)


def _discrete_vjp(y_bar: Array, site: Site, *, method: str | None) -> list[Array | None]:
    (a, q), (need_a, need_q), x = site.xs, site.needs, site.y
    q_bar = solve_discrete_lyapunov_(transpose(a), y_bar, method=method)
    return [
        match(q_bar @ transpose(x @ adjoint(a)) + adjoint(transpose(a @ x) @ q_bar), a) if need_a else None,
        match(q_bar, q) if need_q else None,
    ]


def _discrete_samples(rng: np.random.Generator) -> Samples:
    for (a, q), method in zip(
        (((3, 3), (3, 3)), ((2, 2), (2, 2)), ((1, 1), (1, 1)), ((2, 2, 2), (2, 2)), ((2, 2), (2, 2, 2))),
        (None, "bilinear", "direct", None, None),
        strict=True,
    ):
        yield (rng.uniform(-0.4, 0.4, a), rng.normal(size=q)), {"method": method}


solve_discrete_lyapunov_: Primitive = define(
    name="solve_discrete_lyapunov",
    doc="Solution X of A X A^H - X + Q = 0. Kao and Hennequin 2020.",
    eval=lambda a, q, *, method: _evaluate(lambda a, q: linalg.solve_discrete_lyapunov(a, q, method), a, q),
    infer=_infer,
    jvp=_discrete_jvp,
    vjp=_discrete_vjp,
    batch=lambda _size, xs, batched, *, method: solve_discrete_lyapunov_(
        *aligned(xs, batched, (2, 2)), method=method
    ),
    samples=_discrete_samples,
    complex=True,
)

"""Inverses and square linear systems: inv, solve, and the functions that are made of them.

Both are holomorphic, so their adjoints have plain transposes, no conjugates.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.lowering import Library
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.coefficients import solution_series, total
from wengert.ops.families import match, spread
from wengert.ops.matrix_parts import Samples, inexact, infer_stack, matrices, transpose, well_conditioned
from wengert.ops.products import aligned
from wengert.types import Array, ArrayType, type_of

__all__ = ["inv_", "solve_"]


# inv ------------------------------------------------------------------------------------
# Y = A^-1. Differentiating A Y = I:
#   Y_dot = -Y A_dot Y,   A_bar = -Y^T Y_bar Y^T                          (Giles 2008)


def _inv_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    y = np.linalg.inv(xs[0])
    return y, -(y @ x_dots[0] @ y)


def _inv_series(xs: Sequence[Array], series: Sequence[Sequence[Any]]) -> tuple[Array, Any]:
    """Return Y_0 and Y_k = -Y_0 sum_(j>0) A_j Y_(k-j), from A Y = I."""
    y = np.linalg.inv(xs[0])
    ys: list[Any] = [y]
    for k in range(1, len(series[0]) + 1):
        pairs = [(series[0][j - 1], ys[k - j]) for j in range(1, k + 1)]
        moved = total(a @ b for a, b in pairs if a is not None and b is not None)
        ys.append(None if moved is None else -(y @ moved))
    return y, tuple(ys[1:])


def _inv_vjp(y_bar: Array, site: Site) -> list[Array]:
    y_t = transpose(site.y)
    return [-(y_t @ y_bar @ y_t)]


inv_: Primitive = define(
    name="inv",
    raises=True,
    doc="Inverse of a square matrix. Giles 2008.",
    eval=np.linalg.inv,
    infer=infer_stack(np.linalg.inv),
    jvp=_inv_jvp,
    taylor=_inv_series,
    vjp=_inv_vjp,
    lower=Library("getri"),
    batch=lambda _size, xs, _batched: np.linalg.inv(xs[0]),
    samples=matrices((3, 3), (1, 1), (2, 3, 3), (0, 0), (0, 2, 2)),
    complex=True,
)


@implements(np.linalg.inv)
def inv(a: Array) -> Array:
    """Bind `inv`."""
    return inv_(a)


@implements(np.linalg.tensorinv)
def tensorinv(a: Array, ind: int = 2) -> Array:
    """Invert the matrix whose rows are the first `ind` axes and whose columns are the others."""
    if ind <= 0:
        message = "Invalid ind argument."
        raise ValueError(message)
    shape = np.shape(a)
    rows = math.prod(shape[ind:])
    return np.reshape(np.linalg.inv(np.reshape(a, (rows, -1))), shape[ind:] + shape[:ind])


@implements(np.linalg.matrix_power)
def matrix_power(a: Array, n: int) -> Array:
    """Multiply repeated squares (Knuth, The Art of Computer Programming, 4.6.3), for n < 0 those of the inverse."""
    n = operator.index(n)
    if np.ndim(a) < 2 or np.shape(a)[-1] != np.shape(a)[-2]:
        np.linalg.matrix_power(np.empty(np.shape(a)), n)  # raises as NumPy does
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:
        return (a @ a) @ a  # NumPy's order, to the last bit
    power = None
    while n:
        if n % 2:
            power = a if power is None else power @ a
        n //= 2
        if n:
            a = a @ a
    return np.linalg.matrix_power(np.empty(np.shape(a), type_of(a).dtype), 0) if power is None else power


# solve ----------------------------------------------------------------------------------
# A Y = B with B a stack of matrices; a vector is a matrix of one column. Differentiating:
#   Y_dot = A^-1 (B_dot - A_dot Y),   B_bar = A^-T Y_bar,   A_bar = -B_bar Y^T   (Giles 2008)


def solution_type(a: ArrayType, b: ArrayType, **_: Any) -> ArrayType:
    """Return the type of A^-1 B."""
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return ArrayType((*stack, *b.shape[-2:]), inexact(a, b))


def matrix_times(column: Sequence[Array], y: Array, **_: Any) -> Array:
    """Return A Y."""
    return column[0] @ y


def solution_change(x_dots: Sequence[Array], y: Array) -> Array:
    """Return B_dot - A_dot Y, of which one is not zero."""
    a_dot, b_dot = x_dots
    return -(a_dot @ y) if b_dot is None else b_dot if a_dot is None else b_dot - a_dot @ y


def solution_cotangents(b_bar: Array, site: Site) -> list[Array]:
    """Return those of A and B, given A^-T Y_bar."""
    (a, b), (need_a, need_b) = site.xs, site.needs
    return [
        match(-(b_bar @ transpose(site.y)), a) if need_a else None,
        match(b_bar, b) if need_b else None,
    ]


def _solve_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    y = np.linalg.solve(*xs)
    return y, spread(np.linalg.solve(xs[0], solution_change(x_dots, y)), y)


def _solve_vjp(y_bar: Array, site: Site) -> list[Array]:
    return solution_cotangents(np.linalg.solve(transpose(site.xs[0]), y_bar), site)


def solve_samples(rng: np.random.Generator) -> Samples:
    """Yield systems of single matrices and of stacks."""
    for a, b in (
        ((3, 3), (3, 2)),
        ((1, 1), (1, 1)),
        ((2, 3, 3), (3, 1)),
        ((3, 3), (2, 3, 2)),
        ((2, 1, 2, 2), (3, 2, 1)),
        ((0, 0), (0, 2)),
        ((2, 2), (2, 0)),
    ):
        yield (well_conditioned(rng, a), rng.normal(size=b)), {}


solve_: Primitive = define(
    name="solve",
    raises=True,
    doc="Solution Y of A Y = B for square A and a matrix B. Giles 2008.",
    eval=np.linalg.solve,
    infer=solution_type,
    jvp=_solve_jvp,
    taylor=solution_series("solve", matrix_times),
    vjp=_solve_vjp,
    lower=Library("gesv"),
    batch=lambda _size, xs, batched: np.linalg.solve(*aligned(xs, batched, (2, 2))),
    samples=solve_samples,
    complex=True,
)


@implements(np.linalg.solve)
def solve(a: Array, b: Array) -> Array:
    """Bind `solve`; only a 1-d b is a vector (NumPy 2), everything else a stack of matrices."""
    if np.ndim(b) != 1:
        return solve_(a, b)
    return solve_(a, np.reshape(b, (-1, 1)))[..., 0]


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Array, b: Array, axes: Any = None) -> Array:
    """Solve for the tensor that contracts with the last axes of `a` to `b`."""
    if axes is not None:
        order = list(range(np.ndim(a)))
        for k in axes:
            order.remove(k)
            order.insert(np.ndim(a), k)
        a = np.transpose(a, order)
    shape = np.shape(a)[np.ndim(b) :]
    n = math.prod(shape)
    if np.size(a) != n**2:
        message = "Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        raise np.linalg.LinAlgError(message)
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.ravel(b)), shape)

"""Linear systems as scipy.linalg.solve solves them: with a structure that the matrix is known to have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import linalg

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match, spread
from wengert.ops.linalg_stacks import per_matrix
from wengert.ops.matrix_parts import Samples, adjoint, inexact, transpose, well_conditioned
from wengert.ops.products import aligned
from wengert.types import Array, ArrayType, type_of

__all__ = ["STRUCTURES", "solve_structured_", "structured"]

# Structures of SciPy by its long names; the transpose of a matrix has the other structure.
STRUCTURES = {
    "gen": "general",
    "sym": "symmetric",
    "her": "hermitian",
    "pos": "positive definite",
}
DIAGONALS = {  # the first and the last one that is read
    "diagonal": (0, 0),
    "tridiagonal": (-1, 1),
    "upper triangular": (0, None),
    "lower triangular": (None, 0),
}
TRANSPOSED = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}
SCIPY_NAMES = {long: short for short, long in STRUCTURES.items()}  # the only ones that old SciPy knows


def structured(a: Array, structure: str | None, *, lower: bool) -> Array:
    """Return the matrix that SciPy reads: one triangle, mirrored, or some diagonals of A."""
    n = np.shape(a)[-1]
    if structure in {"symmetric", "hermitian", "positive definite"}:
        part = np.tril(a, -1) if lower else np.triu(a, 1)
        if structure == "symmetric":
            return part + transpose(part) + a * np.eye(n, dtype=a.dtype)
        return part + adjoint(part) + np.real(a) * np.eye(n, dtype=np.finfo(a.dtype).dtype)
    first, last = DIAGONALS.get(structure or "", (None, None))
    a = a if first is None else np.triu(a, first)
    return a if last is None else np.tril(a, last)


# solve_structured -----------------------------------------------------------------------
# A Y = B as for numpy.linalg.solve, and the same rules, for all entries of A: those that a structure ties
# together or leaves out are tied by `structured`, which is differentiated as it stands. The systems of the
# rules have the structure of A or of A^T.
#   Y_dot = A^-1 (B_dot - A_dot Y),   B_bar = A^-T Y_bar,   A_bar = -B_bar Y^T   (Giles 2008)


def _solve_eval(a: Array, b: Array, *, structure: str | None) -> Array:
    dtype = inexact(type_of(a), type_of(b))
    options = {} if structure is None else {"assume_a": SCIPY_NAMES.get(structure, structure)}

    def solve(a: Array, b: Array) -> Array:
        if not b.size:
            return np.empty(b.shape, dtype)
        return linalg.solve(a, b, lower=True, check_finite=False, **options)

    return per_matrix(solve, (a.astype(dtype, copy=False), b.astype(dtype, copy=False)))


def _solve_infer(a: ArrayType, b: ArrayType, **_: Any) -> ArrayType:
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return ArrayType((*stack, *b.shape[-2:]), inexact(a, b))


def _solve_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, structure: str | None) -> tuple[Array, Array]:
    (a, b), (a_dot, change) = xs, x_dots
    y = solve_structured_(a, b, structure=structure)
    if a_dot is not None:
        change = -(a_dot @ y) if change is None else change - a_dot @ y
    return y, spread(solve_structured_(a, change, structure=structure), y)


def _solve_vjp(y_bar: Array, site: Site, *, structure: str | None) -> list[Array | None]:
    (a, b), (need_a, need_b) = site.xs, site.needs
    other = None if structure is None else TRANSPOSED.get(structure, structure)
    b_bar = solve_structured_(transpose(a), y_bar, structure=other)
    return [
        match(-(b_bar @ transpose(site.y)), a) if need_a else None,
        match(b_bar, b) if need_b else None,
    ]


def _solve_samples(rng: np.random.Generator) -> Samples:
    """Yield samples of matrices without structure, for which alone all entries are free."""
    for a, b in (
        ((3, 3), (3, 2)),
        ((1, 1), (1, 1)),
        ((2, 3, 3), (3, 1)),
        ((3, 3), (2, 3, 2)),
        ((0, 0), (0, 2)),
        ((2, 2), (2, 0)),
    ):
        yield (well_conditioned(rng, a), rng.normal(size=b)), {"structure": "general"}


solve_structured_: Primitive = define(
    name="solve_structured",
    doc="Solution Y of A Y = B for a square A of known structure. Giles 2008.",
    eval=_solve_eval,
    infer=_solve_infer,
    jvp=_solve_jvp,
    vjp=_solve_vjp,
    batch=lambda _size, xs, batched, *, structure: solve_structured_(
        *aligned(xs, batched, (2, 2)), structure=structure
    ),
    samples=_solve_samples,
    complex=True,
)

"""Linear systems as scipy.linalg.solve solves them: with a structure that the matrix is known to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.coefficients import solution_series
from wengert.ops.families import spread
from wengert.ops.linalg_stacks import per_matrix
from wengert.ops.matrix_parts import Samples, adjoint, inexact, transpose
from wengert.ops.products import aligned
from wengert.ops.solves import (
    matrix_times,
    solution_change,
    solution_cotangents,
    solution_type,
    solve_samples,
)
from wengert.types import Array, type_of

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


def _solve_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, structure: str | None) -> tuple[Array, Array]:
    y = solve_structured_(*xs, structure=structure)
    return y, spread(solve_structured_(xs[0], solution_change(x_dots, y), structure=structure), y)


def _solve_vjp(y_bar: Array, site: Site, *, structure: str | None) -> list[Array | None]:
    other = None if structure is None else TRANSPOSED.get(structure, structure)
    return solution_cotangents(solve_structured_(transpose(site.xs[0]), y_bar, structure=other), site)


def _solve_samples(rng: np.random.Generator) -> Samples:
    """Yield samples of matrices without structure, for which alone all entries are free."""
    for xs, _ in solve_samples(rng):
        yield xs, {"structure": "general"}


solve_structured_: Primitive = define(
    name="solve_structured",
    doc="Solution Y of A Y = B for a square A of known structure. Giles 2008.",
    eval=_solve_eval,
    infer=solution_type,
    jvp=_solve_jvp,
    taylor=solution_series("solve_structured", matrix_times),
    vjp=_solve_vjp,
    batch=lambda _size, xs, batched, *, structure: solve_structured_(
        *aligned(xs, batched, (2, 2)), structure=structure
    ),
    samples=_solve_samples,
    complex=True,
)

"""Linear systems, inverses and matrix equations."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from wengert.core.numpy_protocol import operand
from wengert.errors import RefusedError
from wengert.ops.linalg_equations import (
    solve_continuous_lyapunov_,
    solve_discrete_lyapunov_,
    solve_sylvester_,
)
from wengert.ops.linalg_systems import STRUCTURES, TRANSPOSED, solve_structured_, structured
from wengert.ops.matrix_parts import transpose
from wengert.ops.triangular import solve_triangular_
from wengert.scipy.mirror import mirrors
from wengert.types import Array, type_of

__all__ = [
    "det",
    "inv",
    "lstsq",
    "norm",
    "pinv",
    "solve",
    "solve_continuous_lyapunov",
    "solve_discrete_lyapunov",
    "solve_lyapunov",
    "solve_sylvester",
    "solve_triangular",
]

_TRANS = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}


def _system(a: Array, b: Array) -> tuple[Array, Array, bool]:
    """Return A, B as a stack of matrices, and whether b is a vector: one column."""
    a, b = operand(a), operand(b)
    if np.ndim(a) < 2 or np.shape(a)[-1] != np.shape(a)[-2]:
        message = f"Expected square matrix, got {np.shape(a)=}"
        raise ValueError(message)
    vector = np.ndim(b) == 1
    b = np.reshape(b, (-1, 1)) if vector else b
    if np.shape(b)[-2] != np.shape(a)[-1]:
        message = f"incompatible shapes: {np.shape(a)=} and {np.shape(b)=}"
        raise ValueError(message)
    return a, b, vector


@mirrors(linalg.solve)
def solve(
    a: Array,
    b: Array,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Array:
    """Solve with the matrix that SciPy reads under `assume_a`."""
    structure = assume_a if assume_a is None else STRUCTURES.get(assume_a, assume_a)
    known = {*STRUCTURES.values(), *TRANSPOSED, "diagonal", "tridiagonal", "banded", None}
    if structure not in known:
        message = f"{assume_a} is not a recognized matrix structure"
        raise ValueError(message)
    a, b, vector = _system(a, b)
    a = structured(a, structure, lower=lower)
    if transposed:
        if type_of(a).dtype.kind == "c":
            message = (
                "scipy.linalg.solve can currently not solve a^T x = b or a^H x = b for complex matrices."
            )
            raise NotImplementedError(message)
        a, structure = transpose(a), structure and TRANSPOSED.get(structure, structure)
    x = solve_structured_(a, b, structure=structure)
    return x[..., 0] if vector else x


@mirrors(linalg.solve_triangular)
def solve_triangular(
    a: Array,
    b: Array,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """Solve with one triangle of A, or its transpose."""
    a, b, vector = _system(a, b)
    x = solve_triangular_(a, b, lower=bool(lower), trans=_TRANS[trans], unit=bool(unit_diagonal))
    return x[..., 0] if vector else x


@mirrors(linalg.inv)
def inv(
    a: Array,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> Array:
    """Invert the matrix that SciPy reads under `assume_a`."""
    structure = assume_a if assume_a is None else STRUCTURES.get(assume_a, assume_a)
    return np.linalg.inv(structured(operand(a), structure, lower=lower))


@mirrors(linalg.det)
def det(a: Array, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """As numpy.linalg.det: with a derivative at singular matrices too."""
    return np.linalg.det(operand(a))


@mirrors(linalg.norm)
def norm(
    a: Array, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Array:
    """As numpy.linalg.norm."""
    return np.linalg.norm(operand(a), ord, axis, keepdims)


@mirrors(linalg.pinv)
def pinv(
    a: Array, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True
) -> Any:
    """As numpy.linalg.pinv, with SciPy's default cutoff."""
    if atol is not None:
        raise RefusedError(
            "scipy.linalg.pinv was called on a traced value with atol",
            why="the rule knows cutoffs relative to the largest singular value.",
            instead="give rtol.",
        )
    y = np.linalg.pinv(operand(a), rtol=rtol)
    return (y, np.linalg.matrix_rank(a, rtol=rtol)) if return_rank else y


@mirrors(linalg.lstsq)
def lstsq(
    a: Array,
    b: Array,
    cond: float | None = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: str | None = None,
) -> tuple[Any, ...]:
    """As numpy.linalg.lstsq, with SciPy's default cutoff and shape of the residues."""
    a, b = operand(a), operand(b)
    if cond is None:
        cond = float(np.finfo(np.result_type(type_of(a).dtype, type_of(b).dtype, np.float32)).eps)
    x, residues, rank, s = np.linalg.lstsq(a, b, cond)
    if np.ndim(b) == 1 and np.size(residues):
        residues = residues[0]
    if lapack_driver == "gelsy":  # which computes neither
        return x, np.array([], type_of(x).dtype), rank, None
    return x, residues, rank, s


@mirrors(linalg.solve_sylvester)
def solve_sylvester(a: Array, b: Array, q: Array) -> Array:
    """Solve A X + X B = Q."""
    return solve_sylvester_(operand(a), operand(b), operand(q))


@mirrors(linalg.solve_continuous_lyapunov)
def solve_continuous_lyapunov(a: Array, q: Array) -> Array:
    """Solve A X + X A^H = Q."""
    return solve_continuous_lyapunov_(operand(a), operand(q))


solve_lyapunov = solve_continuous_lyapunov


@mirrors(linalg.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Array, q: Array, method: str | None = None) -> Array:
    """Solve A X A^H - X + Q = 0."""
    return solve_discrete_lyapunov_(operand(a), operand(q), method=method)

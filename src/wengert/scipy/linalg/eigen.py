"""Eigenvalues and eigenvectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from wengert.core.numpy_protocol import operand
from wengert.errors import RefusedError
from wengert.ops.linalg_eigen import eigh_pencil_
from wengert.scipy.mirror import mirrors
from wengert.types import Array

__all__ = ["eig", "eigh", "eigvals", "eigvalsh"]


@mirrors(linalg.eigh)
def eigh(
    a: Array,
    b: Array | None = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: str | None = None,
) -> Any:
    """Eigenvalues of a Hermitian matrix or pencil; a subset by index is one of all of them."""
    if subset_by_value is not None:
        raise RefusedError(
            "scipy.linalg.eigh was called on a traced value with subset_by_value",
            why="how many eigenvalues lie in an interval is no differentiable function.",
            instead="subset_by_index=[first, last].",
        )
    if b is not None and type != 1:
        raise RefusedError(
            f"scipy.linalg.eigh was called on a traced value with type={type}",
            why="the rule is that of the problem a v = w b v.",
            instead="type=1, with inv(b) for the other matrix.",
        )
    if subset_by_index is not None and driver in {"evx", "gvx"}:
        driver = None  # these find subsets; here all are found
    xs = (operand(a),) if b is None else (operand(a), operand(b))
    w, v = eigh_pencil_(*xs, lower=bool(lower), driver=driver)
    if subset_by_index is not None:
        first, last = subset_by_index
        w, v = w[..., first : last + 1], v[..., first : last + 1]
    return w if eigvals_only else (w, v)


@mirrors(linalg.eigvalsh)
def eigvalsh(a: Array, b: Array | None = None, **options: Any) -> Array:
    """Eigenvalues of `eigh` alone."""
    return eigh(a, b, eigvals_only=True, **options)


def _only_right(name: str, b: Array | None, *, other: bool) -> None:
    if b is not None or other:
        raise RefusedError(
            f"scipy.linalg.{name} was called on a traced value with options",
            why="only eigenvalues and right eigenvectors of one matrix have a rule.",
            instead="eig(solve(b, a)) for a pencil; inv(v) for the left eigenvectors.",
        )


@mirrors(linalg.eig)
def eig(
    a: Array,
    b: Array | None = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """As numpy.linalg.eig, with complex eigenvalues."""
    _only_right("eig", b, other=left or homogeneous_eigvals)
    if not right:
        return eigvals(a)
    w, v = np.linalg.eig(operand(a))
    return w + 0j, v


@mirrors(linalg.eigvals)
def eigvals(
    a: Array,
    b: Array | None = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Array:
    """As numpy.linalg.eigvals, with complex eigenvalues."""
    _only_right("eigvals", b, other=homogeneous_eigvals)
    return np.linalg.eigvals(operand(a)) + 0j

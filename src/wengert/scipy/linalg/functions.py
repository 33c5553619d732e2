"""Functions of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.errors import RefusedError
from wengert.ops.linalg_functions import expm_, logm_, sqrtm_
from wengert.scipy.mirror import mirrors
from wengert.types import Array, type_of

__all__ = [
    "coshm",
    "cosm",
    "expm",
    "expm_frechet",
    "fractional_matrix_power",
    "logm",
    "sinhm",
    "sinm",
    "sqrtm",
    "tanhm",
    "tanm",
]


@mirrors(linalg.expm)
def expm(A: Array) -> Array:
    """Matrix exponential."""
    return expm_(operand(A))


@mirrors(linalg.expm_frechet)
def expm_frechet(
    A: Array, E: Array, method: str | None = None, compute_expm: bool = True, check_finite: bool = True
) -> Any:
    """Derivative of the exponential at A along E; both methods of SciPy compute it."""
    A, E = operand(A), operand(E)
    return (expm_(A), expm_(A, E)) if compute_expm else expm_(A, E)


def _no_estimate(name: str, *, disp: Any) -> None:
    if not disp:
        raise RefusedError(
            f"scipy.linalg.{name} was called on a traced value with disp={disp}",
            why="this deprecated option adds an estimate of the error, which has no derivative rule.",
            instead="leave it out.",
        )


@mirrors(linalg.logm)
def logm(A: Array, disp: Any = True) -> Array:
    """Principal logarithm."""
    _no_estimate("logm", disp=disp)
    return logm_(operand(A))


@mirrors(linalg.sqrtm)
def sqrtm(A: Array, disp: Any = True, blocksize: Any = 64) -> Array:
    """Principal square root."""
    _no_estimate("sqrtm", disp=disp)
    return sqrtm_(operand(A))


@mirrors(linalg.fractional_matrix_power)
def fractional_matrix_power(A: Array, t: Any) -> Array:
    """Power exp(t log A); a whole plain t takes products alone."""
    if not isinstance(t, Traced) and t == int(t):
        return np.linalg.matrix_power(operand(A), int(t))
    return expm_(logm_(operand(A)) * t)


# Trigonometric and hyperbolic: as SciPy has them, by Euler's formula ------------------------


def _is_complex(a: Array) -> bool:
    return type_of(a).dtype.kind == "c"


@mirrors(linalg.cosm)
def cosm(A: Array) -> Array:
    """Matrix cosine."""
    A = operand(A)
    return 0.5 * (expm_(1j * A) + expm_(-1j * A)) if _is_complex(A) else np.real(expm_(1j * A))


@mirrors(linalg.sinm)
def sinm(A: Array) -> Array:
    """Matrix sine."""
    A = operand(A)
    return -0.5j * (expm_(1j * A) - expm_(-1j * A)) if _is_complex(A) else np.imag(expm_(1j * A))


@mirrors(linalg.tanm)
def tanm(A: Array) -> Array:
    """Matrix tangent."""
    return np.linalg.solve(cosm(A), sinm(A))


@mirrors(linalg.coshm)
def coshm(A: Array) -> Array:
    """Hyperbolic matrix cosine."""
    A = operand(A)
    return 0.5 * (expm_(A) + expm_(-A))


@mirrors(linalg.sinhm)
def sinhm(A: Array) -> Array:
    """Hyperbolic matrix sine."""
    A = operand(A)
    return 0.5 * (expm_(A) - expm_(-A))


@mirrors(linalg.tanhm)
def tanhm(A: Array) -> Array:
    """Hyperbolic matrix tangent."""
    return np.linalg.solve(coshm(A), sinhm(A))

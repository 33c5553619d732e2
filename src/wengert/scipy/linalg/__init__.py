"""scipy.linalg with derivatives: SciPy's names and signatures, and SciPy's own values wherever nothing is traced.

Options that only concern memory or checks (overwrite_a, check_finite) are read on plain values; on traced
values nothing is overwritten, and non-finite entries go their way. Stacks of matrices on leading axes are
taken throughout. Functions of SciPy that are not here take plain values, and refuse traced ones.

systems.py  factorizations.py  eigen.py  functions.py  arrangements.py
"""

from typing import Any

from scipy import linalg as _linalg

from wengert.scipy.linalg.arrangements import block_diag, circulant, companion, hankel, khatri_rao, toeplitz
from wengert.scipy.linalg.eigen import eig, eigh, eigvals, eigvalsh
from wengert.scipy.linalg.factorizations import (
    cho_factor,
    cho_solve,
    cholesky,
    lu,
    lu_factor,
    lu_solve,
    polar,
    qr,
    svd,
    svdvals,
)
from wengert.scipy.linalg.functions import (
    coshm,
    cosm,
    expm,
    expm_frechet,
    fractional_matrix_power,
    logm,
    sinhm,
    sinm,
    sqrtm,
    tanhm,
    tanm,
)
from wengert.scipy.linalg.systems import (
    det,
    inv,
    lstsq,
    norm,
    pinv,
    solve,
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_lyapunov,
    solve_sylvester,
    solve_triangular,
)
from wengert.scipy.mirror import mirror as _mirror

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "companion",
    "coshm",
    "cosm",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "expm_frechet",
    "fractional_matrix_power",
    "hankel",
    "inv",
    "khatri_rao",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "norm",
    "pinv",
    "polar",
    "qr",
    "sinhm",
    "sinm",
    "solve",
    "solve_continuous_lyapunov",
    "solve_discrete_lyapunov",
    "solve_lyapunov",
    "solve_sylvester",
    "solve_triangular",
    "sqrtm",
    "svd",
    "svdvals",
    "tanhm",
    "tanm",
    "toeplitz",
]


def __getattr__(name: str) -> Any:
    return _mirror(_linalg, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_linalg.__all__})

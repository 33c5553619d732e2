"""Functions of matrices, with derivatives of every order: expm, logm, sqrtm.

The operands are A and directions E_1, ..., E_k, and the value is the k-th Frechet derivative

    f(A; E_1, ..., E_k) = D^k f(A) [E_1, ..., E_k],

the function itself for k = 0. Since tr(Y f(A; E_1, ..., E_k)) is symmetric in Y, E_1, ..., E_k for a primary
matrix function f (Higham 2008, section 3.2), and f(A^T) = f(A)^T, the rules are of the same form:

    A_dot   adds E_(k+1) = A_dot        A_bar   = f(A^T; E_1^T, ..., E_k^T, Y_bar)
    E_i_dot replaces E_i                E_i_bar = f(A^T; the other E^T, Y_bar)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from scipy import linalg
from scipy.linalg._matfuncs_inv_ssq import _logm as _unchecked_logm

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match, spread
from wengert.ops.linalg_stacks import per_matrix
from wengert.ops.matrix_parts import Samples, inexact, transpose, well_conditioned
from wengert.ops.products import aligned
from wengert.types import Array, ArrayType, type_of

__all__ = ["expm_", "logm_", "sqrtm_"]


def _matrix_function(
    name: str, value: Callable[..., Array], *, doc: str, samples: Callable[..., Samples]
) -> Primitive:
    """Define the primitive of a function; `value(a, *es)` computes it for matrices of one dtype."""

    def of_matrices(a: Array, *es: Array) -> Array:
        y = value(a, *es) if a.size else a
        real = a.dtype.kind != "c" and y.dtype.kind != "c"
        return y.astype(a.dtype if real else np.result_type(a, np.complex64), copy=False)

    def evaluate(*xs: Array) -> Array:
        dtype = inexact(*[type_of(x) for x in xs])
        return per_matrix(of_matrices, tuple(x.astype(dtype, copy=False) for x in xs))

    def infer(*types: ArrayType) -> ArrayType:
        shape = np.broadcast_shapes(*[t.shape for t in types])
        return ArrayType(shape, inexact(*types))

    def jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
        y = prim(*xs)
        terms = [] if x_dots[0] is None else [prim(*xs, x_dots[0])]
        terms += [prim(*xs[:i], x_dots[i], *xs[i + 1 :]) for i in range(1, len(xs)) if x_dots[i] is not None]
        return y, spread(sum(terms[1:], terms[0]), y)

    def vjp(y_bar: Array, site: Site) -> list[Array | None]:
        (a, *es), needs = [transpose(x) for x in site.xs], site.needs
        directions = [es, *[[*es[:i], *es[i + 1 :]] for i in range(len(es))]]
        return [
            match(prim(a, *others, y_bar), x) if need else None
            for others, x, need in zip(directions, site.xs, needs, strict=True)
        ]

    prim: Primitive = define(
        name=name,
        doc=doc,
        eval=evaluate,
        infer=infer,
        jvp=jvp,
        vjp=vjp,
        batch=lambda _size, xs, batched: prim(*aligned(xs, batched, (2,) * len(xs))),
        samples=samples,
        complex=True,
    )
    return prim


# Directions as blocks -------------------------------------------------------------------
# With X_0 = A and X_k = [[X_(k-1), E], [0, X_(k-1)]], E the block diagonal of copies of E_k, the upper right
# block of f(X_k) is f(A; E_1, ..., E_k)  (Higham and Relton 2014, Higher order Frechet derivatives of matrix
# functions, theorem 3.5; Mathias 1996). Rounding is relative to the whole, so that directions are scaled to
# the size of A first; the value is linear in each.


def _scaled(a: Array, e: Array) -> tuple[Array, float]:
    """Return E times a power of 2 that brings it to the size of A, and the inverse of that power."""
    sizes = [float(np.abs(x).max()) for x in (a, e)]
    if not (all(sizes) and np.isfinite(sizes).all()):
        return e, 1.0
    exponent = int(np.clip(np.frexp(sizes[0])[1] - np.frexp(sizes[1])[1], -1000, 1000))
    return e * a.dtype.type(2.0**exponent), 2.0**-exponent


def _blocks(a: Array, es: Sequence[Array]) -> tuple[Array, float]:
    """Return X_k and the factor that undoes the scaling."""
    x, factor = a, 1.0
    for e in es:
        e_scaled, inverse = _scaled(a, e)
        corner = np.kron(np.eye(len(x) // len(a), dtype=a.dtype), e_scaled)
        x, factor = np.block([[x, corner], [np.zeros_like(x), x]]), factor * inverse
    return x, factor


def _finite(xs: Sequence[Array]) -> bool:
    return all(np.isfinite(x).all() for x in xs)


# expm -----------------------------------------------------------------------------------
# The first derivative is computed beside the exponential (Al-Mohy and Higham 2009, algorithm 6.4:
# expm_frechet), and that of order k is the first one of X_(k-1).


def _expm(a: Array, *es: Array) -> Array:
    if not es:
        return linalg.expm(a)
    if not _finite((a, *es)):
        return np.full_like(a, np.nan)
    if not all(np.any(e) for e in es):
        return np.zeros_like(a)
    x, factor = _blocks(a, es[:-1])
    e, inverse = _scaled(a, es[-1])
    corner = np.kron(np.eye(len(x) // len(a), dtype=a.dtype), e)
    y = linalg.expm_frechet(x, corner, compute_expm=False, check_finite=False)
    return y[: len(a), -len(a) :] * (factor * inverse)


def _function_samples(rng: np.random.Generator) -> Samples:
    for shape, k in (
        ((3, 3), 0),
        ((1, 1), 0),
        ((2, 2, 2), 0),
        ((0, 0), 0),
        ((0, 2, 2), 0),
        ((2, 2), 1),
        ((2, 2), 2),
    ):
        a = well_conditioned(rng, shape) / 3.0  # eigenvalues near 1, 2, 3: off the cut of logm and sqrtm
        yield (a, *[rng.normal(size=shape) for _ in range(k)]), {}
    yield (well_conditioned(rng, (2, 2)) / 3.0, rng.normal(size=(2, 2, 2))), {}


expm_ = _matrix_function(
    "expm",
    _expm,
    samples=_function_samples,
    doc="Matrix exponential, or its derivative along matrices E_1, ..., E_k. Al-Mohy and Higham 2009.",
)


# logm -----------------------------------------------------------------------------------


# SciPy computes the logarithm in private and then checks it by its exponential, with a warning that the
# blocks of a derivative set off without need; in single precision its bound is too narrow for itself.


def _logm(a: Array, *es: Array) -> Array:
    """Compute in double precision."""
    a, *directions = [x.astype(np.result_type(x, np.float64), copy=False) for x in (a, *es)]
    if not directions:
        return linalg.logm(a)
    if not _finite((a, *directions)):
        return np.full_like(a, np.nan)
    if not all(np.any(e) for e in directions):
        return np.zeros_like(a)
    x, factor = _blocks(a, directions)
    y = _unchecked_logm(x)
    if (
        x.dtype.kind != "c"
        and y.dtype.kind == "c"
        and np.allclose(y.imag, 0.0, atol=1e6 * np.finfo(float).eps)
    ):
        y = y.real
    return y[: len(a), -len(a) :] * factor


logm_ = _matrix_function(
    "logm",
    _logm,
    samples=_function_samples,
    doc="Principal logarithm of a matrix, or its derivative along matrices E_1, ..., E_k. Higham 2008, chapter 11.",
)


# sqrtm ----------------------------------------------------------------------------------
# Y Y = A. Differentiating along the E in a set S, with D_S the derivative along them and D_{} = Y:
#   Y D_S + D_S Y = (E if S = {E} else 0) - sum over T, not {} and not S, of D_T D_(S - T)         (Higham 2008, 6.1)


def _sqrtm(a: Array, *es: Array) -> Array:
    y = linalg.sqrtm(a)
    if not _finite((y, *es)):
        return np.full_like(y, np.nan)
    found: dict[tuple[int, ...], Array] = {(): y}
    for size in range(1, len(es) + 1):
        for chosen in combinations(range(len(es)), size):
            right = es[chosen[0]] if size == 1 else np.zeros_like(y)
            for n in range(1, size):
                for part in combinations(chosen, n):
                    right = right - found[part] @ found[tuple(i for i in chosen if i not in part)]
            found[chosen] = linalg.solve_sylvester(y, y, right)
    return found[tuple(range(len(es)))]


sqrtm_ = _matrix_function(
    "sqrtm",
    _sqrtm,
    samples=_function_samples,
    doc="Principal square root of a matrix, or its derivative along matrices E_1, ..., E_k. Higham 2008, chapter 6.",
)

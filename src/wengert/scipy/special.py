"""scipy.special with derivatives: every name of SciPy's, its ufuncs themselves, and what SciPy writes in Python.

Ufuncs dispatch, so that these are SciPy's own objects. So do functions that only combine ufuncs. Those that first
convert their arguments to arrays have a rule here; the rest take plain values, and refuse traced ones.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as _special

from wengert.api.constants import stop_gradient
from wengert.core.numpy_protocol import operand
from wengert.errors import RefusedError
from wengert.ops.special_logsumexp import weighted_logsumexp_
from wengert.scipy.mirror import mirror as _mirror
from wengert.scipy.mirror import mirrors
from wengert.types import Array, type_of

__all__ = [
    "comb",
    "factorial",
    "log_softmax",
    "logsumexp",
    "multigammaln",
    "perm",
    "polygamma",
    "softmax",
    "spherical_in",
    "spherical_jn",
    "spherical_kn",
    "spherical_yn",
]

_COMBINED = frozenset(  # of ufuncs, and nothing else
    {"h1vp", "h2vp", "ivp", "jvp", "kvp", "lambertw", "sinc", "softplus", "yvp", "zeta"}
)


# Sums of exponentials ---------------------------------------------------------------------


def _from_end(axis: Any, rank: int) -> tuple[int, ...]:
    """Return axes counted from the end."""
    axes = range(rank) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    return tuple(sorted(np.lib.array_utils.normalize_axis_index(k, rank) - rank for k in axes))


def _floating(x: Array) -> Array:
    x = operand(x)
    return x if type_of(x).dtype.kind in "fc" else np.asarray(x, dtype=float)


@mirrors(_special.logsumexp)
def logsumexp(
    a: Array, axis: Any = None, b: Array | None = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """Logarithm of the sum of b exp(a), and the sign of the sum."""
    xs = [_floating(a)] if b is None else [_floating(a), _floating(b)]
    shape = np.broadcast_shapes(*[np.shape(x) for x in xs])
    axes = _from_end(axis, len(shape))
    if not axes:
        xs, axes = [np.reshape(x, (*np.shape(x), 1)) for x in xs], (-1,)
        y, sign = (part[..., 0] for part in weighted_logsumexp_(*xs, axes=axes))
    else:
        xs = [np.broadcast_to(x, shape) for x in xs]
        y, sign = weighted_logsumexp_(*xs, axes=axes)
        if not keepdims:
            y, sign = np.squeeze(y, axis=axes), np.squeeze(sign, axis=axes)
    if type_of(y).dtype.kind == "c":
        return (np.real(y), np.exp(1j * np.imag(y))) if return_sign else y
    return (y, sign) if return_sign else np.where(sign < 0, np.nan, y)


@mirrors(_special.softmax)
def softmax(x: Array, axis: Any = None) -> Array:
    """Exponentials divided by their sum."""
    x = _floating(x)
    e = np.exp(x - stop_gradient(np.max(x, axis=axis, keepdims=True)))
    return e / np.sum(e, axis=axis, keepdims=True)


@mirrors(_special.log_softmax)
def log_softmax(x: Array, axis: Any = None) -> Array:
    """Logarithm of the softmax."""
    x = _floating(x)
    top = stop_gradient(np.max(x, axis=axis, keepdims=True))
    shifted = x - np.where(np.isfinite(top), top, 0.0)
    return shifted - logsumexp(shifted, axis=axis, keepdims=True)


# Gamma functions and counts ---------------------------------------------------------------


@mirrors(_special.multigammaln)
def multigammaln(a: Array, d: int) -> Array:
    """Logarithm of the multivariate gamma function."""
    if d < 1 or d != int(d):
        message = "d should be a positive integer (dimension)"
        raise ValueError(message)
    shifts = np.arange(d) / 2.0
    a = _floating(a)
    terms = _special.gammaln(a[..., np.newaxis] - shifts.astype(type_of(a).dtype))
    return np.sum(terms, axis=-1) + d * (d - 1) * 0.25 * math.log(math.pi)


@mirrors(_special.polygamma)
def polygamma(n: Any, x: Array) -> Array:
    """Derivative of order n of digamma: (-1)^(n+1) n! zeta(n + 1, x). DLMF 25.11.12."""
    n = np.asarray(n)
    higher = np.maximum(n, 1)
    sign = np.where(n % 2 == 1, 1.0, -1.0)
    y = sign * _special.gamma(higher + 1.0) * _special.zeta(higher + 1.0, operand(x))
    return np.where(n == 0, _special.psi(operand(x)), y)


def _inexact(name: str, *, exact: Any) -> None:
    if exact:
        raise RefusedError(
            f"scipy.special.{name} was called on a traced value with exact={exact}",
            why="whole numbers have no derivative.",
            instead="exact=False, which extends the function to real numbers.",
        )


@mirrors(_special.factorial)
def factorial(n: Array, exact: bool = False, extend: str = "zero") -> Array:
    """Gamma function of n + 1, and 0 for negative n."""
    _inexact("factorial", exact=exact)
    n = _floating(n)
    y = _special.gamma(n + 1.0)
    return y if extend == "complex" else np.where(n < 0, 0.0, y)


@mirrors(_special.comb)
def comb(N: Array, k: Array, *, exact: bool = False, repetition: bool = False) -> Array:
    """Binomial coefficient of real numbers, and 0 unless 0 <= k <= N."""
    _inexact("comb", exact=exact)
    N, k = operand(N), operand(k)
    N = N + k - 1 if repetition else N
    return np.where((k <= N) & (N >= 0) & (k >= 0), _special.binom(N, k), 0.0)


@mirrors(_special.perm)
def perm(N: Array, k: Array, exact: bool = False) -> Array:
    """Falling factorial of real numbers, and 0 unless 0 <= k <= N."""
    _inexact("perm", exact=exact)
    N, k = operand(N), operand(k)
    return np.where((k <= N) & (N >= 0) & (k >= 0), _special.poch(N - k + 1, k), 0.0)


# Spherical Bessel functions: those of order n + 1/2 times sqrt(pi / 2z), DLMF 10.47 ---------


def _spherical(ufunc: np.ufunc, n: Any, z: Array, *, alternate: bool) -> Array:
    """Return sqrt(pi / 2z) C_(n + 1/2)(z), or its derivative C_(n-1) - (n+1)/z C_n (DLMF 10.51.2; -C_(n-1) for K)."""
    y = np.sqrt(math.pi / (2.0 * z)) * ufunc(n + 0.5, z)
    if not alternate:
        return y
    lower = np.sqrt(math.pi / (2.0 * z)) * ufunc(n - 0.5, z)
    return (-lower if ufunc is _special.kv else lower) - (n + 1) / z * y


@mirrors(_special.spherical_jn)
def spherical_jn(n: Any, z: Array, derivative: bool = False) -> Array:
    """Spherical Bessel function j; z > 0."""
    return _spherical(_special.jv, np.asarray(n), operand(z), alternate=derivative)


@mirrors(_special.spherical_yn)
def spherical_yn(n: Any, z: Array, derivative: bool = False) -> Array:
    """Spherical Bessel function y; z > 0."""
    return _spherical(_special.yv, np.asarray(n), operand(z), alternate=derivative)


@mirrors(_special.spherical_in)
def spherical_in(n: Any, z: Array, derivative: bool = False) -> Array:
    """Spherical Bessel function i; z > 0."""
    return _spherical(_special.iv, np.asarray(n), operand(z), alternate=derivative)


@mirrors(_special.spherical_kn)
def spherical_kn(n: Any, z: Array, derivative: bool = False) -> Array:
    """Spherical Bessel function k; z > 0."""
    return _spherical(_special.kv, np.asarray(n), operand(z), alternate=derivative)


def __getattr__(name: str) -> Any:
    return getattr(_special, name) if name in _COMBINED else _mirror(_special, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_special.__all__})

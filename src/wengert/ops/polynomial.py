"""Polynomials given by their coefficients, the highest power first: NumPy's poly functions, as compositions."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import implements, operand
from wengert.errors import RefusedError
from wengert.types import type_of

__all__: list[str] = []


def _coefficients(p: Any) -> Any:
    return np.atleast_1d(operand(p.coeffs if isinstance(p, np.poly1d) else p))


def _padded(p: Any, n: int) -> Any:
    """Return coefficients with zeros in front, n of them in all."""
    return np.concatenate([np.zeros(n - len(p), type_of(p).dtype), p]) if len(p) < n else p


def _require_one_example(found: Any, function: str, instead: str) -> None:
    """Raise if what decides the length of a result differs from example to example under `vmap`."""
    if isinstance(found, Traced):
        raise RefusedError(
            f"{function} was called on values that differ from example to example under vmap",
            why="the length or type of the result depends on which of them are zero, or conjugate.",
            instead=f"{instead}, or write a loop over the examples.",
        )


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Evaluate by Horner's rule; x may be a polynomial too if no coefficient is traced."""
    if isinstance(x, np.poly1d):
        raise RefusedError(
            "np.polyval was called with a traced polynomial at a poly1d",
            why="a poly1d holds plain numbers only.",
            instead="coefficients as arrays, composed with np.polymul and np.polyadd.",
        )
    p, x = _coefficients(p), operand(x)
    y = np.zeros(np.shape(x), type_of(x).dtype)
    for i in range(len(p)):
        y = y * x + p[i]
    return y


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """Add coefficients, aligned at the constant ones."""
    a1, a2 = _coefficients(a1), _coefficients(a2)
    n = max(len(a1), len(a2))
    return _padded(a1, n) + _padded(a2, n)


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """Subtract coefficients, aligned at the constant ones."""
    a1, a2 = _coefficients(a1), _coefficients(a2)
    n = max(len(a1), len(a2))
    return _padded(a1, n) - _padded(a2, n)


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """Convolve coefficients."""
    return np.convolve(_coefficients(a1), _coefficients(a2))


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    """Divide with remainder: long division, row by row."""
    u, v = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    m, n = len(u) - 1, len(v) - 1
    scale, quotient = 1.0 / v[0], []
    r = u + 0.0 * v[0]
    for k in range(m - n + 1):
        d = scale * r[k]
        quotient.append(d)
        r = np.concatenate([r[:k], r[k : k + n + 1] - d * v, r[k + n + 1 :]])
    q = np.stack(quotient) if quotient else np.zeros(1, r.dtype)
    return q, _without_leading_zeros(r)


def _without_leading_zeros(r: Any) -> Any:
    """Return a remainder as NumPy does: without the leading entries that division made (almost) zero."""
    _require_one_example(r[0] == 0, "np.polydiv", "np.convolve to check a quotient of your own")
    k = 0
    while k < len(r) - 1 and np.allclose(r[k], 0, rtol=1e-14):
        k += 1
    return r[k:]


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """Differentiate m times."""
    if m < 0:
        message = "Order of derivative must be positive (see polyint)"
        raise ValueError(message)
    p = _coefficients(p)
    for _ in range(int(m)):
        n = len(p) - 1
        p = p[:-1] * np.arange(n, 0, -1).astype(type_of(p).dtype)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """Integrate m times; k holds the constants of integration."""
    if m < 0:
        message = "Order of integral must be positive (see polyder)"
        raise ValueError(message)
    p, k = _coefficients(p), np.atleast_1d(operand(0.0 if k is None else k))
    constants = k * np.ones(m, type_of(k).dtype) if len(k) == 1 and m > 1 else k
    if len(constants) < m:
        message = "k must be a scalar or a rank-1 array of length 1 or >m."
        raise ValueError(message)
    for i in range(int(m)):
        p = np.concatenate([p / np.arange(len(p), 0, -1).astype(type_of(p).dtype), constants[i : i + 1]])
    return p


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """Multiply the factors x - z; of a square matrix, those of its eigenvalues."""
    z = operand(seq_of_zeros)
    if np.ndim(z) == 2 and np.shape(z)[0] == np.shape(z)[1] and np.size(z):
        z = np.linalg.eigvals(z)
    elif np.ndim(z) != 1:
        message = "input must be 1d or non-empty square 2d array."
        raise ValueError(message)
    p = np.ones(1, type_of(z).dtype)
    for i in range(len(z)):
        p = np.concatenate([p, [0.0]]) - np.concatenate([[0.0], p * z[i]])
    if p.dtype.kind != "c":
        return p
    conjugate = np.all(np.sort(z) == np.sort(np.conjugate(z)))
    _require_one_example(conjugate, "np.poly", "the product of the factors x - z with np.convolve")
    return np.real(p) if conjugate else p


@implements(np.roots)
def roots(p: Any) -> Any:
    """Compute the eigenvalues of the companion matrix; leading and trailing zeros are cut off first."""
    p = _coefficients(p)
    if np.ndim(p) != 1:
        message = "Input must be a rank-1 array."
        raise ValueError(message)
    nonzero = p != 0
    _require_one_example(nonzero, "np.roots", "np.linalg.eigvals of the companion matrix")
    found = np.flatnonzero(nonzero)
    if not len(found):
        return np.array([])
    trailing = len(p) - int(found[-1]) - 1
    p = p[int(found[0]) : int(found[-1]) + 1]
    n = len(p) - 1
    if n == 0:
        return np.zeros(trailing)
    below = np.eye(n - 1, n, dtype=p.dtype)
    z = np.linalg.eigvals(np.concatenate([np.reshape(-p[1:] / p[0], (1, n)), below]))
    return np.concatenate([z, np.zeros(trailing, z.dtype)]) if trailing else z


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Return the powers of x as columns."""
    x = operand(x)
    if np.ndim(x) != 1:
        message = "x must be a one-dimensional array or sequence."
        raise ValueError(message)
    x = x.astype(np.promote_types(x.dtype, int), copy=False)  # as NumPy: float32 gives float64
    n = len(x) if N is None else N
    columns, power = [], x * 0 + 1
    for _ in range(n):
        columns.append(power)
        power = power * x
    if not columns:
        return np.zeros((len(x), 0), type_of(x).dtype)
    return np.stack(columns if increasing else columns[::-1], axis=1)


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Solve the least-squares problem of the Vandermonde matrix, its columns scaled to length 1."""
    if full or cov:
        raise RefusedError(
            "np.polyfit was called with full=True or cov=True on a traced value",
            why="only the coefficients have a rule.",
            instead="np.linalg.lstsq or np.linalg.inv on np.vander(x, deg + 1).",
        )
    x, y = operand(x) + 0.0, operand(y) + 0.0
    if (
        np.ndim(x) != 1
        or np.ndim(y) not in {1, 2}
        or np.shape(x)[0] != np.shape(y)[0]
        or deg < 0
        or not np.size(x)
    ):
        np.polyfit(np.zeros(np.shape(x)), np.zeros(np.shape(y)), deg)  # raises what NumPy raises
    a = np.vander(x, deg + 1)
    if w is not None:
        w = operand(w) + 0.0
        a, y = a * w[:, np.newaxis], (y * w[:, np.newaxis] if np.ndim(y) == 2 else y * w)
    scale = np.sqrt(np.sum(np.real(a * np.conjugate(a)), axis=0))
    if rcond is None:
        rcond = len(x) * float(np.finfo(type_of(x).dtype).eps)
    c = np.linalg.lstsq(a / scale, y, rcond)[0]
    return c / (scale[:, np.newaxis] if np.ndim(y) == 2 else scale)

"""Averages and correlations, composed of sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import implements
from wengert.errors import warn
from wengert.ops.products import conjugate
from wengert.ops.reduction import all_axes
from wengert.types import type_of

__all__ = ["weights_along"]


# Moments --------------------------------------------------------------------------------------------------------------


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Weighted mean, and the sum of weights if asked."""
    a = a if hasattr(a, "dtype") else np.asarray(a)
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        total = y.dtype.type(a.size / np.size(y)) if np.size(y) else y.dtype.type(0)
        return (y, np.broadcast_to(total, np.shape(y))) if returned else y
    weights = weights_along(weights, a, axis)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    if not isinstance(total, Traced) and np.any(total == 0.0):
        message = "Weights sum to zero, can't be normalized"
        raise ZeroDivisionError(message)
    y = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (y, np.broadcast_to(total, np.shape(y))) if returned else y


def weights_along(weights: Any, a: Any, axis: Any) -> Any:
    """Return weights in an array that broadcasts to `a`; weights of lower rank belong to the axes that are averaged."""
    weights = weights if hasattr(weights, "dtype") else np.asarray(weights)
    if np.shape(weights) == np.shape(a):
        return weights
    if axis is None:
        message = "Axis must be specified when shapes of a and weights differ."
        raise TypeError(message)
    axes = all_axes(axis, np.ndim(a))
    if np.shape(weights) != tuple(np.shape(a)[i] for i in axes):
        message = "Shape of weights must be consistent with shape of a along specified axis."
        raise ValueError(message)
    order = sorted(range(len(axes)), key=axes.__getitem__)
    shape = tuple(n if i in axes else 1 for i, n in enumerate(np.shape(a)))
    return np.reshape(np.transpose(weights, order), shape)


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Covariances of variables, one a row."""
    if ddof is not None and ddof != int(ddof):
        message = "ddof must be integer"
        raise ValueError(message)
    x = _variables(m, rowvar=rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar=rowvar)], axis=0)
    if dtype is None:
        dtype = np.result_type(type_of(x).dtype, np.float64)
    x = x.astype(dtype)
    if np.shape(x)[0] == 0:
        return np.zeros((0, 0), dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = _observation_weights(fweights, aweights, np.shape(x)[1])
    center, total = np.average(x, axis=1, weights=w, returned=True)
    total = total[0]
    freedom = _freedom(total, w, aweights, ddof)
    x = x - center[:, None]
    weighted = x if w is None else x * w
    return np.squeeze(np.dot(x, conjugate(weighted.T)) * np.true_divide(1, freedom))  # rounded as in NumPy


def _variables(m: Any, *, rowvar: bool) -> Any:
    m = m if hasattr(m, "dtype") else np.asarray(m)
    if np.ndim(m) > 2:
        message = "m has more than 2 dimensions"
        raise ValueError(message)
    x = np.atleast_2d(m)
    return x.T if not rowvar and np.ndim(m) != 1 else x


def _observation_weights(fweights: Any, aweights: Any, n: int) -> Any:
    for w, name in ((fweights, "fweights"), (aweights, "aweights")):
        if w is None:
            continue
        if np.ndim(w) > 1:
            message = f"cannot handle multidimensional {name}"
            raise RuntimeError(message)
        if np.shape(w)[0] != n:
            message = f"incompatible numbers of samples and {name}"
            raise RuntimeError(message)
        if not isinstance(w, Traced) and np.any(np.asarray(w) < 0):
            message = f"{name} cannot be negative"
            raise ValueError(message)
    if fweights is not None and not isinstance(fweights, Traced) and np.any(fweights != np.around(fweights)):
        message = "fweights must be integer"
        raise TypeError(message)
    if fweights is None:
        return aweights if aweights is None or isinstance(aweights, Traced) else np.asarray(aweights, float)
    return np.asarray(fweights, float) if aweights is None else fweights * aweights


def _freedom(total: Any, w: Any, aweights: Any, ddof: int) -> Any:
    """Return the divisor of the sum of squares (NumPy's formula for both kinds of weights)."""
    if w is None or ddof == 0 or aweights is None:
        freedom = total - ddof if ddof or w is None else total
    else:
        freedom = total - ddof * np.sum(w * aweights) / total
    if not isinstance(freedom, Traced) and freedom <= 0:
        warn("Degrees of freedom <= 0 for slice", RuntimeWarning)
        return 0.0
    return freedom


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Covariances divided by both standard deviations, and kept within [-1, 1]."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return c / c
    s = np.sqrt(np.real(np.diagonal(c)))
    r = c / s[:, None] / s[None, :]
    if type_of(r).dtype.kind == "c":
        return np.clip(np.real(r), -1.0, 1.0) + 1j * np.clip(np.imag(r), -1.0, 1.0)
    return np.clip(r, -1.0, 1.0)

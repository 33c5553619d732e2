"""Medians and quantiles, by sorting.

A quantile takes one or two neighbors of the sorted sample and interpolates between them. Which ones it takes depends on
the values through comparisons only, so the derivative passes through the sort to the entries taken; a traced
probability is differentiated through the interpolation. The methods are those of Hyndman and Fan, Sample quantiles in
statistical packages, The American Statistician 50 (1996), and NumPy's four others, computed in NumPy's order so that
values agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import implements
from wengert.errors import warn
from wengert.ops.reduction import all_axes, count, reduced
from wengert.ops.statistics import weights_along
from wengert.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__: list[str] = []


# Where in the sorted sample -------------------------------------------------------------------------------------------


def _step(h: Any, stay: Callable[[Any], Any]) -> Any:
    """Return the place below h where `stay(place)` allows and h is a place, else the one above."""
    below = np.floor(h)
    return np.maximum(np.where((h == below) & stay(below), below, below + 1.0), 0.0)


def _plotting(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


# Real place of the quantile q in a sorted sample of n, counted from 0.
_PLACES: dict[str, Callable[[Any, Any], Any]] = {
    "inverted_cdf": lambda n, q: _step(n * q - 1, lambda _: True),
    "averaged_inverted_cdf": lambda n, q: n * q - 1,
    "closest_observation": lambda n, q: _step(n * q - 1 - 0.5, lambda below: below % 2 == 1),
    "interpolated_inverted_cdf": _plotting(0, 1),
    "hazen": _plotting(0.5, 0.5),
    "weibull": _plotting(0, 0),
    "linear": lambda n, q: (n - 1) * q,
    "median_unbiased": _plotting(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _plotting(3 / 8.0, 3 / 8.0),
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "midpoint": lambda n, q: 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q)),
    "nearest": lambda n, q: np.around((n - 1) * q),
}
_DISCRETE = {"inverted_cdf", "closest_observation", "lower", "higher", "nearest"}


def _neighbors(n: Any, q: Any, method: str) -> tuple[Any, Any, Any]:
    """Return both neighbors of the quantile's place, and the weight of the upper one."""
    if method not in _PLACES:
        message = f"{method!r} is not a valid method. Use one of: {_PLACES.keys()}"
        raise ValueError(message)
    h = _PLACES[method](n, q)
    below = np.floor(h)
    weight = h - below
    if method == "averaged_inverted_cdf":
        weight = np.where(weight == 0, 0.5, 1.0)
    elif method == "midpoint":
        weight = np.where(h % 1 == 0, 0.0, 0.5)
    last = np.maximum(n - 1, 0)
    lower = np.clip(below, 0, last).astype(np.intp)
    upper = np.clip(np.where(h < 0, 0, below + 1), 0, last).astype(np.intp)
    return lower, upper, weight


def _between(a: Any, b: Any, weight: Any) -> Any:
    """Interpolate from the nearer end, as NumPy does."""
    d = b - a
    return np.where(weight >= 0.5, b - d * (1 - weight), a + d * weight)[()]


# Samples --------------------------------------------------------------------------------------------------------------


def _flat(a: Any, axes: tuple[int, ...]) -> Any:
    """Return `a` with the axes of the sample merged in front."""
    rest = tuple(i for i in range(np.ndim(a)) if i not in axes)
    shape = np.shape(a)
    return np.reshape(np.transpose(a, axes + rest), (count(shape, axes), *[shape[i] for i in rest]))


def _take(s: Any, index: Any) -> Any:
    """Take places along axis 0: the same for all samples, or (behind the axes of q) for each its own."""
    if np.ndim(index) <= np.ndim(s) - 1 and np.ndim(s) == 1:
        return np.take(s, index, axis=0)
    lead = np.shape(index)[: np.ndim(index) - (np.ndim(s) - 1)]
    flat = np.broadcast_to(index, lead + np.shape(s)[1:])
    rows = (
        np.reshape(flat, (-1, *np.shape(s)[1:]))
        if np.size(flat)
        else np.zeros((0, *np.shape(s)[1:]), np.intp)
    )
    return np.reshape(np.take_along_axis(s, rows, axis=0), np.shape(flat))


def _quantile(x: Any, q: Any, method: str, *, weak: bool, skip_nan: bool) -> Any:
    """Return quantiles along axis 0 of x, with the axes of q in front."""
    s = np.sort(x, axis=0)
    n = np.shape(s)[0]
    if skip_nan:
        n = n - np.sum(np.isnan(x), axis=0)
        q = np.reshape(q, np.shape(q) + (1,) * np.ndim(n))
    lower, upper, weight = _neighbors(n, q, method)
    if skip_nan:
        low, high = _take(s, lower), _take(s, upper)
    else:
        low, high = np.take(s, lower, axis=0), np.take(s, upper, axis=0)
        weight = np.reshape(weight, np.shape(q) + (1,) * (np.ndim(s) - 1))
    if method in _DISCRETE:
        return low
    dtype = type_of(s).dtype
    return _between(low, high, weight.astype(dtype) if weak else weight)


def _weighted(x: Any, q: Any, weights: Any, *, skip_nan: bool) -> Any:
    """Return quantiles of weighted samples: the first entry where the share of weight so far reaches q."""
    if skip_nan:
        weights = np.where(np.isnan(x), 0.0, weights)
    order = np.argsort(x, axis=0)
    s = np.take_along_axis(x, order, axis=0)
    share = np.cumsum(
        np.take_along_axis(np.broadcast_to(weights, np.shape(x)), order, axis=0), axis=0, dtype=float
    )
    with np.errstate(invalid="ignore"):
        share = share / share[-1:]
    if not (skip_nan or isinstance(share, Traced)) and np.isnan(share[-1]).any():
        message = "Weights included NaN, inf or were all zero."
        raise ValueError(message)
    q = np.reshape(q, np.shape(q) + (1,) * np.ndim(x))
    passed = np.sum((share < q) | (share == 0), axis=np.ndim(q) - np.ndim(x))
    return _take(s, np.minimum(passed, np.shape(x)[0] - 1))


def _keep_nan(y: Any, x: Any) -> Any:
    """Make nan what has nan in its sample."""
    nan = np.any(np.isnan(x), axis=0)
    if not isinstance(nan, Traced) and not np.any(nan):
        return y
    return np.where(nan, np.nan, y)[()]


def _warn_all_nan(x: Any) -> None:
    none = np.all(np.isnan(x), axis=0)
    if not isinstance(none, Traced) and np.any(none):
        warn("All-NaN slice encountered", RuntimeWarning)


def _check(a: Any, q: Any, name: str, top: str) -> None:
    if type_of(a).dtype.kind == "c":
        message = "a must be an array of real numbers"
        raise TypeError(message)
    inside = (q >= 0) & (q <= 1)
    if not isinstance(inside, Traced) and not np.all(inside):
        message = f"{name} must be in the range [0, {top}]"
        raise ValueError(message)
    if np.ndim(q) > 2:
        message = "q must be a scalar or 1d"
        raise ValueError(message)


def _check_weights(weights: Any, method: str) -> None:
    if method != "inverted_cdf":
        message = f"Only method 'inverted_cdf' supports weights. Got: {method}."
        raise ValueError(message)
    if not isinstance(weights, Traced) and np.any(np.asarray(weights) < 0):
        message = "Weights must be non-negative."
        raise ValueError(message)


# Quantiles ------------------------------------------------------------------------------------------------------------


def _front(name: str, scale: float, *, skip_nan: bool) -> Callable[..., Any]:
    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        *,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        weights: Any = None,
    ) -> Any:
        del overwrite_input  # a permission that is not used
        a = a if hasattr(a, "dtype") else np.asarray(a)
        weak = type(q) in {int, float}
        q = (q if hasattr(q, "dtype") else np.asarray(q)) / scale
        _check(a, q, name, f"{scale:g}")
        axes = all_axes(axis, np.ndim(a))
        x = _flat(a, axes)
        if weights is not None:
            _check_weights(weights, method)
            y = _weighted(
                x,
                q,
                _flat(np.broadcast_to(weights_along(weights, a, axis), np.shape(a)), axes),
                skip_nan=skip_nan,
            )
        else:
            y = _quantile(x, q, method, weak=weak, skip_nan=skip_nan)
        if skip_nan:
            _warn_all_nan(x)
        else:
            y = _keep_nan(y, x)
        return np.reshape(y, np.shape(q) + reduced(np.shape(a), axes, keepdims=True)) if keepdims else y

    quantile.__doc__ = f"{name} along axes{', of the entries that are not nan' if skip_nan else ''}."
    return quantile


quantile = implements(np.quantile)(_front("Quantiles", 1, skip_nan=False))
percentile = implements(np.percentile)(_front("Percentiles", 100, skip_nan=False))
nanquantile = implements(np.nanquantile)(_front("Quantiles", 1, skip_nan=True))
nanpercentile = implements(np.nanpercentile)(_front("Percentiles", 100, skip_nan=True))


# Medians --------------------------------------------------------------------------------------------------------------


@implements(np.median)
def median(a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """Middle entry, or mean of both."""
    del overwrite_input
    axes = all_axes(axis, np.ndim(a))
    x = _flat(a, axes)
    n = np.shape(x)[0]
    if n == 0:
        return np.mean(a, axis=axes, keepdims=keepdims)
    s = np.sort(x, axis=0)
    y = s[n // 2] if n % 2 else np.mean(s[n // 2 - 1 : n // 2 + 1], axis=0)
    y = _keep_nan(y, x)
    return np.reshape(y, reduced(np.shape(a), axes, keepdims=True)) if keepdims else y


@implements(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """Middle entry of those that are not nan, or mean of both."""
    del overwrite_input
    axes = all_axes(axis, np.ndim(a))
    x = _flat(a, axes)
    _warn_all_nan(x)
    s = np.sort(x, axis=0)
    n = np.shape(x)[0] - np.sum(np.isnan(x), axis=0)
    low, high = _take(s, np.maximum((n - 1) // 2, 0)), _take(s, np.minimum(n // 2, np.shape(x)[0] - 1))
    y = np.where(n % 2 == 1, low, (low + high) / 2)[()]
    return np.reshape(y, reduced(np.shape(a), axes, keepdims=True)) if keepdims else y

"""Functions of where values fall between given ones: interp, digitize, bincount, histogram.

The bin that a value falls into is locally constant, so counts have derivative zero; weights are added into their bins,
and their derivative is read back from there. The edges that `histogram` derives from the data move with its extremes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import implements, operand, refuse, traced_leaves, zero_derivative
from wengert.errors import RefusedError
from wengert.ops.families import masked
from wengert.ops.indexing import getitem, scatter
from wengert.ops.updating import index_add
from wengert.types import type_of

__all__: list[str] = []

zero_derivative(np.digitize)
refuse(
    np.histogram2d,
    np.histogramdd,
    reason="binning in several dimensions has no rule yet.",
    instead="np.digitize along each axis, then np.bincount(np.ravel_multi_index(bins, shape), weights=w).",
)


def _surely(condition: Any) -> bool:
    """Say whether a condition holds; one that may differ from example to example under `vmap` is not asked."""
    known = not isinstance(condition, Traced) or condition.interpreter.releases(condition)
    return known and bool(condition)


# interp ---------------------------------------------------------------------------------------------------------------
#
# On the segment xp[k] <= x < xp[k+1]:  y = f0 + (f1 - f0) / (x1 - x0) * (x - x0), smooth in all of x, xp, fp. At a
# knot the derivative is that of the segment on the right. The product is masked: a segment that is infinitely steep
# still starts at f0.


def _double(x: Any) -> Any:
    """Return x in the precision that np.interp computes in, whatever it is given."""
    x = operand(x)
    return np.astype(
        x if hasattr(x, "dtype") else np.asarray(x), np.complex128 if np.iscomplexobj(x) else np.float64
    )


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Return x and knots within one period, with one knot more at each end."""
    if _surely(period == 0):
        message = "period must be a non-zero value"
        raise ValueError(message)
    period = np.abs(period)
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    xp, fp = getitem(xp, order), getitem(fp, order)
    return x, np.concatenate([xp[-1:] - period, xp, xp[:1] + period]), np.concatenate([fp[-1:], fp, fp[:1]])


def _on_segment(x: Any, xp: Any, fp: Any) -> Any:
    """Return the interpolant, as if its first and last segments went on for ever."""
    n = np.shape(xp)[0]
    if n == 1:
        return fp[0] + 0.0 * x
    k = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, n - 2)
    x0, f0 = getitem(xp, k), getitem(fp, k)
    width = getitem(xp, k + 1) - x0
    slope = (getitem(fp, k + 1) - f0) / np.where(width == 0, 1.0, width)
    return f0 + masked(x - x0, slope)


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Interpolate linearly between knots; `left` and `right` are the values outside."""
    x, xp, fp = map(_double, (x, xp, fp))
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp) or not np.size(xp):
        np.interp(0.0, np.zeros(np.shape(xp)), np.zeros(np.shape(fp)))  # raises what NumPy raises
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, period)
        left = right = None
    left, right = (fp[0] if left is None else left), (fp[-1] if right is None else right)
    inside = _on_segment(x, xp, fp)
    return np.where(x < xp[0], left, np.where(x > xp[-1], right, inside))[()]


# bincount and histogram -----------------------------------------------------------------------------------------------


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Add up the weights of each integer."""
    if weights is None or traced_leaves(x):
        raise RefusedError(
            "np.bincount was called on traced integers",
            why="the length of the result would depend on traced values.",
            instead="np.sum(np.where(x == np.arange(n)[:, None], weights, 0.0), axis=1), with a length n of your own.",
        )
    counts = np.bincount(x, minlength=minlength)  # raises what NumPy raises for x
    weights = operand(weights)
    if np.shape(weights) != np.shape(x):
        message = "The weights and list don't have the same length."
        raise ValueError(message)
    return scatter(
        weights.astype(np.float64), indices=(np.asarray(x),), shape=counts.shape, dtype=np.dtype(np.float64)
    )


def _uniform_edges(a: Any, n: int, limits: Any) -> Any:
    """Return n + 1 edges between limits, or between the extremes of the data."""
    if n < 1:
        message = "`bins` must be positive, when an integer"
        raise ValueError(message)
    if limits is not None:
        first, last = limits
        if _surely(first > last):
            message = "max must be larger than min in range parameter."
            raise ValueError(message)
    else:
        first, last = (np.min(a), np.max(a)) if np.size(a) else (0.0, 1.0)
    if _surely(~np.isfinite(first - last)):
        message = (
            f"{'autodetected' if limits is None else 'supplied'} range of [{first}, {last}] is not finite"
        )
        raise ValueError(message)
    margin = 0.5 * (first == last)
    first, last = first - margin, last + margin
    return np.concatenate([np.arange(n) * ((last - first) / n) + first, np.reshape(last, (1,))])


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """Return the edges of bins."""
    if isinstance(bins, str):
        raise RefusedError(
            f"np.histogram was called with bins={bins!r} on a traced value",
            why="the number of bins would depend on traced values.",
            instead="a number of bins, or edges computed from wengert.stop_gradient(a).",
        )
    if np.ndim(bins) == 0:
        return _uniform_edges(np.ravel(operand(a)), int(bins), range)
    edges = operand(bins)
    if np.ndim(edges) != 1:
        message = "`bins` must be 1d, when an array"
        raise ValueError(message)
    if _surely(np.any(edges[:-1] > edges[1:])):
        message = "`bins` must increase monotonically, when an array"
        raise ValueError(message)
    return edges


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> Any:
    """Add up weights, or count, in bins between edges."""
    a = operand(a)
    weights = None if weights is None else operand(weights)
    if weights is not None and np.shape(weights) != np.shape(a):
        message = "weights should have the same shape as a."
        raise ValueError(message)
    a, edges = np.ravel(a), histogram_bin_edges(a, bins, range)
    n = np.shape(edges)[0] - 1
    bin = np.where(a == edges[-1], n, np.searchsorted(edges, a, side="right"))  # 0 and n + 1: outside
    if weights is None:
        sums = index_add(np.zeros(n + 2, np.intp), bin, 1)
    else:
        sums = index_add(np.zeros(n + 2, type_of(weights).dtype), bin, np.ravel(weights))
    inside = sums[1:-1]
    return (inside / np.diff(edges) / np.sum(inside) if density else inside), edges

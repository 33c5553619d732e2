"""The reductions that pass over nan: NumPy's functions named nan..., composed of the ordinary ones.

Entries that are nan are replaced by the neutral element, which is a constant, so they get derivative zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import implements
from wengert.errors import warn
from wengert.ops.variance import correction_of, given, root

if TYPE_CHECKING:
    from collections.abc import Callable

__all__: list[str] = []


def _filled(a: Any, value: float) -> tuple[Any, Any]:
    """Return `a` with nan replaced, and where it was nan."""
    a = a if hasattr(a, "dtype") else np.asarray(a)
    nan = np.isnan(a)
    return np.where(nan, value, a), nan


@implements(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Sum with nan taken as 0."""
    return np.sum(_filled(a, 0)[0], axis=axis, dtype=dtype, keepdims=keepdims, **_options(initial, where))


@implements(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Product with nan taken as 1."""
    return np.prod(_filled(a, 1)[0], axis=axis, dtype=dtype, keepdims=keepdims, **_options(initial, where))


def _options(initial: Any, where: Any) -> dict[str, Any]:
    return {k: v for k, v in (("initial", initial), ("where", where)) if v is not None and v is not True}


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running sums with nan taken as 0."""
    return np.cumsum(_filled(a, 0)[0], axis=axis, dtype=dtype)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running products with nan taken as 1."""
    return np.cumprod(_filled(a, 1)[0], axis=axis, dtype=dtype)


def _nan_extreme(function: Callable[..., Any], worst: float) -> Callable[..., Any]:
    def extreme(
        a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        filled, nan = _filled(a, worst)
        y = function(filled, axis=axis, keepdims=keepdims, **_options(initial, where))
        none = np.all(nan, axis=axis, keepdims=keepdims)
        if not isinstance(none, Traced):
            if not np.any(none):
                return y
            warn("All-NaN axis encountered", RuntimeWarning)
        return np.where(none, np.nan, y)

    extreme.__doc__ = "Extreme entry, nan only where all entries are."
    return extreme


nanmax = implements(np.nanmax)(_nan_extreme(np.max, -np.inf))
nanmin = implements(np.nanmin)(_nan_extreme(np.min, np.inf))


def _nan_place(function: Callable[..., Any], worst: float) -> Callable[..., Any]:
    def place(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        filled, nan = _filled(a, worst)
        none = np.all(nan, axis=axis)
        if not isinstance(none, Traced) and np.any(none):
            message = "All-NaN slice encountered"
            raise ValueError(message)
        return function(filled, axis=axis, keepdims=keepdims)

    place.__doc__ = "Index of the extreme entry that is not nan."
    return place


nanargmax = implements(np.nanargmax)(_nan_place(np.argmax, -np.inf))
nanargmin = implements(np.nanargmin)(_nan_place(np.argmin, np.inf))


@implements(np.nanmean)
def nanmean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """Mean of the entries that are not nan."""
    kept = np.logical_and(where, np.logical_not(np.isnan(a)))
    return np.mean(_filled(a, 0)[0], axis=axis, dtype=dtype, keepdims=keepdims, where=kept)


@implements(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Variance of the entries that are not nan; nan where fewer remain than `ddof` takes away."""
    ddof = correction_of(ddof, correction)
    filled, nan = _filled(a, 0)
    kept = np.logical_and(where, np.logical_not(nan))
    freedom = np.sum(kept, axis=axis, keepdims=keepdims) - ddof
    if isinstance(freedom, Traced) or np.all(freedom > 0):
        return np.var(filled, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=kept, **given(mean))
    warn("Degrees of freedom <= 0 for slice.", RuntimeWarning)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.var(filled, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=kept, **given(mean))
    return np.where(freedom > 0, y, np.nan)


@implements(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Square root of the variance of the entries that are not nan."""
    ddof = correction_of(ddof, correction)
    v = np.nanvar(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, **given(mean))
    kept = np.logical_and(where, np.logical_not(np.isnan(a)))
    return root(v, a, axis, keepdims=keepdims, where=kept, mean=mean)

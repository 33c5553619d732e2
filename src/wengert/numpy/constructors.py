"""Constructors that work in a trace.

NumPy fills the arrays that it makes with plain numbers, and cannot be told of traced ones. So inside a trace
(while a transformation runs) these return arrays of the innermost transformation, which accept traced writes,
and take traced values wherever NumPy takes numbers. Outside a trace they return what NumPy returns.

Integers and booleans have no derivative, and stay plain NumPy arrays: they are what one indexes with. So does
an array that shares memory with a plain one (`asarray` of an array): the other would not see what is written.
"""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Interpreter, Traced, active
from wengert.core.numpy_protocol import CREATORS, FUNCTIONS, operand
from wengert.core.operators import PLAIN
from wengert.core.views import as_handle, root

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "apply_along_axis",
    "apply_over_axes",
    "arange",
    "array",
    "asanyarray",
    "asarray",
    "asarray_chkfinite",
    "ascontiguousarray",
    "asfortranarray",
    "block",
    "copy",
    "empty",
    "empty_like",
    "eye",
    "fromfunction",
    "fromiter",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "indices",
    "linspace",
    "logspace",
    "meshgrid",
    "ones",
    "ones_like",
    "piecewise",
    "require",
    "tri",
    "vander",
    "zeros",
    "zeros_like",
]


# What is traced, and what is held ------------------------------------------------------------------------------------


def is_traced(x: Any) -> bool:
    """Whether a value is traced, or a nested sequence or an object array with traced entries."""
    kind = type(x)
    if kind is list or kind is tuple:
        return not PLAIN.issuperset(map(type, x)) and any(map(is_traced, x))
    if kind is np.ndarray:
        return x.dtype.kind == "O" and any(map(is_traced, x.flat))
    return isinstance(x, Traced)


def hold(y: Any) -> Any:
    """Return a new plain array as one that accepts traced writes, where a transformation is running."""
    running = active()
    return _hold(running[-1], y) if running else y


def _hold(interpreter: Interpreter, y: Any) -> Any:
    if type(y) is np.ndarray:
        return as_handle(interpreter, y) if y.dtype.kind in "fc" else y
    return type(y)([_hold(interpreter, item) for item in y]) if isinstance(y, list | tuple) else y


# Makers of constructors ----------------------------------------------------------------------------------------------


def _of_numbers(function: Any, made_by: Any = None) -> Callable[..., Any]:
    """Return a constructor whose contents are never traced; inside a trace, another function may make them."""
    made_by = made_by or function

    @wraps(function)
    def constructor(*args: Any, **kwargs: Any) -> Any:
        running = active()
        if not running or "like" in kwargs:
            return function(*args, **kwargs)
        return _hold(running[-1], made_by(*args, **kwargs))

    return constructor


def _of_values(function: Any, *, calls_back: bool = False, made_by: Any = None) -> Callable[..., Any]:
    """Return a constructor whose contents may be traced, as arguments or as what a function of the user's returns."""
    front: Any = FUNCTIONS[function]
    if function in CREATORS:
        front = partial(front, like=None)
    made_by = front if calls_back else made_by or function

    @wraps(function)
    def constructor(*args: Any, **kwargs: Any) -> Any:
        if "like" in kwargs:
            return function(*args, **kwargs)
        if is_traced(args) or (kwargs and is_traced(tuple(kwargs.values()))):
            return hold(front(*map(_read, args), **{k: _read(v) for k, v in kwargs.items()}))
        running = active()
        return _hold(running[-1], made_by(*args, **kwargs)) if running else function(*args, **kwargs)

    return constructor


def _read(x: Any) -> Any:
    return operand(x) if is_traced(x) else x


def _of_either(function: Any) -> Callable[..., Any]:
    """Return a constructor that may return its argument, or a view of it."""
    front = partial(FUNCTIONS[function], like=None)

    @wraps(function)
    def constructor(a: Any, *args: Any, **kwargs: Any) -> Any:
        if "like" in kwargs:
            return function(a, *args, **kwargs)
        if is_traced(a):
            return front(_read(a), *args, **kwargs) if type(a) is np.ndarray else front(a, *args, **kwargs)
        y = function(a, *args, **kwargs)
        return hold(y) if y is not a and y.base is None else y

    return constructor


# The constructors ----------------------------------------------------------------------------------------------------

zeros, ones = _of_numbers(np.zeros), _of_numbers(np.ones)
empty = _of_numbers(np.empty, made_by=np.zeros)  # what nobody set is 0, never what memory held before
eye, identity, tri = _of_numbers(np.eye), _of_numbers(np.identity), _of_numbers(np.tri)
indices = _of_numbers(np.indices)

zeros_like, ones_like = _of_values(np.zeros_like), _of_values(np.ones_like)
empty_like = _of_values(np.empty_like, made_by=np.zeros_like)
full = _of_values(np.full)
arange, linspace = _of_values(np.arange), _of_values(np.linspace)
logspace, geomspace = _of_values(np.logspace), _of_values(np.geomspace)
vander, copy = _of_values(np.vander), _of_values(np.copy)

fromiter = _of_values(np.fromiter, calls_back=True)
fromfunction = _of_values(np.fromfunction, calls_back=True)
apply_along_axis = _of_values(np.apply_along_axis, calls_back=True)
apply_over_axes = _of_values(np.apply_over_axes, calls_back=True)
piecewise = _of_values(np.piecewise, calls_back=True)

array = _of_either(np.array)
asarray, asanyarray = _of_either(np.asarray), _of_either(np.asanyarray)
ascontiguousarray, asfortranarray = _of_either(np.ascontiguousarray), _of_either(np.asfortranarray)
require = _of_either(np.require)


_full_like = _of_values(np.full_like)


@wraps(np.full_like)
def full_like(a: Any, *args: Any, **kwargs: Any) -> Any:
    """Return an array of one value, after the pattern of another, or of what becomes one."""
    return _full_like(
        a if hasattr(a, "dtype") else operand(a) if is_traced(a) else np.asarray(a), *args, **kwargs
    )


@wraps(np.block)
def block(arrays: Any) -> Any:
    """Join nested lists of blocks; the nesting is part of the meaning."""
    return FUNCTIONS[np.block](arrays) if is_traced(arrays) else hold(np.block(arrays))


@wraps(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Return coordinate arrays; without a copy they are views of the arguments, plain if these are."""
    if is_traced(xi):
        return FUNCTIONS[np.meshgrid](*map(_read, xi), copy=copy, sparse=sparse, indexing=indexing)
    grids = np.meshgrid(*xi, copy=copy, sparse=sparse, indexing=indexing)  # type: ignore[call-overload]
    return hold(grids) if copy else grids


@wraps(np.asarray_chkfinite)
def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """Return an array, or raise if an entry is infinite or NaN."""
    y = asarray(a, dtype, order)
    if isinstance(y, Traced) and not np.all(np.isfinite(root(y))):
        raise ValueError("array must not contain infs or NaNs")  # NumPy's words
    return y if isinstance(y, Traced) else np.asarray_chkfinite(y)

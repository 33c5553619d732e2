"""What takes the place of functions that are called: Python's and NumPy's own, where these would want plain numbers.

Python functions are lifted; see `lift`. The functions here do what the original does unless an argument is traced.
"""

from __future__ import annotations

import functools
import math
import operator
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import numpy as constructors
from wengert.core.tracer import Tracer
from wengert.core.views import is_open, is_scalar, root
from wengert.lifting.blocks import weak_type

__all__ = ["draws", "replacement"]

_LONG = 16  # entries of a sum; of more, the sums up to each entry are one operation


def replacement(function: Any) -> Callable[..., Any] | None:
    """Return what to call instead of a function that is not Python's, or None."""
    try:
        return _TABLE.get(function)
    except TypeError:  # not hashable
        return None


def draws(function: Any) -> bool:
    """Whether a function draws random numbers."""
    held = getattr(function, "__self__", None)
    return isinstance(held, np.random.Generator | np.random.RandomState | random.Random)


def _any_traced(args: Any, kwargs: Any) -> bool:
    return any(isinstance(x, Tracer) for x in (*args, *kwargs.values()))


def _on_traced(original: Any, instead: Any) -> Any:
    """Return a function that calls another one if an argument is traced."""

    @functools.wraps(original)
    def called(*args: Any, **kwargs: Any) -> Any:
        return (instead if _any_traced(args, kwargs) else original)(*args, **kwargs)

    return called


# Numbers --------------------------------------------------------------------------------------------------------------


def _number(kind: type) -> Callable[..., Any]:
    """Return float, int, ... of traced values: themselves in another dtype; plain where no derivative is lost."""

    def convert(x: Any = 0) -> Any:
        if x.size != 1:
            kind(np.empty(x.shape or 2))  # raises NumPy's error
        x = x if not x.shape else x.reshape(())
        if kind in {float, complex}:
            return x.astype(kind) if x.dtype != np.dtype(kind) else +x
        return _discrete(np.trunc if kind is int else np.copy, kind)(x)

    return convert


def _discrete(function: Any, kind: type) -> Callable[[Any], Any]:
    """Return a function whose result is a Python integer or truth: locally constant, and so plain where it is known."""

    def of(x: Any) -> Any:
        if not is_open(x):
            return kind(function(root(x)))
        rounded = function(x) if x.dtype.kind == "f" else x
        return rounded != 0 if kind is bool else np.astype(rounded, np.dtype(np.int64))

    return of


def _round(x: Any, ndigits: int | None = None) -> Any:
    return _discrete(np.rint, int)(x) if ndigits is None else np.round(x, ndigits)


def _extreme(original: Any, pair: Any) -> Any:
    """Return max or min: of traced numbers by NumPy's function of two."""

    @functools.wraps(original)
    def extreme(*args: Any, **kwargs: Any) -> Any:
        items = args if len(args) > 1 else args[0] if args else ()
        if isinstance(items, Tracer) and not kwargs and items.ndim == 1 and items.size:
            return pair.reduce(items)
        items = list(items) if args else items
        if not kwargs and items and any(isinstance(x, Tracer) and not x.ndim for x in items):
            return functools.reduce(pair, items)
        return original(items, **kwargs) if args else original(*args, **kwargs)

    return extreme


def _sum(iterable: Any, /, start: Any = 0) -> Any:
    """Return a sum from left to right."""
    if isinstance(iterable, Tracer) and iterable.ndim == 1 and iterable.size > _LONG:
        return start + np.cumsum(iterable)[-1]
    return sum(iterable, start)


def _all_or_any(original: Any, function: Any) -> Any:
    def reduced(iterable: Any) -> Any:
        return (
            function(iterable) if isinstance(iterable, Tracer) and is_open(iterable) else original(iterable)
        )

    return reduced


def _isinstance(x: Any, kinds: Any) -> bool:
    """Return whether a traced value stands for an object of a type."""
    if isinstance(x, kinds):
        return True
    if not isinstance(x, Tracer):
        return False
    kind = (weak_type(x) or x.dtype.type) if is_scalar(x) else np.ndarray
    return issubclass(kind, kinds)


# math -----------------------------------------------------------------------------------------------------------------


def _special(name: str) -> Callable[..., Any]:
    def called(x: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(x)

    return called


def _log(x: Any, base: Any = None) -> Any:
    return np.log(x) if base is None else np.log(x) / np.log(base)


def _hypot(*coordinates: Any) -> Any:
    return np.sqrt(sum(x * x for x in coordinates)) if len(coordinates) != 2 else np.hypot(*coordinates)


def _prod(iterable: Any, *, start: Any = 1) -> Any:
    return functools.reduce(operator.mul, iterable, start)


def _fsum(iterable: Any) -> Any:
    items = list(iterable)
    return sum(items, 0.0) if _any_traced(items, {}) else math.fsum(items)


def _isclose(a: Any, b: Any, *, rel_tol: float = 1e-09, abs_tol: float = 0.0) -> Any:
    return np.abs(a - b) <= np.maximum(rel_tol * np.maximum(np.abs(a), np.abs(b)), abs_tol)


_SAME = (
    "sin cos tan sinh cosh tanh exp expm1 log1p log2 log10 sqrt cbrt fabs copysign degrees radians fmod isnan isinf "  # noqa: SIM905
    "isfinite exp2 ldexp frexp modf".split()
)
_RENAMED = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "pow": "power", "remainder": "remainder",
}  # fmt: skip
_MATH: dict[str, Any] = {
    **{name: getattr(np, name) for name in _SAME},
    **{name: getattr(np, other) for name, other in _RENAMED.items()},
    "log": _log,
    "hypot": _hypot,
    "isclose": _isclose,
    "floor": _discrete(np.floor, int),
    "ceil": _discrete(np.ceil, int),
    "trunc": _discrete(np.trunc, int),
    "erf": _special("erf"),
    "erfc": _special("erfc"),
    "gamma": _special("gamma"),
    "lgamma": _special("gammaln"),
    "remainder": lambda x, y: x - y * np.rint(x / y),
    "dist": lambda p, q: _hypot(*[a - b for a, b in zip(p, q, strict=True)]),
}

_CONSTRUCTORS = [name for name in constructors.constructors.__all__ if hasattr(np, name)]
_TABLE: dict[Any, Any] = {
    **{
        getattr(math, name): _on_traced(getattr(math, name), f)
        for name, f in _MATH.items()
        if hasattr(math, name)
    },
    **{kind: _on_traced(kind, _number(kind)) for kind in (bool, int, float, complex)},
    **{getattr(np, name): getattr(constructors, name) for name in _CONSTRUCTORS},
    math.fsum: _fsum,
    math.prod: _prod,
    round: _on_traced(round, _round),
    max: _extreme(max, np.maximum),
    min: _extreme(min, np.minimum),
    sum: _sum,
    all: _all_or_any(all, np.all),
    any: _all_or_any(any, np.any),
    isinstance: _isinstance,
}

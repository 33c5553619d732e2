"""Python's operators on tracers: the ufunc that each stands for, handed to the innermost interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced, bind, innermost
from wengert.core.numpy_protocol import UFUNCS, call_ufunc, operand, require_same_kind
from wengert.core.views import is_scalar, same_layout

__all__ = ["PLAIN", "apply", "binary", "general", "inplace", "unary"]

PLAIN = frozenset(
    {np.ndarray, float, int, complex, bool, *np.sctypeDict.values()}
    - {np.object_, np.str_, np.bytes_, np.void}
)
_OBJECT = np.dtype(object)


def apply(ufunc: Any, *xs: Any) -> Any:
    """Apply a ufunc to operands of which at least one is traced."""
    prim = UFUNCS.get(ufunc)
    if prim is None or not prim.elementwise:
        return call_ufunc(ufunc, "__call__", xs, {})
    top = innermost(xs)
    if len(xs) == 1:
        return top.unary(prim, xs[0])  # type: ignore[union-attr]
    if len(xs) == 2:
        a, b = xs
        other = a if isinstance(b, Traced) else b
        kind = type(other)
        if other.dtype is not _OBJECT if kind is np.ndarray else kind is not list and kind is not tuple:
            return top.binary(prim, a, b)  # type: ignore[union-attr]
    return bind(prim, tuple(map(operand, xs)), {})  # what is in a list may belong to another transformation


def _understood(x: Any) -> bool:
    """Say whether an operand of an operator is an array of some kind, rather than a stranger with its own rules."""
    return (
        type(x) in PLAIN
        or isinstance(x, Traced | list | tuple)
        or getattr(x, "__array_ufunc__", None) is not None
        or isinstance(x, float | int | complex)
    )


def binary(ufunc: Any) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return the operator of an elementwise ufunc of two operands, and the reflected one."""

    def forward(self: Any, other: Any) -> Any:
        kind = type(other)
        if (other.dtype is not _OBJECT if kind is np.ndarray else kind in PLAIN) or (
            isinstance(other, Traced) and other.interpreter is self.interpreter
        ):
            return self.interpreter.binary(UFUNCS[ufunc], self, other)
        return apply(ufunc, self, other) if _understood(other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        kind = type(other)
        if other.dtype is not _OBJECT if kind is np.ndarray else kind in PLAIN:
            return self.interpreter.binary(UFUNCS[ufunc], other, self)
        return apply(ufunc, other, self) if _understood(other) else NotImplemented

    return forward, reflected


def inplace(ufunc: Any) -> Callable[[Any, Any], Any]:
    """Return the augmented assignment of a ufunc: the handle is rebound."""

    def update(self: Any, other: Any) -> Any:
        if not _understood(other):
            return NotImplemented
        y = apply(ufunc, self, other)
        if is_scalar(self):
            return y  # NumPy scalars are immutable: the name is rebound, not the handle
        if y.shape != self.shape:
            np.positive(np.empty(y.shape), out=np.empty(self.shape))  # raises NumPy's error
        require_same_kind(ufunc, y, self)
        kind = y.dtype
        if self.ndim and isinstance(y, Traced) and kind == self.dtype and same_layout(self, y):
            self.rebind(y)
        else:
            self[...] = y
        return self

    return update


def unary(ufunc: Any) -> Callable[[Any], Any]:
    """Return the operator of an elementwise ufunc of one operand."""
    return lambda self: self.interpreter.unary(UFUNCS[ufunc], self)


def general(ufunc: Any) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return the operator of a ufunc that is not elementwise or has several results (matmul, divmod)."""
    return (
        lambda self, other: apply(ufunc, self, other) if _understood(other) else NotImplemented,
        lambda self, other: apply(ufunc, other, self) if _understood(other) else NotImplemented,
    )

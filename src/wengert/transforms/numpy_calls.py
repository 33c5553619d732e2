"""Calls in graphs of NumPy functions whose result has no derivative, and that are no primitive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import tree
from wengert.core.dispatch import Traced
from wengert.core.primitive import Primitive, define
from wengert.types import ArrayType

__all__ = ["NumPyCall", "numpy_call_", "shaped_by_values"]


class _Operand:
    """Takes the place of a traced argument, which holds all of the run that it belongs to."""

    __slots__ = ()


class NumPyCall:
    """A NumPy function with the places of its traced arguments: what it gives are leaves, in a structure kept aside."""

    __slots__ = ("arguments", "function", "traced")

    def __init__(self, function: Callable[..., Any], arguments: Any, traced: list[Any]) -> None:
        self.function = function
        self.traced = [_Operand() for _ in traced]
        self.arguments = _replaced(arguments, {id(x): y for x, y in zip(traced, self.traced, strict=True)})

    def __call__(self, *values: Any) -> Any:
        """Call the function with values in the places of the traced arguments."""
        args, kwargs = self.filled(values)
        return self.function(*args, **kwargs)

    def filled(self, values: Any) -> Any:
        """Return the arguments, positional and by name, with values in the places of the traced ones."""
        return _replaced(self.arguments, {id(x): v for x, v in zip(self.traced, values, strict=True)})

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", "function")


def _replaced(arguments: Any, filled: dict[int, Any]) -> Any:
    if isinstance(arguments, Traced | _Operand):
        return filled[id(arguments)]
    if isinstance(arguments, list | tuple):
        return type(arguments)([_replaced(item, filled) for item in arguments])
    if isinstance(arguments, dict):
        return {key: _replaced(item, filled) for key, item in arguments.items()}
    return arguments


def _call_eval(*values: Any, call: NumPyCall, types: tuple[ArrayType, ...]) -> tuple[Any, ...]:
    del types
    return tuple(tree.flatten(call(*values))[0])


numpy_call_: Primitive = define(
    name="numpy_call",
    doc="A NumPy function without a derivative, on plain values.",
    multiple=True,
    differentiable=False,
    eval=_call_eval,
    infer=lambda *_, call, types: types,
)

_SHAPED_BY_VALUES = frozenset({np.nonzero, np.argwhere, np.flatnonzero})


def shaped_by_values(function: Any) -> bool:
    """Whether the values of the arguments decide on the shape of the result."""
    return function in _SHAPED_BY_VALUES or getattr(function, "__name__", "") == "_distinct"

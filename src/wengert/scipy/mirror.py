"""Mirrors of SciPy's modules: SciPy's own functions on plain values, ours on traced ones, errors for the rest."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from wengert.core.numpy_protocol import traced_leaves
from wengert.errors import RefusedError

__all__ = ["mirror", "mirrors", "refusing"]

Front = TypeVar("Front", bound=Callable[..., Any])


def mirrors(function: Callable[..., Any]) -> Callable[[Front], Front]:
    """Register the decorated function as what a SciPy function does on traced values; on plain ones it is SciPy's own.

    The result has SciPy's name, signature and documentation.
    """

    def decorate(front: Front) -> Front:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return (front if traced_leaves((args, kwargs)) else function)(*args, **kwargs)

        return call  # type: ignore[return-value]  # it has the signature of the front

    return decorate


def refusing(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a function of SciPy's that has no rule, and says so on traced values."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if traced_leaves((args, kwargs)):
            raise RefusedError(
                f"{name} was called on a traced value, but has no derivative rule",
                why="Wengert differentiates functions by rules of its own, never by guessing.",
                instead="compose it of functions that have rules, or wrap it with wengert.external.",
            )
        return function(*args, **kwargs)

    return call


def mirror(module: Any, name: str) -> Any:
    """Return what a SciPy module has under a name: its functions refuse traced values, all else is its own."""
    if name.startswith("_") or not hasattr(module, name):
        message = f"module {module.__name__.replace('scipy', 'wengert.scipy', 1)!r} has no attribute {name!r}"
        raise AttributeError(message)
    found = getattr(module, name)
    if (
        not callable(found)
        or isinstance(found, type)
        or hasattr(found, "__array_ufunc__")
        or hasattr(found, "nin")
    ):
        return found
    return refusing(found, f"{module.__name__}.{name}")

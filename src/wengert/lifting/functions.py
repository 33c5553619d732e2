"""Functions of all kinds, rewritten from their sources, and the code objects that were made of them."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from wengert.errors import LiftError
from wengert.lifting.rewriting import rewritten
from wengert.lifting.runtime import Runtime
from wengert.lifting.source import RUNTIME, compiled, rebuilt, syntax_of

__all__ = ["lifted"]

_THRESHOLD = 16  # steps; a loop of known length that takes more becomes a loop of the graph
_CODES: dict[tuple[types.CodeType, str], types.CodeType | None] = {}  # by the original, and its file

# Packages whose functions are left as they are: they compute nothing, or are known to the transformations.
_LEFT = frozenset(
    "abc ast asyncio builtins collections contextlib copy dataclasses enum functools importlib inspect io json "  # noqa: SIM905
    "logging numpy os pathlib pickle pytest re sys threading time traceback typing unittest warnings weakref "
    "wengert".split()
)


def lifted(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function rewritten; see `wengert.lift`."""
    if isinstance(fun, functools.partial):
        return functools.partial(lifted(fun.func), *fun.args, **fun.keywords)
    if isinstance(fun, types.MethodType):
        return types.MethodType(lifted(fun.__func__), fun.__self__)
    if not isinstance(fun, types.FunctionType):
        call = inspect.getattr_static(type(fun), "__call__", None)
        if isinstance(fun, type) or not isinstance(call, types.FunctionType):
            raise LiftError(
                f"{getattr(fun, '__name__', type(fun).__name__)} cannot be lifted",
                why="there is no Python function to rewrite.",
                instead="lift the function that calls it.",
            )
        return types.MethodType(lifted(call), fun)
    return fun if RUNTIME in fun.__code__.co_freevars else _lifted(fun)


def _lifted(fun: types.FunctionType) -> Callable[..., Any]:
    code = fun.__code__
    key = (code, code.co_filename)
    if _CODES.get(key) is None:
        _require_plain(fun)
        _CODES[key] = compiled(rewritten(syntax_of(fun), code), code)
    return rebuilt(fun, _CODES[key], _RUNTIME)  # type: ignore[arg-type]


def _require_plain(fun: types.FunctionType) -> None:
    kinds = {
        "a generator": inspect.isgeneratorfunction(fun),
        "a coroutine": inspect.iscoroutinefunction(fun),
        "an asynchronous generator": inspect.isasyncgenfunction(fun),
    }
    for kind in (kind for kind, on in kinds.items() if on):
        raise LiftError(
            f"{fun.__name__} cannot be lifted: it is {kind}",
            why="it stops in the middle, and a graph does not.",
            instead="let it collect its results in a list or an array, and return that.",
            where=f'File "{fun.__code__.co_filename}", line {fun.__code__.co_firstlineno}',
        )


def _lift_called(fun: Any) -> Any:
    """Return what to call for a function: it is lifted if that can be done."""
    if isinstance(fun, types.FunctionType):
        return _lifted_if_possible(fun)
    if isinstance(fun, types.MethodType):
        inner = _lift_called(fun.__func__)
        return fun if inner is fun.__func__ else types.MethodType(inner, fun.__self__)
    if isinstance(fun, functools.partial):
        return functools.partial(_lift_called(fun.func), *fun.args, **fun.keywords)
    if isinstance(inspect.getattr_static(type(fun), "__call__", None), types.FunctionType):
        return _lift_called(fun.__call__)
    return _lifted_class(fun) if type(fun) is type else fun


def _lifted_if_possible(fun: types.FunctionType) -> Callable[..., Any]:
    key = (fun.__code__, fun.__code__.co_filename)
    if RUNTIME in fun.__code__.co_freevars or _CODES.get(key, key) is None or _is_left(fun):
        return fun
    try:
        return _lifted(fun)
    except LiftError:
        _CODES[key] = None
        return fun


def _lifted_class(cls: type) -> Any:
    """Return what makes an object of a class, with a lifted initializer."""
    init: Any = cls.__init__  # type: ignore[misc]
    lifted = _lift_called(init)
    if lifted is init:
        return cls

    def make(*args: Any, **kwargs: Any) -> Any:
        made = cls.__new__(cls, *args, **kwargs)
        if isinstance(made, cls):
            lifted(made, *args, **kwargs)
        return made

    return make


def _is_left(fun: types.FunctionType) -> bool:
    return (fun.__globals__.get("__name__") or "").partition(".")[0] in _LEFT


_RUNTIME = Runtime(_THRESHOLD, _lift_called)

"""Watching what a function reads beside its arguments: names of its module, closure, and attributes of objects.

A compiled function holds what it read there when it was staged: numbers, and what plain NumPy made of arrays. So names
must still stand for the same objects, and arrays of up to a megabyte must hold the same numbers. Larger ones are
taken to change only where they are operands of traced ones, which are read anew in every call.
"""

from __future__ import annotations

import functools
import random
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wengert import tree
from wengert.core.dispatch import Traced

__all__ = ["Watch"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)
_CONTAINERS = (list, tuple, set, frozenset, dict)
_GENERATORS = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
_LIMIT = 4096  # names; functions that read more are watched for these only
_LARGEST = 1 << 20  # bytes of arrays whose contents are compared
_MISSING: Any = object()
_LIBRARIES = tuple(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
_OURS = frozenset({"numpy", "scipy", "wengert"})


def _same(old: Any, new: Any) -> bool:
    if old is new:
        return True
    if not isinstance(old, _PLAIN) or type(old) is not type(new):
        return False
    return repr(old) == repr(new) if isinstance(old, float | complex | np.inexact) else bool(old == new)


def _items(x: Any) -> tuple[Any, ...]:
    return (*x, *x.values()) if isinstance(x, dict) else tuple(x)


class Watch:
    """The names that a function reads, and what they stood for when it was staged."""

    __slots__ = ("_arrays", "_cells", "_containers", "_generators", "_names")

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._names: list[tuple[dict[str, Any], str, Any]] = []
        self._cells: list[tuple[Any, Any]] = []
        self._containers: list[tuple[Any, tuple[Any, ...]]] = []
        self._arrays: list[tuple[Any, bytes]] = []
        self._generators: list[tuple[Any, Any]] = [
            (random, _state(random)),
            (np.random, _state(np.random)),
        ]
        seen: set[int] = set()
        pending: list[Any] = [fun, *_objects((args, kwargs))]
        while pending and len(self._names) < _LIMIT:
            x = pending.pop()
            if id(x) not in seen and not isinstance(x, (*_PLAIN, Traced)):
                seen.add(id(x))
                pending += self._look(x)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can change."""
        return not (self._names or self._cells or self._containers or self._arrays)

    def changed(self) -> str | None:
        """Return what no longer stands for the same, or None."""
        for namespace, name, old in self._names:
            new = namespace.get(name, _MISSING)
            if new is not old and not _same(old, new):
                return name
        for cell, old in self._cells:
            new = _contents(cell)
            if new is not old and not _same(old, new):
                return "a variable of an enclosing function"
        for x, items in self._containers:
            now = _items(x)
            if len(now) != len(items) or not all(map(_same, items, now)):
                return f"a {type(x).__name__}"
        for x, contents in self._arrays:
            if x.tobytes() != contents:
                return "the contents of an array"
        return None

    def drew(self) -> bool:
        """Say whether random numbers were drawn from a generator that the function can reach."""
        return any(_state(x) != state for x, state in self._generators)

    def _look(self, x: Any) -> Iterator[Any]:
        """Note what an object refers to, and yield it."""
        if isinstance(x, np.ndarray):
            if x.nbytes <= _LARGEST and x.dtype.kind in "biufc":
                self._arrays.append((x, x.tobytes()))
        elif isinstance(x, _GENERATORS):
            self._generators.append((x, _state(x)))
        elif isinstance(x, _CONTAINERS):
            if not isinstance(x, tuple | frozenset):
                self._containers.append((x, _items(x)))
            yield from _items(x)
        else:
            yield from self._look_at_object(x)

    def _look_at_object(self, x: Any) -> Iterator[Any]:
        if isinstance(x, types.MethodType):
            yield from (x.__func__, x.__self__)
        elif isinstance(x, types.FunctionType):
            yield from self._look_at_function(x)
        elif isinstance(x, functools.partial):
            yield from (x.func, x.args, x.keywords)
        elif hasattr(x, "__wrapped__"):
            yield x.__wrapped__
        elif isinstance(x, type):
            yield from self._look_at_class(x)
        elif hasattr(x, "__dict__") and not isinstance(x, types.ModuleType):
            yield type(x)
            yield from self._note(vars(x), list(vars(x)))

    def _look_at_class(self, cls: type) -> Iterator[Any]:
        for base in cls.__mro__:
            if not _is_of_library(base.__module__):
                namespace: Any = vars(base)
                for name, value in namespace.items():
                    if isinstance(value, staticmethod | classmethod):
                        yield value.__func__
                    elif isinstance(value, property):
                        yield value.fget
                    elif not name.startswith("__") or name == "__call__":
                        yield from self._note(namespace, [name])

    def _look_at_function(self, fun: types.FunctionType) -> Iterator[Any]:
        if _is_of_library(fun.__module__):
            return
        if _is_of_library(
            fun.__globals__.get("__name__")
        ):  # a wrapper, which bears the name of what it wraps
            yield from [_contents(cell) for cell in fun.__closure__ or ()]
            return
        names = set(_names(fun.__code__))
        found = [name for name in names if name in fun.__globals__]
        cells = [(cell, _contents(cell)) for cell in fun.__closure__ or ()]
        self._cells += cells
        values = [value for _, value in cells if value is not _MISSING]
        for value in [*values, *[fun.__globals__[name] for name in found]]:
            if isinstance(value, types.ModuleType) and not _is_of_library(value.__name__):
                yield from self._note(vars(value), [name for name in names if name in vars(value)])
        yield from values
        if hasattr(fun, "__wrapped__"):
            yield fun.__wrapped__
        yield from (*(fun.__defaults__ or ()), *(fun.__kwdefaults__ or {}).values())
        yield from self._note(fun.__globals__, found)

    def _note(self, namespace: dict[str, Any], names: list[str]) -> Iterator[Any]:
        for name in names:
            value = namespace[name]
            if not isinstance(value, types.ModuleType):
                self._names.append((namespace, name, value))
                yield value


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not set, or deleted
        return _MISSING


def _state(generator: Any) -> Any:
    """Return what is equal as long as nothing was drawn."""
    if generator is random or isinstance(generator, random.Random):
        return generator.getstate()
    if generator is np.random or isinstance(generator, np.random.RandomState):
        name, keys, *rest = generator.get_state(legacy=True)
        return name, keys.tobytes(), rest  # type: ignore[union-attr]
    return repr(getattr(generator, "bit_generator", generator).state)


@functools.cache
def _is_of_library(module: str | None) -> bool:
    """Whether a module is NumPy's, SciPy's, Wengert's or an installed one's: these do not change while programs run."""
    if not module:
        return False
    if module.split(".")[0] in _OURS or module == "builtins":
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and file.startswith(_LIBRARIES)


def _names(code: types.CodeType) -> Iterator[str]:
    """Yield the names that a function and those inside of it may read from their module, and of attributes."""
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _names(const)


def _objects(arguments: Any) -> list[Any]:
    """Return the leaves that are objects of the user's, or generators of random numbers."""
    leaves = tree.flatten(arguments)[0]
    return [x for x in leaves if not isinstance(x, (*_PLAIN, np.ndarray, Traced, types.ModuleType))]

"""The boundary in Python: what the native entry does, where the layout of objects is not known.

Some microseconds a call instead of some hundredths; the same answers.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from typing import Any, Final, final

import numpy as np

from wengert.compile.structure import Dict, Leaf, List, Nothing, Structure, Tuple, leaves
from wengert.compile.table import LINE, Program, address

__all__ = ["Call"]

_PYTHON_TYPES: Final = {"float": float, "int": int, "bool": bool, "complex": complex}
_MAX_INT: Final = 2**63 - 1


@final
class Call:
    """A compiled program as a function of Python.

    Parameters
    ----------
    program : Program
        What it runs.
    arguments, results : Structure
        What it takes and gives.
    """

    def __init__(self, program: Program, arguments: Tuple, results: Structure) -> None:
        self._program, self._arguments, self._results = program, arguments, results
        kind = ctypes.CFUNCTYPE if program.release else ctypes.PYFUNCTYPE
        self._run = kind(ctypes.c_int32, *[ctypes.c_void_p] * 3)(program.code)
        # Types of ctypes are made once: those made for a call are cycles that the collector must find.
        self._inputs = ctypes.c_void_p * (sum(1 for _ in leaves(arguments)) + len(program.constants))
        self._outputs = ctypes.c_void_p * sum(1 for _ in leaves(results))
        self._arena = _Arena(program.arena_bytes)
        self._busy = threading.Lock()

    def __call__(self, *args: Any, **names: Any) -> Any:
        """Run the program, or the fallback where the arguments do not fit."""
        program = self._program
        held: list[np.ndarray] = []
        if names or not _take_items(self._arguments.items, args, held):
            return program.fallback(*args, **names)
        owned = self._busy.acquire(blocking=False)
        try:
            arena = self._arena if owned else _Arena(program.arena_bytes)
            code, made = self._attempt(arena, held)
            details = arena.details() if code >= 1000 else b""
        finally:
            if owned:
                self._busy.release()
        if code == 0:
            return _build(self._results, iter(made))
        if program.failed is not None and code >= 1000:
            return program.failed(code, details, args)
        return program.fallback(*args)

    def _attempt(self, arena: _Arena, held: list[np.ndarray]) -> tuple[int, list[np.ndarray]]:
        made = [np.empty(leaf.shape, leaf.dtype) for leaf in leaves(self._results)]
        inputs = self._inputs(*map(address, held), *map(address, self._program.constants))
        outputs = self._outputs(*map(address, made))
        return int(self._run(inputs, outputs, arena.address)), made


class _Arena:
    """Scratch memory, aligned to LINE bytes, with room for an error's details."""

    def __init__(self, size: int) -> None:
        self._block = np.empty(max(size, LINE) + LINE, np.uint8)
        begin = address(self._block)
        self.address = begin + -begin % LINE

    def details(self) -> bytes:
        """Return the first bytes."""
        return ctypes.string_at(self.address, LINE)


# Arguments ----------------------------------------------------------------------------------------------------------


def _take_items(structures: tuple[Structure, ...], items: Any, held: list[np.ndarray]) -> bool:
    return len(items) == len(structures) and all(
        _take(structure, item, held) for structure, item in zip(structures, items, strict=True)
    )


def _take(structure: Structure, item: Any, held: list[np.ndarray]) -> bool:
    """Append the arrays of an argument's leaves; False where it does not fit."""
    if isinstance(structure, Leaf):
        array = _leaf(structure, item)
        if array is None:
            return False
        held.append(array)
        return True
    if isinstance(structure, Nothing):
        return item is None
    if isinstance(structure, Dict):
        items = _values(structure, item)
        return items is not None and _take_items(structure.items, items, held)
    exact = list if isinstance(structure, List) else structure.type
    return type(item) is exact and _take_items(structure.items, tuple(item), held)


def _values(structure: Dict, item: Any) -> list[Any] | None:
    if type(item) is not dict or len(item) != len(structure.keys):
        return None
    if any(type(key) not in {str, int} for key in tuple(item)):  # whose comparison might run anything
        return None
    try:
        return [item[key] for key in structure.keys]
    except KeyError:
        return None


def _leaf(leaf: Leaf, item: Any) -> np.ndarray | None:
    """Return the array of a leaf's data, or None where the item is of another type."""
    dtype = leaf.dtype
    if leaf.kind == "array":
        fits = (
            type(item) is np.ndarray
            and item.dtype.num == dtype.num
            and item.dtype.isnative
            and item.shape == leaf.shape
            and item.flags.c_contiguous
            and item.flags.aligned
        )
        return item if fits else None
    exact: Any = dtype.type if leaf.kind == "scalar" else _PYTHON_TYPES[leaf.kind]
    if type(item) is not exact:
        return None
    if leaf.kind == "int" and not _fits(dtype, item):
        return None
    with np.errstate(over="ignore"):
        array = np.array(item, dtype)
    overflows = leaf.kind == "float" and np.isinf(array) and not np.isinf(item)
    return None if overflows else array


def _fits(dtype: np.dtype, item: int) -> bool:
    if dtype.kind == "f":
        return -_MAX_INT - 1 <= item <= _MAX_INT
    bounds = np.iinfo(dtype)
    return bounds.min <= item <= min(bounds.max, _MAX_INT)


# Results ------------------------------------------------------------------------------------------------------------


def _build(structure: Structure, made: Iterator[np.ndarray]) -> Any:
    if isinstance(structure, Leaf):
        array = next(made)
        if structure.kind == "array":
            return array
        return array[()] if structure.kind == "scalar" else _PYTHON_TYPES[structure.kind](array[()])
    if isinstance(structure, Nothing):
        return None
    items = [_build(item, made) for item in structure.items]
    if isinstance(structure, List):
        return items
    if isinstance(structure, Dict):
        return dict(zip(structure.keys, items, strict=True))
    make = tuple if structure.type is tuple else getattr(structure.type, "_make", structure.type)
    return make(items)

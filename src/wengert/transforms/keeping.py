"""Keeping plain arrays as they were when the tape recorded them.

A program may write into a plain array after it was an operand: a buffer that is filled anew in every step, a
constant, an input. NumPy does not tell us, and a gradient from the new contents would be wrong without a
word. So the tape keeps a copy of a small array, and makes a large one read-only until the tape is let go: a
write into it then raises.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced

__all__ = ["SMALL", "Locks"]

SMALL = 1 << 16  # bytes; copying costs less than an operation on the array

_holders: dict[int, int] = {}  # how many tapes hold a locked array, by its address
_mutex = threading.Lock()


class Locks:
    """The large plain arrays that one tape keeps from being written to."""

    __slots__ = ("_arrays",)

    def __init__(self) -> None:
        self._arrays: dict[int, np.ndarray[Any, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._arrays)

    def keep(self, x: Any) -> Any:
        """Return a value that stays what it is now."""
        if type(x) is not np.ndarray:
            return x.detached() if isinstance(x, Traced) else x
        if x.nbytes <= SMALL:
            return x.copy("K")
        self._lock(x)
        return x

    def _lock(self, x: np.ndarray[Any, Any]) -> None:
        """Make an array and those whose memory it views read-only."""
        base: Any = x
        while isinstance(base, np.ndarray) and id(base) not in self._arrays:
            x = base
            with _mutex:
                if not x.flags.writeable and id(x) not in _holders:
                    return  # the user's own choice, not ours to undo
                x.flags.writeable = False
                _holders[id(x)] = _holders.get(id(x), 0) + 1
            self._arrays[id(x)] = x
            base = x.base

    def release(self) -> None:
        """Give the arrays back; those that no other tape holds become writeable, bases first."""
        arrays, self._arrays = sorted(self._arrays.items(), key=lambda item: _depth(item[1])), {}
        for key, x in arrays:
            with _mutex:
                _holders[key] -= 1
                if not _holders[key]:
                    del _holders[key]
                    x.flags.writeable = True

    def __del__(self) -> None:
        if getattr(self, "_arrays", None):  # which a signal may have kept from being made
            self.release()


def _depth(x: np.ndarray[Any, Any]) -> int:
    """Return how many arrays lie between an array and the one that owns its memory, and that."""
    depth = 0
    while isinstance(x.base, np.ndarray):
        x = x.base
        depth += 1
    return depth

"""Keeping plain arrays as they were when the tape recorded them.

A program may write into a plain array after it was an operand: a buffer that is filled anew in every step, a
constant, an input. NumPy does not tell us, and a gradient from the new contents would be wrong without a
word. So the tape keeps a copy of a small array, and makes a large one read-only until the tape is let go: a
write into it then raises.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced

__all__ = ["SMALL", "Locks"]

SMALL = 1 << 16  # bytes; copying costs less than an operation on the array

_holders: dict[int, int] = {}  # how many tapes hold a locked array, by its address
_waiting: dict[int, list[Any]] = {}  # views that no tape holds, of an array that one does, by its address
_mutex = threading.Lock()


class Locks:
    """The large plain arrays that one tape keeps from being written to."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: _Held | None = None  # made with the first array: most tapes lock none

    def __bool__(self) -> bool:
        return self._held is not None and bool(self._held.arrays)

    def keep(self, x: Any) -> Any:
        """Return a value that stays what it is now."""
        if type(x) is not np.ndarray:
            return x.detached() if isinstance(x, Traced) else x
        if x.nbytes <= SMALL:
            return x.copy("K")
        if self._held is None:
            self._held = _Held()
        self._held.lock(x)
        return x

    def release(self) -> None:
        """Give the arrays back; those that no other tape holds become writeable, bases first."""
        if self._held is not None:
            self._held.release()


class _Held:
    """Arrays that are read-only until they are released, or until this object is let go."""

    __slots__ = ("arrays",)

    def __init__(self) -> None:
        self.arrays: dict[int, np.ndarray[Any, Any]] = {}

    def lock(self, x: np.ndarray[Any, Any]) -> None:
        """Make an array and those whose memory it views read-only."""
        base: Any = x
        while isinstance(base, np.ndarray) and id(base) not in self.arrays:
            x = base
            with _mutex:
                if not x.flags.writeable and id(x) not in _holders:
                    return  # the user's own choice, not ours to undo
                x.flags.writeable = False
                _holders[id(x)] = _holders.get(id(x), 0) + 1
                self.arrays[id(x)] = x
            base = x.base

    def release(self) -> None:
        """Give all arrays back; a signal on the way leaves those that are left to the next call."""
        for key, x in sorted(self.arrays.items(), key=lambda item: _depth(item[1])):
            with _mutex:
                del self.arrays[key]
                _holders[key] -= 1
                if not _holders[key]:
                    _give_back(x)

    def __del__(self) -> None:
        if getattr(self, "arrays", None):  # which a signal may have kept from being made
            try:
                self.release()
            except KeyboardInterrupt:  # Python says so, and goes on; the arrays are not to stay as they are
                self.release()
                raise


def _give_back(x: np.ndarray[Any, Any]) -> None:
    """Make an array writeable that no tape holds; a view of one that is held waits until that is given back."""
    if isinstance(x.base, np.ndarray) and id(x.base) in _holders:
        _waiting.setdefault(id(x.base), []).append(x)
        return
    del _holders[id(x)]
    with contextlib.suppress(
        ValueError
    ):  # of a base that the user has made read-only: NumPy allows it no more
        x.flags.writeable = True
    for view in _waiting.pop(id(x), ()):
        if _holders.get(id(view)) == 0:
            _give_back(view)


def _depth(x: np.ndarray[Any, Any]) -> int:
    """Return how many arrays lie between an array and the one that owns its memory, and that."""
    depth = 0
    while isinstance(x.base, np.ndarray):
        x = x.base
        depth += 1
    return depth

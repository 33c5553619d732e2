"""Writes in place: what lets a loop that fills an array entry by entry cost one entry per write.

As a function, x[i] = v makes a copy. Here the write goes into the buffer itself, if the handle is its only
holder: no site has saved it, no view looks at it. Sites of reads and writes hold stand-ins of the arrays,
which have their shape and dtype and no memory, because their rules look at nothing else; so a loop of reads
and writes keeps one buffer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.operators import PLAIN

if TYPE_CHECKING:
    from wengert.core.dispatch import Traced

__all__ = ["is_static", "private_buffer", "stand_in", "writes_plainly"]

_MEMORY = bytes(np.dtype(np.clongdouble).itemsize)
_STATIC = frozenset({int, slice, type(None), type(Ellipsis)})


def stand_in(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array of zeros of the same shape and dtype that takes no memory."""
    return np.ndarray(x.shape, x.dtype, _MEMORY, 0, (0,) * x.ndim)


def is_static(index: Any) -> bool:
    """Whether an index is basic, and needs no normalising."""
    if type(index) is tuple:
        return all([type(item) in _STATIC for item in index])  # noqa: C419 - a list is quicker here
    return type(index) in _STATIC


def writes_plainly(x: np.ndarray[Any, Any], v: Any) -> bool:
    """Whether assigning v into x is NumPy's plain copy, without a conversion that NumPy might refuse.

    Leading axes of length 1, which an assignment ignores, are left to the general way.
    """
    if type(v) not in PLAIN:
        return False
    if type(v) is float or type(v) is int:
        return x.dtype.kind in "fc"
    return isinstance(v, np.ndarray | np.generic) and v.dtype == x.dtype and v.shape[:1] != (1,)


def _holders(holder: Any, slot: str) -> int:
    return sys.getrefcount(getattr(holder, slot))


class _Sole:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = np.zeros(1)


_ALONE = _holders(_Sole(), "value")  # measured: what the call itself adds differs between versions of Python


def private_buffer(x: Traced, slot: str = "value") -> np.ndarray[Any, Any]:
    """Return the array in a slot of a handle to write into: itself if nobody else holds it, otherwise a copy."""
    if _holders(x, slot) <= _ALONE:
        buffer = getattr(x, slot)
        if buffer.base is None and buffer.flags.writeable:
            return buffer  # type: ignore[no-any-return]
    return getattr(x, slot).copy("K")  # type: ignore[no-any-return]

"""Results with memory of their own: a loop may hand on what it was given, and its caller may write into either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["unshared"]


def unshared(ys: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
    """Return results, copied where their memory is that of an operand, of another result, or not to be written.

    Traced ones are handles, which are written one by one.
    """
    taken = {_owner(x) for x in operands if isinstance(x, np.ndarray)}
    found = []
    for y in ys:
        if isinstance(y, np.ndarray):
            own = y if y.flags.writeable and _owner(y) not in taken else y.copy()
            taken.add(_owner(own))
            found.append(own)
        else:
            found.append(y)
    return found


def _owner(x: Any) -> int:
    """Return which memory an array lies in; the array, or what it views, must be alive."""
    while isinstance(x, np.ndarray) and x.base is not None:
        x = x.base
    return id(x)

"""What a trap is: a function, a point where differentiation goes wrong easily, and what mathematics says there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Trap", "diagonal"]


@dataclass(frozen=True, kw_only=True)
class Trap:
    """A real function of one real array, with its declared derivatives.

    Attributes
    ----------
    name : str
        What the function is, and where.
    fun : callable
        Returns a number.
    x : array or float
        The point.
    first, second : array or float
        The declared gradient and Hessian, of shapes x.shape and x.shape + x.shape (or what broadcasts to them).
    why : str
        Where the declared numbers come from.
    rounding : int
        The error allowed, in units of eps times the largest declared number: a few operations' worth by default.
    """

    name: str
    fun: Callable[[Any], Any]
    x: Any
    first: Any
    second: Any
    why: str
    rounding: int = 16


def diagonal(*entries: float) -> np.ndarray[Any, Any]:
    """Return a diagonal Hessian, exact zeros beside infinite entries too."""
    return np.diag(entries)

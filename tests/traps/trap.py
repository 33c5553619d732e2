"""What a trap is: a function, a point where differentiation goes wrong easily, and what mathematics says there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
        The declared gradient and Hessian, of shapes x.shape and x.shape + x.shape (or what broadcasts to
        them); None where no Hessian is declared.
    why : str
        Where the declared numbers come from.
    rounding : int
        The error allowed, in units of eps times the largest declared number: a few operations' worth by
        default.
    exact : bool
        Whether forward mode gives NumPy's value to the bit: where eigenvalues repeat it takes a basis of its
        own.
    instead : dict
        Modes in which a limit is declared: what they give instead, nan or a convention.
    """

    name: str
    fun: Callable[[Any], Any]
    x: Any
    first: Any
    second: Any
    why: str
    rounding: int = 16
    exact: bool = True
    instead: dict[str, Any] = field(default_factory=dict)


def diagonal(*entries: float) -> np.ndarray[Any, Any]:
    """Return a diagonal Hessian, exact zeros beside infinite entries too."""
    return np.diag(entries)

"""Workloads: what is differentiated, by whom, and what must be reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import wengert as wg
from wengert import tree

Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Limit:
    """What Wengert may take: a multiple of what C takes, and some microseconds for a call from Python."""

    times: float = 0.0
    plus: float = 0.0

    def __call__(self, by_hand: float | None) -> float | None:
        """Return the limit in microseconds, or None where it depends on C and there is none."""
        if by_hand is None:
            return None if self.times else self.plus
        return self.times * by_hand + self.plus


@dataclass(frozen=True)
class Workload:
    """A program, its arguments, and who else computes the derivative.

    Attributes
    ----------
    name : str
    fun : callable
        The program, in plain NumPy.
    arguments : callable
        Makes its arguments; its own argument says whether they are to be tiny.
    file, by_hand : str
        The C file and function. It is given pointers to the numbers and arrays of the arguments, then to those of the
        results, and `sizes` of the arguments.
    limit : Limit
    argnums : int or tuple of int
    sizes : callable
    derivative : callable
        Of the program; its value and gradient by default.
    routine : str
        Of BLAS, given to C behind all else.
    calls : int
        In one sample, so that what calls C does not count.
    rtol : float
        Relative to the largest entry of a result: bounds the rounding of another order of operations.
    """

    name: str
    fun: Callable[..., Any]
    arguments: Callable[[bool], Arguments]
    file: str
    by_hand: str
    limit: Limit
    argnums: int | tuple[int, ...] = 0
    sizes: Callable[[Arguments], Sequence[int]] = lambda args: ()
    derivative: Callable[..., Callable[..., Any]] = wg.value_and_grad
    routine: str = ""
    calls: int = 1
    rtol: float = 1e-12

    def differentiated(self) -> Callable[..., Any]:
        """Return the derivative as Wengert computes it, not compiled."""
        return self.derivative(self.fun, self.argnums)


def leaves(results: Any) -> list[np.ndarray]:
    """Return the numbers and arrays of arguments or results, as arrays."""
    return [np.asarray(leaf) for leaf in tree.flatten(results)[0]]


def require_same(who: str, found: Sequence[np.ndarray], expected: Sequence[np.ndarray], rtol: float) -> None:
    """Stop if two disagree on a derivative."""
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        scale = np.max(np.abs(b), initial=0.0)
        if a.shape != b.shape or not np.all(np.abs(a - b) <= rtol * scale):
            difference = np.max(np.abs(a - b)) if a.shape == b.shape else "in shape"
            message = f"{who}: result {k} differs by {difference}, where the largest entry is {scale}"
            raise AssertionError(message)

"""lift: a function rewritten from its source, whose control flow becomes that of a graph where values are traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.errors import check_callable

__all__ = ["lift"]


def lift(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function rewritten from its source, whose loops and branches stay such when values are traced.

    Parameters
    ----------
    fun : callable
        A Python function, method or lambda whose source can be found. Python functions that it calls are lifted on the
        way, wherever they come from.

    Returns
    -------
    callable
        Computes the same. In a graph (under `jit`, `trace`, `vmap`, in other loops)

        * ``if``, ``while`` and conditional expressions on traced values become `cond` and `while_loop`, and so do
          ``and``, ``or``, ``not``, chains of comparisons, ``break``, ``continue`` and early ``return``;
        * ``for`` over arrays, ranges, ``enumerate`` and ``zip`` becomes a loop where it takes more than 16 steps, or
          where a bound is traced;
        * ``np.zeros`` and its kin give arrays that take traced values, and ``math``, ``abs``, ``min``, ``max``,
          ``sum``, ``round``, ``int``, ``float``, ``bool`` work on traced values.

    Raises
    ------
    LiftError
        If the source cannot be found, or is that of a generator or coroutine; and, when it runs, for loops on traced
        values that cannot be loops of a graph: which line, and why.

    Notes
    -----
    A variable has one type, whatever way the program goes. A branch that cannot be one of a graph is decided by a guard
    under `jit`, as it is without `lift`.

    Examples
    --------
    >>> import wengert as wg
    >>> def compound(rate, years):
    ...     x = 1.0
    ...     for _ in range(years):
    ...         x = x * (1.0 + rate)
    ...     return x
    >>> wg.lift(compound)(0.5, 2)
    2.25
    """
    check_callable(fun, "lift")
    from wengert.lifting.functions import lifted  # it reads sources, which few programs ask for

    return lifted(fun)

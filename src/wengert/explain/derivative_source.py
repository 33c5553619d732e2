"""The derivative of a function as source: readable, runnable, without Wengert.

The program is the one that differentiation runs: operations, then their rules in reverse, simplified where that does
not change what can be read. Values are called as the function's lines call them, otherwise v1, v2, ...; what only a
rule needs, t1, t2, ... An adjoint has the name of its value with ``_bar``, a tangent with ``_dot``.

Loops (`scan`, `fori_loop`, `while_loop`) are loops, which keep on stacks what their reversal reads. Where a branch of
Python's decided, the program refuses arguments that would take the other.

    numpy   what NumPy has no function for is defined before: every primitive has its value written in NumPy
    c       a function of C99 that needs math.h only, for functions of double precision that return one number; it
            takes the numbers and arrays of the arguments, then pointers to those of the derivative, and returns the
            value, nan where the function would go another way
    latex   function and derivatives as formulas, for functions that SymPy knows
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.api.arguments import ArgNums
from wengert.errors import ArgumentError, check_callable
from wengert.explain.source.c_program import c_source
from wengert.explain.source.latex import latex_source
from wengert.explain.source.primal import staged
from wengert.explain.source.program import numpy_source
from wengert.explain.source.sweeps import forward_program, reverse_program

__all__ = ["derivative_source"]

_MODES = {"reverse": reverse_program, "forward": forward_program}
_LANGUAGES = {"numpy": numpy_source, "c": c_source}


def derivative_source(
    fun: Callable[..., Any],
    *args: Any,
    mode: str = "reverse",
    language: str = "numpy",
    argnums: ArgNums | None = None,
    guarded: bool = True,
) -> str:
    """Return the derivative of a function as source that needs NumPy only.

    Parameters
    ----------
    fun : callable
        Function of numbers, arrays, and tuples, lists and dicts of them.
    *args
        Its arguments: the source is for their shapes and types, and for the way that the function takes with them.
    mode : str
        "reverse": returns value and gradient. "forward": takes tangents, too, returns value and tangent.
    language : str
        "numpy", "c", or "latex" (see the module).
    argnums : int or tuple of int, optional
        Which arguments to differentiate; all that are made of floating numbers by default.
    guarded : bool
        Whether products leave out 0 times infinity, as all derivatives of Wengert do; without, programs are shorter.

    Returns
    -------
    str
        A module with one function, ``value_and_grad_NAME`` or ``jvp_NAME``, or lines of LaTeX.

    Raises
    ------
    ArgumentError, NotDifferentiableError
        For an unknown mode or language, large constants; arguments or a result without a derivative.
    RefusedError
        If the function cannot be written in the language: it calls an external program, for instance.

    Examples
    --------
    >>> print(derivative_source(lambda x: x * x, 3.0))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def value_and_grad_lambda(x):
        ...
        return v1, x_bar
    <BLANKLINE>
    """
    check_callable(fun, "derivative_source")
    _require("mode", mode, list(_MODES))
    _require("language", language, [*_LANGUAGES, "latex"])
    if language == "latex":
        return latex_source(fun, args, argnums)
    program = _MODES[mode](staged(fun, args, argnums))
    return _LANGUAGES[language](fun, program, guarded=guarded)


def _require(what: str, chosen: str, known: list[str]) -> None:
    if chosen not in known:
        raise ArgumentError(
            f"derivative_source: there is no {what} {chosen!r}",
            why=f"each {what} has a writer of its own.",
            instead="one of " + ", ".join(map(repr, known)) + ".",
        )

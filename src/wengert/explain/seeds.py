"""Where sweeps start: the tangents of inputs, the adjoint of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError, NotDifferentiableError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cotangent", "tangents"]


def cotangent(y: Any, seed: Any, caller: str) -> Any:
    """Return the adjoint of a result: the seed in its type, or 1 for one real number.

    Parameters
    ----------
    y : number or array
    seed : number, array or None
    caller : str
        For messages.

    Returns
    -------
    number or array

    Raises
    ------
    ArgumentError
        If the seed has another shape.
    NotDifferentiableError
        If there is none, and the result is not one real number.
    """
    if seed is None:
        if np.size(y) != 1 or y.dtype.kind == "c":
            raise NotDifferentiableError(
                f"{caller}: the function returned {y.dtype} of shape {np.shape(y)}",
                why="the reverse sweep starts from one real number.",
                instead='a function that returns one, for instance a sum, seed=, or mode="forward".',
            )
        return np.ones(np.shape(y), y.dtype)[()]
    return _like(seed, y, f"{caller}: the seed of the result")


def tangents(xs: Sequence[Any], structure: Any, seed: Any, caller: str) -> list[Any]:
    """Return the tangents of inputs from a tree of the arguments' structure; None in it is zero.

    Parameters
    ----------
    xs : sequence of arrays
        Leaves of the differentiated arguments.
    structure : pytree
        These arguments.
    seed : pytree
    caller : str
        For messages.

    Returns
    -------
    list of arrays

    Raises
    ------
    ArgumentError
        If structure or shapes differ.
    """
    try:
        given = tree.parts(tree.flatten(structure)[1], seed)
    except ValueError:
        raise ArgumentError(
            f"{caller}: the seed has another structure than the differentiated arguments",
            why="each number and array has a tangent of its own.",
            instead="a tuple of one tangent for each argument, or the tangent alone for one argument.",
        ) from None
    return [
        np.zeros(np.shape(x), x.dtype)[()] if d is None else _like(d, x, f"{caller}: the seed of an input")
        for d, x in zip(given, xs, strict=True)
    ]


def _like(seed: Any, x: Any, what: str) -> Any:
    seed = np.asarray(seed)
    if (
        seed.shape != np.shape(x)
        or (seed.dtype.kind == "c" and x.dtype.kind != "c")
        or seed.dtype.kind not in "biufc"
    ):
        raise ArgumentError(
            f"{what} is {seed.dtype} of shape {seed.shape}",
            why=f"it belongs to {x.dtype} of shape {np.shape(x)}.",
            instead="give numbers of that shape.",
        )
    return seed.astype(x.dtype)[()]

"""A derivative to be taken: a function at a point, and the shape of its Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import tree
from wengert.api.arguments import ArgNums, Arguments, as_output
from wengert.core.dispatch import Traced
from wengert.errors import ArgumentError, NotDifferentiableError

__all__ = ["Problem", "posed"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A function at a point.

    Attributes
    ----------
    fun : callable
    args : tuple
    argnums : int or tuple of int
        Which arguments are differentiated.
    leaves : list of arrays and numbers
        Their arrays.
    shape : tuple of int
        Of the result.
    """

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: ArgNums
    leaves: list[Any]
    shape: tuple[int, ...]

    @property
    def n(self) -> int:
        """The number of inputs."""
        return sum([int(np.size(x)) for x in self.leaves])

    @property
    def m(self) -> int:
        """The number of outputs."""
        return int(np.prod(self.shape))

    @property
    def name(self) -> str:
        """What the function is called."""
        return str(getattr(self.fun, "__name__", None) or getattr(self.fun, "text", None) or "function")

    def of_leaves(self, *leaves: Any) -> Any:
        """Return the function's value for other arrays in place of those that are differentiated."""
        given = Arguments(self.argnums, self.args, {}, "compare")
        return given.call(self.fun, leaves)

    def matrix(self, derivative: Any, who: str) -> Any:
        """Return a gradient or Jacobian, in the structure of the arguments, as a matrix of m rows and n columns."""
        parts = [np.asarray(part) for part in tree.flatten(derivative)[0]]
        sizes = [self.m * int(np.size(x)) for x in self.leaves]
        if [part.size for part in parts] != sizes:
            shapes = ", ".join(str(self.shape + np.shape(x)) for x in self.leaves)
            raise ArgumentError(
                f"{who} gave arrays of shapes {', '.join(str(part.shape) for part in parts)}",
                why=f"the derivative has {shapes}.",
                instead="return the gradient or Jacobian in the structure of the arguments.",
            )
        return np.concatenate([np.reshape(part, (self.m, -1)) for part in parts], axis=1)


def posed(fun: Callable[..., Any], args: Sequence[Any], argnums: ArgNums | None, name: str) -> Problem:
    """Return the problem of differentiating a function at a point, by all arguments that vary continuously.

    Raises
    ------
    ArgumentError, NotDifferentiableError
        If there is none, or the result is not one array of real numbers.
    """
    args = tuple(args)
    if argnums is None:
        found = tuple(i for i, x in enumerate(args) if _varies(x))
        argnums = found[0] if len(found) == 1 else found
    leaves = Arguments(argnums, args, {}, name).leaves
    if not leaves:
        raise ArgumentError(
            f"{name}: there is nothing to differentiate by", instead="an argument of floating-point numbers"
        )
    y = fun(*args)
    if isinstance(y, Traced):
        raise ArgumentError(
            f"{name} was called inside a transformation", instead="call it with plain arrays, outside"
        )
    y = as_output(y, name)
    if np.iscomplexobj(y) or any(np.iscomplexobj(x) for x in leaves) or y.dtype.kind != "f":
        raise NotDifferentiableError(
            f"{name}: the function of {', '.join(str(x.dtype) for x in leaves)} returned {y.dtype}",
            why="what is compared are derivatives of real results with respect to real numbers.",
            instead="a function of and with real floating-point numbers.",
        )
    return Problem(fun, args, argnums, leaves, np.shape(y))


def _varies(x: Any) -> bool:
    leaves = tree.flatten(x)[0]
    return bool(leaves) and all(
        isinstance(v, float) or getattr(v, "dtype", np.dtype(int)).kind in "fc" for v in leaves
    )

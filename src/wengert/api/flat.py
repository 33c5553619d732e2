"""Functions of pytrees as functions of flat leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import as_direction, as_input, as_output, zeros_of
from wengert.errors import ArgumentError, check_callable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["FlatFunction", "zero_tangent"]


class FlatFunction:
    """A function of pytrees as a function of flat leaves; remembers the structure of its result and its aux."""

    def __init__(self, fun: Callable[..., Any], primals: Any, name: str, *, has_aux: bool = False) -> None:
        check_callable(fun, name)
        if not isinstance(primals, tuple | list):
            raise ArgumentError(
                f"{name} takes the primals as a tuple, one entry per argument, not a {type(primals).__name__}",
                why="a function may have several arguments, and each of them may itself be a container.",
                instead=f"write {name}(f, (x,), ...).",
            )
        self.fun, self.name, self.has_aux = fun, name, has_aux
        leaves, self.structure = tree.flatten(tuple(primals))
        self.leaves = [as_input(x, lambda: f"a primal of {name}") for x in leaves]
        self.aux: Any = None
        self.out_structure: Any = None

    def __call__(self, *leaves: Any) -> list[Any]:
        """Call the function; return the leaves of its result."""
        y = self.fun(*tree.unflatten(self.structure, leaves))
        if self.has_aux:
            if not (isinstance(y, tuple) and len(y) == 2):
                raise ArgumentError(
                    "with has_aux=True the function must return a pair (value, aux)",
                    why="the value is differentiated, and aux is handed through.",
                    instead="return (value, aux), or leave has_aux out.",
                )
            y, self.aux = y
        ys, self.out_structure = tree.flatten(y)
        return [as_output(v, self.name) for v in ys]

    def directions(self, trees: Any, structure: Any, values: Sequence[Any], what: str) -> list[Any]:
        """Return the leaves of tangents or cotangents, checked against the values they belong to."""
        leaves, found = tree.flatten(trees)
        if found != structure:
            raise ArgumentError(
                f"the {what}s of {self.name} have another structure than the values",
                why=f"{what}s: {found}; values: {structure}.",
                instead=f"give one {what} for each value, in the same containers.",
            )
        return [as_direction(v, x, what) for v, x in zip(leaves, values, strict=True)]

    def result(self, ys: Sequence[Any]) -> Any:
        """Return leaves in the structure of the function's result."""
        return tree.unflatten(self.out_structure, ys)


def zero_tangent(y: Any) -> Any:
    """Return the zero tangent of an output; that of an integer is a float."""
    return zeros_of(y if y.dtype.kind in "fc" else np.zeros(np.shape(y))[()])

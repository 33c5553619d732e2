"""A step of training as one compiled program of leaves.

To take modules apart and to put them together takes longer than a small step. So between steps a model and the state
of the optimiser stay as their leaves, and are trees again when somebody looks. What they hold beside arrays is part of
the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError
from wengert.jit import jit

__all__ = ["CompiledStep", "Leaves"]


class Leaves(NamedTuple):
    """Parameters, the rest of the model, and the state of the optimiser: the arrays in each, in their order."""

    params: tuple[Any, ...]
    rest: tuple[Any, ...]
    state: tuple[Any, ...]


class CompiledStep:
    """(leaves, key, number, batch) -> (leaves, value, norm, metrics), compiled.

    Parameters
    ----------
    step : callable
        (params, rest, state, key, number, batch) -> (params, rest, state, value, norm, metrics), not compiled.
    params, rest, state : pytree
        Of the structures that stay.
    """

    def __init__(self, step: Callable[..., Any], params: Any, rest: Any, state: Any) -> None:
        self._step = step
        self._structures = tuple([tree.flatten(x)[1] for x in (params, rest, state)])
        # What is no array, such as a function in a model: a tuple of one, in its place among the leaves of the rest.
        self._fixed = tuple([None if _is_array(x) else (x,) for x in tree.flatten(rest)[0]])
        self._run = jit(self._flat)

    def __call__(self, leaves: Leaves, key: Any, number: Any, batch: tuple[Any, ...]) -> Any:
        """Take a step."""
        made, *numbers = self._run(leaves, key, number, batch)
        return Leaves(*made), *numbers

    def leaves(self, params: Any, rest: Any, state: Any) -> Leaves:
        """Return the arrays of trees of those structures."""
        parts = [tree.flatten(x) for x in (params, rest, state)]
        if tuple([structure for _, structure in parts]) != self._structures:
            raise ArgumentError(
                "fit: a step changes the structure of the model or of the state of the optimiser",
                why="it is compiled once, for one structure.",
                instead="return buffers and states in the structure in which they were given.",
            )
        held = [x for x, own in zip(parts[1][0], self._fixed, strict=True) if own is None]
        return Leaves(tuple(parts[0][0]), tuple(held), tuple(parts[2][0]))

    def trees(self, leaves: Leaves) -> tuple[Any, Any, Any]:
        """Return the parameters, the rest and the state of which these are the arrays."""
        arrays = iter(leaves.rest)
        rest = [next(arrays) if own is None else own[0] for own in self._fixed]
        params, rest, state = map(tree.unflatten, self._structures, (leaves.params, rest, leaves.state))
        return params, rest, state

    def _flat(self, leaves: Any, key: Any, number: Any, batch: tuple[Any, ...]) -> Any:
        *made, value, norm, metrics = self._step(*self.trees(leaves), key, number, batch)
        return self.leaves(*made), value, norm, metrics


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic)

"""A step of training as one compiled program of flat arguments.

The boundary of native code knows tuples of arrays, and takes them apart itself. Modules and states are taken apart
here, once on the way in and once on the way out; what they hold beside arrays is part of the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError
from wengert.jit import jit

__all__ = ["CompiledStep"]


class CompiledStep:
    """(params, rest, state, key, number, batch) -> (params, rest, state, value, norm, metrics), compiled.

    Parameters
    ----------
    step : callable
        The same, not compiled.
    params, rest, state : pytree
        Of the structure that stays.
    """

    def __init__(self, step: Callable[..., Any], params: Any, rest: Any, state: Any) -> None:
        self._structures = tuple([tree.flatten(x)[1] for x in (params, rest, state)])
        leaves = tree.flatten(rest)[0]
        self._fixed = tuple([None if _is_array(x) else (x,) for x in leaves])
        self._run = jit(_flat(step, self._structures, self._fixed))

    def __call__(
        self, params: Any, rest: Any, state: Any, key: Any, number: Any, batch: tuple[Any, ...]
    ) -> Any:
        """Take a step."""
        given = [tuple(tree.flatten(x)[0]) for x in (params, rest, state)]
        arrays = tuple([x for x in given[1] if _is_array(x)])
        made = self._run(given[0], arrays, given[2], key, number, batch)
        trees = (made[0], _filled(made[1], self._fixed), made[2])
        return (*[tree.unflatten(s, x) for s, x in zip(self._structures, trees, strict=True)], *made[3:])


def _flat(
    step: Callable[..., Any], structures: tuple[Any, ...], fixed: tuple[Any, ...]
) -> Callable[..., Any]:
    def training_step(params: Any, arrays: Any, state: Any, key: Any, number: Any, batch: Any) -> Any:
        given = [
            tree.unflatten(s, x)
            for s, x in zip(structures, (params, _filled(arrays, fixed), state), strict=True)
        ]
        *made, value, norm, metrics = step(*given, key, number, batch)
        parts = [tree.flatten(x) for x in made]
        if tuple([structure for _, structure in parts]) != structures:
            raise ArgumentError(
                "fit: a step changes the structure of the model or of the state of the optimiser",
                why="it is compiled once, for one structure.",
                instead="return buffers and states in the structure in which they were given.",
            )
        held = tuple([x for x, own in zip(parts[1][0], fixed, strict=True) if own is None])
        return (
            tuple(parts[0][0]),
            held,
            tuple(parts[2][0]),
            value,
            norm,
            {k: metrics[k] for k in sorted(metrics)},
        )

    return training_step


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic)


def _filled(arrays: Any, fixed: tuple[Any, ...]) -> list[Any]:
    """Return the leaves of which these are the arrays."""
    left = iter(arrays)
    return [next(left) if own is None else own[0] for own in fixed]

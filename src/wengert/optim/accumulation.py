"""Steps from the mean gradient of several batches, for batches larger than memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.control.cond import cond
from wengert.errors import ArgumentError
from wengert.optim.optimizer import Optimizer, check_state, check_structure, inner_observer, typed

__all__ = ["Accumulated", "accumulate"]


class Accumulated(NamedTuple):
    """The state of `accumulate`.

    Attributes
    ----------
    inner : pytree
        The state of the optimiser that steps.
    mean : pytree
        Of the gradients since its last step.
    held : integer
        How many these are.
    """

    inner: Any
    mean: Any
    held: Any


def accumulate(optimizer: Optimizer, batches: int) -> Optimizer:
    """Optimizer that steps once for several batches, with the mean of their gradients.

    Parameters
    ----------
    optimizer : Optimizer
        It takes the steps, and counts these.
    batches : int
        How many make a step; parameters stay as they are at the others.

    Returns
    -------
    Optimizer

    Examples
    --------
    >>> from wengert.optim import sgd
    >>> optimizer = accumulate(sgd(1.0), 2)
    >>> x, state = optimizer.update(1.0, optimizer.init(0.0), 0.0)
    >>> float(x)
    0.0
    >>> x, state = optimizer.update(3.0, state, x)
    >>> float(x)
    -2.0
    """
    if batches < 1:
        raise ArgumentError(
            f"accumulate: a step of {batches!r} batches",
            why="gradients of so many batches are averaged for each step.",
            instead="pass a whole number, 1 or more.",
        )
    name = f"accumulate({optimizer.name}, {batches})"

    def init(params: Any) -> Accumulated:
        return Accumulated(
            optimizer.init(params), tree.map_leaves(lambda p: np.zeros_like(p)[()], params), np.int64(0)
        )

    def update(grads: Any, state: Any, params: Any) -> tuple[Any, Accumulated]:
        check_state(name, state, Accumulated)
        check_structure(name, grads, params)
        return _accumulated(optimizer, batches, grads, state, params)

    scale = optimizer.loss_scale
    if scale is not None:
        raise ArgumentError(
            f"accumulate: {optimizer.name} scales the loss",
            why="the scale may change between the batches of a step.",
            instead="write loss_scaling(accumulate(adam(1e-3), 4)).",
        )
    return replace(optimizer, name=name, init=init, update=update, observe=inner_observer(optimizer))


def _accumulated(
    optimizer: Optimizer, batches: int, grads: Any, state: Accumulated, params: Any
) -> tuple[Any, Accumulated]:
    held = state.held + 1
    # The running mean: after k gradients it is their mean, whatever k is, and does not overflow.
    mean = tree.map_leaves(lambda m, g: m + (typed(g, m) - m) * typed(1.0 / held, m), state.mean, grads)

    def stepped(params: Any, inner: Any, mean: Any) -> Any:
        params, inner = optimizer.update(mean, inner, params)
        return params, inner, tree.map_leaves(lambda m: np.zeros_like(m)[()], mean)

    def held_back(params: Any, inner: Any, mean: Any) -> Any:
        return params, inner, mean

    params, inner, mean = cond(held >= batches, stepped, held_back, params, state.inner, mean)
    return params, Accumulated(inner, mean, held % batches)

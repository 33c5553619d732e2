"""The exponential moving average of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError
from wengert.optim.optimizer import Optimizer, check_fractions, check_state, inner_observer, typed

__all__ = ["Averaged", "average", "averaged"]


class Averaged(NamedTuple):
    """The state of `average`.

    Attributes
    ----------
    inner : pytree
        The state of the optimiser.
    mean : pytree
        The moving mean of parameters, not yet divided by the sum of its weights.
    count : integer
        Steps taken.
    decay : float
    """

    inner: Any
    mean: Any
    count: Any
    decay: Any


def average(optimizer: Optimizer, decay: float = 0.999) -> Optimizer:
    """Optimizer that remembers the exponential moving average of the parameters.

    Parameters
    ----------
    optimizer : Optimizer
        It takes the steps; the average does not change them.
    decay : float
        What the mean keeps in a step.

    Returns
    -------
    Optimizer
        ``averaged(state)`` is the average.

    Notes
    -----
    Polyak and Juditsky (1992), "Acceleration of stochastic approximation by averaging", with exponential weights that
    add up to 1 from the first step on, as the means in `adam` do.

    Examples
    --------
    >>> from wengert.optim import sgd
    >>> optimizer = average(sgd(1.0), 0.5)
    >>> x, state = optimizer.update(-1.0, optimizer.init(0.0), 0.0)
    >>> x, state = optimizer.update(-3.0, state, x)
    >>> float(x), float(averaged(state))
    (4.0, 3.0)
    """
    check_fractions("average", decay=decay)
    name = f"average({optimizer.name}, {decay})"

    def init(params: Any) -> Averaged:
        zeros = tree.map_leaves(lambda p: np.zeros_like(p)[()], params)
        return Averaged(optimizer.init(params), zeros, np.int64(0), np.float64(decay))

    def update(grads: Any, state: Any, params: Any) -> tuple[Any, Averaged]:
        check_state(name, state, Averaged)
        params, inner = optimizer.update(grads, state.inner, params)
        mean = tree.map_leaves(lambda m, p: decay * m + (1.0 - decay) * typed(p, m), state.mean, params)
        return params, Averaged(inner, mean, state.count + 1, state.decay)

    scale = optimizer.loss_scale
    outer = None if scale is None else lambda state: scale(state.inner)
    return replace(
        optimizer, name=name, init=init, update=update, observe=inner_observer(optimizer), loss_scale=outer
    )


def averaged(state: Any) -> Any:
    """Average of the parameters that a state of `average` remembers.

    Parameters
    ----------
    state : Averaged
        Or a state that holds one, such as that of `accumulate`.

    Returns
    -------
    pytree
        Like the parameters.

    Examples
    --------
    >>> from wengert.optim import sgd
    >>> optimizer = average(sgd(1.0))
    >>> float(averaged(optimizer.update(-2.0, optimizer.init(0.0), 0.0)[1]))
    2.0
    """
    found = next(_averages(state), None)
    if found is None or not found.count:
        raise ArgumentError(
            "averaged: there is no average" + (" yet" if found is not None else " in this state"),
            why="average(optimizer) keeps one, from its first step on.",
            instead="train with wengert.optim.average(adam(1e-3)).",
        )
    # The sum of the weights (1 - decay) decay^k, k < count.
    total = 1.0 - found.decay**found.count
    return tree.map_leaves(lambda m: m / typed(total, m), found.mean)


def _averages(state: Any) -> Iterator[Averaged]:
    if isinstance(state, Averaged):
        yield state
    elif isinstance(state, tuple):
        for part in state:
            yield from _averages(part)

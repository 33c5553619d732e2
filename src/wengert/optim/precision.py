"""Mixed precision: a loss computed in another dtype than its parameters have, and scaled losses.

The parameters that the optimiser moves stay as they are, and are the masters. `compute_in` casts them where the loss
begins; casting is linear, so its adjoint brings the gradient back to their dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.control.cond import cond
from wengert.errors import ArgumentError, check_callable
from wengert.optim.optimizer import Optimizer, check_state, inner_observer, typed

__all__ = ["Scaled", "cast", "compute_in", "loss_scaling"]


def cast(x: Any, dtype: Any) -> Any:
    """Tree with its floating-point arrays in another precision.

    Parameters
    ----------
    x : pytree
        Other leaves stay as they are.
    dtype : dtype
        Of real floating-point numbers.

    Returns
    -------
    pytree

    Examples
    --------
    >>> cast({"w": np.ones(2), "labels": np.array([1, 2])}, np.float32)
    {'w': array([1., 1.], dtype=float32), 'labels': array([1, 2])}
    """
    wanted = np.dtype(dtype)
    if wanted.kind != "f":
        raise ArgumentError(
            f"cast: {wanted} is no dtype of real floating-point numbers",
            why="parameters and activations are such.",
            instead="pass np.float32 or np.float64.",
        )
    return tree.map_leaves(
        lambda v: v.astype(wanted) if getattr(getattr(v, "dtype", None), "kind", "") == "f" else v, x
    )


def compute_in(loss: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    """Loss whose floating-point arguments are cast first: computed in one precision, trained in another.

    Parameters
    ----------
    loss : callable
    dtype : dtype
        np.float32 for float64 parameters computes quickly and adds up small steps without loss; np.float64 for
        float32 parameters computes accurately and stores half.

    Returns
    -------
    callable
        Its gradient has the dtype of the parameters that it is called with.

    Notes
    -----
    Micikevicius et al. (2018), "Mixed precision training", section 3.1.

    Examples
    --------
    >>> import wengert as wg
    >>> loss = compute_in(lambda w, x: np.sum(np.tanh(w * x)), np.float32)
    >>> loss(np.ones(2), np.ones(2)).dtype, wg.grad(loss)(np.ones(2), np.ones(2)).dtype
    (dtype('float32'), dtype('float64'))
    """
    check_callable(loss, "compute_in")
    cast((), dtype)

    @wraps(loss)
    def computed(*args: Any, **kwargs: Any) -> Any:
        return loss(*cast(args, dtype), **cast(kwargs, dtype))

    return computed


class Scaled(NamedTuple):
    """The state of `loss_scaling`.

    Attributes
    ----------
    inner : pytree
        The state of the optimiser.
    scale : float
        What the loss is multiplied by.
    good : integer
        Steps since the scale changed.
    skipped : integer
        Steps not taken so far.
    """

    inner: Any
    scale: Any
    good: Any
    skipped: Any


def loss_scaling(
    optimizer: Optimizer, initial: float = 2.0**15, every: int = 2000, factor: float = 2.0
) -> Optimizer:
    """Optimizer for gradients of a multiple of the loss, so that small ones do not underflow.

    Parameters
    ----------
    optimizer : Optimizer
        It is given the gradients divided by the scale.
    initial : float
        The scale at first.
    every : int
        After so many good steps in a row the scale is multiplied by the factor. A step whose gradient is not finite
        is not taken, and divides it.
    factor : float

    Returns
    -------
    Optimizer
        With the attribute `loss_scale`, which `fit` heeds. In a loop of your own, differentiate
        ``optimizer.loss_scale(state) * loss``.

    Notes
    -----
    Micikevicius et al. (2018), "Mixed precision training", section 3.2.

    Examples
    --------
    >>> from wengert.optim import sgd
    >>> optimizer = loss_scaling(sgd(0.1), initial=1024.0)
    >>> state = optimizer.init(1.0)
    >>> x, state = optimizer.update(np.inf, state, 1.0)
    >>> float(x), float(optimizer.loss_scale(state))
    (1.0, 512.0)
    """
    if not 0.0 < initial < np.inf or not 1.0 < factor < np.inf or every < 1:
        raise ArgumentError(
            f"loss_scaling: the scale {initial!r} changes by {factor!r} every {every!r} steps",
            why="it is positive, and the factor by which it grows and shrinks is above 1.",
            instead="write loss_scaling(optimizer), or loss_scaling(optimizer, initial=1024.0).",
        )
    name = f"loss_scaling({optimizer.name})"

    def init(params: Any) -> Scaled:
        return Scaled(optimizer.init(params), np.float64(initial), np.int64(0), np.int64(0))

    def update(grads: Any, state: Any, params: Any) -> tuple[Any, Scaled]:
        check_state(name, state, Scaled)
        return _guarded(optimizer, every, factor, grads, state, params)

    return replace(
        optimizer,
        name=name,
        init=init,
        update=update,
        observe=inner_observer(optimizer),
        loss_scale=lambda state: state.scale,
    )


def _guarded(
    optimizer: Optimizer, every: int, factor: float, grads: Any, state: Scaled, params: Any
) -> tuple[Any, Scaled]:
    """Return a step along the gradient divided by the scale, or none."""
    plain = tree.map_leaves(lambda g: g / typed(state.scale, g), grads)
    finite: Any = True
    for g in tree.flatten(plain)[0]:
        finite = finite & np.all(np.isfinite(g))
    params, inner = cond(
        finite,
        lambda params, inner, plain: optimizer.update(plain, inner, params),
        lambda params, inner, plain: (params, inner),
        params,
        state.inner,
        plain,
    )
    grown = state.good + 1 >= every
    scale = np.where(finite, np.where(grown, state.scale * factor, state.scale), state.scale / factor)[()]
    good = np.where(finite & ~grown, state.good + 1, 0)[()]
    return params, Scaled(inner, scale, good, state.skipped + np.where(finite, 0, 1)[()])

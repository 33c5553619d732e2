"""Changes of a gradient before an optimiser sees it, and their chaining."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from wengert.errors import ArgumentError
from wengert.optim.optimizer import Optimizer, unknown_state

__all__ = ["GradientTransform", "chain"]


@dataclass(frozen=True, slots=True)
class GradientTransform:
    """A change of the gradient.

    Attributes
    ----------
    name : str
        For messages.
    init : params -> state
    update : (gradients, state, params) -> (gradients, state)
        Pure.
    """

    name: str
    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]


def stateless(name: str, change: Callable[[Any], Any]) -> GradientTransform:
    """Return a change of the gradient that remembers nothing."""
    return GradientTransform(name, lambda params: (), lambda grads, state, params: (change(grads), state))


def chain(*parts: GradientTransform | Optimizer) -> Optimizer:
    """Optimizer that is given a gradient changed on the way.

    Parameters
    ----------
    *parts : GradientTransform, ..., Optimizer
        Changes, in order, and last the optimiser.

    Returns
    -------
    Optimizer
        Its state is a tuple of theirs.

    Examples
    --------
    >>> from wengert.optim import clip_by_global_norm, sgd
    >>> optimizer = chain(clip_by_global_norm(1.0), sgd(0.1))
    >>> optimizer.update(50.0, optimizer.init(0.0), 0.0)[0]
    np.float64(-0.1)
    """
    *changes, last = parts or (None,)
    if not isinstance(last, Optimizer) or not all(isinstance(c, GradientTransform) for c in changes):
        raise ArgumentError(
            "chain takes changes of the gradient and then one optimiser",
            why=f"it got {', '.join([getattr(p, 'name', type(p).__name__) for p in parts]) or 'nothing'}.",
            instead="write chain(clip_by_global_norm(1.0), adam(1e-3)).",
        )
    name = f"chain({', '.join([part.name for part in (*changes, last)])})"

    def init(params: Any) -> Any:
        return tuple([part.init(params) for part in (*changes, last)])

    def update(grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        if not isinstance(state, tuple) or len(state) != len(parts):
            raise unknown_state(name, f"{type(state).__name__}, not a tuple of {len(parts)}")
        states = []
        for part, own in zip(changes, state[:-1], strict=True):
            grads, new = part.update(grads, own, params)
            states.append(new)
        params, new = last.update(grads, state[-1], params)
        return params, (*states, new)

    def observe(value: Any, state: Any) -> Any:
        return (*state[:-1], last.observe(value, state[-1]))

    scale = last.loss_scale
    if scale is not None and changes:
        raise ArgumentError(
            f"chain: {last.name} stands behind changes of the gradient",
            why="its gradients arrive multiplied by the scale of the loss, and are divided by it there: what comes "
            "before it would see the multiple.",
            instead="write loss_scaling(chain(clip_by_global_norm(1.0), adam(1e-3))).",
        )
    return (
        replace(last, name=name, init=init, update=update, observe=observe, loss_scale=None)
        if changes
        else last
    )

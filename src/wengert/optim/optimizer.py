"""What an optimiser is: a record of pure functions, and the one way in which methods by entry are built.

    state_0            = optimizer.init(params)
    params, state_k+1  = optimizer.update(gradients, state_k, params)

Parameters are any pytree of floating-point arrays; None may stand where a tree has something else. States are
pytrees of arrays as well, so that a step that takes a gradient and updates compiles as one program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError
from wengert.optim.decay import Mask, check_decay, decayed
from wengert.optim.plateau import Plateau

__all__ = [
    "Optimizer",
    "Rate",
    "State",
    "by_entry",
    "check_fractions",
    "check_parameters",
    "check_state",
    "check_structure",
]

Rate = float | Callable[[Any], Any] | Plateau


def _unobserved(value: Any, state: Any) -> Any:
    return state


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A method that moves parameters against their gradient.

    Attributes
    ----------
    name : str
        For messages.
    init : params -> state
        The state before the first step.
    update : (gradients, state, params) -> (params, state)
        One step; pure, of any pytree.
    observe : (value, state) -> state
        Tells the method how training goes, once per epoch; only `reduce_on_plateau` listens.
    loss_scale : state -> number, or None
        What the loss is multiplied by before it is differentiated; None means 1. See `loss_scaling`.

    Examples
    --------
    >>> from wengert.optim import sgd
    >>> optimizer = sgd(0.1)
    >>> params = {"w": np.array([1.0, 2.0])}
    >>> state = optimizer.init(params)
    >>> params, state = optimizer.update({"w": np.array([10.0, 0.0])}, state, params)
    >>> params
    {'w': array([0., 2.])}
    """

    name: str
    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]
    observe: Callable[[Any, Any], Any] = _unobserved
    loss_scale: Callable[[Any], Any] | None = None

    def __repr__(self) -> str:
        return f"<optimizer {self.name}>"


class State(NamedTuple):
    """The state of a method that works entry by entry.

    Attributes
    ----------
    count : integer
        Steps taken.
    rate : pytree
        What a learning rate that listens remembers; empty for others.
    slots : dict
        What the method remembers: for each name a tree like the parameters.
    """

    count: Any
    rate: Any
    slots: dict[str, Any]


# The rule of a method: (gradient, parameter, slots, number of the step from 1) of one leaf -> (direction, slots).
EntryRule = Callable[[Any, Any, dict[str, Any], Any], tuple[Any, dict[str, Any]]]


def by_entry(
    name: str,
    learning_rate: Rate,
    rule: EntryRule,
    slots: dict[str, float] | None = None,
    *,
    weight_decay: float = 0.0,
    mask: Mask = None,
    decoupled: bool = False,
) -> Optimizer:
    """Return the optimiser x <- x - rate * direction of a rule for one leaf.

    Parameters
    ----------
    name : str
    learning_rate : float, step -> float, or Plateau
    rule : (gradient, parameter, slots, step) -> (direction, slots)
    slots : dict
        Names of what is remembered, and the number it starts from.
    weight_decay, mask, decoupled
        See `decayed`; decoupled decay is added to the direction, other to the gradient.

    Returns
    -------
    Optimizer
    """
    first = slots or {}
    check_rate(name, learning_rate)
    check_decay(name, weight_decay)

    def init(params: Any) -> State:
        check_parameters(name, params)
        made = {k: tree.map_leaves(lambda p, v=v: np.full_like(p, v)[()], params) for k, v in first.items()}
        return State(np.int64(0), rate_state(learning_rate), made)

    def update(grads: Any, state: Any, params: Any) -> tuple[Any, State]:
        check_state(name, state, State)
        structure = check_structure(name, grads, params)
        for k in first:
            if k not in state.slots or tree.flatten(state.slots[k])[1] != structure:
                raise unknown_state(name, f"a state whose {k} does not have the structure of the parameters")
        t = state.count + 1
        rate = rate_at(learning_rate, state)
        decay = decayed(params, weight_decay, mask)
        columns = [tree.flatten(state.slots[k])[0] for k in first]
        moved: list[Any] = []
        kept: list[dict[str, Any]] = []
        for i, (g, p) in enumerate(zip(tree.flatten(grads)[0], tree.flatten(params)[0], strict=True)):
            own = {k: column[i] for k, column in zip(first, columns, strict=True)}
            total = typed(g, p) if decoupled or not decay[i] else typed(g, p) + decay[i] * p
            direction, own = rule(total, p, own, t)
            direction = direction + decay[i] * p if decoupled and decay[i] else direction
            moved.append(p - typed(rate, p) * direction)
            kept.append(own)
        made = {k: tree.unflatten(structure, [own[k] for own in kept]) for k in first}
        return tree.unflatten(structure, moved), State(t, state.rate, made)

    return Optimizer(name, init, update, rate_observer(learning_rate))


# Learning rates -------------------------------------------------------------------------------------------------------


def check_rate(name: str, learning_rate: Any) -> None:
    """Raise unless something can be a learning rate."""
    if isinstance(learning_rate, Plateau) or callable(learning_rate):
        return
    if not isinstance(learning_rate, int | float | np.number) or not 0 <= learning_rate < np.inf:
        raise ArgumentError(
            f"{name}: the learning rate is {learning_rate!r}",
            why="it is a finite number, 0 or more, or a function of the number of steps taken.",
            instead=f"write {name}(1e-3), or {name}(wengert.optim.cosine(1e-3, steps)); to climb, negate the loss.",
        )


def check_fractions(name: str, **numbers: float) -> None:
    """Raise unless numbers are fractions of something that is kept: from 0 to below 1."""
    for what, x in numbers.items():
        if not 0.0 <= x < 1.0:
            raise ArgumentError(
                f"{name}: {what} is {x!r}",
                why="it is the part of what is remembered that is kept in a step.",
                instead=f"pass a number from 0 to below 1, such as {what}=0.9.",
            )


def rate_state(learning_rate: Any) -> Any:
    """Return what a learning rate remembers at first."""
    return learning_rate.init() if isinstance(learning_rate, Plateau) else ()


def rate_at(learning_rate: Any, state: Any) -> Any:
    """Return the learning rate of the step that follows a state."""
    if isinstance(learning_rate, Plateau):
        return learning_rate.rate(state.count, state.rate)
    return learning_rate(state.count) if callable(learning_rate) else learning_rate


def rate_observer(learning_rate: Any) -> Callable[[Any, Any], Any]:
    """Return how a method with this learning rate listens."""
    if not isinstance(learning_rate, Plateau):
        return _unobserved
    return lambda value, state: state._replace(rate=learning_rate.observe(value, state.rate))


def inner_observer(optimizer: Optimizer) -> Callable[[Any, Any], Any]:
    """Return how a method around another listens: it passes on what it hears."""
    return lambda value, state: state._replace(inner=optimizer.observe(value, state.inner))


def typed(x: Any, like: Any) -> Any:
    """Return x in the dtype of an array: a float64 scalar would make float32 parameters float64."""
    if type(x) in {int, float}:
        return x  # Python's numbers take the other's dtype by themselves
    dtype = np.result_type(like)
    return x if x.dtype == dtype else x.astype(dtype)


# Errors ---------------------------------------------------------------------------------------------------------------


def check_parameters(name: str, params: Any) -> None:
    """Raise unless all leaves are floating-point numbers, and there are some."""
    leaves = tree.flatten(params)[0]
    for x, path in zip(leaves, tree.paths(params), strict=True):
        kind = getattr(getattr(x, "dtype", None), "kind", "f" if type(x) is float else type(x).__name__)
        if kind != "f":
            what = f"{getattr(x, 'dtype', type(x).__name__)}"
            raise ArgumentError(
                f"{name}: the parameter at {path or 'the top'} is {what}",
                why="steps are real: parameters are floating-point arrays.",
                instead="put None where a tree has something else; write a complex parameter as its two parts.",
            )
    if not leaves:
        raise ArgumentError(
            f"{name}: there are no parameters",
            why="the tree has no leaves.",
            instead="pass a pytree of floating-point arrays.",
        )


def check_structure(name: str, grads: Any, params: Any) -> Any:
    """Return the structure of parameters; raise unless the gradient has the same, leaf shapes included."""
    given, structure = tree.flatten(grads)
    wanted, own = tree.flatten(params)
    if structure != own:
        ours, theirs = set(tree.paths(params)), set(tree.paths(grads))
        raise ArgumentError(
            f"{name}: the gradient does not have the structure of the parameters",
            why=_difference(ours, theirs) or f"parameters {own}, gradient {structure}.",
            instead="pass the gradient that wengert.grad gives with respect to all of them.",
        )
    for g, p, path in zip(given, wanted, tree.paths(params), strict=True):
        if np.shape(g) != np.shape(p):
            raise ArgumentError(
                f"{name}: the gradient at {path or 'the top'} has shape {np.shape(g)}",
                why=f"the parameter has shape {np.shape(p)}.",
                instead="pass the gradient that wengert.grad gives, of the same parameters.",
            )
    return structure


def _difference(ours: set[str], theirs: set[str]) -> str:
    missing, extra = sorted(ours - theirs), sorted(theirs - ours)
    parts = [f"missing: {', '.join(missing[:5])}"] * bool(missing)
    parts += [f"not a parameter: {', '.join(extra[:5])}"] * bool(extra)
    return "; ".join(parts) + "." if parts else ""


def check_state(name: str, state: Any, kind: type) -> None:
    """Raise unless a state is of the kind that a method makes."""
    if not isinstance(state, kind):
        raise unknown_state(name, f"a {type(state).__name__}")


def unknown_state(name: str, what: str) -> ArgumentError:
    """Return the error of a state that some other method, or none, has made."""
    return ArgumentError(
        f"{name}: the state is not one of its own: {what}",
        why="each method remembers other things; a state goes with the optimiser and the parameters it was made of.",
        instead="start with state = optimizer.init(params), and pass on what update returns.",
    )

"""The loop under a condition: while_loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import tree
from wengert.control import conditional_reversal  # noqa: F401 - defines the primitive
from wengert.control.bodies import body_of
from wengert.control.carry_types import settled
from wengert.control.conditional import While, repeated
from wengert.control.interning import interned
from wengert.control.unsharing import unshared
from wengert.core.graph import Graph, Var
from wengert.errors import ArgumentError, check_callable
from wengert.types import ArrayType, type_of

__all__ = ["conditional_loop", "while_loop"]


def while_loop(cond_fun: Callable[..., Any], body_fun: Callable[..., Any], init: Any) -> Any:
    """Do steps as long as a condition holds, carrying a state.

    Parameters
    ----------
    cond_fun : callable
        cond_fun(carry) -> one boolean.
    body_fun : callable
        body_fun(carry) -> carry. Both are staged once; what they close over is constant.
    init : pytree
        The first carry; Python numbers yield to the types of arrays, as in NumPy.

    Returns
    -------
    pytree
        The first carry for which the condition does not hold.

    Raises
    ------
    ArgumentError
        If the condition is not one boolean, or a step changes the structure, a shape or a dtype of the carry.

    Notes
    -----
    Differentiable in every mode. Reverse mode runs the loop once more, and then keeps what it needs of each step.

    Examples
    --------
    >>> from wengert.api.gradients import grad
    >>> def root(a):
    ...     return while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)
    >>> round(float(grad(root)(4.0)), 12)
    0.25
    """
    check_callable(cond_fun, "while_loop")
    check_callable(body_fun, "while_loop")
    return conditional_loop(cond_fun, body_fun, init, "while_loop")


def conditional_loop(
    cond_fun: Callable[..., Any], body_fun: Callable[..., Any], init: Any, name: str, *, counts: bool = False
) -> Any:
    """Do steps as long as a condition holds; the first value that is carried may be an index (see `settled`)."""

    def step(carry: Any, _: None) -> tuple[Any, None]:
        return body_fun(carry), None

    body, carry, structure, _ = made = settled(step, init, None, (), name, counts=counts)
    one = tree.flatten((init,))[1]
    condition = body_of(cond_fun, one, made.types, f"the condition of {name}")
    found = condition.graph.out_types
    if len(found) != 1 or found[0] != ArrayType((), np.dtype(bool)):
        raise ArgumentError(
            f"the condition of while_loop gave {', '.join(map(str, found))}, not one boolean",
            why="it decides whether there is another step.",
            instead="compare, as in x > 0, or reduce with np.any or np.all.",
        )
    n = len(carry)
    captured = [*body.captured, *condition.captured]
    loop = While(
        _constants_first(condition.graph, n, body.captured, []),
        _constants_first(body.graph, n, [], condition.captured),
        len(captured),
    )
    operands = [*captured, *carry]
    return tree.unflatten(structure, unshared(repeated(operands, loop), operands))


def _constants_first(graph: Graph, n: int, before: Sequence[Any], behind: Sequence[Any]) -> Graph:
    """Return a body of constants and carry, whose own constants, its last inputs, stand among others."""

    def unread(xs: Sequence[Any]) -> list[Var]:
        return [Var(type_of(x), scalar=not np.shape(x)) for x in xs]

    inputs = [*unread(before), *graph.inputs[n:], *unread(behind), *graph.inputs[:n]]
    return interned(Graph(inputs, graph.nodes, graph.outputs, graph.name))

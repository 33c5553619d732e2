"""Loops that stay loops: scan and fori_loop."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import tree
from wengert.control import reversal  # noqa: F401 - defines the primitive
from wengert.control.bodies import Body, as_operands, body_of, promoted, require_same
from wengert.control.scan import Loop, looped
from wengert.control.schedules import schedule
from wengert.control.while_loop import while_loop
from wengert.core.dispatch import Traced
from wengert.core.graph import Graph
from wengert.errors import ArgumentError, check_callable
from wengert.types import ArrayType, type_of

__all__ = ["fori_loop", "scan"]

_CARRY = "the next step takes what this one returns, and a loop is made for one type of it."


def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    *,
    reverse: bool = False,
    checkpoint: int | str | None = None,
) -> tuple[Any, Any]:
    """Loop over the leading axis of arrays, carrying a state and stacking results.

    Parameters
    ----------
    f : callable
        f(carry, x) -> (carry, y), with x the slices of `xs`. It is staged once; what it closes over is constant.
    init : pytree
        The first carry; Python numbers take the dtype that `f` gives them.
    xs : pytree, optional
        Arrays of equal leading lengths.
    length : int, optional
        Number of steps, where there are no `xs`.
    reverse : bool
        Whether to go from the last slice to the first; results keep the places of their slices.
    checkpoint : int, "sqrt", "binomial", optional
        Which states reverse mode keeps: so many, about the square root or the logarithm of the number of steps. Steps
        are run again from these, as seldom as can be (Griewank and Walther 2000). By default reverse mode keeps what it
        needs of every step.

    Returns
    -------
    carry : pytree
        After the last step.
    ys : pytree
        The results of the steps, stacked along a new leading axis.

    Raises
    ------
    ArgumentError
        If lengths differ, or a step changes the structure, a shape or a dtype of the carry.

    Notes
    -----
    Reverse mode keeps, for each step, what the derivative of the step cannot compute again cheaply: the fewest bytes.

    Examples
    --------
    >>> import numpy as np
    >>> total, sums = scan(lambda s, x: (s + x, s + x), 0.0, np.array([1.0, 2.0, 3.0]))
    >>> float(total), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    check_callable(f, "scan")
    schedule(0, checkpoint)  # raises if it names none
    slices, _ = as_operands(xs, "xs of scan")
    return _looped_over(slices, _length(slices, length), f, init, xs, reverse=reverse, checkpoint=checkpoint)


def _looped_over(
    slices: Sequence[Any],
    steps: int,
    f: Callable[..., Any],
    init: Any,
    xs: Any,
    *,
    reverse: bool,
    checkpoint: int | str | None,
) -> tuple[Any, Any]:
    body, carry, structure, y_structure = _scan_body(f, init, xs, slices)
    n = len(carry)
    loop = Loop(
        _constants_first(body.graph, n + len(slices)), len(body.captured), n, steps, reverse, checkpoint
    )
    results = looped([*body.captured, *carry, *slices], loop)
    return tree.unflatten(structure, results[:n]), tree.unflatten(y_structure, results[n:])


def _scan_body(
    f: Callable[..., Any], init: Any, xs: Any, slices: Sequence[Any]
) -> tuple[Body, list[Any], Any, Any]:
    """Return the staged body, the first carry in the types that it keeps, and the structures of carry and results."""
    carry, structure = as_operands(init, "the first carry of scan")
    numbers = [type(x) in {bool, int, float, complex} for x in tree.flatten(init)[0]]
    x_types = [ArrayType(np.shape(x)[1:], type_of(x).dtype) for x in slices]
    both = tree.flatten((init, xs))[1]

    def staged() -> tuple[Body, list[ArrayType], Any, Any]:
        body = body_of(f, both, [*map(type_of, carry), *x_types], "the body of scan")
        parts = tree.children(tree.unflatten(body.structure, list(range(len(body.graph.outputs)))))
        if parts is None or len(parts[0]) != 2:
            raise ArgumentError(
                "the body of scan did not return a pair",
                why="a step gives the next carry and a result.",
                instead="return carry, None where there is no result.",
            )
        places, structure = tree.flatten(parts[0][0])
        return body, [body.graph.out_types[i] for i in places], structure, tree.flatten(parts[0][1])[1]

    body, new_types, new_structure, y_structure = staged()
    if any(numbers) and new_structure == structure and new_types != list(map(type_of, carry)):
        carry = promoted(carry, numbers, new_types)
        body, new_types, new_structure, y_structure = staged()
    require_same(
        (structure, list(map(type_of, carry))),
        (new_structure, new_types),
        "the carry of scan changed in a step",
        _CARRY,
    )
    return body, carry, structure, y_structure


def _length(slices: Sequence[Any], length: int | None) -> int:
    lengths = {np.shape(x)[0] if np.ndim(x) else None for x in slices}
    if length is not None:
        lengths.add(operator.index(length))
    if length is not None and operator.index(length) < 0:
        raise ArgumentError(
            f"scan got length={length}", why="it is a number of steps.", instead="give 0 or more."
        )
    if len(lengths) == 1 and None not in lengths:
        return lengths.pop()  # type: ignore[return-value]
    raise ArgumentError(
        "scan got no xs and no length"
        if not lengths
        else f"scan got arrays of different lengths: {sorted(map(str, lengths))}",
        why="each step takes one slice of each.",
        instead="give arrays of equal leading lengths, or length=n.",
    )


def _constants_first(graph: Graph, n: int) -> Graph:
    """Return a body whose captured constants, its last inputs, come first."""
    return Graph([*graph.inputs[n:], *graph.inputs[:n]], graph.nodes, graph.outputs, graph.name)


def _require_integers(*bounds: Any) -> None:
    for bound in bounds:
        t = type_of(bound)
        if t.shape or t.dtype.kind not in "iu":
            raise ArgumentError(
                f"fori_loop got a bound that is {t}",
                why="it counts from one integer to another.",
                instead="give integers; for an array of bounds, vmap.",
            )


def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init: Any) -> Any:
    """Do a step for every integer from `lower` to `upper` (not included), carrying a state.

    Parameters
    ----------
    lower, upper : int
        Traced ones make a loop whose number of steps is known when it runs.
    body_fun : callable
        body_fun(i, carry) -> carry. It is staged once; what it closes over is constant.
    init : pytree
        The first carry; Python numbers take the dtype that `body_fun` gives them.

    Returns
    -------
    pytree
        The carry after the last step.

    Raises
    ------
    ArgumentError
        If a step changes the structure, a shape or a dtype of the carry.

    Examples
    --------
    >>> from wengert.api.gradients import grad
    >>> grad(lambda x: fori_loop(0, 3, lambda i, y: y * x, 1.0))(2.0)
    np.float64(12.0)
    """
    check_callable(body_fun, "fori_loop")
    _require_integers(lower, upper)
    if isinstance(lower, Traced) or isinstance(upper, Traced):
        start: Any = lower if isinstance(lower, Traced) else np.asarray(lower)
        first = np.astype(start, np.dtype(np.int64))
        _, last = while_loop(
            lambda s: s[0] < upper, lambda s: (s[0] + 1, body_fun(s[0], s[1])), (first, init)
        )
        return last
    return _counted_loop(operator.index(lower), operator.index(upper), body_fun, init)


def _counted_loop(lower: int, upper: int, body_fun: Callable[..., Any], init: Any) -> Any:
    carry, structure = as_operands(init, "the first carry of fori_loop")
    numbers = [type(x) in {bool, int, float, complex} for x in tree.flatten(init)[0]]
    both = tree.flatten((0, init))[1]

    def staged() -> Body:
        return body_of(
            body_fun, both, [ArrayType((), np.dtype(np.int64)), *map(type_of, carry)], "the body of fori_loop"
        )

    body = staged()
    if (
        any(numbers)
        and body.structure == structure
        and list(body.graph.out_types) != list(map(type_of, carry))
    ):
        carry = promoted(carry, numbers, body.graph.out_types)
        body = staged()
    require_same(
        (structure, list(map(type_of, carry))),
        (body.structure, body.graph.out_types),
        "the carry of fori_loop changed in a step",
        _CARRY,
    )
    n = len(carry)
    inputs = body.graph.inputs
    graph = Graph(
        [*inputs[1 + n :], *inputs[1 : 1 + n], inputs[0]],
        body.graph.nodes,
        body.graph.outputs,
        body.graph.name,
    )
    places = np.arange(lower, upper)
    loop = Loop(graph, len(body.captured), n, np.shape(places)[0])
    return tree.unflatten(structure, looped([*body.captured, *carry, places], loop))

"""Loops that stay loops: scan and fori_loop."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import tree
from wengert.control import reversal  # noqa: F401 - defines the primitive
from wengert.control.bodies import as_operands
from wengert.control.carry_types import constants_first, settled
from wengert.control.scan import Loop, looped
from wengert.control.schedules import schedule
from wengert.control.unsharing import unshared
from wengert.control.while_loop import conditional_loop
from wengert.core.dispatch import Traced
from wengert.errors import ArgumentError, check_callable
from wengert.types import ArrayType, type_of

__all__ = ["fori_loop", "scan"]


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
        The first carry; Python numbers yield to the types of arrays, as in NumPy.
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
    kinds = [(ArrayType(np.shape(x)[1:], type_of(x).dtype), None) for x in slices]
    made = settled(_scan_step(f), init, xs, kinds, "scan")
    n = len(made.carry)
    loop = Loop(
        constants_first(made.body.graph, n + len(slices)),
        len(made.body.captured),
        n,
        steps,
        reverse,
        checkpoint,
    )
    operands = [*made.body.captured, *made.carry, *slices]
    results = unshared(looped(operands, loop), operands)
    return tree.unflatten(made.structure, results[:n]), tree.unflatten(made.y_structure, results[n:])


def _scan_step(f: Callable[..., Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return a body of which it is sure that it returns a pair."""

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        parts = tree.children(f(carry, x))
        if parts is None or len(parts[0]) != 2:
            raise ArgumentError(
                "the body of scan did not return a pair",
                why="a step gives the next carry and a result.",
                instead="return carry, None where there is no result.",
            )
        return parts[0][0], parts[0][1]

    return step


def _length(slices: Sequence[Any], length: int | None) -> int:
    for x in slices:
        if not np.ndim(x):
            raise ArgumentError(
                f"scan got xs that hold {type_of(x)}, which has no axis to loop over",
                why="each step takes one slice along the leading axis of every array in xs.",
                instead="let f close over what all steps share, or repeat it with np.broadcast_to(x, (n,)); for a "
                "number of steps, xs=None and length=n.",
            )
    lengths = {np.shape(x)[0] for x in slices}
    if length is not None:
        lengths.add(operator.index(length))
    if length is not None and operator.index(length) < 0:
        raise ArgumentError(
            f"scan got length={length}", why="it is a number of steps.", instead="give 0 or more."
        )
    if len(lengths) == 1:
        return int(lengths.pop())
    raise ArgumentError(
        "scan got no xs and no length"
        if not lengths
        else f"scan got arrays of different lengths: {sorted(map(str, lengths))}",
        why="each step takes one slice of each.",
        instead="give arrays of equal leading lengths, or length=n.",
    )


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
        The first carry; Python numbers yield to the types of arrays, as in NumPy; so does the index.

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
        _, last = conditional_loop(
            lambda s: s[0] < upper,
            lambda s: (s[0] + 1, body_fun(s[0], s[1])),
            (first, init),
            "fori_loop",
            counts=True,
        )
        return last
    return _counted_loop(operator.index(lower), operator.index(upper), body_fun, init)


def _counted_loop(lower: int, upper: int, body_fun: Callable[..., Any], init: Any) -> Any:
    def step(carry: Any, i: Any) -> tuple[Any, None]:
        return body_fun(i, carry), None

    made = settled(step, init, 0, [(ArrayType((), np.dtype(np.int64)), int)], "fori_loop")
    n, places = len(made.carry), np.arange(lower, upper)
    loop = Loop(constants_first(made.body.graph, n + 1), len(made.body.captured), n, np.shape(places)[0])
    operands = [*made.body.captured, *made.carry, places]
    return tree.unflatten(made.structure, unshared(looped(operands, loop), operands))

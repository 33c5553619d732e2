"""Which operation of a program has a wrong derivative: each is checked alone, at the operands that it had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.api.arguments import as_input, fresh
from wengert.control.unrolling import Steps
from wengert.core.dispatch import bind
from wengert.errors import WengertError, line_text
from wengert.explain.faults.observed import site_of
from wengert.explain.recording import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.explain.recording import Operation, Recording

__all__ = ["Guilty", "accused"]

_STEPS = Steps(16, 16)  # of a loop, whose operations are checked one by one
_MOST = 4000  # operations that are checked

_KINK = "At a kink no difference quotient is right: look for one with wengert.gradient_report."


class Guilty(NamedTuple):
    """An operation whose derivative is wrong: what is wrong, where it was applied, what to look at."""

    operation: Operation
    text: str
    where: str | None
    instead: str


def accused(
    fun: Callable[..., Any],
    args: Sequence[Any],
    check: Callable[[Callable[..., Any], tuple[Any, ...]], str | None],
) -> Guilty | str:
    """Return the first operation that fails a check of its own, or a sentence on what else may be wrong.

    Parameters
    ----------
    fun : callable
    args : sequence of pytrees
    check : callable (function, operands) -> str or None
        What is wrong with the derivative of a function there.

    Returns
    -------
    Guilty or str
    """
    try:
        recording = _recorded(fun, args)
    except WengertError:
        return "The operation at fault could not be looked for: the program does other things when it is recorded."
    active = recording.active(range(recording.inputs))
    for operation in recording.operations[:_MOST]:
        moving = [
            k for k, i in enumerate(operation.operands) if i is not None and _is_inexact(operation.xs[k])
        ]
        if not moving or not any(operation.operands[k] in active for k in moving):
            continue
        wrong = _wrong(operation, moving, check)
        if wrong is not None:
            return _guilty(operation, wrong)
    if not _repeats(fun, args):
        return "The function gives another result each time that it is called with these arguments."
    hidden = _hidden(fun, args, recording)
    if hidden is not None:
        return hidden
    return f"The rules of all its operations agree with differences at their operands. {_KINK}"


def _recorded(fun: Callable[..., Any], args: Sequence[Any]) -> Recording:
    leaves, structure = tree.flatten(tuple(args))
    inputs = [as_input(fresh(x), lambda: "a leaf") for x in leaves]
    with Recorder(inputs, _STEPS) as recorder, np.errstate(all="ignore"):
        fun(*tree.unflatten(structure, [recorder.lift(i) for i in range(len(inputs))]))
        return recorder.made


def _is_inexact(x: Any) -> bool:
    return getattr(x, "dtype", np.dtype(int)).kind in "fc" and np.size(x) > 0


def _wrong(
    operation: Operation,
    moving: Sequence[int],
    check: Callable[[Callable[..., Any], tuple[Any, ...]], str | None],
) -> str | None:
    """Return what is wrong with an operation's own derivative."""

    def local(*xs: Any) -> Any:
        operands = list(operation.xs)
        for k, x in zip(moving, xs, strict=True):
            operands[k] = x
        y = bind(operation.prim, operands, operation.params)
        if not operation.prim.multiple:
            return y
        return tuple([v for v in y if np.result_type(v).kind in "fc"])

    try:
        with np.errstate(all="ignore"):
            return check(local, tuple([operation.xs[k] for k in moving]))
    except WengertError as error:
        return error.what
    except np.linalg.LinAlgError:
        return None


def _guilty(operation: Operation, wrong: str) -> Guilty:
    site = site_of(operation)
    rounds = f" in {', '.join(site.rounds)}" if site.rounds else ""
    name = f"function {site.operation}" if operation.prim.name == "custom" else f"operation {site.operation}"
    where = line_text(site.file, site.line, site.function) if site.file else None
    text = f"it is the {name}{rounds}: alone, at its operands there, {wrong}."
    if operation.prim.name == "custom":
        return Guilty(operation, text, where, f"correct the derivative rules of {site.operation}.")
    if operation.prim.name == "stop_gradient":
        return Guilty(
            operation, text, where, "leave stop_gradient out where the derivative is to be that of the value."
        )
    return Guilty(operation, text, where, f"correct the rules of {site.operation}. {_KINK}")


def _hidden(fun: Callable[..., Any], args: Sequence[Any], recording: Recording) -> Guilty | None:
    """Return the operation one of whose constants changes with the arguments: a path that derivatives do not see."""
    moved = tree.map_leaves(
        lambda x: x + (np.abs(x) + 1e-3) * 1e-6 if _is_inexact(np.asarray(x)) else x, tuple(args)
    )
    try:
        other = _recorded(fun, moved)
    except WengertError:
        return None
    if [op.prim.name for op in other.operations] != [op.prim.name for op in recording.operations]:
        return None
    for operation, moved_one in zip(recording.operations, other.operations, strict=True):
        for k, i in enumerate(operation.operands):
            x, y = operation.xs[k], moved_one.xs[k]
            if i is None and _is_inexact(x) and np.shape(x) == np.shape(y) and not np.array_equal(x, y):
                text = (
                    f"an operand of {site_of(operation).operation} changes with the arguments, and is a constant to "
                    "derivatives."
                )
                return _guilty(operation, "")._replace(
                    text=text, instead="leave out the stop_gradient, no_grad or .value that it went through."
                )
    return None


def _repeats(fun: Callable[..., Any], args: Sequence[Any]) -> bool:
    """Whether a second call gives the same result."""
    with np.errstate(all="ignore"):
        one, other = [tree.flatten(fun(*tree.map_leaves(fresh, tuple(args))))[0] for _ in range(2)]
    return len(one) == len(other) and all(
        np.array_equal(a, b, equal_nan=_is_inexact(np.asarray(a))) for a, b in zip(one, other, strict=True)
    )

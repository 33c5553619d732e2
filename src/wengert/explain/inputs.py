"""The arguments of a function that is explained: their leaves by name, and which of these are differentiated."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import ArgNums, Arguments, as_output
from wengert.errors import ArgumentError
from wengert.explain.recording import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.control.unrolling import Steps
    from wengert.explain.recording import Recording

__all__ = ["Inputs", "argument_names", "recorded"]


def recorded(fun: Callable[..., Any], inputs: Inputs, caller: str, steps: Steps | None = None) -> Recording:
    """Run a function, and return what it computed.

    Parameters
    ----------
    fun : callable
    inputs : Inputs
    caller : str
        For messages.
    steps : Steps, optional
        Of loops, that are seen one by one; none by default.

    Returns
    -------
    Recording
    """
    with Recorder(inputs.leaves, steps) as recorder:
        y = as_output(inputs.call(fun, [recorder.lift(i) for i in range(len(inputs.leaves))]), caller)
        return recorder.finish(y)


class Inputs:
    """The leaves of the arguments: their names, which are differentiated, and how results regain their structure.

    Attributes
    ----------
    leaves : list of arrays
        Of the arguments that are traced.
    call : callable (fun, leaves) -> result
    arguments : pytree
        Those that are differentiated, a tuple if they are several.
    names : list of str
        Of the leaves.
    chosen : list of int
        The leaves that are differentiated.
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: ArgNums | None,
        names: Sequence[str] | None,
        caller: str,
    ) -> None:
        # `Arguments` validates argnums and the wanted arguments, in the words of every other transformation.
        self._result = Arguments(_argnums(argnums, len(args)), args, {}, caller)
        wanted = _positions(argnums, len(args))
        shown = tuple(i for i in range(len(args)) if i in wanted or _is_floating(args[i]))
        traced = Arguments(shown, args, {}, caller)
        chosen = sorted(wanted)
        self.arguments = args[chosen[0]] if len(chosen) == 1 else tuple([args[i] for i in chosen])
        self.call, self.leaves = traced.call, traced.leaves
        labels = argument_names(fun, len(args), names, caller)
        self.names: list[str] = []
        self.chosen: list[int] = []
        for i in shown:
            paths = tree.paths(args[i])
            if i in wanted:
                self.chosen += range(len(self.names), len(self.names) + len(paths))
            self.names += [labels[i] + path for path in paths]

    def restore(self, gradients: dict[int, Any]) -> Any:
        """Return derivatives by the chosen leaves in the structure of the chosen arguments."""
        return self._result.restore([gradients[i] for i in self.chosen])


def _argnums(argnums: ArgNums | None, n: int) -> ArgNums:
    """Return argnums for `Arguments`: a single argument is not wrapped in a tuple."""
    if argnums is not None:
        return argnums
    return 0 if n == 1 else tuple(range(n))


def _positions(argnums: ArgNums | None, n: int) -> set[int]:
    chosen = _argnums(argnums, n)
    return {i % n for i in ((chosen,) if isinstance(chosen, int) else chosen)}


def _is_floating(x: Any) -> bool:
    return all(
        isinstance(v, float) or getattr(v, "dtype", np.dtype(int)).kind in "fc" for v in tree.flatten(x)[0]
    )


def argument_names(fun: Callable[..., Any], n: int, names: Sequence[str] | None, caller: str) -> list[str]:
    """Return what arguments are called: as they are named, or else as the function names them."""
    if names is None:
        return _signature_names(fun, n)
    if len(names) != n:
        raise ArgumentError(f"{caller}: {len(names)} names for {n} arguments", instead="one name for each")
    return list(names)


def _signature_names(fun: Callable[..., Any], n: int) -> list[str]:
    """Return the parameter names of a function where Python knows them, x1, x2, ... otherwise."""
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[i] if i < len(named) else f"x{i + 1}" for i in range(n)]

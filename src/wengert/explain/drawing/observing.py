"""A function as a graph, with the values of its arguments and the calls of the user's functions that made each node."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.api.arguments import resolve_argnums
from wengert.core.graph import Const, Graph
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError, is_user_code
from wengert.explain.inputs import argument_names
from wengert.transforms.staging import Stage
from wengert.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType

    from wengert.core.atoms import Atom
    from wengert.core.graph import Node

__all__ = ["Call", "Observed", "observe", "observed_graph"]


class Call(NamedTuple):
    """A place in a call of a user's function; two calls of one function have different numbers.

    Within a call, `instruction` grows until a loop starts over.
    """

    number: int
    function: str
    file: str
    line: int
    instruction: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Observed:
    """A graph, and what is known of it.

    Attributes
    ----------
    graph : Graph
    names : tuple of str
        Of its inputs.
    values : list of arrays, or None
        Of its inputs.
    chosen : tuple of int
        Inputs that are differentiated.
    owners : tuple of int
        The argument that each input is part of.
    results : tuple of str
        Names of its outputs.
    calls : dict
        For a node the user's calls that it was made in, the outermost first.
    """

    graph: Graph
    names: tuple[str, ...]
    values: list[Any] | None
    chosen: tuple[int, ...]
    owners: tuple[int, ...]
    results: tuple[str, ...]
    calls: dict[Node, tuple[Call, ...]] = field(default_factory=dict)


def observe(
    fun: Callable[..., Any],
    args: Sequence[Any],
    argnums: Any = None,
    names: Sequence[str] | None = None,
    *,
    inexact: bool,
) -> Observed:
    """Run a function on its arguments, and return what it did.

    Parameters
    ----------
    fun : callable
    args : sequence of pytrees
    argnums : int or tuple of int, optional
        Arguments that are differentiated; all by default.
    names : sequence of str, optional
        Of the arguments; by default as the function calls them.
    inexact : bool
        Whether Python's integers among these become floating-point numbers, as for any derivative.

    Returns
    -------
    Observed
    """
    labels = argument_names(fun, len(args), names, "draw")
    wanted = _wanted(argnums, len(args))
    leaves, structure = tree.flatten(tuple(args))
    owners = [i for i, arg in enumerate(args) for _ in tree.paths(arg)]
    paths = [labels[i] + path for i, arg in enumerate(args) for path in tree.paths(arg)]
    lifted = [_input(x, inexact=inexact and owners[k] in wanted) for k, x in enumerate(leaves)]
    taken = [k for k, x in enumerate(lifted) if x is not None]
    with _Watching(known=True) as stage:
        tracers = list(leaves)
        for k in taken:
            tracers[k] = _lifted(stage, leaves[k], lifted[k])
        y = fun(*tree.unflatten(structure, tracers))
        results, _ = tree.flatten(y)
        results = [operand(v) if isinstance(v, np.ndarray) else v for v in results]
        graph = stage.graph(results, _name_of(fun))
    _refuse_captured(stage, graph)
    chosen = [n for n, k in enumerate(taken) if owners[k] in wanted and lifted[k].dtype.kind in "fc"]
    return Observed(
        _pruned(graph),
        tuple([paths[k] for k in taken]),
        [lifted[k] for k in taken],
        tuple(chosen),
        tuple([owners[k] for k in taken]),
        tuple([f"output {path}".rstrip() for path in tree.paths(y)]),
        stage.calls,
    )


def _name_of(fun: Callable[..., Any]) -> str:
    """Return a function's name, or its text if it is an expression."""
    return str(getattr(fun, "__name__", None) or getattr(fun, "text", None) or "function")


def observed_graph(graph: Graph, args: Sequence[Any] = ()) -> Observed:
    """Return a graph as it is, with its operands if they are given."""
    values = None
    if args:
        leaves = tree.flatten((tuple(args), {}))[0] if graph.structures else list(args)
        if len(leaves) != len(graph.inputs):
            raise ArgumentError(
                f"draw: the graph of {graph.name} takes {len(graph.inputs)} operands, and got {len(leaves)}",
                instead="give one for each input, or none to draw the graph without values.",
            )
        values = [np.asarray(x, a.dtype)[()] for x, a in zip(leaves, graph.inputs, strict=True)]
    n = len(graph.inputs)
    chosen = [i for i, a in enumerate(graph.inputs) if a.dtype.kind in "fc"]
    results = [f"output [{i}]" for i in range(len(graph.outputs))] if len(graph.outputs) != 1 else ["output"]
    places: dict[Node, tuple[Call, ...]] = {
        node: (Call(0, node.place.function, node.place.file, node.place.line),)
        for node in graph.nodes
        if node.place is not None
    }
    names = tuple([f"x{i + 1}" for i in range(n)]) if n > 1 else ("x",) * n
    return Observed(graph, names, values, tuple(chosen), tuple(range(n)), tuple(results), places)


# Staging ------------------------------------------------------------------------------------------------------------


class _Watching(Stage):
    """Keeps, beside the graph, the user's calls that are open when a node is made."""

    __slots__ = ("_bottom", "_frames", "_numbers_of_frames", "_ours", "calls")

    def __init__(self, *, known: bool = False) -> None:
        super().__init__(known=known)
        self.calls: dict[Node, tuple[Call, ...]] = {}
        self._bottom = sys._getframe(2)  # noqa: SLF001 - `observe`'s caller: what lies below is not the function
        self._frames: dict[FrameType, int] = {}  # held, so that a later call is another frame
        self._numbers_of_frames = count(1)
        self._ours: dict[CodeType, bool] = {}

    def _add(self, prim: Any, atoms: Any, params: Any, type: Any) -> Any:
        y = super()._add(prim, atoms, params, type)
        self.calls[self.nodes[-1]] = self._open_calls()
        return y

    def _open_calls(self) -> tuple[Call, ...]:
        found = []
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001
        while frame is not None and frame is not self._bottom:
            code = frame.f_code
            if self._is_users(code):
                number = self._frames.get(frame)
                if number is None:
                    number = self._frames[frame] = next(self._numbers_of_frames)
                found.append(Call(number, code.co_name, code.co_filename, frame.f_lineno, frame.f_lasti))
            frame = frame.f_back
        return tuple(reversed(found))

    def _is_users(self, code: CodeType) -> bool:
        known = self._ours.get(code)
        if known is None:
            known = self._ours[code] = is_user_code(code)
        return known

    def forget_frames(self) -> None:
        """Let go of the calls' variables."""
        self._frames.clear()


def _input(x: Any, *, inexact: bool) -> Any:
    """Return an argument's leaf as the array or NumPy number it is traced as; None for what stays as it is."""
    if isinstance(x, bool | str | bytes) or x is None:
        return None
    if isinstance(x, int) and inexact:
        return np.float64(x)
    if isinstance(x, int | float | complex | np.generic) or (
        isinstance(x, np.ndarray) and x.dtype.kind in "biufc"
    ):
        return x if isinstance(x, np.ndarray) else np.asarray(x)[()]
    return None


def _lifted(stage: Stage, x: Any, value: Any) -> Any:
    weak = type(x) if type(x) in {int, float, complex} and value.dtype == np.asarray(x).dtype else None
    return stage.lift(type_of(value), scalar=not isinstance(value, np.ndarray), weak=weak, value=value)


def _refuse_captured(stage: _Watching, graph: Graph) -> None:
    stage.forget_frames()
    if stage.captured():
        raise ArgumentError(
            f"draw: {graph.name} closes over traced values of a transformation around it",
            why="a drawing shows one whole program.",
            instead="pass them as arguments, or draw the function that holds the transformation.",
        )


def _pruned(graph: Graph) -> Graph:
    """Return a graph without what its outputs do not need: answers to branches, values that nobody read."""
    needed: set[Atom] = {a for a in graph.outputs if not isinstance(a, Const)}
    kept = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            kept.append(node)
            needed.update(node.inputs)
    return Graph(graph.inputs, kept[::-1], graph.outputs, graph.name)


# Arguments ----------------------------------------------------------------------------------------------------------


def _wanted(argnums: Any, n: int) -> set[int]:
    if argnums is None:
        return set(range(n))
    chosen = resolve_argnums(argnums, None)
    positions = [chosen] if isinstance(chosen, int) else list(chosen)
    for i in positions:
        if not -n <= i < n:
            raise ArgumentError(
                f"draw: argnums names argument {i} of {n}", instead="count the arguments from 0."
            )
    return {i % n for i in positions}

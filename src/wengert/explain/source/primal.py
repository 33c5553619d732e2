"""The function that is to be differentiated, as a graph: its inputs by name, and the answers that it took for granted.

Python's branches on values are guards: the program stands for the way that the function took, and says so elsewhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import tree
from wengert.api.arguments import ArgNums, as_output, resolve_argnums
from wengert.control.call import call_
from wengert.core.graph import Atom, Graph, Node, Var
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.transforms.staging import Guard, Stage
from wengert.types import type_of

__all__ = ["Input", "Primal", "chosen_arguments", "parameter_names", "staged"]


@dataclass(frozen=True, slots=True)
class Input:
    """A leaf of the arguments.

    Attributes
    ----------
    argument : int
    text : str
        As Python reads it from the arguments: ``layers[0]['w']``.
    static : bool
        Whether it is part of the program, as a number of steps is, and no operand of it.
    value : object
    wanted : bool
        Whether the derivative is with respect to it.
    """

    argument: int
    text: str
    static: bool
    value: Any
    wanted: bool


@dataclass(frozen=True, eq=False, slots=True)
class Primal:
    """A function at arguments.

    Attributes
    ----------
    graph : Graph
        From the inputs that are not static to the leaves of the result, then what the guards look at.
    guards : tuple of Guard
    inputs : tuple of Input
    parameters : tuple of str
    argnums : tuple of int
        Of the arguments that are differentiated.
    single : bool
        Whether argnums was one integer: the gradient is then not in a tuple.
    structures : list
        Of the arguments, one by one.
    out_structure : object
    """

    graph: Graph
    guards: tuple[Guard, ...]
    inputs: tuple[Input, ...]
    parameters: tuple[str, ...]
    argnums: tuple[int, ...]
    single: bool
    structures: list[Any]
    out_structure: Any

    @property
    def operands(self) -> list[Input]:
        """The inputs of the graph."""
        return [x for x in self.inputs if not x.static]

    @property
    def n_results(self) -> int:
        """How many outputs of the graph are results of the function."""
        return len(self.graph.outputs) - len(self.guards)


def staged(fun: Callable[..., Any], args: Sequence[Any], argnums: ArgNums | None) -> Primal:
    """Run a function once on stand-ins that know the actual values, and return what it did."""
    chosen, single = chosen_arguments(args, argnums)
    parameters = parameter_names(fun, len(args))
    inputs: list[Input] = []
    structures = []
    for k, arg in enumerate(args):
        leaves, structure = tree.flatten(arg)
        structures.append(structure)
        places = [parameters[k] + path for path in tree.paths(arg)]
        for leaf, text in zip(leaves, places, strict=True):
            static = not _is_traced(leaf, wanted=k in chosen)
            _require_number(leaf, text, wanted=k in chosen)
            inputs.append(Input(k, text, static, leaf, k in chosen))
    with Stage(known=True) as stage:
        tracers = [x.value if x.static else _lifted(stage, x.value) for x in inputs]
        rest = iter(tracers)
        call = [tree.unflatten(s, [next(rest) for _ in range(s.num_leaves)]) for s in structures]
        results, out_structure = tree.flatten(fun(*call))
        results = [as_output(operand(y), "derivative_source") for y in results]
        graph = stage.graph(results, getattr(fun, "__name__", "function"))
    if stage.captured():
        raise ArgumentError(
            f"{graph.name} closes over traced values of a transformation around it",
            why="source stands by itself: there is no value that it could read there.",
            instead="pass them as arguments.",
        )
    decisive = [guard.atom for guard in stage.guards]
    whole = Graph(graph.inputs, graph.nodes, [*graph.outputs, *decisive], graph.name)
    return Primal(
        _without_calls(whole), tuple(stage.guards), tuple(inputs), parameters, chosen, single, structures,
        out_structure,
    )  # fmt: skip


# Arguments ------------------------------------------------------------------------------------------------------------


def chosen_arguments(args: Sequence[Any], argnums: ArgNums | None) -> tuple[tuple[int, ...], bool]:
    """Return which arguments are differentiated: by default all that are made of floating numbers."""
    if argnums is not None:
        nums = resolve_argnums(argnums, None)
        return _positions(nums, len(args)), isinstance(nums, int)
    found = tuple(k for k, arg in enumerate(args) if _is_floating(arg))
    if not found:
        raise NotDifferentiableError(
            "derivative_source: no argument is made of floating numbers",
            why="a derivative needs numbers that vary continuously.",
            instead="pass floats, such as 2.0 for 2.",
        )
    return found, len(found) == 1


def _positions(argnums: ArgNums, n: int) -> tuple[int, ...]:
    nums = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if any(not -n <= k < n for k in nums):
        raise ArgumentError(
            f"derivative_source: argnums is {argnums}, and there are {n} arguments",
            why="it says which positional arguments are differentiated.",
            instead=f"give numbers from 0 to {n - 1}.",
        )
    return tuple(k % n for k in nums)


def _is_floating(arg: Any) -> bool:
    leaves = tree.flatten(arg)[0]
    return bool(leaves) and all(
        type(x) in {float, complex}
        or (getattr(getattr(x, "dtype", None), "kind", "") in "fc" and hasattr(x, "dtype"))
        for x in leaves
    )


def _is_traced(leaf: Any, *, wanted: bool) -> bool:
    """Whether a leaf is an operand; integers and truths of Python's decide on the program, as texts do."""
    if type(leaf) in {float, complex} or (wanted and type(leaf) is int):
        return True
    return isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind in "fciub"


def _require_number(leaf: Any, text: str, *, wanted: bool) -> None:
    kind = getattr(getattr(leaf, "dtype", None), "kind", "f" if type(leaf) in {int, float} else "")
    if wanted and kind not in tuple("fc") and type(leaf) is not complex:
        raise NotDifferentiableError(
            f"derivative_source: {text} is {getattr(leaf, 'dtype', type(leaf).__name__)}, which has no derivative",
            why="a derivative needs numbers that vary continuously.",
            instead="pass floats, or leave the argument out of argnums.",
        )


def _lifted(stage: Stage, x: Any) -> Any:
    if isinstance(x, np.ndarray | np.generic):
        return stage.lift(type_of(x), scalar=not isinstance(x, np.ndarray), value=x)
    value = np.asarray(float(x) if type(x) is int else x)[()]
    return stage.lift(type_of(value), scalar=True, weak=type(x), value=value)


def parameter_names(fun: Callable[..., Any], n: int) -> tuple[str, ...]:
    """Return the names of the positional parameters where Python knows them, x1, x2, ... otherwise."""
    try:
        found = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        found = []
    names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return tuple(names[k] if k < len(names) else f"x{k + 1}" for k in range(n))


# Calls ----------------------------------------------------------------------------------------------------------------


def _without_calls(graph: Graph) -> Graph:
    """Return a graph with the operations of the graphs that it calls, such as compiled functions, in their places."""
    nodes: list[Node] = []
    now: dict[Atom, Atom] = {}
    pending: list[Any] = [(graph, iter(graph.nodes), now, None)]
    while pending:
        inside, rest, names, caller = pending[-1]
        node = next(rest, None)
        if node is None:
            pending.pop()
            if pending:
                ys = [names.get(a, a) for a in inside.outputs]
                pending[-1][2].update(zip(caller.outputs, ys, strict=True))
            continue
        inputs = tuple([names.get(a, a) for a in node.inputs])
        if node.prim is call_:
            inner = node.params["graph"]
            pending.append((inner, iter(inner.nodes), dict(zip(inner.inputs, inputs, strict=True)), node))
            continue
        outputs = tuple([Var(y.type, scalar=y.scalar) for y in node.outputs])
        names.update(zip(node.outputs, outputs, strict=True))
        nodes.append(node.with_inputs(inputs, outputs))
    return Graph(graph.inputs, nodes, [now.get(a, a) for a in graph.outputs], graph.name)

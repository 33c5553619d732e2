"""Graphs of functions: what a function does with arguments of given types."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from wengert import tree
from wengert.core.dispatch import Traced
from wengert.core.graph import Graph, measures
from wengert.core.numpy_protocol import operand
from wengert.core.views import is_scalar
from wengert.errors import ArgumentError, check_callable
from wengert.transforms import cost as _cost  # noqa: F401 - gives graphs their cost
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import Stage
from wengert.types import ArrayType, type_of

__all__ = ["trace"]


def _draw(graph: Graph, *args: Any, **options: Any) -> Any:
    # loaded when first asked for: most programs draw nothing
    return importlib.import_module("wengert.explain.drawing.drawing").draw_graph(graph, *args, **options)


measures["draw"] = _draw


def trace(fun: Callable[..., Any], *, simplified: bool = False) -> Callable[..., Graph]:
    """Return a function that gives the graph of `fun` for arguments of given types.

    Parameters
    ----------
    fun : callable
        A function of arrays, numbers, and containers of them, all of whose operations are the same for all values:
        where Python asks for a value (a branch, ``float(x)``), it raises.
    simplified : bool
        Whether to simplify the graph.

    Returns
    -------
    callable
        With the arguments of `fun`, or their `ArrayType`; returns a `Graph`, which can be called like `fun`, printed,
        differentiated, batched and compiled.

    Raises
    ------
    NotConcreteError
        If Python asks for the value of something that depends on the arguments; `jit` takes such functions.

    Examples
    --------
    >>> import numpy as np
    >>> graph = trace(lambda x, y: np.log(x) + x * y - np.sin(y))(2.0, 5.0)
    >>> [node.prim.name for node in graph.nodes]
    ['log', 'multiply', 'add', 'sin', 'subtract']
    >>> round(float(graph(2.0, 5.0)), 3)
    11.652
    """
    check_callable(fun, "trace")

    @wraps(fun)
    def traced(*args: Any, **kwargs: Any) -> Graph:
        leaves, structure = tree.flatten((args, kwargs))
        with Stage() as interpreter:
            tracers = [_lifted(interpreter, leaf) for leaf in leaves]
            new_args, new_kwargs = tree.unflatten(structure, tracers)
            results, out_structure = tree.flatten(fun(*new_args, **new_kwargs))
            results = [operand(y) if isinstance(y, np.ndarray) else y for y in results]
            graph = interpreter.graph(results, getattr(fun, "__name__", "function"))
        if interpreter.captured():
            raise ArgumentError(
                f"{graph.name} closes over traced values of a transformation around it",
                why="a graph is closed: it can be used anywhere, and its values only there.",
                instead="pass them as arguments.",
            )
        whole = Graph(graph.inputs, graph.nodes, graph.outputs, graph.name, (structure, out_structure))
        return simplify(whole) if simplified else whole

    return traced


def _lifted(interpreter: Stage, x: Any) -> Any:
    if isinstance(x, ArrayType):
        return interpreter.lift(x)
    if type(x) in {bool, int, float, complex}:
        return interpreter.lift(type_of(x), scalar=True, weak=type(x))
    scalar = is_scalar(x) if isinstance(x, Traced) else not isinstance(x, np.ndarray)
    return interpreter.lift(type_of(x), scalar=scalar)

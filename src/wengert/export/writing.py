"""Writing graphs to files."""

from __future__ import annotations

import json
import os
import zipfile
from typing import Any

import numpy as np

from wengert.core.graph import Atom, Const, Graph, Node, Var, graphs_in
from wengert.core.primitive import PRIMITIVES
from wengert.errors import ArgumentError
from wengert.export.format import FORMAT, HEADER, VERSION, array_entry
from wengert.export.structures import written_structure
from wengert.export.values import Writer

__all__ = ["save"]


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write a graph to a file.

    Parameters
    ----------
    graph : Graph
        As `trace(fun)(*args)` gives it, or the `graph` of a function of placeholders; with all graphs in it.
    path : str or path-like
        A zip archive of a JSON text and the numbers of the constants; it is replaced if it is there.

    Returns
    -------
    None

    Raises
    ------
    ArgumentError
        If the graph holds code of the user's, such as a function with rules of its own.

    See Also
    --------
    load : Reads it.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from wengert.api.staging import trace
    >>> from wengert.export.reading import load
    >>> graph = trace(lambda x: np.sin(x) * 2.0)(1.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "sine.graph")
    ...     save(graph, path)
    ...     print(load(path)(0.5) == graph(0.5))
    True
    """
    if not isinstance(graph, Graph):
        raise ArgumentError(
            f"save got a {type(graph).__name__}",
            why="what is saved is a graph.",
            instead="save wengert.trace(fun)(*args), or the attribute graph of a function of placeholders.",
        )
    arrays: list[Any] = []
    forms = [_GraphWriter(arrays, numbers).form(g) for g, numbers in _ordered(graph)]
    header = {
        "format": FORMAT,
        "version": VERSION,
        "arrays": [[a.dtype.str, list(a.shape)] for a in arrays],
        "graphs": forms,
    }
    text = json.dumps(header, allow_nan=False, separators=(",", ":"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(HEADER, text)
        for k, a in enumerate(arrays):
            archive.writestr(array_entry(k), a.tobytes())


def _ordered(graph: Graph) -> list[tuple[Graph, dict[int, int]]]:
    """Return a graph and those in it, each behind those that it holds, with the numbers of all by their id."""
    numbers: dict[int, int] = {}
    found: list[Graph] = []
    pending = [(graph, False)]
    while pending:
        g, inner_done = pending.pop()
        if id(g) in numbers:
            continue
        if inner_done:
            numbers[id(g)] = len(found)
            found.append(g)
            continue
        pending.append((g, True))
        pending += [(inner, False) for node in g.nodes for inner in graphs_in(node.params)]
    return [(g, numbers) for g in found]


def _little_endian(x: Any) -> Any:
    dtype = x.dtype.newbyteorder("<")
    return np.ascontiguousarray(x, dtype).reshape(x.shape)


class _GraphWriter:
    """Writes one graph; arrays are shared by all."""

    def __init__(self, arrays: list[Any], numbers: dict[int, int]) -> None:
        self._arrays = arrays
        self._places: dict[Atom, int] = {}
        self._constants: list[Const] = []
        self._values = Writer(self._noted, lambda g: numbers[id(g)])

    def _noted(self, x: Any) -> int:
        self._arrays.append(_little_endian(x))
        return len(self._arrays) - 1

    def form(self, graph: Graph) -> dict[str, Any]:
        """Return the form of a graph."""
        for k, atom in enumerate(graph.atoms()):
            self._places[atom] = k
        form = {
            "name": graph.name,
            "inputs": list(map(_var, graph.inputs)),
            "nodes": list(map(self._node, graph.nodes)),
            "outputs": list(map(self._atom, graph.outputs)),
            "structures": None
            if graph.structures is None
            else list(map(written_structure, graph.structures)),
        }
        form["constants"] = [[self._values.value(c.value, "a constant"), c.live] for c in self._constants]
        return form

    def _atom(self, atom: Atom) -> int:
        if isinstance(atom, Const) and atom not in self._places:
            self._constants.append(atom)
            self._places[atom] = -len(self._constants)
        return self._places[atom]

    def _node(self, node: Node) -> dict[str, Any]:
        prim = node.prim
        if PRIMITIVES.get(prim.name) is not prim:
            raise ArgumentError(
                f"the graph holds the operation {prim.name!r}, which is not one of Wengert's and cannot be saved",
                why="a file names primitives of the registry.",
                instead="define it as a primitive of its own name.",
            )
        return {
            "primitive": prim.name,
            "operands": list(map(self._atom, node.inputs)),
            "parameters": {k: self._values.value(v, f"{k} of {prim.name}") for k, v in node.params.items()},
            "results": list(map(_var, node.outputs)),
            "place": None if node.place is None else list(node.place),
            "quiet": node.quiet,
        }


def _var(var: Var) -> list[Any]:
    weak = None if var.weak is None else var.weak.__name__
    return [var.type.dtype.str, list(var.type.shape), bool(var.scalar), weak]

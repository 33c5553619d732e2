"""The format of graphs in files.

    file     ::= a zip archive, nothing compressed: graph.json, and one entry "arrays/0", "arrays/1", ... for each
                 array, its entries in row-major order, little-endian
    header   ::= {"format": FORMAT, "version": VERSION, "arrays": [[dtype, shape], ...], "graphs": [graph, ...]}
    graph    ::= {"name": text, "inputs": [var, ...], "nodes": [node, ...], "outputs": [atom, ...],
                 "structures": null | [tree, tree], "constants": [[value, live], ...]}
    node     ::= {"primitive": name, "operands": [atom, ...], "parameters": {name: value}, "results": [var, ...],
                 "place": null | [file, line, function], "quiet": bool}
    var      ::= [dtype, shape, scalar, weak]      weak: null | "bool" | "int" | "float" | "complex"
    atom     ::= n      the n-th of inputs and results in the order in which they stand;  -1 - n: the n-th constant
    value    ::= null | true | false | integer | text | [tag, ...], see `values.py`

The last graph is the one that was saved; a graph holds only graphs before it, so none holds itself. A dtype is NumPy's
text for it; only booleans, numbers and dates have one here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.control.conditional import While
from wengert.control.scan import Loop
from wengert.errors import ArgumentError

__all__ = [
    "DATACLASSES",
    "FORMAT",
    "HEADER",
    "KINDS",
    "VERSION",
    "WEAK",
    "array_entry",
    "dtype_of",
    "refuse_file",
]

FORMAT = "wengert graph"
VERSION = 1
HEADER = "graph.json"
KINDS = "biufcmM"  # of dtypes: booleans, numbers, dates
DATACLASSES = {cls.__name__: cls for cls in (Loop, While)}  # parameters that hold graphs
WEAK = {kind.__name__: kind for kind in (bool, int, float, complex)}


def array_entry(k: int) -> str:
    """Return the name of the entry of an array."""
    return f"arrays/{k}"


def refuse_file(what: str, why: str = "it is damaged, or Wengert did not write it.") -> Any:
    """Raise for a file that holds no graph."""
    raise ArgumentError(
        f"the file cannot be read: {what}", why=why, instead="save the graph again with wengert.export.save."
    )


def dtype_of(text: Any) -> np.dtype[Any]:
    """Return the dtype that a text in a file means: booleans, numbers and dates only."""
    try:
        dtype = np.dtype(text) if isinstance(text, str) and len(text) <= 12 else None
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in KINDS:
        return refuse_file(f"{text!r} is no type of numbers")  # type: ignore[no-any-return]
    return dtype

"""Reading graphs from files, which may be damaged or made to do harm.

Nothing is run: primitives are looked up by name, parameters are built of numbers and of names that are known, sizes are
compared with what is there before memory is taken, and the graph is checked before it is returned.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import zipfile
from typing import Any

import numpy as np

import wengert.ops
import wengert.scipy
from wengert.core.check import check
from wengert.core.graph import Atom, Const, Graph, Node, Place, Var
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.errors import ArgumentError
from wengert.export.format import FORMAT, HEADER, VERSION, WEAK, array_entry, dtype_of, refuse_file
from wengert.export.structures import read_structure
from wengert.export.values import Reader, shape_of
from wengert.types import ArrayType

__all__ = ["load"]


def load(path: str | os.PathLike[str]) -> Graph:
    """Return the graph in a file.

    Parameters
    ----------
    path : str or path-like
        As `save` wrote it.

    Returns
    -------
    Graph
        It can be called, differentiated, compiled.

    Raises
    ------
    ArgumentError
        If the file holds no graph, or that of a later version. Nothing in it is run.

    See Also
    --------
    save : Writes it.

    Examples
    --------
    >>> import os, tempfile, numpy as np
    >>> from wengert.api.gradients import grad
    >>> from wengert.api.staging import trace
    >>> from wengert.export.writing import save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "square.graph")
    ...     save(trace(lambda x: np.sum(x**2))(np.ones(2)), path)
    ...     grad(load(path))(np.array([1.0, 3.0]))
    array([2., 6.])
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        refuse_file(f"{os.fspath(path)} is no zip archive")
    with archive:
        try:
            header = _header(archive)
            arrays = [_array(archive, k, entry) for k, entry in enumerate(_list(header, "arrays"))]
            graphs: list[Graph] = []
            for form in _list(header, "graphs"):
                graphs.append(_GraphReader(arrays, graphs).graph(form))
            graph = graphs[-1]
            check(graph)
        except ArgumentError:
            raise
        except (
            zipfile.BadZipFile,
            ValueError,
            TypeError,
            LookupError,
            EOFError,
            OSError,
            RuntimeError,
        ) as error:
            refuse_file(f"{type(error).__name__}: {error}")
    return graph


def _header(archive: zipfile.ZipFile) -> dict[str, Any]:
    header = json.loads(_bytes(archive, HEADER))
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        refuse_file("its header is not that of a graph")
    if header.get("version") != VERSION:
        refuse_file(
            f"it is of version {header.get('version')!r} of the format, not {VERSION}",
            "another version of Wengert wrote it.",
        )
    return header  # type: ignore[no-any-return]


def _bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return an entry; nothing is compressed, so none is larger than the file."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        refuse_file(f"its entry {name} is compressed")
    return archive.read(info)


def _list(form: Any, key: str) -> list[Any]:
    found = form.get(key) if isinstance(form, dict) else None
    return found if isinstance(found, list) else refuse_file(f"{key} are missing")


def _array(archive: zipfile.ZipFile, k: int, entry: Any) -> Any:
    text, lengths = entry
    dtype, shape = dtype_of(text), shape_of(lengths)
    data = _bytes(archive, array_entry(k))
    n = 1
    for length in shape:
        n *= length
    if n * dtype.itemsize != len(data):
        refuse_file(f"array {k} has {len(data)} bytes, not those of {ArrayType(shape, dtype)}")
    x = np.frombuffer(data, dtype).reshape(shape)  # read-only, as constants are
    return x if dtype.isnative else x.astype(dtype.newbyteorder("="))


def _primitive(name: Any) -> Primitive:
    """Return a primitive of the registry; where it is not there, the modules of Wengert's own are loaded."""
    if name not in PRIMITIVES:
        for package in (wengert.ops, wengert.scipy):
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                importlib.import_module(module.name)
    found = PRIMITIVES.get(name)
    return refuse_file(f"there is no primitive {name!r}") if found is None else found


class _GraphReader:
    """Reads one graph; those before it may be in its parameters."""

    def __init__(self, arrays: list[Any], graphs: list[Graph]) -> None:
        self._arrays = arrays
        self._graphs = graphs
        self._atoms: list[Atom] = []
        self._constants: list[Const] = []
        self._values = Reader(lambda k: _at(arrays, k), lambda k: _at(graphs, k))

    def graph(self, form: Any) -> Graph:
        """Return the graph of a form."""
        self._constants = [self._constant(entry) for entry in _list(form, "constants")]
        inputs = self._vars(_list(form, "inputs"))
        nodes = [self._node(entry) for entry in _list(form, "nodes")]
        outputs = [self._atom(k) for k in _list(form, "outputs")]
        structures = form["structures"]
        if structures is not None:
            first, second = structures
            structures = read_structure(first, len(inputs)), read_structure(second, len(outputs))
        return Graph(inputs, nodes, outputs, _text(form["name"]), structures)

    def _constant(self, entry: Any) -> Const:
        form, live = entry
        value = self._values.value(form)
        if not isinstance(value, np.ndarray | np.generic):
            refuse_file("a constant is no array")
        return Const(value, live=live is True)

    def _vars(self, forms: list[Any]) -> tuple[Var, ...]:
        made = []
        for text, lengths, scalar, weak in forms:
            type = ArrayType(shape_of(lengths), dtype_of(text))
            made.append(Var(type, scalar=scalar is True, weak=None if weak is None else WEAK[weak]))
        self._atoms += made
        return tuple(made)

    def _atom(self, k: Any) -> Atom:
        return _at(self._constants, -1 - k) if type(k) is int and k < 0 else _at(self._atoms, k)  # type: ignore[no-any-return]

    def _node(self, form: Any) -> Node:
        operands = tuple([self._atom(k) for k in _list(form, "operands")])
        parameters = form["parameters"]
        if not isinstance(parameters, dict):
            refuse_file("parameters are missing")
        params = {key: self._values.value(value) for key, value in parameters.items()}
        place = form["place"]
        if place is not None:
            file, line, function = place
            place = Place(_text(file), int(line), _text(function))
        prim = _primitive(form["primitive"])
        return Node(
            prim, operands, params, self._vars(_list(form, "results")), place, quiet=form["quiet"] is True
        )


def _at(found: list[Any], k: Any) -> Any:
    """Return an item; a number that counts from the end means nothing here."""
    return (
        found[k] if type(k) is int and 0 <= k < len(found) else refuse_file(f"{k!r} is the number of nothing")
    )


def _text(x: Any) -> str:
    return x if isinstance(x, str) else refuse_file(f"{x!r} is no text")

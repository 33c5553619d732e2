"""Structures of arguments and results as JSON: tuples, lists and dicts of numbered leaves."""

from __future__ import annotations

from typing import Any

from wengert import tree
from wengert.errors import ArgumentError
from wengert.export.format import refuse_file

__all__ = ["read_structure", "written_structure"]


def written_structure(structure: Any) -> Any:
    """Return the form of a structure: a leaf is its number."""
    return _written(tree.unflatten(structure, range(structure.num_leaves)))


def _written(x: Any) -> Any:
    if x is None or type(x) is int:
        return x
    if type(x) in {tuple, list}:
        return [type(x).__name__, *map(_written, x)]
    if type(x) is dict and all(isinstance(key, str | int) for key in x):
        return ["dict", *[[key, _written(value)] for key, value in x.items()]]
    raise ArgumentError(
        f"the arguments or results of the graph hold a container of type {type(x).__name__}, which cannot be saved",
        why="a class is code, which a file does not hold; tuples, lists and dicts with keys of text can be saved.",
        instead="trace a function that takes and returns these.",
    )


def read_structure(form: Any, n: int) -> Any:
    """Return the structure of a form, which must have n leaves."""
    leaves, structure = tree.flatten(_read(form))
    if leaves != list(range(n)):
        refuse_file(f"a structure has not {n} leaves in order")
    return structure


def _read(form: Any) -> Any:
    if form is None or type(form) is int:
        return form
    kind = form[0] if isinstance(form, list) and form else None
    if kind == "tuple":
        return tuple(map(_read, form[1:]))
    if kind == "list":
        return list(map(_read, form[1:]))
    if kind == "dict" and all(
        isinstance(p, list) and len(p) == 2 and isinstance(p[0], str | int) for p in form[1:]
    ):
        return {key: _read(value) for key, value in form[1:]}
    return refuse_file(f"{str(form)[:40]!r} is no structure")

"""The text of a graph, the same whenever the same program is staged.

    graph(a: f64[3], b: f64[]):                              # norm
        c: f64[3] = multiply(a, b)                           # file.py:12
        d: f64[] = sum(c, axis=(0,), keepdims=False)
        return d

Values are named in the order in which they are made; nested graphs stand under the node that holds them, and their
names continue those around them. Numbers are written out, arrays of constants by their type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from itertools import count, product
from keyword import iskeyword
from pathlib import PurePath
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from wengert.core.atoms import Atom, Const, Place

if TYPE_CHECKING:
    from wengert.core.graph import Graph, Node

__all__ = ["held", "node_text", "text"]

T = TypeVar("T")

_INDENT = "    "
_ITEMS = 8  # of a tuple are written out
_WIDTH = 40  # letters of other parameters


def names() -> Iterator[str]:
    """Yield a, b, ..., z, aa, ab, ..., without the words of Python."""
    for length in count(1):
        for letters in product(ascii_lowercase, repeat=length):
            name = "".join(letters)
            if not iskeyword(name):
                yield name


def text(graph: Graph) -> str:
    """Return the text of a graph.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    str
    """
    return "\n".join(_lines(graph, names(), "", _comment(graph.name)))


def node_text(node: Node) -> str:
    """Return one operation on its types, for messages: ``add(f64[3], 1.0)``."""
    operands = [_number(a) if isinstance(a, Const) else str(a.type) for a in node.inputs]
    return f"{node.prim.name}({', '.join([*operands, *_params(node.params, ())])})"


def _lines(graph: Graph, fresh: Iterator[str], indent: str, comment: str) -> Iterator[str]:
    named: dict[Atom, str] = {}

    def declared(atoms: tuple[Any, ...]) -> str:
        named.update((a, next(fresh)) for a in atoms)
        return ", ".join([f"{named[a]}: {a.type}" for a in atoms])

    def used(a: Atom) -> str:
        return _number(a) if isinstance(a, Const) else named.get(a, "?")  # "?" is free, which `check` refuses

    yield f"{indent}graph({declared(graph.inputs)}):{comment}"
    inner = indent + _INDENT
    for node in graph.nodes:
        nested = [found for key, value in node.params.items() for found in held(key, value, type(graph))]
        arguments = [*map(used, node.inputs), *_params(node.params, type(graph))]
        call = f"{node.prim.name}({', '.join(arguments)})"
        yield f"{inner}{declared(node.outputs)} = {call}{_comment(_where(node.place))}"
        for key, g in nested:
            yield from _lines(g, fresh, inner + _INDENT, _comment(f"{key}: {g.name}"))
    yield f"{inner}return {', '.join(map(used, graph.outputs))}".rstrip()


def _comment(words: str) -> str:
    return f"  # {words}" if words else ""


def _where(place: Place | None) -> str:
    return "" if place is None else f"{PurePath(place.file).name}:{place.line}"


def held(name: str, value: Any, kind: type[T]) -> list[tuple[str, T]]:
    """Return what a parameter holds of a class, itself or in a tuple or dataclass, with the name of its place."""
    if isinstance(value, kind):
        return [(name, value)]
    if isinstance(value, tuple):
        return [(f"{name}[{i}]", v) for i, v in enumerate(value) if isinstance(v, kind)]
    if is_dataclass(value) and not isinstance(value, type):
        return [
            found for f in fields(value) for found in held(f"{name}.{f.name}", getattr(value, f.name), kind)
        ]
    return []


# Values -------------------------------------------------------------------------------------------------------------


def _number(const: Const) -> str:
    """Return a number as it is written, an array by its type."""
    return str(const.type) if const.shape else str(const.value)


def _params(params: dict[str, Any], nested: type | tuple[type, ...]) -> list[str]:
    """Return parameters as they are written, without those that are graphs, which are written below."""
    shown = []
    for key, value in params.items():
        if is_dataclass(value) and not isinstance(value, type):
            shown += _params({f.name: getattr(value, f.name) for f in fields(value)}, nested)
        elif not isinstance(value, nested) and not (
            isinstance(value, tuple) and value and isinstance(value[0], nested)
        ):
            shown.append(f"{key}={value_text(value)}")
    return shown


def value_text(value: Any) -> str:
    """Return a parameter in short, without addresses in memory."""
    if isinstance(value, tuple | list):
        return _sequence(value)
    if isinstance(value, dict):
        return "{" + ", ".join([f"{k}: {value_text(v)}" for k, v in value.items()]) + "}"
    if isinstance(value, slice):
        return _slice(value)
    if isinstance(value, np.ndarray):
        return _number(Const(value))
    if isinstance(value, bool | int | float | complex | str | type(None)):
        return _short(repr(value))
    return _other(value)


def _other(value: Any) -> str:
    """Return what is no number, text or container: by its name, or that of its type."""
    if isinstance(value, np.generic | np.dtype):
        return str(value)
    if value is Ellipsis:
        return "..."
    while isinstance(value, partial):
        value = value.func
    name = getattr(value, "__name__", None)
    if isinstance(name, str):
        return name
    words = str(value)
    return f"<{type(value).__name__}>" if " at 0x" in words or "\n" in words else _short(words)


def _sequence(values: Any) -> str:
    items = list(map(value_text, values[:_ITEMS]))
    if len(values) > _ITEMS:
        items.append(f"… {len(values) - _ITEMS} more")
    if isinstance(values, list):
        return f"[{', '.join(items)}]"
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _slice(s: slice) -> str:
    bounds = [s.start, s.stop] if s.step is None else [s.start, s.stop, s.step]
    return ":".join(["" if v is None else str(v) for v in bounds])


def _short(words: str) -> str:
    return words if len(words) <= _WIDTH else f"{words[: _WIDTH - 1]}…"

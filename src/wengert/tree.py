"""Pytrees: numbers, arrays and nested containers of them; thin over optree.

Tuples, lists, dicts, named tuples and what optree knows are containers; dataclasses become containers when
they are first met. Everything else is a leaf.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import optree

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["children", "flatten", "map_leaves", "paths", "register", "unflatten"]

_NAMESPACE = "wengert"
_registered: set[type] = set()
_mutex = threading.Lock()


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """Return the leaves of a tree and its structure."""
    leaves, structure = optree.tree_flatten(tree, namespace=_NAMESPACE)
    met = {
        type(leaf) for leaf in leaves if hasattr(leaf, "__dataclass_fields__") and not isinstance(leaf, type)
    }
    if not met:
        return leaves, structure
    for cls in met:
        _register_dataclass(cls)
    return flatten(tree)


def unflatten(structure: Any, leaves: Any) -> Any:
    """Return the tree of a structure with new leaves."""
    return optree.tree_unflatten(structure, leaves)


def map_leaves(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to the corresponding leaves of trees of equal structure."""
    flatten(tree)  # meets dataclasses
    return optree.tree_map(function, tree, *rest, namespace=_NAMESPACE)


def children(node: Any) -> tuple[list[Any], tuple[Any, ...]] | None:
    """Return the children of a container and their entries (indices, keys, names), or None for a leaf."""
    flatten(node)  # meets dataclasses
    if optree.tree_is_leaf(node, namespace=_NAMESPACE):
        return None
    parts, _, entries, _ = optree.tree_flatten_one_level(node, namespace=_NAMESPACE)
    return parts, tuple(entries)


def paths(tree: Any) -> list[str]:
    """Return the place of each leaf as Python would write it: ``[0]['w']``."""
    return [accessor.codify("") for accessor in optree.tree_accessors(tree, namespace=_NAMESPACE)]


def register(
    cls: type, to_children: Callable[[Any], tuple[Any, Any]], from_children: Callable[[Any, Any], Any]
) -> None:
    """Make a class a container: `to_children(x)` gives (children, rest), `from_children(rest, children)` an x."""
    with _mutex:
        if cls in _registered:  # a dataclass that was met before: what the user says of it holds from now on
            _registered.discard(cls)
            optree.unregister_pytree_node(cls, namespace=_NAMESPACE)
        optree.register_pytree_node(cls, to_children, from_children, namespace=_NAMESPACE)


def _register_dataclass(cls: type) -> None:
    with _mutex:  # another thread may have met the class in the meantime
        if cls not in _registered:
            _registered.add(cls)
            _make_container(cls)


def _make_container(cls: type) -> None:
    names = tuple(f.name for f in dataclasses.fields(cls))

    def to_children(x: Any) -> tuple[Any, Any, Any]:
        return tuple(getattr(x, name) for name in names), None, names

    def from_children(_rest: Any, children: Any) -> Any:
        x: Any = object.__new__(cls)  # no __init__: it may check or convert what is a tracer now
        for name, child in zip(names, children, strict=True):
            object.__setattr__(x, name, child)
        return x

    optree.register_pytree_node(cls, to_children, from_children, namespace=_NAMESPACE)

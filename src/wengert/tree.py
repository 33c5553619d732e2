"""Pytrees: numbers, arrays and nested containers of them; thin over optree.

Tuples, lists, dicts, named tuples and what optree knows are containers; dataclasses become containers when
they are first met; their fields with the metadata ``{"static": True}`` are part of the structure. Everything else is
a leaf.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import optree

from wengert.types import ArrayType

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["children", "flatten", "map_leaves", "parts", "paths", "places", "register", "unflatten"]

_NAMESPACE = "wengert"
_registered: set[type] = set()
_mutex = threading.Lock()


def flatten(
    tree: Any, *, is_leaf: Callable[[Any], bool] | None = None, none_is_leaf: bool = False
) -> tuple[list[Any], Any]:
    """Return the leaves of a tree and its structure.

    Parameters
    ----------
    tree : pytree
    is_leaf : callable, optional
        Says which containers are to be leaves.
    none_is_leaf : bool
        Whether None is a leaf, not a container of nothing.

    Returns
    -------
    leaves : list
    structure : object
        What `unflatten` takes.

    Examples
    --------
    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": 3.0})
    >>> leaves
    [3.0, 1.0, 2.0]
    """
    leaves, structure = optree.tree_flatten(tree, is_leaf, none_is_leaf=none_is_leaf, namespace=_NAMESPACE)
    met = {
        type(leaf)
        for leaf in leaves
        if hasattr(leaf, "__dataclass_fields__") and not isinstance(leaf, type | ArrayType)
    }
    if is_leaf is not None:
        met = {type(leaf) for leaf in leaves if type(leaf) in met and not is_leaf(leaf)}
    if not met:
        return leaves, structure
    for cls in met:
        _register_dataclass(cls)
    return flatten(tree, is_leaf=is_leaf, none_is_leaf=none_is_leaf)


def unflatten(structure: Any, leaves: Any) -> Any:
    """Return the tree of a structure with new leaves.

    Parameters
    ----------
    structure : object
        As `flatten` gives it.
    leaves : iterable
        As many as the structure has.

    Returns
    -------
    pytree

    Examples
    --------
    >>> leaves, structure = flatten((1.0, [2.0]))
    >>> unflatten(structure, [10.0, 20.0])
    (10.0, [20.0])
    """
    return optree.tree_unflatten(structure, leaves)


def map_leaves(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to the corresponding leaves of trees of equal structure.

    Parameters
    ----------
    function : callable
        Takes one leaf of each tree.
    tree, *rest : pytree

    Returns
    -------
    pytree
        Of the results.

    Examples
    --------
    >>> map_leaves(lambda x, g: x - 0.5 * g, {"w": 1.0}, {"w": 4.0})
    {'w': -1.0}
    """
    flatten(tree)  # meets dataclasses
    return optree.tree_map(function, tree, *rest, namespace=_NAMESPACE)


def children(node: Any) -> tuple[list[Any], tuple[Any, ...]] | None:
    """Return the children of a container and their entries, or None for a leaf.

    Parameters
    ----------
    node : pytree

    Returns
    -------
    (list, tuple) or None
        The entries are indices, keys or names.

    Examples
    --------
    >>> children({"w": 1.0})
    ([1.0], ('w',))
    >>> children(1.0)
    """
    flatten(node)  # meets dataclasses
    if optree.tree_is_leaf(node, namespace=_NAMESPACE):
        return None
    parts, _, entries, _ = optree.tree_flatten_one_level(node, namespace=_NAMESPACE)
    return parts, tuple(entries)


def places(
    tree: Any, *, is_leaf: Callable[[Any], bool] | None = None, none_is_leaf: bool = False
) -> list[tuple[Any, ...]]:
    """Return for each leaf the entries that lead to it: indices, keys and names of fields.

    Parameters
    ----------
    tree : pytree
    is_leaf, none_is_leaf
        As for `flatten`.

    Returns
    -------
    list of tuple

    Examples
    --------
    >>> places(({"w": 1.0}, 2.0))
    [(0, 'w'), (1,)]
    """
    flatten(tree, is_leaf=is_leaf)  # meets dataclasses
    return optree.tree_paths(tree, is_leaf, none_is_leaf=none_is_leaf, namespace=_NAMESPACE)


def parts(structure: Any, tree: Any) -> list[Any]:
    """Return the leaves of a tree of a given structure, in which None may stand for a leaf.

    Parameters
    ----------
    structure : object
        As `flatten` gives it.
    tree : pytree

    Returns
    -------
    list

    Raises
    ------
    ValueError
        If the tree has another structure.

    Examples
    --------
    >>> parts(flatten([1.0, 2.0])[1], [None, 5.0])
    [None, 5.0]
    """
    found: list[Any] = structure.flatten_up_to(tree)
    if not all(optree.tree_is_leaf(part, none_is_leaf=True, namespace=_NAMESPACE) for part in found):
        message = "a container stands where the structure has a leaf"
        raise ValueError(message)
    return found


def paths(tree: Any) -> list[str]:
    """Return the place of each leaf as Python would write it.

    Parameters
    ----------
    tree : pytree

    Returns
    -------
    list of str

    Examples
    --------
    >>> paths(({"w": 1.0}, 2.0))
    ["[0]['w']", '[1]']
    """
    return [accessor.codify("") for accessor in optree.tree_accessors(tree, namespace=_NAMESPACE)]


def register(
    cls: type, to_children: Callable[[Any], tuple[Any, Any]], from_children: Callable[[Any, Any], Any]
) -> None:
    """Make a class a container.

    Parameters
    ----------
    cls : type
        Dataclasses need no registration.
    to_children : x -> (children, rest)
        `rest` is what stays as it is; it must be hashable and comparable.
    from_children : (rest, children) -> x

    Examples
    --------
    >>> class Line:
    ...     def __init__(self, slope, name):
    ...         self.slope, self.name = slope, name
    >>> register(Line, lambda x: ((x.slope,), x.name), lambda name, children: Line(*children, name))
    >>> flatten(Line(2.0, "first"))[0]
    [2.0]
    """
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


class _Static:
    """Values that are part of a structure: the same if types are too, for Python takes 1, 1.0 and True for equal."""

    __slots__ = ("_key", "values")

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values
        self._key = _typed(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Static) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return repr(self.values)


def _typed(x: Any) -> Any:
    kind = type(x)
    if kind is tuple or kind is frozenset:
        return kind, kind(map(_typed, x))
    if kind is float or kind is complex:
        return kind, repr(x)  # -0.0 is not 0.0, and nan is nan
    return kind, x


def _make_container(cls: type) -> None:
    fields = dataclasses.fields(cls)
    names = tuple(f.name for f in fields if not f.metadata.get("static"))
    static = tuple(f.name for f in fields if f.metadata.get("static"))
    read = object.__getattribute__  # what a class gives for a field may not be what it holds

    def to_children(x: Any) -> tuple[Any, Any, Any]:
        rest = _Static(tuple([read(x, name) for name in static])) if static else None
        return tuple([read(x, name) for name in names]), rest, names

    def from_children(rest: Any, children: Any) -> Any:
        x: Any = object.__new__(cls)  # no __init__: it may check or convert what is a tracer now
        for name, child in zip(names, children, strict=True):
            object.__setattr__(x, name, child)
        for name, value in zip(static, rest.values if static else (), strict=True):
            object.__setattr__(x, name, value)
        return x

    optree.register_pytree_node(cls, to_children, from_children, namespace=_NAMESPACE)

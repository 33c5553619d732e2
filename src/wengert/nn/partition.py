"""Parts of a model: what is trained and what is not, as two trees of one structure.

    params, rest = partition(model)          None stands where the other part has the leaf
    model = combine(params, rest)

An array that stands at several places of a model is one parameter: `params` has it at the first place, `rest` marks
the others, and `combine` puts one object at all of them. So the gradient with respect to `params` is the sum over the
places, which is the derivative with respect to what they share, and what an optimizer makes of it is shared again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError
from wengert.nn.frozen import Buffer, Frozen
from wengert.nn.module import joined

__all__ = ["combine", "filter", "is_trainable", "leaf_paths", "partition"]


@dataclass(frozen=True, slots=True)
class Shared:
    """Stands for a leaf that is the same object as an earlier one: a container of nothing, with its number."""

    first: int = field(metadata={"static": True})

    def __repr__(self) -> str:
        return f"shared({self.first})"


def _is_end(x: Any) -> bool:
    return x is None or isinstance(x, Shared | Frozen)


def is_trainable(path: str, leaf: Any) -> bool:
    """Whether a leaf is a parameter: a floating or complex array or number that is not frozen, and no buffer.

    Parameters
    ----------
    path : str
        Its place in the model.
    leaf : Any
        The array, or the `Frozen` around it.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_trainable("weight", np.zeros(3)), is_trainable("count", np.zeros(3, int))
    (True, False)
    """
    if isinstance(leaf, Frozen):
        return False
    return isinstance(leaf, float | complex) or getattr(leaf, "dtype", np.dtype(int)).kind in "fc"


def partition(model: Any, where: Callable[[str, Any], bool] = is_trainable) -> tuple[Any, Any]:
    """Split a model into the leaves that are chosen and the rest.

    Parameters
    ----------
    model : pytree
    where : (path, leaf) -> bool
        Which leaves are chosen; by default those that are trained. Paths are as Python writes them, such as
        ``layers[0].weight``; a frozen leaf is a `Frozen`.

    Returns
    -------
    chosen, rest : pytree
        In the structure of the model, with None for what is in the other one.

    Notes
    -----
    A leaf that is the same array as an earlier one is in `chosen` once: see the shared weights below.

    See Also
    --------
    combine : The way back.

    Examples
    --------
    >>> from wengert.nn.frozen import frozen
    >>> chosen, rest = partition({"a": 1.0, "b": frozen(2.0), "c": 3})
    >>> chosen
    {'a': 1.0, 'b': None, 'c': None}
    >>> rest
    {'a': None, 'b': frozen 2.0, 'c': 3}

    Shared weights stay shared, and their gradients are summed:

    >>> import wengert as wg
    >>> w = np.array([1.0, 2.0])
    >>> chosen, rest = partition([w, w])
    >>> loss = lambda params: np.sum(combine(params, rest)[0] * combine(params, rest)[1])
    >>> wg.grad(loss)(chosen)
    [array([2., 4.]), None]
    """
    leaves, structure = tree.flatten(model, is_leaf=_is_end, none_is_leaf=True)
    chosen: list[Any] = []
    rest: list[Any] = []
    first: dict[int, int] = {}
    for k, (path, x) in enumerate(zip(leaf_paths(model), leaves, strict=True)):
        picked = x is not None and bool(where(path, x))
        if picked and _identity(x) is not None:
            place = first.setdefault(_identity(x) or 0, k)
            if place != k:
                chosen.append(None)
                rest.append(Shared(place))
                continue
        chosen.append(x if picked else None)
        rest.append(None if picked else x)
    return tree.unflatten(structure, chosen), tree.unflatten(structure, rest)


def filter(model: Any, where: Callable[[str, Any], bool] = is_trainable) -> Any:
    """Return a model with None for the leaves that are not chosen.

    Parameters
    ----------
    model : pytree
    where : (path, leaf) -> bool
        As for `partition`.

    Returns
    -------
    pytree

    Examples
    --------
    >>> filter({"weight": 1.0, "bias": 2.0}, lambda path, leaf: "weight" in path)
    {'weight': 1.0, 'bias': None}
    """
    return partition(model, where)[0]


def combine(chosen: Any, rest: Any) -> Any:
    """Return the model of which these are the parts.

    Parameters
    ----------
    chosen, rest : pytree
        As `partition` gives them; the leaves may be others by now.

    Returns
    -------
    pytree

    Raises
    ------
    ArgumentError
        If they have different structures, or both have a leaf at one place.

    Examples
    --------
    >>> combine([1.0, None], [None, 2.0])
    [1.0, 2.0]
    """
    xs, structure = tree.flatten(chosen, is_leaf=_is_end, none_is_leaf=True)
    others, other_structure = tree.flatten(rest, is_leaf=_is_end, none_is_leaf=True)
    if structure != other_structure:
        raise ArgumentError(
            "combine got two parts of different structure",
            why=f"one is {structure}, the other {other_structure}.",
            instead="give it the two parts that partition made of one model, with other leaves at most.",
        )
    both = [
        k for k, (x, y) in enumerate(zip(xs, others, strict=True)) if not (_is_absent(x) or _is_absent(y))
    ]
    if both:
        raise ArgumentError(
            f"both parts given to combine have {leaf_paths(chosen)[both[0]]}",
            why="each leaf of a model is in one part.",
            instead="give it the two parts that partition made of one model.",
        )
    leaves = [y if _is_absent(x) else x for x, y in zip(xs, others, strict=True)]
    for k, x in enumerate(leaves):
        if isinstance(x, Shared):
            leaves[k] = leaves[x.first]
    return tree.unflatten(structure, leaves)


def leaf_paths(model: Any) -> list[str]:
    """Return the places of the leaves of a model as Python writes them; None and frozen values are leaves.

    Parameters
    ----------
    model : pytree

    Returns
    -------
    list of str

    Examples
    --------
    >>> leaf_paths({"layers": [1.0, (2.0, 3.0)]})
    ["['layers'][0]", "['layers'][1][0]", "['layers'][1][1]"]
    """
    found: list[str] = []
    pending = [("", model)]
    while pending:
        path, x = pending.pop()
        level = None if _is_end(x) else tree.children(x)
        if level is None:
            found.append(path)
        else:
            pairs = zip(*level, strict=True)
            pending += reversed([(joined(path, x, entry), child) for child, entry in pairs])
    return found


def _is_absent(x: Any) -> bool:
    """Whether a part has nothing here; a frozen value may have been mapped to a frozen nothing."""
    return x is None or (isinstance(x, Frozen) and x.value is None)


def _identity(x: Any) -> int | None:
    """Return what tells an array from all others; numbers have no identity."""
    array = x.value if isinstance(x, Frozen | Buffer) else x
    return id(array) if hasattr(array, "dtype") and not isinstance(array, np.generic) else None

"""Branches of a graph, made of blocks that share variables.

Both blocks are staged, and what they leave in the variables, and in arrays from around them, is merged. Both must leave
the same types there; Python numbers take the dtype of the others, as anywhere in NumPy. What is neither an array nor a
number must be the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.control.bodies import Body, merged
from wengert.control.cond import switch_
from wengert.core.dispatch import Traced
from wengert.core.tracer import Tracer
from wengert.core.views import is_scalar
from wengert.lifting.blocks import (
    Block,
    Bystanders,
    Site,
    StandIns,
    Unset,
    Variables,
    commit,
    common_type,
    differ,
    is_array,
    is_operand,
    require_one_name,
    require_own,
    same_object,
    weak_type,
)
from wengert.lifting.exits import INTERNAL
from wengert.transforms.simplify import simplify
from wengert.types import ArrayType, type_of

__all__ = ["as_type", "blank", "fork"]


class _Side(NamedTuple):
    """One staged way.

    Attributes
    ----------
    block : Block
    fed : StandIns
    after : list
        What the variables are in the end, with handles as the block left them.
    objects : list
        The same, as the objects that they are.
    ends : dict
        What handles from around were in the end, by their ids.
    """

    block: Block
    fed: StandIns
    after: list[Any]
    objects: list[Any]
    ends: dict[int, Traced]


def fork(
    condition: Any, ways: tuple[Callable[[], Any], ...], variables: Variables, site: Site, *, forced: bool
) -> None:
    """Stage two blocks, and set what they write to the results of the one that a condition chooses.

    Parameters
    ----------
    condition : Traced
        One boolean.
    ways : (callable, callable)
        For true and for false.
    variables : Variables
    site : Site
    forced : bool
        Whether Python cannot choose: then a variable may have a value on one way only, as long as nobody reads it.
    """
    n = len(site.names)
    everything = list(variables.get())
    require_one_name(site, everything)
    bystanders = Bystanders(everything[n : n + site.n_read])
    before = everything[:n]
    sides = [_staged(way, variables, before, site) for way in ways]
    bystanders.require_same()
    if not forced:
        _require_values(site, sides)
    choice = _Choice(sides[0].block, sides[1].block)
    made = [
        _merged(choice, site, k, before[k], sides, everything) if site.kept[k] else before[k]
        for k in range(n)
    ]
    cells = {key: x for side in sides for key, (x, _) in side.block.written.items()}
    places = [(x, choice.of(*[side.ends.get(key, x) for side in sides])) for key, x in cells.items()]
    del everything
    ys = choice.results(condition)
    new = [(m.value(ys), m.in_place) if isinstance(m, _Merged) else (m, False) for m in made]
    commit(variables, before, new, [side.fed for side in sides])
    for x, place in places:
        x.rebind(ys[place])  # type: ignore[attr-defined]


def _staged(way: Callable[[], Any], variables: Variables, before: Sequence[Any], site: Site) -> _Side:
    """Stage one way; the variables are what they were, afterwards."""
    with Block() as block:
        plain = [
            (lambda x: type(x) is np.ndarray and is_array(x)) if n in site.written else _never
            for n in site.names
        ]
        fed = StandIns(before, plain, lambda x: block.hold(x.copy()))
        try:
            variables.put(fed.values)
            way()
            objects = list(variables.get()[: len(before)])
            after = [tree.map_leaves(_detached, value) for value in objects]
        finally:
            variables.put(before)
            ends = block.restore()
    return _Side(block, fed, after, objects, ends)


def _never(_: Any) -> bool:
    return False


def _detached(x: Any) -> Any:
    return x.detached() if isinstance(x, Traced) else x


# Merging --------------------------------------------------------------------------------------------------------------


class _Choice:
    """What depends on the way: pairs of values, one for true and one for false."""

    def __init__(self, yes: Block, no: Block) -> None:
        self._blocks = (yes, no)
        self._pairs: list[tuple[Any, Any]] = []

    def of(self, x: Any, y: Any) -> int:
        """Note a pair; return its place among the results."""
        self._pairs.append((x, y))
        return len(self._pairs) - 1

    def results(self, condition: Any) -> Sequence[Any]:
        """Return the values on the way that is chosen."""
        if not self._pairs:
            return ()
        types = [common_type(x, y) or type_of(x) for x, y in self._pairs]
        bodies = []
        for k in (1, 0):  # false comes first
            with self._blocks[k] as block:
                ys = [as_type(pair[k], t) for pair, t in zip(self._pairs, types, strict=True)]
                graph = block.graph(ys, "branch")
            bodies.append(Body(simplify(graph), block.captured(), None))
        graphs, captured = merged(bodies, 0)
        index = np.astype(condition, np.dtype(np.int64))
        return switch_(index, *captured, graphs=tuple(graphs))  # type: ignore[no-any-return]


class _Merged(NamedTuple):
    """A value with leaves that depend on the way: these are given by their places."""

    in_place: bool
    structure: Any
    leaves: list[Any]

    def value(self, ys: Sequence[Any]) -> Any:
        return tree.unflatten(
            self.structure, [ys[x.place] if isinstance(x, _Place) else x for x in self.leaves]
        )


class _Place(NamedTuple):
    place: int


def _merged(
    choice: _Choice, site: Site, k: int, old: Any, sides: Sequence[_Side], everything: Sequence[Any]
) -> Any:
    """Return what a variable becomes: a value, or a `_Merged` of values that depend on the way."""
    name = site.names[k]
    if all(side.fed.is_untouched(k, side.objects[k]) for side in sides):
        return old
    a, b = (side.after[k] for side in sides)
    if isinstance(a, Unset) or isinstance(b, Unset):
        if isinstance(a, Unset) and isinstance(b, Unset):
            return a
        if not name.startswith(INTERNAL):
            return Unset(name, f"it is assigned in one branch only, at line {site.line}")
        a, b = (blank(b), b) if isinstance(a, Unset) else (a, blank(a))
    (leaves_a, structure), (leaves_b, other) = tree.flatten(a), tree.flatten(b)
    if structure != other:
        raise differ(name, "in one branch, and in the other", a, b)
    for x in (leaf for side in sides for leaf in tree.flatten(side.objects[k])[0]):
        require_own(site, k, x, everything)
    leaves = []
    for x, y in zip(leaves_a, leaves_b, strict=True):
        if not is_array(x) and not is_array(y) and same_object(x, y):
            leaves.append(x)
            continue
        fits = is_operand(x) and is_operand(y) and np.shape(x) == np.shape(y)
        if not fits or common_type(x, y) is None:
            raise differ(name, "in one branch, and in the other", a, b)
        leaves.append(_Place(choice.of(x, y)))
    in_place = all(side.objects[k] is side.fed.values[k] for side in sides)
    return _Merged(in_place, structure, leaves)


def _require_values(site: Site, sides: Sequence[_Side]) -> None:
    """Raise if a variable has a value on one way only."""
    for k, name in enumerate(site.names):
        unset = [isinstance(side.after[k], Unset) for side in sides]
        if site.kept[k] and any(unset) and not all(unset) and not name.startswith(INTERNAL):
            raise differ(name, "in one branch, and in the other", *[side.after[k] for side in sides])


def as_type(x: Any, t: ArrayType) -> Any:
    """Return a value in a dtype, as no Python number."""
    if type_of(x) == t and isinstance(x, Traced | np.generic | np.ndarray):
        return x
    return x.astype(t.dtype) if isinstance(x, Tracer) else np.asarray(x, t.dtype)[()]


def blank(value: Any) -> Any:
    """Return zeros of the types of a value."""
    return tree.map_leaves(_blank_leaf, value)


def _blank_leaf(x: Any) -> Any:
    if not is_operand(x):
        return x
    kind, t = weak_type(x), type_of(x)
    if kind is not None:
        return kind(0)
    zeros = np.zeros(t.shape, t.dtype)
    return zeros if t.shape or (isinstance(x, Traced) and not is_scalar(x)) else zeros[()]

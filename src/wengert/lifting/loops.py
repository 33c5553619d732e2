"""Loops of a graph, made of blocks that share variables.

A step is staged until the types of the variables settle: a sum that begins with the Python number 0 takes the dtype of
what is added. The state of a loop is what variables stand for, and the contents of arrays from around it that it
writes into. Which these are, the staging itself shows: a second staging that starts from stand-ins of them writes to
them again, while arrays that a step makes for itself are others each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.control.scan import Loop, looped
from wengert.control.while_loop import while_loop
from wengert.core.dispatch import Traced
from wengert.core.graph import Graph
from wengert.core.views import is_scalar
from wengert.errors import LiftError
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
    is_operand,
    owner,
    require_distinct,
    require_one_name,
    require_own,
    same_object,
    weak_type,
)
from wengert.lifting.branches import as_type, blank
from wengert.lifting.exits import INTERNAL
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import Staged
from wengert.types import ArrayType, type_of

__all__ = ["conditional_loop", "counted_loop", "truth"]

_ROUNDS = (
    5  # of staging until the types of a loop settle: bool, int, float, complex; and once for what it writes
)
_WIDE = frozenset({np.dtype(bool), np.dtype(np.int64), np.dtype(float), np.dtype(complex)})


def truth(x: Any) -> Any:
    """Return a traced condition as one boolean."""
    if x.size != 1:
        bool(np.empty(x.shape or 2))  # raises NumPy's error
    x = x if x.dtype.kind == "b" else x != 0
    return x if not x.shape else x.reshape(())


# Steps ----------------------------------------------------------------------------------------------------------------


class _Staging(NamedTuple):
    """What one staging of a block gave.

    Attributes
    ----------
    block : Block
        Its inputs: stand-ins of variables, of arrays from around it, slices, and what it closes over.
    fed : StandIns
    placed : list
        The atoms of the stand-ins of arrays from around it.
    result : object
        What the block returned.
    objects, after : list
        What variables are afterwards: the objects, and the same with handles as the block left them.
    ends : dict
        What handles from around it were in the end, by their ids.
    """

    block: Block
    fed: StandIns
    placed: list[Any]
    result: Any
    objects: list[Any]
    after: list[Any]
    ends: dict[int, Traced]


class _Step:
    """A step of a loop, staged.

    Parameters
    ----------
    variables : Variables
    site : Site

    Attributes
    ----------
    operands : list
        The state before the first step.
    graph : Graph
        From the state, slices and what the step closes over to the next state.
    captured : list
        What the step closes over.
    """

    def __init__(self, variables: Variables, site: Site) -> None:
        self._variables, self._site = variables, site
        everything = list(variables.get())
        require_one_name(site, everything)
        n = len(site.names)
        self._before = everything[:n]
        self._bystanders = Bystanders(everything[n : n + site.n_read])
        for k, x in enumerate(self._before):
            if site.kept[k] and site.names[k] in site.rebound:
                require_own(site, k, x, everything)
        self._start = [x if on else None for x, on in zip(self._before, site.kept, strict=True)]
        shown = [x for k, x in enumerate(self._start) if self._is_shown(k)]
        self._cells = list({id(owner(x)): owner(x) for x in shown}.values())

    def _is_shown(self, k: int) -> bool:
        """Whether a variable shows an array, and goes on to show it, whatever is written there."""
        x = self._before[k]
        return self._site.names[k] not in self._site.rebound and isinstance(x, Traced) and not is_scalar(x)

    def staged(
        self, run: Callable[[list[Any]], Any], slices: Sequence[tuple[ArrayType, Any]] = ()
    ) -> _Staging:
        """Stage a block that takes slices, given by their types and which Python numbers they stand for."""
        with Block() as block:
            chosen = [(lambda _: False) if self._is_shown(k) else is_operand for k in range(len(self._start))]
            fed = StandIns(self._start, chosen, lambda x: _lifted(block, x))
            kept = zip(fed.values, self._before, self._site.kept, strict=True)
            try:
                placed = [block.place(x).value for x in self._cells]
                given = [block.lift(t, scalar=not t.shape, weak=weak) for t, weak in slices]
                atoms = [t.value for t in given]
                self._variables.put([x if on else old for x, old, on in kept])
                result = _detached(run(list(given)))
                objects = list(self._variables.get()[: len(self._before)])
                after = [tree.map_leaves(_detached, x) for x in objects]
            finally:
                self._variables.put(self._before)
                ends = block.restore()
        self._bystanders.require_same()
        if any(t.value is not atom for t, atom in zip(given, atoms, strict=True)):
            raise LiftError(
                "a loop writes into the rows that it goes over",
                why="they are views of the array.",
                instead="loop over indices, and write x[i] = ...",
            )
        return _Staging(block, fed, placed, result, objects, after, ends)

    def require_values(self) -> None:
        """Raise if a variable may have no value after the loop: Python knows, step by step."""
        pairs = zip(self._site.names, self._found.after, self._site.kept, strict=True)
        for name, x, on in pairs:
            if on and isinstance(x, Unset) and not name.startswith(INTERNAL):
                raise LiftError(
                    f"{name} may have no value after the loop at line {self._site.line}",
                    why="it is assigned in some steps only.",
                    instead=f"assign {name} before.",
                )

    def settle(
        self, run: Callable[[list[Any]], Any], slices: Sequence[tuple[ArrayType, Any]], *, sure: bool
    ) -> None:
        """Stage the step until the state and its types settle; `sure` that there is one."""
        looked = False
        for _ in range(_ROUNDS):
            found = self.staged(run, slices)
            known = {id(x) for x in self._cells}
            others = [x for key, (x, _) in found.block.written.items() if key not in known and not looked]
            looked = looked or bool(others)
            self._cells += others
            if not self._widened(found, sure=sure) and not others:
                break
        else:
            raise LiftError(
                "the types of a loop do not settle",
                why=f"after {_ROUNDS} steps they still change.",
                instead="give variables their last dtype before the loop.",
            )
        self._found = found
        ends = [found.ends[id(x)].value for x in self._cells]
        wrote = bool(found.fed.written()) or any(a is not b for a, b in zip(ends, found.placed, strict=True))
        require_distinct(self._carried(found), self._cells, wrote=wrote)
        self._close(found)

    def _carried(self, found: _Staging) -> list[Any]:
        """Return what variables are after a step, but for those that show arrays of the state."""
        return [x for k, x in enumerate(found.objects) if self._site.kept[k] and not self._is_shown(k)]

    def _widened(self, found: _Staging, *, sure: bool) -> bool:
        """Give the first values the types that a step gives them; say whether any has changed."""
        narrow = any(v.dtype not in _WIDE for node in found.block.nodes for v in node.outputs)
        changed = False
        for k, name in enumerate(self._site.names):
            if not self._site.kept[k]:
                continue
            if self._is_shown(k):
                if found.objects[k] is not self._before[k]:
                    raise differ(
                        name, "before a step, and after it another array,", self._before[k], found.after[k]
                    )
                continue
            new = _next_start(name, self._start[k], found.after[k], narrow=narrow, sure=sure)
            changed |= new is not self._start[k]
            self._start[k] = new
        return changed

    def _close(self, found: _Staging) -> None:
        """Make the graph; what no step changes is a constant of it."""
        leaves = [tree.flatten(x)[0] for x in found.after]
        ys = [leaves[k][j] for k, j in found.fed.places] + [found.ends[id(x)] for x in self._cells]
        atoms = [*found.block.inputs[: len(found.fed.tracers)], *found.placed]
        with found.block as block:
            ys = [as_type(y, a.type) for y, a in zip(ys, atoms, strict=True)]
            whole = block.graph(ys, "loop")
        self.captured = found.block.captured()
        self.moved = [out is not a for out, a in zip(whole.outputs, atoms, strict=True)]
        self.operands = [
            as_type(x, a.type) for x, a in zip([*found.fed.operands, *self._cells], atoms, strict=True)
        ]
        outputs = [out for out, on in zip(whole.outputs, self.moved, strict=True) if on]
        self.graph = simplify(Graph(whole.inputs, whole.nodes, outputs, "loop"))

    # The state in two parts: what steps change, and what they do not

    def carry(self) -> list[Any]:
        """Return the first values of what steps change."""
        return [x for x, on in zip(self.operands, self.moved, strict=True) if on]

    def fixed(self) -> list[Any]:
        """Return the rest of the state."""
        return [x for x, on in zip(self.operands, self.moved, strict=True) if not on]

    def joined(self, carry: Sequence[Any], fixed: Sequence[Any]) -> list[Any]:
        """Return the whole state."""
        parts = {True: iter(carry), False: iter(fixed)}
        return [next(parts[on]) for on in self.moved]

    def finish(self, ys: Sequence[Any]) -> None:
        """Set variables and arrays to the last state."""
        found, n = self._found, len(self._found.fed.tracers)
        last = self.joined(ys, [None] * (len(self.moved) - len(ys)))
        news: list[dict[int, Any]] = [{} for _ in self._start]
        for (k, j), y, on in zip(found.fed.places, last[:n], self.moved[:n], strict=True):
            if on:
                news[k][j] = y
        new = [self._last(k, news[k]) for k in range(len(news))]
        self._start.clear()
        commit(self._variables, self._before, new, [found.fed])
        for x, y, on in zip(self._cells, last[n:], self.moved[n:], strict=True):
            if on:
                x.rebind(y)

    def _last(self, k: int, new: dict[int, Any]) -> tuple[Any, bool]:
        """Return the last value of a variable, given the leaves that changed; and whether it is the same container."""
        name, start, old = self._site.names[k], self._start[k], self._before[k]
        if not self._site.kept[k] or (not new and start is old and not isinstance(old, Unset)):
            return old, False
        if isinstance(start, Unset):
            return Unset(name, f"the loop at line {self._site.line} may take no step"), False
        leaves, structure = tree.flatten(start)
        values = [new.get(j, x) for j, x in enumerate(leaves)]
        return tree.unflatten(structure, values), self._found.objects[k] is self._found.fed.values[k]


def _lifted(block: Block, x: Any) -> Staged:
    scalar = is_scalar(x) if isinstance(x, Traced) else not isinstance(x, np.ndarray)
    return block.lift(type_of(x), scalar=scalar, weak=weak_type(x))


def _detached(x: Any) -> Any:
    return x.detached() if isinstance(x, Traced) else x


def _next_start(name: str, start: Any, after: Any, *, narrow: bool, sure: bool) -> Any:
    """Return the first value of a variable in the types that a step gives it; itself, if these are its own."""
    if isinstance(start, Unset):
        fill = (sure or name.startswith(INTERNAL)) and not isinstance(after, Unset) and after is not None
        return blank(after) if fill else start
    (old, structure), (new, other) = tree.flatten(start), tree.flatten(after)
    if structure != other:
        raise differ(name, "before a step, and after it", start, after)
    leaves = []
    for x, y in zip(old, new, strict=True):
        fits = is_operand(x) and is_operand(y) and np.shape(x) == np.shape(y)
        leaf = _next_leaf(x, y, narrow=narrow) if fits else x
        if leaf is None or not (fits or same_object(x, y)):
            raise differ(name, "before a step, and after it", start, after)
        leaves.append(leaf)
    return (
        start if all(a is b for a, b in zip(old, leaves, strict=True)) else tree.unflatten(structure, leaves)
    )


def _next_leaf(x: Any, y: Any, *, narrow: bool) -> Any:
    """Return a number or array in the type that it has after a step, or None if it cannot have that.

    A Python number that becomes one of NumPy's of the same dtype stays what it is where all dtypes are wide: that makes
    no difference then.
    """
    kind, common = weak_type(x), common_type(x, y)
    if common is None or (kind is None and common != type_of(x)):
        return None
    if kind is None or (common == type_of(x) and (weak_type(y) is not None or not narrow)):
        return x
    if weak_type(y) is not None and not isinstance(x, Traced):
        return weak_type(y)(x)
    return as_type(x, common)


# Loops ----------------------------------------------------------------------------------------------------------------


def _is_traced(*parts: Sequence[Any]) -> bool:
    return any(isinstance(x, Traced) for part in parts for x in part)


def counted_loop(
    body: Callable[[list[Any]], None],
    slices: Sequence[Any],
    weak: Sequence[Any],
    variables: Variables,
    site: Site,
) -> bool:
    """Make a loop over slices of arrays; say whether it was worth it: whether anything in it is traced.

    Parameters
    ----------
    body : callable
        Takes the slices of one step.
    slices : sequence of array
        Of equal leading lengths.
    weak : sequence of type or None
        Which Python numbers the slices stand for.
    variables : Variables
    site : Site
    """
    step = _Step(variables, site)
    types = [
        (ArrayType(np.shape(x)[1:], type_of(x).dtype), kind) for x, kind in zip(slices, weak, strict=True)
    ]
    length = np.shape(slices[0])[0]
    step.settle(body, types, sure=length > 0)
    step.require_values()
    if not _is_traced(step.operands, step.captured, slices):
        return False
    n, m = len(step.operands), len(step.operands) + len(slices)
    inputs = step.graph.inputs
    fixed = [a for a, on in zip(inputs[:n], step.moved, strict=True) if not on]
    moved = [a for a, on in zip(inputs[:n], step.moved, strict=True) if on]
    graph = Graph([*inputs[m:], *fixed, *moved, *inputs[n:m]], step.graph.nodes, step.graph.outputs, "loop")
    loop = Loop(graph, len(step.captured) + len(fixed), len(moved), length)
    step.finish(looped([*step.captured, *step.fixed(), *step.carry(), *slices], loop))
    return True


def conditional_loop(
    test: Callable[[], Any], body: Callable[[], None], variables: Variables, site: Site, *, forced: bool
) -> bool:
    """Make a loop under a condition; say whether it was worth it: whether anything in it is traced.

    Parameters
    ----------
    test : callable
        Returns the condition.
    body : callable
    variables : Variables
    site : Site
    forced : bool
        Whether Python cannot do it step by step.
    """
    step = _Step(variables, site)
    step.settle(lambda _: body(), (), sure=False)
    if not forced:
        step.require_values()
    found = step.staged(lambda _: test())
    with found.block as block:
        going = truth(found.result) if isinstance(found.result, Traced) else bool(found.result)
        condition = block.graph([going], "condition")
    captured, fixed = found.block.captured(), step.fixed()
    if not _is_traced(step.operands, step.captured, captured):
        return False
    ys = while_loop(
        lambda carry: condition.apply([*step.joined(carry, fixed), *captured])[0],
        lambda carry: step.graph.apply([*step.joined(carry, fixed), *step.captured]),
        step.carry(),
    )
    step.finish(ys)
    return True

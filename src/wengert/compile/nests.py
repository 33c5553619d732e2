"""Nests: arranged loops, written as statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any

from wengert.compile.affine import Affine, Slots, constant, symbol
from wengert.compile.arrangement import Loop
from wengert.compile.definitions import Computed, Entries, Memory
from wengert.compile.kernel import INT, Block, Carried, Constant, For, Turn, Value
from wengert.compile.roots import Root
from wengert.compile.writing import Writer, type_name

__all__ = ["Nests", "copy", "fill", "loops", "memory", "turned_copy"]

_SQUARE = 4  # entries: shorter axes are copied one by one
_FLOATS = ("f64", "f32")


class Nests:
    """Writes arranged loops.

    Parameters
    ----------
    entries : Entries
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._w = entries.writer
        self._joined: dict[Root, Value] = {}  # what is joined so far, of roots whose joining loops are open
        self._levels: list[int] = []  # scopes around the loops that are open, outermost first

    def write(self, item: Any) -> None:
        """Write a loop, a root or a unit."""
        if isinstance(item, Loop):
            self._loop(item)
        elif isinstance(item, Root):
            self._root(item)
        else:
            item.write()

    # Loops

    def _loop(self, loop: Loop) -> None:
        self._levels.append(self._w.level)
        roots = loop.roots
        for root in roots:
            if root.inner == loop.depth:
                self._joined[root] = self._identity(root)
            if root.outer == loop.depth:
                self._clear(root)
        self._steps(loop)
        self._levels.pop()
        for root in roots:
            if root.inner == loop.depth:
                self._finish(root, self._joined.pop(root))
            if root.outer == loop.depth:
                self._define(root)

    def _steps(self, loop: Loop) -> None:
        if not loop.extent:
            for root in loop.roots:
                self._define(root)
        elif loop.unrolled:
            self._written_out(loop)
        else:
            for low, high in loop.cuts:
                self._part(loop, low, high)

    def _step(self, loop: Loop, counter: Affine, end: int) -> None:
        """Write a step of those members that are at work up to a step."""
        for root in loop.roots:
            self._entries.bindings[root.axes[loop.depth]] = counter
        for item in loop.items:
            if not isinstance(item, Root) or item.axes[loop.depth].extent >= end:
                self.write(item)

    def _written_out(self, loop: Loop) -> None:
        """Write the steps one by one; what they join is joined to what there was at the end, once."""
        before = {root: self._joined.pop(root) for root in loop.roots if root in self._joined}
        for k in range(loop.extent):
            self._step(loop, constant(k), k + 1)
        for root, value in before.items():
            found = self._joined.pop(root, None)
            self._joined[root] = value
            if found is not None:
                self._join(root, found)

    def _join(self, root: Root, value: Value) -> None:
        so_far = self._joined.get(root)
        self._joined[root] = value if so_far is None else self._w.joined(root.operation, so_far, value)  # type: ignore[arg-type]

    def _part(self, loop: Loop, low: int, high: int) -> None:
        """Write the steps low, ..., high - 1 as a loop."""
        if high - low == 1:
            self._step(loop, constant(low), high)
            return
        w = self._w
        through = [r for r in loop.roots if r in self._joined and r.axes[loop.depth].extent >= high]
        w.open()
        counter = w.value(INT, within=(0, high - low - 1))
        first = {root: self._joined[root] for root in through}
        entry = {root: w.value(first[root].type) for root in through}
        self._joined.update(entry)
        self._step(loop, symbol(counter) + low, high)
        carried = []
        body = w.close()
        for root in through:
            if self._joined[root] is entry[root]:  # there is nothing to join, in any step
                self._joined[root] = first[root]
                continue
            result = w.value(first[root].type)
            carried.append(Carried(first[root], entry[root], self._joined[root], result, root.operation))
            self._joined[root] = result
        w.append(For(counter, high - low, body, carried, lanes=_is_parallel(loop)))

    # Roots

    def _identity(self, root: Root) -> Constant:
        return self._w.constant(root.first, type_name(root.atom.dtype))

    def _root(self, root: Root) -> None:
        w = self._w
        value = w.convert(root.entry(self._entries), type_name(root.atom.dtype))  # type: ignore[arg-type]
        if root.operation is None:
            self._give(root, value)
        elif root.inner < len(root.axes):
            self._join(root, value)
        else:
            self._add(root, value)

    def _finish(self, root: Root, value: Value) -> None:
        if root.outer is None:
            self._give(root, value)
        else:
            self._add(root, value)

    def _give(self, root: Root, value: Value) -> None:
        """Let a value be the entry of a root."""
        place = tuple([self._entries.resolve(e) for e in root.place])
        if root.target is not None:
            self._w.store(value, root.target.buffer, root.target.place(place))
            self._wrote(root)
        self._w.scopes[-1].known[self._entries, root.atom, place] = value
        self._define(root)

    def _add(self, root: Root, value: Value) -> None:
        """Join a value with the entry of a root that is in memory."""
        w, target = self._w, root.target
        place = target.place(tuple([self._entries.resolve(e) for e in root.place]))  # type: ignore[union-attr]
        now = w.load_here(target.buffer, place)  # type: ignore[union-attr]
        w.store(w(root.operation, now, value), target.buffer, place)  # type: ignore[union-attr, arg-type]
        self._wrote(root)
        self._define(root)

    def _wrote(self, root: Root) -> None:
        level = self._levels[root.drop] if root.drop < len(self._levels) else self._w.level
        self._w.wrote(root.target.buffer, level)  # type: ignore[union-attr]

    def _define(self, root: Root) -> None:
        self._entries.definitions[root.atom] = Computed(root.atom) if root.target is None else root.target

    def _clear(self, root: Root) -> None:
        """Fill what a root will add to with what joining begins with."""
        inner = [i for i in root.kept if i > root.outer]  # type: ignore[operator]
        self.fill(root, inner)

    def fill(self, root: Root, axes: Sequence[int]) -> None:
        """Write the first value along some axes of a root's memory; written out where its own loops are."""
        w, bindings = self._w, self._entries.bindings
        shape = [root.axes[i].extent for i in axes]
        if all(root.path[i].unrolled for i in axes):
            for index in product(*map(range, shape)):
                bindings.update(zip([root.axes[i] for i in axes], map(constant, index), strict=True))
                self._store_first(root)
        else:
            with loops(w, shape, lanes=True) as counters:
                bindings.update(zip([root.axes[i] for i in axes], counters, strict=True))
                self._store_first(root)
        self._wrote(root)

    def _store_first(self, root: Root) -> None:
        target = root.target
        place: Slots = tuple([self._entries.resolve(e) for e in root.place])
        self._w.store(self._identity(root), target.buffer, target.place(place))  # type: ignore[union-attr]


def _is_parallel(loop: Loop) -> bool:
    """Whether the steps write into different entries, and hold no loops.

    A root of which only joined axes are left writes behind the loop.
    """
    return not loop.has_loops and all(
        root.target is None or (loop.depth in root.kept and root.target.strides[root.kept.index(loop.depth)])
        for root in loop.roots
        if root.inner > loop.depth
    )


def memory(root: Root, buffer: Any) -> Memory:
    """Return the memory of a root that is kept for one step of the loops that it shares."""
    strides = [0] * len(root.kept)
    stride = 1
    for k in range(len(root.kept) - 1, -1, -1):
        if root.kept[k] >= root.drop:
            strides[k] = stride
            stride *= root.axes[root.kept[k]].extent
    return Memory(buffer, constant(0), tuple(strides))


@contextmanager
def loops(w: Writer, shape: Sequence[int], *, lanes: bool = False) -> Iterator[Slots]:
    """Write loops over all indices of a shape, around what is written inside; give the index."""
    counters = []
    for n in shape:
        w.open()
        counters.append(w.value(INT, within=(0, n - 1)))
    yield tuple([symbol(counter) for counter in counters])
    for counter, n in zip(reversed(counters), reversed(shape), strict=True):
        body = w.close()
        if n:
            w.append(For(counter, n, body, lanes=lanes))
        lanes = False


def fill(w: Writer, memory: Memory, size: int) -> None:
    """Write a loop that puts zeros into so many entries."""
    with loops(w, (size,), lanes=True) as (at,):
        w.store(w.constant(0, memory.buffer.type), memory.buffer, memory.offset + at)
    w.wrote(memory.buffer)


def copy(w: Writer, source: Memory, target: Memory, shape: Sequence[int]) -> None:
    """Write a loop that copies entries."""
    with loops(w, shape, lanes=True) as index:
        entry = w.load_here(source.buffer, source.place(index))
        w.store(entry, target.buffer, target.place(index))
    w.wrote(target.buffer)


def turned_copy(w: Writer, source: Memory, target: Memory, shape: Sequence[int]) -> None:
    """Write what copies entries to where the last axis is contiguous; if another one was, a matrix is turned."""
    last = len(shape) - 1
    turned = [i for i in range(last) if source.strides[i] == 1 and shape[i] >= _SQUARE]
    if not turned or shape[last] < _SQUARE or source.strides[last] <= 1 or target.buffer.type not in _FLOATS:
        copy(w, source, target, shape)
        return
    i = turned[-1]
    others = [k for k in range(last) if k != i]
    with loops(w, [shape[k] for k in others]) as counters:
        places = [
            w.index(sum([c * m.strides[k] for c, k in zip(counters, others, strict=True)], m.offset))
            for m in (target, source)
        ]
        y = Block(target.buffer, places[0], target.strides[i], 1)
        w.append(Turn(y, Block(source.buffer, places[1], 1, source.strides[last]), (shape[i], shape[last])))
    w.wrote(target.buffer)

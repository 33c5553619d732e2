"""Liveness: what is kept in memory, where, and until when.

Memory is taken when a value is computed, and given back when it was read for the last time. What reads it then, entry
by entry, may write in its place: an array that is updated stays in the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wengert.compile.arena import Arena
from wengert.compile.context import size_of, type_of_entries
from wengert.compile.definitions import Memory
from wengert.compile.nests import memory
from wengert.compile.reading import is_written_out, last_reads, readers_of, roots_in, shared
from wengert.compile.roots import Root, Unit
from wengert.core.graph import Atom

__all__ = ["Liveness", "settle_memory"]


def settle_memory(roots: Sequence[Any], outputs: Iterable[Any]) -> None:
    """Tell every root whether it is kept in memory, and for how many steps; `outputs` are read behind all of them."""
    readers = readers_of(roots)
    for owner in outputs:
        readers.setdefault(owner, []).append(())
    for root in roots:
        if isinstance(root, Root):
            paths = [getattr(r, "path", ()) for r in readers.get(root, [])]
            root.drop = 0 if root.in_memory else min([shared(root.path, p) for p in paths], default=0)
            root.in_memory = root.in_memory or _is_read_in_loops(root, readers.get(root, []))


def _is_read_in_loops(root: Root, readers: Sequence[Any]) -> bool:
    """Whether entries of a root are read that the loops around the reader do not have at hand."""
    rest = [k for k in root.kept if k >= root.drop]
    if root.outer is not None:
        return True
    if not rest:
        return False
    if any(not root.path[k].unrolled for k in rest):
        return True
    return any(
        not is_written_out(e, reader)
        for reader in readers
        if isinstance(reader, Root)
        for index in reader.reads[root]
        for k, e in zip(root.kept, index, strict=True)
        if k >= root.drop
    )


class Liveness:
    """The memory of a graph's values, while its items are written one by one.

    Parameters
    ----------
    arena : Arena
    items : sequence
        Loops, roots and units, in order.
    kept : set
        Roots and units that are read behind all of them.
    definitions : mapping
        What values are, as far as they have been written.
    """

    def __init__(
        self, arena: Arena, items: Sequence[Any], kept: set[Any], definitions: Mapping[Atom, Any]
    ) -> None:
        self._arena = arena
        self._definitions = definitions
        self._items = items
        self._last = last_reads(items, kept)
        self._held: dict[Atom, Memory] = {}  # memory of ours, by what lies in it

    def hold(self, atom: Atom, memory: Memory) -> None:
        """Take care of memory in the arena that a unit has taken for a result."""
        self._held[atom] = memory

    def begin(self, k: int) -> None:
        """Take memory for what item k computes."""
        item = self._items[k]
        for root in roots_in(item):
            if root.in_memory and root.target is None:
                shape = tuple([root.axes[i].extent for i in root.kept if i >= root.drop])
                type, size = type_of_entries(root.atom.type), size_of(shape)
                place = self._in_place(root, k, type, size)
                buffer = self._arena.buffer(type, size) if place is None else self._arena.again(place, type)
                root.target = self._held[root.atom] = memory(root, buffer)

    def end(self, k: int) -> None:
        """Give back the memory of what was read for the last time in item k."""
        for owner in self._last.get(k, ()):
            for atom in owner.results if isinstance(owner, Unit) else (owner.atom,):
                found = self._held.pop(atom, None)
                if found is not None:
                    self._arena.release(found.buffer)

    def _in_place(self, root: Root, k: int, type: str, size: int) -> Any:
        """Return memory in which each entry is read for the last time by the step that computes that of a root."""
        if root.drop or len(root.kept) < len(root.axes):
            return None
        for owner in self._last.get(k, ()):
            atom = owner.results[0] if isinstance(owner, Unit) else owner.atom
            found = self._held.get(atom)
            if found is None or (found.buffer.type, found.buffer.size) != (type, size):
                continue
            if self._definitions.get(atom) != found:  # a routine has put it there in another order
                continue
            if found.strides == memory(root, found.buffer).strides and _is_read_by_steps_of(
                root, owner, self._items[k]
            ):
                return self._held.pop(atom).buffer
        return None


def _is_read_by_steps_of(root: Root, owner: Any, item: Any) -> bool:
    """Whether nothing in an item reads a value but the steps of a root, each the entry in its own place."""
    if isinstance(owner, Unit) and len(owner.results) > 1:
        return False
    return (
        all(
            reader is root and all(index == root.index for index in reader.reads[owner])
            for reader in roots_in(item)
            if owner in reader.reads
        )
        and owner in root.reads
    )

"""Who reads what: how often, in which loops, and for the last time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from wengert.compile.arrangement import Loop
from wengert.compile.roots import Root, Unit
from wengert.core.graph import Atom, Graph

__all__ = ["is_written_out", "last_reads", "readers_of", "roots_in", "shared", "uses"]


def uses(graph: Graph) -> dict[Atom, int]:
    """Return how often each value is read."""
    found: dict[Atom, int] = {}
    for node in graph.nodes:
        for a in node.inputs:
            found[a] = found.get(a, 0) + 1
    for a in graph.outputs:
        found[a] = found.get(a, 0) + 1
    return found


def readers_of(roots: Sequence[Any]) -> dict[Any, list[Any]]:
    """Return the roots and units that read each of them."""
    found: dict[Any, list[Any]] = {}
    for root in roots:
        for other in root.reads:
            found.setdefault(other, []).append(root)
    return found


def shared(path: Sequence[Loop], other: Sequence[Loop]) -> int:
    """Return how many of the outermost loops are the same."""
    n = 0
    for a, b in zip(path, other, strict=False):
        if a is not b:
            break
        n += 1
    return n


def is_written_out(place: Any, reader: Root) -> bool:
    """Whether an index takes its values in loops that are written out."""
    loops = dict(zip(reader.axes, reader.path, strict=False))
    return all(s in loops and loops[s].unrolled for s, _ in place.terms)


def roots_in(item: Any) -> list[Root]:
    """Return the roots that an item computes."""
    if isinstance(item, Loop):
        return item.roots
    return [item] if isinstance(item, Root) else []


def _hosts(root: Any) -> Collection[Any]:
    """Return whose memory holds results of a root or unit."""
    if not isinstance(root, Unit):
        return ()
    return root.reads if root.is_alias else root.taken.values()


def last_reads(items: Sequence[Any], kept: set[Any]) -> dict[int, list[Any]]:
    """Return the roots and units that are read for the last time in each item; those kept are read later.

    What lies in the memory of another one keeps it: until its own last read, or behind all items.
    """
    places = {
        root: k
        for k, item in enumerate(items)
        for root in ([item] if isinstance(item, Unit) else roots_in(item))
    }
    last, kept = dict(places), set(kept)
    for root in sorted(places, key=places.__getitem__, reverse=True):
        hosts = _hosts(root)
        for other in root.reads:
            last[other] = max(last[other], last[root] if other in hosts else places[root])
            if other in hosts and root in kept:
                kept.add(other)
    found: dict[int, list[Any]] = {}
    for root, k in last.items():
        if root not in kept:
            found.setdefault(k, []).append(root)
    return found

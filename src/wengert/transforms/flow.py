"""Minimum cuts of networks, by the maximum flows of Dinic (1970).

Networks here have some tens of vertices, for which loading a library would take a hundred times as long.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Network"]


class Network:
    """A directed graph whose edges have capacities.

    Parameters
    ----------
    n : int
        Number of vertices: 0, ..., n - 1.

    Examples
    --------
    >>> network = Network(3)
    >>> network.connect(0, 1, 2)
    >>> network.connect(1, 2, 1)
    >>> network.sources_side(0, 2)
    [True, True, False]
    """

    def __init__(self, n: int) -> None:
        self._heads: list[int] = []
        self._left: list[int] = []  # capacity that is left; edges 2 k and 2 k + 1 are each other's reverse
        self._edges: list[list[int]] = [[] for _ in range(n)]

    def connect(self, tail: int, head: int, capacity: int) -> None:
        """Add an edge."""
        self._edges[tail].append(len(self._heads))
        self._edges[head].append(len(self._heads) + 1)
        self._heads += head, tail
        self._left += capacity, 0

    def sources_side(self, source: int, sink: int) -> list[bool]:
        """Return which vertices lie on the source's side of a minimum cut: of all such cuts, the nearest to it.

        The capacities are used up.
        """
        while True:
            levels = self._levels(source)
            if levels[sink] < 0:
                return [level >= 0 for level in levels]
            self._saturate(source, sink, levels)

    def _levels(self, source: int) -> list[int]:
        """Return how many edges with capacity left lead from the source to each vertex, or -1."""
        levels = [-1] * len(self._edges)
        levels[source] = 0
        reached = [source]
        for v in reached:
            for e in self._edges[v]:
                head = self._heads[e]
                if self._left[e] and levels[head] < 0:
                    levels[head] = levels[v] + 1
                    reached.append(head)
        return levels

    def _saturate(self, source: int, sink: int, levels: Sequence[int]) -> None:
        """Send flow along shortest paths, until each of them has a full edge."""
        heads, left = self._heads, self._left
        untried = [list(edges) for edges in self._edges]
        path: list[int] = []
        v = source
        while v != source or untried[source]:
            if v == sink:
                v = self._send(path)
            elif untried[v]:
                e = untried[v][-1]
                if left[e] and levels[heads[e]] == levels[v] + 1:
                    path.append(e)
                    v = heads[e]
                else:
                    untried[v].pop()
            else:  # no way on from here
                v = heads[path.pop() ^ 1]
                untried[v].pop()

    def _send(self, path: list[int]) -> int:
        """Send what a path can take; cut it in front of its first full edge, and return where it ends."""
        left = self._left
        flow = min(left[e] for e in path)
        for e in path:
            left[e] -= flow
            left[e ^ 1] += flow
        k = next(k for k, e in enumerate(path) if not left[e])
        v = self._heads[path[k] ^ 1]
        del path[k:]
        return v

"""Summing cotangents: what a site receives from its users until it is complete.

Dense contributions are added as they come, in place once the sum is an array that nobody else holds. Sparse
ones stay what they are as long as that saves work: reads of single entries (`LazyScatter`) are added into one
buffer, or, under an outer transformation, kept in a list and scattered by one primitive; the results of a
primitive with several (`LazyItem`) become the tuple that its `vjp` rule expects.
"""

from __future__ import annotations

from heapq import heappush
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.primitive import LazyScatter, Primitive
from wengert.ops.indexing import add_at, scatter

__all__ = ["LAZY", "Pending", "is_finite", "select_item"]

_LARGE = 1 << 16  # bytes


class LazyItem:
    """The cotangent of one result of a primitive with several."""

    __slots__ = ("item", "y_bar")

    def __init__(self, item: int, y_bar: Any) -> None:
        self.item = item
        self.y_bar = y_bar


select_item = (
    Primitive(  # not in the registry: the tape makes it to stand for the edges of a primitive's results
        name="select_item",
        doc="One result of a primitive with several.",
        eval=lambda *ys, item: ys[item],
        vjp=lambda y_bar, _site, item: (LazyItem(item, y_bar),),
    )
)


LAZY = frozenset({list, LazyItem, LazyScatter})  # what is not yet the cotangent that a rule takes


class Pending:
    """Cotangents being summed: `sums` by the order of their site, and the sites in a heap, youngest first."""

    __slots__ = ("_owned", "heap", "sums")

    def __init__(self) -> None:
        self.heap: list[Any] = []
        self.sums: dict[int, Any] = {}
        self._owned: set[int] = set()  # sums that are arrays of our own making

    def copy(self) -> Pending:
        """Return the state to come back to; from now on neither side adds into arrays that both hold."""
        other = Pending()
        other.heap, other.sums = self.heap.copy(), self.sums.copy()
        self._owned.clear()
        return other

    def held_bytes(self) -> int:
        """Return the size of the sums that are arrays: what a copied state makes the sweep copy, if it adds to all."""
        return sum([held.nbytes for held in self.sums.values() if type(held) is np.ndarray])

    def finite_since(self, start: Pending) -> bool:
        """Whether all that was added since a copy was taken is finite."""
        return all(is_finite(held) for key, held in self.sums.items() if start.sums.get(key) is not held)

    def add(self, site: Any, x_bar: Any) -> None:
        """Add a contribution to the cotangent of a site."""
        key = site[0]
        if key not in self.sums:
            self.sums[key] = x_bar
            heappush(self.heap, site)
            return
        held = self.sums[key]
        if type(held) in LAZY or type(x_bar) in LAZY:
            self._add_lazy(site, held, x_bar)
        elif key in self._owned and type(x_bar) is np.ndarray and type(held) is np.ndarray:
            held += x_bar
        else:
            self.sums[key] = total = held + x_bar
            if type(total) is np.ndarray:
                self._owned.add(key)

    def _add_lazy(self, site: Any, held: Any, x_bar: Any) -> None:
        key = site[0]
        if type(held) in (LazyItem, list):
            self._append(key, held, x_bar)
        elif key in self._owned and type(held) is np.ndarray and _is_plain(x_bar):
            add_at(held, x_bar.index, x_bar.piece)
        else:
            self._scatter(site, held, x_bar)

    def private(self, y_bar: Any, order: int) -> Any:
        """Return a complete cotangent as an array that its rule may write into."""
        return y_bar if order in self._owned and type(y_bar) is np.ndarray else np.array(y_bar)

    def own_first(self, parent: Any, x_bar: Any) -> None:
        """Remember that a cotangent which is about to be added, if it is the first, is ours alone."""
        if parent is not None and x_bar is not None and parent[0] not in self.sums:
            self._owned.add(parent[0])

    def _scatter(self, site: Any, held: Any, x_bar: Any) -> None:
        """Start a buffer if everything is plain, otherwise a list."""
        order, y = site[0], site[4]
        if not (_is_plain(held) and _is_plain(x_bar)) or not y.shape:
            self._append(order, held, x_bar)
            return
        self.sums[order] = buffer = np.zeros(y.shape, y.dtype)
        self._owned.add(order)
        for part in (held, x_bar):
            if isinstance(part, LazyScatter):
                add_at(buffer, part.index, part.piece)
            else:
                buffer += part

    def _append(self, key: int, held: Any, x_bar: Any) -> None:
        if type(held) is list and key in self._owned:
            held.append(x_bar)
        else:
            self.sums[key] = [*held, x_bar] if type(held) is list else [held, x_bar]
            self._owned.add(key)

    def total(self, y_bar: Any, site: Any) -> Any:
        """Return a lazy cotangent as the `vjp` rule of its site takes it."""
        y = site[4]
        if type(y_bar) is not list:
            y_bar = [y_bar]
        if isinstance(y_bar[0], LazyItem):
            return _items(y_bar, len(y))
        pieces = [part for part in y_bar if isinstance(part, LazyScatter)]
        dense = [part for part in y_bar if not isinstance(part, LazyScatter)]
        total = scatter(
            *[part.piece for part in pieces],
            indices=tuple([part.index for part in pieces]),
            shape=np.shape(y),
            dtype=y.dtype,
        )
        return sum(dense, total)


def _is_plain(x_bar: Any) -> bool:
    if isinstance(x_bar, LazyScatter):
        if type(x_bar.index) is not int and _is_traced(x_bar.index):
            return False
        x_bar = x_bar.piece
    return isinstance(x_bar, np.ndarray | np.generic)


def _is_traced(index: Any) -> bool:
    """Whether an index holds a traced array: where it lies is not known to a plain buffer."""
    return any(isinstance(item, Traced) for item in (index if isinstance(index, tuple) else (index,)))


def is_finite(held: Any) -> bool:
    """Whether every entry of a cotangent, lazy or not, is finite; says no to foreign arrays, unseen."""
    if type(held) is list:
        return all(map(is_finite, held))
    x: Any = held
    if type(x) in LAZY:
        return is_finite(x.y_bar if isinstance(x, LazyItem) else x.piece)
    if not isinstance(held, np.ndarray | np.generic):
        return False
    if not x.ndim:
        return bool(x - x == 0)
    if x.nbytes > _LARGE:  # BLAS would wake threads for it
        return bool(np.isfinite(np.add.reduce(_distinct(x), axis=None)) or np.isfinite(x).all())
    norm = x.dot(x) if x.ndim == 1 else np.vdot(x, x)  # cheapest, but huge entries overflow
    return bool(norm - norm == 0 or np.isfinite(x).all())


def _distinct(x: Any) -> Any:
    """Return a view of x without the entries that broadcasting repeats."""
    return x[tuple([slice(None, None if stride else 1) for stride in x.strides])]


def _items(parts: list[LazyItem], n: int) -> tuple[Any, ...]:
    y_bars: list[Any] = [None] * n
    for part in parts:
        held = y_bars[part.item]
        y_bars[part.item] = part.y_bar if held is None else held + part.y_bar
    return tuple(y_bars)

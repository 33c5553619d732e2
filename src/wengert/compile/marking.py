"""Marks: one entry in each row is written, at a place that an array of integers gives.

    y[i, j] = x[i, j] + (v[i] if j = place[i] else 0)

So the rows are computed where they are read, and share loops with others: the gradient of cross-entropy is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from wengert.compile.affine import Axis, Slots, symbol
from wengert.compile.bounds import dynamic_indices
from wengert.compile.definitions import Dynamic, Entries, Reads, broadcast
from wengert.compile.indices import located
from wengert.compile.kernel import Value
from wengert.compile.writing import type_name
from wengert.core.graph import Atom, Node
from wengert.ops.index_forms import index_shape

if TYPE_CHECKING:
    from wengert.compile.lower import Body

__all__ = ["Marked", "marked_rows"]


class Marked(NamedTuple):
    """An entry of rows of which each has a mark, as a definition.

    Attributes
    ----------
    result, value : Atom
        The rows, and what is added at the marks.
    base : Atom or None
        What is there elsewhere; zeros.
    place : callable
        The index of the mark of a row.
    """

    result: Atom
    value: Atom
    base: Atom | None
    place: Callable[[Slots], Slots]

    def reads(self, index: Slots) -> Reads:
        """Return the entries of the mark, and of the base."""
        row = index[:1]
        (_, column) = self.place(row)
        ((mark, _),) = column.terms
        found = [(self.value, broadcast(self.value.shape, row)), (mark.atom, mark.at)]
        return found if self.base is None else [*found, (self.base, index)]

    def entry(self, entries: Entries, index: Slots) -> Value:
        """Compare the column with that of the mark."""
        w, type = entries.writer, type_name(self.result.dtype)
        row, column = index
        (_, mark) = self.place((row,))
        is_marked = w("eq", w.integer(column), w.integer(entries.resolve(mark)))
        value = w.convert(entries.at(self.value, broadcast(self.value.shape, (row,))), type)  # type: ignore[arg-type]
        zero = w.constant(0, type)
        if self.base is None:
            return w("select", is_marked, value, zero)
        base = w.convert(entries.at(self.base, index), type)  # type: ignore[arg-type]
        return w("select", is_marked, w("add", base, value), base)


def marked_rows(body: Body, node: Node) -> Marked | None:
    """Return an addition to one entry of each row of a matrix, or None if it is none."""
    (y,) = node.outputs
    n_pieces = len(node.params["indices"]) if "indices" in node.params else 1
    base = None if "indices" in node.params else node.inputs[0]
    value, *arrays = node.inputs[0 if base is None else 1 :]
    index = node.params["indices"][0] if base is None else node.params["index"]
    if n_pieces != 1 or y.ndim != 2 or len(arrays) != 1 or arrays[0].shape != y.shape[:1] or 0 in y.shape:
        return None
    picked = index_shape(y.shape, index, [np.zeros(a.shape, np.intp) for a in arrays])
    found = located(y.shape, index, arrays)
    if found is None or found[1] or picked != y.shape[:1]:
        return None
    place = found[0]
    row = Axis(y.shape[0])
    first, second = place((symbol(row),))
    if first.alone is not row or not isinstance(second.alone, Dynamic):
        return None
    body.require_within(node, dynamic_indices(place, y.shape[:1]))
    return Marked(y, value, base, place)

"""What loops go over: ranges with ends that may be traced, arrays, and these side by side.

stacks      arrays whose slices are the leaves of the items; none where the length is traced
weak        which of the leaves are Python numbers
at(k)       the leaves of one item
build(...)  an item of its leaves
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.core.numpy_protocol import FUNCTIONS
from wengert.core.tracer import Tracer
from wengert.core.views import is_open, root

__all__ = ["LAZY", "Items", "items_of"]


class Items(NamedTuple):
    """Items that have places."""

    length: Any
    stacks: list[Any]
    weak: list[Any]
    at: Callable[[Any], list[Any]]
    build: Callable[[Sequence[Any]], Any]


def _number(x: Any) -> Any:
    """Return an end of a range; a plain one if it has a value."""
    if is_open(x) and x.dtype.kind in "iu" and not x.shape:
        return x
    return operator.index(root(x) if isinstance(x, Tracer) and not is_open(x) else x)


class Range:
    """A range of integers, whose ends may be traced."""

    def __init__(self, *ends: Any) -> None:
        numbers = list(map(_number, ends))
        start = [0, *numbers] if len(numbers) == 1 else numbers
        self.start, self.stop, self.step = start if len(start) == 3 else (*start, 1)
        if not isinstance(self.step, Tracer):
            range(0, 0, self.step)  # raises Python's error

    def __iter__(self) -> Iterator[int]:
        return iter(range(*map(operator.index, (self.start, self.stop, self.step))))

    def items(self) -> Items:
        """Return the items."""
        start, stop, step = self.start, self.stop, self.step
        if not any(isinstance(x, Tracer) for x in (start, stop, step)):
            return _items_of_array(np.arange(start, stop, step), int)
        # ceil((stop - start) / step), for either sign of the step
        length = -((start - stop) // step)
        return Items(length, [], [int], lambda k: [start + step * k], operator.itemgetter(0))


class Zip:
    """Several iterables side by side."""

    def __init__(self, *parts: Any, strict: bool = False) -> None:
        self.parts = parts
        self.strict = strict

    def __iter__(self) -> Iterator[Any]:
        return zip(*self.parts, strict=self.strict)


class Enumerate:
    """Items and their numbers."""

    def __init__(self, items: Any, start: int = 0) -> None:
        self.inner = items
        self.start = start

    def __iter__(self) -> Iterator[Any]:
        return enumerate(self.inner, self.start)


LAZY: dict[type, type] = {range: Range, zip: Zip, enumerate: Enumerate}


def _items_of_array(x: Any, weak: Any = None) -> Items:
    read = FUNCTIONS[operator.getitem]
    return Items(np.shape(x)[0], [x], [weak], lambda k: [read(x, k)], operator.itemgetter(0))


def _beside(parts: Sequence[Items]) -> Items:
    """Return items side by side, as many as the shortest has."""
    length = min(part.length for part in parts)
    ends = np.cumsum([0, *[len(part.weak) for part in parts]]).tolist()
    return Items(
        length,
        [x[:length] for part in parts for x in part.stacks],
        [kind for part in parts for kind in part.weak],
        lambda k: [x for part in parts for x in part.at(k)],
        lambda leaves: tuple(
            p.build(leaves[a:b]) for p, a, b in zip(parts, ends[:-1], ends[1:], strict=True)
        ),
    )


def items_of(x: Any) -> Items | None:
    """Return the items of something that has them in arrays, or None."""
    found = None
    if isinstance(x, Range):
        found = x.items()
    elif type(x) is range:
        found = _items_of_array(np.arange(x.start, x.stop, x.step), int)
    elif isinstance(x, Tracer) or (type(x) is np.ndarray and x.dtype.kind in "biufc"):
        found = _items_of_array(x) if x.ndim else None
    elif isinstance(x, list | tuple) and {type(v) for v in x} in ({float}, {int}):
        found = _items_of_array(np.asarray(x), type(x[0]))
    elif isinstance(x, Enumerate) and hasattr(x.inner, "__len__"):
        found = _joined([range(x.start, x.start + len(x.inner)), x.inner])
    elif isinstance(x, Zip) and not x.strict:
        found = _joined(x.parts)
    return found


def _joined(iterables: Sequence[Any]) -> Items | None:
    parts = [items_of(part) for part in iterables]
    known = [part for part in parts if part is not None and part.stacks]
    return _beside(known) if known and len(known) == len(parts) else None

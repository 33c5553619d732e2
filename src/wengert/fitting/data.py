"""Batches: of arrays, of data sets that give one example at a time, and of whatever else can be iterated.

    arrays      a tree whose leaves have one length: (images, labels), {"x": ..., "y": ...}
    data set    an object with __len__ and __getitem__, as PyTorch has them: examples are stacked
    iterable    gives batches as they are; a function of no arguments is called for one in each epoch

The order of an epoch is a function of the key and of its number alone, so that training can go on in the middle of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice
from typing import Any, Protocol

import numpy as np

from wengert import random, tree
from wengert.errors import ArgumentError

__all__ = ["Source", "source_of", "weight"]

Batch = tuple[Any, ...]


class Source(Protocol):
    """What gives batches.

    Attributes
    ----------
    batches : int or None
        In an epoch; None where nobody knows.
    quick : bool
        Whether a batch is cut from arrays in memory, so that handing it from thread to thread would take longer.
    """

    batches: int | None
    quick: bool

    def epoch(self, key: Any, skip: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, without the first ones; the order is that of a key, or as it is for None."""


class _Indexed:
    """Examples that are looked up by number."""

    def __init__(self, n: int, size: int, take: Callable[[Any], Any], *, quick: bool = False) -> None:
        self._n, self._size, self._take, self.quick = n, size, take, quick
        self.batches: int | None = -(-n // size)

    def epoch(self, key: Any, skip: int = 0) -> Iterator[Batch]:
        order = np.arange(self._n) if key is None else random.permutation(key, self._n)
        for start in range(skip * self._size, self._n, self._size):
            yield _as_arguments(self._take(order[start : start + self._size]))


class _Iterated:
    """Batches in the order in which they come."""

    def __init__(self, make: Callable[[], Iterable[Any]], batches: int | None, *, again: bool) -> None:
        self._make, self._again = make, again
        self._begun = self.quick = False
        self.batches = batches

    def epoch(self, key: Any, skip: int = 0) -> Iterator[Batch]:
        if self._begun and not self._again:
            raise ArgumentError(
                "fit: the data can be iterated once, and a second epoch begins",
                why="an iterator is used up by the first.",
                instead="pass a function that makes one: data=lambda: generator(), or a list.",
            )
        self._begun = True
        # No generator: another thread may run those, and what is raised above names the line that called fit.
        batches = islice(self._make(), skip, None)
        return (_as_arguments(tree.map_leaves(_plain, batch)) for batch in batches)


def source_of(data: Any, batch_size: int, name: str = "data") -> Source:
    """Return what gives the batches of data.

    Parameters
    ----------
    data : pytree of arrays, data set, iterable, or function that makes one
    batch_size : int
        Of batches that are cut here.
    name : str
        For messages.

    Returns
    -------
    Source

    Examples
    --------
    >>> source = source_of((np.arange(5), np.arange(5) ** 2), 2)
    >>> source.batches, list(source.epoch(None))[-1]
    (3, (array([4]), array([16])))
    """
    if callable(data) and (isinstance(data, type) or not hasattr(data, "__getitem__")):
        return _Iterated(data, None, again=True)
    if isinstance(data, tuple | dict) or hasattr(data, "__array__") or _is_array_list(data):
        return _of_arrays(data, batch_size, name)
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, list):
        n = len(data)
        _require_examples(n, name)
        return _Indexed(n, batch_size, lambda picked: _stacked([data[int(i)] for i in picked]))
    if isinstance(data, Iterable):
        again = not isinstance(data, Iterator)
        return _Iterated(lambda: data, len(data) if isinstance(data, Sized) else None, again=again)
    raise ArgumentError(
        f"fit: {name} is a {type(data).__name__}",
        why="batches come from arrays of one length, a data set with __len__ and __getitem__, or an iterable.",
        instead=f"write {name}=(inputs, targets).",
    )


def weight(batch: Batch) -> int:
    """Return how many examples a batch has: the length of its first array; 1 if there is none."""
    return next((np.shape(x)[0] for x in tree.flatten(batch)[0] if np.ndim(x)), 1)


def _is_array_list(data: Any) -> bool:
    return (
        isinstance(data, list) and bool(data) and all(isinstance(x, int | float | np.generic) for x in data)
    )


def _of_arrays(data: Any, size: int, name: str) -> Source:
    data = np.asarray(data) if isinstance(data, list) else data
    leaves, structure = tree.flatten(data)
    arrays = [np.asarray(x) for x in leaves]
    lengths = [(path, x.shape[:1]) for path, x in zip(tree.paths(data), arrays, strict=True)]
    if not lengths or len({n for _, n in lengths}) > 1 or not lengths[0][1]:
        found = (
            ", ".join([f"{name}{path}: {n[0] if n else 'a number'}" for path, n in lengths])
            or "there are none"
        )
        raise ArgumentError(
            f"fit: the arrays of {name} do not have one length",
            why=f"the first axis counts examples; {found}.",
            instead="pass arrays that have an entry for each example.",
        )
    _require_examples(lengths[0][1][0], name)
    n = lengths[0][1][0]
    return _Indexed(
        n, size, lambda picked: tree.unflatten(structure, [x[picked] for x in arrays]), quick=True
    )


def _require_examples(n: int, name: str) -> None:
    if not n:
        raise ArgumentError(
            f"fit: {name} has no examples",
            why="there is nothing to learn from.",
            instead="pass one example at least.",
        )


def _stacked(examples: list[Any]) -> Any:
    """Return a tree of arrays from one tree for each example."""
    plain = [tree.map_leaves(_plain, example) for example in examples]
    return tree.map_leaves(lambda *xs: np.stack(xs), *plain)


def _plain(x: Any) -> Any:
    """Return the array that a tensor of another library is."""
    return x if isinstance(x, np.ndarray | str | bytes) else np.asarray(x)


def _as_arguments(batch: Any) -> Batch:
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)

"""The memory that a step takes, before training begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import tree
from wengert.core.graph import Graph
from wengert.errors import ArgumentError, check_callable
from wengert.explain.report import Block, Grid, Prose, Report
from wengert.explain.units import bytes_text
from wengert.jit import Jitted, jit
from wengert.transforms.cost import is_view

__all__ = ["MemoryReport", "memory"]

_SHOWN = 8


@dataclass(frozen=True, eq=False, slots=True)
class MemoryReport(Report):
    """What a function holds in memory while it runs, in bytes.

    Attributes
    ----------
    name : str
    arguments, constants, results : int
        Of arrays that go in, that are part of the program, and that come out.
    arena : int or None
        Where the native program works; None where there is none.
    values : int
        The most that results of operations hold at a time if NumPy runs the graph one by one. What is not staged at
        all holds more: a tape keeps every result until the gradient is there.
    largest : tuple of (bytes, operation, type, place)
        The largest of them.
    """

    name: str
    arguments: int
    constants: int
    results: int
    arena: int | None
    values: int
    largest: tuple[tuple[int, str, str, str], ...]

    width = 100

    @property
    def title(self) -> str:  # type: ignore[override]
        """What was looked at."""
        return f"The memory of {self.name}"

    @property
    def total(self) -> int:
        """All that is held at a time: arguments, constants, results, and the arena, or else values."""
        working = max(self.values - self.results, 0) if self.arena is None else self.arena
        return self.arguments + self.constants + self.results + working

    def blocks(self) -> Iterator[Block]:
        """Yield the parts of the report."""
        yield Prose(f"{bytes_text(self.total)} at a time.", strong=True)
        arena = "no native program" if self.arena is None else bytes_text(self.arena)
        rows = [
            ("arguments", bytes_text(self.arguments)),
            ("constants", bytes_text(self.constants)),
            ("results", bytes_text(self.results)),
            ("compiled: arena", arena),
            ("run by NumPy: values", bytes_text(self.values)),
        ]
        yield Grid("", ("what", "bytes"), rows)
        yield Grid(
            "The largest values",
            ("operation", "type", "bytes", "line"),
            [(name, kind, bytes_text(n), place) for n, name, kind, place in self.largest],
            left=frozenset({0, 1, 3}),
        )
        yield Prose(
            "Put wengert.checkpoint around blocks whose values are to be computed again instead of kept."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        return {
            **{
                k: getattr(self, k)
                for k in ("name", "arguments", "constants", "results", "arena", "values", "total")
            },
            "largest": [list(row) for row in self.largest],
        }


def memory(step: Callable[..., Any], *args: Any, **kwargs: Any) -> MemoryReport:
    """Memory that a function takes with these arguments, such as a step of training before it begins.

    Parameters
    ----------
    step : callable
        Compiled or not; it is run once, and should have no effects.
    *args, **kwargs
        Its arguments.

    Returns
    -------
    MemoryReport
        It prints; ``total`` is the sum, in bytes.

    See Also
    --------
    checkpoint : Takes less.

    Examples
    --------
    >>> import wengert as wg
    >>> step = wg.value_and_grad(lambda w, x: np.sum(np.tanh(x @ w)))
    >>> report = memory(step, np.ones((100, 100)), np.ones((50, 100)))
    >>> report.arguments, report.results
    (120000, 80008)
    """
    check_callable(step, "memory")
    compiled = step if isinstance(step, Jitted) else jit(step)
    graph = compiled.graph(*args, **kwargs)
    try:
        arena: int | None = compiled.memory(*args, **kwargs)
    except ArgumentError:
        arena = None
    return MemoryReport(
        getattr(step, "__name__", "the function"),
        _bytes(tree.flatten((args, kwargs))[0]),
        sum([c.nbytes for c in graph.constants()]),
        sum([a.nbytes for a in graph.outputs]),
        arena,
        graph.cost().peak_bytes,
        _largest(graph),
    )


def _bytes(leaves: list[Any]) -> int:
    return sum([np.asarray(x).nbytes for x in leaves if isinstance(x, np.ndarray | np.generic | int | float)])


def _largest(graph: Graph) -> tuple[tuple[int, str, str, str], ...]:
    found = [
        (var.nbytes, node.prim.name, str(var.type), _place(node.place))
        for node in graph.nodes
        if not is_view(node)
        for var in node.outputs
    ]
    return tuple(sorted(found, key=lambda row: -row[0])[:_SHOWN])


def _place(place: Any) -> str:
    return "" if place is None else f"{str(place[0]).rsplit('/', 1)[-1]}:{place[1]}"

"""The cost of one run of a graph: operations, traffic of memory, and the most memory at a time.

Memory is that of an execution which frees every value at its last use and shares the memory of views, as that in
`transforms/execution.py`; inputs and constants belong to the caller and are not counted. What NumPy takes inside one
operation is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wengert.core.graph import Atom, Const, Graph, Node, Var, graphs_in, measures
from wengert.ops.index_forms import SLOT
from wengert.transforms.operation_counts import operations, transcendental

__all__ = ["Cost", "cost"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a graph takes.

    Attributes
    ----------
    operations : int
        Arithmetic on single numbers: one for each entry of an elementwise result, 2 m n k for a product of matrices.
    transcendental : int
        Values of exp, sin, gamma and the like, which take tens of operations each.
    bytes_read, bytes_written : int
        Of operands and results of all operations; views cost nothing.
    peak_bytes : int
        The most that results of operations hold at a time.
    nodes : int
        Operations in the graph and those nested in it.
    by_primitive : dict
        Operations and transcendental values of each primitive, the most expensive first.
    open_ended : bool
        Whether there is a loop whose number of steps depends on values; it is counted as one step.
    """

    operations: int
    transcendental: int
    bytes_read: int
    bytes_written: int
    peak_bytes: int
    nodes: int
    by_primitive: dict[str, tuple[int, int]]
    open_ended: bool = False

    def __str__(self) -> str:
        rows = [
            ("operations", self.operations, _largest(self.by_primitive, 0)),
            ("transcendental", self.transcendental, _largest(self.by_primitive, 1)),
            ("bytes read", self.bytes_read, ""),
            ("bytes written", self.bytes_written, ""),
            ("peak bytes", self.peak_bytes, ""),
            ("nodes", self.nodes, ""),
        ]
        width = max(len(f"{n:,}") for _, n, _ in rows)
        lines = [f"{name:<14}  {n:>{width},}  {words}".rstrip() for name, n, words in rows]
        if self.open_ended:
            lines.append("loops whose steps depend on values are counted as one step")
        return "\n".join(lines)


def _largest(counts: dict[str, tuple[int, int]], kind: int) -> str:
    found = sorted(
        ((n[kind], name) for name, n in counts.items() if n[kind]), key=lambda item: (-item[0], item[1])
    )
    return ", ".join([f"{name} {n:,}" for n, name in found[:4]] + (["…"] if len(found) > 4 else []))


class _Sum:
    """Counts being added up."""

    def __init__(self) -> None:
        self.by_primitive: dict[str, list[int]] = {}
        self.read = self.written = self.nodes = self.peak = 0
        self.open_ended = False

    def add(self, node: Node, memory: _Memory) -> None:
        """Add one operation."""
        self.nodes += 1
        extra = self._add_nested(node) if graphs_in(node.params) else self._add_own(node)
        memory.step(node, extra)

    def _add_own(self, node: Node) -> int:
        counts = self.by_primitive.setdefault(node.prim.name, [0, 0])
        counts[0] += operations(node)
        counts[1] += transcendental(node)
        if not is_view(node):
            written = sum([a.nbytes for a in node.outputs])
            gathers = node.prim.name == "getitem"
            self.read += written if gathers else sum([a.nbytes for a in node.inputs])
            self.written += written
        return 0

    def _add_nested(self, node: Node) -> int:
        """Add the graphs that an operation runs; return what memory they take."""
        parts = [_summed(graph) for graph in graphs_in(node.params)]
        if node.prim.name == "switch":  # one of them runs: the most expensive
            self.nodes += sum([part.nodes for part in parts])
            parts = [max(parts, key=lambda part: sum(map(sum, part.by_primitive.values())))]
        else:
            self.nodes += sum([part.nodes for part in parts])
        steps, known = _steps(node)
        self.open_ended |= not known or any(part.open_ended for part in parts)
        for part in parts:
            self.read += steps * part.read
            self.written += steps * part.written
            for name, counts in part.by_primitive.items():
                own = self.by_primitive.setdefault(name, [0, 0])
                own[:] = [n + steps * m for n, m in zip(own, counts, strict=True)]
        peak = max([part.peak for part in parts], default=0)
        once = "loop" not in node.params  # its results are those of its graph, and are counted there
        return max(peak - sum([a.nbytes for a in node.outputs]), 0) if once else peak


def _steps(node: Node) -> tuple[int, bool]:
    """Return how often the graphs of an operation run, and whether that is known."""
    if node.prim.name in {"while", "while_reversal"}:
        return 1, False
    return getattr(node.params.get("loop"), "length", 1), True


def _summed(graph: Graph) -> _Sum:
    found = graph.derived.get("cost")
    if found is None:
        found = _Sum()
        memory = _Memory(graph)
        for node in graph.nodes:
            found.add(node, memory)
        found.peak = memory.peak
        graph.derived["cost"] = found
    return found


def cost(graph: Graph) -> Cost:
    """Return the cost of one run of a graph.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    Cost

    Examples
    --------
    >>> import numpy as np
    >>> from wengert.api.staging import trace
    >>> graph = trace(lambda a, b: np.sum(np.exp(a @ b)))(np.ones((4, 3)), np.ones((3, 5)))
    >>> print(graph.cost())
    operations       140  matmul 120, sum 20
    transcendental    20  exp 20
    bytes read       536
    bytes written    328
    peak bytes       320
    nodes              3
    """
    found = _summed(graph)
    counts = sorted(found.by_primitive.items(), key=lambda item: (-sum(item[1]), item[0]))
    by_primitive = {name: (n, m) for name, (n, m) in counts}
    n, m = (sum([pair[k] for pair in by_primitive.values()]) for k in (0, 1))
    return Cost(n, m, found.read, found.written, found.peak, found.nodes, by_primitive, found.open_ended)


measures["cost"] = cost


# Memory ---------------------------------------------------------------------------------------------------------------


_VIEWS: dict[str, Callable[[Node], bool]] = {
    **dict.fromkeys(
        ["broadcast_to", "diagonal", "flip", "reshape", "stop_gradient", "transpose", "windows"],
        lambda _: True,
    ),
    "real": lambda _: True,
    "imag": lambda node: node.inputs[0].dtype.kind == "c",
    "getitem": lambda node: node.outputs[0].ndim > 0 and not _holds_arrays(node.params["index"]),
}


def _holds_arrays(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    return any(item is SLOT or hasattr(item, "dtype") for item in items)


def is_view(node: Node) -> bool:
    """Whether NumPy gives a view of the first operand, if that lies in memory as its entries follow each other."""
    rule = _VIEWS.get(node.prim.name)
    return rule is not None and rule(node)


class _Buffer:
    """Memory that some values share; it is free when the last of them is."""

    __slots__ = ("nbytes", "users")

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.users = 0


class _Memory:
    """What is alive while a graph runs."""

    def __init__(self, graph: Graph) -> None:
        self.now = self.peak = 0
        self._kept = set(graph.outputs)
        self._last: dict[Atom, Node] = {
            a: node for node in graph.nodes for a in (*node.outputs, *node.inputs)
        }
        self._buffers: dict[Atom, _Buffer] = {}
        self._strided: set[Atom] = set()  # views whose entries do not follow each other

    def step(self, node: Node, extra: int) -> None:
        """Run a node that takes some memory inside."""
        shared = self._shared(node)
        for a in node.outputs:
            buffer = shared or _Buffer(a.nbytes)
            if not buffer.users and buffer is not shared:
                self.now += buffer.nbytes
            buffer.users += 1
            self._buffers[a] = buffer
        self.peak = max(self.peak, self.now + extra)
        for x in dict.fromkeys((*node.inputs, *node.outputs)):
            if x not in self._kept and self._last[x] is node:
                self._free(x)

    def _shared(self, node: Node) -> _Buffer | None:
        """Return the memory that the results of a node lie in, if it is that of its first operand."""
        x = node.inputs[0] if node.inputs else None
        if x is None:
            return None
        own = isinstance(x, Var) and x in self._buffers
        buffer = self._buffers[x] if own else _Buffer(0)
        if is_view(node) and not (node.prim.name == "reshape" and x in self._strided):
            if node.prim.name not in {"reshape", "stop_gradient"} or x in self._strided:
                self._strided.add(node.outputs[0])
            return buffer
        if node.prim.overwrite is None or not own:
            return None
        alone = buffer.users == 1 and self._last[x] is node and x not in self._kept
        return buffer if alone and buffer.nbytes == x.nbytes else None

    def _free(self, a: Atom) -> None:
        buffer = None if isinstance(a, Const) else self._buffers.pop(a, None)
        if buffer is not None:
            buffer.users -= 1
            if not buffer.users:
                self.now -= buffer.nbytes

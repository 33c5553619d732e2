"""Agreement of machine code with NumPy, on one graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.compile.compiled import Native
from wengert.compile.kernel_check import check as check_kernel
from wengert.core.graph import Graph
from wengert.transforms.execution import Executor

__all__ = [
    "MISSED",
    "coarsest",
    "intermediates",
    "native_results",
    "plain_results",
    "require_equal_types",
    "sizes",
]

MISSED = "left to NumPy"  # what a program gives that finds that it should not run


def plain_results(graph: Graph, xs: Sequence[Any]) -> Any:
    """The results by NumPy, or the type of the exception."""
    try:
        with np.errstate(all="ignore"):
            ys, _ = Executor(graph)([np.copy(x)[()] for x in xs])
    except Exception as error:  # noqa: BLE001 - whatever NumPy raises is right
        return type(error)
    return ys


def native_results(graph: Graph, xs: Sequence[Any]) -> Any:
    """The results of machine code, twice the same, on operands that stay as they are; or `MISSED`."""
    native = Native(graph)
    check_kernel(native.program)
    kept = [np.copy(x) for x in xs]
    function = native.flat(xs)
    ys, again = function(*xs), function(*xs)
    assert all(x.tobytes() == old.tobytes() for x, old in zip(map(np.asarray, xs), kept, strict=True))
    if ys is None:
        assert again is None
        return MISSED
    for y, other in zip(ys, again, strict=True):
        assert np.asarray(y).tobytes() == np.asarray(other).tobytes(), "another result the second time"
    _require_apart([*ys, *again], xs)
    return list(ys)


def _require_apart(ys: Sequence[Any], xs: Sequence[Any]) -> None:
    arrays = [y for y in ys if isinstance(y, np.ndarray)]
    for k, y in enumerate(arrays):
        assert y.flags.writeable
        for other in [*arrays[:k], *[x for x in xs if isinstance(x, np.ndarray)]]:
            assert not np.may_share_memory(y, other)


def require_equal_types(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Hold shapes and dtypes to NumPy's."""
    for f, e in zip(found, expected, strict=True):
        assert (np.shape(f), np.result_type(f)) == (np.shape(e), np.result_type(e))


def intermediates(graph: Graph, xs: Sequence[Any]) -> list[np.ndarray]:
    """All numbers (or moduli) that appear while NumPy runs a graph, those inside of loops and branches left out."""
    atoms = [a for node in graph.nodes for a in node.outputs]
    ys = plain_results(Graph(graph.inputs, graph.nodes, [*graph.inputs, *atoms], graph.name), xs)
    numbers = [np.abs(y) if np.iscomplexobj(y) else y for y in ys]
    return [np.asarray(y, np.float64) for y in numbers if np.result_type(y).kind in "fiub"]


def sizes(graph: Graph, xs: Sequence[Any]) -> float:
    """The largest finite number that appears while NumPy runs a graph."""
    found = [np.abs(y) for y in intermediates(graph, xs)]
    return max([1.0, *[float(np.max(y, where=np.isfinite(y), initial=0.0)) for y in found]])


def coarsest(graph: Graph) -> float:
    """The rounding unit of the least precise numbers on the way."""
    single = any(
        a.dtype in {np.dtype("f4"), np.dtype("c8")}
        for node in graph.nodes
        for a in (*node.inputs, *node.outputs)
    )
    return float(np.finfo(np.float32 if single else np.float64).eps)

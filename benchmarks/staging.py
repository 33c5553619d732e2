"""What a graph costs to make: staging and simplification per node, and a gradient's graph of 1e5 nodes.

    python benchmarks/staging.py [--smoke]

The program is a chain of ufuncs on small arrays. Times per node are those of the nodes that the function has; the
gradient's graph, its simplification and its division into two halves are divided by the same number.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import harness
import numpy as np

import wengert as wg
from wengert.control.call import halves
from wengert.transforms.simplify import simplify

SIZES = (1_000, 10_000, 100_000)
STAGING_US, SIMPLIFYING_US = 15.0, 20.0
LARGEST_S = 10.0


def chain(nodes: int) -> Callable[[Any], Any]:
    """Return a function of so many operations."""

    def run(x: Any) -> Any:
        for _ in range(nodes // 3):
            x = np.sin(x) * 1.1 + x
        return np.sum(x)

    return run


def stages(nodes: int) -> tuple[float, float, float, int]:
    """Return the seconds that a graph takes to stage, simplify and differentiate, and its number of nodes."""
    times = [time.perf_counter()]
    graph = wg.trace(chain(nodes))(np.ones(3))
    times.append(time.perf_counter())
    simple = simplify(graph)
    times.append(time.perf_counter())
    halves(simple, (True,))
    times.append(time.perf_counter())
    return times[1] - times[0], times[2] - times[1], times[3] - times[2], len(graph.nodes)


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Measure each size."""
    found = []
    for nodes in SIZES[:1] if smoke else SIZES:
        runs = [stages(nodes) for _ in range(1 if smoke else 3 if nodes == SIZES[-1] else 7)]
        staging, simplifying, differentiating = (median(run[k] for run in runs) for k in range(3))
        count = runs[0][3]
        for what, seconds, limit in (
            ("staging", staging, STAGING_US),
            ("simplification", simplifying, SIMPLIFYING_US),
            ("gradient's two halves", differentiating, None),
        ):
            found.append(
                harness.Row(
                    f"{what}, {count} nodes", "us/node", {"wengert": seconds / count * 1e6}, limit=limit
                )
            )
    whole = staging + simplifying + differentiating
    found.append(harness.Row(f"all three, {count} nodes", "s", {"wengert": whole}, limit=LARGEST_S))
    return found


if __name__ == "__main__":
    harness.report("staging", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)

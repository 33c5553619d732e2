"""What a chain of a million nodes costs: time to build and sweep it, and the memory it leaves behind.

    python benchmarks/long_chain.py

Each library runs in an interpreter of its own, with the garbage collector off: what only that could free counts
as left behind.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness

NODES = 1_000_000
LIMIT_S = 10.0
LEFT_BLOCKS = 1000  # of the millions that the chain took: what Python's free lists keep, whatever its length


def chain(nodes: int) -> Callable[[Any], Any]:
    """Return a function that applies so many operations, one after the other; its derivative is 0.9999^(nodes/2)."""

    def run(x: Any) -> Any:
        for _ in range(nodes // 2):
            x = x * 0.9999
            x = x + 0.0001
        return x

    return run


def _gradient(who: str, run: Callable[[Any], Any]) -> Callable[[float], Any]:
    library = importlib.import_module(who)
    if who != "torch":
        return library.grad(run)

    def gradient(x: float) -> Any:
        leaf = library.tensor(x, dtype=library.float64, requires_grad=True)
        run(leaf).backward()
        return leaf.grad

    return gradient


def alone(who: str, nodes: int) -> dict[str, float]:
    """Differentiate one chain in this interpreter."""
    gradient = _gradient(who, chain(nodes))
    gc.collect()
    gc.disable()
    gradient(0.5)  # fills what Python keeps for later: caches, lists of free tuples
    blocks = sys.getallocatedblocks()
    start = time.perf_counter()
    result = gradient(0.5)
    seconds = time.perf_counter() - start
    left = sys.getallocatedblocks() - blocks
    expected = 0.9999 ** (nodes // 2)
    if abs(float(result) - expected) > 1e-9 * expected:
        message = f"{who} computed {result} where {expected} is right"
        raise ArithmeticError(message)
    return {"seconds": seconds, "left": left}


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Run each library that is installed."""
    nodes = 1000 if smoke else NODES
    peers = [who for who in ("wengert", "autograd", "torch") if harness.installed(who)]
    found = {who: harness.alone(Path(__file__), "--alone", who, str(nodes)) for who in peers}
    seconds = {who: result["seconds"] for who, result in found.items()}
    left = {who: result["left"] for who, result in found.items()}
    return [
        harness.Row(f"chain of {nodes} nodes", "s", seconds, limit=None if smoke else LIMIT_S),
        harness.Row("  blocks of memory left behind", "blocks", left, limit=LEFT_BLOCKS),
    ]


if __name__ == "__main__":
    if "--alone" in sys.argv:
        print(json.dumps(alone(sys.argv[2], int(sys.argv[3]))))
    else:
        harness.report("long_chain", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)

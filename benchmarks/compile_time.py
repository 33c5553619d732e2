"""What the first call of a long program takes: straight-line code on numbers and small vectors, and its gradient.

    python benchmarks/compile_time.py [--smoke]

The graphs have about 1e4 nodes each: a gradient's function has a third of them. Each is compiled in an interpreter of
its own where another small program has been compiled before, without and with what an earlier one left on disk.
`WENGERT_LOG=compile` tells the stages.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
import numpy as np

import wengert as wg

NODES = 10_000
LIMIT_S = 2.0

Program = Callable[..., Any]


def numbers(rounds: int) -> Program:
    """Return a function of two numbers, with twelve operations in each round."""

    def run(x: Any, y: Any) -> Any:
        for k in range(rounds):
            x, y = 0.5 * x * y - 0.1 * k * x, np.tanh(x) + 0.3 * y / (1.0 + x * x)
        return x + y

    return run


def vectors(rounds: int) -> Program:
    """Return a function of two vectors of eight entries, with twelve operations in each round."""

    def run(v: Any, w: Any) -> Any:
        for k in range(rounds):
            v, w = 0.5 * np.sin(v) + 0.4 * w * v, np.maximum(0.9 * w, v) - v[k % 8] / (1.0 + w * w)
        return np.sum(v * w)

    return run


def both(rounds: int) -> Program:
    """Return a function of a number and a vector of eight entries, with twelve operations in each round."""

    def run(x: Any, v: Any) -> Any:
        for k in range(rounds):
            v, x = 0.5 * np.sin(v) + 0.4 * x * v, np.tanh(x) - 0.1 * v[k % 8] + 0.2 * x / (1.0 + x * x)
        return x + np.sum(v)

    return run


VECTOR = np.linspace(0.1, 0.8, 8)
PROGRAMS: dict[str, tuple[Callable[[int], Program], tuple[Any, ...]]] = {
    "numbers": (numbers, (0.5, 0.25)),
    "vectors": (vectors, (VECTOR, VECTOR[::-1].copy())),
    "both": (both, (0.5, VECTOR)),
}
PER_ROUND = {"value": 12, "gradient": 36}  # nodes, about


def _first_call(name: str, form: str, nodes: int) -> dict[str, float]:
    """Return what the first call takes beyond a second one, in seconds, and the nodes of the graph."""
    make, args = PROGRAMS[name]
    fun = make(nodes // PER_ROUND[form])
    compiled = wg.jit(fun if form == "value" else wg.value_and_grad(fun, (0, 1)))
    wg.jit(lambda x: x + 1.0)(1.0)
    times = [time.perf_counter()]
    for _ in range(2):
        compiled(*args)
        times.append(time.perf_counter())
    seconds = (times[1] - times[0]) - (times[2] - times[1])
    return {"seconds": seconds, "nodes": len(compiled.graph(*args).nodes)}


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Measure each program and its gradient."""
    nodes = 200 if smoke else NODES
    return [_row(name, form, nodes, smoke=smoke) for name in PROGRAMS for form in PER_ROUND]


def _row(name: str, form: str, nodes: int, *, smoke: bool) -> harness.Row:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WENGERT_CACHE_DIR"] = folder
        try:
            cold, cached = (
                harness.alone(Path(__file__), "--first", name, form, str(nodes)) for _ in range(2)
            )
        finally:
            del os.environ["WENGERT_CACHE_DIR"]
    values = {"wengert": cold["seconds"], "from the cache": cached["seconds"]}
    limit = None if smoke else LIMIT_S
    return harness.Row(f"{name}, {form}: {cold['nodes']} nodes", "s", values, limit=limit)


if __name__ == "__main__":
    if "--first" in sys.argv:
        print(json.dumps(_first_call(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        harness.report("compile_time", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)

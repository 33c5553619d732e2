"""Compiled derivatives, beside the same by hand in C and by the peers that are installed.

Three questions are asked of each workload: what a call takes, what it takes in units of the function alone, and what
the first call takes, in an interpreter of its own, without and with the objects that an earlier one left on disk.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import harness
import numpy as np
from workloads import arrays as vectors
from workloads import bundle, by_hand, learning, loops, mixture, recurrent, scalars
from workloads.workload import Workload, leaves, require_same

import wengert as wg

WORKLOADS = {
    w.name: w
    for family in (scalars, vectors, loops, learning, mixture, recurrent, bundle)
    for w in family.WORKLOADS
}
RATIO = 4.0  # the most that a derivative may take, in units of the function


def rows(*, smoke: bool = False, among: Sequence[str] = ("",)) -> list[harness.Row]:
    """Measure the workloads whose names hold one of some words; all by default."""
    chosen = [w for name, w in WORKLOADS.items() if any(word in name for word in among)]
    return [row for workload in chosen for row in _rows(workload, smoke=smoke)]


def _rows(workload: Workload, *, smoke: bool) -> list[harness.Row]:
    args = workload.arguments(smoke)
    calls = 1 if smoke else workload.calls
    compiled, function = wg.jit(workload.differentiated()), wg.jit(workload.fun)
    found = leaves(compiled(*args))
    require_same("compiled", found, leaves(workload.differentiated()(*args)), workload.rtol)
    candidates = {"wengert": _repeated(compiled, args, calls), "function": _repeated(function, args, calls)}
    candidates |= _by_hand(workload, args, found, calls)
    row = harness.timed(workload.name, candidates, rounds=7, smoke=smoke, per=calls)
    row.limit = workload.limit(row.values.get("C"))
    ratio = row.values["wengert"] / row.values.pop("function")
    relative = harness.Row(
        f"{workload.name}, in functions", "x", {"wengert": ratio}, limit=None if smoke else RATIO
    )
    return [row, relative, *_first_calls(workload, smoke=smoke)]


def _repeated(call: Callable[..., Any], args: tuple[Any, ...], calls: int) -> Callable[[], None]:
    def body() -> None:
        for _ in itertools.repeat(None, calls):
            call(*args)

    return body


def _by_hand(
    workload: Workload, args: tuple[Any, ...], expected: list[np.ndarray], calls: int
) -> harness.Candidates:
    inputs = [np.ascontiguousarray(x) for x in leaves(args)]
    outputs = [np.empty_like(y) for y in expected]
    sizes = workload.sizes(args)
    arrays = [*inputs, *outputs]
    run = by_hand.program(workload.file, workload.by_hand, arrays, sizes, workload.routine)
    if run is None:
        return {}
    run(1)
    require_same("C", outputs, expected, workload.rtol)
    return {"C": lambda: run(calls)}


# First calls ----------------------------------------------------------------------------------------------------------


def _first_calls(workload: Workload, *, smoke: bool) -> list[harness.Row]:
    options = ["--first", workload.name, *["--smoke"] * smoke]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WENGERT_CACHE_DIR"] = folder
        try:
            cold, cached = (harness.alone(Path(__file__), *options) for _ in range(2))
        finally:
            del os.environ["WENGERT_CACHE_DIR"]
    values = {"wengert": cold, "from the cache": cached}
    return [harness.Row(f"{workload.name}, first call", "ms", values)]


def _first_call(workload: Workload, *, smoke: bool) -> float:
    """Return what the first call takes beyond a second one, where another program has been compiled, in ms."""
    wg.jit(lambda x: x + 1.0)(1.0)
    args = workload.arguments(smoke)
    compiled = wg.jit(workload.differentiated())
    times = [time.perf_counter()]
    for _ in range(2):
        compiled(*args)
        times.append(time.perf_counter())
    return ((times[1] - times[0]) - (times[2] - times[1])) * 1e3


if __name__ == "__main__":
    tiny = "--smoke" in sys.argv
    if "--first" in sys.argv:
        print(json.dumps(_first_call(WORKLOADS[sys.argv[2]], smoke=tiny)))
    else:
        words = [word for word in sys.argv[1:] if not word.startswith("--")]
        found = rows(smoke=tiny, among=words or [""])
        harness.report("compiled", found, dated="--dated" in sys.argv)

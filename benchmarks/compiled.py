"""Compiled derivatives, beside the same by hand in C and by the peers that are installed.

Three questions are asked of each workload: what a call takes, what it takes in units of the function alone, and what
the first call takes: Wengert's in an interpreter of its own, without and with the objects that an earlier one left on
disk; a peer's where it is measured. Everybody has one thread; where loops are shared, what all take is beside it.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import harness
import numpy as np
from peers import peer
from workloads import arrays as vectors
from workloads import bundle, by_hand, hand, learning, loops, mixture, recurrent, scalars
from workloads.workload import Workload, leaves, require_same

import wengert as wg
from wengert.compile import threads

WORKLOADS = {
    w.name: w
    for family in (scalars, vectors, loops, learning, mixture, recurrent, bundle, hand)
    for w in family.WORKLOADS
}
RATIO = 4.0  # the most that a gradient may take, in units of the function

Found = list[np.ndarray]


def rows(*, smoke: bool = False, among: Sequence[str] = ("",)) -> list[harness.Row]:
    """Measure the workloads whose names hold one of some words (all by default), where libraries have one thread."""
    options = ["--rows", *["--smoke"] * smoke, *among]
    with tempfile.TemporaryDirectory() as folder:
        fresh = {"TORCHINDUCTOR_CACHE_DIR": folder, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        environment = harness.ONE_THREAD | fresh
        found = harness.alone(Path(__file__), *options, environment=environment)
    return [harness.Row(**row) for row in found]


def _rows(workload: Workload, *, smoke: bool) -> list[harness.Row]:
    args = workload.arguments(smoke)
    calls = 1 if smoke else workload.calls
    compiled, function = wg.jit(workload.differentiated()), wg.jit(workload.fun)
    found = leaves(compiled(*args))
    require_same("compiled", found, leaves(workload.differentiated()(*args)), workload.rtol)
    candidates = {"wengert": _repeated(compiled, args, calls), "function": _repeated(function, args, calls)}
    if "@wg.parallel" in compiled.llvm(*args):
        count = len(os.sched_getaffinity(0))
        candidates[f"{count} threads"] = _with_threads(count, candidates["wengert"])
    candidates |= _by_hand(workload, args, found, calls)
    others, first = _peers(workload, args, found)
    per = dict.fromkeys(candidates, calls) | dict.fromkeys(others, 1)
    row = harness.timed(workload.name, candidates | others, rounds=7, smoke=smoke, per=per)
    row.limit = workload.limit(row.values.get("C"))
    ratio = row.values["wengert"] / row.values.pop("function")
    bounded = workload.derivative is wg.value_and_grad and not smoke
    relative = harness.Row(
        f"{workload.name}, in functions", "x", {"wengert": ratio}, limit=RATIO if bounded else None
    )
    return [row, relative, _first_calls(workload, first, smoke=smoke)]


def _repeated(call: Callable[..., Any], args: tuple[Any, ...], calls: int) -> Callable[[], None]:
    def body() -> None:
        for _ in itertools.repeat(None, calls):
            call(*args)

    return body


def _with_threads(count: int, body: Callable[[], None]) -> Callable[[], None]:
    def shared() -> None:
        threads.set_count(count)
        body()
        threads.set_count(1)

    return shared


def _by_hand(workload: Workload, args: tuple[Any, ...], expected: Found, calls: int) -> harness.Candidates:
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


def _peers(
    workload: Workload, args: tuple[Any, ...], expected: Found
) -> tuple[harness.Candidates, dict[str, float]]:
    """Return the calls of the peers that have the workload, and what the first took of those that compile."""
    candidates, first = {}, {}
    for who, programs in peer.installed().items():
        if workload.name not in programs:
            continue
        results, took, candidates[who] = _first_and_second(partial(programs[workload.name], *args))
        if who in peer.COMPILED:
            first[who] = took
        require_same(who, leaves(results), expected, workload.rtol)
    return candidates, first


def _first_and_second(make: Callable[[], Callable[[], Any]]) -> tuple[Any, float, Callable[[], Any]]:
    """Return a call's results, what making and calling it first take beyond a second call, in ms, and the call."""
    times = [time.perf_counter()]
    call = make()
    for _ in range(2):
        results = call()
        times.append(time.perf_counter())
    return results, ((times[1] - times[0]) - (times[2] - times[1])) * 1e3, call


# First calls ----------------------------------------------------------------------------------------------------------


def _first_calls(workload: Workload, others: dict[str, float], *, smoke: bool) -> harness.Row:
    options = ["--first", workload.name, *["--smoke"] * smoke]
    with tempfile.TemporaryDirectory() as folder:
        environment = {"WENGERT_CACHE_DIR": folder}
        cold, cached = (harness.alone(Path(__file__), *options, environment=environment) for _ in range(2))
    values = {"wengert": cold, "from the cache": cached}
    return harness.Row(f"{workload.name}, first call", "ms", values | others)


def _first_call(workload: Workload, *, smoke: bool) -> float:
    """Return what the first call takes beyond a second one, where another program has been compiled, in ms."""
    wg.jit(lambda x: x + 1.0)(1.0)
    args = workload.arguments(smoke)
    return _first_and_second(lambda: partial(wg.jit(workload.differentiated()), *args))[1]


def _measured(among: Sequence[str], *, smoke: bool) -> list[harness.Row]:
    """Return the rows of the workloads chosen; each is said as soon as it is there, for all take minutes."""
    found = []
    for name, workload in WORKLOADS.items():
        if any(word in name for word in among):
            for row in _rows(workload, smoke=smoke):
                print(row.text(), file=sys.stderr, flush=True)
                found.append(row)
    return found


if __name__ == "__main__":
    tiny = "--smoke" in sys.argv
    words = [word for word in sys.argv[1:] if not word.startswith("--")] or [""]
    if "--first" in sys.argv:
        print(json.dumps(_first_call(WORKLOADS[words[0]], smoke=tiny)))
    elif "--rows" in sys.argv:
        print(json.dumps([asdict(row) for row in _measured(words, smoke=tiny)]))
    else:
        harness.report("compiled", rows(smoke=tiny, among=words), dated="--dated" in sys.argv)

"""Networks, beside the same by hand in C and the peers that are installed: the gradient alone, and a step with Adam.

Everybody has one thread and goes on from the state that its step before left. What the first call takes is asked of
each that compiles too, where nothing lies on disk.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import harness
import numpy as np
from workloads.networks import NETWORKS, Network, fresh, training
from workloads.workload import leaves, require_same

import wengert as wg

UNCOMPILED = {"PyTorch", "C"}  # whose first call compiles nothing
MODULES = {"scipy": "networks_in_c", "jax": "networks_in_jax", "torch": "networks_in_torch"}
DTYPES = (np.float32, np.float64)
# Sums of n terms in another order differ by up to n eps, of the terms' sizes: n is 1e3 to 1e4 here, and losses pass
# through four such sums.
RTOL = {np.float32: 1e-3, np.float64: 1e-11}
STEPS = 3  # compared before the clock starts: a loss depends on the update before it
FIRST_CALL_MS = 1000.0  # the most that the first step may take
BY_HAND = 1.3  # the most that Wengert may take, in units of C
BEST_PEER = 1.0  # and in units of the peer that is fastest,
CONVOLUTION = 0.5  # where PyTorch and XLA have no routine for convolutions of this type

Maker = Callable[..., Callable[[], Any]]


def rows(*, smoke: bool = False, among: Sequence[str] = ("",)) -> list[harness.Row]:
    """Measure the networks whose rows' names hold one of some words, all by default."""
    options = ["--rows", *["--smoke"] * smoke, *among]
    with tempfile.TemporaryDirectory() as folder:
        fresh_caches = {
            "WENGERT_CACHE_DIR": folder,
            "TORCHINDUCTOR_CACHE_DIR": folder,
            "TORCHINDUCTOR_COMPILE_THREADS": "1",
        }
        found = harness.alone(Path(__file__), *options, environment=harness.ONE_THREAD | fresh_caches)
    return [harness.Row(**row) for row in found]


def gradients(network: Network, dtype: Any, *, smoke: bool) -> list[harness.Row]:
    """Measure the value and gradient of a loss."""
    args = network.arguments(dtype, smoke)
    made = makers(network, _gradient(network), "GRADIENTS")
    plain = wg.value_and_grad(network.loss)
    return _measured(
        name(network, dtype, "gradient"), args, made, lambda: plain(*args), RTOL[dtype], smoke=smoke
    )


def steps(network: Network, dtype: Any, *, smoke: bool) -> list[harness.Row]:
    """Measure a whole step of training."""
    parameters, *batch = network.arguments(dtype, smoke)
    args = fresh(parameters), *batch
    made = makers(network, _step(network, wg.jit), "STEPS")
    plain = _step(network, lambda fun: fun)(*args)
    return _measured(name(network, dtype, "step"), args, made, plain, RTOL[dtype], smoke=smoke)


def name(network: Network, dtype: Any, what: str) -> str:
    """Return the name of a row."""
    return f"{network.name}, {what}, {dtype.__name__}"


def _gradient(network: Network) -> Maker:
    compiled = wg.jit(wg.value_and_grad(network.loss))
    return lambda *args: lambda: compiled(*args)


def _step(network: Network, compiler: Callable[..., Any]) -> Maker:
    compiled = compiler(training(network.loss))

    def make(state: Any, x: Any, y: Any) -> Callable[[], Any]:
        def call() -> Any:
            nonlocal state
            loss, state = compiled(state, x, y)
            return loss

        return call

    return make


def _measured(
    title: str,
    args: tuple[Any, ...],
    made: Mapping[str, Maker],
    plain: Callable[[], Any],
    rtol: float,
    *,
    smoke: bool,
) -> list[harness.Row]:
    """Return the row of a call's times and that of first calls, once all agree with what is not compiled."""
    expected = [leaves(plain()) for _ in range(STEPS)]
    calls, first = {}, {}
    for who, make in made.items():
        began = time.perf_counter()
        calls[who] = make(*args)
        results = [calls[who]()]
        first[who] = (time.perf_counter() - began) * 1e3
        results += [calls[who]() for _ in expected[1:]]
        for result, right in zip(results, expected, strict=True):
            require_same(who, leaves(result), right, rtol)
    row = harness.timed(title, calls, rounds=7, smoke=smoke)
    for who in UNCOMPILED & set(first):
        del first[who]
    started = harness.Row(f"{title}, first call", "ms", first, limit=None if smoke else FIRST_CALL_MS)
    return [row, *_ratios(row, smoke=smoke), started]


def _ratios(row: harness.Row, *, smoke: bool) -> list[harness.Row]:
    """Return what Wengert takes in units of C, and of the best peer, where there are such."""
    peers = {who: value for who, value in row.values.items() if who not in ("wengert", "C")}
    units = {"C": ("C", BY_HAND)} if "C" in row.values else {}
    if peers:
        doubles = row.name.startswith("convolutional") and row.name.endswith("float64")
        units["the best peer"] = min(peers, key=peers.get), CONVOLUTION if doubles else BEST_PEER
    return [
        harness.Row(
            f"{row.name}, in units of {unit}",
            "x",
            {"wengert": row.values["wengert"] / row.values[who], who: 1.0},
            limit=None if smoke else limit,
        )
        for unit, (who, limit) in units.items()
    ]


def makers(network: Network, ours: Maker, what: str) -> dict[str, Maker]:
    """Return who has a network's `what`, the gradients or the steps: Wengert, C, and the peers that are installed."""
    found = {"wengert": ours}
    for package, module in MODULES.items():
        if importlib.util.find_spec(package) is not None:
            theirs = getattr(importlib.import_module(f"peers.{module}"), what)
            found |= {
                who: programs[network.name] for who, programs in theirs.items() if network.name in programs
            }
    return found


def _rows(among: Sequence[str], *, smoke: bool) -> list[harness.Row]:
    """Return the rows of the networks chosen; each is said as soon as it is there."""
    wg.jit(lambda x: x + 1.0)(1.0)  # as the peers', the first compilation of a process is not counted
    found = []
    questions = {"gradient": gradients, "step": steps}
    for network in NETWORKS:
        for dtype in DTYPES:
            for what, measure in questions.items():
                if any(word in name(network, dtype, what) for word in among):
                    answers = measure(network, dtype, smoke=smoke)
                    print(*[row.text() for row in answers], sep="\n", file=sys.stderr, flush=True)
                    found += answers
    return found


if __name__ == "__main__":
    tiny = "--smoke" in sys.argv
    words = [word for word in sys.argv[1:] if not word.startswith("--")] or [""]
    if "--rows" in sys.argv:
        print(json.dumps([asdict(row) for row in _rows(words, smoke=tiny)]))
    else:
        harness.report("learning", rows(smoke=tiny, among=words), dated="--dated" in sys.argv)

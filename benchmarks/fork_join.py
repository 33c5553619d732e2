"""What a parallel region costs, and what it gains: empty regions by their number of chunks, and loops by their length.

The first loop adds 1 to each of n doubles: it is the cheapest there is for its memory, so that its break-even bounds
all others from above. The others are compiled functions, all of whose loops are shared, by their work in the unit of
`wengert.compile.parallel`, whose thresholds come from here: called again and again, while the pool is awake, and after
pauses in which it falls asleep. Single calls are timed there, and the first percentile is given, as others' work on the
machine only ever adds time.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import quantiles
from typing import Any

import harness
import numpy as np

import wengert as wg
from wengert.compile import llvm, loading, parallel, threads
from wengert.compile.programs import lowered

CALLS = 100
PROGRAM = f"""
declare void @wg.parallel(ptr, ptr, i64, i64)

define internal void @nothing(ptr %context, i64 %begin, i64 %end) {{
  ret void
}}

define internal void @increase(ptr %x, i64 %begin, i64 %end) #0 {{
entry:
  br label %next
next:
  %i = phi i64 [ %begin, %entry ], [ %i.next, %next ]
  %at = getelementptr inbounds double, ptr %x, i64 %i
  %v = load double, ptr %at
  %w = fadd double %v, 1.0
  store double %w, ptr %at
  %i.next = add nuw nsw i64 %i, 1
  %done = icmp eq i64 %i.next, %end
  br i1 %done, label %exit, label %next
exit:
  ret void
}}

define void @regions(i64 %calls, i64 %n) {{
entry:
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %next ]
  call void @wg.parallel(ptr @nothing, ptr null, i64 %n, i64 1)
  %i.next = add i64 %i, 1
  %done = icmp eq i64 %i.next, %calls
  br i1 %done, label %exit, label %next
exit:
  ret void
}}

define void @together(ptr %x, i64 %n) #0 {{
  call void @wg.parallel(ptr @increase, ptr %x, i64 %n, i64 1024)
  ret void
}}

define void @alone(ptr %x, i64 %n) #0 {{
  call void @increase(ptr %x, i64 0, i64 %n)
  ret void
}}

attributes #0 = {{ nounwind "prefer-vector-width"="{llvm.host().vector_bits}" }}
"""
EXPORTS = ("regions", "together", "alone")


def _region(library: llvm.Library, n: int) -> Callable[[], None]:
    run = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(library["regions"])
    return lambda: run(CALLS, n)


def _loop(library: llvm.Library, name: str, x: np.ndarray) -> Callable[[], None]:
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(library[name])
    return lambda: run(x.ctypes.data, x.size)


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Time regions; on a machine with one processor there is nothing to gain."""
    library = loading.load(PROGRAM, EXPORTS)
    found = [
        harness.timed(
            f"empty region, {n} chunks, {threads.count()} threads",
            {"wengert": _region(library, n)},
            rounds=15,
            smoke=smoke,
            per=CALLS,
            unit="ns",
        )
        for n in (2, 8, 128)
    ]
    for n in (10_000, 100_000, 1_000_000, 10_000_000):
        x = np.zeros(n)
        ways = {"wengert": _loop(library, "together", x), "one thread": _loop(library, "alone", x)}
        ways["numpy"] = lambda x=x: np.add(x, 1.0, out=x)
        found.append(harness.timed(f"x + 1 in place, n = {n}", ways, rounds=9, smoke=smoke, unit="us"))
    for name, (function, width) in FUNCTIONS.items():
        for work in WORKS[:1] if smoke else WORKS:
            found += _compiled(name, function, width, work, calls=2 if smoke else 2000)
    return found


# Compiled loops -------------------------------------------------------------------------------------------------------


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "2 x + 1": (lambda x: 2.0 * x + 1.0, 1),
    "tanh x exp -x^2": (lambda x: np.tanh(x) * np.exp(-(x**2)), 1),
    "softmax": (_softmax, 100),
}
WORKS = (20_000, 50_000, 100_000, 200_000, 400_000)


def _compiled(
    name: str, function: Callable[[Any], Any], width: int, work: float, *, calls: int
) -> Iterator[harness.Row]:
    """Time a function of about so much work, with one thread and with all."""
    with _all_shared():
        rows = _rows_of(function, width, work)
        x = np.linspace(-1.0, 1.0, rows * width).reshape((rows, width) if width > 1 else rows)
        call = wg.jit(function)
        call(x)
        turn = min(100, calls)  # calls of one kind in a row
        for state, pause in (("awake", 0.0), ("asleep", 3e-4)):
            times: dict[str, list[float]] = {"wengert": [], "one thread": []}
            for k in range(2 * calls):
                who, n = ("wengert", _COUNT) if k // turn % 2 else ("one thread", 1)
                threads.set_count(n)
                time.sleep(pause)
                start = time.perf_counter()
                call(x)
                times[who].append((time.perf_counter() - start) * 1e6)
            values = {who: quantiles(ts, n=100)[0] for who, ts in times.items()}
            yield harness.Row(f"{name}, {work} of work, {state}", "us", values)


def _rows_of(function: Callable[[Any], Any], width: int, work: float) -> int:
    """Return how many rows have about so much work."""
    rows = 1000
    x = np.zeros((rows, width) if width > 1 else rows)
    return max(2, round(rows * work / parallel.work(lowered(wg.trace(function)(x)).program)))


@contextmanager
def _all_shared() -> Iterator[None]:
    """Let threads share all loops that can be shared."""
    before = parallel.WORTH
    parallel.WORTH = 0
    try:
        yield
    finally:
        parallel.WORTH = before
        threads.set_count(_COUNT)


_COUNT = threads.count()


if __name__ == "__main__":
    harness.report("fork_join", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)

"""What a parallel region costs, and what it gains: empty regions by their number of chunks, and a loop by its length.

The loop adds 1 to each of n doubles: it is the cheapest there is for its memory, so that its break-even bounds all
others from above.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

import harness
import numpy as np

from wengert.compile import llvm, loading, threads

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
    return found


if __name__ == "__main__":
    harness.report("fork_join", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)

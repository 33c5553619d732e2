"""The pool of threads that parallel loops of compiled programs share; importing this module offers it, by symbol.

    wg.parallel(function, context, n, grain)    function(context, begin, end) over [0, n), in chunks, by all threads
    wg.chunk(n, grain)                          the size of the chunks, which does not depend on the number of threads

It is native code (native/threads.ll), and starts its threads when a program first needs them. `grain` is how many
iterations are worth a thread: 10 to 20 us of them. A region inside a region runs in its own thread, as does one that
begins while another is open, so there are never more threads at work than `count` says.

No region calls BLAS, which has threads of its own; those of the pool sleep meanwhile, as they do 20 to 100 us after a
region has ended.

The pool is not there after a fork, and is started again in the child; a child that Python does not know of runs its
regions in one thread. Workers take no signals: Ctrl-C reaches the interpreter, which acts on it when the program
returns. Without POSIX threads (Windows) regions run in one thread.

Environment: ``WENGERT_THREADS``, else as many as the process may use: its CPU affinity, within the quota of its
control group.
"""

from __future__ import annotations

import ctypes
import math
import os
import platform
import sys
from contextlib import suppress
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from wengert.compile import llvm, loading, symbols

__all__ = ["count", "pool_text", "running", "set_count"]

_FUTEX: Final = {"x86_64": 202, "aarch64": 98, "riscv64": 98}
_PAUSES: Final = {
    "x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "aarch64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"),  # yield
}
_EXPORTS: Final = ("wg.parallel", "wg.chunk", "wg.pool.reset", "wg.pool.set_threads", "wg.pool.workers")
_HAS_THREADS: Final = os.name == "posix"
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


def count() -> int:
    """Return how many threads programs run on."""
    return _chosen[0] if _chosen else _default()


def set_count(n: int) -> None:
    """Set how many threads programs run on, from now on; those that run are not stopped.

    Parameters
    ----------
    n : int
        At least 1.
    """
    _chosen[:] = [max(1, int(n))]
    if _pool.is_made:
        ctypes.CFUNCTYPE(None, ctypes.c_int32)(_pool()["wg.pool.set_threads"])(_usable())


def running() -> int:
    """Return how many workers have been started."""
    if not _pool.is_made:
        return 0
    workers: int = ctypes.CFUNCTYPE(ctypes.c_int32)(_pool()["wg.pool.workers"])()
    return workers


def pool_text(sleep: Literal["futex", "condition", "alone"] | None = None) -> str:
    """Return the pool, in LLVM's assembly language.

    Parameters
    ----------
    sleep : {"futex", "condition", "alone"}, optional
        How threads wait for each other; by what the platform has, by default.
    """
    machine = "aarch64" if platform.machine() in {"arm64", "aarch64"} else platform.machine()
    number = _FUTEX.get(machine, 0) if sys.platform == "linux" else 0
    declaration, pause = _PAUSES.get(machine, ("", "fence seq_cst"))
    folder = resources.files("wengert.compile") / "native"
    if sleep is None:
        sleep = "alone" if not _HAS_THREADS else "futex" if number else "condition"
    platform_text = (
        f"@sys_futex = private constant i64 {number}\n"
        f"@sig_setmask = private constant i32 {2 if sys.platform == 'linux' else 3}\n"
        f"{declaration}\ndefine internal void @pause() #0 {{\n  {pause}\n  ret void\n}}\n"
    )
    parts = [(folder / name).read_text(encoding="utf-8") for name in (f"threads_{sleep}.ll", "threads.ll")]
    return "\n".join([platform_text, *parts])


_chosen: list[int] = []


@cache
def _default() -> int:
    chosen = os.environ.get("WENGERT_THREADS", "")
    if chosen.isdecimal() and int(chosen) > 0:
        return int(chosen)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota() or allowed))


def _quota() -> int | None:
    """Return how many processors the control group may use, rounded up, or None where it has no limit."""
    with suppress(OSError, ValueError):
        most, period = _QUOTA.read_text(encoding="ascii").split()
        return math.ceil(int(most) / int(period))
    return None


@loading.Once
def _pool() -> llvm.Library:
    return loading.load(pool_text(), _EXPORTS, optimise="none", generate="O2")


def _address(name: str) -> int:
    if not _pool.is_made:
        _configure()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_configure)
    return _pool()[name]


def _configure() -> None:
    """Tell the pool how many threads it has, and of which process; its workers are those of this process or none."""
    reset: Any = ctypes.CFUNCTYPE(None, ctypes.c_int32, ctypes.c_int32)(_pool()["wg.pool.reset"])
    reset(_usable(), os.getpid())


def _usable() -> int:
    return count() if _HAS_THREADS else 1


for _name in ("wg.parallel", "wg.chunk"):
    symbols.register(_name, partial(_address, _name))

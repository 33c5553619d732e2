"""The collector of cyclic garbage, which waits while a graph is made.

A graph is a great many small objects, all of which stay: each time their number has grown by a quarter, the collector
visits every one of them, and frees none. That takes half of the time in which a graph of 1e5 nodes is differentiated,
and 4 ms at some time in the first call of a small function. Since functions of the user run meanwhile, which may make
garbage, it still comes once in a great while.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["collector_paused"]

_RARELY = 1 << 20  # objects that are made and not freed from one visit to the next

_lock = Lock()
_pauses = 0  # of all threads: the collector is one for the process
_before = 0


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let next to nothing be collected until the last pause ends; what nobody refers to is freed as ever."""
    global _pauses, _before  # noqa: PLW0603 - the state of the process's collector
    with _lock:
        if _pauses == 0:
            _before = gc.get_threshold()[0]
            gc.set_threshold(_before and max(_before, _RARELY))  # 0: the user wants none
        _pauses += 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if _pauses == 0:
                gc.set_threshold(_before)

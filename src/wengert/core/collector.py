"""The collector of cyclic garbage, which waits while a graph is made.

A graph is a great many small objects, all of which stay: each time their number has grown by a quarter, the collector
visits every one of them, and frees none. That takes half of the time in which a graph of 1e5 nodes is differentiated.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["collector_paused"]

_lock = Lock()
_pauses = 0  # of all threads: the collector is one for the process
_was_on = False


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let nothing be collected until the last pause ends; what counts of references reach zero is freed as ever."""
    global _pauses, _was_on  # noqa: PLW0603 - the state of the process's collector
    with _lock:
        if _pauses == 0:
            _was_on = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if _pauses == 0 and _was_on:
                gc.enable()

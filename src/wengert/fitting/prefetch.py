"""Batches made by another thread, while the last one is being trained on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["prefetched"]

_PATIENCE = 0.05  # seconds between looks at whether anybody still waits


class _End:
    """The last thing in the queue: nothing, or what was raised."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetched(items: Iterator[Any], ahead: int = 2) -> Iterator[Any]:
    """Yield the items of an iterator that another thread runs.

    Parameters
    ----------
    items : iterator
    ahead : int
        How many are held ready; 0 means no thread.

    Yields
    ------
    Any
        The items in order. What the iterator raises is raised here, in its turn.

    Examples
    --------
    >>> list(prefetched(iter("abc")))
    ['a', 'b', 'c']
    """
    if ahead < 1:
        yield from items
        return
    ready: queue.Queue[Any] = queue.Queue(ahead)
    stopped = threading.Event()
    thread = threading.Thread(
        target=_fill, args=(items, ready, stopped), name="wengert-prefetch", daemon=True
    )
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()


def _fill(items: Iterator[Any], ready: queue.Queue[Any], stopped: threading.Event) -> None:
    end = _End()
    try:
        for item in items:
            if not _put(ready, item, stopped):
                return
    except BaseException as error:  # noqa: BLE001 - it is raised where the items are used
        end = _End(error)
    _put(ready, end, stopped)


def _put(ready: queue.Queue[Any], item: Any, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            ready.put(item, timeout=_PATIENCE)
        except queue.Full:
            continue
        return True
    return False

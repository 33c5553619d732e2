"""Times and memory of calls, measured so that they can be compared: side by side, often, and the middle one counts."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

__all__ = ["Timing", "once", "peak_bytes", "side_by_side"]

_resource: Any = (
    importlib.import_module("resource") if importlib.util.find_spec("resource") else None
)  # not on Windows

# The least length of a sample: far above the resolution of the clock, far below the slices of time that other programs
# of a busy machine take, so that most samples meet none.
_SAMPLE_S = 3e-4
_FEWEST, _MOST = 5, 401  # samples of each, where there is time; an odd number has a middle one


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds per call.

    Attributes
    ----------
    seconds : float
        The median of all samples; of one in which other programs had the processor too, the time that it had itself.
    spread : float
        Half the distance between the quartiles, in units of the median.
    samples : int
        How many there were.
    """

    seconds: float
    spread: float
    samples: int


def once(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of a call, and how long it took."""
    start = time.perf_counter()
    y = call()
    return y, time.perf_counter() - start


def side_by_side(
    calls: Mapping[str, Callable[[], Any]], seconds: float, tell: Callable[[float], None] | None = None
) -> dict[str, Timing]:
    """Time calls in turns, so that a change of the machine's speed meets all of them.

    Parameters
    ----------
    calls : mapping
        By name; each has been called before.
    seconds : float
        For all of them together, about: a call that takes longer than its share is timed once.
    tell : callable, optional
        Called after each turn, between samples, with the share of the time that is over.

    Returns
    -------
    dict
        By name; those that have a sample, where the user interrupts.
    """
    share = seconds / max(len(calls), 1)
    samples: dict[str, list[float]] = {name: [] for name in calls}
    spent = dict.fromkeys(calls, 0.0)
    number: dict[str, int] = {}
    gc.collect()
    try:
        for _ in range(_MOST):
            waiting = [name for name in calls if spent[name] < share]
            for name in waiting:
                if name not in number:
                    number[name] = _number(calls[name], share)
                lap, elapsed = _sample(calls[name], number[name])
                samples[name].append(lap / number[name])
                spent[name] += elapsed
            if not waiting:
                break
            if tell is not None:
                tell(min(sum(spent.values()) / seconds, 1.0))
    except KeyboardInterrupt:
        pass  # what was measured is kept
    return {name: _timing(laps) for name, laps in samples.items() if laps}


def peak_bytes(call: Callable[[], Any]) -> int:
    """Return the most memory that Python and NumPy hold at a time during a call, beyond what they held before.

    Native code's own memory is not seen.
    """
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        result = call()
        peak = tracemalloc.get_traced_memory()[1]
        del result
    finally:
        if not running:
            tracemalloc.stop()
    return max(peak - before, 0)


# helpers


def _number(call: Callable[[], Any], share: float) -> int:
    """Return how many calls make a sample: long beside the clock, short beside the share of time."""
    number = 1
    while True:
        took = _sample(call, number)[1]
        if took >= _SAMPLE_S / 2 or took >= share / _FEWEST:
            return number
        number *= 2


def _sample(call: Callable[[], Any], number: int) -> tuple[float, float]:
    """Return the time of some calls, without what others had if the system took the processor away; and all of it."""
    preempted, worked, start = _preemptions(), time.process_time(), time.perf_counter()
    for _ in range(number):
        call()
    elapsed, busy = time.perf_counter() - start, time.process_time() - worked
    return min(elapsed, busy) if _preemptions() > preempted else elapsed, elapsed


def _preemptions() -> int:
    """Return how often the system has taken the processor from this process, where it says so."""
    return 0 if _resource is None else int(_resource.getrusage(_resource.RUSAGE_SELF).ru_nivcsw)


def _timing(laps: list[float]) -> Timing:
    ordered = sorted(laps)
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    middle = median(ordered)
    return Timing(middle, (high - low) / 2 / middle if middle else 0.0, len(laps))

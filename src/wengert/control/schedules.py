"""Schedules: in which order the steps of a chain are run, kept and reversed when few states can be kept.

The states 0, ..., n of a chain are joined by the steps 0, ..., n - 1. Step k can be reversed when state k is
at hand, the last step first. A schedule is a stream of actions that ends with the reversal of step 0; it is
computed as it is consumed, and remembers nothing but which states are kept.
"""

from __future__ import annotations

from bisect import bisect_left
from math import comb, isqrt
from typing import TYPE_CHECKING, NamedTuple

from wengert.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "Action",
    "Advance",
    "Drop",
    "Restore",
    "Reverse",
    "Snapshots",
    "Store",
    "binomial",
    "every",
    "fewest_advances",
    "repetitions",
    "schedule",
    "sqrt",
]


class Store(NamedTuple):
    """Keep the state at hand, which is state `k`."""

    k: int


class Restore(NamedTuple):
    """Take state `k`, which stays kept."""

    k: int


class Drop(NamedTuple):
    """Keep state `k` no longer."""

    k: int


class Advance(NamedTuple):
    """Run the steps `i`, ..., `j` - 1: from state i at hand to state j."""

    i: int
    j: int


class Reverse(NamedTuple):
    """Reverse step `k`, whose input, state k, is at hand."""

    k: int


Action = Store | Restore | Drop | Advance | Reverse
Snapshots = int | str | None


# All schedules of a stack -------------------------------------------------------------------------------------------
#
# Kept states form a stack. From the state on its top, run on and keep more as long as the rule says so; then
# reverse the last step, and begin again at the top.


def _stacked(n: int, ahead: Callable[[int, int, int], int]) -> Iterator[Action]:
    """Yield the schedule in which `ahead(top, end, kept)` says how many steps on the next state is kept; 0: none."""
    if n:
        yield Store(0)
    kept, end = [0], n
    while end:
        top = kept[-1]
        while end - top > 1 and (steps := ahead(top, end, len(kept))):
            yield Advance(top, top + steps)
            top += steps
            kept.append(top)
            yield Store(top)
        end -= 1
        if end > top:
            yield Advance(top, end)
        yield Reverse(end)
        if end == top:
            kept.pop()
            yield Drop(top)
        if end:
            yield Restore(kept[-1])


def every(n: int) -> Iterator[Action]:
    """Yield the schedule that keeps every state and runs no step again but to reverse it."""
    return _stacked(n, lambda _top, _end, _kept: 1)


def sqrt(n: int) -> Iterator[Action]:
    """Yield the schedule of two levels: every m-th state with m about sqrt(n), and within one stretch every state.

    At most m + ceil(n / m) - 1 states are kept, and no step runs more than twice before it is reversed.
    """
    m = isqrt(max(n - 1, 0)) + 1
    return _stacked(n, lambda top, end, _kept: m if end - top > m else 1)


# The binomial schedule ----------------------------------------------------------------------------------------------
#
# A. Griewank, A. Walther, "Algorithm 799: revolve", ACM TOMS 26 (2000) 19-45. With s kept states and at most r
# runs of each step before it is reversed, chains of up to b(s, r) = C(s + r, s) steps can be reversed (Proposition
# 1). For n with b(s, r - 1) < n <= b(s, r), the fewest runs of steps are
#
#     t(n, s) = r n - b(s + 1, r - 1),
#
# the solution of t(n, s) = min over m of m + t(m, s) + t(n - m, s - 1): run m steps, keep state m, reverse
# what is behind it with one state fewer, then the m steps. A minimum is taken at each m with
#
#     b(s, r - 2) <= m <= b(s, r - 1)    and    b(s - 1, r - 1) <= n - m <= b(s - 1, r).


def repetitions(n: int, snapshots: int) -> int:
    """Return the least r with C(s + r, s) >= n: how often steps are run, at most, before they are reversed."""
    high = 1
    while comb(snapshots + high, snapshots) < n:
        high *= 2
    return bisect_left(range(high + 1), n, key=lambda r: comb(snapshots + r, snapshots))


def fewest_advances(n: int, snapshots: int) -> int:
    """Return t(n, s): the fewest runs of steps, besides the run of each step that reverses it."""
    r = repetitions(n, snapshots)
    return r * n - comb(snapshots + r, snapshots + 1)


def _split(n: int, snapshots: int) -> int:
    """Return the least m that is optimal."""
    r = repetitions(n, snapshots)
    below = comb(snapshots + r - 2, snapshots) if r > 1 else 1
    return max(below, n - comb(snapshots - 1 + r, snapshots - 1))


def binomial(n: int, snapshots: int) -> Iterator[Action]:
    """Yield the schedule with the fewest runs of steps among all that keep at most so many states at once."""

    def ahead(top: int, end: int, kept: int) -> int:
        return _split(end - top, snapshots - kept + 1) if kept < snapshots else 0

    return _stacked(n, ahead)


def schedule(n: int, snapshots: Snapshots) -> Iterator[Action]:
    """Yield the schedule that a user names: a number of snapshots, "binomial", "sqrt", or None for every state.

    "binomial" alone keeps about log2(n) states; steps are then run less than log2(n) times.
    """
    if isinstance(snapshots, int) and not isinstance(snapshots, bool) and snapshots > 0:
        return binomial(n, min(snapshots, max(n, 1)))
    if snapshots is None:
        return every(n)
    if snapshots == "sqrt":
        return sqrt(n)
    if snapshots == "binomial":
        return binomial(n, max(n.bit_length(), 1))
    raise ArgumentError(
        f"snapshots is {snapshots!r}",
        why="it says how many states are kept for the reverse sweep.",
        instead='give a positive int, "binomial", "sqrt", or None to keep every state.',
    )

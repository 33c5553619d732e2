"""Schedules reverse every step from its state, keep no more states than allowed, and run the fewest steps."""

from functools import cache
from itertools import islice
from math import ceil, comb, isqrt
from typing import Any

import pytest

from wengert.control import schedules
from wengert.control.schedules import Advance, Drop, Restore, Reverse, Store
from wengert.errors import ArgumentError


class Run:
    """What happens when a schedule is followed; wrong actions fail."""

    def __init__(self, n: int, actions: Any) -> None:
        self.advances = self.most_kept = 0
        self.reversed: list[int] = []
        self.runs = [0] * n  # of each step, besides that which reverses it
        kept: set[int] = set()
        at: int | None = 0
        for action in actions:
            match action:
                case Store(k):
                    assert k == at
                    assert k not in kept
                    kept.add(k)
                    self.most_kept = max(self.most_kept, len(kept))
                case Restore(k):
                    assert k in kept
                    at = k
                case Drop(k):
                    kept.remove(k)
                case Advance(i, j):
                    assert i == at
                    assert j > i
                    for k in range(i, j):
                        self.runs[k] += 1
                    self.advances += j - i
                    at = j
                case Reverse(k):
                    assert k == at
                    self.reversed.append(k)
                    at = None
        assert self.reversed == list(range(n))[::-1]
        assert not kept


@cache
def fewest(n: int, s: int) -> int:
    """The recursion itself, over every place of the next kept state (Griewank & Walther 2000, section 2)."""
    if n == 1:
        return 0
    if s == 1:
        return n * (n - 1) // 2
    return min(m + fewest(m, s) + fewest(n - m, s - 1) for m in range(1, n))


GRID = [
    (n, s) for n in (1, 2, 3, 4, 5, 7, 10, 20, 21, 56, 57, 127, 252, 500) for s in (1, 2, 3, 5, 8, 20, 600)
]


@pytest.mark.parametrize(("n", "s"), GRID)
def test_binomial_runs_as_many_steps_as_the_closed_formula_says(n, s):
    run = Run(n, schedules.binomial(n, s))
    r = next(r for r in range(n + 1) if comb(s + r, s) >= n)
    assert run.advances == r * n - comb(s + r, s + 1)
    assert max(run.runs) <= r
    assert run.most_kept <= s


@pytest.mark.parametrize("s", range(1, 8))
def test_binomial_is_optimal(s):
    for n in range(1, 41):
        assert Run(n, schedules.binomial(n, s)).advances == fewest(n, s) == schedules.fewest_advances(n, s)


@pytest.mark.parametrize(("n", "s"), [(1, 1), (5, 2), (10, 3), (57, 5), (100, 4)])
def test_binomial_agrees_with_the_package_checkpoint_schedules(n, s):
    package = pytest.importorskip("checkpoint_schedules")
    advances = 0
    for action in package.Revolve(n, s):
        if isinstance(action, package.Forward):
            recorded = action.write_adj_deps  # the run of a step that reverses it
            advances += action.n1 - action.n0 - (1 if recorded else 0)
    assert Run(n, schedules.binomial(n, s)).advances == advances


@pytest.mark.parametrize("n", range(1, 70))
def test_sqrt(n):
    run = Run(n, schedules.sqrt(n))
    m = isqrt(n - 1) + 1
    assert m - 1 < n**0.5 <= m
    assert run.most_kept <= m + ceil(n / m) - 1
    assert max(run.runs) <= 2


def test_every_state():
    run = Run(30, schedules.every(30))
    assert run.runs == [1] * 29 + [0]
    assert run.most_kept == 30


@pytest.mark.parametrize("snapshots", [None, 1, 3, 100, "sqrt", "binomial"])
def test_no_steps(snapshots):
    assert list(schedules.schedule(0, snapshots)) == []


def test_long_chains_need_no_tables():
    """The beginning of a schedule of 10^12 steps is there at once."""
    first = list(islice(schedules.binomial(10**12, 20), 30))
    assert first[0] == Store(0)
    assert sum(isinstance(action, Store) for action in first) == 15


def test_a_hundred_thousand_steps():
    run = Run(100_000, schedules.binomial(100_000, 20))
    assert run.advances == schedules.fewest_advances(100_000, 20) == 534_220
    assert run.most_kept == 20
    assert schedules.repetitions(100_000, 20) == 6


def test_binomial_alone_keeps_log2_n_states():
    run = Run(1000, schedules.schedule(1000, "binomial"))
    assert run.most_kept == 10
    assert max(run.runs) == schedules.repetitions(1000, 10) < 10


@pytest.mark.parametrize("snapshots", [0, -1, 2.5, True, "log", []])
def test_what_names_no_schedule_raises(snapshots):
    with pytest.raises(ArgumentError, match="snapshots is") as caught:
        schedules.schedule(3, snapshots)
    assert caught.value.why
    assert caught.value.instead

"""Costs of lifted loops: linear in their steps; and of lifting, once per function."""

import time

import numpy as np

import wengert as wg

from .table_loops import LONG, filled


def fill(x, n):
    y = np.zeros(n)
    y[0] = x
    for i in range(1, n):
        y[i] = 0.999 * y[i - 1] + 0.1 * np.sin(y[i - 1])
    return y[n - 1] + y[n // 2]


def quickest(run):
    times = []
    for _ in range(3):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def test_a_loop_that_fills_an_array_costs_linear_time():
    slope = wg.grad(wg.jit(fill, static_argnames="n", lift=True))
    times = {}
    for n in (5_000, 40_000):
        slope(0.3, n)  # stages
        times[n] = quickest(lambda n=n: slope(0.3, n))
    # eight times as much; an array copied in each step would make it sixty-four times
    assert times[40_000] < 24 * times[5_000]


def test_a_function_is_rewritten_once():
    codes = {wg.lift(filled).__code__ for _ in range(3)}
    assert len(codes) == 1
    compiled = wg.jit(filled, lift=True)
    compiled(LONG)
    assert compiled.cache_info().misses == 1
    compiled(LONG + 1)
    assert compiled.cache_info().misses == 1

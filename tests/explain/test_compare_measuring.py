"""Times are those of one call, memory is what a call holds."""

import time
import tracemalloc

import numpy as np

from wengert.explain.measuring import peak_bytes, side_by_side


def test_times_are_per_call():
    found = side_by_side({"nothing": lambda: None, "a while": lambda: time.sleep(0.004)}, 0.1)
    assert 0 < found["nothing"].seconds < 5e-6
    assert 0.004 <= found["a while"].seconds < 0.1
    assert found["nothing"].samples > 20


def test_a_long_call_is_timed_once():
    found = side_by_side({"long": lambda: time.sleep(0.02), "short": lambda: None}, 0.01)
    assert found["long"].samples == 1
    assert found["short"].samples > 1


def test_an_interrupt_keeps_samples():
    calls = []

    def interrupted():
        calls.append(None)
        if len(calls) > 2:
            raise KeyboardInterrupt

    found = side_by_side({"first": lambda: time.sleep(0.001), "second": interrupted}, 1.0)
    assert found["first"].samples >= 1


def test_peak_is_what_a_call_holds_at_most():
    def call():
        x = np.ones(100_000)
        y = x + 1
        del x
        return y + 1

    assert 1_600_000 <= peak_bytes(call) < 1_650_000
    assert not tracemalloc.is_tracing()
    assert peak_bytes(lambda: None) < 1000

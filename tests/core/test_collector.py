"""The collector waits while graphs are made, and not for ever."""

import gc
import weakref

import pytest

from wengert.core.collector import _RARELY, collector_paused


class Knot:
    """What refers to itself."""

    def __init__(self):
        self.self = self


def collected_among(n):
    """Whether a cycle is gone after so many more objects have been made."""
    knot = weakref.ref(Knot())
    kept = [[] for _ in range(n)]
    return knot() is None and len(kept) == n


def test_it_waits_while_graphs_are_made():
    assert collected_among(100_000)
    with collector_paused():
        assert not collected_among(100_000)
    assert collected_among(100_000)


def test_it_does_not_wait_for_ever():
    with collector_paused():
        assert collected_among(_RARELY + 1000)


@pytest.mark.parametrize("thresholds", [(700, 10, 10), (0, 10, 10), (2 * _RARELY, 5, 5)])
def test_it_is_left_as_it_was(thresholds):
    before = gc.get_threshold()
    gc.set_threshold(*thresholds)
    try:
        with collector_paused(), collector_paused():
            assert gc.get_threshold()[0] == (thresholds[0] and max(thresholds[0], _RARELY))
            assert gc.isenabled()
        assert gc.get_threshold() == thresholds
        message = "raised inside"
        with pytest.raises(ValueError, match=message), collector_paused():
            raise ValueError(message)
        assert gc.get_threshold() == thresholds
    finally:
        gc.set_threshold(*before)

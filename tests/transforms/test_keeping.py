"""Arrays that a tape has made read-only are given back, whatever comes in between."""

import sys

import numpy as np
import pytest

from wengert.transforms import keeping
from wengert.transforms.keeping import SMALL, Locks


@pytest.fixture
def signal_once(monkeypatch):
    """Let the first release be interrupted on its way."""
    depth, calls = keeping._depth, []

    def interrupted(x):
        calls.append(x)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return depth(x)

    monkeypatch.setattr(keeping, "_depth", interrupted)


def locked():
    base = np.zeros(SMALL)
    locks = Locks()
    locks.keep(base[1:])
    assert locks
    assert not base.flags.writeable
    return base, locks


@pytest.mark.usefixtures("signal_once")
def test_a_release_that_is_interrupted_can_be_finished():
    base, locks = locked()
    with pytest.raises(KeyboardInterrupt):
        locks.release()
    locks.release()
    assert base.flags.writeable
    assert not locks


@pytest.mark.usefixtures("signal_once")
def test_a_signal_while_a_tape_is_let_go(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: seen.append(told.exc_type))
    base, locks = locked()
    del locks
    assert base.flags.writeable
    assert seen == [KeyboardInterrupt]


def test_nothing_runs_when_a_tape_is_let_go_that_has_locked_nothing():
    locks = Locks()
    locks.keep(np.zeros(3))
    assert locks._held is None
    assert not hasattr(Locks, "__del__")


def kept(*arrays):
    locks = Locks()
    for x in arrays:
        locks.keep(x)
    return locks


def test_a_view_is_given_back_with_its_base():
    base = np.zeros(SMALL)
    view = base[1:]
    first, second = kept(view), kept(base)
    first.release()
    assert not base.flags.writeable
    assert not view.flags.writeable
    second.release()
    assert base.flags.writeable
    assert view.flags.writeable
    assert not keeping._holders
    assert not keeping._waiting


def test_a_view_that_waits_is_kept_anew():
    base = np.zeros(SMALL)
    view = base[1:]
    first, second = kept(view), kept(base)
    first.release()
    third = kept(view)
    second.release()
    assert not view.flags.writeable
    assert not base.flags.writeable
    third.release()
    assert base.flags.writeable
    assert view.flags.writeable
    assert not keeping._holders


def test_what_the_user_has_locked_stays_so():
    base = np.zeros(SMALL)
    view = base[1:]
    base.flags.writeable = False
    kept(base, view).release()
    assert not base.flags.writeable
    assert not keeping._holders

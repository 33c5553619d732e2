"""Layouts are trusted only when the probes find what they expect."""

import ctypes
import struct
import sys
import sysconfig

import numpy as np
import pytest

from wengert.compile import layout

TRUSTED = (
    sys.implementation.name == "cpython"
    and struct.calcsize("P") == 8
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
)


def test_ordinary_builds_are_known():
    assert layout.is_known() == TRUSTED


@pytest.mark.skipif(not TRUSTED, reason="nothing to mistrust")
@pytest.mark.parametrize(
    "probe", ["_array_is_known", "_dtype_is_known", "_numbers_are_known", "_sequences_are_known"]
)
@pytest.mark.parametrize("shift", [8, 16])
def test_objects_with_a_longer_header_are_not_known(probe, shift, monkeypatch):
    """Read every object as if its fields began later: each probe must notice."""
    check = getattr(layout, probe)
    assert check()
    word = layout._word
    monkeypatch.setattr(layout, "_word", lambda at, offset: word(at, offset + shift if offset else 0))

    class Shifted:
        def __getattr__(self, name):
            kind = getattr(ctypes, name)
            return shifted(kind) if name in {"c_int", "c_char"} else kind

        def string_at(self, at, size):
            return ctypes.string_at(at + shift, size)

    def shifted(kind):
        return type("Kind", (), {"from_address": staticmethod(lambda at: kind.from_address(at + shift))})

    monkeypatch.setattr(layout, "ctypes", Shifted())
    assert not check()


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (struct, "calcsize", lambda _: 4),
        (sysconfig, "get_config_var", lambda _: 1),
        (sys, "byteorder", "big"),
    ],
)
def test_other_builds_are_not_known(module, name, value, monkeypatch):
    monkeypatch.setattr(module, name, value)
    assert not layout.is_known.__wrapped__()


def test_a_debug_build_is_not_known(monkeypatch):
    monkeypatch.setattr(sys, "getobjects", lambda *_: [], raising=False)
    assert not layout.is_known.__wrapped__()


def test_the_probes_leave_numpy_as_it_was():
    x = np.arange(3.0)
    layout.is_known.__wrapped__()
    assert x.sum() == 3.0

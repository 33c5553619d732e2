"""Disks that are full, read-only or damaged, and writers that are killed: results are right, and entries are healed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wengert.compile import cache
from wengert.compile.structure import Tuple

from .programs import FLOAT, PRODUCT, Fallback, function

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no owners, limits and signals")
SRC = Path(cache.__file__).parents[2]
FACTS = {"cpu": "any"}
CODE = bytes(range(48))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: Any) -> cache.Store:
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "objects"))
    return cache.default()


@pytest.fixture
def entry(kept: cache.Store) -> Path:
    kept.save("name", CODE, FACTS)
    return kept.path / kept.entries()[0].name


def product(x: float, y: float) -> float:
    return function(PRODUCT, Tuple((FLOAT, FLOAT)), FLOAT, Fallback())(x, y)


# Damage -------------------------------------------------------------------------------------------------------------


def test_every_bit_counts(kept: cache.Store, entry: Path) -> None:
    whole = entry.read_bytes()
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        entry.write_bytes(flipped)
        assert kept.load("name") is None, f"bit {place % 8} of byte {place // 8}"
    entry.write_bytes(whole)
    assert kept.load("name") == CODE


def test_every_byte_counts(kept: cache.Store, entry: Path) -> None:
    whole = entry.read_bytes()
    damaged = [whole[:n] for n in range(len(whole))]  # cut short
    damaged += [whole[:n] + bytes(len(whole) - n) for n in range(len(whole) - 1)]  # a file with a hole
    damaged += [whole[n:] for n in range(1, len(whole))]
    damaged += [whole + b"\0", whole + whole, b"\0" + whole]
    for text in damaged:
        entry.write_bytes(text)
        assert kept.load("name") is None
    kept.save("name", CODE, FACTS)
    assert entry.read_bytes() == whole


def test_an_entry_that_cannot_be_read_is_missing(kept: cache.Store, entry: Path, monkeypatch: Any) -> None:
    def broken(*_args: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", broken)
        assert kept.load("name") is None
    assert kept.load("name") == CODE
    entry.unlink()
    entry.mkdir()
    with pytest.warns(cache.CacheWarning, match="not what it should be"):
        assert kept.load("name") is None


@POSIX
def test_a_file_of_another_user_is_not_used(kept: cache.Store, entry: Path, monkeypatch: Any) -> None:
    plain = os.fstat

    def foreign(descriptor: int) -> os.stat_result:
        found = list(plain(descriptor))
        found[4] += 1  # st_uid
        return os.stat_result(found)

    if os.geteuid() == 0:
        os.chown(entry, 12345, -1)
    else:
        monkeypatch.setattr(os, "fstat", foreign)
    with pytest.warns(cache.CacheWarning, match="another user"):
        assert kept.load("name") is None


# Disks that take nothing ----------------------------------------------------------------------------------------------


@contextmanager
def limited() -> Iterator[None]:
    """Let no file be longer than 100 bytes: writing more fails as on a full disk, in the middle.

    Not for longer than needed: what a test prints may go into a file, too.
    """
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_in_the_middle_of_an_entry(kept: cache.Store) -> None:
    with limited():
        found = product(2.0, 3.0)
    assert found == 6.0
    assert list(kept.path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("call", ["mkdir", "open", "fsync", "replace", "scandir"])
def test_a_call_that_fails(call: str, number: int, kept: cache.Store, monkeypatch: Any) -> None:
    def failing(*_args: Any, **_names: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(
            *{"mkdir": (Path, "mkdir"), "replace": (Path, "replace")}.get(call, (os, call)), failing
        )
        assert product(2.0, 3.0) == 6.0
    assert not kept.path.exists() or not list(kept.path.glob("*.partial"))
    assert product(2.0, 3.0) == 6.0
    assert kept.entries()


@POSIX
def test_a_directory_that_cannot_be_written(kept: cache.Store, entry: Path) -> None:
    kept.path.chmod(0o500)
    try:
        assert product(2.0, 3.0) == 6.0
        assert kept.load("name") == CODE
    finally:
        kept.path.chmod(0o700)


def test_a_file_in_the_place_of_the_directory(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "taken").write_text("", encoding="ascii")
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "taken"))
    with pytest.warns(cache.CacheWarning, match="not what it should be"):
        assert product(2.0, 3.0) == 6.0
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "taken" / "below"))
    assert product(2.0, 3.0) == 6.0


# Other processes ------------------------------------------------------------------------------------------------------

# Writes an entry, and is killed at a step.
KILLED = """
import os, signal, sys
from pathlib import Path
from wengert.compile import cache

def killed(*_args, **_names):
    os.kill(os.getpid(), signal.SIGKILL)

store, step = cache.Store(Path(sys.argv[1])), sys.argv[2]
plain = Path.replace
if step == "as it begins":
    os.fdopen = killed
elif step == "before it is on the disk":
    os.fsync = killed
elif step == "before it has its name":
    Path.replace = killed
else:
    Path.replace = lambda *args: (plain(*args), killed())
store.save("name", bytes(range(48)), {"cpu": "any"})
"""
STEPS = ["as it begins", "before it is on the disk", "before it has its name", "when it has its name"]


def environment(kept: cache.Store) -> dict[str, str]:
    return os.environ | {"WENGERT_CACHE_DIR": str(kept.path), "PYTHONPATH": str(SRC)}


@POSIX
@pytest.mark.parametrize("step", STEPS)
def test_a_writer_that_is_killed_at_a_step(step: str, kept: cache.Store) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(kept.path), step], env=environment(kept), check=False
    )
    assert run.returncode == -signal.SIGKILL
    whole = step == STEPS[-1]
    assert kept.load("name") == (CODE if whole else None)
    assert len(list(kept.path.glob("*.partial"))) == (not whole)
    kept.save("name", CODE, FACTS)
    assert kept.load("name") == CODE
    for partial in kept.path.glob("*.partial"):
        os.utime(partial, times=(1.0, 1.0))
    kept.sweep()
    assert [path.name for path in kept.path.iterdir()] == ["name.object"]


# Calls a compiled function with a derivative, again and again.
WORK = """
import numpy as np, wengert as wg
for n in range(2, 6):
    step = wg.jit(wg.value_and_grad(lambda x: (np.sin(x) * x ** n).sum()))
    x = np.linspace(0.1, 1.0, n)
    for _ in range(3):
        y, slope = step(x)
    assert abs(y - (np.sin(x) * x ** n).sum()) < 1e-14
    assert np.allclose(slope, np.cos(x) * x**n + n * np.sin(x) * x ** (n - 1), rtol=1e-13)
print("right")
"""


@POSIX
def test_entries_are_damaged_while_processes_use_them(kept: cache.Store) -> None:
    """Each is right, or a miss; and whole again when all is over."""
    stop = threading.Event()

    def damage() -> None:
        k = 0
        while not stop.is_set():
            for path in kept.path.glob("*.object") if kept.path.exists() else ():
                k += 1
                try:
                    whole = path.read_bytes()
                    place = k * 7919 % len(whole)
                    other = whole[:place] + (b"" if k % 2 else bytes([whole[place] ^ 1]) + whole[place + 1 :])
                    path.write_bytes(other)  # in place: readers may see the half of it
                except (OSError, ZeroDivisionError):
                    continue
            time.sleep(0.005)

    beside = threading.Thread(target=damage)
    beside.start()
    try:
        running = [
            subprocess.Popen([sys.executable, "-c", WORK], env=environment(kept), stdout=subprocess.PIPE)
            for _ in range(2)
        ]
        assert [process.communicate()[0] for process in running] == [b"right\n"] * 2
    finally:
        stop.set()
        beside.join()
    last = subprocess.run(
        [sys.executable, "-c", WORK], env=environment(kept), capture_output=True, check=True
    )
    assert last.stdout == b"right\n"
    assert all(kept.load(Path(entry.name).stem) is not None for entry in kept.entries())

"""Objects on disk: kept, found, healed, bounded; and never taken from a place where others may write."""

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from wengert.compile import cache, loading
from wengert.compile.structure import Tuple

from .programs import FLOAT, PRODUCT, Fallback, function

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no owners and modes")
SRC = Path(cache.__file__).parents[2]
FACTS = {"cpu": "any"}


@pytest.fixture
def store(tmp_path):
    return cache.Store(tmp_path / "objects", limit=10_000)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "objects"))
    return cache.default()


def files(store):
    return [store.path / entry.name for entry in store.entries()]


def test_what_is_saved_is_loaded(store):
    for code in (b"", b"code", bytes(range(256)) * 10):
        name = cache.key("text", FACTS | {"code": repr(code)})
        assert store.load(name) is None
        store.save(name, code, FACTS)
        assert store.load(name) == code


def test_the_key_holds_everything():
    keys = {
        cache.key("text", {"a": "b"}),
        cache.key("texts", {"a": "b"}),
        cache.key("text", {"a": "c"}),
        cache.key("text", {"a": "b", "c": "d"}),
        cache.key("text", {"a": "b\nc = 'd'"}),
        cache.key("", {"a": "b\0text"}),
    }
    assert len(keys) == 6


def test_the_object_depends_on_the_machine():
    facts = loading.facts()
    assert {"cpu", "features", "llvm", "llvmlite", "triple", "python", "abi"} <= set(facts)
    assert all(facts[name] for name in ("cpu", "llvm", "llvmlite", "triple"))


def product(x, y):
    return function(PRODUCT, Tuple((FLOAT, FLOAT)), FLOAT, Fallback())(x, y)


def test_a_program_is_compiled_once(kept, monkeypatch):
    assert product(2.0, 3.0) == 6.0
    assert len(kept.entries()) in {1, 2}  # the entry too, if this is its first use
    monkeypatch.setattr(loading.llvm, "compile_text", None)
    assert product(3.0, 3.0) == 9.0


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "other", "renamed"])
def test_a_damaged_entry_is_written_again(kept, damage):
    assert product(2.0, 3.0) == 6.0
    (path,) = [p for p in files(kept) if kept.load(p.stem) and p.stat().st_size < 4000]
    whole = path.read_bytes()
    for position in range(0, len(whole), max(1, len(whole) // 40)):
        if damage == "truncated":
            path.write_bytes(whole[:position])
        elif damage == "empty":
            path.write_bytes(b"")
        elif damage == "other":
            path.write_bytes(os.urandom(len(whole)))
        elif damage == "renamed":
            kept.save("0" * 64, b"not an object", {})
            (kept.path / ("0" * 64 + ".object")).replace(path)
        else:
            flipped = bytearray(whole)
            flipped[position] ^= 1 << position % 8
            path.write_bytes(flipped)
        assert kept.load(path.stem) is None
        assert product(2.0, 3.0) == 6.0
        assert path.read_bytes() == whole


@POSIX
def test_the_directory_and_its_files_are_the_users_alone(store):
    store.save("name", b"code", FACTS)
    assert store.path.stat().st_mode & 0o777 == 0o700
    assert files(store)[0].stat().st_mode & 0o777 == 0o600


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_directory_that_others_may_write_to_is_not_used(store, mode):
    store.save("name", b"code", FACTS)
    store.path.chmod(mode)
    with pytest.warns(cache.CacheWarning, match="chmod go-w"):
        assert store.load("name") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        store.save("other", b"code", FACTS)
    assert len(store.entries()) == 1


@POSIX
def test_a_foreign_directory_is_not_used(store, monkeypatch):
    store.save("name", b"code", FACTS)
    monkeypatch.setattr(os, "geteuid", lambda: store.path.stat().st_uid + 1)
    with pytest.warns(cache.CacheWarning, match="another user"):
        assert store.load("name") is None


@POSIX
def test_a_file_that_others_may_write_to_is_not_used(store):
    store.save("name", b"code", FACTS)
    files(store)[0].chmod(0o622)
    with pytest.warns(cache.CacheWarning, match="written by others"):
        assert store.load("name") is None


@POSIX
def test_links_are_not_followed(tmp_path, store):
    store.save("name", b"code", FACTS)
    (store.path / "link.object").symlink_to(files(store)[0])
    assert store.load("link") is None
    (tmp_path / "linked").symlink_to(store.path)
    with pytest.warns(cache.CacheWarning, match="link"):
        assert cache.Store(tmp_path / "linked").load("name") is None


@POSIX
def test_a_disk_that_cannot_be_written_is_no_error(kept, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert product(2.0, 3.0) == 6.0
    assert list(kept.path.iterdir()) == []


def test_the_longest_unused_make_room(tmp_path):
    store = cache.Store(tmp_path / "objects")
    now = time.time()
    for i in range(12):
        store.save(f"entry{i}", bytes(1000), FACTS)
        os.utime(store.path / f"entry{i}.object", times=(now - 1000 + i, now - 1000 + i))
    cache.Store(store.path, limit=10_000).sweep()
    names = [entry.name for entry in store.entries()]
    assert sum(entry.size for entry in store.entries()) <= 7500
    assert names == [f"entry{i}.object" for i in range(12 - len(names), 12)]
    assert len(names) >= 6


def test_writing_sweeps(store):
    for i in range(40):
        store.save(f"entry{i}", bytes(1000), FACTS)
    assert sum(entry.size for entry in store.entries()) <= 10_000 + 2 * 1100


def test_a_hit_renews_an_entry(store):
    store.save("name", b"code", FACTS)
    old = time.time() - 10_000
    os.utime(files(store)[0], times=(old, old))
    store.load("name")
    assert files(store)[0].stat().st_mtime > old + 9000


def test_what_killed_writers_left_is_removed(store):
    store.save("name", b"code", FACTS)
    old, new = store.path / "a.1.b.partial", store.path / "c.1.d.partial"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, times=(1.0, 1.0))
    store.sweep()
    assert not old.exists()
    assert new.exists()


def test_the_environment_chooses(monkeypatch, tmp_path):
    monkeypatch.setenv("WENGERT_CACHE_DIR", "")
    assert cache.default() is None
    assert product(2.0, 3.0) == 6.0
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("WENGERT_CACHE_MB", "7")
    assert cache.default().path == tmp_path
    assert cache.default().limit == 7 << 20
    monkeypatch.delenv("WENGERT_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert cache.directory() == tmp_path / "wengert"


# Other processes ----------------------------------------------------------------------------------------------------

COMPILE = """
import sys
import numpy as np
from wengert.compile import loading
import ctypes
for i in range(int(sys.argv[1]), int(sys.argv[2])):
    text = f"define double @wg_program(double %x) {{\\n  %y = fadd double %x, {float(i)}\\n  ret double %y\\n}}"
    library = loading.load(text, optimise="none")
    f = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(library["wg_program"])
    assert f(0.5) == i + 0.5
print("right", flush=True)
"""


def process(kept, begin, end):
    environment = os.environ | {"WENGERT_CACHE_DIR": str(kept.path), "PYTHONPATH": str(SRC)}
    command = [sys.executable, "-c", COMPILE, str(begin), str(end)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_eight_processes_compile_into_one_directory(kept):
    running = [process(kept, 0, 12) for _ in range(8)]
    assert [p.communicate()[0] for p in running] == ["right\n"] * 8
    assert len(kept.entries()) == 12
    assert all(kept.load(path.stem) is not None for path in files(kept))
    assert not list(kept.path.glob("*.partial"))


@POSIX
def test_a_killed_writer_does_no_harm(kept):
    for _ in range(4):
        running = process(kept, 0, 100_000)
        begun = len(kept.entries())
        deadline = time.monotonic() + 20
        while len(kept.entries()) < begun + 25 and time.monotonic() < deadline:
            time.sleep(0.002)
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert all(kept.load(path.stem) is not None for path in files(kept))
    again = process(kept, 0, 40)
    assert again.communicate()[0] == "right\n"

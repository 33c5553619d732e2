"""Compiled objects on disk, one self-contained file each.

Whoever can write these files can run code as the user. So the directory belongs to the user and nobody else may write
to it, or it is not used; each file is opened without following links and must satisfy the same; nothing is unpickled.

    entry ::= magic, SHA-256 of the name and the rest, length of the facts, facts, object

The name of an entry is the SHA-256 of the module's text and of all facts that its object depends on; the facts stand in
the entry for people to read. An entry moved to another name fails its checksum. Writers make a file beside and rename
it, so that readers see all or nothing; what was cut short, or changed on the disk, fails its checksum too, counts as
missing, and is written again. The entries that were not used for longest make room when the directory is larger than
its limit.

Environment: ``WENGERT_CACHE_DIR`` names the directory, and is empty to keep nothing; ``WENGERT_CACHE_MB`` is its limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, final

from wengert.errors import warn

__all__ = ["CacheWarning", "Store", "default", "directory", "key"]

_MAGIC: Final = b"wengert object 1\n"
_DIGEST: Final = hashlib.sha256().digest_size
_LENGTH: Final = 8
_SUFFIX: Final = ".object"
_LIMIT_MB: Final = 256
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_UNTOUCHED_S: Final = 3600.0  # a hit renews an entry's time at most this often
_ABANDONED_S: Final = 3600.0  # a temporary file this old belongs to nobody
_HAS_OWNERS: Final = hasattr(
    os, "geteuid"
)  # Windows keeps what lies in a user's profile from others by itself
_FLAGS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class CacheWarning(UserWarning):
    """Compiled objects are not kept on disk, and why."""


class _Unsafe(Exception):  # noqa: N818 - a verdict, which never leaves this module
    pass


class Entry(NamedTuple):
    """A file of the store."""

    name: str
    size: int
    used: float


def key(text: str, facts: Mapping[str, str]) -> str:
    """Return the name under which the object of a module is kept.

    Parameters
    ----------
    text : str
        The module.
    facts : mapping of str to str
        All else that its object depends on.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(_facts_text(facts))
    digest.update(b"\0")
    digest.update(text.encode())
    return digest.hexdigest()


@final
class Store:
    """The objects in one directory.

    Parameters
    ----------
    path : Path
        The directory; made when it is missing.
    limit : int
        Bytes above which entries make room.
    """

    def __init__(self, path: Path, limit: int = _LIMIT_MB << 20) -> None:
        self.path, self.limit = path, limit
        self._warned = False
        self._until_sweep = 0  # bytes that may still be written before the directory is measured

    def load(self, name: str) -> bytes | None:
        """Return the object kept under a name, or None: there is none, or it is damaged, or not safe to use."""
        try:
            self._check(create=False)
            with os.fdopen(self._open(name), "rb") as file:
                self._renew(file.fileno())
                return _payload(name, file.read())
        except _Unsafe as reason:
            self._warn(str(reason))
        except (OSError, ValueError):
            return None
        return None

    def save(self, name: str, code: bytes, facts: Mapping[str, str]) -> None:
        """Keep an object. A full or read-only disk is no error."""
        try:
            self._check(create=True)
            entry = _entry(name, code, facts)
            self._write(name, entry)
            self._until_sweep -= len(entry)
            if self._until_sweep < 0:
                self._until_sweep = self.limit // 16
                self.sweep()
        except _Unsafe as reason:
            self._warn(str(reason))
        except OSError:
            return

    def entries(self) -> list[Entry]:
        """Return what is kept, the longest unused first."""
        return sorted(self._files(_SUFFIX), key=lambda entry: entry.used)

    def sweep(self) -> None:
        """Remove entries until a quarter of the limit is free, and files that killed writers left."""
        entries = self.entries()
        size = sum(entry.size for entry in entries)
        if size > self.limit:
            for entry in entries:
                self._remove(entry.name)
                size -= entry.size
                if size <= self.limit * 3 // 4:
                    break
        now = time.time()
        for entry in self._files(".partial"):
            if now - entry.used > _ABANDONED_S:
                self._remove(entry.name)

    def _check(self, *, create: bool) -> None:
        """Raise unless the directory is the user's alone."""
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                self.path.mkdir(mode=0o700)
        _check_owner(self.path.lstat(), stat.S_ISDIR)

    def _open(self, name: str) -> int:
        descriptor = os.open(self.path / (name + _SUFFIX), os.O_RDONLY | _FLAGS)
        try:
            _check_owner(os.fstat(descriptor), stat.S_ISREG)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _renew(self, descriptor: int) -> None:
        if time.time() - os.fstat(descriptor).st_mtime > _UNTOUCHED_S and os.utime in os.supports_fd:
            with contextlib.suppress(OSError):
                os.utime(descriptor)

    def _write(self, name: str, entry: bytes) -> None:
        partial = self.path / f"{name}.{os.getpid()}.{secrets.token_hex(8)}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(entry)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path / (name + _SUFFIX))
        except BaseException:
            self._remove(partial.name)
            raise

    def _files(self, suffix: str) -> Iterator[Entry]:
        with contextlib.suppress(OSError), os.scandir(self.path) as files:
            for file in files:
                if file.name.endswith(suffix):
                    with contextlib.suppress(OSError):  # removed by another process meanwhile
                        status = file.stat(follow_symlinks=False)
                        yield Entry(file.name, status.st_size, status.st_mtime)

    def _remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self.path / name).unlink()

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            warn(f"Compiled objects are not kept: {self.path} {reason}", CacheWarning)


def directory() -> Path | None:
    """Return where objects are kept, or None where the user wants none kept."""
    chosen = os.environ.get("WENGERT_CACHE_DIR")
    if chosen is not None:
        return Path(chosen).expanduser().absolute() if chosen else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    with contextlib.suppress(RuntimeError):  # no home
        return Path(base).expanduser().absolute() / "wengert"
    return None


def default() -> Store | None:
    """Return the store that the environment names; the same one each time."""
    path = directory()
    if path is None:
        return None
    limit = _limit()
    store = _stores.get((path, limit))
    return store if store is not None else _stores.setdefault((path, limit), Store(path, limit))


_stores: dict[tuple[Path, int], Store] = {}


def _limit() -> int:
    text = os.environ.get("WENGERT_CACHE_MB", "")
    return (int(text) if text.isdecimal() else _LIMIT_MB) << 20


def _check_owner(status: os.stat_result, is_expected: Callable[[int], bool]) -> None:
    if not is_expected(status.st_mode):
        raise _Unsafe("is a link, or not what it should be")
    if not _HAS_OWNERS:
        return
    if status.st_uid != os.geteuid():
        raise _Unsafe("belongs to another user")
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise _Unsafe("can be written by others: chmod go-w")


# Entries ------------------------------------------------------------------------------------------------------------


def _facts_text(facts: Mapping[str, str]) -> bytes:
    return "".join(f"{name} = {value!r}\n" for name, value in sorted(facts.items())).encode()


def _entry(name: str, code: bytes, facts: Mapping[str, str]) -> bytes:
    text = _facts_text(facts)
    rest = len(text).to_bytes(_LENGTH, "little") + text + code
    return _MAGIC + hashlib.sha256(name.encode() + rest).digest() + rest


def _payload(name: str, entry: bytes) -> bytes:
    """Return the object of an entry; ValueError where the entry is not whole."""
    begin = len(_MAGIC) + _DIGEST
    rest = entry[begin:]
    if (
        not entry.startswith(_MAGIC)
        or hashlib.sha256(name.encode() + rest).digest() != entry[len(_MAGIC) : begin]
    ):
        message = "damaged"
        raise ValueError(message)
    return rest[_LENGTH + int.from_bytes(rest[:_LENGTH], "little") :]

"""Images: all that is needed to run a graph as machine code, on disk, found by what the graph says.

A graph whose image is found is neither lowered nor written nor compiled again. The name of an image is the digest of
the graph's contents and of all else that it depends on: the machine, LLVM, Python, NumPy, and Wengert itself, down to
the times and sizes of its files, by which Python too decides whether what it made of them is theirs. `cache` keeps
images, and sees to it that they are whole; sizes are checked here all the same.

    image  ::= length of the head, head, contents of constants, object
    head   ::= {"arena", "long", "masks", "symbols", "constants"}                                  in JSON

Programs with operations that NumPy does have no image: nothing on disk can name these.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from wengert.compile import cache as objects
from wengert.compile import loading
from wengert.compile.contents import Contents, NoContents
from wengert.compile.context import in_memory
from wengert.core.graph import Const, Graph
from wengert.transforms.staging import Guard

__all__ = ["Image", "Place", "place_of", "settle"]

_LENGTH: Final = 8
_EMBEDDED: Final = 1 << 16  # bytes of constants that lowering makes, and an image holds
_PACKAGE: Final = Path(__file__).parents[1]


class Image(NamedTuple):
    """A program, ready to be linked.

    Attributes
    ----------
    code : bytes
        The object.
    arena : int
        Bytes of the arena.
    long : bool
        Whether other threads of Python may run meanwhile.
    masks : bool
        Whether its products are masked.
    symbols : tuple of str
        What it imports.
    constants : tuple of Const
        Whose arrays are its arguments behind those of the graph.
    """

    code: bytes
    arena: int
    long: bool
    masks: bool
    symbols: tuple[str, ...]
    constants: tuple[Const, ...]

    @property
    def arrays(self) -> list[Any]:
        """The constants, as the program finds them in memory."""
        return [in_memory(const)[0] for const in self.constants]


class Place:
    """Where the image of a graph is kept.

    Parameters
    ----------
    store : Store
    contents : Contents
        Of the graph.
    masks : bool
        Whether masks are kept that could be left out.
    """

    def __init__(self, store: objects.Store, contents: Contents, *, masks: bool) -> None:
        self._store = store
        self._constants = contents.constants
        self._facts = {**_facts(), "kind": "image", "masks": str(masks)}
        self._name = objects.key(contents.text, self._facts)

    def load(self) -> Image | None:
        """Return the image, if there is one."""
        writer = _WRITERS.get(self._name)
        if writer is not None:
            writer.join()
        found = self._store.load(self._name)
        return None if found is None else _unpacked(found, list(self._constants))

    def save(self, image: Image) -> None:
        """Keep an image, if its constants are such as can be found again; it is written while the program runs."""
        packed = _packed(image, self._constants)
        if packed is not None:
            writer = threading.Thread(target=self._write, args=(packed,), name=f"wengert: keeps {self._name}")
            try:
                writer.start()
            except RuntimeError:  # no more threads, or none any more as the interpreter ends
                self._write(packed)
            else:
                _WRITERS[self._name] = writer

    def _write(self, packed: bytes) -> None:
        with suppress(objects.CacheWarning):  # made an error: reading has told of it before
            self._store.save(self._name, packed, self._facts)


# Disks take milliseconds to say that they have written. The interpreter waits for these threads before it ends; who
# looks for an image waits for that one alone.
_WRITERS: Final[dict[str, threading.Thread]] = {}


def settle() -> None:
    """Wait until what is being written is there."""
    for name in list(_WRITERS):
        writer = _WRITERS.pop(name, None)
        if writer is not None:
            writer.join()


def place_of(graph: Graph, guards: Sequence[Guard], *, masks: bool) -> Place | None:
    """Return where the image of a graph is kept, or None where it is not."""
    store = objects.default()
    if store is None or not _sources():
        return None
    try:
        return Place(store, Contents(graph, guards), masks=masks)
    except NoContents:
        return None


# What images depend on beside the graph -------------------------------------------------------------------------------


@cache
def _facts() -> dict[str, str]:
    return {**loading.facts(), "numpy": np.__version__, "sources": _sources(), "package": str(_PACKAGE)}


@cache
def _sources() -> str:
    """Return what tells the files of the package from all others: empty where there are none, as in an archive."""
    found = []
    for folder, _, names in os.walk(_PACKAGE):
        for name in names:
            if name.endswith((".py", ".ll")):
                path = os.path.join(folder, name)  # noqa: PTH118 - a third of the time, in each process
                status = os.stat(path)  # noqa: PTH116
                found.append((path, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest() if found else ""


# Images as bytes ------------------------------------------------------------------------------------------------------


def _packed(image: Image, numbers: dict[Const, int]) -> bytes | None:
    """Return an image as bytes, or None where one of its constants is neither the graph's nor small."""
    entries: list[Any] = []
    blocks: list[bytes] = []
    for const in image.constants:
        if const in numbers:
            entries.append(numbers[const])
            continue
        x = np.asarray(const.value)
        if const.live or x.dtype.kind not in "biufc":
            return None
        entries.append([x.dtype.str, x.shape])
        blocks.append(x.tobytes())
    if sum(map(len, blocks)) > _EMBEDDED:
        return None
    facts = {"arena": image.arena, "long": image.long, "masks": image.masks, "symbols": image.symbols}
    head = json.dumps({**facts, "constants": entries}).encode()
    return b"".join([len(head).to_bytes(_LENGTH, "little"), head, *blocks, image.code])


def _unpacked(packed: bytes, constants: Sequence[Const]) -> Image | None:
    """Return the image that bytes say, for a graph with these constants, or None where they say none."""
    try:
        at = _LENGTH + int.from_bytes(packed[:_LENGTH], "little")
        head = json.loads(packed[_LENGTH:at])
        found: list[Const] = []
        for entry in head["constants"]:
            if isinstance(entry, int):
                found.append(constants[entry])
                continue
            dtype, shape = np.dtype(entry[0]), tuple(entry[1])
            found.append(Const(np.frombuffer(packed, dtype, math.prod(shape), at).reshape(shape)))
            at += found[-1].nbytes
        symbols = tuple(map(str, head["symbols"]))
        return Image(
            packed[at:], int(head["arena"]), bool(head["long"]), bool(head["masks"]), symbols, tuple(found)
        )
    except (ValueError, KeyError, IndexError, TypeError):
        return None

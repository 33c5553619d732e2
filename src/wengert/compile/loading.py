"""A module's text to code in memory, by way of the objects on disk."""

from __future__ import annotations

import functools
import sys
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import final

from wengert.compile import cache, llvm, symbols

__all__ = ["Once", "facts", "kept", "link", "load"]


@final
class Once:
    """A library that the process loads once, when it is first asked for, and keeps.

    Threads that ask at the same time may load it twice: the first counts, and no other is given up, since there may be
    addresses in it. A lock would be one more that a fork could find locked.
    """

    def __init__(self, make: Callable[[], llvm.Library]) -> None:
        self._make = make
        self._made: list[llvm.Library] = []

    def __call__(self) -> llvm.Library:
        """Return the library."""
        if not self._made:
            self._made.append(self._make())
        return self._made[0]

    @property
    def is_made(self) -> bool:
        """Whether anybody has asked for it."""
        return bool(self._made)


def load(
    text: str,
    exports: Iterable[str] = ("wg_program",),
    *,
    optimise: llvm.Level = "O2",
    generate: llvm.Level | None = None,
) -> llvm.Library:
    """Compile a module, or find it compiled, and link it.

    Parameters
    ----------
    text : str
        The module, in LLVM's assembly language. What it declares under names that begin with ``wg.`` is found by
        `symbols.resolve`.
    exports : iterable of str
        The functions whose addresses are wanted.
    optimise, generate : {"none", "O1", "O2", "O3"}
        As for `llvm.compile_text`.

    Returns
    -------
    Library
        Keep it for as long as the code may run.
    """
    return link(kept(text, optimise=optimise, generate=generate), symbols.imported(text), exports)


def kept(text: str, *, optimise: llvm.Level = "O2", generate: llvm.Level | None = None) -> bytes:
    """Compile a module to an object, or find it compiled; see `load`."""
    store = cache.default()
    if store is None:
        return llvm.compile_text(text, optimise=optimise, generate=generate)
    everything = {**facts(), "optimise": optimise, "generate": generate or optimise}
    name = cache.key(text, everything)
    code = store.load(name)
    if code is None:
        code = llvm.compile_text(text, optimise=optimise, generate=generate)
        store.save(name, code, everything)
    return code


def link(code: bytes, imported: Iterable[str], exports: Iterable[str] = ("wg_program",)) -> llvm.Library:
    """Link an object, with the addresses of the names beginning with ``wg.`` that it imports."""
    return llvm.link(code, {name: symbols.resolve(name) for name in imported}, exports)


@functools.cache
def facts() -> dict[str, str]:
    """Return all that objects depend on beside the text and the effort."""
    return {
        **{name: str(value) for name, value in asdict(llvm.host()).items()},
        "python": sys.implementation.cache_tag or "",
        "abi": str(sysconfig.get_config_var("SOABI")),
    }

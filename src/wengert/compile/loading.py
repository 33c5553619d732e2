"""A module's text to code in memory, by way of the objects on disk."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import asdict

from wengert.compile import cache, llvm, symbols

__all__ = ["load"]


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
    generate = generate or optimise
    found = {name: symbols.resolve(name) for name in symbols.imported(text)}
    store = cache.default()
    if store is None:
        return llvm.link(llvm.compile_text(text, optimise=optimise, generate=generate), found, exports)
    facts = _facts(optimise, generate)
    name = cache.key(text, facts)
    code = store.load(name)
    if code is None:
        code = llvm.compile_text(text, optimise=optimise, generate=generate)
        store.save(name, code, facts)
    return llvm.link(code, found, exports)


def _facts(optimise: llvm.Level, generate: llvm.Level) -> dict[str, str]:
    """Return all that an object depends on beside the text."""
    return {
        **{name: str(value) for name, value in asdict(llvm.host()).items()},
        "optimise": optimise,
        "generate": generate,
        "python": sys.implementation.cache_tag or "",
        "abi": str(sysconfig.get_config_var("SOABI")),
    }

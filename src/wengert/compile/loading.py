"""A module's text to code in memory, by way of the objects on disk."""

from __future__ import annotations

from collections.abc import Iterable

from wengert.compile import llvm, symbols

__all__ = ["load"]


def load(
    text: str,
    exports: Iterable[str] = ("wg_program",),
    *,
    optimise: llvm.Level = "O2",
    generate: llvm.Level | None = None,
) -> llvm.Library:
    """Compile a module, and link it.

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
    code = llvm.compile_text(text, optimise=optimise, generate=generate)
    return llvm.link(code, {name: symbols.resolve(name) for name in symbols.imported(text)}, exports)

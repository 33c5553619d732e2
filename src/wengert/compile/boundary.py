"""Python functions whose calls enter native code: checks, conversions and results, without Python's help.

A callable is a builtin function around the native entry of native/call.ll, which the process loads once; tables say
what it checks and builds. Objects hold each other so:

    builtin function -> tuple -> array with all tables and the frame, fallback, constants, code, ...

so that a callable that anyone still holds, or runs, keeps what it needs, and the garbage collector sees cycles through
the fallback.

Where the layout of objects is not known (`layout`), `checked` does the same in Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any, Final

import numpy as np

from wengert.compile import checked, layout, llvm, loading, table
from wengert.compile import threads as _threads  # noqa: F401 - offers wg.parallel to programs
from wengert.compile.structure import Structure, Tuple

__all__ = ["callable", "entry_text"]

_PARTS: Final = ("objects.ll", "arguments.ll", "results.ll", "call.ll")
_FASTCALL_KEYWORDS: Final = 0x0080 | 0x0002


def callable(
    program: int,
    arguments: Tuple,
    results: Structure,
    constants: Sequence[np.ndarray],
    arena_bytes: int,
    fallback: Callable[..., Any],
    *,
    failed: Callable[[int, bytes, tuple[Any, ...]], Any] | None = None,
    needs_gil: bool = False,
    release_gil: bool = False,
    owner: object = None,
    name: str = "compiled",
) -> Callable[..., Any]:
    """Make a function of Python that runs a native program.

    Parameters
    ----------
    program : int
        Address of ``i32 (ptr arguments, ptr results, ptr arena)``. The arguments are addresses of the leaves' data,
        then those of the constants; the results, addresses to write to. It returns 0; 1 to 999 where a guard fails;
        1000 and above for an error, whose details are then the first 64 bytes of the arena; a negative number where
        an exception is set.
    arguments : Tuple
        The positional arguments.
    results : Structure
        What it returns.
    constants : sequence of numpy.ndarray
        Kept, and copied only where they are not C-contiguous, aligned, in the machine's byte order.
    arena_bytes : int
        Size of the program's scratch memory, which is aligned to 64 bytes and not initialised.
    fallback : callable
        Called with the same arguments where they do not fit or a guard fails.
    failed : callable, optional
        Called with code, details and the tuple of arguments for an error; the fallback by default.
    needs_gil : bool
        The program runs with the interpreter's lock, as one with host calls must.
    release_gil : bool
        Release the lock around the program; ignored under `needs_gil`.
    owner : object
        Kept alive with the callable: the `Library` of the program.
    name : str
        Its ``__name__``.

    Returns
    -------
    callable
        May be called from several threads, and from inside the program.

    Raises
    ------
    ValueError
        If a structure holds what programs cannot take or give.
    """
    held = [np.require(c, c.dtype.newbyteorder("="), ["C", "A"]) for c in constants]
    run = table.Program(program, held, arena_bytes, fallback, failed, release_gil and not needs_gil, owner)
    inputs, outputs = table.argument_nodes(arguments.items), table.result_nodes(results)
    if not layout.is_known():
        return checked.Call(run, arguments, results)
    return _native(run, len(arguments.items), inputs, outputs, name)


def entry_text() -> str:
    """Return the native entry, in LLVM's assembly language."""
    folder = resources.files("wengert.compile") / "native"
    return "\n".join((folder / part).read_text(encoding="utf-8") for part in _PARTS)


_new_function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)


def _native(
    run: table.Program, arity: int, inputs: table.Nodes, outputs: table.Nodes, name: str
) -> Callable[..., Any]:
    text = ctypes.create_string_buffer(name.encode())
    entry = (ctypes.addressof(text), _entry()["wg.call"], _FASTCALL_KEYWORDS)
    memory = table.assemble(run, arity, inputs, outputs, entry)
    # The entry finds its tables in the first item; the others are kept alive.
    kept = (memory.words, run.fallback, run.failed, run, inputs.objects, outputs.objects, text)
    function: Callable[..., Any] = _new_function(memory.definition, kept, None)
    return function


@loading.Once
def _entry() -> llvm.Library:
    # 9 ms without optimisation, 77 with it, which would make a call with two numbers 46 ns become 35.
    return loading.load(entry_text(), ("wg.call",), optimise="none")

"""Operations that NumPy does in the middle of a native program.

The program calls one function for all of them, with its own number, that of the operation, and the addresses that it
was given. Complex operands and results are given by their parts (see `pairs`).
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from threading import get_ident
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from wengert.compile import symbols
from wengert.compile.definitions import Memory
from wengert.compile.kernel import HOST_DONE, HOST_FAILED
from wengert.core.graph import Atom, Node

__all__ = ["TOKENS", "HostCall", "HostCalls"]

TOKENS = itertools.count(1)
_programs: WeakValueDictionary[int, HostCalls] = WeakValueDictionary()


class HostCall(NamedTuple):
    """An operation, and where its operands and results lie."""

    node: Node
    operands: tuple[tuple[Atom, Memory], ...]
    results: tuple[tuple[Atom, Memory], ...]


class HostCalls:
    """The operations of one program, for as long as somebody holds it.

    Parameters
    ----------
    token : int
        Names the program.
    calls : sequence of HostCall
    """

    __slots__ = ("__weakref__", "_calls", "_interruptions")

    def __init__(self, token: int, calls: Sequence[HostCall]) -> None:
        self._calls = tuple(calls)
        self._interruptions: dict[int, BaseException] = {}  # by thread
        _programs[token] = self

    def do(self, place: int, bases: dict[str, int]) -> None:
        """Do an operation."""
        node, operands, results = self._calls[place]
        xs = [_operand(atom, _array(memory, atom, bases)) for atom, memory in operands]
        with np.errstate(all="ignore"):
            found = node.prim.eval(*xs, **node.params)
        ys = found if node.prim.multiple else (found,)
        for (atom, memory), y in zip(results, ys, strict=True):
            _array(memory, atom, bases)[...] = y

    def interrupted(self, signal: BaseException) -> None:
        """Keep what is no error of an operation's, such as Ctrl-C, until the program has ended."""
        self._interruptions[get_ident()] = signal

    def resume(self) -> None:
        """Raise what interrupted the program of this thread, if anything did."""
        signal = self._interruptions.pop(get_ident(), None)
        if signal is not None:
            raise signal


def _operand(atom: Atom, x: Any) -> Any:
    return x[()] if atom.scalar and not atom.shape else x


def _array(memory: Memory, atom: Atom, bases: dict[str, int]) -> Any:
    """Return memory as an array of NumPy's."""
    buffer, dtype = memory.buffer, atom.dtype
    if buffer.home == "arena":
        start = bases["arena"] + buffer.place
    else:
        start = ctypes.c_void_p.from_address(bases[buffer.home] + 8 * buffer.place).value or 0
    start += memory.offset.offset * dtype.itemsize
    raw = (ctypes.c_char * max(1, atom.nbytes)).from_address(start)
    return np.ndarray(atom.shape, dtype, raw)  # type: ignore[arg-type]


def _host(token: int, place: int, arguments: int, results: int, arena: int) -> int:
    calls = _programs[token]
    try:
        calls.do(place, {"argument": arguments, "result": results, "arena": arena})
    except Exception:  # noqa: BLE001 - NumPy runs the program again, and raises it where it belongs
        return HOST_FAILED
    except BaseException as signal:  # noqa: BLE001 - it cannot be raised through native code
        calls.interrupted(signal)
        return HOST_FAILED
    return HOST_DONE


_entry = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
)(_host)
symbols.register("wg.host", lambda: ctypes.cast(_entry, ctypes.c_void_p).value or 0)

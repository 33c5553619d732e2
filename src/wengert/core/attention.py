"""What a block of the program asks of the interpreters: not to record, or to see every operation through a lens.

Nearly all operations run in no such block and must not pay for asking. They read one flag of their
interpreter, `direct`. While any block is active in the process the flags of all interpreters are down, and
every operation takes the long way, on which it asks its own context (a `ContextVar`) what holds there: other
threads get slower, never another result.

    paused    interpreters with a tag below the mark do not record: those that were there when the block began
    lens      primitive -> primitive, applied before the interpreter looks at its rules

Who stages a block of statements looks at the handles that it writes: `writes` is told of each before it is written.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "Blocks",
    "closed",
    "lenses",
    "mark",
    "next_tag",
    "opened",
    "pauses",
    "resumed",
    "shielded",
    "writes",
]

T = TypeVar("T")

next_tag = count(1).__next__

pauses: ContextVar[tuple[int, ...]] = ContextVar("wengert_pauses", default=())
writes: ContextVar[Callable[[Any], None] | None] = ContextVar("wengert_writes", default=None)
lenses: ContextVar[tuple[Callable[[Any], Any], ...]] = ContextVar("wengert_lenses", default=())

_open: set[Any] = set()  # the interpreters that trace now, in all threads
_active = 0  # the blocks that are active now, in all threads
_mutex = threading.Lock()


def opened(interpreter: Any) -> None:
    """Note that an interpreter traces from now on."""
    _open.add(interpreter)
    interpreter.direct = not _active


def closed(interpreter: Any) -> None:
    """Note that an interpreter traces no longer."""
    _open.discard(interpreter)
    interpreter.direct = False


class Blocks:
    """A stack of settings, one for each context: `push` begins a block and `pop` ends it."""

    def __init__(self, stack: ContextVar[tuple[Any, ...]]) -> None:
        self._stack = stack

    def push(self, setting: Any) -> None:
        """Begin a block: all interpreters take the long way."""
        global _active  # noqa: PLW0603 - one number for the process
        with _mutex:
            _active += 1
            for interpreter in tuple(_open):
                interpreter.direct = False
        self._stack.set((*self._stack.get(), setting))

    def pop(self) -> None:
        """End the block begun last in this context; after the last of all, interpreters take the short way again."""
        global _active  # noqa: PLW0603 - one number for the process
        self._stack.set(self._stack.get()[:-1])
        with _mutex:
            _active -= 1
            if not _active:
                for interpreter in tuple(_open):
                    interpreter.direct = True


def mark() -> int:
    """Return the tag below which interpreters do not record in this context; 0 outside of blocks."""
    stack = pauses.get()
    return stack[-1] if stack else 0


def resumed(function: Callable[..., T], *args: Any) -> T:
    """Call a function as outside of the blocks that pause recording: for bookkeeping."""
    if not pauses.get():
        return function(*args)
    token = pauses.set(())
    try:
        return function(*args)
    finally:
        pauses.reset(token)


def shielded(y: Any, xs: Sequence[Any]) -> Any:
    """Return a plain result read-only if it views an operand, which a derivative may still need."""
    if isinstance(y, tuple):
        return tuple([shielded(v, xs) for v in y])
    if isinstance(y, np.ndarray) and any(isinstance(x, np.ndarray) and np.may_share_memory(x, y) for x in xs):
        y = y.view()
        y.flags.writeable = False
    return y

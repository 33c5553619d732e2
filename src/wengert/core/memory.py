"""What a NumPy array tells of its memory, and lets a program change there: a traced value has none, and refuses it."""

from __future__ import annotations

from typing import Any, NoReturn

from wengert.errors import MemoryRefusedError

__all__ = ["MEMORY_ATTRIBUTES", "refuse_memory", "refused_attribute"]

MEMORY_ATTRIBUTES = (
    *("base", "byteswap", "ctypes", "data", "dump", "dumps", "flags", "getfield", "setfield", "setflags"),
    *("strides", "tobytes", "tofile"),
)


def refuse_memory(what: str, instead: str) -> NoReturn:
    """Raise for a use of the memory of a traced array."""
    raise MemoryRefusedError(
        what,
        why="it is about the memory of an array; a traced value stands for a computation, whose memory is not yours.",
        instead=instead,
    )


def refused_attribute(name: str) -> property:
    """Return an attribute that raises; `hasattr` says that it is absent."""

    def read(_: Any) -> NoReturn:
        refuse_memory(
            f"x.{name} was asked of a traced array",
            f"wengert.stop_gradient(x).{name}, for the plain numbers.",
        )

    return property(read)

"""The arena: one block of memory for all that a program keeps while it runs, laid out before it runs."""

from __future__ import annotations

from wengert.compile.kernel import Buffer

__all__ = ["Arena"]

_LINE = 64  # bytes: a cache line, and the widest vector
_BYTES = {"f64": 8, "i64": 8, "u64": 8, "f32": 4, "i32": 4, "u32": 4, "i16": 2, "u16": 2}
ERRORS = 64  # bytes at the start, in which a program says what went wrong


class Arena:
    """Hands out stretches of memory, first fit, and takes them back.

    Attributes
    ----------
    size : int
        Bytes so far.
    buffers : list of Buffer
        All that was handed out.
    """

    def __init__(self) -> None:
        self.size = ERRORS
        self.buffers: list[Buffer] = []
        self._free: list[tuple[int, int]] = []  # first byte and number of bytes, in order
        self._taken: dict[int, int] = {}

    def buffer(self, type: str, size: int) -> Buffer:
        """Return memory for entries."""
        n = max(_LINE, -(-size * _BYTES.get(type, 1) // _LINE) * _LINE)
        for k, (start, length) in enumerate(self._free):
            if length >= n:
                self._free[k : k + 1] = [(start + n, length - n)] if length > n else []
                break
        else:
            start = self.size
            self.size += n
        self._taken[start] = n
        self.buffers.append(Buffer(type, size, "arena", start))
        return self.buffers[-1]

    def again(self, buffer: Buffer, type: str) -> Buffer:
        """Return memory that is not given back, for other entries of as many bytes."""
        self.buffers.append(Buffer(type, buffer.size, "arena", buffer.place))
        return self.buffers[-1]

    def release(self, buffer: Buffer) -> None:
        """Take memory back: what comes after may lie there."""
        start, n = buffer.place, self._taken.pop(buffer.place)
        self._free.append((start, n))
        self._free.sort()
        merged: list[tuple[int, int]] = []
        for start, n in self._free:
            if merged and merged[-1][0] + merged[-1][1] == start:
                merged[-1] = (merged[-1][0], merged[-1][1] + n)
            else:
                merged.append((start, n))
        self._free = merged

"""Which loops threads share, and in what parts.

A loop is worth it if its steps do not depend on each other and have enough work, in the number of instructions that
they take, roughly. The outermost such loop of a nest is shared, unless it has few steps and one that it holds is worth
it too. Parts depend on the work alone: results are the same for every number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

from wengert.compile.independence import Separate, Uses, separate, size_in_bytes, uses_of_buffers
from wengert.compile.kernel import Buffer, For, If, Joined, OfBlocks, Operation, Parallel, Program, Statement
from wengert.compile.statements import bodies
from wengert.compile.vector_math import FUNCTIONS

__all__ = ["share", "work"]

# Measured by benchmarks/fork_join.py, with two threads, for loops from 2 x + 1 to softmax: instructions take 0.3 ns. To
# wake a sleeping worker costs 2 to 3 us, and what it does is gained from 100 000 instructions (30 us) on; 200 000 are
# 1.5 times as fast. While workers are awake, two parts of 10 000 (3 us) are 1.4 times as fast as one of 20 000.
WORTH: int = 100_000  # instructions
PART: int = 10_000  # instructions, at least, of one part
STACK: int = 1 << 16  # bytes of buffers of one's own, which are on the stack: others' stacks hold 512 K
ROOM: int = 1 << 18  # bytes of buffers of one's own that are joined in the end
PARTS: Final = 64  # at most, that threads of different speed end together
ROUND: int = 64  # entries: parts of lanes end where a line of the cache does, if the array begins with one
FEW: int = 16  # steps of a loop that inner loops are preferred to
JOINS: int = 8  # instructions of a part, at least, for each entry of its own that is joined in the end
_LINE: Final = 64  # bytes: of the cache
_LANES: Final = 8  # at once
_CALL: Final = 24  # a function of `vector_math`, in instructions
_UNKNOWN: Final = 16  # steps of a loop that nothing is known of


def share(program: Program, foreign: Collection[Buffer] = ()) -> Program:
    """Let threads share the loops of a program that are worth it; return the program.

    Parameters
    ----------
    program : Program
        Its loops are changed, and its arena may grow.
    foreign : collection of Buffer
        Buffers that are read by others than the program's statements.
    """
    works: dict[int, float] = {}
    if _work(program.body, works) >= WORTH:
        _Sharing(program, foreign, works).mark(program.body)
    return program


def work(program: Program) -> float:
    """Return about how many instructions a program takes."""
    return _work(program.body, {})


class _Sharing:
    """A program whose loops are being marked."""

    def __init__(self, program: Program, foreign: Collection[Buffer], works: dict[int, float]) -> None:
        self._program = program
        self._foreign = foreign
        self._works = works
        self._everywhere: Uses = uses_of_buffers(program)
        self._arena = (
            -(-program.arena // _LINE) * _LINE
        )  # loops have their parts' buffers behind this, one at a time

    def mark(self, body: Sequence[Statement]) -> bool:
        """Mark the loops that are worth it; say whether there are any."""
        found = False
        for statement in body:
            if self._works.get(id(statement), 0) < WORTH:
                continue
            apart = self._apart(statement)
            shared = False
            if apart is None or _steps(statement) < (FEW * JOINS if apart.joined else FEW):
                for inside in bodies(statement):
                    shared |= self.mark(inside)
            if apart is not None and not shared:
                shared = self._mark(statement, apart)
            found |= shared
        return found

    def _apart(self, statement: Statement) -> Separate | None:
        """Return the buffers that parts need, if steps are independent and there is room for these."""
        found = separate(statement, self._everywhere, self._foreign) if isinstance(statement, For) else None
        if found is None or sum(map(size_in_bytes, found.own)) > STACK:
            return None
        return found if sum(size_in_bytes(buffer) for buffer, _ in found.joined) <= ROOM else None

    def _mark(self, loop: Statement, apart: Separate) -> bool:
        """Let a loop be done in equal parts, none of which is too small, unless that is one."""
        n, least = _steps(loop), max(PART, JOINS * sum(buffer.size for buffer, _ in apart.joined), 1)
        parts = max(1, min(PARTS, int(self._works[id(loop)] / least)))
        unit = ROUND if isinstance(loop, For) and loop.lanes else 1
        steps = -(-n // (unit * parts)) * unit
        if isinstance(loop, For) and steps < n:
            loop.parallel = Parallel(steps, apart.own, self._joined(apart, -(-n // steps)))
            return True
        return False

    def _joined(self, apart: Separate, parts: int) -> tuple[Joined, ...]:
        """Make room for what parts join to."""
        made, end = [], self._arena
        for buffer, reduction in apart.joined:
            room = Buffer(buffer.type, parts * buffer.size, "arena", end)
            end += -(-size_in_bytes(room) // _LINE) * _LINE
            made.append(Joined(buffer, reduction, room))
            self._program.buffers.append(room)
            self._program.arena = max(self._program.arena, end)
        return tuple(made)


def _steps(loop: Statement) -> int:
    return loop.extent if isinstance(loop, For) and isinstance(loop.extent, int) else _UNKNOWN


def _work(body: Sequence[Statement], works: dict[int, float]) -> float:
    """Return about how many instructions statements take; those with bodies are noted, by identity."""
    total = 0.0
    for statement in body:
        inner = [_work(inside, works) for inside in bodies(statement)]
        if isinstance(statement, OfBlocks):
            total += math.prod(statement.lengths) * (len(statement.blocks) // 2) / _LANES
            continue
        if not inner:
            is_call = isinstance(statement, Operation) and statement.name in FUNCTIONS
            total += _CALL if is_call else 1
            continue
        work = max(inner) if isinstance(statement, If) else sum(inner)
        if isinstance(statement, For):
            steps = _steps(statement)
            work *= -(-steps // _LANES) if statement.lanes else steps
        elif not isinstance(statement, If):
            work *= _UNKNOWN
        works[id(statement)] = work
        total += work
    return total

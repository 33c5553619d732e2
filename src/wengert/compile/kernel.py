"""Kernels: a program as loops over operations on numbers, just above machine code.

    program   ::= program name(buffer, ...), arena of n bytes: statement*
    statement ::= value = operation(value, ...)
                | value = load buffer[index]
                | store value, buffer[index]
                | value, ... = for i < n [lanes] [parallel by n] (value = first, ...): statement* next value, ...
                | value, ... = while (value = first, ...): statement* test value: statement* next value, ...
                | value, ... = if value: statement* give value, ... else: statement* give value, ...
                | multiply block = [block +] block * block + ...
                | turn block = block
                | call routine(value | buffer[index], ...)
                | host k of value
                | fail code if value
    block     ::= buffer[index, n x n by n, n]            a matrix, and how far its rows and columns lie apart
    index     ::= n + n*value + ...                       in entries of the buffer, not in bytes
    buffer    ::= argument k | result k | arena at byte n, each of a type and a number of entries
    type      ::= f64 | f32 | i64 | i32 | i16 | i8 | u64 | u32 | u16 | u8 | bool

Every value is made once, in front of its uses, in a statement of the same body or of one around it. A loop whose
counter is `lanes` does several of its steps at once: its body holds no loop, and what it carries from step to step are
reductions. One that is `parallel` is done in parts of so many steps, by several threads: see `independence`. Buffers
that are not the same do not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "BOOL",
    "FULL",
    "HOST_DONE",
    "HOST_FAILED",
    "INT",
    "NOT_FACTORED",
    "NOT_FINITE",
    "OPERATIONS",
    "OUT_OF_BOUNDS",
    "RAISED",
    "REDUCTIONS",
    "Address",
    "Block",
    "Buffer",
    "Call",
    "Carried",
    "Chosen",
    "Constant",
    "Fail",
    "For",
    "Host",
    "If",
    "Index",
    "Joined",
    "Load",
    "Multiply",
    "OfBlocks",
    "Operation",
    "Parallel",
    "Program",
    "Statement",
    "Store",
    "Turn",
    "Value",
    "While",
]

BOOL, INT = "bool", "i64"  # of conditions, and of counters and indices

# The codes with which programs end, beside those of guards, which count from 1.
OUT_OF_BOUNDS = 1001  # there is no entry at an index
NOT_FINITE = 1002  # a sum of products that has to be finite is not
FULL = 1003  # a reversed loop has more steps than there is room for
HOST_FAILED = 1004  # NumPy raised
NOT_FACTORED = 1005  # a matrix has no factorization of its kind, or no inverse
RAISED = -1  # an exception of Python's is set
HOST_DONE = 0x600D  # what a host call returns that did what it should; by chance nothing else does

# Names of operations and how many operands they take. Those on floating-point numbers mean what NumPy's ufunc of that
# meaning does, entry by entry, nan, inf and the signs of zeros included; integers wrap around.
OPERATIONS: dict[str, int] = {
    # any numbers
    **dict.fromkeys(("add", "sub", "mul", "minimum", "maximum"), 2),  # extremes propagate nan
    **dict.fromkeys(("neg", "abs"), 1),
    "div": 2,  # of floating-point numbers; of integers, rounded to zero: undefined where the divisor is 0
    "rem": 2,  # with the sign of the dividend (C's fmod and %)
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), 2),  # -> bool
    "select": 3,  # condition, if so, if not
    "convert": 1,  # to the type of the result, as C does
    "bitcast": 1,
    # booleans and integers
    **dict.fromkeys(("and", "or", "xor", "shl", "shr"), 2),
    "not": 1,
    # floating-point numbers
    "fma": 3,  # x y + z, rounded once
    **dict.fromkeys(("sqrt", "floor", "ceil", "trunc", "rint"), 1),
    "copysign": 2,
    **dict.fromkeys(("fmin", "fmax"), 2),  # the other operand where one is nan
    # mathematics: see `vector_math`
    **dict.fromkeys(("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan"), 1),
    **dict.fromkeys(("sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh"), 1),
    **dict.fromkeys(("cbrt", "erf", "erfc", "lgamma", "digamma", "sigmoid", "softplus"), 1),
    **dict.fromkeys(("pow", "atan2", "hypot"), 2),
}

# How steps of a loop are joined, and what they begin with is the first value carried in.
REDUCTIONS = frozenset({"add", "mul", "minimum", "maximum", "and", "or"})


@dataclass(eq=False, slots=True)
class Value:
    """A number that one statement makes."""

    type: str


@dataclass(eq=False, slots=True)
class Constant(Value):
    """A number that is known."""

    value: float | int | bool


@dataclass(eq=False, slots=True)
class Buffer:
    """Memory for entries of one type, one behind the other.

    Attributes
    ----------
    type : str
    size : int
        Entries.
    home : str
        "argument", "result" or "arena".
    place : int
        Which argument or result; bytes from the start of the arena.
    name : str
        For readers.
    """

    type: str
    size: int
    home: str
    place: int
    name: str = ""


class Index(NamedTuple):
    """A place in a buffer: offset + sum of stride times value, in entries."""

    offset: int
    terms: tuple[tuple[Value, int], ...] = ()


class Address(NamedTuple):
    """An operand of a routine: a place in a buffer."""

    buffer: Buffer
    at: Index


class Block(NamedTuple):
    """A matrix in a buffer.

    Attributes
    ----------
    buffer : Buffer
    at : Index
        Of its first entry.
    down, across : int
        How far its rows, and its columns, lie apart.
    """

    buffer: Buffer
    at: Index
    down: int
    across: int

    def behind(self, distance: int) -> Block:
        """Return the same so many entries further on."""
        return self._replace(at=self.at._replace(offset=self.at.offset + distance))


# Statements -----------------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Operation:
    """result = name(operands)."""

    result: Value
    name: str
    operands: tuple[Value, ...]


@dataclass(eq=False, slots=True)
class Load:
    """result = buffer[index]."""

    result: Value
    buffer: Buffer
    index: Index


@dataclass(eq=False, slots=True)
class Store:
    """buffer[index] = value."""

    value: Value
    buffer: Buffer
    index: Index


@dataclass(eq=False, slots=True)
class Carried:
    """A value that a loop hands from step to step.

    Attributes
    ----------
    first, entry, next, result : Value
        Before the loop; what a step starts from; what it hands on; after the loop.
    reduction : str or None
        If next is entry joined with a value of the step by this operation: the steps may then be joined in any order.
    """

    first: Value
    entry: Value
    next: Value
    result: Value
    reduction: str | None = None


class Joined(NamedTuple):
    """A buffer that steps join values to, wherever it is: every part joins to one of its own.

    Attributes
    ----------
    buffer : Buffer
    reduction : str
    parts : Buffer
        Of the arena, one behind the other: those of the parts, which are joined in their order.
    """

    buffer: Buffer
    reduction: str
    parts: Buffer


class Parallel(NamedTuple):
    """How the steps of a loop are shared among threads.

    Attributes
    ----------
    steps : int
        Of one part, but the last one; there is more than one part. They do not depend on the number of threads, and
        neither do results.
    own : tuple of Buffer
        Buffers of the arena of which each part has one of its own.
    joined : tuple of Joined
    """

    steps: int
    own: tuple[Buffer, ...] = ()
    joined: tuple[Joined, ...] = ()


@dataclass(eq=False, slots=True)
class For:
    """A loop over counter = 0, ..., extent - 1, or the other way round.

    Attributes
    ----------
    counter : Value
        Of type i64.
    extent : int or Value
        Number of steps.
    body : list of Statement
    carried : list of Carried
    lanes : bool
        Whether several steps may be done at once.
    reverse : bool
        Whether it counts down.
    parallel : Parallel or None
        How threads share it; its steps may then be done in any order.
    """

    counter: Value
    extent: int | Value
    body: list[Statement]
    carried: list[Carried] = field(default_factory=list)
    lanes: bool = False
    reverse: bool = False
    parallel: Parallel | None = None


@dataclass(eq=False, slots=True)
class While:
    """A loop as long as a condition holds; the condition may read what is carried."""

    ahead: list[Statement]
    condition: Value
    body: list[Statement]
    carried: list[Carried]


@dataclass(eq=False, slots=True)
class Chosen:
    """A result of a branch: the value of the side that was taken."""

    result: Value
    so: Value
    otherwise: Value


@dataclass(eq=False, slots=True)
class If:
    """One of two bodies."""

    condition: Value
    so: list[Statement]
    otherwise: list[Statement]
    chosen: list[Chosen] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class OfBlocks:
    """A statement about matrices, the first of which is written.

    Attributes
    ----------
    counters : tuple of Value
        What counts rows and columns, where it is asked which entries are touched.
    """

    counters: tuple[Value, ...] = field(
        default_factory=lambda: (Value(INT), Value(INT), Value(INT)), kw_only=True
    )

    @property
    def blocks(self) -> tuple[tuple[Block, int, int], ...]:
        """The blocks, and which counters run along their rows and columns."""
        raise NotImplementedError

    @property
    def lengths(self) -> tuple[int, ...]:
        """How far the counters run."""
        raise NotImplementedError

    @property
    def entries(self) -> list[tuple[Buffer, Index]]:
        """The entries that are touched, block by block, in terms of the counters."""
        i = self.counters
        return [
            (x.buffer, Index(x.at.offset, (*x.at.terms, (i[rows], x.down), (i[columns], x.across))))
            for x, rows, columns in self.blocks
        ]

    @property
    def extents(self) -> dict[Value, int]:
        """How far each counter runs."""
        return dict(zip(self.counters, self.lengths, strict=False))


@dataclass(eq=False, slots=True)
class Multiply(OfBlocks):
    """y = a b, or y + a b, where y lies in another buffer than a and b, and rows of y and b are contiguous.

    There may be several such products, of which the sum is taken, in the same buffers: a convolution is one of them for
    each entry of its kernel.

    Attributes
    ----------
    y, a, b : Block
    sizes : tuple of int
        The rows and columns of y, and how many products each entry adds up.
    adds : bool
        Whether they are added to what y is.
    taps : tuple of (int, int)
        How far behind `a` and `b` the factors of each product lie.
    """

    y: Block
    a: Block
    b: Block
    sizes: tuple[int, int, int]
    adds: bool = False
    taps: tuple[tuple[int, int], ...] = ((0, 0),)

    @property
    def blocks(self) -> tuple[tuple[Block, int, int], ...]:
        """The blocks, those of all products, and which sizes are their rows and columns."""
        factors = [
            part
            for at_a, at_b in self.taps
            for part in ((self.a.behind(at_a), 0, 2), (self.b.behind(at_b), 2, 1))
        ]
        return (self.y, 0, 1), *factors

    @property
    def lengths(self) -> tuple[int, ...]:
        """The sizes."""
        return self.sizes


@dataclass(eq=False, slots=True)
class Turn(OfBlocks):
    """y = x, where rows of y are contiguous, and columns of x, which lies in another buffer.

    Attributes
    ----------
    y, x : Block
    sizes : tuple of int
        Rows and columns.
    """

    y: Block
    x: Block
    sizes: tuple[int, int]

    @property
    def blocks(self) -> tuple[tuple[Block, int, int], ...]:
        """The blocks; both have the same rows and columns."""
        return (self.y, 0, 1), (self.x, 0, 1)

    @property
    def lengths(self) -> tuple[int, ...]:
        """The sizes."""
        return self.sizes


@dataclass(eq=False, slots=True)
class Call:
    """A routine of a library, by the name under which it is linked; it gives its results through memory."""

    routine: str
    operands: tuple[Value | Address, ...]


@dataclass(eq=False, slots=True)
class Host:
    """An operation that NumPy does: number `place` of the program that a value names (see `hosting`)."""

    program: Value
    place: int


@dataclass(eq=False, slots=True)
class Fail:
    """The program ends with a code, if the condition holds, in any lane."""

    condition: Value
    code: int


Statement = Operation | Load | Store | For | While | If | Multiply | Turn | Call | Host | Fail


@dataclass(eq=False, slots=True)
class Program:
    """A native function.

    Attributes
    ----------
    name : str
    buffers : list of Buffer
    body : list of Statement
    arena : int
        Bytes of memory that it works in.
    """

    name: str
    buffers: list[Buffer]
    body: list[Statement]
    arena: int

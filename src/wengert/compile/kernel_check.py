"""Checks of kernels: that they are what `kernel` says.

Each value is made once, and in front of its uses, in the same body or one around it; types fit; a loop over lanes holds
no loop, no branch and no routine, and what it carries are reductions; steps of parallel loops are independent; buffers
lie in the arena; and indices whose values are counters of loops of known extents lie in their buffers. Whoever makes
programs hands them through `checked`, which does nothing unless somebody has asked for it: the tests do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from wengert.compile.independence import Uses, separate, uses_of_buffers
from wengert.compile.kernel import (
    BOOL,
    INT,
    OPERATIONS,
    REDUCTIONS,
    Address,
    Buffer,
    Call,
    Carried,
    Constant,
    Fail,
    For,
    Host,
    If,
    Index,
    Load,
    Multiply,
    Operation,
    Parallel,
    Program,
    Statement,
    Store,
    Turn,
    Value,
    While,
)
from wengert.compile.kernel_text import statement_text
from wengert.compile.statements import uses, walk
from wengert.errors import ArgumentError

__all__ = ["always", "check", "checked", "is_asked_for"]

FLOATS = frozenset({"f64", "f32"})
TYPES = FLOATS | {BOOL} | {f"{sign}{bits}" for sign in "iu" for bits in (8, 16, 32, 64)}
COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
BITWISE = frozenset({"and", "or", "xor", "not"})
SHIFTS = frozenset({"shl", "shr"})
ARITHMETIC = frozenset({"add", "sub", "mul", "minimum", "maximum", "neg", "abs", "div", "rem"})
OF_NO_BOOLEANS = frozenset({"sub", "neg", "div", "rem"})

_asked = [False]


def always(on: bool) -> None:
    """Say whether `checked` checks."""
    _asked[0] = on


def is_asked_for() -> bool:
    """Whether `checked` checks: then faults of the compiler are to be seen, not survived."""
    return _asked[0]


def checked(program: Program) -> Program:
    """Return a program that was just made; check it, if `always` was asked for."""
    if _asked[0]:
        check(program)
    return program


def check(program: Program) -> None:
    """Raise unless a program is valid.

    Parameters
    ----------
    program : Program

    Raises
    ------
    ArgumentError
        Naming the first statement that is wrong.
    """
    _Checker(program).run()


def _width(type: str) -> int:
    return 8 if type == BOOL else int(type[1:])


class _Checker:
    """What is known at one place of a program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._buffers = set(program.buffers)
        self._made: set[Value] = set()  # ever
        self._known: set[Value] = set()  # here
        self._extents: dict[Value, int] = {}  # of the loops around, by their counters
        self._named: Uses | None = None
        self._at: Statement | None = None

    def run(self) -> None:
        for buffer in self._program.buffers:
            self._buffer(buffer)
        self._body(self._program.body)

    def _refuse(self, what: str) -> NoReturn:
        where = f" in `{statement_text(self._program, self._at)}`" if self._at else ""
        raise ArgumentError(f"kernel {self._program.name}: {what}{where}")

    def _demand(self, holds: bool, what: str) -> None:
        if not holds:
            self._refuse(what)

    def _buffer(self, buffer: Buffer) -> None:
        self._demand(buffer.type in TYPES, f"no such type: {buffer.type}")
        self._demand(buffer.home in {"argument", "result", "arena"}, f"no such home: {buffer.home}")
        self._demand(buffer.place >= 0 and buffer.size >= 0, "a buffer has a negative place or size")
        if buffer.home == "arena":
            size = _width(buffer.type) // 8
            self._demand(buffer.place % size == 0, f"buffer at byte {buffer.place} is not aligned")
            end = buffer.place + size * buffer.size
            self._demand(end <= self._program.arena, f"buffer ends at byte {end}, behind the arena")

    # Statements -------------------------------------------------------------------------------------------------------

    def _body(self, body: Iterable[Statement]) -> None:
        """Check statements; what they make is known behind them."""
        for statement in body:
            self._at = statement
            match statement:
                case Operation():
                    self._operation(statement)
                case Load(result=result, buffer=buffer, index=index):
                    self._place(buffer, index)
                    self._same(result.type, buffer.type)
                    self._make(result)
                case Store(value=value, buffer=buffer, index=index):
                    self._place(buffer, index)
                    self._use(value, buffer.type)
                case Fail(condition=condition, code=code):
                    self._use(condition, BOOL)
                    self._demand(1 <= code < 2**31, "the code of a failure is at least 1")
                case _:
                    self._control(statement)

    def _nested(self, body: Sequence[Statement], known: Iterable[Value], uses: Iterable[Value]) -> None:
        """Check a body, at whose end values are used; what it makes is forgotten."""
        outside, self._known = self._known, self._known | set(known)
        at = self._at
        self._body(body)
        self._at = at
        for value in uses:
            self._use(value)
        self._known = outside

    def _control(self, statement: For | While | If | Multiply | Turn | Call | Host) -> None:
        match statement:
            case Multiply() | Turn():
                self._of_blocks(statement)
            case Call(operands=operands):
                for operand in operands:
                    if isinstance(operand, Address):
                        self._place(operand.buffer, operand.at, inside=False)
                    else:
                        self._use(operand)
            case Host(program=program):
                self._use(program, INT)
            case For():
                self._for(statement)
            case While():
                self._while(statement)
            case If():
                self._use(statement.condition, BOOL)
                self._nested(statement.so, (), [one.so for one in statement.chosen])
                self._nested(statement.otherwise, (), [one.otherwise for one in statement.chosen])
                for one in statement.chosen:
                    self._same(one.so.type, one.otherwise.type, one.result.type)
                    self._make(one.result)

    def _for(self, loop: For) -> None:
        if isinstance(loop.extent, int):
            self._demand(loop.extent >= 0, "a loop has a negative number of steps")
            self._extents[loop.counter] = loop.extent
        else:
            self._use(loop.extent, INT)
        self._same(loop.counter.type, INT)
        if loop.lanes:
            self._lanes(loop)
        if loop.parallel:
            self._parallel(loop, loop.parallel)
        entries = self._carried(loop.carried)
        self._never(loop.counter)
        self._nested(loop.body, [loop.counter, *entries], [one.next for one in loop.carried])
        for one in loop.carried:
            self._make(one.result)

    def _while(self, loop: While) -> None:
        entries = self._carried(loop.carried)
        outside, self._known = self._known, self._known | set(entries)
        at = self._at
        self._body(loop.ahead)
        self._at = at
        self._use(loop.condition, BOOL)
        self._nested(loop.body, (), [one.next for one in loop.carried])
        self._known = outside
        for one in loop.carried:
            self._make(one.result)

    def _carried(self, carried: Sequence[Carried]) -> list[Value]:
        for one in carried:
            self._use(one.first)
            self._same(one.first.type, one.entry.type, one.next.type, one.result.type)
            self._demand(
                one.reduction is None or one.reduction in REDUCTIONS, f"no reduction: {one.reduction}"
            )
            self._never(one.entry)
        return [one.entry for one in carried]

    def _of_blocks(self, statement: Multiply | Turn) -> None:
        """Check that all entries of matrices are there, and that the right ones have contiguous rows or columns."""
        self._demand(min(statement.sizes) >= 1, "a matrix without entries")
        for block, i, j in statement.blocks:
            rows, columns = statement.sizes[i], statement.sizes[j]
            self._demand(min(block.down, block.across) >= 0, "a matrix has a negative stride")
            for row, column in ((0, 0), (rows - 1, columns - 1)):
                offset = block.at.offset + row * block.down + column * block.across
                self._place(block.buffer, block.at._replace(offset=offset))
        (y, _, _), *factors = statement.blocks
        self._same(*[block.buffer.type for block, _, _ in statement.blocks])
        self._demand(y.buffer.type in FLOATS, f"a matrix of {y.buffer.type}")
        self._demand(y.down >= statement.sizes[1] or statement.sizes[0] == 1, "rows overlap")
        self._demand(y.buffer not in {block.buffer for block, _, _ in factors}, "an operand is overwritten")
        contiguous = y.across, (statement.x.down if isinstance(statement, Turn) else statement.b.across)
        self._demand(contiguous == (1, 1), "entries are not contiguous")

    # Lanes ------------------------------------------------------------------------------------------------------------

    def _lanes(self, loop: For) -> None:
        simple = Operation | Load | Store | Fail
        self._demand(
            all(isinstance(s, simple) for s in loop.body), "a loop over lanes holds a loop, branch or call"
        )
        for one in loop.carried:
            self._demand(one.reduction is not None, "a loop over lanes carries what is no reduction")
            joins = [s for s in loop.body if isinstance(s, Operation) and s.result is one.next]
            self._demand(
                len(joins) == 1
                and joins[0].name == one.reduction
                and joins[0].operands.count(one.entry) == 1,
                "what a loop over lanes carries is not joined once by its reduction",
            )
            count = sum(list(uses(s)).count(one.entry) + list(uses(s)).count(one.next) for s in loop.body)
            self._demand(count == 1, "what a loop over lanes carries is used by a step")
        for store in loop.body:
            if isinstance(store, Store):
                self._demand(bool(store.index.terms), "all lanes store to one place")

    def _parallel(self, loop: For, shared: Parallel) -> None:
        n = loop.extent if isinstance(loop.extent, int) else 0
        self._demand(1 <= shared.steps < n, "a parallel loop has one part")
        inner = [s for s in walk(loop.body) if isinstance(s, For) and s.parallel]
        self._demand(not inner, "a parallel loop holds another")
        if self._named is None:
            self._named = uses_of_buffers(self._program)
        needed = separate(loop, self._named)
        if needed is None:
            self._refuse("the steps of a parallel loop depend on each other")
        joined = {(one.buffer, one.reduction) for one in shared.joined}
        apart = set(needed.own) <= set(shared.own) and set(needed.joined) <= joined
        self._demand(apart, "threads overwrite each other's buffers")
        for buffer, _, parts in shared.joined:
            self._demand(parts in self._buffers and not self._named[parts], "no buffer for the parts")
            self._demand(parts.size >= -(-n // shared.steps) * buffer.size, "the parts' buffer is too small")

    # Values and places ------------------------------------------------------------------------------------------------

    def _operation(self, statement: Operation) -> None:
        name, result = statement.name, statement.result
        types = [operand.type for operand in statement.operands]
        self._demand(name in OPERATIONS, f"no such operation: {name}")
        self._demand(len(types) == OPERATIONS[name], f"{name} takes {OPERATIONS[name]} operands")
        for operand in statement.operands:
            self._use(operand)
        if name == "convert":
            self._demand(result.type in TYPES, f"no such type: {result.type}")
        elif name == "bitcast":
            widths = [_width(type) for type in (*types, result.type) if type != BOOL]
            self._demand(len(widths) == 2 and widths[0] == widths[1], "bitcast between types of two widths")
        elif name == "select":
            self._same(types[0], BOOL)
            self._same(*types[1:], result.type)
        elif name in COMPARISONS:
            self._same(*types)
            self._same(result.type, BOOL)
        else:
            self._same(*types, result.type)
            self._demand(_takes(name, types[0]), f"{name} of {types[0]}")
        self._make(result)

    def _same(self, *types: str) -> None:
        self._demand(len(set(types)) == 1, f"types differ: {', '.join(types)}")

    def _never(self, value: Value) -> None:
        self._demand(not isinstance(value, Constant), "a constant is made")
        self._demand(value.type in TYPES, f"no such type: {value.type}")
        self._demand(value not in self._made, "a value is made twice")
        self._made.add(value)

    def _make(self, value: Value) -> None:
        self._never(value)
        self._known.add(value)

    def _use(self, value: Value, type: str | None = None) -> None:
        self._demand(
            isinstance(value, Constant) or value in self._known, "a value is used where nothing has made it"
        )
        if type is not None:
            self._same(value.type, type)

    def _place(self, buffer: Buffer, index: Index, *, inside: bool = True) -> None:
        """Check an index; that of an address may be behind the last entry."""
        self._demand(buffer in self._buffers, f"no buffer of the program: {buffer.name or buffer.home}")
        low = high = index.offset
        for value, stride in index.terms:
            self._use(value, INT)
            if isinstance(value, Constant):
                ends = [int(value.value) * stride]
            elif value in self._extents:
                ends = [0, (self._extents[value] - 1) * stride]
            else:
                return
            low, high = low + min(ends), high + max(ends)
        if all(self._extents.get(value, 1) for value in self._extents if value in self._known):
            last = buffer.size - inside
            self._demand(low >= 0 and high <= last, f"index {low} to {high} of {buffer.size} entries")


def _takes(name: str, type: str) -> bool:
    """Say whether there is an operation on a type, whose result is of that type."""
    if name in BITWISE:
        return type not in FLOATS
    if name in SHIFTS:
        return type not in FLOATS and type != BOOL
    if name in ARITHMETIC:
        return type != BOOL or name not in OF_NO_BOOLEANS
    return type in FLOATS

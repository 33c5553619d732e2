"""Kernels as text: the grammar of `kernel` with letters for values, the same in every run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from wengert.compile.kernel import (
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
    Program,
    Statement,
    Store,
    Turn,
    Value,
    While,
)

__all__ = ["kernel_text", "statement_text"]

INDENT = "    "


def kernel_text(program: Program) -> str:
    """Return a program as text.

    Parameters
    ----------
    program : Program

    Returns
    -------
    text : str
        Values are letters, in the order in which they are made; buffers have their names, or their homes'.

    Examples
    --------
    >>> from wengert.compile.kernel import Buffer, For, Index, Load, Operation, Store, Value
    >>> x, y = Buffer("f64", 9, "argument", 0, "x"), Buffer("f64", 9, "result", 0, "y")
    >>> i, a, b = Value("i64"), Value("f64"), Value("f64")
    >>> at = Index(0, ((i, 1),))
    >>> body = [Load(a, x, at), Operation(b, "tanh", (a,)), Store(b, y, at)]
    >>> print(kernel_text(Program("saturate", [x, y], [For(i, 9, body, lanes=True)], 0)))
    program saturate(x, y), arena of 0 bytes:
        x: f64[9] is argument 0
        y: f64[9] is result 0
        for a < 9 lanes:
            b: f64 = load x[a]
            c: f64 = tanh(b)
            store c, y[a]
    """
    printer = _Printer(program.buffers)
    names = [printer.buffer(buffer) for buffer in program.buffers]
    lines = [f"program {program.name}({', '.join(names)}), arena of {program.arena} bytes:"]
    for name, buffer in zip(names, program.buffers, strict=True):
        where = f"arena at byte {buffer.place}" if buffer.home == "arena" else f"{buffer.home} {buffer.place}"
        lines.append(f"{INDENT}{name}: {buffer.type}[{buffer.size}] is {where}")
    lines += printer.body(program.body, INDENT)
    return "\n".join(lines)


def statement_text(program: Program, statement: Statement) -> str:
    """Return the first line of a statement of a program, with the names that `kernel_text` gives.

    Parameters
    ----------
    program : Program
    statement : Statement
        By identity; one that the program lacks is written with names of its own.
    """
    printer = _Printer(program.buffers)
    for _ in printer.body(program.body, ""):
        pass
    return printer.first.get(id(statement)) or next(printer.statement(statement, "")).strip()


def letters() -> Iterator[str]:
    """Return a, b, ..., z, aa, ab, ..., zz, aaa, ..."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    for length in itertools.count(1):
        yield from map("".join, itertools.product(alphabet, repeat=length))


class _Printer:
    """Names of values and buffers, given when they are first seen."""

    def __init__(self, buffers: Sequence[Buffer]) -> None:
        self._values: dict[Value, str] = {}
        self._buffers: dict[Buffer, str] = {}
        self._letters = letters()
        self.first: dict[int, str] = {}
        for buffer in buffers:
            self.buffer(buffer)

    def buffer(self, buffer: Buffer) -> str:
        if buffer not in self._buffers:
            name = buffer.name or f"{buffer.home}{buffer.place}"
            taken = set(self._buffers.values())
            number = 2
            while name in taken:
                name = f"{buffer.name or buffer.home}_{number}"
                number += 1
            self._buffers[buffer] = name
        return self._buffers[buffer]

    def value(self, value: Value) -> str:
        if isinstance(value, Constant):
            return f"{value.value!r}"
        if value not in self._values:
            taken = self._buffers.values()
            self._values[value] = next(name for name in self._letters if name not in taken)
        return self._values[value]

    def values(self, values: Iterable[Value | Address]) -> str:
        return ", ".join(
            self.place(v.buffer, v.at) if isinstance(v, Address) else self.value(v) for v in values
        )

    def place(self, buffer: Buffer, index: Index) -> str:
        text = str(index.offset) if index.offset or not index.terms else ""
        for value, stride in index.terms:
            size = "" if abs(stride) == 1 else f"{abs(stride)}*"
            sign = "-" if stride < 0 else "+"
            text += f" {sign} " if text else sign.strip("+")
            text += f"{size}{self.value(value)}"
        return f"{self.buffer(buffer)}[{text}]"

    def body(self, body: Iterable[Statement], indent: str) -> Iterator[str]:
        for statement in body:
            lines = list(self.statement(statement, indent))
            self.first[id(statement)] = lines[0].strip()
            yield from lines

    def statement(self, statement: Statement, indent: str) -> Iterator[str]:
        match statement:
            case Operation(result=result, name=name, operands=operands):
                text = f"{name}({self.values(operands)})"
                yield f"{indent}{self.value(result)}: {result.type} = {text}"
            case Load(result=result, buffer=buffer, index=index):
                place = self.place(buffer, index)
                yield f"{indent}{self.value(result)}: {result.type} = load {place}"
            case Store(value=value, buffer=buffer, index=index):
                yield f"{indent}store {self.value(value)}, {self.place(buffer, index)}"
            case For():
                yield from self._for(statement, indent)
            case While():
                yield from self._while(statement, indent)
            case If():
                yield from self._if(statement, indent)
            case _:
                yield indent + self._alone(statement)

    def _alone(self, statement: Multiply | Turn | Call | Host | Fail) -> str:
        """Return a statement that makes no value and holds no others."""
        match statement:
            case Multiply() | Turn():
                return self._of_blocks(statement)
            case Call(routine=routine, operands=operands):
                return f"call {routine}({self.values(operands)})"
            case Host(program=program, place=place):
                return f"host {place} of {self.value(program)}"
            case Fail(condition=condition, code=code):
                return f"fail {code} if {self.value(condition)}"

    def _of_blocks(self, statement: Multiply | Turn) -> str:
        y, *rest = [
            f"{self.place(x.buffer, x.at)[:-1]}, {statement.sizes[i]} x {statement.sizes[j]} by {x.down}, {x.across}]"
            for x, i, j in statement.blocks
        ]
        if isinstance(statement, Turn):
            return f"turn {y} = {rest[0]}"
        products = [f"{a} * {b}" for a, b in zip(rest[::2], rest[1::2], strict=True)]
        return f"multiply {y} = {' + '.join([*[y] * statement.adds, *products])}"

    def _for(self, loop: For, indent: str) -> Iterator[str]:
        extent = str(loop.extent) if isinstance(loop.extent, int) else self.value(loop.extent)
        way = (" lanes" if loop.lanes else "") + (" reverse" if loop.reverse else "")
        if loop.parallel:
            own = ", ".join(self.buffer(buffer) for buffer in loop.parallel.own)
            way += f" parallel by {loop.parallel.steps}" + (f" own {own}" if own else "")
            for one in loop.parallel.joined:
                way += f" joining {self.buffer(one.buffer)} by {one.reduction} in {self.buffer(one.parts)}"
        entries = self._entries(loop.carried)
        head = f"for {self.value(loop.counter)} < {extent}{way}{entries}:"
        inside = [*self.body(loop.body, indent + INDENT), *self._nexts(loop.carried, indent)]
        yield f"{indent}{self._results(loop.carried)}{head}"
        yield from inside

    def _while(self, loop: While, indent: str) -> Iterator[str]:
        entries = self._entries(loop.carried)
        inside = [
            *self.body(loop.ahead, indent + INDENT),
            f"{indent}test {self.value(loop.condition)}:",
            *self.body(loop.body, indent + INDENT),
            *self._nexts(loop.carried, indent),
        ]
        yield f"{indent}{self._results(loop.carried)}while{entries}:"
        yield from inside

    def _if(self, branch: If, indent: str) -> Iterator[str]:
        sides = []
        for body, given in (
            (branch.so, [one.so for one in branch.chosen]),
            (branch.otherwise, [one.otherwise for one in branch.chosen]),
        ):
            side = list(self.body(body, indent + INDENT))
            sides.append(side + ([f"{indent}{INDENT}give {self.values(given)}"] if given else []))
        results = self.values(one.result for one in branch.chosen)
        yield f"{indent}{results + ' = ' if results else ''}if {self.value(branch.condition)}:"
        yield from sides[0]
        if sides[1]:
            yield f"{indent}else:"
            yield from sides[1]

    def _entries(self, carried: Sequence[Carried]) -> str:
        pairs = []
        for one in carried:
            first = self.value(one.first)
            pairs.append(f"{self.value(one.entry)}: {one.entry.type} = {first}")
        return f" ({', '.join(pairs)})" if pairs else ""

    def _nexts(self, carried: Sequence[Carried], indent: str) -> Iterator[str]:
        if carried:
            nexts = [
                self.value(one.next) + (f" by {one.reduction}" if one.reduction else "") for one in carried
            ]
            yield f"{indent}{INDENT}next {', '.join(nexts)}"

    def _results(self, carried: Sequence[Carried]) -> str:
        return f"{self.values(one.result for one in carried)} = " if carried else ""

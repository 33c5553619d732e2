"""Kernels as LLVM's assembly language: one function for a program.

    define i32 @wg_program(ptr noalias %arguments, ptr noalias %results, ptr noalias %arena)

`arguments` and `results` are arrays of pointers, one for each place; results overlap neither arguments nor each other.
The function returns 0, or at once the code of a `Fail`. Booleans are bytes in memory.

Reading order: `emission_text` (types, numbers, text), `emission_operations`, `emission_memory`, this file (statements,
one step at a time), `emission_lanes` (loops over vectors), `emission_reductions`, `emission_parallel` (loops that
threads share).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from wengert.compile.emission_lanes import Span, emit_lanes
from wengert.compile.emission_memory import Memory, read, scopes, written
from wengert.compile.emission_operations import operate
from wengert.compile.emission_parallel import emit_parallel
from wengert.compile.emission_products import emit_product
from wengert.compile.emission_text import UNLIKELY, Operand, Text, constant, stored, total
from wengert.compile.emission_turns import emit_turn
from wengert.compile.kernel import (
    HOST_DONE,
    HOST_FAILED,
    INT,
    RAISED,
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
from wengert.compile.llvm import host
from wengert.compile.vector_math import module_parts

__all__ = ["NAME", "Emission", "llvm_text"]

NAME: Final = "wg_program"
_BY_REFERENCE: Final = (
    "wg.blas.",
    "wg.lapack.",
)  # routines of Fortran: scalars by address, integers of 32 bits
_INLINED = 24  # calls: copies of functions are quicker to run, and slower to compile


def llvm_text(program: Program, *, width_bits: int | None = None) -> str:
    """Return a program as an LLVM module that defines `wg_program`.

    Parameters
    ----------
    program : Program
        As `kernel_check` accepts it.
    width_bits : int, optional
        Bits of the vectors that loops over lanes are written for: 512, 256 or 128; by default, the widest ones of
        this machine.

    Returns
    -------
    text : str
        Routines that are called are declared, under their names; functions of `vector_math` are defined.

    Examples
    --------
    >>> from wengert.compile.kernel import Buffer, Constant
    >>> y = Buffer("f64", 1, "result", 0)
    >>> program = Program("one", [y], [Store(Constant("f64", 1.0), y, Index(0))], 0)
    >>> print(llvm_text(program).split("attributes")[0])
    define i32 @wg_program(ptr noalias %arguments, ptr noalias %results, ptr noalias %arena) #0 {
    entry:
      %result0.slot = getelementptr inbounds ptr, ptr %results, i64 0
      %result0 = load ptr, ptr %result0.slot, align 8
      br label %start
    start:
      store double 0x3FF0000000000000, ptr %result0, align 8
      ret i32 0
    }
    <BLANKLINE>
    """
    width_bits = width_bits or host().vector_bits
    text = Text()
    emission = Emission(Memory(scopes(program.buffers), text), text, width_bits)
    emission.statements(program.body)
    text.do("ret i32 0")
    emission.close(lambda code: text.do(f"ret i32 {code}"))
    declared, mathematics = module_parts(text.mathematics, _calling(text, width_bits))
    text.declarations |= declared
    return "\n".join(
        [
            f"define i32 @{NAME}(ptr noalias %arguments, ptr noalias %results, ptr noalias %arena) #0 {{",
            *("entry:", *text.entry, "  br label %start"),
            *("start:", *text.lines, "}", ""),
            *text.functions,
            *_attributes(width_bits),
            *text.declarations.values(),
            *emission.memory.metadata(),
            *text.metadata(),
            mathematics,
        ]
    )


def _attributes(width_bits: int) -> Iterable[str]:
    yield f'attributes #0 = {{ nounwind {_width(width_bits)} "no-trapping-math"="true" }}'


def _width(bits: int) -> str:
    return f'"prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'


def _calling(text: Text, width_bits: int) -> str:
    """Return the attributes of mathematical functions: in the place of their calls, unless there are many of these."""
    few = text.mathematics.total() <= _INLINED
    return f"{'alwaysinline' if few else 'noinline'} nounwind {_width(width_bits)}"


class Emission:
    """Statements of a program, done one after the other.

    Attributes
    ----------
    text : Text
    memory : Memory
    values : dict
        The operand of each value that has been made.
    width_bits : int
    """

    def __init__(self, memory: Memory, text: Text, width_bits: int) -> None:
        self.text = text
        self.memory = memory
        self.values: dict[Value, Operand] = {}
        self.width_bits = width_bits
        self._failures: dict[int, str] = {}
        self._cells: dict[tuple[str, int], str] = {}
        self._frame = 0

    def within(self, text: Text, own: Mapping[Buffer, str]) -> Emission:
        """Return what writes statements into another function, with the addresses of buffers that are elsewhere."""
        return Emission(self.memory.within(text, own), text, self.width_bits)

    def frame(self, words: int) -> str:
        """Return memory of 8 bytes a word; all who ask get the same."""
        self._frame = max(self._frame, words)
        return "%frame"

    def statements(self, body: Sequence[Statement]) -> None:
        """Write statements."""
        for statement in body:
            match statement:
                case Operation():
                    self._operation(statement)
                case Load(result=result, buffer=buffer, index=index):
                    notes = self.memory.home(buffer).notes
                    self.values[result] = read(self.text, self.address(buffer, index), buffer, notes)
                case Store(value=value, buffer=buffer, index=index):
                    notes = self.memory.home(buffer).notes
                    written(self.text, self[value], self.address(buffer, index), buffer, notes)
                case Fail():
                    self.fail(self[statement.condition].text, statement.code)
                case _:
                    self._control(statement)

    def _control(self, statement: Statement) -> None:
        match statement:
            case For():
                self._for(statement)
            case While():
                self._while(statement)
            case If():
                self._if(statement)
            case Multiply():
                emit_product(self, statement)
            case Turn():
                emit_turn(self, statement)
            case Call():
                self._call(statement)
            case Host():
                self._host(statement)

    def __getitem__(self, value: Value) -> Operand:
        """Return the operand of a value."""
        return constant(value) if isinstance(value, Constant) else self.values[value]

    def address(self, buffer: Buffer, index: Index) -> str:
        """Write the address of an entry."""
        pointer, offset, _ = self.memory.home(buffer)
        offset += index.offset
        size = stored(buffer.type)
        distance = total(self.text, [(self[value], stride) for value, stride in index.terms])
        if distance:
            pointer = self.text.put(f"getelementptr inbounds {size}, ptr {pointer}, i64 {distance}")
        if offset:
            pointer = self.text.put(f"getelementptr inbounds {size}, ptr {pointer}, i64 {offset}")
        return pointer

    def fail(self, condition: str, code: int) -> None:
        """Write that the function ends with a code if a condition holds."""
        if code not in self._failures:
            self._failures[code] = f"fail{code}" if code > 0 else "raised"
        (onward,) = self.text.labels("sound")
        self.text.branch(condition, self._failures[code], onward, UNLIKELY)
        self.text.open(onward)

    def close(self, end: Callable[[int], None]) -> None:
        """Write the blocks that failures jump to; how they end with their codes, others say."""
        for code, label in self._failures.items():
            self.text.open(label)
            end(code)
        if self._frame:
            self.text.entry.append(f"  %frame = alloca [{self._frame} x i64], align 64")

    def _operation(self, statement: Operation) -> None:
        operands = [self[operand] for operand in statement.operands]
        self.values[statement.result] = operate(self.text, statement.name, operands, statement.result.type)

    # Control ----------------------------------------------------------------------------------------------------------

    def _for(self, loop: For) -> None:
        """Write a loop that tests behind its body, and in front of it unless it is known to run."""
        if loop.extent == 0:
            self.values |= {one.result: self[one.first] for one in loop.carried}
        elif loop.parallel:
            emit_parallel(self, loop, loop.parallel)
        elif loop.lanes:
            emit_lanes(self, loop)
        else:
            self.steps(loop)

    def steps(self, loop: For, span: Span | None = None) -> None:
        """Write the steps of a loop one by one: all, or those of a span."""
        text = self.text
        body, behind = text.labels("loop", "behind")
        before = text.block
        start = span.begin if span else "0"
        if span:
            last = text.put(f"add nsw i64 {span.end}, -1")
            text.jump(body)
        elif isinstance(loop.extent, int):
            last = str(loop.extent - 1)
            text.jump(body)
        else:
            extent = self[loop.extent].text
            last = text.put(f"add nsw i64 {extent}, -1")
            text.branch(text.put(f"icmp sgt i64 {extent}, 0"), body, behind)
        text.open(body)
        room = text.later()
        rooms = self._enter(loop.carried)
        counter = room[0]
        self.values[loop.counter] = Operand(counter, INT)
        self.statements(loop.body)
        step = "-1" if loop.reverse else "1"
        onward = text.put(f"add nsw i64 {counter}, {step}")
        ends = text.put(f"icmp eq i64 {counter}, {start if loop.reverse else last}")
        end = text.block
        text.branch(ends, behind, body)
        text.fill(room, "i64", (last if loop.reverse else start, before), (onward, end))
        self._arrive(loop.carried, rooms, before, end)
        text.open(behind)
        for one in loop.carried:
            found = self[one.next]
            if not isinstance(loop.extent, int):
                arrivals = (self[one.first].text, before), (found.text, end)
                found = found._replace(text=text.phi(found.kind, *arrivals))
            self.values[one.result] = found

    def _while(self, loop: While) -> None:
        text = self.text
        head, body, behind = text.labels("while", "body", "behind")
        before = text.block
        text.jump(head)
        text.open(head)
        rooms = self._enter(loop.carried)
        self.statements(loop.ahead)
        text.branch(self[loop.condition].text, body, behind)
        text.open(body)
        self.statements(loop.body)
        end = text.block
        text.jump(head)
        self._arrive(loop.carried, rooms, before, end)
        text.open(behind)
        self.values |= {one.result: self[one.entry] for one in loop.carried}

    def _enter(self, carried: Sequence[Carried]) -> list[tuple[str, int]]:
        """Leave room for what a loop carries, at its head."""
        rooms = [self.text.later() for _ in carried]
        self.values |= {
            one.entry: Operand(name, one.entry.type) for one, (name, _) in zip(carried, rooms, strict=True)
        }
        return rooms

    def _arrive(
        self, carried: Sequence[Carried], rooms: Sequence[tuple[str, int]], before: str, end: str
    ) -> None:
        """Fill the room at the head of a loop."""
        for one, room in zip(carried, rooms, strict=True):
            first, following = self[one.first], self[one.next]
            self.text.fill(room, first.kind, (first.text, before), (following.text, end))

    def _if(self, branch: If) -> None:
        text = self.text
        so, otherwise, behind = text.labels("so", "otherwise", "behind")
        text.branch(self[branch.condition].text, so, otherwise)
        ends = []
        for label, body in ((so, branch.so), (otherwise, branch.otherwise)):
            text.open(label)
            self.statements(body)
            ends.append(text.block)
            text.jump(behind)
        text.open(behind)
        for one in branch.chosen:
            found = self[one.so]
            arrivals = (found.text, ends[0]), (self[one.otherwise].text, ends[1])
            self.values[one.result] = found._replace(text=text.phi(found.kind, *arrivals))

    def _call(self, call: Call) -> None:
        passed = [self._passed(call.routine, place, operand) for place, operand in enumerate(call.operands)]
        self.text.do(self.text.call(f"@{call.routine}", "void", *passed))

    def _host(self, host: Host) -> None:
        """Write a call into Python, which finds the operands by the addresses that the program was given.

        A signal that came meanwhile, such as Ctrl-C, is handled in front of it: what Python raises where it enters a
        function that was called natively is lost.
        """
        pending = self.text.put(self.text.call("@PyErr_CheckSignals", "i32"))
        self.fail(self.text.put(f"icmp ne i32 {pending}, 0"), RAISED)
        bases = [("ptr", f"%{name}") for name in ("arguments", "results", "arena")]
        code = self.text.put(
            self.text.call("@wg.host", "i32", self[host.program].pair, ("i64", str(host.place)), *bases)
        )
        self.fail(self.text.put(f"icmp ne i32 {code}, {HOST_DONE}"), HOST_FAILED)

    def _passed(self, routine: str, place: int, operand: Value | Address) -> tuple[str, str]:
        """Return an operand of a routine, type and text."""
        if isinstance(operand, Address):
            return "ptr", self.address(operand.buffer, operand.at)
        found = self[operand]
        if not routine.startswith(_BY_REFERENCE):
            return found.pair
        if found.type == INT:
            found = operate(self.text, "convert", (found,), "i32")
        return "ptr", self._cell(found, place)

    def _cell(self, value: Operand, place: int) -> str:
        """Write a value to memory for a routine, and return its address; later calls use the same memory."""
        key = value.kind, place
        if key not in self._cells:
            self._cells[key] = f"%cell.{value.kind}.{place}"
            self.text.entry.append(f"  {self._cells[key]} = alloca {value.kind}, align 8")
        self.text.do(f"store {value.typed}, ptr {self._cells[key]}, align 8")
        return self._cells[key]

"""LLVM's assembly language: types and numbers in its spelling, and the text of a function while it is written.

An `Operand` is a number of a kernel, in one lane or in several; a `Text` takes instructions and names what they make.
Loads and stores go through `emission_memory`, operations through `emission_operations`.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from wengert.compile.kernel import BOOL, Constant

__all__ = [
    "FLOATS",
    "UNLIKELY",
    "Operand",
    "Text",
    "bits",
    "constant",
    "intrinsic",
    "is_signed",
    "kind",
    "literal",
    "stored",
    "total",
    "vector",
]

FLOATS: Final = {"f64": "double", "f32": "float"}
_LOOPS: Final = 1000  # number of metadata, behind those of `emission_memory`
UNLIKELY: Final = '!prof !{!"branch_weights", i32 1, i32 100000}'


class Operand(NamedTuple):
    """A number, or a vector of them.

    Attributes
    ----------
    text : str
        An SSA name, or a constant.
    type : str
        The type of one entry, in the kernel's words.
    lanes : int
        How many entries.
    """

    text: str
    type: str
    lanes: int = 1

    @property
    def kind(self) -> str:
        """The type in LLVM's words."""
        return vector(kind(self.type), self.lanes)

    @property
    def typed(self) -> str:
        """The operand with its type in front."""
        return f"{self.kind} {self.text}"

    @property
    def pair(self) -> tuple[str, str]:
        """Type and text."""
        return self.kind, self.text

    @property
    def is_constant(self) -> bool:
        """Whether it is a literal."""
        return not self.text.startswith("%")

    def spread(self, number: complex) -> Operand:
        """Return a number in the type of this operand, in each of its lanes."""
        text = literal(number, self.type)
        return self._replace(text=text if self.lanes == 1 else f"splat ({kind(self.type)} {text})")


def kind(type: str) -> str:
    """Return LLVM's name of a type: it knows no sign of integers."""
    if type == BOOL:
        return "i1"
    return FLOATS.get(type) or "i" + type[1:]


def stored(type: str) -> str:
    """Return LLVM's name of a type in memory, where a boolean is a byte."""
    return "i8" if type == BOOL else kind(type)


def vector(scalar: str, lanes: int) -> str:
    """Return the type of so many entries."""
    return scalar if lanes == 1 else f"<{lanes} x {scalar}>"


def bits(type: str) -> int:
    """Return the width of a type in memory."""
    return 8 if type == BOOL else int(type[1:])


def is_signed(type: str) -> bool:
    """Say whether integers of a type have a sign."""
    return type[0] == "i"


def intrinsic(name: str, *operands: Operand) -> str:
    """Return the symbol of an intrinsic function of operands' types: ``@llvm.fma.v8f64``."""
    suffixes = []
    for operand in operands:
        scalar = operand.type if operand.type in FLOATS else kind(operand.type)
        suffixes.append(scalar if operand.lanes == 1 else f"v{operand.lanes}{scalar}")
    return f"@llvm.{name}." + ".".join(suffixes)


def literal(value: complex, type: str) -> str:
    """Return the text of a number: floating-point ones by their bits, integers reduced to their width."""
    if type == BOOL:
        return "true" if value else "false"
    if type in FLOATS:
        number = float(value.real)
        if type == "f32":
            number = _single(number)
        return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
    width = bits(type)
    return str((int(value.real) + (1 << (width - 1))) % (1 << width) - (1 << (width - 1)))


def _single(number: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:  # what `struct` refuses to round to infinity
        return float("inf") if number > 0 else float("-inf")


class Text:
    """A function while it is written: instructions in order, in blocks that end with a branch.

    Attributes
    ----------
    lines : list of str
        Instructions and labels.
    entry : list of str
        Instructions at the head of the function: addresses of buffers, memory for operands of routines.
    block : str
        Label of the block that is written.
    declarations : dict
        Symbol -> declaration, of what is called.
    loops : list of str
        Notes on loops that are as they should be, and are not to be unrolled or made of vectors.
    mathematics : dict
        (name, type, lanes) of the functions of `vector_math` that are called, in order.
    functions : list of str
        Further functions of the module.

    Parameters
    ----------
    module : Text, optional
        Another function of the same module.
    """

    def __init__(self, module: Text | None = None) -> None:
        self.lines: list[str] = []
        self.entry: list[str] = []
        self.block = "start"
        self.declarations: dict[str, str] = module.declarations if module else {}
        self.mathematics: Counter[tuple[str, str, int]] = module.mathematics if module else Counter()
        self.loops: list[str] = module.loops if module else []
        self.functions: list[str] = module.functions if module else []
        self._values = 0
        self._labels = 0

    def name(self) -> str:
        """Return a name that nothing has."""
        self._values += 1
        return f"%v{self._values}"

    def labels(self, *names: str) -> list[str]:
        """Return labels that no block has."""
        self._labels += 1
        return [f"{name}{self._labels}" for name in names]

    def put(self, instruction: str) -> str:
        """Write an instruction that makes a value, and return its name."""
        name = self.name()
        self.lines.append(f"  {name} = {instruction}")
        return name

    def do(self, instruction: str) -> None:
        """Write an instruction that makes no value."""
        self.lines.append(f"  {instruction}")

    @contextmanager
    def aside(self, lines: list[str]) -> Iterator[None]:
        """Write to other lines, for a while."""
        own, self.lines = self.lines, lines
        try:
            yield
        finally:
            self.lines = own

    def make(self, instruction: str, like: Operand) -> Operand:
        """Write an instruction that makes a value of the type of another."""
        return like._replace(text=self.put(instruction))

    def call(self, symbol: str, result: str, *operands: tuple[str, str]) -> str:
        """Return the text of a call, of operands that are a type and a text each, and declare what it calls."""
        types = ", ".join(type for type, _ in operands)
        self.declarations.setdefault(symbol, f"declare {result} {symbol}({types})")
        return f"call {result} {symbol}({', '.join(f'{type} {text}' for type, text in operands)})"

    def open(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        """End the block."""
        self.do(f"br label %{label}")

    def branch(self, condition: str, so: str, otherwise: str, note: str = "") -> None:
        """End the block on a condition."""
        self.do(f"br i1 {condition}, label %{so}, label %{otherwise}" + (f", {note}" if note else ""))

    def finished(self) -> str:
        """Return the note on the branch back of a loop that is as it should be."""
        number = _LOOPS + len(self.loops) + 1
        self.loops.append(f"!{number} = distinct !{{!{number}, !{_LOOPS - 1}, !{_LOOPS}}}")
        return f"!llvm.loop !{number}"

    def metadata(self) -> Iterator[str]:
        """Return the lines that notes on loops refer to."""
        if self.loops:
            yield f'!{_LOOPS - 1} = !{{!"llvm.loop.unroll.disable"}}'
            yield f'!{_LOOPS} = !{{!"llvm.loop.isvectorized", i32 1}}'
        yield from self.loops

    def phi(self, type: str, *arrivals: tuple[str, str]) -> str:
        """Write a value that depends on the block that control came from."""
        return self.put(f"phi {type} " + ", ".join(f"[ {value}, %{block} ]" for value, block in arrivals))

    def later(self) -> tuple[str, int]:
        """Leave room for a phi whose arrivals are not known yet: its name, and its place."""
        self.lines.append("")
        return self.name(), len(self.lines) - 1

    def fill(self, room: tuple[str, int], type: str, *arrivals: tuple[str, str]) -> None:
        """Write the phi that `later` has left room for."""
        name, place = room
        texts = ", ".join(f"[ {value}, %{block} ]" for value, block in arrivals)
        self.lines[place] = f"  {name} = phi {type} {texts}"


def constant(value: Constant) -> Operand:
    """Return a constant as an operand."""
    return Operand(literal(value.value, value.type), value.type)


def total(text: Text, terms: Iterable[tuple[Operand, int]]) -> str:
    """Write the sum of strides times indices, or return nothing where there are none."""
    found = ""
    for index, stride in terms:
        term = index.text
        if stride != 1:
            term = text.put(f"mul nsw {index.typed}, {index.spread(stride).text}")
        found = text.put(f"add nsw {index.kind} {found}, {term}") if found else term
    return found

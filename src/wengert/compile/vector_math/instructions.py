"""LLVM instructions as arithmetic on Python objects: one definition, any number of lanes.

A `Body` collects the instructions of one function; a `Value` is an SSA value of it, a scalar where `lanes` is 1
and a vector `<lanes x T>` otherwise. Operators emit instructions::

    y = body.fma(x, x, 1.0) * 2.0     %1 = call <8 x double> @llvm.fma.v8f64(<8 x double> %x, ...)
                                      %2 = fmul <8 x double> %1, splat (double 0x4000000000000000)

Equal instructions are emitted once, so that no optimisation pass is needed behind this one. Arithmetic carries no
fast-math flag, not even `contract`: a product and a sum are fused where `fma` says so and nowhere else, which makes
compensated sums exact and every number of lanes agree bit for bit. (Without FMA hardware `llvm.fma` calls libm:
correct, and slow.)
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Body", "Type", "Value", "symbol_of"]


FLOAT = {"f64": "double", "f32": "float"}
INT = {"f64": "i64", "f32": "i32"}
SUFFIX = {"double": "f64", "float": "f32", "i64": "i64", "i32": "i32", "i1": "i1"}
C_LIBRARY = {"sin", "cos", "tan", "lgamma", "fmod"}  # called for rare arguments
CAST = {"double": "i64", "float": "i32", "i64": "double", "i32": "float"}

RARELY = '!prof !{!"branch_weights", i32 1, i32 100000}'


class Type(NamedTuple):
    """A scalar of LLVM, or a vector of them."""

    scalar: str
    lanes: int

    def __str__(self) -> str:
        return self.scalar if self.lanes == 1 else f"<{self.lanes} x {self.scalar}>"

    @property
    def is_float(self) -> bool:
        """Whether arithmetic on it is that of floating point."""
        return self.scalar in {"double", "float"}

    @property
    def suffix(self) -> str:
        """How intrinsics name the type: f64, v8f64."""
        short = SUFFIX[self.scalar]
        return short if self.lanes == 1 else f"v{self.lanes}{short}"


Number = float | int


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """An operand: the text of an SSA name or of a constant, its type, and the function it stands in."""

    body: Body
    type: Type
    text: str

    @property
    def precision(self) -> str:
        """How accurate it has to be: as its type, or "wide" where a float32 function computes in float64."""
        return "wide" if self.body.dtype == "f32" and self.type.scalar == "double" else self.type.scalar

    def _binary(self, other: Value | Number, for_floats: str, for_ints: str = "") -> Value:
        instruction = for_floats if self.type.is_float else for_ints
        return self.body.binary(instruction, self, other)

    def __add__(self, other: Value | Number) -> Value:
        return self._binary(other, "fadd", "add")

    def __sub__(self, other: Value | Number) -> Value:
        return self._binary(other, "fsub", "sub")

    def __mul__(self, other: Value | Number) -> Value:
        return self._binary(other, "fmul", "mul")

    def __truediv__(self, other: Value | Number) -> Value:
        return self._binary(other, "fdiv")

    def __radd__(self, other: Number) -> Value:
        return self.body.like(other, self) + self

    def __rsub__(self, other: Number) -> Value:
        return self.body.like(other, self) - self

    def __rmul__(self, other: Number) -> Value:
        return self.body.like(other, self) * self

    def __rtruediv__(self, other: Number) -> Value:
        return self.body.like(other, self) / self

    def __neg__(self) -> Value:
        return self.body.emit(self.type, f"fneg {self.type} {self.text}")

    def __and__(self, other: Value | Number) -> Value:
        return self.body.binary("and", self, other)

    def __or__(self, other: Value | Number) -> Value:
        return self.body.binary("or", self, other)

    def __xor__(self, other: Value | Number) -> Value:
        return self.body.binary("xor", self, other)

    def __lshift__(self, other: Value | Number) -> Value:
        return self.body.binary("shl", self, other)

    def __rshift__(self, other: Value | Number) -> Value:
        """Logical shift: the one that every vector unit has for 64 bits."""
        return self.body.binary("lshr", self, other)

    def __lt__(self, other: Value | Number) -> Value:
        return self.body.compare("olt", "slt", self, other)

    def __le__(self, other: Value | Number) -> Value:
        return self.body.compare("ole", "sle", self, other)

    def __gt__(self, other: Value | Number) -> Value:
        return self.body.compare("ogt", "sgt", self, other)

    def __ge__(self, other: Value | Number) -> Value:
        return self.body.compare("oge", "sge", self, other)

    def equals(self, other: Value | Number) -> Value:
        """Whether the two are equal; a nan equals nothing."""
        return self.body.compare("oeq", "eq", self, other)

    def differs(self, other: Value | Number) -> Value:
        """Whether the two differ; a nan differs from everything."""
        return self.body.compare("une", "ne", self, other)

    def is_nan(self) -> Value:
        """Whether this is nan."""
        return self.body.compare("uno", "", self, self)

    def outside(self, low: int, high: int) -> Value:
        """Whether an integer is not in [low, high): one comparison without signs."""
        return self.body.compare("", "uge", self - low, high - low)

    def not_below(self, other: Value | Number) -> Value:
        """Whether this is not less than the other: true for nan."""
        return self.body.compare("uge", "", self, other)

    def not_above(self, other: Value | Number) -> Value:
        """Whether this is not greater than the other: true for nan."""
        return self.body.compare("ule", "", self, other)

    def cast(self) -> Value:
        """Return the same bits as an integer, or as a floating point number."""
        return self.body.convert("bitcast", self, CAST[self.type.scalar])

    def where(self, then: Value, otherwise: Value | Number) -> Value:
        """Return `then` in the lanes where this is true, else `otherwise`."""
        other = self.body.like(otherwise, then)
        operands = f"{self.type} {self.text}, {then.type} {then.text}, {other.type} {other.text}"
        return self.body.emit(then.type, f"select {operands}")


class Body:
    """The instructions of one function, in order."""

    def __init__(self, name: str, dtype: str, lanes: int) -> None:
        self.name = name
        self.dtype = dtype
        self.lanes = lanes
        self.type = Type(FLOAT[dtype], lanes)
        self.int_type = Type(INT[dtype], lanes)
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}  # symbol -> declaration
        self.outlined: list[str] = []  # whole functions that only this one calls
        self.uses: list[tuple[str, str, int]] = []
        self._emitted: dict[str, Value] = {}
        self._count = 0
        self._block = "entry"

    def parameter(self, name: str) -> Value:
        """Return a parameter of the function."""
        return Value(self, self.type, f"%{name}")

    # instructions

    def emit(self, result: Type, instruction: str) -> Value:
        """Append an instruction, or return the value of an equal one."""
        known = self._emitted.get(instruction)
        if known is None:
            known = self._emitted[instruction] = Value(self, result, self.fresh())
            self.lines.append(f"  {known.text} = {instruction}")
        return known

    def fresh(self) -> str:
        """Return a name that nothing else has."""
        self._count += 1
        return f"%v{self._count}"

    def like(self, number: Value | Number, model: Value) -> Value:
        """Return a constant of the type of `model`; values are returned as they are."""
        return number if isinstance(number, Value) else self.constant(number, model.type)

    def constant(self, number: Number, type_: Type | None = None) -> Value:
        """Return the same constant in every lane, written exactly."""
        type_ = type_ or self.type
        if type_.is_float:
            value = float(number)
            if type_.scalar == "float":
                value = struct.unpack("f", struct.pack("f", value))[0]
            text = f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"
        else:
            text = str(int(number))
        return Value(self, type_, text if type_.lanes == 1 else f"splat ({type_.scalar} {text})")

    def binary(self, instruction: str, x: Value, y: Value | Number) -> Value:
        """Emit an instruction of two operands of one type."""
        return self.emit(x.type, f"{instruction} {x.type} {x.text}, {self.like(y, x).text}")

    def compare(self, for_floats: str, for_ints: str, x: Value, y: Value | Number) -> Value:
        """Emit a comparison, lane by lane."""
        kind = f"fcmp {for_floats}" if x.type.is_float else f"icmp {for_ints}"
        return self.emit(Type("i1", x.type.lanes), f"{kind} {x.type} {x.text}, {self.like(y, x).text}")

    def convert(self, instruction: str, x: Value, scalar: str) -> Value:
        """Emit a conversion: fpext, fptrunc, bitcast, zext, trunc."""
        result = Type(scalar, x.type.lanes)
        return self.emit(result, f"{instruction} {x.type} {x.text} to {result}")

    def intrinsic(self, name: str, *operands: Value) -> Value:
        """Emit a call of an intrinsic whose operands and result have one type."""
        type_ = operands[0].type
        symbol = f"@llvm.{name}.{type_.suffix}"
        self.declarations[symbol] = f"declare {type_} {symbol}({', '.join(str(x.type) for x in operands)})"
        return self.emit(type_, f"call {type_} {symbol}({', '.join(f'{x.type} {x.text}' for x in operands)})")

    # arithmetic

    def fma(self, x: Value, y: Value | Number, z: Value | Number) -> Value:
        """Return x y + z, rounded once."""
        return self.intrinsic("fma", x, self.like(y, x), self.like(z, x))

    def sqrt(self, x: Value) -> Value:
        """Return the square root, correctly rounded."""
        return self.intrinsic("sqrt", x)

    def abs(self, x: Value) -> Value:
        """Return x without its sign."""
        return self.intrinsic("fabs", x)

    def copysign(self, x: Value | Number, sign: Value) -> Value:
        """Return x with the sign of another value."""
        return self.intrinsic("copysign", self.like(x, sign), sign)

    def minimum(self, x: Value, bound: Number) -> Value:
        """Return the smaller of the two; nan stays nan."""
        return (x > bound).where(self.like(bound, x), x)

    def maximum(self, x: Value, bound: Number) -> Value:
        """Return the larger of the two; nan stays nan."""
        return (x < bound).where(self.like(bound, x), x)

    def polynomial(self, x: Value, coefficients: Sequence[Value | Number]) -> Value:
        """Return c0 + c1 x + c2 x^2 + ..., by Estrin's scheme in blocks of two or four terms, then Horner's rule.

        As many multiplications as Horner's rule plus one or two, and a half or a quarter of its latency.
        """
        terms = [self.like(c, x) for c in coefficients]
        for _ in range(min(2, (len(terms) - 1) // 3)):
            terms = [
                self.fma(x, terms[i + 1], terms[i]) if i + 1 < len(terms) else terms[i]
                for i in range(0, len(terms), 2)
            ]
            x *= x
        result = terms[-1]
        for term in reversed(terms[:-1]):
            result = self.fma(result, x, term)
        return result

    # rare arguments

    def rarely(self, rare: Value, usual: Value, scalar: str, *arguments: Value) -> Value:
        """Return `usual`, or `scalar` of the arguments in the lanes that are rare: one branch for all lanes.

        `scalar` is called for one lane after another. It names a function of this package, or of the C library in
        double precision.
        """
        if scalar in C_LIBRARY and usual.type.scalar == "double":
            symbol = self._declared(scalar, len(arguments))
        else:
            dtype = SUFFIX[usual.type.scalar]
            scalar = f"{scalar}.far" if scalar in C_LIBRARY else scalar
            self.uses.append((scalar, dtype, 1))
            symbol = symbol_of(scalar, dtype, 1)
        operands = ", ".join(f"{x.type} {x.text}" for x in arguments)
        if self.lanes > 1:
            symbol = self._lane_loop(symbol, usual.type, [x.type for x in arguments])
            operands = f"{rare.type} {rare.text}, {usual.type} {usual.text}, {operands}"
        return self._branch(rare, usual, [], f"call {usual.type} {symbol}({operands})")

    def rarely_all(self, rare: Value, usual: Value, name: str, *arguments: Value) -> Value:
        """Return `usual`, or in the lanes that are rare another function, called once for all lanes."""
        dtype = SUFFIX[usual.type.scalar]
        self.uses.append((name, dtype, self.lanes))
        operands = ", ".join(f"{x.type} {x.text}" for x in arguments)
        call = f"call {usual.type} {symbol_of(name, dtype, self.lanes)}({operands})"
        if self.lanes == 1:
            return self._branch(rare, usual, [], call)
        found = self.fresh()
        chosen = f"select {rare.type} {rare.text}, {usual.type} {found}, {usual.type} {usual.text}"
        return self._branch(rare, usual, [f"  {found} = {call}"], chosen)

    def _branch(self, rare: Value, usual: Value, before: list[str], instruction: str) -> Value:
        """Run some instructions where a lane is rare, and merge what the last one gives."""
        self._count += 1
        here, slow, after = self._block, f"rare{self._count}", f"common{self._count}"
        found, merged = self.fresh(), Value(self, usual.type, self.fresh())
        self.lines += [
            f"  br i1 {self._any(rare).text}, label %{slow}, label %{after}, {RARELY}",
            f"{slow}:",
            *before,
            f"  {found} = {instruction}",
            f"  br label %{after}",
            f"{after}:",
            f"  {merged.text} = phi {usual.type} [ {usual.text}, %{here} ], [ {found}, %{slow} ]",
        ]
        self._block = after
        return merged

    def _any(self, mask: Value) -> Value:
        if self.lanes == 1:
            return mask
        symbol = f"@llvm.vector.reduce.or.{mask.type.suffix}"
        self.declarations[symbol] = f"declare i1 {symbol}({mask.type})"
        return self.emit(Type("i1", 1), f"call i1 {symbol}({mask.type} {mask.text})")

    def library(self, name: str, *arguments: Value) -> Value:
        """Call a function of the C library, in double precision; for scalar functions only."""
        operands = ", ".join(f"double {self.widen(x).text}" for x in arguments)
        symbol = self._declared(name, len(arguments))
        return self.narrow(self.emit(Type("double", 1), f"call double {symbol}({operands})"))

    def _declared(self, name: str, arity: int) -> str:
        self.declarations[f"@{name}"] = f"declare double @{name}({', '.join(['double'] * arity)})"
        return f"@{name}"

    def widen(self, x: Value) -> Value:
        """Return x in double precision."""
        return x if x.type.scalar == "double" else self.convert("fpext", x, "double")

    def narrow(self, x: Value) -> Value:
        """Return x, computed in double precision, in the precision of the function."""
        return x if x.type == self.type else self.convert("fptrunc", x, self.type.scalar)

    def _lane_loop(self, scalar: str, result: Type, parameters: list[Type]) -> str:
        """Emit, once, the function that calls a scalar function in the lanes of a mask; return its name."""
        name = f"@wg.{self.name}.{scalar.removeprefix('@').replace('.', '_')}.lanes.{self.dtype}x{self.lanes}"
        mask = Type("i1", self.lanes)
        names = [f"%x{i}" for i in range(len(parameters))]
        signature = ", ".join(f"{t} {x}" for t, x in zip(parameters, names, strict=True))
        elements = ", ".join(f"{t.scalar} {x}.i" for t, x in zip(parameters, names, strict=True))
        extracts = "\n".join(
            f"  {x}.i = extractelement {t} {x}, i32 %i" for t, x in zip(parameters, names, strict=True)
        )
        text = f"""\
define internal {result} {name}({mask} %rare, {result} %usual, {signature}) noinline cold nounwind {{
entry:
  br label %lane
lane:
  %i = phi i32 [ 0, %entry ], [ %next, %skip ]
  %y = phi {result} [ %usual, %entry ], [ %z, %skip ]
  %is = extractelement {mask} %rare, i32 %i
  br i1 %is, label %slow, label %skip
slow:
{extracts}
  %f = call {result.scalar} {scalar}({elements})
  %put = insertelement {result} %y, {result.scalar} %f, i32 %i
  br label %skip
skip:
  %z = phi {result} [ %y, %lane ], [ %put, %slow ]
  %next = add i32 %i, 1
  %done = icmp eq i32 %next, {self.lanes}
  br i1 %done, label %exit, label %lane
exit:
  ret {result} %z
}}
"""
        if text not in self.outlined:
            self.outlined.append(text)
        return name


def symbol_of(name: str, dtype: str, lanes: int) -> str:
    """Return the name of a function of this package."""
    return f"@wg.{name}.{dtype}x{lanes}"

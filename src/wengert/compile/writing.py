"""Writing kernels: statements go as far out of the loops around them as what they read allows, each once."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from wengert.compile.affine import Affine
from wengert.compile.kernel import (
    BOOL,
    INT,
    Buffer,
    Constant,
    Index,
    Load,
    Operation,
    Statement,
    Store,
    Value,
)

__all__ = ["TYPES", "Scope", "Writer", "type_name"]

TYPES = {  # of kernels, for the dtypes of NumPy that have one
    "float64": "f64",
    "float32": "f32",
    "int64": "i64",
    "int32": "i32",
    "int16": "i16",
    "int8": "i8",
    "uint64": "u64",
    "uint32": "u32",
    "uint16": "u16",
    "uint8": "u8",
    "bool": "bool",
}
_PRODUCTS = frozenset({"mul", "div"})
_SIGNED = _PRODUCTS | {"neg", "add", "sub"}
_SUMS = frozenset({"neg", "add", "sub", "select"})
_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})


@cache
def type_name(dtype: np.dtype[Any]) -> str | None:
    """Return the type of entries of a dtype, or None where kernels have none."""
    return TYPES.get(dtype.name) if dtype.isnative else None


class Scope:
    """A body that is being written: its statements, which values it has already, and whether it is run at all."""

    __slots__ = ("certain", "known", "statements")

    def __init__(self, *, certain: bool = True) -> None:
        self.certain = certain  # whenever the body around it is
        self.statements: list[Statement] = []
        self.known: dict[Any, Value] = {}


class Writer:
    """Writes statements into the scopes that are open, innermost last. It is the builder of lowering rules."""

    def __init__(self) -> None:
        self.scopes = [Scope()]
        self._opposites: dict[Value, Value] = {}  # what signs were changed of
        self._levels: dict[Value, int] = {}
        self._serials: dict[Value, int] = {}
        self._constants: dict[Any, Constant] = {}
        self._nothings: dict[str, Constant] = {}
        self._ranges: dict[Value, tuple[int, int]] = {}
        self._written: dict[Buffer, tuple[int, int]] = {}  # how deep, and how often, a buffer was written

    # Scopes

    @property
    def level(self) -> int:
        """How many scopes are open around the innermost."""
        return len(self.scopes) - 1

    def open(self, *, certain: bool = True) -> Scope:
        """Open a scope in the innermost; it is not `certain` where no step may be done, or another branch."""
        self.scopes.append(Scope(certain=certain))
        return self.scopes[-1]

    def close(self) -> list[Statement]:
        """Close the innermost scope and return its statements."""
        return self.scopes.pop().statements

    def append(self, statement: Statement) -> None:
        """Add a statement to the innermost scope."""
        self.scopes[-1].statements.append(statement)

    def value(self, type: str, level: int | None = None, within: tuple[int, int] | None = None) -> Value:
        """Return a new value, of the innermost scope or the one given; `within` are its least and greatest."""
        made = Value(type)
        self._serials[made] = len(self._serials)
        self._levels[made] = self.level if level is None else level
        if within is not None:
            self._ranges[made] = within
        return made

    def level_of(self, value: Value) -> int:
        """Return the scope in which a value is made."""
        return self._levels.get(value, 0)

    def certain_level(self, value: Value) -> int:
        """Return the outermost scope that has a value, and is run only where the innermost one is too."""
        level = self.level
        while level > self.level_of(value) and self.scopes[level].certain:
            level -= 1
        return level

    def lookup(self, key: Any) -> Value | None:
        """Return what the open scopes have under a key."""
        for scope in reversed(self.scopes):
            found = scope.known.get(key)
            if found is not None:
                return found
        return None

    def remember(self, key: Any, value: Value) -> None:
        """Keep a value under a key, in the scope that made it."""
        self.scopes[self.level_of(value)].known[key] = value

    # Values

    def constant(self, number: complex, like: Any) -> Constant:
        """Return a number in the type of a value, or of a name of a type."""
        type = like if isinstance(like, str) else like.type
        plain: Any = bool(number) if type == BOOL else number if type[0] != "f" else float(number)  # type: ignore[arg-type]
        key = (type, plain.hex() if isinstance(plain, float) else plain)
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = Constant(type, plain)
        return found

    def nothing(self, like: Any) -> Constant:
        """Return the zero of a product that has a factor zero, in the type of a value: sums leave it out."""
        type = like if isinstance(like, str) else like.type
        return self._nothings.setdefault(type, Constant(type, 0.0 if type[0] == "f" else 0))

    def _is_nothing(self, value: Value) -> bool:
        return value is self._nothings.get(value.type)

    def convert(self, value: Value, type: str) -> Value:
        """Return a value in another type."""
        if value.type == type:
            return value
        if self._is_nothing(value) and type != BOOL:
            return self.nothing(type)
        if isinstance(value, Constant):
            return self.constant(_converted(value.value, type), type)
        return self._operation("convert", (value,), type)

    def __call__(self, name: str, *values: Value) -> Value:
        """Return the result of an operation; signs change as late as they can, which no bit of a number tells."""
        type = BOOL if name in _COMPARISONS else values[1 if name == "select" else 0].type
        if name in _SUMS and any(map(self._is_nothing, values)):
            return self._without_nothing(name, values)
        if name in _SIGNED and type[0] == "f":
            return self._signed(name, values, type)
        return self._operation(name, values, type)

    def _without_nothing(self, name: str, values: tuple[Value, ...]) -> Value:
        a, b = values[-2:] if len(values) > 1 else (values[0], values[0])
        if self._is_nothing(a) and self._is_nothing(b):
            return a
        if name == "select":
            return self._operation(name, values, a.type)
        if self._is_nothing(b):
            return a
        return b if name == "add" else self("neg", b)

    def _signed(self, name: str, values: tuple[Value, ...], type: str) -> Value:
        """Let signs be changed behind products, where sums take them in: no step of a long chain is only for a sign."""
        plain = [self._opposites.get(v) for v in values]
        a, b = plain[0], plain[-1]
        if name == "neg":
            if a is None:
                a = self._operation(name, values, type)
                self._opposites[a] = values[0]
            return a
        if name == "add" and (a is not None or b is not None):
            rest, taken = (values[0], b) if b is not None else (values[1], a)
            return self._operation("sub", (rest, taken), type)  # type: ignore[arg-type]
        if name == "sub" and b is not None:
            return self._operation("add", (values[0], b), type)
        if name in _PRODUCTS and (a is not None or b is not None):
            found = self(name, *[v if p is None else p for v, p in zip(values, plain, strict=True)])
            return found if a is not None and b is not None else self("neg", found)
        return self._operation(name, values, type)

    def joined(self, name: str, so_far: Value, value: Value) -> Value:
        """Return a reduction with one value more: as it stands, since lanes are joined by the same operation."""
        if name == "add" and self._is_nothing(value):
            is_empty = isinstance(so_far, Constant) and so_far.value == 0
            return value if is_empty else so_far
        return self._operation(name, (so_far, value), so_far.type)

    def bitcast(self, value: Value, type: str) -> Value:
        """Return the bits of a value as another type."""
        return self._operation("bitcast", (value,), type)

    def _operation(self, name: str, operands: tuple[Value, ...], type: str) -> Value:
        key = (name, type, operands)
        found = self.lookup(key)
        if found is None:
            found = self.operation_at(
                max([self.level_of(v) for v in operands], default=0), name, operands, type
            )
            self.remember(key, found)
        return found

    def operation_at(self, level: int, name: str, operands: tuple[Value, ...], type: str) -> Value:
        """Return the result of an operation in a scope, and of no use outside of it."""
        found = self.value(type, level)
        self.scopes[level].statements.append(Operation(found, name, operands))
        return found

    # Memory

    def index(self, place: Affine) -> Index:
        """Return a place as an index; its symbols are values."""
        terms = sorted(place.terms, key=lambda term: self._serials[term[0]])
        return Index(place.offset, tuple(terms))

    def load(self, buffer: Buffer, place: Affine) -> Value:
        """Return an entry."""
        level, times = self._written.get(buffer, (0, 0))
        key = (buffer, times, place)
        found = self.lookup(key)
        if found is None:
            level = max([level, *[self.level_of(v) for v, _ in place.terms]])
            found = self.value(buffer.type, level)
            self.scopes[level].statements.append(Load(found, buffer, self.index(place)))
            self.scopes[level].known[key] = found
        return found

    def load_here(self, buffer: Buffer, place: Affine) -> Value:
        """Return an entry as it is now, of a buffer that is being written."""
        found = self.value(buffer.type)
        self.append(Load(found, buffer, self.index(place)))
        return found

    def store(self, value: Value, buffer: Buffer, place: Affine) -> None:
        """Write an entry."""
        self.append(Store(value, buffer, self.index(place)))

    def wrote(self, buffer: Buffer, level: int | None = None) -> None:
        """Take note that a buffer has its contents from here on: loads stay inside of the scope."""
        _, times = self._written.get(buffer, (0, 0))
        self._written[buffer] = (self.level if level is None else level, times + 1)

    # Ranges

    def bounds(self, place: Affine) -> tuple[int, int] | None:
        """Return the least and the greatest that an expression can be, or None."""
        low = high = place.offset
        for v, c in place.terms:
            if v not in self._ranges:
                return None
            ends = [c * end for end in self._ranges[v]]
            low, high = low + min(ends), high + max(ends)
        return low, high

    def integer(self, place: Affine) -> Value:
        """Return an expression as a number."""
        total: Value = self.constant(place.offset, INT)
        for v, c in self.index(place).terms:
            term = v if c == 1 else self("mul", v, self.constant(c, INT))
            total = term if isinstance(total, Constant) and total.value == 0 else self("add", total, term)
        return total


def _converted(number: Any, type: str) -> Any:
    if type == BOOL:
        return bool(number)
    return float(number) if type[0] == "f" else int(number)

"""The body of a loop over lanes: what is done ahead of it, and one step, for a vector of values of the counter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from wengert.compile.emission_memory import (
    from_memory,
    in_memory,
    read,
    shuffled,
    spaced,
    suffix,
    to_memory,
    written,
)
from wengert.compile.emission_operations import chosen, operate
from wengert.compile.emission_text import FLOATS, Operand, Text, bits, constant, stored, total
from wengert.compile.kernel import (
    BOOL,
    INT,
    Buffer,
    Constant,
    Fail,
    For,
    Index,
    Load,
    Operation,
    Statement,
    Store,
    Value,
)
from wengert.compile.vector_math import FUNCTIONS

if TYPE_CHECKING:
    from wengert.compile.emission import Emission

__all__ = ["Step", "Steps", "shape_of"]

_CALL: Final = 24  # weight of a function of `vector_math`; other operations weigh 1
_NEAR: Final = 4  # entries: what lies between entries that are no farther apart is read with them
_SHORTEST: Final = 32  # bits of the types that the number of lanes is made for, at least


class Shape(NamedTuple):
    """How many lanes a loop has, and about how many instructions its body."""

    lanes: int
    weight: int


class Step(NamedTuple):
    """The counter is base + shift + lane; of the lanes, those that a mask holds count."""

    base: str
    shift: int
    mask: Operand | None


class Place(NamedTuple):
    """Where entries are: an address, and the distance from lane to lane, or the distance of each lane from it."""

    address: str
    stride: int
    spread: str | None


def shape_of(loop: For, width_bits: int) -> Shape:
    """Return the shape of a loop: as many lanes as a vector has of the widest type that is computed with.

    That is a type of reals, if there are any: integers beside them, which are indices, take more vectors then.
    """
    weight = 0
    types: set[str] = set()
    for statement in loop.body:
        match statement:
            case Operation(result=result, name=name, operands=operands):
                types.update((result.type, *(x.type for x in operands)))
                weight += _CALL if name in FUNCTIONS and name not in {"sqrt", "floor", "ceil"} else 1
            case Load(buffer=buffer) | Store(buffer=buffer):
                types.add(buffer.type)
                weight += 1
            case _:
                weight += 1
    counted = types & FLOATS.keys() or types
    return Shape(width_bits // max([_SHORTEST, *map(bits, counted)]), weight)


class Steps:
    """The body of a loop over lanes, to be written as often as needed.

    Attributes
    ----------
    early : list of str
        Instructions to stand in front of the loop.
    """

    def __init__(self, emission: Emission, loop: For, lanes: int) -> None:
        self.early: list[str] = []
        self._emission = emission
        self._text: Text = emission.text
        self._loop = loop
        self._lanes = lanes
        self._local: dict[Value, Operand] = {}  # of one step
        self._within: list[Statement] = []  # what is not done ahead
        self._once: dict[tuple[object, ...], str] = {}  # what is made in front of the loop
        self._moved: dict[tuple[str, int, str], str] = {}  # addresses at the first lane of a step
        self._mates: dict[Store, Store] = {}  # stores that are done together, the later one first
        self._nexts = {one.next: one.entry for one in loop.carried}

    # Ahead of the loop ------------------------------------------------------------------------------------------------

    def ahead(self) -> None:
        """Write what does not depend on the counter, and can be done even if a step would fail before it."""
        varying = {self._loop.counter, *(one.entry for one in self._loop.carried)}
        memory = self._emission.memory
        written_to = {memory.scope(s.buffer) for s in self._loop.body if isinstance(s, Store)}
        local: set[Value] = set()
        failing = False
        for statement in self._loop.body:
            failing |= isinstance(statement, Fail)
            if isinstance(statement, Operation | Load):
                reads = set(_reads(statement))
                fixed = isinstance(statement, Operation) or not (
                    failing or memory.scope(statement.buffer) in written_to
                )
                if not reads & varying and not reads & local and fixed:
                    self._emission.statements([statement])
                    continue
                (varying if reads & varying else local).add(statement.result)
            self._within.append(statement)
        self._mates = dict(self._alternating())

    def _alternating(self) -> Iterable[tuple[Store, Store]]:
        """Return pairs of stores that take turns in memory, such as those of the parts of complex numbers."""
        scope, taken = self._emission.memory.scope, set()
        for k, first in enumerate(self._within):
            if not isinstance(first, Store) or first in taken or first.buffer.type == BOOL:
                continue
            if (self._loop.counter, 2) not in first.index.terms:
                continue
            for second in self._within[k + 1 :]:
                if isinstance(second, Store | Load) and scope(second.buffer) == scope(first.buffer):
                    if isinstance(second, Store) and _takes_turns(first, second):
                        taken.add(second)
                        yield second, first
                    break

    # One step ---------------------------------------------------------------------------------------------------------

    def masked(self, step: Step, stop: int | str) -> Step:
        """Return a step of which only the lanes count that are in front of a value of the counter."""
        lanes, text = self._lanes, self._text
        if isinstance(stop, int) and step.base.isdecimal():
            left = stop - int(step.base) - step.shift
            flags = ", ".join(f"i1 {'true' if k < left else 'false'}" for k in range(lanes))
            return step._replace(mask=Operand(f"<{flags}>", BOOL, lanes))
        end = f"{stop - step.shift}" if isinstance(stop, int) else stop
        if step.shift and not isinstance(stop, int):
            end = text.put(f"add nsw i64 {stop}, {-step.shift}")
        away = text.put(f"sub nsw i64 {end}, {step.base}")
        most = text.put(text.call("@llvm.smin.i64", "i64", ("i64", away), ("i64", str(lanes))))
        count = self._spread(Operand(text.put(f"trunc i64 {most} to i32"), "i32"))
        found = text.put(f"icmp slt <{lanes} x i32> {self._ramp('i32')}, {count.text}")
        return step._replace(mask=Operand(found, BOOL, lanes))

    def turn(self) -> None:
        """Begin a step at another value of the counter."""
        self._moved.clear()

    def write(self, step: Step, entries: Sequence[Operand]) -> list[Operand]:
        """Write the body for one vector.

        Parameters
        ----------
        step : Step
        entries : sequence of Operand
            What the reductions start from.

        Returns
        -------
        nexts : list of Operand
        """
        self._local = {one.entry: x for one, x in zip(self._loop.carried, entries, strict=True)}
        late = set(self._mates.values())
        for statement in self._within:
            match statement:
                case Operation():
                    self._operation(statement, step)
                case Load(result=result, buffer=buffer, index=index):
                    self._local[result] = self._load(buffer, index, step)
                case Store() if statement in late:
                    pass
                case Store() if statement in self._mates:
                    self._store_both(self._mates[statement], statement, step)
                case Store(value=value, buffer=buffer, index=index):
                    self._store(self._vector(value, step), buffer, index, step)
                case Fail(condition=condition, code=code):
                    self._fail(self._value(condition, step), code, step)
        return [self._local[one.next] for one in self._loop.carried]

    def _operation(self, statement: Operation, step: Step) -> None:
        result = statement.result
        operands = [self._value(operand, step) for operand in statement.operands]
        if any(operand.lanes > 1 for operand in operands):
            operands = [self._vector(operand, step) for operand in statement.operands]
        made = operate(self._text, statement.name, operands, result.type)
        if step.mask is not None and result in self._nexts:
            made = chosen(self._text, step.mask, made, self._local[self._nexts[result]])
        self._local[result] = made

    def _fail(self, condition: Operand, code: int, step: Step) -> None:
        if condition.lanes == 1:
            self._emission.fail(condition.text, code)
            return
        text, lanes = self._text, self._lanes
        if step.mask is not None:
            condition = text.make(f"and {condition.typed}, {step.mask.text}", condition)
        flags = text.put(f"bitcast {condition.typed} to i{lanes}")
        self._emission.fail(text.put(f"icmp ne i{lanes} {flags}, 0"), code)

    # Values -----------------------------------------------------------------------------------------------------------

    def _value(self, value: Value, step: Step) -> Operand:
        """Return a value: a vector, or a scalar where it is the same in all lanes."""
        if isinstance(value, Constant):
            return constant(value)
        if value is self._loop.counter and value not in self._local:
            self._local[value] = self._counter(step)
        return self._local.get(value) or self._emission[value]

    def _vector(self, value: Value, step: Step) -> Operand:
        """Return a value in all lanes; what was there before the loop is spread in front of it."""
        x = self._value(value, step)
        if x.lanes > 1 or x.is_constant or value in self._local:
            return self._spread(x)
        key = (x.text,)
        if key not in self._once:
            with self._text.aside(self.early):
                self._once[key] = self._spread(x).text
        return x._replace(text=self._once[key], lanes=self._lanes)

    def _spread(self, x: Operand) -> Operand:
        """Return a vector of what may be a scalar."""
        if x.lanes > 1:
            return x
        wide = x._replace(lanes=self._lanes)
        if x.is_constant:
            return wide._replace(text=f"splat ({x.typed})")
        lone = self._text.put(f"insertelement {wide.kind} poison, {x.typed}, i64 0")
        order = f"<{self._lanes} x i32> zeroinitializer"
        return self._text.make(f"shufflevector {wide.kind} {lone}, {wide.kind} poison, {order}", wide)

    def _counter(self, step: Step) -> Operand:
        if step.base.isdecimal():
            return Operand(self._ramp("i64", 1, int(step.base) + step.shift), INT, self._lanes)
        base = self._spread(Operand(step.base, INT))
        return self._text.make(f"add nsw {base.typed}, {self._ramp('i64', 1, step.shift)}", base)

    def _ramp(self, kind: str, stride: int = 1, start: int = 0) -> str:
        """Return a vector of start, start + stride, ..."""
        return f"<{', '.join(f'{kind} {start + stride * k}' for k in range(self._lanes))}>"

    # Memory -----------------------------------------------------------------------------------------------------------

    def _load(self, buffer: Buffer, index: Index, step: Step) -> Operand:
        place, notes = self._place(buffer, index, step), self._emission.memory.home(buffer).notes
        if place.spread is None and place.stride == 0:
            return read(self._text, place.address, buffer, notes)
        if place.spread is None and 1 < abs(place.stride) <= _NEAR:
            return spaced(self._text, place.address, buffer, notes, self._lanes, place.stride, step.mask)
        if place.spread is not None or abs(place.stride) > 1:
            return self._gathered(buffer, place, step.mask)
        mask = step.mask
        if place.stride == 1:
            return read(self._text, place.address, buffer, notes, self._lanes, mask)
        first = self._before(buffer, place.address)
        found = read(self._text, first, buffer, notes, self._lanes, mask and self._turned(mask))
        return self._turned(found)

    def _gathered(self, buffer: Buffer, place: Place, mask: Operand | None) -> Operand:
        lanes, text = self._lanes, self._text
        one = in_memory(buffer, self._lanes).spread(1)
        align = "i32", str(bits(buffer.type) // 8)
        symbol = f"@llvm.masked.gather.v{lanes}{suffix(buffer)}.v{lanes}p0"
        pairs = self._addresses(buffer, place), align, self._mask_or_all(mask), one.pair
        found = text.put(text.call(symbol, one.kind, *pairs) + self._emission.memory.home(buffer).notes)
        return from_memory(text, found, buffer.type, lanes)

    def _store(self, value: Operand, buffer: Buffer, index: Index, step: Step) -> None:
        place, notes = self._place(buffer, index, step), self._emission.memory.home(buffer).notes
        text, mask, lanes = self._text, step.mask, self._lanes
        size = "i32", str(bits(buffer.type) // 8)
        if place.spread is not None or abs(place.stride) != 1:
            given = in_memory(buffer, self._lanes).kind, to_memory(text, value)
            symbol = f"@llvm.masked.scatter.v{lanes}{suffix(buffer)}.v{lanes}p0"
            pairs = given, self._addresses(buffer, place), size, self._mask_or_all(mask)
            text.do(text.call(symbol, "void", *pairs) + notes)
            return
        address = place.address
        if place.stride == -1:
            address, value, mask = (
                self._before(buffer, address),
                self._turned(value),
                mask and self._turned(mask),
            )
        if mask is None:
            written(text, value, address, buffer, notes)
            return
        given = in_memory(buffer, self._lanes).kind, to_memory(text, value)
        symbol = f"@llvm.masked.store.v{lanes}{suffix(buffer)}.p0"
        text.do(text.call(symbol, "void", given, ("ptr", address), size, mask.pair) + notes)

    def _store_both(self, first: Store, second: Store, step: Step) -> None:
        """Store two vectors whose entries take turns as one."""
        low, high = sorted((first, second), key=lambda store: store.index.offset)
        place, text = self._place(low.buffer, low.index, step), self._text
        values = [self._vector(store.value, step) for store in (low, high)]
        if place.spread is not None:
            for store, value in zip((low, high), values, strict=True):
                self._store(value, store.buffer, store.index, step)
            return
        both, notes = self._in_turns(*values), self._emission.memory.home(low.buffer).notes
        if step.mask is None:
            written(text, both, place.address, low.buffer, notes)
            return
        size = "i32", str(bits(low.buffer.type) // 8)
        symbol = f"@llvm.masked.store.v{both.lanes}{suffix(low.buffer)}.p0"
        mask = self._in_turns(step.mask, step.mask)
        text.do(text.call(symbol, "void", both.pair, ("ptr", place.address), size, mask.pair) + notes)

    def _in_turns(self, x: Operand, y: Operand) -> Operand:
        """Return the lanes of two vectors, one from each in turn."""
        n = self._lanes
        return shuffled(self._text, x, y, [place for k in range(n) for place in (k, n + k)])

    def _place(self, buffer: Buffer, index: Index, step: Step) -> Place:
        """Return where the entries of a step are: an address for what is the same in all lanes, and the rest."""
        stride, fixed, local, varying = 0, [], [], []
        for value, factor in index.terms:
            if value is self._loop.counter:
                stride += factor
            elif value not in self._local:
                fixed.append((value, factor))
            elif self._local[value].lanes == 1:
                local.append((self._local[value], factor))
            else:
                varying.append((self._local[value], factor))
        address = self._fixed(buffer, tuple(fixed))
        if local:
            address = self._beyond(buffer, address, total(self._text, local))
        if stride and step.base != "0":
            key = address, stride, stored(buffer.type)
            if key not in self._moved:
                distance = total(self._text, [(Operand(step.base, INT), stride)])
                self._moved[key] = self._beyond(buffer, address, distance)
            address = self._moved[key]
        offset = self._emission.memory.home(buffer).offset + index.offset + stride * step.shift
        address = self._beyond(buffer, address, str(offset)) if offset else address
        if not varying:
            return Place(address, stride, None)
        if stride:
            varying.append((Operand(self._ramp("i64"), INT, self._lanes), stride))
        return Place(address, stride, total(self._text, varying))

    def _fixed(self, buffer: Buffer, terms: tuple[tuple[Value, int], ...]) -> str:
        """Return an address that is the same in all steps."""
        pointer = self._emission.memory.home(buffer).pointer
        if not terms:
            return pointer
        key = pointer, stored(buffer.type), terms
        if key not in self._once:
            with self._text.aside(self.early):
                distance = total(self._text, [(self._emission[value], factor) for value, factor in terms])
                self._once[key] = self._beyond(buffer, pointer, distance)
        return self._once[key]

    def _beyond(self, buffer: Buffer, address: str, distance: str) -> str:
        return self._text.put(f"getelementptr inbounds {stored(buffer.type)}, ptr {address}, i64 {distance}")

    def _before(self, buffer: Buffer, address: str) -> str:
        """Return the address of the last lane's entry, where lanes go backwards."""
        return self._beyond(buffer, address, str(1 - self._lanes))

    def _addresses(self, buffer: Buffer, place: Place) -> tuple[str, str]:
        """Return the address of each lane."""
        lanes = self._lanes
        spread = place.spread or self._ramp("i64", place.stride)
        made = f"getelementptr inbounds {stored(buffer.type)}, ptr {place.address}, <{lanes} x i64> {spread}"
        return f"<{lanes} x ptr>", self._text.put(made)

    def _mask_or_all(self, mask: Operand | None) -> tuple[str, str]:
        return (mask or Operand("", BOOL, self._lanes).spread(1)).pair

    def _turned(self, x: Operand) -> Operand:
        """Return the lanes in the opposite order."""
        return shuffled(self._text, x, x._replace(text="poison"), range(self._lanes - 1, -1, -1))


def _reads(statement: Operation | Load) -> Iterable[Value]:
    """Return the values that a statement depends on."""
    if isinstance(statement, Operation):
        return statement.operands
    return [value for value, _ in statement.index.terms]


def _takes_turns(first: Store, second: Store) -> bool:
    """Whether one store is to the entries right behind those of the other, two steps of memory apart."""
    same = first.buffer is second.buffer and first.index.terms == second.index.terms
    return same and abs(first.index.offset - second.index.offset) == 1

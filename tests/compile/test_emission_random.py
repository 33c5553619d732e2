"""Programs that nobody thought of: in vectors, in steps, and in Python, they do the same.

Numbers are small integers, whatever their type, so that every order of additions gives the same.
"""

import copy

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from wengert.compile.kernel import BOOL, For
from wengert.compile.kernel_check import check

from .kernels import COMPARISONS, DTYPES, Kernel, compiled, interpreted, number

TYPES = ("f64", "f32", "i64", "i32", "u8", "bool")
OF_NUMBERS = (
    "add",
    "sub",
    "mul",
    "minimum",
    "maximum",
    "neg",
    "abs",
    "rem",
    "div",
    "select",
    "compare",
    "convert",
)
OF_INTEGERS = (*OF_NUMBERS, "and", "or", "xor", "shl", "shr", "not")
OF_BOOLEANS = ("and", "or", "xor", "not", "convert", "select")


class Writer:
    """Draws a program."""

    def __init__(self, draw):
        self.draw = draw
        self.kernel = Kernel("drawn")
        self.arguments = []
        self.results = 0

    def choose(self, *options):
        return self.draw(st.sampled_from(options))

    def program(self):
        for _ in range(self.draw(st.integers(1, 3))):
            self.arguments.append(self.kernel.argument(self.choose(*TYPES), self.draw(st.integers(1, 1500))))
        values = [number(self.draw(st.integers(0, 1)), type) for type in TYPES]
        for _ in range(self.draw(st.integers(1, 3))):
            self.choose(self.lanes, self.steps, self.branch)(values, [])
        for value in values[len(TYPES) :]:
            self.store(value, [])
        return self.kernel.program

    # Statements

    def lanes(self, values, counters):
        carried = [v for v in self.some(values) if v.type != "u8"]
        extent = self.extent()
        names = [
            self.choose("minimum", "maximum") if v.type != BOOL else self.choose("and", "or") for v in carried
        ]
        names = [
            self.choose(name, "add") if v.type != BOOL else name
            for name, v in zip(names, carried, strict=True)
        ]
        with self.kernel.loop(extent, *carried, lanes=True) as loop:
            known, inside = list(values), [*counters, (loop.counter, extent)]
            self.operations(known, inside)
            nexts = []
            for name, entry in zip(names, loop.entries, strict=True):
                nexts.append(self.kernel(name, entry, self.small(self.of_type(known, entry.type))))
            self.store(self.choose(*known), inside)
            loop.next(*nexts)
            for one, name in zip(loop.carried, names, strict=True):
                one.reduction = name
        values += [self.small(value) for value in loop.results]

    def steps(self, values, counters):
        carried = self.some(values)
        extent = self.draw(st.integers(0, 4))
        with self.kernel.loop(extent, *carried, reverse=self.choose(True, False)) as loop:
            inside = [*counters, (loop.counter, max(extent, 1))]
            known = [*values, *loop.entries]
            self.operations(known, inside)
            if len(counters) < 2:
                self.choose(self.lanes, self.branch, self.steps)(known, inside)
            loop.next(*[self.small(self.of_type(known, entry.type)) for entry in loop.entries])
        values += loop.results

    def branch(self, values, counters):
        condition = self.of_type(values, BOOL)
        types = [value.type for value in self.some(values)]

        def side():
            known = list(values)
            self.operations(known, counters)
            return tuple(self.of_type(known, type) for type in types)

        values += self.kernel.branch(condition, side, side)

    def operations(self, values, counters):
        for _ in range(self.draw(st.integers(1, 6))):
            values.append(self.load(counters) if self.choose(True, False, False) else self.operation(values))

    def operation(self, values):
        x = self.choose(*values)
        name = self.choose(
            *(OF_BOOLEANS if x.type == BOOL else OF_NUMBERS if x.type[0] == "f" else OF_INTEGERS)
        )
        y = self.of_type(values, x.type)
        if name == "select":
            return self.kernel(name, self.of_type(values, BOOL), x, y)
        if name == "compare":
            return self.kernel(self.choose(*COMPARISONS), x, y)
        if name == "convert":
            return self.converted(x, self.choose(*TYPES))
        if name in {"rem", "div"} and x.type[0] == "f":
            return self.kernel("rem", x, number(7, x.type))
        if name in {"not", "neg", "abs"}:
            return self.kernel(name, x)
        return self.small(self.kernel(name, x, y))

    def converted(self, x, type):
        if x.type[0] == "f" and type == "u8":  # which number a negative one becomes, is not asked here
            x = self.kernel("abs", x)
        return self.small(self.kernel("convert", x, type=type))

    def load(self, counters):
        buffer = self.choose(*self.arguments)
        terms, room = [], buffer.size - 1
        offset = 0
        for counter, extent in counters:
            most = room // max(extent - 1, 1)
            stride = self.draw(st.integers(-min(most, 4), min(most, 4)))
            reach = abs(stride) * max(extent - 1, 0)
            room -= reach
            offset += reach if stride < 0 else 0
            if stride:
                terms.append((counter, stride))
        loaded = self.kernel.load(buffer, *terms, offset=offset + self.draw(st.integers(0, room)))
        return self.small(loaded)

    def store(self, value, counters):
        """Write to a buffer of its own, in which every step has its place."""
        size, terms = 1, []
        for counter, extent in reversed(counters):
            terms.append((counter, size))
            size *= max(extent, 1)
        self.kernel.store(value, self.kernel.result(value.type, size), *terms)

    # Values

    def small(self, value):
        """Return a number of the type of another, and small."""
        if value.type in {BOOL, "u8"}:
            return value
        return self.kernel("rem", value, number(97, value.type))

    def some(self, values):
        return [self.choose(*values) for _ in range(self.choose(1, 2, 0))]

    def of_type(self, values, type):
        found = [value for value in values if value.type == type]
        return self.choose(*found) if found else number(self.draw(st.integers(0, 1)), type)

    def extent(self):
        return self.choose(0, 1, 3, 8, 9, 16, 17, 31, 40, 64, 100, 300, 1100)


@st.composite
def programs(draw):
    return Writer(draw).program()


def in_steps(program):
    """Return the program without lanes."""
    made = copy.deepcopy(program)
    pending = list(made.body)
    while pending:
        statement = pending.pop()
        if isinstance(statement, For):
            statement.lanes = False
        for name in ("body", "ahead", "so", "otherwise"):
            pending += getattr(statement, name, [])
    return made


def arguments_of(program, rng):
    buffers = [b for b in program.buffers if b.home == "argument"]
    return [rng.integers(0, 2 if b.type == BOOL else 50, b.size).astype(DTYPES[b.type]) for b in buffers]


def compare(program, bits, optimise):
    check(program)
    arguments = arguments_of(program, np.random.default_rng(1964))
    _, want = interpreted(program, *arguments)
    for each in (program, in_steps(program)):
        code, got = compiled(each, optimise=optimise, width_bits=bits)(*arguments)
        assert code == 0
        for a, b in zip(got, want, strict=True):
            assert a.tobytes() == b.tobytes() or np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


@hypothesis.given(
    programs(), st.sampled_from([128, 256, 512]), st.sampled_from(["none", "inline", "simplify", "O3"])
)
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])
def test_vectors_steps_and_python_agree(program, bits, optimise):
    compare(program, bits, optimise)


@pytest.mark.slow
@hypothesis.given(
    programs(),
    st.sampled_from([128, 256, 512]),
    st.sampled_from(["none", "inline", "simplify", "O1", "O2", "O3"]),
)
def test_many_programs_agree(program, bits, optimise):
    compare(program, bits, optimise)

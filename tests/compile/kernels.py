"""Kernels for tests: a short way to write them, to run them as machine code, and step by step in Python."""

import ctypes
import itertools
from contextlib import contextmanager
from functools import cache

import numpy as np

from wengert.compile import llvm
from wengert.compile.emission import NAME, llvm_text
from wengert.compile.kernel import (
    BOOL,
    INT,
    OPERATIONS,
    Buffer,
    Call,
    Carried,
    Chosen,
    Constant,
    Fail,
    For,
    If,
    Index,
    Load,
    Multiply,
    Operation,
    Program,
    Store,
    Turn,
    Value,
    While,
)
from wengert.compile.kernel_check import check
from wengert.compile.symbols import imported, resolve

DTYPES = {
    "f64": np.float64,
    "f32": np.float32,
    "bool": np.bool_,
    **{f"i{bits}": np.dtype(f"int{bits}").type for bits in (8, 16, 32, 64)},
    **{f"u{bits}": np.dtype(f"uint{bits}").type for bits in (8, 16, 32, 64)},
}
FLOATS = ("f64", "f32")
INTEGERS = tuple(t for t in DTYPES if t[0] in "iu")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


class Loop:
    """A loop that is being written."""

    def __init__(self, counter, carried):
        self.counter = counter
        self.carried = carried
        self.entries = [one.entry for one in carried]
        self.results = [one.result for one in carried]

    def next(self, *values, by=None):
        for one, value in zip(self.carried, values, strict=True):
            one.next = value
            one.reduction = by


class Kernel:
    """A program that is being written."""

    def __init__(self, name="kernel"):
        self.program = Program(name, [], [], 0)
        self.bodies = [self.program.body]

    def do(self, statement):
        self.bodies[-1].append(statement)

    def buffer(self, type, size, home, name=""):
        count = sum(b.home == home for b in self.program.buffers)
        place = self.program.arena if home == "arena" else count
        made = Buffer(type, size, home, place, name)
        if home == "arena":
            self.program.arena += -(-size * np.dtype(DTYPES[type]).itemsize // 8) * 8
        self.program.buffers.append(made)
        return made

    def argument(self, type, size, name=""):
        return self.buffer(type, size, "argument", name)

    def result(self, type, size, name=""):
        return self.buffer(type, size, "result", name)

    def arena(self, type, size, name=""):
        return self.buffer(type, size, "arena", name)

    def __call__(self, name, *operands, type=None):
        type = type or (BOOL if name in COMPARISONS else operands[-1].type)
        made = Value(type)
        self.do(Operation(made, name, operands))
        return made

    def load(self, buffer, *terms, offset=0):
        made = Value(buffer.type)
        self.do(Load(made, buffer, at(*terms, offset=offset)))
        return made

    def store(self, value, buffer, *terms, offset=0):
        self.do(Store(value, buffer, at(*terms, offset=offset)))

    def fail(self, condition, code):
        self.do(Fail(condition, code))

    def call(self, routine, *operands):
        self.do(Call(routine, operands))

    @contextmanager
    def inside(self, body):
        self.bodies.append(body)
        yield
        self.bodies.pop()

    @contextmanager
    def loop(self, extent, *firsts, lanes=False, reverse=False):
        loop = Loop(Value(INT), [carried(first) for first in firsts])
        made = For(loop.counter, extent, [], loop.carried, lanes, reverse)
        with self.inside(made.body):
            yield loop
        self.do(made)

    @contextmanager
    def repeat(self, *firsts):
        """Write a while loop; `test` is called where its condition is made."""
        loop = Loop(None, [carried(first) for first in firsts])
        made = While([], None, [], loop.carried)
        with self.inside(made.ahead):

            def test(condition):
                made.condition = condition
                self.bodies[-1] = made.body

            loop.test = test
            yield loop
        self.do(made)

    def branch(self, condition, so, otherwise):
        """Write a branch: two functions without arguments, each of which returns a tuple of values."""
        made = If(condition, [], [])
        given = []
        for body, side in ((made.so, so), (made.otherwise, otherwise)):
            with self.inside(body):
                given.append(side())
        made.chosen = [Chosen(Value(a.type), a, b) for a, b in zip(*given, strict=True)]
        self.do(made)
        return [one.result for one in made.chosen]


def at(*terms, offset=0):
    """Return an index: values, or pairs of a value and a stride."""
    return Index(offset, tuple(t if isinstance(t, tuple) else (t, 1) for t in terms))


def carried(first):
    return Carried(first, Value(first.type), first, Value(first.type))


def number(value, type="f64"):
    return Constant(type, value)


def fresh(program, arguments):
    """Return arrays for the results, full of what nobody expects, and for the arena."""
    results = [
        np.frombuffer(b"\x55" * (b.size * np.dtype(DTYPES[b.type]).itemsize), DTYPES[b.type]).copy()
        for b in sorted((b for b in program.buffers if b.home == "result"), key=lambda b: b.place)
    ]
    given = [np.ascontiguousarray(a).ravel() for a in arguments]
    wanted = sorted((b for b in program.buffers if b.home == "argument"), key=lambda b: b.place)
    for array, buffer in zip(given, wanted, strict=True):
        assert array.dtype == DTYPES[buffer.type]
        assert array.size >= buffer.size
    return given, results, np.zeros(max(program.arena, 1), np.uint8)


def compiled(program, *, optimise="inline", width_bits=None, symbols=None):
    """Return a function of arrays that gives the code and the results."""
    check(program)
    text = llvm_text(program, width_bits=width_bits or llvm.host().vector_bits)
    if symbols is None:
        symbols = {name: resolve(name) for name in imported(text)}
    library = llvm.link(llvm.compile_text(text, optimise=optimise), symbols, [NAME])
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(library[NAME])

    def run(*arguments):
        given, results, arena = fresh(program, arguments)
        pointers = [(ctypes.c_void_p * max(len(a), 1))(*[x.ctypes.data for x in a]) for a in (given, results)]
        code = function(*pointers, arena.ctypes.data)
        return code, results

    run.library = library
    return run


def run(program, *arguments, **options):
    code, results = compiled(program, **options)(*arguments)
    assert code == 0
    return results


# Step by step -----------------------------------------------------------------------------------------------------


class Failed(Exception):  # noqa: N818 - it is no error
    """A program ends with a code."""


def interpreted(program, *arguments):
    """Run a program in Python; return its code and results."""
    given, results, arena = fresh(program, arguments)
    memory = {"argument": given, "result": results}
    arrays = {}
    for b in program.buffers:
        if b.home == "arena":
            size = b.size * np.dtype(DTYPES[b.type]).itemsize
            arrays[b] = arena[b.place : b.place + size].view(DTYPES[b.type])
        else:
            arrays[b] = memory[b.home][b.place]
    try:
        with np.errstate(all="ignore"):
            Interpreter(arrays).statements(program.body)
    except Failed as failed:
        return failed.args[0], results
    return 0, results


class Interpreter:
    def __init__(self, arrays):
        self.arrays = arrays
        self.values = {}

    def __getitem__(self, value):
        if isinstance(value, Constant):
            return DTYPES[value.type](value.value)
        return self.values[value]

    def place(self, index):
        return index.offset + sum(int(self[value]) * stride for value, stride in index.terms)

    def entry(self, buffer, index):
        place = self.place(index)
        assert 0 <= place < buffer.size
        return place

    def statements(self, body):
        for s in body:
            match s:
                case Operation():
                    self.values[s.result] = apply(s.name, [self[x] for x in s.operands], s.result.type)
                case Load():
                    self.values[s.result] = self.arrays[s.buffer][self.entry(s.buffer, s.index)]
                case Store():
                    self.arrays[s.buffer][self.entry(s.buffer, s.index)] = self[s.value]
                case Fail():
                    if self[s.condition]:
                        raise Failed(s.code)
                case Multiply():
                    self.multiply(s)
                case Turn():
                    y, x = [self.matrix(block, *s.sizes) for block, _, _ in s.blocks]
                    y[...] = x
                case _:
                    {For: self.steps, While: self.trips, If: self.branch}[type(s)](s)

    def branch(self, branch):
        taken = bool(self[branch.condition])
        self.statements(branch.so if taken else branch.otherwise)
        for one in branch.chosen:
            self.values[one.result] = self[one.so if taken else one.otherwise]

    def matrix(self, block, rows, columns):
        start = self.place(block.at)
        end = start + (rows - 1) * block.down + (columns - 1) * block.across
        array = self.arrays[block.buffer]
        assert 0 <= start <= end < array.size
        size = array.itemsize
        return np.lib.stride_tricks.as_strided(
            array[start:], (rows, columns), (block.down * size, block.across * size)
        )

    def multiply(self, product):
        y, *factors = [self.matrix(x, product.sizes[i], product.sizes[j]) for x, i, j in product.blocks]
        total = sum(a @ b for a, b in zip(factors[::2], factors[1::2], strict=True))
        y[...] = total + (y if product.adds else 0)

    def steps(self, loop):
        extent = loop.extent if isinstance(loop.extent, int) else int(self[loop.extent])
        order = range(extent)
        self.hand(loop.carried, [self[one.first] for one in loop.carried])
        for step in reversed(order) if loop.reverse else order:
            self.values[loop.counter] = np.int64(step)
            self.statements(loop.body)
            self.hand(loop.carried, [self[one.next] for one in loop.carried])
        for one in loop.carried:
            self.values[one.result] = self[one.entry]

    def trips(self, loop):
        self.hand(loop.carried, [self[one.first] for one in loop.carried])
        for _ in itertools.count():
            self.statements(loop.ahead)
            if not self[loop.condition]:
                break
            self.statements(loop.body)
            self.hand(loop.carried, [self[one.next] for one in loop.carried])
        for one in loop.carried:
            self.values[one.result] = self[one.entry]

    def hand(self, carried, values):
        for one, value in zip(carried, values, strict=True):
            self.values[one.entry] = value


# Operations by NumPy ----------------------------------------------------------------------------------------------


@cache
def ufuncs():
    named = {
        "sub": np.subtract,
        "mul": np.multiply,
        "neg": np.negative,
        "rem": np.fmod,
        "xor": np.bitwise_xor,
        "eq": np.equal,
        "ne": np.not_equal,
        "lt": np.less,
        "le": np.less_equal,
        "gt": np.greater,
        "ge": np.greater_equal,
        "and": np.bitwise_and,
        "or": np.bitwise_or,
        "not": np.invert,
        "shl": np.left_shift,
        "shr": np.right_shift,
        "pow": np.power,
        "select": np.where,
    }
    return {name: named.get(name) or getattr(np, name, None) for name in OPERATIONS}


def apply(name, operands, type):
    """Do an operation on arrays or numbers."""
    x = operands[0]
    if name == "convert":
        return np.asarray(x).astype(DTYPES[type])[()]
    if name == "bitcast":
        return np.ascontiguousarray(x).view(DTYPES[type]).reshape(np.shape(x))[()]
    if name == "div":
        return np.divide(*operands) if np.asarray(x).dtype.kind == "f" else quotient(*operands)
    if name == "fma":
        return np.add(np.multiply(*operands[:2]), operands[2])
    return ufuncs()[name](*operands)


def quotient(x, y):
    """Divide integers and drop the fraction; 0 where the divisor is."""
    dtype = np.asarray(x).dtype
    rest = np.fmod(x, y)
    zero = np.asarray(y) == 0
    return np.where(zero, 0, (x - rest) // np.where(zero, 1, y)).astype(dtype)[()]

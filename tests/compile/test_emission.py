"""Kernels as machine code, step by step: loops, branches, failures, routines, and memory."""

import ctypes

import numpy as np
import pytest

from wengert.compile.emission_memory import scopes
from wengert.compile.kernel import Address, Buffer, Constant, Index

from .kernels import Kernel, at, compiled, interpreted, number, run


def agree(program, *arguments, **options):
    """Run a program both ways; return its code and results."""
    code, results = compiled(program, **options)(*arguments)
    wanted_code, wanted = interpreted(program, *arguments)
    assert code == wanted_code
    if code == 0:
        for got, want in zip(results, wanted, strict=True):
            np.testing.assert_array_equal(got, want)
    return code, results


def power_sum(extent, *, reverse=False):
    """Horner's rule: s = 2 s + x[i]."""
    k = Kernel("horner")
    x, s = k.argument("i64", 10), k.result("i64", 1)
    with k.loop(extent, number(7, "i64"), reverse=reverse) as loop:
        (entry,) = loop.entries
        loop.next(k("add", k("mul", entry, number(2, "i64")), k.load(x, loop.counter)))
    k.store(loop.results[0], s)
    return k.program


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("extent", [0, 1, 2, 10])
def test_a_counted_loop_carries_a_value(extent, reverse, rng):
    x = rng.integers(-9, 9, 10)
    _, (got,) = agree(power_sum(extent, reverse=reverse), x)
    want = 7
    for term in x[:extent][:: -1 if reverse else 1]:
        want = 2 * want + term
    assert got[0] == want


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("extent", [-3, 0, 1, 9])
def test_a_loop_runs_as_often_as_a_value_says(extent, reverse, rng):
    k = Kernel()
    n, x, s, y = k.argument("i64", 1), k.argument("i64", 10), k.result("i64", 1), k.result("i64", 10)
    for place in range(10):
        k.store(number(0, "i64"), y, offset=place)
    with k.loop(k.load(n), number(7, "i64"), reverse=reverse) as loop:
        (entry,) = loop.entries
        loop.next(k("sub", k.load(x, loop.counter), entry))
        k.store(entry, y, loop.counter)
    k.store(loop.results[0], s)
    agree(k.program, np.array([extent]), rng.integers(-9, 9, 10))


def test_values_change_places():
    k = Kernel("fibonacci")
    y = k.result("i64", 2)
    with k.loop(30, number(0, "i64"), number(1, "i64")) as loop:
        a, b = loop.entries
        loop.next(b, k("add", a, b))
    for place, value in enumerate(loop.results):
        k.store(value, y, offset=place)
    _, (got,) = agree(k.program)
    assert got.tolist() == [832040, 1346269]


def test_loops_stand_in_loops(rng):
    k = Kernel("product")
    a, b, c = k.argument("f64", 12), k.argument("f64", 20), k.result("f64", 15)
    with k.loop(3) as rows, k.loop(5) as columns:
        with k.loop(4, number(0.0)) as inner:
            left = k.load(a, (rows.counter, 4), inner.counter)
            right = k.load(b, (inner.counter, 5), columns.counter)
            inner.next(k("add", inner.entries[0], k("mul", left, right)))
        k.store(inner.results[0], c, (rows.counter, 5), columns.counter)
    x, y = rng.integers(-9, 9, (3, 4)) + 0.0, rng.integers(-9, 9, (4, 5)) + 0.0
    _, (got,) = agree(k.program, x, y)
    np.testing.assert_array_equal(got.reshape(3, 5), x @ y)


@pytest.mark.parametrize("start", [1, 6, 27, 97])
def test_a_while_loop_goes_on_as_long_as_data_says(start):
    k = Kernel("collatz")
    n, steps = k.argument("i64", 1), k.result("i64", 1)
    with k.repeat(k.load(n), number(0, "i64")) as loop:
        value, count = loop.entries
        loop.test(k("ne", value, number(1, "i64")))
        odd = k("ne", k("and", value, number(1, "i64")), number(0, "i64"))
        up = lambda: (k("add", k("mul", value, number(3, "i64")), number(1, "i64")),)
        down = lambda: (k("shr", value, number(1, "i64")),)
        (following,) = k.branch(odd, up, down)
        loop.next(following, k("add", count, number(1, "i64")))
    k.store(loop.results[1], steps)
    _, (got,) = agree(k.program, np.array([start]))
    assert got[0] == {1: 0, 6: 8, 27: 111, 97: 118}[start]


@pytest.mark.parametrize("x", [-2.0, 3.0, np.nan])
def test_a_branch_gives_values_and_writes(x):
    k = Kernel()
    a, y = k.argument("f64", 1), k.result("f64", 2)
    value = k.load(a)

    def positive():
        k.store(number(1.0), y, offset=1)
        return k("sqrt", value), number(4, "i64")

    def other():
        k.store(number(-1.0), y, offset=1)
        return k("neg", value), number(5, "i64")

    root, code = k.branch(k("gt", value, number(0.0)), positive, other)
    k.store(k("add", root, k("convert", code, type="f64")), y)
    agree(k.program, np.array([x]))


@pytest.mark.parametrize("place", [0, 4, 9])
@pytest.mark.parametrize("code", [1, 77])
def test_a_failure_ends_the_program_with_its_code(place, code):
    k = Kernel()
    x, y = k.argument("i64", 10), k.result("i64", 10)
    with k.loop(10) as loop:
        value = k.load(x, loop.counter)
        k.fail(k("lt", value, number(0, "i64")), code)
        k.fail(k("gt", value, number(100, "i64")), 3)
        k.store(value, y, loop.counter)
    x = np.arange(10)
    assert agree(k.program, x)[0] == 0
    x[place] = -1
    got, (y,) = agree(k.program, x)
    assert got == code
    np.testing.assert_array_equal(y[:place], x[:place])
    assert agree(k.program, x + 101)[0] == 3


def test_buffers_of_the_arena_that_share_bytes_keep_the_order_of_accesses():
    """A buffer that is dead and one that is made in its place: the second is not written before the first is read."""
    k = Kernel()
    x, y = k.argument("f64", 4), k.result("f64", 4)
    first, second = k.arena("f64", 4), k.arena("f64", 4)
    second.place = 8
    k.program.arena = 40
    with k.loop(4) as loop:
        k.store(k.load(x, loop.counter), first, loop.counter)
    with k.loop(4, reverse=True) as loop:
        k.store(k("neg", k.load(first, loop.counter)), second, loop.counter)
    with k.loop(4) as loop:
        k.store(k.load(second, loop.counter), y, loop.counter)
    for optimise in ("none", "O1", "O3"):
        _, (got,) = agree(k.program, np.arange(1.0, 5.0), optimise=optimise)
        np.testing.assert_array_equal(got, [-1.0, -2.0, -3.0, -4.0])


def test_many_buffers_keep_apart(rng):
    k = Kernel()
    xs = [k.argument("f64", 3) for _ in range(50)]
    ys = [k.result("f64", 3) for _ in range(50)]
    with k.loop(3) as loop:
        for x, y in zip(xs, ys, strict=True):
            k.store(k("neg", k.load(x, loop.counter)), y, loop.counter)
    agree(k.program, *rng.normal(size=(50, 3)))


# Routines ---------------------------------------------------------------------------------------------------------


def test_a_routine_takes_values_and_addresses():
    taken = []

    @ctypes.CFUNCTYPE(None, ctypes.c_double, ctypes.c_int64, ctypes.POINTER(ctypes.c_double))
    def routine(scale, count, entries):
        taken.append((scale, count))
        for place in range(count):
            entries[place] *= scale

    k = Kernel()
    x, t, y = k.argument("f64", 3), k.arena("f64", 6), k.result("f64", 3)
    with k.loop(3) as loop:
        k.store(k.load(x, loop.counter), t, loop.counter, offset=2)
    k.call("scale", number(2.5), number(3, "i64"), Address(t, Index(2)))
    with k.loop(3) as loop:
        k.store(k.load(t, loop.counter, offset=2), y, loop.counter)
    symbols = {"scale": ctypes.cast(routine, ctypes.c_void_p).value}
    (got,) = run(k.program, np.array([1.0, 2.0, 3.0]), symbols=symbols, optimise="O3")
    assert taken == [(2.5, 3)]
    assert got.tolist() == [2.5, 5.0, 7.5]


def test_routines_of_fortran_take_scalars_by_address():
    reference = ctypes.POINTER(ctypes.c_double)
    integer = ctypes.POINTER(ctypes.c_int32)

    @ctypes.CFUNCTYPE(None, integer, reference, reference, integer, reference, integer)
    def axpy(n, a, x, dx, y, dy):
        for place in range(n[0]):
            y[place * dy[0]] += a[0] * x[place * dx[0]]

    k = Kernel()
    x, y = k.argument("f64", 6), k.result("f64", 3)
    one, two, n = (number(value, "i64") for value in (1, 2, 3))
    with k.loop(3) as loop:
        k.store(number(1.0), y, loop.counter)
    with k.loop(2) as loop:
        factor = k("convert", loop.counter, type="f64")
        k.call("wg.blas.daxpy", n, factor, Address(x, Index(0)), two, Address(y, Index(0)), one)
    symbols = {"wg.blas.daxpy": ctypes.cast(axpy, ctypes.c_void_p).value}
    (got,) = run(k.program, np.arange(6.0), symbols=symbols)
    assert got.tolist() == [1.0, 3.0, 5.0]


def test_constants_keep_their_bits():
    values = [0.1, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e300]
    k = Kernel()
    y, z = k.result("f64", len(values)), k.result("f32", len(values))
    u, b = k.result("u64", 1), k.result("i8", 1)
    for place, value in enumerate(values):
        k.store(number(value), y, offset=place)
        k.store(number(value, "f32"), z, offset=place)
    k.store(Constant("u64", 2**64 - 1), u)
    k.store(Constant("i8", -128), b)
    with np.errstate(over="ignore"):
        doubles, singles, unsigned, short = run(k.program)
        np.testing.assert_array_equal(doubles, values)
        np.testing.assert_array_equal(singles, np.float32(values))
    assert np.signbit(doubles[1])
    assert unsigned[0] == 2**64 - 1
    assert short[0] == -128


def test_booleans_are_bytes(rng):
    k = Kernel()
    x, y, n = k.argument("bool", 5), k.result("bool", 5), k.result("i64", 1)
    with k.loop(5, number(0, "i64")) as loop:
        flag = k.load(x, loop.counter)
        k.store(k("not", flag), y, loop.counter)
        loop.next(k("add", loop.entries[0], k("convert", flag, type="i64")))
    k.store(loop.results[0], n)
    flags = np.array([True, False, True, True, False])
    negated, count = run(k.program, flags)
    assert negated.view(np.uint8).tolist() == [0, 1, 0, 0, 1]
    assert count[0] == 3
    assert at(loop.counter).terms == ((loop.counter, 1),)


def test_buffers_that_share_bytes_are_in_one_scope():
    """Only others are said not to overlap."""
    homes = [
        ("f64", 4, "arena", 0),
        ("f32", 2, "arena", 24),
        ("f64", 2, "arena", 32),
        ("bool", 1, "arena", 40),
    ]
    homes += [("f64", 4, "argument", 0), ("i64", 2, "argument", 0), ("f64", 4, "result", 0)]
    found = list(scopes([Buffer(*home) for home in homes]).values())
    groups = [[0, 1], [2, 3], [4, 5], [6]]
    for group in groups:
        assert len({found[k] for k in group}) == 1
    assert len(set(found)) == len(groups)

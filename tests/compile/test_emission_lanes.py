"""Loops over lanes: every extent, every stride, failures in any lane, and what is done once."""

import numpy as np
import pytest

from wengert.compile.emission import llvm_text
from wengert.compile.kernel import BOOL

from .kernels import DTYPES, Kernel, compiled, interpreted, number, run

EXTENTS = [*range(71), 127, 128, 129, 1000, 4099]
TYPES = ("f64", "f32", "i64", "u16", "i8", "bool")
MOST = 4099


def agree(program, *arguments, exact=True, **options):
    code, results = compiled(program, **options)(*arguments)
    wanted_code, wanted = interpreted(program, *arguments)
    assert code == wanted_code
    for got, want in zip(results, wanted, strict=True):
        np.testing.assert_array_equal(got, want)
    return results


def entries(type, size, rng):
    return rng.integers(0, 2 if type == "bool" else 100, size).astype(DTYPES[type])


def doubled(extent, type, *, start=0, stride=1, known=True, many=1):
    """y[start + stride i] = x[start + stride i] + x[...], with a buffer in which nothing else is written."""
    k = Kernel("doubled")
    size = 3 + abs(stride) * max(extent, 1)
    first = start if stride >= 0 else abs(stride) * max(extent - 1, 0) + start
    x, y, n = k.argument(type, size), k.result(type, size), k.argument("i64", 1)
    with k.loop(extent if known else k.load(n), lanes=True) as loop:
        value = k.load(x, (loop.counter, stride), offset=first)
        for _ in range(many):
            value = k("xor" if type == "bool" else "add", value, value)
        k.store(value, y, (loop.counter, stride), offset=first)
    return k.program, size


def agree_where_written(program, size, extent, type, rng, **options):
    """Compare all of the result: entries that are not written keep what was there."""
    x = entries(type, size, rng)
    return agree(program, x, np.array([extent]), **options)


@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize("type", ["f64", "f32"])
def test_every_extent(type, extent, rng):
    program, size = doubled(extent, type)
    agree_where_written(program, size, extent, type, rng)


@pytest.mark.parametrize("many", [1, 60], ids=["short", "long"])
def test_every_extent_that_a_value_says(many, rng):
    program, size = doubled(MOST, "f64", known=False, many=many)
    call = compiled(program)
    x = entries("f64", size, rng)
    for extent in (-1, *EXTENTS):
        code, (got,) = call(x, np.array([extent]))
        _, (want,) = interpreted(program, x, np.array([extent]))
        assert code == 0
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("stride", [-7, -3, -2, -1, 2, 3, 4, 5])
@pytest.mark.parametrize("type", TYPES)
def test_every_stride(type, stride, rng):
    for extent in (1, 5, 8, 16, 37):
        program, size = doubled(extent, type, start=2, stride=stride)
        agree_where_written(program, size, extent, type, rng)


@pytest.mark.parametrize("bits", [128, 256, 512])
@pytest.mark.parametrize("type", TYPES)
def test_every_width(type, bits, rng):
    for stride in (-1, 1, 2):
        program, size = doubled(21, type, stride=stride)
        agree_where_written(program, size, 21, type, rng, width_bits=bits)


@pytest.mark.parametrize("optimise", ["none", "inline", "simplify", "O1", "O2", "O3"])
def test_every_level_of_optimisation(optimise, rng):
    program, size = doubled(37, "f64")
    agree_where_written(program, size, 37, "f64", rng, optimise=optimise)


@pytest.mark.parametrize("optimise", ["none", "O3"])
def test_indices_are_values(optimise, rng):
    """Gathers and scatters, by what was loaded, by products of counters, and by both and the counter."""
    k = Kernel("permute")
    order, x, step = k.argument("i64", 37), k.argument("f64", 200), k.argument("i64", 1)
    y, z, w = (k.result("f64", 200) for _ in range(3))
    by = k.load(step)
    with k.loop(37, lanes=True) as loop:
        i = loop.counter
        place = k.load(order, i)
        k.store(k.load(x, place, (i, 2), offset=1), y, place)
        k.store(k.load(x, k("mul", i, by)), z, i)
        k.store(k("convert", i, type="f64"), w, k("mul", i, by), offset=3)
    agree(k.program, rng.permutation(37), rng.normal(size=200), np.array([5]), optimise=optimise)


def test_rows_and_columns_of_matrices(rng):
    k = Kernel("outer")
    a, b, c = k.argument("f64", 5), k.argument("f64", 19), k.result("f64", 95)
    t = k.argument("f64", 95)
    with k.loop(5) as rows, k.loop(19, lanes=True) as columns:
        product = k("mul", k.load(a, rows.counter), k.load(b, columns.counter))
        both = k("add", product, k.load(t, rows.counter, (columns.counter, 5)))
        k.store(both, c, (rows.counter, 19), columns.counter)
    x, y, m = (rng.integers(-9, 9, shape) + 0.0 for shape in (5, 19, (19, 5)))
    (got,) = agree(k.program, x, y, m)
    np.testing.assert_array_equal(got.reshape(5, 19), np.outer(x, y) + m.T)


def test_what_all_lanes_share_is_done_once():
    k = Kernel("shared")
    a, x, y = k.argument("f64", 1), k.argument("f64", 64), k.result("f64", 64)
    with k.loop(64, lanes=True) as loop:
        factor = k("exp", k.load(a))
        k.store(k("mul", factor, k.load(x, loop.counter)), y, loop.counter)
    text = llvm_text(k.program, width_bits=512)
    assert "call double @wg.exp.f64x1(" in text.split("vectors")[0]
    assert "@wg.exp.f64x8" not in text
    (got,) = run(k.program, np.array([0.5]), np.arange(64.0))
    np.testing.assert_allclose(got, np.exp(0.5) * np.arange(64.0), rtol=1e-15)


def test_what_all_lanes_share_stays_behind_a_store_to_its_buffer():
    k = Kernel("overwritten")
    a, y = k.arena("f64", 32), k.result("f64", 32)
    with k.loop(32) as loop:
        k.store(number(1.0), a, loop.counter)
    with k.loop(32, lanes=True) as loop:
        k.store(number(3.0), a, loop.counter)
        k.store(k.load(a, offset=0), y, loop.counter)
    (got,) = run(k.program)
    assert set(got) == {3.0}


def test_no_lane_is_read_or_written_behind_the_end():
    """Buffers end at a page that cannot be touched."""
    import ctypes
    import mmap

    page = mmap.PAGESIZE
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    buffers = [mmap.mmap(-1, 2 * page) for _ in range(2)]
    arrays = [np.frombuffer(buffer, np.float64) for buffer in buffers]
    for array in arrays:
        assert libc.mprotect(array.ctypes.data + page, page, 0) == 0
    size = page // 8
    for extent in (1, 5, 8, 13, 16, 37):
        for stride in (1, -1, 2, 3, 4):
            program, _ = doubled(extent, "f64", stride=stride)
            program.buffers[0].size = program.buffers[1].size = (
                stride * (extent - 1) + 1 if stride > 0 else extent
            )
            used = program.buffers[0].size
            first = 0 if stride > 0 else extent - 1
            assert first < used
            x, y = (array[size - used : size] for array in arrays)
            x[:] = np.arange(used)
            call = compiled(program)
            pointers = [(ctypes.c_void_p * 2)(a.ctypes.data, 0) for a in (x, y)]
            function = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(call.library["wg_program"])
            assert function(*pointers, None) == 0
            np.testing.assert_array_equal(y[:: abs(stride)], 2 * x[:: abs(stride)])


# Failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [1, 60], ids=["short", "long"])
def test_a_failure_in_any_lane_ends_the_program(many):
    k = Kernel("positive")
    extent = 21
    x, y = k.argument("f64", extent), k.result("f64", extent)
    with k.loop(extent, lanes=True) as loop:
        value = k.load(x, loop.counter)
        for _ in range(many):
            value = k("abs", k("neg", value)) if many > 1 else value
        k.fail(k("eq", value, number(7.0)), 5)
        k.store(value, y, loop.counter)
    call = compiled(k.program)
    for place in range(extent):
        x = np.arange(100.0, 100.0 + extent)
        assert call(x)[0] == 0
        x[place] = 7.0
        assert call(x)[0] == 5


def test_lanes_behind_the_end_do_not_fail():
    """What they hold would: 1 is loaded there."""
    for extent in (1, 3, 8, 11):
        k = Kernel("ones")
        x = k.argument("f64", extent)
        with k.loop(extent, lanes=True) as loop:
            k.fail(k("eq", k.load(x, loop.counter), number(1.0)), 5)
            k.fail(k("ge", loop.counter, number(extent, "i64")), 6)
        assert compiled(k.program)(np.zeros(extent))[0] == 0


@pytest.mark.parametrize("optimise", ["none", "O3"])
def test_an_index_is_checked_before_it_is_used(optimise):
    k = Kernel("lookup")
    order, x, y = k.argument("i64", 20), k.argument("f64", 9), k.result("f64", 20)
    common = k.argument("i64", 1)
    with k.loop(20, lanes=True) as loop:
        place = k.load(order, loop.counter)
        low, high = k("lt", place, number(0, "i64")), k("gt", place, number(8, "i64"))
        k.fail(k("or", low, high), 4)
        shared = k.load(common)
        k.fail(k("gt", shared, number(8, "i64")), 9)
        k.store(k("add", k.load(x, place), k.load(x, shared)), y, loop.counter)
    call = compiled(k.program, optimise=optimise)
    order, x = np.arange(20) % 9, np.arange(9.0)
    code, (y,) = call(order, x, np.array([3]))
    assert code == 0
    np.testing.assert_array_equal(y, order + 3)
    assert call(order, x, np.array([2**60]))[0] == 9
    order[17] = 2**60
    assert call(order, x, np.array([3]))[0] == 4


# Types --------------------------------------------------------------------------------------------------------------


def test_types_meet_in_one_loop(rng):
    k = Kernel("mixed")
    x, n, flags = k.argument("f32", 45), k.argument("i8", 45), k.argument("bool", 45)
    y, b = k.result("f64", 45), k.result("bool", 45)
    with k.loop(45, lanes=True) as loop:
        i = loop.counter
        wide = k("convert", k.load(x, i), type="f64")
        whole = k("convert", k.load(n, i), type="f64")
        k.store(k("select", k.load(flags, i), wide, whole), y, i)
        k.store(k("lt", wide, whole, type=BOOL), b, i)
    x, n = rng.normal(size=45).astype(np.float32), rng.integers(-9, 9, 45).astype(np.int8)
    agree(k.program, x, n, rng.integers(0, 2, 45).astype(bool))


def test_a_factor_is_read_once_however_many_buffers_there_are():
    """Scopes of buffers are few; whether two of them share bytes is another question."""
    k = Kernel("many")
    arguments = [k.argument("f64", 16) for _ in range(32)]
    y = k.result("f64", 16)
    with k.loop(16, lanes=True) as loop:
        for x in arguments:
            factor = k.load(x, offset=3)
        k.store(k("mul", factor, k.load(x, loop.counter)), y, loop.counter)
    text = llvm_text(k.program, width_bits=512)
    assert text.split("vectors1:")[0].count("= load double, ptr") == 32
    agree(k.program, *[np.arange(16.0) + j for j in range(32)])

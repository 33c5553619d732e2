"""Every operation on every type, a number at a time and in vectors: what NumPy's ufunc does, bit for bit."""

import math
from fractions import Fraction

import numpy as np
import pytest

from wengert.compile.kernel import BOOL, OPERATIONS
from wengert.compile.kernel_check import _takes
from wengert.compile.vector_math import FUNCTIONS

from .kernels import COMPARISONS, DTYPES, FLOATS, INTEGERS, Kernel, apply, run

N = 403  # vectors, and part of one
# Those that have a result of the type of their operands, and one right answer.
EXACT = (
    *(
        "add",
        "sub",
        "mul",
        "minimum",
        "maximum",
        "neg",
        "abs",
        "div",
        "rem",
        "and",
        "or",
        "xor",
        "shl",
        "shr",
        "not",
    ),
    *("sqrt", "floor", "ceil", "trunc", "rint", "copysign", "fmin", "fmax"),
)
OF_ONE_TYPE = [(name, type) for name in EXACT for type in DTYPES if _takes(name, type)]
MATHEMATICS = sorted(set(FUNCTIONS) & set(OPERATIONS) - set(EXACT))


def pointwise(name, types, result):
    """Return a program that does an operation on entries of arrays, in a loop and in a loop over lanes."""
    k = Kernel(name)
    arguments = [k.argument(type, N) for type in types]
    for lanes in (False, True):
        y = k.result(result, N)
        with k.loop(N, lanes=lanes) as loop:
            values = [k.load(x, loop.counter) for x in arguments]
            k.store(k(name, *values, type=result), y, loop.counter)
    return k.program


def special(type):
    if type == BOOL:
        return np.array([False, True])
    if type in FLOATS:
        info = np.finfo(DTYPES[type])
        some = [
            0.0,
            1.0,
            0.5,
            1.5,
            2.5,
            math.pi,
            info.max,
            info.tiny,
            info.smallest_subnormal,
            np.inf,
            np.nan,
        ]
        return np.array([*some, *(-x for x in some)], DTYPES[type])
    info = np.iinfo(DTYPES[type])
    some = [0, 1, 2, 3, 7, 8, 31, 32, 63, 64, info.max, info.max - 1, info.min, info.min + 1]
    return np.array(sorted({x for x in some if x <= info.max}), DTYPES[type])


def entries(type, rng):
    """Return random numbers of all sizes."""
    if type == BOOL:
        return rng.integers(0, 2, N).astype(bool)
    if type in FLOATS:
        return (rng.normal(size=N) * 2.0 ** rng.integers(-40, 40, N)).astype(DTYPES[type])
    info = np.iinfo(DTYPES[type])
    wide = rng.integers(info.min, info.max, N, DTYPES[type], endpoint=True)
    return np.where(rng.integers(0, 2, N) > 0, wide, wide % DTYPES[type](70)).astype(DTYPES[type])


def operands(types, rng):
    """Return arrays, of random numbers, in which all pairs of special ones stand."""
    found = [entries(type, rng) for type in types]
    grid = np.meshgrid(*[special(type) for type in types[-2:]], indexing="ij")
    for x, values in zip(found[-2:], grid, strict=True):
        chosen = values.ravel()[: N - 20]
        x[: chosen.size] = chosen
    return found


def check(name, types, result, rng, *, ulps=0):
    given = operands(types, rng)
    with np.errstate(all="ignore"):
        want = apply(name, given, result)
    for got in run(pointwise(name, types, result), *given):
        same(got, want, ulps)


def same(got, want, ulps=0):
    """Compare numbers, and the signs of zeros, but not which nan it is."""
    assert got.dtype == want.dtype
    if got.dtype.kind == "f" and ulps:
        with np.errstate(all="ignore"):
            close = np.abs(got - want) <= ulps * np.spacing(np.abs(want))
        assert np.all(close | (got == want) | (np.isnan(got) & np.isnan(want)))
        return
    np.testing.assert_array_equal(got, want)
    if got.dtype.kind == "f":
        numbers = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(want[numbers]))


@pytest.mark.parametrize(("name", "type"), OF_ONE_TYPE)
def test_an_operation_is_numpys(name, type, rng):
    check(name, (type,) * OPERATIONS[name], type, rng)


@pytest.mark.parametrize("type", DTYPES)
@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison_is_numpys(name, type, rng):
    check(name, (type, type), BOOL, rng)


@pytest.mark.parametrize("type", DTYPES)
def test_a_selection_is_numpys(type, rng):
    check("select", (BOOL, type, type), type, rng)


@pytest.mark.parametrize("wanted", DTYPES)
@pytest.mark.parametrize("given", DTYPES)
def test_a_conversion_is_numpys(given, wanted, rng):
    check("convert", (given,), wanted, rng)


@pytest.mark.parametrize("given", FLOATS)
@pytest.mark.parametrize("wanted", INTEGERS)
def test_numbers_at_the_ends_of_integers_are_converted_as_by_numpy(given, wanted, rng):
    """Near powers of two, where they begin not to fit."""
    ends = np.array([s * 2.0**p for p in (7, 8, 15, 16, 31, 32, 33, 62, 63, 64, 65) for s in (-1, 1)])
    x = ends.astype(DTYPES[given])
    near = np.concatenate([x, np.nextafter(x, DTYPES[given](0)), x - 1, x + 1, x - 0.5, x + 0.5])
    numbers = np.resize(near.astype(DTYPES[given]), N)
    with np.errstate(all="ignore"):
        want = numbers.astype(DTYPES[wanted])
    for got in run(pointwise("convert", (given,), wanted), numbers):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("given", "wanted"), [("f64", "u64"), ("i64", "f64"), ("f32", "i32"), ("u32", "f32"), ("i8", "u8")]
)
def test_bits_are_kept(given, wanted, rng):
    given_entries = entries(given, rng)
    for got in run(pointwise("bitcast", (given,), wanted), given_entries):
        assert got.tobytes() == given_entries.tobytes()


def test_a_product_and_a_sum_are_rounded_once(rng):
    x, y = rng.normal(size=(2, N))
    z = -x * y
    want = [float(Fraction(a) * Fraction(b) + Fraction(c)) for a, b, c in zip(x, y, z, strict=True)]
    assert np.any(want)
    for got in run(pointwise("fma", ("f64",) * 3, "f64"), x, y, z):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("type", FLOATS)
@pytest.mark.parametrize("name", MATHEMATICS)
def test_mathematics_is_called(name, type, rng):
    """Its accuracy is the matter of the tests of `vector_math`: here it is that of a lane of it."""
    given = [rng.uniform(0.1, 0.9, N).astype(DTYPES[type]) for _ in range(OPERATIONS[name])]
    if name == "acosh":
        given = [x + 1 for x in given]
    one, many = run(pointwise(name, (type,) * OPERATIONS[name], type), *given)
    np.testing.assert_array_equal(one, many)
    if hasattr(np, name):
        same(one, getattr(np, name)(*given), ulps=4)


@pytest.mark.parametrize("bits", [128, 256, 512])
def test_vectors_of_other_widths(bits, rng):
    given = operands(("f64", "f64"), rng)
    with np.errstate(all="ignore"):
        want = np.minimum(*given)
    for got in run(pointwise("minimum", ("f64", "f64"), "f64"), *given, width_bits=bits):
        same(got, want)

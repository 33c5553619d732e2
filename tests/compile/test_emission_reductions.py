"""Reductions in loops over lanes: sums as accurate as NumPy's, and the rest exact."""

import math

import numpy as np
import pytest

from wengert.compile.emission import llvm_text

from .kernels import DTYPES, FLOATS, Kernel, compiled, interpreted, number

EXTENTS = [*range(71), 255, 256, 257, 511, 512, 513, 1000, 4096, 5003]
MOST = 5003
LARGE = 1_000_000
OTHERS = [
    *[
        (name, type)
        for name in ("mul", "minimum", "maximum")
        for type in ("f64", "f32", "i64", "i32", "u8", "bool")
    ],
    *[(name, type) for name in ("and", "or") for type in ("i64", "u16", "bool")],
    *[("add", type) for type in ("i64", "u32", "i8", "bool")],
]


def reduction(name, type, extent, *, most=MOST, dear=0, known=True, first=None):
    """Join the entries of an array."""
    k = Kernel(f"{name} of {type}".replace(" ", "_"))
    x, n, y = k.argument(type, most), k.argument("i64", 1), k.result(type, 1)
    start = {"mul": 1, "minimum": 100, "and": True}.get(name, 0) if first is None else first
    with k.loop(extent if known else k.load(n), number(start, type), lanes=True) as loop:
        value = k.load(x, loop.counter)
        for _ in range(dear):
            value = k("neg", k("neg", value))
        loop.next(k(name, loop.entries[0], value), by=name)
    k.store(loop.results[0], y)
    return k.program


def total(x, **options):
    """Add an array, in the order of a compiled kernel."""
    types = {np.dtype(dtype): type for type, dtype in DTYPES.items()}
    program = reduction("add", types[x.dtype], x.size, most=x.size, **options)
    code, (y,) = compiled(program)(x, np.array([x.size]))
    assert code == 0
    return y[0]


@pytest.mark.parametrize(("name", "type"), OTHERS)
def test_a_reduction_of_any_extent(name, type, rng):
    """Numbers such that every order gives the same."""
    call = compiled(reduction(name, type, MOST, known=False))
    if type == "bool":
        x = rng.integers(0, 60, MOST) > (0 if name in {"and", "mul", "minimum"} else 58)
    elif name == "mul":
        x = np.where(np.arange(MOST) % 100 == 7, 2, 1).astype(DTYPES[type])
    else:
        x = rng.integers(0, 50, MOST).astype(DTYPES[type])
    for extent in EXTENTS:
        program = reduction(name, type, extent)
        n = np.array([extent])
        (want,) = interpreted(program, x, n)[1]
        code, (got,) = call(x, n)
        assert code == 0
        np.testing.assert_array_equal(got, want, err_msg=str(extent))
        if extent in {0, 1, 7, 8, 15, 31, 33, 64, 70}:
            np.testing.assert_array_equal(compiled(program)(x, n)[1][0], want)


@pytest.mark.parametrize("dear", [0, 6, 30], ids=["short", "middling", "long"])
@pytest.mark.parametrize("known", [True, False])
def test_a_sum_of_integers_in_floating_point_is_exact(known, dear, rng):
    x = rng.integers(-1000, 1000, MOST) + 0.0
    call = compiled(reduction("add", "f64", MOST, known=False, dear=dear))
    for extent in EXTENTS:
        program = reduction("add", "f64", extent, dear=dear)
        code, (got,) = (compiled(program) if known else call)(x, np.array([extent]))
        assert code == 0
        assert got[0] == x[:extent].sum()


@pytest.mark.parametrize("bits", [128, 256, 512])
@pytest.mark.parametrize("type", FLOATS)
def test_sums_in_vectors_of_every_width(type, bits, rng):
    x = rng.integers(-50, 50, MOST).astype(DTYPES[type])
    for extent in (1, 31, MOST):
        call = compiled(reduction("add", type, extent), width_bits=bits)
        assert call(x, np.array([extent]))[1][0][0] == x[:extent].sum()


# Accuracy -----------------------------------------------------------------------------------------------------------


def bound(n, lanes, copies):
    """Return how many roundings an entry meets: see `emission_reductions`."""
    merging = math.log2(copies)
    steps = math.ceil(n / (lanes * copies))
    return steps - 1 + merging + math.log2(lanes) if steps <= 16 else 15 + merging + 1


def numpys_bound(n):
    """Return the same for pairwise sums: 15 in a block, 3 that join its parts, and one for each halving above it."""
    return 15 + 3 + max(0, math.ceil(math.log2(n / 128)))


def hard(n, rng):
    """Return numbers whose sum is far smaller than they are."""
    half = rng.normal(size=n // 2) * 2.0 ** rng.integers(-30, 30, n // 2)
    x = np.concatenate([half, -half * (1 + 2.0**-40 * rng.normal(size=n // 2))])
    rng.shuffle(x)
    return x


CASES = {
    "uniform": lambda n, rng: rng.uniform(size=n),
    "normal": lambda n, rng: rng.normal(size=n),
    "ill-conditioned": hard,
    "growing": lambda n, rng: np.exp(np.linspace(-30, 30, n)),
    "equal": lambda n, rng: np.full(n, 0.1),
    "one large": lambda n, rng: np.where(np.arange(n) == 3, 1e16, 1.0),
}


@pytest.mark.parametrize("n", [128, 512, 4096, LARGE])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("type", FLOATS)
def test_a_sum_is_as_accurate_as_numpys(type, case, n, rng):
    x = CASES[case](n, rng).astype(DTYPES[type])
    exact, size = math.fsum(x.astype(float)), math.fsum(np.abs(x).astype(float))
    half_eps = np.finfo(x.dtype).eps / 2
    for dear, copies in ((0, 4), (30, 1)):
        error = abs(float(total(x, dear=dear)) - exact)
        lanes = 8 if type == "f64" else 16
        limit = bound(n, lanes, copies)
        assert limit <= numpys_bound(n)
        assert error <= limit * half_eps * size


def test_long_sums_are_more_accurate_than_numpys(rng):
    """On average: errors of both are random."""
    ours, numpys = [], []
    for _ in range(5):
        x = rng.uniform(size=LARGE).astype(np.float32)
        exact = math.fsum(x.astype(float))
        ours.append(abs(float(total(x)) - exact))
        numpys.append(abs(float(np.sum(x)) - exact))
    assert sum(ours) <= sum(numpys)


def test_a_sum_is_the_same_in_every_run(rng):
    x = rng.normal(size=LARGE)
    assert len({total(x) for _ in range(3)}) == 1


# Special values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 40, 600, 5003])
@pytest.mark.parametrize("type", FLOATS)
def test_special_values_in_sums(type, n):
    dtype = DTYPES[type]
    for place in {0, n // 2, n - 1}:
        for value in (np.inf, -np.inf, np.nan):
            x = np.ones(n, dtype)
            x[place] = value
            np.testing.assert_equal(total(x), dtype(value))
        x = np.ones(n, dtype)
        x[0], x[place] = np.inf, -np.inf
        assert np.isnan(total(x)) == (place > 0)
    largest = np.full(n, np.finfo(dtype).max)
    assert total(largest) == np.inf


@pytest.mark.parametrize("n", [5, 40, 600, 5003])
def test_a_sum_of_negative_zeros_is_one(n):
    zeros = np.full(n, -0.0)
    assert np.signbit(total(zeros, first=-0.0))
    assert not np.signbit(total(zeros, first=0.0))


@pytest.mark.parametrize("name", ["minimum", "maximum"])
@pytest.mark.parametrize("n", [5, 40, 5003])
def test_extremes_pass_nan_on(name, n):
    for place in {0, n // 2, n - 1}:
        x = np.zeros(n)
        x[place] = np.nan
        program = reduction(name, "f64", n, most=n)
        assert np.isnan(compiled(program)(x, np.array([n]))[1][0][0])


# Several --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extent", [1, 9, 70, 1003])
def test_several_reductions_in_one_loop(extent, rng):
    k = Kernel("moments")
    x, y, last = k.argument("f64", extent), k.result("f64", 3), k.result("i64", 1)
    firsts = number(0.0), number(0.5), number(-np.inf), number(0, "i64")
    with k.loop(extent, *firsts, lanes=True) as loop:
        value = k.load(x, loop.counter)
        a, b, c, d = loop.entries
        loop.next(
            k("add", a, value),
            k("add", k("mul", value, value), b),
            k("maximum", value, c),
            k("maximum", d, loop.counter),
        )
        for one, name in zip(loop.carried, ("add", "add", "maximum", "maximum"), strict=True):
            one.reduction = name
    for place, value in enumerate(loop.results[:3]):
        k.store(value, y, offset=place)
    k.store(loop.results[3], last)
    x = rng.integers(-50, 50, extent) + 0.0
    code, (got, counter) = compiled(k.program)(x)
    assert code == 0
    assert got.tolist() == [x.sum(), 0.5 + x @ x, x.max()]
    assert counter[0] == extent - 1


def test_a_long_body_is_written_once():
    text = llvm_text(reduction("add", "f64", 5003, dear=30), width_bits=512)
    assert text.count("fneg <8 x double>") == 60
    text = llvm_text(reduction("add", "f64", 5003, dear=1), width_bits=512)
    assert text.count("fneg <8 x double>") == 2 * (4 + 1 + 1)

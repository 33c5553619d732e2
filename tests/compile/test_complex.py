"""Complex numbers in machine code: NumPy's values, specials and types, for every operation that takes them.

Elementary functions are within 4 ulp of the right result in each part, relative to the modulus, as NumPy's are. Sums of
products, and the rules of derivatives, are held to 1e-13 of the largest number on the way, as in `test_laws`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from tests.laws.cases import ALL, Case, complexes, samples
from wengert.compile.compiled import Native
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.transforms.staging import stage
from wengert.types import type_of

from .graph_agreement import MISSED, coarsest, native_results, plain_results, require_equal_types, sizes
from .test_laws import ROUNDING, joined, sample

TAKE_COMPLEX = [name for name in ALL if PRIMITIVES[name].complex]

# All of what programs do themselves; the rest, NumPy does in the middle of them.
NATIVE = {
    *(
        "absolute",
        "add",
        "cast",
        "conjugate",
        "cos",
        "cosh",
        "divide",
        "exp",
        "log",
        "log10",
        "log2",
        "masked",
    ),
    *(
        "multiply",
        "negative",
        "positive",
        "real",
        "imag",
        "reciprocal",
        "sign",
        "sin",
        "sinh",
        "sqrt",
        "square",
    ),
    *(
        "stop_gradient",
        "subtract",
        "tan",
        "tanh",
        "where",
        "sum",
        "matmul",
        "matvec",
        "tensordot",
        "vecdot",
        "vecmat",
    ),
    *(
        "einsum",
        "cross",
        "embed_diagonal",
        "tril",
        "triu",
        "broadcast_to",
        "diagonal",
        "flip",
        "getitem",
        "reshape",
    ),
    *("transpose", "concatenate", "index_add", "index_update", "pad", "scatter"),
}


def compiled(fun: Callable[..., Any], *xs: Any) -> tuple[Any, Native]:
    """Return what machine code makes of a function of one result, and the code."""
    native = Native(stage(lambda *xs: [fun(*xs)], [type_of(x) for x in xs], "complex")[0])
    (y,) = native.flat(xs)(*xs)
    return y, native


def parts(y: Any) -> list[np.ndarray]:
    y = np.asarray(y)
    return [y.real, y.imag] if y.dtype.kind == "c" else [y]


def cases_of(prim: Primitive) -> list[Case]:
    count = 2 if prim.name in NATIVE else 1
    return [variant for case in list(samples(prim))[:count] for variant in complexes(case)]


@pytest.mark.parametrize("name", TAKE_COMPLEX)
def test_values_and_derivatives(name):
    prim = PRIMITIVES[name]
    with np.errstate(all="ignore"):
        found = [one for one in (sample(prim, case) for case in cases_of(prim)) if one is not None]
    assert any(one.is_native for one in found) == (name in NATIVE)
    found = [one for one in found if not isinstance(plain_results(one.graph, one.case.xs), type)]  # raises
    if not found:
        return
    graph = joined(found, name)
    ys = native_results(graph, [x for one in found for x in one.case.xs])
    assert ys is not MISSED
    for one in found:
        own, ys = ys[: len(one.graph.outputs)], ys[len(one.graph.outputs) :]
        expected = plain_results(one.graph, one.case.xs)
        require_equal_types(own, expected)
        size = sizes(one.graph, one.case.xs) * coarsest(one.graph)
        for y, e in zip(own, expected, strict=True):
            for a, b in zip(parts(y), parts(e), strict=True):
                finite = np.isfinite(b)
                np.testing.assert_array_equal(a[~finite], b[~finite])
                np.testing.assert_allclose(a[finite], b[finite], rtol=0, atol=ROUNDING * size)


# Special values -------------------------------------------------------------------------------------------------------

NUMBERS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.5,
    -0.3,
    np.inf,
    -np.inf,
    np.nan,
    1e-300,
    1e-310,
    -1e300,
    5e-324,
    1.7e308,
    709.5,
]
NUMBERS += [720.0, -720.0, 1.0000001, np.pi / 2, 1e5]
OF_ONE = ["conjugate", "absolute", "square", "reciprocal", "sign", "isnan", "isinf", "isfinite", "negative"]
OF_ONE += ["exp", "log", "log2", "log10", "sqrt", "sinh", "cosh", "tanh", "sin", "cos", "tan"]
OF_TWO = ["add", "subtract", "multiply", "divide", "equal", "not_equal"]


def specials() -> np.ndarray:
    z = np.empty((len(NUMBERS), len(NUMBERS)), complex)
    z.real, z.imag = np.array(NUMBERS)[:, np.newaxis], NUMBERS
    return z.ravel()


def require_near(name: str, *xs: np.ndarray) -> None:
    """Hold entries to NumPy's: 4 ulp of the modulus for each of the two; infinities, nan and signs of zeros alike."""
    with np.errstate(all="ignore"):
        fun = getattr(np, name)
        (found, _), expected = compiled(fun, *xs), fun(*xs)
        assert found.dtype == expected.dtype
        if expected.dtype == bool:
            np.testing.assert_array_equal(found, expected)
            return
        size = np.abs(expected)
        for y, e in zip(parts(found), parts(expected), strict=True):
            near = np.abs(y - e) <= 8 * np.spacing(np.where(np.isfinite(size), size, np.abs(e)))
            same = (y == e) & ((np.signbit(y) == np.signbit(e)) | (y != 0) | (name == "divide"))
            wrong = ~(near & ((y != 0) | (e != 0)) | same | (np.isnan(y) & np.isnan(e)))
            assert not wrong.any(), (name, [x[wrong][:3] for x in xs], y[wrong][:3], e[wrong][:3])


@pytest.mark.parametrize("name", OF_ONE)
def test_special_values_of_one_operand(name):
    require_near(name, specials())


@pytest.mark.parametrize("name", OF_TWO)
def test_special_values_of_two_operands(name):
    """Zeros of quotients may have another sign where a product underflows that is rounded once."""
    z, n = specials(), len(specials())
    some = np.random.default_rng(2).choice(n * n, 20000, replace=False)
    require_near(name, np.repeat(z, n)[some], np.tile(z, n)[some])
    x = np.array(NUMBERS)
    require_near(name, np.repeat(x, n), np.tile(z, len(x)))
    require_near(name, np.tile(z, len(x)), np.repeat(x, n))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 7, 99, -1, -2, -3, -50])
def test_integer_powers(n):
    """Each product is off by about 2 ulp; where one overflows, inf - inf is nan, but not in a product rounded once."""
    rng = np.random.default_rng(8)
    z = np.concatenate([specials(), rng.uniform(0.1, 10, 500) * np.exp(1j * rng.uniform(-np.pi, np.pi, 500))])
    with np.errstate(all="ignore"):
        (found, native), expected = compiled(lambda z: z**n, z), np.power(z, n)
        assert native._lowered.host is None
        size = np.abs(expected)
        largest = np.max([np.where(np.isfinite(part), np.abs(part), 1.0) for part in parts(z)], axis=0)
        overflows = np.maximum(largest, 1.0) ** (2 * abs(n)) > 1e300
        for y, e in zip(parts(found), parts(expected), strict=True):
            near = np.abs(y - e) <= (8 + 4 * abs(n)) * np.spacing(
                np.where(np.isfinite(size), size, np.abs(e))
            )
            wrong = ~(near | (y == e) | (np.isnan(y) & np.isnan(e)))
            wrong &= ~overflows
            assert not wrong.any(), (z[wrong][:3], y[wrong][:3], e[wrong][:3])


@pytest.mark.parametrize("name", [*OF_ONE, *OF_TWO])
def test_entries_in_both_precisions(name):
    rng = np.random.default_rng(7)
    for dtype, most in ((np.complex128, 3.0), (np.complex64, 1.5)):
        z = 10 ** rng.uniform(-most, most, (2, 1000)) * np.exp(1j * rng.uniform(-np.pi, np.pi, (2, 1000)))
        z[0, :200] = np.exp(1j * rng.uniform(-np.pi, np.pi, 200)) * (
            1 + rng.normal(size=200) * 1e-4
        )  # log z near 0
        require_near(name, *z[: 1 + (name in OF_TWO)].astype(dtype))


# Programs -------------------------------------------------------------------------------------------------------------


def operands() -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    return [rng.normal(size=(4, 5)) + 1j * rng.normal(size=(4, 5)) for _ in range(2)]


PROGRAMS: dict[str, tuple[Callable[..., Any], bool]] = {  # and whether all of it is native
    "views": (lambda a, b: a.T[1:, ::-1] * 2 + b.reshape(5, 4)[[3, 0, 1, 2]], True),
    "parts": (lambda a, b: a.real * b.imag + np.angle(a), True),
    "real operands": (lambda a, b: a.real / b + 2 * a - np.arange(5), True),
    "sums": (lambda a, b: (a * b).sum(axis=0) + np.mean(a), True),
    "products": (lambda a, b: np.conj(a) @ b.T.real + a.real @ b.T + a @ b.conj().T, True),
    "vectors": (lambda a, b: np.vecdot(a, b) + np.vecdot(a, b.real) + np.einsum("ij,ij->i", a, b), True),
    "a trace": (lambda a, b: np.einsum("ii->", a[:, :4]) + np.trace(b), True),
    "choices": (lambda a, b: np.where(a.real > 0, a, 1.0) + np.where(b == b, 1j, a), True),
    "casts": (lambda a, b: a.astype(np.complex64) * np.float32(2) + b.real.astype(np.complex64), True),
    "pieces": (lambda a, b: np.concatenate([a, b.real, np.pad(a.imag, 1)[:, 1:-1]]), True),
    "cofactors of vectors": (lambda a, b: np.cross(a[:, :3], b[:, :3]), True),
    "constants": (lambda a, b: a * np.array([1j, 2, 3 - 1j, 0, 1]) + np.full(5, 2j), True),
    "a transform": (lambda a, b: np.abs(np.fft.ifft(np.fft.fft(a * 2) * b)), False),
    "a power": (lambda a, b: (a + b) ** b, False),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    fun, is_native = PROGRAMS[name]
    xs = operands()
    y, native = compiled(fun, *xs)
    expected = fun(*xs)
    assert (np.shape(y), np.result_type(y)) == (np.shape(expected), np.result_type(expected))
    assert (native.program is not None and native._lowered.host is None) == is_native
    scale = np.finfo(expected.dtype).eps * max(1.0, np.max(np.abs(expected)))
    np.testing.assert_allclose(y, expected, rtol=0, atol=64 * scale)


def test_writes():
    a, b = operands()

    def fun(a: Any, b: Any, k: Any) -> Any:
        y = wg.numpy.array(a)
        y[1] = b[0]
        y[2, 1:] += b.real[k, 1:]
        y[:, 0] = 3.0
        return y * y[k]

    y, _ = compiled(fun, a, b, np.int64(2))
    np.testing.assert_allclose(y, fun(a, b, np.int64(2)), rtol=1e-15)


def test_loops_and_branches():
    a, b = operands()

    def step(total: Any, x: Any) -> Any:
        turned = wg.cond(np.abs(x[0]) > 1, lambda t: t * 1j, lambda t: t + 1.0, total)
        return turned * 0.5 + x, np.sum(turned)

    fun = lambda a, b: wg.scan(step, b[0], a)[1]
    y, native = compiled(fun, a, b)
    assert native._lowered.host is None
    np.testing.assert_allclose(y, fun(a, b), rtol=0, atol=64 * np.finfo(float).eps * np.abs(y).max())


def test_numbers_of_python(machine_code):
    f = wg.jit(lambda z, n: (z * n + 1j, abs(z), z.conjugate()))
    for z, n in ((1 + 2j, 2.0), (3 - 1j, 0.5), (-1j, 1.0)):
        y = f(z, n)
        assert y == (z * n + 1j, abs(z), z.conjugate())
    assert isinstance(y[0], complex)


def test_guards(machine_code):
    """A number that Python asked for is compared with what it was; where it is complex, by Python."""
    f = wg.jit(lambda z, x: z * 2 if complex(z).imag > 0 else z * x)
    g = wg.jit(lambda z, x: z * 2 if z.imag > 0 and z != x else z * x)
    for z in (1 + 1j, 1 + 1j, 2 - 1j, 2 - 1j, 3 + 1j, 1 + 1j, 3 - 2j):
        assert f(z, 0.5) == g(z, 0.5) == (z * 2 if z.imag > 0 else z * 0.5)


def test_gradients(machine_code):
    a, b = operands()

    def loss(a: Any, b: Any) -> Any:
        return np.sum(np.abs(np.sin(a) * np.exp(1j * b)) ** 2) + np.sum(np.real(np.log(a) / np.sqrt(b)))

    gradient = wg.grad(loss, argnums=(0, 1))
    f = wg.jit(gradient)
    f(a, b)
    for y, e in zip(f(a, b), gradient(a, b), strict=True):
        np.testing.assert_allclose(y, e, rtol=0, atol=1e-13 * np.abs(e).max())


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_parts_are_stored_in_turns(dtype):
    """As one vector, whatever is left at the end of a loop."""
    rng = np.random.default_rng(1)
    for n in (1, 2, 3, 7, 8, 9, 31, 32, 33, 100):
        z = (rng.normal(size=n) + 1j * rng.normal(size=n)).astype(dtype)
        y, native = compiled(lambda z: np.conjugate(z) + 1, z)
        assert "scatter" not in native.text
        np.testing.assert_array_equal(y, np.conjugate(z) + 1)

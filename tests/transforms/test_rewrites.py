"""The table of rewrites: every entry fires, and changes no bit, or only the order of additions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.core.graph import Graph
from wengert.ops.families import masked
from wengert.ops.indexing import scatter_
from wengert.transforms.execution import run
from wengert.transforms.simplify import REWRITES, simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType


class Case(NamedTuple):
    """A function of operands of these shapes, to which an entry of the table applies, whatever their dtype.

    `ulps` bounds, in units of the last place of the sum of the magnitudes of all terms, how far another order of the
    same additions may lead; None: every bit stays.
    """

    fun: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = ((13,),)
    dtypes: str = "fdFD"
    ulps: int | None = None


SHAPES = [((13,),), ((0,),), ((2, 3),), ((),)]  # what an elementwise rule is tried on


def scattered(c, y):
    """An array with another added in its middle."""
    return c + scatter_(y, indices=(slice(1, -1),), shape=np.shape(c))


def repeated(c, y):
    """An array to whose entry 0 three numbers are added, and one to entry 2."""
    return c + scatter_(y, indices=(np.array([0, 2, 0, 0]),), shape=np.shape(c))


CASES: dict[tuple[str, str], list[Case]] = {
    ("times_one", "multiply"): [
        Case(lambda x: x * 1.0, shape, "fd") for shape in SHAPES
    ] + [Case(lambda x: 1.0 * x, dtypes="fd"), Case(lambda x: x * 1, dtypes="ilb")],
    ("times_one", "masked"): [
        Case(lambda x: masked(x, x.dtype.type(1)), dtypes="fd", ulps=0),
        Case(lambda x: masked(x.dtype.type(1), x), ((2, 3),), "fd", 0),
        Case(lambda x: masked(np.broadcast_to(x.dtype.type(1), (2, 3)), x), ((2, 3),), "fd", 0),
    ],
    ("finite_factor", "masked"): [
        Case(lambda x: masked(x, x.dtype.type(-2.5)), dtypes="fd", ulps=0),
        Case(lambda x: masked(x.dtype.type(2), x), ((2, 3),), "fd", 0),
    ],
    ("over_one", "divide"): [Case(lambda x: x / 1.0, shape, "fd") for shape in SHAPES],
    ("over_one", "power"): [Case(lambda x: x**1.0, shape, "fd") for shape in SHAPES]
    + [Case(lambda x: x**1, dtypes="il")],
    ("minus_zero", "subtract"): [Case(lambda x: x - 0.0, shape, "fd") for shape in SHAPES]
    + [Case(lambda x: x - 0, dtypes="il"), Case(lambda x: np.subtract(x, np.float32(0.0)))],
    ("complex_square", "power"): [Case(lambda x: x**2, shape, "FD") for shape in SHAPES if shape != ((),)],
    ("square", "power"): [Case(lambda x: x**2, shape, "fd") for shape in SHAPES] + [Case(lambda x: x**2, dtypes="il")],
    ("twice", "negative"): [Case(lambda x: -(-x), shape, "fdFDil") for shape in SHAPES],  # noqa: B002
    ("twice", "conjugate"): [Case(lambda x: np.conjugate(np.conjugate(x)), shape, "FD") for shape in SHAPES],
    ("to_itself", "cast"): [Case(lambda x: x.astype(x.dtype), dtypes="fdFD")],
    ("to_itself", "broadcast_to"): [Case(lambda x: np.broadcast_to(x, np.shape(x)), shape) for shape in SHAPES],
    ("to_itself", "reshape"): [Case(lambda x: np.reshape(x, np.shape(x)), shape) for shape in SHAPES],
    ("reshape_twice", "reshape"): [
        Case(lambda x: np.reshape(np.reshape(x, (3, 4)), (2, 6)), ((2, 3, 2),)),
        Case(lambda x: np.reshape(np.reshape(x, (0, 4)), (2, 0)), ((0, 2),)),
        Case(lambda x: np.reshape(np.reshape(x, (1,)), (1, 1)), ((),)),
    ],
    ("transpose_twice", "transpose"): [
        Case(lambda x: np.transpose(np.transpose(x, (1, 2, 0)), (2, 0, 1)), ((2, 3, 4),)),
        Case(lambda x: np.transpose(np.transpose(x, (1, 2, 0)), (1, 2, 0)), ((2, 3, 4),)),
        Case(lambda x: np.transpose(np.transpose(x, (1, 2, 0)), (0, 2, 1)), ((3, 3, 3),)),
        Case(lambda x: np.transpose(np.transpose(np.transpose(x))), ((2, 0),)),
        Case(np.transpose, ((),)),
    ],
    ("sum_of_copies", "sum"): [
        Case(lambda x: np.sum(np.broadcast_to(x, (7, 13)), axis=0), dtypes="fd", ulps=7),
        Case(lambda x: np.sum(np.broadcast_to(x, (2, 3, 2, 3)), axis=(0, 1)), ((2, 3),), "fd", 6),
        Case(lambda x: np.sum(np.broadcast_to(x, (5,))), ((),), "fd", 5),
        Case(lambda x: np.sum(np.broadcast_to(x, (4, 0)), axis=0), ((0,),), "fd", 4),
    ],
    ("sum_of_products", "sum"): [
        Case(lambda x, y: np.sum(x * y), ((13,), (13,)), "fd", 13),
        Case(lambda x, y: np.sum(x * y), ((3, 2), (3, 2)), "fd", 6),
        Case(lambda x: np.sum(x * x), ((0,),), "fd", 0),
        Case(lambda x: np.sum(x * x), ((2, 2, 2),), "fd", 8),
    ],
    ("add_scattered", "add"): [
        Case(scattered, ((6,), (4,)), "fdFD", 1),
        Case(lambda c, y: scattered(c, y)[::-1], ((2,), (0,)), "fdFD", 1),
        Case(repeated, ((3,), (4,)), "fd", 4),
    ],
}  # fmt: skip
ARRAYS = {
    ("to_itself", "reshape"),
    ("to_itself", "broadcast_to"),
    ("transpose_twice", "transpose"),
}  # of scalars too
NAMES = [f"{name} of {prim}" for name, prim in CASES]


# Operands -----------------------------------------------------------------------------------------------------------


def special(dtype: Any, shape: tuple[int, ...], turn: int) -> Any:
    """An array of a dtype in which every kind of number meets every other, in the course of all turns."""
    dtype = np.dtype(dtype)
    if dtype.kind in "il":
        info = np.iinfo(dtype)
        pool = np.array([0, 1, -1, info.min, info.max, 7], dtype)
    else:
        real = np.zeros((), dtype).real.dtype
        info = np.finfo(real)
        pool = np.array(
            [np.nan, np.inf, -np.inf, -0.0, 0.0, info.smallest_subnormal, -3 * info.smallest_subnormal,
             info.max, info.tiny, 1.0, -2.5, 1 / 3, np.pi], real,
        )  # fmt: skip
        if dtype.kind == "c":
            parts = np.stack(
                [np.repeat(pool, 13), np.tile(pool, 13)], axis=1
            )  # every part beside every other
            pool = parts.view(dtype).ravel()
    picked = np.random.default_rng(turn).permutation(pool)
    y = np.resize(picked, shape).astype(dtype)
    return y if shape else y[()]


def graph_of(fun: Callable[..., Any], types: Any) -> Graph:
    return stage(lambda *xs: [fun(*xs)], list(types), "graph")[0]


def bits(y: Any) -> Any:
    """What must not change; NaNs may have any payload and sign, which IEEE 754 leaves open."""
    a = np.array(y)
    for part in [a.real, a.imag] if a.dtype.kind == "c" else [a] if a.dtype.kind == "f" else []:
        part[np.isnan(part)] = np.nan
    return isinstance(y, np.ndarray), a.shape, a.dtype, a.tobytes()


def agree(found: Any, expected: Any, size: Any, ulps: int | None) -> None:
    """Equal bits, or a difference of so many units in the last place of the magnitudes that were added."""
    if ulps is None:
        assert bits(found) == bits(expected)
        return
    assert bits(found)[:3] == bits(expected)[:3]
    settled = np.isfinite(expected) & np.isfinite(size)
    np.testing.assert_array_equal(np.where(settled, 0, found), np.where(settled, 0, expected))
    info = np.finfo(np.asarray(expected).dtype)
    with np.errstate(all="ignore"):
        error = np.abs(np.where(settled, found, 0) - np.where(settled, expected, 0))
        # where products are subnormal, rounding errors are absolute: one smallest number each
        assert np.all(error <= ulps * (info.eps * np.where(settled, size, 0) + info.smallest_subnormal))


def sizes(fun: Callable[..., Any], xs: list[Any]) -> Any:
    """The sum of the magnitudes of all terms: the function of the magnitudes."""
    return np.abs(fun(*map(np.abs, xs)))


# The table ----------------------------------------------------------------------------------------------------------


def test_every_entry_has_a_case():
    assert set(CASES) == {(rewrite.name, rewrite.prim) for rewrite in REWRITES}
    assert len(REWRITES) == len(CASES)


@pytest.mark.parametrize("key", CASES, ids=NAMES)
def test_the_examples_of_the_table_are_changed(key):
    (rewrite,) = [rewrite for rewrite in REWRITES if (rewrite.name, rewrite.prim) == key]
    graph = graph_of(rewrite.example, [ArrayType(shape, np.dtype(float)) for shape in rewrite.shapes])
    assert str(simplify(graph, ["rewrite"], [rewrite])) != str(graph)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("key", CASES, ids=NAMES)
def test_rewrites_keep_numbers(key):
    (rewrite,) = [rewrite for rewrite in REWRITES if (rewrite.name, rewrite.prim) == key]
    plain = key[0] == "complex_square"  # that of NumPy's arrays, and not the power
    assert rewrite.exact == (not plain and all(case.ulps is None for case in CASES[key]))
    for case in CASES[key]:
        for dtype in case.dtypes:
            types = [ArrayType(shape, np.dtype(dtype)) for shape in case.shapes]
            graph = graph_of(case.fun, types)
            made = simplify(graph, ["rewrite"], [rewrite])
            if key not in ARRAYS or case.shapes != ((),):
                assert str(made) != str(graph), (dtype, case.shapes)
            for turn in range(12):
                xs = [special(dtype, shape, 100 * k + turn) for k, shape in enumerate(case.shapes)]
                size = None if case.ulps is None else sizes(case.fun, xs)
                want = case.fun(*xs) if plain else run(graph, xs)[0]
                agree(run(made, xs)[0], want, size, case.ulps)


def test_what_decides_is_not_rounded_otherwise():
    inexact = [rewrite for rewrite in REWRITES if not rewrite.exact]
    for rewrite in inexact:
        types = [ArrayType(shape, np.dtype(float)) for shape in rewrite.shapes]
        graph = graph_of(rewrite.example, types)
        kept = simplify(graph, ["rewrite"], [rewrite], decisive=graph.outputs)
        assert str(kept) == str(graph)
        above = graph_of(lambda *xs, f=rewrite.example: np.sqrt(f(*xs)), types)  # neither is what leads to it
        assert str(simplify(above, ["rewrite"], [rewrite], decisive=above.outputs)) == str(above)


REFUSED = {
    "another number": lambda x: x * 2.0 / 3.0,
    "minus zero": lambda x: x - (-0.0),
    "plus zero": lambda x: x + 0.0,
    "zero minus": lambda x: 0.0 - x,
    "times zero": lambda x: x * 0.0,
    "a row of ones": lambda x: x * np.ones(3),
    "cubes": lambda x: x**3,
    "one as the base": lambda x: 1.0**x,
    "stop_gradient": wg.stop_gradient,
    "another dtype": lambda x: x.astype(np.float32) - np.float64(0.0),
    "a wider shape": lambda x: np.broadcast_to(x, (2, 3)) * 1.5,
    "a sum of some axes": lambda x: np.sum(np.broadcast_to(x, (2, 3)) + 1.5, axis=1),
    "a sum that keeps axes": lambda x: np.sum(np.broadcast_to(x, (2, 3)), axis=0, keepdims=True),
    "no copies": lambda x: np.sum(np.broadcast_to(x, (0, 3)), axis=0),
    "stretched copies": lambda x: np.sum(np.broadcast_to(x[:, None], (2, 3, 4)), axis=0),
    "a sum in another type": lambda x: np.sum(
        np.astype(x, np.float32) * np.astype(x, np.float32), dtype=float
    ),
    "products used twice": lambda x: np.sum(y := x * x) + y,
    "products that are stretched": lambda x: np.sum(x * x[0]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_rewrites_keep_away(name):
    graph = graph_of(REFUSED[name], [ArrayType((3,), np.dtype(float))])
    assert str(simplify(graph, ["rewrite"])) == str(graph)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "fun", [lambda z: z * 1.0, lambda z: z / 1.0, lambda z: z**1.0, lambda z: z - complex(0.0, -0.0)]
)
def test_complex_numbers_have_two_parts(fun):
    """(a + ib)(1 + 0i) = (a - 0b) + i(b + 0a): nan where a part is infinite."""
    graph = graph_of(fun, [ArrayType((169,), np.dtype(complex))])
    assert str(simplify(graph)) == str(graph)
    compiled = wg.jit(fun)
    for turn in range(3):
        z = special(complex, (169,), turn)
        assert bits(compiled(z)) == bits(fun(z))


def test_an_array_without_axes_stays_one():
    for fun in (
        lambda x: x * 1.0,
        lambda x: np.reshape(x, ()),
        lambda x: -(-x),  # noqa: B002
        lambda x: np.broadcast_to(x, ()),
    ):
        for x in (np.float64(2.0), np.array(2.0)):
            assert type(wg.jit(fun)(x)) is type(fun(x))

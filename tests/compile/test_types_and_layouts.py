"""Machine code of every elementwise operation, for operands of all dtypes and layouts, against NumPy."""

from __future__ import annotations

import itertools
import zlib
from typing import Any

import numpy as np
import pytest

import wengert as wg
from tests.laws.cases import samples
from wengert.compile.compiled import Native
from wengert.core.graph import Graph, Node, Var
from wengert.core.primitive import PRIMITIVES
from wengert.transforms.staging import stage
from wengert.types import type_of

from .entrywise import DTYPES
from .special_values import OUTSIDE, POINTWISE, evaluated, special
from .test_ulps import CONVERSIONS, EXACT, OTHER_KINDS, ULPS, apart, require_kinds

NAMES = sorted(set(POINTWISE) - CONVERSIONS)
SIZE = 150


def combinations(name: str, dtype: np.dtype, n: int) -> list[np.ndarray]:
    """Combinations of special values."""
    found = np.array(list(itertools.product(*[special(dtype)] * n)), dtype)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    chosen = found[rng.permutation(len(found))[:SIZE]]
    return [np.ascontiguousarray(column) for column in chosen.T]


def compare(name: str, xs: list[np.ndarray], y: Any, expected: Any, *, ulps: float = ULPS) -> None:
    assert (y.dtype, y.shape) == (expected.dtype, expected.shape)
    if y.dtype.kind != "f":
        np.testing.assert_array_equal(y, expected)
        return
    if name in {*EXACT, *OTHER_KINDS}:
        return  # test_ulps holds them to the exact results
    require_kinds(name, [x.ravel() for x in xs], y.ravel(), expected.ravel())
    assert np.max(apart(y, expected), initial=0.0) <= ulps


@pytest.mark.parametrize("name", NAMES)
def test_every_dtype(name: str) -> None:
    """All dtypes in one program; those for which NumPy's result has another type than the record says are left out."""
    prim = PRIMITIVES[name]
    case = next(samples(prim))
    inputs, nodes, operands, wanted = [], [], [], []
    for dtype in DTYPES.values():
        xs = combinations(name, dtype, len(case.xs))
        expected = evaluated(prim, xs, case.params)
        if expected is None or dtype.kind in OUTSIDE.get(name, "") or is_raising(name, dtype):
            continue
        own = [Var(type_of(x)) for x in xs]
        y = Var(prim.infer(*[v.type for v in own], **case.params))
        if (y.dtype, y.shape) != (expected.dtype, expected.shape) or expected.dtype not in DTYPES.values():
            continue
        inputs += own
        operands += xs
        nodes.append(Node(prim, tuple(own), case.params, (y,)))
        wanted.append((xs, expected))
    assert wanted
    program = Native(Graph(inputs, nodes, [node.outputs[0] for node in nodes]))
    for (xs, expected), y in zip(wanted, program.flat(operands)(*operands), strict=True):
        compare(name, xs, y, expected)


def is_raising(name: str, dtype: np.dtype) -> bool:
    """Negative powers of integers are NumPy's to refuse, and the reciprocals of 0 the machine's to define."""
    return dtype.kind in "biu" and name in {"power", "reciprocal"}


LAYOUTS = {
    "contiguous": lambda x: x,
    "every other": lambda x: x[:, ::2],
    "reversed": lambda x: x[::-1, ::-1],
    "transposed": lambda x: x.T,
    "broadcast": lambda x: np.broadcast_to(x[:1], (7, x.shape[1])),
    "a number for all": lambda x: np.broadcast_to(x[1, 2], (3, 11)),
    "three axes": lambda x: x.reshape(4, 3, -1).swapaxes(0, 2)[:, None, 1],
    "empty": lambda x: x[:0],
    "empty within": lambda x: x[:, 3:3],
    "without axes": lambda x: x[2, 1],
    "one entry": lambda x: x[2:3, 1:2],
    "not from a line of the cache on": lambda x: x.reshape(-1)[3:],
}


@pytest.mark.parametrize("name", NAMES)
def test_every_layout(name: str) -> None:
    """All layouts in one program, in both precisions, of each operand and of all."""
    prim = PRIMITIVES[name]
    case = next(samples(prim))
    n = len(case.xs)

    def program(*xs: Any) -> list[Any]:
        pairs = (xs[:n], xs[n:])
        return [prim(*map(view, xs), **case.params) for xs in pairs for view in LAYOUTS.values()]

    rng = np.random.default_rng(zlib.crc32(name.encode()))
    operands = [usual(rng, dtype) for dtype in (np.float64, np.float32) for _ in range(n)]
    try:
        graph = stage(program, [type_of(x) for x in operands], name)[0]
    except TypeError:
        pytest.skip("of integers alone")
    found = Native(graph).flat(operands)(*operands)
    expected = [
        evaluated(prim, [np.array(view(x)) for x in xs], case.params)
        for xs in (operands[:n], operands[n:])
        for view in LAYOUTS.values()
    ]
    for y, want in zip(found, expected, strict=True):
        compare(name, operands, np.asarray(y), want)


def usual(rng: np.random.Generator, dtype: Any) -> np.ndarray:
    return (np.exp2(rng.uniform(-6, 3, (12, 10))) * rng.choice([-1, 1], (12, 10))).astype(dtype)


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("dtype", ["f2", "c8", "c16", "g", "M8[s]", "O"])
def test_other_dtypes_are_numpys(dtype: str) -> None:
    """Half precision, complex numbers, times and objects have no machine code."""
    x = np.arange(1, 6).astype(dtype)
    fun = lambda x: (x[::-1] - x[2:3], x == x[0])
    compiled = wg.jit(fun)
    for _ in range(3):
        for y, expected in zip(compiled(x), fun(x), strict=True):
            assert y.dtype == expected.dtype
            np.testing.assert_array_equal(y, expected)

"""`jit` with machine code: calls give what the plain function gives, in value, type, memory and exceptions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from tests.jit.agreement import assert_close, outcome
from wengert import tree
from wengert.compile.compiled import Native
from wengert.jit import Jitted, jit

pytestmark = pytest.mark.usefixtures("machine_code")

X = np.array([0.3, -1.1, 0.7, 1.9, -0.2])
M = np.arange(12.0).reshape(3, 4) - 5.0
INDICES = np.array([3, 0, -1])


def is_native(fun: Jitted) -> bool:
    """Whether the newest path runs as machine code."""
    paths = [path for entries in fun._entries.values() for entry in entries for path in entry.paths]
    return isinstance(paths[-1].native, Native)


def copies(args: Any) -> Any:
    """Arguments of their own, laid out the same."""
    leaves, structure = tree.flatten(args)
    return tree.unflatten(structure, [x.copy("K") if isinstance(x, np.ndarray) else x for x in leaves])


def same_kinds(got: Any, want: Any) -> None:
    """Arrays are arrays, numbers numbers, of the same dtype."""
    if isinstance(want, type):
        return
    for y, expected in zip(got[0], want[0], strict=True):
        assert isinstance(y, np.ndarray) == isinstance(expected, np.ndarray)
        if isinstance(expected, np.ndarray):
            assert y.flags.writeable


def check(fun: Any, *argss: tuple[Any, ...], native: bool = True, ulps: float = 4) -> Jitted:
    """Call a compiled function with all arguments in turn, three times, and compare with the plain one."""
    compiled = jit(fun)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers that overflow do so silently
        for args in argss * 3:
            want, kept = outcome(fun, *copies(args)), copies(args)
            got = outcome(compiled, *args)
            assert_close(got, want, ulps)
            same_kinds(got, want)
            for x, old in zip(tree.flatten(args)[0], tree.flatten(kept)[0], strict=True):
                np.testing.assert_array_equal(x, old)
    assert is_native(compiled) == native
    return compiled


# Arguments and results --------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Point:
    x: Any
    y: Any


FORMS = {
    "nothing": (lambda: np.float64(1.5), ()),
    "a number": (lambda x: x * 2 + 1, (0.5,), (-0.0,), (float("inf"),)),
    "an integer": (lambda n: n * 2 + 1, (3,), (-7,)),
    "a boolean": (lambda b: b & True, (True,), (False,)),
    "a number of NumPy's": (
        lambda x: x * x,
        (np.float64(0.5),),
        (np.float32(0.1),),
        (np.int32(7),),
        (np.bool_(True),),
    ),
    "an array without axes": (lambda x: x * x, (np.array(0.5),), (np.array(3),)),
    "kinds that mix": (
        lambda x, n: x * n + n,
        (0.5, 3),
        (X, 3),
        (3, X),
        (np.float32(1), X),
        (X.astype("f4"), 2.5),
    ),
    "numbers that are weak": (
        lambda x: x + 2.5,
        (np.ones(3, np.float32),),
        (np.arange(3),),
        (np.arange(3, dtype="i4"),),
    ),
    "tuples and dicts": (
        lambda t: {"b": t[0] + t[1]["a"], "a": [t[1]["c"][0]]},
        ((X, {"a": 1.0, "c": [X * 2]}),),
    ),
    "keys in another order": (lambda t: t["a"] - t["b"], ({"b": 1.0, "a": X},), ({"a": 1.0, "b": X},)),
    "a named tuple": (lambda p: Pair(p.second * 2, p.first), (Pair(X, 2.0),)),
    "None inside": (lambda t: (t[0] * 2, None, t[1]), ((X, None),)),
    "an empty container": (lambda t, x: (x * 2, (), {}, []), ((), X)),
    "inputs handed on": (lambda x, y: (x, y, x, x * 2), (X, M), (1.5, np.float64(2))),
    "the same result twice": (lambda x: (z := np.sin(x), z, [z]), (X,)),
    "constants": (lambda x: (x * 2, 3.0, "text", None, True, np.ones(3), np.float64(7)), (X,)),
    "no axes and one": (lambda x: (x.sum(), x.sum(keepdims=True), x[0], x[:1]), (X,)),
    "empty arrays": (
        lambda x: (x * 2, x.sum(), x.sum(axis=0), np.concatenate([x, x])),
        (np.zeros((0, 3)),),
        (np.zeros((3, 0)),),
    ),
    "views of arguments": (lambda x: (x[1:], x.T, x.reshape(-1), x[::-1], x[0]), (M,)),
    "comparisons": (lambda x: (x > 0, (x > 0).any(), x == x), (X,), (np.array([np.nan, 1.0]),)),
    "dtypes": (lambda x: [x.astype(t) for t in ("f8", "f4", "i8", "i4", "?")], (X,), (np.arange(4),)),
    "many dtypes": (lambda *xs: [x + x for x in xs], tuple(np.arange(5).astype(t) for t in "bhilBHILfd?")),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name):
    fun, *argss = FORMS[name]
    check(fun, *argss)


LAYOUTS = {
    "contiguous": lambda x: x.copy(),
    "transposed": lambda x: np.asfortranarray(x),
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "in another byte order": lambda x: x.astype(">f8"),
    "not aligned": lambda x: np.frombuffer(b"1" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name):
    compiled = jit(lambda x, y: (np.sin(x) + y.sum(axis=0), x @ y.T, x))
    plain = lambda x, y: (np.sin(x) + y.sum(axis=0), x @ y.T, x)
    for first in (M, LAYOUTS[name](M)):  # compiled for the one, called with the other
        for second in (LAYOUTS[name](M), M):
            assert_close(outcome(compiled, first, second), outcome(plain, first, second), 8)


def test_layouts_first():
    for form in LAYOUTS.values():
        x = form(M)
        fun = lambda x: (x * 2 + x.sum(axis=1, keepdims=True), x[1:, ::2])
        compiled = jit(fun)
        for y in (x, M, x):
            assert_close(outcome(compiled, y), outcome(fun, y))


def test_what_may_not_be_written_is_read():
    x = M.copy()
    x.flags.writeable = False

    def fun(x):
        x = x * 1.0
        x[0] = 5.0
        return x, x[0]

    check(fun, (x,))


def test_an_argument_that_is_written_into_stays():
    def fun(x):
        x[0] = 7.0
        x[1:] += x[:-1]
        return x

    compiled, x = jit(fun), X.copy()
    for _ in range(3):
        np.testing.assert_array_equal(compiled(x), fun(X.copy()))
        np.testing.assert_array_equal(x, X)


def test_results_share_no_memory():
    fun = lambda x, y: (x, y, x[1:], x.T, np.ones(3), y, x * 2, x * 2)
    compiled, held = jit(fun), []
    for _ in range(3):
        ys = compiled(M, X)
        arrays = [M, X, *held, *ys]
        for k, y in enumerate(arrays):
            assert not any(np.may_share_memory(y, z) for z in arrays[:k])
        kept = copies(ys)
        for y in ys:
            y[...] = 99.0
        held += list(ys)
        for y, old in zip(compiled(M, X), kept, strict=True):
            np.testing.assert_array_equal(y, old)


def test_overlapping_arguments():
    x = X.copy()
    check(lambda a, b: (a + b[::-1], a * b), (x, x), (x[1:], x[:-1]), (x[:4], x[1:]))


def test_named_arguments_and_static_ones():
    def fun(x, n=2, *, scale=1.0, mode="plus"):
        return x**n * scale if mode == "plus" else -x

    compiled = jit(fun, static_argnames=("n", "mode"))
    for kwargs in ({}, {"n": 3}, {"scale": 2.5}, {"mode": "minus"}, {"n": 3, "scale": 0.5}, {}, {"scale": 2}):
        for _ in range(2):
            assert_close(
                outcome(lambda x, k=kwargs: compiled(x, **k), X), outcome(lambda x, k=kwargs: fun(x, **k), X)
            )
    numbered = jit(lambda x, n: x * n, static_argnums=1)
    assert [numbered(2.0, n) for n in (1, 2, 3, 1)] == [2.0, 4.0, 6.0, 2.0]


def test_methods():
    class Model:
        def __init__(self, w):
            self.w = w

        @jit
        def predict(self, x):
            return self.w * x + self.w.sum()

    first, second = Model(X), Model(2 * X)
    for _ in range(3):
        np.testing.assert_allclose(first.predict(X), X * X + X.sum(), rtol=1e-15)
        np.testing.assert_allclose(second.predict(X), 2 * X * X + 2 * X.sum(), rtol=1e-15)
    first.w = X + 1
    np.testing.assert_allclose(first.predict(X), (X + 1) * X + (X + 1).sum(), rtol=1e-15)


def test_types_of_arguments_change():
    compiled = jit(lambda x: x * 2)
    for x in (
        1,
        1.0,
        True,
        np.float32(1),
        np.float64(1),
        np.array(1),
        X,
        X.astype("f4"),
        M,
        [1.0][0],
        1,
        X,
        2.0,
    ):
        for _ in range(2):
            y = compiled(x)
            assert (np.shape(y), np.result_type(y)) == (np.shape(x), np.result_type(np.asarray(x) * 2))
            np.testing.assert_array_equal(y, np.asarray(x) * 2)


def test_subclasses_of_numbers():
    class Meters(float):
        pass

    compiled = jit(lambda x: x * 2)
    assert [compiled(2.0), compiled(Meters(3.0)), compiled(2.0)] == [4.0, 6.0, 4.0]


def test_large_integers():
    check(lambda n: n + 1, (2**62,), (-(2**63),))
    check(lambda n: n * n, (np.int64(2**40),), (np.array([2**40, 3]),))


# What the function reads beside its arguments ---------------------------------------------------------------------


def test_captured_arrays_change():
    table, weight = X.copy(), [2.0]
    compiled = jit(lambda x: x * table + weight[0])
    for k in range(5):
        for _ in range(2):
            np.testing.assert_allclose(compiled(X), X * table + weight[0], rtol=1e-15)
        if k % 2:
            table[k] = 100.0 + k
        else:
            weight[0] += 1.0


def test_a_large_captured_array_is_live():
    table = np.ones(300_000)
    compiled = jit(lambda x: (x * table).sum())
    for value in (1.0, 2.0, 3.0):
        table[:] = value
        for _ in range(2):
            assert compiled(2.0) == 2.0 * value * table.size


def test_a_large_captured_array_of_another_layout():
    table = np.asfortranarray(np.arange(400_000.0).reshape(2, -1))
    compiled = jit(lambda x: (x * table)[1, :5])
    for _ in range(3):
        np.testing.assert_array_equal(compiled(2.0), (2.0 * table)[1, :5])
        table += 1.0


def test_a_closure_is_rebound():
    scale = 2.0

    def fun(x):
        return x * scale

    compiled = jit(fun)
    assert [compiled(1.5), compiled(1.5)] == [3.0, 3.0]
    scale = 4.0
    assert [compiled(1.5), compiled(1.5)] == [6.0, 6.0]


# Guards -----------------------------------------------------------------------------------------------------------


GUARDS = {
    "a branch": (lambda x: x * 2 if x > 0 else -x, (1.5,), (-1.5,), (0.0,), (-0.0,), (float("nan"),)),
    "a branch of an array": (lambda x: x * 2 if x.sum() > 0 else -x, (X,), (-X,)),
    "a float": (lambda x: x * float(x[0]), (X,), (X + 1,), (X,)),
    "a float that is a zero": (
        lambda x: np.copysign(x[1], float(x[0])), (np.array([0.0, 1.0]),), (np.array([-0.0, 1.0]),),
    ),
    "a float that is nan": (lambda x: x[1] * float(x[0]), (np.array([np.nan, 1.0]),), (np.array([2.0, 1.0]),)),
    "an integer": (lambda x, n: x ** int(n), (X, 2), (X, 3), (X, 2.5)),
    "a count": (lambda x, n: np.zeros(int(n)) + x, (2.0, 3), (2.0, 5)),
    "a range": (lambda x, n: [x * k for k in range(n)], (2.0, 3), (3.0, 1), (3.0, 0)),
    "a mask": (lambda x: x[x > 0] * 2, (X,), (-X,), (abs(X),), (-abs(X),)),
    "a mask that is written": (lambda x: _masked(x), (X,), (-X,)),
    "all and any": (lambda x: x * 2 if (x > 0).all() else x * 3 if (x > 0).any() else x, (X,), (abs(X),), (-abs(X),)),
    "a loop until": (lambda x: _halved(x), (5.0,), (0.5,), (100.0,), (-3.0,)),
    "an index": (lambda x, i: x[i] * 2, (X, 1), (X, -1), (X, 4), (X, np.int32(2))),
    "unique": (lambda x: np.unique(x) * 2, (np.array([1.0, 1.0, 2.0]),), (np.array([1.0, 3.0, 2.0]),)),
    "recursion": (lambda x: _power(x, 5), (1.1,), (-0.5,)),
}  # fmt: skip


def _masked(x):
    x = x * 1.0
    x[x > 0.5] = 0.0
    return x


def _halved(x):
    steps = 0
    while x > 1:
        x, steps = x * 0.5, steps + 1
    return x, steps


def _power(x, n):
    return x if n == 1 else x * _power(x, n - 1) if x > 0 else _power(-x, n - 1)


@pytest.mark.parametrize("name", GUARDS)
def test_guards(name):
    fun, *argss = GUARDS[name]
    compiled = jit(fun)
    for args in argss * 2 + argss[::-1]:
        assert_close(outcome(compiled, *args), outcome(fun, *args))


# Exceptions -------------------------------------------------------------------------------------------------------


RAISES = {
    "an index": (lambda x, i: x[i] * 2, (X, 2), (X, 5), (X, -6), (X, -5)),
    "an index that nobody reads": (lambda x, i: (x[i], x * 2)[1], (X, 2), (X, 5)),
    "indices": (lambda x, i: x[i].sum(), (X, INDICES), (X, INDICES + 2), (X, INDICES - 5)),
    "indices of which one is read": (lambda x, i: x[i][0], (X, INDICES), (X, INDICES + 2)),
    "indices that nobody reads": (lambda x, i: (np.take(x, i), x * 2)[1], (X, INDICES), (X, INDICES + 2)),
    "an index of a row": (lambda x, i, j: x[i, :, None][j], (M, 2, 1), (M, 3, 1), (M, 2, 4)),
    "a write": (lambda x, i: _written(x, i), (X, INDICES), (X, INDICES + 2), (X, 2), (X, 7)),
    "an index in a loop": (
        lambda x, n: wg.fori_loop(0, n, lambda i, c: (c[0] + c[1][i + 3], c[1]), (0.0, x)), (X, 2), (X, 3), (X, 0),
    ),
    "a singular matrix": (lambda a: np.linalg.solve(a, a[0]) + 1, (np.eye(3),), (np.zeros((3, 3)),)),
    "a matrix without a factor": (lambda a: np.linalg.cholesky(a) * 2, (np.eye(3),), (-np.eye(3),)),
    "a negative power": (lambda x, n: x**n, (np.arange(1, 3), np.array([1, 2])), (np.arange(1, 3), np.array([1, -2]))),
    "its own": (lambda x: _demanded(x), (1.0,), (-1.0,)),
}  # fmt: skip


def _written(x, i):
    x = x * 1.0
    x[i] = 9.0
    return x


def _demanded(x):
    if x < 0:
        message = f"{x} is negative"
        raise ValueError(message)
    return np.sqrt(x)


def message_of(fun: Any, args: Any) -> str:
    try:
        fun(*args)
    except Exception as error:  # noqa: BLE001 - whatever the plain function raises is right
        return str(error)
    return ""


@pytest.mark.parametrize("name", RAISES)
def test_exceptions(name):
    fun, *argss = RAISES[name]
    compiled = jit(fun)
    for args in argss * 2:
        assert_close(outcome(compiled, *args), outcome(fun, *args))
        assert message_of(compiled, args) == message_of(fun, args)


def test_an_exception_that_is_caught():
    def fun(x, i):
        try:
            return x[i] * 2
        except IndexError:
            return x * 0

    compiled = jit(fun)
    for i in (1, 7, 1, -9, 2):
        np.testing.assert_array_equal(compiled(X, i), fun(X, i))


# What is not finite -----------------------------------------------------------------------------------------------


SPECIAL = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("name", ["matmul", "gradient", "masked", "extremes", "sums"])
def test_what_is_not_finite(name):
    funs = {
        "matmul": lambda x: np.outer(x, x) @ x[::-1],
        "gradient": lambda x: wg.grad(lambda x: np.sum(np.where(x > 0, np.log(np.abs(x)), 0.0)))(x),
        "masked": lambda x: wg.grad(lambda x: np.sum((np.diag(x) @ np.diag(x))[2:3]))(x),
        "extremes": lambda x: (
            x.max(),
            x.min(),
            np.maximum(x, x[::-1]),
            np.minimum(x, 1.0),
            x.max(keepdims=True),
        ),
        "sums": lambda x: (x.sum(), x.cumsum(), x[:3].prod(), x[:2].sum(), (-x[:1]).sum(), x[4:].sum()),
    }
    check(funs[name], (SPECIAL,), (np.ones(6),), (np.zeros(6),), (-SPECIAL,))


def test_zero_times_infinity_in_a_derivative():
    fun = wg.grad(lambda x, w: np.sum(np.sqrt(x) @ w))
    compiled = jit(fun)
    x, w = np.array([[0.0, 1.0]]), np.zeros((2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            np.testing.assert_array_equal(compiled(x, w), fun(x, w))
            np.testing.assert_array_equal(compiled(x, w + 1), fun(x, w + 1))

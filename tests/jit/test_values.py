"""What Python asks of values (branches, counts, masks, text) becomes guards: results are those of the plain
function.
"""

import math
import warnings
from contextlib import nullcontext

import numpy as np
import pytest

from wengert.jit import jit

from .agreement import assert_same_bits, check, outcome

V = np.array([3.0, -1.0, 2.0])
W = np.array([3.0, 1.0, 0.0])


def cholesky_or_zero(x):
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return x * 0


def dead_inverse(x):
    try:
        np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return x * 0
    return x + 1


def dead_index(x, i):
    try:
        np.take(x, i)
    except IndexError:
        return x * 0
    return x + 1


def early_return(x):
    for k in range(5):
        x = x * 2
        if x > 10:
            return x, k
    return -x, None


def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


def write_inside(x):
    y = x * 1.0
    y[0] = 5
    y[1:] += y[:-1]
    view = y[::2]
    view *= 3
    return y, view


def write_argument(x):
    x[0] = 7.0
    x += 1
    return x


ONE, OTHER = np.eye(2), -np.eye(2)
PROGRAMS = {
    "branch": (lambda x: x + 1 if x > 0 else x - 1, (1.0,), (-1.0,)),
    "count": (lambda x: np.zeros(int(x)) + x, (2.0,), (3.0,)),
    "length": (lambda x: sum(x[i] * i for i in range(len(x))), (V,), (W,)),
    "mask": (lambda x: x[x > 0] * 2, (V,), (W,)),
    "mask of another length": (lambda x: x[x > 0.5].sum(), (V,), (np.ones(3),)),
    "write by mask": (lambda x: np.where(x > 0, x, 0)[x > 1], (V,), (W,)),
    "nonzero": (lambda x: x[np.nonzero(x)] * 2, (V,), (W,)),
    "argwhere": (lambda x: np.argwhere(x > 0), (V,), (W,), (-V,)),
    "unique": (lambda x: np.unique(x) * 2, (V,), (np.ones(3),)),
    "unique with counts": (lambda x: np.unique(x, return_counts=True), (V,), (np.ones(3),)),
    "argmax": (lambda x: x[np.argmax(x)], (V,), (-V,)),
    "sort": (lambda x: np.sort(x) - x[np.argsort(-x)], (V,), (W,)),
    "sorted": (lambda x: np.stack(sorted(x)), (V,), (-V,)),
    "max and sum of Python": (lambda x: max(x) * sum(x), (V,), (-V,)),
    "float": (lambda x: x * float(x), (2.0,), (3.0,)),
    "math": (lambda x: math.sin(x), (2.0,), (3.0,)),
    "round": (lambda x: x * round(x), (2.4,), (2.6,)),
    "format": (lambda x: f"{x:.1f}", (2.41,), (2.42,), (3.0,)),
    "text": (lambda x: (x, str(x)), (2.5,), (3.5,)),
    "index": (lambda x, n: x[n] * 2, (V, 1), (V, -1), (V, 5)),
    "range": (lambda x, n: sum((x * i for i in range(n)), 0.0), (2.0, 3), (2.0, 0)),
    "recursion": (factorial, (5,), (3,), (0,)),
    "early return": (early_return, (1.0,), (6.0,), (0.1,)),
    "try": (cholesky_or_zero, (ONE,), (OTHER,), (2 * ONE,)),
    "try, failing first": (cholesky_or_zero, (OTHER,), (ONE,), (OTHER,)),
    "dead operation that raises": (dead_inverse, (ONE,), (0 * ONE,), (2 * ONE,)),
    "dead index": (dead_index, (V, np.array([0, 1])), (V, np.array([0, 5]))),
    "allclose": (lambda x: np.allclose(x, 1), (V,), (np.ones(3),)),
    "any": (lambda x: x if np.any(x > 2.5) else -x, (V,), (np.ones(3),)),
    "membership": (lambda x: 2.0 in x, (V,), (np.ones(3),)),
    "nan": (lambda x: x * 0 if x == x else x, (np.float64(np.nan),), (np.float64(1.0),)),
    "guard on a sum of products": (lambda x: x * float(np.sum(x * x)), (np.linspace(0.1, 0.9, 999),)),
    "guard on a sum of copies": (
        lambda x: x * float(np.sum(np.sum(np.broadcast_to(x, (7, 9)), axis=0))),
        (np.linspace(0.1, 0.9, 9),),
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_python_asks_for_values(name):
    fun, *argss = PROGRAMS[name]
    check(fun, *argss)


F = np.float32
TYPES = {
    "weak float": (lambda x, s: x * s, (np.ones(3, F), 2.0), (np.ones(3, F), 2), (np.ones(3, np.int32), 2)),
    "weak complex": (lambda x, s: x * s, (np.ones(3, F), 1j)),
    "weak result of Python's operators": (
        lambda x, s: (s * 2.0 - s / 3) * x,
        (np.ones(3, F), 2.0),
        (np.ones(3, F), 2),
    ),
    "weak absolute": (lambda x, s: abs(-s) * x, (np.ones(3, F), 2.5)),
    "strong result of ufuncs": (lambda x, s: np.sin(s) * x, (np.ones(3, F), 2.0)),
    "NumPy scalar": (lambda x, s: x * s, (np.ones(3, F), np.float64(2.0)), (np.ones(3, F), F(2.0))),
    "floor and rest": (lambda x, y: (x // y, x % y, divmod(x, y)), (7.5, 2), (np.arange(5), 3), (-7.5, 2.0)),
    "bool": (lambda x: (~x & True, x + x, x | False), (np.array([True, False]),)),
    "Python bool": (lambda x, y: (x * y, y + y), (np.ones(2, F), True)),
    "power": (lambda x: (x**2, x**3, x**0.5, x**2.0), (3.0,), (np.arange(3.0),), (np.arange(3.0, dtype=F),)),
    "integer power": (lambda x: x**2, (3,), (np.arange(3),)),
    "negative integer power": (lambda x: x**-1, (3,), (np.arange(1, 3),), (3.0,)),
    "complex": (lambda x: x * x.conj() + abs(x), (np.array([1 + 2j]),), (np.complex64(1 + 2j),)),
    "empty": (lambda x: x.sum() + x, (np.ones(0),), (np.ones((0, 3)),)),
    "no axes": (lambda x: x + 1, (np.array(1.0),), (np.array(1, F),)),
    "array without axes": (lambda x: x.reshape(()), (np.array([1.0]),)),
    "cast": (lambda x: x.astype(int), (V,), (V.astype(F),)),
    "integer argument": (lambda x: x / 2, (3,), (np.arange(3),)),
    "large integer": (lambda x: float(x * 2.0), (2**70,), (2**71,)),
    "bool index": (lambda x, m: x[m], (V, np.array([True, False, True])), (V, np.array([True, True, True]))),
    "strings": (lambda x, s: x * len(s), (2.0, "ab"), (2.0, "abc")),
    "array of strings": (lambda x, s: x * len(s[0]), (2.0, np.array(["ab"]))),
    "masked array": (lambda x: x.sum(), (np.ma.array([1.0, 2.0], mask=[True, False]),)),
}


@pytest.mark.parametrize("name", TYPES)
def test_types_are_those_of_numpy(name):
    fun, *argss = TYPES[name]
    check(fun, *argss)


RESULTS = {
    "None": (lambda x: None, (1.0,)),
    "constants": (lambda x: (3, "a", None, np.ones(2), 2.5, np.float32(1)), (1.0,)),
    "structure": (lambda d: {"a": d["x"] * 2, "b": [d["y"], (d["x"],)]}, ({"x": np.float64(1), "y": V},)),
    "inputs": (lambda x, y: (y, x, x), (V, W)),
    "the same twice": (lambda x: (x + 1, x + 1), (V,)),
    "view": (lambda x: x[1:], (V,)),
    "views of one": (lambda x: ((y := x * 2)[1:], y), (V,)),
    "writes inside": (write_inside, (V,), (W,)),
    "division by zero": (lambda x: np.divide(x, 0.0), (1.0,)),
    "Python error": (lambda x: 1 / 0, (1.0,)),
    "shape error": (lambda x: x + np.ones(4), (V,)),
    "error by value": (lambda x: x if x > 0 else int("a"), (1.0,), (-1.0,), (1.0,)),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_of_all_kinds(name, way):
    fun, *argss = RESULTS[name]
    with warnings.catch_warnings():
        if way != "by NumPy":
            warnings.simplefilter("ignore")  # machine code gives none
        check(fun, *argss)


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: x,
        lambda x: x * 1.0,
        lambda x: x.astype(float),
        lambda x: x[1:],
        lambda x: x.reshape(1, -1).T,
        lambda x: (x + 1, x + 1),
        lambda x: ((y := x * 2), y[1:]),
        lambda x: (np.broadcast_to(x, (2, 3)), W),
        write_argument,
    ],
)
def test_results_share_memory_with_nothing(fun):
    x, w = V.copy(), W.copy()
    compiled = jit(fun)
    compiled(x)
    results = compiled(x)
    results = results if isinstance(results, tuple) else (results,)
    before = [y.copy() for y in results]
    for y in results:
        assert not np.may_share_memory(x, y)
        y[...] = -1.0
    np.testing.assert_array_equal(x, V)
    np.testing.assert_array_equal(W, w)
    assert_same_bits(outcome(compiled, x), outcome(lambda: tuple(before) if len(before) > 1 else before[0]))


def test_an_argument_is_not_written_into():
    x = V.copy()
    compiled = jit(write_argument)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(x), [8.0, 0.0, 3.0])
        np.testing.assert_array_equal(x, V)


def test_print_shows_numbers(capsys):
    def fun(x):
        y = x * 2
        print(y)  # noqa: T201
        return y

    compiled = jit(fun)
    for x in (1.5, 1.5, 2.5):
        assert compiled(x) == 2 * x
    assert capsys.readouterr().out == "3.0\n5.0\n"


def test_eight_ways_then_one_warning_that_names_the_line():
    def fun(x, n):
        for _ in range(n):
            x = x * 2
        return x

    compiled = jit(fun)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in (*range(12), *range(12)):
            assert compiled(1.5, n) == 1.5 * 2**n
    (warning,) = caught
    assert "8 different ways" in str(warning.message)
    assert f"{__file__}:{fun.__code__.co_firstlineno + 1}" in str(warning.message)
    assert compiled.cache_info().paths == 8
    assert compiled.cache_info().eager == 8


def test_warnings_of_numpy_are_those_of_the_function(way):
    """Machine code gives none."""
    compiled = jit(lambda x: np.log(x))
    quiet = jit(lambda x: _quietly(x))
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="divide by zero") if way == "by NumPy" else nullcontext():
            assert compiled(0.0) == -np.inf
        assert quiet(0.0) == -np.inf


def _quietly(x):
    with np.errstate(divide="ignore"):
        return np.log(x)

"""NumPy's scimath: real where NumPy's result is real, complex elsewhere; and i0, and polynomials in two variables."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.polynomial.polynomial import polygrid2d, polyval2d

import wengert as wg

from .agreement import check as check_complex
from .functions import check, same_error

E = np.emath
INSIDE, POSITIVE = np.array([-0.6, 0.35]), np.array([0.6, 1.7])
ANY, LARGE = np.array([0.9, -1.3]), np.array([1.4, -2.3])

CALLS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    *[(f, (x,)) for f in (E.sqrt, E.log, E.log2, E.log10) for x in (POSITIVE, ANY, np.float64(-0.4))],
    *[(f, (x,)) for f in (E.arccos, E.arcsin, E.arctanh) for x in (INSIDE, LARGE)],
    (E.logn, (POSITIVE, POSITIVE + 1.0)),
    (E.logn, (POSITIVE, ANY)),
    (E.power, (POSITIVE, ANY)),
    (E.power, (ANY, POSITIVE)),
    (lambda x: E.power(x, 2), (ANY,)),
    (lambda x: E.power(x, -2), (POSITIVE,)),
    (lambda x: E.power([2, 4], x), (POSITIVE,)),
    (E.sqrt, (np.array([1.0 + 2.0j, -1.0 + 0.5j]),)),
]


@pytest.mark.parametrize(("call", "xs"), CALLS)
def test_scimath(call: Callable[..., Any], xs: tuple[Any, ...]) -> None:
    check_complex(call, *xs)
    y = wg.jvp(call, xs, xs)[0]
    np.testing.assert_array_equal(y, call(*xs), strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision(dtype: Any) -> None:
    for x in (ANY.astype(dtype), POSITIVE.astype(dtype)):
        assert wg.jvp(E.sqrt, (x,), (x,))[0].dtype == E.sqrt(x).dtype
        assert wg.jvp(lambda x: E.power(x, 1.5), (x,), (x,))[0].dtype == E.power(x, 1.5).dtype
        assert wg.vjp(E.sqrt, x)[1](E.sqrt(x))[0].dtype == dtype


def test_one_negative_example_makes_the_batch_complex() -> None:
    x = np.array([4.0, -4.0])
    np.testing.assert_array_equal(wg.vmap(E.sqrt)(x), [2.0, 2.0j])
    assert wg.vmap(E.sqrt)(np.abs(x)).dtype == float


def test_i0() -> None:
    check(lambda x: np.i0(x) * 1e-3, np.array([-8.5, -0.7, 0.0, 0.3, 8.1]))
    x = np.array([0.5, 12.0], np.float32)
    assert wg.jvp(np.i0, (x,), (x,))[1].dtype == np.float32
    same_error(np.i0, np.array([1.0 + 1.0j]))


C = np.random.default_rng(5).normal(size=(3, 2))


@pytest.mark.parametrize("x", [np.float64(0.4), np.array([0.3, -1.2]), np.ones((2, 2))])
def test_polynomials_in_two_variables(x: Any) -> None:
    for function in (polyval2d, polygrid2d):
        check(function, x, x * 0.7 - 0.1, C)
        check(lambda x, c, f=function: f(x, 0.3 * x, c), x, np.stack([C, C], axis=-1))
        y = wg.jvp(lambda c, f=function: f(x, x, c), (C,), (C,))[0]
        np.testing.assert_array_equal(y, function(x, x, C), strict=True)
    same_error(lambda c: polyval2d(np.ones(2), np.ones(3), c), C)

"""The reverse sweep: its order, its memory, its depth, and what it does where partial derivatives are infinite."""

import gc
import sys
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import Primitive
from wengert.errors import RuleMissingError
from wengert.transforms.reverse import record

# Depth and memory ---------------------------------------------------------------------------------------------------


def test_a_deep_chain_on_the_default_recursion_limit() -> None:
    n = 100_000
    assert n > 50 * sys.getrecursionlimit()

    def fun(x: Any) -> Any:
        for _ in range(n):
            x = x * 1.00001
        return x

    value, gradient = wg.value_and_grad(fun)(1.0)
    assert gradient == pytest.approx(1.00001**n, rel=1e-10)  # n eps
    assert value == pytest.approx(gradient, rel=1e-10)


def test_a_deep_tape_is_freed_without_recursion() -> None:
    def fun(x: Any) -> Any:
        for _ in range(100_000):
            x = np.sin(x)
        return x

    _, pull = wg.vjp(fun, 1.0)
    del pull  # frees a chain of sites that point to each other
    wg.vjp(lambda x: fun(x) * 0.0, 1.0)


def test_what_the_program_drops_is_freed_while_it_runs() -> None:
    def fun(x: Any) -> Any:
        for _ in range(200):
            dropped = np.exp(np.cos(x))  # nothing uses it
            alive = weakref.ref(dropped)
            del dropped
            assert alive() is None
        return np.sum(x)

    wg.grad(fun)(np.ones(3))
    big = np.ones(100_000)
    tracemalloc.start()
    wg.grad(fun)(big)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * big.nbytes


def test_the_sweep_frees_the_sites_that_it_has_passed() -> None:
    """In a chain of big arrays, the rule at the far end sees the values of most others gone."""
    alive: list[Any] = []
    counts = []

    def bwd(_saved: Any, g: Any) -> Any:
        gc.collect()
        counts.append(sum(ref() is not None for ref in alive))
        return (g,)

    probe = wg.custom_derivative(lambda x: x * 1.0).defvjp(lambda x: (x * 1.0, None), bwd)

    def fun(x: Any) -> Any:
        x = probe(x)
        for _ in range(30):
            x = np.sin(x)
            alive.append(weakref.ref(x.value))
        return np.sum(x)

    wg.grad(fun)(np.ones(2_000_000))  # 16 MB each: a stretch of the sweep holds a few of them
    assert counts[0] <= 8


def test_peak_memory_of_a_gradient() -> None:
    def fun(x: Any) -> Any:
        for _ in range(40):
            x = np.sin(x)
        return np.sum(x)

    x = np.ones(500_000)
    wg.grad(fun)(x)
    tracemalloc.start()
    wg.grad(fun)(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (40 + 25) * x.nbytes  # the tape, and a stretch of cotangents (64 MB are 17 of these arrays)


def test_a_gradient_leaves_no_cycles() -> None:
    def fun(x: Any) -> Any:
        y = x * x
        y[0] = y[1] * 2.0
        return np.sum(y[1:] * y.T[1:])

    wg.grad(fun)(np.ones(3))
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            wg.grad(fun)(np.ones(3))
        assert gc.collect() < 20  # no tracer waits for the collector in any of the calls
    finally:
        gc.enable()


# Zero cotangents and infinite partials ------------------------------------------------------------------------------


TRAPS = {  # a function, a point, its gradient
    "x log x": (
        lambda x: np.where(x > 0, x * np.log(x), 0.0),
        [0.0, 1.0, 2.0],
        [0.0, 1.0, 1.0 + np.log(2.0)],
    ),
    "sqrt": (lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0.0, 4.0], [0.0, 0.25]),
    "sqrt of a square": (lambda x: np.where(x != 0, np.sqrt(x * x), 0.0), [0.0, -3.0], [0.0, -1.0]),
    "1 / x": (lambda x: np.where(x == 0, 1.0, np.sin(x) / x), [0.0, np.pi], [0.0, -1.0 / np.pi]),
    "power": (lambda x: np.where(x > 0, x**0.5, x), [0.0, 4.0], [1.0, 0.25]),
    "overflow": (lambda x: np.where(x < 100.0, np.exp(x), x), [1e4, 0.0], [1.0, 1.0]),
    "times zero": (lambda x: np.sqrt(x) * 0.0, [0.0, 1.0], [0.0, 0.0]),
    "index": (lambda x: np.sqrt(x)[1:], [0.0, 4.0], [0.0, 0.25]),
    "arccos": (lambda x: np.where(np.abs(x) < 1.0, np.arccos(x), 0.0), [1.0, 0.0], [0.0, -1.0]),
    "hidden by a maximum": (lambda x: np.maximum(np.log(x), -1.0), [0.0, 1.0], [0.0, 1.0]),
}
traps = pytest.mark.parametrize(("fun", "x", "gradient"), TRAPS.values(), ids=list(TRAPS))


@traps
@pytest.mark.parametrize("before", [0, 1500], ids=["short", "long"])
@pytest.mark.parametrize("after", [0, 1500], ids=["short", "long"])
def test_a_zero_cotangent_gives_zero(fun: Any, x: Any, gradient: Any, before: int, after: int) -> None:
    """The trap lies in the first, a middle, or the last stretch of the sweep."""

    def program(x: Any) -> Any:
        for _ in range(before):
            x = x * 1.0
        y = fun(x)
        for _ in range(after):
            y = y + 0.0
        return np.sum(y)

    with np.errstate(all="ignore"):
        found = wg.grad(program)(np.array(x))
    np.testing.assert_allclose(found, gradient, rtol=1e-14)


@traps
def test_a_zero_cotangent_gives_zero_in_any_nesting(fun: Any, x: Any, gradient: Any) -> None:
    x = np.array(x)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(wg.jacrev(fun)(x).sum(0), gradient, rtol=1e-14)
        np.testing.assert_allclose(wg.jacfwd(fun)(x).sum(0), gradient, rtol=1e-14)
        np.testing.assert_allclose(
            wg.linearize(fun, x)[1](np.ones(x.shape)), wg.jvp(fun, (x,), (np.ones(x.shape),))[1], rtol=1e-14
        )
        np.testing.assert_allclose(
            wg.vmap(wg.grad(lambda x: np.sum(fun(x))))(x[None])[0], gradient, rtol=1e-14
        )
        second = wg.hessian(lambda x: np.sum(fun(x)))(x)
    assert np.all(np.isfinite(second))


@pytest.mark.parametrize("n", [1, 3000])
def test_a_legitimate_infinity_stays(n: int) -> None:
    def fun(x: Any) -> Any:
        y = np.sqrt(x)
        for _ in range(n):
            y = y * 1.0
        return np.sum(y)

    assert np.array_equal(wg.grad(fun)(np.array([0.0, 0.25])), [np.inf, 1.0])


def test_a_legitimate_nan_stays() -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(wg.grad(lambda x: np.sum(np.log(x)))(np.array([-1.0, np.nan, 1.0]))).tolist() == [
            False,
            True,
            False,
        ]
        assert np.isnan(wg.grad(lambda x: np.sqrt(x) * np.sqrt(x))(-1.0))


def test_infinity_and_trap_in_one_program() -> None:
    def fun(x: Any) -> Any:
        return np.sum(np.sqrt(x[:2])) + np.sum(np.where(x > 0, x * np.log(x), 0.0)) + np.prod(x)

    with np.errstate(all="ignore"):
        found = wg.grad(fun)(np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(found, [np.inf, 1.5, 1.0 + np.log(2.0)], rtol=1e-15)


def test_large_arrays_and_many_sites() -> None:
    """More bytes than a stretch holds, more sites than a stretch holds, a trap at the far end."""
    x = np.linspace(0.0, 1.0, 1_000_000)

    def fun(x: Any) -> Any:
        y = np.where(x > 0, x * np.log(x), 0.0)
        for _ in range(12):
            y = y * 1.0
        s = np.sum(y)
        for _ in range(2500):
            s = s * 1.0
        return s

    with np.errstate(all="ignore"):
        found = wg.grad(fun)(x)
        exact = np.where(x > 0, np.log(x) + 1.0, 0.0)
    np.testing.assert_allclose(found, exact, rtol=1e-14, atol=3e-16)  # log x + 1 cancels near 1 / e


def test_cotangents_near_overflow_are_finite() -> None:
    # the norm of the cotangent overflows, the cotangent does not
    assert np.array_equal(wg.grad(lambda x: np.sum(x * 1e200))(np.ones(4)), np.full(4, 1e200))


def test_the_error_state_of_the_rules_is_quiet_and_that_of_the_program_is_the_users() -> None:
    assert wg.grad(np.sqrt)(0.0) == np.inf  # no warning from the rule (warnings are errors here)
    with pytest.warns(RuntimeWarning, match="log"):
        wg.grad(np.log)(-1.0)


# Pullbacks ----------------------------------------------------------------------------------------------------------


def test_a_pullback_gives_equal_results_each_time() -> None:
    def fun(x: Any) -> Any:
        y = x * x + x
        z = y + y
        return np.concatenate([z, y[::-1], z * y]), np.sum(z[0] * x)

    x = np.linspace(0.1, 1.0, 5)
    y, pull = wg.vjp(fun, x)
    bars = (np.arange(15.0), 2.0)
    first = pull(bars)[0].copy()
    for _ in range(3):
        assert np.array_equal(pull(bars)[0], first)
    other = pull((np.zeros(15), 1.0))[0]
    assert np.array_equal(pull(bars)[0], first)
    assert not np.array_equal(other, first)
    assert np.array_equal(bars[0], np.arange(15.0))
    assert np.array_equal(y[0], fun(x)[0])


def test_none_is_a_zero_cotangent() -> None:
    ys, pull = record(lambda x, y: [x * y, x, 3.0], [np.float64(2.0), np.float64(3.0)])
    assert ys == [6.0, 2.0, 3.0]
    assert pull([np.float64(1.0), None, None]) == [3.0, 2.0]
    assert pull([None, np.float64(1.0), None]) == [1.0, None]
    assert pull([None, None, np.float64(1.0)]) == [None, None]


def test_a_missing_rule_is_named() -> None:
    prim = Primitive(name="ruleless", doc="x.", eval=lambda x: x)
    with pytest.raises(RuleMissingError, match="'ruleless' has no vjp rule"):
        wg.grad(prim)(1.0)


def test_the_same_result_twice_and_inputs_as_results() -> None:
    def fun(x: Any) -> Any:
        y = x * 3.0
        return y, y, x

    _, pull = wg.vjp(fun, np.ones(2))
    assert np.array_equal(pull((np.ones(2), 10 * np.ones(2), np.ones(2)))[0], np.full(2, 34.0))

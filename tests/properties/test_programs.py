"""Random programs with writes, views, loops, branches and closures: values are NumPy's to the bit, and all modes agree.

`pytest -m slow tests/properties` tries many more, and longer ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import wengert as wg
from tests import fuzzing

from ..mutation.agreement import (  # noqa: TID252 - the same demands
    check_batches,
    complex_step,
    directions,
    fresh,
    pairing,
    require_same_bits,
)
from ..mutation.programs import Program, compiled  # noqa: TID252 - the same programs
from .source import BRANCHES, TEMPLATES, inputs, source

BRANCHING = TEMPLATES + BRANCHES
# Numbers below 100 go through at most 40 lines; a line's error is a few units of 1e-16 of them.
ROUNDING = 1e-11
MANY = 200  # examples: what runs in some ten seconds


def drawn(shortest: int, longest: int) -> Any:
    """How many lines a program has, and numbers for twice as many, since NumPy refuses some."""
    line = st.tuples(*[st.integers(0, 2**10)] * 4)
    lines = lambda n: st.lists(line, min_size=2 * n, max_size=2 * n)
    return st.integers(shortest, longest).flatmap(lambda n: st.tuples(st.just(n), lines(n)))


def program_of(templates: list[str], draws: Any) -> tuple[Callable[..., Any], list[Any]]:
    """The function and its operands; its text is shown with a failure."""
    length, numbers = draws
    text = source(templates, numbers, length)
    note(text)
    names, xs = zip(*inputs().items(), strict=True)
    return compiled(Program(text), *names), list(xs)


def close(found: Any, expected: Any, units: float) -> None:
    """Agree relative to the largest of all derivatives, which flow through each other."""
    size = max([1.0, *[float(np.max(np.abs(e), initial=0.0)) for e in expected]])
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=0, atol=units * size)


def check_first_order(draws: Any) -> None:
    fun, xs = program_of(BRANCHING, draws)
    rng = np.random.default_rng(draws[0])
    kept, expected = fresh(xs), fun(*fresh(xs))
    dots = directions(rng, xs)
    y, y_dot = wg.jvp(fun, tuple(xs), tuple(dots))
    require_same_bits(y, expected)
    close(y_dot, complex_step(fun, xs, dots), ROUNDING)
    y, pull = wg.vjp(fun, *xs)
    require_same_bits(y, expected)
    bars = directions(rng, y)
    for x_bars in (pull(bars), pull(bars)):  # a pullback may be called again
        size = max(
            1.0, *(float(np.max(np.abs(b * d), initial=0.0)) for b, d in zip(bars, y_dot, strict=True))
        )
        assert abs(pairing(x_bars, dots) - pairing(bars, y_dot)) <= ROUNDING * size * len(bars)
    require_same_bits(xs, kept)


def check_orders(draws: Any) -> None:
    fun, xs = program_of(BRANCHING, draws)
    rng = np.random.default_rng(draws[0])
    bars, dots, more = directions(rng, fun(*fresh(xs))), directions(rng, xs), directions(rng, xs)
    pull = lambda *args: list(wg.vjp(fun, *args)[1](bars))
    push = lambda *args: wg.jvp(
        fun, args, tuple([np.asarray(d, np.result_type(x)) for x, d in zip(args, dots, strict=True)])
    )[1]
    _, forward = wg.jvp(pull, tuple(xs), tuple(more))
    size = max(1.0, *(float(np.max(np.abs(f))) for f in forward))
    expected = pairing(forward, dots)
    assert abs(pairing(complex_step(push, xs, more), bars) - expected) <= ROUNDING * size * 40
    assert abs(pairing(wg.vjp(pull, *xs)[1](dots), more) - expected) <= ROUNDING * size * 40
    assert abs(pairing(wg.vjp(push, *xs)[1](bars), more) - expected) <= ROUNDING * size * 40
    assert abs(pairing(wg.jvp(push, tuple(xs), tuple(more))[1], bars) - expected) <= ROUNDING * size * 40


def check_vmap(draws: Any) -> None:
    fun, xs = program_of(TEMPLATES, draws)
    rng = np.random.default_rng(draws[0])
    bars = directions(rng, fun(*fresh(xs)))
    check_batches(fun, xs, bars, directions(rng, xs))


@pytest.mark.fuzz
@settings(max_examples=fuzzing.many(MANY))
@given(drawn(5, 40))
def test_values_and_first_derivatives(draws: Any) -> None:
    check_first_order(draws)


@pytest.mark.fuzz
@settings(max_examples=fuzzing.many(MANY))
@given(drawn(5, 15))
def test_second_derivatives_in_every_nesting(draws: Any) -> None:
    check_orders(draws)


@pytest.mark.fuzz
@settings(max_examples=fuzzing.many(MANY))
@given(drawn(5, 20))
def test_batches(draws: Any) -> None:
    check_vmap(draws)


@pytest.mark.slow
@given(drawn(20, 60))
def test_long_programs(draws: Any) -> None:
    check_first_order(draws)


@pytest.mark.slow
@given(drawn(5, 30))
def test_long_second_derivatives(draws: Any) -> None:
    check_orders(draws)


@pytest.mark.slow
@given(drawn(10, 40))
def test_long_batches(draws: Any) -> None:
    check_vmap(draws)

"""Random programs with branches, loops, recursion, writes and views: compiled, differentiated, recomputed, all agree.

`pytest -m slow tests/jit` tries many more, and longer ones.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import currently_in_test_context, given, note, settings
from hypothesis import strategies as st

import wengert as wg
from tests import fuzzing
from wengert.jit import jit
from wengert.transforms import simplify as simplification

from ..mutation.agreement import directions, fresh, require_same_bits  # noqa: TID252 - the same demands
from ..mutation.programs import Program, compiled  # noqa: TID252 - the same programs
from ..properties.source import BRANCHES, TEMPLATES, inputs, source  # noqa: TID252

ASKING = [
    """
def _fold(a, n):
    if n == 0 or np.real(a).sum() > 2.0:
        return a * C
    return _fold(0.5 * a + B.mean(), n - 1)
N = _fold(A, 3)
""",
    """
def _halve(a):
    return a if len(a) < 2 else np.concatenate([_halve(a[1::2]), 0.5 * _halve(a[::2])])
N = _halve(A)
""",
    """
N = A * 1.0
for k in range(4):
    if np.real(N).sum() > 1.0:
        N -= 0.25
        continue
    if np.real(N).sum() < -1.0:
        break
    N += C * B.mean()
""",
    """
_steps = 0
N = A + 0.0
while np.abs(np.real(N)).max() > 0.5 and _steps < 6:
    N[0] *= 0.5
    N = 0.75 * N
    _steps += 1
""",
    "N = [A, B * 1.0][int(bool(np.real(A).sum() > np.real(B).sum()))]",
    "N = np.stack(sorted(A[...].flat[:3], key=lambda t: t > 0))",
    "N = max(A[...].ravel(), key=lambda t: t) * B",
    "if np.real(A).max() > 1.0 and not np.real(B).min() > 0.0: A[I] -= C\nelse: A[I] += C",
]
PROGRAMS = TEMPLATES + 3 * (BRANCHES + ASKING)
EPS = float(np.finfo(float).eps)
MANY = 100


def drawn(shortest: int, longest: int) -> Any:
    """How many lines a program has, and numbers for twice as many, since NumPy refuses some."""
    line = st.tuples(*[st.integers(0, 2**10)] * 4)
    lines = lambda n: st.lists(line, min_size=2 * n, max_size=2 * n)
    return st.integers(shortest, longest).flatmap(lambda n: st.tuples(st.just(n), lines(n)))


def other(xs: list[Any], turn: int) -> list[Any]:
    """Operands of the same types, which lead other ways."""
    rng = np.random.default_rng(turn)
    return [rng.permuted(-x) if turn % 2 else 0.25 * rng.permuted(x) for x in xs]


def outcome(fun: Any, xs: list[Any]) -> Any:
    """The results, or the type of the exception: a program may refuse operands of other values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ys = fun(*fresh(xs))
    except Exception as error:  # noqa: BLE001 - whatever the plain program raises is right
        return type(error)
    return [np.array(y) for y in ys]


def agree(found: Any, expected: Any, lines: int) -> None:
    """Hold numbers to 4 units in the last place of the largest, for each line that they may have gone through.

    A sum that is joined in another order is wrong by some units of its largest term, which is among the results: every
    array that a program leaves is one.
    """
    if isinstance(found, type) or isinstance(expected, type):
        assert found == expected
        return
    size = max([1.0, *[float(np.max(np.abs(e[np.isfinite(e)]), initial=0.0)) for e in expected]])
    for f, e in zip(found, expected, strict=True):
        assert (f.shape, f.dtype) == (e.shape, e.dtype)
        finite = np.isfinite(e)
        np.testing.assert_array_equal(f[~finite], e[~finite])
        np.testing.assert_allclose(f[finite], e[finite], rtol=0, atol=4 * EPS * size * lines)


def check(draws: Any) -> int:
    """Compare all forms on operands that lead several ways; return how many ways there were."""
    length, numbers = draws
    text = source(PROGRAMS, numbers, length)
    if currently_in_test_context():
        note(text)
    names, xs = zip(*inputs().items(), strict=True)
    fun = compiled(Program(text), *names)
    staged = jit(fun)
    by_form = {}

    def pulled(f: Any, bars: Any) -> Any:
        return lambda *args: list(wg.vjp(f, *args)[1](bars))

    for operands in (list(xs), other(list(xs), 1), other(list(xs), 2), list(xs)):
        expected = outcome(fun, operands)
        agree(outcome(staged, operands), expected, length)
        if isinstance(expected, type) or not all(np.isfinite(y).all() for y in expected):
            continue
        bars = directions(np.random.default_rng(length), expected)
        key = tuple(y.shape for y in expected)
        if key not in by_form:
            eager = pulled(fun, bars)
            by_form[key] = (
                eager, pulled(staged, bars), jit(eager), jit(pulled(staged, bars)), pulled(wg.checkpoint(fun), bars)
            )  # fmt: skip
        eager, *forms, recomputed = by_form[key]
        slopes = outcome(eager, operands)
        for form in forms:
            agree(outcome(form, operands), slopes, length)
        require_same_bits(outcome(recomputed, operands), slopes)
    return int(staged.cache_info().paths)


@pytest.mark.fuzz
@settings(max_examples=fuzzing.many(MANY))
@given(drawn(4, 15))
def test_all_forms_agree(draws: Any) -> None:
    check(draws)


@pytest.mark.fuzz
@settings(max_examples=fuzzing.many(MANY // 2))
@given(drawn(4, 15))
def test_without_sums_joined_otherwise_no_bit_differs(draws: Any) -> None:
    """With the rewrites alone that are exact, the value is that of plain NumPy."""
    length, numbers = draws
    text = source(PROGRAMS, numbers, length)
    note(text)
    names, xs = zip(*inputs().items(), strict=True)
    fun = compiled(Program(text), *names)
    with pytest.MonkeyPatch.context() as patch:
        exact = [rewrite for rewrite in simplification.REWRITES if rewrite.exact]
        patch.setattr(simplification, "REWRITES", exact)
        staged = jit(fun)
        for operands in (list(xs), other(list(xs), 1)):
            expected, found = outcome(fun, operands), outcome(staged, operands)
            if isinstance(expected, type):
                assert found == expected
            else:
                require_same_bits(found, expected)


def test_the_programs_take_several_ways() -> None:
    """The table of programs would prove little if all numbers went one way."""
    rng = np.random.default_rng(1964)
    ways = [check((10, [tuple(map(int, row)) for row in rng.integers(0, 2**10, (20, 4))])) for _ in range(8)]
    assert sum(n > 1 for n in ways) >= 4


@pytest.mark.slow
@given(drawn(10, 40))
def test_long_programs(draws: Any) -> None:
    check(draws)


NOT_IN_C_ORDER = {
    "elementwise": lambda x: np.sin(x.T),
    "arithmetic": lambda x: x.T * 1.0,
    "a choice": lambda x: np.where(x.T > 0, x.T, 0.0),
    "a copy": lambda x: x.T.copy("K"),
    "indices": lambda x: x[..., [0, 1, 1]],
    "a sort": lambda x: np.sort(x.T, axis=0),
    "a broadcast product": lambda x: x.T[:, :, None] * np.ones(2),
}


@pytest.mark.parametrize("name", NOT_IN_C_ORDER)
def test_a_reshape_that_numpy_copies(name):
    """In NumPy the write is to a copy, since these results do not lie in C's order."""

    def fun(x):
        y = NOT_IN_C_ORDER[name](x)
        z = y.reshape(-1)
        z[0] = 99.0
        return y

    x = np.random.default_rng(0).normal(size=(3, 3))
    np.testing.assert_array_equal(jit(fun)(x), fun(x))

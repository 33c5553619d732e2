"""Random programs as machine code: values and derivatives are NumPy's.

Half of the programs compute with whole numbers, which no order of additions changes: these agree to the bit.
`pytest -m slow tests/compile/test_random_programs.py` tries many more, and longer ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import currently_in_test_context, given, note, reject, settings
from hypothesis import strategies as st

import wengert as wg
from wengert.compile.context import NotLowered
from wengert.core.graph import Graph
from wengert.errors import ArgumentError, NotConcreteError
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

from .graph_agreement import (
    MISSED,
    coarsest,
    intermediates,
    native_results,
    plain_results,
    require_equal_types,
    sizes,
)
from .random_source import inputs, source

FORMS = ["value", "gradient", "tangent", "value and gradient"]
MANY = 200  # examples of each kind: what runs in some ten seconds
TERMS = 16  # a result is a sum of at most about so many products, with an error of 4 ulp each: functions have as many
REFUSED = (
    ArgumentError,
    NotConcreteError,
    ValueError,
    IndexError,
)  # of values that NumPy takes, but no graph can


def drawn(shortest: int, longest: int) -> Any:
    """How many lines a program has, numbers for more than those, since NumPy refuses some, and its form."""
    line = st.tuples(*[st.integers(0, 2**10)] * 4)
    lines = lambda n: st.lists(line, min_size=2 * n + 4, max_size=2 * n + 4)
    lengths = st.integers(shortest, longest)
    return lengths.flatmap(lambda n: st.tuples(st.just(n), lines(n), st.sampled_from(FORMS)))


def direction(y: Any) -> Any:
    """Small whole numbers, as a derivative of y or along y."""
    return (2.0 - np.arange(np.size(y)).reshape(np.shape(y)) % 3).astype(np.result_type(y))[()]


def is_floating(x: Any) -> bool:
    return np.result_type(x).kind == "f"


def formed(fun: Callable[..., Sequence[Any]], form: str) -> Callable[..., list[Any]]:
    """The value or derivatives of a function by all its floating operands, of operands."""

    def whole(*xs: Any) -> list[Any]:
        if form == "value":
            return list(fun(*xs))
        chosen = [i for i, x in enumerate(xs) if is_floating(x)]

        def floating(*moved: Any) -> list[Any]:
            operands = dict(enumerate(xs)) | dict(zip(chosen, moved, strict=True))
            return [y for y in fun(*operands.values()) if is_floating(y)]

        points = [xs[i] for i in chosen]
        if form == "tangent":
            ys, dots = wg.jvp(floating, tuple(points), tuple(map(direction, points)))
            return [*ys, *dots]
        ys, pull = wg.vjp(floating, *points)
        bars = list(pull([direction(y) for y in ys]))
        return bars if form == "gradient" else [*ys, *bars]

    return whole


def graph_of(text: str, form: str, xs: Sequence[Any]) -> Graph:
    space: dict[str, Any] = {"np": np, "wg": wg}
    exec(text, space)  # noqa: S102 - the text is made by `source`
    return simplify(stage(formed(space["program"], form), [type_of(x) for x in xs], "program")[0])


def agree(graph: Graph, found: Sequence[Any], expected: Sequence[Any], size: float, lines: int) -> None:
    """Hold results to NumPy's, relative to the largest number on the way; a line may sum as many terms again."""
    require_equal_types(found, expected)
    eps = coarsest(graph)
    for f, e in zip(map(np.asarray, found), map(np.asarray, expected), strict=True):
        if f.dtype.kind != "f" or not lines:
            np.testing.assert_array_equal(f, e)
            continue
        finite = np.isfinite(e)
        np.testing.assert_array_equal(f[~finite], e[~finite])
        bound = 4 * eps * size * max(TERMS, lines)
        np.testing.assert_allclose(f[finite], e[finite], rtol=0, atol=bound)


def is_whole(graph: Graph, xs: Sequence[Any]) -> bool:
    """Whether all numbers on the way are multiples of 1/64 that float32 holds, and sums of them: none is rounded.

    Derivatives of maxima that several entries share are thirds.
    """
    return all(
        bool(np.all(np.abs(y) < 2**14)) and bool(np.all(64 * y == np.rint(64 * y)))
        for y in intermediates(graph, xs)
    )


SPECIAL = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan])


def special(x: Any, which: Sequence[int]) -> Any:
    """An array with special values at two places."""
    if np.ndim(x) == 0 or not is_floating(x) or not x.size:
        return x
    x = x.copy()
    a, b, *places = which
    x.ravel()[[n % x.size for n in places]] = SPECIAL[[a % 6, b % 6]]
    return x


def check(draws: Any, *, exact: bool, finite: bool = True) -> str:
    """Hold a program to NumPy; say what became of it."""
    length, numbers, form = draws
    turn = numbers[-1][0]
    text = source(numbers, length, exact=exact, turn=turn, finite=finite)
    if currently_in_test_context():
        note(f"# {form}\n{text}")
    xs = list(inputs(exact, turn).values())
    if not finite:
        xs = [special(x, numbers[k % len(numbers)]) for k, x in enumerate(xs)]
    try:
        graph = graph_of(text, form, xs)
    except REFUSED:
        return "refused"
    expected = plain_results(graph, xs)
    try:
        found = native_results(graph, xs)
    except NotLowered:  # nothing in it is native
        return "refused"
    if isinstance(expected, type) or found is MISSED:
        assert isinstance(expected, type) or not finite  # what is not finite may be left to NumPy
        assert found is MISSED
        return "raises"
    size = sizes(graph, xs)
    agree(graph, found, expected, size, 0 if exact and is_whole(graph, xs) else length)
    return "agrees"


@settings(max_examples=MANY)
@given(drawn(1, 12))
def test_whole_numbers_agree_to_the_bit(draws: Any) -> None:
    if check(draws, exact=True) == "refused":
        reject()


@settings(max_examples=MANY)
@given(drawn(1, 12))
def test_programs_agree(draws: Any) -> None:
    if check(draws, exact=False) == "refused":
        reject()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=MANY // 2)
@given(drawn(1, 12))
def test_what_is_not_finite_agrees(draws: Any) -> None:
    if check(draws, exact=False, finite=False) == "refused":
        reject()


def test_most_programs_are_compiled() -> None:
    """The table of templates would prove little if most programs were refused."""
    rng = np.random.default_rng(1964)
    found = [
        check(
            (8, [tuple(map(int, row)) for row in rng.integers(0, 2**10, (20, 4))], FORMS[k % 4]), exact=True
        )
        for k in range(20)
    ]
    assert found.count("agrees") >= 15


HANDED_ON = ["a", "b", "new_a", "new_b", "a + 0.0", "v * 1.0"]
STEPS = {
    "scan": """
def step(c, r):
    a, b = c
    new_a = a.copy()
    new_a[1] += r[0]
    new_b = b.copy()
    new_b[0] = a[1]
    return (FIRST, SECOND), (a.sum(), new_a)
(p, q), y = wg.scan(step, (v, v * 2.0), x)
return [p, q, *y]
""",
    "while": """
def step(c):
    n, a, b = c
    new_a = a.copy()
    new_a[n] += 1.0
    new_b = b.copy()
    new_b[0] = a[1]
    return n + 1, FIRST, SECOND
return list(wg.while_loop(lambda c: c[0] < 3, step, (0, v, v * 2.0)))
""",
}


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("first", HANDED_ON)
def test_what_a_step_hands_on(kind: str, first: str) -> None:
    """Arrays that a step updates, hands on as they were, or swaps: no update is seen by what had the old entries."""
    xs = list(inputs(exact=True).values())
    for second in HANDED_ON:
        body = STEPS[kind].replace("FIRST", first).replace("SECOND", second).strip().splitlines()
        text = f"def program({', '.join(inputs(exact=True))}):\n" + "".join(f"    {line}\n" for line in body)
        graph = graph_of(text, "value", xs)
        for y, expected in zip(native_results(graph, xs), plain_results(graph, xs), strict=True):
            np.testing.assert_array_equal(y, expected)


def test_an_entry_is_read_before_and_after_it_is_written() -> None:
    text = """
def program(v, n):
    def step(c, r):
        i, j = r
        before = c[i] * 2
        c = c.copy()
        c[j] = 7.0
        between = c[i] - before
        c[i] += between
        return c, (before, between, c[j] * c[i])
    c, ys = wg.scan(step, v, (n, n[::-1]))
    return [c, *ys]
"""
    xs = [np.arange(4.0), np.array([0, 1, 2, 0, 0, 3])]
    graph = graph_of(text, "value", xs)
    for y, expected in zip(native_results(graph, xs), plain_results(graph, xs), strict=True):
        np.testing.assert_array_equal(y, expected)


def test_a_row_that_is_joined_and_read_at_computed_places() -> None:
    """It lies in memory for one step of the loop over rows, which must not do several at once."""
    text = """
def program(t, n):
    return [t.sum(axis=-1)[:, n] * 2, t.max(axis=-1)[:, n[::-1]]]
"""
    xs = [np.arange(37 * 6.0).reshape(37, 3, 2) % 11, np.array([2, 0, 1])]
    graph = graph_of(text, "value", xs)
    for y, expected in zip(native_results(graph, xs), plain_results(graph, xs), strict=True):
        np.testing.assert_array_equal(y, expected)


def test_a_transpose_that_a_product_has_taken_in() -> None:
    text = """
def program(f, v):
    return [f @ np.einsum("i,j->ji", v, v), np.outer(v, v).T @ v]
"""
    xs = [np.arange(12.0).reshape(3, 4), np.arange(4.0)]
    for form in FORMS:
        graph = graph_of(text, form, xs)
        agree(graph, native_results(graph, xs), plain_results(graph, xs), 0.0, 0)


def test_slices_beside_indices() -> None:
    text = """
def program(t, n):
    z = t * 1.0
    z[::-1, n] += 1.0
    return [t[::-1, n], t[n, ::-1], t[1:, None, n, ::-2], t[::-2, n, n], z]
"""
    xs = [np.arange(5 * 4 * 3.0).reshape(5, 4, 3), np.array([2, 0, 1])]
    for form in ("value", "tangent"):
        graph = graph_of(text, form, xs)
        agree(graph, native_results(graph, xs), plain_results(graph, xs), 0.0, 0)


@pytest.mark.slow
@given(drawn(8, 30))
def test_long_whole_programs(draws: Any) -> None:
    if check(draws, exact=True) == "refused":
        reject()


@pytest.mark.slow
@given(drawn(8, 30))
def test_long_programs(draws: Any) -> None:
    if check(draws, exact=False) == "refused":
        reject()

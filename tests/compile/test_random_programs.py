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
from wengert.core.graph import Graph
from wengert.errors import ArgumentError, NotConcreteError
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

from .graph_agreement import MISSED, intermediates, native_results, plain_results, require_equal_types, sizes
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
    single = any(a.dtype == np.float32 for node in graph.nodes for a in (*node.inputs, *node.outputs))
    eps = float(np.finfo(np.float32 if single else np.float64).eps)
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


def check(draws: Any, *, exact: bool) -> str:
    """Hold a program to NumPy; say what became of it."""
    length, numbers, form = draws
    turn = numbers[-1][0]
    text = source(numbers, length, exact=exact, turn=turn)
    if currently_in_test_context():
        note(f"# {form}\n{text}")
    xs = list(inputs(exact, turn).values())
    try:
        graph = graph_of(text, form, xs)
    except REFUSED:
        return "refused"
    expected, found = plain_results(graph, xs), native_results(graph, xs)
    if isinstance(expected, type) or found is MISSED:
        assert isinstance(expected, type)
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

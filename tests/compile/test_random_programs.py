"""Random programs as machine code: values and derivatives are NumPy's.

Many of the programs compute with whole numbers, which no order of additions changes: these agree to the bit.
`pytest -m fuzz --fuzz N tests/compile/test_random_programs.py` tries N of each kind, `pytest -m slow` longer ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from tests import fuzzing
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
TERMS = 16  # a result is a sum of at most about so many products, with an error of 4 ulp each: functions have as many
REFUSED = (
    ArgumentError,
    NotConcreteError,
    ValueError,
    IndexError,
    OverflowError,
)  # of values that NumPy takes, but no graph can


class Kind(NamedTuple):
    """A kind of programs: how many are tried, and how many lines they have."""

    many: int
    lengths: tuple[int, int]
    exact: bool
    finite: bool = True


KINDS = {
    "whole numbers, to the bit": Kind(600, (1, 12), exact=True),
    "rounded": Kind(300, (1, 12), exact=False),
    "not finite": Kind(100, (1, 12), exact=False, finite=False),
}
LONG = {"long, whole": Kind(1000, (8, 30), exact=True), "long": Kind(1000, (8, 30), exact=False)}


class Draws(NamedTuple):
    """What a program is made of: how many lines, numbers for more than those, since NumPy refuses some, and a form."""

    length: int
    numbers: list[tuple[int, int, int, int]]
    form: str


def drawn(kind: Kind, number: int) -> Draws:
    """The program of a number."""
    rng = np.random.default_rng([kind.exact, kind.finite, *kind.lengths, number])
    length = int(rng.integers(*kind.lengths, endpoint=True))
    numbers = [tuple(map(int, row)) for row in rng.integers(0, 2**10, (2 * length + 4, 4))]
    return Draws(length, numbers, FORMS[rng.integers(len(FORMS))])


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


def require_signs_of_zeros(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Not those of derivatives: a masked product with 0 is 0, and where no mask is needed it may be -0."""
    for f, e in zip(map(np.asarray, found), map(np.asarray, expected), strict=True):
        if f.dtype.kind == "f":
            zero = (f == 0) & (e == 0)
            np.testing.assert_array_equal(np.signbit(f[zero]), np.signbit(e[zero]))


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


def text_of(draws: Draws, kind: Kind) -> str:
    turn = draws.numbers[-1][0]
    return source(draws.numbers, draws.length, exact=kind.exact, turn=turn, finite=kind.finite)


def check(draws: Draws, kind: Kind) -> str:
    """Hold a program to NumPy; say what became of it."""
    length, numbers, form = draws
    exact, finite = kind.exact, kind.finite
    text = text_of(draws, kind)
    xs = list(inputs(exact, numbers[-1][0]).values())
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
    if exact and form == "value":
        require_signs_of_zeros(found, expected)
    return "agrees"


def fault(draws: Draws, kind: Kind) -> str | None:
    try:
        check(draws, kind)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is reported, with the program
        return f"{type(error).__name__}: {error}"
    return None


def shortened(draws: Draws, kind: Kind) -> Draws:
    """The same without the lines that a fault does not need."""
    for k in reversed(range(len(draws.numbers) - 4)):
        fewer = Draws(draws.length, draws.numbers[:k] + draws.numbers[k + 1 :], draws.form)
        if fault(fewer, kind):
            draws = fewer
    return draws


@pytest.fixture
def machine_code_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENGERT_CACHE_DIR", "")  # no program is tried twice


def try_programs(kind: Kind) -> None:
    """Try so many programs that NumPy and graphs take; report the first that fails, as short as it can be made."""
    tried, many = 0, fuzzing.many(kind.many)
    for number in fuzzing.numbers():
        draws = drawn(kind, number)
        try:
            tried += check(draws, kind) != "refused"
        except Exception as error:
            fewer = shortened(draws, kind)
            what = fault(fewer, kind)
            raise AssertionError(f"program {number}, {fewer.form}: {what}\n{text_of(fewer, kind)}") from error
        if tried == many:
            return


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.usefixtures("machine_code_is_not_kept")
@pytest.mark.parametrize("name", KINDS)
def test_programs_agree(name: str) -> None:
    try_programs(KINDS[name])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.usefixtures("machine_code_is_not_kept")
@pytest.mark.parametrize("name", LONG)
def test_long_programs_agree(name: str) -> None:
    try_programs(LONG[name])


def test_most_programs_are_compiled() -> None:
    """The table of templates would prove little if most programs were refused."""
    kind = Kind(0, (8, 8), exact=True)
    found = [check(drawn(kind, k), kind) for k in range(20)]
    assert found.count("agrees") >= 15


def test_a_fault_is_found_and_reported_with_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = lambda graph, xs: [y + 1 for y in plain_results(graph, xs)]
    monkeypatch.setitem(globals(), "native_results", wrong)
    with pytest.raises(AssertionError, match=r"program \d+, [\s\S]*def program\("):
        try_programs(KINDS["rounded"])


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

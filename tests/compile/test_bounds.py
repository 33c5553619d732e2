"""Indices out of bounds: compiled code raises what NumPy raises, with the position, and only where NumPy does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.jit import jit
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

from .graph_agreement import MISSED, native_results

pytestmark = pytest.mark.usefixtures("machine_code")

X = np.arange(12.0).reshape(4, 3)
HERE = [0, 3, -1, -4]
OUTSIDE = [4, -5, 100, 2**40]


def written(x: Any, index: Any, value: Any) -> Any:
    x = x * 1.0
    x[index] = value
    return x


READS = {
    "a row": lambda x, i: x[i],
    "a column": lambda x, i: x.T[:, i],
    "from the end": lambda x, i: x[~i],
    "nothing of a row": lambda x, i: x[i][:0],
    "no columns": lambda x, i: x[i, :0],
    "a row beside nothing": lambda x, i: x[i][:, None] * np.zeros((3, 0)),
    "a number beside nothing": lambda x, i: x[i, 0] * np.zeros(0),
    "what nobody uses": lambda x, i: (x[i], x * 2.0)[1],
    "a sum of nothing": lambda x, i: x[i][:0].sum() + x.sum(),
    "places": lambda x, i: x[np.array([0, 1]) * 0 + i],
    "nothing of places": lambda x, i: x[np.array([0, 1]) * 0 + i][:, :0],
    "a writing": lambda x, i: written(x, i, 7.0),
    "a writing of nothing": lambda x, i: written(x, (i, slice(0, 0)), 7.0),
    "an addition": lambda x, i: written(x, i, x[0] + 1.0) + x[i],
    "in every branch": lambda x, i: wg.cond(x[0, 1] > 0, lambda x, i: x[i], lambda x, i: x[i] * 2.0, x, i),
    "in every step": lambda x, i: wg.scan(lambda c, r: (c + x[i].sum(), r), 0.0, x[:, 0])[0],
    "beside a branch": lambda x, i: wg.cond(x[0, 0] > 0, lambda x, i: x[i], lambda x, i: x[0], x, i) + x[i],
    "a gradient": lambda x, i: wg.grad(lambda x: (x[i] ** 2).sum())(x),
}
# Those that are not come to: NumPy does not raise either.
PASSED_BY = {
    "the other branch": lambda x, i: wg.cond(x[0, 1] > 0, lambda x, i: x[0], lambda x, i: x[i], x, i),
    "a branch that is guarded": lambda x, i: wg.cond(
        (i >= 0) & (i < 4), lambda x, i: x[i].sum(), lambda x, i: x[0].sum(), x, i
    ),
    "a loop without steps": lambda x, i: wg.while_loop(
        lambda c: c[0] < 0.0, lambda c: (c[0] + c[1][c[2]].sum(), c[1], c[2]), (x[0, 0], x, i)
    )[0],
    "a clipped one": lambda x, i: x[np.clip(i, 0, 3)],
}
# In the second branch the first one's check does not count.
MIXED = lambda x, i: wg.cond(i > 3, lambda x, i: x[0], lambda x, i: x[i], x, i)


def outcome(fun: Any, *args: Any) -> Any:
    try:
        return np.asarray(fun(*args))
    except IndexError as error:
        return str(error)


def require_equal(found: Any, expected: Any) -> None:
    assert type(found) is type(expected), (found, expected)
    if isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", READS)
def test_the_message_names_the_position(name: str) -> None:
    fun = READS[name]
    compiled = jit(fun)
    for _ in range(2):
        for i in HERE:
            require_equal(outcome(compiled, X, i), outcome(fun, X, i))
        for i in OUTSIDE:
            expected = outcome(fun, X, i)
            assert f"index {~i if name == 'from the end' else i} is out of bounds" in expected
            require_equal(outcome(compiled, X, i), expected)


def runs_natively(fun: Any, i: int) -> bool:
    xs = [X, np.int64(i)]
    graph = simplify(stage(lambda *ys: [fun(*ys)], [type_of(x) for x in xs], "read")[0])
    ys = native_results(graph, xs)
    if ys is not MISSED:
        np.testing.assert_array_equal(ys[0], fun(*xs))
    return ys is not MISSED


@pytest.mark.parametrize("name", READS)
def test_programs_find_it_themselves(name: str) -> None:
    assert all(runs_natively(READS[name], i) for i in HERE)
    assert not any(runs_natively(READS[name], i) for i in OUTSIDE)


@pytest.mark.parametrize("name", PASSED_BY)
def test_what_is_not_come_to_is_not_checked(name: str) -> None:
    assert all(runs_natively(PASSED_BY[name], i) for i in (*HERE, *OUTSIDE))


def test_a_check_in_one_branch_is_none_for_another() -> None:
    for i in (*HERE, *OUTSIDE):
        assert runs_natively(MIXED, i) == (i >= -4)


def test_a_check_in_a_branch_is_none_behind_it() -> None:
    fun = lambda x, i: wg.cond(x[0, 0] > 0, lambda x, i: x[i], lambda x, i: x[0], x, i) + x[i]
    assert runs_natively(fun, 3)
    assert not runs_natively(fun, 4)

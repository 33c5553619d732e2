"""Loops that keep few states are reversed natively: exactly on whole numbers, and in the memory that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.control.reversal_loops import _table
from wengert.control.schedules import schedule

pytestmark = pytest.mark.usefixtures("machine_code")

SCHEDULES = [1, 2, 3, 5, "sqrt", "binomial"]


def whole(*shape):
    return np.random.default_rng(5).integers(-2, 3, shape).astype(float)


def recurrence(w, start, x, checkpoint, *, reverse=False):
    """Constants, two carried arrays and a number that is not differentiated, slices, results: of whole numbers."""

    def step(carry, row):
        a, b, count = carry
        a, b = b - row, a * w[count % 3] + row
        return (a, b, count + 1), a[:2] * b[:2]

    carry, ys = wg.scan(step, (start, 2.0 * start, 0), x, checkpoint=checkpoint, reverse=reverse)
    return np.sum(carry[0] * carry[1]) + np.sum(ys)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3, 10])
@pytest.mark.parametrize("checkpoint", SCHEDULES)
def test_gradients_are_those_of_the_loop_that_keeps_everything(checkpoint, length, reverse):
    args = whole(3, 4), whole(4), whole(length, 4)

    def slope(checkpoint):
        return wg.grad(lambda w, s, x: recurrence(w, s, x, checkpoint, reverse=reverse), (0, 1, 2))

    compiled = wg.jit(slope(checkpoint))
    for found, wanted in zip(compiled(*args), slope(None)(*args), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert "host" not in str(compiled.kernels(*args))


def test_no_steps():
    args = whole(3, 4), whole(4), whole(0, 4)
    for found in wg.jit(wg.grad(lambda *a: recurrence(*a, 2), (0, 1, 2)))(*args):
        assert not np.any(np.isnan(found))


def test_loops_in_loops():
    def loss(w, checkpoint):
        def inner(z, k):
            return z * w + k, None

        def outer(z, k):
            z, _ = wg.scan(inner, z, np.arange(3.0), checkpoint=checkpoint)
            return z - k, z

        z, zs = wg.scan(outer, np.ones(2), np.arange(4.0), checkpoint=checkpoint)
        return np.sum(z) + np.sum(zs)

    w = np.array([1.0, -2.0])
    for checkpoint in (2, "sqrt"):
        found = wg.jit(wg.grad(loss), static_argnums=1)(w, checkpoint)
        np.testing.assert_array_equal(found, wg.grad(loss)(w, None))


def test_second_derivatives():
    args = whole(3, 4), whole(4), whole(5, 4)
    twice = [
        wg.grad(lambda w, c=c: np.sum(wg.grad(recurrence)(w, *args[1:], c) ** 2)) for c in (None, "binomial")
    ]
    np.testing.assert_array_equal(wg.jit(twice[1])(args[0]), twice[0](args[0]))


def states_held(checkpoint, n):
    """Return how many states a compiled gradient has room for, besides some that do not depend on the length."""
    size = 500

    def loss(start, x, w):
        return np.sum(wg.scan(lambda z, u: (np.sin(z @ w + u), None), start, x, checkpoint=checkpoint)[0])

    args = np.zeros((size // 10, 10)), np.zeros(n), np.eye(10)
    text = str(wg.jit(wg.grad(loss, (0, 2))).kernels(*args))
    buffers = {line.split()[-1]: line for line in text.splitlines() if "is arena at byte" in line}
    ends = [
        int(place) + 8 * int(line.partition("f64[")[2].partition("]")[0] or 0)
        for place, line in buffers.items()
    ]
    return max(ends) / (8 * size)


def test_memory_does_not_grow_with_the_steps():
    assert states_held(None, 200) > 200
    few = states_held(4, 200)
    assert few < 4 + 4 + 16  # slots, carried through two loops; and what a step takes
    assert states_held(4, 100) == pytest.approx(few, abs=1)
    assert states_held("sqrt", 400) < 2 * (2 * 20) + 16


@pytest.mark.parametrize("checkpoint", SCHEDULES)
@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_a_table_says_what_the_schedule_does(checkpoint, n):
    """Interpreted with a state that is its number: each reversal is of its own step."""
    moves, reversals, slots = _table(n, checkpoint)
    kept = np.full(slots, -1)
    kept[0] = 0
    for k, (first, last, slot, start, stop) in zip(range(n - 1, -1, -1), reversals, strict=True):
        for source, begin, end, target in moves[first:last]:
            assert kept[source] == begin <= end
            kept[target] = end
        assert kept[slot] == start <= stop == k
    kept_most = max(
        np.cumsum([{"Store": 1, "Drop": -1}.get(type(a).__name__, 0) for a in schedule(n, checkpoint)])
    )
    assert slots == kept_most

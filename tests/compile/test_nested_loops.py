"""Loops in loops that carry arrays in one memory: whoever reads an array, and when, finds what it should.

Programs are made at random, of whole numbers modulo 7, so that compiled and run by NumPy they give the same bits.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
from tests import fuzzing

pytestmark = pytest.mark.usefixtures("machine_code")

SHAPE, VIEWED = (2, 3), (3, 2)
KINDS = ("scan", "fori", "while")
AFTER = ("nothing", "read", "kept", "viewed")  # what is done behind a loop with an array that it started from


def step_of(state, k, wiring):
    """New arrays, each of two of the old ones; or an old one as it is, perhaps from another place."""
    made = []
    for i, j, how in wiring:
        x, y = state[i % len(state)], state[j % len(state)]
        made.append([x, x + y, x * 2 + k, y[::-1] + x, _written(x, y)][how])
    return [z % 7 for z in made] if wiring[0][2] else made


def _written(x, y):
    x = x.copy()
    x[1] = y[0]
    return x


def looped(kind, state, steps, body):
    """Do some steps by a loop of one kind; `body` takes and gives a list of arrays."""
    if kind == "scan":
        return wg.scan(lambda c, k: (body(c, k), c[0] * k), state, np.arange(float(steps)))[0]
    if kind == "fori":
        return wg.fori_loop(0, steps, lambda k, c: body(c, k * 1.0), state)
    return wg.while_loop(lambda s: s[0] < steps, lambda s: (s[0] + 1, body(s[1], s[0] * 1.0)), (0, state))[1]


wirings = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), min_size=2, max_size=3)
programs = st.tuples(
    *[st.sampled_from(KINDS)] * 3,
    wirings,
    wirings,
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(AFTER),
    st.booleans(),
    st.booleans(),
)


def run(program, x):
    first, second, third, outer, inner, n, m, after, again, twice = program
    width = len(inner)

    def inside(state, k):
        return step_of(state, k, inner)

    def body(state, k):
        state = step_of(state, k, outer) if again else state
        before = state[-1]
        view = np.reshape(before, VIEWED)
        found = looped(second, [*state, *state][:width], m, inside)
        if twice:
            found = looped(third, found, m, inside)
        found = [*found, *found][: len(outer)]
        last = {
            "nothing": lambda: found[-1],
            "read": lambda: (found[-1] + before) % 7,
            "kept": lambda: before,
            "viewed": lambda: looped("fori", [found[-1]], 2, lambda c, _: [(c[0] + view.T) % 7])[0],
        }
        return [*found[:-1], last[after]()]

    start = [(x + i) % 7 for i in range(len(outer))]
    end = looped(first, start, n, body)
    return [*end, start[0] + end[0]]


def agree(program):
    x = np.array([1.0, 4.0, 2.0, 6.0, 5.0, 0.0]).reshape(SHAPE)
    for found, wanted in zip(wg.jit(lambda x: run(program, x))(x), run(program, x), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.fuzz
@given(programs)
@settings(max_examples=fuzzing.many(40))
def test_random_programs(program):
    agree(program)


SWAP, KEEP = [(1, 0, 0), (0, 1, 0)], [(0, 0, 0), (1, 0, 0)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("outer", [SWAP, KEEP, [(0, 1, 1), (1, 0, 4)]], ids=["swap", "keep", "write"])
@pytest.mark.parametrize("inner", [SWAP, KEEP, [(1, 0, 3), (1, 1, 2)]], ids=["swap", "keep", "turn"])
def test_what_is_carried_on_changes_places(kind, after, outer, inner):
    for again in (False, True):
        agree((kind, kind, "scan", outer, inner, 3, 2, after, again, True))


def test_an_array_that_loops_hand_on_is_not_copied():
    def nested(x):
        def outer(x, k):
            return wg.fori_loop(0, 5, lambda i, y: np.sin(y) + i * k, x), None

        return wg.scan(outer, x, np.arange(4.0))[0]

    text = str(wg.jit(nested).kernels(np.ones(50)))
    assert text.count("store") == 3  # what the outer loop starts from, and a step: computed, then carried

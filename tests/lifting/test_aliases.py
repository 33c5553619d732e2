"""Arrays under more names than one: a write in a loop or branch of a graph is seen under each, or refused."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import LiftError

from .agreement import reference
from .test_graphs import names

LONG = np.sin(np.arange(40.0)) + 0.1


def two_names(x):
    y = np.zeros(40)
    z = y
    for i in range(1, 40):
        y[i] = x + z[i - 1]
    return z + y


def augmented(x):
    y = x * 1.0
    z = y
    for v in x:
        y += v * z[0]
    return z


def in_a_function(x):
    y = np.zeros(40)
    for i in range(40):
        put(y, i, x * i)
    return y


def put(y, i, v):
    y[i] = v


def in_a_closure(x):
    y = np.zeros(40)

    def write(i):
        y[i] = x * i

    for i in range(40):
        write(i)
    return y


class Buffer:
    def __init__(self, n):
        self.data = np.zeros(n)

    def put(self, i, v):
        self.data[i] = v


def in_a_method(x):
    buffer = Buffer(40)
    for i in range(40):
        buffer.put(i, x * i)
    return buffer.data


def without_traced_values(x):
    y = x * 1.0
    for i in range(20):
        y[i] = 1.0
        y[39 - i] *= i
    return y


def fresh_in_each_step(x):
    s = 0.0
    for i in range(40):
        t = x * 1.0
        t[0] += s + i
        s = t[0] * 0.5
    return s


def fresh_kept(x):
    y = x * 0
    for i in range(40):
        z = x * 1.0
        z[i] = y[0] + 1
        y = z
    return y


def through_a_view(x):
    y = np.zeros((4, 20))
    row = y[1]
    for i in range(20):
        row[i] = x * i
        y[2, i] = row[i] + 1
    return y, row


def rows_of_a_list(x):
    rows = [np.zeros(20), np.ones(20)]
    for i in range(20):
        rows[0][i] = x * i
        rows[1][i] += rows[0][i]
    return rows


def plain_integers(x):
    counts = np.zeros(3, int)
    for i in range(40):
        counts[i % 3] += 1
    return x * counts


def list_of_a_function(x):
    seen = []
    for i in range(20):
        seen.append(x * i)  # noqa: PERF401 - this is what is lifted
    return sum(seen)


def appended_elsewhere(x):
    seen = []
    for i in range(20):
        push(seen, x * i)
    return sum(seen)


def push(seen, v):
    seen.append(v)


def last_one(x):
    y = np.zeros(40)
    best = y
    for i in range(40):
        y[i] = x
        if i % 7 == 0:
            best = y
    return best + y


KEPT = [
    (two_names, 0.5),
    (augmented, LONG),
    (in_a_function, 0.5),
    (in_a_closure, 0.5),
    (in_a_method, 0.5),
    (without_traced_values, LONG),
    (fresh_in_each_step, LONG),
    (fresh_kept, LONG),
    (through_a_view, 0.5),
    (rows_of_a_list, 0.5),
    (last_one, 0.5),
]
UNROLLED = [(list_of_a_function, 0.5), (appended_elsewhere, 0.5), (plain_integers, 0.5)]


def require_same(got, want):
    got, want = wg.tree.flatten(got)[0], wg.tree.flatten(want)[0]
    for y, expected in zip(got, want, strict=True):
        np.testing.assert_array_equal(y, expected)


def to_number(fun):
    return lambda x: sum(np.sum(y * y) for y in wg.tree.flatten(fun(x))[0])


@pytest.mark.parametrize(("fun", "x"), KEPT + UNROLLED, ids=lambda x: getattr(x, "__name__", ""))
def test_writes_are_seen_under_every_name(fun, x):
    kept = np.copy(x)
    want = fun(x)
    require_same(wg.jit(fun, lift=True)(x), want)
    require_same(wg.vmap(wg.lift(fun))(np.stack([x, x]))[0] if fun in (two_names, augmented) else want, want)
    slopes = [wg.grad(to_number(wg.lift(fun)))(x), wg.grad(wg.jit(to_number(wg.lift(fun))))(x)]
    (expected,) = reference(lambda z: np.stack([to_number(fun)(z)]), x)
    size = max(1.0, float(np.max(np.abs(expected))))
    np.testing.assert_allclose(slopes[0], expected, rtol=0, atol=3e-7 * size)  # as in agreement.check
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=0, atol=1e-14 * size)
    np.testing.assert_array_equal(kept, x)


@pytest.mark.parametrize(("fun", "x"), KEPT, ids=lambda x: getattr(x, "__name__", ""))
def test_such_loops_stay_loops(fun, x):
    if fun is not last_one:
        assert {"scan", "while"} & set(names(wg.jit(fun, lift=True).graph(x)))


def counted_outside(x):
    counts = np.zeros(3, int)
    other = counts
    n = 0
    while x < 100:
        counts[n % 3] += 1
        n += 1
        x = x * 2
    return x * other


def written_and_replaced(x, y):
    while x < 10:
        y[0] = x
        y = y * 2
        x = x * 2
    return y


def test_what_would_be_seen_under_one_name_only_is_refused():
    with pytest.raises(LiftError, match="more names than one"):
        wg.trace(wg.lift(counted_outside))(0.5)
    with pytest.raises(LiftError, match="more names than one"):
        wg.trace(wg.lift(written_and_replaced))(0.5, LONG)
    want = written_and_replaced(0.5, LONG.copy())
    require_same(wg.trace(wg.lift(replaced_copy))(0.5, LONG)(0.5, LONG), want)


def replaced_copy(x, y):
    y = y.copy()
    while x < 10:
        y[0] = x
        y = y * 2
        x = x * 2
    return y

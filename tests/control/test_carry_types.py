"""The types that loops carry: Python numbers yield to arrays as they do in Python's own loops."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg

SINGLE = np.float32(2.0)

TABLE = np.arange(4.0, dtype=np.float32)

BODIES = {
    "a number": lambda i, y: y * 1.5,
    "the index": lambda i, y: y + i,
    "the index halved": lambda i, y: y + i / 2,
    "single": lambda i, y: y * SINGLE,
    "single and the index": lambda i, y: y * SINGLE + i,
    "an array": lambda i, y: y + (TABLE + 0 * i)[i],
    "another number": lambda i, y: y * 0 + 3.0,
    "double": lambda i, y: y * np.float64(1.5),
    "complex": lambda i, y: y * np.complex64(1j) + i,
}
STARTS = [1, 0.5, True, 1j, SINGLE, np.float64(3.0), np.int64(2), np.complex64(1j)]


def loops(body, start):
    """Return the results of the same loop, four times."""
    yield wg.fori_loop(0, 3, body, start)
    yield wg.jit(lambda n: wg.fori_loop(0, n, body, start))(3)
    yield wg.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, body(s[0], s[1])), (0, start))[1]
    yield wg.scan(lambda s, _: ((s[0] + 1, body(s[0], s[1])), None), (0, start), length=3)[0][1]


@pytest.mark.parametrize("start", STARTS, ids=repr)
@pytest.mark.parametrize("name", BODIES)
def test_carries_have_the_types_of_python_loops(name, start):
    body, expected, seen = BODIES[name], start, set()
    for i in range(3):
        expected = body(i, expected)
        seen.add(np.result_type(expected))
    if type(start) not in {bool, int, float, complex} and seen != {np.result_type(start)}:
        with pytest.raises(wg.errors.ArgumentError, match=r"changed in a step: \w+\[\] became \w+\[\]"):
            next(loops(body, start))
        return
    for found in loops(body, start):
        assert np.result_type(found) == np.result_type(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_types_pass_from_number_to_number():
    def body(_, s):
        return s[0] * s[1], s[1] * s[2], s[2] * s[3], SINGLE

    found = wg.fori_loop(0, 5, body, (1, 1, 1, 1.0))
    assert [np.result_type(x) for x in found] == [np.dtype(np.float32)] * 4
    expected = (1, 1, 1, 1.0)
    for _ in range(5):
        expected = body(0, expected)
    assert found == expected


def test_a_number_of_a_compiled_function_is_one_in_its_loops():
    found = wg.jit(lambda x: wg.fori_loop(0, 3, lambda i, y: y * x + i, SINGLE))(2.0)
    assert found.dtype == np.float32
    index = wg.jit(lambda z, i: z[i])
    assert index(np.arange(3, dtype=np.float32), 2).dtype == np.float32
    index(np.arange(3, dtype=np.float32), 1)
    assert index.cache_info().misses == 1


def test_gradients_keep_the_precision_of_the_argument():
    def fun(x):
        return np.sum(wg.fori_loop(0, 3, lambda i, y: y * 0.5 + x * i, 0.0 * x))

    for x in (SINGLE, np.full(3, SINGLE)):
        assert wg.grad(fun)(x).dtype == np.float32
        assert wg.jit(wg.grad(fun))(x).dtype == np.float32
        assert wg.hessian(fun)(x).dtype == np.float32


REFUSED = {
    "a shape": (lambda _, y: y * np.ones(3), 1.0, "f64[] became f64[3]"),
    "an integer": (lambda _, y: np.int64(3), 1.5, "f64[] became i64[]"),
    "double for single": (lambda _, y: y * np.float64(2.0), SINGLE, "f32[] became f64[]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_type_is_refused_with_both(name):
    body, start, message = REFUSED[name]
    for loop in ("fori_loop", "while_loop", "scan"):
        with pytest.raises(wg.errors.ArgumentError) as caught:
            {
                "fori_loop": lambda: wg.fori_loop(0, 3, body, start),
                "while_loop": lambda: wg.while_loop(lambda y: np.all(y < 0), lambda y: body(0, y), start),
                "scan": lambda: wg.scan(lambda y, _: (body(0, y), None), start, length=3),
            }[loop]()
        assert message in str(caught.value)
        assert f"carry of {loop}" in str(caught.value)

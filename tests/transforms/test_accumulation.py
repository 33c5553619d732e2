"""Sums of cotangents: added in place where nobody else looks, lazily where that saves work, and always right."""

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import wengert as wg

# In place, yet nobody's array is changed ----------------------------------------------------------------------------
#
# An array that is the cotangent of several operands at once must not be added into: each program passes one
# on, and then adds to one of the receivers. All are linear, so the exact gradient is that of their matrix.

DIAMONDS = {
    "x + x": lambda x: x + x,
    "x + y, then both": lambda x: _sum_then_both(x * 1.0, x * 3.0),
    "x - y": lambda x: _difference_then_both(x * 1.0, x * 3.0),
    "ladder": lambda x: _ladder(x, 12),
    "fan out": lambda x: sum([x * float(i) for i in range(6)], x),
    "reshaped": lambda x: x.reshape(-1) + x.ravel() + (x + x).reshape(-1),
    "transposed": lambda x: (x.T + x.T).T + x,
    "stacked": lambda x: np.stack([x, x, x + x]).sum(0) + x,
    "concatenated": lambda x: np.concatenate([x, x]) + np.concatenate([x + x, x]),
    "sliced": lambda x: x[1:] + x[:-1] + x[1:] * 2.0,
    "entries and whole": lambda x: x + x[0] + x[-1] * 3.0 + np.sum(x) + x[[0, 0, 2]].sum(),
    "whole and entries": lambda x: x[0] + x * 2.0 + x[1:2] + x[[True, False, True, False]].sum() + x,
    "written": lambda x: _written(x),
    "passed through where": lambda x: np.where([True, False, True, False], x, x + x) + x,
    "broadcast": lambda x: np.broadcast_to(x, (3, 4)).sum(0) + x + np.broadcast_to(x, (3, 4))[1],
    "split": lambda x: np.concatenate(np.split(x, 2)[::-1]) + x,
    "several results": lambda x: np.divmod(x, 100.0)[1] + x + np.modf(x * 0.125)[0] * 8.0,
    "real and imaginary parts": lambda x: np.real(x + 1j * x) + np.imag(1j * x) + x,
}


def _sum_then_both(a: Any, b: Any) -> Any:
    return (a + b) * 2.0 + a + b


def _difference_then_both(a: Any, b: Any) -> Any:
    return (a - b) + a + a + b


def _ladder(x: Any, n: int) -> Any:
    for _ in range(n):
        x = x + x
    return x


def _written(x: Any) -> Any:
    y = x + x
    y[1] = x[0]
    y[2:] += x[2:]
    return y + x


@pytest.mark.parametrize("fun", DIAMONDS.values(), ids=list(DIAMONDS))
def test_no_cotangent_is_corrupted(fun: Any) -> None:
    n = 4
    x = np.array([0.5, 0.25, 0.75, 0.125])  # small powers of two: sums are exact
    matrix = np.stack([fun(x + e) - fun(x) for e in np.eye(n) * 0.0625], axis=-1) * 16.0
    _, pull = wg.vjp(fun, x)
    y_bar = np.arange(1.0, len(matrix) + 1)
    for _ in range(3):
        assert np.array_equal(pull(y_bar)[0], y_bar @ matrix)
    assert np.array_equal(y_bar, np.arange(1.0, len(matrix) + 1))
    assert np.array_equal(wg.jacrev(fun)(x), matrix)
    assert np.array_equal(wg.jacfwd(fun)(x), matrix)
    assert np.array_equal(wg.linearize(fun, x)[1](x), matrix @ x)


def test_one_cotangent_for_several_operands_and_results() -> None:
    def fun(x: Any, y: Any) -> Any:
        s = x + y
        return s, s, x, y

    x = np.ones(3)
    _, pull = wg.vjp(fun, x, x)
    bar = np.array([1.0, 2.0, 3.0])
    for _ in range(2):
        x_bar, y_bar = pull((bar, bar, bar, bar))
        assert np.array_equal(x_bar, 3 * bar)
        assert np.array_equal(y_bar, 3 * bar)
    assert np.array_equal(bar, [1.0, 2.0, 3.0])


def test_a_rule_that_keeps_its_cotangent() -> None:
    kept: list[Any] = []

    def bwd(_saved: Any, g: Any) -> Any:
        kept.append((g, g.copy()))
        return (g,)

    probe = wg.custom_derivative(lambda x: x * 1.0).defvjp(lambda x: (x * 1.0, None), bwd)

    def fun(x: Any) -> Any:
        y = probe(x + x)
        return np.sum(y * x + y + x + np.exp(-y) + probe(y))

    wg.grad(fun)(np.linspace(0.0, 1.0, 5))
    for held, copy in kept:
        assert np.array_equal(held, copy)


def test_a_rule_that_returns_a_constant_of_its_own() -> None:
    constant = np.ones(4)
    probe = wg.custom_derivative(np.sum).defvjp(lambda x: (np.sum(x), None), lambda _, _g: (constant,))
    assert np.array_equal(
        wg.grad(lambda x: probe(x) + probe(x) + np.sum(x) + probe(x + x))(np.zeros(4)), np.full(4, 5.0)
    )
    assert np.array_equal(constant, np.ones(4))


# Entries read one by one --------------------------------------------------------------------------------------------


def _reads(x: Any) -> Any:
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] * x[i]
    return total


def _reads_of_rows(x: Any) -> Any:
    total = 0.0
    for i in range(x.shape[0]):
        total = total + x[i].sum()
    return total


def _writes(x: Any) -> Any:
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = x[i] * 2.0
    return np.sum(y)


@pytest.mark.parametrize("program", [_reads, _reads_of_rows, _writes])
@pytest.mark.parametrize(
    "transform",
    [wg.grad, lambda f: lambda x: wg.hvp(f, (x,), (x,)), lambda f: lambda x: wg.vhp(f, (x,), (x,))],
    ids=["grad", "hvp", "vhp"],
)
def test_reads_and_writes_of_entries_make_a_linear_number_of_numbers(transform: Any, program: Any) -> None:
    """Entries of new arrays, counted: nested, too, n reads or writes never make n arrays of n entries."""
    counts = []
    for n in (50, 100):
        count = 0

        original = np.zeros

        def zeros(shape: Any, *args: Any, original: Any = original, **kwargs: Any) -> Any:
            nonlocal count
            count += int(np.prod(shape))
            return original(shape, *args, **kwargs)

        x = np.ones((n, 2)) if program is _reads_of_rows else np.ones(n)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(np, "zeros", zeros)
            transform(program)(x)
        counts.append(count)
    assert counts[1] <= 2.5 * counts[0] + 100


def test_reads_are_right_in_every_nesting() -> None:
    x = np.linspace(0.1, 1.0, 7)

    def fun(x: Any) -> Any:
        total = x[0] * x[0] + np.sum(x) * x[3]
        for i in range(7):
            total = total + x[i] ** 3 * x[-i]
        return total + x[[1, 1, 2]].prod() + x[2:5].prod()

    dense = lambda x: (
        x @ np.diag(np.eye(7)[0]) @ x
        + np.sum(x) * (np.eye(7)[3] @ x)
        + np.sum(x**3 * (np.eye(7)[-np.arange(7)] @ x))
        + np.prod(np.eye(7)[[1, 1, 2]] @ x)
        + np.prod(np.eye(7)[2:5] @ x)
    )
    np.testing.assert_allclose(wg.grad(fun)(x), wg.grad(dense)(x), rtol=1e-13)
    np.testing.assert_allclose(wg.hessian(fun)(x), wg.hessian(dense)(x), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(wg.jacrev(wg.grad(fun))(x), wg.hessian(dense)(x), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(
        wg.jacrev(wg.hessian(fun))(x), wg.jacfwd(wg.hessian(dense))(x), rtol=1e-11, atol=1e-12
    )


# Random programs ----------------------------------------------------------------------------------------------------

UNARY = [
    np.sin,
    np.exp,
    np.tanh,
    lambda x: x * 0.5,
    lambda x: x[::-1],
    lambda x: -x,
    lambda x: x * x,
    lambda x: 1.0 / (2.0 + x * x),
    np.cumsum,
]
BINARY = [
    np.add,
    np.subtract,
    np.multiply,
    lambda a, b: a * b.sum(),
    lambda a, b: a[0] + b,
    lambda a, b: np.concatenate([a[:2], b[2:]]),
    lambda a, b: a / (3.0 + b * b),
]
WRITES = [
    lambda a, b: a.__setitem__(0, b[1]),
    lambda a, b: a.__setitem__(slice(1, None), b[:-1]),
    lambda a, b: a.__iadd__(b),
    lambda a, b: a[1:].__imul__(b[1:]),
]

steps = st.lists(
    st.tuples(
        st.sampled_from(["unary", "binary", "write", "view"]),
        st.integers(0, 100),
        st.integers(0, 100),
        st.integers(0, 100),
    ),
    min_size=1,
    max_size=25,
)


def run(program: Any, x: Any) -> Any:
    """Run a straight-line program on vectors of length 4; values share nothing but what views share in NumPy."""
    values = [x * 1.0]
    for kind, op, i, j in program:
        a, b = values[i % len(values)], values[j % len(values)]
        if kind == "unary":
            values.append(UNARY[op % len(UNARY)](a) * 1.0)
        elif kind == "binary":
            values.append(BINARY[op % len(BINARY)](a, b) * 0.5)
        elif kind == "view":
            values.append(a[::-1])
        elif a is not b:
            WRITES[op % len(WRITES)](a, b * 0.25)
    return sum([np.tanh(v * 0.1) for v in values])  # bounded, however large the values became


@hypothesis.given(steps, st.integers(0, 2**32 - 1))
def test_random_programs(program: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, v, w = rng.uniform(-1.0, 1.0, (3, 4))
    with np.errstate(all="ignore"):
        plain = run(program, x.copy())
        step = np.imag(run(program, x + 1e-30j * v)) / 1e-30
        hypothesis.assume(np.all(np.isfinite(plain)) and np.all(np.isfinite(step)))
        y, y_dot = wg.jvp(lambda x: run(program, x), (x,), (v,))
        z, pull = wg.vjp(lambda x: run(program, x), x)
        (x_bar,) = pull(w)
        (again,) = pull(w)
        _, pushed = wg.linearize(lambda x: run(program, x), x)
        batch = wg.vmap(lambda x: run(program, x))(np.stack([x, x]))
    assert np.array_equal(y, plain)
    assert np.array_equal(z, plain)
    assert np.array_equal(x_bar, again)
    scale = np.max(np.abs(y_dot)) + np.max(np.abs(x_bar)) + 1e-3
    np.testing.assert_allclose(y_dot, step, rtol=1e-9, atol=1e-12 * scale)
    assert abs(np.sum(x_bar * v) - np.sum(w * y_dot)) <= 1e-11 * (
        np.sum(np.abs(x_bar * v)) + np.sum(np.abs(w * y_dot)) + scale
    )
    np.testing.assert_allclose(pushed(v), y_dot, rtol=1e-9, atol=1e-11 * scale)
    np.testing.assert_allclose(batch[1], plain, rtol=1e-12, atol=1e-12)


def test_constant_cotangents_of_reads_at_traced_indices_are_staged():
    def fun(table: Any, index: Any) -> Any:
        return np.sum(table[index]) + np.sum(table[index] * 1.0)

    table, index = np.arange(5.0), np.array([0, 2])
    graph = wg.trace(wg.grad(fun))(table, index)
    for other in (index, np.array([1, 1])):
        expected = np.zeros(5)
        np.add.at(expected, other, 2.0)
        np.testing.assert_array_equal(graph(table, other), expected)

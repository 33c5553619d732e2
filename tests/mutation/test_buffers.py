"""Plain arrays that a program overwrites: the derivative is that of what was there when it was used.

NumPy does not tell of such a write. Small arrays are copied when they are recorded; large ones are made read-only until
the sweep is over, and a write into one raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import OverwriteError
from wengert.transforms.keeping import SMALL

from .agreement import agree

X = np.random.default_rng(1964).normal(size=(3, 4))
TABLE = np.random.default_rng(3).normal(size=(3, 4))


# Each uses `b`, a plain array, and then overwrites it.
def product(x: Any, b: Any) -> Any:
    y = x * b
    b[...] = 100.0
    return y


def quotient(x: Any, b: Any) -> Any:
    y = b / x
    b += 100.0
    return y


def power(x: Any, b: Any) -> Any:
    y = (2.0 + x * x) ** b
    b.fill(0.0)
    return y


def matrix_product(x: Any, b: Any) -> Any:
    y = b.T @ x
    b[0] = 0.0
    return y


def contraction(x: Any, b: Any) -> Any:
    y = np.einsum("ij,ij->i", x, b)
    b *= -1.0
    return y


def selection(x: Any, b: Any) -> Any:
    y = np.where(b > 0, x * x, x * b)
    b[...] = -b
    return y


def masked_reading(x: Any, b: Any) -> Any:
    mask = b > 0
    y = x[mask] ** 2
    mask[...] = ~mask
    return y


def indexed_reading(x: Any, b: Any) -> Any:
    index = np.argsort(b[0])
    y = x[:, index] ** 2
    index[...] = 0
    return y


def indexed_writing(x: Any, b: Any) -> Any:
    index, y = np.array([0, 2, 2]), x * 1.0
    y[index] = b * x
    index[...] = 1
    b[...] = 0.0
    return y


def written_from(x: Any, b: Any) -> Any:
    y = x * 1.0
    y[1] = b[0]
    b[0] = 100.0
    return y * y


def view_of_a_buffer(x: Any, b: Any) -> Any:
    row = b[1]
    y = x * row
    b[1, 2] = 100.0
    return y


def buffer_filled_in_each_step(x: Any, b: Any) -> Any:
    y = x
    for k in range(4):
        b[...] = k + 1.0
        y = y * b
    return y


def list_of_buffers(x: Any, b: Any) -> Any:
    y = np.concatenate([x * b, b])
    b[...] = 100.0
    return y


def convolution(x: Any, b: Any) -> Any:
    y = np.convolve(x[0], b[0])
    b[0] = 0.0
    return y


def solution(x: Any, b: Any) -> Any:
    a = b[:, :3] + 5 * np.eye(3)
    y = np.linalg.solve(a, x)
    a[...] = 0.0
    return y


def interpolation(x: Any, b: Any) -> Any:
    points, values = np.arange(4.0), b[0].copy()
    y = np.interp(np.abs(x) % 3, points, values)
    values[...] = 0.0
    return y


PROGRAMS = [
    product, quotient, power, matrix_product, contraction, selection, masked_reading, indexed_reading, indexed_writing,
    written_from, view_of_a_buffer, buffer_filled_in_each_step, list_of_buffers, convolution, solution,
]  # fmt: skip
every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)


@every_program
def test_a_small_buffer_may_be_overwritten(program: Callable[..., Any]) -> None:
    agree(lambda x: [program(x, TABLE.copy())], X)


@pytest.mark.parametrize("program", [product, quotient, power], ids=lambda f: f.__name__)
def test_a_large_buffer_is_locked_and_given_back(program: Callable[..., Any]) -> None:
    n = SMALL // 8 + 1
    buffer, x = np.ones(n), np.full(n, 2.0)
    with pytest.raises(OverwriteError) as caught:
        wg.grad(lambda x: np.sum(program(x, buffer)))(x)
    assert "test_buffers.py" in str(caught.value.where)
    buffer[0] = 3.0  # writeable again
    assert buffer[0] == 3.0
    wg.jvp(lambda x: program(x, buffer), (x,), (x,))  # forward mode keeps nothing of the past


def test_large_views_of_one_array_are_given_back() -> None:
    buffer, x = np.ones(SMALL // 8 + 2), np.full(SMALL // 8 + 1, 2.0)
    one, other = buffer[:-1], buffer[1:]
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x * one * other))(x), 1.0)
    for array in (one, other, buffer):
        array[0] = 3.0  # writeable again


def test_the_callers_array_is_never_changed() -> None:
    def fun(x: Any) -> Any:
        x += 1.0
        x[0] = x[1] * x[2]
        x.T[1] *= 3.0
        x.sort(axis=0)
        np.add(x, x, out=x)
        return x

    for x in (X.copy(), X.copy(order="F"), np.repeat(X, 2, axis=0)[::2], X.T.copy().T[::-1]):
        kept, ones = x.copy(), np.ones_like(x)
        for call in (
            lambda x: wg.jvp(fun, (x,), (ones,)),  # noqa: B023 - called in this pass
            lambda x: wg.vjp(fun, x)[1](ones),  # noqa: B023
            lambda x: wg.grad(lambda x: fun(x).sum())(x),
            lambda x: wg.value_and_grad(lambda x: fun(x).sum())(x),
            lambda x: wg.vmap(lambda r: r.__iadd__(1.0))(x),
            lambda x: wg.jacfwd(fun)(x),
            lambda x: wg.jacrev(fun)(x),
            lambda x: wg.hessian(lambda x: fun(x).sum())(x),
            lambda x: wg.linearize(fun, x)[1](ones),  # noqa: B023
        ):
            call(x)
            np.testing.assert_array_equal(x, kept)
            np.testing.assert_array_equal(ones, 1.0)


def test_results_and_tangents_are_the_callers_own() -> None:
    """Writing into what a call returned, or was given, changes no other result and no later one."""
    x, dot, bar = X.copy(), np.ones_like(X), np.ones_like(X)
    y, pull = wg.vjp(lambda x: x * x, x)
    y[...] = 0.0
    first = pull(bar)[0]
    first[...] = 0.0
    np.testing.assert_array_equal(pull(bar)[0], 2.0 * X)
    y, y_dot = wg.jvp(lambda x: x + 0.0, (x,), (dot,))
    y_dot[...] = 7.0
    y[...] = 7.0
    np.testing.assert_array_equal(dot, 1.0)
    np.testing.assert_array_equal(x, X)
    y, y_dot = wg.jvp(lambda x: x, (x,), (dot,))
    y_dot[...] = 7.0
    y[...] = 7.0
    np.testing.assert_array_equal(dot, 1.0)


def test_the_input_overwritten_between_the_value_and_the_pullback() -> None:
    x = X.copy()
    _, pull = wg.vjp(lambda x: x * x * TABLE, x)
    x[...] = 0.0
    np.testing.assert_allclose(pull(np.ones_like(X))[0], 2.0 * X * TABLE, rtol=1e-15)


# Levels: arrays of one transformation written to inside another ------------------------------------------------------


def outer_array_written_inside(x: Any) -> Any:
    """The inner function writes outer values into an outer array."""
    y = x * 1.0

    def inner(t: Any) -> Any:
        y[0] = x[1] * x[2]
        return t * y[0].sum()

    return [y * wg.grad(inner)(2.0)]


def inner_array_from_outer_values(x: Any) -> Any:
    """An array of the inner level takes outer values."""

    def inner(t: Any) -> Any:
        y = np.zeros_like(t)
        y[0] = x[0] * t[0]
        y[1] = x[1]
        y[2] += y[0] * y[1]
        return y.sum()

    return [wg.grad(inner)(np.ones((3, 4)))]


def inner_values_into_a_copy_of_an_outer_array(x: Any) -> Any:
    """A copy of an outer array becomes one of the inner level by what is written into it."""

    def inner(t: Any) -> Any:
        y = np.array(x, like=t)
        y[1] = t * y[0]
        row = y[2]
        row *= t
        return y

    y, y_dot = wg.jvp(inner, (3.0,), (1.0,))
    return [y, y_dot]


def view_of_an_outer_array_takes_inner_values(x: Any) -> Any:
    def inner(t: Any) -> Any:
        y = np.array(x, like=t)
        column = y[:, 1]
        column[...] = t * t
        y.T[0] += column
        return np.sum(y * y)

    return [wg.grad(inner)(1.5), wg.grad(wg.grad(inner))(1.5)]


def batches_write_into_a_shared_array(x: Any) -> Any:
    def row(r: Any) -> Any:
        y = np.array(x[0], like=r)
        y[1:3] = r[:2] * x[1, 0]
        y[::-1] += r
        return y

    return [wg.vmap(row)(x)]


def batch_index_writes(x: Any) -> Any:
    def at(i: Any, r: Any) -> Any:
        y = np.zeros_like(r)
        y[i] = r[i] * r[0]
        y[1] += r.sum()
        return y

    return [wg.vmap(at)(np.array([0, 3, 1]), x)]


def gradients_of_rows(x: Any) -> Any:
    def loss(r: Any) -> Any:
        r[1:] *= r[:-1]
        return np.sum(r * r)

    return [wg.vmap(wg.grad(loss))(x)]


LEVELS = [
    outer_array_written_inside, inner_array_from_outer_values, inner_values_into_a_copy_of_an_outer_array,
    view_of_an_outer_array_takes_inner_values, batches_write_into_a_shared_array, batch_index_writes, gradients_of_rows,
]  # fmt: skip


@pytest.mark.parametrize("program", LEVELS, ids=lambda f: f.__name__)
def test_levels(program: Callable[..., Any]) -> None:
    agree(program, X, step="difference", batches=program is not outer_array_written_inside)


def test_interpolation_keeps_its_table() -> None:
    found = wg.vjp(lambda x: interpolation(x, TABLE.copy()), X)[1](np.ones_like(X))[0]
    table = np.concatenate([np.diff(TABLE[0]), [0.0]])
    np.testing.assert_allclose(found, np.sign(X) * table[(np.abs(X) % 3).astype(int)], rtol=1e-13)

"""What memory programs take, and when they write in place."""

import numpy as np
import pytest

import wengert as wg

pytestmark = pytest.mark.usefixtures("machine_code")

N = 48
MATRIX = np.random.default_rng(0).normal(size=(N, N)) / N
BYTES = MATRIX.nbytes


def test_a_chain_of_products_lives_in_two_matrices() -> None:
    """Each product is given back when the next one has read it."""

    def chain(a):
        y = a
        for _ in range(8):
            y = a @ y
        return np.sum(y)

    compiled = wg.jit(chain)
    np.testing.assert_allclose(compiled(MATRIX), chain(MATRIX), rtol=1e-12)
    assert compiled.memory(MATRIX) < 2.5 * BYTES


def test_what_reads_entry_by_entry_for_the_last_time_writes_in_place() -> None:
    def step(a):
        y = a @ a
        z = np.exp(y) * y
        return np.sum(z @ a), np.sum(z)

    compiled = wg.jit(step)
    for found, expected in zip(compiled(MATRIX), step(MATRIX), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert compiled.memory(MATRIX) < 2.5 * BYTES  # y and z in one place, z @ a


@pytest.mark.parametrize(
    "fun",
    [
        lambda a, y: np.exp(y.T) * 2.0,
        lambda a, y: np.exp(y[::-1]) * 2.0,
        lambda a, y: np.exp(y) * np.roll(y, 1, axis=0),
        lambda a, y: np.exp(y) * np.sum(y, axis=0),
        lambda a, y: np.exp(y - np.max(y, axis=1, keepdims=True)),
    ],
    ids=["transposed", "reversed", "shifted", "joined", "rows"],
)
def test_what_reads_other_entries_too_does_not_overwrite_them(fun) -> None:
    def whole(a):
        y = a @ a
        return fun(a, y) @ a

    found, expected = wg.jit(whole)(MATRIX), whole(MATRIX)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_what_a_routine_leaves_in_another_order_is_not_overwritten_in_order() -> None:
    """LAPACK's results are columns: a step that writes rows would write over entries that later steps read."""

    def fun(a, b):
        y = np.linalg.solve(np.eye(N) + a, b)
        return (np.exp(y) * y) @ a

    b = MATRIX + 1.0
    np.testing.assert_allclose(wg.jit(fun)(MATRIX, b), fun(MATRIX, b), rtol=1e-10)


def test_what_a_step_updates_in_place_is_not_overwritten() -> None:
    """The derivative of the rows that are left lies in the memory of that of all rows, until the next step."""
    random = np.random.default_rng(5)
    matrix, x, weights = random.normal(size=(2, 2)), random.normal(size=(3, 2)), random.normal(size=(3, 3))

    def loss(matrix, x):
        def step(rows, at):
            n, row = at
            rows = rows.copy()
            rows[n + np.arange(1)] = row[None] @ matrix
            return rows, rows @ row

        return np.sum(weights * wg.scan(step, np.zeros((3, 2)), (np.arange(3), x))[1])

    gradient = wg.grad(loss, (0, 1))
    for found, expected in zip(wg.jit(gradient)(matrix, x), gradient(matrix, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)

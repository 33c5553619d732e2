"""One entry of each row written at a computed place: as machine code, what NumPy does."""

import numpy as np
import pytest

import wengert as wg
from wengert.compile.compiled import Native
from wengert.compile.kernel_text import kernel_text
from wengert.transforms.simplify import simplify

ROWS, COLUMNS = 7, 40
X = np.random.default_rng(2).normal(size=(ROWS, COLUMNS))
LABELS = np.array([0, 39, 5, 5, -1, -40, 17])


def picked(x, labels):
    return np.sum(np.sin(x[np.arange(ROWS), labels]) * np.arange(1.0, ROWS + 1))


def cross_entropy(x, labels):
    s = x - np.max(x, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(s), axis=1)) - s[np.arange(ROWS), labels])


@pytest.mark.parametrize("fun", [picked, cross_entropy])
def test_gradients_of_picked_entries(fun):
    gradient = wg.grad(fun)
    made = Native(simplify(wg.trace(gradient)(X, LABELS)))
    (found,) = made.flat([X, LABELS])(X, LABELS)
    np.testing.assert_allclose(found, gradient(X, LABELS), rtol=1e-13, atol=1e-16)


def test_the_gradient_of_cross_entropy_is_one_pass_over_the_rows():
    made = Native(simplify(wg.trace(wg.value_and_grad(cross_entropy))(X, LABELS)))
    outer = [
        line for line in kernel_text(made.program).splitlines() if line.startswith("    ") and "for " in line
    ]
    over_rows = [line for line in outer if not line.startswith("     ")]
    assert len([line for line in over_rows if "lanes" not in line]) == 1


@pytest.mark.parametrize("outside", [COLUMNS, -COLUMNS - 1])
def test_a_mark_that_is_not_there_is_left_to_numpy(outside):
    made = Native(simplify(wg.trace(wg.grad(picked))(X, LABELS)))
    labels = np.where(np.arange(ROWS) == 3, outside, LABELS)
    assert made.flat([X, LABELS])(X, labels) is None


def test_entries_that_are_named_twice_are_added_up():
    """Rows that are no row of their own take the general way."""
    rows = np.array([0, 0, 1, 2, 3, 4, 5])

    def fun(x, labels):
        return np.sum(x[rows, labels] ** 2)

    made = Native(simplify(wg.trace(wg.grad(fun))(X, LABELS)))
    labels = np.array([3, 3, 1, 1, 1, 1, 1])
    (found,) = made.flat([X, labels])(X, labels)
    np.testing.assert_allclose(found, wg.grad(fun)(X, labels), rtol=1e-14)


def test_rows_that_are_picked_whole_are_no_marks():
    def fun(x, rows):
        return np.sum(x[rows, ::-1] ** 2)

    x, rows = X[:3], np.array([2, 0, 2])
    made = Native(simplify(wg.trace(wg.grad(fun))(x, rows)))
    (found,) = made.flat([x, rows])(x, rows)
    np.testing.assert_allclose(found, wg.grad(fun)(x, rows), rtol=1e-15)

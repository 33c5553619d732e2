"""Sliding windows: NumPy's views, and their adjoint, which adds overlapping windows."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.ops.windows import overlap_add_

from .functions import check, same_error

view = np.lib.stride_tricks.sliding_window_view
X = np.random.default_rng(3).normal(size=(4, 5, 3))


@pytest.mark.parametrize(
    ("window", "axis"),
    [
        ((2, 2, 1), None),
        (2, 0),
        (3, -2),
        ((2, 3), (0, 1)),
        ((2, 2), (1, 1)),
        ((3, 2), (-1, 0)),
        (5, 1),
        (0, 0),
    ],
)
def test_windows(window: Any, axis: Any) -> None:
    check(lambda x: view(x, window, axis), X)


def test_a_moving_average() -> None:
    x = X.ravel()
    check(lambda x: view(x, 5).mean(axis=-1), x)
    slope = wg.grad(lambda x: np.sum(view(x, 5)))(x)
    np.testing.assert_array_equal(slope, np.minimum(np.minimum(np.arange(60) + 1, 60 - np.arange(60)), 5))


@pytest.mark.parametrize("size", [1, 2, 8, 9])
def test_overlap_add_by_either_loop(size: int) -> None:
    y = np.random.default_rng(4).normal(size=(2, 10 - size, 3, size))
    expected = np.zeros((2, 9, 3))
    for i in range(10 - size):
        for k in range(size):
            expected[:, i + k] += y[:, i, :, k]
    np.testing.assert_allclose(overlap_add_(y, axis=1), expected, rtol=1e-14, atol=1e-14)


def test_writes_to_the_base_are_seen_and_writes_to_the_view_raise() -> None:
    def fun(x: Any) -> Any:
        x = x * 2.0
        windows = view(x, 2, 0)
        x[1] = x[0] ** 2
        return windows * 1.0

    check(fun, X[:, 0, 0])

    def write(x: Any) -> None:
        windows = view(x * 1.0, 2, 0)
        windows[0] = 1.0

    same_error(write, X)


@pytest.mark.parametrize(("window", "axis"), [(6, 1), (2, None), (-1, 0), ((1, 2), 0), (2, 3)])
def test_errors_are_numpys(window: Any, axis: Any) -> None:
    same_error(lambda x: view(x, window, axis), X)

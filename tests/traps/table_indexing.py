"""Reads and writes at indices: duplicates, overlaps, knots."""

import numpy as np

from .trap import Trap, diagonal

__all__ = ["INDEXING"]


def _trap(name, fun, x, first, second, why):
    return Trap(name=name, fun=fun, x=np.asarray(x, float), first=first, second=second, why=why)


def _written(write, y=None):
    """Return x -> sum of a buffer after a write, the buffer made of zeros that depend on x."""

    def total(x):
        buffer = x * 0.0 if y is None else y(x)
        write(buffer, x)
        return np.sum(buffer)

    return total


def _assign(buffer, index, value):
    buffer[index] = value


def _increment(buffer, index, value):
    buffer[index] += value


def _double_view(buffer, x):
    view = buffer[:2]
    buffer[0] = x[0] ** 2
    view[1] = view[0] * x[1]


def _smallest_squared(x):
    y = x * 1.0
    y.sort()
    return y[0] ** 2


READS = (
    _trap("take with duplicates", lambda x: np.sum(np.take(x, [0, 0, 1]) ** 2), [1, 2], [4, 4], diagonal(4, 2),
          "2 a^2 + b^2"),
    _trap("index with duplicates, a product", lambda x: np.prod(x[[0, 0, 1]]), [3, 2], [12, 9], [[4, 6], [6, 0]],
          "a^2 b"),
    _trap("negative and positive index of one entry", lambda x: x[-2] * x[0], [3, 2], [6, 0], diagonal(2, 0), "a^2"),
    _trap("take_along_axis with duplicates", lambda x: np.sum(np.take_along_axis(x, np.array([1, 1]), 0) ** 2),
          [1, 2], [0, 8], diagonal(0, 4), "2 b^2"),
    _trap("take with mode clip", lambda x: np.sum(np.take(x, [5, 7, -9], mode="clip") ** 2), [1, 2], [2, 8],
          diagonal(2, 4), "2 b^2 + a^2"),
    _trap("take with mode wrap", lambda x: np.sum(np.take(x, [2, 3], mode="wrap") ** 2), [1, 2], [2, 4],
          diagonal(2, 2), "a^2 + b^2"),
    _trap("slice past the end", lambda x: np.sum(x[1:100] ** 2), [1, 2], [0, 4], diagonal(0, 2), "b^2"),
    _trap("negative stride", lambda x: np.sum(x[::-1] * np.array([1.0, 10.0])), [1, 2], [10, 1], 0.0, "b + 10 a"),
    _trap("overlapping slices", lambda x: np.sum(x[1:] * x[:-1]), [1, 2, 3], [2, 4, 2],
          [[0, 1, 0], [1, 0, 1], [0, 1, 0]], "ab + bc"),
    _trap("repeat", lambda x: np.sum(np.repeat(x, [0, 3]) ** 2), [1, 2], [0, 12], diagonal(0, 6), "3 b^2"),
    _trap("tile", lambda x: np.sum(np.tile(x, 3) ** 2), [1, 2], [6, 12], diagonal(6, 6), "3 (a^2 + b^2)"),
    _trap("empty index list", lambda x: np.sum(x[[]] ** 2), [1, 2], 0.0, 0.0, "the constant 0"),
    _trap("index by an all-false mask", lambda x: np.sum(x[x > 9] ** 2), [1, 2], 0.0, 0.0, "the constant 0"),
    _trap("diagonal of a matrix", lambda x: np.sum(np.diagonal(x) ** 2), np.eye(2), 2 * np.eye(2),
          np.einsum("ij,kl,ik->ijkl", 2 * np.eye(2), np.eye(2), np.eye(2)), "a00^2 + a11^2"),
    _trap("bincount with weights in one bin", lambda x: np.bincount([0, 0, 1], weights=x)[0] ** 2, [1, 2, 5],
          [6, 6, 0], [[2, 2, 0], [2, 2, 0], [0, 0, 0]], "(a + b)^2"),
    _trap("roll onto itself", lambda x: np.sum(x * np.roll(x, 2)), [1, 2], [2, 4], 2 * np.eye(2), "a^2 + b^2"),
)  # fmt: skip

WRITES = (
    _trap("assignment at duplicates", _written(lambda y, x: _assign(y, [0, 0], x**2)), [3, 2], [0, 4], diagonal(0, 2),
          "the last write wins: b^2"),
    _trap("increment at duplicates", _written(lambda y, x: _increment(y, [0, 0], x**2)), [3, 2], [0, 4],
          diagonal(0, 2), "y[i] += v is y[i] = y[i] + v: the last write wins"),
    _trap("add.at duplicates", _written(lambda y, x: np.add.at(y, [0, 0], x**2)), [3, 2], [6, 4], 2 * np.eye(2),
          "add.at counts every write: a^2 + b^2"),
    _trap("put at duplicates", _written(lambda y, x: np.put(y, [1, 1], x**2)), [3, 2], [0, 4], diagonal(0, 2),
          "the last write wins"),
    _trap("overwritten entry", _written(lambda y, x: _assign(y, 0, x[1] ** 2), lambda x: x**3), [3, 2], [0, 16],
          diagonal(0, 14), "y = (b^2, b^3)"),
    _trap("overwritten by a constant", _written(lambda y, x: _assign(y, 0, 7.0), lambda x: x**2), [3, 2], [0, 4],
          diagonal(0, 2), "y = (7, b^2)"),
    _trap("write through a view, then read the base", _written(_double_view), [3, 2], [18, 9], [[6, 6], [6, 0]],
          "a^2 + a^2 b has the gradient (2a + 2ab, a^2)"),
    _trap("overlapping copy within one array", _written(lambda y, x: _assign(y, slice(1, None), y[:-1]),
                                                        lambda x: x**2), [1, 2, 3], [4, 4, 0], diagonal(4, 2, 0),
          "y = (a^2, a^2, b^2)"),
    _trap("reversed onto itself", _written(lambda y, x: _assign(y, slice(None), y[::-1]), lambda x: x**2 * np.array(
        [1.0, 3.0])), [1, 2], [2, 12], diagonal(2, 6), "a^2 + 3 b^2"),
    _trap("fill_diagonal", _written(lambda y, x: np.fill_diagonal(y, x[0, 1] ** 2)), np.ones((2, 2)), [[0, 4], [0, 0]],
          np.einsum("ij,kl->ijkl", np.array([[0, 1], [0, 0]]), np.array([[0, 4], [0, 0.0]])), "2 b^2"),
    _trap("sort in place with ties", _smallest_squared, [2, 2], [4, 0],
          diagonal(2, 0), "the sort is stable"),
    _trap("copyto with where", _written(lambda y, x: np.copyto(y, x**2, where=[True, False]), lambda x: x**3), [3, 2],
          [6, 12], diagonal(2, 12), "y = (a^2, b^3)"),
)  # fmt: skip

KNOTS = ([0.0, 1.0, 3.0], [0.0, 2.0, 3.0])  # slopes 2 and 1/2

INTERPOLATION = (
    _trap("interp between knots", lambda x: np.interp(x, *KNOTS), 2.0, 0.5, 0.0, "the slope of the piece"),
    _trap("interp at an inner knot", lambda x: np.interp(x, *KNOTS), 1.0, 0.5, 0.0,
          "pieces are closed on the left, as in NumPy's search"),
    _trap("interp at the first knot", lambda x: np.interp(x, *KNOTS), 0.0, 2.0, 0.0, "the piece to the right"),
    _trap("interp outside", lambda x: np.interp(x, *KNOTS), 5.0, 0.0, 0.0, "constant outside"),
    _trap("interp of nan knots elsewhere", lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, np.nan]), 0.5, 1.0, 0.0,
          "the slope of the piece"),
    _trap("interp in the values, at a knot", lambda f: np.interp(1.0, KNOTS[0], f), [5, 6, 7], [0, 1, 0], 0.0,
          "the value of the knot"),
    _trap("interp in the values, squared", lambda f: np.interp(2.0, KNOTS[0], f) ** 2, [5, 6, 8], [0, 7, 7],
          [[0, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]], "((b + c)/2)^2"),
    _trap("searchsorted, then read", lambda x: x[np.searchsorted([0.0, 1.0], 0.5)] ** 2, [3, 2], [0, 4],
          diagonal(0, 2), "b^2"),
    _trap("digitize, then read", lambda x: x[np.digitize(x[0], [0.0, 2.0]) - 1] ** 2, [1, 2], [2, 0], diagonal(2, 0),
          "a^2"),
)  # fmt: skip

INDEXING = (*READS, *WRITES, *INTERPOLATION)

"""NumPy's writing functions: a traced destination is rebound, a plain one raises."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import NotConcreteError

from .agreement import check

X = np.random.default_rng(3).normal(size=(3, 3))

WRITES = {
    "copyto": lambda y, v: np.copyto(y, v[:3]),
    "copyto where": lambda y, v: np.copyto(y, v[0], where=X > 0),
    "put": lambda y, v: np.put(y, [0, 8, -2, 0], v),
    "put repeats": lambda y, v: np.put(y, np.arange(7), v[:2]),
    "put wraps": lambda y, v: y.put([10, -11], v, mode="wrap"),
    "put clips": lambda y, v: np.put(y, [[10], [-11]], v, mode="clip"),
    "put nothing": lambda y, v: np.put(y, [], v),
    "place": lambda y, v: np.place(y, X > 0, v),
    "place repeats": lambda y, v: np.place(y, X > -9, v[:2]),
    "putmask": lambda y, v: np.putmask(y, X > 0, v),
    "putmask whole": lambda y, v: np.putmask(y, X > 0, np.tile(v, 3)[:9].reshape(3, 3)),
    "put_along_axis": lambda y, v: np.put_along_axis(y, np.array([[0, 0], [2, 1], [1, 1]]), v[:2], 1),
    "put_along_axis column": lambda y, v: np.put_along_axis(y, np.array([[0], [2], [1]]), v[:3, None], 1),
    "put_along_axis flat": lambda y, v: np.put_along_axis(y, np.array([0, 5]), v[:2], None),
    "fill_diagonal": lambda y, v: np.fill_diagonal(y, v[0]),
    "fill_diagonal repeats": lambda y, v: np.fill_diagonal(y, v[:2]),
    "fill": lambda y, v: y.fill(v[1]),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_traced_destination_is_rebound(name):
    write = WRITES[name]

    def traced(x, v):
        y = x + 0.0 * v[0]
        write(y, np.sin(v))
        return y

    check(traced, X, np.arange(1.0, 5.0))


@pytest.mark.parametrize("name", [n for n in WRITES if n != "fill" and "wraps" not in n])
def test_a_plain_destination_raises(name):
    buffer = X.copy()
    with pytest.raises(NotConcreteError, match=r"(?s)a plain array.*instead"):
        wg.grad(lambda v: WRITES[name](buffer, v))(np.arange(1.0, 5.0))
    np.testing.assert_array_equal(buffer, X)


def test_full_like_of_a_plain_array_raises():
    with pytest.raises(NotConcreteError):
        wg.grad(lambda s: np.sum(np.full_like(np.ones(3), s)))(2.0)


def test_fill_diagonal_of_other_shapes():
    for shape, wrap in (((5, 2), True), ((5, 2), False), ((2, 4), False), ((2, 2, 2), False)):

        def fun(x, wrap=wrap):
            y = x * 2.0
            np.fill_diagonal(y, 7.0, wrap)
            return y

        check(fun, np.random.default_rng(0).normal(size=shape))
    for shape, match in (((3,), "2-d"), ((2, 2, 3), "equal length")):
        with pytest.raises(ValueError, match=match):
            wg.grad(lambda x: np.fill_diagonal(x, 0.0))(np.ones(shape))


def test_arguments_that_do_not_fit_raise_what_numpy_raises():
    x = np.ones(3, np.float32)
    bad = {
        TypeError: (lambda y: np.copyto(y, np.ones(3, complex)), lambda y: np.putmask(y, y > 0, np.ones(3))),
        ValueError: (
            lambda y: np.copyto(y, np.ones(4)),
            lambda y: np.place(y, y > 0, []),
            lambda y: np.place(y, [True], 1.0),
            lambda y: np.putmask(y, [True], 1.0),
        ),
    }
    for error, writes in bad.items():
        for write in writes:
            with pytest.raises(error):
                write(x.copy())
            with pytest.raises(error):
                wg.grad(write)(x)

"""What NumPy refuses to write raises as in NumPy; what has no derivative is refused, in four parts, never wrong."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import WengertError

from .programs import compiled, programs

X = np.random.default_rng(1964).normal(size=(3, 4))
MODES: dict[str, Callable[[Any], Any]] = {
    "forward": lambda fun: wg.jvp(fun, (X,), (X,)),
    "reverse": lambda fun: wg.vjp(fun, X),
    "nested": lambda fun: wg.vjp(lambda x: wg.jvp(fun, (x,), (x,)), X),
    "vmap": lambda fun: wg.vmap(fun)(np.stack([X, X])),
}
modes = pytest.mark.parametrize("mode", MODES)

# NumPy raises, and so do we, with an error of the same kind.
NUMPY_RAISES = programs("""
    x[5] = 1.0

    x[-4] = 1.0

    x[0, 9] = 1.0

    x[:, [0, 7]] = 1.0

    x[0, 0, 0] = 1.0

    x[0.5] = 1.0

    x["a"] = 1.0

    x[[True, False]] = 1.0

    x[x[:2] > 0] = 1.0

    x[..., ...] = 1.0

    x[slice(None, None, 0)] = 1.0

    x[np.array([0, 1]), np.array([0, 1, 2])] = 1.0

    x[0] = np.ones(3)

    x[0] = [1.0, 2.0]

    x[...] = np.ones((2, 3, 4))

    x[0, 0] = x[1]

    x[0, 0] = 1j

    x[0] = "a"

    x += np.ones(3)

    x += 1j

    x[0] += 1j

    x @= np.ones((4, 3))

    x <<= 1

    x &= 1

    np.add(x, 1.0, out=x[0])

    np.add(x, 1j, out=x)

    np.exp(x + 0j, out=x)

    np.copyto(x, np.ones(3))

    np.copyto(x, 1j)

    np.copyto(x, x, casting="unknown")

    np.put(x, [99], 1.0)

    np.place(x, [True], 1.0)

    np.putmask(x, [True], 1.0)

    np.put_along_axis(x, np.array([[9]]), 1.0, 0)

    np.fill_diagonal(x[0], 1.0)

    np.broadcast_to(x, (2, 3, 4))[...] = 0.0

    np.broadcast_to(x, (2, 3, 4))[0] += 1.0

    x.diagonal()[0] = 1.0

    np.diag(x)[0] = 1.0

    x.diagonal()[1:][0] = 1.0

    np.lib.stride_tricks.sliding_window_view(x, (2, 2))[...] = 0.0

    np.fill_diagonal(np.broadcast_to(x, (3, 3, 4))[0], 1.0)

    x.sort(axis=5)

    x.partition(9)

    x.flat[99] = 1.0

    x.fill("a")

    x.imag = 0.0

    x.T = 1.0

    x.itemset(0, 1.0)

    del x[0]
    """)

# NumPy allows it; here it is refused, with the reason and a remedy.
REFUSED = programs("""
    x.resize((2, 2))

    x.shape = (4, 3)

    x.dtype = np.float32

    x.view(np.int64)

    x.strides

    x.data

    x.ctypes

    x.base

    x.flags.writeable = False

    x.setflags(write=False)

    x.tobytes()

    x.byteswap(inplace=True)

    x.setfield(1.0, float)

    np.random.default_rng(0).shuffle(x)

    np.random.RandomState(0).shuffle(x)

    np.random.default_rng(0).permuted(x, out=x)

    np.lib.stride_tricks.as_strided(x, (2,), (8,))[:] = 1.0

    np.lib.stride_tricks.sliding_window_view(x, (2, 2), writeable=True)[...] = 0.0

    np.ndenumerate(x)

    y = np.zeros(3)
    y[0] = x[0, 0]

    y = np.zeros(4)
    y += x[0]

    y = np.zeros((3, 4))
    np.add(x, 1.0, out=y)

    y = np.zeros((3, 4))
    np.copyto(y, x)

    y = np.zeros(4)
    np.add.at(y, [0, 0], x[0, :2])

    y = np.zeros(4, int)
    y[0] = x[0, 0]

    y = np.zeros(4, int, like=x)
    y[0] = x[0, 0]

    y = np.zeros(4)
    y.fill(x[0, 0])

    y = np.zeros(4)
    y.flat = x[0]

    y = np.zeros(4)
    y.put([0], x[0, 0])

    s = x.sum()
    s.fill(1.0)

    s = x.sum()
    s.flat[0] = 1.0

    s = x.sum()
    np.put(s, [0], 1.0)

    x.ravel(order="K")

    np.reshape(x, -1, order="A")
    """)


@modes
@pytest.mark.parametrize("program", NUMPY_RAISES, ids=str)
def test_numpys_errors(program: Any, mode: str) -> None:
    fun = compiled(program, "x")
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever NumPy raises
        fun(X.copy())
    kinds = [
        kind
        for kind in (AttributeError, IndexError, TypeError, ValueError)
        if issubclass(expected.type, kind)
    ]
    with pytest.raises(tuple(kinds)):
        MODES[mode](lambda x: fun(x * 1.0))


@modes
@pytest.mark.filterwarnings("ignore:you are shuffling")
@pytest.mark.parametrize("program", REFUSED, ids=str)
def test_refusals_have_four_parts(program: Any, mode: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        MODES[mode](lambda x: compiled(program, "x")(x * 1.0))
    error = (
        caught.value if isinstance(caught.value, WengertError) else caught.value.__cause__
    )  # NumPy's wraps ours
    assert isinstance(error, WengertError)
    assert error.what
    assert error.where is not None
    assert error.why
    assert error.instead


@pytest.mark.parametrize("mode", ["forward", "reverse", "nested"])
@pytest.mark.parametrize(
    "program",
    programs("""
    s[...] = 1.0

    s[()] = 1.0

    s.real = 1.0

    s.T[...] = 1.0

    np.copyto(s, 1.0)

    np.place(s, [True], 1.0)

    np.putmask(s, True, 1.0)

    np.add(s, 1.0, out=s)

    np.add.at(s, (), 1.0)

    s.sort()
    """),
    ids=str,
)
def test_scalars_cannot_be_written_into(program: Any, mode: str) -> None:
    fun = compiled(program, "s")
    for s in (X.sum(), None):
        with pytest.raises((TypeError, AttributeError, ValueError)):
            fun(s) if s is not None else MODES[mode](lambda x: fun(x.sum()))


@modes
def test_the_buffer_protocol_is_refused(mode: str) -> None:
    for use in (memoryview, np.frombuffer, bytes, bytearray, lambda x: np.nditer([x])):
        with pytest.raises(TypeError) as caught:
            MODES[mode](use)
        if sys.version_info >= (3, 12) and use in {memoryview, np.frombuffer}:
            assert isinstance(caught.value, WengertError)


@modes
def test_absent_attributes_are_absent(mode: str) -> None:
    def fun(x: Any) -> Any:
        assert not any(hasattr(x, name) for name in ("strides", "data", "ctypes", "__array_interface__"))
        return x

    MODES[mode](fun)


def test_a_result_of_zero_derivative_is_plain_and_takes_no_traced_value() -> None:
    """Rounding gives plain arrays; a traced write into one raises, and `like=` makes one that takes it."""

    def rounded(x: Any) -> Any:
        y = np.round(x)
        y[0] = x[0]
        return y.sum()

    def held(x: Any) -> Any:
        y = np.array(np.round(x), like=x)
        y[0] = x[0]
        return y.sum()

    with pytest.raises(WengertError, match="like"):
        wg.grad(rounded)(X)
    np.testing.assert_array_equal(wg.grad(held)(X), np.eye(3, 1) * np.ones(4))


def test_python_shuffles_vectors_and_treats_rows_as_numpy_does() -> None:
    for x in (X[0], X):

        def fun(x: Any) -> Any:
            y = x * 1.0
            random.Random(3).shuffle(y)  # noqa: S311 - no secret
            return y

        np.testing.assert_array_equal(wg.vjp(fun, x)[0], fun(x))


@pytest.mark.filterwarnings("ignore:you are shuffling")
def test_generators_shuffle_vectors() -> None:
    def fun(x: Any) -> Any:
        y = x * 1.0
        np.random.default_rng(3).shuffle(y)
        return y

    y, pull = wg.vjp(fun, X[0])
    np.testing.assert_array_equal(y, fun(X[0]))
    np.testing.assert_array_equal(pull(fun(X[0]))[0], X[0])


def test_a_write_of_an_inner_value_into_an_outer_array_outlives_nothing() -> None:
    """The outer array holds a value of a finished transformation: its next use says so."""

    def outer(x: Any) -> Any:
        y = x * 1.0

        def inner(t: Any) -> Any:
            y[0] = t
            return y.sum()

        slope = wg.grad(inner)(2.0)
        return y.sum() * slope

    with pytest.raises(WengertError, match="finished"):
        wg.grad(outer)(X[0])

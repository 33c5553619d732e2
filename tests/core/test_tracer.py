"""A tracer acts as the array that it stands for: attributes, methods, containers, copies."""

import copy
import operator as op
from typing import Any

import numpy as np
import pytest

import wengert as wg

X = np.array([[1.5, -2.5, 0.75], [0.25, 3.0, -1.0]])
TRANSFORMS = {
    "forward": lambda f: wg.jvp(f, (X,), (np.ones((2, 3)),))[0],
    "reverse": lambda f: wg.vjp(f, X)[0],
    "batch": lambda f: wg.vmap(f)(np.stack([X, X]))[1],
    "nested": lambda f: wg.vjp(lambda x: wg.jvp(f, (x,), (np.ones((2, 3)),))[0], X)[0],
}
transforms = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=list(TRANSFORMS))


@transforms
@pytest.mark.parametrize("name", ["shape", "dtype", "ndim", "size", "itemsize", "nbytes"])
@pytest.mark.parametrize(
    "part", [lambda x: x, lambda x: x[0], lambda x: x[0, 0], lambda x: x[:0], lambda x: x.astype(np.float32)]
)
def test_attributes(name: str, part: Any, transform: Any) -> None:
    seen = []

    def fun(x: Any) -> Any:
        seen.append(getattr(part(x), name))
        return x

    transform(fun)
    assert seen[0] == getattr(part(X), name)
    assert type(seen[0]) is type(getattr(part(X), name))


METHODS: dict[str, Any] = {
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "real": lambda x: x.real,
    "imag": lambda x: x.imag,
    "conj": lambda x: (x * 1j).conj(),
    "conjugate": lambda x: x.conjugate(),
    "reshape": lambda x: x.reshape(3, 2),
    "reshape of a tuple": lambda x: x.reshape((3, -1)),
    "reshape order": lambda x: x.reshape(3, 2, order="F"),
    "ravel": lambda x: x.ravel(),
    "flatten": lambda x: x.flatten("F"),
    "transpose": lambda x: x.transpose(),
    "transpose of axes": lambda x: x.transpose(1, 0),
    "transpose of a tuple": lambda x: x.transpose((1, 0)),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "squeeze": lambda x: x[:1].squeeze(0),
    "repeat": lambda x: x.repeat(2, axis=1),
    "take": lambda x: x.take([0, 2], axis=1),
    "compress": lambda x: x.compress([True, False, True], axis=1),
    "diagonal": lambda x: x.diagonal(1),
    "trace": lambda x: x.trace(),
    "sum": lambda x: x.sum(axis=0, keepdims=True),
    "mean": lambda x: x.mean(1),
    "prod": lambda x: x.prod(),
    "std": lambda x: x.std(axis=0, ddof=1),
    "var": lambda x: x.var(),
    "max": lambda x: x.max(axis=0),
    "min": lambda x: x.min(1, keepdims=True),
    "cumsum": lambda x: x.cumsum(1),
    "cumprod": lambda x: x.cumprod(axis=0),
    "argmax": lambda x: x.argmax(axis=1),
    "argmin": lambda x: x.argmin(),
    "argsort": lambda x: x.argsort(axis=0),
    "all": lambda x: (x > -5).all(axis=1),
    "any": lambda x: (x > 2).any(),
    "clip": lambda x: x.clip(-1.0, 1.0),
    "round": lambda x: x.round(1),
    "__round__": lambda x: round(x[0, 0], 1),
    "dot": lambda x: x.dot(x.T),
    "copy": lambda x: x.copy(),
    "astype": lambda x: x.astype(np.float32),
    "astype int": lambda x: x.astype(int),
    "searchsorted": lambda x: x[1, :2].searchsorted(0.5),
    "item": lambda x: x[:1, :1].item() + x.item(2) + x.item(1, 1),
    "len": lambda x: x * len(x),
    "iteration": lambda x: sum([row * i for i, row in enumerate(x)]),
    "unpacking": lambda x: op.sub(*x),
    "reversed": lambda x: np.stack(list(reversed(x))),
    "zip": lambda x: sum([a * b for a, b in zip(x[0], x[1], strict=True)]),
    "flat": lambda x: x.flat[1:4] * sum(x.flat),
    "copy.copy": lambda x: copy.copy(x) * 2.0,
    "copy.deepcopy": lambda x: copy.deepcopy([x])[0] * 2.0,
    "sorted in place": lambda x: (x.sort(axis=1), x)[1],
    "partitioned in place": lambda x: (x.partition(1, axis=1), np.sort(x, axis=1))[1],
    "filled": lambda x: (x.fill(2.0), x)[1],
    "put": lambda x: (x.put([0, 4], [7.0, 8.0]), x)[1],
    "sum of a list": lambda x: sum(list(x[0])),
    "sorted by Python's max": lambda x: np.stack([x[0], x[1]]).max(),
}


@transforms
@pytest.mark.parametrize("fun", METHODS.values(), ids=list(METHODS))
def test_methods(fun: Any, transform: Any) -> None:
    found, expected = transform(fun), fun(X.copy())
    np.testing.assert_allclose(found, expected, rtol=1e-15, atol=1e-15)
    assert np.shape(found) == np.shape(expected)
    assert np.result_type(found) == np.result_type(expected)


RAISES = {
    "len of no axes": lambda x: len(x[0, 0]),
    "iteration over no axes": lambda x: list(x[0, 0]),
    "hash": hash,
    "item of several": lambda x: x.item(),
    "index": lambda x: x[5],
    "too many indices": lambda x: x[0, 0, 0],
    "reshape": lambda x: x.reshape(7),
    "truth of several": bool,
    "write out of bounds": lambda x: op.setitem(x, 5, 0.0),
    "write of another shape": lambda x: op.setitem(x, 0, np.ones(5)),
    "attribute": lambda x: x.nothing,
}


@pytest.mark.parametrize("fun", RAISES.values(), ids=list(RAISES))
@pytest.mark.parametrize(
    "transform",
    [TRANSFORMS[name] for name in ("forward", "reverse", "nested")],
    ids=["forward", "reverse", "nested"],
)
def test_what_raises_in_numpy_raises_alike(fun: Any, transform: Any) -> None:
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever NumPy raises
        fun(X.copy())

    def program(x: Any) -> Any:
        fun(x)
        return x

    with pytest.raises(expected.type):
        transform(program)


def test_membership() -> None:
    def fun(x: Any) -> Any:
        assert 3.0 in x
        assert 7.0 not in x
        return np.sum(x)

    wg.grad(fun)(X)


def test_hash_of_a_scalar_is_that_of_the_handle() -> None:
    def fun(x: Any) -> Any:
        memo = {x: x * 2.0}
        return memo[x]

    assert wg.grad(fun)(3.0) == 2.0


def test_representation_shows_the_value() -> None:
    seen = []

    def fun(x: Any) -> Any:
        seen.extend([repr(x), f"{x}", f"{x:.1f}", str(x)])
        return x

    wg.grad(fun)(2.0)
    assert all("2.0" in text for text in seen)
    wg.grad(wg.grad(fun))(2.0)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(1, None),
        (0, 1),
        (slice(None), None),
        Ellipsis,
        np.array([1, 0]),
        [True, False],
        (0, [2, 2]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("value", [5.0, 7, np.float32(2.0)], ids=repr)
def test_writes_of_plain_values(index: Any, value: Any) -> None:
    def fun(x: Any) -> Any:
        y = x * 2.0
        y[index] = value
        return y

    y, pull = wg.vjp(fun, X)
    expected = fun(X)
    assert np.array_equal(y, expected)
    mask = np.full(X.shape, 2.0)
    mask[index] = 0.0
    assert np.array_equal(pull(np.ones(X.shape))[0], mask)


def test_deleting_entries_raises() -> None:
    def fun(x: Any) -> Any:
        del x[0]
        return x

    for call in (lambda: fun(X.copy()), lambda: wg.vjp(fun, X)):
        with pytest.raises((TypeError, ValueError, AttributeError)):
            call()

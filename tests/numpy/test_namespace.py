"""The namespace: every public name of NumPy, and outside a trace NumPy's own objects and results."""

import importlib
import inspect
import io
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert.numpy as wnp
from wengert.numpy import constructors, grids, vectorizing

OURS = {*constructors.__all__, *grids.__all__, *vectorizing.__all__}
MODULES = {"fft", "linalg", "random"}
NAMES = sorted(name for name in dir(np) if not name.startswith("_"))

A = np.arange(6.0).reshape(2, 3)

# One call or more for every name that is not NumPy's own object.
CALLS: dict[str, list[Callable[[Any], Any]]] = {
    "apply_along_axis": [lambda m: m.apply_along_axis(np.cumsum, 1, A)],
    "apply_over_axes": [lambda m: m.apply_over_axes(np.sum, A, [0, 1])],
    "arange": [
        lambda m: m.arange(5),
        lambda m: m.arange(1.0, 2.0, 0.25),
        lambda m: m.arange(0, 4, 2, np.float32),
    ],
    "array": [
        lambda m: m.array([[1, 2.5], [3, 4]]),
        lambda m: m.array(A, np.float32, order="F", ndmin=3),
        lambda m: m.array(["a", "bc"]),
        lambda m: m.array([1, None, "x"], dtype=object),
        lambda m: m.array(A, copy=False) is A,
        lambda m: m.array([], bool),
    ],
    "asanyarray": [lambda m: m.asanyarray(A) is A, lambda m: m.asanyarray(np.ma.array([1.0], mask=[True]))],
    "asarray": [lambda m: m.asarray(A) is A, lambda m: m.asarray([1, 2], float), lambda m: m.asarray(3.0)],
    "asarray_chkfinite": [lambda m: m.asarray_chkfinite([1.0, 2.0])],
    "ascontiguousarray": [lambda m: m.ascontiguousarray(A.T), lambda m: m.ascontiguousarray(1.0)],
    "asfortranarray": [lambda m: m.asfortranarray(A)],
    "block": [lambda m: m.block([[A, A], [A, A]])],
    "c_": [lambda m: m.c_[[1, 2], [3.0, 4.0]], lambda m: m.c_["1,3,0", A, A], lambda m: len(m.c_)],
    "copy": [lambda m: m.copy(A, order="F"), lambda m: m.copy([1, 2])],
    "empty": [lambda m: m.empty((2, 0)), lambda m: m.empty(3, int).shape],
    "empty_like": [lambda m: m.empty_like(A, shape=(0, 2))],
    "eye": [lambda m: m.eye(3, 4, 1), lambda m: m.eye(2, dtype=int)],
    "fft": [lambda m: m.fft.fft(A)],
    "fromfunction": [
        lambda m: m.fromfunction(lambda i, j: i - j, (3, 2)),
        lambda m: m.fromfunction(abs, (3,), dtype=int),
    ],
    "fromiter": [lambda m: m.fromiter(range(4), float), lambda m: m.fromiter(iter([1, 2, 3]), int, 2)],
    "full": [
        lambda m: m.full((2, 2), 3),
        lambda m: m.full(3, [1.0, 2.0, 3.0]),
        lambda m: m.full(2, 1, np.float32),
    ],
    "full_like": [lambda m: m.full_like(A, 2), lambda m: m.full_like([1, 2], 2.5)],
    "geomspace": [lambda m: m.geomspace(1, 1000, 4)],
    "identity": [lambda m: m.identity(3, np.float32)],
    "indices": [lambda m: m.indices((2, 3)), lambda m: m.indices((2, 3), float, True)],
    "linalg": [lambda m: m.linalg.solve(np.eye(2), [1.0, 2.0])],
    "linspace": [lambda m: m.linspace(0, 1, 5), lambda m: m.linspace(0, 1, 3, retstep=True)],
    "logspace": [lambda m: m.logspace(0, 2, 3, base=[[2.0], [3.0]])],
    "meshgrid": [
        lambda m: m.meshgrid([1, 2], [3.0, 4.0, 5.0]),
        lambda m: m.meshgrid([1, 2], [3, 4], indexing="ij", sparse=True),
        lambda m: m.meshgrid(A[0], A[1], copy=False)[0].base is not None,
    ],
    "mgrid": [lambda m: m.mgrid[0:3, 1:2:5j], lambda m: m.mgrid[1:4], lambda m: m.mgrid[0:1:4j]],
    "ogrid": [lambda m: m.ogrid[0:3, 1:2:5j], lambda m: m.ogrid[1:4:0.5]],
    "ones": [lambda m: m.ones(3), lambda m: m.ones((2, 2), complex, "F")],
    "ones_like": [lambda m: m.ones_like(A), lambda m: m.ones_like([1, 2])],
    "piecewise": [lambda m: m.piecewise(A, [A > 2], [lambda v: v * v, 1.0])],
    "r_": [
        lambda m: m.r_[1:4, 0, 5.0],
        lambda m: m.r_[0:1:3j, A[0]],
        lambda m: m.r_["0,2", [1, 2], [3, 4]],
        lambda m: m.r_["-1", A, A],
        lambda m: m.r_[np.float32(1), 2.0, np.ones(2, np.float32)],
    ],
    "random": [lambda m: m.random.default_rng(0).normal(size=3)],
    "require": [lambda m: m.require(A, np.float32, ["F", "O"])],
    "tri": [lambda m: m.tri(3, 4, -1)],
    "vander": [lambda m: m.vander([1, 2, 3], increasing=True)],
    "vectorize": [
        lambda m: m.vectorize(lambda a, b=1: a + b)([1, 2], b=[[3], [4]]),
        lambda m: m.vectorize(lambda a: (a, str(a)))([1, 2]),
        lambda m: m.vectorize(np.dot, signature="(n),(n)->()")(A, A[0]),
        lambda m: m.vectorize(otypes=[float])(lambda a: a // 2)([5, 7]),
        lambda m: m.vectorize(lambda a, k: a**k, excluded=["k"])([1.0, 2.0], k=2),
    ],
    "zeros": [lambda m: m.zeros(3), lambda m: m.zeros((2, 1), np.int8), lambda m: m.zeros(2, [("a", float)])],
    "zeros_like": [lambda m: m.zeros_like(A, int), lambda m: m.zeros_like([[1.5]])],
}


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, list | tuple):
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
    elif isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape, found.strides) == (expected.dtype, expected.shape, expected.strides)
        assert np.array_equal(np.asarray(found), np.asarray(expected))
    else:
        assert found == expected


def test_every_public_name_of_numpy_is_there() -> None:
    assert set(dir(wnp)) >= set(NAMES)
    assert [name for name in NAMES if not hasattr(wnp, name)] == []
    assert wnp.__all__ == np.__all__


def test_what_numpy_dispatches_is_numpys_own_object() -> None:
    assert [n for n in NAMES if n not in OURS | MODULES and getattr(wnp, n) is not getattr(np, n)] == []
    assert set(CALLS) == OURS | MODULES


def test_no_name_is_ours_that_need_not_be() -> None:
    assert set(NAMES) >= OURS
    assert not [name for name in OURS if getattr(wnp, name) is getattr(np, name)]


@pytest.mark.parametrize("name", sorted(MODULES))
def test_submodules_hold_numpys_own_objects(name: str) -> None:
    ours, theirs = importlib.import_module(f"wengert.numpy.{name}"), getattr(np, name)
    assert getattr(wnp, name) is ours
    assert isinstance(ours, types.ModuleType)
    for public in theirs.__all__:
        assert getattr(ours, public) is getattr(theirs, public)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_outside_a_trace_results_are_numpys(name: str) -> None:
    for call in CALLS[name]:
        assert_same(call(wnp), call(np))


@pytest.mark.parametrize("name", sorted(OURS - {"c_", "r_", "mgrid", "ogrid", "vectorize"}))
def test_a_constructor_keeps_numpys_signature_and_text(name: str) -> None:
    ours, theirs = getattr(wnp, name), getattr(np, name)
    assert ours.__name__ == name
    assert ours.__doc__ == theirs.__doc__
    try:
        expected = inspect.signature(theirs)
    except ValueError:  # a function in C, before NumPy 2.4
        return
    assert inspect.signature(ours) == expected


def test_invalid_arguments_raise_what_numpy_raises() -> None:
    for call in (
        lambda m: m.zeros(-1),
        lambda m: m.array([[1], [1, 2]]),
        lambda m: m.linspace(0, 1, -1),
        lambda m: m.r_[1, "0"],
        lambda m: m.r_["nonsense", 1],
        lambda m: m.asarray_chkfinite([np.nan]),
        lambda m: m.vectorize(abs)([]),
    ):
        with pytest.raises((ValueError, TypeError)) as expected:
            call(np)
        with pytest.raises(type(expected.value)) as found:
            call(wnp)
        assert str(found.value) == str(expected.value)


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match=r"wengert\.numpy.* has no attribute 'nonsense'"):
        _ = wnp.nonsense


def test_results_can_be_read_back_from_files() -> None:
    text = io.StringIO()
    wnp.savetxt(text, wnp.eye(2))
    text.seek(0)
    assert np.array_equal(wnp.loadtxt(text), np.eye(2))

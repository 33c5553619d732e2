"""Every NumPy function is differentiable, of zero derivative, or refused with a reason; none is unclassified.

The calls in tests/classification say which is which and are run here: values equal NumPy's bit for bit,
derivatives agree with differences in both modes and to second order, and batching agrees with a loop.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs

import wengert as wg
from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import FUNCTIONS, REFUSED, ZERO_DERIVATIVE, find_ufunc, operand
from wengert.errors import NotConcreteError, RefusedError, WengertError

from .classification import algebra, constants, elements, exceptions, structure, ufuncs
from .classification.operands import operands
from .laws.cases import is_float
from .laws.reference import along
from .laws.rules import UNITS, like, pair

find_ufunc(None)  # fills the tables that fill late
DIFFERENTIABLE = {**elements.CALLS, **structure.CALLS, **algebra.CALLS}
CALLS = [(f, k, kinds, call) for f, calls in DIFFERENTIABLE.items() for k, (kinds, call) in enumerate(calls)]
CALLS += [(f, 0, kinds, f) for f, kinds in (ufuncs.SMOOTH | ufuncs.SEVERAL).items()]
CALLS += [(np.ldexp, 0, "v", lambda v: np.ldexp(v, np.array([1, -2, 0, 3])))]
FLAT = [(f, k, kinds, call) for f, calls in constants.ZERO.items() for k, (kinds, call) in enumerate(calls)]
FLAT += [(f, 0, kinds, f) for f, kinds in ufuncs.FLAT.items()]


def name_of(function: Any) -> str:
    return f"{getattr(function, '__module__', None) or 'numpy'}.{function.__name__}".replace("numpy.", "")


def ids(calls: list) -> list[str]:
    return [f"{name_of(function)}-{k}-{kinds.replace(' ', '')}" for function, k, kinds, _ in calls]


def leaves(y: Any) -> list[Any]:
    """The arrays in a result: of a tuple, a list, or NumPy's named tuples."""
    return [leaf for item in y for leaf in leaves(item)] if isinstance(y, tuple | list) else [y]


def smooth(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same call, giving the tuple of its floating results."""
    return lambda *xs: tuple(y for y in map(operand, leaves(call(*xs))) if is_float(y))


def assert_same(y: Any, reference: Any, *, bitwise: bool) -> None:
    if bitwise:
        assert np.array_equal(y, reference, equal_nan=True), f"{y - reference} away from NumPy's {reference}"
    else:
        np.testing.assert_allclose(y, reference, rtol=UNITS * np.finfo(float).eps)


every_call = pytest.mark.parametrize(("function", "k", "kinds", "call"), CALLS, ids=ids(CALLS))


@every_call
def test_value_is_numpys_and_modes_agree(function: Any, k: int, kinds: str, call: Any) -> None:
    xs, rng = operands(kinds), np.random.default_rng(7)
    expected = smooth(call)(*xs)
    x_dots = [like(rng, x) for x in xs]
    y_bars = tuple(like(rng, y) for y in expected)
    ys, y_dots = wg.jvp(smooth(call), tuple(xs), tuple(x_dots))
    zs, pull = wg.vjp(smooth(call), *xs)
    x_bars = pull(y_bars)
    for found in (ys, zs):
        for y, reference in zip(found, expected, strict=True):
            assert type(y) is type(reference)
            assert y.dtype == reference.dtype
            assert_same(y, reference, bitwise=function not in exceptions.ANOTHER_DRIVER)
    left, left_size = pair(y_bars, y_dots)
    right, right_size = pair(x_bars, [np.where(np.isnan(x), 0.0, d) for x, d in zip(xs, x_dots, strict=True)])
    assert abs(left - right) <= UNITS * np.finfo(float).eps * (left_size + right_size)
    for x, x_bar in zip(xs, x_bars, strict=True):
        assert x_bar.shape == np.shape(x)
        assert x_bar.dtype == np.result_type(x)


@every_call
def test_derivative_against_differences(function: Any, k: int, kinds: str, call: Any) -> None:
    xs, rng = operands(kinds), np.random.default_rng(8)
    for i in range(len(xs)):
        x_dots = [like(rng, x) if j == i else None for j, x in enumerate(xs)]
        traced = range(len(xs)) if function in exceptions.WRITES else [i]

        def some(*moving: Any, traced: Any = traced) -> Any:
            args = list(xs)
            for j, x in zip(traced, moving, strict=True):
                args[j] = x
            return smooth(call)(*args)

        dots = tuple(np.zeros_like(xs[j]) if x_dots[j] is None else x_dots[j] for j in traced)
        if (function, k, i) in exceptions.NOT_DISPATCHED:
            with pytest.raises(NotConcreteError):
                wg.jvp(some, tuple(xs[j] for j in traced), dots)
            continue
        ys, y_dots = wg.jvp(some, tuple(xs[j] for j in traced), dots)
        for y_dot, y, expected in zip(y_dots, ys, along(smooth(call), xs, x_dots), strict=True):
            assert_close(y_dot, y, *expected)


def assert_close(y_dot: Any, y: Any, reference: Any, noise: Any, units: float) -> None:
    size = max(np.max(np.abs(z[np.isfinite(z)]), initial=0.0) for z in map(np.asarray, (reference, y)))
    assert np.max(noise[np.isfinite(noise)], initial=0.0) <= units * size, (
        f"no reference is sharp enough ({noise})"
    )
    off = np.abs(np.asarray(y_dot) - reference)
    assert np.max(off[np.isfinite(off)], initial=0.0) <= units * size, f"{y_dot}, not {reference}"


@every_call
def test_second_order_agrees_across_modes(function: Any, k: int, kinds: str, call: Any) -> None:
    xs, rng = tuple(operands(kinds)), np.random.default_rng(9)
    bars = tuple(like(rng, y) for y in smooth(call)(*xs))
    v, u = (tuple(like(rng, x) for x in xs) for _ in range(2))
    forward = pair(v, wg.jvp(lambda *z: wg.vjp(smooth(call), *z)[1](bars), xs, u)[1])
    reverse = pair(wg.vjp(lambda *z: wg.jvp(smooth(call), z, v)[1], *xs)[1](bars), u)
    first = pair(v, wg.vjp(smooth(call), *xs)[1](bars))[1]
    size = forward[1] + reverse[1] + (0.0 if np.isnan(first) else first)
    assert abs(forward[0] - reverse[0]) <= UNITS * np.finfo(float).eps * size


@every_call
def test_batching_agrees_with_a_loop(function: Any, k: int, kinds: str, call: Any) -> None:
    xs = operands(kinds)
    examples = [[x * (1.0 - 0.01 * k) for x in xs] for k in range(3)]
    loop = [smooth(call)(*example) for example in examples]
    stacked = [np.stack(column) for column in zip(*examples, strict=True)]
    if (function, k) in exceptions.SHAPED_BY_VALUES:
        with pytest.raises(WengertError) as caught:
            wg.vmap(smooth(call))(*stacked)
        assert caught.value.instead
        return
    for y, column in zip(wg.vmap(smooth(call))(*stacked), zip(*loop, strict=True), strict=True):
        reference = np.stack(column)
        bound = UNITS * np.finfo(float).eps * np.max(np.abs(reference[np.isfinite(reference)]), initial=0.0)
        assert y.shape == reference.shape
        np.testing.assert_allclose(y, reference, rtol=0.0, atol=bound)


@pytest.mark.parametrize(("function", "k", "kinds", "call"), FLAT, ids=ids(FLAT))
def test_zero_derivative_gives_numpys_plain_result(function: Any, k: int, kinds: str, call: Any) -> None:
    xs = operands(kinds)
    expected = call(*xs)
    found: list[Any] = []

    def fun(*args: Any) -> Any:
        found.append(call(*args))
        return sum(np.sum(x) for x in args)

    wg.vjp(fun, *xs)
    wg.jvp(fun, tuple(xs), tuple(xs))
    for y in found:
        for a, b in zip(leaves(y), leaves(expected), strict=True):
            assert not isinstance(a, Traced)
            assert type(a) is type(b)
            assert np.array_equal(a, b) if isinstance(b, np.ndarray) else a == b


@pytest.mark.parametrize("function", constants.REFUSED, ids=name_of)
def test_refused_functions_say_why(function: Any) -> None:
    call = constants.REFUSED[function]
    for transform in (lambda: wg.grad(call)(np.ones(4)), lambda: wg.jvp(call, (np.ones(4),), (np.ones(4),))):
        with pytest.raises(RefusedError) as caught:
            transform()
        assert function.__name__ in caught.value.what
        assert caught.value.why
        assert caught.value.instead
        assert "test_classification.py" in str(caught.value.where) or "constants.py" in str(
            caught.value.where
        )


@pytest.mark.parametrize("function", constants.NUMPY_RAISES, ids=name_of)
def test_functions_of_integers_raise(function: Any) -> None:
    with pytest.raises(TypeError):
        wg.grad(lambda v: np.sum(constants.NUMPY_RAISES[function](v)))(np.ones(4))


@pytest.mark.parametrize(
    "function", sorted(get_overridable_numpy_array_functions(), key=name_of), ids=name_of
)
def test_every_function_is_classified(function: Any) -> None:
    if function.__name__ in constants.CONSTRUCTORS or function.__module__.startswith(constants.OTHER_MODULES):
        return
    if function in constants.NUMPY_RAISES:
        return
    assert function in FUNCTIONS, f"{name_of(function)} is neither differentiable, nor constant, nor refused"
    if function in REFUSED:
        assert REFUSED[function], "a refusal has a reason"
        assert function not in DIFFERENTIABLE
    elif function in ZERO_DERIVATIVE:
        assert function not in DIFFERENTIABLE, "this function has a derivative"
    else:
        classes = (DIFFERENTIABLE, constants.ZERO, constants.REFUSED)
        assert any(function in one for one in classes), (
            "it is registered, but no call here shows what it does"
        )


@pytest.mark.parametrize("ufunc", sorted(get_overridable_numpy_ufuncs(), key=name_of), ids=name_of)
def test_every_ufunc_is_classified(ufunc: Any) -> None:
    prim = find_ufunc(ufunc)
    if ufunc in ufuncs.SMOOTH or ufunc in ufuncs.SEVERAL or ufunc is np.ldexp:
        assert prim is not None
        assert prim.differentiable
    elif ufunc in ufuncs.FLAT:
        assert prim is not None
        assert not prim.differentiable
    elif ufunc in ufuncs.ROUNDING:
        assert prim is None or ufunc is np.nextafter or not prim.differentiable
    else:
        strings = all(
            "O" in loop or "U" in loop or "T" in loop or "S" in loop or "?" in loop for loop in ufunc.types
        )
        assert ufunc in ufuncs.NOT_FLOAT or strings or not any("d" in loop for loop in ufunc.types), (
            "unclassified"
        )
        with pytest.raises(TypeError):  # RefusedError, or NumPy's own: there is no loop for floats
            wg.grad(lambda x: ufunc(*[x] * ufunc.nin))(np.ones(3))


def test_linalg_and_fft_are_covered() -> None:
    covered = {*DIFFERENTIABLE, *constants.ZERO}
    missing = [
        f
        for module in (np.linalg, np.fft)
        for f in map(module.__dict__.get, module.__all__)
        if f not in covered
    ]
    assert [f.__name__ for f in missing] == ["LinAlgError", "fftfreq", "rfftfreq"]


def test_every_float_ufunc_has_a_class() -> None:
    floats = {f for f in get_overridable_numpy_ufuncs() if any(loop.startswith("d") for loop in f.types)}
    known = {*ufuncs.NOT_FLOAT, *ufuncs.SMOOTH, *ufuncs.SEVERAL, *ufuncs.FLAT, *ufuncs.ROUNDING, np.ldexp}
    assert {f.__name__ for f in floats - known} == set()
    assert operator.getitem in FUNCTIONS
    assert operator.setitem in FUNCTIONS

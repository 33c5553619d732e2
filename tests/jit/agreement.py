"""Agreement of compiled functions with plain ones: the same results, types and exceptions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import tree
from wengert.compile import compiled
from wengert.jit import jit

ULPS = 4
LOOSER = 8  # functions of machine code are within 4 ulp, and NumPy's, which tolerances are made for, within about 1/2


def outcome(fun: Callable[..., Any], *args: Any) -> Any:
    """The leaves and structure of a result, or the type of the exception."""
    try:
        leaves, structure = tree.flatten(fun(*args))
    except Exception as error:  # noqa: BLE001 - whatever the plain function raises is right
        return type(error)
    return leaves, structure


def assert_same_bits(got: Any, want: Any) -> None:
    """Equal structure and types, and equal numbers to the bit; Python numbers may have become NumPy's.

    Those of machine code are near: see `assert_close`.
    """
    if compiled.switched_on[0]:
        assert_close(got, want, ULPS / LOOSER)
        return
    if isinstance(want, type) or isinstance(got, type):
        assert got == want
        return
    (got, got_structure), (want, want_structure) = got, want
    assert got_structure == want_structure
    for y, expected in zip(got, want, strict=True):
        if isinstance(expected, np.ndarray | np.generic | float | int | complex):
            assert isinstance(y, np.ndarray) == isinstance(expected, np.ndarray)
            y, expected = np.asarray(y), np.asarray(expected)  # noqa: PLW2901
            assert (y.dtype, y.shape) == (expected.dtype, expected.shape)
            assert y.tobytes() == expected.tobytes(), (y, expected)
        else:
            assert y == expected
            assert type(y) is type(expected)


def assert_close(got: Any, want: Any, ulps: float = ULPS) -> None:
    """Equal structure and types, and numbers that differ by a few units in the last place of the largest.

    By more where machine code computes: what roundings do is as many times as much as its functions are less accurate.
    """
    ulps = ulps * LOOSER if compiled.switched_on[0] else ulps
    if isinstance(want, type) or isinstance(got, type):
        assert got == want
        return
    (got, got_structure), (want, want_structure) = got, want
    assert got_structure == want_structure
    for y, expected in zip(map(np.asarray, got), map(np.asarray, want), strict=True):
        assert (y.dtype, y.shape) == (expected.dtype, expected.shape)
        if expected.dtype.kind not in "fc":
            np.testing.assert_array_equal(y, expected)
            continue
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(np.isfinite(y), finite)
        np.testing.assert_array_equal(y[~finite], expected[~finite])
        scale = np.max(np.abs(expected[finite]), initial=0.0)
        assert np.all(np.abs(y[finite] - expected[finite]) <= ulps * np.finfo(expected.dtype).eps * scale), (
            y,
            expected,
        )


def check(fun: Callable[..., Any], *argss: tuple[Any, ...], times: int = 2) -> Any:
    """Call one compiled function with all arguments in turn, each more than once, and compare; return it."""
    compiled = jit(fun)
    for args in argss:
        for _ in range(times):
            assert_same_bits(outcome(compiled, *args), outcome(fun, *args))
    return compiled

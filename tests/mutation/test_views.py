"""Which results are views: a write through a result reaches the operand, and the other way round, if it does in NumPy.

The calls are those of tests/classification, one or more for every NumPy function; NumPy, run beside, is the oracle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import WengertError

from ..classification import algebra, elements, structure  # noqa: TID252 - tables of another test
from ..classification.operands import operands  # noqa: TID252 - likewise

# NumPy warns that these results, writeable today, will be read-only; here they are.
SOON_READ_ONLY = {np.broadcast_arrays}
CALLS = [
    (f, k, kinds, call)
    for f, calls in {**elements.CALLS, **structure.CALLS, **algebra.CALLS}.items()
    if f not in SOON_READ_ONLY
    for k, (kinds, call) in enumerate(calls)
]
IDS = [f"{getattr(f, '__module__', 'numpy')}.{f.__name__}-{k}" for f, k, _, _ in CALLS]
every_call = pytest.mark.parametrize(("kinds", "call"), [call[2:] for call in CALLS], ids=IDS)


def leaves(y: Any) -> list[Any]:
    """The arrays in a result."""
    if isinstance(y, tuple | list):
        return [leaf for item in y for leaf in leaves(item)]
    return [y] if hasattr(y, "dtype") and y.dtype.kind in "fc" else []


def written_through_results(call: Callable[..., Any], read_only: list[bool]) -> Callable[..., list[Any]]:
    """The operands after each result was overwritten, entry by entry, and the results."""

    def fun(*xs: Any) -> list[Any]:
        xs = [x * 1.0 for x in xs]
        ys = leaves(call(*xs))
        for k, y in enumerate(ys):
            if np.ndim(y):
                try:
                    y[...] = 100.0 + k
                except ValueError:
                    read_only.append(True)
                else:
                    read_only.append(False)
        return [*xs, *ys]

    return fun


def operands_overwritten(call: Callable[..., Any], read_only: list[bool]) -> Callable[..., list[Any]]:
    """The results after the operands were overwritten."""
    del read_only

    def fun(*xs: Any) -> list[Any]:
        xs = [x * 1.0 for x in xs]
        ys = leaves(call(*xs))
        for k, x in enumerate(xs):
            if np.ndim(x):
                x[...] = 100.0 + k
        return [*xs, *ys]

    return fun


def _jvp(fun: Any, xs: list[Any]) -> Any:
    return wg.jvp(fun, tuple(xs), tuple(np.ones_like(x) for x in xs))[0]


def _vmap(fun: Any, xs: list[Any]) -> Any:
    return [y[1] for y in wg.vmap(fun)(*[np.stack([x, x]) for x in xs])]


def _nested(fun: Any, xs: list[Any]) -> Any:
    return wg.vjp(lambda *args: _jvp(fun, list(args)), *xs)[0]


MODES: dict[str, Callable[[Any, list[Any]], Any]] = {
    "forward": _jvp,
    "reverse": lambda fun, xs: wg.vjp(fun, *xs)[0],
    "nested": _nested,
    "vmap": _vmap,
}


@every_call
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("write", [written_through_results, operands_overwritten])
def test_handles_are_linked_where_numpy_shares_memory(kinds: str, call: Any, mode: str, write: Any) -> None:
    expected_errors: list[bool] = []
    errors: list[bool] = []
    expected = write(call, expected_errors)(*operands(kinds))
    try:
        found = MODES[mode](write(call, errors), operands(kinds))
    except WengertError:
        assert mode == "vmap"  # branches and masks that differ from example to example are refused
        return
    assert errors[: len(expected_errors)] == expected_errors
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            f, e, rtol=0, atol=1e-12
        )  # another LAPACK driver differs; a missed write by 100

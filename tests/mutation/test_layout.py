"""Results lie in memory as NumPy's do: it decides which reshaped arrays are views, and so what a write reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.views import example_of
from wengert.errors import WengertError

from ..classification.operands import operands  # noqa: TID252 - likewise
from .test_views import CALLS, IDS, leaves

# Known differences: composed of other calls than NumPy's own, and of values of their own.
OTHERWISE = {"numpy.nanpercentile-1", "numpy.linalg.matrix_power-2"}
every_call = pytest.mark.parametrize(
    ("kinds", "call"),
    [call[2:] for call, name in zip(CALLS, IDS, strict=True) if name not in OTHERWISE],
    ids=[name for name in IDS if name not in OTHERWISE],
)


def layout(y: Any) -> list[int]:
    """The axes of more than one entry, from the slowest to the quickest."""
    strides = np.asarray(example_of(y)).strides
    return sorted((i for i, n in enumerate(np.shape(y)) if n > 1), key=lambda i: -abs(strides[i]))


def batch_of(x: Any, order: str) -> Any:
    """Two equal examples in memory of their own."""
    return np.stack([x.T, x.T]).transpose(0, *range(x.ndim, 0, -1)) if order == "F" else np.stack([x, x])


MODES = {
    "forward": lambda fun, xs, _: wg.jvp(fun, tuple(xs), tuple(np.ones_like(x) for x in xs)),
    "reverse": lambda fun, xs, _: wg.vjp(fun, *xs),
    "vmap": lambda fun, xs, order: wg.vmap(fun)(*[batch_of(x, order) for x in xs]),
}


@every_call
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_axes_lie_in_memory_as_numpys(kinds: str, call: Any, mode: str, order: str) -> None:
    xs = [x.copy(order=order) for x in operands(kinds)]
    expected = [layout(y) for y in leaves(call(*xs))]
    found: list[Any] = []

    def fun(*args: Any) -> Any:
        ys = leaves(call(*args))
        found[:] = map(layout, ys)
        return ys

    try:
        MODES[mode](fun, xs, order)
    except WengertError:
        assert mode == "vmap"  # what differs from example to example may be refused
        return
    assert found == expected

"""Agreement of lifted functions with plain ones: values, types, and gradients in every mode."""

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg

from ..jit.agreement import ULPS, assert_close, outcome  # noqa: TID252 - the same demands


def weighted(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function to a number: the sum of the floating results with fixed weights."""

    def total(*args: Any) -> Any:
        leaves = [y for y in wg.tree.flatten(fun(*args))[0] if np.result_type(y).kind == "f"]
        return sum(np.sum(y * np.cos(np.arange(np.size(y))).reshape(np.shape(y))) for y in leaves)

    return total


def differentiable(args: tuple[Any, ...]) -> tuple[int, ...]:
    """The places of arguments that have derivatives."""
    return tuple(k for k, x in enumerate(args) if not isinstance(x, str) and np.result_type(x).kind == "f")


def reference(fun: Callable[..., Any], *args: Any) -> list[Any]:
    """The gradient of the plain function by differences of fourth order."""
    leaves = []
    for k in differentiable(args):
        x = np.asarray(args[k], float)
        bars = np.zeros(x.shape)
        for place in np.ndindex(*x.shape):
            h = 1e-6 * max(1.0, abs(x[place]))
            values = []
            for step in (2 * h, h, -h, -2 * h):
                moved = x.copy()
                moved[place] += step
                values.append(float(weighted(fun)(*args[:k], moved if x.ndim else moved[()], *args[k + 1 :])))
            bars[place] = (8 * (values[1] - values[2]) - (values[0] - values[3])) / (12 * h)
        leaves.append(bars.astype(np.asarray(args[k]).dtype))
    return leaves


def assert_gradients_close(got: Any, want: Any, ulps: float) -> None:
    """Equal types, and numbers that differ by units in the last place of the largest: they flow through each other."""
    size = max(1.0, *[float(np.max(np.abs(w), initial=0.0)) for w in want])
    for g, w in zip(got, want, strict=True):
        assert (np.shape(g), np.result_type(g)) == (np.shape(w), np.result_type(w))
        assert np.all(np.abs(g - w) <= ulps * np.finfo(np.result_type(w)).eps * size), (g, w)


def check(fun: Callable[..., Any], *args: Any, smooth: bool = True, ulps: float = ULPS) -> None:
    """A lifted function agrees with the plain one: eager, compiled, and their gradients with each other."""
    want = outcome(fun, *args)
    lifted = wg.lift(fun)
    plain = outcome(lifted, *args)
    assert_close(plain, want, 0)
    if not isinstance(want, type):
        assert list(map(type, plain[0])) == list(map(type, want[0]))
    compiled = wg.jit(lifted)
    for _ in range(2):
        assert_close(outcome(compiled, *args), want, ulps)
    places = differentiable(args)
    if not places or isinstance(want, type):
        return
    eager = wg.grad(weighted(lifted), places)(*args)
    both = wg.grad(wg.jit(weighted(lifted)), places)(*args)
    assert_gradients_close(both, eager, ulps)
    other = wg.jit(wg.grad(weighted(lifted), places))(*args)
    assert_gradients_close(other, eager, ulps)
    for g, expected in zip(eager, reference(fun, *args) if smooth else eager, strict=True):
        size = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
        # five points: truncation h^4 f^(5), rounding eps f / h with h = 1e-6
        np.testing.assert_allclose(g, expected, rtol=0, atol=3e-7 * size)

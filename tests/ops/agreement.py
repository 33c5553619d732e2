"""A function agrees with itself in every mode: value, tangents, cotangents, second order, batches, and differences.

Used for functions composed of primitives; the primitives themselves stand under tests/laws.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg

# Seven-point differences at h: truncation h^6 |f^(7)| / 140, rounding 2 eps |f| / h (Fornberg 1988). With h = 1e-3 and
# a radius of convergence of 0.1, |f^(7)| < 7! 0.1^-7 |f|, both are below 1e-10 of the size of what is differenced.
STEP, DIFFERENCE = 1e-3, 1e-10
# A pairing is a sum of some hundred products, each with a few rounding errors.
PAIRING = 1e-13


def leaves(y: Any) -> list[Any]:
    """Results in a flat list."""
    return [leaf for part in y for leaf in leaves(part)] if isinstance(y, tuple | list) else [y]


def like(rng: np.random.Generator, x: Any) -> Any:
    """A random direction of x."""
    z = rng.normal(size=np.shape(x))
    z = z + 1j * rng.normal(size=np.shape(x)) if np.iscomplexobj(x) else z
    return np.asarray(z).astype(np.result_type(x))[()]


def pair(bars: Any, dots: Any) -> tuple[float, float]:
    """Re sum(bar * dot), and the size of its terms."""
    terms = [np.asarray(b) * np.asarray(d) for b, d in zip(leaves(bars), leaves(dots), strict=True)]
    return sum(float(np.sum(t).real) for t in terms), sum(float(np.sum(np.abs(t))) for t in terms)


def slope(fun: Callable[[float], list[Any]]) -> list[Any]:
    """The derivative of a curve at 0 by seven-point differences."""
    pairs = [zip(fun(k * STEP), fun(-k * STEP), strict=True) for k in (1, 2, 3)]
    one, two, three = ([np.asarray(right - left) for right, left in pair] for pair in pairs)
    return [(45 * a - 9 * b + c) / (60 * STEP) for a, b, c in zip(one, two, three, strict=True)]


def close(found: Any, expected: Any, units: float, size: float = 1.0) -> None:
    """The arrays agree to units of their size."""
    for f, e in zip(leaves(found), leaves(expected), strict=True):
        assert np.shape(f) == np.shape(e)
        scale = max(size, float(np.max(np.abs(e), initial=0.0)))
        np.testing.assert_allclose(f, e, rtol=0, atol=units * scale)


def check(
    fun: Callable[..., Any], *xs: Any, plain: Callable[..., Any] | None = None, batches: bool = True
) -> None:
    """Hold a function of floating arrays to everything that modes, orders and batches have to agree on."""
    rng = np.random.default_rng(7)
    flat = lambda *args: leaves(fun(*args))
    dots, more = tuple(like(rng, x) for x in xs), tuple(like(rng, x) for x in xs)
    expected = leaves((plain or fun)(*xs))

    y, y_dot = wg.jvp(flat, xs, dots)
    close(y, expected, 1e-14)
    for a, b in zip(y, expected, strict=True):
        assert np.result_type(a) == np.result_type(b)
    curve = lambda f, v: lambda t: leaves(f(*[x + t * d for x, d in zip(xs, v, strict=True)]))
    close(y_dot, slope(curve(flat, dots)), DIFFERENCE)

    y, pullback = wg.vjp(flat, *xs)
    bars = [like(rng, part) for part in y]
    x_bars = pullback(bars)
    for x_bar, x in zip(x_bars, xs, strict=True):
        assert (np.shape(x_bar), np.result_type(x_bar)) == (np.shape(x), np.result_type(x))
    (left, size), (right, _) = pair(bars, y_dot), pair(x_bars, dots)
    assert abs(left - right) <= PAIRING * max(size, 1.0)

    pull = lambda *args: wg.vjp(flat, *args)[1](bars)
    _, forward = wg.jvp(pull, xs, more)
    close(forward, slope(curve(pull, more)), DIFFERENCE)
    reverse = wg.vjp(pull, *xs)[1](dots)
    (left, size), (right, _) = pair(forward, dots), pair(reverse, more)
    assert abs(left - right) <= PAIRING * max(size, 1.0)
    if batches:
        check_batches(flat, pull, xs, dots)


def check_batches(fun: Callable[..., Any], pull: Callable[..., Any], xs: Any, dots: Any) -> None:
    """Vmap of the function and of its pullback do what loops do, with all operands batched and with one."""
    examples = [[x + 1e-3 * k * d for x, d in zip(xs, dots, strict=True)] for k in range(3)]
    for moving in [set(range(len(xs))), *[{i} for i in range(len(xs)) if len(xs) > 1]]:
        rows = [[e[i] if i in moving else xs[i] for i in range(len(xs))] for e in examples]
        stacked = [
            np.stack(column) if i in moving else column[0] for i, column in enumerate(zip(*rows, strict=True))
        ]
        axes = tuple(0 if i in moving else None for i in range(len(xs)))
        for f in (fun, pull):
            loop = [np.stack(part) for part in zip(*[leaves(f(*row)) for row in rows], strict=True)]
            close(wg.vmap(f, in_axes=axes)(*stacked), loop, 1e-13)

"""A program that writes into its arguments agrees with NumPy: values to the bit, derivatives to complex steps.

NumPy runs the same program on plain arrays, where memory decides what a write changes. A complex step (Squire and Trapp
1998) tells the derivative without subtraction: Im f(x + i h d) / h at h = 1e-20 has f's own rounding errors. Where a
program leaves the analytic functions, or has complex operands, central differences of high order stand in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import wengert as wg

Function = Callable[..., list[Any]]

COMPLEX_STEP = 1e-20
STEP = 1e-3
# A seven-point difference at h: truncation h^6 |f^(7)| / 140, rounding 2 eps |f| / h (Fornberg 1988). With a radius of
# convergence of 0.1, |f^(7)| < 7! 0.1^-7 |f|, both are below 1e-10 of the size of what is differenced.
DIFFERENCE = 1e-10
# A derivative is a sum of at most some hundred products, each with a few rounding errors of 1e-16.
EXACT = 1e-13


def bits(y: Any) -> tuple[Any, ...]:
    """What has to be equal: whether it is an array or a scalar, shape, dtype, and every bit but the payload of NaN."""
    a = np.asarray(y)
    return isinstance(y, np.ndarray), a.shape, a.dtype, (a + 0.0 if a.dtype.kind in "fc" else a).tobytes()


def require_same_bits(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Hold values to those of NumPy."""
    for f, e in zip(found, expected, strict=True):
        assert bits(f) == bits(e), f"{f!r} is not {e!r}"


def require_close(found: Sequence[Any], expected: Sequence[Any], units: float) -> None:
    """Hold derivatives to a tolerance relative to the largest of each array."""
    for f, e in zip(found, expected, strict=True):
        assert np.shape(f) == np.shape(e)
        size = max(1.0, float(np.max(np.abs(e), initial=0.0)))
        np.testing.assert_allclose(f, e, rtol=0, atol=units * size)


# Derivatives of plain NumPy -----------------------------------------------------------------------------------------


def moved(xs: Sequence[Any], dots: Sequence[Any], t: Any) -> list[Any]:
    """Fresh operands at xs + t dots: scalars stay scalars, arrays arrays."""
    return [x + t * d if np.ndim(x) else type(x + t * d)(x + t * d) for x, d in zip(xs, dots, strict=True)]


def complex_step(fun: Function, xs: Sequence[Any], dots: Sequence[Any]) -> list[Any]:
    """Im f(x + i h d) / h."""
    return [np.imag(y) / COMPLEX_STEP for y in fun(*moved(xs, dots, 1j * COMPLEX_STEP))]


def difference(fun: Function, xs: Sequence[Any], dots: Sequence[Any], h: float = STEP) -> list[Any]:
    """Seven-point central difference."""
    one, two, three = (
        [
            np.asarray(a - b)
            for a, b in zip(fun(*moved(xs, dots, k * h)), fun(*moved(xs, dots, -k * h)), strict=True)
        ]
        for k in (1, 2, 3)
    )
    return [(45 * a - 9 * b + c) / (60 * h) for a, b, c in zip(one, two, three, strict=True)]


def fresh(xs: Sequence[Any]) -> list[Any]:
    """Copies of the arrays; scalars are immutable."""
    return [np.copy(x) if np.ndim(x) else x for x in xs]


# Agreement ----------------------------------------------------------------------------------------------------------


def directions(rng: np.random.Generator, xs: Sequence[Any]) -> list[Any]:
    """Random directions of arrays, of their shapes and dtypes."""
    dots = []
    for x in xs:
        z = rng.normal(size=np.shape(x))
        z = z + 1j * rng.normal(size=np.shape(x)) if np.iscomplexobj(x) else z
        dots.append(np.asarray(z).astype(np.result_type(x))[()])
    return dots


def pairing(bars: Sequence[Any], dots: Sequence[Any]) -> Any:
    """Re sum(bar * dot) over all arrays."""
    return sum(float(np.sum(np.asarray(b) * np.asarray(d)).real) for b, d in zip(bars, dots, strict=True))


def basis(xs: Sequence[Any]) -> list[list[Any]]:
    """Every direction in which one entry of one operand changes, the imaginary parts of complex entries as well."""
    found = []
    for k, x in enumerate(xs):
        for unit in (1.0, 1j) if np.iscomplexobj(x) else (1.0,):
            for i in range(np.size(x)):
                dots = [np.zeros_like(z) for z in xs]
                dots[k].reshape(-1)[i] = unit
                found.append([d if np.ndim(d) else d[()] for d in dots])
    return found


def agree(fun: Function, *xs: Any, step: str = "complex", order: int = 2, batches: bool = True) -> None:
    """Hold a function of floating arrays, which may write into them, to what NumPy makes of it."""
    rng = np.random.default_rng(1964)
    kept = fresh(xs)
    clean = lambda *args: fun(*fresh(args))
    numeric, units = {"complex": (complex_step, EXACT), "difference": (difference, DIFFERENCE)}[step]
    expected = clean(*xs)
    jacobian = [numeric(clean, xs, dots) for dots in basis(xs)]
    dots, more = directions(rng, xs), directions(rng, xs)

    y, y_dot = wg.jvp(fun, xs, tuple(dots))
    require_same_bits(y, expected)
    require_close(y_dot, numeric(clean, xs, dots), units)

    y, pull = wg.vjp(fun, *xs)
    require_same_bits(y, expected)
    bars = directions(rng, y)
    x_bars = pull(bars)
    columns = [pairing(bars, column) for column in jacobian]
    require_close([pairing(x_bars, e) for e in basis(xs)], columns, units * max(1.0, len(columns)))
    require_same_bits(xs, kept)
    if order == 2:
        check_second_order(fun, xs, bars, dots, more)
    if batches:
        check_batches(fun, xs, bars, dots)
    require_same_bits(xs, kept)


def check_second_order(fun: Function, xs: Any, bars: Any, dots: Any, more: Any) -> None:
    """Forward over reverse, reverse over reverse, reverse over forward agree with differences of the gradient."""
    pull = lambda *args: list(wg.vjp(fun, *args)[1](bars))
    push = lambda *args: wg.jvp(fun, args, tuple(dots))[1]
    _, forward = wg.jvp(pull, xs, tuple(more))
    require_close(forward, difference(pull, xs, more), DIFFERENCE)
    expected = pairing(forward, dots)
    scale = EXACT * max(1.0, sum(float(np.sum(np.abs(f))) for f in forward))
    assert abs(pairing(wg.vjp(pull, *xs)[1](dots), more) - expected) <= scale
    assert abs(pairing(wg.vjp(push, *xs)[1](bars), more) - expected) <= scale


def check_batches(fun: Function, xs: Any, bars: Any, dots: Any) -> None:
    """Vmap of the function, of its pullback and of its pushforward do what loops do."""
    pull = lambda *args: list(wg.vjp(fun, *args)[1](bars))
    push = lambda *args: wg.jvp(fun, args, tuple(dots))[1]
    rows = [moved(xs, dots, 1e-3 * k) for k in range(3)]
    stacked = [np.stack(column) for column in zip(*rows, strict=True)]
    for f in (fun, pull, push):
        loop = [np.stack(part) for part in zip(*[f(*fresh(row)) for row in rows], strict=True)]
        require_close(wg.vmap(f)(*stacked), loop, EXACT)
    swept = wg.vjp(lambda *args: wg.vmap(fun)(*args), *stacked)[1]([np.stack([b, b, b]) for b in bars])
    require_close(swept, [np.stack(part) for part in zip(*[pull(*row) for row in rows], strict=True)], EXACT)

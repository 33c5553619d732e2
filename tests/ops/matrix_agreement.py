"""A function of matrices agrees with NumPy, with differences, with itself in the other mode, order and batch."""

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from tests.laws.reference import GENERAL, richardson

UNITS = 1e-13  # of the size of the terms: rounding of a few dozen operations on well-conditioned matrices


def matrix(*shape: int, seed: int = 0, dtype: Any = float) -> Any:
    """A well-conditioned random matrix (or stack): its diagonal 2, 4, ... dominates."""
    rng = np.random.default_rng(seed)
    m, n = shape[-2:]
    a = rng.uniform(-0.4, 0.4, shape) + 2.0 * np.eye(m, n) * np.arange(1, n + 1)
    return (a + 0.3j * rng.normal(size=shape) if np.issubdtype(dtype, np.complexfloating) else a).astype(
        dtype
    )


def draw(rng: np.random.Generator, x: Any) -> Any:
    z = rng.normal(size=np.shape(x))
    z = z + 1j * rng.normal(size=np.shape(x)) if np.iscomplexobj(x) else z
    return np.asarray(z).astype(np.result_type(x))[()]


def quotient(fun: Callable[..., Any], xs: Any, dots: Any) -> list[Any]:
    """Derivatives of the results of fun along dots, by extrapolated differences."""
    curve = lambda t: [np.asarray(y) for y in fun(*[x + t * d for x, d in zip(xs, dots, strict=True)])]
    return [derivative for derivative, _ in richardson(curve)]


def pair(bars: Any, dots: Any) -> tuple[float, float]:
    terms = [np.asarray(b * d) for b, d in zip(bars, dots, strict=True)]
    return sum(float(np.sum(t.real)) for t in terms), sum(float(np.sum(np.abs(t))) for t in terms)


def close(found: Any, expected: Any, tolerance: float) -> None:
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            f, e, rtol=tolerance, atol=tolerance * max(1.0, np.max(np.abs(e), initial=0.0))
        )


def agrees(fun: Callable[..., Any], *xs: Any, batched: bool = True) -> None:
    """Hold a function whose results all carry derivatives to all of the above."""
    rng = np.random.default_rng(3)

    def flat(*args: Any) -> tuple[Any, ...]:
        y = fun(*args)
        return tuple(y) if isinstance(y, tuple) else (y,)

    dots, more = [draw(rng, x) for x in xs], [draw(rng, x) for x in xs]
    expected = flat(*xs)
    y, y_dot = wg.jvp(flat, tuple(xs), tuple(dots))
    for part, reference in zip(y, expected, strict=True):
        np.testing.assert_allclose(part, reference, rtol=UNITS, atol=UNITS, strict=True)
    close(y_dot, quotient(flat, xs, dots), GENERAL)

    y, pullback = wg.vjp(flat, *xs)
    bars = tuple(draw(rng, part) for part in y)
    x_bars = pullback(bars)
    assert [(np.shape(b), b.dtype) for b in x_bars] == [(np.shape(x), x.dtype) for x in xs]
    (left, size), (right, _) = pair(bars, y_dot), pair(x_bars, dots)
    assert abs(left - right) <= UNITS * size

    def pull(*args: Any) -> tuple[Any, ...]:
        return wg.vjp(flat, *args)[1](bars)

    _, second = wg.jvp(pull, tuple(xs), tuple(more))
    close(second, quotient(pull, xs, more), GENERAL)
    back = wg.vjp(pull, *xs)[1](tuple(dots))
    (left, size), (right, other) = pair(second, dots), pair(back, more)
    assert abs(left - right) <= UNITS * (size + other)
    if batched:
        _batch(flat, pull, xs, dots)


def _batch(flat: Any, pull: Any, xs: Any, dots: Any) -> None:
    for moving in [range(len(xs)), *[[i] for i in range(len(xs)) if len(xs) > 1]]:
        rows = [[x + 0.01 * k * d if i in moving else x for i, (x, d) in enumerate(zip(xs, dots, strict=True))]
                for k in range(3)]  # fmt: skip
        stacked = [np.stack(c) if i in moving else c[0] for i, c in enumerate(zip(*rows, strict=True))]
        axes = tuple(0 if i in moving else None for i in range(len(xs)))
        for f in (flat, pull):
            loop = [np.stack(part) for part in zip(*[f(*row) for row in rows], strict=True)]
            close(wg.vmap(f, in_axes=axes)(*stacked), loop, UNITS)

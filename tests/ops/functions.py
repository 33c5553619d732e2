"""What a differentiable NumPy function must do, checked on given operands against NumPy itself.

Values and types are NumPy's; tangents are those of difference quotients in extended precision; cotangents satisfy the
adjoint identity; both orders of nesting give the same second derivative; and batching equals a loop.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

UNITS = 1e-13  # of the sum of the sizes of the terms: rounding of sums of a few dozen terms in float64
H = (
    np.longdouble(2.0) ** -10
)  # step of the fourth-order difference, whose error is h^4 / 30 of the fifth derivative
STEEP = 1e-9  # above h^4 / 30 = 3e-14 of fifth derivatives as large as 1e4


def pieces(y: Any) -> tuple[Any, ...]:
    return tuple(y) if isinstance(y, list | tuple) else (y,)


def draw(rng: np.random.Generator, y: Any) -> Any:
    return np.asarray(rng.normal(size=np.shape(y))).astype(np.result_type(y))[()]


def apart(rng: np.random.Generator, shape: Any) -> Any:
    """Numbers of both signs that differ by at least 1/8, so that no comparison changes within a difference quotient."""
    size = int(np.prod(shape))
    return ((rng.permutation(size) - size // 2 + rng.uniform(0.1, 0.6, size)) / 4).reshape(shape)


def check(fun: Callable[..., Any], *xs: Any, seed: int = 0) -> None:
    """Hold a function to all of the above."""
    rng = np.random.default_rng(seed)
    xs = tuple(np.asarray(x, float) for x in xs)

    def flat(*xs: Any) -> tuple[Any, ...]:
        return pieces(fun(*xs))

    x_dots = tuple(draw(rng, x) for x in xs)
    y_dots = _check_forward(flat, xs, x_dots)
    _check_reverse(flat, xs, x_dots, y_dots, rng)
    _check_second(flat, xs, x_dots, rng)
    _check_batch(flat, xs, rng)
    _check_single(flat, xs, rng)


def _check_forward(flat: Any, xs: Any, x_dots: Any) -> Any:
    ys, y_dots = wg.jvp(flat, xs, x_dots)
    for y, expected in zip(ys, flat(*xs), strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-15 * max(1, np.size(y)), atol=1e-15, strict=True)
        assert isinstance(y, np.ndarray) == isinstance(expected, np.ndarray)
    for y_dot, quotient in zip(y_dots, _difference(flat, xs, x_dots), strict=True):
        np.testing.assert_allclose(y_dot, quotient.astype(float), rtol=STEEP, atol=STEEP)
    return y_dots


def _difference(flat: Any, xs: Any, x_dots: Any) -> list[Any]:
    def at(k: int) -> list[Any]:
        moved = [x.astype(np.longdouble) + k * H * x_dot for x, x_dot in zip(xs, x_dots, strict=True)]
        return [np.asarray(y, np.longdouble) for y in flat(*moved)]

    return [
        (8 * (b - a) - (d - c)) / (12 * H) for a, b, c, d in zip(at(-1), at(1), at(-2), at(2), strict=True)
    ]


def _check_reverse(flat: Any, xs: Any, x_dots: Any, y_dots: Any, rng: Any) -> None:
    ys, pull = wg.vjp(flat, *xs)
    y_bars = tuple(draw(rng, y) for y in ys)
    x_bars = pull(y_bars)
    left = sum(float(np.sum(b * d)) for b, d in zip(y_bars, y_dots, strict=True))
    right = sum(float(np.sum(b * d)) for b, d in zip(x_bars, x_dots, strict=True))
    size = sum(
        float(np.sum(np.abs(b * d))) for b, d in zip((*y_bars, *x_bars), (*y_dots, *x_dots), strict=True)
    )
    assert abs(left - right) <= UNITS * size
    for x, x_bar in zip(xs, x_bars, strict=True):
        assert np.shape(x_bar) == np.shape(x)
        assert x_bar.dtype == x.dtype


def _check_second(flat: Any, xs: Any, x_dots: Any, rng: Any) -> None:
    weights = [draw(rng, y) for y in flat(*xs)]

    def scalar(*xs: Any) -> Any:
        return sum(
            (np.sum(w * np.sin(y)) for w, y in zip(weights, flat(*xs), strict=True)), 0.0 * np.sum(xs[0])
        )

    gradient = wg.grad(scalar, argnums=tuple(range(len(xs))))
    _, forward = wg.jvp(gradient, xs, x_dots)
    _, pull = wg.vjp(gradient, *xs)
    for f, r in zip(forward, pull(tuple(x_dots)), strict=True):  # a Hessian is symmetric
        np.testing.assert_allclose(f, r, rtol=1e-11, atol=1e-11)
    h = 1e-4
    sides = [gradient(*[x + s * h * d for x, d in zip(xs, x_dots, strict=True)]) for s in (1, -1)]
    for f, plus, minus in zip(forward, *sides, strict=True):
        np.testing.assert_allclose(f, (plus - minus) / (2 * h), rtol=1e-5, atol=1e-5)  # h^2 / 6 of the fourth


def _check_batch(flat: Any, xs: Any, rng: Any) -> None:
    many = [np.stack([x + 0.01 * draw(rng, x) for _ in range(3)]) for x in xs]
    found = wg.vmap(flat)(*many)
    loop = [flat(*[x[i] for x in many]) for i in range(3)]
    for k, y in enumerate(found):
        np.testing.assert_allclose(y, np.stack([ys[k] for ys in loop]), rtol=1e-13, atol=1e-13, strict=True)


def _check_single(flat: Any, xs: Any, rng: Any) -> None:
    singles = tuple(x.astype(np.float32)[()] for x in xs)
    expected = flat(*singles)
    ys, y_dots = wg.jvp(flat, singles, tuple(draw(rng, x) for x in singles))
    _, pull = wg.vjp(flat, *singles)
    for y, y_dot, e in zip(ys, y_dots, expected, strict=True):
        assert y.dtype == y_dot.dtype == e.dtype
    for x_bar in pull(tuple(draw(rng, y) for y in ys)):
        assert x_bar.dtype == np.float32


def same_error(fun: Callable[[Any], Any], x: Any) -> None:
    """Demand of a traced call the error that NumPy raises."""
    with pytest.raises(Exception) as plain:  # noqa: PT011 - NumPy chooses the type
        fun(x)
    with pytest.raises(type(plain.value)):
        wg.jvp(fun, (x,), (x,))

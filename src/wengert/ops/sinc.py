"""The sine cardinal sin(pi x) / (pi x) and its derivatives of every order, all finite at 0.

With t = pi x and s(t) = sin(t) / t, the k-th derivative is

    s_k(t) = integral of u^k cos(t u + k pi / 2) for u from 0 to 1                               (DLMF 10.54.1, n = 0)
           = sum of (-1)^m t^(2m - k) / ((2m + 1) (2m - k)!) over 2m >= k                        near 0
           = (sin(t + k pi / 2) - k s_(k-1)(t)) / t       from t s(t) = sin t, differentiated k times

The recurrence multiplies an error by k / t at each step, so by k! / t^k in all: harmless for t >= k / 2 (and t >= 1),
where it is used. The terms of the series grow to e^t before they fall: harmless for t below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import factorial, pi
from typing import Any

import numpy as np

from wengert.core.lowering import Builder
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.entries import is_float, pointwise
from wengert.ops.families import match, spread
from wengert.types import ArrayType

__all__ = ["sinc_"]


def _series(t: Any, order: int) -> Any:
    total = np.zeros_like(t)
    for m in range((order + 1) // 2, order + 20):
        total = total + (-1) ** m * t ** (2 * m - order) / float((2 * m + 1) * factorial(2 * m - order))
    return total


def _recurrence(t: Any, order: int) -> Any:
    s = np.sin(t) / t
    for k in range(1, order + 1):
        s = (np.sin(t + 0.5 * pi * k) - k * s) / t
    return s


def _sinc_eval(x: Any, *, order: int) -> Any:
    if order == 0:
        return np.sinc(x)
    t = pi * np.asarray(x)
    small = np.absolute(t) < max(1.0, 0.5 * order)
    near = _series(np.where(small, t, 0), order)
    return (pi**order * np.where(small, near, _recurrence(np.where(small, 1, t), order)))[()]


def _sinc_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, order: int) -> tuple[Any, Any]:
    y = sinc_(xs[0], order=order)
    return y, spread(sinc_(xs[0], order=order + 1) * x_dots[0], y)


def _sinc_vjp(y_bar: Any, site: Site, *, order: int) -> tuple[Any]:
    return (match(y_bar * sinc_(site.xs[0], order=order + 1), site.xs[0]),)


# The series in powers of t^2, by Horner's rule. A power of t that is left is t itself.


def _series_lower(b: Builder, t: Any, order: int) -> Any:
    first = (order + 1) // 2
    square, total = b("mul", t, t), b.constant(0, t)
    for m in range(order + 19, first - 1, -1):
        term = (-1) ** m / ((2 * m + 1) * factorial(2 * m - order))
        total = b("add", b("mul", total, square), b.constant(term, t))
    return b("mul", total, t) if 2 * first > order else total


def _recurrence_lower(b: Builder, t: Any, order: int) -> Any:
    s = b("div", b("sin", t), t)
    for k in range(1, order + 1):
        turned = b("sin", b("add", t, b.constant(0.5 * pi * k, t)))
        s = b("div", b("sub", turned, b("mul", b.constant(k, t), s)), t)
    return s


def _sinc_lower(b: Builder, x: Any, *, order: int) -> Any:
    x = x if is_float(x) else b.convert(x, "f64")
    t, one = b("mul", b.constant(pi, x), x), b.constant(1, x)
    if order == 0:
        return b("select", b("eq", t, b.constant(0, t)), one, b("div", b("sin", t), t))
    is_small = b("lt", b("abs", t), b.constant(max(1.0, 0.5 * order), t))
    far = _recurrence_lower(b, t, order)
    return b("mul", b.constant(pi**order, t), b("select", is_small, _series_lower(b, t, order), far))


def _sinc_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for order in (0, 1, 2, 5):
        for shape in ((5,), (2, 3), ()):
            yield (np.asarray(rng.uniform(-2.0, 2.0, shape)),), {"order": order}
    yield (np.zeros(2),), {"order": 0}


sinc_: Primitive = define(
    name="sinc",
    eval=_sinc_eval,
    infer=lambda t, *, order: ArrayType(t.shape, np.result_type(t.dtype, np.float16)),
    jvp=_sinc_jvp,
    vjp=_sinc_vjp,
    batch=lambda _size, xs, _batched, *, order: sinc_(xs[0], order=order),
    lower=pointwise(_sinc_lower, "f64", order=0),
    samples=_sinc_samples,
    complex=True,
    doc="Derivative number `order` of sin(pi x) / (pi x). DLMF 10.49.3, 10.54.1.",
)


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """Bind `sinc` of order 0."""
    return sinc_(x, order=0) if hasattr(x, "dtype") else np.sinc(x)

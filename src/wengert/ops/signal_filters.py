"""Linear recurrences as scipy.signal.lfilter has them.

    a[0] y[n] = sum over k of b[k] x[n - k] - sum over k > 0 of a[k] y[n - k]

along the last axis, from rest. In the lower triangular Toeplitz matrices A and B of the coefficients it reads
A y = B x, and with A_dot y, B_dot x the moving averages of y and x with coefficients a_dot, b_dot:

    y_dot = A^-1 (B_dot x + B x_dot - A_dot y)
    u = A^-T y_bar,   x_bar = B^T u,   b_bar[k] = sum over n of u[n] x[n - k],   a_bar[k] = -sum over n of u[n] y[n - k]

The transpose of such a matrix runs the recurrence backwards in time, and u is that of 1 / A.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match, spread
from wengert.ops.matrix_parts import Samples
from wengert.types import Array, ArrayType

__all__ = ["lfilter_"]


def _one(x: Array) -> np.ndarray:
    return np.ones(1, x.dtype)


def _lags(u: Array, x: Array, count: int) -> Array:
    """Return, for k < count, the sum over n (and all stacks) of u[n] x[n - k]."""
    n = np.shape(u)[-1]
    return np.stack([np.sum(u[..., min(k, n) :] * x[..., : max(n - k, 0)]) for k in range(count)])


def _lfilter_eval(b: Array, a: Array, x: Array) -> Array:
    if not x.size:
        return np.zeros(x.shape, np.result_type(b, a, x))
    return signal.lfilter(b, a, x)


def _lfilter_jvp(xs: Sequence[Array], x_dots: Sequence[Array]) -> tuple[Array, Array]:
    (b, a, x), (b_dot, a_dot, x_dot) = xs, x_dots
    y = lfilter_(b, a, x)
    terms = [] if x_dot is None else [lfilter_(b, a, x_dot)]
    moved = [] if b_dot is None else [lfilter_(b_dot, _one(b_dot), x)]
    moved += [] if a_dot is None else [-lfilter_(a_dot, _one(a_dot), y)]
    if moved:
        terms.append(lfilter_(_one(a), a, sum(moved[1:], moved[0])))
    return y, spread(sum(terms[1:], terms[0]), y)


def _lfilter_vjp(y_bar: Array, site: Site) -> list[Array | None]:
    (b, a, x), (need_b, need_a, need_x) = site.xs, site.needs
    back = np.flip(y_bar, -1)
    u = np.flip(lfilter_(_one(a), a, back), -1) if need_a or need_b else None
    return [
        match(_lags(u, x, np.shape(b)[0]), b) if need_b else None,
        match(-_lags(u, site.y, np.shape(a)[0]), a) if need_a else None,
        match(np.flip(lfilter_(b, a, back), -1), x) if need_x else None,
    ]


def _lfilter_infer(b: ArrayType, a: ArrayType, x: ArrayType) -> ArrayType:
    return ArrayType(x.shape, np.result_type(b.dtype, a.dtype, x.dtype))


def _lfilter_batch(size: int, xs: Sequence[Array], batched: Sequence[bool]) -> Array:
    """Signals are rows of one call; filters that differ from example to example run one by one."""
    if not (batched[0] or batched[1]):
        return lfilter_(*xs)
    rows = [[x[i] if moves else x for x, moves in zip(xs, batched, strict=True)] for i in range(size)]
    return np.stack([lfilter_(*row) for row in rows])


def _lfilter_samples(rng: np.random.Generator) -> Samples:
    for b, a, x in (
        (3, 2, (6,)),
        (1, 3, (5,)),
        (2, 1, (2, 4)),
        (4, 4, (2,)),
        (1, 1, (3,)),
        (2, 3, (2, 1, 3)),
    ):
        yield (rng.normal(size=b), np.r_[1.3, rng.uniform(-0.5, 0.5, a - 1)], rng.normal(size=x)), {}


lfilter_: Primitive = define(
    name="lfilter",
    doc="Output of a linear recurrence with coefficients b and a, from rest. Oppenheim and Schafer 2010, section 6.1.",
    eval=_lfilter_eval,
    infer=_lfilter_infer,
    jvp=_lfilter_jvp,
    vjp=_lfilter_vjp,
    batch=_lfilter_batch,
    samples=_lfilter_samples,
    complex=True,
)

"""logsumexp as scipy.special has it: the logarithm of a weighted sum of exponentials, and its sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import align, masked, match, spread
from wengert.ops.matrix_parts import Samples
from wengert.types import Array, ArrayType

__all__ = ["weighted_logsumexp_"]

Axes = tuple[int, ...]  # counted from the end, so that a batch axis in front does not move them


# weighted_logsumexp ---------------------------------------------------------------------
# y = log |s|, s = sum of b_i e^(a_i), sigma = sign s (for complex operands y = log s and sigma = 1). The axes stay,
# with length 1. With p_i = sigma e^(a_i - y):
#   y_dot = sum of p_i (b_i a_dot_i + b_dot_i),   a_bar_i = p_i b_i y_bar,   b_bar_i = p_i y_bar
# The error of y, which grows with |y|, is common to all p_i, and the sum of b_i p_i is 1: divided by it they are right
# to rounding. At infinite y the rules are those of `extremes.logsumexp`: the entries that are inf share the derivative,
# and that of -inf is 0.


def _logsumexp_eval(*xs: Array, axes: Axes) -> tuple[Array, Array]:
    a, *b = xs
    y, sign = special.logsumexp(a, axes, *b, keepdims=True, return_sign=True)
    if np.iscomplexobj(y) or np.iscomplexobj(sign):
        y, sign = special.logsumexp(a, axes, *b, keepdims=True), np.ones(np.shape(y))
    return np.asarray(y), np.asarray(sign)


def _shares(xs: Sequence[Array], y: Array, sign: Array, axes: Axes) -> Array:
    """Return p."""
    a, *b = xs
    infinite = np.isinf(y)
    with np.errstate(all="ignore"):
        finite = np.exp(np.where(infinite, 0.0, a - np.where(infinite, 0.0, y))) * sign
    p = np.where(infinite, np.where(a == np.inf, 1.0, 0.0), finite)
    total = np.sum(masked(p, b[0]) if b else p, axis=axes, keepdims=True)
    return p / np.where(total == 0, 1.0, total)


def _logsumexp_jvp(xs: Sequence[Array], x_dots: Sequence[Array], *, axes: Axes) -> tuple[Any, Any]:
    y, sign = weighted_logsumexp_(*xs, axes=axes)
    p = _shares(xs, y, sign, axes)
    change = x_dots[0]
    if len(xs) > 1:
        parts = [None if x_dots[0] is None else masked(x_dots[0], xs[1]), x_dots[1]]
        present = [part for part in parts if part is not None]
        change = sum(present[1:], present[0])
    whole = np.broadcast_to(change, np.broadcast_shapes(np.shape(change), np.shape(p)))
    y_dot = np.sum(masked(whole, p), axis=axes, keepdims=True)
    return (y, sign), (spread(y_dot, y), None)


def _logsumexp_vjp(y_bar: tuple[Any, Any], site: Site, *, axes: Axes) -> list[Array | None]:
    if y_bar[0] is None:
        return [None] * len(site.xs)
    y, sign = site.y
    p = masked(y_bar[0], _shares(site.xs, y, sign, axes))
    a, *b = site.xs
    bars = [match(masked(p, b[0]) if b else p, a) if site.needs[0] else None]
    return [*bars, match(p, b[0]) if site.needs[1] else None] if b else bars


def _logsumexp_infer(*types: ArrayType, axes: Axes) -> tuple[ArrayType, ArrayType]:
    shape = list(np.broadcast_shapes(*[t.shape for t in types]))
    for axis in axes:
        shape[axis] = 1
    dtype = np.result_type(*[t.dtype for t in types], np.float16)
    y = ArrayType(tuple(shape), dtype)
    return y, ArrayType(tuple(shape), np.dtype(np.float64)) if dtype.kind == "c" else y


def _logsumexp_batch(_size: int, xs: Sequence[Array], batched: Sequence[bool], *, axes: Axes) -> Any:
    return weighted_logsumexp_(*align(xs, batched), axes=axes)


def _logsumexp_samples(rng: np.random.Generator) -> Samples:
    for shape, axes in (((4,), (-1,)), ((2, 3), (-1,)), ((2, 3), (-2, -1)), ((3, 2), (-2,)), ((2, 1), (-1,))):
        yield (rng.normal(size=shape),), {"axes": axes}
        yield (rng.normal(size=shape), rng.uniform(0.5, 1.5, shape)), {"axes": axes}
    yield (rng.normal(size=(2, 3)), np.array([-2.0, 0.5, -1.0])), {"axes": (-1,)}


weighted_logsumexp_: Primitive = define(
    name="weighted_logsumexp",
    doc="Logarithm of the modulus of a weighted sum of exponentials, and its sign. Blanchard, Higham and Higham 2021.",
    multiple=True,
    eval=_logsumexp_eval,
    infer=_logsumexp_infer,
    jvp=_logsumexp_jvp,
    vjp=_logsumexp_vjp,
    batch=_logsumexp_batch,
    samples=_logsumexp_samples,
    complex=True,
)

"""Convolution over several axes as scipy.signal has it, directly or by Fourier transforms.

Over the last `rank` axes of both operands; the axes before them are stacks, which broadcast.

    full     y[k] = sum over i of a[i] v[k - i],  k = 0 .. n + m - 2
    valid    its part from m - 1 to n - 1, in which every product is present, for n >= m along every axis

Each is bilinear, and the adjoints are again the two, with one operand reversed:

    full     a_bar = valid(y_bar, v reversed),   v_bar = valid(y_bar, a reversed)
    valid    a_bar = full(y_bar, v reversed),    v_bar = valid(a reversed, y_bar)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import signal

from wengert.core.primitive import Primitive
from wengert.ops.families import bilinear, match
from wengert.ops.matrix_parts import Samples
from wengert.ops.products import aligned
from wengert.types import Array, ArrayType

__all__ = ["convolve_full_", "convolve_valid_"]

_METHODS: dict[str, Callable[..., Array]] = {
    "direct": lambda a, v, mode: signal.convolve(a, v, mode, "direct"),
    "fft": signal.fftconvolve,
    "overlap": signal.oaconvolve,
}


def _evaluate(a: Array, v: Array, mode: str, rank: int, method: str) -> Array:
    a, v = np.asarray(a), np.asarray(v)
    if a.ndim == v.ndim == rank:
        return np.asarray(_METHODS[method](a, v, mode))
    stack = np.broadcast_shapes(a.shape[: a.ndim - rank], v.shape[: v.ndim - rank])
    a = np.broadcast_to(a, (*stack, *a.shape[a.ndim - rank :]))
    v = np.broadcast_to(v, (*stack, *v.shape[v.ndim - rank :]))
    if method == "direct":
        parts = [_METHODS[method](a[i], v[i], mode) for i in np.ndindex(*stack)]
        shape = _shape(mode, a.shape[a.ndim - rank :], v.shape[v.ndim - rank :])
        return np.reshape(np.array(parts, np.result_type(a, v)), (*stack, *shape))
    return np.asarray(_METHODS[method](a, v, mode, axes=tuple(range(-rank, 0))))


def _shape(mode: str, a: Sequence[int], v: Sequence[int]) -> tuple[int, ...]:
    sign = 1 if mode == "full" else -1
    return tuple([n + sign * (m - 1) for n, m in zip(a, v, strict=True)])


def _reverse(x: Array, rank: int) -> Array:
    return np.flip(x, axis=tuple(range(-rank, 0)))


def _define(mode: str, left: Callable[..., Array], right: Callable[..., Array], doc: str) -> Primitive:
    def infer(a: ArrayType, v: ArrayType, *, rank: int, method: str) -> ArrayType:
        stack = np.broadcast_shapes(a.shape[: a.ndim - rank], v.shape[: v.ndim - rank])
        shape = _shape(mode, a.shape[a.ndim - rank :], v.shape[v.ndim - rank :])
        return ArrayType((*stack, *shape), np.result_type(a.dtype, v.dtype))

    def samples(rng: np.random.Generator) -> Samples:
        for a, v, rank in (
            ((5,), (3,), 1),
            ((3, 4), (2, 2), 2),
            ((4,), (4,), 1),
            ((2, 4), (3,), 1),
            ((1, 4), (2, 2), 1),
            ((2, 2, 3), (1, 2, 2), 3),
        ):
            for method in ("direct", "fft"):
                yield (rng.normal(size=a), rng.normal(size=v)), {"rank": rank, "method": method}
        yield (rng.normal(size=9), rng.normal(size=2)), {"rank": 1, "method": "overlap"}

    prim = bilinear(
        f"convolve_{mode}",
        lambda a, v, *, rank, method: _evaluate(a, v, mode, rank, method),
        left,
        right,
        infer=infer,
        batch=lambda _size, xs, batched, *, rank, method: prim(
            *aligned(xs, batched, (rank, rank)), rank=rank, method=method
        ),
        samples=samples,
        doc=doc,
    )
    return prim


convolve_full_: Primitive = _define(
    "full",
    lambda y_bar, a, v, **how: match(convolve_valid_(y_bar, _reverse(v, how["rank"]), **how), a),
    lambda y_bar, a, v, **how: match(convolve_valid_(y_bar, _reverse(a, how["rank"]), **how), v),
    "Convolution of arrays over their last axes, with all its entries.",
)

convolve_valid_: Primitive = _define(
    "valid",
    lambda y_bar, a, v, **how: match(convolve_full_(y_bar, _reverse(v, how["rank"]), **how), a),
    lambda y_bar, a, v, **how: match(convolve_valid_(_reverse(a, how["rank"]), y_bar, **how), v),
    "Convolution of arrays over their last axes, where every product is present.",
)

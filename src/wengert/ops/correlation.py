"""numpy.convolve and numpy.correlate: sums of products of shifted vectors.

    full     y[k] = sum over i of a[i] v[k - i],  k = 0 .. n + m - 2, with n, m the lengths of a and v
    same     the max(n, m) entries of it from (min(n, m) - 1) // 2 on
    valid    the entries in which every product is present: from min(n, m) - 1 on

The map is bilinear and symmetric in a and v, and its adjoint is again a convolution, with the other operand reversed:
with y_bar placed in the full range,  a_bar[i] = sum over k of y_bar[k] v[k - i] = (y_bar * reversed v)[i + m - 1].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import implements, operand
from wengert.ops.convolution import conv_
from wengert.ops.families import bilinear, match
from wengert.ops.products import conjugate
from wengert.types import Array, ArrayType

__all__ = ["convolve", "correlate"]

Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]


def _range(n: int, m: int, mode: str) -> tuple[int, int]:
    """First index and length of the part of the full convolution that a mode keeps."""
    if mode == "full":
        return 0, n + m - 1
    if mode == "same":
        return (min(n, m) - 1) // 2, max(n, m)
    return min(n, m) - 1, max(n, m) - min(n, m) + 1


# convolve -------------------------------------------------------------------------------


def _transposed(y_bar: Array, x: Array, other: Array, *, mode: str) -> Array:
    """Cotangent of one operand, x.

    In mode valid, y_bar meets every entry of the shorter operand: the cotangent of the longer one is a full
    convolution, and that of the shorter one a valid one, both over y_bar itself. In the other modes y_bar is placed
    in the full range, where the cotangent of either operand is the valid part.
    """
    n, m = np.shape(x)[0], np.shape(other)[0]
    reverse = other[::-1]
    if mode == "valid":
        return match(_convolve(y_bar, reverse, mode="full" if n >= m else "valid"), x)
    start, length = _range(n, m, mode)
    if length < n + m - 1:
        y_bar = np.pad(y_bar, (start, n + m - 1 - length - start))
    return match(_convolve(y_bar, reverse, mode="valid"), x)


def _convolve_infer(a: ArrayType, v: ArrayType, *, mode: str) -> ArrayType:
    return ArrayType((_range(a.shape[0], v.shape[0], mode)[1],), np.result_type(a.dtype, v.dtype))


def _convolve_batch(size: int, xs: Sequence[Array], batched: Sequence[bool], *, mode: str) -> Array:
    """A correlation of the longer with the reversed shorter operand, over channels or groups."""
    (a, v), (a_batched, v_batched) = xs, batched
    if np.shape(a)[-1] < np.shape(v)[-1]:
        (a, a_batched), (v, v_batched) = (v, v_batched), (a, a_batched)
    n, m = np.shape(a)[-1], np.shape(v)[-1]
    start, length = _range(n, m, mode)
    before = m - 1 - start
    geometry = {"stride": (1,), "padding": ((before, length - 1 + m - n - before),), "dilation": (1,)}
    v = v[..., ::-1]
    if not v_batched:
        return conv_(a[:, np.newaxis, :], v[np.newaxis, np.newaxis, :], groups=1, **geometry)[:, 0]
    images = a[np.newaxis] if a_batched else a[np.newaxis, np.newaxis, :]
    return conv_(images, v[:, np.newaxis, :], groups=size if a_batched else 1, **geometry)[0]


def _convolve_samples(rng: np.random.Generator) -> Samples:
    for n, m in ((5, 3), (3, 5), (4, 4), (6, 2), (1, 3), (1, 1), (5, 4)):
        for mode in ("full", "same", "valid"):
            yield (rng.normal(size=n), rng.normal(size=m)), {"mode": mode}


_convolve = bilinear(
    "convolve",
    lambda a, v, *, mode: np.convolve(a, v, mode),
    lambda y_bar, a, v, *, mode: _transposed(y_bar, a, v, mode=mode),
    lambda y_bar, a, v, *, mode: _transposed(y_bar, v, a, mode=mode),
    infer=_convolve_infer,
    batch=_convolve_batch,
    samples=_convolve_samples,
    doc="Discrete convolution of two vectors.",
)


def _vectors(a: Array, v: Array, mode: str, name: str) -> tuple[Array, Array]:
    """Return the operands with at least one axis, checked as NumPy checks them."""
    a, v = np.atleast_1d(operand(a)), np.atleast_1d(operand(v))
    for x, label in ((a, "first"), (v, "second")):
        if np.ndim(x) != 1:
            message = f"{name}: the {label} argument must be one-dimensional, but has shape {np.shape(x)}"
            raise ValueError(message)
        if np.size(x) == 0:
            message = f"{name}: the {label} argument cannot be empty"
            raise ValueError(message)
    if mode not in {"full", "same", "valid"}:
        message = f"{name}: mode must be one of 'valid', 'same', or 'full' (got {mode!r})"
        raise ValueError(message)
    return a, v


@implements(np.convolve)
def convolve(a: Array, v: Array, mode: str = "full") -> Array:
    """Discrete convolution of two vectors, as in NumPy."""
    a, v = _vectors(a, v, mode, "convolve")
    return _convolve(a, v, mode=mode)


@implements(np.correlate)
def correlate(a: Array, v: Array, mode: str = "valid") -> Array:
    """Cross-correlation c[k] = sum over n of a[n + k] conj(v[n]), as in NumPy.

    It is a convolution with v conjugated and reversed.
    """
    a, v = _vectors(a, v, mode, "correlate")
    if (
        np.shape(a)[0] < np.shape(v)[0]
    ):  # NumPy then correlates v with a, which for mode same centers even lengths otherwise
        return _convolve(conjugate(v), a[::-1], mode=mode)[::-1]
    return _convolve(a, conjugate(v)[::-1], mode=mode)

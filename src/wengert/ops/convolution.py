"""Convolution over any number of spatial axes, strided, dilated and grouped, as in neural networks.

    conv(x, w)[i, o, p] = sum over c, k of x[i, c, stride * p + dilation * k - padding] * w[o, c, k]

with x (batch, channels, *spatial), w (outputs, channels / groups, *kernel) and p, k multi-indices. The trilinear form

    T(x, w, z) = sum over i, o, p of z[i, o, p] conv(x, w)[i, o, p]

has three partial derivatives, and they are the three primitives of this file: dT/dz is `conv`, dT/dx is `conv_input`
(the transposed convolution), dT/dw is `conv_weight`. Each one's two adjoints are the other two, so the family is
closed and nothing is ever spread out with zeros. As nothing is conjugated, the rules hold for complex numbers as they
stand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wengert.ops.families import bilinear, match
from wengert.types import Array, ArrayType

__all__ = ["Ints", "Pads", "conv_", "conv_input_", "conv_weight_", "out_lengths"]

Ints = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]
Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

COLUMN_BYTES = 2**20  # of gathered windows per matrix product: within the second-level cache


# The geometry of a convolution ----------------------------------------------------------


def out_lengths(spatial: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints) -> Ints:
    """Number of windows along each spatial axis."""
    return tuple(
        [
            (n + lo + hi - d * (k - 1) - 1) // s + 1
            for n, k, s, (lo, hi), d in zip(spatial, kernel, stride, padding, dilation, strict=True)
        ]
    )


def _windows(x: Array, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints) -> Array:
    """Return a view of shape (batch, channels, *kernel, *out): what each entry of the kernel sees."""
    rank = len(kernel)
    if any(lo or hi for lo, hi in padding):
        x = np.pad(x, ((0, 0), (0, 0), *padding))
    spans = tuple([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)])
    view = sliding_window_view(x, spans, axis=tuple(range(2, 2 + rank)))
    steps = [slice(None, None, s) for s in (*stride, *dilation)]
    view = view[(slice(None), slice(None), *steps)]
    return np.moveaxis(view, range(2, 2 + rank), range(2 + rank, 2 + 2 * rank))


def _chunks(examples: int, bytes_each: int) -> Iterator[slice]:
    """Cut the batch so that the gathered windows of one piece stay in cache."""
    step = max(1, COLUMN_BYTES // max(1, bytes_each))
    return (slice(i, i + step) for i in range(0, examples, step))


# conv -----------------------------------------------------------------------------------
# Gather the windows as the columns of a matrix, and multiply by the weights: (o, c k) @ (c k, p) for each example and
# group.


def _conv_eval(x: Array, w: Array, *, stride: Ints, padding: Pads, dilation: Ints, groups: int) -> Array:
    (n, _, *spatial), (o, c, *kernel) = x.shape, w.shape
    out = out_lengths(tuple(spatial), tuple(kernel), stride, padding, dilation)
    points, taps = math.prod(out), c * math.prod(kernel)
    windows = _windows(x, tuple(kernel), stride, padding, dilation)
    rows = w.reshape(groups, o // groups, taps)
    y = np.empty((n, groups, o // groups, points), np.result_type(x, w))
    for piece in _chunks(n, groups * taps * points * x.itemsize):
        columns = windows[piece].reshape(-1, groups, taps, points)
        np.matmul(rows, columns, out=y[piece])
    return y.reshape(n, o, *out)


def _conv_input_eval(
    z: Array, w: Array, *, spatial: Ints, stride: Ints, padding: Pads, dilation: Ints, groups: int
) -> Array:
    (n, o, *out), (_, c, *kernel) = z.shape, w.shape
    points, taps = math.prod(out), c * math.prod(kernel)
    columns_of = np.swapaxes(w.reshape(groups, o // groups, taps), -1, -2)
    rows = z.reshape(n, groups, o // groups, points)
    padded = [m + lo + hi for m, (lo, hi) in zip(spatial, padding, strict=True)]
    x = np.zeros((n, groups * c, *padded), np.result_type(z, w))
    for piece in _chunks(n, groups * taps * points * z.itemsize):
        parts = np.matmul(columns_of, rows[piece]).reshape(-1, groups * c, *kernel, *out)
        for k in np.ndindex(*kernel):
            target = tuple(
                [
                    slice(d * i, d * i + s * (m - 1) + 1, s)
                    for i, m, s, d in zip(k, out, stride, dilation, strict=True)
                ]
            )
            x[(piece, slice(None), *target)] += parts[(slice(None), slice(None), *k)]
    inside = [slice(lo, lo + m) for m, (lo, _) in zip(spatial, padding, strict=True)]
    # in order, as a result of a native program must be
    return np.ascontiguousarray(x[(slice(None), slice(None), *inside)])


def _conv_weight_eval(
    x: Array, z: Array, *, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints, groups: int
) -> Array:
    (n, channels, *_), (_, o, *out) = x.shape, z.shape
    c, points = channels // groups, math.prod(out)
    taps = c * math.prod(kernel)
    windows = _windows(x, kernel, stride, padding, dilation)
    windows = windows[(..., *[slice(m) for m in out])]
    rows = z.reshape(n, groups, o // groups, points)
    w = np.zeros((groups, o // groups, taps), np.result_type(x, z))
    for piece in _chunks(n, groups * taps * points * x.itemsize):
        columns = windows[piece].reshape(-1, groups, taps, points)
        w += np.matmul(rows[piece], np.swapaxes(columns, -1, -2)).sum(0)
    return w.reshape(o, c, *kernel)


# Rules: each adjoint is another member of the family.


def _conv_left(y_bar: Array, x: Array, w: Array, **geometry: Any) -> Array:
    return match(conv_input_(y_bar, w, spatial=np.shape(x)[2:], **geometry), x)


def _conv_right(y_bar: Array, x: Array, w: Array, **geometry: Any) -> Array:
    return match(conv_weight_(x, y_bar, kernel=np.shape(w)[2:], **geometry), w)


def _conv_input_left(x_bar: Array, z: Array, w: Array, *, spatial: Ints, **geometry: Any) -> Array:
    return match(conv_(x_bar, w, **geometry), z)


def _conv_input_right(x_bar: Array, z: Array, w: Array, *, spatial: Ints, **geometry: Any) -> Array:
    return match(conv_weight_(x_bar, z, kernel=np.shape(w)[2:], **geometry), w)


def _conv_weight_left(w_bar: Array, x: Array, z: Array, *, kernel: Ints, **geometry: Any) -> Array:
    return match(conv_input_(z, w_bar, spatial=np.shape(x)[2:], **geometry), x)


def _conv_weight_right(w_bar: Array, x: Array, z: Array, *, kernel: Ints, **geometry: Any) -> Array:
    return match(conv_(x, w_bar, **geometry), z)


def _conv_infer(
    x: ArrayType, w: ArrayType, *, stride: Ints, padding: Pads, dilation: Ints, groups: int
) -> ArrayType:
    out = out_lengths(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return ArrayType((x.shape[0], w.shape[0], *out), np.result_type(x.dtype, w.dtype))


def _conv_input_infer(z: ArrayType, w: ArrayType, *, spatial: Ints, groups: int, **_: Any) -> ArrayType:
    return ArrayType((z.shape[0], groups * w.shape[1], *spatial), np.result_type(z.dtype, w.dtype))


def _conv_weight_infer(x: ArrayType, z: ArrayType, *, kernel: Ints, groups: int, **_: Any) -> ArrayType:
    return ArrayType((z.shape[1], x.shape[1] // groups, *kernel), np.result_type(x.dtype, z.dtype))


# Batch rules: the batch axis joins an axis that the convolution treats entry by entry. Images x and z have a batch of
# their own to join if the weights are shared; weights that differ from example to example become more channels or
# more groups.


def _examples(x: Array) -> Array:
    """Before: (batch, n, ...). After: (batch * n, ...)."""
    return np.reshape(x, (-1 if np.size(x) else np.shape(x)[0] * np.shape(x)[1], *np.shape(x)[2:]))


def _channels(x: Array, groups: int) -> Array:
    """Before: images (batch, n, groups * c, ...). After: (n, groups * batch * c, ...)."""
    size, n, channels, *spatial = np.shape(x)
    x = np.reshape(x, (size, n, groups, channels // groups, *spatial))
    return np.reshape(np.moveaxis(x, 0, 2), (n, size * channels, *spatial))


def _outputs(w: Array, groups: int) -> Array:
    """Before: weights (batch, groups * o, c, ...). After: (groups * batch * o, c, ...)."""
    size, outputs, *rest = np.shape(w)
    return np.reshape(
        np.moveaxis(np.reshape(w, (size, groups, outputs // groups, *rest)), 0, 1), (size * outputs, *rest)
    )


def _inputs(w: Array) -> Array:
    """Before: weights (batch, o, c, ...). After: (o, batch * c, ...)."""
    size, outputs, c, *kernel = np.shape(w)
    return np.reshape(np.moveaxis(w, 0, 1), (outputs, size * c, *kernel))


def _from_channels(y: Array, size: int, groups: int) -> Array:
    """Undo `_channels`."""
    n, channels, *spatial = np.shape(y)
    y = np.reshape(y, (n, groups, size, channels // (groups * size), *spatial))
    return np.reshape(np.moveaxis(y, 2, 0), (size, n, channels // size, *spatial))


def _from_outputs(w: Array, size: int, groups: int) -> Array:
    """Undo `_outputs`."""
    outputs, *rest = np.shape(w)
    w = np.reshape(w, (groups, size, outputs // (groups * size), *rest))
    return np.reshape(np.moveaxis(w, 1, 0), (size, outputs // size, *rest))


def _from_inputs(w: Array, size: int) -> Array:
    """Undo `_inputs`."""
    outputs, c, *kernel = np.shape(w)
    return np.moveaxis(np.reshape(w, (outputs, size, c // size, *kernel)), 1, 0)


def _conv_batch(
    size: int, xs: Sequence[Array], batched: Sequence[bool], *, groups: int, **geometry: Any
) -> Array:
    x, w = xs
    if not batched[1]:
        y = conv_(_examples(x), w, groups=groups, **geometry)
        return np.reshape(y, (size, np.shape(x)[1], *np.shape(y)[1:]))
    if not batched[0]:
        return _from_channels(conv_(x, _outputs(w, groups), groups=groups, **geometry), size, groups)
    y = conv_(_channels(x, 1), _examples(w), groups=size * groups, **geometry)
    return _from_channels(y, size, 1)


def _conv_input_batch(
    size: int, xs: Sequence[Array], batched: Sequence[bool], *, groups: int, **geometry: Any
) -> Array:
    z, w = xs
    if not batched[1]:
        x = conv_input_(_examples(z), w, groups=groups, **geometry)
        return np.reshape(x, (size, np.shape(z)[1], *np.shape(x)[1:]))
    if not batched[0]:
        return _from_channels(conv_input_(z, _inputs(w), groups=groups, **geometry), size, groups)
    x = conv_input_(_channels(z, 1), _examples(w), groups=size * groups, **geometry)
    return _from_channels(x, size, 1)


def _conv_weight_batch(
    size: int, xs: Sequence[Array], batched: Sequence[bool], *, groups: int, **geometry: Any
) -> Array:
    x, z = xs
    if not batched[1]:
        return _from_inputs(conv_weight_(_channels(x, groups), z, groups=groups, **geometry), size)
    if not batched[0]:
        return _from_outputs(conv_weight_(x, _channels(z, groups), groups=groups, **geometry), size, groups)
    w = conv_weight_(_channels(x, 1), _channels(z, 1), groups=size * groups, **geometry)
    return _from_outputs(w, size, 1)


def _geometries(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array, dict[str, Any]]]:
    """Samples of (x, w, z) and the geometry they meet in."""
    cases = [
        ((2, 2, 5), (2, 2, 2), (1,), ((0, 0),), (1,), 1), ((1, 4, 6), (2, 2, 2), (2,), ((1, 0),), (2,), 2),
        ((2, 1, 3, 4), (2, 1, 2, 2), (1, 2), ((1, 1), (0, 1)), (1, 1), 1),
        ((1, 2, 2, 2), (1, 2, 1, 1), (1, 1), ((0, 0),) * 2, (1, 1), 1),
        ((0, 1, 3), (1, 1, 2), (1,), ((0, 0),), (1,), 1), ((1, 2, 4), (4, 1, 2), (3,), ((0, 0),), (1,), 2),
        ((1, 1, 2, 2, 2), (1, 1, 2, 1, 2), (1, 1, 1), ((0, 0), (0, 0), (1, 0)), (1, 1, 1), 1),
    ]  # fmt: skip
    for images, weights, stride, padding, dilation, groups in cases:
        out = out_lengths(images[2:], weights[2:], stride, padding, dilation)
        geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        yield (
            rng.normal(size=images),
            rng.normal(size=weights),
            rng.normal(size=(images[0], weights[0], *out)),
            geometry,
        )


conv_ = bilinear(
    "conv",
    _conv_eval,
    _conv_left,
    _conv_right,
    infer=_conv_infer,
    batch=_conv_batch,
    samples=lambda rng: (((x, w), g) for x, w, _, g in _geometries(rng)),
    doc="Strided, dilated, grouped N-d cross-correlation of images with kernels.",
)

conv_input_ = bilinear(
    "conv_input",
    _conv_input_eval,
    _conv_input_left,
    _conv_input_right,
    infer=_conv_input_infer,
    batch=_conv_input_batch,
    samples=lambda rng: (((z, w), {**g, "spatial": x.shape[2:]}) for x, w, z, g in _geometries(rng)),
    doc="Adjoint of conv in its images: the transposed convolution.",
)

conv_weight_ = bilinear(
    "conv_weight",
    _conv_weight_eval,
    _conv_weight_left,
    _conv_weight_right,
    infer=_conv_weight_infer,
    batch=_conv_weight_batch,
    samples=lambda rng: (((x, z), {**g, "kernel": w.shape[2:]}) for x, w, z, g in _geometries(rng)),
    doc="Adjoint of conv in its kernels: correlation of images with cotangents.",
)

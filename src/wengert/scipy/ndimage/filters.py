"""Linear filters: correlations and convolutions with weights, the Gaussian and uniform filters.

A filter extends the image beyond its border and takes the correlation where the weights fit in,

    y[i] = sum_j x[i + j] w[j],

which is bilinear, and whose two adjoints are correlations of this kind again: with the mirrored weights on
y_bar between zeros, and of x with y_bar. Extending is indexing, whose adjoint adds the border up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.ndimage

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.ops.families import bilinear, match
from wengert.scipy.mirror import mirrors
from wengert.scipy.ndimage.arguments import axes_of, cast_to, image, known, per_axis
from wengert.scipy.ndimage.borders import extend
from wengert.types import ArrayType

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "correlate_valid",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_laplace",
    "laplace",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]


# correlate_valid ----------------------------------------------------------------------------------------------------


def _valid_shape(x: Sequence[int], w: Sequence[int]) -> tuple[int, ...]:
    return tuple([n - k + 1 for n, k in zip(x, w, strict=True)])


_COMPILED = (np.float32, np.float64)


def _correlate_eval(x: Any, w: Any) -> Any:
    x, w = np.asarray(x), np.asarray(w)
    shape, dtype = _valid_shape(x.shape, w.shape), np.result_type(x, w)
    if dtype in _COMPILED and w.size <= np.prod(shape, dtype=int):
        return _correlate_compiled(x, w, shape, dtype)
    y = np.zeros(shape, dtype)
    if w.size <= y.size:
        for j in np.ndindex(w.shape):
            y += w[j] * x[tuple([slice(s, s + n) for s, n in zip(j, shape, strict=True)])]
        return y
    for i in np.ndindex(shape):
        y[i] = np.sum(w * x[tuple([slice(s, s + n) for s, n in zip(i, w.shape, strict=True)])])
    return y


def _correlate_compiled(x: Any, w: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Let SciPy's loops do it, which sum in double precision, and cut off the border."""
    long = [axis for axis, k in enumerate(w.shape) if k > 1]
    if len(long) == 1:
        y = scipy.ndimage.correlate1d(x, w.ravel(), long[0], dtype, "constant")
    else:
        y = scipy.ndimage.correlate(x, w, dtype, "constant")
    return y[tuple([slice(k // 2, k // 2 + n) for k, n in zip(w.shape, shape, strict=True)])]


def _correlate_left(y_bar: Any, x: Any, w: Any) -> Any:
    zeros = np.pad(y_bar, [(k - 1, k - 1) for k in np.shape(w)])
    return match(correlate_valid(zeros, np.flip(w)), x)


def _correlate_right(y_bar: Any, x: Any, w: Any) -> Any:
    return match(correlate_valid(x, y_bar), w)


def _correlate_batch(size: int, xs: Sequence[Any], batched: Sequence[bool]) -> Any:
    (x, w), (x_batched, w_batched) = xs, batched
    if not w_batched:
        return correlate_valid(x, w[None])
    return np.stack([correlate_valid(x[i] if x_batched else x, w[i]) for i in range(size)])


def _correlate_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for x, w in (((5,), (3,)), ((4,), (4,)), ((6,), (5,)), ((4, 3), (2, 2)), ((3, 5), (1, 2)), ((1,), (1,))):
        yield (rng.normal(size=x), rng.normal(size=w)), {}


correlate_valid = bilinear(
    "correlate_valid",
    _correlate_eval,
    _correlate_left,
    _correlate_right,
    infer=lambda x, w: ArrayType(_valid_shape(x.shape, w.shape), np.result_type(x.dtype, w.dtype)),
    batch=_correlate_batch,
    doc="Correlation of an array with a smaller one, where it fits in.",
    samples=_correlate_samples,
)


# Correlation with a border ------------------------------------------------------------------------------------------


def _filter(x: Any, w: Any, modes: Sequence[str], cval: Any, origins: Sequence[int]) -> Any:
    """Return the correlation of an image with weights of as many axes."""
    for axis, (k, mode, origin) in enumerate(zip(np.shape(w), modes, origins, strict=True)):
        if not -(k // 2) <= origin <= (k - 1) // 2:
            message = "Invalid origin; origin must satisfy -(weights.shape[k] // 2) <= origin[k] <= "
            raise ValueError(message + "(weights.shape[k]-1) // 2")
        before = k // 2 + origin
        x = extend(x, axis, (before, k - 1 - before), mode, cval)
    return correlate_valid(x, w)


def _over_all_axes(w: Any, origin: Any, axes: Sequence[int], ndim: int) -> tuple[Any, list[int]]:
    """Return weights and origins along some axes as those along all; like SciPy, weights take the axes in order."""
    if np.ndim(w) != len(axes):
        message = f"weights.ndim ({np.ndim(w)}) must match len(axes) ({len(axes)})"
        raise RuntimeError(message)
    given = per_axis(origin, len(axes))
    if len(axes) == ndim:
        return w, given
    shape, origins = [1] * ndim, [0] * ndim
    for axis, k in zip(sorted(axes), np.shape(w), strict=True):
        shape[axis] = k
    for axis, value in zip(axes, given, strict=True):
        origins[axis] = value
    return np.reshape(w, shape), origins


def _mirrored_origin(origin: int, k: int) -> int:
    """Origin of a convolution, as that of the correlation with the flipped weights."""
    return -origin - (k % 2 == 0)


def _nd(
    input: Any, weights: Any, output: Any, mode: str, cval: Any, origin: Any, axes: Any, *, flip: bool
) -> Any:
    x, w = image(input), image(weights)
    w, origins = _over_all_axes(w, origin, axes_of(axes, np.ndim(x)), np.ndim(x))
    if flip:
        w = np.flip(w)
        origins = [_mirrored_origin(o, k) for o, k in zip(origins, np.shape(w), strict=True)]
    elif w.dtype.kind == "c":
        w = np.conj(w)
    return cast_to(_filter(x, w, [mode] * np.ndim(x), cval, origins), x, output)


@mirrors(scipy.ndimage.correlate)
def correlate(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """Correlation of an image with weights; bilinear."""
    return _nd(input, weights, output, mode, cval, origin, axes, flip=False)


@mirrors(scipy.ndimage.convolve)
def convolve(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """Convolution of an image with weights; bilinear."""
    return _nd(input, weights, output, mode, cval, origin, axes, flip=True)


def _along(x: Any, w: Any, axis: int, mode: str, cval: Any, origin: int) -> Any:
    """Return the correlation of an image with a vector of weights along an axis."""
    ndim = np.ndim(x)
    axis = axes_of(axis, ndim)[0]
    if np.ndim(w) != 1 or not np.size(w):
        message = "no filter weights given"
        raise RuntimeError(message)
    shape = [1] * ndim
    shape[axis] = np.size(w)
    origins = [0] * ndim
    origins[axis] = origin
    return _filter(x, np.reshape(w, shape), [mode] * ndim, cval, origins)


@mirrors(scipy.ndimage.correlate1d)
def correlate1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """Correlation along an axis; bilinear."""
    x, w = image(input), image(weights)
    w = np.conj(w) if w.dtype.kind == "c" else w
    return cast_to(_along(x, w, axis, mode, cval, origin), x, output)


@mirrors(scipy.ndimage.convolve1d)
def convolve1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """Convolution along an axis; bilinear."""
    x, w = image(input), image(weights)
    y = _along(x, np.flip(w), axis, mode, cval, _mirrored_origin(origin, np.size(w)))
    return cast_to(y, x, output)


# Gaussian -----------------------------------------------------------------------------------------------------------
#
# phi(x) = exp(-x^2 / (2 sigma^2)) / sum, and its n-th derivative is q_n phi, q_0 = 1, q_{n+1} = q_n' - x q_n
# / sigma^2. The radius, a whole number, is locally constant in sigma.


def _gaussian_weights(sigma: Any, order: int, radius: int) -> Any:
    if order < 0:
        message = "order must be non-negative"
        raise ValueError(message)
    x = np.arange(-radius, radius + 1.0)
    variance = sigma * sigma
    phi = np.exp(-0.5 / variance * x**2)
    phi = phi / np.sum(phi)
    q: list[Any] = [1.0]  # coefficients of ascending powers
    for _ in range(order):
        slope = [j * q[j] for j in range(1, len(q))] + [0.0, 0.0]
        q = [s + d for s, d in zip(slope, [0.0, *[-c / variance for c in q]], strict=True)]
    return phi * sum([c * x**j for j, c in enumerate(q)])


def _gaussian_along(
    x: Any, sigma: Any, axis: int, order: int, mode: str, cval: Any, truncate: float, radius: Any
) -> Any:
    radius = int(truncate * known(sigma) + 0.5) if radius is None else radius
    if radius < 0 or radius != int(radius):
        message = "Radius must be a nonnegative integer."
        raise ValueError(message)
    return _along(x, np.flip(_gaussian_weights(sigma, order, int(radius))), axis, mode, cval, 0)


@mirrors(scipy.ndimage.gaussian_filter1d)
def gaussian_filter1d(
    input: Any,
    sigma: Any,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
) -> Any:
    """Gaussian filter along an axis; differentiable in sigma too."""
    x = image(input)
    return cast_to(_gaussian_along(x, sigma, axis, order, mode, cval, truncate, radius), x, output)


_LEAST_SIGMA = 1e-15  # SciPy's: along an axis with less, the filter is the identity


@mirrors(scipy.ndimage.gaussian_filter)
def gaussian_filter(
    input: Any,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Any:
    """Gaussian filter along axes; differentiable in sigma too."""
    x = y = image(input)
    axes = axes_of(axes, np.ndim(x))
    options = [per_axis(operand(v), len(axes)) for v in (sigma, order)]
    options += [per_axis(v, len(axes)) for v in (mode, radius)]
    for axis, s, o, m, r in zip(axes, *options, strict=True):
        if r is not None or known(s) > _LEAST_SIGMA:
            y = _gaussian_along(y, s, axis, int(o), m, cval, truncate, r)
    return cast_to(y, x, output)


# Others -------------------------------------------------------------------------------------------------------------


@mirrors(scipy.ndimage.uniform_filter1d)
def uniform_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """Mean of neighbors along an axis; linear."""
    x = image(input)
    return cast_to(_along(x, np.full(size, 1.0 / size), axis, mode, cval, origin), x, output)


@mirrors(scipy.ndimage.uniform_filter)
def uniform_filter(
    input: Any,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """Mean of neighbors; linear."""
    x = y = image(input)
    axes = axes_of(axes, np.ndim(x))
    options = [per_axis(v, len(axes)) for v in (size, mode, origin)]
    for axis, n, m, o in zip(axes, *options, strict=True):
        if n > 1:
            y = _along(y, np.full(int(n), 1.0 / int(n)), axis, m, cval, o)
    return cast_to(y, x, output)


_SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0])
_CENTRAL_DIFFERENCE = np.array([-1.0, 0.0, 1.0])


@mirrors(scipy.ndimage.laplace)
def laplace(
    input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Any:
    """Sum of second differences; linear."""
    x = image(input)
    axes = axes_of(axes, np.ndim(x))
    modes = per_axis(mode, len(axes))
    parts = [_along(x, _SECOND_DIFFERENCE, axis, m, cval, 0) for axis, m in zip(axes, modes, strict=True)]
    return cast_to(sum(parts[1:], parts[0]), x, output)


@mirrors(scipy.ndimage.gaussian_laplace)
def gaussian_laplace(
    input: Any, sigma: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Any:
    """Sum of second derivatives of a Gaussian filter; differentiable in sigma too."""
    x = image(input)
    axes = axes_of(axes, np.ndim(x))
    parts = []
    for axis in range(len(axes)):
        order = [0] * len(axes)
        order[axis] = 2
        traced = sigma if isinstance(sigma, Traced) else per_axis(sigma, len(axes))
        parts.append(_gaussian_over(x, traced, order, mode, cval, axes))
    return cast_to(sum(parts[1:], parts[0]), x, output)


def _gaussian_over(
    x: Any, sigma: Any, order: Sequence[int], mode: Any, cval: Any, axes: Sequence[int]
) -> Any:
    sigmas, modes = per_axis(sigma, len(axes)), per_axis(mode, len(axes))
    for axis, s, o, m in zip(axes, sigmas, order, modes, strict=True):
        if known(s) > _LEAST_SIGMA:
            x = _gaussian_along(x, s, axis, o, m, cval, 4.0, None)
    return x


def _gradient(input: Any, smooth: Any, axis: int, output: Any, mode: Any, cval: Any) -> Any:
    """Return a central difference along an axis, smoothed along the others."""
    x = image(input)
    axis = axes_of(axis, np.ndim(x))[0]
    modes = per_axis(mode, np.ndim(x))
    y = _along(x, _CENTRAL_DIFFERENCE, axis, modes[axis], cval, 0)
    for other in range(np.ndim(x)):
        if other != axis:
            y = _along(y, np.array(smooth), other, modes[other], cval, 0)
    return cast_to(y, x, output)


@mirrors(scipy.ndimage.sobel)
def sobel(input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
    """Sobel's difference along an axis; linear."""
    return _gradient(input, [1.0, 2.0, 1.0], axis, output, mode, cval)


@mirrors(scipy.ndimage.prewitt)
def prewitt(input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0) -> Any:
    """Prewitt's difference along an axis; linear."""
    return _gradient(input, [1.0, 1.0, 1.0], axis, output, mode, cval)

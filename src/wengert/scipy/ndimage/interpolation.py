"""Images at other points: map_coordinates, shift, zoom, affine_transform, spline_filter.

The image between its pixels is a B-spline of degree `order`: the sum over the order + 1 pixels around a point
of weights times coefficients, along each axis. Orders 0 and 1 take the pixels as coefficients; beyond,
`spline_filter` solves for them. The result is linear in the image and differentiable in the coordinates
(Unser 1999). Order 0 is a step function: its derivative in the coordinates is zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.ndimage

from wengert.core.numpy_protocol import operand
from wengert.core.primitive import Primitive
from wengert.ops.families import linear, match
from wengert.ops.indexing import getitem
from wengert.scipy.mirror import mirrors
from wengert.scipy.ndimage.arguments import axes_of, cast_to, image, per_axis
from wengert.scipy.ndimage.borders import EXTENSIONS, extend, fold, fold_index
from wengert.types import ArrayType, type_of

__all__ = ["affine_transform", "map_coordinates", "shift", "spline_filter", "spline_filter1d", "zoom"]


# spline_filter1d ----------------------------------------------------------------------------------------------------
#
# The filter solves A c = x for the matrix A of the weights at the pixels. A is symmetric where the spline
# goes on periodically or half a pixel beyond the border. In a mirror at the last pixels the inner ones count
# twice: then D A is symmetric, D = diag(1/2, 1, ..., 1, 1/2), and A^-T = D A^-1 D^-1. So the transpose is the
# filter itself, between scalings.
#
# In "reflect", SciPy's filter starts from a sum of which one term is wrong, by the (2n - 1)-th power of the
# largest pole (0.43 for order 5): it is A^-1 to all digits on long axes only. On short ones the transpose is
# that of its own matrix.

_HALF_SAMPLE = {"reflect", "grid-mirror", "nearest", "grid-wrap"}
_INEXACT = {"reflect", "grid-mirror", "nearest"}
_LONG = 32


def _ends(n: int, ndim: int, axis: int, mode: str) -> Any:
    """Return the diagonal of D along an axis, or None for the identity."""
    if mode in _HALF_SAMPLE or n == 1:
        return None
    weights = np.ones(n)
    weights[0] = weights[-1] = 0.5
    shape = [1] * ndim
    shape[axis] = n
    return weights.reshape(shape)


def _spline_eval(x: Any, *, order: int, axis: int, mode: str) -> Any:
    dtype = np.result_type(x, np.float64)
    if dtype.itemsize > 8 * (1 + (dtype.kind == "c")):
        message = f"spline_filter1d has no loop for {dtype}"
        raise TypeError(message)
    return scipy.ndimage.spline_filter1d(x, order, axis, dtype, mode)


def _spline_transpose(y_bar: Any, x: Any, *, order: int, axis: int, mode: str) -> Any:
    n = np.shape(x)[axis]
    if mode in _INEXACT and n < _LONG:
        matrix = _spline_eval(np.eye(n), order=order, axis=0, mode=mode)
        return match(np.moveaxis(np.moveaxis(y_bar, axis, -1) @ matrix, -1, axis), x)
    d = _ends(n, np.ndim(x), axis, mode)
    if d is None:
        return match(_spline(y_bar, order=order, axis=axis, mode=mode), x)
    return match(_spline(y_bar / d, order=order, axis=axis, mode=mode) * d, x)


def _spline_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for order, mode in enumerate(("mirror", "reflect", "grid-wrap", "constant"), 2):
        yield (rng.normal(size=5),), {"order": order, "axis": 0, "mode": mode}
        yield (rng.normal(size=(2, 4)),), {"order": order, "axis": 1, "mode": mode}


_spline: Primitive = linear(
    "spline_filter1d",
    _spline_eval,
    _spline_transpose,
    infer=lambda t, **_: ArrayType(t.shape, np.result_type(t.dtype, np.float64)),
    batch=lambda _size, xs, _batched, *, order, axis, mode: _spline(
        xs[0], order=order, axis=axis + 1, mode=mode
    ),
    doc="Coefficients along an axis of the B-spline through values. Unser (1999).",
    samples=_spline_samples,
)


def _require(order: int, mode: str) -> None:
    if order < 0 or order > 5:
        message = "spline order not supported"
        raise RuntimeError(message)
    if mode not in EXTENSIONS:
        message = f"boundary mode not supported: {mode}"
        raise RuntimeError(message)


def _coefficients(x: Any, order: int, axes: Sequence[int], mode: str) -> Any:
    for axis in axes:
        if order > 1:
            x = _spline(x, order=order, axis=axis, mode=mode)
    return x


@mirrors(scipy.ndimage.spline_filter1d)
def spline_filter1d(
    input: Any, order: int = 3, axis: int = -1, output: Any = np.float64, mode: str = "mirror"
) -> Any:
    """Coefficients along an axis of the B-spline through an image; linear."""
    _require(order, mode)
    x = image(input)
    return cast_to(_coefficients(x, order, axes_of(axis, np.ndim(x)), mode), x, output)


@mirrors(scipy.ndimage.spline_filter)
def spline_filter(input: Any, order: int = 3, output: Any = np.float64, mode: str = "mirror") -> Any:
    """Coefficients of the B-spline through an image; linear."""
    _require(order, mode)
    x = image(input)
    return cast_to(_coefficients(x, order, range(np.ndim(x)), mode), x, output)


# Interpolation ------------------------------------------------------------------------------------------------------

_BORDER = 12  # SciPy's: pixels added where the filter knows no condition for the mode


def _weights(u: Any, order: int) -> list[Any]:
    """Return the order + 1 uniform B-splines of a degree at 0 <= u <= 1, by the recursion of Cox and de Boor."""
    w: list[Any] = [1.0 + 0.0 * u]
    for r in range(1, order + 1):
        left, right = [0.0, *w], [*w, 0.0]
        w = [((u + (r - j)) * left[j] + ((j + 1) - u) * right[j]) / r for j in range(r + 1)]
    return w


_STOPS_AT_LAST = {"constant", "nearest", "mirror", "wrap"}


def _neighbors(x: Any, n: int, order: int, mode: str) -> tuple[Any, Any]:
    """Return the positions of the order + 1 pixels around each coordinate, and their weights, in front."""
    shift = 0.0 if order % 2 else 0.5
    base = np.floor(x + shift)
    if order == 1 and mode in _STOPS_AT_LAST:  # at the last pixel the slope is that of the last interval
        base = np.where(x == n - 1, max(n - 2, 0), base)
    first = base.astype(np.intp) - order // 2
    weights = _weights(x + shift - base, order)
    return np.stack([first + j for j in range(order + 1)]), np.stack(weights)


def _interpolate(c: Any, coordinates: Sequence[Any], order: int, mode: str, cval: Any) -> Any:
    """Return the spline with coefficients c at points: one array of coordinates for each axis."""
    d = len(coordinates)
    index, weights, missing, outside = [], [], False, False
    for axis, (coordinate, n) in enumerate(zip(coordinates, np.shape(c), strict=True)):
        x = fold(coordinate, n, mode)
        if mode == "constant":
            off = (x < 0.0) | (x > n - 1.0)
            outside, x = outside | off, np.where(off, 0.0, x)
        positions, w = _neighbors(x, n, order, mode)
        shape = (*[1] * axis, order + 1, *[1] * (d - axis - 1), *np.shape(x))
        positions = np.reshape(positions, shape)
        if mode == "grid-constant":
            missing = missing | (positions < 0) | (positions >= n)
        index.append(fold_index(positions, n, mode))
        weights.append(np.reshape(w, (order + 1, *[1] * (d - axis - 1), *np.shape(x))))
    y = getitem(c, tuple(index))
    if mode == "grid-constant":
        y = np.where(missing, cval, y)
    for w in weights:
        y = np.sum(w * y, axis=0)
    return np.where(outside, cval, y) if mode == "constant" else y


def _sample(x: Any, coordinates: Sequence[Any], order: int, mode: str, cval: Any, prefilter: bool) -> Any:
    """Return an image at points, filtering it first if need be."""
    _require(order, mode)
    if prefilter and order > 1:
        if mode in {"nearest", "grid-constant"}:
            for axis in range(np.ndim(x)):
                x = extend(x, axis, (_BORDER, _BORDER), mode, cval)
            coordinates = [v + _BORDER for v in coordinates]
        x = _coefficients(x, order, range(np.ndim(x)), mode)
    return _interpolate(x, coordinates, order, mode, cval)


def _float(x: Any) -> Any:
    x = operand(x)
    if hasattr(x, "dtype") and type_of(x).dtype == np.float64:
        return x
    return np.astype(image(x), np.float64)


@mirrors(scipy.ndimage.map_coordinates)
def map_coordinates(
    input: Any,
    coordinates: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Any:
    """Image at coordinates (d, ...), differentiable in both."""
    x, points = image(input), _float(coordinates)
    if np.ndim(x) < 1 or np.ndim(points) < 2:
        message = "input and output rank must be > 0"
        raise RuntimeError(message)
    if np.shape(points)[0] != np.ndim(x):
        message = "invalid shape for coordinate array"
        raise RuntimeError(message)
    return cast_to(_sample(x, list(points), order, mode, cval, prefilter), x, output)


# Transformations ----------------------------------------------------------------------------------------------------


def _grid(lines: Sequence[Any]) -> list[Any]:
    """Return the coordinates of a grid from those along each of its axes."""
    d = len(lines)
    wide = [np.reshape(line, (*[1] * k, -1, *[1] * (d - k - 1))) for k, line in enumerate(lines)]
    return [np.broadcast_to(line, tuple([np.size(v) for v in lines])) for line in wide]


@mirrors(scipy.ndimage.shift)
def shift(
    input: Any,
    shift: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Any:
    """Image moved by a shift, differentiable in both."""
    x = image(input)
    shifts = per_axis(operand(shift), np.ndim(x))
    lines = [np.arange(float(n)) - s for n, s in zip(np.shape(x), shifts, strict=True)]
    return cast_to(_sample(x, _grid(lines), order, mode, cval, prefilter), x, output)


@mirrors(scipy.ndimage.zoom)
def zoom(
    input: Any,
    zoom: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
    *,
    grid_mode: bool = False,
) -> Any:
    """Image in another size; linear. The factor only decides the size, and must be a plain number."""
    x = image(input)
    shape = [round(n * factor) for n, factor in zip(np.shape(x), per_axis(zoom, np.ndim(x)), strict=True)]
    lines = []
    for n, m in zip(np.shape(x), shape, strict=True):
        wide, narrow = (n, m) if grid_mode else (n - 1, m - 1)
        step = wide / narrow if narrow else 1.0
        i = np.arange(float(m))
        lines.append((i + 0.5) * step - 0.5 if grid_mode else i * step)
    return cast_to(_sample(x, _grid(lines), order, mode, cval, prefilter), x, output)


@mirrors(scipy.ndimage.affine_transform)
def affine_transform(
    input: Any,
    matrix: Any,
    offset: Any = 0.0,
    output_shape: Any = None,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Any:
    """Image at matrix @ i + offset for every position i of the result, differentiable in image, matrix and offset."""
    x, matrix = image(input), _float(matrix)
    d = np.ndim(x)
    offsets: Any = operand(offset)
    if np.ndim(matrix) == 2 and np.shape(matrix)[1] == d + 1 and np.shape(matrix)[0] in (d, d + 1):
        matrix, offsets = matrix[:d, :d], matrix[:d, d]  # homogeneous coordinates
    if np.shape(matrix)[0] != d:
        message = "affine matrix has wrong number of rows"
        raise RuntimeError(message)
    shape = np.shape(x) if output_shape is None else tuple(output_shape)
    offsets = per_axis(offsets, d)
    lines = [np.arange(float(n)) for n in shape]
    if np.ndim(matrix) == 1:
        points = _grid([matrix[k] * lines[k] + offsets[k] for k in range(d)])
    else:
        if np.shape(matrix)[1] != len(shape):
            message = "affine matrix has wrong number of columns"
            raise RuntimeError(message)
        grid = _grid(lines)
        points = [sum([matrix[k, j] * grid[j] for j in range(len(shape))]) + offsets[k] for k in range(d)]
    return cast_to(_sample(x, points, order, mode, cval, prefilter), x, output)

"""Movements: the same elements in another shape or order.

    reshape, transpose, flip, roll

Each is a permutation of the elements, hence linear, and its adjoint is the inverse permutation. The functions
that only name a special shape or order (`ravel`, `squeeze`, `swapaxes`, `rot90`, ...) compute it and bind one
of the four.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.dispatch import Traced
from wengert.core.lowering import View
from wengert.core.numpy_protocol import implements
from wengert.core.views import example_of
from wengert.errors import RefusedError
from wengert.ops.families import linear
from wengert.ops.index_maps import reshape_source
from wengert.types import ArrayType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["flip_", "reshape_", "roll_", "transpose_"]

MATRIX = 2  # axes of a matrix


# reshape --------------------------------------------------------------------------------------------------------------


def _reshape_samples(rng: np.random.Generator) -> Samples:
    for old, new in (
        ((6,), (2, 3)),
        ((2, 3), (6,)),
        ((2, 3), (1, 3, 2)),
        ((), (1, 1)),
        ((1,), ()),
        ((0, 3), (5, 0)),
    ):
        yield (np.asarray(rng.normal(size=old)),), {"shape": new}


reshape_ = linear(
    "reshape",
    eval=lambda x, *, shape: np.reshape(x, shape),
    transpose=lambda y_bar, x, **_: np.reshape(y_bar, np.shape(x)),
    infer=lambda t, *, shape: ArrayType(shape, t.dtype),
    batch=lambda size, xs, _batched, *, shape: np.reshape(xs[0], (size, *shape)),
    lower=View(lambda at, shape, new, /, **_: reshape_source(at, shape, new)),
    doc="The elements of x, in row-major order, in another shape.",
    samples=_reshape_samples,
    cheap=True,
)


def _integers(shape: Any) -> tuple[int, ...]:
    return tuple(operator.index(n) for n in (shape if np.iterable(shape) else (shape,)))


def _complete(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Return the shape with -1 replaced by the length that is left over."""
    if shape.count(-1) > 1:
        message = "can only specify one unknown dimension"
        raise ValueError(message)
    known = math.prod(n for n in shape if n != -1)
    full = tuple((size // known if known else 0) if n == -1 else n for n in shape)
    if math.prod(full) != size or min(full, default=0) < 0 or (-1 in shape and known == 0):
        message = f"cannot reshape array of size {size} into shape {shape}"
        raise ValueError(message)
    return full


def _is_fortran(order: str, name: str) -> bool:
    """Say whether an order is column-major; orders that follow the memory layout cannot be traced."""
    if order in {"C", "c", "F", "f"}:
        return order in {"F", "f"}
    if order not in {"A", "K", "a", "k"}:
        message = f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})"
        raise ValueError(message)
    raise RefusedError(
        f"{name} was called with order={order!r} on a traced value",
        why="this order follows the memory layout, and a traced value has none.",
        instead="order='C' or order='F'.",
    )


@implements(np.reshape)
def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    """Bind `reshape`; column-major order is row-major order of the transpose."""
    del copy  # a traced value is a view or a copy as `eval` makes it, which the reader cannot tell apart
    full = _complete(_integers(shape), np.size(a))
    if _is_fortran(order, "reshape"):
        return np.transpose(reshape_(np.transpose(a), shape=full[::-1]))
    return reshape_(a, shape=full)


@implements(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    """Reshape to one axis, to a new array where the entries do not lie side by side."""
    if not isinstance(a, Traced):
        return np.ravel(a, order)
    x: Any = a
    return _raveled(x, order)


def _raveled(a: Any, order: Any) -> Any:
    if np.ndim(a) <= 1 and order in {"A", "K"}:
        order = "C"  # a line has only one order
    y: Any = np.reshape(a, (np.size(a),), order=order)
    example = example_of(a)
    if not isinstance(example, np.ndarray):
        return y
    contiguous = example.flags.f_contiguous if _is_fortran(order, "ravel") else example.flags.c_contiguous
    return y if contiguous else np.copy(y)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """Reshape without the axes of length 1."""
    shape = np.shape(a)
    if axis is None:
        return reshape_(a, shape=tuple(n for n in shape if n != 1))
    axes = normalize_axis_tuple(axis, len(shape))
    if any(shape[i] != 1 for i in axes):
        message = "cannot select an axis to squeeze out which has size not equal to one"
        raise ValueError(message)
    return reshape_(a, shape=tuple(n for i, n in enumerate(shape) if i not in axes))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """Reshape with axes of length 1 where `axis` says, counted in the result."""
    rest = iter(np.shape(a))
    ndim = np.ndim(a) + len(axis if isinstance(axis, tuple | list) else (axis,))
    axes = normalize_axis_tuple(axis, ndim)
    return reshape_(a, shape=tuple(1 if i in axes else next(rest) for i in range(ndim)))


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Reshape 0-d arrays to (1,)."""
    if len(arys) != 1:
        return tuple(np.atleast_1d(a) for a in arys)
    return reshape_(arys[0], shape=np.shape(arys[0]) or (1,))


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Reshape arrays of fewer axes to (1, n)."""
    if len(arys) != 1:
        return tuple(np.atleast_2d(a) for a in arys)
    shape = np.shape(arys[0])
    return reshape_(arys[0], shape=(1,) * (2 - len(shape)) + shape)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Reshape (n,) to (1, n, 1) and (m, n) to (m, n, 1)."""
    if len(arys) != 1:
        return tuple(np.atleast_3d(a) for a in arys)
    shape = np.shape(arys[0])
    full = {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}.get(len(shape), shape)
    return reshape_(arys[0], shape=full)


# transpose ------------------------------------------------------------------------------------------------------------


def _inverse(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(axes.index(i) for i in range(len(axes)))


def _transpose_samples(rng: np.random.Generator) -> Samples:
    for shape, axes in (((2, 3), (1, 0)), ((2, 3, 2), (2, 0, 1)), ((2, 0), (1, 0)), ((3,), (0,)), ((), ())):
        yield (np.asarray(rng.normal(size=shape)),), {"axes": axes}


transpose_ = linear(
    "transpose",
    eval=lambda x, *, axes: np.transpose(x, axes),
    transpose=lambda y_bar, _x, *, axes: np.transpose(y_bar, _inverse(axes)),
    infer=lambda t, *, axes: ArrayType(tuple(t.shape[i] for i in axes), t.dtype),
    batch=lambda _size, xs, _batched, *, axes: np.transpose(xs[0], (0, *[i + 1 for i in axes])),
    lower=View(lambda at, _shape, _new, /, *, axes: tuple([at[i] for i in _inverse(axes)])),
    doc="The axes of x in another order: axis i of y is axis axes[i] of x.",
    samples=_transpose_samples,
    cheap=True,
)


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    """Bind `transpose`; without axes, reverse them."""
    ndim = np.ndim(a)
    if axes is None:
        return transpose_(a, axes=tuple(range(ndim))[::-1])
    if len(axes) != ndim:
        message = "axes don't match array"
        raise ValueError(message)
    return transpose_(a, axes=normalize_axis_tuple(axes, ndim))


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """Exchange the last two axes."""
    if np.ndim(x) < MATRIX:
        message = f"Input array must be at least 2-dimensional, but it is {np.ndim(x)}"
        raise ValueError(message)
    return np.swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes."""
    axes = list(range(np.ndim(a)))
    i, j = normalize_axis_index(axis1, len(axes)), normalize_axis_index(axis2, len(axes))
    axes[i], axes[j] = j, i
    return transpose_(a, axes=tuple(axes))


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Move some axes to given places; the others keep their order."""
    ndim = np.ndim(a)
    old = normalize_axis_tuple(source, ndim, "source")
    new = normalize_axis_tuple(destination, ndim, "destination")
    if len(old) != len(new):
        message = "`source` and `destination` arguments must have the same number of elements"
        raise ValueError(message)
    axes = [i for i in range(ndim) if i not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        axes.insert(place, axis)
    return transpose_(a, axes=tuple(axes))


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """Move one axis to lie before another."""
    ndim = np.ndim(a)
    axis = normalize_axis_index(axis, ndim)
    place = normalize_axis_index(start, ndim + 1)
    return np.moveaxis(a, axis, place - 1 if axis < place else place)


# flip -----------------------------------------------------------------------------------------------------------------


def _flip_source(at: Any, shape: tuple[int, ...], _: tuple[int, ...], /, *, axis: tuple[int, ...]) -> Any:
    return tuple(
        [e * -1 + (n - 1) if i in axis else e for i, (e, n) in enumerate(zip(at, shape, strict=True))]
    )


def _flip_samples(rng: np.random.Generator) -> Samples:
    for shape, axis in (((4,), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)), ((0, 2), (0,)), ((), ())):
        yield (np.asarray(rng.normal(size=shape)),), {"axis": axis}


flip_ = linear(
    "flip",
    eval=lambda x, *, axis: np.flip(x, axis),
    transpose=lambda y_bar, _x, *, axis: np.flip(y_bar, axis),
    infer=lambda t, **_: t,
    batch=lambda _size, xs, _batched, *, axis: np.flip(xs[0], tuple(i + 1 for i in axis)),
    lower=View(_flip_source),
    doc="The elements of x in reverse order along some axes; its own adjoint.",
    samples=_flip_samples,
    cheap=True,
)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """Bind `flip`, along all axes if none is named."""
    axes = range(np.ndim(m)) if axis is None else normalize_axis_tuple(axis, np.ndim(m))
    return flip_(m, axis=tuple(axes))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """Flip axis 1."""
    if np.ndim(m) < MATRIX:
        message = "Input must be >= 2-d."
        raise ValueError(message)
    return flip_(m, axis=(1,))


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """Flip axis 0."""
    if np.ndim(m) < 1:
        message = "Input must be >= 1-d."
        raise ValueError(message)
    return flip_(m, axis=(0,))


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turn the plane of two axes by k quarter turns: two flips, or one flip and an exchange."""
    i, j = _plane(tuple(axes), np.ndim(m))
    match k % 4:
        case 0:
            return m[...]
        case 1:
            return np.swapaxes(np.flip(m, j), i, j)
        case 2:
            return np.flip(m, (i, j))
        case _:
            return np.flip(np.swapaxes(m, i, j), j)


def _plane(axes: tuple[int, ...], ndim: int) -> tuple[int, int]:
    if len(axes) != MATRIX:
        message = "len(axes) must be 2."
        raise ValueError(message)
    i, j = axes
    if i == j or abs(i - j) == ndim:
        message = "Axes must be different."
        raise ValueError(message)
    if not (-ndim <= i < ndim and -ndim <= j < ndim):
        message = f"Axes={axes} out of range for array of ndim={ndim}."
        raise ValueError(message)
    return i, j


# roll -----------------------------------------------------------------------------------------------------------------


def _roll_samples(rng: np.random.Generator) -> Samples:
    for shape, shift, axis in (
        ((5,), (2,), (0,)),
        ((2, 3), (-1, 4), (1, 0)),
        ((2, 3), (1, 1), (1, 1)),
        ((0, 2), (1,), (1,)),
    ):
        yield (np.asarray(rng.normal(size=shape)),), {"shift": shift, "axis": axis}


roll_ = linear(
    "roll",
    eval=lambda x, *, shift, axis: np.roll(x, shift, axis),
    transpose=lambda y_bar, _x, *, shift, axis: np.roll(y_bar, tuple(-s for s in shift), axis),
    infer=lambda t, **_: t,
    batch=lambda _size, xs, _batched, *, shift, axis: np.roll(xs[0], shift, tuple(i + 1 for i in axis)),
    doc="The elements of x moved along some axes, those that fall off the end coming back at the beginning.",
    samples=_roll_samples,
)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Bind `roll`; without an axis, roll the flattened array."""
    if axis is None:
        return np.reshape(np.roll(np.ravel(a), shift, 0), np.shape(a))
    shifts, axes = np.broadcast_arrays(shift, normalize_axis_tuple(axis, np.ndim(a), allow_duplicate=True))
    if shifts.ndim > 1:
        message = "'shift' and 'axis' should be scalars or 1D sequences"
        raise ValueError(message)
    return roll_(a, shift=tuple(map(int, shifts)), axis=tuple(map(int, axes)))

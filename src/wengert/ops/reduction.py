"""Sums, and broadcasting, which is their adjoint; the logical reductions.

    sum           x_bar = y_bar, broadcast: a read-only view with stride 0, no copy
    broadcast_to  x_bar = y_bar, summed

`mean` is a sum divided by a Python integer, and `where=` a selection before the sum, so neither needs a rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from wengert.core.lowering import Reduction, View
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import define
from wengert.ops.families import linear, match
from wengert.ops.index_maps import broadcast_source
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = [
    "AXES_SAMPLES",
    "all_",
    "all_axes",
    "any_",
    "broadcast_to_",
    "count",
    "reduced",
    "restore",
    "selected",
    "size_over",
    "start",
    "sum_",
    "ufunc_axes",
]

AXES_SAMPLES: tuple[tuple[tuple[int, ...], tuple[int, ...], bool], ...] = (
    ((4,), (0,), False),
    ((2, 3), (0, 1), False),
    ((2, 3), (1,), True),
    ((2, 3, 2), (0, 2), False),
    ((2, 3), (), False),
    ((), (), False),
)  # shape, axis, keepdims: the parameters of every reduction


# Axes -----------------------------------------------------------------------------------------------------------------


def all_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return `axis` as a tuple of non-negative integers; None names all axes."""
    return tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)


def ufunc_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes of a reduction that is a ufunc's in NumPy: these take a scalar's axis 0 for none at all."""
    return () if ndim == 0 and type(axis) is int and axis in {0, -1} else all_axes(axis, ndim)


def count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """Return the number of elements that a reduction over `axes` joins."""
    n = 1
    for i in axes:
        n *= shape[i]
    return n


def reduced(shape: tuple[int, ...], axes: tuple[int, ...], *, keepdims: bool) -> tuple[int, ...]:
    """Return the shape of a reduction over `axes`."""
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def restore(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Return a reduction of x with the reduced axes back in place, of length 1."""
    shape = reduced(np.shape(x), axes, keepdims=True)
    return y if np.shape(y) == shape else np.reshape(y, shape)


def behind_batch(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of one example as axes of the whole batch."""
    return tuple(i + 1 for i in axes)


# sum ------------------------------------------------------------------------------------------------------------------


def _sum_transpose(y_bar: Any, x: Any, *, axis: tuple[int, ...], **_: Any) -> Any:
    if np.ndim(y_bar) and axis != (0,):  # scalars and leading axes come back by broadcasting alone
        y_bar = restore(y_bar, x, axis)
    return match(np.broadcast_to(y_bar, np.shape(x)), x)


def _sum_infer(t: ArrayType, *, axis: tuple[int, ...], keepdims: bool, dtype: Any = None) -> ArrayType:
    result = np.add.reduce(
        np.zeros(1, t.dtype), dtype=dtype
    ).dtype  # small integers sum in the default integer
    return ArrayType(reduced(t.shape, axis, keepdims=keepdims), result)


def _sum_samples(rng: np.random.Generator) -> Samples:
    for shape, axis, keepdims in (*AXES_SAMPLES, ((0, 2), (0,), False), ((2, 0), (0,), True)):
        yield (np.asarray(rng.normal(size=shape)),), {"axis": axis, "keepdims": keepdims}


sum_ = linear(
    "sum",
    eval=np.sum,
    transpose=_sum_transpose,
    infer=_sum_infer,
    batch=lambda _size, xs, _batched, *, axis, **rest: np.sum(xs[0], axis=behind_batch(axis), **rest),
    lower=Reduction("add", lambda _ndim, /, *, axis, **_: axis, first=0),
    doc="Sum of x over some axes, in the type `dtype` if it is given.",
    samples=_sum_samples,
)


def selected(a: Any, where: Any, neutral: float) -> Any:
    """Return `a` with the entries that `where=` leaves out replaced by the neutral element of a reduction."""
    return a if where is True else np.where(where, a, neutral)


def start(y: Any, initial: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Return a reduction that started from `initial`, which NumPy casts to the type of the result."""
    if initial is None:
        return y
    return combine(initial.astype(y.dtype) if hasattr(initial, "astype") else initial, y)


@implements(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Bind `sum`."""
    params = {} if dtype is None else {"dtype": np.dtype(dtype)}
    a = selected(a, where, 0)
    y = sum_(a, axis=ufunc_axes(axis, np.ndim(a)), keepdims=bool(keepdims), **params)
    return start(y, initial, np.add)


@implements(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """Sum divided by the number of elements; half precision is summed in single, as NumPy does."""
    old = type_of(a).dtype
    wide = dtype
    if dtype is None and old.kind in "iub":
        wide = np.dtype(np.float64)
    elif dtype is None and old == np.float16:
        wide = np.dtype(np.float32)
    y = np.sum(a, axis=axis, dtype=wide, keepdims=keepdims, where=where)
    y = y / size_over(a, axis, where=where, keepdims=keepdims, dtype=y.dtype)
    return np.astype(y, old) if dtype is None and old == np.float16 else y


def size_over(a: Any, axis: Any, *, where: Any, keepdims: bool, dtype: Any) -> Any:
    """Return the number of elements that a reduction joins: a Python integer, or an array if `where=` selects."""
    axes = all_axes(axis, np.ndim(a))
    if where is True:
        return count(np.shape(a), axes)
    return np.sum(np.broadcast_to(where, np.shape(a)), axis=axes, keepdims=keepdims, dtype=_real(dtype))


def _real(dtype: Any) -> np.dtype[Any]:
    return np.zeros((), dtype).real.dtype


# broadcast_to ---------------------------------------------------------------------------------------------------------


def _broadcast_to_batch(size: int, xs: Any, _batched: Any, *, shape: tuple[int, ...]) -> Any:
    old = np.shape(xs[0])[1:]
    x = np.reshape(xs[0], (size, *[1] * (len(shape) - len(old)), *old))
    return np.broadcast_to(x, (size, *shape))


def _broadcast_to_samples(rng: np.random.Generator) -> Samples:
    for old, new in (
        ((3,), (2, 3)),
        ((2, 1), (2, 3)),
        ((), (2,)),
        ((1,), (0,)),
        ((2, 1), (4, 2, 3)),
        ((), ()),
    ):
        yield (np.asarray(rng.normal(size=old)),), {"shape": new}


broadcast_to_ = linear(
    "broadcast_to",
    eval=lambda x, *, shape: np.broadcast_to(x, shape),
    transpose=lambda y_bar, x, **_: match(y_bar, x),
    infer=lambda t, *, shape: ArrayType(shape, t.dtype),
    batch=_broadcast_to_batch,
    lower=View(lambda at, shape, _new, /, **_: broadcast_source(at, shape)),
    doc="x repeated along new axes and along axes of length 1, as a view.",
    samples=_broadcast_to_samples,
    cheap=True,
)


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """Bind `broadcast_to`."""
    del subok
    shape = tuple(map(int, shape)) if np.iterable(shape) else (int(shape),)
    return broadcast_to_(array, shape=shape)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Broadcast each argument to the common shape."""
    del subok
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(
        a if np.shape(a) == shape and hasattr(a, "dtype") else np.broadcast_to(a, shape) for a in args
    )


# any, all -------------------------------------------------------------------------------------------------------------


def _logical(name: str, reduction: Callable[..., Any], lower: Reduction, doc: str) -> Any:
    def infer(t: ArrayType, *, axis: tuple[int, ...], keepdims: bool) -> ArrayType:
        return ArrayType(reduced(t.shape, axis, keepdims=keepdims), np.dtype(np.bool_))

    def batch(_size: int, xs: Any, _batched: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
        return reduction(xs[0], axis=behind_batch(axis), keepdims=keepdims)

    def samples(rng: np.random.Generator) -> Samples:
        for shape, axis, keepdims in AXES_SAMPLES:
            yield (np.asarray(rng.normal(size=shape)),), {"axis": axis, "keepdims": keepdims}

    return define(
        name=name,
        doc=doc,
        eval=reduction,
        infer=infer,
        batch=batch,
        lower=lower,
        samples=samples,
        differentiable=False,
    )


_ANY = Reduction("or", lambda _ndim, /, *, axis, **_: axis, first=False)
_ALL = Reduction("and", lambda _ndim, /, *, axis, **_: axis, first=True)
any_ = _logical("any", np.any, _ANY, "Whether any entry of x is nonzero.")
all_ = _logical("all", np.all, _ALL, "Whether all entries of x are nonzero.")


@implements(np.any)
def any(a: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """Bind `any`."""
    a = a if where is True else np.logical_and(a, where)
    return any_(a, axis=ufunc_axes(axis, np.ndim(a)), keepdims=bool(keepdims))


@implements(np.all)
def all(a: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """Bind `all`."""
    a = a if where is True else np.logical_or(a, np.logical_not(where))
    return all_(a, axis=ufunc_axes(axis, np.ndim(a)), keepdims=bool(keepdims))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Count the entries that differ from zero."""
    return np.sum(a != 0, axis=axis, keepdims=keepdims)

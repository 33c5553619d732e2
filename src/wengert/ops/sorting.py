"""Order: sort, partition, and where values stand in an order.

The order itself is locally constant: `argsort`, `argpartition`, `searchsorted` and `lexsort` have derivative
zero. A sorted array is a permutation of the entries, the same for tangents and cotangents. Ties are stable:
equal entries keep their order, whatever algorithm is asked for, so a cotangent goes where the entry came
from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.numpy_protocol import implements, operand, zero_derivative
from wengert.core.primitive import Primitive, define
from wengert.ops.casting import order_of, ordered
from wengert.ops.coefficients import coefficientwise
from wengert.ops.indexing import getitem
from wengert.ops.selection import along_axis
from wengert.ops.updating import index_update
from wengert.types import ArrayType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["argpartition_", "argsort_", "permute_", "searchsorted_"]

zero_derivative(np.lexsort)

_SHAPES = (((5,), 0), ((2, 3), 1), ((3, 2), 0), ((0,), 0), ((2, 1, 3), 2))


def _whole(size: int, x: Any, *, batched: bool) -> Any:
    return x if batched else np.broadcast_to(x, (size, *np.shape(x)))


def _line(a: Any, axis: int | None) -> tuple[Any, int]:
    """Return an array and its axis to sort along; without an axis, the flattened array."""
    a = operand(a)
    return (np.ravel(a), 0) if axis is None else (a, normalize_axis_index(axis, np.ndim(a)))


# argsort --------------------------------------------------------------------------------------------------------------


def _shuffled(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return well separated numbers in random order."""
    n = int(np.prod(shape))
    return (rng.permutation(n) + rng.uniform(-0.3, 0.3, n)).reshape(shape)


def _argsort_samples(rng: np.random.Generator) -> Samples:
    for shape, axis in _SHAPES:
        yield (_shuffled(rng, shape),), {"axis": axis, "kind": None}
    yield (np.array([2.0, 1.0, 2.0, 1.0]),), {"axis": 0, "kind": "stable"}


argsort_: Primitive = define(
    name="argsort",
    doc="Positions of the entries of x in increasing order along an axis.",
    eval=lambda x, *, axis, kind: np.argsort(x, axis, kind=kind),
    infer=lambda t, **_: ArrayType(t.shape, np.dtype(np.intp)),
    batch=lambda _size, xs, _batched, *, axis, kind: argsort_(xs[0], axis=axis + 1, kind=kind),
    samples=_argsort_samples,
    differentiable=False,
)


def _checked_kind(kind: Any, order: Any, stable: bool | None) -> Any:
    """Return the algorithm, or raise what NumPy raises for these arguments."""
    np.sort(np.zeros(0), kind=kind, order=order, stable=stable)
    return "stable" if stable else kind


@implements(np.argsort)
def argsort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> Any:
    """Bind `argsort`."""
    kind = _checked_kind(kind, order, stable)
    a, axis = _line(np.atleast_1d(a), axis)
    return argsort_(a, axis=axis, kind=kind)


# permute --------------------------------------------------------------------------------------------------------------
#
# y = x[perm] line by line, and x_bar = y_bar[inverse of perm]: no entry is read twice, so nothing needs to be
# added up.


def _inverse(perm: Any, axis: int) -> Any:
    shape = np.shape(perm)
    order = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return index_update(np.zeros(shape, np.intp), along_axis(shape, perm, axis), order)


def _permute_eval(x: Any, perm: Any, *, axis: int) -> Any:
    return x[perm] if np.ndim(x) == 1 else np.take_along_axis(x, perm, axis)


def _permute_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, axis: int) -> tuple[Any, Any]:
    x, perm = xs
    return permute_(x, perm, axis=axis), permute_(x_dots[0], perm, axis=axis)


def _permute_batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, axis: int) -> Any:
    x, perm = (_whole(size, x, batched=b) for x, b in zip(xs, batched, strict=True))
    return permute_(x, perm, axis=axis + 1)


def _permute_samples(rng: np.random.Generator) -> Samples:
    for shape, axis in _SHAPES:
        x = rng.normal(size=shape)
        yield (x, np.argsort(rng.random(shape), axis)), {"axis": axis}


permute_: Primitive = define(
    name="permute",
    doc="Entries of x in another order along an axis, each line in the order that the integers perm give.",
    eval=_permute_eval,
    infer=lambda t, _perm, **_: t,
    jvp=_permute_jvp,
    taylor=coefficientwise(_permute_jvp),
    vjp=lambda y_bar, site, *, axis: [permute_(y_bar, _inverse(site.xs[1], axis), axis=axis), None],
    batch=_permute_batch,
    samples=_permute_samples,
    complex=True,
)


@implements(np.sort)
def sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> Any:
    """Permute by a stable `argsort`."""
    _checked_kind(kind, order, stable)
    a, axis = _line(a, axis)
    return ordered(permute_(a, argsort_(a, axis=axis, kind="stable"), axis=axis), order_of(a))


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """Sort along the last axis, as complex numbers."""
    y = np.sort(a)
    small = {
        "b": "F",
        "h": "F",
        "B": "F",
        "H": "F",
        "g": "G",
    }  # NumPy's table; everything else becomes complex128
    return y if y.dtype.kind == "c" else y.astype(small.get(y.dtype.char, "D"))


# partition ------------------------------------------------------------------------------------------------------------


def _argpartition_samples(rng: np.random.Generator) -> Samples:
    for shape, axis in _SHAPES:
        if shape[axis]:
            yield (_shuffled(rng, shape),), {"kth": (0, shape[axis] - 1), "axis": axis}


argpartition_: Primitive = define(
    name="argpartition",
    doc="Positions of the entries of x along an axis, those of rank kth in their sorted places, smaller ones before.",
    eval=lambda x, *, kth, axis: np.argpartition(x, kth, axis),
    infer=lambda t, **_: ArrayType(t.shape, np.dtype(np.intp)),
    batch=lambda _size, xs, _batched, *, kth, axis: argpartition_(xs[0], kth=kth, axis=axis + 1),
    samples=_argpartition_samples,
    differentiable=False,
)


@implements(np.argpartition)
def argpartition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    """Bind `argpartition`."""
    np.partition(np.zeros(1), 0, kind=kind, order=order)  # raises what NumPy raises for these arguments
    a, axis = _line(np.atleast_1d(a), axis)
    kth = tuple(kth) if np.ndim(kth) else kth
    return argpartition_(a, kth=kth, axis=axis)


@implements(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None) -> Any:
    """Permute by `argpartition`."""
    a, axis = _line(a, axis)
    return ordered(permute_(a, argpartition(a, kth, axis, kind, order), axis=axis), order_of(a))


# searchsorted ---------------------------------------------------------------------------------------------------------


def _searchsorted_batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, side: str) -> Any:
    (a, v), (a_batched, v_batched) = xs, batched
    if not a_batched:
        return searchsorted_(a, v, side=side)
    return np.stack([searchsorted_(a[i], v[i] if v_batched else v, side=side) for i in range(size)])


def _searchsorted_samples(rng: np.random.Generator) -> Samples:
    a = np.sort(rng.normal(size=5))
    for side in ("left", "right"):
        yield (a, rng.normal(size=(2, 3))), {"side": side}
        yield (a, a[2:3]), {"side": side}
    yield (a, np.asarray(rng.normal())), {"side": "left"}


searchsorted_: Primitive = define(
    name="searchsorted",
    doc="Positions at which v would be inserted into the increasing numbers a.",
    eval=lambda a, v, *, side: np.searchsorted(a, v, side),
    infer=lambda _a, v, **_: ArrayType(v.shape, np.dtype(np.intp)),
    batch=_searchsorted_batch,
    samples=_searchsorted_samples,
    differentiable=False,
)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Bind `searchsorted`."""
    a, v = operand(a), operand(v)
    if np.ndim(a) != 1 or side not in {"left", "right"}:
        np.searchsorted(np.zeros(np.shape(a)), 0.0, side)  # type: ignore[call-overload]  # raises what NumPy raises
    if sorter is not None:
        a = getitem(a, sorter)
    return searchsorted_(a, v, side=side)

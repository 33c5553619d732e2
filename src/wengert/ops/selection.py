"""Selections: each entry of the result is an entry of one of the operands.

    where, choose, clip      elementwise: the cotangent goes to the operand that was chosen, exact zeros to the others
    take, take_along_axis,
    compress, extract        reads at computed indices: compositions of `getitem`
    select, piecewise        compositions of `where` and `index_update`

The conditions have derivative zero. At a bound, `clip` has derivative 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy._core import umath  # holds the ufunc behind np.clip and ndarray.clip, which has no public name
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.dispatch import Traced
from wengert.core.lowering import Builder
from wengert.core.numpy_protocol import UFUNCS, implements, operand, traced_leaves
from wengert.core.primitive import Primitive, Site, define
from wengert.core.views import base_of
from wengert.errors import RefusedError
from wengert.ops.casting import ordered
from wengert.ops.coefficients import coefficientwise
from wengert.ops.entries import is_float, pointwise, promoted, truth
from wengert.ops.families import align, match, spread
from wengert.ops.indexing import getitem
from wengert.ops.updating import index_update
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["along_axis", "choose_", "clip_", "positions", "where_"]

_clip_ufunc: Any = vars(umath)["clip"]


# where ----------------------------------------------------------------------------------------------------------------
#
# y = x where c, else z. A cotangent is selected, not multiplied: an infinite one on the other branch does not turn to
# nan.


def _where_jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    (c, x, z), (_, x_dot, z_dot) = xs, x_dots
    y = where_(c, x, z)
    y_dot = where_(c, 0.0 if x_dot is None else x_dot, 0.0 if z_dot is None else z_dot)
    return y, spread(y_dot, y)


def _where_vjp(y_bar: Any, site: Site) -> list[Any]:
    (c, x, z), (_, need_x, need_z) = site.xs, site.needs
    return [
        None,
        match(np.where(c, y_bar, 0.0), x) if need_x else None,
        match(np.where(c, 0.0, y_bar), z) if need_z else None,
    ]


def _where_quick(y_bar: Any, site: Any) -> tuple[Any, Any, Any]:
    """Multiply by the condition: selecting takes six times as long where the condition is irregular."""
    _, _, _, (c, x, z), _, _, (_, x_site, z_site) = site
    if getattr(c, "dtype", None) != np.bool_:
        c = np.not_equal(c, 0)
    return (
        None,
        None if x_site is None else match(y_bar * c, x),
        None if z_site is None else match(y_bar * np.logical_not(c), z),
    )


def _where_infer(c: ArrayType, x: ArrayType, z: ArrayType) -> ArrayType:
    return ArrayType(np.broadcast_shapes(c.shape, x.shape, z.shape), np.result_type(x.dtype, z.dtype))


def _where_samples(rng: np.random.Generator) -> Samples:
    shapes = (
        ((4,), (4,), (4,)),
        ((2, 1), (3,), ()),
        ((), (2,), (2, 1)),
        ((3,), (), ()),
        ((0,), (1,), (0,)),
        ((), (), ()),
    )
    for shape, left, right in shapes:
        yield (
            (rng.random(shape) > 0.5, np.asarray(rng.normal(size=left)), np.asarray(rng.normal(size=right))),
            {},
        )


def _where_lower(b: Builder, c: Any, x: Any, z: Any) -> Any:
    return b("select", truth(b, c), *promoted(b, x, z))


where_: Primitive = define(
    name="where",
    doc="Entries of x where the condition c holds, of z elsewhere.",
    eval=np.where,
    infer=_where_infer,
    jvp=_where_jvp,
    taylor=coefficientwise(_where_jvp),
    vjp=_where_vjp,
    quick=_where_quick,
    batch=lambda _size, xs, batched: where_(*align(xs, batched)),
    lower=pointwise(_where_lower, "bool", "f64", "f64"),
    samples=_where_samples,
    complex=True,
    cheap=True,
)


def _truth(condition: Any) -> Any:
    """Return a condition as booleans: a traced number holds where it is not zero, which has derivative zero."""
    condition = operand(condition)
    numbers = isinstance(condition, Traced) and type_of(condition).dtype.kind != "b"
    return np.not_equal(condition, 0) if numbers else condition


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """Bind `where`; with a condition alone, return the indices of its true entries."""
    if not choices:
        return np.nonzero(condition)
    if len(choices) == 1:
        message = "either both or neither of x and y should be given"
        raise ValueError(message)
    x, y = map(operand, choices)
    z = where_(_truth(condition), x, y)
    if isinstance(z, Traced) and not np.ndim(z):  # type: ignore[arg-type]
        base_of(z)  # NumPy returns an array even then
    return z


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Compose `where`, from the last choice to the first."""
    if len(condlist) != len(choicelist):
        message = "list of cases must be same length as list of conditions"
        raise ValueError(message)
    if not len(condlist):
        message = "select with an empty condition list is not possible"
        raise ValueError(message)
    y = operand(default)
    for i in reversed(range(len(condlist))):
        condition = operand(condlist[i])
        if type_of(condition).dtype.kind != "b":
            message = f"invalid entry {i} in condlist: should be boolean ndarray"
            raise TypeError(message)
        y = np.where(condition, operand(choicelist[i]), y)
    return y


# clip -----------------------------------------------------------------------------------------------------------------
#
# y = min(max(x, lo), hi): hi where it is smaller than x or lo, else lo where x is below it, else x. On a bound y is x.


def _clip_regions(x: Any, lo: Any, hi: Any) -> tuple[Any, Any, Any]:
    """Return where y is x, lo and hi."""
    at_hi = (x > hi) | (lo > hi)
    at_lo = (x < lo) & ~at_hi
    return ~(at_lo | at_hi), at_lo, at_hi


def _clip_jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    y = clip_(*xs)
    y_dot: Any = 0.0
    for region, x_dot in zip(_clip_regions(*xs), x_dots, strict=True):
        y_dot = np.where(region, 0.0 if x_dot is None else x_dot, y_dot)
    return y, spread(y_dot, y)


def _clip_vjp(y_bar: Any, site: Site) -> list[Any]:
    _, _, _, xs, _, _, parents = site  # the sweep hands a plain tuple to elementwise rules
    return [
        match(np.where(region, y_bar, 0.0), x) if parent is not None else None
        for region, x, parent in zip(_clip_regions(*xs), xs, parents, strict=True)
    ]


def _clip_quick(y_bar: Any, site: Any) -> Sequence[Any]:
    """Multiply by whether x is inside, if only x wants a cotangent; crossed bounds have no inside."""
    _, _, _, (x, lo, hi), _, _, (_, lo_site, hi_site) = site
    if lo_site is not None or hi_site is not None:
        return _clip_vjp(y_bar, site)
    outside = np.logical_or(x < lo, x > hi)
    return match(y_bar * np.logical_not(outside), x), None, None


def _clip_infer(*types: ArrayType) -> ArrayType:
    dtypes = _clip_ufunc.resolve_dtypes((*[t.dtype for t in types], None))
    return ArrayType(np.broadcast_shapes(*[t.shape for t in types]), dtypes[-1])


def _clip_samples(rng: np.random.Generator) -> Samples:
    for x, lo, hi in (((6,), (), ()), ((2, 3), (3,), (2, 1)), ((), (), ()), ((4,), (4,), ())):
        spread_out = np.asarray(rng.uniform(-3.0, 3.0, x))
        yield (spread_out, np.asarray(rng.uniform(-1.5, -0.5, lo)), np.asarray(rng.uniform(0.5, 1.5, hi))), {}
    yield (
        (np.array([-2.0, 0.5, 3.0]), np.array([1.0, 2.0, 1.5]), np.array([0.0, 1.0, -1.0])),
        {},
    )  # the bounds crossed


# Where x and a bound are both 0 it is x that is left, with its sign, as in NumPy for bounds that are numbers.


def _clip_lower(b: Builder, x: Any, lo: Any, hi: Any) -> Any:
    if x.type == "bool":
        return b("and", b("or", x, lo), hi)
    for comparison, bound in (("lt", lo), ("gt", hi)):
        is_outside = b(comparison, x, bound)
        is_outside = b("or", is_outside, b("ne", bound, bound)) if is_float(x) else is_outside
        x = b("select", is_outside, bound, x)
    return x


clip_: Primitive = define(
    name="clip",
    doc="Each x moved to the nearest bound if it is outside lo <= x <= hi; derivative 1 with respect to x on a bound.",
    eval=_clip_ufunc,
    infer=_clip_infer,
    jvp=_clip_jvp,
    taylor=coefficientwise(_clip_jvp),
    vjp=_clip_vjp,
    quick=_clip_quick,
    batch=lambda _size, xs, batched: clip_(*align(xs, batched)),
    lower=pointwise(_clip_lower, "f64", "f64", "f64"),
    samples=_clip_samples,
    elementwise=True,
    cheap=True,
)
UFUNCS[_clip_ufunc] = clip_


class _Absent:
    """Type of an argument that was not given, where None means something else."""


_ABSENT = _Absent()


def _bounds(a_min: Any, a_max: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """Return the bounds, given as NumPy's positional or keyword arguments."""
    if a_min is _ABSENT and a_max is _ABSENT:
        return (None if low is _ABSENT else low), (None if high is _ABSENT else high)
    if a_min is _ABSENT or a_max is _ABSENT:
        message = (
            f"clip() missing 1 required positional argument: {'a_min' if a_min is _ABSENT else 'a_max'!r}"
        )
        raise TypeError(message)
    if low is not _ABSENT or high is not _ABSENT:
        message = (
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden."
        )
        raise ValueError(message)
    return a_min, a_max


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = _ABSENT,
    a_max: Any = _ABSENT,
    *,
    min: Any = _ABSENT,
    max: Any = _ABSENT,
    **kwargs: Any,
) -> Any:
    """Call the ufunc; an absent bound is infinite."""
    a, lo, hi = map(operand, (a, *_bounds(a_min, a_max, min, max)))
    if lo is None and hi is None:
        return np.copy(a)
    kinds = {type_of(x).dtype.kind for x in (a, lo, hi) if x is not None}
    if not kinds & set("fc") and (
        lo is None or hi is None
    ):  # integers have no infinite bound, and no derivative
        return np.minimum(a, hi, **kwargs) if lo is None else np.maximum(a, lo, **kwargs)
    lo, hi = -np.inf if lo is None else lo, np.inf if hi is None else hi
    if traced_leaves([a, lo, hi]) and not kwargs:
        return clip_(a, lo, hi)
    return _clip_ufunc(a, lo, hi, **kwargs)


# choose ---------------------------------------------------------------------------------------------------------------
#
# y = choices[a], entry by entry; the cotangent of choice k is y_bar where a is k.


def _choose_eval(a: Any, *choices: Any, mode: Any) -> Any:
    return np.choose(a, choices, mode=mode)[()]


def _choose_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, mode: str) -> tuple[Any, Any]:
    y = choose_(*xs, mode=mode)
    zero = np.zeros((), y.dtype)
    return y, spread(choose_(xs[0], *[zero if d is None else d for d in x_dots[1:]], mode=mode), y)


def _choose_vjp(y_bar: Any, site: Site, *, mode: str) -> list[Any]:
    a, *choices = site.xs
    a = positions(a, len(choices), mode)
    return [
        None,
        *[
            match(np.where(a == k, y_bar, 0.0), x) if need else None
            for k, (x, need) in enumerate(zip(choices, site.needs[1:], strict=True))
        ],
    ]


def _choose_infer(a: ArrayType, *choices: ArrayType, mode: str) -> ArrayType:
    return ArrayType(
        np.broadcast_shapes(a.shape, *[t.shape for t in choices]), np.result_type(*[t.dtype for t in choices])
    )


def _choose_samples(rng: np.random.Generator) -> Samples:
    yield (np.array([0, 2, 1, 0]), *[rng.normal(size=4) for _ in range(3)]), {"mode": "raise"}
    yield (np.array([[-1], [5]]), rng.normal(size=3), np.asarray(rng.normal())), {"mode": "wrap"}
    yield (np.array(7), rng.normal(size=(2, 1)), rng.normal(size=3)), {"mode": "clip"}


choose_: Primitive = define(
    name="choose",
    doc="Entries of the choice that the integer array a names, choices[a], entry by entry.",
    eval=_choose_eval,
    infer=_choose_infer,
    jvp=_choose_jvp,
    taylor=coefficientwise(_choose_jvp),
    vjp=_choose_vjp,
    batch=lambda _size, xs, batched, *, mode: choose_(*align(xs, batched), mode=mode),
    samples=_choose_samples,
    complex=True,
)


@implements(np.choose)
def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """Bind `choose`."""
    return choose_(operand(a), *[operand(choices[k]) for k in range(len(choices))], mode=mode)


# take -----------------------------------------------------------------------------------------------------------------


def positions(indices: Any, n: int, mode: str) -> Any:
    """Return integer positions along an axis of length n, with NumPy's `mode` for those outside."""
    if not isinstance(indices, Traced):
        indices = np.asarray(indices)
        if indices.size == 0 and indices.dtype.kind == "f":
            indices = indices.astype(np.intp)  # an empty list
        indices = indices.astype(np.intp, casting="same_kind")
    if mode == "raise":
        return indices
    if mode not in {"wrap", "clip"}:
        message = f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})"
        raise ValueError(message)
    if n == 0 and np.size(indices):
        message = "cannot do a non-empty take from an empty axes."
        raise IndexError(message)
    return np.mod(indices, max(n, 1)) if mode == "wrap" else np.clip(indices, 0, n - 1)


@implements(np.take)
def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Any:
    """Read at integer positions along an axis, or of the flattened array."""
    a = operand(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    axis = normalize_axis_index(axis, max(np.ndim(a), 1))
    n = (np.shape(a) or (1,))[axis]
    if mode == "raise" and n and not np.size(a):
        mode = "clip"  # NumPy looks at no index where there is nothing to copy
    y = getitem(np.atleast_1d(a), (*[slice(None)] * axis, positions(indices, n, mode)))
    return ordered(y, "C")


def along_axis(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """Return the index that reads one position per line along an axis."""
    if np.ndim(indices) != len(shape):
        message = "`indices` and `arr` must have the same number of dimensions"
        raise ValueError(message)
    ndim = len(shape)
    lines = [np.arange(n).reshape([-1 if k == i else 1 for k in range(ndim)]) for i, n in enumerate(shape)]
    return (*lines[:axis], indices, *lines[axis + 1 :])


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """Read one or more positions per line along an axis."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    return getitem(arr, along_axis(np.shape(arr), indices, normalize_axis_index(axis, np.ndim(arr))))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """Take the slices along an axis at which a condition holds."""
    condition = operand(condition)
    if np.ndim(condition) != 1:
        message = "condition must be a 1-d array"
        raise ValueError(message)
    return np.take(operand(a), np.flatnonzero(condition), axis=axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """Take the entries at which a condition holds, in row-major order."""
    return np.take(np.ravel(operand(arr)), np.flatnonzero(operand(condition)))


# piecewise ------------------------------------------------------------------------------------------------------------


def _pieces(x: Any, condlist: Any, n: int) -> list[Any]:
    """Return one boolean array per function; the last is the rest, if it was left out."""
    if traced_leaves(condlist):
        raise RefusedError(
            "np.piecewise was called with conditions that differ from example to example under vmap",
            why="each function runs on the entries where its condition holds, and their number would be traced.",
            instead="np.where(condition, f(x), g(x)), or np.select.",
        )
    if np.isscalar(condlist) or (np.ndim(x) and not isinstance(condlist[0], list | np.ndarray)):
        condlist = [condlist]
    conditions = np.asarray(condlist, bool)
    if len(conditions) == n - 1:
        conditions = np.concatenate([conditions, ~np.any(conditions, axis=0, keepdims=True)])
    if len(conditions) != n:
        k = len(conditions)
        message = f"with {k} condition(s), either {k} or {k + 1} functions are expected"
        raise ValueError(message)
    return list(conditions)


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Run each function on the entries where its condition holds, and write the results there."""
    y: Any = np.zeros(np.shape(x), type_of(x).dtype)
    for condition, fun in zip(_pieces(x, condlist, len(funclist)), funclist, strict=True):
        if not callable(fun):
            y = index_update(y, condition, fun)
        elif np.any(condition):
            y = index_update(y, condition, fun(operand(x)[condition], *args, **kw))
    return y

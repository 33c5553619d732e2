"""Running sums and products, and the product of all: what passes along an axis.

    cumsum       s_i = x_0 + ... + x_i
    recurrence   s_i = b_i + a_{i-1} s_{i-1}, or from the other end
    cumprod      y_i = x_0 ... x_i
    prod         y   = x_0 ... x_{n-1}

The derivative of a product is the product of the others. The rules do not divide by x: quotients y / x_i fail at zeros.
Products of the others come from running products from both ends; sums of such products obey a linear recurrence, whose
adjoint is the same recurrence run from the other end. All rules are closed under differentiation, so zeros are right to
every order. The quick rules of the sweep divide where no product is zero or near the ends of the range.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.lowering import Reduction
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Site, define
from wengert.ops.coefficients import solution_series
from wengert.ops.families import linear, masked, match, spread
from wengert.ops.reduction import (
    AXES_SAMPLES,
    behind_batch,
    count,
    reduced,
    restore,
    selected,
    start,
    ufunc_axes,
)
from wengert.types import ArrayType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["along", "cumprod_", "cumsum_", "prod_", "recurrence_"]


def along(axis: int, cut: slice) -> tuple[Any, ...]:
    """Return the index that cuts one axis and takes the others whole."""
    return (*[slice(None)] * axis, cut)


def _scan_samples(rng: np.random.Generator) -> Samples:
    for shape, axis in (((5,), 0), ((2, 3), 1), ((3, 2), 0), ((0,), 0), ((2, 0), 1), ((1,), 0)):
        yield (np.asarray(rng.normal(size=shape)),), {"axis": axis}


# cumsum ---------------------------------------------------------------------------------------------------------------


def _cumsum_transpose(y_bar: Any, x: Any, *, axis: int, **_: Any) -> Any:
    return match(np.flip(np.cumsum(np.flip(y_bar, axis), axis=axis), axis), x)


def _scan_infer(t: ArrayType, *, axis: int, dtype: Any = None) -> ArrayType:
    del axis
    return ArrayType(t.shape, np.add.reduce(np.zeros(1, t.dtype), dtype=dtype).dtype)


cumsum_ = linear(
    "cumsum",
    eval=np.cumsum,
    transpose=_cumsum_transpose,
    infer=_scan_infer,
    batch=lambda _size, xs, _batched, *, axis, **rest: np.cumsum(xs[0], axis=axis + 1, **rest),
    doc="Running sums along an axis; the adjoint runs from the other end.",
    samples=_scan_samples,
)


def _scanned(a: Any, axis: Any) -> tuple[Any, int]:
    """Return the array and axis of a scan: without an axis, the flattened array; a scalar is a line of one."""
    if axis is None or (np.ndim(a) == 0 and axis in {0, -1}):
        return np.ravel(a), 0
    return a, normalize_axis_index(axis, np.ndim(a))


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Bind `cumsum`."""
    a, axis = _scanned(a, axis)
    return cumsum_(a, axis=axis, **({} if dtype is None else {"dtype": np.dtype(dtype)}))


# recurrence -----------------------------------------------------------------------------------------------------------
#
#   s_0 = b_0,  s_i = b_i + a_{i-1} s_{i-1}        (reverse: s_{n-1} = b_{n-1},  s_i = b_i + a_i s_{i+1})
#
# s solves (I - L_a) s = b with a bidiagonal matrix, so the adjoint t of b solves the transposed system: the recurrence
# with the same links a from the other end. Link a_i carries s_i to s_{i+1}, so a_bar_i = s_i t_{i+1}, or in reverse
# a_bar_i = s_{i+1} t_i. The products a s are masked: where s is 0, an overflowed link contributes nothing.

_SHORT = 32  # below this length a plain loop is the fastest


def _advance(a: Any, b: Any) -> Any:
    """Run the recurrence along axis 0, in about 4 sqrt(n) array operations.

    Long axes are cut into blocks of m. All blocks run at once from 0; what leaves the blocks is itself a recurrence,
    with the products of each block's links; and what enters a block reaches place j times its first j links.
    """
    n = len(b)
    if n <= _SHORT:
        s = b.copy()
        for i in range(1, n):
            s[i] += masked(s[i - 1], a[i - 1])
        return s
    m = math.isqrt(n)
    blocks = -(-n // m)
    b = _padded(b, blocks * m, 0).reshape(blocks, m, *b.shape[1:])
    # link[k, j] leads to place j of block k; the first link of all leads from nowhere.
    link = _padded(np.concatenate([np.ones_like(a[:1]), a]), blocks * m, 1).reshape(b.shape)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        reach = np.cumprod(link, axis=1)
        s = b.copy()
        for j in range(1, m):
            s[:, j] += masked(s[:, j - 1], link[:, j])
        left = _advance(reach[1:, -1], s[:, -1])  # what leaves each block
        s[1:] += masked(left[:-1, None], reach[1:])
    return s.reshape(blocks * m, *b.shape[2:])[:n]


def _padded(x: Any, n: int, value: int) -> Any:
    return np.concatenate([x, np.full_like(x, value, shape=(n - len(x), *x.shape[1:]))])


def _recurrence_eval(a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    a, b = (np.moveaxis(v, axis, 0) for v in (a, b))
    dtype = np.result_type(a, b)
    turn = np.s_[::-1] if reverse else np.s_[:]
    s = _advance(a[turn].astype(dtype, copy=False), b[turn].astype(dtype, copy=False))
    return np.moveaxis(s[turn], 0, axis)


def _recurrence_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, axis: int, reverse: bool) -> tuple[Any, Any]:
    (a, b), (a_dot, b_dot) = xs, x_dots
    s = recurrence_(a, b, axis=axis, reverse=reverse)
    if a_dot is not None:
        inflow = _inflow(a_dot, s, axis=axis, reverse=reverse)
        b_dot = inflow if b_dot is None else b_dot + inflow
    return s, spread(recurrence_(a, b_dot, axis=axis, reverse=reverse), s)


def _inflow(a: Any, s: Any, *, axis: int, reverse: bool) -> Any:
    """Return what links add to each entry from the one before it."""
    source, pad = (np.s_[1:], -1) if reverse else (np.s_[:-1], 0)
    return _with_zero(masked(a, s[along(axis, source)]), axis, pad)


def _with_zero(x: Any, axis: int, place: int) -> Any:
    """Return x with one zero before (place 0) or after it (place -1) along an axis."""
    zero = np.zeros(reduced(np.shape(x), (axis,), keepdims=True), x.dtype)
    return np.concatenate([zero, x] if place == 0 else [x, zero], axis=axis)


def _recurrence_vjp(s_bar: Any, site: Site, *, axis: int, reverse: bool) -> list[Any]:
    (a, b), (need_a, need_b) = site.xs, site.needs
    t = recurrence_(a, s_bar, axis=axis, reverse=not reverse)
    before, after = along(axis, np.s_[:-1]), along(axis, np.s_[1:])
    source, target = (after, before) if reverse else (before, after)
    return [
        match(masked(t[target], site.y[source]), a) if need_a else None,
        match(t, b) if need_b else None,
    ]


def _recurrence_batch(size: int, xs: Any, batched: Any, *, axis: int, reverse: bool) -> Any:
    a, b = (x if on else np.broadcast_to(x, (size, *np.shape(x))) for x, on in zip(xs, batched, strict=True))
    return recurrence_(a, b, axis=axis + 1, reverse=reverse)


def _recurrence_samples(rng: np.random.Generator) -> Samples:
    cases = (((4,), 0, False), ((4,), 0, True), ((2, 3), 1, True), ((3, 2), 0, False), ((1,), 0, True))
    for shape, axis, reverse in cases:
        links = tuple(n - (i == axis) for i, n in enumerate(shape))
        yield (rng.normal(size=links), rng.normal(size=shape)), {"axis": axis, "reverse": reverse}


recurrence_ = define(
    name="recurrence",
    doc="Linear recurrence s_i = b_i + a_{i-1} s_{i-1} along an axis, or from the other end.",
    eval=_recurrence_eval,
    infer=lambda a, b, **_: ArrayType(b.shape, np.result_type(a.dtype, b.dtype)),
    jvp=_recurrence_jvp,
    taylor=solution_series(
        "recurrence",
        lambda column, s, **params: -_inflow(column[0], s, **params),
    ),
    vjp=_recurrence_vjp,
    batch=_recurrence_batch,
    samples=_recurrence_samples,
    complex=True,
)


# cumprod --------------------------------------------------------------------------------------------------------------
#
# With p_i = x_0 ... x_{i-1} = y_{i-1}, p_0 = 1:
#
#   y_dot_i = x_i y_dot_{i-1} + p_i x_dot_i                              a recurrence with links x_1, ..., x_{n-1}
#   x_bar_i = sum_{k >= i} y_bar_k prod_{j <= k, j != i} x_j = p_i t_i,
#   t_i     = sum_{k >= i} y_bar_k x_{i+1} ... x_k = y_bar_i + x_{i+1} t_{i+1}          the same recurrence from the end


def _before(y: Any, axis: int) -> Any:
    """Return the products p of what lies before each entry, from the running products y."""
    n = np.shape(y)[axis]
    one = np.ones(reduced(np.shape(y), (axis,), keepdims=True), y.dtype)
    return np.concatenate([one, y[along(axis, np.s_[:-1])]], axis=axis) if n else y


def _cumprod_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, axis: int) -> tuple[Any, Any]:
    (x,), (x_dot,) = xs, x_dots
    y = np.cumprod(x, axis=axis)
    links = x[along(axis, np.s_[1:])]
    return y, recurrence_(links, masked(x_dot, _before(y, axis)), axis=axis, reverse=False)


def _cumprod_vjp(y_bar: Any, site: Site, *, axis: int) -> list[Any]:
    x = site.xs[0]
    t = recurrence_(x[along(axis, np.s_[1:])], y_bar, axis=axis, reverse=True)
    return [match(masked(t, _before(site.y, axis)), x)]


def _within(y: Any, least: float) -> bool:
    """Say whether all sizes |y| lie between a bound and its reciprocal."""
    size = np.abs(y)
    return np.size(y) > 0 and bool(least <= np.min(size)) and bool(np.max(size) <= 1.0 / least)


def _cumprod_quick(y_bar: Any, site: Any) -> Any:
    """Return x_bar_i = (sum_{k >= i} y_bar_k y_k) / x_i where the running products are far from the range's ends."""
    _, _, params, (x,), y, _, _ = site
    axis = params["axis"]
    if not _within(y, float(np.finfo(y.dtype).tiny) ** 0.25):
        return _cumprod_vjp(y_bar, Site._make(site), axis=axis)
    tail = np.flip(np.cumsum(np.flip(y_bar * y, axis), axis=axis), axis)
    return (match(tail / x, x),)


def _cumprod_samples(rng: np.random.Generator) -> Samples:
    yield from _scan_samples(rng)
    for zeros in ((2.0, 0.0, 3.0, 4.0), (0.0, 1.5, 0.0), (0.0,)):
        yield (np.asarray(zeros),), {"axis": 0}


cumprod_ = define(
    name="cumprod",
    doc="Running products along an axis.",
    eval=np.cumprod,
    infer=_scan_infer,
    jvp=_cumprod_jvp,
    vjp=_cumprod_vjp,
    quick=_cumprod_quick,
    batch=lambda _size, xs, _batched, *, axis: np.cumprod(xs[0], axis=axis + 1),
    samples=_cumprod_samples,
    complex=True,
)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Bind `cumprod`."""
    a, axis = _scanned(a, axis)
    return cumprod_(a if dtype is None else np.astype(a, dtype), axis=axis)


# prod -----------------------------------------------------------------------------------------------------------------


def _others(x: Any, axes: tuple[int, ...]) -> Any:
    """Return for each entry the product of the others that `prod` over `axes` joins it with."""
    shape, ndim = np.shape(x), np.ndim(x)
    if count(shape, axes) == 0 or x.size == 0:
        return x
    kept = tuple(i for i in range(ndim) if i not in axes)
    flat = np.reshape(np.transpose(x, kept + axes), (*[shape[i] for i in kept], count(shape, axes)))
    last = len(kept)
    before = _before(np.cumprod(flat, axis=last), last)
    after = np.flip(_before(np.cumprod(np.flip(flat, last), axis=last), last), last)
    others = np.reshape(before * after, tuple(shape[i] for i in kept + axes))
    return np.transpose(others, tuple((kept + axes).index(i) for i in range(ndim)))


def _prod_jvp(
    xs: Sequence[Any], x_dots: Sequence[Any], *, axis: tuple[int, ...], keepdims: bool
) -> tuple[Any, Any]:
    (x,), (x_dot,) = xs, x_dots
    y = np.prod(x, axis=axis, keepdims=keepdims)
    return y, np.sum(masked(x_dot, _others(x, axis)), axis=axis, keepdims=keepdims)


def _prod_vjp(y_bar: Any, site: Site, *, axis: tuple[int, ...], keepdims: bool) -> list[Any]:
    del keepdims
    x = site.xs[0]
    return [match(masked(restore(y_bar, x, axis), _others(x, axis)), x)]


def _prod_quick(y_bar: Any, site: Any) -> Any:
    """Return y_bar y / x where no y is zero, subnormal or infinite: then the quotients are as exact as y."""
    _, _, params, (x,), y, _, _ = site
    if not _within(y, 4.0 * float(np.finfo(y.dtype).tiny)):
        return _prod_vjp(y_bar, Site._make(site), **params)
    y, y_bar = (restore(z, x, params["axis"]) for z in (y, y_bar))
    return (match(y_bar * (y / x), x),)


def _prod_infer(t: ArrayType, *, axis: tuple[int, ...], keepdims: bool) -> ArrayType:
    result = np.multiply.reduce(np.ones(1, t.dtype)).dtype
    return ArrayType(reduced(t.shape, axis, keepdims=keepdims), result)


def _prod_samples(rng: np.random.Generator) -> Samples:
    for shape, axis, keepdims in (*AXES_SAMPLES, ((0, 2), (0,), False)):
        yield (np.asarray(rng.normal(size=shape)),), {"axis": axis, "keepdims": keepdims}
    for zeros in ((0.0, 2.0, 3.0), (4.0, 0.0)):
        yield (np.asarray(zeros),), {"axis": (0,), "keepdims": False}


prod_ = define(
    name="prod",
    lower=Reduction("mul", lambda _ndim, /, *, axis, **_: axis, first=1),
    doc="Product of x over some axes; the derivative is the product of the others, right at zeros.",
    eval=np.prod,
    infer=_prod_infer,
    jvp=_prod_jvp,
    vjp=_prod_vjp,
    quick=_prod_quick,
    batch=lambda _size, xs, _batched, *, axis, keepdims: np.prod(
        xs[0], axis=behind_batch(axis), keepdims=keepdims
    ),
    samples=_prod_samples,
    complex=True,
)


@implements(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Bind `prod`."""
    a = selected(a if dtype is None else np.astype(a, dtype), where, 1)
    y = prod_(a, axis=ufunc_axes(axis, np.ndim(a)), keepdims=bool(keepdims))
    return start(y, initial, np.multiply)


# Functions composed of scans ------------------------------------------------------------------------------------------


def _cumulative(scan: Any, x: Any, axis: Any, dtype: Any, first: Any) -> Any:
    """Run a scan by the array API's rules; `first` makes the initial value from a shape and a type."""
    if np.ndim(x) == 0:
        x = np.atleast_1d(x)
    if axis is None and np.ndim(x) != 1:
        message = "For arrays which have more than one dimension ``axis`` argument is required."
        raise ValueError(message)
    axis = normalize_axis_index(0 if axis is None else axis, np.ndim(x))
    y = scan(x, axis=axis, dtype=dtype)
    if first is None:
        return y
    return np.concatenate([first(reduced(np.shape(y), (axis,), keepdims=True), y.dtype), y], axis=axis)


@implements(np.cumulative_sum)
def cumulative_sum(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """Running sums, beginning with 0 if asked."""
    return _cumulative(np.cumsum, x, axis, dtype, np.zeros if include_initial else None)


@implements(np.cumulative_prod)
def cumulative_prod(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """Running products, beginning with 1 if asked."""
    return _cumulative(np.cumprod, x, axis, dtype, np.ones if include_initial else None)

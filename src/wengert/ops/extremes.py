"""Largest and smallest entries, where they are, and the smooth maximum log sum exp.

The derivative of `max` is shared equally among the entries that attain it: with k ties each has partial 1/k, which is
the subgradient of least norm. Where an entry is nan so is the result, and the nan entries share its derivative. The
shares are constant between kinks, so second derivatives are zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.lowering import Composed, Reduction
from wengert.core.numpy_protocol import UFUNC_METHODS, implements
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.coefficients import coefficientwise
from wengert.ops.families import masked, match
from wengert.ops.reduction import (
    AXES_SAMPLES,
    all_axes,
    behind_batch,
    count,
    reduced,
    restore,
    selected,
    ufunc_axes,
)
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["argmax_", "argmin_", "logsumexp", "logsumexp_", "max_", "min_"]


# max, min -------------------------------------------------------------------------------------------------------------


def _attained(x: Any, y: Any, axis: tuple[int, ...]) -> tuple[Any, Any]:
    """Return where x attains its extreme y, and how often (with the reduced axes in place)."""
    where = (x == restore(y, x, axis)) | (x != x)  # noqa: PLR0124 - nan differs from itself
    return where, np.sum(where, axis=axis, keepdims=True, dtype=x.dtype)


# Nearly always each extreme is attained once: then the cotangents are put in their places, without shares.

_FEW = 16  # from so many entries for one extreme on, it pays to gather places


def _alone(x: Any, y: Any) -> Any:
    """Return where x is its extreme y if each is attained once and none is nan, else None."""
    where = np.equal(x, y)
    if np.count_nonzero(where) != np.size(y) or np.any(np.isnan(y)):
        return None
    return where


def _placed(y_bar: Any, where: Any) -> Any:
    """Return cotangents, whose reduced axes have length 1, at the places where the extremes are, and zeros."""
    if where.size < _FEW * y_bar.size or not where.ndim:
        return y_bar * where
    places = np.unravel_index(np.flatnonzero(where), where.shape)  # nonzero is quick in one dimension only
    x_bar = np.zeros(where.shape, y_bar.dtype)
    x_bar[places] = np.broadcast_to(y_bar, where.shape)[places]
    return x_bar


def _extreme(name: str, reduction: Callable[..., Any], operation: str, doc: str) -> Primitive:
    def infer(t: ArrayType, *, axis: tuple[int, ...], keepdims: bool) -> ArrayType:
        return ArrayType(reduced(t.shape, axis, keepdims=keepdims), t.dtype)

    def jvp(
        xs: Sequence[Any], x_dots: Sequence[Any], *, axis: tuple[int, ...], keepdims: bool
    ) -> tuple[Any, Any]:
        (x,), (x_dot,) = xs, x_dots
        y = reduction(x, axis=axis, keepdims=keepdims)
        where, ties = _attained(x, y, axis)
        return y, np.sum(np.where(where, x_dot / ties, 0.0), axis=axis, keepdims=keepdims)

    def vjp(y_bar: Any, site: Site, *, axis: tuple[int, ...], keepdims: bool) -> list[Any]:
        del keepdims
        x = site.xs[0]
        where, ties = _attained(x, site.y, axis)
        return [match(np.where(where, restore(y_bar, x, axis) / ties, 0.0), x)]

    def quick(y_bar: Any, site: Any) -> Any:
        _, _, params, (x,), y, _, _ = site
        alone = _alone(x, restore(y, x, params["axis"]))
        if alone is None:
            return vjp(y_bar, Site._make(site), **params)
        return (_placed(restore(y_bar, x, params["axis"]), alone),)

    def batch(_size: int, xs: Any, _batched: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
        return reduction(xs[0], axis=behind_batch(axis), keepdims=keepdims)

    def samples(rng: np.random.Generator) -> Samples:
        for shape, axis, keepdims in AXES_SAMPLES:
            apart = rng.permutation(np.arange(1.0, 1.0 + np.prod(shape))) + 0.25 * rng.uniform(
                size=int(np.prod(shape))
            )
            yield (apart.reshape(shape),), {"axis": axis, "keepdims": keepdims}

    return define(
        name=name,
        doc=doc,
        eval=reduction,
        infer=infer,
        jvp=jvp,
        taylor=coefficientwise(jvp),
        vjp=vjp,
        quick=quick,
        batch=batch,
        lower=Reduction(operation, lambda _ndim, /, *, axis, **_: axis),
        samples=samples,
        complex=True,
    )


max_ = _extreme(
    "max", np.max, "maximum", "Largest entry of x over some axes; ties share the derivative equally."
)
min_ = _extreme(
    "min", np.min, "minimum", "Smallest entry of x over some axes; ties share the derivative equally."
)


def _front(prim: Primitive, pairwise: np.ufunc) -> Callable[..., Any]:
    def extreme(
        a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        if where is not True:
            if initial is None:
                message = (
                    f"reduction operation '{pairwise.__name__}' does not have an identity, "
                    "so to use a where mask one has to specify 'initial'"
                )
                raise ValueError(message)
            a = np.where(where, a, initial)
        axes = ufunc_axes(axis, np.ndim(a))
        if initial is None:
            return prim(a, axis=axes, keepdims=bool(keepdims))
        if count(np.shape(a), axes) == 0:
            shape = reduced(np.shape(a), axes, keepdims=keepdims)
            return np.astype(np.broadcast_to(initial, shape), type_of(a).dtype)
        return pairwise(prim(a, axis=axes, keepdims=bool(keepdims)), initial)

    extreme.__doc__ = f"Bind `{prim.name}`."
    return extreme


max = implements(np.max, np.amax)(_front(max_, np.maximum))
min = implements(np.min, np.amin)(_front(min_, np.minimum))


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Largest minus smallest entry."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


# argmax, argmin -------------------------------------------------------------------------------------------------------


def _place(name: str, reduction: Callable[..., Any], extreme: Callable[..., Any], doc: str) -> Primitive:
    def infer(t: ArrayType, *, axis: int, keepdims: bool) -> ArrayType:
        if not t.shape[axis]:
            reduction(np.broadcast_to(np.False_, t.shape), axis=axis)  # NumPy says that there is none
        return ArrayType(reduced(t.shape, (axis,), keepdims=keepdims), np.dtype(np.intp))

    def batch(_size: int, xs: Any, _batched: Any, *, axis: int, keepdims: bool) -> Any:
        return reduction(xs[0], axis=axis + 1, keepdims=keepdims)

    def formula(x: Any, *, axis: int, keepdims: bool) -> Any:
        n = x.shape[axis]
        found = (x == extreme(x, axis=axis, keepdims=True)) | (x != x)  # noqa: PLR0124 - one that is nan is the extreme
        places = np.reshape(np.arange(n), (n, *[1] * (np.ndim(x) - 1 - axis)))
        return np.min(np.where(found, places, n), axis=axis, keepdims=keepdims)

    def samples(rng: np.random.Generator) -> Samples:
        for shape, axis, keepdims in (((4,), 0, False), ((2, 3), 1, True), ((2, 3), 0, False)):
            yield (rng.normal(size=shape),), {"axis": axis, "keepdims": keepdims}

    return define(
        name=name,
        doc=doc,
        eval=reduction,
        infer=infer,
        batch=batch,
        samples=samples,
        lower=Composed(formula),
        differentiable=False,
    )


argmax_ = _place("argmax", np.argmax, np.max, "Index of the first largest entry of x along an axis.")
argmin_ = _place("argmin", np.argmin, np.min, "Index of the first smallest entry of x along an axis.")


def _place_front(prim: Primitive) -> Callable[..., Any]:
    def place(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        if axis is not None:
            return prim(a, axis=normalize_axis_index(axis, np.ndim(a)), keepdims=bool(keepdims))
        index = prim(np.ravel(a), axis=0, keepdims=False)
        return np.reshape(index, (1,) * np.ndim(a)) if keepdims else index

    place.__doc__ = f"Bind `{prim.name}`; without an axis, on the flattened array."
    return place


argmax = implements(np.argmax)(_place_front(argmax_))
argmin = implements(np.argmin)(_place_front(argmin_))


# logsumexp ------------------------------------------------------------------------------------------------------------
#
# y = log sum_i exp x_i,  dy = sum_i w_i dx_i,  w_i = exp(x_i - y), which sum to 1. The value is computed relative to
# the largest entry (Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021).
# The error of y, which grows with |y|, is common to the exp(x_i - y): divided by their sum they are right to rounding.
# Where all entries are -inf so is y, and no entry has any weight; where y is inf, the infinite entries share it.


def _logsumexp_eval(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, np.zeros((), x.dtype))
    with np.errstate(divide="ignore", over="ignore"):
        y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.reshape(y, reduced(np.shape(x), axis, keepdims=False))[()]


def _weights(x: Any, y: Any, axis: tuple[int, ...]) -> Any:
    y = restore(y, x, axis)
    w = np.where(y == np.inf, np.astype(x == np.inf, x.dtype), np.exp(x - np.where(np.isinf(y), 0.0, y)))
    total = np.sum(w, axis=axis, keepdims=True)
    return w / np.where(total == 0, 1.0, total)


def _logsumexp_jvp(
    xs: Sequence[Any], x_dots: Sequence[Any], *, axis: tuple[int, ...], keepdims: bool
) -> tuple[Any, Any]:
    (x,), (x_dot,) = xs, x_dots
    y = logsumexp_(x, axis=axis, keepdims=keepdims)
    return y, np.sum(masked(x_dot, _weights(x, y, axis)), axis=axis, keepdims=keepdims)


def _logsumexp_vjp(y_bar: Any, site: Site, *, axis: tuple[int, ...], keepdims: bool) -> list[Any]:
    del keepdims
    x = site.xs[0]
    return [match(masked(restore(y_bar, x, axis), _weights(x, site.y, axis)), x)]


def _logsumexp_samples(rng: np.random.Generator) -> Samples:
    for shape, axis, keepdims in (*AXES_SAMPLES, ((2, 0), (1,), False)):
        yield (np.asarray(rng.normal(size=shape)),), {"axis": axis, "keepdims": keepdims}


logsumexp_: Primitive = define(
    name="logsumexp",
    doc="log sum exp x over some axes, without overflow; -inf where all entries are -inf, with derivative 0.",
    eval=_logsumexp_eval,
    infer=lambda t, *, axis, keepdims: ArrayType(reduced(t.shape, axis, keepdims=keepdims), t.dtype),
    jvp=_logsumexp_jvp,
    vjp=_logsumexp_vjp,
    batch=lambda _size, xs, _batched, *, axis, keepdims: logsumexp_(
        xs[0], axis=behind_batch(axis), keepdims=keepdims
    ),
    lower=Composed(_logsumexp_eval),
    samples=_logsumexp_samples,
)


def logsumexp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Logarithm of the sum of the exponentials of the entries.

    Parameters
    ----------
    a : array
        Any finite or infinite values; dimensionless.
    axis : int, tuple of ints, optional
        Axes to sum over; all by default.
    keepdims : bool
        Leave the reduced axes in place, of length 1.

    Returns
    -------
    array
        Of the type of `a`; -inf where there are no entries or all are -inf.
    """
    if type_of(a).dtype.kind in "iub":
        a = np.asarray(a, np.float64) if not hasattr(a, "astype") else a.astype(np.float64)
    return logsumexp_(a, axis=all_axes(axis, np.ndim(a)), keepdims=bool(keepdims))


def _reduce(pairwise: np.ufunc, unit: float) -> Callable[..., Any]:
    """Return the `reduce` method of a ufunc log(exp(unit a) + exp(unit b)) / unit."""

    def reduce(
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        a = a if dtype is None else a.astype(dtype)
        y = logsumexp(selected(a, where, -np.inf) * unit, axis, keepdims=keepdims) / unit
        return y if initial is None else pairwise(initial, y)

    return reduce


UFUNC_METHODS["reduce", np.logaddexp] = _reduce(np.logaddexp, 1)
UFUNC_METHODS["reduce", np.logaddexp2] = _reduce(np.logaddexp2, math.log(2.0))

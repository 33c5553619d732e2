"""Variance and standard deviation.

Both are primitives for real arrays, since layers of neural networks take them often; complex arrays,
`where=`, `mean=` and other precisions are composed of sums. The standard deviation has a kink: where the
variance is 0 its derivative is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.lowering import Composed, Pointwise
from wengert.core.numpy_protocol import implements
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match, unary
from wengert.ops.reduction import AXES_SAMPLES, all_axes, behind_batch, count, reduced, restore, size_over
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["correction_of", "given", "root", "std_", "var_"]


# var, std -------------------------------------------------------------------------------------------------------------
#
# With deviations d_i = x_i - mean x, whose sum is 0, and m = n - ddof:
#
#   v = sum_i d_i^2 / m      dv = sum_i 2 d_i / m dx_i          (the mean moves v by sum_i d_i times something, 0)
#   s = sqrt v               ds = sum_i d_i / (m s) dx_i        taken as 0 where s is 0
#
# The rounded mean of equal entries may differ from them: then s is not 0 but of the size of that error. Its
# derivatives are 0 all the same: entries are equal if the largest and the smallest are. Where entries differ
# by as little, the d_i are centered once more, so that their sum is 0 to second order.


# A partial is a direction, of the shape of x, times a factor, of the shape of y with the reduced axes in
# place: a cotangent meets the factor first, so that there is one product of full size.


def _var_partial(x: Any, y: Any, axis: tuple[int, ...], ddof: Any) -> tuple[Any, Any]:
    del y
    return x - np.mean(x, axis=axis, keepdims=True), _over(2.0, count(np.shape(x), axis) - ddof)


def _std_partial(x: Any, y: Any, axis: tuple[int, ...], ddof: Any) -> tuple[Any, Any]:
    s = restore(y, x, axis)
    flat = _flat(s, x, axis)
    inverse = np.where(flat, 0.0, _over(1.0, count(np.shape(x), axis) - ddof) / np.where(flat, 1.0, s))
    d = x - np.mean(x, axis=axis, keepdims=True)
    return d - np.mean(d, axis=axis, keepdims=True), inverse


def _over(factor: float, freedom: Any) -> Any:
    """Return factor / freedom; without degrees of freedom NumPy's values are nan or infinite, and derivatives nan."""
    return factor / freedom if freedom > 0 else float("nan")


def _variance(x: Any, axis: tuple[int, ...], ddof: Any, keepdims: bool) -> Any:
    """Return the mean of squared deviations, as NumPy computes it."""
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    freedom = max(count(np.shape(x), axis) - ddof, 0)
    return np.sum(deviation * deviation, axis=axis, keepdims=keepdims) / freedom


def _deviation(x: Any, axis: tuple[int, ...], ddof: Any, keepdims: bool) -> Any:
    return np.sqrt(_variance(x, axis, ddof, keepdims))


def _dispersion(
    name: str,
    reduction: Callable[..., Any],
    formula: Callable[..., Any],
    partial: Callable[..., Any],
    doc: str,
    ones: bool,
) -> Primitive:
    def jvp(
        xs: Sequence[Any], x_dots: Sequence[Any], *, axis: tuple[int, ...], ddof: Any, keepdims: bool
    ) -> tuple[Any, Any]:
        (x,), (x_dot,) = xs, x_dots
        y = reduction(x, axis=axis, ddof=ddof, keepdims=keepdims)
        direction, factor = partial(x, y, axis, ddof)
        y_dot = np.sum(x_dot * direction, axis=axis, keepdims=True) * factor
        return y, np.reshape(y_dot, np.shape(y))

    def vjp(y_bar: Any, site: Site, *, axis: tuple[int, ...], ddof: Any, keepdims: bool) -> list[Any]:
        del keepdims
        x = site.xs[0]
        direction, factor = partial(x, site.y, axis, ddof)
        return [match((restore(y_bar, x, axis) * factor) * direction, x)]

    def batch(_size: int, xs: Any, _batched: Any, *, axis: tuple[int, ...], ddof: Any, keepdims: bool) -> Any:
        return reduction(xs[0], axis=behind_batch(axis), ddof=ddof, keepdims=keepdims)

    def infer(t: ArrayType, *, axis: tuple[int, ...], ddof: Any, keepdims: bool) -> ArrayType:
        del ddof
        return ArrayType(reduced(t.shape, axis, keepdims=keepdims), t.dtype)

    def samples(rng: np.random.Generator) -> Samples:
        for shape, axis, keepdims in AXES_SAMPLES:
            if ones or axis:
                yield (np.asarray(rng.normal(size=shape)),), {"axis": axis, "ddof": 0, "keepdims": keepdims}
        yield (rng.normal(size=(3, 2)),), {"axis": (0,), "ddof": 1, "keepdims": False}

    return define(
        name=name,
        doc=doc,
        eval=reduction,
        infer=infer,
        jvp=jvp,
        vjp=vjp,
        batch=batch,
        lower=Composed(formula),
        samples=samples,
    )


var_ = _dispersion(
    "var",
    np.var,
    _variance,
    _var_partial,
    "Mean of squared deviations from the mean, over some axes.",
    ones=True,
)
std_ = _dispersion(
    "std",
    np.std,
    _deviation,
    _std_partial,
    "Square root of the variance; its derivative is 0 where that is 0.",
    ones=False,
)


def correction_of(ddof: Any, correction: Any) -> Any:
    """Return what is taken from the number of elements: NumPy knows it under two names, of which one may be used."""
    if correction is None:
        return ddof
    if ddof != 0:
        message = "ddof and correction can't be provided simultaneously."
        raise ValueError(message)
    return correction


def given(mean: Any) -> dict[str, Any]:
    """Return the keyword `mean=` if it was given."""
    return {} if mean is None else {"mean": mean}


def _flat(v: Any, a: Any, axis: Any, *, keepdims: bool = True, where: Any = True) -> Any:
    """Say where a dispersion is that of equal entries: 0, or what the rounding of their mean left of 0."""
    if type_of(a).dtype.kind != "f":
        return v == 0
    top = np.max(a, axis=axis, keepdims=keepdims, where=where, initial=-np.inf)
    return (v == 0) | (top == np.min(a, axis=axis, keepdims=keepdims, where=where, initial=np.inf))


constant_: Primitive = define(
    name="constant",
    doc="The value of x, with derivative zero.",
    eval=lambda x: x + 0.0,  # a fresh array
    infer=lambda t: t,
    batch=lambda _size, xs, _batched: constant_(xs[0]),
    lower=Pointwise(lambda b, x: b("add", x, b.constant(0, x))),
    samples=unary(0.5, 2.0),
    differentiable=False,
)


def root(v: Any, a: Any, axis: Any, *, keepdims: bool, where: Any, mean: Any) -> Any:
    """Square root of the variance of `a`, with derivative 0 where its entries are equal.

    Both branches of the selection stay in the square root's smooth domain.
    """
    flat = v == 0 if mean is not None else _flat(v, a, axis, keepdims=keepdims, where=where)
    return np.where(flat, np.sqrt(constant_(v)), np.sqrt(np.where(flat, 1.0, v)))[()]


def _is_plain(a: Any, dtype: Any, where: Any, mean: Any) -> bool:
    """Say whether the primitives apply: real floating entries, all of them, about their own mean."""
    old = type_of(a).dtype
    return where is True and mean is None and old.kind == "f" and (dtype is None or np.dtype(dtype) == old)


def _square(d: Any) -> Any:
    """Return the squared size of deviations."""
    return np.real(d * np.conjugate(d)) if type_of(d).dtype.kind == "c" else d * d


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Bind `var`, or compose it."""
    ddof = correction_of(ddof, correction)
    if _is_plain(a, dtype, where, mean):
        return var_(a, axis=all_axes(axis, np.ndim(a)), ddof=ddof, keepdims=bool(keepdims))
    half = dtype is None and type_of(a).dtype == np.float16
    wide = np.float32 if half else dtype
    if mean is None:
        mean = np.mean(a, axis=axis, dtype=wide, keepdims=True, where=where)
    d = (a if wide is None else a.astype(wide)) - mean
    total = np.sum(_square(d), axis=axis, keepdims=keepdims, where=where)
    n = size_over(a, axis, where=where, keepdims=keepdims, dtype=total.dtype)
    y = total / _positive(n - ddof)
    return y.astype(np.float16) if half else y


def _positive(freedom: Any) -> Any:
    """Return degrees of freedom, at least 0; a Python number stays one and does not promote."""
    return max(freedom, 0) if isinstance(freedom, int | float) else np.maximum(freedom, 0)


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Bind `std`, or compose it."""
    ddof = correction_of(ddof, correction)
    if _is_plain(a, dtype, where, mean):
        return std_(a, axis=all_axes(axis, np.ndim(a)), ddof=ddof, keepdims=bool(keepdims))
    v = np.var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, **given(mean))
    return root(v, a, axis, keepdims=keepdims, where=where, mean=mean)

"""Derivatives of `eval` that owe nothing to the rules: three kinds, from the sharpest to the most general.

Each returns (derivative, estimated error, units) along a direction, one triple per floating result; `units` is the
relative accuracy that a rule is held to against it. A reference that is not that accurate itself
is reported, never passed over.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive

from .cases import Case, is_float
from .differences import richardson
from .rules import results

SHARP, GENERAL = 1e-12, 1e-9


def directional(prim: Primitive, case: Case, x_dots: list[Any]) -> list[tuple[Any, Any, float]]:
    """The sharpest derivative of the floating results of a primitive along x_dots."""

    def fun(*xs: Any) -> list[Any]:
        return [y for y in results(prim.eval(*xs, **case.params)) if is_float(y)]

    return along(fun, case.xs, x_dots)


def along(fun: Callable[..., Any], points: Any, x_dots: list[Any]) -> list[tuple[Any, Any, float]]:
    """The sharpest derivative along x_dots that a function of arrays, with a tuple of results, allows."""
    curve = _curve(fun, points, x_dots, np.longdouble)
    with_extended = _try(curve, 0.0)
    if with_extended and all(np.finfo(y.dtype).nmant > 52 for y in with_extended):
        return [(d, e, _units(d, e)) for d, e in richardson(curve)]
    curve = _curve(fun, points, x_dots, np.float64)
    rough = richardson(curve)
    steps = _complex_step(fun, points, x_dots)
    if steps is None or len(steps) != len(rough):
        return [(d, e, GENERAL) for d, e in rough]
    return [_sharpen(step, d, e) for step, (d, e) in zip(steps, rough, strict=True)]


def _units(reference: Any, error: Any) -> float:
    """Extended precision is lost where a function computes in float64 inside; the error estimate shows it."""
    return (
        SHARP
        if np.max(error, initial=0.0) <= 0.1 * SHARP * np.max(np.abs(reference), initial=0.0)
        else GENERAL
    )


def _curve(fun: Callable[..., Any], points: Any, x_dots: list[Any], dtype: Any) -> Callable[[Any], list[Any]]:
    pair = np.result_type(dtype, np.complex64)
    wide = [np.asarray(x).astype(pair if np.iscomplexobj(x) else dtype) if is_float(x) else x for x in points]

    def at(t: Any) -> list[Any]:
        xs = [x if d is None else x + dtype(t) * d for x, d in zip(wide, x_dots, strict=True)]
        return [np.asarray(y) for y in fun(*xs)]

    return at


def _try(curve: Callable[[Any], list[Any]], t: Any) -> list[Any] | None:
    try:
        return curve(t)
    except (
        TypeError,
        ValueError,
        np.exceptions.ComplexWarning,
    ):  # this function has no loop for such operands
        return None


def _complex_step(fun: Callable[..., Any], points: Any, x_dots: list[Any]) -> list[Any] | None:
    """Im f(x + i h x_dot) / h: no subtraction, so exact to rounding where f is analytic (Squire and Trapp 1998)."""
    if any(np.iscomplexobj(x) for x in points):
        return None
    h = 1e-30
    ys = _try(
        _curve(fun, points, [None if d is None else 1j * np.asarray(d) for d in x_dots], np.complex128), h
    )
    return None if ys is None else [y.imag / h for y in ys]


def _sharpen(step: Any, rough: Any, error: Any) -> tuple[Any, Any, float]:
    """The complex step where it agrees with the differences: where it does not, `eval` is not analytic."""
    agrees = np.abs(step - rough) <= 10 * error + 1e-8 * np.max(np.abs(rough), initial=0.0)
    if step.shape == rough.shape and not np.iscomplexobj(rough) and agrees.all():
        return step, np.zeros_like(error), SHARP
    return rough, error, GENERAL

"""Running the rules of a record by hand, and the pairing that tangents and cotangents meet in."""

from typing import Any

import numpy as np

from wengert.core.primitive import LazyScatter, Primitive, Site

from .cases import Case, is_float

# A sum of n products in floating point is off by at most about n eps times the sum of their sizes
# (Higham, Accuracy and Stability, section 3.1). Laws demand 1e-13 of that sum in float64.
UNITS = 1e-13 / np.finfo(np.float64).eps


def results(y: Any) -> tuple[Any, ...]:
    """The results of a primitive as a tuple, be they one or many."""
    return tuple(y) if isinstance(y, tuple | list) else (y,)


def like(rng: np.random.Generator, x: Any) -> Any:
    """A random tangent or cotangent of x: its shape and type; None if x carries no derivative."""
    if not is_float(x):
        return None
    z = rng.normal(size=np.shape(x))
    if np.iscomplexobj(x):
        z = z + 1j * rng.normal(size=np.shape(x))
    return np.asarray(z).astype(np.result_type(x))[()]


def tangents(case: Case, which: Any = None) -> list[Any]:
    """Random tangents of the operands named in `which` (of all, if it is None)."""
    return [like(case.rng, x) if which is None or i in which else None for i, x in enumerate(case.xs)]


def cotangents(prim: Primitive, case: Case) -> list[Any]:
    return [like(case.rng, y) for y in results(prim.eval(*case.xs, **case.params))]


def forward(prim: Primitive, case: Case, x_dots: list[Any]) -> tuple[Any, Any]:
    """Results and their tangents by the jvp rule; a tangent that is None stands for zero."""
    y, y_dot = prim.jvp(case.xs, tuple(x_dots), **case.params)
    ys = results(y)
    return ys, (None,) * len(ys) if y_dot is None else results(y_dot)


def reverse(
    prim: Primitive, case: Case, y_bars: list[Any], needs: Any = None, *, rule: Any = None
) -> list[Any]:
    """Cotangents of the operands by the save and vjp rules, or by a rule that takes the place of vjp."""
    if prim.save is None:
        y, saved = prim.eval(*case.xs, **case.params), None
    else:
        y, saved = prim.save(*case.xs, **case.params)
    if needs is None:
        needs = [is_float(x) for x in case.xs]
    leaf = Site(0, None, {}, (), None, None, ())
    parents = tuple(leaf if need else None for need in needs)
    site = Site(-1, prim, case.params, case.xs, y, saved, parents)
    x_bars = (rule or prim.vjp)(tuple(y_bars) if prim.multiple else y_bars[0], site, **case.params)
    return [_dense(x_bar, x) for x_bar, x in zip(x_bars, case.xs, strict=True)]


def _dense(x_bar: Any, x: Any) -> Any:
    if not isinstance(x_bar, LazyScatter):
        return x_bar
    dense = np.zeros(np.shape(x), np.result_type(x))
    np.add.at(dense, x_bar.index, x_bar.piece)
    return dense


def pair(bars: Any, dots: Any) -> tuple[float, float]:
    """Re sum(bar * dot) and the sum of the sizes of its terms."""
    total, size = 0.0, 0.0
    for bar, dot in zip(bars, dots, strict=True):
        if bar is not None and dot is not None:
            products = np.asarray(bar) * np.asarray(dot)
            total, size = total + float(np.sum(products.real)), size + float(np.sum(np.abs(products)))
    return total, size


def assert_type(z: Any, x: Any, what: str) -> None:
    """A derivative has the shape and the type of what it belongs to."""
    assert np.shape(z) == np.shape(x), f"{what} has shape {np.shape(z)}, not {np.shape(x)}"
    assert np.result_type(z) == np.result_type(x), f"{what} is {np.result_type(z)}, not {np.result_type(x)}"

"""Wrong rules: each mutation takes a primitive and gives its copy with one rule bent."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.laws.rules import results
from wengert.core.primitive import LazyScatter, Primitive

Bend = Callable[[Any], Any]


def _bend(z: Any, bend: Bend) -> Any:
    if z is None:
        return None
    if isinstance(z, LazyScatter):
        return LazyScatter(z.index, bend(z.piece))
    return np.asarray(bend(z)).astype(np.result_type(z))[()]


def bend_jvp(prim: Primitive, bend: Bend) -> Primitive:
    """The primitive with a bent tangent; of several, all are bent."""

    def jvp(xs: Any, x_dots: Any, **params: Any) -> Any:
        y, y_dot = prim.jvp(xs, x_dots, **params)
        if y_dot is None:
            return y, None
        bent = tuple(_bend(dot, bend) for dot in results(y_dot))
        return y, bent if prim.multiple else bent[0]

    return prim.with_rules(jvp=jvp)


def bend_taylor(prim: Primitive, bend: Bend, order: int) -> Primitive:
    """The primitive with a bent coefficient of one order; of several results, those of all are bent."""

    def taylor(xs: Any, series: Any, **params: Any) -> Any:
        y, found = prim.taylor(xs, series, **params)

        def bent(coefficients: Any) -> Any:
            return tuple([_bend(c, bend) if k == order else c for k, c in enumerate(coefficients, start=1)])

        return y, tuple([bent(c) for c in found]) if prim.multiple else bent(found)

    return prim.with_rules(taylor=taylor)


def bend_vjp(prim: Primitive, bend: Bend, operand: int) -> Primitive:
    """The primitive with the cotangent of one operand bent."""

    def vjp(y_bar: Any, site: Any, **params: Any) -> Any:
        x_bars = list(prim.vjp(y_bar, site, **params))
        x_bars[operand] = _bend(x_bars[operand], bend)
        return x_bars

    return prim.with_rules(vjp=vjp)


def bend_batch(prim: Primitive, bend: Bend) -> Primitive:
    """The primitive with the result of its batch rule bent; of several, all are."""

    def batch(size: int, xs: Any, batched: Any, **params: Any) -> Any:
        y = prim.batch(size, xs, batched, **params)
        bent = tuple(bend(np.asarray(z)) for z in results(y))
        return bent if prim.multiple else bent[0]

    return prim.with_rules(batch=batch)


def drop_operand(prim: Primitive, operand: int) -> Primitive:
    """The primitive whose vjp forgets one operand: a silent zero."""

    def vjp(y_bar: Any, site: Any, **params: Any) -> Any:
        return [None if i == operand else x_bar for i, x_bar in enumerate(prim.vjp(y_bar, site, **params))]

    return prim.with_rules(vjp=vjp)


def drop_tangent(prim: Primitive, operand: int) -> Primitive:
    """The primitive whose jvp forgets one operand, unless it is the only one that moves."""

    def jvp(xs: Any, x_dots: Any, **params: Any) -> Any:
        dots = [None if i == operand else dot for i, dot in enumerate(x_dots)]
        if all(dot is None for dot in dots):
            y = prim.eval(*xs, **params)
            return y, None
        return prim.jvp(xs, tuple(dots), **params)

    return prim.with_rules(jvp=jvp)


def with_eval(prim: Primitive, fun: Callable[..., Any]) -> Primitive:
    """The primitive with rules of another function: its value is that of `fun`, its derivative is not."""
    return prim.with_rules(eval=fun)


FACTOR: Bend = lambda z: 1.001 * z
SIGN: Bend = lambda z: -z
SHIFT: Bend = lambda z: z + 1e-6 * np.max(np.abs(z), initial=0.0)
CONJUGATE: Bend = np.conjugate

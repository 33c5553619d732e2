"""Second order: the four ways to nest the two modes compute one number, and it is the derivative of the first order.

With phi(t) = <J(x + t u)^T y_bar, v>, the derivative phi'(0) is
    <y_bar, D(J v) u>   by jvp of jvp          <v, D(J^T y_bar) u>    by jvp of vjp
    <D(J v)^T y_bar, u> by vjp of jvp          <D(J^T y_bar)^T v, u>  by vjp of vjp.
"""

from typing import Any

import numpy as np

import wengert as wg
from wengert.core.primitive import Primitive

from .cases import Case, cast, complexes, is_float
from .differences import richardson
from .reference import GENERAL
from .rules import UNITS, cotangents, pair, results, reverse, tangents


def second_order(prim: Primitive, case: Case) -> None:
    """The law on a sample as it is declared."""
    agree(prim, case)


def second_order_single(prim: Primitive, case: Case) -> None:
    """The law in float32: no rule of a rule may widen its type."""
    agree(prim, cast(case, np.float32), differences=False)


def second_order_complex(prim: Primitive, case: Case) -> None:
    """The law with complex operands, where a primitive declares that its rules hold for them."""
    if prim.complex:
        for variant in complexes(case):
            agree(prim, variant, differences=False)


def agree(prim: Primitive, case: Case, *, differences: bool = True) -> None:
    """The four nestings give one number, and (in float64) the one that differences of the vjp rule give."""
    index = [i for i, x in enumerate(case.xs) if is_float(x)]
    x = tuple(case.xs[i] for i in index)
    v, u = (tuple(tangents(case)[i] for i in index) for _ in range(2))
    y_bars = cotangents(prim, case)
    floating = [k for k, y_bar in enumerate(y_bars) if y_bar is not None]
    bars = tuple(y_bars[k] for k in floating)

    def fun(*args: Any) -> tuple[Any, ...]:
        xs = list(case.xs)
        for i, arg in zip(index, args, strict=True):
            xs[i] = arg
        ys = results(prim(*xs, **case.params))
        return tuple(ys[k] for k in floating)

    def push(*args: Any) -> Any:
        return wg.jvp(fun, args, v)[1]

    def pull(*args: Any) -> Any:
        return wg.vjp(fun, *args)[1](bars)

    numbers = {
        "jvp of jvp": pair(bars, wg.jvp(push, x, u)[1]),
        "jvp of vjp": pair(v, wg.jvp(pull, x, u)[1]),
        "vjp of jvp": pair(wg.vjp(push, *x)[1](bars), u),
        "vjp of vjp": pair(wg.vjp(pull, *x)[1](v), u),
    }
    eps = max(float(np.finfo(np.result_type(z)).eps) for z in (*x, *bars))
    size = sum(size for _, size in numbers.values()) + pair(v, pull(*x))[1]
    values = {how: value for how, (value, _) in numbers.items()}
    spread = max(values.values()) - min(values.values())
    assert spread <= UNITS * eps * size, f"{values} spread {spread:.1e} > {UNITS * eps * size:.1e}"
    if differences:
        _against_differences(
            prim, case, y_bars, dict(zip(index, zip(v, u, strict=True), strict=True)), values, size
        )


def _against_differences(
    prim: Primitive, case: Case, y_bars: list, dots: dict, values: dict, size: float
) -> None:
    def phi(t: float) -> list[Any]:
        xs = [x + t * dots[i][1] if i in dots else x for i, x in enumerate(case.xs)]
        x_bars = reverse(prim, case.with_xs(xs, "moved"), y_bars)
        return [np.asarray(pair(x_bars, [dots[i][0] if i in dots else None for i in range(len(xs))])[0])]

    [(slope, error)] = richardson(phi)
    off = abs(values["jvp of vjp"] - slope)
    assert off <= GENERAL * size + 10 * error, (
        f"second derivative off by {off:.1e} of {size:.1e} (noise {error:.1e})"
    )

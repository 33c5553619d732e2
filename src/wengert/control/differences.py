"""Derivatives of opaque code by differences: central, or by the complex step.

    central   (f(x + h v) - f(x - h v)) / 2h,  h = eps^(1/3) max(|x|, 1) / |v|:  errors of h^2 and eps / h balance
    complex   Im f(x + i h v) / h,  h tiny: nothing is subtracted, so exact to rounding (Squire & Trapp 1998)

Both run as primitives: under an outer `vmap` they loop over the examples, and a derivative of theirs raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from wengert import tree
from wengert.control.custom import CustomCall, custom_derivative, custom_eval, zero_like
from wengert.core.primitive import Primitive
from wengert.errors import NotDifferentiableError
from wengert.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["STEPS", "difference_rules"]

STEPS = {"central": float(np.finfo(float).eps) ** (1 / 3), "complex": 1e-30}


def difference_rules(function: custom_derivative, kind: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the tangent rule (xs, x_dots) -> (y, y_dot) and the cotangent rule (xs, y_bar) -> x_bars."""
    slope, slopes = _primitives(function.name, kind)

    def tangent(xs: tuple[Any, ...], x_dots: tuple[Any, ...]) -> tuple[Any, Any]:
        call, y = CustomCall(function, xs), function(*xs)
        dots = tree.flatten(x_dots)[0]
        _, structure = tree.flatten(y)
        return y, tree.unflatten(structure, slope(*call.operands(xs), *dots, call=call))

    def cotangent(xs: tuple[Any, ...], y_bar: Any) -> tuple[Any, ...]:
        call, y_bars = CustomCall(function, xs), tree.flatten(y_bar)[0]
        operands = call.operands(xs)
        x_bars = slopes(*operands, *y_bars, call=call, n=len(operands))
        return call.arguments(x_bars, lambda _leaf: 0.0)

    return tangent, cotangent


def _primitives(name: str, kind: str) -> tuple[Primitive, Primitive]:
    """Return the directional derivative, and the cotangent times every column of the Jacobian."""

    def slope(*operands: Any, call: CustomCall) -> tuple[Any, ...]:
        n = len(operands) // 2
        return _along(call, operands[:n], operands[n:], kind)

    def slopes(*operands: Any, call: CustomCall, n: int) -> tuple[Any, ...]:
        xs, y_bars = operands[:n], operands[n:]
        return tuple(
            [_pulled(call, xs, k, y_bars, kind) if _moves(x) else zero_like(x) for k, x in enumerate(xs)]
        )

    def refuse(*_args: Any, **_params: Any) -> NoReturn:
        raise NotDifferentiableError(
            f"a second derivative of {name} was asked for, whose first is a difference quotient",
            why="a difference of differences has few right digits.",
            instead="give external a jvp= or vjp= rule.",
        )

    doc = "A derivative of opaque code by differences."
    common: dict[str, Any] = {"doc": doc, "jvp": refuse, "vjp": refuse, "multiple": True}
    return (
        Primitive(name=f"slope of {name}", eval=slope, **common),
        Primitive(name=f"slopes of {name}", eval=slopes, **common),
    )


def _moves(x: Any) -> bool:
    return type_of(x).dtype.kind in "fc"


def _along(call: CustomCall, xs: Sequence[Any], x_dots: Sequence[Any], kind: str) -> tuple[Any, ...]:
    """Return the derivatives of all results along a direction; operands that do not move stay as they are."""
    moving = [k for k, x in enumerate(xs) if _moves(x) and np.any(x_dots[k])]
    if not moving:
        return tuple([zero_like(y) for y in custom_eval(*xs, call=call)])
    size = max(float(np.max(np.abs(x_dots[k]))) for k in moving)
    if kind == "complex":
        _require_real(call, [xs[k] for k in moving])
        h = STEPS[kind] / size
        return tuple([_imaginary(call, y) / h for y in _moved(call, xs, x_dots, moving, 1j * h)])
    h = STEPS[kind] * max(1.0, *[_size_along(xs[k], x_dots[k]) for k in moving]) / size
    ups, downs = (_moved(call, xs, x_dots, moving, step) for step in (h, -h))
    return tuple(
        [
            (up - down) / (2.0 * h) if _moves(up) else zero_like(up)
            for up, down in zip(ups, downs, strict=True)
        ]
    )


def _size_along(x: Any, x_dot: Any) -> float:
    """Return the largest entry that moves: the step fits these, whatever the others are."""
    return float(np.max(np.abs(np.asarray(x)[np.asarray(x_dot) != 0])))


def _moved(call: CustomCall, xs: Sequence[Any], x_dots: Sequence[Any], moving: list[int], step: Any) -> Any:
    points = [
        x + step * x_dots[k].astype(np.result_type(x_dots[k], float)) if k in moving else x
        for k, x in enumerate(xs)
    ]
    return custom_eval(*points, call=call)


def _require_real(call: CustomCall, xs: Sequence[Any]) -> None:
    if any(type_of(x).dtype.kind == "c" for x in xs):
        raise NotDifferentiableError(
            f"{call.rules.name} has complex arguments, and its derivative is by the complex step",
            why="the complex step moves a real argument into the complex plane.",
            instead='use fd="central", or give a rule.',
        )


def _imaginary(call: CustomCall, y: Any) -> Any:
    if _moves(y) and y.dtype.kind != "c":
        raise NotDifferentiableError(
            f"{call.rules.name} returned a real number for a complex argument",
            why="the complex step reads the derivative from the imaginary part, which was lost on the way.",
            instead='use fd="central", or write the function for complex arguments (no abs, float, or real parts).',
        )
    return np.imag(y)


def _pulled(call: CustomCall, xs: Sequence[Any], k: int, y_bars: Sequence[Any], kind: str) -> Any:
    """Return the cotangent of one operand, entry by entry; Re(x_bar x_dot) = Re(sum y_bar y_dot)."""
    t = type_of(xs[k])

    def along(place: tuple[int, ...], direction: complex) -> float:
        x_dots = [np.zeros(np.shape(x), np.complex128 if t.dtype.kind == "c" else np.float64) for x in xs]
        x_dots[k][place] = direction
        columns = _along(call, xs, x_dots, kind)
        return float(sum([np.sum(b * c).real for b, c in zip(y_bars, columns, strict=True)]))

    x_bar = np.zeros(t.shape, t.dtype)
    for place in np.ndindex(t.shape):
        x_bar[place] = along(place, 1.0)
        if t.dtype.kind == "c":
            x_bar[place] -= 1j * along(place, 1j)
    return x_bar[()]

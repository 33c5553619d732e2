"""Taylor mode: every value travels with the coefficients of its power series in one variable.

    x(t) = x_0 + x_1 t + ... + x_K t^K

A tracer's value is x_0 and its `info` the tuple (x_1, ..., x_K), of which None stands for zero. An operation's `taylor`
rule gives the coefficients of its result, most of them in K^2 steps (Griewank and Walther 2008, chapter 13). For one
without a rule its `jvp` rule does, as it holds for power series as well as for numbers: with x' for a tangent it gives

    y'(t) = jvp(x(t), x'(t)),        y_(k+1) = y'_k / (k + 1),

so it runs on series of one order less. A jvp rule that calls its own operation again gets there by the same way, down
to order 1. What it calls again and again, the operation on the same coefficients, is computed once: the results are
kept until the operation is done, under the identities of the coefficients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Interpreter, Traced, bind
from wengert.core.numpy_protocol import replace_traced
from wengert.core.tracer import Tracer
from wengert.errors import RuleMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.core.primitive import Primitive

__all__ = ["Series", "expand", "expanded"]

Coefficients = tuple[Any, ...]

_SMALL = 256  # entries of constants that are compared by value


class Series(Interpreter):
    """Carries `order` Taylor coefficients behind values."""

    __slots__ = ("_known", "order")
    name = "Taylor expansion"

    def __init__(self, order: int, known: _Known | None = None) -> None:
        super().__init__()
        self.order = order
        self._known = known

    def lift(self, x: Any, coefficients: Sequence[Any]) -> Any:
        """Return an input with its coefficients; a constant as it is."""
        return x if all(c is None for c in coefficients) else Tracer(self, x, tuple(coefficients))

    def hold(self, value: Any) -> Tracer:
        """Return a constant as a series: with one coefficient of zeros, what is made of it is a series too."""
        return Tracer(self, value, (*[None] * (self.order - 1), np.zeros(np.shape(value), value.dtype)))

    def lower(self, y: Any) -> tuple[Any, Coefficients]:
        """Return the value and the coefficients of an output."""
        return (y.value, y.info) if self.owns(y) else (y, (None,) * self.order)

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Compute the value and the coefficients."""
        if not self.direct:
            seen = self.consider(prim)
            if seen is None:
                return self.unrecorded(prim, xs, params)
            prim = seen
        pairs = [self.lower(x) for x in xs]
        values, series = [value for value, _ in pairs], [coefficients for _, coefficients in pairs]
        if not prim.differentiable:
            return (
                bind(prim, values, params) if self._known is None else self._known.value(prim, values, params)
            )
        y, ys = expanded(prim, values, series, params, self._known)
        if not prim.multiple:
            return self.lift(y, ys)
        return tuple([self.lift(v, coefficients) for v, coefficients in zip(y, ys, strict=True)])

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Call the function on the values."""
        self.require_open()
        args, kwargs = replace_traced((args, kwargs), self, _value)
        return function(*args, **kwargs)


def _value(x: Traced) -> Any:
    return x.value


def expand(
    fun: Callable[..., Sequence[Any]],
    xs: Sequence[Any],
    series: Sequence[Sequence[Any]],
    order: int,
    known: _Known | None = None,
) -> tuple[list[Any], list[Coefficients]]:
    """Return the results and their coefficients of a function of flat operands; None is a zero coefficient."""
    interpreter = Series(order, known)
    try:
        with interpreter:
            ys = fun(*[interpreter.lift(x, c) for x, c in zip(xs, series, strict=True)])
            pairs = [interpreter.lower(y) for y in ys]
    except BaseException:
        interpreter.abandon()
        raise
    return [y for y, _ in pairs], [coefficients for _, coefficients in pairs]


def expanded(
    prim: Primitive,
    xs: Sequence[Any],
    series: Sequence[Coefficients],
    params: dict[str, Any],
    known: _Known | None = None,
) -> tuple[Any, Any]:
    """Return the value and the coefficients of a differentiable primitive, by its rule or from its jvp rule."""
    if prim.taylor is None and prim.jvp is None:
        raise RuleMissingError(
            f"primitive {prim.name!r} has neither a taylor nor a jvp rule",
            why="Taylor mode computes the coefficients of its result by one of them.",
            instead="give its record a jvp rule.",
        )
    if known is not None:
        return known.result(prim, xs, series, params)
    if prim.taylor is not None:
        return prim.taylor(xs, series, **params)  # type: ignore[no-any-return]
    return _order_by_order(prim, xs, series, params)


def _order_by_order(
    prim: Primitive, xs: Sequence[Any], series: Sequence[Coefficients], params: dict[str, Any]
) -> tuple[Any, Any]:
    """Return value and coefficients from the jvp rule: rising orders find what they need, and do not nest deeply."""
    known = _Known()
    for k in range(1, len(series[0])):
        lower = [s[:k] for s in series]
        if any(c is not None for s in lower for c in s):
            known.result(prim, xs, lower, params)
    return known.result(prim, xs, series, params)


# From the jvp rule --------------------------------------------------------------------------------------------------


class _Known:
    """What was computed in the course of one operation; arrays are known by their identity, so they are kept.

    A result of some order has those of lower orders for its beginnings, which are the same objects whichever was
    computed first.
    """

    __slots__ = ("_kept", "_results", "_slopes")

    def __init__(self) -> None:
        self._results: dict[Any, Any] = {}
        self._slopes: dict[tuple[int, int], Any] = {}
        self._kept: list[Any] = []

    def value(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Return the result of a primitive without a derivative."""
        key = self._application(prim, xs, params)
        found = self._results.get(key)
        if found is None:
            found = self._results[key] = bind(prim, xs, params)
        return found

    def result(
        self, prim: Primitive, xs: Sequence[Any], series: Sequence[Coefficients], params: dict[str, Any]
    ) -> tuple[Any, Any]:
        """Return the value and the coefficients of the result of a primitive."""
        head, order = self._application(prim, xs, params), len(series[0])
        names = [[None if c is None else self._identity(c) for c in s] for s in series]
        keys = [(head, tuple([tuple(s[:k]) for s in names])) for k in range(1, order + 1)]
        found = self._results.get(keys[-1])
        if found is None:
            if prim.taylor is not None:
                found = prim.taylor(xs, series, **params)
            else:
                found = _from_tangents(prim, xs, series, params, self)
            before = next((k for k in range(order - 1, 0, -1) if keys[k - 1] in self._results), 0)
            if before:
                found = _joined(self._results[keys[before - 1]], found, before, multiple=prim.multiple)
            for k in range(before + 1, order + 1):
                self._results[keys[k - 1]] = _beginning(found, k, multiple=prim.multiple)
        return found

    def slope(self, coefficient: Any, k: int) -> Any:
        """Return k times a coefficient: equal objects of equal ones, so that derivatives are recognised."""
        if coefficient is None or k == 1:
            return coefficient
        key = (self._identity(coefficient), k)
        found = self._slopes.get(key)
        if found is None:
            found = self._slopes[key] = k * coefficient
        return found

    def _application(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Return what tells one application of a primitive from another."""
        operands = tuple([self._operand(x) for x in xs])
        return prim, operands, tuple([(k, self._parameter(v)) for k, v in params.items()])

    def _identity(self, x: Any) -> int:
        self._kept.append(x)
        return id(x)

    def _operand(self, x: Any) -> Any:
        """Return numbers, which rules compute anew (an order less 1), by their value."""
        if isinstance(x, np.generic) or (type(x) is np.ndarray and x.size <= _SMALL and x.dtype.kind != "O"):
            return x.dtype, x.shape, x.tobytes()
        return self._parameter(x) if isinstance(x, int | float | complex) else self._identity(x)

    def _parameter(self, x: Any) -> Any:
        """Return what is immutable by its value, other things by identity; 1, 1.0 and True differ."""
        if isinstance(x, tuple):
            return tuple([self._parameter(v) for v in x])
        if isinstance(x, int | float | complex | str):
            return type(x), repr(x)
        return self._identity(x)


def _beginning(found: tuple[Any, Any], k: int, *, multiple: bool) -> tuple[Any, Any]:
    y, series = found
    return y, tuple([s[:k] for s in series]) if multiple else series[:k]


def _joined(lower: tuple[Any, Any], higher: tuple[Any, Any], k: int, *, multiple: bool) -> tuple[Any, Any]:
    """Return a result with the first k coefficients of another one."""
    y, first = lower
    if not multiple:
        return y, (*first, *higher[1][k:])
    return y, tuple([(*a, *b[k:]) for a, b in zip(first, higher[1], strict=True)])


def _from_tangents(
    prim: Primitive, xs: Sequence[Any], series: Sequence[Coefficients], params: dict[str, Any], known: _Known
) -> tuple[Any, Any]:
    """Return value and coefficients by the jvp rule, on series of one order less."""
    order, n = len(series[0]), len(xs)
    slopes = [[known.slope(c, k) for k, c in enumerate(s, start=1)] for s in series]
    moving = [any(c is not None for c in s) for s in slopes]
    x_dots = [_or_zero(s[0], x) for s, x, on in zip(slopes, xs, moving, strict=True) if on]
    structure: list[bool] = []

    def tangents(*flat: Any) -> list[Any]:
        rest = iter(flat[n:])
        dots = [next(rest) if on else None for on in moving]
        y, y_dot = prim.jvp(flat[:n], dots, **params)  # type: ignore[misc]
        ys, y_dots = (y, y_dot) if prim.multiple else ((y,), (y_dot,))
        y_dots = [None] * len(ys) if y_dots is None else y_dots
        structure[:] = [dot is not None for dot in y_dots]
        return [*ys, *[dot for dot in y_dots if dot is not None]]

    if order == 1:
        flat, rests = tangents(*xs, *x_dots), None
    else:
        higher = [s[1:] for s, on in zip(slopes, moving, strict=True) if on]
        flat, rests = expand(tangents, [*xs, *x_dots], [*[s[:-1] for s in series], *higher], order - 1, known)
    m = len(structure)
    columns = iter(zip(flat[m:], [()] * len(flat[m:]) if rests is None else rests[m:], strict=True))
    found = [_integrated(*next(columns)) if has else (None,) * order for has in structure]
    return (tuple(flat[:m]), tuple(found)) if prim.multiple else (flat[0], found[0])


def _or_zero(x_dot: Any, x: Any) -> Any:
    return np.zeros(np.shape(x), x.dtype)[()] if x_dot is None else x_dot


def _integrated(first: Any, rest: Coefficients) -> Coefficients:
    """Return y_1, y_2, ... of the series y_1 + 2 y_2 t + ... of y'."""
    return (first, *[None if c is None else c / k for k, c in enumerate(rest, start=2)])

"""Laplacians: every value travels with its derivatives along all directions, and with one second derivative.

Along a direction v_i a value is a series x_0 + v_i t + w_i t^2. Every operation takes these to

    y_0 = f(x_0),    f'(x_0) v_i,    f'(x_0) w_i + f''(x_0)[v_i, v_i] / 2,

the last of which is linear in w_i: their mean over the directions needs only the mean of the w_i. So a tracer's
`info` is (v, w), with the directions in front of v and w the mean, and the Laplacian along n directions is 2 n w
(collapsed Taylor mode: Dangel, Siebert, Zeinhofer and Walther 2025; forward Laplacian: Li et al. 2024). Nothing of
the second order has an axis of directions but what an operation curves, and values are computed once.

An operation's `taylor` rule does it: of order 2, as a batch over the directions, of which the w are not a part. A
curved function of one real operand, entry by entry, needs its two derivatives only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Interpreter, Traced, bind
from wengert.core.numpy_protocol import replace_traced
from wengert.core.tracer import Tracer
from wengert.ops.families import masked
from wengert.transforms.batching import batch
from wengert.transforms.taylor import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.core.primitive import Primitive

__all__ = ["Collapsed", "collapse"]

Second = tuple[Any, Any]  # the derivatives along all directions, and the mean of the second coefficients


class Collapsed(Interpreter):
    """Carries `size` directional derivatives and the mean of the second ones behind values."""

    __slots__ = ("size",)
    name = "Laplacian"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def lift(self, x: Any, v: Any, w: Any = None) -> Any:
        """Return a value with its derivatives; a constant as it is."""
        return x if v is None and w is None else Tracer(self, x, (v, w))

    def hold(self, value: Any) -> Tracer:
        """Return a constant with a w of zeros: then what is made of it is traced too."""
        return Tracer(self, value, (None, np.zeros(np.shape(value), value.dtype)))

    def lower(self, y: Any) -> tuple[Any, Second]:
        """Return the value and the derivatives of an output."""
        return (y.value, y.info) if self.owns(y) else (y, (None, None))

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Compute the value and the derivatives."""
        if not self.direct:
            seen = self.consider(prim)
            if seen is None:
                return self.unrecorded(prim, xs, params)
            prim = seen
        pairs = [self.lower(x) for x in xs]
        values, moves = [value for value, _ in pairs], [move for _, move in pairs]
        if not prim.differentiable:
            return bind(prim, values, params)
        if prim.elementwise and len(xs) == 1 and values[0].dtype.kind == "f":
            ys = [_curved(prim, values[0], *moves[0])]
        else:
            ys = _along_all(prim, values, moves, params, self.size)
        results = [self.lift(*y) for y in ys]
        return tuple(results) if prim.multiple else results[0]

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Call the function on the values."""
        self.require_open()
        args, kwargs = replace_traced((args, kwargs), self, _value)
        return function(*args, **kwargs)


def _value(x: Traced) -> Any:
    return x.value


def _curved(prim: Primitive, x: Any, v: Any, w: Any) -> tuple[Any, Any, Any]:
    """Return f(x), f' v and f' w + (f'' / 2) mean(v^2) of a function of one real operand, entry by entry."""
    y, (slope, curve) = expanded(prim, [x], [(np.ones_like(x), None)], {})
    if slope is None:
        return y, None, None
    with np.errstate(all="ignore"):
        first = None if v is None else masked(v, slope)
        second = None if w is None else masked(w, slope)
        if curve is not None and v is not None:
            bent = masked(np.mean(v * v, axis=0), curve)
            second = bent if second is None else second + bent
    return y, first, second


def _along_all(
    prim: Primitive, values: Sequence[Any], moves: Sequence[Second], params: dict[str, Any], size: int
) -> list[tuple[Any, Any, Any]]:
    """Return the value and the derivatives of each result, by the rule for series as a batch over the directions."""

    def along(*directions: Any) -> list[Any]:
        rest = iter(directions)
        series = [(None if v is None else next(rest), w) for v, w in moves]
        y, found = expanded(prim, values, series, params)
        pairs = zip(y, found, strict=True) if prim.multiple else [(y, found)]
        return [part for y, coefficients in pairs for part in (y, *coefficients)]

    directions = [v for v, _ in moves if v is not None]
    batched, flat = batch(along, directions, [0] * len(directions), size)
    triples = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
    return [
        (
            y.value[0] if batched.owns(y) else y,
            None if v is None else batched.lower(v, 0),
            np.mean(w.value, axis=0) if batched.owns(w) else w,
        )
        for y, v, w in triples
    ]


def collapse(fun: Callable[..., Sequence[Any]], xs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Return the results of a function of flat operands, and the sums of their second derivatives by every entry."""
    sizes = [math.prod(np.shape(x)) for x in xs]
    n, begin = sum(sizes), 0
    interpreter = Collapsed(n)
    try:
        with interpreter:
            inputs = []
            for x, size in zip(xs, sizes, strict=True):
                rows = np.eye(n, size, -begin, dtype=x.dtype)
                inputs.append(interpreter.lift(x, np.reshape(rows, (n, *np.shape(x)))) if n else x)
                begin += size
            pairs = [interpreter.lower(y) for y in fun(*inputs)]
    except BaseException:
        interpreter.abandon()
        raise
    return [y for y, _ in pairs], [None if w is None else 2.0 * n * w for _, (_, w) in pairs]

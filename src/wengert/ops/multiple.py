"""The family of ufuncs with several results, from their partial derivatives; and NumPy's own: divmod, modf, frexp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import UFUNCS
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import align, binary, masked, match, spread, unary
from wengert.types import ArrayType

__all__ = ["divmod_", "elementwise_multiple", "frexp", "modf"]


def _infer(fun: np.ufunc) -> Callable[..., tuple[ArrayType, ...]]:
    def infer(*types: ArrayType) -> tuple[ArrayType, ...]:
        shape = np.broadcast_shapes(*[t.shape for t in types])
        operands = (*[t.dtype for t in types], *([None] * fun.nout))
        return tuple([ArrayType(shape, dtype) for dtype in fun.resolve_dtypes(operands)[fun.nin :]])

    return infer


def _total(factors: Sequence[Any], partials: Sequence[Any], ys: Sequence[Any], xs: Sequence[Any]) -> Any:
    """Sum factor times partial over those that are not zero; None if there are none."""
    total = None
    for factor, partial in zip(factors, partials, strict=True):
        if factor is None or partial == 0:
            continue
        part = factor if partial == 1 else masked(factor, partial(ys, *xs))
        total = part if total is None else total + part
    return total


def elementwise_multiple(
    fun: np.ufunc,
    partials: Sequence[Sequence[Callable[..., Any] | int]],
    *,
    doc: str,
    samples: Callable[..., Any],
    name: str | None = None,
    complex: bool = False,
) -> Primitive:
    """Define the primitive of a ufunc with several results.

    Parameters
    ----------
    fun : ufunc
        Any ufunc with several results.
    partials : sequence of sequences
        partials[k][i] is a function (ys, *xs) -> dy_k/dx_i, or the number 0 or 1 where it is that constant.
    doc, samples, name, complex
        Fields of the record.

    Returns
    -------
    Primitive
    """

    def jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
        ys = fun(*xs)
        with np.errstate(all="ignore"):
            y_dots = [_total(x_dots, row, ys, xs) for row in partials]
        return ys, tuple(
            [None if y_dot is None else spread(y_dot, y) for y_dot, y in zip(y_dots, ys, strict=True)]
        )

    def vjp(y_bars: Sequence[Any], site: Site) -> list[Any]:
        columns = zip(*partials, strict=True)
        x_bars = [_total(y_bars, column, site.y, site.xs) if need else None
                  for column, need in zip(columns, site.needs, strict=True)]  # fmt: skip
        return [None if x_bar is None else match(x_bar, x) for x_bar, x in zip(x_bars, site.xs, strict=True)]

    prim = define(
        name=name or fun.__name__,
        doc=doc,
        eval=fun,
        infer=_infer(fun),
        jvp=jvp,
        vjp=vjp,
        batch=lambda _size, xs, batched: fun(*align(xs, batched)),
        samples=samples,
        multiple=True,
        complex=complex,
    )
    UFUNCS[fun] = prim
    return prim


# x1 = q x2 + r with a whole number q, which is locally constant: r has the partials 1 and -q.
divmod_ = elementwise_multiple(
    np.divmod,
    ((0, 0), (1, lambda ys, x1, x2: -ys[0])),
    samples=binary(99.0, 101.0, 39.0, 41.0),
    doc="Whole quotient, with zero derivative, and remainder of x1 / x2.",
)

modf = elementwise_multiple(
    np.modf,
    ((1,), (0,)),
    samples=unary(12.4, 12.6),
    doc="Fractional part of x, and its whole part with zero derivative.",
)

# x = m 2^e with a whole number e, which is locally constant: m has the partial 2^-e.
frexp = elementwise_multiple(
    np.frexp,
    ((lambda ys, x: np.ldexp(1.0, -ys[1]),), (0,)),
    samples=unary(11.0, 13.0),
    doc="Mantissa of x, and its binary exponent with zero derivative.",
)

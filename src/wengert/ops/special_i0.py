"""NumPy's own modified Bessel function of order 0, which is not a ufunc; its derivatives are SciPy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from wengert.core.numpy_protocol import implements, operand
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import match, spread, unary
from wengert.types import ArrayType

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["i0_"]

# i0' = i1 (DLMF 10.29.3); i1 is a ufunc of SciPy with rules of its own, so all higher orders follow.


def _i0_jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    y = i0_(*xs)
    return y, spread(x_dots[0] * special.i1(xs[0]), y)


def _i0_vjp(y_bar: Any, site: Site) -> list[Any]:
    (x,) = site.xs
    return [match(y_bar * special.i1(x), x)]


i0_: Primitive = define(
    name="numpy_i0",
    doc="Modified Bessel function I of order 0, by NumPy's Chebyshev series. DLMF 10.25.2, 10.29.3.",
    eval=np.i0,
    infer=lambda t: ArrayType(t.shape, t.dtype),
    jvp=_i0_jvp,
    vjp=_i0_vjp,
    batch=lambda _size, xs, _batched: i0_(*xs),
    samples=unary(-9.0, 9.0),
)


@implements(np.i0)
def i0(x: Any) -> Any:
    """Bind the primitive; sequences become arrays."""
    return i0_(operand(x))

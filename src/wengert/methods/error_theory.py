r"""What theory says of the error of a difference formula against its step, from derivatives in many digits.

For a formula D of order p with weights w_i and constant C (see `stencils`), at a function of size |f|,

    |D(h) - f'|  <=  |C| |f^(p+1)| h^p  +  eps (sum_i |w_i| |f| + |x| |f'|) / h,

truncation, and round-off of the values and of the points. The sum is least where the slopes cancel,

    h* = (R / (p T))^(1/(p+1)),     T = |C| |f^(p+1)|,  R = eps (sum_i |w_i| |f| + |x| |f'|).

The complex step subtracts nothing: its round-off is eps |f'|, whatever h. These are bounds of the terms, with the
leading derivative alone: the error measured lies below, and off the bounds where h is no longer small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.errors import WengertError
from wengert.methods.high_precision import HighPrecision
from wengert.methods.reference import graph_at
from wengert.methods.stencils import Stencil, epsilon

__all__ = ["Bound", "bounds"]


@dataclass(frozen=True, slots=True)
class Bound:
    """The bound truncation * h**order + round_off * h**slope.

    Attributes
    ----------
    order, slope : int
        Slopes of the two branches; the complex step's round-off has slope 0.
    truncation, round_off : float
        T and R; nan if they are not known.
    """

    order: int
    slope: int
    truncation: float
    round_off: float

    def __call__(self, h: Any) -> Any:
        """Return the bound at steps."""
        return self.truncation * h**self.order + self.round_off * h**self.slope

    @property
    def best(self) -> float:
        """The step where it is least, for the complex step the largest of them; inf without truncation."""
        if self.slope == 0:  # where truncation is a tenth of the round-off; smaller steps do as well
            return (
                float((0.1 * self.round_off / self.truncation) ** (1 / self.order))
                if self.truncation
                else np.inf
            )
        if self.truncation == 0:
            return float("inf")
        return float((self.round_off / (self.order * self.truncation)) ** (1 / (self.order + 1)))


def bounds(
    fun: Callable[[Any], Any], x: Any, directions: Sequence[Any], stencils: Sequence[Stencil]
) -> dict[str, Bound]:
    """Return the bounds of formulas at a point, the largest over directions and entries of the result.

    Without arithmetic of many digits only the slopes are known.
    """
    try:
        exact = HighPrecision(graph_at(fun, [x]), limit=1.0)
        tables = [_sizes(exact, x, v, {0, 1, *[s.order + 1 for s in stencils]}) for v in directions]
    except (WengertError, ArithmeticError, TimeoutError):
        tables = []
    return {stencil.name: _bound(stencil, x, directions, tables) for stencil in stencils}


def _sizes(exact: HighPrecision, x: Any, v: Any, orders: set[int]) -> dict[int, Any]:
    """Return |d^k f / dt^k| along a direction, entry by entry, for orders k."""
    return {k: np.abs(exact.along([x], [v], k)) for k in sorted(orders)}


def _bound(stencil: Stencil, x: Any, directions: Sequence[Any], tables: Sequence[dict[int, Any]]) -> Bound:
    slope = 0 if stencil.imaginary else -1
    if not tables:
        return Bound(stencil.order, slope, float("nan"), float("nan"))
    eps = epsilon(x)
    weight = sum(map(abs, stencil.weights))
    truncation = max(float(np.max(table[stencil.order + 1], initial=0)) for table in tables) * abs(
        stencil.constant
    )
    sizes = [float(np.max(np.abs(x * (v != 0)), initial=0)) for v in directions]
    round_off = max(
        eps * float(np.max(table[1] if stencil.imaginary else weight * table[0] + size * table[1], initial=0))
        for table, size in zip(tables, sizes, strict=True)
    )
    return Bound(stencil.order, slope, truncation, round_off)

r"""Difference formulas: where they sample a function, how they weigh it, and which step suits them.

Every formula approximates f'(x), the derivative of a function of one real number, by

    D(h) = (1/h) sum_i w_i f(x + c_i h)  =  f'(x) + C h^p f^(p+1)(x) + O(h^(p+1)),

with the offsets c, the weights w, the order p and the constant C given here. Two errors compete:

    truncation   |C| h^p |f^(p+1)|           falls with h as h^p,
    round-off    (sum_i |w_i|) eps |f| / h   grows as h falls, as h^-1,

where eps is the unit round-off of the arithmetic. Their sum is least where the two derivatives with respect
to h cancel, at h proportional to eps^(1/(p+1)), and is then proportional to eps^(p/(p+1)): half of the
digits survive in a forward difference, two thirds in a central one, four fifths with five points.

The complex step f'(x) = Im f(x + ih) / h + O(h^2) subtracts nothing, so its round-off error does not grow
as h falls, and h may be so small that the truncation error vanishes. It needs a function that is real on
the real line, analytic, and written in arithmetic that accepts complex numbers.

References
----------
W. H. Press et al., Numerical Recipes, 3rd edition (2007), section 5.7: errors of forward and central
differences and the best steps. B. Fornberg, Mathematics of Computation 51 (1988) 699: weights of the
formulas. W. Squire and G. Trapp, SIAM Review 40 (1998) 110: the complex step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "BACKWARD",
    "CENTRAL",
    "COMPLEX",
    "FIVE_POINT",
    "FORWARD",
    "STENCILS",
    "Stencil",
    "epsilon",
    "power_of_two",
    "scale",
]


@dataclass(frozen=True, slots=True)
class Stencil:
    """One difference formula: offsets c, weights w, order p and constant C; an imaginary one is the complex step."""

    name: str
    offsets: tuple[float, ...]
    weights: tuple[float, ...]
    order: int
    constant: float
    imaginary: bool = False

    def best_step(self, eps: float) -> float:
        """Return the step for x and f of size one: the power of two nearest to where the two errors balance.

        A power of two, because x + h is then exact, or nearly so: h means what it says (Numerical Recipes (5.7.4)).
        """
        # The complex step has only truncation, h^2/6, to make vanish beside eps, far from underflow: h^2 = eps^2.5.
        exponent = 1.25 if self.imaginary else 1 / (self.order + 1)
        return power_of_two(eps**exponent)

    def difference(self, fun: Any, x: Any, direction: Any, h: float, here: Any = None) -> Any:
        """Return D(h) along a direction: of fun(x + t direction) at t = 0; `here` is fun(x), if known."""
        points = zip(self.offsets, self.points(x, direction, h), strict=True)
        return self.combine([fun(p) if offset or here is None else here for offset, p in points], h)

    def points(self, x: Any, direction: Any, h: float) -> list[Any]:
        """Return the points at which the function is sampled."""
        if self.imaginary:
            # Not x + 1j*(h*direction): the real part of that product may be -0 or nan.
            return [_complex(x, h * direction)]
        return [x + (offset * h) * direction for offset in self.offsets]

    def combine(self, values: list[Any], h: float) -> Any:
        """Return D(h) from the values at the points."""
        if self.imaginary:
            return np.imag(values[0]) / h
        total = self.weights[0] * values[0]
        for weight, value in zip(self.weights[1:], values[1:], strict=True):
            total = total + weight * value
        return total / h

    def round_off(self, values: list[Any], eps: float, h: float) -> Any:
        """Return the bound of the round-off error of D(h), were every value computed to full precision."""
        if self.imaginary:
            return eps * np.abs(np.imag(values[0])) / h
        sizes = [abs(weight) * np.abs(value) for weight, value in zip(self.weights, values, strict=True)]
        return eps * sum(sizes[1:], sizes[0]) / h


# The constants C follow from Taylor's theorem, for instance for the central formula
# [f(x+h) - f(x-h)] / 2h = f' + h^2/6 f''' + O(h^4); Fornberg (1988), table 1 has the weights.
FORWARD = Stencil("forward", (0, 1), (-1.0, 1.0), order=1, constant=1 / 2)
BACKWARD = Stencil("backward", (-1, 0), (-1.0, 1.0), order=1, constant=-1 / 2)
CENTRAL = Stencil("central", (-1, 1), (-0.5, 0.5), order=2, constant=1 / 6)
FIVE_POINT = Stencil(
    "five_point", (-2, -1, 1, 2), (1 / 12, -2 / 3, 2 / 3, -1 / 12), order=4, constant=-1 / 30
)
COMPLEX = Stencil("complex", (1,), (1.0,), order=2, constant=-1 / 6, imaginary=True)

STENCILS = {stencil.name: stencil for stencil in (FORWARD, BACKWARD, CENTRAL, FIVE_POINT, COMPLEX)}


def epsilon(*arrays: Any) -> float:
    """Return the unit round-off of the least precise floating-point array among these."""
    dtypes = [np.asarray(a).dtype for a in arrays]
    return max((float(np.finfo(t).eps) for t in dtypes if t.kind in "fc"), default=float(np.finfo(float).eps))


def scale(x: Any, direction: Any) -> float:
    """Return the power of two nearest to the length on which x moves by its own size, max(|x|, 1), along a direction.

    A power of two, so that multiplying by a step loses nothing.
    """
    size, speed = np.maximum(np.abs(x), 1.0), np.abs(direction)
    moving = (speed > 0) & np.isfinite(size) & np.isfinite(speed)
    if not np.any(moving):
        return 1.0
    length = float(np.min(size[moving].astype(float) / speed[moving].astype(float)))
    return power_of_two(length)


def power_of_two(length: float) -> float:
    """Return the power of two nearest to a positive length, by ratio."""
    return float(2.0 ** np.round(np.log2(length)))


def _complex(real: Any, imaginary: Any) -> Any:
    z = np.empty(np.shape(real), np.result_type(real, np.complex64))
    z.real, z.imag = real, imaginary
    return z[()]

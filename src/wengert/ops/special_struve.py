"""Struve functions, and integrals of Bessel and Struve functions."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from scipy import special

from wengert.ops.families import elementwise, unary
from wengert.ops.multiple import elementwise_multiple
from wengert.ops.special_families import fixed, parameters, removable

__all__: list[str] = []


# With h = (x/2)^v / (sqrt(pi) Gamma(v + 3/2)) (DLMF 11.4.24, 11.4.26):
#   2 H_v' = H_(v-1) - H_(v+1) + h,     2 L_v' = L_(v-1) + L_(v+1) + h


def _power_term(v: Any, x: Any) -> Any:
    return (0.5 * x) ** v * special.rgamma(v + 1.5) / sqrt(pi)


elementwise(
    special.struve,
    (
        fixed("struve", "v"),
        lambda y, v, x: 0.5 * (special.struve(v - 1, x) - special.struve(v + 1, x) + _power_term(v, x)),
    ),
    samples=parameters((0, 3), (0.5, 4.0)),
    doc="Struve function H of order v. DLMF 11.2.1, 11.4.24.",
)

elementwise(
    special.modstruve,
    (
        fixed("modstruve", "v"),
        lambda y, v, x: 0.5 * (special.modstruve(v - 1, x) + special.modstruve(v + 1, x) + _power_term(v, x)),
    ),
    samples=parameters((0, 3), (0.5, 4.0)),
    doc="Modified Struve function L of order v. DLMF 11.2.2, 11.4.26.",
)

elementwise(
    special.itstruve0,
    (lambda y, x: special.struve(0, x),),
    samples=unary(0.5, 4.0),
    doc="Integral of the Struve function H_0 from 0 to x. DLMF 11.7.",
)

elementwise(
    special.it2struve0,
    (lambda y, x: -special.struve(0, x) / x,),
    samples=unary(0.5, 4.0),
    doc="Integral of H_0(t) / t from x to infinity. DLMF 11.7.",
)

elementwise(
    special.itmodstruve0,
    (lambda y, x: special.modstruve(0, x),),
    samples=unary(0.5, 3.0),
    doc="Integral of the modified Struve function L_0 from 0 to x. DLMF 11.7.",
)

elementwise_multiple(
    special.itj0y0,
    ((lambda ys, x: special.j0(x),), (lambda ys, x: special.y0(x),)),
    samples=unary(0.5, 4.0),
    doc="Integrals of the Bessel functions J_0 and Y_0 from 0 to x. DLMF 10.22.",
)

elementwise_multiple(
    special.iti0k0,
    ((lambda ys, x: special.i0(x),), (lambda ys, x: special.k0(x),)),
    samples=unary(0.5, 4.0),
    doc="Integrals of the modified Bessel functions I_0 and K_0 from 0 to x. DLMF 10.43.",
)

# (1 - J_0(x)) / x = (x / 4) S(-x^2 / 4) and (I_0(x) - 1) / x = (x / 4) S(x^2 / 4), S(q) the sum of q^k / (k + 1)!^2
# (DLMF 10.2.2, 10.25.2): for |x| < 1/2 without cancellation, and exact to rounding with eight terms.


def _shifted_bessel(q: Any) -> Any:
    total = 1.0
    for k in range(8, 1, -1):
        total = 1.0 + q / (k * k) * total
    return total


def _rise_of_j(x: Any) -> Any:
    return removable(
        x, lambda x: 0.25 * x * _shifted_bessel(-0.25 * x * x), lambda x: (1.0 - special.j0(x)) / x
    )


def _rise_of_i(x: Any) -> Any:
    return removable(
        x, lambda x: 0.25 * x * _shifted_bessel(0.25 * x * x), lambda x: (special.i0(x) - 1.0) / x
    )


elementwise_multiple(
    special.it2j0y0,
    ((lambda ys, x: _rise_of_j(x),), (lambda ys, x: -special.y0(x) / x,)),
    samples=unary(0.5, 4.0),
    doc="Integrals of (1 - J_0(t)) / t from 0 to x and of Y_0(t) / t from x to infinity. DLMF 10.22.",
)

elementwise_multiple(
    special.it2i0k0,
    ((lambda ys, x: _rise_of_i(x),), (lambda ys, x: -special.k0(x) / x,)),
    samples=unary(0.5, 4.0),
    doc="Integrals of (I_0(t) - 1) / t from 0 to x and of K_0(t) / t from x to infinity. DLMF 10.43.",
)

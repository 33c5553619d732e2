"""Bessel functions J, Y, I and K, Hankel functions, and their scaled forms.

A derivative in x is half a difference or sum of neighboring orders (DLMF 10.6.1, 10.29.1), which needs no
division by x and so holds at 0; the derivative in the order is that of special_orders.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from wengert.errors import RuleMissingError
from wengert.ops.families import elementwise, unary
from wengert.ops.special_families import fixed, parameters
from wengert.ops.special_hypergeometric import kummer
from wengert.ops.special_orders import order_of_i, order_of_ive, order_of_k, oscillating_order

__all__: list[str] = []


def _require_real(x: Any, name: str) -> None:
    if np.result_type(x).kind == "c":
        raise RuleMissingError(
            f"{name} was differentiated at complex points",
            why="its scaling factor contains an absolute value, so it is not a holomorphic function.",
            instead="scale the unscaled function yourself, or declare a rule with wengert.external.",
        )


# J and Y: 2 C_v' = C_(v-1) - C_(v+1), DLMF 10.6.1 ----------------------------------------------------------------

elementwise(
    special.j0,
    (lambda y, x: -special.j1(x),),
    samples=unary(-4.0, 4.0),
    doc="Bessel function J of order 0. DLMF 10.2.2, 10.6.3.",
)

elementwise(
    special.j1,
    (lambda y, x: 0.5 * (special.j0(x) - special.jv(2, x)),),
    samples=unary(-4.0, 4.0),
    doc="Bessel function J of order 1. DLMF 10.2.2, 10.6.1.",
)

elementwise(
    special.y0,
    (lambda y, x: -special.y1(x),),
    samples=unary(0.5, 4.0),
    doc="Bessel function Y of order 0. DLMF 10.2.3, 10.6.3.",
)

elementwise(
    special.y1,
    (lambda y, x: 0.5 * (special.y0(x) - special.yv(2, x)),),
    samples=unary(0.5, 4.0),
    doc="Bessel function Y of order 1. DLMF 10.2.3, 10.6.1.",
)

elementwise(
    special.jv,
    (
        oscillating_order(special.jv, -1.0),
        lambda y, v, x: 0.5 * (special.jv(v - 1, x) - special.jv(v + 1, x)),
    ),
    samples=parameters((0, 3), (0.5, 4.0)),
    complex=True,
    doc="Bessel function J of order v. DLMF 10.2.2, 10.6.1.",
)

elementwise(
    special.yv,
    (oscillating_order(special.yv, 1.0), lambda y, v, x: 0.5 * (special.yv(v - 1, x) - special.yv(v + 1, x))),
    samples=parameters((0, 3), (0.5, 4.0)),
    complex=True,
    doc="Bessel function Y of order v. DLMF 10.2.3, 10.6.1.",
)

elementwise(
    special.yn,
    (fixed("yn", "n"), lambda y, n, x: 0.5 * (special.yn(n - 1, x) - special.yn(n + 1, x))),
    samples=parameters((0, 3), (0.5, 4.0)),
    doc="Bessel function Y of whole order n. DLMF 10.2.3, 10.6.1.",
)

elementwise(
    special.hankel1,
    (
        oscillating_order(special.hankel1, 1.0),
        lambda y, v, z: 0.5 * (special.hankel1(v - 1, z) - special.hankel1(v + 1, z)),
    ),
    samples=parameters((0, 3), (0.5, 4.0)),
    complex=True,
    doc="Hankel function J + i Y of order v. DLMF 10.4.3, 10.6.1.",
)

elementwise(
    special.hankel2,
    (
        oscillating_order(special.hankel2, 1.0),
        lambda y, v, z: 0.5 * (special.hankel2(v - 1, z) - special.hankel2(v + 1, z)),
    ),
    samples=parameters((0, 3), (0.5, 4.0)),
    complex=True,
    doc="Hankel function J - i Y of order v. DLMF 10.4.3, 10.6.1.",
)

# hankel1e = hankel1 exp(-i z), hankel2e = hankel2 exp(i z).
elementwise(
    special.hankel1e,
    (
        oscillating_order(special.hankel1e, 1.0),
        lambda y, v, z: 0.5 * (special.hankel1e(v - 1, z) - special.hankel1e(v + 1, z)) - y * 1j,
    ),
    samples=parameters((0, 3), (0.5, 4.0)),
    complex=True,
    doc="Hankel function of the first kind and order v times exp(-i z). DLMF 10.4.3, 10.6.1.",
)

elementwise(
    special.hankel2e,
    (
        oscillating_order(special.hankel2e, 1.0),
        lambda y, v, z: 0.5 * (special.hankel2e(v - 1, z) - special.hankel2e(v + 1, z)) + y * 1j,
    ),
    samples=parameters((0, 3), (0.5, 4.0)),
    complex=True,
    doc="Hankel function of the second kind and order v times exp(i z). DLMF 10.4.3, 10.6.1.",
)


# jve and yve carry the factor exp(-|Im z|), which is 1 for real z.


def _scaled_slope(name: str, fun: np.ufunc) -> Any:
    def slope(y: Any, v: Any, x: Any) -> Any:
        _require_real(x, name)
        return 0.5 * (fun(v - 1, x) - fun(v + 1, x))

    return slope


elementwise(
    special.jve,
    (oscillating_order(special.jve, -1.0), _scaled_slope("jve", special.jve)),
    samples=parameters((0, 3), (0.5, 4.0)),
    doc="Bessel function J of order v times exp(-|Im z|). DLMF 10.2.2, 10.6.1.",
)

elementwise(
    special.yve,
    (oscillating_order(special.yve, 1.0), _scaled_slope("yve", special.yve)),
    samples=parameters((0, 3), (0.5, 4.0)),
    doc="Bessel function Y of order v times exp(-|Im z|). DLMF 10.2.3, 10.6.1.",
)


# I and K: 2 I_v' = I_(v-1) + I_(v+1) and -2 K_v' = K_(v-1) + K_(v+1), DLMF 10.29.1 ---------------------------------

elementwise(
    special.i0,
    (lambda y, x: special.i1(x),),
    samples=unary(-3.0, 3.0),
    doc="Modified Bessel function I of order 0. DLMF 10.25.2, 10.29.3.",
)

elementwise(
    special.i1,
    (lambda y, x: 0.5 * (special.i0(x) + special.iv(2, x)),),
    samples=unary(-3.0, 3.0),
    doc="Modified Bessel function I of order 1. DLMF 10.25.2, 10.29.1.",
)

elementwise(
    special.iv,
    (order_of_i, lambda y, v, x: 0.5 * (special.iv(v - 1, x) + special.iv(v + 1, x))),
    samples=parameters((0, 3), (0.5, 3.0)),
    complex=True,
    doc="Modified Bessel function I of order v. DLMF 10.25.2, 10.29.1.",
)

elementwise(
    special.k0,
    (lambda y, x: -special.k1(x),),
    samples=unary(0.5, 3.0),
    doc="Modified Bessel function K of order 0. DLMF 10.25.3, 10.29.3.",
)

elementwise(
    special.k1,
    (lambda y, x: -0.5 * (special.k0(x) + special.kv(2, x)),),
    samples=unary(0.5, 3.0),
    doc="Modified Bessel function K of order 1. DLMF 10.25.3, 10.29.1.",
)

elementwise(
    special.kv,
    (order_of_k(special.kv), lambda y, v, x: -0.5 * (special.kv(v - 1, x) + special.kv(v + 1, x))),
    samples=parameters((0, 3), (0.5, 3.0)),
    complex=True,
    doc="Modified Bessel function K of order v. DLMF 10.25.3, 10.29.1.",
)

elementwise(
    special.kn,
    (fixed("kn", "n"), lambda y, n, x: -0.5 * (special.kn(n - 1, x) + special.kn(n + 1, x))),
    samples=parameters((0, 3), (0.5, 3.0)),
    doc="Modified Bessel function K of whole order n. DLMF 10.25.3, 10.29.1.",
)


# Scaled: i0e = exp(-|x|) I_0(x) = M(1/2, 1, -2|x|) and i1e = exp(-|x|) I_1(x) = (x/2) M(3/2, 3, -2|x|) with
# Kummer's function M (DLMF 10.39.5). The difference i1e - i0e of the plain rule would cancel for large x; M
# has none.


def _i0e_slope(x: Any) -> Any:
    return -np.sign(x) * kummer(-2.0 * np.absolute(x), a=1.5, b=2.0)


def _i1e_slope(x: Any) -> Any:
    t = -2.0 * np.absolute(x)
    return kummer(t, a=1.5, b=2.0) - 0.5 * kummer(t, a=1.5, b=3.0)


elementwise(
    special.i0e,
    (lambda y, x: _i0e_slope(x),),
    samples=unary(0.5, 3.0),
    doc="exp(-|x|) I_0(x), with derivative 0 at the kink 0. DLMF 10.29.3, 10.39.5.",
)

elementwise(
    special.i1e,
    (lambda y, x: _i1e_slope(x),),
    samples=unary(0.5, 3.0),
    doc="exp(-|x|) I_1(x). DLMF 10.29.1, 10.39.5.",
)


def _ive_slope(y: Any, v: Any, x: Any) -> Any:
    _require_real(x, "ive")
    return 0.5 * (special.ive(v - 1, x) + special.ive(v + 1, x)) - np.sign(x) * y


elementwise(
    special.ive,
    (order_of_ive, _ive_slope),
    samples=parameters((0, 3), (0.5, 3.0)),
    doc="exp(-|Re x|) I_v(x). DLMF 10.25.2, 10.29.1.",
)

elementwise(
    special.k0e,
    (lambda y, x: y - special.k1e(x),),
    samples=unary(0.5, 3.0),
    doc="exp(x) K_0(x). DLMF 10.25.3, 10.29.3.",
)

elementwise(
    special.k1e,
    (lambda y, x: y - 0.5 * (special.k0e(x) + special.kve(2, x)),),
    samples=unary(0.5, 3.0),
    doc="exp(x) K_1(x). DLMF 10.25.3, 10.29.1.",
)

elementwise(
    special.kve,
    (order_of_k(special.kve), lambda y, v, x: y - 0.5 * (special.kve(v - 1, x) + special.kve(v + 1, x))),
    samples=parameters((0, 3), (0.5, 3.0)),
    complex=True,
    doc="exp(x) K_v(x). DLMF 10.25.3, 10.29.1.",
)

"""Exponential, sine and cosine integrals; the dilogarithm; Lambert's W; elliptic integrals and functions."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from scipy import special
from scipy.special import _ufuncs

from wengert.ops.families import elementwise, unary
from wengert.ops.multiple import elementwise_multiple
from wengert.ops.special_families import fixed, parameters, removable

__all__: list[str] = []


def _is_complex(x: Any) -> bool:
    return bool(np.result_type(x).kind == "c")


# Exponential integrals ----------------------------------------------------------------------------------------------

elementwise(
    special.exp1,
    (lambda y, x: -np.exp(-x) / x,),
    samples=unary(0.5, 3.0),
    singular=True,
    complex=True,
    doc="Exponential integral E_1. DLMF 6.2.1.",
)

elementwise(
    special.expi,
    (lambda y, x: np.exp(x) / x,),
    samples=unary(0.5, 3.0),
    singular=True,
    complex=True,
    doc="Exponential integral Ei. DLMF 6.2.5.",
)


# E_n' = -E_(n-1) (DLMF 8.19.13), where E_0 = exp(-x) / x and E_(-1) = E_0 (1 + 1/x) (DLMF 8.19.14).


def _expn_slope(y: Any, n: Any, x: Any) -> Any:
    e0 = np.exp(-x) / x
    above = special.expn(np.maximum(n - 1, 0), x)
    return -np.where(n == 0, e0 * (1.0 + 1.0 / x), np.where(n == 1, e0, above))


elementwise(
    special.expn,
    (fixed("expn", "n"), _expn_slope),
    samples=parameters((0, 3), (0.5, 3.0)),
    singular=True,
    doc="Generalized exponential integral E_n. DLMF 8.19.2, 8.19.13.",
)


# Sine and cosine integrals ------------------------------------------------------------------------------------------
#
# sin(x)/x and sinh(x)/x are removable at 0: as sinc, and as a mean of exprel, they have every derivative there.


def _sine_over(x: Any) -> Any:
    return np.sinc(x / pi)


def _hyperbolic_sine_over(x: Any) -> Any:
    return np.sinh(x) / x if _is_complex(x) else 0.5 * (special.exprel(x) + special.exprel(-x))


elementwise_multiple(
    special.sici,
    ((lambda ys, x: _sine_over(x),), (lambda ys, x: np.cos(x) / x,)),
    samples=unary(0.5, 3.0),
    complex=True,
    doc="Sine and cosine integrals Si and Ci. DLMF 6.2.9, 6.2.11.",
)

elementwise_multiple(
    special.shichi,
    ((lambda ys, x: _hyperbolic_sine_over(x),), (lambda ys, x: np.cosh(x) / x,)),
    samples=unary(0.5, 3.0),
    complex=True,
    doc="Hyperbolic sine and cosine integrals Shi and Chi. DLMF 6.2.15, 6.2.16.",
)

# -log(1 - u) / -u with u = 1 - z is removable at z = 1, where it is hypergeometric (DLMF 15.4.1).
elementwise(
    special.spence,
    (
        lambda y, z: removable(
            1.0 - z,
            lambda u: -special.hyp2f1(1, 1, 2, u),
            lambda u: np.log1p(-u) / u,
        )
        if not _is_complex(z)
        else np.log(z) / (1.0 - z),
    ),
    samples=unary(0.2, 3.0),
    singular=True,
    complex=True,
    doc="Spence's function, the dilogarithm of 1 - z. DLMF 25.12.1.",
)

# W e^W = z gives W' = e^-W / (1 + W), finite at z = 0 on the principal branch. scipy.special.lambertw calls this ufunc.
elementwise(
    _ufuncs._lambertw,  # noqa: SLF001
    (lambda w, z, k, tol: np.exp(-w) / (1.0 + w), 0, 0),
    name="lambertw",
    samples=lambda rng: iter(
        [((np.asarray(rng.uniform(0.5, 2.0, shape)), 0, 1e-8), {}) for shape in ((3,), (2, 2), ())]
    ),
    singular=True,
    complex=True,
    doc="Lambert's W function of z on branch k. DLMF 4.13.1, 4.13.4.",
)

elementwise(
    special.wrightomega,
    (lambda y, z: y / (1.0 + y),),
    samples=unary(-2.0, 2.0),
    singular=True,
    complex=True,
    doc="Wright's omega function W(exp(z)). DLMF 4.13.",
)


# Elliptic integrals -------------------------------------------------------------------------------------------------
#
# m is the parameter k^2. The partials of the complete integrals (DLMF 19.4.1, 19.4.2)
#   K' = (E - (1 - m) K) / (2 m (1 - m)),     E' = (E - K) / (2 m)
# are removable at m = 0, where they are hypergeometric (DLMF 19.5.1, 19.5.2, 15.5.1).


def _k_slope(m: Any) -> Any:
    return removable(
        m,
        lambda m: pi / 8.0 * special.hyp2f1(1.5, 1.5, 2.0, m),
        lambda m: (special.ellipe(m) / (1.0 - m) - special.ellipk(m)) / (2.0 * m),
    )


def _e_slope(m: Any) -> Any:
    return removable(
        m,
        lambda m: -pi / 8.0 * special.hyp2f1(0.5, 1.5, 2.0, m),
        lambda m: (special.ellipe(m) - special.ellipk(m)) / (2.0 * m),
    )


def _k_complement_slope(p: Any) -> Any:
    """Slope of K(1 - p), which must not round 1 - p for tiny p."""
    near_zero = np.absolute(p) < 0.5
    q = np.where(near_zero, p, 0.25)
    direct = -(special.ellipe(1.0 - q) / q - special.ellipkm1(q)) / (2.0 * (1.0 - q))
    return np.where(near_zero, direct, -_k_slope(1.0 - np.where(near_zero, 1.0, p)))


elementwise(
    special.ellipk,
    (lambda y, m: _k_slope(m),),
    samples=unary(-2.0, 0.8),
    singular=True,
    doc="Complete elliptic integral of the first kind. DLMF 19.2.8, 19.4.1.",
)

elementwise(
    special.ellipkm1,
    (lambda y, p: _k_complement_slope(p),),
    samples=unary(0.1, 2.0),
    singular=True,
    doc="Complete elliptic integral of the first kind at m = 1 - p. DLMF 19.2.8, 19.4.1.",
)

elementwise(
    special.ellipe,
    (lambda y, m: _e_slope(m),),
    samples=unary(-2.0, 0.8),
    singular=True,
    doc="Complete elliptic integral of the second kind. DLMF 19.2.8, 19.4.2.",
)


# With s = sin(phi), D = sqrt(1 - m s^2):  F_phi = 1 / D, E_phi = D, and (DLMF 19.4.5, 19.4.6)
#   F_m = E / (2 m (1 - m)) - F / (2 m) - s cos(phi) / (2 (1 - m) D),     E_m = (E - F) / (2 m)


def _delta(phi: Any, m: Any) -> Any:
    s = np.sin(phi)
    return np.sqrt(1.0 - m * s * s)


elementwise(
    special.ellipkinc,
    (lambda y, phi, m: 1.0 / _delta(phi, m), fixed("ellipkinc", "m")),
    samples=parameters((-1.0, 2.0), (-2, 0)),
    singular=True,
    doc="Incomplete elliptic integral of the first kind. DLMF 19.2.4.",
)

elementwise(
    special.ellipeinc,
    (lambda y, phi, m: _delta(phi, m), fixed("ellipeinc", "m")),
    samples=parameters((-1.0, 2.0), (-2, 0)),
    singular=True,
    doc="Incomplete elliptic integral of the second kind. DLMF 19.2.5.",
)

# sn' = cn dn, cn' = -sn dn, dn' = -m sn cn, am' = dn in u (DLMF 22.13, 22.16.3).
elementwise_multiple(
    special.ellipj,
    (
        (lambda ys, u, m: ys[1] * ys[2], fixed("ellipj", "m")),
        (lambda ys, u, m: -ys[0] * ys[2], fixed("ellipj", "m")),
        (lambda ys, u, m: -m * ys[0] * ys[1], fixed("ellipj", "m")),
        (lambda ys, u, m: ys[2], fixed("ellipj", "m")),
    ),
    samples=parameters((-2.0, 2.0), (0, 1)),
    doc="Jacobian elliptic functions sn, cn, dn and the amplitude of u. DLMF 22.13, 22.16.3.",
)

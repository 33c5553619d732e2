"""Exponential, sine and cosine integrals; the dilogarithm; Lambert's W; elliptic integrals and functions."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

import numpy as np
from scipy import special
from scipy.special import _ufuncs

from wengert.core.numpy_protocol import UFUNCS
from wengert.core.primitive import define
from wengert.ops.families import align, elementwise, masked, match, spread, unary
from wengert.ops.multiple import elementwise_multiple
from wengert.ops.special_families import fixed, parameters, removable
from wengert.types import ArrayType, type_of

__all__ = ["lambertw"]


def _is_complex(x: Any) -> bool:
    return bool(np.result_type(x).kind == "c")


# Exponential integrals ----------------------------------------------------------------------------------------------

elementwise(
    special.exp1,
    (lambda y, x: -np.exp(-x) / x,),
    samples=unary(0.5, 3.0),
    complex=True,
    doc="Exponential integral E_1. DLMF 6.2.1.",
)

elementwise(
    special.expi,
    (lambda y, x: np.exp(x) / x,),
    samples=unary(0.5, 3.0),
    complex=True,
    doc="Exponential integral Ei. DLMF 6.2.5.",
)


# E_n' = -E_(n-1) (DLMF 8.19.13), where E_0 = exp(-x) / x and E_(-1) = E_0 (1 + 1/x) (DLMF 8.19.12).


def _expn_slope(y: Any, n: Any, x: Any) -> Any:
    e0 = np.exp(-x) / x
    above = special.expn(np.maximum(n - 1, 0), x)
    return -np.where(n == 0, e0 * (1.0 + 1.0 / x), np.where(n == 1, e0, above))


elementwise(
    special.expn,
    (fixed("expn", "n"), _expn_slope),
    samples=parameters((0, 3), (0.5, 3.0)),
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

# log(z) / (1 - z) is removable at z = 1, where it is hypergeometric in 1 - z (DLMF 15.4.1).


def _spence_slope(z: Any) -> Any:
    if _is_complex(z):
        return np.log(z) / (1.0 - z)
    near = np.absolute(1.0 - z) < 0.5
    u = np.where(near, 1.0 - z, 0.0)
    far = np.where(near, 2.0, z)
    return np.where(near, -special.hyp2f1(1, 1, 2, u), np.log(far) / (1.0 - far))


elementwise(
    special.spence,
    (lambda y, z: _spence_slope(z),),
    samples=unary(0.2, 3.0),
    complex=True,
    doc="Spence's function, the dilogarithm of 1 - z. DLMF 25.12.1.",
)

# W e^W = z gives W' = e^-W / (1 + W), finite at z = 0 on the principal branch. scipy.special.lambertw calls a ufunc of
# (z, branch, tolerance), of which only z has a derivative; the tolerance may be left out here.


_BRANCH = np.dtype("long")  # branches are numbered; SciPy takes floating-point numbers too, and converts them


def _lambertw_eval(z: Any, k: Any, tol: Any = 1e-8) -> Any:
    if type_of(k).dtype.kind == "f":
        k = k.astype(_BRANCH) if hasattr(k, "astype") else int(k)
    return _ufuncs._lambertw(z, k, tol)  # noqa: SLF001


def _lambertw_infer(z: ArrayType, k: ArrayType, *_: ArrayType) -> ArrayType:
    dtypes = (z.dtype, _BRANCH, np.dtype(float), None)
    return ArrayType(np.broadcast_shapes(z.shape, k.shape), _ufuncs._lambertw.resolve_dtypes(dtypes)[-1])  # noqa: SLF001


def _lambertw_slope(c: Any, w: Any) -> Any:
    return masked(c, np.exp(-w) / (1.0 + w))


def _lambertw_jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    w = _lambertw_eval(*xs)
    with np.errstate(all="ignore"):
        return w, None if x_dots[0] is None else spread(_lambertw_slope(x_dots[0], w), w)


def _lambertw_vjp(y_bar: Any, site: Any) -> tuple[Any, ...]:
    _, _, _, (z, *others), w, _, (z_site, *_) = site
    z_bar = None if z_site is None else match(_lambertw_slope(y_bar, w), z)
    return (z_bar, *[None for _ in others])


lambertw = define(
    name="lambertw",
    eval=_lambertw_eval,
    infer=_lambertw_infer,
    jvp=_lambertw_jvp,
    vjp=_lambertw_vjp,
    batch=lambda _size, xs, batched: _lambertw_eval(*align(xs, batched)),
    samples=lambda rng: iter(
        [((np.asarray(rng.uniform(0.5, 2.0, shape)), 0), {}) for shape in ((3,), (2, 2), ())]
    ),
    elementwise=True,
    complex=True,
    doc="Lambert's W function of z on branch k. DLMF 4.13.1, 4.13.4.",
)
UFUNCS[_ufuncs._lambertw] = lambertw  # noqa: SLF001

elementwise(
    special.wrightomega,
    (lambda y, z: y / (1.0 + y),),
    samples=unary(-2.0, 2.0),
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
    doc="Complete elliptic integral of the first kind. DLMF 19.2.8, 19.4.1.",
)

elementwise(
    special.ellipkm1,
    (lambda y, p: _k_complement_slope(p),),
    samples=unary(0.1, 2.0),
    doc="Complete elliptic integral of the first kind at m = 1 - p. DLMF 19.2.8, 19.4.1.",
)

elementwise(
    special.ellipe,
    (lambda y, m: _e_slope(m),),
    samples=unary(-2.0, 0.8),
    doc="Complete elliptic integral of the second kind. DLMF 19.2.8, 19.4.2.",
)


# With D = sqrt(1 - m sin(phi)^2):  F_phi = 1 / D,  E_phi = D.


def _delta(phi: Any, m: Any) -> Any:
    s = np.sin(phi)
    return np.sqrt(1.0 - m * s * s)


elementwise(
    special.ellipkinc,
    (lambda y, phi, m: 1.0 / _delta(phi, m), fixed("ellipkinc", "m")),
    samples=parameters((-1.0, 2.0), (-2, 0)),
    doc="Incomplete elliptic integral of the first kind. DLMF 19.2.4.",
)

elementwise(
    special.ellipeinc,
    (lambda y, phi, m: _delta(phi, m), fixed("ellipeinc", "m")),
    samples=parameters((-1.0, 2.0), (-2, 0)),
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

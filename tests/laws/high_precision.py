"""Partial derivatives from mpmath at 40 digits, for special functions that take neither long doubles nor complex."""

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "beta": mp.beta,
    "betainc": lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True),
    "betaincc": lambda a, b, x: mp.betainc(a, b, x, 1, regularized=True),
    "betaln": lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b),
    "boxcox": lambda x, k: (x**k - 1) / k,
    "boxcox1p": lambda x, k: ((1 + x) ** k - 1) / k,
    "digamma": mp.digamma,
    "ellipe": mp.ellipe,
    "ellipeinc": mp.ellipe,
    "ellipk": mp.ellipk,
    "ellipkinc": mp.ellipf,
    "ellipkm1": lambda p: mp.ellipk(1 - p),
    "entr": lambda x: -x * mp.log(x),
    "erfcinv": lambda y: mp.erfinv(1 - y),
    "erfinv": mp.erfinv,
    "exp1": mp.e1,
    "expi": mp.ei,
    "expit": lambda x: 1 / (1 + mp.exp(-x)),
    "exprel": lambda x: mp.expm1(x) / x,
    "gammainc": lambda a, x: mp.gammainc(a, 0, x, regularized=True),
    "gammaincc": lambda a, x: mp.gammainc(a, x, regularized=True),
    "gammaln": lambda x: mp.log(abs(mp.gamma(x))),
    "huber": lambda d, r: r * r / 2 if abs(r) <= d else d * (abs(r) - d / 2),
    "i0": lambda x: mp.besseli(0, x),
    "i0e": lambda x: mp.exp(-abs(x)) * mp.besseli(0, x),
    "i1": lambda x: mp.besseli(1, x),
    "i1e": lambda x: mp.exp(-abs(x)) * mp.besseli(1, x),
    "inv_boxcox": lambda y, k: (k * y + 1) ** (1 / k),
    "j0": lambda x: mp.besselj(0, x),
    "j1": lambda x: mp.besselj(1, x),
    "k0": lambda x: mp.besselk(0, x),
    "k0e": lambda x: mp.exp(x) * mp.besselk(0, x),
    "k1": lambda x: mp.besselk(1, x),
    "k1e": lambda x: mp.exp(x) * mp.besselk(1, x),
    "kl_div": lambda x, y: x * mp.log(x / y) - x + y,
    "log_expit": lambda x: -mp.log1p(mp.exp(-x)),
    "log_ndtr": lambda x: mp.log(mp.ncdf(x)),
    "logit": lambda x: mp.log(x) - mp.log1p(-x),
    "ndtri": lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1),
    "ndtr": mp.ncdf,
    "poch": mp.rf,
    "pseudo_huber": lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1),
    "rel_entr": lambda x, y: x * mp.log(x / y),
    "rgamma": mp.rgamma,
    "spence": lambda z: mp.polylog(2, 1 - z),
    "y0": lambda x: mp.bessely(0, x),
    "y1": lambda x: mp.bessely(1, x),
    "zeta": mp.zeta,
}


def partial(name: str, xs: tuple[Any, ...], i: int) -> Any:
    """d f / d x_i at every point of the broadcast operands; None where the table has no such function."""
    if name not in FUNCTIONS or any(np.iscomplexobj(x) for x in xs):
        return None
    with mp.workdps(40):
        points = np.broadcast(*xs)
        slopes = [_slope(FUNCTIONS[name], point, i) for point in points]
    return np.array(slopes, dtype=float).reshape(points.shape)


def _slope(fun: Callable[..., Any], point: tuple[Any, ...], i: int) -> float:
    at = [mp.mpf(float(x)) for x in point]
    return float(mp.diff(lambda t: fun(*at[:i], t, *at[i + 1 :]), at[i]).real)

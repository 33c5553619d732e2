"""Exact values by mpmath, errors in ulp, and the arguments to measure them at."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import mpmath
import numpy as np

FAR = 10_000  # e^FAR is beyond both formats
PRECISION = 120  # bits of the reference, before what cancellation in it takes


class Format(NamedTuple):
    digits: int
    smallest: int  # exponent of the smallest subnormal
    top: int  # 2^top overflows
    float_type: type
    bits_type: type


FORMATS = {
    "f64": Format(53, -1074, 1024, np.float64, np.uint64),
    "f32": Format(24, -149, 128, np.float32, np.uint32),
}


def _sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def _softplus(x):
    return mpmath.log1p(mpmath.exp(x)) if x < 200 else x


def _pow(x, y):
    if not x:
        return mpmath.mpf(0 if y > 0 else "inf" if y < 0 else 1)
    exponent = y * mpmath.log(x)
    return mpmath.exp(max(min(exponent, FAR), -FAR))


EXACT: dict[str, Callable] = {
    **{
        name: getattr(mpmath, name)
        for name in (
            *(
                "acos",
                "acosh",
                "asin",
                "asinh",
                "atan",
                "atan2",
                "atanh",
                "cbrt",
                "cos",
                "cosh",
                "digamma",
                "erf",
            ),
            *(
                "erfc",
                "exp",
                "expm1",
                "fmod",
                "hypot",
                "log",
                "log10",
                "log1p",
                "sin",
                "sinh",
                "sqrt",
                "tan",
                "tanh",
            ),
        )
    },
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "erfc": lambda x: mpmath.erfc(max(min(x, FAR), -FAR)),
    "exp2": lambda x: mpmath.power(2, x),
    "fmod": lambda x, y: mpmath.mpf(math.fmod(float(x), float(y))),  # exact
    "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))) if x < 2 else mpmath.loggamma(x),
    "log2": lambda x: mpmath.log(x) / mpmath.ln2,
    "pow": _pow,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
}


def ulps(found: float, exact: mpmath.mpf, dtype: str) -> float:
    """Return the error in units of the last place of the exact value; infinite where the kind of number is wrong."""
    form = FORMATS[dtype]
    if math.isnan(found) or mpmath.isinf(exact):
        return 0.0 if found == exact else math.inf
    largest = mpmath.mpf(2) ** form.top
    _, exponent = mpmath.frexp(exact)
    ulp = mpmath.mpf(2) ** max(min(exponent, form.top) - form.digits, form.smallest)
    if math.isinf(found):
        overflows = abs(exact) >= largest - ulp / 2 and (found > 0) == (exact > 0)
        return 0.0 if overflows else math.inf
    return float(abs(mpmath.mpf(found) - exact) / ulp)


def sample(
    dtype: str, size: int, low: float = -math.inf, high: float = math.inf, seed: int = 0
) -> np.ndarray:
    """Finite arguments of all magnitudes, random bit patterns, subnormals, and places where a branch may be."""
    form = FORMATS[dtype]
    random = np.random.default_rng(seed)
    n = size // 8
    sign = random.choice([-1.0, 1.0], n)
    patterns = random.integers(0, np.iinfo(form.bits_type).max, n, dtype=form.bits_type)
    parts = [
        patterns.view(form.float_type),
        10 ** random.uniform(-9, 3.3, 2 * n) * np.tile(sign, 2),
        random.uniform(-3, 3, n),
        random.uniform(-40, 40, n),
        2.0 ** random.uniform(form.smallest, 0, n) * sign,
        np.arange(-n // 2, n // 2) * (math.pi / 4),
        *(
            random.uniform(centre - 0.01 * abs(centre), centre + 0.01 * abs(centre), n // 8)
            for centre in EDGES
        ),
    ]
    with np.errstate(over="ignore"):
        x = np.concatenate([np.asarray(part, form.float_type) for part in parts])
    return x[np.isfinite(x) & (x >= low) & (x <= high)]


# thresholds: of overflow and underflow of exponentials, of branches
EDGES = (-745.0, -709.0, -103.0, -88.0, -1.0, -0.5, 0.5, 1.0, 88.7, 709.0)

"""Exact values by mpmath, errors in ulp, and the arguments to measure them at."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import mpmath
import numpy as np

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


EXACT: dict[str, Callable] = {
    "cos": mpmath.cos,
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "sigmoid": _sigmoid,
    "sin": mpmath.sin,
    "sqrt": mpmath.sqrt,
    "tanh": mpmath.tanh,
}


def ulps(found: float, exact: mpmath.mpf, dtype: str) -> float:
    """Return the error in units of the last place of the exact value; infinite where the kind of number is wrong."""
    form = FORMATS[dtype]
    if math.isnan(found):
        return math.inf
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

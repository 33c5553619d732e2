"""Remainders, scaling by powers of two, and neighbors in floating point.

A whole quotient is locally constant, so a remainder x1 - q x2 has the partials 1 and -q wherever it is continuous.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import implements
from wengert.ops.families import binary, elementwise, nondifferentiable, unary
from wengert.types import type_of

__all__ = ["floor_divide", "fmod", "ldexp", "nextafter", "remainder", "spacing"]


def _scaling_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for left, right in (((4,), (4,)), ((2, 1), (1, 3)), ((), (3,)), ((2, 2), ())):
        yield (np.asarray(rng.uniform(-2.0, 2.0, left)), np.asarray(rng.integers(-3, 4, right))), {}


floor_divide = nondifferentiable(
    np.floor_divide,
    samples=binary(99.0, 101.0, 39.0, 41.0),
    doc="Largest whole number not above x1 / x2; its derivative is zero.",
)

remainder = elementwise(
    np.remainder,
    (1, lambda y, x1, x2: -np.floor_divide(x1, x2)),
    samples=binary(99.0, 101.0, 39.0, 41.0),
    doc="Remainder of x1 / x2 with the sign of x2: x1 - floor(x1 / x2) x2.",
)

# The quotient is recovered from the exact remainder: trunc(x1 / x2) would err where x1 / x2 rounds to a whole number.
fmod = elementwise(
    np.fmod,
    (1, lambda y, x1, x2: np.rint((y - x1) / x2)),
    samples=binary(99.0, 101.0, 39.0, 41.0),
    doc="Remainder of x1 / x2 with the sign of x1: x1 - trunc(x1 / x2) x2.",
)

ldexp = elementwise(
    np.ldexp,
    (lambda y, x1, x2: np.ldexp(1.0, x2), 0),
    samples=_scaling_samples,
    doc="Scaling x1 2^x2 by a whole power of two.",
)

# Within a binade the neighbor of x1 is x1 plus a constant.
nextafter = elementwise(
    np.nextafter,
    (1, 0),
    samples=binary(1.1, 1.9, -2.0, 2.0),
    doc="The floating-point neighbor of x1 towards x2; its derivative to x2 is zero.",
)

spacing = nondifferentiable(
    np.spacing,
    samples=unary(1.1, 1.9),
    doc="Distance from x to its floating-point neighbor; its derivative is zero.",
)


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replace what is not finite, which then has derivative zero."""
    y = _finite_numbers(x, nan, posinf, neginf)
    if copy or y is x:
        return y
    x[...] = y
    return x


def _finite_numbers(x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    dtype = type_of(x).dtype
    if dtype.kind == "c":
        parts = [_finite_numbers(part, nan, posinf, neginf) for part in (np.real(x), np.imag(x))]
        return parts[0] + 1j * parts[1]
    if dtype.kind != "f":
        return x
    largest = float(np.finfo(dtype).max)
    x = np.where(np.isnan(x), np.asarray(nan, dtype), x)
    x = np.where(x == np.inf, np.asarray(largest if posinf is None else posinf, dtype), x)
    return np.where(x == -np.inf, np.asarray(-largest if neginf is None else neginf, dtype), x)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Add whole periods, which are locally constant, until neighbors differ by less than one."""
    steps = np.diff(p, axis=axis)
    turns = np.floor(steps / period + 0.5)
    on_the_edge = (steps - turns * period == -period / 2) & (steps > 0)
    turns = np.where(on_the_edge, turns - 1, turns)
    turns = np.where(np.absolute(steps) < (period / 2 if discont is None else discont), 0, turns)
    first = np.zeros_like(np.take(turns, [0], axis=axis)) if steps.shape[axis] else turns
    shift = -period * np.cumsum(np.concatenate([first, turns], axis=axis), axis=axis)
    return p + (shift if steps.shape[axis] else 0)

"""Remainders, scaling by powers of two, and neighbors in floating point.

A whole quotient is locally constant, so a remainder x1 - q x2 has the partials 1 and -q wherever it is continuous.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.core.lowering import Builder
from wengert.core.numpy_protocol import implements
from wengert.ops.entries import is_float, is_signed, width
from wengert.ops.families import binary, elementwise, nondifferentiable, unary
from wengert.types import type_of

__all__ = ["floor_divide", "fmod", "ldexp", "nextafter", "remainder", "spacing"]


def _scaling_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for left, right in (((4,), (4,)), ((2, 1), (1, 3)), ((), (3,)), ((2, 2), ())):
        yield (np.asarray(rng.uniform(-2.0, 2.0, left)), np.asarray(rng.integers(-3, 4, right))), {}


# Lowering: quotients and remainders -----------------------------------------------------------------------------------
#
# As NumPy computes them, step by step, so that they agree to the last bit. Of floating-point numbers the remainder is
# exact, (x1 - r) / x2 nearly whole, and the nearest whole number the quotient. Of integers a division by 0 gives 0, and
# one by -1 is a negation, since the machine's overflows for the smallest number.


def _differ(b: Builder, x1: Any, x2: Any) -> Any:
    """Whether one number is negative and the other is not."""
    zero = b.constant(0, x1)
    return b("xor", b("lt", x1, zero), b("lt", x2, zero))


def _integer_division(b: Builder, x1: Any, x2: Any) -> tuple[Any, Any]:
    """Return quotient and remainder, rounded towards 0; 0 and 0 for a divisor of 0."""
    zero, one = b.constant(0, x1), b.constant(1, x1)
    is_zero = b("eq", x2, zero)
    if not is_signed(x1):
        q = b("div", x1, b("select", is_zero, one, x2))
        q = b("select", is_zero, zero, q)
        return q, b("select", is_zero, zero, b("sub", x1, b("mul", q, x2)))
    is_minus_one = b("eq", x2, b.constant(-1, x2))
    q = b("div", x1, b("select", b("or", is_zero, is_minus_one), one, x2))
    q = b("select", is_zero, zero, b("select", is_minus_one, b("neg", x1), q))
    return q, b("select", is_zero, zero, b("sub", x1, b("mul", q, x2)))


def _is_turned(b: Builder, r: Any, x2: Any) -> Any:
    """Whether a remainder that is rounded towards 0 has the other sign than the divisor."""
    return b("and", b("ne", r, b.constant(0, r)), _differ(b, r, x2))


def _floor_divide_lower(b: Builder, x1: Any, x2: Any) -> Any:
    if not is_float(x1):
        q, r = _integer_division(b, x1, x2)
        return b("select", _is_turned(b, r, x2), b("sub", q, b.constant(1, q)), q) if is_signed(x1) else q
    zero, ratio = b.constant(0, x1), b("div", x1, x2)
    r = b("rem", x1, x2)
    q = b("div", b("sub", x1, r), x2)
    q = b("select", _is_turned(b, r, x2), b("sub", q, b.constant(1, q)), q)
    whole = b("floor", q)
    is_low = b("gt", b("sub", q, whole), b.constant(0.5, q))
    whole = b("select", is_low, b("add", whole, b.constant(1, whole)), whole)
    whole = b("select", b("eq", q, zero), b("copysign", zero, ratio), whole)
    return b("select", b("eq", x2, zero), ratio, whole)


def _remainder_lower(b: Builder, x1: Any, x2: Any) -> Any:
    r = b("rem", x1, x2) if is_float(x1) else _integer_division(b, x1, x2)[1]
    if not is_signed(x1):
        return r
    y = b("select", _is_turned(b, r, x2), b("add", r, x2), r)
    if not is_float(x1):
        return y
    zero = b.constant(0, r)
    is_whole = b("and", b("eq", r, zero), b("ne", x2, zero))
    return b("select", is_whole, b("copysign", zero, x2), y)


def _fmod_lower(b: Builder, x1: Any, x2: Any) -> Any:
    return b("rem", x1, x2) if is_float(x1) else _integer_division(b, x1, x2)[1]


# Lowering: scaling and neighbors --------------------------------------------------------------------------------------
#
# 2^n is the number whose exponent is n and whose other bits are 0. Singles are scaled as doubles, where nothing is
# lost. Doubles are scaled in three steps, since n may be larger than an exponent. The steps down are by 2^-969, which
# leaves 53 bits above the subnormal numbers: a result that one step would round before the last is 0 in the end.


def _power_of_two(b: Builder, n: Any) -> Any:
    return b.bitcast(b("shl", b("add", n, b.constant(1023, n)), b.constant(52, n)), "f64")


def _clamped(b: Builder, n: Any, low: int, high: int) -> Any:
    return b("minimum", b("maximum", n, b.constant(low, n)), b.constant(high, n))


def _ldexp_lower(b: Builder, x: Any, n: Any) -> Any:
    n = b.convert(n, "i64")
    if x.type == "f32":
        y = b("mul", b.convert(x, "f64"), _power_of_two(b, _clamped(b, n, -400, 400)))
        return b.convert(y, "f32")
    n = _clamped(b, n, -2200, 2200)
    for _ in range(2):
        step = b("select", b("gt", n, b.constant(1023, n)), b.constant(1023, n), b.constant(0, n))
        step = b("select", b("lt", n, b.constant(-1022, n)), b.constant(-969, n), step)
        x, n = b("mul", x, _power_of_two(b, step)), b("sub", n, step)
    return b("mul", x, _power_of_two(b, n))


# The bits of a floating-point number, read as an integer, count the numbers between it and 0.


def _outwards(b: Builder, x: Any, steps: Any) -> Any:
    return b.bitcast(b("add", b.bitcast(x, f"i{width(x)}"), steps), x.type)


def _nextafter_lower(b: Builder, x1: Any, x2: Any) -> Any:
    zero, int_type = b.constant(0, x1), f"i{width(x1)}"
    one = b.constant(1, int_type)
    is_outwards = b("not", b("xor", b("gt", x2, x1), b("gt", x1, zero)))
    y = _outwards(b, x1, b("select", is_outwards, one, b.constant(-1, one)))
    y = b("select", b("eq", x1, zero), b("copysign", b.bitcast(one, x1.type), x2), y)
    y = b("select", b("eq", x1, x2), x2, y)
    is_nan = b("or", b("ne", x1, x1), b("ne", x2, x2))
    return b("select", is_nan, b("add", x1, x2), y)


def _spacing_lower(b: Builder, x: Any) -> Any:
    x = b("add", x, b.constant(0, x))  # 0 for -0
    return b("sub", _outwards(b, x, b.constant(1, f"i{width(x)}")), x)


# The primitives -------------------------------------------------------------------------------------------------------

floor_divide = nondifferentiable(
    np.floor_divide,
    lower=_floor_divide_lower,
    samples=binary(99.0, 101.0, 39.0, 41.0),
    doc="Largest whole number not above x1 / x2; its derivative is zero.",
)

remainder = elementwise(
    np.remainder,
    (1, lambda y, x1, x2: -np.floor_divide(x1, x2)),
    lower=_remainder_lower,
    samples=binary(99.0, 101.0, 39.0, 41.0),
    doc="Remainder of x1 / x2 with the sign of x2: x1 - floor(x1 / x2) x2.",
)

# The quotient is recovered from the exact remainder: trunc(x1 / x2) would err where x1 / x2 rounds to a whole number.
fmod = elementwise(
    np.fmod,
    (1, lambda y, x1, x2: np.rint((y - x1) / x2)),
    lower=_fmod_lower,
    samples=binary(99.0, 101.0, 39.0, 41.0),
    doc="Remainder of x1 / x2 with the sign of x1: x1 - trunc(x1 / x2) x2.",
)

ldexp = elementwise(
    np.ldexp,
    (lambda y, x1, x2: np.ldexp(1.0, x2), 0),
    lower=_ldexp_lower,
    samples=_scaling_samples,
    doc="Scaling x1 2^x2 by a whole power of two.",
)

# Within a binade the neighbor of x1 is x1 plus a constant.
nextafter = elementwise(
    np.nextafter,
    (1, 0),
    lower=_nextafter_lower,
    samples=binary(1.1, 1.9, -2.0, 2.0),
    doc="The floating-point neighbor of x1 towards x2; its derivative to x2 is zero.",
)

spacing = nondifferentiable(
    np.spacing,
    lower=_spacing_lower,
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

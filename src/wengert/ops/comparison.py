"""Comparisons, logic, classification, rounding and operations on integers: what has derivative zero.

These run on plain values and give plain values, so that `if x > 0` and `a[x < 1]` work while a program is
differentiated. Operations on bits and integers accept no floating operands, here as in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.core.lowering import Builder
from wengert.core.numpy_protocol import implements, zero_derivative
from wengert.ops.entries import compared, is_float, is_signed, logical, whole, width
from wengert.ops.families import binary, nondifferentiable, unary

__all__: list[str] = []

Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]


def _one_integer(rng: np.random.Generator) -> Samples:
    for shape in ((5,), (2, 3), ()):
        yield (np.asarray(rng.integers(0, 9, shape)),), {}


def _two_integers(rng: np.random.Generator) -> Samples:
    for left, right in (((4,), (4,)), ((2, 1), (1, 3)), ((), (3,)), ((), ())):
        yield (np.asarray(rng.integers(0, 9, left)), np.asarray(rng.integers(0, 5, right))), {}


def _one_time(rng: np.random.Generator) -> Samples:
    yield (np.array(["NaT", "2000-01-01"], dtype="datetime64[D]"),), {}


_ONE_NUMBER = unary(-2.0, 2.0)
_TWO_NUMBERS = binary(-2.0, 2.0, -2.0, 2.0)

# Rules of lowering ----------------------------------------------------------------------------------------------------


def _isnan(b: Builder, x: Any) -> Any:
    return b("ne", x, x) if is_float(x) else b.constant(False, "bool")


def _isinf(b: Builder, x: Any) -> Any:
    return b("eq", b("abs", x), b.constant(np.inf, x)) if is_float(x) else b.constant(False, "bool")


def _isfinite(b: Builder, x: Any) -> Any:
    return b("lt", b("abs", x), b.constant(np.inf, x)) if is_float(x) else b.constant(True, "bool")


def _signbit(b: Builder, x: Any) -> Any:
    bits = b.bitcast(x, f"i{width(x)}")
    return b("lt", bits, b.constant(0, bits))


# Shifts by as many bits as there are, or by a negative number, leave nothing but the sign; a machine takes such numbers
# by their last bits.


def _is_inside(b: Builder, x: Any, places: Any) -> Any:
    above = b("lt", places, b.constant(width(x), places))
    return b("and", b("ge", places, b.constant(0, places)), above)


def _left_shift(b: Builder, x: Any, places: Any) -> Any:
    zero, is_inside = b.constant(0, x), _is_inside(b, x, places)
    return b("select", is_inside, b("shl", x, b("select", is_inside, places, zero)), zero)


def _right_shift(b: Builder, x: Any, places: Any) -> Any:
    is_inside = _is_inside(b, x, places)
    y = b("shr", x, b("select", is_inside, places, b.constant(width(x) - 1, places)))
    return y if is_signed(x) else b("select", is_inside, y, b.constant(0, x))


# Neighboring bits are added to counts of two bits, those to counts of four and of eight; the product adds up the bytes
# in the highest (Warren, Hacker's Delight, 5-1).


def _bitwise_count(b: Builder, x: Any) -> Any:
    if x.type == "bool":
        return x
    n = b.convert(b("abs", b.convert(x, "i64")) if is_signed(x) else x, "u64")

    def bits(number: int) -> Any:
        return b.constant(number, "u64")

    def every_other(n: Any, places: int, mask: int) -> Any:
        low, high = b("and", n, bits(mask)), b("and", b("shr", n, bits(places)), bits(mask))
        return b("add", low, high)

    n = every_other(n, 1, 0x5555555555555555)
    n = every_other(n, 2, 0x3333333333333333)
    n = every_other(n, 4, 0x0F0F0F0F0F0F0F0F)
    return b("shr", b("mul", n, bits(0x0101010101010101)), bits(56))


# The primitives -------------------------------------------------------------------------------------------------------

_ZERO_DERIVATIVE: dict[Any, tuple[str, Any, Any]] = {
    np.equal: (
        "Whether x1 = x2.",
        _TWO_NUMBERS,
        compared("eq", lambda b, x1, x2: b("not", b("xor", x1, x2))),
    ),
    np.not_equal: (
        "Whether x1 and x2 differ.",
        _TWO_NUMBERS,
        compared("ne", lambda b, x1, x2: b("xor", x1, x2)),
    ),
    np.less: ("Whether x1 < x2.", _TWO_NUMBERS, compared("lt", lambda b, x1, x2: b("and", b("not", x1), x2))),
    np.less_equal: (
        "Whether x1 is at most x2.",
        _TWO_NUMBERS,
        compared("le", lambda b, x1, x2: b("or", b("not", x1), x2)),
    ),
    np.greater: (
        "Whether x1 > x2.",
        _TWO_NUMBERS,
        compared("gt", lambda b, x1, x2: b("and", x1, b("not", x2))),
    ),
    np.greater_equal: (
        "Whether x1 is at least x2.",
        _TWO_NUMBERS,
        compared("ge", lambda b, x1, x2: b("or", x1, b("not", x2))),
    ),
    np.logical_and: ("Whether both x1 and x2 are nonzero.", _TWO_NUMBERS, logical("and")),
    np.logical_or: ("Whether x1 or x2 is nonzero.", _TWO_NUMBERS, logical("or")),
    np.logical_xor: ("Whether one of x1 and x2 is nonzero.", _TWO_NUMBERS, logical("xor")),
    np.logical_not: ("Whether x is zero.", _ONE_NUMBER, logical("not")),
    np.isnan: ("Whether x is not a number.", _ONE_NUMBER, _isnan),
    np.isinf: ("Whether x is infinite.", _ONE_NUMBER, _isinf),
    np.isfinite: ("Whether x is finite.", _ONE_NUMBER, _isfinite),
    np.isnat: ("Whether x is not a time.", _one_time, None),
    np.signbit: ("Whether the sign bit of x is set.", _ONE_NUMBER, _signbit),
    np.floor: ("Largest whole number not above x; its derivative is zero.", _ONE_NUMBER, whole("floor")),
    np.ceil: ("Smallest whole number not below x; its derivative is zero.", _ONE_NUMBER, whole("ceil")),
    np.trunc: ("The whole number next to x towards 0; its derivative is zero.", _ONE_NUMBER, whole("trunc")),
    np.rint: ("The whole number nearest to x, ties to even; its derivative is zero.", _ONE_NUMBER, "rint"),
    np.bitwise_and: ("Bits set in both x1 and x2, which are whole numbers.", _two_integers, "and"),
    np.bitwise_or: ("Bits set in x1 or x2, which are whole numbers.", _two_integers, "or"),
    np.bitwise_xor: ("Bits set in one of x1 and x2, which are whole numbers.", _two_integers, "xor"),
    np.invert: ("Bits of the whole number x, inverted.", _one_integer, "not"),
    np.bitwise_count: ("How many bits of the whole number |x| are set.", _one_integer, _bitwise_count),
    np.left_shift: ("Bits of the whole number x1 shifted x2 places to the left.", _two_integers, _left_shift),
    np.right_shift: (
        "Bits of the whole number x1 shifted x2 places to the right.",
        _two_integers,
        _right_shift,
    ),
    np.gcd: ("Greatest common divisor of the whole numbers x1 and x2. DLMF 27.1.", _two_integers, None),
    np.lcm: ("Least common multiple of the whole numbers x1 and x2. DLMF 27.1.", _two_integers, None),
}

for _ufunc, (_doc, _samples, _lower) in _ZERO_DERIVATIVE.items():
    nondifferentiable(_ufunc, doc=_doc, samples=_samples, lower=_lower)

zero_derivative(np.round, np.around, np.fix, np.isclose, np.allclose, np.array_equal, np.array_equiv)


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """Compare the imaginary part with 0."""
    return np.imag(x) != 0


@implements(np.isreal)
def isreal(x: Any) -> Any:
    """Compare the imaginary part with 0."""
    return np.imag(x) == 0


@implements(np.isposinf)
def isposinf(x: Any) -> Any:
    """Compare with infinity."""
    return np.isinf(x) & ~np.signbit(x)


@implements(np.isneginf)
def isneginf(x: Any) -> Any:
    """Compare with minus infinity."""
    return np.isinf(x) & np.signbit(x)

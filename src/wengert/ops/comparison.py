"""Comparisons, logic, classification, rounding and operations on integers: what has derivative zero.

These run on plain values and give plain values, so that `if x > 0` and `a[x < 1]` work while a program is
differentiated. Operations on bits and integers accept no floating operands, here as in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import implements, zero_derivative
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

_ZERO_DERIVATIVE: dict[Any, tuple[str, Any]] = {
    np.equal: ("Whether x1 = x2.", _TWO_NUMBERS),
    np.not_equal: ("Whether x1 and x2 differ.", _TWO_NUMBERS),
    np.less: ("Whether x1 < x2.", _TWO_NUMBERS),
    np.less_equal: ("Whether x1 is at most x2.", _TWO_NUMBERS),
    np.greater: ("Whether x1 > x2.", _TWO_NUMBERS),
    np.greater_equal: ("Whether x1 is at least x2.", _TWO_NUMBERS),
    np.logical_and: ("Whether both x1 and x2 are nonzero.", _TWO_NUMBERS),
    np.logical_or: ("Whether x1 or x2 is nonzero.", _TWO_NUMBERS),
    np.logical_xor: ("Whether one of x1 and x2 is nonzero.", _TWO_NUMBERS),
    np.logical_not: ("Whether x is zero.", _ONE_NUMBER),
    np.isnan: ("Whether x is not a number.", _ONE_NUMBER),
    np.isinf: ("Whether x is infinite.", _ONE_NUMBER),
    np.isfinite: ("Whether x is finite.", _ONE_NUMBER),
    np.isnat: ("Whether x is not a time.", _one_time),
    np.signbit: ("Whether the sign bit of x is set.", _ONE_NUMBER),
    np.floor: ("Largest whole number not above x; its derivative is zero.", _ONE_NUMBER),
    np.ceil: ("Smallest whole number not below x; its derivative is zero.", _ONE_NUMBER),
    np.trunc: ("The whole number next to x towards 0; its derivative is zero.", _ONE_NUMBER),
    np.rint: ("The whole number nearest to x, ties to even; its derivative is zero.", _ONE_NUMBER),
    np.bitwise_and: ("Bits set in both x1 and x2, which are whole numbers.", _two_integers),
    np.bitwise_or: ("Bits set in x1 or x2, which are whole numbers.", _two_integers),
    np.bitwise_xor: ("Bits set in one of x1 and x2, which are whole numbers.", _two_integers),
    np.invert: ("Bits of the whole number x, inverted.", _one_integer),
    np.bitwise_count: ("How many bits of the whole number |x| are set.", _one_integer),
    np.left_shift: ("Bits of the whole number x1 shifted x2 places to the left.", _two_integers),
    np.right_shift: ("Bits of the whole number x1 shifted x2 places to the right.", _two_integers),
    np.gcd: ("Greatest common divisor of the whole numbers x1 and x2. DLMF 27.1.", _two_integers),
    np.lcm: ("Least common multiple of the whole numbers x1 and x2. DLMF 27.1.", _two_integers),
}

for _ufunc, (_doc, _samples) in _ZERO_DERIVATIVE.items():
    nondifferentiable(_ufunc, doc=_doc, samples=_samples)

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

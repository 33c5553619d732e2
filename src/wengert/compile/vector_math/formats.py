"""The two floating point formats, and arithmetic on their bits and on unevaluated sums."""

from __future__ import annotations

from typing import NamedTuple

from wengert.compile.vector_math.instructions import Body, Value

__all__ = [
    "Format",
    "bits_of",
    "format_of",
    "nearest",
    "power_of_two",
    "quotient",
    "scale",
    "split_product",
    "split_sum",
]


class Format(NamedTuple):
    """A binary floating point format."""

    mantissa: int  # stored bits
    bias: int

    @property
    def digits(self) -> int:
        """Bits of precision."""
        return self.mantissa + 1

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)

    @property
    def nearest(self) -> float:
        """Adding this rounds to an integer, which is then in the low bits, for |x| < 2^(mantissa - 1)."""
        return 1.5 * 2.0**self.mantissa

    @property
    def infinity(self) -> int:
        """The bits of infinity."""
        return (2 * self.bias + 1) << self.mantissa

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.mantissa


FORMATS = {"double": Format(52, 1023), "float": Format(23, 127)}


def format_of(x: Value) -> Format:
    """Return the format of a floating point value."""
    return FORMATS[x.type.scalar]


def bits_of(x: float, scalar: str) -> int:
    """Return the bits of a constant; for positive normal numbers that the format holds exactly."""
    form = FORMATS[scalar]
    significand, exponent = x.hex().split("p")
    digits = significand.removeprefix("0x1.")
    fraction = int(digits.ljust(13, "0"), 16) >> (52 - form.mantissa)
    return ((int(exponent) + form.bias) << form.mantissa) | fraction


def nearest(body: Body, x: Value, factor: float) -> tuple[Value, Value]:
    """Return n = x factor rounded to an integer, and an integer whose low bits hold n + bias.

    Shifted left by `mantissa`, the second is the floating point number 2^n.
    """
    form = format_of(x)
    magic = form.nearest + form.bias
    shifted = body.fma(x, factor, magic)
    return shifted - magic, shifted.cast()


def power_of_two(low: Value, offset: int = 0) -> Value:
    """Return 2^(n + offset) from the second result of `nearest`."""
    form = FORMATS["double" if low.type.scalar == "i64" else "float"]
    return ((low + offset if offset else low) << form.mantissa).cast()


def scale(y: Value, low: Value) -> Value:
    """Return y 2^n in two steps, the first of which is exact: y 2^n may overflow or be subnormal."""
    form = format_of(y)
    magic = bits_of(form.nearest, y.type.scalar)
    shifted = low - (magic - form.bias)  # n + 2 bias
    half = shifted >> 1
    first = (half << form.mantissa).cast()
    second = ((shifted - half) << form.mantissa).cast()
    return y * first * second


def split_sum(x: Value, y: Value) -> tuple[Value, Value]:
    """Return x + y as a rounded sum and its error, exactly, where |x| >= |y| (Dekker 1971)."""
    total = x + y
    return total, y - (total - x)


def split_product(body: Body, x: Value, y: Value | float) -> tuple[Value, Value]:
    """Return x y as a rounded product and its error, exactly."""
    product = x * y
    return product, body.fma(x, y, -product)


def quotient(body: Body, x: Value, x_low: Value | None, y: Value, y_low: Value) -> Value:
    """Return (x + x_low)/(y + y_low) for corrections that are small: one division, then one step of Newton's."""
    inverse = 1.0 / y
    q = x * inverse
    rest = body.fma(-q, y_low, body.fma(-q, y, x))
    return body.fma(rest if x_low is None else rest + x_low, inverse, q)

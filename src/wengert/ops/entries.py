"""Entries: what the lowering rules of elementwise primitives share.

Numbers of kernels have types: f64, f32, i64, ..., u8, bool. NumPy's arithmetic on booleans is logic, its comparisons of
i64 with u64 are those of whole numbers, and truth is to differ from zero; these are the places to say so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.lowering import Builder, Number, Pointwise

__all__ = [
    "compared",
    "is_float",
    "is_signed",
    "logical",
    "masked_product",
    "numeric",
    "pointwise",
    "promoted",
    "truth",
    "whole",
    "width",
]

Rule = Callable[..., Any]

# Types ----------------------------------------------------------------------------------------------------------------


def is_float(x: Number) -> bool:
    """Say whether a number is a floating-point number."""
    return x.type[0] == "f"


def is_signed(x: Number) -> bool:
    """Say whether a number can be negative."""
    return x.type[0] in "fi"


def width(x: Number) -> int:
    """Return the number of bits of a number that is no boolean."""
    return int(x.type[1:])


def _dtype(type: str) -> np.dtype[Any]:
    return np.dtype(np.bool_) if type == "bool" else np.dtype(f"{type[0]}{int(type[1:]) // 8}")


def promoted(b: Builder, *xs: Any) -> list[Any]:
    """Return numbers in the type that NumPy's promotion gives them together."""
    dtype = np.result_type(*[_dtype(x.type) for x in xs])
    type = "bool" if dtype.kind == "b" else f"{dtype.kind}{8 * dtype.itemsize}"
    return [b.convert(x, type) for x in xs]


def truth(b: Builder, x: Any) -> Any:
    """Return whether a number differs from zero, as nan does."""
    return x if x.type == "bool" else b("ne", x, b.constant(0, x))


# Rules ----------------------------------------------------------------------------------------------------------------


def numeric(name: str, on_booleans: Rule) -> Rule:
    """Return the rule of an operation on numbers that is another one on booleans."""
    return lambda b, *xs: on_booleans(b, *xs) if xs[0].type == "bool" else b(name, *xs)


def whole(name: str) -> Rule:
    """Return the rule of a rounding to whole numbers, which leaves whole numbers as they are."""
    return lambda b, x: b(name, x) if is_float(x) else x


def logical(name: str) -> Rule:
    """Return the rule of an operation on the truth of numbers."""
    return lambda b, *xs: b(name, *[truth(b, x) for x in xs])


def compared(name: str, on_booleans: Rule) -> Rule:
    """Return the rule of a comparison.

    NumPy compares i64 with u64 as whole numbers: a negative number is less than all of u64, and the others are in it.
    """

    def rule(b: Builder, x: Any, y: Any) -> Any:
        if x.type == "bool":
            return on_booleans(b, x, y)
        if x.type == y.type:
            return b(name, x, y)
        signed = x if is_signed(x) else y
        negative = b("lt", signed, b.constant(0, signed))
        same = b(name, b.convert(x, "u64"), b.convert(y, "u64"))
        below = name in ({"lt", "le", "ne"} if signed is x else {"gt", "ge", "ne"})
        return b("or", negative, same) if below else b("and", b("not", negative), same)

    return rule


# Weights --------------------------------------------------------------------------------------------------------------

_WEIGHTS = {
    **dict.fromkeys(("div", "rem", "sqrt"), 4),
    **dict.fromkeys(("exp", "exp2", "log", "log2", "log10", "sin", "cos", "sigmoid", "hypot"), 15),
    **dict.fromkeys(("expm1", "log1p", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "cbrt"), 20),
    **dict.fromkeys(("asinh", "acosh", "atanh", "softplus", "pow", "atan2", "erf", "erfc"), 25),
    **dict.fromkeys(("lgamma", "digamma"), 40),
}


class _Sample:
    """A number of a program that nobody will run."""

    __slots__ = ("type",)

    def __init__(self, type: str) -> None:
        self.type = type


class _Scales:
    """A builder that adds up the weights of what is built."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, name: str, *values: Any) -> _Sample:
        self.total += _WEIGHTS.get(name, 1)
        return _Sample("bool" if name in {"eq", "ne", "lt", "le", "gt", "ge"} else values[-1].type)

    def constant(self, number: complex, like: Any) -> _Sample:
        return _Sample(like if isinstance(like, str) else like.type)

    def convert(self, value: Any, type: str) -> Any:
        self.total += value.type != type
        return _Sample(type)

    def bitcast(self, value: Any, type: str) -> Any:
        return _Sample(type)


def pointwise(rule: str | Rule | Pointwise | None, *types: str, **params: Any) -> Pointwise | None:
    """Return a rule as a lowering, with the weight that it has for operands of some types."""
    if rule is None or isinstance(rule, Pointwise):
        return rule
    if isinstance(rule, str):
        return Pointwise(rule, _WEIGHTS.get(rule, 1))
    scales = _Scales()
    rule(scales, *map(_Sample, types), **params)
    return Pointwise(rule, max(scales.total, 1))


def masked_product(b: Builder, c: Any, p: Any) -> Any:
    """A product with 0 that is not 0 is nan. The sign of a product that is 0 is not defined."""
    c, p = promoted(b, c, p)
    if c.type == "bool":
        return b("and", c, p)
    known = _by_constant(b, c, p) or _by_constant(b, p, c)
    if known is not None:
        return known
    y = b("mul", c, p)
    if not is_float(y):
        return y
    zero = b.constant(0, y)
    is_masked = b("and", b("ne", y, y), b("or", b("eq", c, zero), b("eq", p, zero)))
    return b("select", is_masked, zero, y)


def _by_constant(b: Builder, c: Any, p: Any) -> Any:
    """Return the product where a factor is known to be 0 or 1."""
    number = getattr(c, "value", None)
    if number is None or number not in {0, 1}:
        return None
    return p if number else b.nothing(p)

"""Sums and other reductions of loops over lanes.

Every lane of every copy of the body joins its own entries; then copies are joined, then lanes, always in the same
order. Sums of floating-point numbers are done in blocks of `BLOCK` steps: within one, a lane adds at most `BLOCK`
entries in a row; and the sums of blocks are added with their rounding errors, which Knuth's two-sum finds:

    s = a + b,   b' = s - a,   e = (a - (s - b')) + (b - b'),   a + b = s + e exactly.

An entry then meets at most BLOCK - 1 roundings in its lane (the first addition is exact), log2(copies) where copies are
joined, and one at the end, however many entries there are; in a single block, where lanes are joined without
compensation, BLOCK - 1 + log2(copies * lanes). NumPy's pairwise sums have 18 + log2(n / 128). So BLOCK is 16.

Lanes begin with -0.0, which leaves every number as it is, +0.0 included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wengert.compile.emission_operations import chosen, compared, joined
from wengert.compile.emission_text import FLOATS, Operand, Text, bits, intrinsic, is_signed
from wengert.compile.kernel import BOOL, Carried, Constant

__all__ = [
    "BLOCK",
    "Total",
    "begin",
    "closed",
    "identity",
    "identity_of",
    "is_compensated",
    "join",
    "merge",
    "neutral",
]

BLOCK: Final = 16  # steps

Total = tuple[Operand, ...]  # a reduction so far: (sum, error) where it is compensated, else (value,)


def is_compensated(carried: Carried) -> bool:
    """Say whether rounding errors of a reduction are added up."""
    return carried.reduction == "add" and carried.entry.type in FLOATS


def identity(carried: Carried, lanes: int) -> Operand:
    """Return what a reduction leaves as it is, in each lane."""
    type, name = carried.entry.type, carried.reduction
    return Operand("", type, lanes).spread(identity_of(name or "", type))


def neutral(carried: Carried) -> Constant:
    """Return what a reduction leaves as it is, as a value."""
    type = carried.entry.type
    return Constant(type, identity_of(carried.reduction or "", type))


def identity_of(name: str, type: str) -> float:
    """Return what a reduction of a type leaves as it is."""
    if name in {"minimum", "maximum"}:
        return _last(type) if name == "minimum" else _first(type)
    if name == "and":
        return 1 if type == BOOL else -1
    if name == "mul":
        return 1
    return -0.0 if type in FLOATS else 0


def _last(type: str) -> float:
    """Return the greatest number of a type."""
    if type in FLOATS:
        return float("inf")
    return 1 if type == BOOL else 2 ** (bits(type) - is_signed(type)) - 1


def _first(type: str) -> float:
    """Return the least number of a type."""
    if type in FLOATS:
        return float("-inf")
    return -(2 ** (bits(type) - 1)) if is_signed(type) else 0


def merge(text: Text, carried: Carried, copies: Sequence[Operand]) -> Operand:
    """Join what the copies of the body have found, two by two."""
    found = list(copies)
    while len(found) > 1:
        pairs = zip(found[::2], found[1::2], strict=False)
        odd = found[-1:] if len(found) % 2 else []
        found = [joined(text, carried.reduction or "", x, y) for x, y in pairs] + odd
    return found[0]


def begin(carried: Carried, lanes: int) -> Total:
    """Return a total of nothing."""
    zero = identity(carried, lanes)
    return (zero, zero) if is_compensated(carried) else (zero,)


def join(text: Text, carried: Carried, total: Total, found: Operand) -> Total:
    """Join what a block has found to a total."""
    if len(total) == 1:
        return (joined(text, carried.reduction or "", total[0], found),)
    a, error = total
    s = text.make(f"fadd {a.typed}, {found.text}", a)
    part = text.put(f"fsub {a.kind} {s.text}, {a.text}")
    kept = text.put(f"fsub {a.kind} {s.text}, {part}")
    lost = text.put(f"fsub {a.kind} {a.text}, {kept}")
    lost_too = text.put(f"fsub {a.kind} {found.text}, {part}")
    e = text.put(f"fadd {a.kind} {lost}, {lost_too}")
    return s, text.make(f"fadd {error.typed}, {e}", error)


def closed(text: Text, carried: Carried, total: Total, first: Operand) -> Operand:
    """Return the result: the lanes of a total and the first value joined, the upper half to the lower half."""
    while total[0].lanes > 1:
        half = total[0].lanes // 2
        lower, upper = ([_part(text, x, range(at, at + half)) for x in total] for at in (0, half))
        total = join(text, carried, tuple(lower), upper[0])
        if len(total) > 1:
            total = total[0], text.make(f"fadd {total[1].typed}, {upper[1].text}", total[1])
    total = join(text, carried, total, first)
    return total[0] if len(total) == 1 else _corrected(text, *total)


def _corrected(text: Text, s: Operand, error: Operand) -> Operand:
    """Return a sum and its error.

    The error is left out where it is 0, which keeps the sign of a sum of zeros, and where the sum has overflowed, which
    makes it a nan.
    """
    size = text.make(text.call(intrinsic("fabs", s), s.kind, error.pair), s)
    some = compared(text, "gt", size, s.spread(0.0))
    finite = compared(text, "lt", size, s.spread(float("inf")))
    counts = text.make(f"and {some.typed}, {finite.text}", some)
    return chosen(text, counts, text.make(f"fadd {s.typed}, {error.text}", s), s)


def _part(text: Text, whole: Operand, places: range) -> Operand:
    """Return some of the lanes."""
    if len(places) == 1:
        return whole._replace(text=text.put(f"extractelement {whole.typed}, i64 {places[0]}"), lanes=1)
    order = ", ".join(f"i32 {place}" for place in places)
    shuffled = text.put(f"shufflevector {whole.typed}, {whole.kind} poison, <{len(places)} x i32> <{order}>")
    return whole._replace(text=shuffled, lanes=len(places))

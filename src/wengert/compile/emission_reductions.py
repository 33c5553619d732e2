"""Sums and other reductions of loops over lanes.

Every lane of every copy of the body joins its own entries; then copies are joined, then lanes, always in the same
order. Sums of floating-point numbers are done in blocks of `BLOCK` steps: within one, a lane adds at most `BLOCK`
entries in a row; and the sums of blocks are added with their rounding errors, which Knuth's two-sum finds:

    s = a + b,   b' = s - a,   e = (a - (s - b')) + (b - b'),   a + b = s + e exactly.

So the error is at most about (BLOCK + log2(lanes * copies) + 2) eps sum |x|, however many entries there are, where
NumPy's pairwise sums have (19 + log2(n / 128)) eps sum |x|. BLOCK is 16.

Lanes begin with -0.0, which leaves every number as it is, +0.0 included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wengert.compile.emission_operations import chosen, compared, joined
from wengert.compile.emission_text import FLOATS, Operand, Text, bits, is_signed
from wengert.compile.kernel import BOOL, Carried

__all__ = ["BLOCK", "across", "begin", "close", "identity", "is_compensated", "join", "merge"]

BLOCK: Final = 16  # steps

Total = tuple[Operand, ...]  # a reduction so far: (sum, error) where it is compensated, else (value,)


def is_compensated(carried: Carried) -> bool:
    """Say whether rounding errors of a reduction are added up."""
    return carried.reduction == "add" and carried.entry.type in FLOATS


def identity(carried: Carried, lanes: int) -> Operand:
    """Return what a reduction leaves as it is, in each lane."""
    type, name = carried.entry.type, carried.reduction
    return Operand("", type, lanes).spread(_identity(name or "", type))


def _identity(name: str, type: str) -> float:
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
    if not is_compensated(carried):
        return (joined(text, carried.reduction or "", total[0], found),)
    a, error = total
    s = text.make(f"fadd {a.typed}, {found.text}", a)
    part = text.put(f"fsub {a.kind} {s.text}, {a.text}")
    kept = text.put(f"fsub {a.kind} {s.text}, {part}")
    lost = text.put(f"fsub {a.kind} {a.text}, {kept}")
    lost_too = text.put(f"fsub {a.kind} {found.text}, {part}")
    e = text.put(f"fadd {a.kind} {lost}, {lost_too}")
    return s, text.make(f"fadd {error.typed}, {e}", error)


def close(text: Text, carried: Carried, total: Total) -> Operand:
    """Return the value of a total.

    The error is left out where it is 0, which keeps the sign of a sum of zeros, and where the sum has overflowed, which
    makes it a nan.
    """
    if not is_compensated(carried):
        return total[0]
    s, error = total
    size = text.make(text.call(f"@llvm.fabs.v{s.lanes}{s.type}", s.kind, error.pair), s)
    some = compared(text, "gt", size, s.spread(0.0))
    finite = compared(text, "lt", size, s.spread(float("inf")))
    counts = Operand(text.put(f"and {some.typed}, {finite.text}"), BOOL, s.lanes)
    return chosen(text, counts, text.make(f"fadd {s.typed}, {error.text}", s), s)


def across(text: Text, carried: Carried, found: Operand) -> Operand:
    """Join the lanes: the upper half to the lower half, until there is one."""
    while found.lanes > 1:
        half = found.lanes // 2
        lower, upper = (_part(text, found, range(start, start + half)) for start in (0, half))
        found = joined(text, carried.reduction or "", lower, upper)
    return found


def _part(text: Text, whole: Operand, places: range) -> Operand:
    """Return some of the lanes."""
    if len(places) == 1:
        return whole._replace(text=text.put(f"extractelement {whole.typed}, i64 {places[0]}"), lanes=1)
    order = ", ".join(f"i32 {place}" for place in places)
    shuffled = text.put(f"shufflevector {whole.typed}, {whole.kind} poison, <{len(places)} x i32> <{order}>")
    return whole._replace(text=shuffled, lanes=len(places))

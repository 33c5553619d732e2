"""Operations of kernels as instructions, in one lane or in several: what NumPy's ufuncs do, bit for bit.

Where LLVM leaves a result open (shifts beyond the width, numbers that do not fit the integer they are converted to,
division of integers by zero), x86's or NumPy's answer is written out. No instruction traps, and none carries a flag
but `contract`: a product may be fused with the sum it goes into.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from wengert.compile.emission_text import FLOATS, Operand, Text, bits, intrinsic, is_signed, kind, vector
from wengert.compile.kernel import BOOL

__all__ = ["compared", "converted", "joined", "operate"]

_FLOAT_ARITHMETIC: Final = {
    "add": "fadd contract",
    "sub": "fsub contract",
    "mul": "fmul contract",
    "div": "fdiv",
    "rem": "frem",
}
_FLOAT_COMPARISONS: Final = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_BOOLEAN: Final = {
    "add": "or",
    "mul": "and",
    "minimum": "and",
    "maximum": "or",  # as NumPy has it
    "and": "and",
    "or": "or",
    "xor": "xor",
}
_INTRINSICS: Final = frozenset({"fma", "sqrt", "floor", "ceil", "trunc", "rint", "copysign"})


def operate(text: Text, name: str, operands: Sequence[Operand], result: str) -> Operand:
    """Write an operation.

    Parameters
    ----------
    text : Text
        What is written to.
    name : str
        A key of `kernel.OPERATIONS`.
    operands : sequence of Operand
        All with the same lanes.
    result : str
        Type of the result.
    """
    first = operands[0]
    if name in _WRITERS:
        return _WRITERS[name](text, operands, result)
    if name in _FLOAT_COMPARISONS:
        return compared(text, name, first, operands[1])
    if first.type in FLOATS:
        return _of_floats(text, name, operands)
    if first.type == BOOL:
        return text.make(f"{_BOOLEAN[name]} {first.typed}, {operands[1].text}", first)
    return _of_integers(text, name, operands)


def joined(text: Text, name: str, x: Operand, y: Operand) -> Operand:
    """Write the operation of a reduction."""
    return operate(text, name, (x, y), x.type)


def compared(text: Text, name: str, x: Operand, y: Operand) -> Operand:
    """Write a comparison."""
    if x.type in FLOATS:
        found = f"fcmp {_FLOAT_COMPARISONS[name]}"
    else:
        sign = "" if name in {"eq", "ne"} else "s" if is_signed(x.type) else "u"
        found = f"icmp {sign}{name}"
    return Operand(text.put(f"{found} {x.typed}, {y.text}"), BOOL, x.lanes)


def chosen(text: Text, condition: Operand, so: Operand, otherwise: Operand) -> Operand:
    """Write a selection, lane by lane."""
    return text.make(f"select {condition.typed}, {so.typed}, {otherwise.typed}", so)


def _call(text: Text, name: str, result: Operand, *operands: Operand, flags: str = "") -> Operand:
    """Write a call of an intrinsic function of one type; `flags` are constant i1 operands after the others."""
    pairs = [operand.pair for operand in operands] + ([("i1", flags)] if flags else [])
    return text.make(text.call(intrinsic(name, operands[0]), result.kind, *pairs), result)


def _of_floats(text: Text, name: str, operands: Sequence[Operand]) -> Operand:
    x = operands[0]
    if name in _FLOAT_ARITHMETIC:
        return text.make(f"{_FLOAT_ARITHMETIC[name]} {x.typed}, {operands[1].text}", x)
    if name in _INTRINSICS:
        return _call(text, name, x, *operands)
    text.mathematics[name, x.type, x.lanes] += 1
    pairs = ", ".join(operand.typed for operand in operands)
    return text.make(f"call {x.kind} @wg.{name}.{x.type}x{x.lanes}({pairs})", x)


def _of_integers(text: Text, name: str, operands: Sequence[Operand]) -> Operand:
    x, y = operands
    if name in {"minimum", "maximum"}:
        return _call(text, f"{'s' if is_signed(x.type) else 'u'}{name[:3]}", x, x, y)
    return text.make(f"{name} {x.typed}, {y.text}", x)  # add, sub, mul, and, or, xor


# Operations that are more than one instruction -----------------------------------------------------------------------


def _negative(text: Text, operands: Sequence[Operand], result: str) -> Operand:
    (x,) = operands
    return text.make(
        f"fneg {x.typed}" if x.type in FLOATS else f"sub {x.kind} {x.spread(0).text}, {x.text}", x
    )


def _absolute(text: Text, operands: Sequence[Operand], result: str) -> Operand:
    (x,) = operands
    if x.type in FLOATS:
        return _call(text, "fabs", x, x)
    return _call(text, "abs", x, x, flags="false") if is_signed(x.type) else x


def _not(text: Text, operands: Sequence[Operand], result: str) -> Operand:
    (x,) = operands
    return text.make(f"xor {x.typed}, {x.spread(1 if x.type == BOOL else -1).text}", x)


def _select(text: Text, operands: Sequence[Operand], result: str) -> Operand:
    return chosen(text, *operands)


def _bitcast(text: Text, operands: Sequence[Operand], result: str) -> Operand:
    (x,) = operands
    made = x._replace(type=result)
    if made.kind == x.kind:
        return made
    return text.make(f"bitcast {x.typed} to {made.kind}", made)


def _extreme(name: str) -> Callable[[Text, Sequence[Operand], str], Operand]:
    """Return the writer of `minimum` or `maximum`: nan if either is, the second of two zeros."""
    relation = "olt" if name == "minimum" else "ogt"

    def write(text: Text, operands: Sequence[Operand], result: str) -> Operand:
        x, y = operands
        if x.type == BOOL:
            return text.make(f"{_BOOLEAN[name]} {x.typed}, {y.text}", x)
        if x.type not in FLOATS:
            return _of_integers(text, name, operands)
        before = Operand(text.put(f"fcmp {relation} {x.typed}, {y.text}"), BOOL, x.lanes)
        found = chosen(text, before, x, y)  # y where there is a nan, which is right unless it is x
        is_nan = Operand(text.put(f"fcmp uno {x.typed}, {x.text}"), BOOL, x.lanes)
        return chosen(text, is_nan, x, found)

    return write


def _number_extreme(name: str) -> Callable[[Text, Sequence[Operand], str], Operand]:
    """Return the writer of `fmin` or `fmax`: the other operand where one is nan."""
    relation = "olt" if name == "fmin" else "ogt"

    def write(text: Text, operands: Sequence[Operand], result: str) -> Operand:
        x, y = operands
        before = Operand(text.put(f"fcmp {relation} {x.typed}, {y.text}"), BOOL, x.lanes)
        found = chosen(text, before, x, y)  # y where there is a nan, which is right unless it is y
        is_nan = Operand(text.put(f"fcmp uno {y.typed}, {y.text}"), BOOL, x.lanes)
        return chosen(text, is_nan, x, found)

    return write


def _shift(name: str) -> Callable[[Text, Sequence[Operand], str], Operand]:
    """Return the writer of a shift: beyond the width nothing is left, or the sign."""

    def write(text: Text, operands: Sequence[Operand], result: str) -> Operand:
        x, n = operands
        if name == "shr" and is_signed(x.type):
            most = _call(text, "umin", n, n, n.spread(bits(x.type) - 1))
            return text.make(f"ashr {x.typed}, {most.text}", x)
        fits = Operand(text.put(f"icmp ult {n.typed}, {n.spread(bits(x.type)).text}"), BOOL, x.lanes)
        within = chosen(text, fits, n, n.spread(0))
        found = text.make(f"{'shl' if name == 'shl' else 'lshr'} {x.typed}, {within.text}", x)
        return chosen(text, fits, found, x.spread(0))

    return write


def _quotient(name: str) -> Callable[[Text, Sequence[Operand], str], Operand]:
    """Return the writer of `div` or `rem`, whose result is 0 where the divisor is.

    The instructions trap for a divisor of 0, and for -1, by which the least integer's quotient does not fit: they are
    given 1 there.
    """

    def write(text: Text, operands: Sequence[Operand], result: str) -> Operand:
        x, y = operands
        if x.type in FLOATS:
            return _of_floats(text, name, operands)
        sign = "s" if is_signed(x.type) else "u"
        is_zero = compared(text, "eq", y, y.spread(0))
        divisor = chosen(text, is_zero, y.spread(1), y)
        is_minus = compared(text, "eq", y, y.spread(-1)) if sign == "s" else None
        if is_minus is not None:
            divisor = chosen(text, is_minus, y.spread(1), divisor)
        found = text.make(f"{sign}{name} {x.typed}, {divisor.text}", x)
        if is_minus is not None and name == "div":
            found = chosen(text, is_minus, _negative(text, (x,), result), found)
        return chosen(text, is_zero, x.spread(0), found)

    return write


# Conversions ---------------------------------------------------------------------------------------------------------


def converted(text: Text, operands: Sequence[Operand], result: str) -> Operand:
    """Write a conversion, as C does it on x86."""
    (x,) = operands
    made = x._replace(type=result)
    if x.type == result:
        return x
    if result == BOOL:
        zero = x.spread(0).text
        return text.make(f"{'fcmp une' if x.type in FLOATS else 'icmp ne'} {x.typed}, {zero}", made)
    if x.type in FLOATS and result not in FLOATS:
        return _to_integer(text, x, result)
    if kind(x.type) == kind(result):
        return made
    return text.make(f"{_conversion(x.type, result)} {x.typed} to {made.kind}", made)


def _conversion(given: str, wanted: str) -> str:
    """Return the instruction between types, unless it goes from floating point to integers."""
    if given in FLOATS:
        return "fpext" if wanted == "f64" else "fptrunc"
    if wanted in FLOATS:
        return "sitofp" if is_signed(given) else "uitofp"
    if given != BOOL and bits(wanted) < bits(given):
        return "trunc"
    return "sext" if is_signed(given) else "zext"


def _to_integer(text: Text, x: Operand, result: str) -> Operand:
    """Convert to integers: those of 8 and 16 bits are the low bits of longer ones.

    What does not fit a signed integer becomes the least one. Unsigned integers of at least 32 bits are signed ones
    below half of their range; above it, that half is taken away, and put back: what NumPy does with arrays.
    """
    width = max(bits(result), 32)
    if result not in {"u32", "u64"}:
        return converted(text, (_signed(text, x, f"i{width}"),), result)
    half = 2 ** (width - 1)
    is_high = Operand(text.put(f"fcmp oge {x.typed}, {x.spread(half).text}"), BOOL, x.lanes)
    lower = text.make(f"fsub {x.typed}, {x.spread(half).text}", x)
    low = _signed(text, chosen(text, is_high, lower, x), f"i{width}")
    high = text.make(f"xor {low.typed}, {low.spread(-half).text}", low)
    return chosen(text, is_high, high, low)._replace(type=result)


def _signed(text: Text, x: Operand, wide: str) -> Operand:
    """Convert to signed integers, the least one where the number, its fraction dropped, does not fit."""
    width = bits(wide)
    made = x._replace(type=wide)
    if x.type == "f64" and width == 32:
        above = text.put(f"fcmp ogt {x.typed}, {x.spread(-(2.0**31) - 1).text}")
    else:
        above = text.put(f"fcmp oge {x.typed}, {x.spread(-(2.0 ** (width - 1))).text}")
    below = text.put(f"fcmp olt {x.typed}, {x.spread(2.0 ** (width - 1)).text}")
    fits = Operand(text.put(f"and {vector('i1', x.lanes)} {above}, {below}"), BOOL, x.lanes)
    within = chosen(text, fits, x, x.spread(0))
    found = text.make(f"fptosi {within.typed} to {made.kind}", made)
    return chosen(text, fits, found, made.spread(-(2 ** (width - 1))))


_WRITERS: Final[dict[str, Callable[[Text, Sequence[Operand], str], Operand]]] = {
    "neg": _negative,
    "abs": _absolute,
    "not": _not,
    "select": _select,
    "bitcast": _bitcast,
    "convert": converted,
    **{name: _extreme(name) for name in ("minimum", "maximum")},
    **{name: _number_extreme(name) for name in ("fmin", "fmax")},
    **{name: _shift(name) for name in ("shl", "shr")},
    **{name: _quotient(name) for name in ("div", "rem")},
}

"""Operations on numbers, and places of entries, as expressions of C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.errors import RefusedError
from wengert.ops.index_forms import SLOT, as_tuple, fill, layout

__all__ = ["FORMULAS", "HELPERS", "Address", "CValue", "affine", "c_number", "c_type", "indexed", "refused"]


def refused(what: str, why: str) -> RefusedError:
    """Return the error for what has no C."""
    return RefusedError(
        f"derivative_source cannot write {what} in C",
        why=why,
        instead='language="numpy" writes everything; in C there are operations entry by entry, sums, products of '
        "matrices, reads and writes at indices, loops and branches, in double precision.",
    )


@dataclass(frozen=True, slots=True)
class CValue:
    """What stands for a value: a number, or the name of an array of numbers in C's order.

    Attributes
    ----------
    text : str
    shape : tuple of int
    dtype : numpy.dtype
    """

    text: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def at(self, place: str) -> str:
        """Return an entry."""
        return f"{self.text}[{place}]" if self.shape else self.text


def c_type(dtype: Any) -> str:
    """Return the type of a number."""
    if dtype == np.float64:
        return "double"
    if dtype == np.int64:
        return "long long"
    if dtype == np.bool:
        return "int"
    raise refused(f"numbers of type {dtype}", "it is written for double precision and 64-bit integers.")


def c_number(x: Any) -> str:
    """Return a number as C writes it."""
    x = np.asarray(x).item()
    if isinstance(x, bool):
        return str(int(x))
    if isinstance(x, int):
        return str(x) if abs(x) < 2**31 else f"{x}LL"
    if not np.isfinite(x):
        return "NAN" if np.isnan(x) else "INFINITY" if x > 0 else "(-INFINITY)"
    return repr(x)


# Entry by entry -------------------------------------------------------------------------------------------------------


def _infix(symbol: str) -> Callable[..., str]:
    return lambda a, b: f"{a} {symbol} {b}"


def _call(name: str) -> Callable[..., str]:
    return lambda *xs: f"{name}({', '.join(xs)})"


_SAME = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "floor", "ceil", "trunc", "rint", "hypot", "copysign", "erf", "erfc", "isnan", "isinf", "isfinite",
    "signbit", "fmax", "fmin", "fmod",
)  # fmt: skip

# The operands are names, numbers or entries; negative numbers are in parentheses.
FORMULAS: dict[str, Callable[..., str]] = {
    **{name: _call(name) for name in _SAME},
    **{f"arc{name}": _call(f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "arctan2": _call("atan2"),
    "gamma": _call("tgamma"),
    "gammaln": _call("lgamma"),
    "absolute": _call("fabs"),
    "fabs": _call("fabs"),
    "power": _call("pow"),
    "float_power": _call("pow"),
    "add": _infix("+"),
    "subtract": _infix("-"),
    "multiply": _infix("*"),
    "divide": _infix("/"),
    "less": _infix("<"),
    "less_equal": _infix("<="),
    "greater": _infix(">"),
    "greater_equal": _infix(">="),
    "equal": _infix("=="),
    "not_equal": _infix("!="),
    "logical_and": _infix("&&"),
    "logical_or": _infix("||"),
    "bitwise_and": _infix("&"),
    "bitwise_or": _infix("|"),
    "bitwise_xor": _infix("^"),
    "invert": lambda a: f"!{a}",  # of truths, as integers are not differentiated
    "logical_not": lambda a: f"!{a}",
    "negative": lambda a: f"-{a}",
    "positive": lambda a: a,
    "reciprocal": lambda a: f"1.0 / {a}",
    "square": lambda a: f"{a} * {a}",
    "masked": _call("masked"),
    "where": lambda c, a, b: f"{c} ? {a} : {b}",
    "maximum": _call("maximum"),
    "minimum": _call("minimum"),
    "clip": lambda x, low, high: f"minimum(maximum({x}, {low}), {high})",
    "sign": lambda a: f"({a} > 0) - ({a} < 0)",
    "heaviside": lambda a, b: f"{a} > 0 ? 1.0 : {a} < 0 ? 0.0 : {b}",
    "expit": lambda a: f"1.0 / (1.0 + exp(-{a}))",
    "log_expit": lambda a: f"{a} < 0 ? {a} - log1p(exp({a})) : -log1p(exp(-{a}))",
    "logaddexp": lambda a, b: f"maximum({a}, {b}) + log1p(exp(-fabs({a} - {b})))",
    "stop_gradient": lambda a: a,
    "copy": lambda a: a,
    "degrees": lambda a: f"{a} * (180.0 / 3.141592653589793)",
    "radians": lambda a: f"{a} * (3.141592653589793 / 180.0)",
    "ones": lambda a: "1.0",
}

HELPERS = {
    "remainder_of": "/* the remainder with the sign of the divisor */\n"
    "static inline double remainder_of(double a, double b)\n"
    "{\n    double r = fmod(a, b);\n    return r != 0.0 && (r < 0.0) != (b < 0.0) ? r + b : r;\n}",
    "masked": "/* c p, and 0 where a factor is 0, even if the other is infinite or undefined there */\n"
    "static inline double masked(double c, double p)\n{\n    return c == 0.0 || p == 0.0 ? 0.0 : c * p;\n}",
    "maximum": "/* the greater, nan if one is */\n"
    "static inline double maximum(double a, double b)\n{\n    return a >= b || isnan(a) ? a : b;\n}",
    "minimum": "/* the smaller, nan if one is */\n"
    "static inline double minimum(double a, double b)\n{\n    return a <= b || isnan(a) ? a : b;\n}",
}


# Places ---------------------------------------------------------------------------------------------------------------


def affine(places: Any) -> tuple[int, tuple[int, ...]] | None:
    """Return offset and strides of an array of places that are affine in their indices, or None."""
    if not places.size:
        return 0, (0,) * places.ndim
    offset = int(places.flat[0])
    strides = []
    for axis, n in enumerate(places.shape):
        second = tuple(int(a == axis) for a in range(places.ndim))
        strides.append(int(places[second]) - offset if n > 1 else 0)
    grid = sum((s * g for s, g in zip(strides, np.indices(places.shape), strict=True)), np.asarray(offset))
    return (offset, tuple(strides)) if np.array_equal(grid, places) else None


def indexed(offset: int, strides: Sequence[int], names: Sequence[str]) -> str:
    """Return the place offset + sum of stride times index."""
    terms = [f"{s} * {i}" if abs(s) != 1 else i for s, i in zip(strides, names, strict=True) if s > 0]
    less = [f"{-s} * {i}" if s != -1 else i for s, i in zip(strides, names, strict=True) if s < 0]
    if offset or not (terms or less) or (less and not terms):
        terms.insert(0, str(offset))
    return " - ".join([" + ".join(terms), *less])


class Address:
    """The places of the entries that an index reads or writes, in an array of a shape.

    Parameters
    ----------
    shape : tuple of int
    index : object
        In normal form; slots hold integers that are known when the program runs.
    slots : sequence of CValue
    table : callable
        Writes an array of integers before the program; returns its name.
    """

    def __init__(
        self, shape: tuple[int, ...], index: Any, slots: Sequence[CValue], table: Callable[[Any], str]
    ) -> None:
        stand_ins = [np.zeros(x.shape, np.int64) if x.shape else 0 for x in slots]
        full = fill(index, stand_ins)
        places = np.arange(int(np.prod(shape))).reshape(shape)[full]
        self.shape = places.shape
        self._affine = affine(places)
        self._table = "" if self._affine is not None else table(places)
        self._moves = list(_moves(shape, index, slots, full))

    def at(self, names: Sequence[str]) -> str:
        """Return the place of the entry at indices."""
        if self._affine is not None:
            place = indexed(*self._affine, names)
        else:
            strides = _strides(self.shape)
            place = f"{self._table}[{indexed(0, strides, names)}]"
        moved = [
            f"{stride} * {_slot_at(x, n, names[first : first + rank])}"
            for x, n, stride, first, rank in self._moves
        ]
        return " + ".join([*moved, place] if place != "0" or not moved else moved)


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod(shape[k + 1 :])) for k in range(len(shape)))


def _moves(shape: tuple[int, ...], index: Any, slots: Sequence[CValue], full: Any) -> Any:
    """Yield for each slot: its value, the length and the stride of the axis it reads, and the axes it varies along."""
    where = layout(full, len(shape))
    rest = iter(slots)
    items = as_tuple(index)
    consumed = [0 if i is None or i is Ellipsis else np.ndim(i) if _is_mask(i) else 1 for i in items]
    axis, strides = 0, _strides(shape)
    for item, n in zip(items, consumed, strict=True):
        if item is SLOT:
            yield next(rest), shape[axis], strides[axis], where.start, where.rank
        axis += len(shape) - sum(consumed) if item is Ellipsis else n


def _is_mask(item: Any) -> bool:
    return isinstance(item, np.ndarray) and item.dtype.kind == "b"


def _slot_at(x: CValue, n: int, names: Sequence[str]) -> str:
    """Return a slot's integer, counted from the front."""
    if not x.shape:
        text = x.text
    else:
        own = names[len(names) - len(x.shape) :]
        strides = [0 if length == 1 else s for length, s in zip(x.shape, _strides(x.shape), strict=True)]
        text = x.at(indexed(0, strides, own))
    return f"({text} < 0 ? {text} + {n} : {text})"

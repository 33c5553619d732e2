"""Numbers and arrays as Python writes them, so that reading gives them back to the last bit."""

from __future__ import annotations

import base64
import re
import textwrap
import types
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import ArgumentError

__all__ = ["Constants", "array_text", "number_text", "python_number", "value_text"]

_INLINE = 6  # entries of an array that is written where it is used
_PRINTED = 400  # entries of an array that is written out as numbers
_LARGEST = 1 << 22  # bytes


def python_number(value: Any) -> Any:
    """Return a number as Python's."""
    return np.asarray(value).item()


def _plain(x: Any) -> str:
    """Return a number of Python's as an expression."""
    if isinstance(x, complex):
        return f"complex({_plain(x.real)}, {_plain(x.imag)})"
    if isinstance(x, float) and not np.isfinite(x):
        return "np.nan" if np.isnan(x) else "np.inf" if x > 0 else "-np.inf"
    return repr(x)


def number_text(value: Any, *, typed: bool = False) -> str:
    """Return a number as an expression, in its own type where that matters."""
    value = np.asarray(value)[()]
    short = value.dtype.kind == "f" and value.dtype.itemsize < 8 and np.isfinite(value)
    text = str(value) if short else _plain(value.item())
    return f"np.{value.dtype.name}({text})" if typed else text


def _dtype_text(dtype: Any) -> str:
    return f"np.{np.dtype(dtype).name}"


def _pattern(x: Any) -> str:
    """Return an array of zeros, of ones, of one number, or of numbers that count, or nothing."""
    dtype = "" if x.dtype == float else f", dtype={_dtype_text(x.dtype)}"
    if x.size and x.tobytes() == np.full_like(x, x.flat[0]).tobytes() and x.dtype.kind != "U":
        shape = x.shape[0] if x.ndim == 1 else x.shape
        first = x.flat[0]
        if first == 0 and not np.signbit(first.real if x.dtype.kind in "fc" else 0):
            return f"np.zeros({shape}{dtype})"
        if first == 1:
            return f"np.ones({shape}{dtype})"
        same = np.asarray(first.item()).dtype == x.dtype  # of the number as Python has it
        return f"np.full({shape}, {number_text(first)}{'' if same else dtype})"
    if (
        x.ndim == 1
        and x.size > 2
        and x.dtype == np.int64
        and np.array_equal(x, np.arange(x[0], x[0] + x.size))
    ):
        return f"np.arange({x[0]}, {x[0] + x.size})" if x[0] else f"np.arange({x.size})"
    return ""


def _nested(x: Any) -> str:
    return (
        "[" + ", ".join([_nested(row) if row.ndim else number_text(row) for row in map(np.asarray, x)]) + "]"
    )


def array_text(x: Any) -> str:
    """Return an array as an expression."""
    x = np.asarray(x)
    found = _pattern(x)
    if found:
        return found
    default = x.size and x.dtype in (np.dtype(float), np.dtype(np.int64), np.dtype(bool), np.dtype(complex))
    dtype = "" if default else f", dtype={_dtype_text(x.dtype)}"
    if not x.size:
        return f"np.zeros({x.shape}{dtype or ', dtype=float'})"
    if x.size <= _PRINTED:
        return f"np.array({_nested(x)}{dtype})"
    if x.nbytes > _LARGEST:
        raise ArgumentError(
            f"the function reads a constant array of {x.nbytes} bytes",
            why="source holds the numbers of its constants, and this one would be mostly these.",
            instead="make it an argument of the function.",
        )
    packed = base64.b64encode(zlib.compress(np.ascontiguousarray(x).tobytes(), 9)).decode()
    return f'np.frombuffer(zlib.decompress(base64.b64decode("{packed}")), {_dtype_text(x.dtype)}).reshape({x.shape})'


class Constants:
    """The arrays that a program reads, written before it under names.

    Parameters
    ----------
    name : callable
        Gives a name that is free.
    known : dict
        Names of arrays of the user's, by type and contents.
    """

    def __init__(self, name: Callable[[str], str], known: dict[Any, str]) -> None:
        self._name, self._known = name, known
        self._names: dict[Any, str] = {}
        self._lines: dict[str, list[str]] = {}

    def text(self, value: Any) -> str:
        """Return what stands for a constant array: itself where it is short, else its name."""
        x = np.asarray(value)
        key = (x.dtype.str, x.shape, x.tobytes())
        if key in self._names:
            return self._names[key]
        text = array_text(x)
        if x.size <= _INLINE or (not text.startswith(("np.array", "np.frombuffer"))):
            return text
        name = self._names[key] = self._name(self._known.get(key, "constant"))
        self._lines[name] = _wrapped(f"{name} = {text}")
        return name

    def lines(self, program: str) -> list[str]:
        """Return the definitions of the constants that a program reads."""
        read = set(re.findall(r"\w+", program))
        return [line for name, lines in self._lines.items() if name in read for line in lines]


def _wrapped(line: str) -> list[str]:
    """Break a long line of numbers; a packed one stays whole, as a text cannot be broken."""
    if len(line) <= 110 or '"' in line:
        return [line]
    return textwrap.wrap(line, 110, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def value_text(value: Any, array: Callable[[Any], str] = array_text) -> str:
    """Return a parameter of an operation as an expression."""
    for kinds, text in _KINDS:
        if isinstance(value, kinds):
            return text(value, array)
    if value in (bool, int, float, complex):
        return str(value.__name__)
    message = f"{value!r} is no literal"
    raise TypeError(message)


def _sequence_text(value: Any, array: Callable[[Any], str]) -> str:
    inside = ", ".join([value_text(v, array) for v in value])
    if isinstance(value, list):
        return f"[{inside}]"
    return f"({inside},)" if len(value) == 1 else f"({inside})"


def _typed(value: Any, array: Callable[[Any], str]) -> str:
    return number_text(value, typed=np.asarray(value.item()).dtype != value.dtype)


# The first that fits; a truth of NumPy's is no number.
_KINDS: tuple[tuple[Any, Callable[[Any, Callable[[Any], str]], str]], ...] = (
    (np.ndarray, lambda value, array: array(value)),
    (slice, lambda value, _: f"slice({', '.join(map(value_text, (value.start, value.stop, value.step)))})"),
    (tuple | list, _sequence_text),
    (
        dict,
        lambda value, array: (
            "{" + ", ".join([f"{value_text(k)}: {value_text(v, array)}" for k, v in value.items()]) + "}"
        ),
    ),
    (np.dtype, lambda value, _: _dtype_text(value)),
    (np.generic, _typed),
    (types.EllipsisType, lambda _, __: "..."),
    (float | complex, lambda value, _: _plain(value)),
    (bool | int | str | bytes | None, lambda value, _: repr(value)),
)

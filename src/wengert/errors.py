"""Errors, one tree; every message says what, where, why, and what to write instead.

WengertError
├─ ArgumentError           (TypeError, ValueError)   argnums, tangents, cotangents, trees that do not fit
├─ NotDifferentiableError  (TypeError)               integer or bool inputs, outputs that have no gradient
├─ NotConcreteError        (TypeError)               Python or NumPy needed a plain number from a traced value
├─ TracerEscapedError      (RuntimeError)            a traced value outlived the transformation that made it
├─ OverwriteError          (ValueError)              a write would lose values or derivatives that are still needed
├─ GraphFreedError         (RuntimeError)            a second `backward` through a graph that was not kept
├─ NonFiniteError          (FloatingPointError)      `debug_nans` saw a NaN or an infinity appear
├─ RefusedError            (TypeError)               a NumPy function that cannot be differentiated
│  └─ MemoryRefusedError   (AttributeError)          the memory of a traced array was asked for
├─ LiftError               (TypeError)               Python's control flow that cannot be part of a graph
├─ RuleMissingError        (NotImplementedError)     a primitive lacks the rule that was asked for
└─ GradientCheckError      (AssertionError)          `check_grads` found a derivative that is wrong
"""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

__all__ = [
    "ArgumentError",
    "GradientCheckError",
    "GraphFreedError",
    "LiftError",
    "MemoryRefusedError",
    "NonFiniteError",
    "NotConcreteError",
    "NotDifferentiableError",
    "OverwriteError",
    "RefusedError",
    "RuleMissingError",
    "TracerEscapedError",
    "WengertError",
    "check_callable",
    "is_user_code",
    "line_text",
    "origin",
    "place_of",
    "user_line",
    "warn",
]

_is_ours: dict[str, bool] = {}  # of files: the hash of a string is kept, that of code is computed anew
_OUR_FILES = tuple(str(Path(f).resolve().parent) + os.sep for f in (__file__, np.__file__))


def _user_frame(start: FrameType | None) -> tuple[FrameType | None, int]:
    """Return the innermost frame outside Wengert and NumPy, and how many frames it is away."""
    frame, depth = start, 0
    while frame is not None:
        name = frame.f_code.co_filename
        if not (name.startswith(_OUR_FILES) or name.startswith("<__array_function__")):
            break
        frame, depth = frame.f_back, depth + 1
    return frame, depth


def _place(code: CodeType, line: int) -> str:
    return line_text(code.co_filename, line, code.co_name)


def origin(error: BaseException) -> str | None:
    """Return the line of the user's code at which an error was raised."""
    trace = error.__traceback__
    place = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(_OUR_FILES):
            place = _place(code, trace.tb_lineno)
        trace = trace.tb_next
    return place


def place_of(frame: FrameType) -> tuple[str, int, str] | None:
    """Return file, line and function of the innermost frame outside Wengert and NumPy, from a frame on."""
    found: FrameType | None = frame
    while found is not None:
        name = found.f_code.co_filename
        ours = _is_ours.get(name)
        if ours is None:
            ours = _is_ours[name] = name.startswith(_OUR_FILES) or name.startswith("<__array_function__")
        if not ours:
            return name, found.f_lineno, found.f_code.co_name
        found = found.f_back
    return None


def is_user_code(code: CodeType) -> bool:
    """Whether code stands outside Wengert and NumPy."""
    name = code.co_filename
    return not (name.startswith(_OUR_FILES) or name.startswith("<__array_function__"))


def line_text(file: str, line: int, function: str) -> str:
    """Return ``File "...", line n, in f: source`` of a place."""
    source = linecache.getline(file, line).strip()
    place = f'File "{file}", line {line}, in {function}'
    return f"{place}: {source}" if source else place


def user_line() -> str | None:
    """Return ``File "...", line n, in f: source`` of the innermost frame outside Wengert and NumPy."""
    frame, _ = _user_frame(sys._getframe(1))  # noqa: SLF001 - there is no other way to walk the stack cheaply
    if frame is None:
        return None
    return _place(frame.f_code, frame.f_lineno)


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the user's line, as NumPy does for its own warnings."""
    _, depth = _user_frame(sys._getframe(1))  # noqa: SLF001
    warnings.warn(message, category, stacklevel=depth + 2)


class WengertError(Exception):
    """Base of all errors that Wengert raises.

    Parameters
    ----------
    what : str
        What happened, in one sentence.
    why : str
        The reason, where it is not obvious.
    instead : str
        What to write instead.
    where : str, optional
        The user's line; found from the stack when absent.
    """

    def __init__(self, what: str, *, why: str = "", instead: str = "", where: str | None = None) -> None:
        self.what, self.why, self.instead = what, why, instead
        self.where = where or user_line()
        parts = [what]
        parts += [f"  {name}: {text}" for name, text in self._details() if text]
        super().__init__("\n".join(parts))

    def _details(self) -> list[tuple[str, str | None]]:
        return [("where", self.where), ("why", self.why), ("instead", self.instead)]


class ArgumentError(WengertError, TypeError, ValueError):
    """An argument of a transformation does not fit: argnums, tangents, cotangents, tree structures."""


class NotDifferentiableError(WengertError, TypeError):
    """An input or output has no derivative: integers, booleans, strings, a non-scalar output of `grad`."""


class NotConcreteError(WengertError, TypeError):
    """Python or NumPy asked a traced value for a plain number, which would lose its derivative."""


class TracerEscapedError(WengertError, RuntimeError):
    """A traced value is used after the transformation that made it has ended."""


class OverwriteError(WengertError, ValueError):
    """A write into a plain array that the reverse sweep needs, or into a Variable that is a leaf."""


class GraphFreedError(WengertError, RuntimeError):
    """A backward pass arrives at operations whose values an earlier one has freed."""


class NonFiniteError(WengertError, FloatingPointError):
    """An operation made a NaN or an infinity of finite values, while `debug_nans` watched."""


class RefusedError(WengertError, TypeError):
    """A function was called on traced values that Wengert cannot differentiate through."""


class MemoryRefusedError(RefusedError, AttributeError):
    """The memory of a traced array was asked for: its strides, flags, bytes, or to be seen as another dtype."""


class LiftError(WengertError, TypeError):
    """Source that `lift` cannot find, or a statement of it that cannot become part of a graph."""


class RuleMissingError(WengertError, NotImplementedError):
    """A primitive lacks the rule that a transformation needs."""


class GradientCheckError(WengertError, AssertionError):
    """`check_grads` found a derivative that disagrees with an independent difference quotient."""


def check_callable(fun: Any, name: str) -> None:
    """Raise unless `fun` can be called."""
    if not callable(fun):
        raise ArgumentError(
            f"{name} needs a function, not {type(fun).__name__}",
            why=f"{name}(f) returns a new function, which is then called with the arguments of f.",
            instead=f"write {name}(f)(x), not {name}(f(x)).",
        )

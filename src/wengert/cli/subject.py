"""What a command is about: a function, which is an expression or stands in a file, and the arguments it is given."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.cli.program import Program, is_program, load
from wengert.cli.values import literal, named, number
from wengert.errors import ArgumentError, WengertError
from wengert.explain.expression import CONSTANTS, FUNCTIONS, ExpressionError, parse

if TYPE_CHECKING:
    import argparse

__all__ = ["Subject", "add_subject", "require_variables", "subject"]

_TEXTS = {"int", "bool", "str"}  # parameters that are no numbers to differentiate by


@dataclass(frozen=True, slots=True)
class Subject:
    """A function and its arguments.

    Attributes
    ----------
    text : str
        As it was given.
    fun : callable
    names : tuple of str
        Of the arguments.
    args : tuple
    chosen : tuple of int
        Which of them to differentiate by.
    program : Program or None
        Where the function stands, if not in the text.
    """

    text: str
    fun: Callable[..., Any]
    names: tuple[str, ...]
    args: tuple[Any, ...]
    chosen: tuple[int, ...]
    program: Program | None

    @property
    def argnums(self) -> tuple[int, ...] | None:
        """The chosen arguments, None for all."""
        return None if len(self.chosen) == len(self.args) else self.chosen

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Give a context for calls of the function, whose errors are those of the user's text or file."""
        if self.program is not None:
            with self.program.running():
                yield
            return
        try:
            with np.errstate(all="ignore"):  # nan and inf are shown
                yield
        except WengertError:
            raise
        except ValueError as error:  # shapes that do not fit
            raise ExpressionError(f"The expression cannot be evaluated: {error}", self.text, 1) from None


def add_subject(command: argparse.ArgumentParser) -> None:
    """Add the arguments that `subject` reads."""
    command.add_argument(
        "function",
        metavar="EXPR | FILE.py:FUNCTION",
        help='an expression such as "log(x1) + x1*x2 - sin(x2)", or a function of a file of Python',
    )
    command.add_argument(
        "values", metavar="NAME=VALUE", nargs="*", help="x=2, x=1,2,3, x=pi/4, x=@data.npy (or .csv, .json)"
    )
    command.add_argument(
        "--args", metavar="NAME=VALUE", nargs="+", action="extend", default=[], help="more of the same"
    )
    command.add_argument("--wrt", metavar="NAME,...", help="what to differentiate by; by default all numbers")
    command.add_argument(
        "--static", metavar="NAME,...", default="", help="arguments to pass as written: 3, true, a word"
    )


def subject(args: argparse.Namespace) -> Subject:
    """Return what a command line is about."""
    texts = named([*args.values, *args.args])
    if is_program(args.function):
        return _of_program(load(args.function, quiet=args.json), texts, args)
    _check_names(texts)
    expression = parse(args.function, tuple(texts))
    values = tuple(_plain(name, number(text)) for name, text in texts.items())
    chosen = _chosen(args.wrt, tuple(texts), values)
    return Subject(expression.text, expression, tuple(texts), values, chosen, None)


# Expressions --------------------------------------------------------------------------------------------------------


def _check_names(texts: dict[str, str]) -> None:
    for name in texts:
        if name in CONSTANTS or name in FUNCTIONS:
            kind = "constant" if name in CONSTANTS else "function"
            raise ArgumentError(f"{name} is the name of a {kind}", instead="another name for the variable")


def _plain(name: str, value: Any) -> Any:
    """Return a value of an expression: a number or an array of numbers, in floating point."""
    kind = getattr(value, "dtype", np.dtype(type(value))).kind
    if kind not in "fciub":
        raise ArgumentError(
            f"{name} holds {type(value).__name__}, not numbers",
            instead="a number, or lists of numbers of the same length",
        )
    return value if kind in "fc" else np.asarray(value, float)[()]


# Programs -----------------------------------------------------------------------------------------------------------


def _of_program(program: Program, texts: dict[str, str], args: argparse.Namespace) -> Subject:
    """Return a function of a file with its arguments in the order of its parameters."""
    static, wanted = _listed(args.static), _listed(args.wrt or "")
    for name in [*static, *wanted]:
        if name not in texts:
            option = "--static" if name in static else "--wrt"
            raise ArgumentError(
                f"{option} names {name!r}, which has no value", instead="among " + ", ".join(texts)
            )
    parameters = _parameters(program, texts)
    values: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if name not in texts:
            values[name] = parameter.default
        elif name in static or (name not in wanted and _is_text(parameter)):
            values[name] = literal(texts[name])
        else:
            values[name] = number(texts[name])
    names = tuple(values)
    by_name = {
        name for name, parameter in parameters.items() if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    given = tuple(values.values())
    return Subject(
        args.function,
        _positional(program.fun, names, by_name),
        names,
        given,
        _chosen(args.wrt, names, given),
        program,
    )


def _parameters(program: Program, texts: dict[str, str]) -> dict[str, inspect.Parameter]:
    """Return the parameters that get values: those given, and those before them that have defaults."""
    try:
        signature = inspect.signature(program.fun)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{program.name} does not say which parameters it has", instead="a function"
        ) from None
    known = {
        p.name: p for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    if any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        further = [name for name in texts if name not in known]
        known |= {name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in further}
    for name in texts:
        if name not in known:
            raise ArgumentError(
                f"{program.name} has no parameter {name!r}", instead="among " + (", ".join(known) or "none")
            )
    missing = [name for name, p in known.items() if name not in texts and p.default is p.empty]
    if missing:
        raise ArgumentError(
            f"{program.name} needs a value for {', '.join(missing)}",
            instead=" ".join(f"{name}=..." for name in missing),
        )
    last = max((k for k, name in enumerate(known) if name in texts), default=-1)
    return {
        name: p
        for k, (name, p) in enumerate(known.items())
        if name in texts or (k < last and p.kind is not p.KEYWORD_ONLY)
    }


def _is_text(parameter: inspect.Parameter) -> bool:
    """Say whether a parameter is declared as an integer, a truth value or a text, or has such a default."""
    annotation = getattr(parameter.annotation, "__name__", parameter.annotation)
    return annotation in _TEXTS or type(parameter.default).__name__ in _TEXTS


def _positional(fun: Callable[..., Any], names: Sequence[str], by_name: set[str]) -> Callable[..., Any]:
    """Return the function with all arguments by position."""
    if not by_name:
        return fun

    @wraps(fun)
    def called(*values: Any) -> Any:
        pairs = list(zip(names, values, strict=True))
        keywords = {name: value for name, value in pairs if name in by_name}
        return fun(*(value for name, value in pairs if name not in by_name), **keywords)

    return called


# What to differentiate by -------------------------------------------------------------------------------------------


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _chosen(wrt: str | None, names: Sequence[str], values: Sequence[Any]) -> tuple[int, ...]:
    """Return the positions of the arguments to differentiate by: those named, or all that are floating-point."""
    if wrt is None:
        return tuple(k for k, value in enumerate(values) if _is_floating(value))
    chosen = _listed(wrt)
    for name in chosen:
        if name not in names:
            raise ArgumentError(
                f"--wrt names {name!r}, which has no value", instead="among " + ", ".join(names)
            )
    return tuple(names.index(name) for name in dict.fromkeys(chosen))


def _is_floating(value: Any) -> bool:
    leaves = tree.flatten(value)[0]
    return bool(leaves) and all(
        isinstance(x, float) or getattr(x, "dtype", np.dtype(int)).kind in "fc" for x in leaves
    )


def require_variables(about: Subject) -> None:
    """Raise unless there is something to differentiate by."""
    if not about.chosen:
        raise ArgumentError(
            "There is no variable to differentiate by", instead="a variable with a value, for instance x=2"
        )

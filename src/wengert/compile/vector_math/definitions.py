"""The table of functions, and their text as LLVM functions and modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from wengert.compile.vector_math.instructions import FLOAT, Body, Value, symbol_of
from wengert.errors import ArgumentError

__all__ = ["Definition", "Text", "define", "dependencies", "function", "module_parts", "module_text", "text"]


INLINE = "alwaysinline nounwind"
OUTLINE = "noinline cold nounwind"  # for what only rare arguments need

Builder = Callable[..., Value]  # of a Body and as many values as the function has arguments


class Definition(NamedTuple):
    """How to emit a function: how many arguments it has, and its instructions."""

    arity: int
    build: Builder
    is_rare: bool = False  # called by other functions of this package for rare arguments, and by nobody else
    is_wide: bool = False  # in float32, computed in float64


DEFINITIONS: dict[str, Definition] = {}


def function(
    name: str, arity: int = 1, *, rare: bool = False, wide: bool = False
) -> Callable[[Builder], Builder]:
    """Register a builder under a name."""

    def register(build: Builder) -> Builder:
        DEFINITIONS[name] = Definition(arity, build, rare, wide)
        return build

    return register


class Text(NamedTuple):
    """One function as text, and what it needs."""

    definition: str
    declarations: dict[str, str]  # symbol -> declaration
    uses: tuple[tuple[str, str, int], ...]  # other functions of this package


@cache
def text(name: str, dtype: str, lanes: int, attributes: str) -> Text:
    """Emit one function."""
    _check(name, dtype, lanes)
    found = DEFINITIONS[name]
    body = Body(name, dtype, lanes)
    parameters = [body.parameter(letter) for letter in "xy"[: found.arity]]
    operands = [body.widen(p) for p in parameters] if found.is_wide else parameters
    result = body.narrow(found.build(body, *operands))
    signature = ", ".join(f"{p.type} {p.text}" for p in parameters)
    attributes = OUTLINE if found.is_rare else attributes
    lines = [
        f"define internal {body.type} {symbol_of(name, dtype, lanes)}({signature}) {attributes} {{",
        "entry:",
        *body.lines,
        f"  ret {result.type} {result.text}",
        "}",
    ]
    return Text("\n".join([*body.outlined, *lines]) + "\n", body.declarations, tuple(body.uses))


def define(name: str, dtype: str, lanes: int, attributes: str = INLINE) -> str:
    """LLVM text of one function, `@wg.<name>.<dtype>x<lanes>`.

    Parameters
    ----------
    name : str
        A key of `FUNCTIONS`.
    dtype : {"f64", "f32"}
        The type of arguments and result.
    lanes : int
        1 for a scalar function, else the length of the vectors.
    attributes : str
        Function attributes, as LLVM writes them. Inlined functions need the pass that does so.

    Returns
    -------
    text : str
        The definition, and those of the loops over lanes that only it calls. What else it needs is told by
        `dependencies`, and written by `module_text`.

    Raises
    ------
    ArgumentError
        If there is no such function, format, or number of lanes.

    Examples
    --------
    >>> print(define("fabs", "f64", 4))
    define internal <4 x double> @wg.fabs.f64x4(<4 x double> %x) alwaysinline nounwind {
    entry:
      %v1 = call <4 x double> @llvm.fabs.v4f64(<4 x double> %x)
      ret <4 x double> %v1
    }
    <BLANKLINE>
    """
    return text(name, dtype, lanes, attributes).definition


def dependencies(name: str, dtype: str, lanes: int) -> tuple[tuple[str, str, int] | str, ...]:
    """What a function calls: other functions of this package, and declared symbols.

    Parameters
    ----------
    name, dtype, lanes
        As in `define`.

    Returns
    -------
    needs : tuple
        Each function of this package as (name, dtype, lanes); each intrinsic or symbol of the C library as the
        name of its symbol with the leading @.

    Examples
    --------
    >>> dependencies("sqrt", "f32", 8)
    ('@llvm.sqrt.v8f32',)
    """
    found = text(name, dtype, lanes, INLINE)
    return (*found.uses, *found.declarations)


def module_parts(
    uses: Iterable[tuple[str, str, int]], attributes: str = INLINE
) -> tuple[dict[str, str], str]:
    """Every function named and all that they need, for a module that declares symbols of its own.

    Parameters
    ----------
    uses : iterable of (name, dtype, lanes)
        The functions wanted; repetitions are harmless.
    attributes : str
        As in `define`.

    Returns
    -------
    declarations : dict
        Symbol -> its declaration: intrinsics, and functions of the C library.
    definitions : str
        The functions, callees first.

    Examples
    --------
    >>> module_parts([("sqrt", "f64", 1)])[0]
    {'@llvm.sqrt.f64': 'declare double @llvm.sqrt.f64(double)'}
    """
    texts = dict(_reachable(uses, attributes))
    declarations = {symbol: line for found in texts.values() for symbol, line in found.declarations.items()}
    return dict(sorted(declarations.items())), "\n".join(found.definition for found in texts.values())


def module_text(uses: Iterable[tuple[str, str, int]], attributes: str = INLINE) -> str:
    """Every function named and all that they need: declarations, an empty line, definitions with callees first.

    Parameters
    ----------
    uses, attributes
        As in `module_parts`.

    Returns
    -------
    text : str
        Text that can stand in any module, once.

    Examples
    --------
    >>> print(module_text([("sqrt", "f64", 1)]))
    declare double @llvm.sqrt.f64(double)
    <BLANKLINE>
    define internal double @wg.sqrt.f64x1(double %x) alwaysinline nounwind {
    entry:
      %v1 = call double @llvm.sqrt.f64(double %x)
      ret double %v1
    }
    <BLANKLINE>
    """
    declarations, definitions = module_parts(uses, attributes)
    return "\n".join([*declarations.values(), "", definitions])


def _check(name: str, dtype: str, lanes: int) -> None:
    if name not in DEFINITIONS:
        names = ", ".join(n for n, found in sorted(DEFINITIONS.items()) if not found.is_rare)
        raise ArgumentError(f"vector_math: there is no function {name!r}", instead=f"one of {names}")
    if dtype not in FLOAT or lanes < 1:
        raise ArgumentError(
            f"vector_math: no {name} of {lanes} lanes of {dtype!r}",
            why="functions are defined for f64 and f32, and for at least one lane",
        )


def _reachable(
    uses: Iterable[tuple[str, str, int]], attributes: str
) -> Iterator[tuple[tuple[str, str, int], Text]]:
    for use in uses:
        found = text(*use, attributes)
        yield from _reachable(found.uses, attributes)
        yield use, found

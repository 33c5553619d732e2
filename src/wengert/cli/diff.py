"""``wengert diff``: the derivative of a function as a formula, checked against automatic differentiation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.cli.output import console, print_json
from wengert.cli.program import is_program
from wengert.cli.subject import add_subject, subject
from wengert.cli.values import named, number
from wengert.errors import ArgumentError, NotConcreteError
from wengert.explain.expression import ExpressionError, parse
from wengert.methods.symbolic.check import check_formula

if TYPE_CHECKING:
    import argparse

__all__ = ["DESCRIPTION", "EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "the derivative of a function as a formula, checked at points"
DESCRIPTION = """\
Print the derivative of a function as a formula and in LaTeX, and compare it with automatic differentiation.
Exit code 1 if they differ."""
EXAMPLES = (
    'wengert diff "x**2*sin(x)"',
    'wengert diff "log(x1) + x1*x2 - sin(x2)" --wrt x1 --at x1=2 x2=5 --at x1=3 x2=1',
    "wengert diff model.py:energy q=0.3 p=1 --wrt q --json",
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_subject(command)
    command.add_argument(
        "--at",
        metavar="NAME=VALUE",
        nargs="+",
        action="append",
        default=[],
        help="a further point; may be given several times. Without any, an expression is compared at four points "
        "between 0.2 and 2.2",
    )
    command.add_argument("--json", action="store_true", help="print JSON")


@dataclass(frozen=True, slots=True)
class _Problem:
    """A function of real numbers and arrays alone, and points."""

    fun: Callable[..., Any]
    text: str
    names: tuple[str, ...]
    points: list[dict[str, Any]]
    running: contextlib.AbstractContextManager[None]


def run(args: argparse.Namespace) -> int:
    """Print the formula and how well it agrees; return 1 where it does not."""
    problem = _of_program(args) if is_program(args.function) else _of_expression(args)
    names = problem.names
    wrt = args.wrt or (names[0] if len(names) == 1 else "")
    if not wrt:
        raise ArgumentError(
            f"{problem.text!r} has {len(names)} variables",
            instead="--wrt with one of " + ", ".join(names) if names else "an expression with a variable",
        )
    with problem.running:
        report = check_formula(problem.fun, names, wrt, problem.points)
    if args.json:
        print_json({"expression": problem.text, **report.to_dict()})
    else:
        console().print(report)
    return 0 if report.agrees or not any(np.isfinite(p.error) for p in report.points) else 1


def _of_expression(args: argparse.Namespace) -> _Problem:
    expression = parse(args.function, None)
    words = [[*args.values, *args.args], *args.at]
    points = [{name: number(text) for name, text in named(point).items()} for point in words if point]
    for point in points:
        missing = [name for name in expression.names if name not in point]
        if missing:
            raise ArgumentError(f"--at gives no value for {', '.join(missing)}", instead="a value for each")
    return _Problem(expression, expression.text, expression.names, points, _deciding(expression.text))


@contextlib.contextmanager
def _deciding(text: str) -> Iterator[None]:
    try:
        yield
    except NotConcreteError:
        raise ExpressionError(
            "A condition decides on the formula",
            text,
            1,
            why="the formula is to hold for all values.",
            instead="where(x > 0, a, b) for a if x > 0 else b",
        ) from None


def _of_program(args: argparse.Namespace) -> _Problem:
    """Return a function of a file, with what is no number or array of numbers fixed."""
    wrt, args.wrt = args.wrt, None
    about = subject(args)
    args.wrt = wrt
    free = [k for k, value in enumerate(about.args) if isinstance(value, (float, np.ndarray, np.floating))]

    def fun(*values: Any) -> Any:
        whole = list(about.args)
        for k, value in zip(free, values, strict=True):
            whole[k] = value
        return about.fun(*whole)

    first = {about.names[k]: about.args[k] for k in free}
    further = [{name: number(text) for name, text in named(point).items()} for point in args.at]
    strange = sorted({name for point in further for name in point} - set(first))
    if strange:
        raise ArgumentError(f"--at names {', '.join(strange)}", instead="among " + ", ".join(first))
    points = [first, *[first | point for point in further]]
    return _Problem(fun, about.text, tuple(first), points, about.running())

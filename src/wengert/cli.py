"""The command line: ``wengert trace "log(x1) + x1*x2 - sin(x2)" x1=2 x2=5 --mode reverse``.

Every command prints for people, and with --json for programs. Exit codes: 0 done; 1 a check failed; 2 the input was
wrong, with the reason on standard error; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

import wengert
from wengert.compile import cache
from wengert.compile.llvm import host
from wengert.errors import ArgumentError, NotConcreteError, WengertError
from wengert.explain.compare import compare
from wengert.explain.evaluation_trace import evaluation_trace
from wengert.explain.expression import CONSTANTS, FUNCTIONS, ExpressionError, parse
from wengert.methods.symbolic.check import check_formula

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PACKAGES = ("numpy", "scipy", "optree", "rich", "llvmlite")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit code."""
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # So that the exit does not fail to flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _run(argv: list[str]) -> int:
    parser = _parser()
    args, more = parser.parse_known_args([_positional(word) for word in argv])
    strange = [word for word in more if word.startswith("-") or not hasattr(args, "values")]
    if strange:
        parser.error(f"unrecognized arguments: {' '.join(strange)}")
    if more:  # NAME=VALUE behind an option
        args.values += more
    try:
        return args.command(args) or 0
    except WengertError as error:
        sys.stderr.write(_block(error))
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wengert", description="Derivatives of NumPy programs.")
    parser.add_argument("--version", action="version", version=f"wengert {wengert.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    trace = commands.add_parser(
        "trace",
        help="evaluate an expression and its derivative step by step",
        description="Print every intermediate value of an expression with its tangent or adjoint.",
        epilog=f"functions: {', '.join(FUNCTIONS)}; constants: {', '.join(CONSTANTS)}",
    )
    trace.add_argument("expression", metavar="EXPR", help='for instance "log(x1) + x1*x2 - sin(x2)"')
    trace.add_argument(
        "values", metavar="NAME=VALUE", nargs="*", help="x=2, a vector x=1,2,3 or an expression x=pi/4"
    )
    trace.add_argument(
        "--mode", choices=["forward", "reverse"], default="forward", help="tangents (default) or adjoints"
    )
    trace.add_argument("--wrt", metavar="NAME,...", help="the variables to differentiate by; all by default")
    _add_json(trace)
    trace.set_defaults(command=_trace)

    _add_compare(commands)
    _add_diff(commands)

    info = commands.add_parser(
        "info", help="versions and machine", description="Print versions and the machine."
    )
    _add_json(info)
    info.set_defaults(command=_info)
    return parser


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser(
        "compare",
        help="every way to differentiate an expression, measured side by side",
        description="Take the derivative of an expression in every way there is; measure errors, times and memory.",
        epilog='for instance: wengert compare "log(x1) + x1*x2 - sin(x2)" x1=2 x2=5 -o report.html',
    )
    compare.add_argument("expression", metavar="EXPR", help='for instance "log(x1) + x1*x2 - sin(x2)"')
    compare.add_argument("values", metavar="NAME=VALUE", nargs="*", help="x=2, a vector x=1,2,3 or x=pi/4")
    compare.add_argument(
        "--wrt", metavar="NAME,...", help="the variables to differentiate by; all by default"
    )
    compare.add_argument(
        "--seconds", type=float, default=2.0, help="about how long to measure times (default 2)"
    )
    compare.add_argument(
        "-o", "--output", metavar="FILE", help="write the report to a .html, .md, .json or .txt file"
    )
    _add_json(compare)
    compare.set_defaults(command=_compare)


def _add_diff(commands: Any) -> None:
    diff = commands.add_parser(
        "diff",
        help="the derivative of an expression as a formula, checked at points",
        description="Print the derivative of an expression as a formula and in LaTeX, and compare it with automatic "
        "differentiation. Exit code 1 if they differ.",
        epilog='for instance: wengert diff "x**2*sin(x)" --wrt x --at x=2',
    )
    diff.add_argument("expression", metavar="EXPR", help='for instance "x**2*sin(x)"')
    diff.add_argument("--wrt", metavar="NAME", help="the variable; the only one by default")
    diff.add_argument(
        "--at",
        metavar="NAME=VALUE",
        nargs="+",
        action="append",
        default=[],
        help="a point; may be given several times. Four points between 0.2 and 2.2 by default",
    )
    _add_json(diff)
    diff.set_defaults(command=_diff)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")


def _positional(word: str) -> str:
    """Put a blank before an expression such as -x**2, which argparse would read as an option."""
    return f" {word}" if re.match(r"-(?!o$)[^-h]|-h.", word) else word


# trace --------------------------------------------------------------------------------------------------------------


def _trace(args: argparse.Namespace) -> None:
    values = _values(args.values)
    expression = parse(args.expression, tuple(values))
    try:
        with np.errstate(all="ignore"):  # nan and inf are shown
            trace = evaluation_trace(
                expression,
                *values.values(),
                mode=args.mode,
                argnums=_chosen(args.wrt, list(values)),
                names=tuple(values),
            )
    except WengertError:
        raise
    except ValueError as error:  # shapes that do not fit
        raise ExpressionError(f"The expression cannot be evaluated: {error}", expression.text, 1) from None
    if args.json:
        _print_json({"expression": expression.text, **trace.to_dict()})
        return
    console = _console()
    console.print(trace if _has_unicode() else replace(trace, notation="ascii"))


# compare ------------------------------------------------------------------------------------------------------------


def _compare(args: argparse.Namespace) -> None:
    values = _values(args.values)
    expression = parse(args.expression, tuple(values))
    chosen = _chosen(args.wrt, list(values))
    try:
        with Console(stderr=True).status("measuring"):
            report = compare(expression, *values.values(), argnums=chosen, seconds=args.seconds)
    except WengertError:
        raise
    except ValueError as error:  # shapes that do not fit
        raise ExpressionError(f"The expression cannot be evaluated: {error}", expression.text, 1) from None
    if args.output:
        _save(report, args.output)
    if args.json:
        _print_json({"expression": expression.text, **report.to_dict()})
    elif not args.output:
        _console().print(report)


def _save(report: Any, path: str) -> None:
    try:
        report.save(path)
    except OSError as error:
        raise ArgumentError(f"{path} cannot be written: {error.strerror}", instead="another place") from None


# Variables ----------------------------------------------------------------------------------------------------------


def _values(words: Sequence[str]) -> dict[str, Any]:
    """Return the variables in the order they were given."""
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.strip().partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ArgumentError(
                f"{word.strip()!r} is not of the form NAME=VALUE", instead="for instance x=2 or x=1,2,3"
            )
        if name in values:
            raise ArgumentError(f"{name} is given twice", instead="one value for each variable")
        if name in CONSTANTS or name in FUNCTIONS:
            kind = "constant" if name in CONSTANTS else "function"
            raise ArgumentError(f"{name} is the name of a {kind}", instead="another name for the variable")
        values[name] = parse(f"[{text}]" if "," in text and not text.startswith("[") else text, ())()
    return values


def _chosen(wrt: str | None, names: Sequence[str]) -> Any:
    """Return the positions of the variables to differentiate by."""
    if not names:
        raise ArgumentError(
            "There is no variable to differentiate by", instead="a variable with a value, for instance x=2"
        )
    if wrt is None:
        return None
    chosen = [name.strip() for name in wrt.split(",")]
    for name in chosen:
        if name not in names:
            raise ArgumentError(
                f"--wrt names {name!r}, which has no value", instead="among " + ", ".join(names)
            )
    return tuple(names.index(name) for name in dict.fromkeys(chosen))


# diff ---------------------------------------------------------------------------------------------------------------


def _diff(args: argparse.Namespace) -> int:
    points = [_values(words) for words in args.at]
    expression = parse(args.expression, None)
    wrt = args.wrt or (expression.names[0] if len(expression.names) == 1 else "")
    if not wrt:
        raise ArgumentError(
            f"{expression.text!r} has {len(expression.names)} variables",
            instead="--wrt with one of " + ", ".join(expression.names)
            if expression.names
            else "an expression with a variable",
        )
    for point in points:
        missing = [name for name in expression.names if name not in point]
        if missing:
            raise ArgumentError(f"--at gives no value for {', '.join(missing)}", instead="a value for each")
    try:
        report = check_formula(expression, expression.names, wrt, points)
    except NotConcreteError:
        raise ExpressionError(
            "A condition decides on the formula",
            expression.text,
            1,
            why="the formula is to hold for all values.",
            instead="where(x > 0, a, b) for a if x > 0 else b",
        ) from None
    if args.json:
        _print_json({"expression": expression.text, **report.to_dict()})
    else:
        _console().print(report)
    return 0 if report.agrees or not any(np.isfinite(p.error) for p in report.points) else 1


# info ---------------------------------------------------------------------------------------------------------------


def _info(args: argparse.Namespace) -> None:
    facts = {
        "wengert": wengert.__version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        **{name: _version(name) for name in _PACKAGES},
        "blas": _blas(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        **_compiler(),
    }
    if args.json:
        _print_json(facts)
        return
    table = Table(show_header=False, box=None)
    for name, fact in facts.items():
        table.add_row(name, str(fact))
    _console().print(table)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _blas() -> str:
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _compiler() -> dict[str, Any]:
    """Return what is compiled for, and what is kept of it."""
    machine, store = host(), cache.default()
    entries = [] if store is None else store.entries()
    return {
        "llvm": machine.llvm,
        "compiled for": f"{machine.cpu}, vectors of {machine.vector_bits} bits",
        "cache": "off" if store is None else str(store.path),
        "cached objects": len(entries),
        "cached bytes": sum(entry.size for entry in entries),
    }


def _processor() -> str:
    """Return the processor's name, where Linux or Python knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


# Output -------------------------------------------------------------------------------------------------------------


def _console() -> Console:
    return Console(highlight=False)


def _has_unicode() -> bool:
    try:
        "v̇₁ v̄₁ ·∂".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")


def _block(error: WengertError) -> str:
    """Return an error as text; where in our own code it was noticed would not help, where in the expression does."""
    parts = [f"error: {error.what}"]
    if isinstance(error, ExpressionError):
        parts.append(f"  where: {error.where}")
    parts += [f"  {name}: {text}" for name, text in (("why", error.why), ("instead", error.instead)) if text]
    return "\n".join(parts) + "\n"

"""``wengert trace``: evaluate a function and its derivative step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wengert.cli.output import console, has_unicode, print_json, save
from wengert.cli.subject import add_subject, require_variables, subject
from wengert.explain.evaluation_trace import evaluation_trace
from wengert.explain.expression import CONSTANTS, FUNCTIONS

if TYPE_CHECKING:
    import argparse

__all__ = ["DESCRIPTION", "EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "evaluate a function and its derivative step by step"
DESCRIPTION = f"""\
Print every intermediate value of a function with its tangent or adjoint.

functions of expressions: {", ".join(FUNCTIONS)}
constants: {", ".join(CONSTANTS)}"""
EXAMPLES = (
    'wengert trace "log(x1) + x1*x2 - sin(x2)" x1=2 x2=5',
    'wengert trace "log(x1) + x1*x2 - sin(x2)" x1=2 x2=5 --mode reverse',
    'wengert trace "x*y + sin(x)" x=2 y=3 --mode reverse -o trace.tex',
    "wengert trace model.py:loss w=1,2,3 x=@data.npy --mode reverse --json",
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_subject(command)
    command.add_argument(
        "--mode", choices=["forward", "reverse"], default="forward", help="tangents (default) or adjoints"
    )
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write the trace to a .html, .md, .tex, .json or .txt file"
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Print a trace."""
    about = subject(args)
    require_variables(about)
    with about.running():
        trace = evaluation_trace(
            about.fun, *about.args, mode=args.mode, argnums=about.argnums, names=about.names
        )
    if args.output:
        save(trace.save, args.output)
    if args.json:
        print_json({"expression": about.text, **trace.to_dict()})
    elif not args.output:
        console().print(trace if has_unicode() else replace(trace, notation="ascii"))

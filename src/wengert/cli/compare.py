"""``wengert compare``: every way to take a derivative, measured side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wengert.cli.output import console, print_json, progress, save
from wengert.cli.subject import add_subject, require_variables, subject
from wengert.explain.compare import compare

if TYPE_CHECKING:
    import argparse

__all__ = ["DESCRIPTION", "EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "every way to differentiate a function, measured side by side"
DESCRIPTION = "Take the derivative of a function in every way there is; measure errors, times and memory."
EXAMPLES = (
    'wengert compare "log(x1) + x1*x2 - sin(x2)" x1=2 x2=5',
    "wengert compare model.py:loss w=1,2,3 --seconds 5 -o report.html",
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_subject(command)
    command.add_argument(
        "--seconds", type=float, default=2.0, help="about how long to measure times (default 2)"
    )
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write the report to a .html, .md, .json or .txt file"
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Measure, and print or write the report."""
    about = subject(args)
    require_variables(about)
    with about.running(), progress() as moved:
        report = compare(about.fun, *about.args, argnums=about.argnums, seconds=args.seconds, progress=moved)
    if args.output:
        save(report.save, args.output)
    if args.json:
        print_json({"expression": about.text, **report.to_dict()})
    elif not args.output:
        console().print(report)

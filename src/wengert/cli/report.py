"""``wengert report``: what the gradient of a function says: which inputs matter, and what is suspicious."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wengert.cli.output import console, print_json, save
from wengert.cli.subject import add_subject, require_variables, subject
from wengert.explain.gradient_report import gradient_report

if TYPE_CHECKING:
    import argparse

__all__ = ["DESCRIPTION", "EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "which inputs matter, and what is suspicious about a gradient"
DESCRIPTION = """\
Report on the gradient of a function: which inputs matter, where adjoints vanish or explode, which branches
are dead, which kinks are hit, where digits cancel."""
EXAMPLES = (
    'wengert report "sqrt(x*x + 1) - x" x=1e6',
    "wengert report model.py:loss w=1,2,3 -o report.html",
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_subject(command)
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write the report to a .html, .md, .json or .txt file"
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Print or write the report."""
    about = subject(args)
    require_variables(about)
    with about.running():
        report = gradient_report(about.fun, *about.args, argnums=about.argnums, names=about.names)
    if args.output:
        save(report.save, args.output)
    if args.json:
        print_json({"expression": about.text, **report.to_dict()})
    elif not args.output:
        console().print(report)

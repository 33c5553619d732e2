"""``wengert draw``: the computational graph of a function, as a picture, a page, or text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wengert.cli.output import has_unicode, print_json, save
from wengert.cli.subject import add_subject, subject
from wengert.errors import ArgumentError
from wengert.explain.drawing.drawing import draw

if TYPE_CHECKING:
    import argparse

    from wengert.explain.drawing.drawing import Drawing

__all__ = ["DESCRIPTION", "EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "draw the computational graph of a function"
DESCRIPTION = """\
Draw the computational graph of a function, with its values, and its tangents or adjoints.
Without a file, the graph is printed in the language of Mermaid."""
EXAMPLES = (
    'wengert draw "(x + y)*(x - y)" x=3 y=2 --derivative reverse -o graph.svg',
    'wengert draw "log(x1) + x1*x2 - sin(x2)" x1=2 x2=5 --derivative reverse -o graph.html',
    "wengert draw model.py:loss w=1,2,3 --format dot",
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_subject(command)
    command.add_argument(
        "--derivative", choices=["forward", "reverse"], help="show tangents or adjoints beside the values"
    )
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write to a .svg, .html, .png, .pdf, .dot or .mmd file"
    )
    command.add_argument(
        "--format", choices=["mermaid", "dot", "svg", "html"], help="print it so (mermaid, without a file)"
    )
    folding = command.add_mutually_exclusive_group()
    folding.add_argument(
        "--folded", action="store_true", default=None, help="gather operations by function and line"
    )
    folding.add_argument("--unfolded", dest="folded", action="store_false", help="show every operation")
    command.add_argument("--json", action="store_true", help="print values and links as JSON")


def run(args: argparse.Namespace) -> None:
    """Draw, and write or print."""
    about = subject(args)
    with about.running():
        drawing = draw(
            about.fun,
            *about.args,
            derivative=args.derivative,
            argnums=about.chosen if args.derivative else None,
            names=about.names,
            folded=args.folded,
        )
    if args.output:
        save(drawing.save, args.output)
    if args.json:
        print_json({"expression": about.text, **drawing.to_dict()})
    elif args.format or not args.output:
        _print(drawing, args.format or "mermaid")


def _print(drawing: Drawing, form: str) -> None:
    text = getattr(drawing, form)()
    if not has_unicode():
        raise ArgumentError(
            "Standard output cannot hold the letters of a drawing",
            instead="-o FILE, or PYTHONIOENCODING=utf-8",
        )
    sys.stdout.write(text if text.endswith("\n") else text + "\n")

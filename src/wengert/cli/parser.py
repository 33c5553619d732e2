"""The commands and their options, as argparse knows them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

import wengert
from wengert.cli import compare, completion, diff, draw, info, report, run, trace

__all__ = ["parsed", "parser"]

_COMMANDS = (trace, compare, draw, diff, report, run, info, completion)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    whole = argparse.ArgumentParser(
        prog="wengert",
        description="Derivatives of NumPy programs. A function is an expression, or FILE.py:FUNCTION.",
        epilog="exit codes: 0 done; 1 a check failed, or the program raised; 2 the input was wrong; 130 interrupted",
    )
    whole.add_argument("--version", action="version", version=f"wengert {wengert.__version__}")
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        own = commands.add_parser(
            command.__name__.rpartition(".")[2],
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            epilog="examples:\n" + "\n".join(f"  {line}" for line in command.EXAMPLES),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_options(own)
        own.set_defaults(command=command.run)
    whole.set_defaults(parser=parser)  # completion is about all of them
    return whole


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command line; wrong ones end the process with code 2 and the usage."""
    whole = parser()
    args, more = whole.parse_known_args([_positional(word) for word in argv])
    strange = [word for word in more if word.startswith("-") or not hasattr(args, "values")]
    if strange:
        whole.error(f"unrecognized arguments: {' '.join(strange)}")
    if more:  # NAME=VALUE behind an option
        args.values += more
    return args


def _positional(word: str) -> str:
    """Put a blank before an expression such as -x**2, which argparse would read as an option."""
    return f" {word}" if re.match(r"-(?!o$)[^-h]|-h.", word) else word

"""The command line: ``wengert trace "log(x1) + x1*x2 - sin(x2)" x1=2 x2=5 --mode reverse``.

Every command prints for people, and with --json for programs. Exit codes: 0 done; 1 a check failed, or the program
raised; 2 the input was wrong, with the reason on standard error; 130 interrupted; 141 the reader of the output went
away.

subject     what a command is about: an expression, or FILE.py:function, with its arguments
values      arguments from words and files
program     a file of the user's is loaded and run; its errors are shown as its own
output      tables, JSON, errors, progress
parser      the commands and their options; trace, compare, draw, diff, run, report, info, completion are the commands
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from wengert.cli.output import block
from wengert.cli.parser import parsed
from wengert.cli.program import ProgramError
from wengert.errors import WengertError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


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
    args = parsed(argv)
    try:
        return args.command(args) or 0
    except ProgramError as error:
        sys.stderr.write(block(error))
        return 1
    except WengertError as error:
        sys.stderr.write(block(error))
        return 2

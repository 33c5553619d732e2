"""A file of the user's: loaded as Python loads a program, its functions run, its errors shown as its own."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from wengert.errors import ArgumentError, WengertError

__all__ = ["Program", "ProgramError", "is_program", "load"]

_NAMED = re.compile(r"(?s)(?P<file>.+\.py)(?::(?P<function>.*))?")
_MODULE = "wengert_program"  # none that the program could mean by an import


class ProgramError(WengertError):
    """The user's program raised; `report` is the traceback, from the program's own first frame on."""

    def __init__(self, what: str, report: str) -> None:
        self.report = report
        super().__init__(what, where="")


@dataclass(frozen=True, slots=True)
class Program:
    """A function of a file.

    Attributes
    ----------
    file : Path
    name : str
        Of the function.
    fun : callable
    quiet : bool
        Whether what the program prints goes to standard error, for standard output holds JSON.
    """

    file: Path
    name: str
    fun: Callable[..., Any]
    quiet: bool

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which errors are those of the program."""
        return _running(self.file, self.quiet)


def is_program(text: str) -> bool:
    """Say whether a text names a file: no expression holds a colon, or ends in .py."""
    return _NAMED.fullmatch(text.strip()) is not None


def load(text: str, *, quiet: bool = False) -> Program:
    """Load ``FILE.py:function``.

    Raises
    ------
    ArgumentError
        If there is no such file or function.
    ProgramError
        If the file raises when it is run.
    """
    match = _NAMED.fullmatch(text.strip())
    if match is None:
        raise ArgumentError(f"{text!r} names no program", instead="FILE.py:function")
    file, name = Path(match["file"]), match["function"] or ""
    if not file.is_file():
        raise ArgumentError(f"There is no file {match['file']!r}", instead="the path of a file of Python")
    module = _loaded(file.resolve(), quiet)
    fun: Any = module
    for part in name.split("."):
        fun = getattr(fun, part, None)
    if not name or fun is None or not callable(fun):
        raise ArgumentError(
            f"{file} has no function {name!r}" if name else f"{file}: which of its functions?",
            instead=_functions(module, file),
        )
    return Program(file.resolve(), name, fun, quiet)


def _loaded(file: Path, quiet: bool) -> ModuleType:
    """Run a file as a module; as for a script, its folder comes first where it imports from."""
    spec = importlib.util.spec_from_file_location(_MODULE, file)
    if spec is None or spec.loader is None:
        raise ArgumentError(f"{file} cannot be loaded", instead="a file of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module  # dataclasses look their module up
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    with _running(file, quiet):
        spec.loader.exec_module(module)
    return module


def _functions(module: ModuleType, file: Path) -> str:
    found = [
        name
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == _MODULE and not name.startswith("_")
    ]
    return ", ".join(f"{file}:{name}" for name in found) or "define one"


@contextlib.contextmanager
def _running(file: Path, quiet: bool) -> Iterator[None]:
    where = contextlib.redirect_stdout(sys.stderr) if quiet else contextlib.nullcontext()
    try:
        with where:
            yield
    except WengertError as error:
        if f'"{file}"' in (error.where or ""):  # the user's line, worth showing
            error.where = f"in the program, {error.where}"
        raise
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except SystemExit as error:
        raise ProgramError(f"The program ended itself with code {error.code}", "") from None
    except Exception as error:  # noqa: BLE001 - whatever the program raises is shown
        raise ProgramError(*_told(error, file)) from None


def _told(error: Exception, file: Path) -> tuple[str, str]:
    """Return what was raised, and the traceback without the frames that lead to the program."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != str(file):
        trace = trace.tb_next
    lines = traceback.format_list(traceback.extract_tb(trace)) if trace is not None else []
    if isinstance(error, SyntaxError):  # its own text holds the line
        lines = traceback.format_exception_only(error)
    report = "Traceback (most recent call last):\n" + "".join(lines) if lines else ""
    message = f": {error}" if str(error) else ""
    return f"{type(error).__name__}{message}", report

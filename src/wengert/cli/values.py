"""Arguments from the command line: ``x=2``, ``x=1,2,3``, ``x=pi/4``; from files: ``x=@data.npy``, .csv, .json."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.errors import ArgumentError
from wengert.explain.expression import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["literal", "named", "number"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def named(words: Sequence[str]) -> dict[str, str]:
    """Return the texts of values by name, in the order in which they were given."""
    texts: dict[str, str] = {}
    for word in words:
        name, equals, text = word.strip().partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ArgumentError(
                f"{word.strip()!r} is not of the form NAME=VALUE",
                instead="for instance x=2, x=1,2,3 or x=@data.npy",
            )
        if name in texts:
            raise ArgumentError(f"{name} is given twice", instead="one value for each variable")
        texts[name] = text
    return texts


def number(text: str) -> Any:
    """Return a number or array in double precision, or what a file holds."""
    text = text.strip()
    if text.startswith("@"):
        return _file(text[1:], _floating)
    return parse(f"[{text}]" if _is_list(text) else text, ())()


def literal(text: str) -> Any:
    """Return what is no number to differentiate by as it is written: 3, true, [1, 2], or a word."""
    text = text.strip()
    if text.startswith("@"):
        return _file(text[1:], lambda x: x)
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def _is_list(text: str) -> bool:
    """Say whether there is a comma outside all brackets."""
    depth = 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            return True
    return False


# Files --------------------------------------------------------------------------------------------------------------


def _file(name: str, form: Callable[[Any], Any]) -> Any:
    """Return what a file holds, in a form."""
    path = Path(name)
    readers = {".npy": _npy, ".csv": _csv, ".json": _json}
    if path.suffix.lower() not in readers:
        raise ArgumentError(f"{name!r} cannot be read", instead="a file in " + ", ".join(readers))
    try:
        return form(readers[path.suffix.lower()](path))
    except OSError as error:
        raise ArgumentError(f"{name} cannot be read: {error.strerror}", instead="another file") from None
    except (ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(f"{name} cannot be read: {error}", instead="another file") from None


def _npy(path: Path) -> Any:
    return np.load(path, allow_pickle=False)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8-sig"))


def _csv(path: Path) -> Any:
    """Return a table of numbers; names above the columns are left out, a single row or column is a vector."""
    lines = [
        (k, line)
        for k, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    mark = next((mark for mark in ",;\t" if lines and mark in lines[0][1]), ",")
    rows = list(
        zip([k for k, _ in lines], csv.reader([line for _, line in lines], delimiter=mark), strict=False)
    )
    if rows and not any(map(_is_number, rows[0][1])):
        rows = rows[1:]
    if not rows:
        raise ArgumentError(f"{path} holds no numbers", instead="a row of numbers, at least")
    for k, row in rows:
        strange = next((cell for cell in row if not _is_number(cell)), None)
        if strange is not None:
            raise ArgumentError(
                f"{path}, line {k}: {strange.strip()!r} is not a number", instead="numbers only"
            )
        if len(row) != len(rows[0][1]):
            raise ArgumentError(
                f"{path}, line {k} has {len(row)} numbers, line {rows[0][0]} has {len(rows[0][1])}",
                instead="as many in each line",
            )
    table = np.array([[float(cell) for cell in row] for _, row in rows])
    return np.ravel(table) if 1 in table.shape else table


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _floating(x: Any) -> Any:
    """Return what JSON holds with its numbers in double precision, and rectangular lists of them as arrays."""
    if isinstance(x, dict):
        return {name: _floating(part) for name, part in x.items()}
    if isinstance(x, list):
        shape = _shape(x)
        return np.array(x, float) if shape else [_floating(part) for part in x]
    return float(x) if isinstance(x, int) and not isinstance(x, bool) else x


def _shape(x: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists of numbers, None where they are none."""
    if not isinstance(x, list):
        return () if isinstance(x, int | float) and not isinstance(x, bool) else None
    shapes = {_shape(part) for part in x}
    if len(shapes) != 1 or None in shapes:
        return None
    (inner,) = shapes
    return None if inner is None else (len(x), *inner)

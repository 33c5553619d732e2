"""Checkpoints: files that hold all numbers of a training, written whole or not at all.

    archive ::= header.json  array/0.npy  array/1.npy  ...
    header  ::= {format, version, paths: [path of array/k in the tree], columns: [name], facts: {...}}

The archive is a zip, whose entries have check sums; arrays are NumPy's own format, never objects; columns come last.
What a tree holds beside numbers, such as functions, is not in the file but in the program that reads it.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError
from wengert.nn.files import replace_file

__all__ = ["load_checkpoint", "save_checkpoint"]

FORMAT, VERSION = "wengert checkpoint", 1
_HEADER = "header.json"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    EOFError,
    ValueError,
    TypeError,
    IndexError,
    NotImplementedError,
)


def save_checkpoint(
    path: str | os.PathLike[str],
    numbers: Any,
    facts: dict[str, Any],
    columns: dict[str, Sequence[float]] | None = None,
) -> None:
    """Write a tree of arrays and numbers, and facts, to a file; atomically.

    Parameters
    ----------
    path : str or path-like
        It is replaced if it is there.
    numbers : pytree
        Leaves that are no arrays or numbers are left out.
    facts : dict
        What JSON can hold.
    columns : dict of sequences of numbers, optional
        Facts that are long.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run.checkpoint"
    ...     save_checkpoint(path, {"w": np.ones(2)}, {"step": 3})
    ...     load_checkpoint(path, {"w": np.zeros(2)})
    ({'w': array([1., 1.])}, {'step': 3})
    """
    held = [(p, np.asarray(x)) for p, x in _numbers(numbers)]
    named = {name: np.asarray(x, float) for name, x in (columns or {}).items()}
    header = {
        "format": FORMAT,
        "version": VERSION,
        "paths": [p for p, _ in held],
        "columns": list(named),
        "facts": facts,
    }
    arrays = [*(x for _, x in held), *named.values()]
    replace_file(path, lambda part: _write_archive(part, header, arrays))


def load_checkpoint(path: str | os.PathLike[str], like: Any) -> tuple[Any, dict[str, Any]]:
    """Read the tree and the facts of a file.

    Parameters
    ----------
    path : str or path-like
    like : pytree
        Of the structure, shapes and dtypes that are expected; leaves that are no arrays or numbers are taken from it.

    Returns
    -------
    numbers : pytree
    facts : dict
        With the columns.

    Raises
    ------
    ArgumentError
        If the file is damaged or half-written, or holds another tree.

    Examples
    --------
    See `save_checkpoint`.

    >>> load_checkpoint("nowhere.checkpoint", {})
    Traceback (most recent call last):
    wengert.errors.ArgumentError: there is no checkpoint nowhere.checkpoint...
    """
    target = Path(path)
    if not target.is_file():
        raise ArgumentError(
            f"there is no checkpoint {target}",
            why="nothing was saved under this name, or it lies in another folder.",
            instead="look at the path; fit(..., checkpoint=path) makes it.",
        )
    try:
        with zipfile.ZipFile(target) as archive:
            header = json.loads(archive.read(_HEADER))
            known = header["format"] == FORMAT and header["version"] <= VERSION
            paths = list(header["paths"]) if known else []
            names = list(header["columns"]) if known else []
            arrays = [_array(archive, k) for k in range(len(paths) + len(names))]
    except _DAMAGE as error:
        raise ArgumentError(
            f"{target} is no checkpoint that can be read: it is damaged, half-written, or something else",
            why=f"{type(error).__name__}: {error}",
            instead="use another copy. The file is left as it is; fit(..., resume=False) begins anew and replaces it.",
        ) from error
    if not known:
        raise ArgumentError(
            f"{target} is a {header['format']} of version {header['version']}",
            why=f"this release reads {FORMAT} up to version {VERSION}.",
            instead="read it with the release that wrote it, or a newer one.",
        )
    n = len(paths)
    columns = {name: x.tolist() for name, x in zip(names, arrays[n:], strict=True)}
    return _restored(target, like, dict(zip(paths, arrays[:n], strict=True))), {**header["facts"], **columns}


def _write_archive(path: Path, header: dict[str, Any], arrays: list[Any]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_HEADER, json.dumps(header))
        for k, x in enumerate(arrays):
            with archive.open(f"array/{k}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, x, allow_pickle=False)


def _array(archive: zipfile.ZipFile, k: int) -> Any:
    with archive.open(f"array/{k}.npy") as entry:
        x = np.lib.format.read_array(entry, allow_pickle=False)
        if entry.read(1):  # also makes the archive compare the check sum
            raise ValueError(f"array {k} is longer than it says")
    return x


def _is_number(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic | bool | int | float | complex)


def _numbers(numbers: Any) -> list[tuple[str, Any]]:
    leaves = tree.flatten(numbers)[0]
    return [(p, x) for p, x in zip(tree.paths(numbers), leaves, strict=True) if _is_number(x)]


def _restored(target: Path, like: Any, arrays: dict[str, Any]) -> Any:
    wanted = dict(_numbers(like))
    missing = [p for p in wanted if p not in arrays]
    extra = [p for p in arrays if p not in wanted]
    other = [
        f"{p} is {_type_text(arrays[p])}, not {_type_text(x)}"
        for p, x in wanted.items()
        if p in arrays and not _fits(arrays[p], x)
    ]
    if missing or extra or other:
        parts = [f"it lacks {', '.join(missing[:5])}"] * bool(missing)
        parts += [f"it has {', '.join(extra[:5])} besides"] * bool(extra)
        raise ArgumentError(
            f"{target} is the checkpoint of another model, optimiser or callbacks",
            why="; ".join([*parts, *other[:5]]) + ".",
            instead="train with those that it was made with, or pass resume=False to begin anew and replace it.",
        )
    leaves, structure = tree.flatten(like)
    found = [
        _as_leaf(arrays[p], x) if _is_number(x) else x for p, x in zip(tree.paths(like), leaves, strict=True)
    ]
    return tree.unflatten(structure, found)


def _fits(x: Any, like: Any) -> bool:
    return x.shape == np.shape(like) and (
        x.dtype == np.asarray(like).dtype
        or (isinstance(like, int | float) and type(like) in {int, float, bool})
    )


def _as_leaf(x: Any, like: Any) -> Any:
    if type(like) in {bool, int, float, complex}:
        return x.item()
    return x[()]


def _type_text(x: Any) -> str:
    return f"{np.asarray(x).dtype}{list(np.shape(x))}"

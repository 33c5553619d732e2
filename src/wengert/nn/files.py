"""Files that are replaced whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: str | os.PathLike[str], write: Callable[[Path], object]) -> None:
    """Put a new file in place of one, or of none.

    Parameters
    ----------
    path : str or path-like
        Folders that are missing on the way are made.
    write : callable
        Writes the file that it is given the path of.

    Notes
    -----
    The new file is written beside the old one, forced to the disk, and then takes its name, which is atomic: whoever is
    killed leaves the old file or the new one. Writers at the same time do not mix: the last one stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "numbers.txt")
    ...     replace_file(path, lambda part: part.write_text("1 2 3"))
    ...     path.read_text()
    '1 2 3'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Force the name of a new file to the disk, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

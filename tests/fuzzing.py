"""How many random programs the tests try: what each says itself, or as many as `--fuzz N` asks for.

Programs are numbered, and the number gives the program. Usually they are the first ones; `--fuzz N` takes N from a
random number on, and `--fuzz-from K` from K on. The report of a failure names the number.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

__all__ = ["ask", "many", "numbers"]

_asked: list[int] = []
_first = [0]


def ask(n: int | None, first: int | None) -> None:
    """Take over what the command line asks for."""
    if n is not None:
        _asked[:] = [n]
        _first[0] = secrets.randbelow(10**9)
    if first is not None:
        _first[0] = first


def many(usual: int) -> int:
    """How many programs a test is to try."""
    return _asked[0] if _asked else usual


def numbers() -> Iterator[int]:
    """The numbers of programs."""
    return itertools.count(_first[0])

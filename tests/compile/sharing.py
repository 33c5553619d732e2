"""Loops that threads share however short they are."""

from collections.abc import Iterator
from contextlib import contextmanager

from wengert.compile import parallel, threads

__all__ = ["shared"]

SETTINGS = {"WORTH": 0, "PART": 1, "ROUND": 1, "FEW": 0, "JOINS": 0}


@contextmanager
def shared(n: int = 3, **others: float) -> Iterator[None]:
    """Let n threads share all loops that can be shared, in as many parts as there may be.

    Parameters
    ----------
    n : int
        1 lets one thread do all parts.
    **others : float
        Further settings of `parallel`.
    """
    wanted = SETTINGS | others
    before, count = {name: getattr(parallel, name) for name in wanted}, threads.count()
    for name, value in wanted.items():
        setattr(parallel, name, value)
    threads.set_count(n)
    try:
        yield
    finally:
        threads.set_count(count)
        for name, value in before.items():
            setattr(parallel, name, value)

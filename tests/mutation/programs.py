"""Programs as text: a table whose entries are the NumPy code that they test.

A program is a block of lines; blank lines part the blocks. It finds `x` of shape (3, 4), `v` of shape (4,) and the
scalar `s`, and whatever arrays it leaves under names without a leading underscore are its results: so all handles on
one array are compared. Comments in it may say `no vmap` (it asks for values) or `differences` (it is not analytic, or
makes real arrays of complex ones).
"""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any, NamedTuple

import numpy as np

from wengert.core.dispatch import Traced

__all__ = ["Program", "compiled", "programs"]


class Program(NamedTuple):
    """One block of the table."""

    code: str

    @property
    def step(self) -> str:
        """How its derivatives are found numerically."""
        return "difference" if "# differences" in self.code else "complex"

    @property
    def batches(self) -> bool:
        """Whether it runs under vmap."""
        return "# no vmap" not in self.code

    def __str__(self) -> str:
        return "; ".join(line.split("  #")[0].strip() for line in self.code.splitlines())


def programs(table: str) -> list[Program]:
    """Return the blocks of a table."""
    return [Program(block) for block in dedent(table).strip().split("\n\n")]


def _is_result(name: str, y: Any) -> bool:
    return (
        not name.startswith("_") and isinstance(y, np.ndarray | np.inexact | Traced) and y.dtype.kind in "fc"
    )


def compiled(program: Program, *names: str, **environment: Any) -> Callable[..., list[Any]]:
    """Return a program as a function of arrays, which are bound to the names; it returns all arrays it leaves."""
    code = compile(program.code, f"<{program}>", "exec")

    def fun(*arrays: Any) -> list[Any]:
        space = {"np": np, **environment, **dict(zip(names, arrays, strict=True))}
        exec(code, space)  # noqa: S102 - the text is this test's own
        return [y for name, y in sorted(space.items()) if _is_result(name, y)]

    return fun

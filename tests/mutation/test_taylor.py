"""Programs that write into their arguments have the power series and the Laplacians that nested forward modes give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

from .agreement import EXACT, basis, fresh, require_close
from .programs import Program, compiled
from .tables import TABLES

RNG = np.random.default_rng(2008)
POINT = [RNG.normal(size=(3, 4)), np.array([1.25, 0.5, 1.75, 0.8]), np.float64(0.7)]
FIRST, SECOND = ([RNG.normal(size=np.shape(x))[()] for x in POINT] for _ in range(2))

CASES = [
    pytest.param(program, id=f"{group}: {program}") for group, table in TABLES.items() for program in table
]


def real(fun: Any, *xs: Any) -> list[Any]:
    """The floating results of a program on fresh arguments."""
    return [np.asarray(y) if not hasattr(y, "dtype") else y for y in fun(*[x + 0.0 for x in xs])]


@pytest.mark.parametrize("program", CASES)
def test_series(program: Program) -> None:
    """Along x + t u + t^2 w the coefficients are f' u and f' w + f''[u, u] / 2."""
    fun = compiled(program, "x", "v", "s")
    series = [[u, w] for u, w in zip(FIRST, SECOND, strict=True)]
    _, (first, second) = wg.taylor(lambda *xs: real(fun, *xs), tuple(fresh(POINT)), series)

    def at(t: Any) -> list[Any]:
        return real(fun, *[x + t * u + t * t * w for x, u, w in zip(POINT, FIRST, SECOND, strict=True)])

    def slope(t: Any) -> list[Any]:
        return wg.jvp(at, (t,), (1.0,))[1]

    slopes, twice = wg.jvp(slope, (0.0,), (1.0,))
    require_close(first, slopes, EXACT)
    require_close(second, [y / 2 for y in twice], EXACT)


@pytest.mark.parametrize("program", CASES)
def test_laplacian(program: Program) -> None:
    """By all entries of all arguments."""
    fun = compiled(program, "x", "v", "s")
    found = wg.laplacian(lambda xs: real(fun, *xs))(fresh(POINT))
    total: list[Any] = [0.0] * len(found)
    for direction in basis(POINT):

        def slope(*xs: Any, direction: Any = direction) -> list[Any]:
            return wg.jvp(lambda *args: real(fun, *args), xs, direction)[1]

        curve = wg.jvp(slope, tuple(fresh(POINT)), direction)[1]
        total = [a + b for a, b in zip(total, curve, strict=True)]
    require_close(found, total, EXACT)

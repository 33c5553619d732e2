"""Every program of the tables gives NumPy's values, and their derivatives in every mode."""

from __future__ import annotations

import numpy as np
import pytest

from .agreement import agree
from .programs import Program, compiled
from .tables import TABLES

RNG = np.random.default_rng(1964)
X = RNG.normal(size=(3, 4))
V = np.array([1.25, 0.5, 1.75, 0.8])
S = np.float64(0.7)

CASES = [
    pytest.param(program, id=f"{group}: {program}") for group, table in TABLES.items() for program in table
]


def test_there_are_enough() -> None:
    assert len(CASES) >= 300
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("program", CASES)
def test_writes_to_arguments(program: Program) -> None:
    """The arguments themselves are written to."""
    fun = compiled(program, "x", "v", "s")
    agree(fun, X, V, S, step=program.step, batches=program.batches)


@pytest.mark.parametrize("program", CASES)
def test_writes_to_intermediate_arrays(program: Program) -> None:
    """The arrays written to are results, which other operations have saved for the reverse sweep."""
    inner = compiled(program, "x", "v", "s")

    def fun(x, v, s):
        a, b, c = np.sin(x), v * v, s + 0.0
        return [*inner(a, b, c), a * x, b * v]

    agree(fun, X, V, S, step=program.step, order=1, batches=False)

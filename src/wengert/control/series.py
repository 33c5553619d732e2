"""Coefficients of power series as operands of graphs: which ones an operand has, and all of them in one row.

A graph of values and coefficients takes the operands, then the coefficients that are there, operand by operand; and so
it returns results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wengert.types import ArrayType

__all__ = ["Pattern", "filled", "pattern_of", "present", "regrouped", "types_of", "union"]

Pattern = tuple[tuple[bool, ...], ...]  # for each operand, which coefficients are not zero


def pattern_of(series: Sequence[Sequence[Any]]) -> Pattern:
    """Return which coefficients are there."""
    return tuple([tuple([c is not None for c in s]) for s in series])


def present(series: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the coefficients that are there, in one row."""
    return [c for s in series for c in s if c is not None]


def regrouped(coefficients: Iterator[Any], pattern: Pattern) -> tuple[tuple[Any, ...], ...]:
    """Return coefficients in one row as those of each operand, None where there is none."""
    return tuple([tuple([next(coefficients) if has else None for has in flags]) for flags in pattern])


def types_of(types: Sequence[ArrayType], pattern: Pattern) -> list[ArrayType]:
    """Return the types of the coefficients that are there."""
    return [t for t, flags in zip(types, pattern, strict=True) for has in flags if has]


def union(a: Pattern, b: Pattern) -> Pattern:
    """Return which coefficients are there in one or the other."""
    return tuple([tuple([p or q for p, q in zip(x, y, strict=True)]) for x, y in zip(a, b, strict=True)])


def filled(
    series: Sequence[Sequence[Any]], types: Sequence[ArrayType], pattern: Pattern
) -> list[tuple[Any, ...]]:
    """Return series that have at least the coefficients of a pattern: zeros where there was none."""
    return [
        tuple(
            [np.zeros(t.shape, t.dtype) if has and c is None else c for c, has in zip(s, flags, strict=True)]
        )
        for s, t, flags in zip(series, types, pattern, strict=True)
    ]

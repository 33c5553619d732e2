"""Distinct values and sets of them.

Which entries are kept is locally constant, and each kept value is an entry of an operand: values are read at those
indices. Equal entries become one, and its cotangent goes to the first of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.numpy_protocol import call_function, implements, operand, refuse, zero_derivative

__all__: list[str] = []

zero_derivative(np.isin)
refuse(
    np.intersect1d,
    reason="two traced values are equal only by chance, so any change of an operand changes the shape.",
    instead="np.isin(a, b), which is constant, and a[np.isin(a, b)] for the values as entries of a.",
)


def _distinct(ar: Any, axis: int | None, equal_nan: bool) -> Any:
    """Return (index of the first occurrence, inverse, counts) of the distinct values."""
    return np.unique(
        ar, return_index=True, return_inverse=True, return_counts=True, axis=axis, equal_nan=equal_nan
    )[1:]


zero_derivative(_distinct)


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """Read the first occurrences of the distinct values, in increasing order."""
    ar = operand(ar)
    index, inverse, counts = call_function(_distinct, (ar, axis, equal_nan), {})
    values = np.take(ar, index, axis=axis)
    asked = (return_index, index), (return_inverse, inverse), (return_counts, counts)
    extra = [array for wanted, array in asked if wanted]
    return (values, *extra) if extra else values


_Results = {f: type(f(np.zeros(1))) for f in (np.unique_all, np.unique_counts, np.unique_inverse)}


@implements(np.unique_all)
def unique_all(x: Any) -> Any:
    """Return values, first indices, inverse and counts."""
    return _Results[np.unique_all](*unique(x, True, True, True, equal_nan=False))


@implements(np.unique_counts)
def unique_counts(x: Any) -> Any:
    """Return values and counts."""
    return _Results[np.unique_counts](*unique(x, return_counts=True, equal_nan=False))


@implements(np.unique_inverse)
def unique_inverse(x: Any) -> Any:
    """Return values and the inverse."""
    return _Results[np.unique_inverse](*unique(x, return_inverse=True, equal_nan=False))


@implements(np.unique_values)
def unique_values(x: Any) -> Any:
    """Return the values alone."""
    return unique(x, equal_nan=False)


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    """Return the distinct values of both operands."""
    return np.unique(np.concatenate((ar1, ar2), axis=None))


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """Return the distinct values of the first operand that the second lacks."""
    values = np.ravel(operand(ar1)) if assume_unique else np.unique(ar1)
    return values[np.isin(values, ar2, assume_unique=True, invert=True)]


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """Return the values that only one of the operands has."""
    if not assume_unique:
        ar1, ar2 = np.unique(ar1), np.unique(ar2)
    values = np.sort(np.concatenate((ar1, ar2), axis=None))
    if not np.size(values):
        return values
    begins = np.concatenate(([True], values[1:] != values[:-1], [True]))
    return values[begins[1:] & begins[:-1]]

"""Embedding: rows of a table named by integers."""

from __future__ import annotations

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError
from wengert.types import Array, type_of

__all__ = ["embedding"]


def embedding(table: Array, indices: Array) -> Array:
    """Rows of a table.

    Parameters
    ----------
    table : (rows, ...) array
    indices : array of int
        From 0 to rows - 1.

    Returns
    -------
    (*indices, ...) array

    Raises
    ------
    ArgumentError
        If an index is out of range; under `vmap` and in loops this is an IndexError.

    Examples
    --------
    >>> embedding(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0, 1]))
    array([[3., 4.],
           [1., 2.],
           [3., 4.]])
    """
    table, indices = operand(table), operand(indices)
    rows = np.shape(table)[0] if np.ndim(table) else 0
    if not np.ndim(table) or type_of(indices).dtype.kind not in "iu":
        raise ArgumentError(
            f"embedding: a table {type_of(table)} indexed by {type_of(indices)}",
            why="integers name rows of the table.",
            instead="give a table (rows, features) and an array of integers.",
        )
    if not isinstance(indices, Traced):
        _check_range(table, np.asarray(indices), rows)
    indices = checked_later(indices, rows)
    return np.take(beside(table, indices), indices, axis=0)


def checked_later(indices: Array, n: int) -> Array:
    """Make negative ones of traced indices into n, which indexing refuses when it sees them.

    Parameters
    ----------
    indices : array of int
    n : int
        Length of the axis that they index.

    Returns
    -------
    array of int

    Examples
    --------
    >>> checked_later(np.array([0, 1]), 2)
    array([0, 1])
    """
    known = not isinstance(indices, Traced)
    return indices if known else np.where(indices < 0, n, indices)


def beside(table: Array, indices: Array) -> Array:
    """Let traced indices index a table that is not traced.

    Parameters
    ----------
    table : array
    indices : array of int

    Returns
    -------
    array

    Examples
    --------
    >>> beside(np.ones(2), np.array([0]))
    array([1., 1.])
    """
    lifted = isinstance(indices, Traced) and not isinstance(table, Traced)
    return np.asarray(table, like=indices) if lifted else table


def _check_range(table: Array, indices: Array, rows: int) -> None:
    wrong = indices[(indices < 0) | (indices >= rows)]
    if wrong.size:
        raise ArgumentError(
            f"embedding: index {wrong[0]} is out of range for a table of shape {np.shape(table)}"
            + f", and {wrong.size - 1} others" * (wrong.size > 1),
            why=f"rows are numbered 0 to {rows - 1}.",
            instead="make the table larger, or map unknown tokens to a row of their own.",
        )

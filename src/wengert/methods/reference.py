"""A derivative to hold others against, found without Wengert's rules: in many digits, else by a complex step or so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.api.staging import trace
from wengert.core.graph import Graph
from wengert.errors import ArgumentError, NotConcreteError, RuleMissingError, WengertError
from wengert.jit import jit
from wengert.methods.differences import directional
from wengert.methods.high_precision import HighPrecision

__all__ = ["Reference", "graph_at", "reference"]

_OPERATIONS = 300_000  # that one evaluation in many digits may take: a few microseconds each
_DIGITS = 50


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of a Jacobian that are more accurate than those to be judged.

    Attributes
    ----------
    columns : tuple of int
        Which entries of the flat input they belong to: all, or a random choice where that would take too long.
    values : tuple of arrays
        The flat columns: mpmath's numbers, or doubles.
    method : str
        How they were found: "50 digits", "complex step" or "richardson".
    reason : str
        Why not in many digits, where they are not.
    kinks : tuple of int
        Entries along which the function has no derivative.
    estimate : float
        Of the relative error of the columns.
    value_error : float
        Relative error of the function's own value in double precision; nan if it is not known.
    """

    columns: tuple[int, ...]
    values: tuple[Any, ...]
    method: str
    reason: str = ""
    kinks: tuple[int, ...] = ()
    estimate: float = 0.0
    value_error: float = float("nan")

    @property
    def size(self) -> float:
        """The largest entry."""
        return float(max((abs(y) for column in self.values for y in column), default=0))

    def error(self, jacobian: Any) -> float:
        """Return the largest error of an (m, n) Jacobian in these columns, in units of its largest entry."""
        smooth = [pair for pair in zip(self.columns, self.values, strict=True) if pair[0] not in self.kinks]
        errors = [
            abs(float(a) - y) for k, column in smooth for a, y in zip(jacobian[:, k], column, strict=True)
        ]
        return _largest(errors) / (self.size or 1.0)


def reference(fun: Callable[..., Any], xs: Sequence[Any], *, seconds: float = 2.0) -> Reference:
    """Find the derivative of a function of flat arrays as accurately as can be.

    Parameters
    ----------
    fun : callable
        Of the arrays, with one real number or array as result.
    xs : sequence of arrays and numbers
        Where.
    seconds : float
        About how long it may take. Where that is not enough for all columns, some are chosen at random.

    Returns
    -------
    Reference

    Notes
    -----
    In arithmetic of 50 digits, central differences of the function's graph are exact for every purpose in double
    precision. Where the graph holds what has no value in many digits, the complex step is taken, which is exact to
    rounding for analytic functions, or else Ridders' extrapolation of central differences.

    Examples
    --------
    >>> found = reference(lambda x: np.sin(x), [1.0])
    >>> found.method, found.error(np.array([[np.cos(1.0)]])) < 1e-15
    ('50 digits', True)
    """
    try:
        return _in_many_digits(fun, xs, seconds)
    except (RuleMissingError, TimeoutError) as why:
        reason = getattr(why, "what", str(why))
    except (WengertError, ArithmeticError) as why:
        reason = getattr(why, "what", f"{type(why).__name__}: {why}")
    return _by_differences(fun, xs, seconds, reason)


# Many digits ----------------------------------------------------------------------------------------------------------


def _in_many_digits(fun: Callable[..., Any], xs: Sequence[Any], seconds: float) -> Reference:
    graph = graph_at(fun, xs)
    operations = graph.cost().operations
    if operations > _OPERATIONS:
        message = f"one evaluation in many digits would be {operations:,} operations"
        raise TimeoutError(message)
    exact = HighPrecision(graph, _DIGITS, seconds)
    start = time.perf_counter()
    value = np.ravel(exact.evaluate(xs)[0])
    each = 3 * (time.perf_counter() - start)
    columns, values, kinks = [], [], []
    for k, directions in _chosen(xs, seconds, each):
        found = exact.derivative(xs, directions)
        columns.append(k)
        values.append(tuple(np.ravel(found.value)))
        if found.kink:
            kinks.append(k)
    own = np.ravel(fun(*xs))
    size = max([abs(y) for y in value], default=0) or 1
    value_error = _largest([float(abs(float(a) - y) / size) for a, y in zip(own, value, strict=True)])
    return Reference(
        tuple(columns), tuple(values), f"{_DIGITS} digits", "", tuple(kinks), 10.0**-_DIGITS, value_error
    )


def graph_at(fun: Callable[..., Any], xs: Sequence[Any]) -> Graph:
    """Return the graph of a function; where Python asks for values, of its way at this point."""
    try:
        return trace(fun)(*xs)
    except NotConcreteError:
        graph: Graph = jit(fun).graph(*xs)
        return graph


# Differences ----------------------------------------------------------------------------------------------------------


def _by_differences(fun: Callable[..., Any], xs: Sequence[Any], seconds: float, reason: str) -> Reference:
    start = time.perf_counter()
    fun(*xs)
    each = 30 * (time.perf_counter() - start)
    found, columns = [], []
    for k, directions in _chosen(xs, seconds, each):
        columns.append(k)
        found.append(_column(fun, xs, directions))
    complex_step = all(estimate.kind == "complex" for estimate in found)
    values = tuple(tuple(np.ravel(estimate.value)) for estimate in found)
    size = _largest([abs(y) for column in values for y in column]) or 1.0
    error = _largest([float(np.max(estimate.error, initial=0.0)) for estimate in found]) / size
    kinds = {estimate.kind for estimate in found}
    method = "complex step" if complex_step else " and ".join(sorted(kinds)).replace("_", "-")
    return Reference(tuple(columns), values, method, reason, (), error)


def _column(fun: Callable[..., Any], xs: Sequence[Any], directions: Sequence[Any]) -> Any:
    """Return the derivative along a direction in one of the arrays: the complex step, or the better difference."""
    (i,) = [i for i, v in enumerate(directions) if np.any(v)]

    def of_one(x: Any) -> Any:
        return fun(*xs[:i], x, *xs[i + 1 :])

    candidates = [directional(of_one, xs[i], directions[i], kind="auto")]
    if candidates[0].kind != "complex":
        candidates.append(directional(of_one, xs[i], directions[i], kind="richardson"))
    return min(candidates, key=lambda estimate: float(np.max(estimate.error, initial=0.0)))


# helpers


def _chosen(xs: Sequence[Any], seconds: float, each: float) -> Iterator[tuple[int, list[Any]]]:
    """Yield entries of the flat input with their unit vectors: all, or as many as there is time for, at random."""
    sizes = [int(np.size(x)) for x in xs]
    n = sum(sizes)
    if n == 0:
        raise ArgumentError(
            "There is nothing to differentiate by", instead="an argument of floating-point numbers"
        )
    most = max(4, int(seconds / max(each, 1e-9)))
    order = range(n) if n <= most else np.sort(np.random.default_rng(1964).choice(n, most, replace=False))
    ends = np.cumsum(sizes)
    for k in map(int, order):
        i = int(np.searchsorted(ends, k, side="right"))
        directions = [np.zeros(np.shape(x)) for x in xs]
        directions[i].reshape(-1)[k - (ends[i] - sizes[i])] = 1.0
        yield k, directions


def _largest(errors: Sequence[Any]) -> float:
    """Return the largest number; nan if there is one."""
    numbers = [float(e) for e in errors]
    return float("nan") if any(e != e for e in numbers) else max(numbers, default=0.0)  # noqa: PLR0124

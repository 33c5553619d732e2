"""Coefficients of power series through operations that are linear in their operands, or in each of them.

    x(t) = x_0 + x_1 t + ... + x_K t^K,        y(t) = f(x(t)) = y_0 + y_1 t + ... + y_K t^K + O(t^(K+1))

A `taylor` rule takes the values x_0 of the operands and for each of them the coefficients x_1, ..., x_K, of which
None stands for zero, and gives those of the result. A linear operation is applied to coefficient by coefficient; a
product of series is Cauchy's, y_k = sum_i a_i b_(k-i). For what else there is, see `recurrences`, and for primitives
without a rule `transforms/taylor.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from wengert.core.primitive import PRIMITIVES

__all__ = ["coefficientwise", "linear_series", "multilinear_series", "solution_series", "total"]

Rule = Callable[..., tuple[Any, Any]]


def total(terms: Iterable[Any]) -> Any:
    """Return the sum of the terms that are not None; None if there are none."""
    found = [term for term in terms if term is not None]
    return sum(found[1:], found[0]) if found else None


def _named(name: str) -> Callable[..., Any]:
    """Return the primitive of a name, which is defined after its rules are made."""

    def apply(*xs: Any, **params: Any) -> Any:
        return PRIMITIVES[name](*xs, **params)

    return apply


def linear_series(name: str) -> Rule:
    """Return the rule of a primitive that is linear in its first operand, the only one that moves."""
    apply = _named(name)

    def taylor(xs: Sequence[Any], series: Sequence[Sequence[Any]], **params: Any) -> tuple[Any, Any]:
        y = apply(*xs, **params)
        return y, tuple([None if c is None else apply(c, *xs[1:], **params) for c in series[0]])

    return taylor


def coefficientwise(jvp: Rule) -> Rule:
    """Return the rule of an operation that is linear in its operands together, at least near their values.

    Then its tangent rule carries one coefficient like another: that of selections, where the same entries are selected.
    """

    def taylor(xs: Sequence[Any], series: Sequence[Sequence[Any]], **params: Any) -> tuple[Any, Any]:
        y, ys = None, []
        for column in zip(*series, strict=True):
            y_k = None
            if any(c is not None for c in column):
                y, y_k = jvp(xs, column, **params)
            ys.append(y_k)
        return y, tuple(ys)

    return taylor


def _compositions(k: int, moving: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    """Yield all choices of one coefficient of each series with orders that add up to k."""
    if len(moving) == 1:
        if moving[0][k] is not None:
            yield [moving[0][k]]
        return
    for i in range(k + 1):
        if moving[0][i] is not None:
            for rest in _compositions(k - i, moving[1:]):
                yield [moving[0][i], *rest]


def multilinear_series(name: str, term: Callable[..., Any], spread: Callable[[Any, Any], Any]) -> Rule:
    """Return the rule of a primitive that is linear in each of its operands.

    `term(product, *factors)` applies it to coefficients; `spread(y_k, y)` casts and broadcasts a coefficient as the
    result.
    """
    apply = _named(name)

    def taylor(xs: Sequence[Any], series: Sequence[Sequence[Any]], **params: Any) -> tuple[Any, Any]:
        def product(*factors: Any) -> Any:
            return apply(*factors, **params)

        y, order = product(*xs), len(series[0])
        columns = [[x, *coefficients] for x, coefficients in zip(xs, series, strict=True)]
        ys = [
            total(term(product, *factors) for factors in _compositions(k, columns))
            for k in range(1, order + 1)
        ]
        return y, tuple([None if y_k is None else spread(y_k, y) for y_k in ys])

    return taylor


def solution_series(name: str, product: Callable[..., Any]) -> Rule:
    """Return the rule of a primitive that solves A y = b, linear in its last operand b; the others say what A is.

    From sum_j A_j y_(k-j) = b_k, which product(A_j, y_i) is for, follows A_0 y_k = b_k - sum_(j>0) A_j y_(k-j).
    """
    solve = _named(name)

    def taylor(xs: Sequence[Any], series: Sequence[Sequence[Any]], **params: Any) -> tuple[Any, Any]:
        y, columns = solve(*xs, **params), list(zip(*series[:-1], strict=True))
        ys = [y]
        for k, b_k in enumerate(series[-1], start=1):
            moved = total(
                product(column, ys[k - j], **params)
                for j, column in enumerate(columns[:k], start=1)
                if ys[k - j] is not None and any(c is not None for c in column)
            )
            rest = b_k if moved is None else -moved if b_k is None else b_k - moved
            ys.append(None if rest is None else solve(*xs[:-1], rest, **params))
        return y, tuple(ys[1:])

    return taylor

"""What the modules on scipy.special share: parameters without a rule, samples of orders, derivatives removable at 0.

Every one of these modules imports scipy.special, which is slow, so they load when the first ufunc of SciPy's meets a
traced value. The operands that mathematics calls parameters (orders, degrees of freedom) have derivatives that are no
closed forms; differentiating with respect to them raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wengert.errors import RuleMissingError

__all__ = ["fixed", "parameters", "removable"]

Samples = Callable[[np.random.Generator], Iterator[tuple[tuple[Any, ...], dict[str, Any]]]]


def fixed(function: str, parameter: str) -> Callable[..., Any]:
    """Return the partial derivative to a parameter: an error that names it."""

    def raise_missing(*_: Any) -> Any:
        raise RuleMissingError(
            f"{function} was differentiated with respect to its parameter {parameter}",
            why="this derivative is not a closed form, and has no rule.",
            instead=f"hold {parameter} constant with wengert.stop_gradient, or declare a rule with wengert.external.",
        )

    return raise_missing


def parameters(*ranges: tuple[float, float]) -> Samples:
    """Return samples of several operands, those with a range of whole numbers being parameters that are not traced."""

    def draw(rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...]) -> Any:
        if isinstance(low, int):
            return np.asarray(rng.integers(low, int(high), shape, endpoint=True))
        return np.asarray(rng.uniform(low, high, shape))

    def samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        last = len(ranges) - 1
        for shape, other in (((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((), ())):
            yield tuple([draw(rng, *r, shape if i == last else other) for i, r in enumerate(ranges)]), {}

    return samples


def removable(x: Any, near: Callable[[Any], Any], far: Callable[[Any], Any]) -> Any:
    """Return near(x) for |x| < 1/2 and far(x) elsewhere, where `far` cancels or divides by zero at 0."""
    small = np.absolute(x) < 0.5
    return np.where(small, near(np.where(small, x, 0.0)), far(np.where(small, 1.0, x)))

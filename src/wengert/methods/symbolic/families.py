"""Families of functions whose expressions swell: one function for each order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["FAMILIES", "logistic_map", "nested_product", "power_product"]


def logistic_map(n: int) -> Callable[[Any], Any]:
    """Return l_n with l_1 = x, l_(k+1) = 4 l_k (1 - l_k): the example of Baydin et al. (2018), table 1.

    Parameters
    ----------
    n : int

    Returns
    -------
    callable
        Of one number.

    Examples
    --------
    >>> logistic_map(2)(0.25)
    0.75
    """

    def l(x: Any) -> Any:  # noqa: E743 - its name in the book
        for _ in range(n - 1):
            x = 4.0 * x * (1.0 - x)
        return x

    return l


def power_product(n: int) -> Callable[[Any], Any]:
    """Return (x + 1)^n as the product of n factors.

    Parameters
    ----------
    n : int

    Returns
    -------
    callable
        Of one number.

    Examples
    --------
    >>> power_product(3)(1.0)
    8.0
    """

    def p(x: Any) -> Any:
        y = x + 1.0
        for _ in range(n - 1):
            y = y * (x + 1.0)
        return y

    return p


def nested_product(n: int) -> Callable[[Any], Any]:
    """Return f_n with f_1 = x, f_(k+1) = f_k sin f_k.

    Parameters
    ----------
    n : int

    Returns
    -------
    callable
        Of one number.

    Examples
    --------
    >>> nested_product(1)(2.0)
    2.0
    """

    def f(x: Any) -> Any:
        for _ in range(n - 1):
            x = x * np.sin(x)
        return x

    return f


FAMILIES: dict[str, Callable[[int], Callable[[Any], Any]]] = {
    "logistic map": logistic_map,
    "(x + 1)^n": power_product,
    "nested product": nested_product,
}

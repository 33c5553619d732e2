"""Sums of products in which a zero factor makes a zero term, whatever the other factors are.

`families.masked` is that rule for a product entry by entry. A contraction (matmul, tensordot, einsum,
convolve) adds products inside, where no mask can reach: behind where(mask, x @ w, 0) a cotangent of 0 meets
the entries of w that the mask was to keep out, and 0 * inf = nan. A result that is finite needs no care, so
that care costs one look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.views import root, staged_under
from wengert.types import Array

__all__ = ["contract", "without_zero_terms"]


def _is_finite(x: Any) -> bool:
    x = root(x)
    if type(x) is np.ndarray:
        norm: Any = np.vdot(x, x)  # the cheapest way to ask, but huge entries overflow
        if norm - norm == 0:
            return True
    return bool(np.all(np.isfinite(x)))


def contract(product: Callable[..., Array], *factors: Array) -> Array:
    """Return a sum of products without the terms in which a factor is 0.

    `product` is linear in each factor, with coefficients of one sign: then terms can be counted by giving it
    ones. In a graph, whose numbers are not known yet, the contraction is an operation of its own.
    """
    staged = next((x for x in map(staged_under, factors) if x is not None), None)
    if staged is not None:
        return staged.interpreter.contraction(product, factors)
    y = product(*factors)
    if _is_finite(y) or all(map(_is_finite, factors)):
        return y
    return without_zero_terms(product, factors)


# The terms of finite factors are added as they are. Of the others, the product counts how many there are
# without a zero factor, and by how many the positive exceed the negative: if they are as many as there are,
# the sum is inf.


def without_zero_terms(product: Callable[..., Array], factors: Sequence[Array]) -> Array:
    """Return the sum of products, term by term."""
    finite = [np.isfinite(x) for x in factors]
    y = product(*[np.where(ok, x, 0.0) for ok, x in zip(finite, factors, strict=True)])
    present = [np.astype(x != 0, x.dtype) for x in factors]
    signs = [_signs(x) for x in factors]
    terms = product(*present) - product(*[ok * x for ok, x in zip(finite, present, strict=True)])
    excess = product(*signs) - product(*[ok * x for ok, x in zip(finite, signs, strict=True)])
    infinite = np.where(excess == terms, np.inf, np.where(excess == -terms, -np.inf, np.nan))
    return y + np.where(terms == 0, 0.0, infinite).astype(y.dtype)


def _signs(x: Array) -> Array:
    """Return 1 and -1 for positive and negative numbers, 0 for nan and for complex numbers, which have no sign."""
    if x.dtype.kind == "c":
        return np.zeros(np.shape(x), x.dtype)
    return np.astype(x > 0, x.dtype) - np.astype(x < 0, x.dtype)

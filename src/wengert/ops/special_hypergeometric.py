"""Hypergeometric functions.

Their derivatives are of the same kind with every parameter raised by 1, so whatever is written in them has derivatives
of every order, finite where the function is analytic.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from wengert.ops.families import elementwise
from wengert.ops.special_families import fixed, parameters

__all__: list[str] = []

elementwise(
    special.hyp0f1,
    (fixed("hyp0f1", "v"), lambda y, v, z: special.hyp0f1(v + 1, z) / v),
    samples=parameters((1, 4), (-2.0, 2.0)),
    complex=True,
    doc="Confluent hypergeometric limit function 0F1(; v; z). DLMF 16.3.1.",
)

elementwise(
    special.hyp1f1,
    (
        fixed("hyp1f1", "a"),
        fixed("hyp1f1", "b"),
        lambda y, a, b, z: a / b * special.hyp1f1(a + 1, b + 1, z),
    ),
    samples=parameters((1, 4), (1, 4), (-2.0, 2.0)),
    complex=True,
    doc="Kummer's confluent hypergeometric function 1F1(a; b; z). DLMF 13.3.15.",
)

elementwise(
    special.hyp2f1,
    (
        fixed("hyp2f1", "a"),
        fixed("hyp2f1", "b"),
        fixed("hyp2f1", "c"),
        lambda y, a, b, c, z: a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z),
    ),
    samples=parameters((1, 3), (1, 3), (1, 4), (-0.5, 0.5)),
    singular=True,
    complex=True,
    doc="Gauss's hypergeometric function 2F1(a, b; c; z). DLMF 15.5.1.",
)

elementwise(
    special.hyperu,
    (
        fixed("hyperu", "a"),
        fixed("hyperu", "b"),
        lambda y, a, b, x: -a * special.hyperu(a + 1, b + 1, x),
    ),
    samples=parameters((1, 3), (1, 3), (0.5, 3.0)),
    singular=True,
    doc="Tricomi's confluent hypergeometric function U(a, b, x). DLMF 13.3.22.",
)

elementwise(
    special.wright_bessel,
    (
        fixed("wright_bessel", "a"),
        fixed("wright_bessel", "b"),
        lambda y, a, b, x: special.wright_bessel(a, a + b, x),
    ),
    samples=parameters((1, 3), (1, 3), (0.5, 3.0)),
    doc="Wright's generalized Bessel function: sum of x^k / (k! Gamma(a k + b)). DLMF 10.46.1.",
)

elementwise(
    special.log_wright_bessel,
    (
        fixed("log_wright_bessel", "a"),
        fixed("log_wright_bessel", "b"),
        lambda y, a, b, x: np.exp(special.log_wright_bessel(a, a + b, x) - y),
    ),
    samples=parameters((1, 3), (1, 3), (0.5, 3.0)),
    doc="Logarithm of Wright's generalized Bessel function. DLMF 10.46.1.",
)

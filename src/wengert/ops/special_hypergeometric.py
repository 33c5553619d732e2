"""Hypergeometric functions.

Their derivatives are of the same kind with every parameter raised by 1, so whatever is written in them has derivatives
of every order, finite where the function is analytic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import special

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.families import elementwise, masked, match, spread
from wengert.ops.special_families import fixed, parameters

__all__ = ["kummer"]

# kummer -----------------------------------------------------------------------------------------------------------
#
# 1F1 with fixed a and b, for the rules of other functions. scipy.special.hyp1f1 itself has no rule: it does not return
# for huge positive operands. It is infinite long before 1e4, where the operand is cut off here.


def _kummer_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, a: float, b: float) -> tuple[Any, Any]:
    y = kummer(xs[0], a=a, b=b)
    return y, spread(masked(x_dots[0], a / b * kummer(xs[0], a=a + 1.0, b=b + 1.0)), y)


def _kummer_vjp(y_bar: Any, site: Site, *, a: float, b: float) -> tuple[Any]:
    return (match(masked(y_bar, a / b * kummer(site.xs[0], a=a + 1.0, b=b + 1.0)), site.xs[0]),)


def _kummer_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for shape in ((5,), (2, 3), ()):
        yield (np.asarray(rng.uniform(-2.0, 2.0, shape)),), {"a": 1.5, "b": 2.0}


kummer: Primitive = define(
    name="kummer",
    eval=lambda x, *, a, b: special.hyp1f1(a, b, np.minimum(x, 1e4)),
    infer=lambda t, **_: t,
    jvp=_kummer_jvp,
    vjp=_kummer_vjp,
    batch=lambda _size, xs, _batched, **params: kummer(*xs, **params),
    samples=_kummer_samples,
    doc="Kummer's confluent hypergeometric function 1F1(a; b; x) with fixed a and b. DLMF 13.3.15.",
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

"""Contractions in graphs: sums of products in which zero factors make zero terms, whatever the other factors are.

Whether that takes care is seen when the graph runs (see `ops/masking.py`). The product is a graph; it is linear in
each of its operands, and so are the derivatives: the same product with one factor changed, and its transposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.graph import Graph
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.coefficients import multilinear_series
from wengert.ops.families import match, spread
from wengert.ops.masking import contract
from wengert.transforms.batching import batch
from wengert.transforms.execution import run
from wengert.transforms.reverse import record
from wengert.transforms.staging import stage
from wengert.types import Array, type_of

__all__ = ["contraction_"]


def _eval(*factors: Array, graph: Graph) -> Array:
    return contract(lambda *xs: run(graph, xs)[0], *factors)


def _jvp(xs: Sequence[Array], x_dots: Sequence[Array | None], *, graph: Graph) -> tuple[Any, Any]:
    y = contraction_(*xs, graph=graph)
    terms = [
        contraction_(*xs[:i], x_dot, *xs[i + 1 :], graph=graph)
        for i, x_dot in enumerate(x_dots)
        if x_dot is not None
    ]
    return y, spread(sum(terms[1:], terms[0]), y)


def _vjp(y_bar: Array, site: Site, *, graph: Graph) -> list[Array | None]:
    _, pull = record(lambda *xs: graph.apply(xs), site.xs)
    bars = pull.once([y_bar])
    return [
        match(x_bar, x) if need else None for x_bar, x, need in zip(bars, site.xs, site.needs, strict=True)
    ]


def _batch(size: int, xs: Sequence[Array], batched: Sequence[bool], *, graph: Graph) -> Array:
    def product(*factors: Array) -> Array:
        interpreter, ys = batch(
            lambda *flat: graph.apply(flat), factors, [0 if on else None for on in batched], size
        )
        return interpreter.lower(ys[0], 0)

    return contract(product, *xs)


def _samples(rng: np.random.Generator) -> Any:
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
    graph, _ = stage(lambda x, y: [np.matmul(x, y)], [type_of(a), type_of(b)], "matmul")
    yield (a, b), {"graph": graph}


contraction_: Primitive = define(
    name="contraction",
    doc="A sum of products, given as a graph, without the terms in which a factor is 0.",
    eval=_eval,
    infer=lambda *_, graph: graph.out_types[0],
    jvp=_jvp,
    taylor=multilinear_series("contraction", lambda product, *xs: product(*xs), spread),
    vjp=_vjp,
    batch=_batch,
    samples=_samples,
    complex=True,
)

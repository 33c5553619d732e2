"""Batches and second derivatives of every primitive as machine code: the same as by NumPy.

What tests/laws demands of the batch rules and of rules of rules holds of the graphs that they make, run by NumPy; here
machine code runs these graphs. One sample of each primitive is one program, `pytest -m slow` takes all. Tolerances are
those of test_laws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import wengert as wg
from tests.laws.cases import Case, is_float
from tests.laws.rules import like
from wengert.compile.context import NotLowered
from wengert.compile.programs import lowered
from wengert.core.graph import Graph
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.errors import WengertError
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

from .graph_agreement import MISSED, coarsest, native_results, plain_results, require_equal_types, sizes
from .test_laws import LEFT, SAMPLED, check_sum, flat, real_samples

NAMES = sorted(set(SAMPLED) - LEFT)


def batched(prim: Primitive, case: Case) -> Callable[..., list[Any]]:
    """The values of two examples, in one and by the batch rule."""
    axes = tuple(0 if is_float(x) else None for x in case.xs)
    return lambda *xs: list(wg.vmap(lambda *ys: tuple(flat(prim, case)(*ys)), in_axes=axes)(*xs))


def twice(prim: Primitive, case: Case) -> Callable[..., list[Any]]:
    """Tangents of cotangents, and cotangents of tangents, along directions that are constants."""
    chosen = [i for i, x in enumerate(case.xs) if is_float(x)]
    dots = tuple(like(case.rng, case.xs[i]) for i in chosen)
    bars = [like(case.rng, y) for y in flat(prim, case)(*case.xs)]

    def whole(*xs: Any) -> list[Any]:
        def floating(*moved: Any) -> list[Any]:
            operands = dict(enumerate(xs)) | dict(zip(chosen, moved, strict=True))
            ys = flat(prim, case)(*operands.values())
            return [y for y, bar in zip(ys, bars, strict=True) if bar is not None]

        own = [bar for bar in bars if bar is not None]
        points = tuple(xs[i] for i in chosen)
        slopes = lambda *moved: wg.vjp(floating, *moved)[1](own)
        tangents = lambda *moved: wg.jvp(floating, moved, dots)[1]
        return [*wg.jvp(slopes, points, dots)[1], *wg.vjp(tangents, *points)[1](own)]

    return whole


def graph_of(fun: Callable[..., list[Any]], xs: Sequence[Any]) -> Graph | None:
    """The graph of a function, or None where it has none, or nothing in it is native."""
    try:
        graph = simplify(stage(fun, [type_of(x) for x in xs], "law")[0])
        lowered(graph)
    except (WengertError, TypeError, NotLowered):
        return None
    return graph


def check(graph: Graph | None, xs: Sequence[Any], what: str) -> bool:
    """Hold a graph's results to NumPy's; whether there are any."""
    if graph is None:
        return False
    expected = plain_results(graph, xs)
    assert not isinstance(expected, type), f"{what}: NumPy raises {expected}"
    found = native_results(graph, xs)
    assert found is not MISSED, f"{what}: the native program gives up"
    require_equal_types(found, expected)
    size = sizes(graph, xs) * coarsest(graph)
    for y, e in zip(map(np.asarray, found), map(np.asarray, expected), strict=True):
        check_sum(y, e, size)
    return True


def check_case(prim: Primitive, case: Case) -> None:
    two = [np.stack([x, x * (1.0 - 0.02)]).astype(np.result_type(x)) if is_float(x) else x for x in case.xs]
    check(graph_of(batched(prim, case), two), two, "batched")
    if prim.differentiable and any(map(is_float, case.xs)):
        check(graph_of(twice(prim, case), case.xs), case.xs, "twice differentiated")


@pytest.mark.parametrize("name", NAMES)
def test_batches_and_second_derivatives(name: str) -> None:
    prim = PRIMITIVES[name]
    with np.errstate(all="ignore"):
        for case in real_samples(prim)[:1]:
            check_case(prim, case)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_all_samples(name: str) -> None:
    prim = PRIMITIVES[name]
    with np.errstate(all="ignore"):
        for case in real_samples(prim):
            check_case(prim, case)


@pytest.mark.parametrize("name", ["tanh", "matmul", "sum", "getitem", "scan"])
def test_there_are_such_programs(name: str) -> None:
    """The tests above would prove little if they found no programs."""
    prim = PRIMITIVES[name]
    case = real_samples(prim)[0]
    two = [np.stack([x, x]) if is_float(x) else x for x in case.xs]
    assert check(graph_of(batched(prim, case), two), two, "batched")
    assert check(graph_of(twice(prim, case), case.xs), case.xs, "twice")

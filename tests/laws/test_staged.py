"""The law of graphs: every primitive gives the same staged and run as a graph, and so do its derivatives."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import wengert.jit  # noqa: F401 - control flow and calls of graphs are in the registry too
from wengert.control.call import call_
from wengert.core.graph import Graph
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.errors import RuleMissingError
from wengert.transforms.execution import run
from wengert.transforms.forward import push
from wengert.transforms.reverse import record
from wengert.transforms.simplify import PASSES, simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

from .cases import ALL, DIFFERENTIABLE, GRAPHS, Case, check, is_float
from .rules import like

STAGED = [name for name in [*ALL, *sorted(GRAPHS)] if PRIMITIVES[name].samples is not None]
ULPS = (
    4 + 8
)  # and half an ulp for each of up to 16 terms: simplified sums of products are joined in another order


def flat(prim: Primitive, case: Case) -> Any:
    """The primitive as a function of flat operands with a list of results."""
    return lambda *xs: list(y) if isinstance(y := prim(*xs, **case.params), tuple | list) else [y]


def graph_of(prim: Primitive, case: Case) -> Graph:
    return stage(flat(prim, case), [type_of(x) for x in case.xs], prim.name)[0]


def assert_same_bits(ys: Sequence[Any], wants: Sequence[Any]) -> None:
    for y, want in zip(map(np.asarray, ys), map(np.asarray, wants), strict=True):
        assert (y.shape, y.dtype) == (want.shape, want.dtype)
        assert y.tobytes() == want.tobytes()


def assert_close(y: Any, want: Any) -> None:
    """Equal up to rounding; a zero may be None."""
    if y is None or want is None:
        assert not np.any(want if y is None else y)
        return
    y, want = np.asarray(y), np.asarray(want)
    assert (y.shape, y.dtype) == (want.shape, want.dtype)
    finite = np.isfinite(want)
    np.testing.assert_array_equal(y[~finite], want[~finite])
    scale = np.max(np.abs(want[finite]), initial=0.0)
    assert np.all(np.abs(y[finite] - want[finite]) <= ULPS * np.finfo(want.dtype).eps * scale)


def values_agree(prim: Primitive, case: Case) -> None:
    """Staged on types alone, simplified by each pass and by all, and run: the same bits."""
    want = run_eagerly(prim, case)
    graph = graph_of(prim, case)
    for passes in ((), PASSES, *[(name,) for name in PASSES]):
        assert_same_bits(run(simplify(graph, passes), case.xs), want)


def run_eagerly(prim: Primitive, case: Case) -> list[Any]:
    y = prim.eval(*case.xs, **case.params)
    return list(y) if prim.multiple else [y]


def _tangents(fun: Any, case: Case, x_dots: Sequence[Any]) -> Any:
    try:
        return push(fun, case.xs, x_dots)[1]
    except RuleMissingError:
        return None


def _cotangents(fun: Any, case: Case, needs: Sequence[bool], y_bars: Sequence[Any]) -> Any:
    places = [i for i, need in enumerate(needs) if need]

    def of_some(*leaves: Any) -> Any:
        xs = list(case.xs)
        for i, leaf in zip(places, leaves, strict=True):
            xs[i] = leaf
        return fun(*xs)

    try:
        return record(of_some, [case.xs[i] for i in places])[1].once(list(y_bars))
    except RuleMissingError:
        return None


def derivatives_agree(prim: Primitive, case: Case) -> None:
    """The graphs of tangents and cotangents give what the eager rules give, of all operands and of each alone."""
    floats = [i for i, x in enumerate(case.xs) if is_float(x)]
    graph = simplify(graph_of(prim, case))
    eager, y_bars = flat(prim, case), [like(case.rng, y) for y in run_eagerly(prim, case)]
    for chosen in [floats] + ([[i] for i in floats] if len(floats) > 1 else []):
        if not chosen:
            continue
        needs = tuple(i in chosen for i in range(len(case.xs)))

        def staged(*xs: Any, needs: tuple[bool, ...] = needs) -> list[Any]:
            return list(call_(*xs, graph=graph, active=needs))

        x_dots = [like(case.rng, x) if need else None for x, need in zip(case.xs, needs, strict=True)]
        for got, want in (
            (_tangents(staged, case, x_dots), _tangents(eager, case, x_dots)),
            (_cotangents(staged, case, needs, y_bars), _cotangents(eager, case, needs, y_bars)),
        ):
            assert (got is None) == (want is None)
            for y, expected in zip(got or (), want or (), strict=True):
                assert_close(y, expected)


@pytest.mark.parametrize("name", STAGED)
def test_values(name):
    check(PRIMITIVES[name], values_agree)


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if name in STAGED])
def test_derivatives(name):
    check(PRIMITIVES[name], derivatives_agree)

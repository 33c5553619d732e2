"""The batching law: a batch rule computes what a loop over the examples computes, for every choice of operands."""

from itertools import combinations
from typing import Any

import numpy as np

import wengert as wg
from wengert.core.primitive import Primitive

from .cases import Case, is_float
from .rules import UNITS, results

SIZE = 3


def batch(prim: Primitive, case: Case) -> None:
    """The batch rule itself, every operand either batched along axis 0 or not."""
    if prim.batch is None:
        return
    for which in _choices(case):
        stacked, loop = _examples(prim, case, which, axis=0)
        batched = tuple(i in which for i in range(len(case.xs)))
        ys = results(prim.batch(SIZE, stacked, batched, **case.params))
        _compare(ys, loop, f"batched {which}")


def vmap(prim: Primitive, case: Case) -> None:
    """The transformation: batch axes in front and at the back, through the batch rule or its fallback."""
    for which in _choices(case):
        for axis in (0, -1):
            stacked, loop = _examples(prim, case, which, axis)
            in_axes = tuple(axis if i in which else None for i in range(len(case.xs)))
            ys = wg.vmap(lambda *xs: prim(*xs, **case.params), in_axes=in_axes)(*stacked)
            _compare(results(ys), loop, f"in_axes {in_axes}")


def vmap_of_vjp(prim: Primitive, case: Case) -> None:
    """Batching a pullback: the rules of rules batch as well, all operands at once."""
    if not prim.differentiable:
        return
    which = tuple(i for i, x in enumerate(case.xs) if is_float(x))
    rest = [x for i, x in enumerate(case.xs) if i not in which]

    def gradient(*args: Any) -> Any:
        def fun(*floats: Any) -> Any:
            constants, moving = iter(rest), iter(floats)
            xs = [next(moving if i in which else constants) for i in range(len(case.xs))]
            ys = results(prim(*xs, **case.params))
            return tuple(y for y in ys if is_float(y))

        ys, pullback = wg.vjp(fun, *args)
        return pullback(ys)

    examples = [tuple(_example(case.xs[i], k) for i in which) for k in range(SIZE)]
    stacked = [np.stack(column) for column in zip(*examples, strict=True)]
    loop = [np.stack(column) for column in zip(*[gradient(*args) for args in examples], strict=True)]
    _compare(wg.vmap(gradient)(*stacked), loop, "vjp")


def _choices(case: Case) -> list[tuple[int, ...]]:
    everyone = range(len(case.xs))
    return [which for n in range(1, len(case.xs) + 1) for which in combinations(everyone, n)]


def _example(x: Any, k: int) -> Any:
    """Example k of an operand: near the sample, so inside the domain; integers stay as they are."""
    return np.asarray(x * (1.0 - 0.02 * k) if is_float(x) else x).astype(np.result_type(x))


def _examples(prim: Primitive, case: Case, which: tuple[int, ...], axis: int) -> tuple[list[Any], list[Any]]:
    xs = [[_example(x, k if i in which else 0) for i, x in enumerate(case.xs)] for k in range(SIZE)]
    loop = [results(prim.eval(*example, **case.params)) for example in xs]
    columns = list(zip(*xs, strict=True))
    stacked = [np.stack(column, axis) if i in which else column[0] for i, column in enumerate(columns)]
    return stacked, [np.stack(column) for column in zip(*loop, strict=True)]


def _compare(ys: Any, loop: list[Any], how: str) -> None:
    assert len(ys) == len(loop), f"{how}: {len(ys)} results, a loop gives {len(loop)}"
    for y, reference in zip(ys, loop, strict=True):
        assert np.shape(y) == reference.shape, f"{how}: shape {np.shape(y)}, a loop gives {reference.shape}"
        assert y.dtype == reference.dtype, f"{how}: {y.dtype}, a loop gives {reference.dtype}"
        if not is_float(reference):
            assert np.array_equal(y, reference), f"{how}: {y} is not {reference}"
            continue
        bound = UNITS * float(np.finfo(reference.dtype).eps) * np.max(np.abs(reference), initial=0.0)
        off = np.max(np.abs(y - reference), initial=0.0)
        assert off <= bound or np.array_equal(y, reference, equal_nan=True), (
            f"{how}: off by {off:.1e} > {bound:.1e}"
        )

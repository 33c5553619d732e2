"""The layout laws: what strides operands have changes no result, and how results lie is known without their values."""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.dispatch import bind
from wengert.core.primitive import Primitive
from wengert.transforms.staging import Stage
from wengert.types import type_of

from .cases import Case, is_float
from .rules import UNITS, cotangents, forward, results, reverse, tangents


def _reversed_strides(x: Any) -> Any:
    axes = tuple(range(x.ndim))
    return np.flip(np.flip(x, axes).copy(), axes)


def _every_other(x: Any) -> Any:
    wide = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    view = wide[(slice(None, None, 2),) * x.ndim]
    view[...] = x
    return view


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C order": lambda x: x.copy(),
    "Fortran order": lambda x: np.asfortranarray(x) if x.ndim else x.copy(),
    "negative strides": _reversed_strides,
    "every other entry": _every_other,
}


def layout(prim: Primitive, case: Case) -> None:
    """All rules on read-only operands, tangents and cotangents of every layout."""
    x_dots, y_bars = tangents(case), cotangents(prim, case)
    expected = _run(prim, case, x_dots, y_bars)
    for name, lay in LAYOUTS.items():
        frozen = [_frozen(z, lay) for z in (*case.xs, *x_dots, *y_bars)]
        before = [None if z is None else z.tobytes() for z in frozen]
        n = len(case.xs)
        found = _run(prim, case.with_xs(frozen[:n], name), frozen[n : 2 * n], frozen[2 * n :])
        for z, reference in zip(found, expected, strict=True):
            _compare(name, z, reference)
        for z, old in zip(frozen, before, strict=True):
            assert z is None or z.tobytes() == old, f"{name}: an operand was overwritten"


def staged_layout(prim: Primitive, case: Case) -> None:
    """A graph says how the results will lie, from how the operands do."""
    for name, lay in LAYOUTS.items():
        xs = [lay(x) if np.ndim(x) else x for x in map(np.asarray, case.xs)]
        with Stage(known=True) as stage:
            handles = [stage.lift(type_of(x), value=x) for x in xs]
            atoms = [y.value for y in results(bind(prim, handles, dict(case.params)))]
        for atom, y in zip(atoms, results(prim.eval(*xs, **case.params)), strict=True):
            if np.ndim(y) > 1:
                assert _steps(stage.example(atom)) == _steps(y), name


def _steps(x: Any) -> list[int]:
    """Return the strides of the axes along which there are any."""
    return [stride for stride, length in zip(x.strides, x.shape, strict=True) if length > 1 and x.size]


def _frozen(z: Any, lay: Callable[[Any], Any]) -> Any:
    if z is None:
        return None
    z = np.asarray(z)
    z = lay(z) if z.ndim else z.copy()
    z.flags.writeable = False
    return z


def _run(prim: Primitive, case: Case, x_dots: list[Any], y_bars: list[Any]) -> list[Any]:
    outcome = list(results(prim.eval(*case.xs, **case.params)))
    if prim.differentiable:
        ys, y_dots = forward(prim, case, x_dots)
        outcome += [*ys, *y_dots, *reverse(prim, case, y_bars), *reverse(prim, case, y_bars)]
    return outcome


def _compare(name: str, z: Any, reference: Any) -> None:
    assert (z is None) == (reference is None), f"{name}: a derivative is zero in one layout only"
    if z is not None and is_float(z):
        assert np.shape(z) == np.shape(reference), f"{name}: shape {np.shape(z)}, not {np.shape(reference)}"
        bound = UNITS * float(np.finfo(np.result_type(z)).eps) * np.max(np.abs(reference), initial=0.0)
        off = np.max(np.abs(z - reference), initial=0.0)
        assert off <= bound or np.array_equal(z, reference, equal_nan=True), f"{name}: off by {off:.1e}"
    elif z is not None:
        assert np.array_equal(z, reference), f"{name}: {z} is not {reference}"

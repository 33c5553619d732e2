"""The law of quick rules: where all that `quick` gives is finite, it gives what the guarded `vjp` rule gives."""

from itertools import product
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive, Site

from .cases import Case, cast, complexes, is_float
from .masked import points
from .rules import UNITS, assert_type, cotangents, results, reverse


def quick(prim: Primitive, case: Case) -> None:
    """The law at the sample, in single precision, and where the rules hold for complex operands with those."""
    if prim.quick is not None:
        _agree(prim, case)
        _agree(prim, cast(case, np.float32))
        for variant in complexes(case) if prim.complex else ():
            _agree(prim, variant)


def quick_special(prim: Primitive, case: Case) -> None:
    """The law at special points: zeros of both signs, ties, huge and tiny numbers, infinities."""
    if prim.quick is None or not all(is_float(x) for x in case.xs):
        return
    if prim.elementwise:
        for xs in product(points(prim), repeat=len(case.xs)):
            _agree(prim, case.with_xs(map(np.asarray, xs), f"at {xs}"))
        return
    for x in (0.0, -1.0, 1e-155, 1e155, 1e300, 1e-310, np.inf, np.nan):
        first = np.array(case.xs[0])
        first[first == np.max(first, initial=-np.inf)] = x
        _agree(prim, case.with_xs([first, *case.xs[1:]], f"with an entry {x}"))
        _agree(prim, case.with_xs([np.full_like(first, x), *case.xs[1:]], f"with all entries {x}"))


def _agree(prim: Primitive, case: Case) -> None:
    y = prim.eval(*case.xs, **case.params)
    if not all(np.all(np.isfinite(part)) for part in results(y)):
        return  # the derivative of what is not finite is not finite either, or means nothing
    (y_bar,) = cotangents(prim, case)
    for seed in (y_bar, 0.0 * y_bar):
        given = np.array(seed) if prim.reuses else seed  # it may write into what it is given
        fast = reverse(prim, case, [given], rule=_quick)
        if all(x_bar is None or np.all(np.isfinite(x_bar)) for x_bar in fast):
            for i, (a, b) in enumerate(zip(fast, reverse(prim, case, [seed]), strict=True)):
                if is_float(case.xs[i]):
                    zero = np.zeros_like(case.xs[i])
                    _assert_same(zero if a is None else a, zero if b is None else b, f"operand {i}")


def _quick(y_bar: Any, site: Site, **_: Any) -> list[Any]:
    """Call the quick rule as the sweep does, with the site's plain tuple; it may give more than is needed."""
    x_bars = site.prim.quick(y_bar, tuple(site))
    return [None if parent is None else x_bar for x_bar, parent in zip(x_bars, site.parents, strict=True)]


def _assert_same(a: Any, b: Any, what: str) -> None:
    assert_type(a, b, what)
    limits = np.finfo(np.result_type(a))
    bound = UNITS * limits.eps * np.max(np.abs(b), initial=0.0) + limits.tiny
    assert np.max(np.abs(a - b), initial=0.0) <= bound, f"{what}: {a}, and guarded {b}"

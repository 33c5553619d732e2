"""The law of operand subsets: a quick rule gives each operand the same cotangent, whichever others need one too."""

from itertools import product

import numpy as np

from wengert.core.primitive import Primitive, Site

from .cases import Case, cast, is_float
from .rules import UNITS, assert_type, like


def quick_subsets(prim: Primitive, case: Case) -> None:
    """At every sample, for every choice of operands that need a cotangent, in float64 and float32."""
    if prim.quick is None:
        return
    for variant in (case, cast(case, np.float32)):
        y = prim.eval(*variant.xs, **variant.params)
        y_bar = like(variant.rng, y)
        floats = [is_float(x) for x in variant.xs]
        if y_bar is None:
            continue
        for needs in product([False, True], repeat=len(variant.xs)):
            if any(needs) and not any(need and not able for need, able in zip(needs, floats, strict=True)):
                _same(prim, variant, y, y_bar, needs)


def _same(prim: Primitive, case: Case, y: object, y_bar: object, needs: tuple[bool, ...]) -> None:
    leaf = Site(0, None, {}, (), None, None, ())
    parents = tuple(leaf if need else None for need in needs)
    site = Site(-1, prim, case.params, case.xs, y, None, parents)
    expected = prim.vjp(y_bar, site, **case.params)
    handed = np.array(y_bar) if prim.reuses else y_bar  # such a rule may write into the cotangent
    found = prim.quick(handed, tuple(site))
    for i, (need, a, b, x) in enumerate(zip(needs, found, expected, case.xs, strict=True)):
        if not need:
            continue
        assert (a is None) == (b is None), f"operand {i} of {needs}: zero in one of the two rules only"
        if a is not None:
            assert_type(a, x, f"{case.label}: quick cotangent of operand {i}")
            tolerance = UNITS * np.finfo(np.result_type(x)).eps
            close = np.allclose(a, b, rtol=tolerance, atol=0.0, equal_nan=True)
            assert close, f"{case.label}, needs {needs}: operand {i} has {a}, not {b}"

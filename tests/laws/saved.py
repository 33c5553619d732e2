"""The saving law: `save` gives the value that `eval` gives, and a cotangent does not depend on who else needs one."""

import numpy as np

from wengert.core.primitive import Primitive

from .cases import Case, is_float
from .rules import cotangents, results, reverse


def saved(prim: Primitive, case: Case) -> None:
    """Bitwise: the same computation, done once for all operands and once for each alone."""
    if prim.save is not None:
        y, _ = prim.save(*case.xs, **case.params)
        for a, b in zip(results(y), results(prim.eval(*case.xs, **case.params)), strict=True):
            assert np.array_equal(a, b, equal_nan=is_float(b)), "save and eval give different results"
            assert np.result_type(a) == np.result_type(b), "save and eval give different types"
    y_bars = cotangents(prim, case)
    together = reverse(prim, case, y_bars)
    for i, x in enumerate(case.xs):
        if is_float(x):
            alone = reverse(prim, case, y_bars, [k == i for k in range(len(case.xs))])[i]
            assert (alone is None) == (together[i] is None), f"operand {i}: zero alone or together, not both"
            same = alone is None or np.allclose(alone, together[i], rtol=1e-14, atol=1e-14, equal_nan=True)
            assert same, f"operand {i}: its cotangent depends on which others are needed"


def partial_cotangents(prim: Primitive, case: Case) -> None:
    """Of several results, those without a cotangent count as zero."""
    y_bars = cotangents(prim, case)
    if len(y_bars) > 1:
        for k, y_bar in enumerate(y_bars):
            if y_bar is not None:
                absent = [y_bar if j == k else None for j in range(len(y_bars))]
                zeros = [None if b is None else b if j == k else 0 * b for j, b in enumerate(y_bars)]
                for a, b in zip(reverse(prim, case, absent), reverse(prim, case, zeros), strict=True):
                    close = np.allclose(
                        0.0 if a is None else a, 0.0 if b is None else b, rtol=1e-12, atol=1e-12
                    )
                    assert close, f"an absent cotangent of results other than {k} is not a zero one"

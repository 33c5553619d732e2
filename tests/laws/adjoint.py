"""The adjoint law: <y_bar, J x_dot> = <J^T y_bar, x_dot> for every operand and for all of them together.

It needs no reference value, so it holds in every type, and it ties the two rules of a primitive
together: whatever checks one of them then checks the other.
"""

import numpy as np

from wengert.core.primitive import Primitive

from .cases import Case, cast, complexes, is_float
from .rules import UNITS, assert_type, cotangents, forward, pair, results, reverse, tangents


def adjoint(prim: Primitive, case: Case) -> None:
    """The law on a sample as it is declared."""
    floats = [i for i, x in enumerate(case.xs) if is_float(x)]
    for which in [floats] + ([[i] for i in floats] if len(floats) > 1 else []):
        _identity(prim, case, which)


def adjoint_single(prim: Primitive, case: Case) -> None:
    """The law in float32, with every result and derivative in float32."""
    adjoint(prim, cast(case, np.float32))


def adjoint_complex(prim: Primitive, case: Case) -> None:
    """The law with complex operands, where a primitive declares that its rules hold for them."""
    if prim.complex:
        for variant in complexes(case):
            adjoint(prim, variant)


def _identity(prim: Primitive, case: Case, which: list[int]) -> None:
    x_dots, y_bars = tangents(case, which), cotangents(prim, case)
    ys, y_dots = forward(prim, case, x_dots)
    x_bars = reverse(prim, case, y_bars, [i in which for i in range(len(case.xs))])
    _check_types(prim, case, ys, y_dots, x_bars, which)
    chosen = [x_bar if i in which else None for i, x_bar in enumerate(x_bars)]
    left, left_size = pair(y_bars, y_dots)
    right, right_size = pair(chosen, x_dots)
    eps = max([float(np.finfo(np.result_type(y)).eps) for y in (*case.xs, *ys) if is_float(y)], default=0.0)
    error, bound = abs(left - right), UNITS * eps * (left_size + right_size)
    assert error <= bound, f"operands {which}: {left!r} is not {right!r} (off by {error:.1e} > {bound:.1e})"


def _check_types(
    prim: Primitive, case: Case, ys: tuple, y_dots: tuple, x_bars: list, which: list[int]
) -> None:
    assert len(x_bars) == len(case.xs), f"{len(x_bars)} cotangents for {len(case.xs)} operands"
    expected = results(prim.eval(*case.xs, **case.params))
    for y, y_dot, y_eval in zip(ys, y_dots, expected, strict=True):
        assert_type(y, y_eval, "the result of jvp")
        if y_dot is not None:
            assert_type(y_dot, y, "y_dot")
    for i in which:
        if x_bars[i] is not None:
            assert_type(x_bars[i], case.xs[i], f"x_bar of operand {i}")

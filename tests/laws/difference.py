"""The tangent of every jvp rule is the derivative of `eval`: against differences that know no rule.

The reverse rule needs no such law of its own; the adjoint law carries this one over to it.
"""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive

from .cases import Case, complexes, is_float
from .high_precision import partial
from .reference import SHARP, directional
from .rules import forward, tangents


def difference(prim: Primitive, case: Case) -> None:
    """The law on a sample as it is declared, operand by operand."""
    for i, x in enumerate(case.xs):
        if is_float(x):
            x_dots = tangents(case, [i])
            references = _references(prim, case, x_dots, i)
            ys, y_dots = forward(prim, case, x_dots)
            floating = [(y, y_dot) for y, y_dot in zip(ys, y_dots, strict=True) if is_float(y)]
            for (y, y_dot), reference in zip(floating, references, strict=True):
                _compare(i, y, y_dot, *reference)


def difference_complex(prim: Primitive, case: Case) -> None:
    """The law with complex operands, where a primitive declares that its rules hold for them."""
    if prim.complex:
        for variant in complexes(case):
            difference(prim, variant)


def _references(prim: Primitive, case: Case, x_dots: list[Any], i: int) -> list[tuple[Any, Any, float]]:
    exact = partial(prim.name, case.xs, i)
    if exact is None:
        return directional(prim, case, x_dots)
    return [(exact * x_dots[i], np.zeros(np.shape(exact)), SHARP)]


def _compare(i: int, y: Any, y_dot: Any, reference: Any, error: Any, units: float) -> None:
    y_dot = np.zeros(np.shape(y)) if y_dot is None else y_dot
    # The error of a result scales with the largest entry of what it is computed from.
    size = max(np.max(np.abs(z), initial=0.0) for z in (reference, y))
    off, noise = np.max(np.abs(y_dot - reference), initial=0.0), np.max(error, initial=0.0)
    assert noise <= units * size, f"operand {i}: no reference is sharp enough here ({noise:.1e})"
    assert off <= units * size, (
        f"operand {i}: y_dot is off by {off:.1e}, allowed {units * size:.1e} ({units})"
    )

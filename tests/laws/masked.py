"""The masking law: a zero cotangent or tangent contributes zero, even where the partial derivative is infinite or nan.

So `where(x > 0, sqrt(x), 0)` has gradient 0 at 0: nothing of the branch not taken comes through.
"""

from itertools import product

import numpy as np

from wengert.core.primitive import Primitive

from .cases import Case, is_float
from .rules import forward, results, reverse

# SciPy's series take very long at huge arguments, and hang at infinite ones: their points are of moderate
# size.
MODERATE = (0.0, -0.0, 1.0, -1.0, 0.5, -2.0)
POINTS = (*MODERATE, 1e3, -1e3, 1e300, 1e-310, np.inf, -np.inf, np.nan)


def masked(prim: Primitive, case: Case) -> None:
    """Zero in, exactly zero out: at the sample, and for elementwise functions at every special point."""
    _zeros(prim, case)
    if prim.elementwise:
        floats = [i for i, x in enumerate(case.xs) if is_float(x)]
        grid = np.array(list(product(points(prim), repeat=len(floats)))).T
        xs = [np.ravel(x)[0] if i not in floats else None for i, x in enumerate(case.xs)]
        for i, column in zip(floats, grid, strict=True):
            xs[i] = column
        _zeros(prim, case.with_xs(xs, "special points"))


def points(prim: Primitive) -> tuple[float, ...]:
    """Points at which a primitive is evaluated safely, special ones as far as its implementation bears them."""
    return POINTS if getattr(np, prim.name, None) is prim.eval else MODERATE


def _zeros(prim: Primitive, case: Case) -> None:
    y_bars = [
        0 * np.ones_like(y) if is_float(y) else None for y in results(prim.eval(*case.xs, **case.params))
    ]
    for i, x_bar in enumerate(reverse(prim, case, y_bars)):
        _all_zero(case, f"x_bar of operand {i} for a zero cotangent", x_bar)
    for i, x in enumerate(case.xs):
        if is_float(x):
            x_dots = [np.zeros_like(x) if k == i else None for k in range(len(case.xs))]
            for y_dot in forward(prim, case, x_dots)[1]:
                _all_zero(case, f"y_dot for a zero tangent of operand {i}", y_dot)


def _all_zero(case: Case, what: str, z: object) -> None:
    bad = np.argwhere(np.asarray(0.0 if z is None else z) != 0)
    if len(bad):
        points = (
            case.xs
            if np.shape(z) != np.shape(case.xs[-1])
            else [x if np.ndim(x) == 0 else np.asarray(x)[..., bad[0][-1]] for x in case.xs]
        )
        raise AssertionError(f"{what} is not zero, at {len(bad)} entries, first at {points}")

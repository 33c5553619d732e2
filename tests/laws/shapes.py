"""The shape law of elementwise primitives: 0-d, empty and broadcast operands obey the adjoint law too."""

import numpy as np

from wengert.core.primitive import Primitive

from .adjoint import adjoint
from .cases import Case, cast, is_float


def shapes(prim: Primitive, case: Case) -> None:
    """One sample point in many shapes, in both precisions."""
    if not prim.elementwise:
        return
    points = [np.asarray(x).ravel()[:1] for x in case.xs]
    for dtype in (np.float64, np.float32):
        for name, shape in {
            "0-d": (),
            "one": (1,),
            "empty": (0,),
            "empty matrix": (3, 0),
            "cube": (2, 1, 3),
        }.items():
            xs = [np.resize(p, shape)[()] for p in points]
            adjoint(prim, cast(case.with_xs(xs, name), dtype))
        for i in range(len(points) if len(points) > 1 else 0):
            _broadcast(prim, case, points, i, dtype)


def _broadcast(prim: Primitive, case: Case, points: list, i: int, dtype: type) -> None:
    """Operand i is smaller than the result in rank, in length-1 axes, or because the result is empty."""
    for small, full in (
        ((), (3,)),
        ((1,), (3,)),
        ((3,), (2, 3)),
        ((2, 1), (2, 3)),
        ((1, 1, 3), (2, 3)),
        ((1,), (0,)),
    ):
        xs = [np.resize(p, small if k == i else full) for k, p in enumerate(points)]
        xs = [x[()] if not is_float(x) else x for x in xs]
        adjoint(prim, cast(case.with_xs(xs, f"{small} against {full}"), dtype))

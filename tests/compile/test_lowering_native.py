"""Lowering rules as machine code: graphs of one elementwise operation, on special values, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.laws.cases import samples
from wengert.compile.compiled import Native
from wengert.core.graph import Graph, Node, Var
from wengert.core.primitive import PRIMITIVES
from wengert.types import type_of

from .special_values import OUTSIDE, POINTWISE, agree, choices, evaluated

DTYPES = {np.dtype(name) for name in ("f8", "f4", "i8")}

# Results are within 4 ulp of NumPy's; sums of products may be rounded once. These differ by more, and why; test_ulps
# holds them to the exact results:
ELSEWHERE = {
    "expit": "SciPy's overflows in single precision and gives 0 where the result is subnormal",
    "gammaln": "near a zero no digit of SciPy's is right; at -inf its singles are -inf and its doubles inf",
    "loggamma": "SciPy's is infinite at subnormal numbers",
    "ndtr": "the error of x / sqrt(2) is magnified x^2 times, in SciPy's too",
    "radian": "a sum of a product that is rounded once overflows later",
}


def near(y, expected):
    """Whether results are as near as they have to be."""
    if y.dtype.kind != "f" or not (np.isfinite(y) and np.isfinite(expected)):
        return False
    return abs(y - expected) <= 4 * np.spacing(abs(expected))


def compiled(prim, xs, params):
    inputs = [Var(type_of(x)) for x in xs]
    output = Var(prim.infer(*[v.type for v in inputs], **params))
    program = Native(Graph(inputs, [Node(prim, tuple(inputs), params, (output,))], [output]))
    (y,) = program.flat(xs)(*xs)
    return y


@pytest.mark.parametrize("name", sorted(set(POINTWISE) - set(ELSEWHERE)))
def test_machine_code_computes_what_numpy_does(name):
    prim = PRIMITIVES[name]
    case = next(samples(prim))
    for xs in choices(len(case.xs), case.rng):
        kinds = {x.dtype for x in xs}
        if len(kinds) > 1 or not kinds <= DTYPES or xs[0].dtype.kind in OUTSIDE.get(name, ""):
            continue
        expected = evaluated(prim, xs, case.params)
        if expected is None or (xs[0].dtype.kind == "i" and name in {"power", "reciprocal"}):
            continue
        found = compiled(prim, xs, case.params)
        for place in np.ndindex(expected.shape):
            y, z, entries = found[place], expected[place], [x[place] for x in xs]
            fits = agree(name, y, z, entries, case.params) or near(y, z)
            assert fits, f"{name}{tuple(entries)} is {z!r}, not {y!r}"

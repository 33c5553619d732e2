"""Hyperbolic functions by the exponential: x = n ln 2 + r.

Coefficients: benchmarks/minimax.py. Measured errors: tests/compile/vector_math/test_accuracy.py.
"""

from __future__ import annotations

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.exponential import expm1_of
from wengert.compile.vector_math.formats import quotient, split_sum
from wengert.compile.vector_math.instructions import Body, Value

__all__ = ["tanh"]

SATURATED = {"double": 20.0, "float": 10.0}  # tanh is 1 there


@function("tanh")
def tanh(body: Body, x: Value) -> Value:
    """Hyperbolic tangent: e/(e + 2) with e = e^(2 |x|) - 1, and the sign of x."""
    size = body.minimum(body.abs(x), SATURATED[x.type.scalar])
    high, low = expm1_of(body, size + size)
    e, e_low = split_sum(high, low)
    below = e + 2.0
    # 2 is a multiple of the last bit of e + 2, so that (e + 2) - 2 is exact, and the difference is its error.
    return body.copysign(quotient(body, e, e_low, below, (e - (below - 2.0)) + e_low), x)

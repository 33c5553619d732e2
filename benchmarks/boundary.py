"""What a call from Python into a compiled program costs, beside a NumPy ufunc and a call through ctypes.

The programs do next to nothing: they multiply two numbers, or copy four. The compiled function checks its arguments and
allocates its result; ctypes is given addresses that were prepared before.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import sys
from collections.abc import Callable
from typing import Any

import harness
import numpy as np

from wengert.compile import boundary, loading
from wengert.compile.structure import Dict, Leaf, Structure, Tuple

CALLS = 1000
F8 = np.dtype(np.float64)
FLOAT, SCALAR, ARRAY = Leaf(F8, (), "float"), Leaf(F8, (), "scalar"), Leaf(F8, (4,), "array")
PROGRAMS = """
define i32 @product(ptr %arguments, ptr %results, ptr %arena) {
  %x.at = load ptr, ptr %arguments
  %second = getelementptr ptr, ptr %arguments, i64 1
  %y.at = load ptr, ptr %second
  %x = load double, ptr %x.at
  %y = load double, ptr %y.at
  %z = fmul double %x, %y
  %result = load ptr, ptr %results
  store double %z, ptr %result
  ret i32 0
}

define i32 @square(ptr %arguments, ptr %results, ptr %arena) {
  %x.at = load ptr, ptr %arguments
  %x = load <4 x double>, ptr %x.at, align 8
  %y = fmul <4 x double> %x, %x
  %result = load ptr, ptr %results
  store <4 x double> %y, ptr %result, align 8
  ret i32 0
}
"""


def _compiled(name: str, arguments: Structure, results: Structure, **options: Any) -> Callable[..., Any]:
    library = loading.load(PROGRAMS, ("product", "square"))
    return boundary.callable(library[name], arguments, results, [], 0, _missed, owner=library, **options)


def _missed(*args: Any) -> Any:
    raise AssertionError(args)


def _through_ctypes(*arrays: np.ndarray, name: str) -> Callable[[], None]:
    library = loading.load(PROGRAMS, ("product", "square"))
    run = ctypes.PYFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(library[name])
    result = np.empty(4)
    inputs = (ctypes.c_void_p * len(arrays))(*[a.ctypes.data for a in arrays])
    outputs = (ctypes.c_void_p * 1)(result.ctypes.data)
    kept = (library, arrays, result)
    return _repeated(run, inputs, outputs, None, keep=kept)


def _repeated(call: Callable[..., Any], *args: Any, keep: object = None) -> Callable[[], None]:
    """Return a function that makes CALLS calls, so that a lambda's own time does not count."""

    def body(_: object = keep) -> None:
        for _ in itertools.repeat(None, CALLS):
            call(*args)

    return body


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Time calls; the limits are those of the issue on native code."""
    two, x, pair = np.array([2.0, 3.0]), np.arange(4.0), {"x": 2.0, "y": 3.0}
    product, scalar = (_compiled("product", Tuple((FLOAT, FLOAT)), r) for r in (FLOAT, SCALAR))
    square = _compiled("square", Tuple((ARRAY,)), ARRAY)
    unlocked = _compiled("square", Tuple((ARRAY,)), ARRAY, release_gil=True)
    tree = _compiled("product", Tuple((Dict(("x", "y"), (FLOAT, FLOAT)),)), FLOAT)
    options: dict[str, Any] = {"rounds": 15, "smoke": smoke, "per": CALLS, "unit": "ns"}
    return [
        harness.timed(
            "two floats to a float",
            {
                "wengert": _repeated(product, 2.0, 3.0),
                "math.hypot": _repeated(math.hypot, 2.0, 3.0),
                "numpy": _repeated(np.multiply, 2.0, 3.0),
                "ctypes": _through_ctypes(two[:1], two[1:], name="product"),
            },
            limit=80,
            **options,
        ),
        harness.timed("two floats to a NumPy scalar", {"wengert": _repeated(scalar, 2.0, 3.0)}, **options),
        harness.timed("a dict of two floats to a float", {"wengert": _repeated(tree, pair)}, **options),
        harness.timed(
            "an array of 4 to another",
            {
                "wengert": _repeated(square, x),
                "without the lock": _repeated(unlocked, x),
                "numpy": _repeated(np.multiply, x, x),
                "ctypes": _through_ctypes(x, name="square"),
            },
            limit=150,
            **options,
        ),
    ]


if __name__ == "__main__":
    harness.report("boundary", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)

"""Elementary and special functions: time per number in arrays that stay in the second cache, beside NumPy and SciPy.

The loop is the plainest there is: load a vector, call, store. What a function costs to compile is measured too: its
text, LLVM's parser, inlining, and machine code, for a module that holds that loop alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
import numpy as np

sys.path.append(str(Path(__file__).parents[1]))  # the loops are those of the tests

from tests.compile.vector_math import native

SIZE = 4096
WIDTH = {"f64": 8, "f32": 16}  # 512 bits
RANGES = {
    **dict.fromkeys(("log", "log2", "log10"), (0.01, 10)),
    **dict.fromkeys(("asin", "acos", "atanh"), (-1, 1)),
    **dict.fromkeys(("lgamma", "digamma"), (0.1, 20)),
    "acosh": (1, 9),
    "log1p": (-0.5, 9),
    "pow": (0.1, 5),
    "sqrt": (0, 9),
}
LIMITS = {  # ns per number in float64; half of it in float32
    "exp": 0.8,
    "log": 1.0,
    "sin": 1.2,
    "cos": 1.2,
    "tanh": 1.5,
}
NUMPY = {
    **{
        name: name
        for name in ("cbrt", "cos", "cosh", "exp", "exp2", "expm1", "fmod", "hypot", "log", "log10", "log1p")
    },
    **{name: name for name in ("log2", "sin", "sinh", "sqrt", "tan", "tanh")},
    **{f"a{name}": f"arc{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tan2", "tanh")},
    "pow": "power",
}
SCIPY = {"digamma": "psi", "erf": "erf", "erfc": "erfc", "lgamma": "gammaln", "sigmoid": "expit"}


def _peer(name: str) -> dict[str, Callable[..., Any]]:
    if name in NUMPY:
        return {"numpy": getattr(np, NUMPY[name])}
    special = harness.optional("scipy.special")
    return {"scipy": getattr(special, SCIPY[name])} if special is not None and name in SCIPY else {}


def _row(name: str, dtype: str, *, smoke: bool) -> harness.Row:
    random = np.random.default_rng(0)
    x = random.uniform(*RANGES.get(name, (-8, 8)), SIZE).astype(native.DTYPES[dtype])
    y = random.uniform(-4, 4, SIZE).astype(native.DTYPES[dtype])
    out = np.empty_like(x)
    call, _ = native.loop(name, dtype, WIDTH[dtype])
    pointers = (out.ctypes.data, x.ctypes.data, y.ctypes.data, SIZE // WIDTH[dtype])
    operands = (x, y)[: native.FUNCTIONS[name]]
    candidates = {"wengert": lambda: call(*pointers)}
    candidates |= {who: lambda peer=peer: peer(*operands, out=out) for who, peer in _peer(name).items()}
    limit = LIMITS[name] / (1 if dtype == "f64" else 2) if name in LIMITS else None
    return harness.timed(
        f"{name} {dtype}", candidates, rounds=7, smoke=smoke, per=SIZE, unit="ns", limit=limit
    )


def _compile_row(name: str, dtype: str, *, smoke: bool) -> harness.Row:
    def compiled() -> bytes:
        native.text.cache_clear()
        return native.image(name, dtype, WIDTH[dtype])

    return harness.timed(f"compile {name} {dtype}", {"wengert": compiled}, rounds=3, smoke=smoke, unit="ms")


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Time every function in both formats, and compilation of each in float64."""
    names = ["exp", "pow"] if smoke else [n for n in native.FUNCTIONS if _peer(n)]
    found = [_row(name, dtype, smoke=smoke) for name in names for dtype in WIDTH]
    return found + [_compile_row(name, "f64", smoke=smoke) for name in names]


if __name__ == "__main__":
    harness.SAMPLE_S = 0.002
    harness.report("vector_math", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)

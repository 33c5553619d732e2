"""What emitted code costs to run and to compile: sums, maps and mathematics, beside NumPy and a compiler of C.

    python benchmarks/kernels.py [--smoke]

Each kernel is one loop over lanes. C is `gcc -O3 -march=native -ffast-math`, where it is installed, whose mathematics
is libmvec's where the C library has it. Both are called through ctypes, whose cost, that of a function that does
nothing, is taken away.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import harness
import numpy as np

from wengert.compile import llvm
from wengert.compile.emission import NAME, llvm_text
from wengert.compile.kernel import (
    Buffer,
    Carried,
    Constant,
    For,
    Index,
    Load,
    Operation,
    Program,
    Statement,
    Store,
    Value,
)

SIZES = (4096, 4_000_000)
COMPILE_MS = 15.0
FAST_MATH = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")
FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)

C = """
#include <math.h>
#define KERNEL(name) int name(double **a, double **r, void *arena)
KERNEL(nothing) { return 0; }
KERNEL(total) { double s = 0; for (long i = 0; i < N; i++) s += a[0][i]; *r[0] = s; return 0; }
KERNEL(squares) { double s = 0; for (long i = 0; i < N; i++) s += a[0][i] * a[0][i]; *r[0] = s; return 0; }
KERNEL(axpy) {
    double *restrict z = r[0], *restrict x = a[0], *restrict y = a[1];
    for (long i = 0; i < N; i++) z[i] = 0.5 * x[i] + y[i];
    return 0;
}
KERNEL(tanhs) { double s = 0; for (long i = 0; i < N; i++) s += tanh(a[0][i]); *r[0] = s; return 0; }
"""


class Case:
    """A kernel under way: y[i], or the sum over i, of what a few operations make of x[i]."""

    def __init__(self, name: str, n: int, arguments: int) -> None:
        self.name = name
        self.n = n
        self.buffers = [Buffer("f64", n, "argument", k, letter) for k, letter in enumerate("xy"[:arguments])]
        self.counter = Value("i64")
        self.body: list[Statement] = []
        self.at = Index(0, ((self.counter, 1),))

    def load(self, k: int) -> Value:
        """Write a load."""
        made = Value("f64")
        self.body.append(Load(made, self.buffers[k], self.at))
        return made

    def __call__(self, name: str, *operands: Value) -> Value:
        """Write an operation."""
        made = Value("f64")
        self.body.append(Operation(made, name, operands))
        return made

    def mapped(self, value: Value) -> Program:
        """Return the program that keeps all values."""
        y = Buffer("f64", self.n, "result", 0, "z")
        self.body.append(Store(value, y, self.at))
        loop = For(self.counter, self.n, self.body, lanes=True)
        return Program(self.name, [*self.buffers, y], [loop], 0)

    def summed(self, value: Value) -> Program:
        """Return the program that adds all values."""
        y, entry, result = Buffer("f64", 1, "result", 0, "s"), Value("f64"), Value("f64")
        following = self("add", entry, value)
        one = Carried(Constant("f64", 0.0), entry, following, result, "add")
        loop = For(self.counter, self.n, self.body, [one], lanes=True)
        return Program(self.name, [*self.buffers, y], [loop, Store(result, y, Index(0))], 0)


def total(n: int) -> Program:
    """Return sum x."""
    case = Case("total", n, 1)
    return case.summed(case.load(0))


def squares(n: int) -> Program:
    """Return sum x x."""
    case = Case("squares", n, 1)
    x = case.load(0)
    return case.summed(case("mul", x, x))


def axpy(n: int) -> Program:
    """Return x / 2 + y."""
    case = Case("axpy", n, 2)
    return case.mapped(case("add", case("mul", Constant("f64", 0.5), case.load(0)), case.load(1)))


def tanhs(n: int) -> Program:
    """Return sum tanh x."""
    case = Case("tanhs", n, 1)
    return case.summed(case("tanh", case.load(0)))


KERNELS: dict[str, tuple[Callable[[int], Program], Callable[..., Any]]] = {
    "total": (total, lambda x, y: x.sum()),
    "squares": (squares, lambda x, y: np.sum(x * x)),
    "axpy": (axpy, lambda x, y: 0.5 * x + y),
    "tanhs": (tanhs, lambda x, y: np.tanh(x).sum()),
}


def compiled(program: Program) -> tuple[Any, float]:
    """Return a program as a function, with what it belongs to, and the milliseconds that it took."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        code = llvm.compile_text(llvm_text(program), optimise="inline")
        times.append(time.perf_counter() - start)
    library = llvm.link(code, {}, [NAME])
    function = FUNCTION(library[NAME])
    function.library = library
    return function, median(times) * 1e3


def gcc(n: int, folder: Path) -> Any:
    """Return the kernels in C, or None without a compiler."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    source, shared = folder / f"kernels{n}.c", folder / f"kernels{n}.so"
    source.write_text(C, encoding="utf-8")
    subprocess.run([compiler, *FAST_MATH, f"-DN={n}", str(source), "-o", str(shared), "-lm"], check=True)
    return ctypes.CDLL(str(shared))


def call(function: Any, arrays: list[np.ndarray], result: np.ndarray) -> Callable[[], Any]:
    """Return a call of a compiled function."""
    given = (ctypes.c_void_p * len(arrays))(*[x.ctypes.data for x in arrays])
    wanted = (ctypes.c_void_p * 1)(result.ctypes.data)
    places = ctypes.addressof(given), ctypes.addressof(wanted)

    def run(keep: Any = (given, wanted, arrays, result)) -> None:
        function(*places, None)

    return run


def row(name: str, n: int, library: Any, *, smoke: bool) -> harness.Row:
    """Measure one kernel, and check that all agree."""
    program, numpys = KERNELS[name]
    arrays = list(np.random.default_rng(1964).normal(size=(2, n)))
    want = numpys(*arrays)
    ours, c = np.zeros(np.size(want)), np.zeros(np.size(want))
    function, _ = compiled(program(n))
    candidates = {"wengert": call(function, arrays, ours), "numpy": lambda: numpys(*arrays)}
    if library is not None:
        made = FUNCTION((name, library))
        candidates["gcc"] = call(made, arrays, c)
        candidates["nothing"] = call(FUNCTION(("nothing", library)), arrays, c)
    found = harness.timed(f"{name}, {n} doubles", candidates, rounds=15, smoke=smoke)
    np.testing.assert_allclose(ours, np.ravel(want), rtol=1e-9)  # sums of numbers of both signs
    empty = found.values.pop("nothing", 0.0)
    if library is not None and not smoke:
        np.testing.assert_allclose(c, np.ravel(want), rtol=1e-9)
        for who in ("wengert", "gcc"):
            found.values[who] -= empty
    return found


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Measure each kernel at each size, and what it costs to compile."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for n in SIZES[:1] if smoke else SIZES:
            library = gcc(n, Path(folder))
            found += [row(name, n, library, smoke=smoke) for name in KERNELS]
    for name, (program, _) in KERNELS.items():
        spent = compiled(program(SIZES[0]))[1]
        found.append(harness.Row(f"{name}: compilation", "ms", {"wengert": spent}, limit=COMPILE_MS))
    return found


if __name__ == "__main__":
    harness.report("kernels", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)

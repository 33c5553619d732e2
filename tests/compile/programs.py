"""Small native programs for the tests, and the two ways into them."""

from __future__ import annotations

import numpy as np

from wengert.compile import boundary, layout, loading
from wengert.compile.structure import Leaf, Structure, Tuple, leaves

F8 = np.dtype(np.float64)
FLOAT = Leaf(F8, (), "float")


def copying(arguments: Structure, results: Structure) -> str:
    """Return a program that copies the bytes of each argument to the result of the same position."""
    lines = ["declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"]
    lines.append("define i32 @wg_program(ptr %arguments, ptr %results, ptr %arena) {")
    for i, (leaf, _) in enumerate(zip(leaves(arguments), leaves(results), strict=False)):
        size = leaf.dtype.itemsize * int(np.prod(leaf.shape))
        lines += [
            f"  %a{i}.at = getelementptr ptr, ptr %arguments, i64 {i}",
            f"  %a{i} = load ptr, ptr %a{i}.at",
            f"  %r{i}.at = getelementptr ptr, ptr %results, i64 {i}",
            f"  %r{i} = load ptr, ptr %r{i}.at",
            f"  call void @llvm.memcpy.p0.p0.i64(ptr %r{i}, ptr %a{i}, i64 {size}, i1 false)",
        ]
    return "\n".join([*lines, "  ret i32 0", "}"])


PRODUCT = """
define i32 @wg_program(ptr %arguments, ptr %results, ptr %arena) {
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
"""

# Returns its first argument, an int64, as its code, after writing the second into the arena.
CODE = """
define i32 @wg_program(ptr %arguments, ptr %results, ptr %arena) {
  %code.at = load ptr, ptr %arguments
  %code = load i64, ptr %code.at
  %second = getelementptr ptr, ptr %arguments, i64 1
  %detail.at = load ptr, ptr %second
  %detail = load double, ptr %detail.at
  store double %detail, ptr %arena
  %short = trunc i64 %code to i32
  ret i32 %short
}
"""


class Fallback:
    """Remembers the calls it gets, and answers with itself."""

    def __init__(self):
        self.calls = []

    def __call__(self, *args, **names):
        self.calls.append((args, names))
        return self


def function(text, arguments, results, fallback=None, constants=(), arena_bytes=0, **options):
    """Compile a program without optimisation, and make a function of Python of it."""
    library = loading.load(text, optimise="none")
    program = library["wg_program"]
    target = fallback or Fallback()
    return boundary.callable(
        program, arguments, results, list(constants), arena_bytes, target, owner=library, **options
    )


def identity(*structures: Structure, fallback=None, **options):
    """Return a compiled function that returns its arguments."""
    arguments = Tuple(structures)
    results = structures[0] if len(structures) == 1 else arguments
    return function(copying(arguments, results), arguments, results, fallback, **options)


def force(monkeypatch, way: str) -> None:
    """Choose how calls enter: natively, or checked in Python."""
    monkeypatch.setattr(layout, "is_known", lambda: way == "native")

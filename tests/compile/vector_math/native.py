"""Compile the functions of the package and apply them to arrays."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from wengert.compile.vector_math import FUNCTIONS, module_text
from wengert.compile.vector_math.definitions import text
from wengert.compile.vector_math.instructions import FLOAT, Type

__all__ = ["DTYPES", "FUNCTIONS", "apply", "image", "loop", "text"]

DTYPES = {"f64": np.float64, "f32": np.float32}


@cache
def machine(*, oldest: bool = False) -> llvm.TargetMachine:
    """Return this machine, or the oldest of its kind: on x86-64 vectors of 128 bits and no FMA instruction."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    if oldest:
        return target.create_target_machine(opt=2, jit=True)
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=2, jit=True)


@cache
def compiler() -> llvm.LLJIT:
    return llvm.create_lljit_compiler(machine())


def loop_text(name: str, dtype: str, lanes: int) -> str:
    """Emit a loop over vectors: void (ptr out, ptr x, ptr y, i64 count of vectors)."""
    vector = Type(FLOAT[dtype], lanes)
    size = lanes * (8 if dtype == "f64" else 4)
    align = 8 if dtype == "f64" else 4
    letters = "xy"[: FUNCTIONS[name]]
    loads = "\n".join(
        f"  %{p}.at = getelementptr inbounds i8, ptr %{p}.in, i64 %offset\n"
        f"  %{p} = load {vector}, ptr %{p}.at, align {align}"
        for p in letters
    )
    operands = ", ".join(f"{vector} %{p}" for p in letters)
    return f"""
define void @loop(ptr noalias %out, ptr noalias %x.in, ptr noalias %y.in, i64 %n) "prefer-vector-width"="512" {{
entry:
  br label %body
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body.end ]
  %offset = mul nuw nsw i64 %i, {size}
{loads}
  %r = call {vector} @wg.{name}.{dtype}x{lanes}({operands})
  br label %body.end
body.end:
  %r.at = getelementptr inbounds i8, ptr %out, i64 %offset
  store {vector} %r, ptr %r.at, align {align}
  %next = add nuw nsw i64 %i, 1
  %done = icmp eq i64 %next, %n
  br i1 %done, label %exit, label %body
exit:
  ret void
}}
"""


def optimized(source: str) -> Any:
    """Parse, verify and inline."""
    module = llvm.parse_assembly(source)
    module.verify()
    builder = llvm.create_pass_builder(machine(), llvm.create_pipeline_tuning_options(speed_level=1))
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.run(module, builder)
    return module


def image(name: str, dtype: str, lanes: int, *, oldest: bool = False) -> bytes:
    """Compile the loop to an object file."""
    return machine(oldest=oldest).emit_object(
        optimized(module_text([(name, dtype, lanes)]) + loop_text(name, dtype, lanes))
    )


@cache
def loop(name: str, dtype: str, lanes: int, *, oldest: bool = False) -> tuple[Any, Any]:
    """Return the native loop, and what keeps its code alive."""
    code = image(name, dtype, lanes, oldest=oldest)
    builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol("loop")
    tracker = builder.link(compiler(), f"{name}.{dtype}x{lanes}.{oldest}")
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    return kind(tracker["loop"]), tracker


def apply(name: str, dtype: str, lanes: int, *arguments: np.ndarray, oldest: bool = False) -> np.ndarray:
    """Apply a function to arrays of one axis; what fills the last vector is not returned."""
    size = arguments[0].size
    padded = -(-size // lanes) * lanes
    columns = [np.resize(np.asarray(a, DTYPES[dtype]), padded) for a in arguments]
    out = np.empty(padded, DTYPES[dtype])
    call, _ = loop(name, dtype, lanes, oldest=oldest)
    pointers = [c.ctypes.data for c in (columns * 2)[:2]]
    if padded:
        call(out.ctypes.data, *pointers, padded // lanes)
    return out[:size]

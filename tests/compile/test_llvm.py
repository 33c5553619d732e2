"""The engine: text to objects to addresses, from any thread, and away when nobody holds them."""

import ctypes
import gc
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wengert.compile import llvm, loading, symbols

HALF = "define double @wg_program(double %x) {\n  %y = fmul double %x, 0.5\n  ret double %y\n}\n"
SUM = """
define double @wg_program(ptr noalias %x, i64 %n) #0 {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %i.next, %loop ]
  %s = phi double [ 0.0, %entry ], [ %s.next, %loop ]
  %at = getelementptr inbounds double, ptr %x, i64 %i
  %v = load double, ptr %at
  %s.next = fadd reassoc double %s, %v
  %i.next = add nuw nsw i64 %i, 1
  %done = icmp eq i64 %i.next, %n
  br i1 %done, label %exit, label %loop
exit:
  ret double %s.next
}
attributes #0 = { nounwind "prefer-vector-width"="BITS" }
"""
SRC = Path(llvm.__file__).parents[2]


def called(library, *types):
    function = ctypes.CFUNCTYPE(ctypes.c_double, *(types or (ctypes.c_double,)))(library["wg_program"])
    return lambda *args, _kept=library: function(*args)


@pytest.mark.parametrize("generate", ["none", "O1", "O2", "O3"])
@pytest.mark.parametrize("optimise", ["none", "inline", "O1", "O2", "O3"])
def test_every_level_gives_the_same_answer(optimise, generate):
    code = llvm.compile_text(SUM.replace("BITS", "256"), optimise=optimise, generate=generate)
    call = called(llvm.link(code, {}, ["wg_program"]), ctypes.c_void_p, ctypes.c_int64)
    x = (ctypes.c_double * 1000)(*range(1000))
    assert call(ctypes.addressof(x), 1000) == 499_500.0


def test_loops_use_the_widest_vectors():
    text = llvm.assembly(SUM.replace("BITS", str(llvm.host().vector_bits)))
    register = {512: "zmm", 256: "ymm", 128: "xmm"}[llvm.host().vector_bits]
    if llvm.host().triple.startswith("x86_64"):
        assert register in text
    assert "fadd reassoc <" in llvm.optimised(SUM.replace("BITS", "256"))
    assert "<" not in llvm.optimised(HALF).split("define")[1].split("}")[0]


@pytest.mark.parametrize("text", ["", "nonsense", HALF[:-2], HALF.replace("%x, 0.5", "%z, 0.5")])
def test_text_that_is_no_module_is_refused(text):
    if not text:
        assert llvm.compile_text(text)  # an empty module is one
        return
    with pytest.raises(ValueError, match="LLVM rejects the module"):
        llvm.compile_text(text)


def test_symbols_that_are_nowhere_are_named():
    text = "declare double @wg.nowhere(double)\n" + HALF.replace(
        "fmul double %x, 0.5", "call double @wg.nowhere(double %x)"
    )
    with pytest.raises(LookupError, match=r"wg\.nowhere"):
        loading.load(text)
    with pytest.raises(RuntimeError, match="symbols"):
        llvm.link(llvm.compile_text(text), {}, ["wg_program"])


def test_the_mathematics_of_the_process_is_found():
    for name in ("sin", "cos", "exp", "lgamma", "erf", "cbrt"):
        text = f"declare double @{name}(double)\n" + HALF.replace(
            "fmul double %x, 0.5", f"call double @{name}(double %x)"
        )
        call = called(loading.load(text))
        assert call(0.7) == pytest.approx(getattr(math, name, lambda x: x ** (1 / 3))(0.7), rel=1e-15)


def test_blas_and_lapack_are_found_by_name():
    assert symbols.resolve("wg.blas.dgemm") != symbols.resolve("wg.blas.sgemm")
    assert symbols.resolve("wg.lapack.dpotrf")
    for name in ("wg.blas.nothing", "wg.numpy.nothing", "wg.other.dgemm", "wg.blas.a.b"):
        with pytest.raises(LookupError):
            symbols.resolve(name)


def test_a_program_calls_blas():
    text = """
declare double @wg.blas.ddot(ptr, ptr, ptr, ptr, ptr)
@one = private constant i32 1
@three = private constant i32 3
define double @wg_program(ptr %x) {
  %y = call double @wg.blas.ddot(ptr @three, ptr %x, ptr @one, ptr %x, ptr @one)
  ret double %y
}
"""
    call = called(loading.load(text), ctypes.c_void_p)
    x = (ctypes.c_double * 3)(1.0, 2.0, 3.0)
    assert call(ctypes.addressof(x)) == 14.0


def test_imports_are_read_from_the_text():
    text = """
declare void @wg.a(ptr)
declare noundef double @"wg.b.c"(double) #0
@wg.d = external global i8
@wg.own = private constant i32 1
define void @wg.call() { ret void }
declare double @sin(double)
"""
    assert symbols.imported(text) == {"wg.a", "wg.b.c", "wg.d"}


def test_registered_symbols_are_used():
    value = ctypes.c_double(4.5)
    symbols.register("wg.test.value", lambda: ctypes.addressof(value))
    try:
        text = "@wg.test.value = external global double\n" + HALF.replace(
            "fmul double %x, 0.5", "load double, ptr @wg.test.value"
        )
        assert called(loading.load(text))(0.0) == 4.5
    finally:
        del symbols._registered["wg.test.value"]


def test_threads_compile_at_once():
    def body(k):
        for i in range(10):
            text = HALF.replace("0.5", f"{k}.{i}e0")
            results.append(
                called(llvm.link(llvm.compile_text(text), {}, ["wg_program"]))(2.0) == 2 * float(f"{k}.{i}")
            )

    results = []
    threads = [threading.Thread(target=body, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 60


def test_libraries_are_unloaded():
    resident = Path("/proc/self/statm")
    if not resident.exists():
        pytest.skip("no /proc")
    code = llvm.compile_text("@table = constant [262144 x i8] zeroinitializer\n" + HALF, optimise="none")

    def link(n):
        for _ in range(n):
            llvm.link(code, {}, ["wg_program"])
        gc.collect()
        return int(resident.read_text(encoding="ascii").split()[1])

    before = link(50)
    assert (
        link(200) - before < 200 * 16
    )  # pages; one that stays takes 64, and LLVM's own notes of each about 2


@pytest.mark.parametrize("end", ["", "import os; os._exit(0)", "import sys; sys.exit(0)", "raise SystemExit"])
def test_a_process_ends_well_with_code_in_use(end):
    script = f"""
import ctypes
from wengert.compile import loading
library = loading.load({HALF!r}, optimise="none")
f = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(library["wg_program"])
class Late:
    def __del__(self, f=f, library=library):
        assert f(3.0) == 1.5
late = Late()
late.itself = late
{end}
"""
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SRC)},
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
def test_a_child_forked_beside_a_compilation_compiles():
    script = f"""
import os, signal, threading
from wengert.compile import llvm
half = {HALF!r}
stop = []
def body():
    while not stop:
        llvm.link(llvm.compile_text(half), {{}}, ["wg_program"])
beside = threading.Thread(target=body, daemon=True)
beside.start()
for _ in range(15):
    child = os.fork()
    if not child:
        signal.alarm(20)
        llvm.link(llvm.compile_text(half), {{}}, ["wg_program"])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.append(1)
beside.join()
print("both")
"""
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": str(SRC), "PYTHONWARNINGS": "ignore"},
    )
    assert (run.returncode, run.stdout) == (0, "both\n"), run.stderr

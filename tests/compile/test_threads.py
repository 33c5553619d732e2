"""The pool: every iteration once, whoever calls, however often; through forks, signals and nesting."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from wengert.compile import llvm, loading, threads

POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
SRC = Path(threads.__file__).parents[2]
FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)

# Adds 1 to each of the doubles in its range, in a vectorised loop; `nested` does so through a region of its own.
PROGRAM = """
declare void @wg.parallel(ptr, ptr, i64, i64)
declare i64 @wg.chunk(i64, i64)

define internal void @add(ptr %x, i64 %begin, i64 %end) {
entry:
  br label %next
next:
  %i = phi i64 [ %begin, %entry ], [ %i.next, %next ]
  %at = getelementptr double, ptr %x, i64 %i
  %v = load double, ptr %at
  %w = fadd double %v, 1.0
  store double %w, ptr %at
  %i.next = add i64 %i, 1
  %done = icmp eq i64 %i.next, %end
  br i1 %done, label %exit, label %next
exit:
  ret void
}

define internal void @shifted(ptr %context, i64 %begin, i64 %end) {
  %x = load ptr, ptr %context
  %offset.at = getelementptr i64, ptr %context, i64 1
  %offset = load i64, ptr %offset.at
  %x.from = getelementptr double, ptr %x, i64 %offset
  call void @add(ptr %x.from, i64 %begin, i64 %end)
  ret void
}

define internal void @inner(ptr %x, i64 %begin, i64 %end) {
  %context = alloca [2 x i64]
  store ptr %x, ptr %context
  %offset.at = getelementptr i64, ptr %context, i64 1
  store i64 %begin, ptr %offset.at
  %n = sub i64 %end, %begin
  call void @wg.parallel(ptr @shifted, ptr %context, i64 %n, i64 2)
  ret void
}

define void @wg_flat(ptr %x, i64 %n, i64 %grain) {
  call void @wg.parallel(ptr @add, ptr %x, i64 %n, i64 %grain)
  ret void
}

define void @wg_nested(ptr %x, i64 %n, i64 %grain) {
  call void @wg.parallel(ptr @inner, ptr %x, i64 %n, i64 %grain)
  ret void
}

define i64 @wg_chunk(i64 %n, i64 %grain) {
  %size = call i64 @wg.chunk(i64 %n, i64 %grain)
  ret i64 %size
}
"""


class Pool:
    """A pool of its own for a test, and programs that use it."""

    def __init__(self, sleep, n):
        self.library = loading.load(threads.pool_text(sleep), threads._EXPORTS, optimise="none")
        names = ("wg.parallel", "wg.chunk")
        exports = ("wg_flat", "wg_nested", "wg_chunk")
        code = llvm.compile_text(PROGRAM, optimise="none")
        self.program = llvm.link(code, {name: self.library[name] for name in names}, exports)
        self.reset(n)

    def reset(self, n):
        process = 0 if os.name != "posix" else os.getpid()
        ctypes.CFUNCTYPE(None, ctypes.c_int32, ctypes.c_int32)(self.library["wg.pool.reset"])(n, process)

    def set_threads(self, n):
        ctypes.CFUNCTYPE(None, ctypes.c_int32)(self.library["wg.pool.set_threads"])(n)

    def workers(self):
        return ctypes.CFUNCTYPE(ctypes.c_int32)(self.library["wg.pool.workers"])()

    def run(self, name, x, grain):
        run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(self.program[name])
        run(x.ctypes.data, x.size, grain)

    def parallel(self, body, n, grain):
        call = ctypes.CFUNCTYPE(None, FUNCTION, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        call(self.library["wg.parallel"])(FUNCTION(body), None, n, grain)

    def chunk(self, n, grain):
        return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(self.program["wg_chunk"])(
            n, grain
        )


SLEEPS = ["futex", "condition", "alone"] if sys.platform == "linux" else ["condition", "alone"]
POOLS = {}


@pytest.fixture(params=SLEEPS if os.name == "posix" else ["alone"])
def sleep(request):
    return request.param


@pytest.fixture(params=[1, 2, 5])
def pool(request, sleep):
    """Return one of a few pools, kept for the whole run: their workers never end, and their code must not either."""
    key = (sleep, request.param)
    if key not in POOLS:
        POOLS[key] = Pool(*key)
    return POOLS[key]


@pytest.mark.parametrize("name", ["wg_flat", "wg_nested"])
def test_every_iteration_runs_once(pool, name):
    x = np.zeros(100_000)
    runs = 0
    for n, grain in [
        (1, 1),
        (2, 1),
        (127, 1),
        (128, 1),
        (129, 1),
        (1000, 7),
        (1000, 999),
        (100_000, 10),
        (5, -3),
    ]:
        for _ in range(30):
            x[:] = 0.0
            pool.run(name, x[:n], grain)
            assert (x[:n] == 1.0).all()
            assert (x[n:] == 0.0).all()
            runs += 1
    assert runs == 270


def test_nothing_runs_for_nothing(pool):
    ran = []
    for n in (0, -1, -(2**62)):
        pool.parallel(lambda *_: ran.append(1), n, 1)
    assert not ran


def test_chunks_depend_on_the_work_alone(pool):
    for n, grain in [(10, 1), (128, 1), (1000, 1), (1000, 100), (10_000_000, 5), (2**40, 1), (7, 100)]:
        size = pool.chunk(n, grain)
        assert size >= grain
        assert size == max(grain, -(-n // 128))
        if n > 100_000:
            continue
        ran = []
        pool.parallel(lambda _, begin, end, ran=ran: ran.append((begin, end)), n, grain)
        assert sorted(ran) == [(b, min(b + size, n)) for b in range(0, n, size)]


def test_as_many_threads_as_asked(pool, sleep, request):
    n = request.node.callspec.params["pool"]
    pool.run("wg_flat", np.zeros(1000), 1)
    assert pool.workers() == (0 if sleep == "alone" else n - 1)
    seen = set()

    def body(*_):
        seen.add(threading.get_native_id())
        time.sleep(0.002)

    pool.parallel(body, 20, 1)
    assert len(seen) == (1 if sleep == "alone" else n)


def test_fewer_threads_later(sleep):
    if sleep == "alone":
        pytest.skip("it has one")
    pool = POOLS.setdefault((sleep, 4), Pool(sleep, 4))
    pool.parallel(lambda *_: time.sleep(0.001), 20, 1)
    pool.set_threads(2)
    seen = set()

    def body(*_):
        seen.add(threading.get_native_id())
        time.sleep(0.002)

    pool.parallel(body, 20, 1)
    pool.set_threads(4)
    assert 1 <= len(seen) <= 2


def test_many_callers_at_once(pool):
    def body():
        x = np.zeros(3000)
        for i in range(300):
            pool.run("wg_flat" if i % 2 else "wg_nested", x, 20)
        right.append((x == 300.0).all())

    right = []
    callers = [threading.Thread(target=body) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert right == [True] * 4


def test_workers_that_sleep_wake(pool):
    x = np.zeros(1000)
    for i in range(20):
        time.sleep(0.003)  # longer than workers spin
        pool.run("wg_flat", x, 1)
        assert (x == i + 1).all()


def test_a_long_chunk_is_waited_for(pool):
    done = []

    def body(_, begin, _end):
        time.sleep(0.03 if begin == 0 else 0.0)
        done.append(begin)

    for _ in range(3):
        done.clear()
        pool.parallel(body, 8, 1)
        assert sorted(done) == list(range(8))


# The pool of the process --------------------------------------------------------------------------------------------


def python(script, **environment):
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(SRC)} | environment,
    )


PRELUDE = """
import ctypes, os, signal, sys, threading, time
import numpy as np
from wengert.compile import loading, threads
library = loading.load(PROGRAM, ("wg_flat",), optimise="none")
flat = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(library["wg_flat"])
x = np.zeros(100_000)
def run(n=1):
    before = x[0]
    for _ in range(n):
        flat(x.ctypes.data, x.size, 10)
    assert (x == before + n).all()
"""
PRELUDE = PRELUDE.replace("PROGRAM", repr(PROGRAM))


@pytest.mark.parametrize("n", ["1", "3"])
def test_programs_find_the_pool_by_symbol(n):
    result = python(PRELUDE + "run(100); print(threads.running(), threads.count())", WENGERT_THREADS=n)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split() == [str(int(n) - 1 if os.name == "posix" else 0), n]


@POSIX
def test_a_child_has_a_pool_of_its_own():
    script = """
run(50)
for _ in range(10):
    child = os.fork()
    if not child:
        assert threads.running() == 0
        run(50)
        assert threads.running() == 2
        os._exit(0)
    run(50)
    assert os.waitpid(child, 0)[1] == 0
print("both")
"""
    result = python(PRELUDE + script, WENGERT_THREADS="3")
    assert (result.returncode, result.stdout) == (0, "both\n"), result.stderr


@POSIX
def test_a_child_forked_beside_a_region_has_a_pool_of_its_own():
    script = """
stop = []
def body():
    y = np.zeros(100_000)
    while not stop:
        flat(y.ctypes.data, y.size, 10)
beside = threading.Thread(target=body)
beside.start()
for _ in range(20):
    child = os.fork()
    if not child:
        run(20)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.append(1)
beside.join()
print("both")
"""
    result = python(PRELUDE + script, WENGERT_THREADS="3", PYTHONWARNINGS="ignore")
    assert (result.returncode, result.stdout) == (0, "both\n"), result.stderr


@POSIX
def test_a_child_that_python_does_not_know_of_runs_alone():
    script = """
run(50)
child = ctypes.PyDLL(None).fork()
if not child:
    run(50)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("both")
"""
    result = python(PRELUDE + script, WENGERT_THREADS="3")
    assert (result.returncode, result.stdout) == (0, "both\n"), result.stderr


@POSIX
def test_an_interrupt_reaches_the_interpreter():
    script = """
run(10)
main = threading.main_thread().native_id if hasattr(threading, "main_thread") else 0
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    while True:
        run(10)
except KeyboardInterrupt:
    run(10)
    print("interrupted")
"""
    result = python(PRELUDE + script, WENGERT_THREADS="3")
    assert (result.returncode, result.stdout) == (0, "interrupted\n"), result.stderr


@POSIX
def test_workers_take_no_signals():
    status = Path("/proc/self/task")
    if not status.exists():
        pytest.skip("no /proc")
    script = """
before = set(os.listdir("/proc/self/task"))
run(10)
for task in set(os.listdir("/proc/self/task")) - before:
    text = open(f"/proc/self/task/{task}/status").read()
    blocked = int(text.split("SigBlk:")[1].split()[0], 16)
    print(bool(blocked >> signal.SIGINT - 1 & 1), bool(blocked >> signal.SIGTERM - 1 & 1))
assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
"""
    result = python(PRELUDE + script, WENGERT_THREADS="3")
    assert (result.returncode, result.stdout) == (0, "True True\n" * 2), result.stderr


def test_the_environment_and_the_quota_choose(monkeypatch, tmp_path):
    monkeypatch.setenv("WENGERT_THREADS", "7")
    assert threads._default.__wrapped__() == 7
    for nonsense in ("", "0", "-1", "many"):
        monkeypatch.setenv("WENGERT_THREADS", nonsense)
        assert threads._default.__wrapped__() >= 1
    monkeypatch.setattr(threads, "_QUOTA", tmp_path / "cpu.max")
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)))
        for text, expected in [("max 100000", 12), ("150000 100000", 2), ("50000 100000", 1), ("junk", 12)]:
            (tmp_path / "cpu.max").write_text(text, encoding="ascii")
            assert threads._default.__wrapped__() == expected

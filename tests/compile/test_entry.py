"""The native entry under strain: random trees against the same checks in Python, re-entry, the interpreter's lock."""

import ctypes
import gc
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.compile import boundary, layout, loading, symbols
from wengert.compile.structure import Dict, Leaf, List, Nothing, Structure, Tuple

from .programs import CODE, FLOAT, Fallback, copying, force, function, identity

LEAVES = [
    Leaf(np.dtype(float), (), "float"),
    Leaf(np.dtype(np.float32), (), "float"),
    Leaf(np.dtype(np.int64), (), "int"),
    Leaf(np.dtype(np.int8), (), "int"),
    Leaf(np.dtype(bool), (), "bool"),
    Leaf(np.dtype(complex), (), "complex"),
    Leaf(np.dtype(float), (), "scalar"),
    Leaf(np.dtype(np.float32), (), "scalar"),
    Leaf(np.dtype(float), (), "array"),
    Leaf(np.dtype(float), (3,), "array"),
    Leaf(np.dtype(np.float32), (2, 2), "array"),
    Leaf(np.dtype(np.int64), (0, 2), "array"),
]
KEYS = st.lists(st.one_of(st.sampled_from("abc"), st.integers(-2, 2)), unique=True, max_size=3)


def inner(children):
    items = st.lists(children, max_size=3).map(tuple)
    dicts = KEYS.flatmap(
        lambda keys: st.tuples(*[children] * len(keys)).map(lambda values: Dict(tuple(keys), values))
    )
    return st.one_of(items.map(Tuple), items.map(List), dicts)


STRUCTURES = st.recursive(st.one_of(st.sampled_from(LEAVES), st.just(Nothing())), inner, max_leaves=6)


def value_of(structure: Structure, seed: int) -> object:
    """Return a value that fits."""
    if isinstance(structure, Leaf):
        number = seed % 100
        if structure.kind == "array":
            return np.full(structure.shape, number, structure.dtype)
        if structure.kind == "scalar":
            return structure.dtype.type(number)
        return {"float": float, "int": int, "bool": bool, "complex": complex}[structure.kind](number)
    if isinstance(structure, Nothing):
        return None
    items = [value_of(item, seed + 7 * i + 1) for i, item in enumerate(structure.items)]
    if isinstance(structure, Dict):
        return dict(reversed(list(zip(structure.keys, items, strict=True))))
    return items if isinstance(structure, List) else tuple(items)


def plain(tree):
    """Return a tree in a form that == compares, types included."""
    if isinstance(tree, np.ndarray):
        return ("array", tree.dtype.str, tree.shape, tree.tobytes())
    if isinstance(tree, dict):
        return ("dict", [(key, plain(item)) for key, item in tree.items()])
    if isinstance(tree, list | tuple):
        return (type(tree), [plain(item) for item in tree])
    return (type(tree), repr(tree))


def ways(arguments: Tuple, results: Structure, fallback) -> list:
    """Return a program's function, as it enters natively and as it is checked in Python."""
    known, made = layout.is_known, []
    try:
        for way in (True, False):
            layout.is_known = lambda way=way: way
            made.append(function(copying(arguments, results), arguments, results, fallback))
    finally:
        layout.is_known = known
    return made


@given(structure=STRUCTURES, other=STRUCTURES, seed=st.integers(0, 99))
def test_both_ways_agree_on_any_tree(structure, other, seed):
    fallback = Fallback()
    native, checked = ways(Tuple((structure,)), structure, fallback)
    good, foreign = value_of(structure, seed), value_of(other, seed)
    assert plain(native(good)) == plain(checked(good))
    assert not fallback.calls
    answers = [call(foreign) for call in (native, checked)]
    assert (answers[0] is fallback) == (answers[1] is fallback)
    if answers[0] is not fallback:
        assert plain(answers[0]) == plain(answers[1])


def test_a_million_calls_keep_nothing():
    resident = Path("/proc/self/statm")
    if not resident.exists():
        pytest.skip("no /proc")
    structure = Tuple((Leaf(np.dtype(float), (64,), "array"), Dict(("a",), (FLOAT,))))
    call = identity(structure, fallback=lambda *_a, **_n: None)
    codes = Tuple((Leaf(np.dtype(np.int64), (), "int"), FLOAT))
    code = function(
        CODE, codes, Leaf(np.dtype(float), (64,), "array"), lambda *_: None, failed=lambda *_: None
    )
    silent = function(CODE, codes, Leaf(np.dtype(float), (64,), "array"), lambda *_: None)
    good, bad = (np.ones(64), {"a": 0.5}), (np.ones(64), {"a": 1})

    def pages(n):
        for _ in range(n):
            call(good)
            call(bad)
            code(5, 0.5)
            code(5000, 0.5)
            silent(5000, 0.5)
            code(0, 0.5)
        gc.collect()
        return int(resident.read_text(encoding="ascii").split()[1])

    before = pages(20_000)
    assert pages(150_000) - before < 500  # 2 MB: one byte of each call lost would be about as much


# The interpreter's lock, and re-entry -------------------------------------------------------------------------------

WAITING = """
declare void @wg.test.host()
define i32 @wg_program(ptr %arguments, ptr %results, ptr %arena) {
  %x.at = load ptr, ptr %arguments
  %x = load double, ptr %x.at
  store double %x, ptr %arena
  call void @wg.test.host()
  %y = load double, ptr %arena
  %result = load ptr, ptr %results
  store double %y, ptr %result
  ret i32 0
}
"""


@pytest.fixture(params=["native", "checked"])
def host(request, monkeypatch):
    """Return a way to call Python from the middle of a program."""
    force(monkeypatch, request.param)
    kept = []

    def program(body, *, text=WAITING, results=FLOAT, **options):
        call = ctypes.PYFUNCTYPE(None)(body)
        kept.append(call)
        symbols.register("wg.test.host", lambda: ctypes.cast(call, ctypes.c_void_p).value)
        return function(text, Tuple((FLOAT,)), results, Fallback(), **options)

    yield program
    symbols._registered.pop("wg.test.host", None)


def test_a_program_that_calls_its_own_function(host):
    """Each call has an arena of its own."""
    depth = []

    def body():
        if len(depth) < 5:
            depth.append(1)
            inner_results.append(call(float(len(depth))))

    inner_results = []
    call = host(body, needs_gil=True)
    assert call(0.25) == 0.25
    assert inner_results == [5.0, 4.0, 3.0, 2.0, 1.0]


def test_a_call_inside_another_finds_the_constants(host):
    """The program is given the address of a constant as that of its second argument."""
    depth, seen = [], []

    def body():
        if len(depth) < 3:
            depth.append(1)
            seen.append(call(1.0))

    text = WAITING.replace(
        "%y = load double, ptr %arena",
        "%y.at.at = getelementptr ptr, ptr %arguments, i64 1\n"
        "  %y.at = load ptr, ptr %y.at.at\n  %y = load double, ptr %y.at",
    )
    call = host(body, text=text, constants=[np.array(8.5)], needs_gil=True)
    assert call(1.0) == 8.5
    assert seen == [8.5] * 3


def test_the_arena_stays_where_it_is(host):
    """A call uses the callable's own, unless it comes inside another."""
    seen = []

    def body():
        if len(seen) % 2 == 0:
            seen.append(None)
            seen[-1] = call(1.0)

    address = Leaf(np.dtype(np.int64), (), "int")
    text = WAITING.replace("%y = load double, ptr %arena", "%y = ptrtoint ptr %arena to i64").replace(
        "store double %y", "store i64 %y"
    )
    call = host(body, text=text, results=address, needs_gil=True)
    own = call(1.0)
    assert own % 64 == 0
    assert [call(1.0) for _ in range(5)] == [own] * 5
    assert all(a != own and a % 64 == 0 for a in seen)


def test_calls_inside_others_give_their_memory_back(host):
    def body():
        if not inside:
            inside.append(1)
            call(1.0)
            inside.clear()

    def grown():
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            call(1.0)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    inside = []
    call = host(body, needs_gil=True, arena_bytes=10_000)
    call(1.0)
    tracemalloc.start()
    try:
        assert min(grown() for _ in range(3)) < 10_000
    finally:
        tracemalloc.stop()


def test_a_guard_fails_inside_another_call():
    """Under Python's debugging allocator new memory is not zero by chance."""
    script = """
import ctypes, sys
sys.path.insert(0, ROOT)
import numpy as np
from wengert.compile import symbols
from wengert.compile.structure import Leaf, Tuple
from tests.compile.programs import FLOAT, function
text = TEXT.replace("ret i32 0", "ret i32 1")
def body():
    if len(depth) < 3:
        depth.append(1)
        call(1.0)
depth = []
host = ctypes.PYFUNCTYPE(None)(body)
symbols.register("wg.test.host", lambda: ctypes.cast(host, ctypes.c_void_p).value)
results = Tuple((FLOAT, Leaf(np.dtype(float), (3,)), FLOAT))
call = function(text, Tuple((FLOAT,)), results, lambda *_: "fallback", needs_gil=True)
print(call(1.0), len(depth))
"""
    script = script.replace("ROOT", repr(str(Path(__file__).parents[2]))).replace("TEXT", repr(WAITING))
    source = str(Path(boundary.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONMALLOC": "debug", "PYTHONPATH": source},
    )
    assert (run.returncode, run.stdout) == (0, "fallback 3\n"), run.stderr


def test_containers_may_change_under_a_running_program(monkeypatch):
    force(monkeypatch, "native")
    structure = List((Leaf(np.dtype(float), (1000,), "array"), FLOAT))
    program = WAITING.replace(
        "store double %x, ptr %arena\n  call void @wg.test.host()",
        "call void @wg.test.host()\n  %late = load double, ptr %x.at\n  store double %late, ptr %arena",
    )
    value = []

    def body():
        value.clear()
        gc.collect()
        value.extend(np.zeros(1000) for _ in range(50))  # whatever was freed is used again

    call_body = ctypes.PYFUNCTYPE(None)(body)
    symbols.register("wg.test.host", lambda: ctypes.cast(call_body, ctypes.c_void_p).value)
    try:
        call = function(program, Tuple((structure,)), FLOAT, Fallback(), arena_bytes=64, needs_gil=True)
        for _ in range(20):
            value[:] = [np.full(1000, 7.0), 1.0]
            assert call(value) == 7.0
    finally:
        symbols._registered.pop("wg.test.host", None)


def test_an_exception_of_a_host_call_passes(monkeypatch):
    force(monkeypatch, "native")
    raising = ctypes.PyDLL(None).PyErr_SetNone if sys.platform != "win32" else ctypes.pythonapi.PyErr_SetNone
    program = """
declare void @wg.test.host(ptr)
@wg.test.error = external global i8
define i32 @wg_program(ptr %arguments, ptr %results, ptr %arena) {
  call void @wg.test.host(ptr @wg.test.error)
  ret i32 -1
}
"""
    symbols.register("wg.test.host", lambda: ctypes.cast(raising, ctypes.c_void_p).value)
    symbols.register("wg.test.error", lambda: id(ZeroDivisionError))
    try:
        fallback = Fallback()
        results = Tuple((Leaf(np.dtype(float), (5,), "array"), FLOAT))
        call = function(program, Tuple((FLOAT,)), results, fallback, needs_gil=True)
        for _ in range(100):
            with pytest.raises(ZeroDivisionError):
                call(1.0)
        assert not fallback.calls
    finally:
        for name in ("wg.test.host", "wg.test.error"):
            symbols._registered.pop(name, None)


@pytest.mark.skipif(sys.platform == "win32", reason="usleep is POSIX")
@pytest.mark.parametrize(
    ("options", "runs_beside"),
    [({}, False), ({"release_gil": True}, True), ({"needs_gil": True, "release_gil": True}, False)],
)
@pytest.mark.parametrize("way", ["native", "checked"])
def test_the_lock_is_released_when_asked(way, monkeypatch, options, runs_beside):
    force(monkeypatch, way)
    text = WAITING.replace("declare void @wg.test.host()", "declare i32 @usleep(i32)").replace(
        "call void @wg.test.host()", "%slept = call i32 @usleep(i32 100000)"
    )
    call = function(text, Tuple((FLOAT,)), FLOAT, Fallback(), arena_bytes=64, **options)
    ticks, stop = [], []

    def beside():
        while not stop:
            ticks.append(time.perf_counter())
            time.sleep(0.002)

    thread = threading.Thread(target=beside)
    thread.start()
    time.sleep(0.02)
    start = time.perf_counter()
    assert call(1.5) == 1.5
    end = time.perf_counter()
    stop.append(1)
    thread.join()
    within = [t for t in ticks if start + 0.01 < t < end - 0.01]
    assert bool(within) == runs_beside


def test_every_level_compiles_the_entry():
    text = boundary.entry_text()
    assert symbols.imported(text) == {"wg.numpy.ndarray", "wg.numpy.empty", "wg.numpy.scalar"}
    assert loading.load(text, ("wg.call",), optimise="O2")["wg.call"]

"""Calls of native programs from Python: what is taken, what is given, and that all else reaches the fallback."""

import gc
import sys
import threading
import tracemalloc
import typing
import weakref

import numpy as np
import pytest

from wengert.compile import boundary, loading
from wengert.compile.structure import Dict, Leaf, List, Nothing, Tuple

from .programs import CODE, F8, FLOAT, PRODUCT, Fallback, copying, force, function, identity


class Point(typing.NamedTuple):
    x: float
    y: float


@pytest.fixture(params=["native", "checked"])
def way(request, monkeypatch):
    force(monkeypatch, request.param)
    return request.param


def refused(call, fallback, *args, **names):
    """Say whether a call went to the fallback, with the very same arguments."""
    before = len(fallback.calls)
    answer = call(*args, **names)
    if answer is not fallback:
        return False
    (got, got_names) = fallback.calls[before]
    assert len(fallback.calls) == before + 1
    assert len(got) == len(args)
    assert all(a is b for a, b in zip(got, args, strict=True))
    assert got_names == names
    return True


def array(dtype, *shape):
    return Leaf(np.dtype(dtype), shape, "array")


NUMBERS = [
    (Leaf(F8, (), "float"), 0.1),
    (Leaf(F8, (), "float"), float("-inf")),
    (Leaf(np.dtype(np.float32), (), "float"), 0.25),
    (Leaf(np.dtype(np.int64), (), "int"), -(2**63)),
    (Leaf(np.dtype(np.int64), (), "int"), 2**63 - 1),
    (Leaf(np.dtype(np.uint64), (), "int"), 2**63 - 1),
    (Leaf(np.dtype(np.int8), (), "int"), -128),
    (Leaf(np.dtype(np.uint8), (), "int"), 255),
    (Leaf(np.dtype(np.int32), (), "int"), -5),
    (Leaf(np.dtype(np.bool_), (), "bool"), True),
    (Leaf(np.dtype(np.bool_), (), "bool"), False),
    (Leaf(np.dtype(np.complex128), (), "complex"), 1.5 - 2j),
    *[(Leaf(np.dtype(c), (), "scalar"), np.dtype(c).type(3)) for c in "?bhilqBHILQefdgFDG"],
]


@pytest.mark.parametrize(("leaf", "value"), NUMBERS, ids=lambda v: repr(v)[:40])
def test_a_number_comes_back_as_it_went_in(way, leaf, value):
    result = identity(leaf)(value)
    assert type(result) is type(value)
    assert result == value


@pytest.mark.parametrize("dtype", list("?bhilqBHILQefdgFDG"))
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0,), (2, 0, 3), (1,) * 32])
def test_an_array_comes_back_as_it_went_in(way, dtype, shape):
    x = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    result = identity(array(dtype, *shape))(x)
    assert type(result) is np.ndarray
    assert (result.dtype, result.shape) == (x.dtype, x.shape)
    assert result is not x
    np.testing.assert_array_equal(result, x)


TREES = [
    (Tuple((FLOAT, FLOAT)), (1.0, 2.0)),
    (Tuple(()), ()),
    (List((FLOAT, array(float, 2))), [1.0, np.ones(2)]),
    (Dict(("a", "b"), (FLOAT, FLOAT)), {"b": 2.0, "a": 1.0}),
    (Dict((1, -2), (FLOAT, FLOAT)), {-2: 2.0, 1: 1.0}),
    (Nothing(), None),
    (Tuple((FLOAT, FLOAT), Point), Point(1.0, 2.0)),
    (
        Tuple((Dict(("w",), (List((array(float, 2, 2), Nothing())),)), FLOAT)),
        ({"w": [np.eye(2), None]}, 3.0),
    ),
]


@pytest.mark.parametrize(("structure", "value"), TREES, ids=lambda v: type(v).__name__)
def test_a_tree_comes_back_as_it_went_in(way, structure, value):
    result = identity(structure)(value)
    assert type(result) is type(value)
    assert repr(result) == repr(value) or result == value


def test_keys_of_a_result_have_the_declared_order(way):
    call = identity(Dict(("b", "a"), (FLOAT, FLOAT)))
    assert list(call({"a": 1.0, "b": 2.0}).items()) == [("b", 2.0), ("a", 1.0)]


def test_an_int_may_be_seen_as_a_float(way):
    for dtype in (np.float64, np.float32):
        results = Leaf(np.dtype(dtype), (), "float")
        arguments = Tuple((Leaf(np.dtype(dtype), (), "int"),))
        fallback = Fallback()
        call = function(copying(arguments, results), arguments, results, fallback)
        for value in (0, 3, -7, 2**53 + 1, 2**63 - 1, -(2**63)):
            assert call(value) == float(dtype(value))
        assert refused(call, fallback, 2**63)
        assert refused(call, fallback, True)
        assert refused(call, fallback, 1.0)


class Sub(np.ndarray):
    pass


class Real(float):
    pass


class Pair(tuple):
    __slots__ = ()


class Keyed(dict):
    pass


class Evil:
    """Hashes as "a" does, and empties what it is compared in."""

    def __init__(self, victim):
        self.victim = victim

    def __hash__(self):
        return hash("a")

    def __eq__(self, other):
        self.victim.clear()
        return False


def selfish():
    items = []
    items.append(items)
    return items


MISALIGNED = np.frombuffer(bytes(33), np.uint8)[1:].view(np.float64)
READ_ONLY = np.arange(4.0)
READ_ONLY.flags.writeable = False
STRANGERS = [
    None,
    1,
    1.0,
    True,
    "four",
    b"1234",
    1j,
    10**400,
    -(10**30),
    object(),
    [1.0, 2.0, 3.0, 4.0],
    (1.0,),
    {},
    selfish(),
    {"a": selfish()},
    [[[[]]]],
    np.float64(1.0),
    np.float32(1.0),
    np.int64(1),
    np.ones(4, ">f8"),
    np.ones(4, np.float32),
    np.ones(4, np.int64),
    np.ones(4, complex),
    np.ones(4, object),
    np.ones(4, "datetime64[s]"),
    np.ones(4, [("x", float)]),
    np.array(["a"] * 4),
    np.ones(3),
    np.ones(5),
    np.ones(()),
    np.ones((4, 1)),
    np.ones((2, 2)),
    np.ones(0),
    np.ones(8)[::2],
    np.ones(4)[::-1],
    np.broadcast_to(1.0, 4),
    MISALIGNED,
    np.ones(4).view(Sub),
    np.ma.ones(4),
    np.ones((2, 2)).view(np.matrix),
    Real(1.0),
    Pair((1.0, 2.0)),
    Point(1.0, 2.0),
    Keyed(a=1.0),
    np.ndarray,
    float,
    type,
    sys,
    NotImplemented,
    ...,
]


@pytest.mark.parametrize(
    ("structure", "fits"),
    [
        (array(float, 4), lambda v: type(v) is np.ndarray and v.dtype == float and v.shape == (4,)),
        (FLOAT, lambda v: type(v) is float),
        (Leaf(np.dtype(np.float32), (), "float"), lambda v: type(v) is float),
        (Leaf(np.dtype(np.int64), (), "int"), lambda v: type(v) is int and abs(v) < 2**63),
        (Leaf(np.dtype(np.bool_), (), "bool"), lambda v: type(v) is bool),
        (Leaf(np.dtype(complex), (), "complex"), lambda v: type(v) is complex),
        (Leaf(F8, (), "scalar"), lambda v: type(v) is np.float64),
        (Tuple((FLOAT,)), lambda v: type(v) is tuple),
        (Tuple((FLOAT, FLOAT), Point), lambda v: type(v) is Point),
        (List((FLOAT,) * 4), lambda v: type(v) is list and len(v) == 4),
        (Dict(("a",), (FLOAT,)), lambda v: False),
        (Dict(("a",), (List((FLOAT,)),)), lambda v: False),
        (Nothing(), lambda v: v is None),
    ],
    ids=lambda v: "fits" if callable(v) else repr(v)[:30],
)
def test_what_does_not_fit_goes_to_the_fallback(way, structure, fits):
    fallback = Fallback()
    call = identity(structure, fallback=fallback)
    left_out = (lambda v: v is MISALIGNED or not v.flags.c_contiguous or not v.dtype.isnative)  # fmt: skip
    for value in STRANGERS:
        taken = fits(value) and not (isinstance(value, np.ndarray) and left_out(value))
        assert refused(call, fallback, value) == (not taken), repr(value)
    assert refused(call, fallback)
    assert refused(call, fallback, 1.0, 2.0)
    assert refused(call, fallback, x=1.0)
    assert refused(call, fallback, 1.0, x=1.0)


def test_another_object_for_the_same_dtype_is_taken(way):
    fallback = Fallback()
    x = np.ones(4, np.dtype("f8", copy=True))
    assert x.dtype is not F8
    assert not refused(identity(array(float, 4), fallback=fallback), fallback, x)


def test_read_only_arguments_are_taken(way):
    np.testing.assert_array_equal(identity(array(float, 4))(READ_ONLY), READ_ONLY)


def test_a_float_that_overflows_float32_is_numpys_business(way):
    fallback = Fallback()
    call = identity(Leaf(np.dtype(np.float32), (), "float"), fallback=fallback)
    assert refused(call, fallback, 1e300)
    assert call(float("inf")) == float("inf")
    assert np.isnan(call(float("nan")))
    assert call(1e-300) == 0.0


def test_keys_that_run_code_are_not_compared(way):
    fallback = Fallback()
    call = identity(Dict(("a", "b"), (FLOAT, FLOAT)), fallback=fallback)
    victim = {}
    victim.update({Evil(victim): 1.0, "b": 2.0})
    assert refused(call, fallback, victim)
    assert len(victim) == 2


def test_the_fallbacks_exception_passes(way):
    def fallback(*_args, **_names):
        raise KeyError("mine")

    call = identity(FLOAT, fallback=fallback)
    for _ in range(3):
        with pytest.raises(KeyError, match="mine"):
            call("x")
        with pytest.raises(KeyError, match="mine"):
            call(x=1)
    assert call(1.0) == 1.0


def test_ints_beyond_their_dtype_are_refused(way):
    for dtype in (np.int8, np.uint8, np.int32, np.uint16, np.uint64):
        fallback, bounds = Fallback(), np.iinfo(dtype)
        call = identity(Leaf(np.dtype(dtype), (), "int"), fallback=fallback)
        for value in (bounds.min - 1, -(2**40), int(bounds.max) + 1, 2**64, -(2**64)):
            if not bounds.min <= value <= bounds.max:
                assert refused(call, fallback, value)
        assert call(int(bounds.min)) == bounds.min
        assert call(min(int(bounds.max), 2**63 - 1)) == min(bounds.max, 2**63 - 1)


def test_keys_must_be_all(way):
    fallback = Fallback()
    call = identity(Dict(("a", "b"), (FLOAT, FLOAT)), fallback=fallback)
    for value in ({}, {"a": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 1.0, "c": 1.0}, {"a": 1.0, 1: 1.0}):
        assert refused(call, fallback, value)


def test_a_result_that_cannot_be_built_loses_nothing(way):
    class Picky(typing.NamedTuple):
        x: np.ndarray
        y: float

    def refuse(_items):
        raise LookupError("picky")

    Picky._make = refuse
    items = (array(float, 3), FLOAT)
    arguments, results = Tuple(items), Tuple((array(float, 3), Tuple(items[::-1], Picky), array(float, 3)))
    call = function(copying(arguments, Tuple(())), arguments, results)
    for _ in range(50):
        with pytest.raises(LookupError, match="picky"):
            call(np.ones(3), 1.0)


def test_a_long_chain_of_fallbacks_ends(monkeypatch):
    """There is no Python function among them, whose calls would be counted."""
    force(monkeypatch, "native")
    library = loading.load(PRODUCT, optimise="none")
    call = Fallback()
    for _ in range(20_000):
        call = boundary.callable(
            library["wg_program"], Tuple((FLOAT, FLOAT)), FLOAT, [], 0, call, owner=library
        )
    with pytest.raises(RecursionError):
        call("x", 1.0)
    assert call(2.0, 3.0) == 6.0


def test_two_programs_that_fall_back_to_each_other_end(way):
    limit = sys.getrecursionlimit()
    back = []
    first = identity(FLOAT, fallback=lambda *a: back[0](*a))
    back.append(identity(FLOAT, fallback=first))
    with pytest.raises(RecursionError):
        first("x")
    assert sys.getrecursionlimit() == limit
    assert first(1.0) == 1.0


CODES = Tuple((Leaf(np.dtype(np.int64), (), "int"), FLOAT))


@pytest.mark.parametrize("results", [array(float, 3), Tuple((array(float, 3), FLOAT)), Nothing()])
@pytest.mark.parametrize("options", [{}, {"release_gil": True}, {"needs_gil": True, "release_gil": True}])
def test_codes(way, results, options):
    fallback, reports = Fallback(), []
    told = function(CODE, CODES, results, fallback, failed=lambda *a: reports.append(a), **options)
    silent = function(CODE, CODES, results, fallback, **options)
    for call in (told, silent):
        assert not refused(call, fallback, 0, 0.5)
        for code in (1, 7, 999, -1, -(2**31)):
            assert refused(call, fallback, code, 0.5)
    assert reports == []
    for code in (1000, 2**31 - 1):
        assert refused(silent, fallback, code, 0.5)
        assert told(code, 0.75) is None
        (got, details, arguments) = reports.pop()
        assert got == code
        assert len(details) == 64
        assert np.frombuffer(details[:8])[0] == 0.75
        assert arguments == (code, 0.75)


def test_constants_follow_the_arguments(way):
    constant = np.array([3.0, 99.0])
    call = function(PRODUCT, Tuple((FLOAT,)), FLOAT, constants=[constant])
    assert call(2.0) == 6.0
    constant[0] = 5.0
    assert call(2.0) == 10.0
    strided = function(PRODUCT, Tuple((FLOAT,)), FLOAT, constants=[np.arange(8.0)[3::-2]])
    assert strided(2.0) == 6.0
    swapped = function(PRODUCT, Tuple((FLOAT,)), FLOAT, constants=[np.array([3.0], ">f8")])
    assert swapped(2.0) == 6.0


def test_structures_that_programs_cannot_take_are_refused(way):
    deep = FLOAT
    for _ in range(200):
        deep = Tuple((deep,))
    wrong = [
        array(object, 2),
        array("datetime64[s]", 2),
        array(">f8", 2),
        array(float, -1),
        array(float, 2**62),
        Leaf(F8, (2,), "float"),
        Leaf(F8, (), "bool"),
        Leaf(np.dtype(np.int64), (), "float"),
        Dict(("a",), ()),
        Dict((None,), (FLOAT,)),
        Dict((True,), (FLOAT,)),
        deep,
    ]
    for structure in wrong:
        with pytest.raises(ValueError, match=r"compiled functions|keys|nested"):
            boundary.callable(1, Tuple((structure,)), FLOAT, [], 0, Fallback())
        with pytest.raises(ValueError, match=r"compiled functions|keys|nested"):
            boundary.callable(1, Tuple((FLOAT,)), structure, [], 0, Fallback())


def test_results_that_do_not_fit_into_memory(way):
    results = Tuple((FLOAT, array(float, 3), array(float, 2**40, 2**18), array(float, 2)))
    call = function(copying(Tuple((FLOAT,)), FLOAT), Tuple((FLOAT,)), results)
    for _ in range(20):
        with pytest.raises(MemoryError):
            call(1.0)


# Lives and references -----------------------------------------------------------------------------------------------


def test_references_are_returned(way):
    structure = Dict(("a", "b"), (List((array(float, 3), FLOAT)), Tuple((array(float, 2), Nothing()))))
    fallback = Fallback()
    call = identity(structure, fallback=fallback)
    x, y, number = np.ones(3), np.ones(2), 1234.5
    good, bad = {"a": [x, number], "b": (y, None)}, {"a": [x, number], "b": (y, 0)}
    watched = [x, y, number, good, bad, x.dtype, float, structure.keys, call, Sub, None, np.ndarray]
    counts = [sys.getrefcount(item) for item in watched]
    for _ in range(100):
        call(good)
        call(bad)
        fallback.calls.clear()
    after = [sys.getrefcount(item) for item in watched]
    assert all(abs(a - b) < 50 for a, b in zip(counts, after, strict=True)), list(
        zip(counts, after, strict=True)
    )


def test_calls_leave_no_memory_behind(way):
    structure = Tuple((array(float, 50), List((FLOAT,))))
    call = identity(structure, fallback=lambda *_a, **_n: None)
    code = function(CODE, CODES, array(float, 100), lambda *_a: None, failed=lambda *_a: None)
    good, bad = (np.ones(50), [1.0]), (np.ones(50), [1])

    def calls(n):
        for _ in range(n):
            call(good)
            call(bad)
            call(x=1)
            code(1, 1.0)
            code(1001, 1.0)

    def grown():
        before = tracemalloc.get_traced_memory()[0]
        calls(1000)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    calls(10)
    tracemalloc.start()
    try:  # a lost object is at least 24 bytes for each of 1000 calls; Python's own tables grow once in a while
        assert min(grown() for _ in range(3)) < 10_000
    finally:
        tracemalloc.stop()


def test_a_callable_owns_what_it_needs(way):
    class Keeper(Fallback):
        pass

    fallback = Keeper()
    gone = weakref.ref(fallback)
    call = identity(FLOAT, fallback=fallback)
    del fallback
    gc.collect()
    assert call(1.0) == 1.0
    assert call("x") is gone()
    del call
    gc.collect()
    assert gone() is None


def test_a_cycle_through_the_fallback_is_collected(way):
    class Owner:
        def __call__(self, *args):
            return self.call, args

    owner = Owner()
    owner.call = identity(FLOAT, fallback=owner)
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_many_threads_in_one_callable(way):
    def body(seed):
        rng = np.random.default_rng(seed)
        for _ in range(300):
            x, y = rng.standard_normal(200), float(rng.standard_normal())
            a, (b,) = call(x, [y])
            if not (np.array_equal(a, x) and b == y and refused_here(x)):
                wrong.append(seed)

    def refused_here(x):
        return call(x, None) == "other"

    wrong = []
    call = identity(array(float, 200), List((FLOAT,)), fallback=lambda *_a: "other", release_gil=True)
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=body, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(switch)
    assert not wrong


def test_a_callable_is_dropped_while_it_runs(way):
    """The caller's reference keeps it: the last other one goes away inside the call."""
    holder = []

    def fallback(*_args):
        holder.clear()
        gc.collect()
        return "done"

    holder.append(identity(FLOAT, fallback=fallback))
    assert holder[0](1) == "done"

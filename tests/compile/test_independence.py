"""Loops whose steps are independent are found, and no others."""

import math

import numpy as np
import pytest

from wengert.compile import parallel
from wengert.compile.independence import separate, uses_of_buffers
from wengert.compile.kernel import INT, Address, Call, Constant, Fail, For, Host, Parallel
from wengert.compile.kernel_check import check
from wengert.compile.statements import walk
from wengert.errors import ArgumentError

from .kernels import Kernel, at, compiled, interpreted, number
from .sharing import shared

N = 12


class Case(Kernel):
    """A loop of N steps, and memory for it."""

    def __init__(self):
        super().__init__()
        self.x = self.argument("f64", 100, "x")
        self.where = self.argument("i64", 100, "where")
        self.y, self.z = self.result("f64", 100, "y"), self.result("f64", 100, "z")
        self.t = self.arena("f64", 4, "t")


def places(*written, read=(), inner=1):
    """Return a loop that writes y at places, functions of its counter and that of an inner loop, and reads y."""

    def write(k):
        with k.loop(N) as i, k.loop(inner) as j:
            value = k.load(k.x, i.counter)
            for place in read:
                terms, offset = place(i.counter, j.counter)
                value = k("add", value, k.load(k.y, *terms, offset=offset))
            for place in written:
                terms, offset = place(i.counter, j.counter)
                k.store(value, k.y, *terms, offset=offset)

    return write


def scratch(fill=4, *, early=False, behind=False, maybe=False):
    """Return a loop whose steps fill some of a buffer, and read it."""

    def write(k):
        def filling():
            with k.loop(fill) as j:
                k.store(k.load(k.x, i.counter, j.counter), k.t, j.counter)
            return ()

        with k.loop(N) as i:
            if early:
                k.store(k.load(k.t), k.y, i.counter)
            if maybe:
                k.branch(k("lt", i.counter, number(3, INT)), filling, lambda: ())
            else:
                filling()
            with k.loop(4, number(0.0)) as j:
                j.next(k("add", j.entries[0], k.load(k.t, j.counter)), by="add")
            k.store(j.results[0], k.y, i.counter)
        if behind:
            k.store(k.load(k.t), k.y, offset=50)

    return write


def joins(name, place, *, used=False, read=False, turned=False, twice=False):
    """Return a loop that joins entries of x to those of y, at places that may be the same in all steps."""

    def write(k):
        with k.loop(50) as e:
            k.store(k.load(k.x, e.counter, offset=40), k.y, e.counter)
        with k.loop(N) as i, k.loop(5) as j:
            value, terms = k.load(k.x, (i.counter, 5), j.counter), place(k, i.counter, j.counter)
            now = k.load(k.y, *terms)
            value = now if twice else value
            found = k(name, value, now) if turned else k(name, now, value)
            k.store(found, k.y, *terms)
            if used:
                k.store(found, k.z, i.counter)
            if read:
                k.store(k.load(k.y, i.counter), k.y, i.counter, offset=60)

    return write


def carries(step, by="add"):
    def write(k):
        with k.loop(N, number(0.0)) as i:
            i.next(step(k, i.entries[0], k.load(k.x, i.counter)), by=by)
        k.store(i.results[0], k.y)

    return write


def inner_join(k, entry, value):
    with k.loop(3, entry) as j:
        j.next(k("add", j.entries[0], value), by="add")
    return j.results[0]


def used_twice(k, entry, value):
    k.store(entry, k.y, offset=9)
    return k("add", entry, value)


def does(statement):
    def write(k):
        with k.loop(N) as i:
            k.do(statement(k, i.counter))

    return write


def at_a_computed_place(k):
    with k.loop(N) as i:
        k.store(number(1.0), k.y, k.load(k.where, i.counter))


def from_a_computed_place(k):
    with k.loop(N) as i:
        k.store(k.load(k.x, k.load(k.where, i.counter)), k.y, i.counter)


def own_at_a_computed_place(k):
    with k.loop(N) as i:
        with k.loop(4) as j:
            k.store(k.load(k.x, i.counter), k.t, j.counter)
        k.store(k.load(k.t, k.load(k.where, i.counter)), k.y, i.counter)


def row_of_an_outer_loop(k):
    with k.loop(3) as o, k.loop(N) as i:
        k.store(k.load(k.x, i.counter), k.y, (o.counter, N), i.counter)


def shared_bytes(k):
    other = k.arena("f64", N, "other")
    same = k.arena("f64", N, "same")
    same.place = other.place
    with k.loop(N) as i:
        k.store(k.load(k.x, i.counter), other, i.counter)
        k.store(k.load(same, i.counter), k.y, i.counter)


ALONE = {  # and how many buffers of their own threads need
    "entries": (places(lambda i, j: ([i], 0)), 0),
    "in place": (places(lambda i, j: ([i], 3), read=[lambda i, j: ([i], 3)]), 0),
    "backwards": (places(lambda i, j: ([(i, -1)], 20)), 0),
    "rows": (places(lambda i, j: ([(i, 5), j], 0), inner=5), 0),
    "rows with gaps": (places(lambda i, j: ([(i, 7), j], 0), inner=5), 0),
    "columns": (places(lambda i, j: ([i, (j, N)], 0), inner=5), 0),
    "columns, written out": (
        places(lambda i, j: ([i], 0), lambda i, j: ([i], N), lambda i, j: ([i], 2 * N)),
        0,
    ),
    "pairs": (places(lambda i, j: ([(i, 2)], 0), lambda i, j: ([(i, 2)], 1)), 0),
    "a row of an outer loop": (row_of_an_outer_loop, 0),
    "reads at computed places": (from_a_computed_place, 0),
    "a buffer that steps fill": (scratch(), 1),
    "a buffer that steps fill, and read anywhere": (own_at_a_computed_place, 1),
    "a sum": (carries(lambda k, a, x: k("add", a, x)), 0),
    "a sum, by inner loops": (carries(inner_join), 0),
    "a failure": (does(lambda k, i: Fail(k("lt", i, number(0, INT)), 5)), 0),
}
JOINED = {  # and by which operations
    "sums of columns": (joins("add", lambda k, i, j: [j]), ["add"]),
    "columns, subtracted": (joins("sub", lambda k, i, j: [j]), ["add"]),
    "greatest of columns": (joins("maximum", lambda k, i, j: [j]), ["maximum"]),
    "products of columns": (joins("mul", lambda k, i, j: [j]), ["mul"]),
    "computed places": (joins("add", lambda k, i, j: [k.load(k.where, i)]), ["add"]),
    "diagonals": (joins("add", lambda k, i, j: [i, j]), ["add"]),
}
TOGETHER = {
    "sums that are used": joins("add", lambda k, i, j: [j], used=True),
    "sums that are read": joins("add", lambda k, i, j: [j], read=True),
    "sums from the other side": joins("sub", lambda k, i, j: [j], turned=True),
    "a sum of sums": joins("add", lambda k, i, j: [j], twice=True),
    "a recurrence": places(lambda i, j: ([i], 1), read=[lambda i, j: ([i], 0)]),
    "neighbours": places(lambda i, j: ([i], 0), lambda i, j: ([i], 1)),
    "one place": places(lambda i, j: ([], 0)),
    "rows that overlap": places(lambda i, j: ([(i, 4), j], 0), inner=5),
    "columns that overlap": places(lambda i, j: ([i, (j, N - 1)], 0), inner=5),
    "pairs that overlap": places(lambda i, j: ([(i, 2)], 0), lambda i, j: ([(i, 2)], 2)),
    "two strides": places(lambda i, j: ([i], 0), lambda i, j: ([(i, 2)], 40)),
    "diagonals": places(lambda i, j: ([i, j], 0), inner=5),
    "a computed place": at_a_computed_place,
    "a buffer that steps fill too late": scratch(early=True),
    "a buffer that steps fill in part": scratch(fill=3),
    "a buffer that some steps fill": scratch(maybe=True),
    "a buffer that is read behind the loop": scratch(behind=True),
    "buffers that share bytes": shared_bytes,
    "what is no reduction": carries(lambda k, a, x: k("add", a, x), by=None),
    "what is not joined": carries(lambda k, a, x: k("mul", a, x)),
    "what is joined twice": carries(lambda k, a, x: k("add", a, k("add", a, x))),
    "what is dropped": carries(lambda k, a, x: k("add", x, x)),
    "what a step uses": carries(used_twice),
    "a routine": does(lambda k, i: Call("wg.blas.dscal", (number(1, INT), Address(k.y, at(i))))),
    "NumPy": does(lambda k, i: Host(number(1, INT), 0)),
}


def made(write):
    case = Case()
    write(case)
    return case


def main_of(case):
    return next(s for s in walk(case.program.body) if isinstance(s, For) and s.extent == N)


@pytest.mark.parametrize("name", ALONE)
def test_independent_steps_are_found(name):
    write, buffers = ALONE[name]
    case = made(write)
    check(case.program)
    own = separate(main_of(case), uses_of_buffers(case.program))
    assert own is not None
    assert (len(own.own), own.joined) == (buffers, ())
    main_of(case).parallel = Parallel(5, own.own)
    check(case.program)


@pytest.mark.parametrize("name", JOINED)
def test_joining_steps_are_found(name):
    write, reductions = JOINED[name]
    case = made(write)
    found = separate(main_of(case), uses_of_buffers(case.program))
    assert found is not None
    assert [reduction for _, reduction in found.joined] == reductions
    main_of(case).parallel = Parallel(5)
    with pytest.raises(ArgumentError, match="overwrite each other's buffers"):
        check(case.program)


@pytest.mark.parametrize("name", TOGETHER)
def test_steps_that_depend_on_each_other_are_not_shared(name):
    case = made(TOGETHER[name])
    check(case.program)
    assert separate(main_of(case), uses_of_buffers(case.program)) is None
    main_of(case).parallel = Parallel(5, (case.t,))
    with pytest.raises(ArgumentError, match="depend on each other"):
        check(case.program)


def test_a_buffer_that_the_host_reads_is_not_the_loops():
    case = made(scratch())
    assert separate(main_of(case), uses_of_buffers(case.program), {case.t}) is None


@pytest.mark.parametrize(
    ("message", "mark"),
    [("one part", Parallel(N)), ("one part", Parallel(0)), ("overwrite each other's buffers", Parallel(5))],
)
def test_wrong_marks_are_refused(message, mark):
    case = made(scratch())
    main_of(case).parallel = mark
    with pytest.raises(ArgumentError, match=message):
        check(case.program)


def test_a_shared_loop_holds_no_other():
    case = made(places(lambda i, j: ([(i, 5), j], 0), inner=5))
    main_of(case).parallel = Parallel(5)
    main_of(case).body[0].parallel = Parallel(2)
    with pytest.raises(ArgumentError, match="holds another"):
        check(case.program)


@pytest.mark.parametrize("name", [*ALONE, *JOINED])
def test_shared_steps_do_what_steps_do(name):
    write, _ = (ALONE | JOINED)[name]
    rng = np.random.default_rng(1964)
    arguments = rng.choice([-2.0, -1.0, 1.0, 2.0], 100), rng.integers(0, 4, 100)
    code, expected = interpreted(made(write).program, *arguments)
    assert code == 0
    with shared(FEW=4):
        case = made(write)
        parallel.share(case.program)
        assert main_of(case).parallel
        code, found = compiled(case.program)(*arguments)
    assert code == 0
    for y, z in zip(found, expected, strict=True):
        np.testing.assert_array_equal(y, z)


def failing(*steps, n=4000):
    """Return a program whose steps end it with codes."""
    k = Kernel()
    y = k.result("f64", n, "y")
    with k.loop(n) as i:
        for step, code in steps:
            k.fail(k("eq", i.counter, number(step, INT)), code)
        k.store(number(1.0), y, i.counter)
    return k.program


@pytest.mark.parametrize(
    "steps", [[(7, 3)], [(3999, 2)], [(3000, 5), (2000, 4), (1000, 6)], [(10, 9), (9, 8)]]
)
def test_the_first_failure_is_the_programs(steps):
    with shared():
        program = parallel.share(failing(*steps))
        run = compiled(program)
        assert program.body[0].parallel
        assert {run()[0] for _ in range(50)} == {min(steps)[1]}


def sums(n, type):
    k = Kernel()
    x, s = k.argument(type, n, "x"), k.result(type, 1, "s")
    with k.loop(n, number(-0.0, type), lanes=True) as loop:
        loop.next(k("add", loop.entries[0], k.load(x, loop.counter)), by="add")
    k.store(loop.results[0], s)
    return k.program


def shared_sum(x, type="f64"):
    with shared():
        program = parallel.share(sums(len(x), type))
        assert program.body[0].parallel
        run = compiled(program)
        code, ((found,),) = run(x)
    assert code == 0
    return found


@pytest.mark.parametrize(("type", "u"), [("f64", 2.0**-53), ("f32", 2.0**-24)])
@pytest.mark.parametrize("n", [100, 5_003, 300_000])
def test_shared_sums_are_as_good_as_others(type, u, n):
    rng = np.random.default_rng(n)
    x = (rng.uniform(0.5, 1.0, n) * rng.choice([1.0, -1.0], n)).astype(
        np.float64 if type == "f64" else np.float32
    )
    # BLOCK - 1 in its lane, log2(64) where copies and lanes of a short part are joined, that of the part, the last
    roundings = 15 + 6 + 1 + 1
    exact = math.fsum(x.astype(float))
    assert abs(float(shared_sum(x, type)) - exact) <= roundings * u * float(np.abs(x.astype(float)).sum())


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({}, 0.0),
        ({3: np.inf}, np.inf),
        ({3: np.inf, 900: -np.inf}, np.nan),
        ({700: np.nan}, np.nan),
        ({3: 1e308, 900: 1e308}, np.inf),
        ({3: 1e16, 500: 1.0, 900: -1e16}, 1.0),
    ],
)
def test_special_sums(entries, expected):
    x = np.full(1000, -0.0)
    for k, value in entries.items():
        x[k] = value
    found = shared_sum(x)
    np.testing.assert_array_equal(found, expected)
    if not entries:
        assert np.signbit(found)


def test_indices_are_those_of_the_whole_loop():
    k = Kernel()
    y = k.result("i64", 1000, "y")
    with k.loop(1000, lanes=True) as loop:
        k.store(k("mul", loop.counter, Constant(INT, 3)), y, loop.counter)
    with shared():
        parallel.share(k.program)
        _, (found,) = compiled(k.program)()
    np.testing.assert_array_equal(found, 3 * np.arange(1000))


@pytest.mark.parametrize("lanes", [True, False])
@pytest.mark.parametrize("n", [65, 1000, 1024])
def test_several_reductions_with_what_is_carried_in(lanes, n):
    k = Kernel()
    x = k.argument("f64", n, "x")
    firsts = k.load(x, offset=1), k.load(x, offset=2), number(2.0), number(True, "bool"), number(7, INT)
    with k.loop(n, *firsts, lanes=lanes) as loop:
        value, (total, most, product, below, count) = k.load(x, loop.counter), loop.entries
        loop.next(
            k("add", total, value),
            k("maximum", most, value),
            k("mul", product, number(-1.0)),
            k("and", below, k("lt", value, number(9.0))),
            k("add", count, loop.counter),
        )
    for one, name in zip(loop.carried, ("add", "maximum", "mul", "and", "add"), strict=True):
        one.reduction = name
        k.store(one.result, k.result(one.result.type, 1))
    arguments = np.random.default_rng(n).integers(-8, 8, n).astype(float)
    arguments[2] = 30.0
    _, expected = interpreted(k.program, arguments)
    with shared():
        parallel.share(k.program)
        assert next(s for s in k.program.body if isinstance(s, For)).parallel
        assert compiled(k.program)(arguments)[1] == expected

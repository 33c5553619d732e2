"""The executor: values are freed and overwritten at their last use, results are nobody else's, guards stop it."""

from __future__ import annotations

import gc
import inspect
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.graph import Graph, Node, Var
from wengert.core.primitive import Primitive
from wengert.transforms.execution import Executor, run
from wengert.transforms.staging import Guard, Stage
from wengert.types import type_of

N = 1 << 17  # numbers, a megabyte: beside these the executor's own lists are nothing
VECTOR = type_of(np.ones(4))


class Seen(np.ndarray):
    """An array that weak references can point to."""


def chain(*prims: Primitive, n_inputs: int = 1) -> Graph:
    """A graph in which every primitive takes the last result; its output is the last."""
    x = Var(VECTOR)
    last, nodes = x, []
    for prim in prims:
        y = Var(VECTOR)
        nodes.append(Node(prim, (last,), {}, (y,)))
        last = y
    return Graph([x], nodes, [last])


def watcher(alive: list[int], refs: list[Any]) -> Primitive:
    """A primitive that counts how many earlier results are alive when it runs."""

    def eval(x: Any) -> Any:
        alive.append(sum(ref() is not None for ref in refs))
        y = np.add(x, 1.0).view(Seen)
        refs.append(weakref.ref(y))
        return y

    return Primitive(name="watcher", doc="", eval=eval)


def test_values_are_freed_at_their_last_use():
    alive: list[int] = []
    refs: list[Any] = []
    watch = watcher(alive, refs)
    executor = Executor(chain(*[watch] * 6))
    (y,), _ = executor([np.zeros(4)])
    assert alive == [0, 1, 1, 1, 1, 1]  # the operand
    np.testing.assert_array_equal(y, 6.0)
    del y
    gc.collect()
    assert not any(ref() is not None for ref in refs)  # the executor itself holds none


def test_values_that_nobody_reads_are_freed_at_once():
    alive: list[int] = []
    refs: list[Any] = []
    watch = watcher(alive, refs)
    x, ys = Var(VECTOR), [Var(VECTOR) for _ in range(4)]
    graph = Graph([x], [Node(watch, (x,), {}, (y,)) for y in ys], [ys[-1]])
    Executor(graph)([np.zeros(4)])
    assert alive == [0, 0, 0, 0]


def test_values_are_kept_until_their_last_use():
    alive: list[int] = []
    refs: list[Any] = []
    watch = watcher(alive, refs)
    x, a, b, c = (Var(VECTOR) for _ in range(4))
    add = Primitive(name="sum of two", doc="", eval=lambda x, y: watch.eval(x + y))
    graph = Graph(
        [x],
        [Node(watch, (x,), {}, (a,)), Node(watch, (a,), {}, (b,)), Node(add, (a, b), {}, (c,))],
        [c, b],
    )
    ys, _ = Executor(graph)([np.zeros(4)])
    assert alive == [0, 1, 2]
    np.testing.assert_array_equal(ys, [np.full(4, 4.0), np.full(4, 2.0)])
    assert refs[0]() is None


def test_the_peak_is_that_of_two_values():
    graph = wg.trace(lambda x: sum_of_chain(x, 20))(np.ones(N))
    executor, x = Executor(graph), np.ones(N)
    executor([x])
    tracemalloc.start()
    try:
        executor([x])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 2 * x.nbytes <= peak < 2.1 * x.nbytes


def sum_of_chain(x, n):
    for _ in range(n):
        x = np.sqrt(x) + 0.5
    return np.sum(x)


def fill(x, n):
    y = np.zeros_like(x)
    for k in range(n):
        y[k] = x[k] * 2.0
    return y


def test_a_filled_array_is_one_array():
    x = np.ones(N)
    executor = Executor(wg.trace(lambda x: fill(x, 50))(x))
    tracemalloc.start()
    try:
        (y,), _ = executor([x])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(y, fill(x, 50))
    assert peak < 1.1 * x.nbytes


def overwrites(graph: Graph) -> list[bool]:
    return [step.overwrite is not None for part, _ in Executor(graph)._parts for step in part]


def test_inputs_are_never_overwritten():
    def fun(x, v):
        x[0] = v
        x[1] += v
        return x * 1.0, x

    x = np.ones(4)
    ys = run(wg.trace(fun)(x, 2.0), [x, 2.0])
    np.testing.assert_array_equal(x, 1.0)
    np.testing.assert_array_equal(ys, [[2.0, 3.0, 1.0, 1.0]] * 2)


def test_constants_are_never_overwritten():
    table = np.arange(4.0)

    def fun(v):
        y = wg.numpy.array(table)
        y[0] = v
        return y

    graph = wg.trace(fun)(2.0)
    for v in (2.0, 3.0):
        np.testing.assert_array_equal(run(graph, [v])[0], [v, 1.0, 2.0, 3.0])
    np.testing.assert_array_equal(table, np.arange(4.0))
    for const in graph.constants():
        assert const.shape == () or np.array_equal(const.value, np.arange(4.0))


PROGRAMS = {
    "read later": lambda x, v: (y := x * 1.0, z := wg_update(y, v), y * z)[2],
    "read as a result": lambda x, v: (y := x * 1.0, wg_update(y, v)),
    "a view of it is a result": lambda x, v: ((y := x * 1.0)[1:], wg_update(y, v)),
    "a view of it is read": lambda x, v: (y := x * 1.0, z := y[::-1], u := wg_update(y, v), z + u)[3],
    "a reshape of it is read": lambda x, v: (
        y := x * 1.0,
        z := y.reshape(2, 2),
        u := wg_update(y, v),
        z.sum() + u,
    )[3],
    "written into a view of it": lambda x, v: (y := x * 1.0, u := wg_update(y[::-1], v), u + y)[2],
    "written with itself": lambda x, v: (y := x * 1.0, wg_update(y, y[::-1] * v, slice(None)))[1],
    "written with its view": lambda x, v: (y := x * 1.0, wg_update(y, y[::-1], slice(None)))[1],
    "written into itself": lambda x, v: (y := x * 1.0, wg_update(y, y, slice(None)))[1],
    "the operand": lambda x, v: (wg_update(x, v), x)[0],
    "a view of the operand": lambda x, v: (wg_update(x[1:], v), x),
    "a broadcast": lambda x, v: wg_update(np.broadcast_to(x * 1.0, (2, 4)), v),
    "twice": lambda x, v: wg_update(wg_update(x * 1.0, v), v, 2),
    "an entry read before": lambda x, v: (y := x * 1.0, a := y[0], u := wg_update(y, v), a + u)[3],
}


def wg_update(x: Any, v: Any, index: Any = 1) -> Any:
    """A copy of x with v at an index, as a primitive: no handle is rebound."""
    return wg.core.primitive.PRIMITIVES["index_update"](x, v, index=(index,))


@pytest.mark.parametrize("name", PROGRAMS)
def test_overwriting_is_never_seen(name):
    """Run with and without: the results are those of operations that copy."""
    fun = PROGRAMS[name]
    x, v = np.arange(4.0), np.float64(7.0)
    graph = wg.trace(fun)(x, v)
    for _ in range(2):
        ys = run(graph, [x, v])
        copies: dict[Any, Any] = dict(zip(graph.inputs, (x.copy(), v), strict=True))
        for node in graph.nodes:  # every operation on operands of its own
            operands = [np.array(copies[a]) if a in copies else np.array(a.value) for a in node.inputs]
            copies[node.outputs[0]] = np.array(node.prim.eval(*operands, **node.params))
        for y, a in zip(ys, graph.outputs, strict=True):
            np.testing.assert_array_equal(y, copies[a])
        np.testing.assert_array_equal(x, np.arange(4.0))


def test_overwriting_is_done_where_it_may_be():
    graph = wg.trace(PROGRAMS["twice"])(np.ones(4), 1.0)
    assert overwrites(graph) == [False, True, True]
    graph = wg.trace(PROGRAMS["the operand"])(np.ones(4), 1.0)
    assert not any(overwrites(graph))
    assert any(step.overwrite for part, _ in Executor(graph, donated=graph.inputs)._parts for step in part)


def test_donated_operands_are_written_into_where_nobody_else_holds_them():
    graph = wg.trace(PROGRAMS["the operand"])(np.ones(4), 1.0)
    executor = Executor(graph, donated=graph.inputs)
    x = np.ones(4)
    (y,) = executor.consume([x, 2.0])
    np.testing.assert_array_equal(x, 1.0)  # held by this test
    place = [np.ones(4), 2.0]
    address = place[0].ctypes.data
    (y,) = executor.consume(place)
    assert y.ctypes.data == address
    assert place == []
    np.testing.assert_array_equal(y, [1.0, 2.0, 1.0, 1.0])


def test_results_alias_nothing_when_they_reach_the_caller():
    table = np.arange(4.0)

    def fun(x):
        y = x * 2.0
        return x, x[1:], y, y[1:], y, table, table * x, np.broadcast_to(x, (2, 4)), y.reshape(2, 2).T

    compiled = wg.jit(fun)
    x = np.ones(4)
    for _ in range(2):
        ys = compiled(x)
        for i, a in enumerate(ys):
            assert a.flags.writeable
            assert not np.may_share_memory(a, x)
            assert not np.may_share_memory(a, table)
            assert not any(np.shares_memory(a, b) for b in ys[:i])


# Guards -------------------------------------------------------------------------------------------------------------


def guarded(fun: Any, *xs: Any) -> tuple[Executor, list[Guard], list[Any]]:
    """The executor of a function staged on these operands, its guards, and the operations that it has run."""
    done: list[Any] = []
    with Stage(known=True) as stage:
        outputs = fun(*[stage.lift(type_of(x), scalar=not np.ndim(x), value=x) for x in xs])
        graph = stage.graph([outputs], "guarded")
        guards = list(stage.guards)
    nodes = [
        Node(
            node.prim.with_rules(eval=lambda *a, p=node.prim, **k: (done.append(p.name), p.eval(*a, **k))[1]),
            node.inputs, node.params, node.outputs, node.place,
        )
        for node in graph.nodes
    ]  # fmt: skip
    whole = Graph(graph.inputs, nodes, [*graph.outputs, *[guard.atom for guard in guards]])
    return Executor(whole, guards), guards, done


def test_guards_are_asked_in_order_and_as_soon_as_can_be():
    def fun(x):
        y = np.sin(x)
        if x > 0:
            y = np.cos(y)
        if y > 0:
            y = np.exp(y)
        return np.tanh(y)

    executor, guards, done = guarded(fun, np.float64(0.5))
    ys, answers = executor([np.float64(0.25)])
    assert answers == [True, True] == [guard.expected for guard in guards]
    assert ys == [np.tanh(np.exp(np.cos(np.sin(0.25))))]
    assert done == ["sin", "greater", "cos", "greater", "exp", "tanh"]
    done.clear()
    assert executor([np.float64(-0.25)]) == (None, [False])
    assert done == ["sin", "greater"]  # no more than it takes to know
    done.clear()
    ys, answers = executor([np.float64(0.25) + 2 * np.pi])
    assert answers == [True, True]


def test_a_guard_of_an_operand_is_asked_before_anything_runs():
    executor, _, done = guarded(lambda n: n * float(n), np.float64(2.0))
    assert executor([np.float64(3.0)]) == (None, [guard_answer(3.0)])
    assert done == []
    assert executor([np.float64(2.0)])[0] == [4.0]


def guard_answer(x: float) -> Any:
    return (), "<f8", np.float64(x).tobytes()


def test_what_guards_look_at_lives_until_its_turn():
    """A value that is asked for late is kept, and not asked before what was asked earlier."""

    def fun(x):
        early = x > 0.0
        y = np.sin(x)
        if y > 2.0:
            return y
        return y if early else -y

    executor, _, _ = guarded(fun, np.float64(0.5))
    assert executor([np.float64(0.25)]) == ([np.sin(0.25)], [False, True])
    assert executor([np.float64(-0.25)]) == (None, [False, False])


# Errors and warnings --------------------------------------------------------------------------------------------------


def failing(x):
    y = np.log(x)
    return np.linalg.inv(y * np.eye(2))  # the line of the error


def test_errors_and_warnings_carry_the_line_of_the_user():
    compiled = wg.jit(failing)
    compiled(2.0)
    line = inspect.getsourcelines(failing)[1] + 2
    with pytest.raises(np.linalg.LinAlgError) as caught:
        compiled(1.0)
    frames = [(t.path.name, t.lineno + 1) for t in caught.traceback]
    assert ("test_execution.py", line) in frames
    graph = wg.trace(failing)(2.0)
    with pytest.raises(np.linalg.LinAlgError) as caught:
        run(graph, [np.float64(1.0)])
    (note,) = caught.value.__notes__
    assert note == f"in inv, at {__file__}:{line}"


def test_quiet_operations_do_not_warn_and_others_do():
    def quietly(x):
        with np.errstate(all="ignore"):
            return np.log(x)

    def fun(x):
        return quietly(x), np.log(x)

    loud = wg.trace(lambda x: np.log(x))(1.0)
    quiet = wg.trace(quietly)(1.0)
    assert run(quiet, [np.float64(0.0)]) == [-np.inf]
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        run(loud, [np.float64(0.0)])
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert run(wg.trace(fun)(1.0), [np.float64(0.0)]) == [-np.inf, -np.inf]

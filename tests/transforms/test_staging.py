"""Staging: what Python asks becomes guards, values are computed on demand and once, and every node knows its line."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import active
from wengert.core.graph import Const
from wengert.core.primitive import Primitive
from wengert.transforms.execution import run
from wengert.transforms.staging import Stage, stage
from wengert.types import ArrayType, type_of

FLOAT = np.dtype(float)
VECTOR, SCALAR = ArrayType((3,), FLOAT), ArrayType((), FLOAT)
V = np.array([3.0, -1.0, 2.0])


def staged(fun: Any, *xs: Any) -> tuple[Stage, Any, Any]:
    """The interpreter after a function has run on stand-ins of these operands, its graph, and its result."""
    with Stage(known=True) as interpreter:
        tracers = [interpreter.lift(type_of(x), scalar=not isinstance(x, np.ndarray), value=x) for x in xs]
        y = fun(*tracers)
        graph = interpreter.graph([y], "fun")
    return interpreter, graph, y


def counted(log: list[Any]) -> Primitive:
    """The sine, which writes down that it is computed."""
    return Primitive(
        name="counted sine",
        doc="",
        eval=lambda x: (log.append(x), np.sin(x))[1],
        infer=lambda t: t,
        elementwise=True,
    )


# Guards -------------------------------------------------------------------------------------------------------------

S, ONE = np.float64(2.0), np.int64(1)
ASKED = {
    "if": (lambda x: x if x > 1 else -x, (S,), [("bool", True)]),
    "not": (lambda x: x if not x > 3 else -x, (S,), [("bool", False)]),
    "and": (lambda x: x if x > 1 and x < 1.5 else -x, (S,), [("bool", True), ("bool", False)]),
    "a chain of comparisons": (lambda x: x if 0 < x < 1 else -x, (S,), [("bool", True), ("bool", False)]),
    "while": (lambda x: halved(x), (S,), [("bool", True), ("bool", True), ("bool", False)]),
    "bool": (lambda x: x * bool(x), (S,), [("bool", True)]),
    "int": (lambda x: x * int(x), (S,), [("int", 2.0)]),
    "float": (lambda x: x * float(x), (S,), [("float", 2.0)]),
    "complex": (lambda x: x * complex(x).real, (S,), [("complex", 2.0)]),
    "round": (lambda x: x * round(x), (S,), [("round", 2.0)]),
    "index of a list": (lambda n: n + [5, 6, 7][n], (ONE,), [("index", 1)]),
    "range": (lambda n: n + len(range(n)), (ONE,), [("index", 1)]),
    "print": (lambda x: x * len(str(x)), (S,), [("print", 2.0)]),
    "any": (lambda x: x if any(x > 2.5) else -x, (V,), [("bool", True)]),
    "all": (lambda x: x if all(x > 2.5) else -x, (V,), [("bool", True), ("bool", False)]),
    "length": (lambda x: x * len(x) * x.size * x.shape[0] * x.ndim, (V,), []),
    "enumeration": (lambda x: sum(i * v for i, v in enumerate(x)), (V,), []),
    "where": (lambda x: np.where(x > 0, x, -x), (V,), []),
    "max of Python": (lambda x: max(x), (V,), [("bool", False), ("bool", False)]),
    "nonzero": (lambda x: x[np.nonzero(x)], (V,), [("shape", (3,))]),
    "unique": (lambda x: np.unique(x), (V,), [("shape", (3,))] * 3),
    "a type": (lambda x: x if isinstance(x, np.ndarray) and x.dtype == float else -x, (V,), []),
}  # fmt: skip


def halved(x):
    while x > 0.5:
        x = x / 2
    return x


@pytest.mark.parametrize("name", ASKED)
def test_guards_are_what_was_asked_in_order(name):
    fun, xs, expected = ASKED[name]
    interpreter, _, _ = staged(fun, *xs)
    if name == "unique":  # how many there are, of whatever is found of them
        assert interpreter.guards
        assert all(guard.asked == "shape" for guard in interpreter.guards)
        return
    assert [(guard.asked, guard.answer) for guard in interpreter.guards] == expected


def test_a_mask_is_guarded_by_its_length():
    interpreter, graph, y = staged(lambda x: x[x > 0] * 2, V)
    assert y.shape == (2,)
    assert {guard.asked for guard in interpreter.guards} == {"shape"}
    np.testing.assert_array_equal(run(graph, [np.array([-1.0, 4.0, 5.0])])[0], [8.0, 10.0])


def test_guards_tell_numbers_by_their_bits():
    interpreter, _, _ = staged(lambda x: x * float(x), np.float64(0.0))
    (guard,) = interpreter.guards
    assert guard.seen(np.float64(0.0)) == guard.expected
    assert guard.seen(np.float64(-0.0)) != guard.expected
    assert guard.seen(np.float32(0.0)) != guard.expected
    interpreter, _, _ = staged(lambda x: x * float(x), np.float64(np.nan))
    assert interpreter.guards[0].seen(np.float64(np.nan)) == interpreter.guards[0].expected
    hash(guard.expected)


def test_what_does_not_depend_on_operands_is_not_guarded():
    def fun(x):
        c = wg.numpy.array(2.0)
        return x * float(c) if c else x

    assert staged(fun, S)[0].guards == []


def test_guards_and_nodes_know_their_lines():
    def fun(x):
        y = np.sin(x)
        if y > 0:
            y = y * 2

        return np.exp(y) + helper(y)

    first = inspect.getsourcelines(fun)[1]
    interpreter, graph, _ = staged(fun, S)
    places = [(node.prim.name, node.place.line, node.place.function) for node in graph.nodes]
    inside = inspect.getsourcelines(helper)[1] + 1
    assert places == [
        ("sin", first + 1, "fun"),
        ("greater", first + 2, "fun"),
        ("multiply", first + 3, "fun"),
        ("exp", first + 5, "fun"),
        ("cos", inside, "helper"),
        ("add", first + 5, "fun"),
    ]
    (guard,) = interpreter.guards
    assert (guard.place.line, guard.place.file) == (first + 2, __file__)
    assert str(guard.place) == f"{__file__}:{first + 2}"


def helper(y):
    return np.cos(y)


# Values -------------------------------------------------------------------------------------------------------------


def test_values_are_computed_on_demand():
    log: list[Any] = []
    sine = counted(log)

    def fun(x):
        y = sine(sine(x))
        unasked = sine(y)
        assert log == []
        assert y.shape == ()  # types are known without values
        if y > 0:
            y = y * 2
        assert len(log) == 2
        return y + unasked

    staged(fun, S)
    assert len(log) == 2


def test_values_are_computed_once():
    log: list[Any] = []
    sine = counted(log)

    def fun(x):
        y = sine(x)
        for _ in range(5):
            if y > 0.0 and float(y) < 2.0 and y != 0.5:
                y = y * 0.5
        z = sine(y)
        return z if z > 0 and bool(y) and str(z) else y

    staged(fun, S)
    assert len(log) == 2


def test_values_do_not_change_when_handles_do():
    def fun(x):
        y = x * 1.0
        before = float(y[0])
        y[0] = 7.0
        return y * before * float(y[0])

    interpreter, graph, _ = staged(fun, V)
    assert [guard.answer for guard in interpreter.guards] == [3.0, 7.0]
    np.testing.assert_array_equal(run(graph, [V])[0], [147.0, -21.0, 42.0])


def test_long_chains_need_no_recursion():
    def fun(x):
        for _ in range(5000):
            x = x + 1.0
        return x if x > 0 else -x

    assert staged(fun, S)[0].guards[0].answer is True


def test_a_value_given_to_python_is_its_own():
    def fun(x):
        y = x * 2.0
        plain = np.array(wg.stop_gradient(y))
        assert type(plain) is np.ndarray
        plain[:] = 0.0
        return y + float(y[0])

    _, graph, _ = staged(fun, V)
    np.testing.assert_array_equal(run(graph, [V])[0], 2 * V + 6.0)


def test_constants_are_what_they_were_when_they_were_read():
    table = np.array([1.0, 2.0, 3.0])

    def fun(x):
        y = x * table
        table[0] = 10.0
        return y + table

    _, graph, _ = staged(fun, V)
    table[:] = 0.0
    np.testing.assert_array_equal(run(graph, [V])[0], V * [1.0, 2.0, 3.0] + [10.0, 2.0, 3.0])


def test_the_same_constant_is_one():
    table = np.array([1.0, 2.0, 3.0])
    _, graph, _ = staged(lambda x: (x * table + table) * 2.0 + 2.0, V)
    assert len(graph.constants()) == 2
    _, graph, _ = staged(lambda x: x + 0.0 + -0.0 + np.float32(0.0), S)
    assert len(graph.constants()) == 3


# Types alone --------------------------------------------------------------------------------------------------------

QUESTIONS = {
    "a branch": lambda x: x if x[0] > 0 else -x,
    "a number": lambda x: x * float(x[0]),
    "a count": lambda x: np.ones(int(x[0])) * x[0],
    "a mask": lambda x: x[x > 0],
    "nonzero": lambda x: x[np.nonzero(x)],
    "unique": np.unique,
    "a loop": lambda x: sum(x for _ in range(x[0].astype(int))),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_types_alone_answer_nothing(name):
    with pytest.raises(wg.errors.NotConcreteError) as caught:
        stage(lambda x: [QUESTIONS[name](x)], [VECTOR], "fun")
    text = str(caught.value)
    assert all(part in text for part in ("where:", "why:", "instead:"))
    assert "test_staging.py" in text
    assert active() == ()


def test_types_alone_tell_types():
    def fun(x):
        assert x.shape == (3,)
        assert len(x) == x.size == 3
        assert x.dtype == float
        return [x[1:] @ x[:-1], np.outer(x, x).T]

    graph, captured = stage(fun, [VECTOR], "fun")
    assert captured == []
    assert graph.out_types == (SCALAR, ArrayType((3, 3), FLOAT))
    np.testing.assert_array_equal(run(graph, [V])[1], np.outer(V, V))


def test_branches_on_constants_are_free():
    graph, _ = stage(lambda x: [x * 2 if wg.numpy.array(1.0) else x], [VECTOR], "fun")
    assert graph.nodes[-1].prim.name == "multiply"
    assert isinstance(graph.nodes[-1].inputs[1], Const)


def test_branches_on_what_is_made_of_constants_are_free():
    graph, _ = stage(lambda x: [x * 2 if wg.numpy.array(1.0) > 0 else x], [VECTOR], "fun")
    assert graph.nodes[-1].prim.name == "multiply"


# Enclosing transformations -------------------------------------------------------------------------------------------


def test_captured_tracers_are_further_inputs():
    seen = []

    def outer(a, b):
        graph, captured = stage(lambda x: [x * a + b * a], [SCALAR], "inner")
        seen.append((len(graph.inputs), len(captured)))
        return graph.apply([np.float64(3.0), *captured])[0]

    assert wg.grad(outer, (0, 1))(2.0, 5.0) == (8.0, 2.0)
    assert wg.jvp(outer, (2.0, 5.0), (1.0, 0.5)) == (16.0, 9.0)
    assert seen == [(3, 2)] * 2
    assert wg.grad(wg.grad(lambda a: outer(a, a)))(2.0) == 2.0


def test_captured_values_can_be_asked_for():
    """Under a gradient they are known; under a batch they are not."""

    def outer(a):
        with Stage(known=True) as interpreter:
            x = interpreter.lift(SCALAR, scalar=True, value=np.float64(3.0))
            y = x * a if a > 1 else x
            graph = interpreter.graph([y], "inner")
        assert [guard.asked for guard in interpreter.guards] == []  # the transformation itself was asked
        return graph.apply([np.float64(3.0), *interpreter.captured()])[0]

    assert wg.grad(outer)(2.0) == 3.0
    with pytest.raises(wg.errors.NotConcreteError):
        wg.vmap(outer)(np.array([2.0, 0.5]))
    assert active() == ()


def test_an_escaped_tracer_is_refused():
    kept = []
    staged(lambda x: (kept.append(x), x * 2)[1], S)
    with pytest.raises(wg.errors.TracerEscapedError):
        kept[0] + 1.0


def test_failures_close_the_stage():
    with pytest.raises(ZeroDivisionError):
        staged(lambda x: x * (1 // 0), S)
    assert active() == ()

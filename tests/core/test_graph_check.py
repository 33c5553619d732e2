"""The checker sees every way in which a graph can be wrong, and names the operation and its line."""

import numpy as np
import pytest

import wengert as wg
from wengert.core import check
from wengert.core.check import checked
from wengert.core.graph import Const, Graph, Node, Place, Var
from wengert.core.primitive import PRIMITIVES
from wengert.errors import ArgumentError
from wengert.transforms.staging import Stage
from wengert.types import ArrayType

F64 = ArrayType((2,), np.dtype(float))
F32 = ArrayType((2,), np.dtype(np.float32))
SIN, ADD, DIVMOD = PRIMITIVES["sin"], PRIMITIVES["add"], PRIMITIVES["divmod"]
HERE = Place("program.py", 12, "f")


def apply(prim, inputs, outputs, **params):
    return Node(prim, tuple(inputs), params, tuple(outputs), HERE)


def valid():
    x, y, z = Var(F64), Var(F64), Var(F64)
    return [x], [apply(SIN, [x], [y]), apply(ADD, [y, Const(np.float64(1.0))], [z])], [z, x]


def reordered():
    inputs, nodes, outputs = valid()
    return inputs, nodes[::-1], outputs


def free_operand():
    inputs, nodes, outputs = valid()  # noqa: RUF059
    return [], nodes, outputs[:1]


def assigned_twice():
    inputs, nodes, outputs = valid()
    return inputs, [*nodes, apply(SIN, inputs, nodes[0].outputs)], outputs


def assigned_to_an_input():
    x = Var(F64)
    return [x], [apply(SIN, [x], [x])], [x]


def other_type():
    x, y = Var(F64), Var(F32)
    return [x], [apply(SIN, [x], [y])], [y]


def operands_that_do_not_fit():
    x, y, z = Var(F64), Var(ArrayType((3,), np.dtype(float))), Var(F64)
    return [x, y], [apply(ADD, [x, y], [z])], [z]


def too_many_results():
    x, y, z = Var(F64), Var(F64), Var(F64)
    return [x], [apply(SIN, [x], [y, z])], [y]


def too_few_results():
    x, y = Var(F64), Var(F64)
    return [x], [apply(DIVMOD, [x, x], [y])], [y]


def result_that_is_no_variable():
    x = Var(F64)
    return [x], [apply(SIN, [x], [Const(np.ones(2))])], [x]


def unknown_output():
    inputs, nodes, _ = valid()
    return inputs, nodes, [Var(F64)]


def input_twice():
    inputs, nodes, outputs = valid()
    return inputs * 2, nodes, outputs


def input_that_is_no_variable():
    return [Const(np.ones(2))], [], []


def nested():
    x, y = Var(F64), Var(F64)
    inner = Graph(*free_operand(), name="inner")
    return [x], [apply(PRIMITIVES["call"], [x], [y], graph=inner, active=(True,))], [y]


WRONG = {
    reordered: "node 0, add(f64[2], 1.0): operand 0 is used before it is made",
    free_operand: "node 0, sin(f64[2]): operand 0 is free",
    assigned_twice: "node 2, sin(f64[2]): a result is assigned a second time",
    assigned_to_an_input: "a result is assigned a second time",
    other_type: "its results are f32[2], and its primitive gives f64[2]",
    operands_that_do_not_fit: "its primitive refuses the operands: ValueError",
    too_many_results: "it has 2 results, and its primitive gives one",
    too_few_results: "its results are f64[2], and its primitive gives f64[2], f64[2]",
    result_that_is_no_variable: "a result is no variable",
    unknown_output: "an output of type f64[2] is no input",
    input_twice: "an input of type f64[2] stands there twice",
    input_that_is_no_variable: "an input is no variable",
    nested: "the graph of inner is not valid",
}


def test_a_valid_graph_passes():
    check.check(Graph(*valid()))


@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
def test_a_wrong_graph_is_refused(make):
    with pytest.raises(ArgumentError) as error:
        check.check(Graph(*make()))
    assert WRONG[make] in str(error.value)
    assert error.value.why
    assert error.value.instead
    if "node" in WRONG[make]:
        assert 'File "program.py", line 12, in f' in str(error.value)


def test_graphs_that_are_made_are_checked_in_tests():
    with Stage() as stage:
        x = stage.lift(F64)
        np.sin(x)
        stage.nodes[0].outputs = (Var(F32),)
        with pytest.raises(ArgumentError, match="is not valid"):
            stage.graph([x], "f")


def test_nothing_is_checked_unless_somebody_asks():
    check.always(False)
    try:
        assert checked(wrong := Graph(*reordered())) is wrong  # noqa: RUF018
    finally:
        check.always(True)
    with pytest.raises(ArgumentError):
        checked(wrong)


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: wg.jit(wg.grad(lambda v: np.sum(np.tanh(v) ** 2)))(x),
        lambda x: wg.grad(wg.jit(lambda v: np.sum(np.linalg.svd(np.outer(v, v))[1])))(x),
        lambda x: wg.hessian(wg.jit(lambda v: np.prod(v) * np.max(v)))(x),
        lambda x: wg.vmap(wg.jit(lambda v: np.sort(v)[0]))(np.stack([x, x])),
        lambda x: wg.grad(lambda v: wg.scan(lambda c, u: (c * u, c), v[0], v)[0])(x),
    ],
)
def test_what_transformations_make_is_valid(fun):
    fun(np.array([0.5, 1.5, 2.5]))

"""Contents of graphs: equal where the same is computed, in another process too, and different wherever a bit is."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
from wengert.compile.compiled import Native
from wengert.compile.contents import Contents, NoContents
from wengert.compile.context import NotLowered
from wengert.control.custom import custom_derivative
from wengert.core.graph import Const, Graph, Node, Var
from wengert.core.primitive import PRIMITIVES
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import Guard
from wengert.types import ArrayType

from .random_source import inputs, source
from .test_random_programs import FORMS, REFUSED, graph_of

FLOAT = ArrayType((3,), np.dtype(float))
X = np.array([1.0, 2.0, 3.0])


def contents(fun, *args):
    return Contents(simplify(wg.trace(fun)(*args))).text


def one(name, *operands, type=FLOAT, quiet=False, **params):
    """The contents of one operation on some atoms."""
    prim = PRIMITIVES[name]
    node = Node(prim, operands, params, (Var(type),), quiet=quiet)
    return Contents(Graph([a for a in operands if isinstance(a, Var)], [node], node.outputs)).text


def mixed(x):
    def step(i, c):
        return np.where(c > 0.5, np.sin(c) + x[i], wg.cond(c[0] > 0, np.exp, np.cos, c))

    return wg.fori_loop(0, 3, step, x * np.array([1.0, 2.0, 4.0]))


def test_two_traces_of_one_function_have_equal_contents():
    assert contents(wg.grad(lambda x: np.sum(mixed(x))), X) == contents(
        wg.grad(lambda v: np.sum(mixed(v))), X
    )


def test_contents_are_the_same_in_every_process():
    here = Path(__file__).parents[2]
    code = (
        "import hashlib; from tests.compile.test_contents import *;"
        "print(hashlib.sha256(contents(wg.grad(lambda x: np.sum(mixed(x))), X).encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=here,
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join([str(here / "src"), str(here)]),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


DIFFERENT = {
    "operations": [lambda x: np.sin(x), lambda x: np.cos(x), lambda x: np.sin(np.sin(x))],
    "numbers": [
        lambda x, c=c: x * c for c in (2.0, 3.0, 0.1, 0.1 + 2**-56, 0.0, -0.0, np.nan, -np.nan, np.inf)
    ],
    "dtypes of numbers": [
        lambda x, d=d: x.astype("f4") * np.full(3, 2, d) for d in ("f4", "f8", "i4", "i8", "u1")
    ],
    "arrays": [lambda x, k=k: x * np.array([1.0, 2.0, k]) for k in (3.0, -3.0, 0.0, -0.0)],
    "layouts": [lambda x, a=a: x[:2] * a for a in (np.eye(2), np.asfortranarray(np.eye(2)), np.ones((2, 2)))],
    "axes": [lambda x, k=k: np.sum(x * np.ones((3, 3)), axis=k) for k in (0, 1, None)],
    "shapes": [lambda x, s=s: np.broadcast_to(x, s) for s in ((3,), (1, 3), (2, 3))],
    "indices": [
        lambda x, i=i: x[i] for i in (0, 1, slice(0, 1), slice(0, 2), slice(0, 3, 2), None, [0, 1], [1, 0])
    ],
    "casts": [lambda x, d=d: x.astype(d) for d in ("f4", "i8", "i4", "u4", "?")],
    "operands": [
        lambda x: x * np.sin(x),
        lambda x: np.sin(x) * x,
        lambda x: np.sin(x) - x,
        lambda x: x - np.sin(x),
    ],
    "outputs": [lambda x: [x, -x], lambda x: [-x, x], lambda x: [-x]],
    "lengths of loops": [lambda x, n=n: wg.fori_loop(0, n, lambda i, c: c * x, x) for n in (3, 4, 5)],
    "bodies": [lambda x, k=k: wg.fori_loop(0, 3, lambda i, c: c * x + k, x) for k in (1.0, 2.0)],
    "directions": [
        lambda x, r=r: wg.scan(lambda c, a: (c + a, c * a), x[0], x, reverse=r)[1] for r in (False, True)
    ],
    "branches": [lambda x, f=f: wg.cond(x[0] > 0, *f, x) for f in ((np.sin, np.cos), (np.cos, np.sin))],
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_programs_that_differ_have_different_contents(kind):
    found = [contents(fun, X) for fun in DIFFERENT[kind]]
    assert len(set(found)) == len(found)


def test_types_of_inputs_are_contents():
    types = [
        ArrayType(s, np.dtype(d))
        for s in ((), (3,), (1, 3), (0,))
        for d in ("f8", "f4", ">f8", "c16", "i8", "?")
    ]
    found = [Contents(Graph([v], [], [v])).text for v in map(Var, types)]
    found += [
        Contents(Graph([v], [], [v])).text for v in (Var(types[0], scalar=True), Var(types[0], weak=float))
    ]
    found += [Contents(Graph([v, Var(types[1])], [], [v])).text for v in (Var(types[1]),)]
    assert len(set(found)) == len(found)


def test_everything_of_a_node_is_contents():
    x, y = Var(FLOAT), Var(FLOAT)
    found = [
        one("add", x, y),
        one("subtract", x, y),
        one("add", x, x),
        one("add", x, y, quiet=True),
        one("add", x, y, type=ArrayType((3,), np.dtype("f4"))),
        *[
            one("add", x, y, k=k)
            for k in (1, 1.0, True, "1", b"1", None, 1j, 1 + 0j, (1,), [1], ((1,),), np.float64(1))
        ],
        *[
            one("add", x, y, k=k)
            for k in (np.dtype("f8"), np.float64, float, ..., slice(1), slice(None, 1, 1), FLOAT)
        ],
        *[
            one("add", x, y, k=k)
            for k in (0.0, -0.0, np.ones(1), np.ones((1, 1)), np.float32(1), np.dtype("f4"))
        ],
        one("add", x, y, j=1),
    ]
    assert len(set(found)) == len(found)


def test_two_constants_are_not_one():
    """A program reads one array, or two that hold the same now."""
    x = Var(FLOAT)
    for live in (False, True):
        a, b = Const(X.copy(), live=live), Const(X.copy(), live=live)
        found = {one("where", x, a, k) for k in (a, b)}
        assert len(found) == 2
    assert one("add", x, Const(X, live=True)) != one("add", x, Const(X))
    assert one("add", x, Const(X, live=True)) == one("add", x, Const(2 * X, live=True))  # read in every run
    gap = Const(np.ones(6)[::2], live=True)
    assert one("add", x, Const(X, live=True)) != one("add", x, gap)


def test_guards_are_contents():
    x = Var(ArrayType((), np.dtype(float)), scalar=True)
    asked = [
        (),
        [("bool", True)],
        [("bool", False)],
        [("float", 1.0)],
        [("float", 2.0)],
        [("int", 1)],
        [("float", -0.0)],
    ]
    found = [
        Contents(Graph([x], [], [x]), [Guard(x, *guard, None) for guard in guards]).text for guards in asked
    ]
    assert len(set(found)) == len(found)


def test_lines_and_names_are_not():
    assert contents(lambda x: np.sin(x), X) == contents(np.sin, X)


@custom_derivative
def doubled(x):
    return 2.0 * x


doubled.defvjp(lambda x: (doubled(x), None), lambda _, y_bar: (3.0 * y_bar,))


@pytest.mark.parametrize("fun", [doubled, lambda x: x * np.lexsort((x,))])
def test_functions_of_the_user_and_of_numpy_have_no_contents(fun):
    with pytest.raises(NoContents):
        contents(fun, X)


def test_primitives_of_others_have_no_contents():
    x = Var(FLOAT)
    for prim in (
        PRIMITIVES["sin"].with_rules(lower=PRIMITIVES["cos"].lower),  # of a name that is another's
        PRIMITIVES["sin"].with_rules(name="sine"),
    ):
        y = Var(FLOAT)
        with pytest.raises(NoContents):
            Contents(Graph([x], [Node(prim, (x,), {}, (y,))], [y]))
    with pytest.raises(NoContents):
        one("add", x, x, k=lambda: 1)
    with pytest.raises(NoContents):
        one("add", x, Const(np.arange(2.0**22)))


TEXTS = {}  # what programs became, by their contents


@given(st.lists(st.tuples(*[st.integers(0, 1023)] * 4), min_size=6, max_size=12), st.sampled_from(FORMS))
@settings(max_examples=150)
def test_equal_contents_are_equal_programs(numbers, form):
    """Short programs, so that many of them are equal."""
    length = 1 + numbers[0][0] % 4
    turn = numbers[-1][0] % 2
    text = source(numbers, length, exact=True, turn=turn, finite=True)
    try:
        graph = graph_of(text, form, list(inputs(True, turn).values()))
        made = Native(graph)
    except (*REFUSED, NotLowered):
        return
    try:
        key = Contents(graph).text
    except NoContents:
        return
    assert TEXTS.setdefault(key, made.text) == made.text
    assert Contents(graph_of(text, form, list(inputs(True, turn).values()))).text == key

"""The text of graphs: names, numbers, parameters, places."""

import re
from functools import partial
from itertools import islice

import numpy as np
import pytest

import wengert as wg
from wengert.core.graph import Graph, Node, Place, Var
from wengert.core.primitive import PRIMITIVES
from wengert.core.show import names, node_text, text, value_text
from wengert.ops.index_forms import SLOT
from wengert.types import ArrayType

F64 = ArrayType((2,), np.dtype(float))


def test_names_run_through_the_alphabet_and_leave_out_words_of_python():
    found = list(islice(names(), 1000))
    assert found[:3] == ["a", "b", "c"]
    assert found[25:28] == ["z", "aa", "ab"]
    assert len(set(found)) == 1000
    assert not {"as", "if", "in", "is", "or"} & set(found)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "3"),
        (0.1, "0.1"),
        (None, "None"),
        (True, "True"),
        ("ij,jk->ik", "'ij,jk->ik'"),
        ((0,), "(0,)"),
        ((), "()"),
        ((1, 2), "(1, 2)"),
        ([1, "a"], "[1, 'a']"),
        (tuple(range(10)), "(0, 1, 2, 3, 4, 5, 6, 7, … 2 more)"),
        (slice(1, 3), "1:3"),
        (slice(None, None, -1), "::-1"),
        ((Ellipsis, slice(None), None, SLOT), "(..., :, None, SLOT)"),
        (np.dtype(np.float32), "float32"),
        (np.float32, "float32"),
        (np.zeros((2, 3)), "f64[2,3]"),
        (np.array(0.1, np.float32), "0.1"),
        ({"axis": 0}, "{axis: 0}"),
        (np.sin, "sin"),
        (partial(np.sum, axis=0), "sum"),
        (object(), "<object>"),
        ("x" * 100, "'" + "x" * 38 + "…"),
    ],
)
def test_a_parameter_is_short(value, words):
    assert value_text(value) == words


def test_constants_are_numbers_or_types():
    graph = wg.trace(lambda x: (x * np.float32(0.1) + (1 + 2j)) * np.ones((3, 1)))(np.ones(2, np.float32))
    lines = str(graph).splitlines()
    assert "multiply(a, 0.1)" in lines[1]
    assert "add(b, (1+2j))" in lines[2]
    assert "multiply(c, f64[3,1])" in lines[3]


def test_a_line_names_the_file_without_its_folder_and_the_line():
    line = str(wg.trace(np.sin)(1.0)).splitlines()[1]
    assert re.search(r"  # test_graph_show\.py:\d+$", line)


def test_an_operation_without_a_place_has_no_comment():
    x, y = Var(F64), Var(F64)
    graph = Graph([x], [Node(PRIMITIVES["sin"], (x,), {}, (y,))], [y], "")
    assert str(graph) == "graph(a: f64[2]):\n    b: f64[2] = sin(a)\n    return b"
    assert repr(graph) == str(graph) == text(graph)


def test_a_graph_that_is_not_valid_can_still_be_shown():
    x = Var(F64)
    node = Node(PRIMITIVES["sin"], (Var(F64),), {}, (x,), Place("/a/b/c.py", 7, "f"))
    assert str(Graph([], [node], [x], "f")).splitlines()[1] == "    a: f64[2] = sin(?)  # c.py:7"


def test_a_node_is_described_by_its_types():
    node = wg.trace(lambda x: np.sum(x, axis=0))(np.ones((2, 3))).nodes[0]
    assert node_text(node) == "sum(f64[2,3], axis=(0,), keepdims=False)"


def test_a_long_graph_is_shown_in_linear_time_and_without_recursion():
    def chain(x):
        for _ in range(5000):
            x = np.sin(x)
        return x

    assert len(str(wg.trace(chain)(1.0)).splitlines()) == 5002

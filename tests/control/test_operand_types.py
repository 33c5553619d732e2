"""The checker compares operands with the inputs of nested graphs."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.core import check
from wengert.core.graph import Graph, Node, Var
from wengert.core.primitive import PRIMITIVES
from wengert.errors import ArgumentError
from wengert.types import ArrayType, type_of

NESTING = ["call", "scan", "scan_reversal", "switch", "while", "while_reversal"]


def graph_of(name):
    """Return a valid graph of one operation, as a list of its types and a function that makes it of others."""
    prim = PRIMITIVES[name]
    xs, params = next(iter(prim.samples(np.random.default_rng(0))))
    types = list(map(type_of, xs))

    def make(types, params=params):
        inputs = [Var(t) for t in types]
        outputs = tuple(Var(t) for t in prim.infer(*map(type_of, xs), **params))
        return Graph(inputs, [Node(prim, tuple(inputs), params, outputs)], outputs)

    return types, make


@pytest.mark.parametrize("name", NESTING)
def test_operands_are_those_of_the_nested_graph(name):
    types, make = graph_of(name)
    check.check(make(types))
    for k, t in enumerate(types):
        for wrong in (ArrayType((*t.shape, 7), t.dtype), ArrayType(t.shape, np.dtype(np.complex64))):
            with pytest.raises(ArgumentError, match=r"where .* belong"):
                check.check(make([*types[:k], wrong, *types[k + 1 :]]))
    with pytest.raises(ArgumentError, match="not valid"):
        check.check(make(types[:-1]))


def test_branches_have_one_type():
    prim, t = PRIMITIVES["switch"], ArrayType((3,), np.dtype(float))
    one, other = (wg.trace(f)(np.ones(3)) for f in (np.sin, np.sum))
    index, x, y = Var(ArrayType((), np.dtype(np.int64))), Var(t), Var(t)
    with pytest.raises(ArgumentError, match="results of a branch"):
        check.check(Graph([index, x], [Node(prim, (index, x), {"graphs": (one, other)}, (y,))], [y]))

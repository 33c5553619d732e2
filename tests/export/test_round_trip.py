"""What is saved is loaded as it was: every primitive on every sample, and whole programs."""

import json
import zipfile

import numpy as np
import pytest

import wengert as wg
from tests.golden.programs import PROGRAMS
from tests.laws.cases import ALL, samples
from wengert.core.check import check
from wengert.core.graph import Graph, Node, Place, Var
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.errors import ArgumentError
from wengert.tree import flatten
from wengert.types import type_of

CODE = {"custom", "integral"}  # primitives that hold functions of the user's


@pytest.fixture
def again(tmp_path):
    def saved_and_loaded(graph):
        wg.export.save(graph, tmp_path / "a.graph")
        return wg.export.load(tmp_path / "a.graph")

    return saved_and_loaded


def same(a, b):
    assert str(a) == str(b)
    for x, y in zip(a.atoms(), b.atoms(), strict=True):
        assert (x.type, x.scalar, x.weak) == (y.type, y.scalar, y.weak)
    for x, y in zip(a.constants(), b.constants(), strict=True):
        assert (x.live, x.type, x.scalar) == (y.live, y.type, y.scalar)
        assert x.value.tobytes() == y.value.tobytes()
    assert [(n.quiet, n.place) for n in a.nodes] == [(n.quiet, n.place) for n in b.nodes]
    assert a.structures == b.structures


def single(prim, case):
    inputs = [Var(type_of(x), scalar=not np.shape(x)) for x in case.xs]
    types = prim.infer(*[a.type for a in inputs], **case.params)
    outputs = tuple(Var(t, scalar=not t.shape) for t in (types if prim.multiple else (types,)))
    node = Node(prim, tuple(inputs), case.params, outputs, Place("f.py", 3, "f"), quiet=True)
    return Graph(inputs, [node], outputs, prim.name)


SAMPLED = [name for name in ALL if PRIMITIVES[name].samples and PRIMITIVES[name].infer]


@pytest.mark.parametrize("name", [name for name in SAMPLED if name not in CODE])
def test_every_primitive(name, again):
    prim = PRIMITIVES[name]
    for case in samples(prim):
        graph = single(prim, case)
        found = again(graph)
        same(graph, found)
        with np.errstate(all="ignore"):
            ys = prim.eval(*case.xs, **case.params)
            zs = prim.eval(*case.xs, **found.nodes[0].params)
        for y, z in zip(ys if prim.multiple else (ys,), zs if prim.multiple else (zs,), strict=True):
            np.testing.assert_array_equal(y, z)


@pytest.mark.parametrize("name", sorted(CODE))
def test_code_is_not_saved(name, again):
    case = next(samples(PRIMITIVES[name]))
    with pytest.raises(ArgumentError, match="cannot be saved"):
        again(single(PRIMITIVES[name], case))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name, again):
    fun, args = PROGRAMS[name]
    graph = wg.trace(fun)(*args)
    found = again(graph)
    same(graph, found)
    for y, z in zip(flatten(graph(*args))[0], flatten(found(*args))[0], strict=True):
        np.testing.assert_array_equal(y, z)


def test_derivatives_of_what_was_loaded(again):
    def value(x):
        return np.sum(wg.scan(lambda c, v: (np.sin(c * v), c), x[0], x)[1])

    x = np.array([0.5, 1.5, 2.5])
    graph = again(wg.trace(value)(x))
    np.testing.assert_allclose(wg.grad(graph)(x), wg.grad(value)(x), rtol=1e-14)
    np.testing.assert_array_equal(wg.jit(graph)(x), value(x))


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: np.round(x, decimals=1) * np.argmax(x),
        lambda x: np.digitize(x, bins=[0.0, 1.0]),
        lambda x: np.histogram(x, bins=np.array([0.0, 1.0, 2.0]))[0],
        lambda x: np.isclose(x, x[::-1], rtol=0.1),
    ],
)
def test_calls_of_numpy(fun, again):
    x = np.array([0.2, 1.26, 1.9])
    graph = wg.trace(fun)(x)
    np.testing.assert_array_equal(again(graph)(x), fun(x))


def test_numbers_that_json_lacks(again):
    graph = wg.trace(lambda x: x * np.array([np.nan, np.inf, -0.0]) + 1j * np.float32(0.1))(np.ones(3))
    same(graph, again(graph))


def test_arrays_of_another_byte_order(again):
    swapped = np.array([1.0, 2.0]).astype(">f8")
    x, y = Var(type_of(np.ones(2))), Var(type_of(np.ones(2)))
    graph = Graph(
        [x], [Node(PRIMITIVES["getitem"], (x,), {"index": (swapped.astype(">i8") - 1,)}, (y,))], [y]
    )
    np.testing.assert_array_equal(again(graph)(np.array([5.0, 6.0])), [5.0, 6.0])


def test_a_function_of_placeholders(again):
    x = wg.placeholder(2, name="x")
    f = wg.function([x], {"y": np.sum(x**2), "slope": wg.gradients(np.sum(x**2), x)})
    found = again(f.graph)([1.0, 2.0] * np.ones(2))
    np.testing.assert_array_equal(found["slope"], [2.0, 4.0])


def test_a_graph_that_others_share_is_saved_once(tmp_path):
    inner = wg.trace(np.sin)(1.0)
    call = PRIMITIVES["call"]
    graph = wg.trace(lambda x: call(*call(x, graph=inner, active=(True,)), graph=inner, active=(True,)))(1.0)
    wg.export.save(graph, tmp_path / "a.graph")
    with zipfile.ZipFile(tmp_path / "a.graph") as archive:
        assert len(json.loads(archive.read("graph.json"))["graphs"]) == 2
    check(wg.export.load(tmp_path / "a.graph"))


# What cannot be saved -------------------------------------------------------------------------------------------------


def test_only_graphs_are_saved(tmp_path):
    with pytest.raises(ArgumentError, match="save got a function"):
        wg.export.save(lambda x: x, tmp_path / "a.graph")


def test_containers_that_are_classes_are_refused(tmp_path):
    graph = wg.trace(np.linalg.svd)(np.eye(2))
    with pytest.raises(ArgumentError, match="container of type SVDResult"):
        wg.export.save(graph, tmp_path / "a.graph")
    assert not (tmp_path / "a.graph").exists()


def test_primitives_outside_of_the_registry_are_refused(tmp_path):
    x, y = Var(type_of(1.0)), Var(type_of(1.0))
    prim = Primitive(name="sin", doc="Another one.", eval=np.cos, infer=lambda t: t)
    with pytest.raises(ArgumentError, match="not one of Wengert's"):
        wg.export.save(Graph([x], [Node(prim, (x,), {}, (y,))], [y]), tmp_path / "a.graph")

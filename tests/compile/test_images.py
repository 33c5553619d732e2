"""Images: programs that are found on disk run as those that were just compiled, and nothing else is ever found."""

import os
import threading

import numpy as np
import pytest

import wengert as wg
from wengert.compile import cache, compiled, images
from wengert.compile.compiled import Native
from wengert.compile.context import NotLowered
from wengert.compile.kernel_text import kernel_text
from wengert.core.graph import Const, Graph, Node, Var
from wengert.core.primitive import PRIMITIVES
from wengert.transforms.simplify import simplify
from wengert.types import ArrayType

from .random_source import inputs
from .test_random_programs import REFUSED, Kind, drawn, graph_of, text_of

X = np.array([0.5, 2.0, -1.0])


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "objects"))
    return cache.default()


@pytest.fixture
def lowerings(monkeypatch):
    """How often a graph is lowered."""
    count = []
    plain = compiled.lowered
    monkeypatch.setattr(
        compiled, "lowered", lambda *args, **kwargs: count.append(1) or plain(*args, **kwargs)
    )
    return count


def traced(fun, *args):
    return simplify(wg.trace(fun)(*args))


def run(graph, *xs):
    (y,) = Native(graph).flat(xs)(*xs)
    return y


def branchy(x):
    y = wg.fori_loop(0, 4, lambda i, c: c * np.array([1.0, 3.0, 0.5]) + np.tanh(x), x)
    return np.sum(np.where(x > 0, np.sqrt(np.maximum(y, 0.0)), 0.0))


@pytest.mark.usefixtures("store")
def test_a_graph_is_lowered_once(lowerings):
    expected = wg.grad(branchy)(X)
    for _ in range(3):
        np.testing.assert_allclose(run(traced(wg.grad(branchy), X), X), expected, rtol=1e-14)
    careful = sum(lowerings) - 1  # where a mask was needed
    assert careful in {0, 1}


@pytest.mark.usefixtures("store")
def test_one_can_look_inside_of_what_was_found(lowerings):
    made, found = (Native(traced(wg.grad(branchy), X)) for _ in range(2))
    assert len(lowerings) == 1
    assert found.text == made.text
    assert kernel_text(found.program) == kernel_text(made.program)
    assert found.arena == made.arena == found.program.arena


@pytest.mark.usefixtures("store", "machine_code")
def test_functions_find_their_images(lowerings):
    def fun(x, y):
        return x * np.sin(y) if x > 1.0 else x - y

    for _ in range(2):
        function = wg.jit(wg.value_and_grad(fun, (0, 1)))
        for x in (2.0, 0.5):
            value, slopes = function(x, 3.0)
            expected = (x * np.sin(3.0), np.sin(3.0), x * np.cos(3.0)) if x > 1.0 else (-2.5, 1.0, -1.0)
            np.testing.assert_allclose([value, *slopes], expected, rtol=1e-15)
    assert len(lowerings) == 2


@pytest.mark.usefixtures("store", "machine_code")
def test_arrays_of_the_user_are_read_anew_by_what_was_found(lowerings):
    table = np.array([1.0, 2.0, 3.0])

    def fun(x):
        return x * table

    for scale in (1.0, 10.0, 100.0):
        table[:] = scale * np.array([1.0, 2.0, 3.0])
        function = wg.jit(fun)
        np.testing.assert_array_equal(function(X), X * table)
        table[0] = -scale
        np.testing.assert_array_equal(function(X), X * table)
    assert len(lowerings) <= 2


@pytest.mark.usefixtures("store")
def test_constants_are_those_of_the_graph_that_is_run():
    """Arrays that the user may write into are no part of what is kept."""
    x = Var(ArrayType((3,), np.dtype(float)))
    add = PRIMITIVES["add"]
    for scale in (1.0, 2.0):
        a, b = Const(scale * X, live=True), Const(np.arange(3.0), live=True)
        y, z = Var(x.type), Var(x.type)
        graph = Graph([x], [Node(add, (x, b), {}, (y,)), Node(add, (y, a), {}, (z,))], [z])
        np.testing.assert_array_equal(run(graph, X), X + np.arange(3.0) + scale * X)


@pytest.mark.usefixtures("store")
def test_what_numpy_does_is_not_kept(lowerings):
    def fun(x):
        return np.sin(np.sort(x)) * 2.0

    for _ in range(2):
        np.testing.assert_allclose(run(traced(fun, X), X), fun(X), rtol=1e-15)
    assert len(lowerings) == 2


def test_who_looks_for_an_image_waits_for_that_one_alone(store, monkeypatch):
    """Another one that a disk takes its time to write holds nobody up; the same one is found."""
    written, save = threading.Event(), cache.Store.save

    def slow(self, *args):
        written.wait(10.0)
        save(self, *args)

    monkeypatch.setattr(cache.Store, "save", slow)
    np.testing.assert_allclose(run(traced(np.sin, X), X), np.sin(X), rtol=1e-15)
    np.testing.assert_allclose(run(traced(np.cos, X), X), np.cos(X), rtol=1e-15)
    assert not store.path.exists() or not store.entries()
    written.set()
    images.settle()
    assert len(store.entries()) == 2


def test_where_no_thread_starts_images_are_written_at_once(store, monkeypatch):
    def refused(_thread):
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", refused)
    np.testing.assert_allclose(run(traced(np.sin, X), X), np.sin(X), rtol=1e-15)
    assert len(store.entries()) == 1


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "foreign"])
def test_a_damaged_image_is_made_again(store, lowerings, damage):
    graph = traced(np.sin, X)
    run(graph, X)
    images.settle()
    paths = [store.path / entry.name for entry in store.entries()]
    whole = {path: path.read_bytes() for path in paths}
    for path, data in whole.items():
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        foreign = b"x" * len(data)
        path.write_bytes(
            {"truncated": data[:-1], "empty": b"", "flipped": flipped, "foreign": foreign}[damage]
        )
    np.testing.assert_allclose(run(graph, X), np.sin(X), rtol=1e-15)
    assert len(lowerings) == 2
    images.settle()
    assert any(path.read_bytes() == data for path, data in whole.items())  # healed


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        bytes(8),
        b"\xff" * 40,
        (2).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        *[
            len(head).to_bytes(8, "little") + head
            for head in (
                b'{"arena": 0, "long": false, "masks": true, "symbols": [], "constants": [7]}',
                b'{"arena": 0, "long": false, "masks": true, "symbols": [], "constants": [["<f8", [1000000]]]}',
                b'{"arena": 0, "long": false, "masks": true, "symbols": [], "constants": [["O", [1]]]}',
                b'{"arena": "many", "long": false, "masks": true, "symbols": [], "constants": []}',
            )
        ],
    ],
)
def test_bytes_that_are_no_image_are_none(packed):
    assert images._unpacked(packed, []) is None


def test_images_come_back_as_they_were():
    a, b = Const(X), Const(np.arange(4, dtype="i4").reshape(2, 2))
    image = images.Image(b"code", 64, True, False, ("wg.blas.dgemm",), (a, b, a))
    found = images._unpacked(images._packed(image, {a: 0}), [a])
    assert found[:5] == image[:5]
    assert found.constants[0] is found.constants[2] is a
    np.testing.assert_array_equal(found.arrays[1], b.value)
    assert images._packed(image._replace(constants=(Const(X, live=True),)), {}) is None
    assert images._packed(image._replace(constants=(Const(np.ones(1 << 20)),)), {}) is None


def test_the_sources_are_part_of_the_name(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_PACKAGE", tmp_path)
    digests = [images._sources.__wrapped__()]
    for text in ("a = 1", "a = 12", "a = 21"):
        (tmp_path / "a.py").write_text(text)
        digests.append(images._sources.__wrapped__())
        os.utime(tmp_path / "a.py", ns=(1, 1))
        digests.append(images._sources.__wrapped__())
    (tmp_path / "b.ll").write_text("")
    digests.append(images._sources.__wrapped__())
    assert digests[0] == ""  # then nothing is kept
    assert len(set(digests)) == len(digests)


def test_no_image_without_a_place(monkeypatch, store):
    graph = traced(np.sin, X)
    assert images.place_of(graph, (), masks=False) is not None
    monkeypatch.setattr(images, "_sources", lambda: "")
    assert images.place_of(graph, (), masks=False) is None
    monkeypatch.undo()
    monkeypatch.setenv("WENGERT_CACHE_DIR", "")
    assert images.place_of(graph, (), masks=False) is None


@pytest.mark.parametrize("number", range(60))
def test_programs_that_are_found_give_the_same_bits(number):
    kind = Kind(60, (1, 12), exact=False)
    draws = drawn(kind, number)
    text, form = text_of(draws, kind), draws.form
    xs = list(inputs(False, draws.numbers[-1][0]).values())
    try:
        graph = graph_of(text, form, xs)
        first = Native(graph).flat(xs)(*xs)
    except (*REFUSED, NotLowered):
        return
    second = Native(graph_of(text, form, xs)).flat(xs)(*xs)
    assert (first is None) == (second is None)
    for y, z in zip(first or (), second or (), strict=True):
        assert np.asarray(y).tobytes() == np.asarray(z).tobytes()

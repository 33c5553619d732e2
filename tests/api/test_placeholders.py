"""Define and run: graphs of placeholders, functions of them, and their derivatives."""

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotConcreteError, NotDifferentiableError

A, B = np.array([0.1, 0.2, 0.3]), np.array([1.0, -2.0, 3.0])


def model(w, x):
    return np.sum(np.tanh(w * x) ** 2) + x[0] * w[-1]


@pytest.fixture
def built():
    x, w = wg.placeholder(3, name="x"), wg.placeholder(3, name="w")
    return x, w, model(w, x)


def test_values_are_given_by_position_or_by_name(built):
    x, w, y = built
    f = wg.function([x, w], y)
    expected = model(B, A)
    assert f(A, B) == f(x=A, w=B) == f(A, w=B) == f(w=B, x=A) == expected
    assert isinstance(f(A, B), np.float64)
    assert f.names == ("x", "w")
    assert repr(f) == "<function of (x: f64[3], w: f64[3]) to (f64[])>"


def test_results_have_the_structure_of_the_outputs_and_are_the_callers(built):
    x, w, y = built
    f = wg.function([x, w], {"y": y, "more": [x * w, (x, 2.0)], "table": np.ones(2)})
    first = f(A, B)
    assert first["y"] == model(B, A)
    assert first["more"][1][1] == 2.0
    first["more"][1][0][:] = 7.0
    first["table"][:] = 7.0
    assert A[0] == 0.1
    np.testing.assert_array_equal(f(A, B)["table"], [1.0, 1.0])


def test_lists_numbers_and_smaller_types_are_taken():
    x, n = wg.placeholder(2), wg.placeholder()
    f = wg.function([x, n], x * n)
    np.testing.assert_array_equal(f([1, 2], 3), [3.0, 6.0])
    np.testing.assert_array_equal(f(np.array([1, 2], np.float32), np.float32(3)), [3.0, 6.0])
    single = wg.function([s := wg.placeholder(2, np.float32)], s * 2)
    assert single(np.array([0.5, 1.5], np.float32)).dtype == np.float32


def test_numpy_works_on_placeholders():
    x = wg.placeholder((3, 3), name="x")
    y = np.linalg.solve(x @ x.T + np.eye(3), x[:, 0]).sum() + np.where(x > 0, x, 0.0).max()
    z = x.copy()
    z[0] = 1.0
    z += 1
    f = wg.function([x], [y, z, np.array([x[0, 0], x[1, 1]]), np.argmax(x)])
    m = np.random.default_rng(0).normal(size=(3, 3))
    found = f(m)
    expected = m.copy()
    expected[0] = 1.0
    np.testing.assert_allclose(
        found[0], np.linalg.solve(m @ m.T + np.eye(3), m[:, 0]).sum() + m.max(), rtol=1e-13
    )
    np.testing.assert_array_equal(found[1], expected + 1)
    np.testing.assert_array_equal(found[2], np.diag(m)[:2])
    assert found[3] == np.argmax(m)


def test_constants_are_what_they_were():
    x, table = wg.placeholder(3), B.copy()
    y = x * table
    table[:] = 0.0
    z = x * table
    f = wg.function([x], [y, z])
    np.testing.assert_array_equal(f(A)[0], A * B)
    np.testing.assert_array_equal(f(A)[1], A * 0.0)


# Derivatives ----------------------------------------------------------------------------------------------------------


def test_gradients_are_those_of_grad(built):
    x, w, y = built
    f = wg.function([x, w], wg.gradients(y, [x, w]))
    for found, expected in zip(f(A, B), wg.grad(model, argnums=(1, 0))(B, A), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_gradients_have_the_structure_of_what_they_are_of(built):
    x, w, y = built
    found = wg.gradients(y, {"x": x, "rest": (w,)})
    assert set(found) == {"x", "rest"}
    assert found["rest"][0].shape == (3,)


def test_gradients_of_gradients(built):
    x, w, y = built
    (slope,) = wg.gradients(y, [x])
    norm = np.sum(slope**2)
    f = wg.function([x, w], wg.gradients(norm, [x, w]))
    expected = wg.grad(lambda w, x: np.sum(wg.grad(model, argnums=1)(w, x) ** 2), argnums=(1, 0))(B, A)
    for a, b in zip(f(A, B), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_the_third_derivative():
    x = wg.placeholder()
    y = x**4
    for _ in range(3):
        y = wg.gradients(y, x)
    assert wg.function([x], y)(2.0) == 48.0


def test_gradients_with_respect_to_a_value_inside_count_all_ways():
    x = wg.placeholder(3)
    h = x * x
    g = np.sin(h)
    y = np.sum(g * h)
    f = wg.function([x], wg.gradients(y, [x, h, g]))
    by_x, by_h, by_g = f(A)
    h = A * A
    np.testing.assert_allclose(by_g, h, rtol=1e-15)
    np.testing.assert_allclose(by_h, np.sin(h) + h * np.cos(h), rtol=1e-15)
    np.testing.assert_allclose(by_x, 2 * A * (np.sin(h) + h * np.cos(h)), rtol=1e-15)


def test_the_gradient_of_a_value_with_respect_to_itself_is_one(built):
    x, w, y = built
    assert wg.function([x, w], wg.gradients(y, y))(A, B) == 1.0


def test_gradients_of_what_does_not_depend_are_zero(built):
    x, w, _ = built
    f = wg.function([x, w], wg.gradients(np.sum(np.floor(x)), [x, w]))
    for found in f(A, B):
        np.testing.assert_array_equal(found, np.zeros(3))


def test_gradients_through_operations_with_several_results_and_saved_values():
    x = wg.placeholder((4, 3))

    def value(m):
        u, s, vt = np.linalg.svd(m, full_matrices=False)
        c, total = wg.scan(lambda c, row: (np.tanh(c + row), np.sum(c * row)), m[0], m)
        return np.sum(s**3) + np.sum(u @ vt) + np.sum(c) + np.sum(total**2)

    m = np.random.default_rng(1).normal(size=(4, 3))
    found = wg.function([x], wg.gradients(value(x), x))(m)
    np.testing.assert_allclose(found, wg.grad(value)(m), rtol=1e-12)


def test_gradients_add_no_second_forward_pass():
    x = wg.placeholder()
    y = np.exp(np.sin(x))
    graph = wg.function([x], [y, wg.gradients(y, x)]).graph
    assert [node.prim.name for node in graph.nodes].count("exp") == 1


def test_values_of_zero_cotangents_do_not_matter():
    x = wg.placeholder(2)
    y = np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    np.testing.assert_array_equal(wg.function([x], wg.gradients(y, x))([0.0, 4.0]), [0.0, 0.25])


# Composition ----------------------------------------------------------------------------------------------------------


def test_a_function_of_placeholders_is_part_of_a_larger_graph(built):
    x, w, y = built
    f = wg.function([x, w], y)
    u = wg.placeholder(3, name="u")
    z = f(u, 2 * u) + f(x=u, w=B)
    h = wg.function([u], [z, wg.gradients(z, u)])
    value, slope = h(A)
    assert value == pytest.approx(model(2 * A, A) + model(B, A), rel=1e-15)
    np.testing.assert_allclose(slope, wg.grad(lambda v: model(2 * v, v) + model(B, v))(A), rtol=1e-14)
    assert "call" not in {node.prim.name for node in h.graph.nodes}


@pytest.mark.parametrize(
    "transformed",
    [
        lambda f: wg.grad(f)(A, B),
        lambda f: wg.grad(f, argnums=1)(A, B),
        lambda f: wg.hessian(f)(A, B),
        lambda f: wg.jit(f)(A, B),
        lambda f: wg.jit(wg.grad(f))(A, B),
        lambda f: wg.grad(wg.jit(f))(A, B),
        lambda f: wg.vmap(f)(np.stack([A, B]), np.stack([B, A])),
        lambda f: wg.jvp(f, (A, B), (B, A))[1],
        lambda f: wg.trace(f)(A, B)(A, B),
    ],
)
def test_transformations_of_a_function_are_those_of_the_program(built, transformed):
    x, w, y = built
    found, expected = transformed(wg.function([x, w], y)), transformed(lambda x, w: model(w, x))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


def test_transformations_of_programs_take_placeholders(built):
    x, w, _ = built
    f = wg.function([x, w], [wg.grad(model)(w, x), wg.vmap(np.sin)(x), wg.jit(model)(w, x)])
    slope, sines, value = f(A, B)
    np.testing.assert_allclose(slope, wg.grad(model)(B, A), rtol=1e-14)
    np.testing.assert_array_equal(sines, np.sin(A))
    assert value == pytest.approx(model(B, A), rel=1e-15)


# Errors ---------------------------------------------------------------------------------------------------------------


def function_of_both():
    x, w = wg.placeholder(3, name="x"), wg.placeholder(3, name="w")
    return wg.function([x, w], model(w, x))


def written(x):
    x[0] = 1.0
    return x


WRONG = {
    "missing": (lambda: function_of_both()(A), ArgumentError, "lacks w"),
    "unknown": (lambda: function_of_both()(A, B, q=1), ArgumentError, "does not know q"),
    "twice": (lambda: function_of_both()(A, B, x=A), ArgumentError, "was given twice x"),
    "many": (lambda: function_of_both()(A, B, A), ArgumentError, "takes no argument 2"),
    "shape": (
        lambda: function_of_both()(A[:2], B),
        ArgumentError,
        "x of .* given f64\\[2\\], and is f64\\[3\\]",
    ),
    "shape that would broadcast": (lambda: function_of_both()(1.0, B), ArgumentError, "given f64\\[\\]"),
    "dtype": (lambda: function_of_both()(A, B + 1j), ArgumentError, "w of .* given c128\\[3\\]"),
    "text": (lambda: function_of_both()("a", B), ArgumentError, "given a str"),
    "free": (
        lambda: wg.function([wg.placeholder()], wg.placeholder(name="v") * 2),
        ArgumentError,
        "depend on <placeholder v: f64\\[\\]>",
    ),
    "no placeholder": (lambda: wg.function([A], A), ArgumentError, "input 0 is of type ndarray"),
    "result as input": (
        lambda: wg.function([wg.placeholder() * 2], 1.0),
        ArgumentError,
        "input 0 is no placeholder, but <multiply: f64\\[\\]>",
    ),
    "written input": (
        lambda: wg.function([written(wg.placeholder(2))], 1.0),
        ArgumentError,
        "input 0 is no placeholder, but <index_update",
    ),
    "input twice": (lambda: wg.function([p := wg.placeholder(), p], p), ArgumentError, "are not distinct"),
    "name twice": (
        lambda: wg.function([wg.placeholder(name="x"), wg.placeholder(name="x")], 1.0),
        ArgumentError,
        "are not distinct",
    ),
    "output": (lambda: wg.function([wg.placeholder()], "y"), ArgumentError, "an output is of type str"),
    "unknown length": (lambda: wg.placeholder((None, 3)), ArgumentError, "has shape \\(None, 3\\)"),
    "negative length": (lambda: wg.placeholder(-1), ArgumentError, "has shape"),
    "dtype of no numbers": (lambda: wg.placeholder(2, "U3"), ArgumentError, "dtype <U3"),
    "name": (lambda: wg.placeholder(name="a b"), ArgumentError, "cannot be named 'a b'"),
    "vector": (lambda: wg.gradients(p := wg.placeholder(3), p), NotDifferentiableError, "f64\\[3\\] to diff"),
    "integers": (
        lambda: wg.gradients(wg.placeholder(), wg.placeholder(2, int)),
        NotDifferentiableError,
        "with respect to",
    ),
    "plain y": (
        lambda: wg.gradients(1.0, wg.placeholder()),
        ArgumentError,
        "what is differentiated is of type",
    ),
    "branch": (lambda: bool(wg.placeholder() > 0), NotConcreteError, "Python asked for bool"),
    "float": (lambda: float(wg.placeholder()), NotConcreteError, "a graph of placeholders"),
    "shape of values": (lambda: np.nonzero(wg.placeholder(3)), NotConcreteError, "numpy.nonzero"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name):
    make, kind, words = WRONG[name]
    with pytest.raises(kind, match=words) as error:
        make()
    assert error.value.why
    assert error.value.instead
    assert "test_placeholders.py" in error.value.where


# Memory, depth, threads -----------------------------------------------------------------------------------------------


def test_what_nobody_refers_to_is_gone_at_once():
    gc.disable()
    try:
        x = wg.placeholder(3)
        y = np.sin(x) * B
        wires = [weakref.ref(y.value), weakref.ref(y.value.source.inputs[0])]
        kept = wg.function([x], np.cos(x))
        del y
        assert [ref() for ref in wires] == [None, None]
        assert kept(A)[0] == np.cos(0.1)
    finally:
        gc.enable()


def test_a_function_keeps_what_it_needs():
    x = wg.placeholder(3)
    f = wg.function([x], [np.sin(x) * 2])
    del x
    gc.collect()
    np.testing.assert_array_equal(f(A)[0], np.sin(A) * 2)


def test_a_long_chain_is_built_differentiated_and_freed():
    x = y = wg.placeholder()
    n = 3 * sys.getrecursionlimit()
    for _ in range(n):
        y = y * 1.0001
    slope = wg.gradients(y, x)
    f = wg.function([x], slope)
    assert f(1.0) == pytest.approx(1.0001**n, rel=1e-11)
    del x, y, slope, f


def test_threads_build_graphs_of_their_own():
    results = {}

    def build(k):
        x = wg.placeholder()
        y = x
        for i in range(200):
            y = y + np.float64(i * k)
        results[k] = wg.function([x], [y, wg.gradients(y * y, x)])(1.0)

    threads = [threading.Thread(target=build, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, (y, slope) in results.items():
        assert y == 1.0 + 19900 * k
        assert slope == 2 * y
